# What a report says of sweeps: the numbers of sweep.h5, of whole sweeps and of such that are not: parts, failures, one trial,
# damaged files; names that would be marks; a thousand trials within ten seconds.
. "$SOURCE/tests/cli/helpers.sh"
. "$SOURCE/tests/cli/sweeping.sh"
cd "$SCRATCH" || exit 1

# report FOLDER PATH...: report.md and all else in FOLDER.
report() {
  where=$1
  shift
  expect 0 "$where/report.html" "$HGN" report "$@" -o "$where"
}
# says FOLDER "TEXT"...
says() {
  where=$1
  shift
  for text in "$@"; do
    tr -d '\\' <"$where/report.md" | grep -qF -- "$text" || fail "$where: does not say \"$text\""
  done
}
same_numbers() {
  /usr/bin/python3 "$SOURCE/tests/cli/sweep_report.py" "$1/sweep.h5" "$2" "$3" >numbers.txt 2>&1 ||
    fail "$1: another number: $(tail -n 3 numbers.txt)"
}
# figures FOLDER NAME...: are drawn, and not empty.
figures() {
  where=$1
  shift
  for name in "$@"; do
    grep -qE '<(path|polygon|use)' "$where/figures/$name.svg" 2>/dev/null || fail "$where: no figure $name"
  done
}

# ---- Whole sweeps ----

make_sweep seeds.yaml 30 'repeats: 2' 'confirm: 2' 'name: <b>seeds</b>' \
  'constraints: ["synthetic.x + synthetic.y <= 22"]'
expect_ranks 3 0 "seeds/sweep.h5" "$HGN" sweep seeds.yaml -o seeds
report seeds-report seeds
same_numbers seeds seeds-report 4
figures seeds-report sweep-trials sweep-importance sweep-dependence sweep-parallel sweep-regret sweep-timeline
says seeds-report "Best on fresh seeds" "Functional ANOVA"
grep -q '<b>seeds' seeds-report/report.html && fail "a name is a mark"

make_sweep asha.yaml 60 'early_terminate: {type: asha, mode: promote, min_iter: 1, eta: 2}'
expect_ranks 2 0 "asha/sweep.h5" "$HGN" sweep asha.yaml -o asha
report asha-report asha
same_numbers asha asha-report 4
figures asha-report sweep-rungs
says asha-report "Pruning has saved" "was not run again on fresh seeds"

# Two stages that differ: a sweep's own numbers, twice the same.
report again asha
cmp -s again/data/sweep-importance.csv asha-report/data/sweep-importance.csv || fail "importance is not the same again"

# ---- What is not whole ----

make_sweep parts.yaml 40 'slurm: {array: 4}'
for part in 0 2; do expect 0 "sweep.part-$part.h5" "$HGN" sweep parts.yaml -o parts --part $part; done
report parts-report parts
says parts-report "Of 4 parts 2 are through" "Not all trials have ended" "in 2 sessions"
[ "$(grep -c '^## Sweep' parts-report/report.md)" = 1 ] || fail "parts of one sweep are several"

make_sweep faults.yaml 12
expect 0 "faults/sweep.h5" "$HGN" sweep faults.yaml -o faults --inject nan@trial5
make_sweep one.yaml 1
expect 0 "one/sweep.h5" "$HGN" sweep one.yaml -o one
make_sweep nothing.yaml 8
sed -i 's/synthetic.y: .*/optimizer.learning_rate: {values: [0.1, 0.2]}/' nothing.yaml
timeout 60 "$HGN" sweep nothing.yaml -o nothing >out.txt 2>&1
cp -r seeds cut && truncate -s 20000 cut/sweep.h5
cp asha/sweep.h5 alone.h5
report many faults one nothing alone.h5 cut
says many "diverged 1" "1 configurations have come to an end with a value, and it takes 20" \
  "No configuration has come to its end with a value of loss" "does not apply to synthetic" \
  "core-hours were wasted by trials that failed" "pruned"
tr -d '\\' <many/report.md | grep -q "cut.*truncated" || fail "a damaged sweep is not named"
grep -q "could not be drawn" many/report.md && fail "a figure is missing: $(grep "could not be drawn" many/report.md)"

# Only choices, one of which is asked for under a condition; and a thousand trials.
sed 's/^metric.*/metric: {name: loss, goal: maximize}/; s/synthetic.y: .*/synthetic.y: {values: [1, 4], when: {synthetic.function: [branin]}}/
     s/synthetic.x: .*/synthetic.function: {values: [branin, sphere]}/; s/run_cap: 12/run_cap: 3/' faults.yaml >choices.yaml
sed -i 's/run_cap: 3/run_cap: 3\nrepeats: 8/' choices.yaml
expect 0 "choices/sweep.h5" "$HGN" sweep choices.yaml -o choices
make_sweep large.yaml 1000
expect 0 "large/sweep.h5" "$HGN" sweep large.yaml -o large
began=$(date +%s)
report large-report large choices
[ $(($(date +%s) - began)) -le 10 ] || fail "a thousand trials take $(($(date +%s) - began)) s"
[ "$(stat -c %s large-report/report.html)" -le 4000000 ] || fail "a page of $(stat -c %s large-report/report.html) bytes"
says large-report "maximum of loss" "The first 25 of 1000"
grep -q "could not be drawn" large-report/report.md && fail "a figure is missing"
finish
