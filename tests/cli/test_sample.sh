# hgn sample: a function of model and seed; only for models that have a prior.
. "$SOURCE/tests/cli/helpers.sh"
. "$SOURCE/tests/cli/training.sh"
"$HGN" -q train tiny.yaml -o r.h5 train.steps=8 eval.every=4 optimizer.learning_rate=0.03 optimizer.warmup=0 \
  objective.lambda=1e4 >/dev/null || fail "no model"
sample() { expect 0 "$1" "$HGN" sample r.h5 -o "$@"; }
sample a.png
sample b.png --number 4 --steps=29 --seed 1
cmp -s a.png b.png || fail "the defaults are not 4 samples of 29 steps from seed 1"
expect_ranks 3 0 "c.png" "$HGN" sample r.h5 -o c.png
cmp -s a.png c.png || fail "three ranks drew another picture"
sample last.png -n 1 --steps 0
expect 0 "first.png" "$HGN" sample r.checkpoint-00000000.h5 -n 1 --steps 0 -o first.png
cmp -s last.png first.png && fail "another model drew the same"
sample sixteen.png -n 16 --steps 2
sample film.gif -n 2 --steps 6
sample again.gif -n 2 --steps 6
cmp -s film.gif again.gif || fail "the same seed drew another film"
# Films have no title that names the seed.
sample other.gif -n 2 --steps 6 --seed 2
cmp -s film.gif other.gif && fail "another seed drew the same"

/usr/bin/python3 - <<'PY' || fail "the pictures are not as documented"
import struct
import zlib
import numpy as np

def png(name):
    data, at, pixels = open(name, "rb").read(), 8, b""
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    width, height = struct.unpack(">II", data[16:24])
    while at < len(data):
        size, kind = struct.unpack(">I4s", data[at:at + 8])
        pixels += data[at + 8:at + 8 + size] if kind == b"IDAT" else b""
        at += 12 + size
    return width, height, len(zlib.decompress(pixels))

for name in ("a.png", "sixteen.png", "last.png"):
    width, height, size = png(name)
    assert size == height * (3 * width + 1)
assert png("a.png")[0] > 12 * 96 and 3 * 4 * 96 < png("a.png")[1] < 3 * 5 * 96, "30 frames of 4 samples in three blocks"
assert 16 * 96 < png("sixteen.png")[1] < 17.9 * 96
assert png("last.png")[1] < 2 * 96
data = open("film.gif", "rb").read()
assert data[:6] == b"GIF89a" and data.count(b"\x21\xf9\x04") == 7, "a frame for each step and one for the start"
assert struct.unpack("<H", data[6:8])[0] >= 2 * 224
PY

# Arrays: any number, the frames of a sample whatever the number of ranks and of samples.
sample many.h5 -n 40 --steps 5
for ranks in 2 3; do
  expect_ranks $ranks 0 "shared.h5" "$HGN" sample r.h5 -n 40 --steps 5 -o shared.h5
  h5diff -q --exclude-path /provenance many.h5 shared.h5 || fail "$ranks ranks drew other arrays"
done
sample few.h5 -n 2 --steps 5
/usr/bin/python3 - <<'PY' || fail "the arrays are not as documented"
import h5py
import numpy as np
with h5py.File("many.h5") as many, h5py.File("few.h5") as few:
    assert many["frames"].shape == (40, 6, 32, 32, 3) and many["energy"].shape == (40, 6)
    assert np.allclose(many["time"][()], 0.125 * np.arange(6))
    assert np.array_equal(many["frames"][:2], few["frames"][()]) and not np.isnan(many["frames"][()]).any()
    assert not np.array_equal(many["frames"][0], many["frames"][39])
    assert np.ptp(many["energy"][()], axis=1).max() < np.ptp(many["energy"][:, 0]), "H is about constant"
PY
rm -f many.h5 few.h5 shared.h5

# Wrong use.
for number in 0 17; do expect 2 "-n $number: 1 to 16 samples in a picture" "$HGN" sample r.h5 -n $number -o x.png; done
expect 2 "takes a whole number" "$HGN" sample r.h5 -n -1 -o x.png
expect 2 "--steps 100001: at most 100000" "$HGN" sample r.h5 --steps 100001 -o x.png
expect 2 "missing: -o FILE.png" "$HGN" sample r.h5
expect 2 "FILE.png, .gif or .h5" "$HGN" sample r.h5 -o x.jpg
expect 2 "missing: one RUN.h5" "$HGN" sample -o x.png
expect 3 "folder/x.png: cannot be created" "$HGN" sample r.h5 -o folder/x.png
expect 3 "d.h5: is of format 'hgn-dataset', not 'hgn-checkpoint'" "$HGN" sample d.h5 -o x.png

# A model that does not sample has no prior.
"$HGN" -q train tiny.yaml -o plain.h5 train.steps=1 model.latent.sampled=false >/dev/null || fail "no second model"
for ranks in 1 3; do
  expect_ranks $ranks 4 "has no prior: it was trained with model.latent.sampled=false" "$HGN" sample plain.h5 -o x.png
done
[ -z "$(find . -name 'x.*' -o -name '*partial*')" ] || fail "left: $(find . -name 'x.*' -o -name '*partial*')"
finish
