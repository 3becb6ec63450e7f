# hgn rollout: the arrays are what they are said to be, pictures are whole, wrong use and disks without room are told.
. "$SOURCE/tests/cli/helpers.sh"
. "$SOURCE/tests/cli/training.sh"
# Learning fast enough for predictions that differ from frame to frame.
"$HGN" -q train tiny.yaml -o r.h5 optimizer.learning_rate=0.01 optimizer.warmup=0 objective.lambda=1e4 >/dev/null ||
  fail "no model"
# The same states without noise: what the truth has to show.
"$HGN" -q simulate "$SOURCE/data/pendulum.yaml" -o clean.h5 --frames data.train=60 data.test=20 data.frames=8 data.noise=0 \
  >/dev/null || fail "no clean data"
roll() { expect 0 "$1" "$HGN" rollout r.h5 -o "$@"; }
roll one.h5 --rollout 3
grep -q "^MSE [0-9.]*e-4 over 4 frames; last frame [0-9.]*e-4$" out.txt || fail "no summary: $(cat out.txt)"
cp out.txt one.txt
roll half.h5 --rollout 3 --steps 6 --speed 0.5
roll twice.h5 --rollout 3 --steps=3 --speed 2
roll back.h5 --rollout 3 --steps 4 --backward
roll slowback.h5 --rollout 3 --steps 2 --speed 0.5 --backward
roll train.h5 --rollout 59 --split train --steps 1
roll valid.h5 --rollout 19 --split validation --steps 1
roll other.h5 --rollout 3 --data clean.h5
roll zero.h5 --rollout 3 --steps 0
expect_ranks 3 0 "ranks.h5" "$HGN" rollout r.h5 --rollout 3 -o ranks.h5
h5diff --exclude-path /provenance one.h5 ranks.h5 || fail "three ranks rolled out something else"
h5diff --exclude-path /provenance one.h5 zero.h5 || fail "--steps 0 is not the default"

/usr/bin/python3 - <<'PY' || fail "the arrays are not as documented"
import re
import h5py
import numpy as np

def read(name):
    with h5py.File(name) as f:
        assert f.attrs["format"] in (b"hgn-rollout", "hgn-rollout") and b"r.checkpoint-00000040.h5" in np.bytes_(f.attrs["model"])
        return {key: f[key][...] for key in ("time", "prediction", "truth", "error", "energy", "q", "p")}

runs = {name: read(name + ".h5") for name in ("one", "half", "twice", "back", "slowback", "train", "other")}
one, half, twice, back, slow = (runs[k] for k in ("one", "half", "twice", "back", "slowback"))
for name, r in runs.items():
    n = len(r["time"])
    assert r["prediction"].shape == r["truth"].shape == (n, 32, 32, 3) and r["prediction"].dtype == "f4", name
    assert r["error"].shape == r["energy"].shape == (n,) and r["q"].shape == r["p"].shape and r["q"].shape[0] == n, name
    mse = ((r["prediction"].astype("f8") - r["truth"]) ** 2).mean(axis=(1, 2, 3))
    assert np.allclose(mse, r["error"], rtol=1e-12, atol=0), name
    assert np.isfinite(r["energy"]).all() and np.isfinite(r["q"]).all() and np.isfinite(r["p"]).all(), name
assert np.ptp(one["prediction"], axis=0).max() > 1e-4, "the prediction stands still: nothing is tested"

start, dt = 0.5, 0.125
for r, n, step in ((one, 4, dt), (half, 7, dt / 2), (twice, 4, 2 * dt), (back, 5, -dt), (slow, 3, -dt / 2)):
    assert np.allclose(r["time"], start + step * np.arange(n), rtol=0, atol=1e-12)
with h5py.File("clean.h5") as f, h5py.File("d.h5") as d:
    assert (f["/test/state"][...] == d["/test/state"][...]).all()
    clean, train = f["/test/frames"][3] / 255.0, f["/train/frames"][59] / 255.0
assert np.abs(one["truth"] - clean[4:]).max() <= 0.51 / 255
assert np.abs(back["truth"] - clean[4::-1]).max() <= 0.51 / 255
assert np.abs(runs["train"]["truth"] - train[4:6]).max() <= 0.51 / 255
assert np.ptp(clean[4:], axis=0).max() > 0.2
assert np.abs(half["truth"][::2] - one["truth"]).max() < 1e-6
assert np.abs(twice["truth"][:2] - one["truth"][::2]).max() < 1e-6
assert np.abs(half["truth"][1::2] - one["truth"][:-1]).max() > 0.05, "in between it is somewhere else"
assert np.abs(slow["truth"][2] - back["truth"][1]).max() < 1e-6

# From one state in both directions; the model's own steps.
for r in (half, twice, back, slow):
    for key in ("prediction", "q", "p", "energy"):
        assert (r[key][0] == one[key][0]).all(), key
