# Models whose predictions are not finite: rollout and sample (eval: test_eval.sh) write what there is and end with status 5.
. "$SOURCE/tests/cli/helpers.sh"
. "$SOURCE/tests/cli/training.sh"
as_drawn
# The checkpoint of step 1 is finite, what it predicts is not: all but the frame that it infers the state of.
WILD="optimizer.learning_rate=1e4 optimizer.schedule=constant optimizer.warmup=0 optimizer.encoder_ratio=0 objective.name=elbo
  train.checkpoint_every=1 train.steps=9 eval.every=0"
# shellcheck disable=SC2086
expect 5 "step 1: training has diverged: the loss is not finite" "$HGN" train tiny.yaml -o wild.h5 $WILD
mv wild.checkpoint-00000001.h5 wild1.h5

for ending in h5 png; do
  expect 5 "wild1.h5: the decoded image of frame 1 is not finite" "$HGN" rollout wild1.h5 -o lost.$ending
  grep -q "^MSE nan over 4 frames; last frame nan$" out.txt || fail "not MSE nan: $(cat out.txt)"
  [ -s lost.$ending ] || fail "lost.$ending was not written"
done
expect 5 "is not finite" "$HGN" rollout wild1.h5 --backward --speed 0.5 -o back.h5
/usr/bin/python3 - <<'PY' || fail "lost.h5 hides what is not finite"
import h5py
import numpy as np
with h5py.File("lost.h5") as f:
    assert list(np.isnan(f["error"][...])) == [False] + 3 * [True]
    assert not np.isfinite(f["prediction"][1:]).all() and np.isfinite(f["truth"][...]).all()
PY
expect 0 "MSE" "$HGN" rollout wild.checkpoint-00000000.h5 -o fine.h5

# Not each sample is lost: the first that is, is named, whoever drew it.
for ranks in 1 3; do
  expect_ranks $ranks 5 "wild1.h5: the decoded image of sample 1 is not finite" "$HGN" sample wild1.h5 -n 7 -o s$ranks.h5
done
h5diff -q --exclude-path /provenance s1.h5 s3.h5 || fail "samples differ"
expect 5 "wild1.h5: the decoded image of sample 1 is not finite" "$HGN" sample wild1.h5 -o s.png
[ -s s.png ] || fail "s.png was not written"
expect 0 "one.h5" "$HGN" sample wild1.h5 -n 1 -o one.h5

# A parameter that is not finite and that a relu hides from every number: eval tells of it, and training keeps no such model.
# forge CHECKPOINT DATASET TAG VALUE...: its first numbers are these, and the checksum is right.
forge() {
  /usr/bin/python3 - "$@" <<'PY' || fail "cannot forge $*"
import sys
import h5py
import numpy as np
U = np.uint64
def mix(x):
    x = (x ^ (x >> U(30))) * U(0xbf58476d1ce4e5b9)
    x = (x ^ (x >> U(27))) * U(0x94d049bb133111eb)
    return x ^ (x >> U(31))
def word(tag, eight):  # what src/base/checksum.c adds for the first eight bytes
    hash = 0xcbf29ce484222325
    for c in tag.encode():
        hash = (hash ^ c) * 0x100000001b3 % 2**64
    place, text = mix(mix(np.array([hash], U))), np.frombuffer(eight, U)
    return np.array([mix(text + place)[0], mix(text ^ ((place << U(32) | place >> U(32)) + U(0xd1b54a32d192ed03)))[0]])
name, path, tag = sys.argv[1:4]
with h5py.File(name, "r+") as f:
    value = f[path][...]
    before = value.tobytes()[:8]
    value.flat[: len(sys.argv) - 4] = [float(x) for x in sys.argv[4:]]
    f[path][...] = value
    text = f["/checksum"][()].decode()
    sum = np.array([int(text[:16], 16), int(text[16:], 16)], U) - word(tag, before) + word(tag, value.tobytes()[:8])
    f["/checksum"][()] = np.bytes_("%016x%016x" % tuple(int(x) for x in sum))
PY
}
RELU="model.encoder.activation=relu optimizer.schedule=constant optimizer.clip=1e-3 train.steps=12 train.checkpoint_every=11"
# shellcheck disable=SC2086
expect 0 "test MSE" "$HGN" train tiny.yaml -o hidden.h5 $RELU
mv hidden.checkpoint-00000012.h5 twelve.h5
rm hidden.best.h5
forge twelve.h5 /parameters/encoder.0.weight parameters nan
expect 5 "is not finite" "$HGN" eval twelve.h5
# A moment so large that the last update goes beyond all numbers.
forge hidden.checkpoint-00000011.h5 /optimizer/first first 3e38
# shellcheck disable=SC2086
expect 5 "step 12: training has diverged: the parameter encoder.0.weight is not finite" "$HGN" train tiny.yaml -o hidden.h5 $RELU
[ -f hidden.checkpoint-00000012.h5 ] || [ -f hidden.best.h5 ] && fail "a broken model was kept"
finish
