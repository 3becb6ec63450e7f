# Densities of points as a user meets them: data, training on any number of ranks and across a stop, evaluation, draws,
# pictures, a sweep over the kind of model, points made elsewhere, and wrong use.
. "$SOURCE/tests/cli/helpers.sh"
. "$SOURCE/tests/cli/training.sh" # data of frames and a model of them; same_run
"$HGN" -q simulate "$SOURCE/data/moons.yaml" -o moons.h5 data.train=120 data.test=40 data.validation=20 >/dev/null ||
  fail "no points"
cat >nhf.yaml <<'YAML'
data: {file: moons.h5}
model: {name: nhf, flow: {width: [12], encoder_width: [12]}}
optimizer: {learning_rate: 0.01}
train: {steps: 30, batch: 22, microbatch: 4, report_every: 5, checkpoint_every: 10}
eval: {every: 15, rollouts: 20, samples: 64, grid: 12, draws: 60}
YAML
cat >rnvp.yaml <<'YAML'
data: {file: moons.h5}
model: {name: rnvp, coupling: {width: [12], layers: 4}}
optimizer: {learning_rate: 0.01}
train: {steps: 30, batch: 22, microbatch: 4, report_every: 5, checkpoint_every: 10}
eval: {every: 15, rollouts: 20, samples: 64, grid: 12, draws: 60}
YAML

# Lanes of 4 and a last one of 2, on one and three ranks, and stopped on the way.
for model in nhf rnvp; do
  expect 0 "nat  KL " "$HGN" train $model.yaml -o $model.h5
  expect_ranks 3 0 "over 40 points" "$HGN" train $model.yaml -o three.h5
  same_run $model.h5 three.h5 00000030
  rm -f three.*
done
expect 0 "momenta.h5" "$HGN" train nhf.yaml -o momenta.h5 objective.momenta=3
expect_ranks 2 0 "again.h5" "$HGN" train nhf.yaml -o again.h5 objective.momenta=3
same_run momenta.h5 again.h5 00000030
"$HGN" -q train nhf.yaml -o stopped.h5 train.steps=300 eval.every=100 >/dev/null 2>&1 &
await $! "stopped.checkpoint-*" || fail "ended before it was stopped"
kill -TERM $!
wait $!
[ $? = 6 ] || fail "a signal did not end it with 6"
expect_ranks 2 0 "goes on after step" "$HGN" train nhf.yaml -o stopped.h5 train.steps=300 eval.every=100
expect 0 "whole.h5" "$HGN" train nhf.yaml -o whole.h5 train.steps=300 eval.every=100
same_run stopped.h5 whole.h5 00000300

# It has learned something, and says so in all ways.
expect 0 "energy_distance" "$HGN" eval whole.h5
expect 0 "nll_error" "$HGN" info whole.h5
expect 0 "encoder 88 potential" "$HGN" info whole.checkpoint-00000300.h5
/usr/bin/python3 - <<'PY' || fail "the columns of the run are not as documented"
import h5py
import numpy as np
with h5py.File("whole.h5") as f:
    test = {name: column[-1] for name, column in f["evaluation/test"].items()}
    assert "frame_mse" not in test
    loss = f["report/loss"][()]
    assert loss[-10:].mean() < loss[0] - 0.1 and test["bound"] > test["nll"]
    assert 0.7 < test["mass"] < 1.1 and test["kl_grid"] > 0 and test["reversal"] < 1e-5
    assert abs(test["kl"] - test["kl_grid"]) < 6 * test["kl_error"] + 0.1
    assert 1 < test["modes"] <= 2
    assert np.isnan(f["evaluation/train/kl_grid"][()]).all(), "what is the model's alone stands with the other splits"
PY

