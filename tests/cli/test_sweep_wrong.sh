# What a sweep refuses, and what it says: files that have changed, ranks that do not fit, places that cannot be written,
# metrics that nobody knows; and trials that cannot be run are failed trials of a sweep that goes on.
. "$SOURCE/tests/cli/helpers.sh"
. "$SOURCE/tests/cli/training.sh"
. "$SOURCE/tests/cli/sweeping.sh"

# ---- Another file, another base ----

make_sweep a.yaml 6 "repeats: 1"
expect 0 "6 of 6 trials: complete 6" "$HGN" sweep a.yaml -o a
sed 's/run_cap: 6/run_cap: 7/;s/max: 10.0/max: 11/' a.yaml >b.yaml
expect 2 "run_cap: 6, now 7" "$HGN" sweep b.yaml -o a
for text in "a/sweep.h5: holds a sweep that was begun with another file" \
  "max: 10}, now {distribution: uniform, min: -5, max: 11}" "Put a.yaml back" "hgn sweep DIR --resume"; do grep -qF "$text" out.txt || fail "no \"$text\" in: $(cat out.txt)"; done
sed -i 's/noise: 0.1/noise: 0.2/' synthetic.yaml
expect_ranks 3 2 "another base experiment: synthetic.noise: 0.1, now 0.2. Put synthetic.yaml back" "$HGN" sweep a.yaml -o a
# What it was begun with is in its file.
rm a.yaml synthetic.yaml
expect 0 "complete already" "$HGN" sweep a --resume
expect 0 "8 of 8 trials: complete 8" "$HGN" sweep a --extend 2
expect 2 "missing.yaml: cannot open" "$HGN" sweep missing.yaml -o x
expect 2 "synthetic.yaml: cannot open" "$HGN" sweep b.yaml -o x
sed -i '/^base:/d' b.yaml
expect 2 "b.yaml:1:1: no base experiment: add \"base: EXPERIMENT.yaml\", or --base EXPERIMENT.yaml" "$HGN" sweep b.yaml -o x
. "$SOURCE/tests/cli/sweeping.sh" # synthetic.yaml again
expect 2 "no/sweep.h5: there is no sweep to go on with" "$HGN" sweep b.yaml --base synthetic.yaml -o no --resume
expect 3 "nothing/sweep.h5" "$HGN" sweep nothing --status
make_sweep empty.yaml 3
sed -i 's/{min: -5.0, max: 10.0}/{values: []}/' empty.yaml
expect 2 "empty.yaml:7:" "$HGN" sweep empty.yaml -o x
[ ! -e x ] && [ ! -e no ] || fail "folders of sweeps that were refused"

# ---- Ranks ----

make_sweep wide.yaml 3 "resources: {ranks_per_trial: 4}"
expect_ranks 3 2 "3 ranks are too few: one coordinates, and a trial takes 4" "$HGN" sweep wide.yaml -o wide
grep -q "start 5 ranks, or 1 + G \* 4 for G groups" out.txt || fail "not said what would fit: $(cat out.txt)"
expect 0 "one rank alone: trials run in turn, on one rank each instead of 4" "$HGN" sweep wide.yaml -o wide

# ---- Faults on purpose ----

expect 2 "--inject: \"nan@trial1x2\": expected nan@trialT" \
  "$HGN" sweep wide.yaml -o inject --inject "crash@trial2,nan@trial1x2"
[ ! -e inject ] || fail "a folder of a sweep that was refused"
make_sweep disk.yaml 12 "resources: {max_restarts: 0}"
expect 0 "12 of 12" "$HGN" sweep disk.yaml -o whole
for ranks in 1 4; do
  expect_ranks $ranks 3 "sweep.h5: no space left on device (made on purpose)" \
    "$HGN" sweep disk.yaml -o disk$ranks --inject enospc@report10
  expect_ranks $ranks 3 "sweep.h5: no space left on device (made on purpose)" \
    "$HGN" sweep disk.yaml -o disk$ranks --inject enospc@report3
  expect_ranks $ranks 0 "12 of 12 trials: complete 12" "$HGN" sweep disk.yaml -o disk$ranks
