# Where outputs go: links are followed when they are the user's own, files of other kinds are not replaced, names that hgn
# gives by itself are not taken.
. "$SOURCE/tests/cli/helpers.sh"
. "$SOURCE/tests/cli/training.sh"
expect 0 "test MSE" "$HGN" train tiny.yaml -o r.h5 train.steps=4 train.checkpoint_every=2 eval.every=2 "objective.name=elbo"
mkdir -p scratch

# follows NAME COMMAND...: the output NAME is a link to a file on another disk, which is made there, or replaced.
follows() {
  name=$1
  shift
  [ -L "$name" ] || ln -s "scratch/far_$name" "$name"
  expect 0 "$name" "$@" -o "$name"
  [ -L "$name" ] || fail "$name was a link, and is none now"
  [ -f "scratch/far_$name" ] && [ ! -L "scratch/far_$name" ] || fail "$name: nothing was written where the link leads"
}
for _ in 1 2; do # created, then replaced
  # shellcheck disable=SC2086
  follows data.h5 "$HGN" simulate "$PENDULUM" $SMALL
  follows roll.png "$HGN" rollout r.h5
done
follows limits.h5 "$HGN" limit d.h5 -k 3 --rollouts 20
follows roll.gif "$HGN" rollout r.h5
follows roll.h5 "$HGN" rollout r.h5
follows sample.h5 "$HGN" sample r.h5 -n 2
follows show.png "$HGN" show d.h5
expect 0 "verified" "$HGN" info data.h5

# A run: its checkpoints and its best model are where its file is; it is measured by either name.
follows train.h5 "$HGN" train tiny.yaml train.steps=4
[ -e scratch/far_train.checkpoint-00000004.h5 ] && [ -e scratch/far_train.best.h5 ] || fail "no checkpoints: $(ls scratch)"
expect_ranks 2 0 "complete already" "$HGN" train tiny.yaml -o train.h5 train.steps=4
expect_ranks 2 0 "trained for 4 steps" "$HGN" eval train.h5
expect 0 "trained for 4 steps" "$HGN" eval scratch/far_train.h5

# A link that another user has put there is not followed, nor is anything created through it.
echo precious >victim
for target in victim nothing; do
  ln -s $target planted.h5
  if chown -h 65534 planted.h5 2>/dev/null; then
    # shellcheck disable=SC2086
    expect_ranks 2 3 "planted.h5 is a link of another user" "$HGN" simulate "$PENDULUM" -o planted.h5 $SMALL
    expect 3 "planted.h5 is a link of another user" "$HGN" train tiny.yaml -o planted.h5 train.steps=2
    expect 3 "planted.h5 is a link of another user" "$HGN" limit d.h5 -k 3 --rollouts 20 -o planted.h5
    expect 3 "planted.h5 is a link of another user" "$HGN" rollout r.h5 -o planted.h5
    [ ! -e nothing ] && [ "$(cat victim)" = precious ] || fail "a planted link was followed"
  fi
  rm planted.h5
done
ln -s loop2.h5 loop1.h5
ln -s loop1.h5 loop2.h5
# shellcheck disable=SC2086
expect 3 "loop1.h5" "$HGN" simulate "$PENDULUM" -o loop1.h5 $SMALL

# Nothing but its own kind is replaced. A file that somebody else made stays, whatever it is.
expect 0 "limit" "$HGN" limit d.h5 -k 3 --rollouts 20
cp scratch/far_roll.h5 arrays.h5
/usr/bin/python3 -c '
import h5py
with h5py.File("mine.h5", "w") as f:
    f["/train/frames"] = [1, 2, 3]'
echo "a letter" >text.h5
echo "a letter" >text.png
echo "a letter" >text.gif
# keeps FILE STATUS "TEXT" COMMAND...: it is refused, and the file stays as it was.
keeps() {
  kept=$1
  cp "$kept" before
  shift
  expect "$@"
  cmp -s "$kept" before || fail "$kept was written to: $*"
}
for file in r.h5 d.limit.h5 arrays.h5 mine.h5 text.h5; do
  cp $file copy.h5
  # shellcheck disable=SC2086
  keeps copy.h5 3 "copy.h5: is there, and is" "$HGN" simulate "$PENDULUM" -o copy.h5 $SMALL
done
for file in r.h5 d.h5; do
  cp $file copy.h5
  keeps copy.h5 3 "copy.h5: is there, and is" "$HGN" rollout r.h5 -o copy.h5
  keeps copy.h5 3 "copy.h5: is there, and is" "$HGN" sample r.h5 -n 1 -o copy.h5
  keeps copy.h5 3 "copy.h5" "$HGN" limit d.h5 -k 3 --rollouts 20 -o copy.h5
done
keeps text.png 3 "text.png: is there, and is not a file of this kind" "$HGN" show d.h5 -o text.png
keeps text.gif 3 "text.gif: is there, and is not a file of this kind" "$HGN" rollout r.h5 -o text.gif
: >empty.h5
# shellcheck disable=SC2086
expect 0 "empty.h5" "$HGN" simulate "$PENDULUM" -o empty.h5 $SMALL

# Names of ours.
for name in y.best.h5 y.limit.h5 y.checkpoint-00000010.h5 y.checkpoint-7.h5; do
  expect 2 "$name: hgn itself gives such names" "$HGN" train tiny.yaml -o $name
done
# shellcheck disable=SC2086
expect_ranks 2 2 "y.best.h5: hgn itself gives such names" "$HGN" simulate "$PENDULUM" -o y.best.h5 $SMALL
expect 2 "y.limit.h5: hgn itself gives such names" "$HGN" rollout r.h5 -o y.limit.h5
expect 2 "y.best.h5: hgn itself gives such names" "$HGN" sample r.h5 -n 1 -o y.best.h5
cp tiny.yaml tiny.best.yaml
expect 2 "tiny.best.h5: hgn itself gives such names" "$HGN" train tiny.best.yaml
expect 0 "y.checkpoint-x.h5" "$HGN" rollout r.h5 -o y.checkpoint-x.h5
[ -z "$(ls y.best* y.limit* y.checkpoint-0* y.checkpoint-7* 2>/dev/null; find . -name '*partial*' -o -name '*.lock')" ] || fail "left: $(ls -A)"
finish
