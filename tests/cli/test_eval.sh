# hgn eval: the numbers that training recorded, on any number of ranks; every kind of model and data that does not fit is told.
. "$SOURCE/tests/cli/helpers.sh"
. "$SOURCE/tests/cli/training.sh"
# Fast enough for errors that differ from frame to frame; every evaluation takes all rollouts.
expect 0 "test MSE" "$HGN" train tiny.yaml -o r.h5 optimizer.learning_rate=0.01 optimizer.warmup=0 objective.lambda=1e4 \
  eval.rollouts=0

# agree TEXT: what eval printed stands under /evaluation/test of the run, at the step that the model was trained for.
agree() {
  /usr/bin/python3 - r.h5 "$1" <<'PY' || fail "$1: the numbers are not those of the run"
import re, sys
import h5py
import numpy as np
text = open(sys.argv[2]).read()
step = int(re.search(r"trained for (\d+) steps", text).group(1))
rollouts = int(re.search(r"(\d+) test rollouts", text).group(1))
with h5py.File(sys.argv[1]) as f:
    at = list(f["/evaluation/step"][...]).index(step)
    test = {name: f["/evaluation/test/" + name][at] for name in f["/evaluation/test"]}
lines = {"all targets": ("mse", 1e4), "unseen frames": ("unseen", 1e4), "R2": ("r2", 1), "over floor": ("over_floor", 1),
         "over limit": ("over_limit", 1), "unseen over limit": ("unseen_over_limit", 1), "H variation": ("energy_variation", 1),
         "H drift": ("energy_drift", 1), "reversal, state": ("reversal_state", 1), "reversal, pixels": ("reversal_pixels", 1),
         "VPT": ("vpt", 1), "KL": ("kl", 1)}
printed = 0
for label, (name, scale) in lines.items():
    found = re.search(r"^  " + re.escape(label) + r" +(\S+)", text, re.M)
    assert bool(found) == bool(np.isfinite(test[name])), label
    if found:
        value, digits = scale * test[name], len(found.group(1).partition(".")[2])
        near = 0.51 * 10.0 ** -digits if scale > 1 or "over" in name or name == "r2" else 6e-4 * abs(value)
        assert abs(float(found.group(1)) - value) <= near, (label, found.group(1), value)
        printed += 1
assert printed >= 10, printed
frames = [float(x) for x in re.findall(r" s[* ] +([0-9.]+)", text)]
assert np.allclose(frames, 1e4 * test["frame_mse"], rtol=0, atol=6e-4), (frames, test["frame_mse"])
assert np.ptp(frames) > 0.01 and abs(test["mse"] - test["unseen"]) > 1e-6, "nothing to tell them apart"
assert len(re.findall(r" s\* ", text)) == 1, "the first target is the last frame that the encoder sees"
PY
}

expect 0 "all targets" "$HGN" eval r.h5
cp out.txt one.txt
agree one.txt
for ranks in 2 3; do
  expect_ranks $ranks 0 "20 test rollouts, 4 target frames" "$HGN" eval r.h5
  cmp -s one.txt out.txt || fail "eval on $ranks ranks printed other numbers: $(diff one.txt out.txt)"
done

# Which model: the latest, the best, a checkpoint; how many rollouts.
cp r.checkpoint-00000030.h5 thirty.h5
expect 0 "thirty.h5, trained for 30 steps" "$HGN" eval thirty.h5 --rollouts 7
grep -q " 7 test rollouts" out.txt || fail "--rollouts 7 took others"
expect 0 "r.checkpoint-00000040.h5, trained for 40 steps" "$HGN" eval r.h5 --rollouts 1000
grep -q " 20 test rollouts" out.txt || fail "--rollouts 1000 did not take all there are"
cp r.checkpoint-00000030.h5 r.best.h5
expect 0 "r.best.h5, trained for 30 steps" "$HGN" eval r.h5 --best
rm r.best.h5
expect 0 "r.checkpoint-00000040.h5" "$HGN" eval r.h5
expect 3 "r.best.h5: no such file" "$HGN" eval r.h5 --best
# Frames that are further apart than those it was trained on would be compared with others.
"$HGN" -q simulate "$SOURCE/data/pendulum.yaml" -o apart.h5 data.train=1 data.test=2 data.frames=8 data.dt=.25 >/dev/null
expect 3 "apart.h5: frames are 0.25 s apart; the model was trained on frames 0.125 s apart" "$HGN" eval r.h5 apart.h5

