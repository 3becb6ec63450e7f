# hgn sample --judge: the same on any number of ranks, as a file, a picture and in words; what it refuses.
. "$SOURCE/tests/cli/helpers.sh"
. "$SOURCE/tests/cli/training.sh"
"$HGN" -q train tiny.yaml -o r.h5 train.steps=8 eval.every=4 eval.judge=9 optimizer.learning_rate=0.03 \
  optimizer.warmup=0 objective.lambda=1e4 >/dev/null || fail "no model"
expect 0 "j.png" "$HGN" sample r.h5 --judge -n 20 -o j.png
for text in "20 samples of the prior N(0, 1), seed 1, of 4 frames" "valid  " "the same of 20 test rollouts" "reconstruction error x1e-4" \
  "coverage  " "outside the data's support" "of no meaning:" "r.samples.h5"; do
  grep -qF -- "$text" out.txt || fail "no \"$text\" in $(cat out.txt)"
done
mv r.samples.h5 one.h5
for ranks in 2 3; do
  expect_ranks $ranks 0 "r.samples.h5" "$HGN" sample r.h5 --judge -n 20 -o j$ranks.png
  h5diff -q --exclude-path /provenance one.h5 r.samples.h5 || fail "$ranks ranks judge otherwise"
  cmp -s j.png j$ranks.png || fail "$ranks ranks drew another picture"
done
expect 0 "r.samples.h5" "$HGN" sample r.h5 --judge -n 9 --steps 1 --seed 2
expect 0 "arrays of hgn-samples" "$HGN" info r.samples.h5
expect 0 "coverage" "$HGN" eval r.h5 --samples 9

/usr/bin/python3 - <<'PY' || fail "the numbers are not as documented"
import h5py
import numpy as np
from math import sqrt

with h5py.File("one.h5") as file:
    assert file.attrs["format"] == b"hgn-samples" and file.attrs["seed"] == 1
    one = {name: file["summary"][name][()] for name in file["summary"]}
    mse, ratio = file["samples/mse"][:], file["samples/ratio"][:]
    assert mse.shape == (20,) and np.array_equal(ratio, mse / one["error"])
    assert one["error"] == np.median(file["rollouts/mse"][:])
    assert one["valid"] == np.mean(ratio <= 2) and one["rollouts_valid"] == np.mean(file["rollouts/ratio"][:] <= 2)
    assert np.isclose(one["ratio_median"], np.median(ratio)) and one["ratio_high"] == np.sort(ratio)[17]
    assert one["outside"] == np.mean(file["samples/outside"][:])
    k, n, z = one["valid"][0] * 20, 20, 1.959963984540054  # Wilson 1927, as roots of (p - k/n)^2 = z^2 p (1 - p) / n
    roots = np.sort(np.roots([1 + z * z / n, -2 * k / n - z * z / n, (k / n) ** 2]))
    assert np.allclose(one["valid_interval"], roots, atol=1e-9)
    # The nine that are shown, and their distance from what is shown beside them.
    order, shown = np.argsort(mse, kind="stable"), file["shown/sample"][:]
    assert np.array_equal(shown, np.concatenate([order[:3], order[8:11], order[17:]]))
    films, nearest = file["shown/frames"][:].astype(float), file["shown/nearest"][:].astype(float)
    assert films.shape == (9, 4, 32, 32, 3)
    assert np.allclose(((films - nearest) ** 2).mean((1, 2, 3, 4)), mse[shown], rtol=1e-4)
    # Angles and momenta: the energy of the nearest trajectory is that of a rollout of the data.
    assert [name.decode() for name in file["coordinate"][:]] == ["q0", "p0"]
    state = file["samples/state"][:]
with h5py.File("d.h5") as file:
    test = file["test/state"][:, 4]  # frame 4 is the anchor: five frames are seen
def points(s): return np.stack([np.cos(s[:, 0]), np.sin(s[:, 0]), s[:, 1]], 1)
def distance(x, y):
    d = lambda a, b: np.sqrt(((a[:, None] - b[None]) ** 2).sum(-1)).mean()
    return 2 * d(x, y) - d(x, x) - d(y, y)
