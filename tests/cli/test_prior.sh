# Learned priors as a user meets them: codes of a model, a density of them as a second stage of its training on any number of
# ranks and across a kill, what it changes in eval and sample, models that do not sample, and what is refused.
. "$SOURCE/tests/cli/helpers.sh"
. "$SOURCE/tests/cli/training.sh"
as_drawn
keep_segments_here
ELBO="optimizer.schedule=constant objective.name=elbo objective.beta=1e-3 optimizer.learning_rate=0.01 optimizer.warmup=0 eval.every=0 model.encoder.channels=[8,8,8,8,4]"
# shellcheck disable=SC2086
"$HGN" -q train tiny.yaml -o r.h5 $ELBO >/dev/null || fail "no model"
SMALL_PRIOR="model.coupling.width=[16] optimizer.learning_rate=0.01 train.steps=60 train.report_every=10 train.checkpoint_every=20
  train.microbatch=4 eval.every=20 eval.draws=100"

# Codes: a function of model and data.
expect 0 "one.h5" "$HGN" codes r.h5 -o one.h5 --draws 3
expect_ranks 3 0 "some.h5" "$HGN" codes r.h5 -o some.h5 --draws 3
h5diff -q --exclude-path /provenance one.h5 some.h5 || fail "three ranks made other codes"
expect 0 "3 draws of a training rollout, of the model after 40 steps" "$HGN" info one.h5
/usr/bin/python3 - <<'PY' || fail "the codes are not as documented"
import h5py
import numpy as np
with h5py.File("one.h5") as f:
    mean, scale, variance, axis = (f["codes/" + name][()] for name in ("mean", "scale", "variance", "axis"))
    lead, points = int(f["codes/leading"][0]), f["train/points"][()]
    assert points.shape == (180, lead) and f["test/points"].shape == (20, lead) and f["validation/points"].shape[1] == lead
    assert np.allclose(axis @ axis.T, np.eye(len(mean)), atol=1e-12)
    colour = scale[:, None] * axis.T * np.sqrt(variance)
    sign, logarithm = np.linalg.slogdet(colour)
    assert abs(logarithm - f["codes/log_volume"][0]) < 1e-9 * abs(logarithm), (logarithm, f["codes/log_volume"][0])
    z = mean + np.random.default_rng(1).normal(size=(50, len(mean)))
    u = ((z - mean) / scale) @ axis.T / np.sqrt(variance)
    assert np.allclose(np.linalg.solve(colour, (z - mean).T).T, u, rtol=1e-8, atol=1e-8)
    assert np.allclose(points.mean(0), 0, atol=1e-10) and np.allclose(np.cov(points.T, ddof=0), np.eye(lead), atol=1e-8)
PY

# The second stage: on one rank, on three, and killed on the way.
# shellcheck disable=SC2086
expect 0 "r.prior.h5" "$HGN" train --stage prior r.h5 $SMALL_PRIOR
# shellcheck disable=SC2086
expect_ranks 3 0 "made before" "$HGN" train --stage prior r.h5 -o three.h5 $SMALL_PRIOR
same_run r.prior.h5 three.h5 00000060
# shellcheck disable=SC2086
"$HGN" -q train --stage prior r.h5 -o killed.h5 $SMALL_PRIOR train.steps=160 >/dev/null 2>&1 &
await $! "killed.checkpoint-0000002*" || fail "ended before it was killed"
kill -KILL $!
wait $! 2>/dev/null
# shellcheck disable=SC2086
expect_ranks 2 0 "goes on after step" "$HGN" train --stage prior r.h5 -o killed.h5 $SMALL_PRIOR train.steps=160
# shellcheck disable=SC2086
expect 0 "whole.h5" "$HGN" train --stage prior r.h5 -o whole.h5 $SMALL_PRIOR train.steps=160
same_run killed.h5 whole.h5 00000160
rm -f three.* killed.*
printf 'model: {name: nhf, flow: {width: [12], encoder_width: [12]}}\ntrain: {steps: 20, batch: 12}\neval: {samples: 64, draws: 50}\n' >nhf.yaml
expect 0 "nhf.h5" "$HGN" train --stage prior r.h5 nhf.yaml -o nhf.h5

expect 0 "named.h5" "$HGN" train --stage prior r.h5 -o named.h5 model.name=nhf train.steps=2 eval.samples=32 eval.draws=20

# It is closer to the posterior than N(0, 1), by more than chance.
for prior in whole.h5 nhf.h5; do
  expect 0 "KL, learned" "$HGN" -q eval r.h5 --prior $prior
  cp out.txt $prior.txt
  awk '/^  difference/ {if ($2 > 5 * $4 && $4 > 0) good = 1} END {exit !good}' out.txt || fail "$prior: no closer: $(cat out.txt)"
done
expect_ranks 3 0 "KL, learned" "$HGN" -q eval r.h5 --prior nhf.h5
cmp -s out.txt nhf.h5.txt || fail "three ranks measured something else: $(diff out.txt nhf.h5.txt)"