assert (runs["other"]["q"][0] != one["q"][0]).any(), "other data, the same state"
assert (runs["other"]["truth"] == one["truth"]).all(), "the truth is without noise"
towards = one["q"][1] - one["q"][0]
away = back["q"][1] - back["q"][0]
assert np.abs(towards).max() > 0 and (towards * away).sum() < 0, "backward goes the same way as forward"
assert 0.3 < np.abs(half["q"][1] - half["q"][0]).max() / np.abs(towards).max() < 0.7
assert 1.6 < np.abs(twice["q"][1] - twice["q"][0]).max() / np.abs(towards).max() < 2.4
said = re.search(r"MSE (\S+)e-4 over 4 frames; last frame (\S+)e-4", open("one.txt").read())
assert abs(float(said.group(1)) - 1e4 * one["error"].mean()) < 6e-4
assert abs(float(said.group(2)) - 1e4 * one["error"][-1]) < 6e-4
PY

# Pictures. A GIF has a frame for each step and one for the start.
roll a.png --rollout 3
roll long.png --steps 30 --speed 0.5 --backward
roll a.gif --steps 9

# Frames made elsewhere: what there is of them is the truth, at the model's own steps.
/usr/bin/python3 - <<'PY' || fail "h5py cannot write"
import h5py
with h5py.File("clean.h5") as f, h5py.File("frames.h5", "w") as g:
    for split in ("train", "test"):
        g[split + "/frames"] = f[split + "/frames"][...]
PY
roll known.h5 --rollout 3 --data frames.h5
roll beyond.h5 --rollout 3 --data frames.h5 --steps 6
grep -q "MSE [0-9.]*e-4 over 4 frames; last frame [0-9]" out.txt || fail "unknown frames in the summary: $(cat out.txt)"
grep -q "the truth of 3 of 7 frames is not known" out.txt || fail "no word on unknown frames: $(cat out.txt)"
roll before.h5 --rollout 3 --data frames.h5 --steps 6 --backward
roll between.h5 --rollout 3 --data frames.h5 --speed 0.5
grep -q MSE out.txt && fail "an error against nothing: $(cat out.txt)"
roll beyond.gif --rollout 3 --data frames.h5 --steps 6
roll beyond.png --rollout 3 --data frames.h5 --steps 4
roll between.png --rollout 3 --data frames.h5 --speed 0.5

/usr/bin/python3 - <<'PY' || fail "frames made elsewhere, or pictures, are not as documented"
import struct
import zlib
import h5py
import numpy as np

with h5py.File("frames.h5") as f:
    given = f["/test/frames"][3].astype("f4") / np.float32(255)
with h5py.File("known.h5") as f, h5py.File("other.h5") as o:
    assert np.abs(f["truth"][...] - given[4:]).max() < 1e-7 and np.isfinite(f["error"][...]).all()
    assert np.allclose(f["time"][...], 0.5 + 0.125 * np.arange(4)) and np.abs(f["q"][...] - o["q"][...]).max() < 0.1
with h5py.File("beyond.h5") as f:
    assert np.abs(f["truth"][:4] - given[4:]).max() < 1e-7 and np.isnan(f["truth"][4:]).all()
    assert list(np.isnan(f["error"][...])) == 4 * [False] + 3 * [True] and np.isfinite(f["prediction"][...]).all()
with h5py.File("before.h5") as f:
    assert np.abs(f["truth"][:5] - given[4::-1]).max() < 1e-7 and np.isnan(f["truth"][5:]).all()
with h5py.File("between.h5") as f:
    assert "truth" not in f and np.isnan(f["error"][...]).all() and np.isfinite(f["prediction"][...]).all()

def png(name):
    data, at, kinds, pixels = open(name, "rb").read(), 8, [], b""
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    while at < len(data):
        size, kind = struct.unpack(">I4s", data[at:at + 8])
        body = data[at + 8:at + 8 + size]
        assert struct.unpack(">I", data[at + 8 + size:at + 12 + size])[0] == zlib.crc32(kind + body)
        kinds.append(kind)
        pixels += body if kind == b"IDAT" else b""
        at += 12 + size
    width, height, depth, color = struct.unpack(">IIBB", data[16:26])
    assert kinds[0] == b"IHDR" and kinds[-1] == b"IEND" and (depth, color) == (8, 2)
    raw = zlib.decompress(pixels)
    assert len(raw) == height * (3 * width + 1)
    return width, height, raw

