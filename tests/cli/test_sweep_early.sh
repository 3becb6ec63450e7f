# Early stopping and several metrics: the same trials, prunings and winner on 1, 2 and 5 groups, with trials of one and of
# two ranks, and after kills; trials that wait at a rung go on from their checkpoints, to the bits of those that never did.
. "$SOURCE/tests/cli/helpers.sh"
. "$SOURCE/tests/cli/training.sh"
. "$SOURCE/tests/cli/sweeping.sh"
. "$SOURCE/tests/cli/sweep_kill.sh"

sed -i 's/steps: 4/steps: 9/' synthetic.yaml

# ---- Every kind, on any number of groups ----

kinds='asha-promote hyperband_brackets-x asha-stop hyperband-x median-x'
for kind in $kinds; do
  type=${kind%-*} mode=${kind#*-}
  early="early_terminate: {type: $type, min_iter: 1, eta: 3}"
  [ "$mode" = x ] || early="early_terminate: {type: $type, mode: $mode, min_iter: 1, eta: 3}"
  make_sweep "$kind.yaml" 40 "window: 5" "confirm: 1" "$early"
  sed -i 's/method: random/method: tpe/' "$kind.yaml"
  expect 0 "the end  " "$HGN" sweep "$kind.yaml" -o "$kind-1"
  for ranks in 3 6; do
    expect_ranks $ranks 0 "the end  " "$HGN" sweep "$kind.yaml" -o "$kind-$ranks"
  done
  sed 's/^window/resources: {ranks_per_trial: 2}\nwindow/' "$kind.yaml" >"$kind-pairs.yaml"
  expect_ranks 5 0 "the end  " "$HGN" sweep "$kind-pairs.yaml" -o "$kind-pairs"
  same_sweep "$kind-1" "$kind-3" "$kind-6" "$kind-pairs"
  probe "$kind-1" 'state.count("pruned") > 3 and state.count("complete") > 3 and set(state) == {"pruned", "complete"}'
done
# What was promoted stands in the log, and how many came to each rung.
/usr/bin/python3 - <<'PY' || fail "the log of jobs does not say what was done"
import h5py
import numpy as np
with h5py.File("asha-promote-1/sweep.h5") as f:
    job, rung, reports = f["job/row"][()], f["trial/rung"][()], f["rung_report"][()]
    job = job[job[:, 0] > 0]
    came = [int((job[:, 2] == k).sum()) for k in range(3)]
    assert list(reports) == [1, 3] and came[0] == 40 and came[1] >= 13 and came[2] >= 4, (reports, came)
    assert [int((~np.isnan(rung[:40, k])).sum()) for k in range(2)] == came[:2]
    steps = np.unique(f["report/step"][:40].max(axis=1))
    assert list(steps) == [1, 3, 9], steps
PY

# ---- Larger: what had been given up may go on ----

expect 0 "20 configurations added" "$HGN" sweep asha-promote-1 --extend 20
probe asha-promote-1 'set(state) == {"pruned", "complete"} and len(state) == 63'
expect 0 "complete already" "$HGN" sweep asha-promote-1 --resume

# ---- Killed, it goes on to what it would have been ----

sed 's/noise: 0.1/noise: 0.1, sleep: 0.004/' synthetic.yaml >sleepy.yaml
for kind in asha-promote median-x; do
  sed 's/synthetic.yaml/sleepy.yaml/;s/^window/resources: {max_restarts: 20}\nwindow/' "$kind.yaml" >"sleepy-$kind.yaml"
  expect_ranks 4 0 "the end  " "$HGN" sweep "sleepy-$kind.yaml" -o "sleepy-$kind"
  kill_sweeps "sleepy-$kind.yaml" "sleepy-$kind" 4 2 5 0 150
done

# ---- Trainings ----

cat >train.yaml <<'YAML'
base: tiny.yaml
method: random
metric: {name: mse, goal: minimize}
run_cap: 7
early_terminate: {type: asha, mode: promote, min_iter: 1, eta: 2}
parameters:
  optimizer.learning_rate: {distribution: log_uniform_values, min: 1e-4, max: 1e-2}
YAML
sed -i 's/every: 20/every: 10/;s/rollouts: 10/rollouts: 4/' tiny.yaml
expect 0 "the end  " "$HGN" sweep train.yaml -o alone
expect_ranks 3 0 "the end  " "$HGN" sweep train.yaml -o two
sed 's/^run_cap/resources: {ranks_per_trial: 2}\nrun_cap/' train.yaml >pairs.yaml
expect_ranks 3 0 "the end  " "$HGN" sweep pairs.yaml -o pairs
same_sweep alone two pairs
probe alone 'state.count("complete") >= 1 and state.count("pruned") >= 3'
# One that waited twice has the numbers of one that never did.
sed '/early_terminate/d' train.yaml >whole.yaml
expect 0 "trials: complete 7" "$HGN" sweep whole.yaml -o whole
/usr/bin/python3 - <<'PY' || fail "trials that waited are not what they would have been"
import h5py
import numpy as np
with h5py.File("alone/sweep.h5") as a, h5py.File("whole/sweep.h5") as b:
    done = np.flatnonzero(a["trial/state"][()] == 5)
    assert len(done)
    for name in "report/validation", "trial/test":
        assert np.array_equal(a[name][()][done], b[name][()][done], equal_nan=True), name
PY

# ---- Several metrics ----

cat >several.yaml <<'YAML'
base: tiny.yaml
method: tpe
metrics: [{name: mse}, {name: energy_drift}]
run_cap: 6
window: 3
confirm: 2
constraints: ["mse < 10"]
parameters:
  optimizer.learning_rate: {distribution: log_uniform_values, min: 1e-4, max: 1e-2}
  train.batch: {values: [4, 8]}
YAML
expect 0 "Pareto front on the validation split" "$HGN" sweep several.yaml -o several
expect_ranks 3 0 "Pareto front on the validation split" "$HGN" sweep several.yaml -o several-two
same_sweep several several-two
sed 's/method: tpe/method: lhs/' several.yaml >lhs.yaml
expect 2 "metrics: method lhs takes one metric; random, sobol and tpe take several" "$HGN" sweep lhs.yaml
finish
