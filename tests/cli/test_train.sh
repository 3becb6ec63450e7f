# The same YAML and seed give the same bits on any number of ranks; runs go on; wrong input is refused.
. "$SOURCE/tests/cli/helpers.sh"
. "$SOURCE/tests/cli/training.sh"

for ranks in 1 2 3 5; do
  expect_ranks $ranks 0 "test MSE" "$HGN" train tiny.yaml -o r$ranks.h5
  [ $ranks = 1 ] || same_run r1.h5 r$ranks.h5 00000040
done
# What differs between runs on other ranks stands in two groups, and nothing else does.
for name in .h5 .best.h5 .checkpoint-00000040.h5; do
  h5diff --exclude-path /provenance --exclude-path /measured r1$name r2$name >diff.txt 2>&1 || fail "r1$name and r2$name differ"
  [ -s diff.txt ] && fail "h5diff of r1$name and r2$name is not silent: $(cat diff.txt)"
  h5diff r1$name r2$name /measured >diff.txt 2>&1 && fail "r1$name: nothing was measured"
done
cmp -s r1.best.h5 r1.checkpoint-00000040.h5 || [ -f r1.best.h5 ] || fail "no best checkpoint"
expect 0 "complete already" "$HGN" train tiny.yaml -o r1.h5
expect_ranks 3 0 "complete already" "$HGN" train tiny.yaml -o r1.h5 --resume
[ ! -e r1.checkpoint-00000020.h5 ] || fail "old checkpoints are kept"

expect 0 "last evaluation, test rollouts, after step 40" "$HGN" info r1.h5
grep -q "hidden_share\|evaluation, train" out.txt && fail "hgn info shows more than what matters: $(cat out.txt)"
[ "$(sed '/^configuration/,$d' out.txt | grep -c '^  [a-z_0-9]* .*[0-9] ')" -le 11 ] || fail "more than ten numbers: $(cat out.txt)"
expect 0 "hidden_share" "$HGN" info r1.h5 -v
grep -q "last evaluation, train rollouts" out.txt || fail "-v does not show all: $(cat out.txt)"
expect 0 "after step 40 (verified)" "$HGN" info r1.checkpoint-00000040.h5

# Another seed, another result; another configuration for an old run is refused, with what differs.
expect 0 "test MSE" "$HGN" train tiny.yaml -o other.h5 seed=2
h5diff -q r1.h5 other.h5 /report/error /report/error && fail "the seed does nothing"
expect 2 "optimizer.learning_rate: 0.001, now 0.002" "$HGN" train tiny.yaml -o r1.h5 optimizer.learning_rate=0.002
expect_ranks 3 2 "2 keys differ" "$HGN" train tiny.yaml -o r1.h5 seed=2 train.steps=41

# From the last whole checkpoint, on another number of ranks. A damaged one is left out, and said.
for ranks in 1 3; do
  cp r1.h5 cut.h5
  cp r1.checkpoint-00000030.h5 cut.checkpoint-00000030.h5
  cp r1.checkpoint-00000040.h5 cut.checkpoint-00000040.h5
  damage cut.checkpoint-00000040.h5
  expect_ranks $ranks 0 "left out" "$HGN" train tiny.yaml -o cut.h5
  same_run r1.h5 cut.h5 00000040
  rm -f cut*.h5
done

# Other protocols and models.
for words in "protocol.name=autoencode" "protocol.name=forward_backward" "train.curriculum.steps=[5] train.curriculum.frames=[2]" \
  "model.hamiltonian.separable=false model.integrator.name=implicit_midpoint" "objective.name=elbo objective.beta=0.1"; do
  # shellcheck disable=SC2086
  expect_ranks 2 0 "R2" "$HGN" train tiny.yaml -o words.h5 train.steps=5 $words
  rm -f words*.h5
done

