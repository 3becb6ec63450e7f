# Training on frames made elsewhere, where no states, no times and no noise are known: what is missing is asked for, and the
# mean image is measured.
. "$SOURCE/tests/cli/helpers.sh"
. "$SOURCE/tests/cli/training.sh"
as_drawn
"$HGN" -q simulate "$SOURCE/data/pendulum.yaml" -o clean.h5 --frames data.train=60 data.test=20 data.frames=8 data.noise=0 \
  >/dev/null || fail "no frames"
/usr/bin/python3 - <<'PY' || fail "h5py cannot write"
import h5py
import numpy as np
with h5py.File("clean.h5") as f, h5py.File("frames.h5", "w") as g, h5py.File("timed.h5", "w") as t, \
        h5py.File("other.h5", "w") as o, h5py.File("new.h5", "w", libver="latest") as n, \
        h5py.File("valid.h5", "w") as v, h5py.File("single.h5", "w") as s:
    for split in ("train", "test"):
        frames = f[split + "/frames"][...]
        g[split + "/frames"] = frames
        t[split + "/frames"] = frames.astype("f4") / np.float32(255)
        o[split + "/frames"] = frames[::-1]
        n[split + "/frames"] = frames
        v[split + "/frames"] = frames[:57]
        s[split + "/frames"] = frames[:1]
        if split == "train":
            v["/validation/frames"] = frames[57:]
    t["/time"] = 0.125 * np.arange(8)
PY
KAPPA="objective.kappa=1e-3"
GIVEN="$KAPPA model.integrator.dt=0.125"

# Asked for, by name, before anything is written.
expect 2 "frames.h5: does not say the time between frames: set model.integrator.dt" "$HGN" train tiny.yaml -o bad.h5 \
  data.file=frames.h5 $KAPPA
expect 2 "objective.kappa is required: frames.h5 has neither" "$HGN" train tiny.yaml -o bad.h5 \
  data.file=frames.h5 model.integrator.dt=0.125
grep -q "reading frames" out.txt && fail "read before it is known that they are of use: $(cat out.txt)"
expect 2 "need rollouts of 13 frames; the data has 8" "$HGN" train tiny.yaml -o bad.h5 data.file=frames.h5 $GIVEN protocol.frames=9
# shellcheck disable=SC2086
expect_ranks 3 2 "single.h5: has no validation split, and of 1 training rollout none can be it" "$HGN" train tiny.yaml -o bad.h5 \
  data.file=single.h5 $GIVEN
[ -z "$(ls bad* 2>/dev/null)" ] || fail "a refused run left files"

# Trains, to the same bits on any number of ranks.
for ranks in 1 2 3; do
  # shellcheck disable=SC2086
  expect_ranks $ranks 0 "test MSE" "$HGN" train tiny.yaml -o f$ranks.h5 data.file=frames.h5 $GIVEN
  [ $ranks = 1 ] || same_run f1.h5 f$ranks.h5 00000040
  [ "$(grep -c "frames.h5: no validation split: the last 3 of 60 training rollouts are it" out.txt)" = 1 ] ||
    fail "not said once what the validation split is: $(cat out.txt)"
done
grep -q "noise floor\|limit" out.txt && fail "nothing is known of this data but itself: $(cat out.txt)"
grep "^R2 .*mean image" out.txt || fail "the mean image is not measured"
expect_ranks 2 0 "frames.h5, 20 test rollouts, 4 target frames" "$HGN" eval f3.h5
grep "R2 .*of the mean image" out.txt || fail "eval does not measure the mean image"

# The newest format of HDF5, as other writers use it.
expect 0 "frames made elsewhere" "$HGN" info new.h5
expect 0 "new.h5, 20 test rollouts" "$HGN" eval f3.h5 new.h5

# Other frames are noticed: of the same shape, of more frames.
cp f1.h5 before.h5
cp frames.h5 right.h5
cp other.h5 frames.h5
# shellcheck disable=SC2086
expect_ranks 2 3 "f1.h5: was trained on other data" "$HGN" train tiny.yaml -o f1.h5 data.file=frames.h5 $GIVEN
/usr/bin/python3 - <<'PY'
import h5py
import numpy as np
with h5py.File("right.h5") as f, h5py.File("frames.h5", "w") as g:
    for split in ("train", "test"):
        frames = f[split + "/frames"][...]
        g[split + "/frames"] = np.concatenate([frames, frames[:, -1:]], axis=1)
PY
# shellcheck disable=SC2086
expect_ranks 2 3 "f1.h5: was trained on other data" "$HGN" train tiny.yaml -o f1.h5 data.file=frames.h5 $GIVEN
cmp -s f1.h5 before.h5 || fail "a refused run was written to"
mv right.h5 frames.h5

# The same rollouts as a validation split of their own: the same training, on other data.
# shellcheck disable=SC2086
expect_ranks 2 0 "test MSE" "$HGN" train tiny.yaml -o valid.run.h5 data.file=valid.h5 $GIVEN
grep -q "no validation split" out.txt && fail "it has one: $(cat out.txt)"

# The data says its times itself; frames as floats; the states of the same frames.
# shellcheck disable=SC2086
expect 0 "test MSE" "$HGN" train tiny.yaml -o timed.run.h5 data.file=timed.h5 $KAPPA
# shellcheck disable=SC2086
expect 0 "test MSE" "$HGN" train tiny.yaml -o clean.run.h5 data.file=clean.h5 $KAPPA
# shellcheck disable=SC2086
expect 0 "test MSE" "$HGN" train tiny.yaml -o other.run.h5 data.file=other.h5 $GIVEN
/usr/bin/python3 - <<'PY' || fail "the runs are not as they should be"
import h5py
import numpy as np
def read(name):
    with h5py.File(name) as f:
        return {key: f[key][...] for key in ("/report/error", "/data/floor", "/data/mean_image", "/data/limit",
                                              "/evaluation/test/mse", "/evaluation/test/r2", "/data/checksum")}
frames, timed, clean, other = (read(name) for name in ("f1.h5", "timed.run.h5", "clean.run.h5", "other.run.h5"))
error = frames["/report/error"]
valid = read("valid.run.h5")
assert (valid["/report/error"] == error).all() and valid["/data/checksum"] != frames["/data/checksum"]
assert (valid["/evaluation/test/mse"] == frames["/evaluation/test/mse"]).all()
assert error[-5:].mean() < 0.95 * error[0], "it does not learn"
assert (timed["/report/error"] == error).all(), "bytes and floats of the same frames"
assert np.abs(clean["/report/error"] / error - 1).max() < 1e-2, "frames rounded to bytes are other frames"
assert np.abs(other["/report/error"] / error - 1).max() > 1e-4, "any frames will do"
for name in ("/data/floor", "/data/limit"):
    assert np.isnan(frames[name]).all(), name
with h5py.File("frames.h5") as f:
    train, test = (f[split + "/frames"][...] / 255.0 for split in ("train", "test"))
mse = ((test - train.mean((0, 1))) ** 2).mean()
for run in (frames, timed, read("f2.h5"), read("f3.h5")):
    assert run["/data/mean_image"] == frames["/data/mean_image"]
    assert (run["/data/checksum"] == frames["/data/checksum"]) == (run is not timed), "the checksum knows the times"
assert abs(frames["/data/mean_image"][0] / mse - 1) < 1e-6
assert abs(frames["/evaluation/test/r2"][-1] - (1 - frames["/evaluation/test/mse"][-1] / mse)) < 1e-6
PY
finish
