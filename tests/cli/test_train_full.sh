# The disk fills while training: all ranks end at once and say so, what was whole stays whole, nothing half-written is left;
# with room again the same command goes on to the bits of an undisturbed run. A small tmpfs, which only root can mount.
. "$SOURCE/tests/cli/helpers.sh"
. "$SOURCE/tests/cli/training.sh"
mkdir -p disk
if ! mount -t tmpfs -o size=4m none disk 2>/dev/null; then
  echo "cannot mount a tmpfs here: not tested"
  exit 0
fi
trap 'umount "$PWD/disk"' EXIT

# Runs that were never disturbed, with all their checkpoints: one stops first at a checkpoint, one at its best model.
settings() {
  echo "train.checkpoint_keep=9 train.steps=30 eval.every=$([ "$1" = often ] && echo 20 || echo 0)"
}
for run in often seldom; do
  # shellcheck disable=SC2046
  expect 0 "test MSE" "$HGN" train tiny.yaml -o $run.h5 $(settings $run)
done

# fill KILOBYTES: leaves that much room.
fill() {
  rm -f disk/ballast
  free=$(df --output=avail -k disk | tail -n 1)
  dd if=/dev/zero of=disk/ballast bs=1k count=$((free - $1)) 2>/dev/null
}

# disturb RUN FILE RANKS KILOBYTES: goes on after step 10 until FILE does not fit, twice, then with room to the end.
disturb() {
  run=$1
  rm -f disk/*
  cp --sparse=never "$run.h5" "$run.checkpoint-00000010.h5" disk
  fill "$4"
  for attempt in 1 2; do
    # shellcheck disable=SC2046
    expect_ranks "$3" 3 "disk/$2: " "$HGN" train tiny.yaml -o "disk/$run.h5" $(settings "$run")
    grep -q "no space left on device" out.txt || fail "$*, attempt $attempt: no word of the disk: $(cat out.txt)"
    grep -q "goes on after step 10 of 30" out.txt || fail "$*, attempt $attempt: did not start at step 10"
    cmp -s "$run.checkpoint-00000010.h5" "disk/$run.checkpoint-00000010.h5" || fail "$*: the checkpoint is lost"
    [ "$(ls -A disk | tr '\n' ' ')" = "ballast $run.checkpoint-00000010.h5 $run.h5 " ] || fail "$*: there is $(ls -A disk)"
  done
  expect 0 "trained for 10 steps" "$HGN" eval "disk/$run.h5"
  rm disk/ballast
  # shellcheck disable=SC2046
  expect_ranks "$3" 0 "goes on after step 10 of 30" "$HGN" train tiny.yaml -o "disk/$run.h5" $(settings "$run")
  same_run "$run.h5" "disk/$run.h5" 00000030
  h5diff -q "$run.best.h5" "disk/$run.best.h5" /parameters /parameters || fail "$*: another best model"
}
disturb seldom seldom.checkpoint-00000020.h5 1 0
disturb seldom seldom.checkpoint-00000020.h5 3 300
disturb often often.best.h5 3 100

# Full before the first file: nothing is made.
for room in 8 500; do
  rm -f disk/*
  fill $room
  expect_ranks 2 3 "no space left on device" "$HGN" train tiny.yaml -o disk/new.h5
  [ "$(ls -A disk)" = ballast ] || fail "left on the full disk: $(ls -A disk)"
done
finish
