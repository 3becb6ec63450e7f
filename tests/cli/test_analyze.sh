# hgn analyze: the same numbers on 1, 2 and 4 ranks, beside NumPy; its file, its figures, and what cannot be analysed.
. "$SOURCE/tests/cli/helpers.sh"
. "$SOURCE/tests/cli/training.sh"
# A mass on a spring, whose frames a linear model predicts; every other of its frames makes the components.
"$HGN" -q simulate "$SOURCE/data/mass_spring.yaml" -o spring.h5 data.train=60 data.test=40 data.frames=10 data.noise=0 \
  data.dt=0.25 --frames >/dev/null || fail "no data set"
expect 0 "test MSE" "$HGN" train tiny.yaml -o spring_run.h5 data.file=spring.h5 objective.name=elbo \
  train.frames_per_rollout=0 optimizer.learning_rate=0.003
for ranks in 1 2 4; do
  expect_ranks $ranks 0 "ranks$ranks.analysis.h5" "$HGN" analyze spring_run.h5 -o ranks$ranks.analysis.h5
  sed '/^latent states: .* rollouts (/d; s/, on . ranks.*//; /^ranks/d' out.txt >printed$ranks.txt
done
grep -q "240 states of .* on 4 ranks as a grid of 2 x 2" out.txt || fail "which grid? $(cat out.txt)"
cmp -s printed1.txt printed2.txt || fail "two ranks print other numbers: $(diff printed1.txt printed2.txt)"
cmp -s printed1.txt printed4.txt || fail "four ranks print other numbers: $(diff printed1.txt printed4.txt)"
/usr/bin/python3 - "$SOURCE/tests/peer/analyze_numpy.py" <<'PY' || fail "the numbers are not right"
import subprocess, sys
import h5py
import numpy as np

files = [h5py.File(f"ranks{n}.analysis.h5") for n in (1, 2, 4)]
one = files[0]
assert one.attrs["format"] in (b"hgn-analysis", "hgn-analysis") and one["missing"][()] in (b"", b"\0"), one["missing"][()]

# The same on all numbers of ranks: to the bit what a rank does alone, the rest to rounding, axes as subspaces.
alone = {"spectrum/mean", "symplectic/r2", "symplectic/deviation", "symplectic/order", "energy/rank_correlation", "time"}
def check(name, a):
    if not isinstance(a, h5py.Dataset) or name.startswith("provenance") or a.dtype.kind not in "fi" or name == "grid":
        return
    for other in files[1:]:
        b = other[name][...]
        if name in alone:
            assert np.array_equal(a[...], b, equal_nan=True), name
        elif name == "spectrum/axes":
            k = int(one["dimension/axes_99"][0])
            cosines = np.linalg.svd(a[:k] @ b[:k].T)[1]
            assert cosines.min() > 1 - 1e-9, (name, cosines)
        elif name == "portrait/planes":
            assert np.allclose(abs(a[...]), abs(b), rtol=1e-6, atol=1e-6), name
        elif name in ("linear/eigenvalue", "linear/frequency", "linear/growth", "spectrum/angle", "spectrum/difference"):
            pass
        elif name == "spectrum/variance":
            assert abs(a[...] - b).max() < 1e-11 * a[0], name
        else:
            assert np.allclose(a[...], b, rtol=1e-5, atol=1e-7, equal_nan=True), (name, a[...], b)
one.visititems(check)

# Read without us: what each is, on which scales.
def described(name, a):
    if isinstance(a, h5py.Dataset) and a.dtype.kind in "fi" and not name.startswith("provenance"):
        assert "description" in a.attrs, name
one.visititems(described)
assert one["to_truth/r2"].dims[0][0].name == "/order" and one["to_truth/r2"].dims[1][0].name == "/coordinate"
assert list(one["coordinate"][...]) == [b"q", b"p"] and one["dimension/phase_space"][0] == 2
assert one["time"][0] == 1.0 and one["time"].attrs["unit"] in ("s", b"s"), "the first target is frame 4"

# The linear model is NumPy's, and sees the spring's frequency, sqrt(k / m) = 2 rad/s.
seen, components = int(one["linear/seen"][0]), int(one["linear/components"][0])
text = subprocess.run([sys.executable, sys.argv[1], "spring.h5", str(seen), str(components), "300"],
                      capture_output=True, text=True,
                      check=True).stdout
