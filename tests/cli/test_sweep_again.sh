# Sweeps that go on with more or with other results than they had, and what is left of them: confirmations of another
# winner, a target that is reached by a trial which had failed, checkpoints beyond a bound, and files that are refused.
. "$SOURCE/tests/cli/helpers.sh"
. "$SOURCE/tests/cli/training.sh"
. "$SOURCE/tests/cli/sweeping.sh"

# ---- More configurations: another one wins, and is confirmed ----

make_sweep three.yaml 3 "confirm: 1"
make_sweep eight.yaml 8 "confirm: 1"
expect 0 "11 of 11 trials: complete 11" "$HGN" sweep eight.yaml -o eight
expect 0 "6 of 6 trials: complete 6" "$HGN" sweep three.yaml -o three
cp -r three before
expect 0 "5 configurations added" "$HGN" sweep three --extend 5
grep -q "11 of 11 trials: complete 11" out.txt || fail "not all: $(cat out.txt)"
same_sweep eight three
probe before 'np.argmin(value[:3]) == integer["configuration"][3] and set(integer["confirms"][3:]) == {1}'
probe three 'np.argmin(value[:8]) == integer["configuration"][8] >= 3 and
  len(set(integer["configuration"][8:])) == 1 and
  list(integer["confirms"]) == [0] * 8 + [1] * 3 and len(set(integer["seed"][8:]) - set(integer["seed"][:8])) == 3 and
  list(measured["starts"]) == [1] * 11'
/usr/bin/python3 - <<'PY' || fail "values of the winner before are taken for those of the winner now"
import h5py
with h5py.File("before/sweep.h5") as before, h5py.File("three/sweep.h5") as now:
    assert not set(before["trial/value"][3:]) & set(now["trial/value"][8:])
PY

# ---- What is too much, and what there is no more of, is refused: nothing is written ----

expect 2 "--extend 99999999999: expected 9999992 at most" "$HGN" sweep three --extend 99999999999
cat >used.yaml <<'YAML'
base: synthetic.yaml
method: grid
metric: {name: loss, goal: minimize}
parameters:
  synthetic.x: {values: [0, 1, 2]}
YAML
expect 0 "3 of 3 trials: complete 3" "$HGN" sweep used.yaml -o used
cp used/sweep.h5 used.h5
expect 2 "--extend: the space has 3 points, and the sweep has them all" "$HGN" sweep used --extend 2
cmp used.h5 used/sweep.h5 || fail "a sweep that was refused more has been written"
probe three 'events.count("extend") == 1'
probe used '"extend" not in events'

# ---- A folder is where its sweep is; who looks, changes nothing ----

expect 2 "used: is a sweep that has begun: -o, --base, --run-cap and --rename go with a file" \
  "$HGN" sweep used -o elsewhere
[ ! -e elsewhere ] || fail "another folder of a sweep that was refused"
expect 2 "--status and --watch only look" "$HGN" sweep used --status --extend 2
cmp used.h5 used/sweep.h5 || fail "--status has changed the sweep"
sed -i 's/\[0, 1, 2\]/[0, 1, 2, 3, 4]/' used.yaml
expect 0 "3 of 3 trials: complete 3" "$HGN" sweep used.yaml --status

# ---- A trial that had failed reaches the target: what was chosen behind it is not of the sweep any more ----

sed 's/branin, noise: 0.1/sphere/' synthetic.yaml >exact.yaml
cat >target.yaml <<'YAML'
base: exact.yaml
method: grid
metric: {name: loss, goal: minimize, target: 0.3}
window: 1
resources: {on_nan: fail}
parameters:
  synthetic.x: {values: [3, 2, 0, 1, 0.5, 4, 5, 6]}
YAML
expect 0 "8 of 8 trials: failed 1  complete 7" "$HGN" sweep target.yaml -o target --inject nan@trial2.step2
expect 0 "1 trial put back" "$HGN" sweep target --retry failed
grep -q "3 of 3 trials: complete 3" out.txt || fail "not ended by its target: $(cat out.txt)"
grep -q "the metric has reached its target" out.txt || fail "ended by something else: $(cat out.txt)"
states target "complete 3"
expect 0 "complete already" "$HGN" sweep target.yaml -o target
probe target 'list(value[:3]) == [9.25, 4.25, 0.25] and events.count("retry") == 1'

# ---- Training goes back, and evaluates once more what it had: each report is there once, as the run has it ----

