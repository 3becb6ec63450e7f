# Population based training: the same generations on 1 and 2 groups, with trials of one and two ranks, and after kills;
# a member that goes on has the numbers of a training that nothing has interrupted.
. "$SOURCE/tests/cli/helpers.sh"
. "$SOURCE/tests/cli/training.sh"
. "$SOURCE/tests/cli/sweeping.sh"
. "$SOURCE/tests/cli/sweep_kill.sh"

# ---- Without training ----

sed -i 's/steps: 4/steps: 8/' synthetic.yaml
cat >pbt.yaml <<'YAML'
base: synthetic.yaml
method: pbt
metric: {name: loss, goal: minimize}
seed: 5
pbt: {population: 6, every: 2}
parameters:
  synthetic.x: {min: -5.0, max: 10.0}
  synthetic.y: {min: 0.0, max: 15.0}
YAML
sed 's/^seed/resources: {ranks_per_trial: 2}\nseed/' pbt.yaml >pairs.yaml
expect 0 "24 of 24 trials: complete 24" "$HGN" sweep pbt.yaml -o pbt-1
expect_ranks 3 0 "24 of 24 trials: complete 24" "$HGN" sweep pbt.yaml -o pbt-3
expect_ranks 3 0 "24 of 24 trials: complete 24" "$HGN" sweep pairs.yaml -o pbt-pairs
same_sweep pbt-1 pbt-3 pbt-pairs
# Whoever goes on has the same point, and begins where the other has ended.
/usr/bin/python3 - <<'PY' || fail "generations are not what they should be"
import h5py
import numpy as np
with h5py.File("pbt-1/sweep.h5") as f:
    columns = [name.decode() for name in f["job_column"][()]]
    job, point, value, step = (f[k][()] for k in ("job/row", "configuration/point", "trial/value", "report/step"))
    origin, known = (job[:, columns.index(name)] for name in ("origin", "known"))
assert len(job) == 24 and list(known) == [0] * 6 + [6] * 6 + [12] * 6 + [18] * 6, known
assert all(origin[:6] == -1)
for c in range(24):
    g = c // 6
    assert list(np.flatnonzero(step[c])) == [2 * g, 2 * g + 1] and step[c].max() == 2 * g + 2, step[c]
    if g == 0:
        continue
    before = value[6 * g - 6:6 * g]
    exploited = c - 6 == 6 * g - 6 + np.lexsort((np.arange(6), before))[-1]
    assert (origin[c] != c - 6) == exploited, (c, origin[c])
    assert not exploited or origin[c] == 6 * g - 6 + before.argmin(), (c, origin[c])
    assert exploited or (point[c] == point[c - 6]).all(), c
PY

# ---- Trainings, whose generations end between two checkpoints that are due ----

sed -i 's/steps: 40/steps: 18/;s/every: 20/every: 6/;s/rollouts: 10/rollouts: 4, final: same/' tiny.yaml
cat >train.yaml <<'YAML'
base: tiny.yaml
method: pbt
metric: {name: mse, goal: minimize}
pbt: {population: 3, every: 1, quantile: 0.34}
resources: {max_restarts: 20}
parameters:
  optimizer.learning_rate: {distribution: log_uniform_values, min: 1e-4, max: 1e-2}
  objective.rate: {min: 0.005, max: 0.02}
YAML
expect 0 "9 of 9 trials: complete 9" "$HGN" sweep train.yaml -o alone
expect_ranks 3 0 "complete 9" "$HGN" sweep train.yaml -o two
# Of checkpoints that are not needed any more none is left, and of the others enough.
sed 's/max_restarts/ranks_per_trial: 2, checkpoint_bytes: 1, max_restarts/' train.yaml >pairs.yaml
expect_ranks 3 0 "complete 9" "$HGN" sweep pairs.yaml -o pairs
left=$(compgen -G 'pairs/trial-*/run.checkpoint-*' | cut -d / -f 2 | sort -u | wc -l)
[ "$left" -lt 6 ] || fail "of $left trials there are checkpoints"
same_sweep alone two pairs
same_run alone/trial-000007/run.h5 two/trial-000007/run.h5 00000018
probe alone 'all(np.isfinite(f["trial/test"][()][:9, 0])) and list(integer["step"]) == [6] * 3 + [12] * 3 + [18] * 3'
# Killed, it goes on to what it would have been.
kill_sweeps train.yaml alone 3 2 11 300 350

# ---- One member, nothing changed: a training ----

cat >single.yaml <<'YAML'
base: tiny.yaml
method: pbt
metric: {name: mse, goal: minimize}
pbt: {population: 1, every: 1}
parameters: {optimizer.learning_rate: {value: 0.001}}
YAML
expect 0 "3 of 3 trials: complete 3" "$HGN" sweep single.yaml -o single
expect 0 "" "$HGN" -q train tiny.yaml -o whole.h5 optimizer.learning_rate=0.001
/usr/bin/python3 "$SOURCE/tests/cli/compare_runs.py" whole.h5 single/trial-000002/run.h5 >compared.txt ||
  fail "a training in parts: $(cat compared.txt)"
/usr/bin/python3 - <<'PY' || fail "a training in parts ends in other parameters"
import h5py
with h5py.File("whole.checkpoint-00000018.h5") as a, h5py.File("single/trial-000002/run.checkpoint-00000018.h5") as b:
    names = ["optimizer/first", "optimizer/second"] + ["parameters/" + name for name in a["parameters"]]
    assert len(names) > 8 and all((a[name][()] == b[name][()]).all() for name in names)
    assert a["state/lambda"][()] == b["state/lambda"][()]
with h5py.File("single/trial-000002/run.h5") as f:
    assert f["origin/run"][()].decode() == "single/trial-000001/run.h5" and f["origin/step"][()].decode() == "12"
PY

# ---- What does not go together ----

sed 's/objective.rate:.*/train.batch: {values: [4, 8]}/' train.yaml >wrong.yaml
expect 2 "train.batch: pbt changes parameters in the middle of a training" "$HGN" sweep wrong.yaml
expect 2 "has the members and generations that its file says" "$HGN" sweep pbt-1 --extend 6
finish
