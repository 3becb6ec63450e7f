# Sourced by the scripts that cut the power (power_cut.c says what a disk holds then): a command is run once undisturbed,
# which counts what happens to names and contents, and then once for each of these moments with a cut after it.

# under_power WHERE RANKS CUT COMMAND...: in WHERE/disk, which must be there; WHERE/after is what the cut leaves.
under_power() (
  where=$(cd "$1" && pwd) launcher="$MPIRUN -n $2" cut=$3
  [ "$2" = 1 ] && launcher=""
  shift 3
  rm -rf "$where/shadow" "$where/after"
  cd "$where/disk" || exit 1
  exec 2>/dev/null # the shell's own word about a killed job
  # shellcheck disable=SC2086
  timeout 120 $launcher env LD_PRELOAD="$POWER_LIBRARY" POWER_FOLDER="$where/disk" POWER_SHADOW="$where/shadow" \
    POWER_AFTER="$where/after" ${cut:+POWER_CUT="$cut"} "$@" >"$where/out.txt" 2>&1
)

# power_off WHERE: the cut comes when all is done and the program has ended.
power_off() {
  env LD_PRELOAD="$POWER_LIBRARY" POWER_FOLDER="$1/disk" POWER_SHADOW="$1/shadow" POWER_AFTER="$1/after" POWER_CUT=now \
    true || fail "no cut after the end in $1"
}

# new_disk WHERE FILE...: a disk that holds these.
new_disk() {
  rm -rf "$1"
  mkdir -p "$1/disk"
  disk=$1/disk
  shift
  [ $# = 0 ] || cp "$@" "$disk"
}

# each_cut WHAT RANKS KIND CHECK "FILE..." COMMAND...: CHECK WHERE is called for a disk of these files after each cut, and
# for one when the command is through (WHAT.count). KIND is name or event. Four at a time, each in a shell of its own:
# starting and ending MPI is waiting more than computing.
each_cut() {
  what=$1 ranks=$2 kind=$3 check=$4 files=$5 cut=0
  shift 5
  # shellcheck disable=SC2086
  new_disk "$what.count" $files
  under_power "$what.count" "$ranks" "" "$@" || fail "$what: without a cut: $(cat "$what.count/out.txt")"
  power_off "$what.count"
  (failures=0; "$check" "$what.count"; exit "$failures") || fail "$what: cut after the end"
  case $kind in name) events=^name ;; *) events=. ;; esac
  cuts=$(grep -c "$events" "$what.count/shadow/events")
  [ "$cuts" -ge 1 ] || fail "$what: nothing happened to cut after"
  while [ "$cut" -lt "$cuts" ]; do
    jobs=""
    for _ in 1 2 3 4; do
      [ "$cut" -lt "$cuts" ] || break
      cut=$((cut + 1))
      # shellcheck disable=SC2086
      one_cut "$@" &
      jobs="$jobs $cut:$!"
    done
    for job in $jobs; do
      wait "${job#*:}" || fail "$what: cut after $kind ${job%:*}: $(grep "$events" "$what.count/shadow/events" | sed -n "${job%:*}p")"
    done
  done
}

one_cut() {
  failures=0
  # shellcheck disable=SC2086
  new_disk "$what.$cut" $files
  under_power "$what.$cut" "$ranks" "$kind $cut" "$@"
  [ -d "$what.$cut/after" ] || fail "no cut: $(cat "$what.$cut/out.txt")"
  "$check" "$what.$cut"
  exit "$failures"
}

# The same command goes on where the cut has left the run, and ends in the numbers of one that nothing happened to. A
# refusal, with a message, is right only where no checkpoint was on the disk: what is lost then is an empty record.
goes_on() {
  # shellcheck disable=SC2086
  (cd "$1/after" && timeout 120 "$HGN" train tiny.yaml -o run.h5 $RUN) >"$1/again.txt" 2>&1
  status=$?
  if [ $status = 0 ]; then
    (failures=0; same_run whole.h5 "$1/after/run.h5" "$(printf %08d "$STEPS")"; exit "$failures") 2>"$1/differ.txt" ||
      fail "$1: exit status 0, and $(grep -c FAIL "$1/differ.txt") kinds of numbers are others: $(head -n 1 "$1/differ.txt")"
    echo "$1/after/run.h5" >>went_on.txt
  elif [ $status -ge 128 ] || [ $status = 124 ] || ! grep -q "run.h5" "$1/again.txt"; then
    fail "$1: exit status $status: $(cat "$1/again.txt")"
  elif [ -n "$(compgen -G "$1/disk/run.checkpoint-*.h5")" ]; then
    fail "$1: refused though there was a checkpoint: $(cat "$1/again.txt")"
  else
    echo "$1: refused before there was a checkpoint: $(tail -n 1 "$1/again.txt")"
  fi
}

# no_holes: every row of every run that went on is written.
no_holes() {
  /usr/bin/python3 - went_on.txt <<'PY' || fail "rows are missing"
import sys
import h5py
import numpy as np
wrong = 0
for name in open(sys.argv[1]).read().split():
    with h5py.File(name) as f:
        at = ["/report/step", "/report/error", "/evaluation/step", "/evaluation/train/mse", "/evaluation/test/mse"]
        holes = {x: int(np.isnan(f[x][...]).sum()) for x in at if np.isnan(f[x][...]).any()}
    if holes:
        print(name, "has rows that were never written:", holes)
        wrong += 1
sys.exit(wrong > 0)
PY
}