done
same_sweep whole disk1 disk4

# ---- Places ----

echo precious >file
expect 3 "file/sweep.h5: not a directory" "$HGN" sweep disk.yaml -o file
expect_ranks 2 3 "no/such: the folder cannot be made" "$HGN" sweep disk.yaml -o no/such
[ "$(cat file)" = precious ] || fail "a file is lost"
mkdir -p taken small
echo precious >taken/sweep.h5
expect 3 "taken/sweep.h5" "$HGN" sweep disk.yaml -o taken
[ "$(cat taken/sweep.h5)" = precious ] || fail "a file is lost"
if mount -t tmpfs -o size=200k none small 2>/dev/null; then
  trap 'umount "$PWD/small"' EXIT
  expect 3 "o space left on device" "$HGN" sweep disk.yaml -o small/s
  [ -z "$(ls -A small/s 2>/dev/null)" ] || fail "left on the full disk: $(ls -A small/s)"
  mount -o remount,ro small
  expect 3 "ead-only file system" "$HGN" sweep disk.yaml -o small/t
fi

# ---- Trainings: trials that cannot be run ----

sed -i 's/steps: 40/steps: 4/;s/checkpoint_every: 10/checkpoint_every: 2/' tiny.yaml
sed -i 's/every: 20/every: 2/;s/rollouts: 10/rollouts: 4/' tiny.yaml
cat >train.yaml <<'YAML'
base: tiny.yaml
method: grid
metric: {name: mse, goal: minimize}
parameters:
  optimizer.learning_rate: {values: [0.001, 0.002]}
YAML
sed 's/name: mse/name: over_limit/' train.yaml >limit.yaml
sed 's/^method/resources: {ranks_per_trial: 3}\nmethod/' train.yaml >many.yaml
sed -i 's/^method/base: lanes.yaml\nmethod/;/base: tiny/d' many.yaml
sed 's/batch: 11/batch: 4/' tiny.yaml >lanes.yaml
for ranks in 1 3; do
  expect_ranks $ranks 2 "no trial reports the metric over_limit: the data set has no limit file for this protocol" \
    "$HGN" sweep limit.yaml -o limit$ranks
done
expect_ranks 4 3 "2 of 2 trials: failed 2" "$HGN" sweep many.yaml -o many
grep -q "failed: 3 ranks, but the batch of 4 rollouts in lanes of 2 has work for 2" out.txt ||
  fail "no reason: $(cat out.txt)"
expect_ranks 3 0 "2 of 2 trials: complete 2" "$HGN" sweep train.yaml -o train
# Data that are missing, and come later.
mv d.h5 away.h5
expect_ranks 3 3 "2 of 2 trials: failed 2" "$HGN" sweep train.yaml -o late
grep -q "failed: d.h5: no such file" out.txt || fail "no reason: $(cat out.txt)"
mv away.h5 d.h5
expect_ranks 2 0 "2 of 2 trials: complete 2" "$HGN" sweep late --retry failed
probe late 'events.count("retry") == 2 and events.count("failure") == 2'
same_sweep train late

# ---- Time ----

sed 's/noise: 0.1/noise: 0.1, sleep: 0.05/;s/steps: 4/steps: 200/' synthetic.yaml >sleepy.yaml
make_sweep timeout.yaml 3 "resources: {trial_timeout: 0.3}"
sed -i 's/synthetic.yaml/sleepy.yaml/' timeout.yaml
expect_ranks 4 5 "3 of 3 trials: timeout 3" "$HGN" sweep timeout.yaml -o timeout
grep -q "timeout: took longer than 0.3 s" out.txt || fail "no reason: $(cat out.txt)"
finish
