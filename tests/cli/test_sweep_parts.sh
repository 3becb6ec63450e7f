# Parts of a sweep, as jobs of an array run them: in any order, on any number of ranks, killed and gone on with, they merge
# into what one job makes of the same file. What is missing is said; what was edited meanwhile is refused.
. "$SOURCE/tests/cli/helpers.sh"
. "$SOURCE/tests/cli/training.sh"
. "$SOURCE/tests/cli/sweeping.sh"

sed -i 's/steps: 4/steps: 9/' synthetic.yaml

# ---- Trials by whose results nothing is decided ----

make_sweep free.yaml 22 "repeats: 2" "confirm: 2" "slurm: {array: 4}"
expect 0 "trials: complete 48" "$HGN" sweep free.yaml -o free
expect 0 "trials: complete 10" "$HGN" sweep free.yaml -o cut --part 2
expect_ranks 3 0 "trials: complete 12" "$HGN" sweep free.yaml -o cut --part 0/4
expect 0 "part 1     not begun, 12 trials" "$HGN" sweep cut --status
expect 0 "22 of 48 trials" "$HGN" info cut/sweep.part-2.h5
expect 0 "22 of 48 trials" "$HGN" merge cut
grep -q "run the parts that are missing" out.txt || fail "nothing of what is missing: $(cat out.txt)"
expect_ranks 4 0 "part 1 of 4" "$HGN" sweep free.yaml -o cut --part 1
cp -r cut early # a part is missing
expect 0 "complete already" "$HGN" sweep cut --part 1 --resume
expect 0 "trials: complete 10" "$HGN" sweep free.yaml -o cut --part 3
expect 0 "what is left is to run the best again" "$HGN" merge cut
expect 0 "trials: complete 48" "$HGN" sweep cut --resume
same_sweep free cut
before=$(sha256sum cut/sweep.h5)
expect 0 "nothing new" "$HGN" merge cut
[ "$before" = "$(sha256sum cut/sweep.h5)" ] || fail "merging again has changed the file"
# One job takes over what parts have done, and does the rest.
expect_ranks 3 0 "trials: complete 48" "$HGN" sweep free.yaml -o early
same_sweep free early
/usr/bin/python3 - <<'PY' || fail "rows of a part do not say which trials they are"
import h5py
with h5py.File("cut/sweep.part-2.h5") as part, h5py.File("free/sweep.h5") as whole:
    assert list(part["configuration_number"]) == [2, 6, 10, 14, 18] and list(part["trial_number"])[:4] == [4, 5, 12, 13]
    rows = [int(number) for number in part["trial_number"]]
    assert (part["trial/value"][()] == whole["trial/value"][()][rows]).all()
PY

# ---- Early stopping decides within parts: one job runs them in turn ----

