# Data sets of points through the command line: made, looked at, refused where frames are wanted; those of other programs.
. "$SOURCE/tests/cli/helpers.sh"
FEW="data.train=300 data.test=200 data.validation=50"

# Made, and known again.
# shellcheck disable=SC2086
expect 0 "entropy      2.0794 +- 0.0000 nat" "$HGN" simulate "$SOURCE/data/checkerboard.yaml" -o board.h5 $FEW
grep -q "^board.h5$" out.txt || fail "the file's name is not printed: $(cat out.txt)"
# shellcheck disable=SC2086
expect 0 "board.h5 (made before)" "$HGN" simulate "$SOURCE/data/checkerboard.yaml" -o board.h5 --once $FEW
expect 2 "board.h5: was made from another configuration: data.train: 300" "$HGN" simulate "$SOURCE/data/checkerboard.yaml" \
  -o board.h5 --once
# shellcheck disable=SC2086
expect 2 "board.h5: was made from another configuration" "$HGN" simulate "$SOURCE/data/arcs.yaml" -o board.h5 --once $FEW
# shellcheck disable=SC2086
expect 2 "--frames: points of a density have no frames" "$HGN" simulate "$SOURCE/data/arcs.yaml" -o no.h5 --frames $FEW
for name in gaussian ring grid arcs cross moons; do
  # shellcheck disable=SC2086
  expect 0 "entropy" "$HGN" -q simulate "$SOURCE/data/$name.yaml" -o $name.h5 $FEW
done

# Log densities, and that of a point alone, as numpy has them.
/usr/bin/python3 - <<'PY' || fail "log densities are not what numpy says"
import h5py
import numpy as np
def gauss(x, mean, axis, along, across):
    d = x - mean
    u, v = d @ axis, d @ np.array([-axis[1], axis[0]])
    return -0.5 * ((u / along) ** 2 + (v / across) ** 2) - np.log(2 * np.pi * along * across)
def mixture(means, axes, along, across):
    return lambda x: np.logaddexp.reduce([gauss(x, np.array(m), np.array(a), along, across) for m, a in zip(means, axes)],
                                         axis=0) - np.log(len(means))
turns = 2 * np.pi * np.arange(8) / 8
ring = [(3 * np.cos(t), 3 * np.sin(t)) for t in turns] + [(0, 0)]
grid = [(2 * (i - 1), 2 * (k - 1)) for i in range(3) for k in range(3)]
diagonals = np.array([(1, 1), (-1, 1), (-1, -1), (1, -1)]) / np.sqrt(2)
sides = lambda x: np.logaddexp(-0.5 * ((x - 2) / 0.6) ** 2, -0.5 * ((x + 2) / 0.6) ** 2)
arcs = lambda x: -0.5 * ((np.hypot(x[:, 0], x[:, 1]) - 2) / 0.4) ** 2 + sides(x[:, 0]) - 1.877501626109707  # by scipy
t = (np.arange(40000) + 0.5) / 40000 * np.pi
def moons(x):
    half = lambda x: np.mean(np.exp(-0.5 * ((x[0] - np.cos(t)) ** 2 + (x[1] - np.sin(t)) ** 2) / 0.01)) / (0.02 * np.pi)
    return np.array([np.log(0.5 * (half(p) + half((1 - p[0], 0.5 - p[1])))) for p in x])
east = [(1, 0)] * 9
expected = {"gaussian": mixture([(0, 0)], east, 1, 1), "ring": mixture(ring, east, 0.35, 0.35),
            "grid": mixture(grid, east, 0.25, 0.25), "cross": mixture(1.5 * diagonals, diagonals, 0.6, 0.15),
            "arcs": arcs, "moons": moons, "board": lambda x: np.full(len(x), -np.log(8))}
for name, function in expected.items():
    with h5py.File(name + ".h5") as f:
        for split, count in (("train", 300), ("test", 200), ("validation", 50)):
            points, density = f[split + "/points"], f[split + "/log_density"]
            assert points.shape == (count, 2) and density.shape == (count,) and density.attrs["unit"] == b"nat"
            assert points.dims[1][0].shape == (2,), "the coordinates have names"
        error = np.abs(function(f["test/points"][:100]) - f["test/log_density"][:100]).max()
        assert error < (1e-5 if name == "moons" else 1e-12), (name, error)
        entropy = f["parameters/entropy"][()]
        assert abs(entropy + f["test/log_density"][...].mean()) < 1e-12
with h5py.File("ring.h5") as f:
    assert {key: f["parameters"][key][()] for key in ("modes", "spacing", "width")} == {"modes": 8, "spacing": 3, "width": 0.35}
PY

# Looked at.
expect 0 "points       300 train, 200 test, 50 validation" "$HGN" info ring.h5
for text in "ring.h5: hgn data set, ring" "dimension    2" "(verified)" "entropy " "    spacing: 3"; do
  grep -qF "$text" out.txt || fail "hgn info does not say \"$text\": $(cat out.txt)"
done
grep -q "images\|ladder\|frames" out.txt && fail "hgn info speaks of frames: $(cat out.txt)"
expect 0 "(not verified)" "$HGN" info ring.h5 --quick
expect 2 "ring.h5: holds points of a density" "$HGN" limit ring.h5 --input-frames 1
printf 'data: {file: ring.h5}\nmodel: {preset: quick}\nobjective: {kappa: 1e-3}\ntrain: {steps: 1}\n' >hgn.yaml
expect 2 'ring.h5: holds points of a density; a model "hgn" learns from rollouts' "$HGN" train hgn.yaml -o no.h5
[ -z "$(ls no.* 2>/dev/null)" ] || fail "what was refused left files: $(ls no.*)"