sed 's/steps: 40/steps: 6/;s/checkpoint_every: 10/checkpoint_every: 4/;s/every: 20/every: 1/' tiny.yaml >wild.yaml
sed -i 's/rollouts: 10/rollouts: 4/;s/^train: {/&divergence: {response: roll_back, factor: 1e-3}, /' wild.yaml
cat >back.yaml <<'YAML'
base: wild.yaml
method: grid
metric: {name: mse, goal: minimize}
parameters:
  optimizer.learning_rate: {values: [3]}
YAML
expect 0 "1 of 1 trials: complete 1" "$HGN" -v sweep back.yaml -o back
grep -q "step 3: training has diverged: .*; back to step 0 " out.txt || fail "it did not go back: $(cat out.txt)"
probe back 'list(step[0]) == [1, 2, 3, 4, 5, 6] and integer["reports"][0] == 6 and integer["step"][0] == 6'
/usr/bin/python3 - <<'PY' || fail "reports after a roll back are not those of the run"
import h5py
with h5py.File("back/sweep.h5") as sweep, h5py.File("back/trial-000000/run.h5") as run:
    assert run["report/roll_backs"][-1] == 1
    for i, score in enumerate(sweep["score"].asstr()[()]):
        found, expected = sweep["report/validation"][0, :, i], run["evaluation/validation"][score][:6]
        assert all((found == expected) | ((found != found) & (expected != expected))), (score, found, expected)
PY

# ---- A trial waits for its data set, however its name is spelt ----

sed -i 's/steps: 40/steps: 4/;s/checkpoint_every: 10/checkpoint_every: 2/' tiny.yaml
sed -i 's/every: 20/every: 2/;s/rollouts: 10/rollouts: 4/' tiny.yaml
sed 's/d.h5/x.h5/' tiny.yaml >x.yaml
cat >prepare.yaml <<YAML
base: x.yaml
method: grid
metric: {name: mse, goal: minimize}
resources: {max_restarts: 0}
prepare: ["simulate $SOURCE/data/pendulum.yaml -o ./x.h5 data.train=60 data.test=20 data.frames=8"]
parameters:
  optimizer.learning_rate: {values: [0.001, 0.002]}
YAML
expect_ranks 3 0 "2 of 2 trials: complete 2" "$HGN" sweep prepare.yaml -o prepare
probe prepare 'list(measured["starts"]) == [1, 1] and list(measured["failures"]) == [0, 0]'

# ---- Checkpoints beyond a bound: the best keep theirs, and those that can be put back ----

cat >bound.yaml <<'YAML'
base: tiny.yaml
method: grid
metric: {name: mse, goal: minimize}
resources: {checkpoint_bytes: 1, trial_timeout: 1}
parameters:
  train.steps: {values: [4, 6, 1000000, 2]}
YAML
sed -i 's/every: 2/every: 1000/' tiny.yaml
expect 0 "4 of 4 trials: timeout 1  complete 3" "$HGN" sweep bound.yaml -o bound
best=$(sed -n '/^best by/{n;s/^  trial \([0-9]*\) .*/\1/p}' out.txt)
for trial in 0 1 2 3; do
  kept=no
  [ -n "$(compgen -G "bound/trial-00000$trial/*checkpoint*")" ] && kept=yes
  expected=no
  [ $trial = "$best" ] || [ $trial = 2 ] && expected=yes
  [ $kept = $expected ] || fail "checkpoints of trial $trial, the best being $best: $(ls bound/trial-*)"
done

# ---- Read while it is written, with names on all dimensions ----

make_sweep slow.yaml 400
sed 's/branin, noise: 0.1/branin, noise: 0.1, sleep: 0.005/' synthetic.yaml >sleepy.yaml
sed -i 's/synthetic.yaml/sleepy.yaml/' slow.yaml
"$HGN" -q sweep slow.yaml -o slow >job.txt 2>&1 &
job=$!
await $job slow/sweep.h5 || fail "no file of the sweep: $(cat job.txt)"
/usr/bin/python3 - slow/sweep.h5 <<'PY' || fail "xarray does not read it"
import sys
import xarray
dims = {"trial": {"state": ("trial_number",), "value": ("trial_number",), "test": ("trial_number", "score")},
        "report": {"step": ("trial_number", "report_number"),
                   "validation": ("trial_number", "report_number", "score")},
        "configuration": {"point": ("configuration_number", "parameter")}}
for group, expected in dims.items():
    with xarray.open_dataset(sys.argv[1], group=group, engine="h5netcdf", phony_dims="sort") as data:
        found = {name: data[name].dims for name in expected}
        assert found == expected, found
        data.load()
PY
kill -0 $job 2>/dev/null || fail "the sweep was over before it was read"
kill -TERM $job
wait $job
[ $? = 6 ] || fail "SIGTERM: $(cat job.txt)"
finish
