# Two programs on one file: by another name, a link, another library; whatever way it is reached, one of them writes it.
. "$SOURCE/tests/cli/helpers.sh"
. "$SOURCE/tests/cli/training.sh"
keep_segments_here
LIVE="train.steps=100000 train.checkpoint_every=100000 train.report_every=1000 eval.every=0"

# begin NAME: a run that goes on until it is ended.
begin() {
  # shellcheck disable=SC2086
  "$HGN" -q train tiny.yaml -o "$1.h5" $LIVE >job.txt 2>&1 &
  job=$!
  await $job "$1.checkpoint-00000000.h5" || fail "no checkpoint: $(cat job.txt)"
}
end() {
  kill -KILL $job
  wait $job 2>/dev/null
}

begin run
ln -s run.h5 latest.h5
ln run.h5 hard.h5
mkdir -p sub
ln -s ../run.h5 sub/far.h5
for name in run.h5 sub/../run.h5 latest.h5 sub/far.h5; do
  # shellcheck disable=SC2086
  expect_ranks 2 3 "run.h5: another job is writing it: process $job on" "$HGN" train tiny.yaml -o $name $LIVE
done
# shellcheck disable=SC2086
expect 3 "hard.h5: another job is writing it" "$HGN" train tiny.yaml -o hard.h5 $LIVE
for name in latest.h5 hard.h5; do
  # shellcheck disable=SC2086
  expect 3 "another job is writing it" "$HGN" simulate "$PENDULUM" -o $name $SMALL
  expect 3 "$name: is of format 'hgn-run'" "$HGN" limit d.h5 -k 3 --rollouts 20 -o $name
done
[ -e .run.h5.lock ] || fail "those that were refused have taken the lock away"
[ -z "$(ls .latest.h5.lock .hard.h5.lock sub/.far.h5.lock 2>/dev/null)" ] || fail "locks are left: $(ls -A . sub)"

# The run shares no checkpoints with one that is called almost the same.
# shellcheck disable=SC2086
expect 2 "run: a run's file ends in .h5; its checkpoints are named after what stands before: use run.h5" "$HGN" train tiny.yaml \
  -o run $LIVE seed=9

# HDF5 itself: others may read a live run, not write it, by whatever name.
/usr/bin/python3 - <<'PY' || fail "h5py and the live run"
import h5py
for name in ("run.h5", "latest.h5", "hard.h5"):
    with h5py.File(name, "r") as f:
        assert f.attrs["format"] == b"hgn-run" or f.attrs["format"] == "hgn-run"
    for mode in ("r+", "a"):
        try:
            h5py.File(name, mode)
        except OSError as reason:
            assert "lock" in str(reason), reason
        else:
            raise AssertionError(f"{name} opened with {mode}")
PY
end

# A killed job's locks are gone; the file is as it was.
cat >writer.py <<'PY'
import sys
import time
import h5py
with h5py.File(sys.argv[1], "r+"):
    open("open", "w").close()
    while True:
        time.sleep(0.05)
PY
# held FILE: while another program has it open for writing.
held() {
  rm -f open
  /usr/bin/python3 writer.py "$1" &
  job=$!
  await $job open || fail "h5py cannot open $1"
}
held run.h5
expect_ranks 2 3 "run.h5: another program has it open for writing" "$HGN" train tiny.yaml -o run.h5 $LIVE
expect 3 "run.h5: another program has it open for writing" "$HGN" info run.h5
end
held d.h5
expect_ranks 2 3 "d.h5: another program has it open for writing" "$HGN" limit d.h5 -k 3 --rollouts 20
end
"$HGN" info run.h5 >/dev/null || fail "a killed run cannot be looked at"

# A data set that is being made: the second is refused at once. What the first leaves when it is killed goes with the next.
"$HGN" -q simulate "$PENDULUM" -o big.h5 data.train=10000000 >job.txt 2>&1 &
job=$!
await $job ".big.h5.partial-*" || fail "it has not begun: $(cat job.txt)"
# shellcheck disable=SC2086
expect_ranks 2 3 "big.h5: another job is writing it: process $job on" "$HGN" simulate "$PENDULUM" -o big.h5 $SMALL
[ -n "$(ls .big.h5.partial-*)" ] || fail "the partial file of a live job was removed"
end
[ -n "$(ls .big.h5.partial-*)" ] || fail "it was not killed half-way"
# shellcheck disable=SC2086
expect 0 "big.h5" "$HGN" simulate "$PENDULUM" -o big.h5 $SMALL
[ -z "$(ls -A | grep 'big.h5\.\(partial\|lock\)')" ] || fail "what a killed job left is still there: $(ls -A)"

# Two limits of one data set at the same time: both are kept, every time.
for round in 1 2; do
  rm -f d.limit.h5
  for k in 2 3 4; do
    "$HGN" -q limit d.h5 -k $k --rollouts 20 >limit$k.txt 2>&1 &
    eval "limit$k=$!"
  done
  for k in 2 3 4; do
    eval "wait \$limit$k" || fail "limit of $k frames: $(cat limit$k.txt)"
  done
  for k in 2 3 4; do
    h5diff -q d.limit.h5 d.limit.h5 /positions_$k /positions_$k || fail "round $round: the limit of $k frames is lost"
  done
done

# What somebody else has put in the place of a lock is neither written to nor followed.
for place in link hard folder; do
  echo precious >victim
  case $place in
  link) ln -s victim .p.h5.lock ;;
  hard) ln victim .p.h5.lock ;;
  folder) mkdir .p.h5.lock ;;
  esac
  expect 3 ".p.h5.lock" "$HGN" train tiny.yaml -o p.h5 train.steps=2
  # shellcheck disable=SC2086
  expect 3 ".p.h5.lock" "$HGN" simulate "$PENDULUM" -o p.h5 $SMALL
  [ "$(cat victim)" = precious ] || fail "$place: the lock has overwritten another file"
  rm -rf .p.h5.lock victim
done
# Nor what is in the place of a file of ours: notes that happen to be called so.
echo notes >.p.h5.lock
expect 3 "something else stands in the place of its lock" "$HGN" train tiny.yaml -o p.h5 train.steps=2
[ "$(cat .p.h5.lock)" = notes ] || fail "notes were taken for a lock"
head -c 30 /dev/zero >.p.h5.lock # what a power cut may leave of a lock
echo notes >.p.h5.partial-notes
# shellcheck disable=SC2086
expect 0 "p.h5" "$HGN" simulate "$PENDULUM" -o p.h5 $SMALL
[ "$(cat .p.h5.partial-notes)" = notes ] || fail "notes were taken for a partial file"
rm .p.h5.partial-notes p.h5
for name in .p.h5.lock .p.h5.partial-host-1; do
  # shellcheck disable=SC2086
  expect 2 "$name: hgn itself gives such names" "$HGN" simulate "$PENDULUM" -o $name $SMALL
done

ln -s nowhere .p.h5.lock
expect 3 "something else stands in the place of its lock" "$HGN" train tiny.yaml -o p.h5 train.steps=2
[ -e nowhere ] && fail "a file was created through a link"
[ -z "$(ls p.h5 .p.h5.partial* 2>/dev/null)" ] || fail "a refused run left files: $(ls -A)"
finish