for kind in asha-promote hyperband_brackets-x asha-stop; do
  type=${kind%-*} mode=${kind#*-}
  early="early_terminate: {type: $type, min_iter: 1, eta: 3}"
  [ "$mode" = x ] || early="early_terminate: {type: $type, mode: $mode, min_iter: 1, eta: 3}"
  make_sweep "$kind.yaml" 40 "window: 5" "confirm: 1" "$early" "slurm: {array: 0-2}"
  expect_ranks 4 0 "the end  " "$HGN" sweep "$kind.yaml" -o "$kind"
  for part in 2 0 1; do expect 0 "the end  " "$HGN" sweep "$kind.yaml" -o "$kind-cut" --part $part; done
  expect 0 "3 parts: 3 through" "$HGN" merge "$kind-cut"
  expect 0 "the end  " "$HGN" sweep "$kind-cut" --resume
  same_sweep "$kind" "$kind-cut"
  probe "$kind" 'state.count("pruned") > 3 and state.count("complete") > 3'
done

expect 0 "within each of the 3 parts (slurm.array) by itself" "$HGN" sweep asha-promote.yaml --dry-run
grep -q "^  end  *9  *3\$" out.txt || fail "not one of each part at the end: $(cat out.txt)"

# ---- Killed ----

sed 's/noise: 0.1/noise: 0.1, sleep: 0.01/' synthetic.yaml >sleepy.yaml
sed 's/synthetic.yaml/sleepy.yaml/' asha-promote.yaml >sleepy-asha.yaml
for kill in 1 2; do
  $MPIRUN -n 3 "$HGN" -q sweep sleepy-asha.yaml -o killed --part 1 >job.txt 2>&1 &
  job=$!
  await $job killed/sweep.part-1.h5
  sleep 0.$kill
  pkill -KILL -f "^$HGN -q sweep .* -o killed --part 1\$"
  wait $job 2>/dev/null
  gone "^$HGN -q sweep .* -o killed "
done
for part in 1 0 2; do expect 0 "the end  " "$HGN" sweep sleepy-asha.yaml -o killed --part $part; done
expect 0 "the end  " "$HGN" sweep killed --resume
same_sweep asha-promote killed

# ---- Parts that come to the same command together: one of them makes the data ----

sed 's/file: d.h5/file: made.h5/' tiny.yaml >made.yaml
cat >prepare.yaml <<YAML
base: made.yaml
method: grid
metric: {name: mse, goal: minimize}
slurm: {array: 3}
prepare: ["simulate $SOURCE/data/pendulum.yaml -o made.h5 data.train=20000 data.test=20 data.frames=8"]
parameters: {optimizer.learning_rate: {values: [0.001, 0.002, 0.003]}, train.steps: {value: 20}}
YAML
for part in 0 1 2; do "$HGN" sweep prepare.yaml -o prepare --part $part >prepare-$part.txt 2>&1 & done
wait
expect 0 "trials: complete 3" "$HGN" merge prepare
[ "$(cat prepare-?.txt | grep -c "made before")" = 2 ] || fail "not made by one of three: $(cat prepare-?.txt)"

# ---- What was edited while a part was queued, and what works on the same ----

sed 's/max: 10.0/max: 9.0/' free.yaml >edited.yaml
expect 2 "parameters.synthetic.x: {distribution: uniform, min: -5, max: 10}, now {distribution: uniform, min: -5, max: 9}" \
  "$HGN" sweep edited.yaml -o early --part 3
sed -i 's/noise: 0.1/noise: 0.2/' synthetic.yaml
expect 2 "synthetic.noise: 0.1, now 0.2" "$HGN" sweep free.yaml -o early --part 3
sed -i 's/noise: 0.2/noise: 0.1/' synthetic.yaml
sed 's/array: 4/array: 5/' free.yaml >five.yaml
expect 2 "one of 4 parts, this is one of 5" "$HGN" sweep five.yaml -o early --part 3
sed 's/synthetic.yaml/sleepy.yaml/' free.yaml >sleepy-free.yaml
"$HGN" -q sweep sleepy-free.yaml -o busy --part 0 >job.txt 2>&1 &
job=$!
await $job busy/sweep.part-0.h5
kill -STOP $job # it would end before slow machines have looked
expect 3 "another job" "$HGN" sweep sleepy-free.yaml -o busy --part 0
expect 0 "4 parts: 0 through, 1 not finished, 3 not begun" "$HGN" merge busy
kill -CONT $job
wait $job
expect 0 "part 0 of 4" "$HGN" sweep busy --part 0 --resume

# One part is the whole, and a retried trial takes the place of what it was.
make_sweep one.yaml 5 "confirm: 1" "slurm: {array: 1}"
expect 0 "trials: complete 8" "$HGN" sweep one.yaml -o one --part 0
expect 0 "complete already" "$HGN" sweep one.yaml -o one
expect 0 "trials: complete 8" "$HGN" merge one
expect 0 "diverged 1" "$HGN" sweep five.yaml -o retried --part 0 --inject nan@trial0.step3
expect 0 "diverged 1" "$HGN" merge retried
expect 0 "trials: complete 10" "$HGN" sweep retried --part 0 --retry diverged
expect 0 "10 of 48 trials" "$HGN" merge retried
grep -q diverged out.txt && fail "it is still diverged: $(cat out.txt)"

# ---- Refused ----

for method in tpe bayes cmaes; do
  sed "s/method: random/method: $method/" free.yaml >learns.yaml
  expect 2 "learns.yaml:11:16: slurm.array: the method chooses by the results of all trials: run it in one job, with slurm/sweep.sbatch" \
    "$HGN" sweep learns.yaml -o learns --part 0
done
sed '/slurm/d' learns.yaml >whole.yaml
expect 2 "run it in one job, with slurm/sweep.sbatch" "$HGN" sweep whole.yaml -o learns --part 0/2
make_sweep median.yaml 40 "early_terminate: {type: median, min_iter: 1}" "slurm: {array: 4}"
expect 2 "slurm.array: early stopping by the median takes that of all trials" "$HGN" sweep median.yaml --dry-run
make_sweep target.yaml 40 "slurm: {array: 4}"
sed -i 's/goal: minimize/goal: minimize, target: 1.0/' target.yaml
expect 2 "slurm.array: a target ends the sweep by the results of all trials" "$HGN" sweep target.yaml
make_sweep few.yaml 3 "slurm: {array: 4}"
expect 2 "slurm.array is 4, and the sweep has 3 configurations" "$HGN" sweep few.yaml --part 0
make_sweep plain.yaml 8
expect 2 "of how many" "$HGN" sweep plain.yaml --part 0
expect 2 "expected 0 to 3, the sweep has 4 parts" "$HGN" sweep free.yaml --part 4
expect 2 "the sweep has 4 parts (slurm.array)" "$HGN" sweep free.yaml --part 0/3
expect 2 "expected a number from 0, or I/N" "$HGN" sweep free.yaml --part 1/
expect 0 "part 7 of 8" "$HGN" sweep plain.yaml -o plain --part 7/8
expect 2 "one of 8 parts" "$HGN" sweep plain.yaml -o plain --part 0/4
expect 3 "nothing/sweep.h5: no such file" "$HGN" merge nothing
[ ! -e learns ] || fail "a refused part has left a folder"
finish
