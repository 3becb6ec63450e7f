# Pictures: a PNG of the right kind, a GIF with a frame for each frame; frames made elsewhere are shown and described too.
. "$SOURCE/tests/cli/helpers.sh"
. "$SOURCE/tests/cli/old_data.sh"

# shellcheck disable=SC2086
expect 0 "d.h5" "$HGN" simulate "$PENDULUM" -o d.h5 --frames $SMALL
expect 0 "d.test0.png" "$HGN" show d.h5
expect 0 "strip.png" "$HGN" show d.h5 --rollout 3 --split train -o strip.png
expect 0 "d.validation10.png" "$HGN" show d.h5 --rollout 10 --split validation
expect_ranks 3 2 "d.h5: the validation split has rollouts 0 to 10; there is no rollout 11" "$HGN" show d.h5 --split=validation \
  --rollout 11
expect 2 '--split "all": expected train, test or validation' "$HGN" show d.h5 --split all
expect 0 "rollouts     23 train, 11 test, 11 validation" "$HGN" info d.h5
grep -q "no validation split" out.txt && fail "it has one: $(cat out.txt)"
expect 0 "film.gif" "$HGN" show d.h5 --rollout 3 -o film.gif
expect_ranks 2 0 "two.gif" "$HGN" show d.h5 --rollout 3 -o two.gif
cmp -s film.gif two.gif || fail "two ranks drew another picture"
expect 3 "no-folder" "$HGN" show d.h5 -o no-folder/x.png

/usr/bin/python3 - <<'PY' || fail "the files are not as documented"
import struct
import h5py
import numpy as np

png = open("strip.png", "rb").read()
assert png[:8] == b"\x89PNG\r\n\x1a\n"
width, height = struct.unpack(">II", png[16:24])
assert width > 500 and height > 100, (width, height)
gif = open("film.gif", "rb").read()
assert gif[:6] == b"GIF89a" and b"NETSCAPE2.0" in gif

with h5py.File("d.h5") as f:
    assert f["/train/state"].shape == (23, 9, 2) and f["/train/state"].dtype == "f8"
    assert f["/test/energy"].shape == (11, 9)
    assert f["/test/energy"].attrs["unit"] in (b"J", "J")
    frames = f["/test/frames"][...]
    assert frames.shape == (11, 9, 32, 32, 3) and frames.dtype == "u1"
    assert np.allclose(f["/time"][...], 0.125 * np.arange(9))
    assert f["/train/state"].dims[1][0].name == "/time"
    for split in ("train", "test", "validation"):
        q, p = f[split + "/state"][..., 0], f[split + "/state"][..., 1]
        energy = p ** 2 / (2 * 0.5) + 0.5 * 3 * (1 - np.cos(q))
        assert np.abs(energy - f[split + "/energy"][...]).max() < 1e-12
        assert np.abs(energy - energy[:, :1]).max() < 1e-10
    assert f["/validation/state"].shape == (11, 9, 2) and f["/validation/state"].dims[2][0].name == "/coordinate"
    assert f["/validation/frames"].shape == frames.shape and f["/validation/frames"].dims[1][0].name == "/time"
    assert f["/checksum/rollouts/validation_energy"].shape == (11, 2)
    starts = np.concatenate([f[split + "/state"][:, 0, 0] for split in ("train", "test", "validation")])
    assert len(set(starts)) == 45, "rollouts of two splits are the same"
    # Those that there were before there was a third split, to the bits of then.
    for name, sum in {"train_state": b"d11a8a940f3c449aa7288f43e9dfcb8b", "test_state": b"4639d0f8a907e72408321ccfb4a70e9c",
                      "train_frames": b"2e36bd6aa63f9d6b2cc6b564e148bd4a", "test_frames": b"b84b6d79a0c171bb899e669d732391f1"}.items():
        assert f["checksum"][name][()] == sum, name
    with h5py.File("elsewhere.h5", "w") as g:
        g["/train/frames"] = f["/train/frames"][...]
        g["/test/frames"] = frames
    with h5py.File("three.h5", "w") as g:
        for split in ("train", "test", "validation"):
            g[split + "/frames"] = f[split + "/frames"][...]
    with h5py.File("single.h5", "w") as g:
        for split in ("train", "test"):
            g[split + "/frames"] = frames[:1]
    with h5py.File("unfit.h5", "w") as g:
        g["/train/frames"] = g["/test/frames"] = frames
        g["/validation/frames"] = frames[..., :7, :]
    with h5py.File("floats.h5", "w") as g:
        g["/train/frames"] = f["/train/frames"][...].astype("f4") / 255
        g["/test/frames"] = frames.astype("f4") / 255
        g["/time"] = 0.125 * np.arange(9)
    with h5py.File("bad.h5", "w") as g:
        g["/train/frames"] = frames
        g["/test/frames"] = frames[..., :7, :]