mse, error, mean_image, reconstruction, *modes = [float(x) for x in text.split()]
assert abs(one["linear/mse"][1] / error - 1) < 0.05 and abs(one["linear/mean_image"][0] / mean_image - 1) < 1e-4
assert abs(one["linear/reconstruction"][0] / reconstruction - 1) < 1e-3
assert abs(one["linear/mse"][0] / mse - 1) < 0.02, (one["linear/mse"][0], mse)
assert abs(one["linear/by_frame"][seen:].mean() / one["linear/mse"][0] - 1) < 1e-9
assert one["linear/mse"][0] < 0.3 * one["linear/mean_image"][0], "a linear model predicts a spring"
frequency, growth = one["linear/frequency"][...], one["linear/growth"][...]
for size, turn in zip(modes[0:6:2], modes[1:6:2]):
    near = abs(frequency * 0.25 - turn) + abs(np.exp(growth * 0.25) - size)
    assert near.min() < 0.01, (size, turn)
assert np.isnan(one["to_truth/deviation"][0]), "of one degree of freedom every linear map is symplectic"
assert list(one["coordinate_unit"][...]) == [b"m", b"kg m/s"]
assert set(one["to_truth/ridge"][...]) <= {0, 1e-6, 1e-4, 1e-2, 1} and one["dimension/true_surface"][0] > 0
slow = growth > -0.5
assert abs(frequency[slow] - 2).min() < 0.05, frequency[slow]
PY

# OpenBLAS takes memory and starts threads in whatever is linked with it: only the program that hgn becomes is.
ldd "$HGN" | grep -q blas && fail "hgn is linked with OpenBLAS"
ldd "$HGN-analyze" | grep -q blas || fail "hgn-analyze is not linked with OpenBLAS: how is that found out?"

# Figures; a folder that is there already; no gnuplot.
expect 0 "plots/r2.svg" "$HGN" analyze spring_run.h5 --plot plots --rollouts 20
expect 0 "plots/phase.png" "$HGN" analyze spring_run.h5 --plot plots --png
/usr/bin/python3 - <<'PY' || fail "the figures are not there"
import xml.etree.ElementTree as tree
for name in ("spectrum", "phase", "r2"):
    marks = len([e for e in tree.parse(f"plots/{name}.svg").iter() if e.tag.endswith(("path", "use"))])
    assert marks > 10, (name, marks)
    assert open(f"plots/{name}.png", "rb").read(4) == b"\x89PNG"