# The last evaluation may be shorter; a complete run says the same of it again.
for words in "same 10" "3 3"; do
  final=${words% *} rollouts=${words#* }
  expect 0 "over $rollouts rollouts" "$HGN" train tiny.yaml -o final.h5 train.steps=5 eval.final=$final
  expect 0 "over $rollouts rollouts" "$HGN" train tiny.yaml -o final.h5 train.steps=5 eval.final=$final
  rm -f final*.h5
done

# Models are chosen on the validation split alone: with another test split the same one is the best, which is that of the
# smallest validation error; what is reported of the test split is another.
for test in 20 31; do
  "$HGN" -q simulate "$SOURCE/data/pendulum.yaml" -o v$test.h5 data.train=60 data.test=$test data.validation=9 data.frames=8 >/dev/null ||
    fail "no data set"
  expect 0 "test MSE" "$HGN" train tiny.yaml -o choice$test.h5 data.file=v$test.h5 objective.name=elbo eval.every=2 train.steps=34 \
    optimizer.learning_rate=0.02 optimizer.schedule=constant optimizer.warmup=0
done
/usr/bin/python3 - <<'PY' || fail "the best model is not chosen on the validation split"
import h5py
import numpy
runs = [h5py.File(f"choice{test}.h5") for test in (20, 31)]
best = [h5py.File(f"choice{test}.best.h5") for test in (20, 31)]
for run, model in zip(runs, best):
    errors = run["evaluation/validation/mse"][()]
    assert model["state/step"][0] == run["evaluation/step"][numpy.argmin(errors)] != 34, (errors, model["state/step"][0])
    assert model["state/best"][0] == errors.min()
assert (runs[0]["evaluation/validation/mse"][()] == runs[1]["evaluation/validation/mse"][()]).all()
assert (runs[0]["evaluation/test/mse"][-1] != runs[1]["evaluation/test/mse"][-1])
assert best[0]["state/step"][0] == best[1]["state/step"][0]
for name in best[0]["parameters"]:
    assert (best[0]["parameters"][name][()] == best[1]["parameters"][name][()]).all(), name
PY
rm -f choice* v20.h5 v31.h5

# Wrong input: before any rank computes, no hang, nothing written.
expect_ranks 3 2 "use at most 2 ranks" "$HGN" train tiny.yaml -o bad.h5 train.batch=4
expect 2 "fewer than a batch of 61" "$HGN" train tiny.yaml -o bad.h5 train.batch=61
expect 2 "need rollouts of 13 frames; the data has 8" "$HGN" train tiny.yaml -o bad.h5 protocol.frames=9
expect 2 "its 2 blocks make images of 16 x 16; the data has 32 x 32" "$HGN" train tiny.yaml -o bad.h5 "model.decoder.channels=[8, 8]"
expect 2 "did you mean \"train.steps\"" "$HGN" train tiny.yaml -o bad.h5 train.step=4
expect 2 "expected a training experiment" "$HGN" train "$SOURCE/data/pendulum.yaml" -o bad.h5
expect_ranks 3 3 "no such file" "$HGN" train tiny.yaml -o bad.h5 data.file=missing.h5
expect_ranks 3 3 "cannot be created" "$HGN" train tiny.yaml -o missing/bad.h5
expect 3 "there is no run to go on with" "$HGN" train tiny.yaml -o bad.h5 --resume
expect 3 "not 'hgn-run'" "$HGN" train tiny.yaml -o d.h5
cp r1.checkpoint-00000030.h5 lost.checkpoint-00000030.h5
expect 3 "there are checkpoints, or a best model, of a run of this name, but not the run" "$HGN" train tiny.yaml -o lost.h5
[ -z "$(ls bad* 2>/dev/null)" ] || fail "a refused run left files"
"$HGN" -q simulate "$SOURCE/data/pendulum.yaml" -o clean.h5 data.train=60 data.test=20 data.frames=8 data.noise=0 >/dev/null
expect 2 "objective.kappa is required" "$HGN" train tiny.yaml -o bad.h5 data.file=clean.h5

# A second job on a run that is being written is refused, and does no harm; a killed one does not block.
"$HGN" -q train tiny.yaml -o twice.h5 train.steps=100000 >job.txt 2>&1 &
job=$!
await $job "twice.checkpoint-*.h5" || fail "it has not begun: $(cat job.txt)"
expect_ranks 3 3 "twice.h5: another job is writing it: process $job on" "$HGN" train tiny.yaml -o twice.h5 train.steps=100000
kill -KILL $job
wait $job 2>/dev/null
rm -f twice*.h5
expect 0 "test MSE" "$HGN" train tiny.yaml -o twice.h5 train.steps=5

# Divergence: all ranks stop together, metrics stay; or training goes back.
expect_ranks 3 5 "training has diverged" "$HGN" train tiny.yaml -o wild.h5 optimizer.learning_rate=1e5 objective.lambda=1e5
expect 0 "error" h5dump -d /report/error wild.h5
expect_ranks 2 5 "gone back as often as it may" "$HGN" train tiny.yaml -o wild2.h5 optimizer.learning_rate=1e5 \
  train.divergence.response=roll_back train.divergence.limit=2
finish