# Draws: those of the prior beside the run, unless another is asked for.
sample() { expect 0 "$1" "$HGN" sample r.h5 -n 9 --steps 3 -o "$@"; }
sample learned.h5
grep -qF "prior: r.prior.h5, rnvp of " out.txt || fail "it does not say what it draws from: $(cat out.txt)"
sample again.h5 --prior r.prior.h5
sample normal.h5 --prior none
sample other.h5 --prior nhf.h5
sample cold.h5 --temperature 0
sample middle.h5 --temperature 0 --prior none
sample warm.h5 --temperature 0.5
sample twice.png --temperature 2
expect_ranks 3 0 "shared.h5" "$HGN" sample r.h5 -n 9 --steps 3 -o shared.h5
h5diff -q --exclude-path /provenance learned.h5 shared.h5 || fail "three ranks drew others"
/usr/bin/python3 - <<'PY' || fail "the samples are not as documented"
import h5py
import numpy as np
f = {name: h5py.File(name + ".h5")["frames"][()] for name in ("learned", "again", "normal", "other", "cold", "middle", "warm")}
assert np.array_equal(f["learned"], f["again"])
for name in ("normal", "other", "cold", "middle", "warm"):
    assert not np.array_equal(f["learned"], f[name]), name
for name in ("cold", "middle"):
    assert (f[name] == f[name][0]).all(), "one and the same trajectory"
assert (f["learned"][0] != f["learned"][1]).any()
assert np.abs(f["warm"] - f["cold"]).mean() < np.abs(f["learned"] - f["cold"]).mean()
about = h5py.File("normal.h5").attrs, h5py.File("warm.h5").attrs
text = [[a[key].decode() if isinstance(a[key], bytes) else str(a[key]) for key in ("prior", "temperature")] for a in about]
assert text == [["N(0, 1)", "1"], ["r.prior.h5", "0.5"]], text
PY

# A model that does not sample.
"$HGN" -q train tiny.yaml -o plain.h5 train.steps=2 eval.every=0 model.latent.sampled=false >/dev/null || fail "no second model"
expect 4 "hgn train --stage prior RUN.h5 learns one" "$HGN" sample plain.h5 -o x.png
expect 2 "--draws 2: plain.checkpoint-00000002.h5 does not sample" "$HGN" codes plain.h5 --draws 2
# shellcheck disable=SC2086
expect_ranks 2 0 "plain.prior.h5" "$HGN" train --stage prior plain.h5 $SMALL_PRIOR train.steps=20
expect 0 "plain.png" "$HGN" sample plain.h5 -o plain.png
expect 0 "minus the log density of the codes" "$HGN" eval plain.h5 --prior plain.prior.h5
expect 4 "has no prior" "$HGN" sample plain.h5 --prior none -o x.png

# What is refused, on one rank and on three.
for ranks in 1 3; do # collective reading, and an agreement in its middle
  expect_ranks $ranks 3 "plain.prior.h5: is the prior of another model than r.checkpoint-00000040.h5" \
    "$HGN" sample r.h5 --prior plain.prior.h5 -o x.png
done
expect 3 "that was trained for 40 steps, this one for 30" "$HGN" sample r.checkpoint-00000030.h5 -o x.png
expect 3 'is no prior: it is a model "hgn" of rollouts' "$HGN" eval r.h5 --prior r.h5
expect 3 "which --prior none leaves out" "$HGN" sample r.checkpoint-00000030.h5 -o x.png
expect 3 "the prior absent.h5: absent.best.h5: no such file" "$HGN" sample r.h5 --prior absent.h5 -o x.png
expect 2 "give a learned prior" "$HGN" eval r.h5 --prior none
for word in -1 warm 101 nan; do expect 2 "expected a number from 0 to 100" "$HGN" sample r.h5 --temperature=$word -o x.png; done
expect 2 '--stage "posterior": there is one, prior' "$HGN" train --stage posterior r.h5
expect 2 "the data of --stage prior are the codes" "$HGN" train --stage prior r.h5 data.file=d.h5
expect 2 'is of a model "hgn"; a prior is a density' "$HGN" train --stage prior r.h5 tiny.yaml -o x.h5
expect 2 "--leading 65: at most 64" "$HGN" codes r.h5 --leading 65
expect 4 'is a model "rnvp", which has no codes' "$HGN" codes r.prior.h5 -o x.h5
expect 3 "not 'hgn-codes'" sh -c "cp d.h5 plain.codes.h5 && '$HGN' train --stage prior plain.h5"
# The run has gone on: its codes and its prior have not.
# shellcheck disable=SC2086
"$HGN" -q train tiny.yaml -o r.h5 $ELBO train.steps=50 >/dev/null || fail "the run did not go on"
expect 2 "r.codes.h5: holds the codes of another model than r.checkpoint-00000050.h5: of step 40, now it is of step 50" \
  "$HGN" train --stage prior r.h5
expect 3 "of another model than r.checkpoint-00000050.h5" "$HGN" sample r.h5 -o x.png
# Codes that are others, or damaged.
cp r.codes.h5 kept.h5
expect 0 "2 draws of each training rollout" "$HGN" codes r.checkpoint-00000040.h5 --draws 2
expect 3 "holds other codes now than it was trained on" "$HGN" sample r.checkpoint-00000040.h5 -o x.png
mv kept.h5 r.codes.h5
expect 0 "fine.png" "$HGN" sample r.checkpoint-00000040.h5 -o fine.png
/usr/bin/python3 - <<'PY' || fail "cannot damage the codes"
import h5py
with h5py.File("r.codes.h5") as file:
    at = file["codes/axis"].id.get_offset()
with open("r.codes.h5", "r+b") as file:
    file.seek(at + 16)
    file.write(b"xxxx")
PY
expect 3 "r.codes.h5: checksum mismatch" "$HGN" sample r.checkpoint-00000040.h5 -o x.png
[ -z "$(find . -name 'x.*' -o -name '*partial*')" ] || fail "left: $(find . -name 'x.*' -o -name '*partial*')"
finish