PY
for file in elsewhere floats; do
  expect 0 "made elsewhere" "$HGN" info $file.h5
  expect 0 "$file.png" "$HGN" show $file.h5 --rollout 2 -o $file.png
  expect 4 "made elsewhere" "$HGN" limit $file.h5 --input-frames 5
done
expect 3 "bad.h5" "$HGN" info bad.h5

# The validation split: of its own, the last of the training rollouts, or none.
LAST="rollouts     22 train, 11 test, 1 validation (no validation split: the last 1 of 23 training rollouts are it)"
expect 0 "rollouts     23 train, 11 test, 11 validation" "$HGN" info three.h5
expect 0 "$LAST" "$HGN" info elsewhere.h5
expect 0 "x.png" "$HGN" show elsewhere.h5 --split validation -o x.png
expect 2 "the train split has rollouts 0 to 21" "$HGN" show elsewhere.h5 --split train --rollout 22 -o x.png
expect 0 "rollouts     1 train, 1 test, 0 validation" "$HGN" info single.h5
expect 0 "x.png" "$HGN" show single.h5 --split train -o x.png
expect 2 "single.h5: has no validation split" "$HGN" show single.h5 --split validation -o x.png
expect 3 "unfit.h5: /validation/frames has extent 7 in dimension 3 where /train/frames has 32" "$HGN" info unfit.h5

# A data set of before there was one keeps its checksum, and is verified by it.
cp d.h5 old.h5
without_validation old.h5
for ranks in 1 2 3; do
  expect_ranks $ranks 0 "ae79ae9b584098f2ee95a277f778effa (verified)" "$HGN" info old.h5
done
grep -qF "$LAST" out.txt || fail "not said what its validation split is: $(cat out.txt)"
expect 0 "x.png" "$HGN" show old.h5 --split validation -o x.png
/usr/bin/python3 - <<'PY' || fail "h5py cannot write"
import shutil
import h5py
shutil.copy("d.h5", "damaged.h5")
with h5py.File("old.h5", "r+") as f:
    f["/train/state"][22, 3, 1] += 1e-9
with h5py.File("damaged.h5", "r+") as f:
    f["/validation/frames"][10, 8, 31, 31, 2] ^= 1
PY
expect 3 "old.h5: checksum mismatch: rollout 22 of train_state" "$HGN" show old.h5 --split validation -o x.png
expect_ranks 3 3 "damaged.h5: checksum mismatch: validation_frames" "$HGN" info damaged.h5

/usr/bin/python3 - <<'PY' || fail "h5py cannot write"
import h5py, numpy
def foreign(name, **how):
    with h5py.File(name, "w") as f:
        for split in ("train", "test"):
            f.create_dataset(split + "/frames", **how)
foreign("wide.h5", data=numpy.full((1, 2, 2**16 + 8, 8, 1), 7, "u1"))
foreign("many.h5", shape=(2**40, 2, 8, 8, 1), dtype="u1", chunks=(1, 1, 8, 8, 1))
with h5py.File("many.h5", "r+") as f:
    for split in ("train", "test"):
        f[split + "/frames"][0] = 7
foreign("nan.h5", data=numpy.full((2, 3, 8, 8, 1), numpy.nan, "f4"))
PY
for command in "show -o f.gif" "show -o f.png" info; do
  # shellcheck disable=SC2086
  expect 3 "in dimension 2" "$HGN" ${command%% *} wide.h5 ${command#"${command%% *}"}
  # shellcheck disable=SC2086
  expect 3 "more than fit" "$HGN" ${command%% *} many.h5 ${command#"${command%% *}"}
done
expect 3 "outside [0, 1]" "$HGN" info nan.h5
finish
