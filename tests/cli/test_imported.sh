# Frames that somebody else's program has written: each file works, or it is said what to do. The examples of data/README.md
# run as they stand there.
. "$SOURCE/tests/cli/helpers.sh"
/usr/bin/python3 - <<'PY' || fail "h5py cannot write"
import h5py
import numpy as np
frames = np.random.default_rng(0).integers(0, 256, (20, 8, 16, 16, 3)).astype("u1")


def write(name, train, test, form=None):
    with h5py.File(name + ".h5", "w") as f:
        for split, values in (("train", train), ("test", test)):
            if values is not None:
                f[split + "/frames"] = values
        if form is not None:
            f.attrs["format"] = form


write("longer", frames, np.concatenate([frames, frames], 1))
write("form", frames, frames[::-1], "NeXus")
write("number", frames, frames[::-1], 3)
write("empty", None, None, "NeXus")
write("half", frames, None)
for kind in ("f2", "i4", "?"):
    write("kind_" + kind.replace("?", "bool"), frames.astype(kind), frames.astype(kind))
write("wide", frames.astype("i8"), frames.astype("i8"))
write("mask", (frames > 99).astype("u1"), (frames > 99).astype("u1"))
write("dark", np.where(np.arange(20)[:, None, None, None, None] < 3, frames % 2, frames), frames)
write("large", frames.astype("f4"), frames.astype("f4"))
for name, place, target in ("dangling", "test/frames", "/elsewhere/frames"), ("group", "test", "/nowhere"):
    with h5py.File(name + ".h5", "w") as f:
        f["train/frames"] = frames
        f[place] = h5py.SoftLink(target)
with h5py.File("chunk.h5", "w") as f:
    shape = (700, 34, 32, 32, 3)
    f.create_dataset("train/frames", shape, "u1", chunks=shape, compression="gzip", compression_opts=1)
    f["train/frames"][...] = 7
    f["test/frames"] = np.full((3,) + shape[1:], 9, "u1")
PY
expect 3 "/test/frames has rollouts of 16 frames where /train/frames has 8: all splits need as many: cut the longer ones, with h5py by [:, :8]" \
  "$HGN" info longer.h5
for name in form number dark; do expect 0 "$name.h5: frames made elsewhere" "$HGN" info $name.h5; done
expect 3 "empty.h5: is not a data set: its attribute 'format' is not hgn's, and it has neither both /train/frames and" "$HGN" info empty.h5
expect 3 "/test/frames: the link /test/frames leads to /elsewhere/frames, where there is nothing" "$HGN" info dangling.h5
expect 3 "/test/frames: the link /test leads to /nowhere, where there is nothing" "$HGN" info group.h5
expect 3 "half.h5: is not a data set: it has /train/frames, but not /test/frames" "$HGN" info half.h5
expect 3 "/train/frames holds numbers of type f16; only f64, f32, i64 and u8 are read: convert it before it is written, with NumPy" \
  "$HGN" info kind_f2.h5
expect 3 "holds numbers of type i32; only" "$HGN" info kind_i4.h5
expect 3 "holds values of an enumeration, as bool is; only" "$HGN" info kind_bool.h5
expect 3 "holds 64-bit integers, not u8, f32 or f64: write values in 0..255 as bytes, with NumPy by astype('uint8')" "$HGN" info wide.h5
expect 3 "all bytes of the first 16 rollouts are 0 or 1, where white is 255: multiply them by 255" "$HGN" info mask.h5
expect_ranks 2 3 "outside [0, 1]: divide what is in 0..255 by 255, or write it as bytes" "$HGN" info large.h5
expect_ranks 2 0 "warning: chunk.h5: /train/frames is in chunks of 73 MB, of which each is read whole" "$HGN" info chunk.h5
[ "$(grep -c "h5repack -l train/frames:CHUNK=1x34x32x32x3 IN.h5 OUT.h5" out.txt)" = 1 ] || fail "not said once what to do: $(cat out.txt)"
TERM=xterm COLUMNS=80 timeout 60 /usr/bin/python3 -c 'import pty, sys; pty.spawn(sys.argv[1:])' "$HGN" info chunk.h5 >seen.txt </dev/null
grep -q "/train/frames .*rollouts" seen.txt || fail "no progress in reading: $(cat seen.txt)"

# The examples, each a block of Python.
awk '/^```python/ { inside = 1; file = "example" ++n ".py"; next } /^```/ { inside = 0 } inside { print > file }' "$SOURCE/data/README.md"
[ -f example2.py ] && [ ! -f example3.py ] || fail "there are not two examples"
/usr/bin/python3 example1.py || fail "the first example ends with an error"
expect 0 "of 200 training rollouts are it" "$HGN" info mine.h5
expect 0 "test MSE" "$HGN" train "$SOURCE/sweeps/quickstart.yaml" -o run.h5 data.file=mine.h5 train.steps=3 train.frames_per_rollout=2 \
  eval.every=0 eval.final=4 eval.rollouts=4
expect 0 "rollout.h5" "$HGN" rollout run.h5 -o rollout.h5
/usr/bin/python3 example2.py >said.txt || fail "the second example ends with an error"
difference=$(sed -n 's/^largest difference of H: //p' said.txt)
awk -v d="$difference" 'BEGIN { exit !(d != "" && d >= 0 && d < 1e-4) }' || fail "H in PyTorch is another: $(cat said.txt)"
finish
