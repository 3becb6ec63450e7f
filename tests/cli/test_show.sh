# Pictures: a PNG of the right kind, a GIF with a frame for each frame; frames made elsewhere are shown and described too.
. "$SOURCE/tests/cli/helpers.sh"

# shellcheck disable=SC2086
expect 0 "d.h5" "$HGN" simulate "$PENDULUM" -o d.h5 --frames $SMALL
expect 0 "d.test0.png" "$HGN" show d.h5
expect 0 "strip.png" "$HGN" show d.h5 --rollout 3 --train -o strip.png
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
    q, p = f["/test/state"][..., 0], f["/test/state"][..., 1]
    energy = p ** 2 / (2 * 0.5) + 0.5 * 3 * (1 - np.cos(q))
    assert np.abs(energy - f["/test/energy"][...]).max() < 1e-12
    assert np.abs(energy - energy[:, :1]).max() < 1e-10
    with h5py.File("elsewhere.h5", "w") as g:
        g["/train/frames"] = f["/train/frames"][...]
        g["/test/frames"] = frames
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

/usr/bin/python3 - <<'PY' || fail "h5py cannot write"
import h5py, numpy
def foreign(name, **how):
    with h5py.File(name, "w") as f:
        for split in ("train", "test"):
            f.create_dataset(split + "/frames", **how)
foreign("wide.h5", shape=(1, 2, 2**32 + 8, 8, 1), dtype="u1", chunks=(1, 1, 8, 8, 1))
foreign("many.h5", shape=(2**60, 2, 8, 8, 1), dtype="u1", chunks=(1, 1, 8, 8, 1))
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