PY
mkdir tools && ln -s /usr/bin/* tools && rm tools/gnuplot*
expect 4 "gnuplot" env PATH="$PWD/tools" "$HGN" analyze spring_run.h5 --plot plots
expect 0 "hgn-analysis" "$HGN" info spring_run.analysis.h5
/usr/bin/python3 "$SOURCE/tests/cli/descriptions.py" spring_run.analysis.h5 || fail "descriptions lean on others"

# Names are looked at before the work: no folder, other files, another run's analysis.
touch afile && echo mine >keep.txt && ln -sf ../keep.txt plots/phase.svg
expect 3 "afile: is not a folder" "$HGN" analyze spring_run.h5 --plot afile
expect 3 "keep.txt: is there, and is not a file of this kind" "$HGN" analyze spring_run.h5 --plot plots
[ "$(cat keep.txt)" = mine ] || fail "a figure has replaced a text"
expect 3 "spring.h5" "$HGN" analyze spring_run.h5 -o spring.h5
expect 2 "choose another file with -o" "$HGN" analyze spring_run.h5 --data spring.h5
expect 0 "rows x columns" "$HGN" bench -q analyze --rows 300 --columns 16

# Both ways from the middle, pendulums that turn around: rows are those of hgn rollout, truths those of the data.
"$HGN" -q simulate "$PENDULUM" -o turns.h5 data.train=20 data.test=16 data.frames=9 data.noise=0 >/dev/null || fail "no pendulums"
expect 0 "test MSE" "$HGN" train tiny.yaml -o turns_run.h5 data.file=turns.h5 objective.name=elbo protocol.name=forward_backward \
  train.steps=6
expect_ranks 3 0 "turns_run.analysis.h5" "$HGN" analyze turns_run.h5
expect 0 "there.h5" "$HGN" rollout turns_run.h5 --rollout 5 -o there.h5
expect 0 "back.h5" "$HGN" rollout turns_run.h5 --rollout 5 --backward -o back.h5
/usr/bin/python3 - <<'PY' || fail "rows are not those of the rollouts"
import h5py
import numpy as np
with h5py.File("turns_run.analysis.h5") as f, h5py.File("there.h5") as a, h5py.File("back.h5") as b, h5py.File("turns.h5") as d:
    assert list(f["coordinate"][...]) == [b"sin q", b"cos q", b"p"], f["coordinate"][...]
    states = [np.concatenate([x["q"][...].reshape(len(x["q"]), -1), x["p"][...].reshape(len(x["p"]), -1)], 1) for x in (b, a)]
    path = np.concatenate([states[0][:0:-1], states[1]])
    planes = f["portrait/planes"][...][list(f["portrait/rollout"][...]).index(5)]
    assert len(path) == len(planes) == 9 and f["time"][0] == 0
    assert np.allclose((path - f["spectrum/mean"][...]) @ f["spectrum/axes"][:2].T, planes[:, :2], rtol=1e-5, atol=1e-5)
    truth = d["test/state"][5]
    assert np.allclose(np.stack([np.sin(truth[:, 0]), truth[:, 1]], 1), planes[:, 2:], atol=1e-12)
PY

# Too few rollouts for some parts; more ranks than rollouts; matrices that one rank may not hold.
expect 0 "too few" "$HGN" analyze spring_run.h5 --rollouts 4
expect_ranks 3 2 "3 ranks for 2 test rollouts" "$HGN" analyze spring_run.h5 --rollouts 2
expect 71 "beyond the limit of 20: with 2 ranks or more it would not" "$HGN" analyze spring_run.h5 --memory 20
expect_ranks 2 0 "dynamic mode decomposition" "$HGN" analyze spring_run.h5 --memory 20

# Other models and data: no state, frames whose truth nobody knows, a latent space that has collapsed.
"$HGN" -q simulate "$SOURCE/data/moons.yaml" -o moons.h5 data.train=40 data.test=20 >/dev/null || fail "no points"
printf 'data: {file: moons.h5}\nmodel: {name: nhf, flow: {width: [8], encoder_width: [8]}}\ntrain: {steps: 2, batch: 8}\n' >nhf.yaml
"$HGN" -q train nhf.yaml -o nhf.h5 >/dev/null || fail "no density"
expect_ranks 2 4 "nhf.checkpoint-00000002.h5: is a model \"nhf\", which has no latent state to analyse" "$HGN" analyze nhf.h5
/usr/bin/python3 - <<'PY'
import h5py
with h5py.File("spring.h5") as f, h5py.File("frames.h5", "w") as g, h5py.File("still.h5", "w") as h:
    for split in ("train", "test"):
        g[split + "/frames"] = f[split + "/frames"][...]
        h[split + "/frames"] = 0 * f[split + "/frames"][...] + f["train/frames"][0, 0]
PY
for data in frames still; do
  expect 0 "$data.run.h5" "$HGN" train tiny.yaml -o $data.run.h5 data.file=$data.h5 objective.name=elbo train.steps=4 \
    model.integrator.dt=0.25
done
expect_ranks 2 0 "latent states against the phase space: not available, the true states of these frames are not known" \
  "$HGN" analyze frames.run.h5
grep -q "dynamic mode decomposition" out.txt || fail "frames made elsewhere have a linear model: $(cat out.txt)"
expect_ranks 2 0 "the latent space has collapsed" "$HGN" analyze still.run.h5
grep -q "all frames are the same" out.txt || fail "a linear model of one frame: $(cat out.txt)"
expect 0 "nan" "$HGN" analyze spring_run.h5 --rollouts 1
grep -q "collapsed" out.txt && fail "one rollout is no collapse: $(cat out.txt)"
/usr/bin/python3 - <<'PY'
import h5py
with h5py.File("frames.h5", "r+") as f:
    f["train/frames"][0, 0] = 255 - f["train/frames"][0, 0]
PY
expect_ranks 2 3 "frames.h5: is other data now than frames.run.checkpoint-00000004.h5 was trained on" "$HGN" analyze frames.run.h5
expect 3 "spring_run.analysis.h5: " "$HGN" analyze spring_run.analysis.h5
expect 2 "--png is of --plot DIR" "$HGN" analyze spring_run.h5 --png
finish