# Monte Carlo, on one rank and on several.
# shellcheck disable=SC2086
for ranks in 1 3; do
  expect_ranks $ranks 0 "R-hat 1.0" "$HGN" simulate "$SOURCE/data/logistic.yaml" -o chains$ranks.h5 density.dimension=3 \
    density.observations=30 hmc.warmup=200 $FEW data.train=1000
  grep -q "warning" out.txt && fail "good chains are warned of: $(cat out.txt)"
  "$HGN" info chains$ranks.h5 | sed -n '2,7p' >chains$ranks.txt
done
cmp chains1.txt chains3.txt || fail "chains depend on the number of ranks"
grep -q "^chains .*effective sample size .* divergences$" chains1.txt || fail "hgn info has no diagnostics: $(cat chains1.txt)"
# shellcheck disable=SC2086
expect 0 "warning: short.h5: its chains have not come to agree" "$HGN" simulate "$SOURCE/data/logistic.yaml" -o short.h5 \
  density.dimension=3 density.observations=30 hmc.warmup=10 hmc.thin=1 hmc.leapfrogs=1 $FEW
expect 0 "not to be believed" "$HGN" info short.h5

# Wrong keys, before anything is written.
wrong() { # wrong "TEXT" "YAML"
  printf '%b\ndata: {train: 10, test: 10}\n' "$2" >wrong.yaml
  expect 2 "$1" "$HGN" simulate wrong.yaml -o no.h5
  [ ! -e no.h5 ] || fail "made from: $2"
}
wrong '"density.modes" does not apply to gaussian' 'density: {name: gaussian, dimension: 2, width: 1, modes: 3}'
wrong 'missing key "density.spacing"' 'density: {name: ring, width: 1}'
wrong 'did you mean "ring"' 'density: {name: rings, width: 1}'
wrong 'density.width is 1e-05: expected 0.001 or more for moons' 'density: {name: moons, width: 1e-5}'
wrong 'unknown key "system"' 'density: {name: cross}\nsystem: {name: pendulum}'

# Made elsewhere.
/usr/bin/python3 - <<'PY' || fail "h5py cannot write"
import h5py
import numpy as np
rng = np.random.default_rng(1)
train, test = rng.normal(size=(100, 4)), rng.normal(size=(20, 4))
def make(name, train=train, test=test, **others):
    with h5py.File(name, "w") as f:
        if train is not None:
            f["/train/points"] = train
        if test is not None:
            f["/test/points"] = test
        for key, value in others.items():
            f["/" + key.replace("_", "/")] = value
def bad(value):
    points = test.copy()
    points[11, 2] = value
    return points
make("double.h5")
make("single.h5", train.astype("f4"), test.astype("f4"), validation_points=train[:7].astype("f4"))
make("flat.h5", train[:, 0], test[:, 0])
make("nan.h5", test=bad(np.nan))
make("none.h5", train, None)
make("both.h5", train, test, train_frames=np.zeros((3, 2, 4, 4, 1), "u1"))
with h5py.File("never.h5", "w") as f:
    f["/train/points"] = train
    f.create_dataset("/test/points", (20, 4), "f8")
with h5py.File("part.h5", "w") as f:
    f["/train/points"] = train
    f.create_dataset("/test/points", (20, 4), "f8")[:13] = test[:13]
with h5py.File("chunks.h5", "w") as f:
    f.create_dataset("/train/points", (100, 4), "f8", chunks=(10, 4))[:50] = train[:50]
    f["/test/points"] = test
PY
expect 0 "points       95 train, 20 test, 5 validation (no validation split: the last 5 of 100 training points are it)" \
  "$HGN" info double.h5
grep -qF "points made elsewhere" out.txt || fail "not said where they are from: $(cat out.txt)"
expect_ranks 2 0 "points       100 train, 20 test, 7 validation" "$HGN" info single.h5
grep -q "^dimension    4$" out.txt || fail "no dimension: $(cat out.txt)"
refuse() { expect 3 "$1: $2" "$HGN" info "$1"; }
refuse flat.h5 "/train/points has 1 dimensions, not 2"
refuse nan.h5 "/test/points: point 11 has the value nan in coordinate 2"
refuse none.h5 "is not a data set: it has /train/points, but not /test/points"
refuse both.h5 "holds both frames and points"
refuse never.h5 "/test/points was created, but nothing was ever written to it"
refuse part.h5 "/test/points: point 13 was never written: every coordinate is the fill value 0"
refuse chunks.h5 "/train/points was not wholly written: 5 of its 10 chunks are missing"
expect 2 "double.h5: was made elsewhere" "$HGN" simulate "$SOURCE/data/ring.yaml" -o double.h5 --once
expect 3 "double.h5" "$HGN" simulate "$SOURCE/data/ring.yaml" -o double.h5 data.train=10 data.test=10

# A bit of the file that has turned.
/usr/bin/python3 - <<'PY' || fail "cannot damage moons.h5"
import h5py
with h5py.File("moons.h5") as f:
    at = f["test/points"].id.get_offset() + 16 * 123
with open("moons.h5", "r+b") as f:
    f.seek(at)
    f.write(b"x")
PY
expect 3 "checksum mismatch: point 123 of test_points is not what was written" "$HGN" info moons.h5
finish