# Yardsticks: the floor is the data's, the limit appears when its file does.
grep -q "over limit" one.txt && fail "a limit that nobody computed"
expect 0 "d.limit.h5" "$HGN" limit d.h5 --input-frames 5 --rollouts 20
expect 0 "unseen over limit" "$HGN" eval r.h5
grep -q "over limit .* information limit, " out.txt || fail "no limit: $(cat out.txt)"
/usr/bin/python3 - <<'PY' || fail "the ratios are not those to d.limit.h5"
import re
import h5py
text = open("out.txt").read()
number = lambda label: float(re.search(r"^  " + label + r" +(\S+)", text, re.M).group(1))
with h5py.File("d.limit.h5") as f, h5py.File("d.h5") as d:
    mse = f["/positions_5/mse"][...]
    assert abs(number("over limit") / (number("all targets") * 1e-4 / mse[4:].mean()) - 1) < 1e-3
    assert abs(number("unseen over limit") / (number("unseen frames") * 1e-4 / mse[5:].mean()) - 1) < 1e-3
    excess = number("unseen frames") * 1e-4 - f["/positions_5/attained"][:20, 5:].mean()  # as many as the test split has
    assert abs(number("paired") / (1 + excess / mse[5:].mean()) - 1) < 1e-3
    assert abs(number("over floor") / (number("all targets") * 1e-4 / d["/ladder/floor"][0]) - 1) < 1e-3
PY

# A model whose predictions are not finite, but for the frame that it infers the state of: no score is a good one, or missing.
expect 5 "step 1: training has diverged: the loss is not finite" "$HGN" train tiny.yaml -o wild.h5 optimizer.learning_rate=1e4 \
  optimizer.schedule=constant optimizer.warmup=0 optimizer.encoder_ratio=0 objective.name=elbo train.checkpoint_every=1
mv wild.checkpoint-00000001.h5 wild1.h5
for ranks in 1 3; do
  expect_ranks $ranks 5 "wild1.h5: a decoded frame of 20 of 20 test rollouts is not finite" "$HGN" eval wild1.h5
  for label in "all targets" "unseen frames" R2 "over floor" "over limit" "unseen over limit" paired "H variation" "H drift" \
    "reversal, state" "reversal, pixels"; do
    grep -q "^  $label  *nan" out.txt || fail "$label is not nan: $(cat out.txt)"
  done
  grep -q "^  VPT  *0 " out.txt || fail "a valid time of what is not valid: $(cat out.txt)"
  grep -q -e "-nan" out.txt && fail "NaN has a sign: $(cat out.txt)"
  [ "$(grep -o " s[* ]  *nan" out.txt | wc -l)" = 3 ] || fail "frames are not nan: $(cat out.txt)"
done
mv d.limit.h5 good.limit.h5
head -c 2000 good.limit.h5 >d.limit.h5
expect_ranks 3 3 "d.limit.h5: is truncated" "$HGN" eval r.h5
/usr/bin/python3 - <<'PY'
import shutil
import h5py
shutil.copy("good.limit.h5", "d.limit.h5")
with h5py.File("d.limit.h5", "r+") as f:
    sum = f["/data_checksum"][()]
    f["/data_checksum"][()] = sum[::-1]
PY
expect 3 "d.limit.h5: belongs to other data" "$HGN" eval r.h5
rm d.limit.h5

# Other data: more rollouts and frames, data without noise, frames made elsewhere.
"$HGN" -q simulate "$SOURCE/data/pendulum.yaml" -o e.h5 data.train=20 data.test=30 data.frames=12 seed=9 >/dev/null
expect 0 "e.h5, 30 test rollouts, 8 target frames" "$HGN" eval r.h5 e.h5
"$HGN" -q simulate "$SOURCE/data/pendulum.yaml" -o clean.h5 data.train=20 data.test=5 data.frames=8 data.noise=0 --frames >/dev/null
expect 0 "R2" "$HGN" eval r.h5 clean.h5
grep -q "over floor" out.txt && fail "clean data has no noise floor"
/usr/bin/python3 - <<'PY' || fail "h5py cannot write"
import h5py
with h5py.File("clean.h5") as f, h5py.File("frames.h5", "w") as g:
    for split in ("train", "test"):
        g[split + "/frames"] = f[split + "/frames"][...]