# Test rollouts 20 to 39 are not in the file: a larger data set begins with the smaller one.
import os, subprocess
subprocess.run([os.environ["HGN"], "-q", "simulate", os.environ["SOURCE"] + "/data/pendulum.yaml", "-o", "more.h5",
                "data.train=1", "data.test=40", "data.frames=8"], check=True, stdout=subprocess.DEVNULL)
with h5py.File("more.h5") as file:
    more = file["test/state"][:, 4]
assert np.array_equal(more[:20], test)
scale = points(more).std(0)
assert np.isclose(one["coverage"], distance(points(state) / scale, points(test) / scale), rtol=1e-6)
assert np.isclose(one["coverage_floor"], distance(points(more[:20]) / scale, points(more[20:]) / scale), rtol=1e-6)

# The scores of evaluations: of the last one, and on the splits on which models are chosen and reported.
with h5py.File("r.h5") as file:
    for split in "validation", "test":
        for score in "valid", "coverage", "coverage_floor":
            first, last = file[f"evaluation/{split}/{score}"][:2]
            assert np.isnan(first) and np.isfinite(last), (split, score, first, last)
    assert np.isnan(file["evaluation/train/valid"][:]).all()
PY

# Frames made elsewhere: coverage only, of frames and their changes.
/usr/bin/python3 - <<'PY' || fail "no frames"
import h5py
import numpy as np
rng = np.random.default_rng(1)
x, y = np.meshgrid(np.arange(32), np.arange(32))
with h5py.File("mine.h5", "w") as file:
    for split, count in ("train", 60), ("test", 24):
        phase = rng.uniform(0, 6.28, (count, 1)) + 0.25 * np.arange(8)
        image = np.exp(-((x - 15.5 - 8 * np.cos(phase)[..., None, None]) ** 2 + (y - 15.5) ** 2) / 8)
        file[split + "/frames"] = np.repeat(image[..., None], 3, -1).astype("f4")
    file["time"] = 0.125 * np.arange(8)
PY
"$HGN" -q train tiny.yaml -o m.h5 data.file=mine.h5 train.steps=2 objective.name=elbo >/dev/null || fail "no third model"
expect 0 "the system is not known" "$HGN" sample m.h5 --judge -n 9
grep -q "energy distance from 9 test rollouts" out.txt || fail "no coverage: $(cat out.txt)"
mv m.samples.h5 mine_one.h5
expect_ranks 2 0 "m.samples.h5" "$HGN" sample m.h5 --judge -n 9
h5diff -q --exclude-path /provenance mine_one.h5 m.samples.h5 || fail "two ranks judge otherwise"
/usr/bin/python3 - <<'PY' || fail "frames are not compared as documented"
import h5py
with h5py.File("m.samples.h5") as file:
    far, near = file["summary/coverage"][0], file["summary/coverage_floor"][0]
    assert 0 < near < 0.5 < far, (near, far)  # two steps of training draw nothing
    assert "samples" not in file
PY
expect 4 "no picture" "$HGN" sample m.h5 --judge -n 9 -o m.png

# What it refuses.
expect 2 "-n 8: 9 to 20000 samples are judged" "$HGN" sample r.h5 --judge -n 8
expect 2 "is a .png" "$HGN" sample r.h5 --judge -n 9 -o j.gif
expect 2 "hgn itself gives such names, to the judged samples of a run" "$HGN" sample r.h5 -o x.samples.h5
expect 2 "9 to 20000" "$HGN" eval r.h5 --samples 3
expect 2 "eval.judge" "$HGN" train tiny.yaml -o few.h5 eval.judge=3
echo "no samples" >r.samples.h5
expect_ranks 2 3 "r.samples.h5" "$HGN" sample r.h5 --judge -n 9
rm r.samples.h5
"$HGN" -q train tiny.yaml -o plain.h5 train.steps=1 model.latent.sampled=false >/dev/null || fail "no second model"
expect 4 "the model has no prior" "$HGN" sample plain.h5 --judge -n 9
damage r.checkpoint-00000008.h5
expect 3 "r.checkpoint-00000008.h5" "$HGN" sample r.h5 --judge -n 9
finish