def unfilter(width, height, raw):
    """The rows of a PNG, W3C specification section 9."""
    above, rows = bytearray(3 * width), []
    for y in range(height):
        kind, row = raw[y * (3 * width + 1)], bytearray(raw[y * (3 * width + 1) + 1:(y + 1) * (3 * width + 1)])
        for x in range(len(row)) if kind else ():
            a, b, c = (row[x - 3], above[x], above[x - 3]) if x > 2 else (0, above[x], 0)
            if kind == 4:
                pa, pb, pc = abs(b - c), abs(a - c), abs(a + b - 2 * c)
                guess = a if pa <= pb and pa <= pc else b if pb <= pc else c
            else:
                guess = (0, a, b, (a + b) // 2)[kind]
            row[x] = (row[x] + guess) & 255
        rows.append(row)
        above = row
    return np.array(rows, "u1").reshape(height, width, 3)

def gif(name):
    data = open(name, "rb").read()
    assert data[:6] == b"GIF89a"
    at, frames, delays = 13 + 3 * (2 << (data[10] & 7)), 0, set()
    while data[at] != 0x3B:
        if data[at] == 0x2C:
            frames += 1
            at += 11
        else:
            if data[at + 1] == 0xF9:
                delays.add(struct.unpack("<H", data[at + 4:at + 6])[0])
            at += 2
        while data[at]:
            at += data[at] + 1
        at += 1
    assert at == len(data) - 1
    return frames, delays, struct.unpack("<HH", data[6:10])

tile, rows = 96, 3
assert png("a.png")[0] >= 4 * tile and rows * tile < png("a.png")[1] < 5 * tile
assert png("long.png")[1] > 3 * rows * tile, "31 frames in three blocks"
image = unfilter(*png("beyond.png"))
right = image.shape[1] - 12 - (tile + 4)  # the margin, the last tile and its gap
middle = [12 + 18 + 12 + 18 + row * (tile + 4) + tile // 2 for row in range(rows)]
blank = [[(image[y, right + dx + tile // 2] == 255).all() for dx in (-tile - 4, 0)] for y in middle]
assert blank == [[False, True], [False, False], [False, True]], "only of the last frame nothing but the prediction is known"
assert png("between.png")[1] < 2 * tile, "only the prediction is to be seen"
assert gif("a.gif")[:2] == (10, {12, 13}) and gif("a.gif")[2][0] >= 3 * 224
assert gif("beyond.gif")[0] == 7
PY

# Wrong use, and what is not there.
expect 2 "the test split has rollouts 0 to 19; there is no rollout 20" "$HGN" rollout r.h5 --rollout 20 -o x.png
expect_ranks 3 2 "the train split has rollouts 0 to 59; there is no rollout 60" "$HGN" rollout r.h5 --split train --rollout 60 -o x.h5
expect 2 "the validation split has rollouts 0 to 19; there is no rollout 20" "$HGN" rollout r.h5 --split validation --rollout 20 \
  -o x.h5
expect 2 "--steps 100001: at most 100000" "$HGN" rollout r.h5 --steps 100001 -o x.h5
expect 2 "too many for one strip; write a .gif" "$HGN" rollout r.h5 --steps 1200 -o x.png
expect 2 "missing: -o FILE" "$HGN" rollout r.h5
for name in x.jpg .png; do expect 2 "neither in .png nor" "$HGN" rollout r.h5 -o $name; done
for speed in 0 nan 1x; do expect 2 "expected a number above 0" "$HGN" rollout r.h5 --speed "$speed" -o x.png; done
expect 2 "unexpected word" "$HGN" rollout r.h5 d.h5 -o x.png
expect 3 "missing.h5: no such file" "$HGN" rollout r.h5 --data missing.h5 -o x.png
for ending in png h5; do expect 3 "folder/x.$ending: cannot be created" "$HGN" rollout r.h5 -o folder/x.$ending; done
mkdir -p full folder.png
expect 3 "folder.png: is a folder" "$HGN" rollout r.h5 -o folder.png

# A disk without room, a folder that cannot be written: what was there survives and nothing is left.
if mount -t tmpfs -o size=64k none full 2>/dev/null; then
  trap 'umount "$PWD/full"' EXIT
  dd if=/dev/zero of=full/ballast bs=1k count=56 2>/dev/null
  printf '\211PNG precious' >full/x.png
  printf 'GIF89a precious' >full/x.gif
  : >full/x.h5
  for name in x.png x.gif x.h5; do
    cp full/$name before
    expect 3 "o space left on device" "$HGN" rollout r.h5 --speed 0.37 --steps 40 -o full/$name
    cmp -s full/$name before || fail "full/$name was lost"
    rm full/$name before
  done
  expect_ranks 2 3 "o space left on device" "$HGN" rollout r.h5 --steps 40 -o full/x.h5
  [ "$(ls -A full)" = ballast ] || fail "left on the full disk: $(ls -A full)"
  mount -o remount,ro full
  for name in x.gif x.h5; do expect 3 "ead-only file system" "$HGN" rollout r.h5 -o full/$name; done
else
  echo "cannot mount a tmpfs here: full disks are not tested"
fi
[ -z "$(find . -name 'x.*' -type f -o -name '*partial*')" ] || fail "left: $(find . -name 'x.*' -o -name '*partial*')"
finish