with h5py.File("r.checkpoint-00000040.h5") as f, h5py.File("damaged.h5", "w") as g:
    for name in f:
        f.copy(name, g)
    for name, value in f.attrs.items():
        g.attrs[name] = value
    name = "/parameters/" + sorted(f["/parameters"])[0]
    g[name][...] = g[name][...] * 1.0001
PY
expect 0 "frames.h5, 5 test rollouts" "$HGN" eval r.h5 frames.h5
grep -q "R2 .*of the mean image" out.txt || fail "the mean image of frames made elsewhere is not measured: $(cat out.txt)"
grep -q "noise floor\|limit" out.txt && fail "no more is known of frames made elsewhere: $(cat out.txt)"

# Moved: beside the run, wherever that is looked at from; from the working folder first.
mkdir -p there
mv d.h5 there
cp r.h5 r.checkpoint-*.h5 there
expect_ranks 2 3 "d.h5: no such file" "$HGN" eval r.h5
expect 0 "there/d.h5, 20 test" "$HGN" eval there/r.h5
"$HGN" -q train tiny.yaml -o "$SCRATCH/there/far.h5" data.file="$SCRATCH/there/d.h5" train.steps=2 >/dev/null || fail "no far run"
mkdir -p elsewhere
mv there elsewhere
expect 0 "elsewhere/there/d.h5, 20 test" "$HGN" eval elsewhere/there/far.h5
(
  cd elsewhere/there || exit 1
  "$HGN" eval far.h5 >../../out.txt 2>&1
) || fail "data beside the run is not found from its own folder: $(cat out.txt)"
mv elsewhere/there/d.h5 .

# Data that does not fit, with both sizes; models that are none. All ranks end together.
"$HGN" -q simulate "$SOURCE/data/pendulum.yaml" -o grey.h5 data.train=20 data.test=5 data.frames=8 render.color=grey render.width=48 \
  >/dev/null
"$HGN" -q simulate "$SOURCE/data/pendulum.yaml" -o six.h5 data.train=20 data.test=5 data.frames=6 >/dev/null
"$HGN" -q train tiny.yaml -o eight.h5 protocol.frames=4 train.steps=1 >/dev/null || fail "no run of fixed length"
"$HGN" -q train tiny.yaml -o all.h5 protocol.name=autoencode train.steps=1 >/dev/null || fail "no autoencoder"
head -c 9000 r.checkpoint-00000040.h5 >short.h5
mkdir -p bare
cp r.h5 bare
expect 3 "six.h5: its data are of height 32, width 32, channels 3, input_frames 6; the model is of height 32, width 32, channels 3, input_frames 8" "$HGN" eval all.h5 six.h5
expect 3 "six.h5: does not fit the model: protocol: 5 input frames and 4 targets need rollouts of 8" "$HGN" eval eight.h5 six.h5
expect 3 "nothing.h5: no such file" "$HGN" eval nothing.h5
expect 3 "there are no checkpoints of bare/r.h5" "$HGN" eval bare/r.h5
expect 3 "d.h5: is of format 'hgn-dataset', not 'hgn-checkpoint'" "$HGN" eval d.h5
expect 3 "short.h5: is truncated" "$HGN" eval short.h5
expect_ranks 3 3 "grey.h5: its data are of height 32, width 48, channels 1, input_frames 5; the model is of height 32, width 32, channels 3, input_frames 5" "$HGN" eval r.h5 grey.h5
expect 3 "missing.h5: no such file" "$HGN" eval r.h5 missing.h5
expect_ranks 3 3 "damaged.h5: is damaged" "$HGN" eval damaged.h5

# Wrong use, before anything is opened.
expect 2 "missing: RUN.h5" "$HGN" eval
expect 2 "unexpected word \"x.h5\"" "$HGN" eval r.h5 d.h5 x.h5
expect 2 "--rollouts takes a whole number" "$HGN" eval r.h5 --rollouts -1
expect 2 "it takes --best, --prior, --rollouts, --samples" "$HGN" eval r.h5 --last
finish
