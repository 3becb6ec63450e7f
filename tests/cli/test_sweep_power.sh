# The power goes off while a sweep goes, after names and syncs, on disks that have written some of the pages that nobody
# asked them to write: what was synced is there, what is torn is known for it, and the sweep ends in the same numbers.
. "$SOURCE/tests/cli/helpers.sh"
. "$SOURCE/tests/cli/sweeping.sh"
. "$SOURCE/tests/cli/power.sh"
sed -i 's/noise: 0.1/noise: 0.1, sleep: 0.002/' synthetic.yaml
make_sweep s.yaml 30 "confirm: 2" "resources: {max_restarts: 20}"
expect 0 "36 of 36 trials: complete 36" "$HGN" sweep s.yaml -o whole

# Syncs come by the clock: a run that has fewer of them than the first loses its power at the end.
one_cut() {
  failures=0
  # shellcheck disable=SC2086
  new_disk "$what.$cut" $files
  under_power "$what.$cut" "$ranks" "$kind $cut" "$@"
  [ -d "$what.$cut/after" ] || power_off "$what.$cut"
  "$check" "$what.$cut"
  exit "$failures"
}

ends_alike() {
  if [ -e "$1/after/sweep.h5" ]; then
    "$HGN" sweep "$1/after" --status >"$1/status.txt" 2>&1 || fail "$1: cannot be read: $(cat "$1/status.txt")"
  fi
  (cd "$1/after" && cp ../disk/*.yaml . && timeout 60 "$HGN" sweep s.yaml -o .) >"$1/again.txt" 2>&1 ||
    fail "$1: does not go on: $(cat "$1/again.txt")"
  /usr/bin/python3 "$SOURCE/tests/cli/compare_sweeps.py" whole/sweep.h5 "$1/after/sweep.h5" >"$1/compared.txt" 2>&1 ||
    fail "$1: $(cat "$1/compared.txt")"
}
each_cut names 1 name ends_alike "s.yaml synthetic.yaml" "$HGN" sweep s.yaml -o .
for seed in ${SEEDS:-1}; do
  export POWER_PAGES=$seed
  each_cut pages$seed 1 event ends_alike "s.yaml synthetic.yaml" "$HGN" sweep s.yaml -o .
done
finish