# Draws: a function of model and seed.
expect 0 "draws.h5" "$HGN" sample whole.h5 -n 50 -o draws.h5
expect_ranks 3 0 "shared.h5" "$HGN" sample whole.h5 -n 50 -o shared.h5
h5diff -q --exclude-path /provenance draws.h5 shared.h5 || fail "three ranks drew other points"
expect 0 "few.h5" "$HGN" sample whole.h5 -n 10 -o few.h5
/usr/bin/python3 - <<'PY' || fail "the draws are not as documented"
import h5py
import numpy as np
with h5py.File("draws.h5") as many, h5py.File("few.h5") as few:
    assert many["points"].shape == (50, 2) and many["log_density"].shape == (50,)
    assert np.array_equal(many["points"][:10], few["points"][()]) and np.isfinite(many["log_density"][()]).all()
PY

# Pictures.
for words in "show moons.h5" "show whole.h5" "show whole.checkpoint-00000300.h5" "show rnvp.h5" "sample rnvp.h5"; do
  # shellcheck disable=SC2086
  expect 0 "picture.png" "$HGN" $words -o picture.png
  [ "$(head -c 4 picture.png | tail -c 3)" = PNG ] || fail "$words: no picture"
done

# A sweep over the kind of model: the same on one group and on two.
cat >sweep.yaml <<'YAML'
base: nhf_base.yaml
method: grid
metric: {name: kl, goal: minimize}
parameters:
  train.steps: {value: 4}
  model.name: {values: [nhf, rnvp]}
  optimizer.learning_rate: {values: [0.003, 0.01]}
YAML
grep -v "^model" nhf.yaml >nhf_base.yaml
echo "model: {name: nhf}" >>nhf_base.yaml
expect 0 "4 of 4 trials: complete 4" "$HGN" sweep sweep.yaml -o one
expect_ranks 3 0 "4 of 4 trials: complete 4" "$HGN" sweep sweep.yaml -o two
/usr/bin/python3 "$SOURCE/tests/cli/compare_sweeps.py" one/sweep.h5 two/sweep.h5 >compared.txt ||
  fail "other groups, another sweep: $(cat compared.txt)"

# Points made elsewhere, of three numbers: no density is known.
/usr/bin/python3 - <<'PY'
import h5py
import numpy as np
rng = np.random.default_rng(1)
with h5py.File("elsewhere.h5", "w") as f:
    for split, count in (("train", 90), ("test", 30), ("validation", 20)):
        f[f"{split}/points"] = rng.normal(size=(count, 3)).astype("f4")
with h5py.File("line.h5", "w") as f:
    for split in ("train", "test"):
        f[f"{split}/points"] = rng.normal(size=(60, 1))
PY
expect 0 "-log p" "$HGN" train nhf.yaml -o other.h5 data.file=elsewhere.h5 train.steps=4
grep -q "KL" out.txt && fail "a density that nobody knows was compared with"
expect 0 "picture.png" "$HGN" show other.h5 -o picture.png
expect 0 "-log p" "$HGN" train nhf.yaml -o line.run.h5 data.file=line.h5 train.steps=4

# Wrong use.
expect 2 "points of one number have none" "$HGN" train rnvp.yaml -o x.h5 data.file=line.h5
expect 2 "d.h5: " "$HGN" train nhf.yaml -o x.h5 data.file=d.h5
expect 2 "moons.h5: " "$HGN" train tiny.yaml -o x.h5 data.file=moons.h5
expect 2 "expected at most 256 steps in all" "$HGN" train nhf.yaml -o x.h5 model.flow.steps=65
expect 2 "does not apply to rnvp" "$HGN" train rnvp.yaml -o x.h5 objective.momenta=2
expect 2 "does not apply to nhf" "$HGN" train nhf.yaml -o x.h5 objective.beta=2
expect 4 "is a model \"nhf\"" "$HGN" rollout whole.h5 -o x.png
expect 2 "points do not move" "$HGN" sample whole.h5 -o x.gif
expect 2 "which have none" "$HGN" sample whole.h5 --steps 3 -o x.png
expect 2 "a density does not move" "$HGN" show whole.h5 -o x.gif
expect 3 "its data are of dimension 3; the model is of dimension 2" "$HGN" eval whole.h5 elsewhere.h5
[ -z "$(find . -name 'x.*')" ] || fail "left: $(find . -name 'x.*')"
finish
