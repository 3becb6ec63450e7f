# Where outputs go: links are followed when they are the user's own, files of other kinds are not replaced, names that hgn
# gives by itself are not taken.
. "$SOURCE/tests/cli/helpers.sh"
. "$SOURCE/tests/cli/training.sh"
expect 0 "test MSE" "$HGN" train tiny.yaml -o r.h5 train.steps=4 train.checkpoint_every=2 eval.every=2 "objective.name=elbo"
mkdir -p scratch

# put NAME...: the link NAME leads to a file on another disk, which is not there yet; the command makes it there.
link() {
  ln -s "scratch/$2" "$1"
}
check_link() {
  [ -L "$1" ] || fail "$1 was a link, and is none now"
  [ -f "scratch/$2" ] && [ ! -L "scratch/$2" ] || fail "$1: nothing was written where the link leads"
}
for _ in 1 2; do # created, then replaced
  [ -L data.h5 ] || link data.h5 data_far.h5
  # shellcheck disable=SC2086
  expect 0 "data.h5" "$HGN" simulate "$PENDULUM" -o data.h5 $SMALL
  check_link data.h5 data_far.h5
  [ -L limits.h5 ] || link limits.h5 limits_far.h5
  expect 0 "limits.h5" "$HGN" limit d.h5 -k 3 --rollouts 20 -o limits.h5
  check_link limits.h5 limits_far.h5
  for ending in png gif h5; do
    [ -L roll.$ending ] || link roll.$ending roll_far.$ending
    expect 0 "roll.$ending" "$HGN" rollout r.h5 -o roll.$ending
    check_link roll.$ending roll_far.$ending
  done
  [ -L sample.h5 ] || link sample.h5 sample_far.h5
  expect 0 "sample.h5" "$HGN" sample r.h5 -n 2 -o sample.h5
  check_link sample.h5 sample_far.h5
  [ -L show.png ] || link show.png show_far.png
  expect 0 "show.png" "$HGN" show d.h5 -o show.png
  check_link show.png show_far.png
done
expect 0 "verified" "$HGN" info data.h5

# A run: its checkpoints and its best model are where its file is; it is measured by either name.
link train.h5 train_far.h5
expect_ranks 2 0 "test MSE" "$HGN" train tiny.yaml -o train.h5 train.steps=4
check_link train.h5 train_far.h5
[ -e scratch/train_far.checkpoint-00000004.h5 ] && [ -e scratch/train_far.best.h5 ] || fail "no checkpoints: $(ls scratch)"
expect 0 "complete already" "$HGN" train tiny.yaml -o train.h5 train.steps=4
cp train.yaml train.yaml 2>/dev/null
expect_ranks 2 0 "trained for 4 steps" "$HGN" eval train.h5
expect 0 "trained for 4 steps" "$HGN" eval scratch/train_far.h5
expect 0 "png" "$HGN" rollout train.h5 --best -o x.png

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
expect 0 "arrays.h5" "$HGN" rollout r.h5 -o arrays.h5
expect 0 "samples.h5" "$HGN" sample r.h5 -n 1 -o samples.h5
/usr/bin/python3 -c '
import h5py
with h5py.File("mine.h5", "w") as f:
    f["/train/frames"] = [1, 2, 3]'
echo "a letter" >text.h5
echo "a letter" >text.png
echo "a letter" >text.gif
head -c 3000 d.h5 >damaged.h5
# keeps FILE STATUS "TEXT" COMMAND...: it is refused, and the file stays as it was.
keeps() {
  kept=$1
  cp "$kept" before
  shift
  expect "$@"
  cmp -s "$kept" before || fail "$kept was written to: $*"
}
for file in r.h5 r.best.h5 r.checkpoint-00000004.h5 d.limit.h5 arrays.h5 samples.h5 mine.h5 text.h5 damaged.h5; do
  case $file in
  r.best.h5 | r.checkpoint* | d.limit.h5) cp $file copy.h5 ;;
  *) cp $file copy.h5 ;;
  esac
  # shellcheck disable=SC2086
  keeps copy.h5 3 "copy.h5: is there, and is" "$HGN" simulate "$PENDULUM" -o copy.h5 $SMALL
done
for file in r.h5 d.h5 d.limit.h5 mine.h5 text.h5; do
  cp $file copy.h5
  keeps copy.h5 3 "copy.h5: is there, and is" "$HGN" rollout r.h5 -o copy.h5
  keeps copy.h5 3 "copy.h5: is there, and is" "$HGN" sample r.h5 -n 1 -o copy.h5
done
for file in r.h5 d.h5 arrays.h5 mine.h5 text.h5; do
  cp $file copy.h5
  keeps copy.h5 3 "copy.h5" "$HGN" limit d.h5 -k 3 --rollouts 20 -o copy.h5
done
keeps text.png 3 "text.png: is there, and is not a picture" "$HGN" show d.h5 -o text.png
keeps text.gif 3 "text.gif: is there, and is not a picture" "$HGN" rollout r.h5 -o text.gif
: >empty.h5
# shellcheck disable=SC2086
expect 0 "empty.h5" "$HGN" simulate "$PENDULUM" -o empty.h5 $SMALL

# Names of ours.
for name in y.best.h5 y.limit.h5 y.checkpoint-00000010.h5 y.checkpoint-7.h5; do
  expect_ranks 2 2 "$name: hgn itself gives such names" "$HGN" train tiny.yaml -o $name
  # shellcheck disable=SC2086
  expect 2 "$name: hgn itself gives such names" "$HGN" simulate "$PENDULUM" -o $name $SMALL
  expect 2 "$name: hgn itself gives such names" "$HGN" rollout r.h5 -o $name
  expect 2 "$name: hgn itself gives such names" "$HGN" sample r.h5 -n 1 -o $name
done
cp tiny.yaml tiny.best.yaml
expect 2 "tiny.best.h5: hgn itself gives such names" "$HGN" train tiny.best.yaml
expect 0 "y.checkpoint-x.h5" "$HGN" rollout r.h5 -o y.checkpoint-x.h5
[ -z "$(ls y.best* y.limit* y.checkpoint-0* y.checkpoint-7* 2>/dev/null; find . -name '*partial*' -o -name '*.lock')" ] || fail "left: $(ls -A)"
finish
