# What files may ask for: nothing outside themselves, no program, no more memory than what they hold takes. Each is refused
# with exit status 3 and a word of what it is; a crash of HDF5 is told as one of the file.
. "$SOURCE/tests/cli/helpers.sh"
. "$SOURCE/tests/cli/training.sh"
. "$SOURCE/tests/cli/sweeping.sh"
export OMPI_MCA_ess_singleton_isolated=1 # a process alone starts in half the time without a daemon of its own
"$HGN" -q train tiny.yaml -o run.h5 train.steps=4 eval.every=2 train.checkpoint_every=2 >/dev/null || fail "no run"
make_sweep s.yaml 2
"$HGN" -q sweep s.yaml -o s >/dev/null || fail "no sweep"
mkfifo fifo
/usr/bin/python3 - <<'PY' || fail "h5py cannot write"
import os, shutil, zlib
import h5py, numpy

frames = numpy.random.default_rng(1).integers(0, 255, (4, 6, 8, 8, 1), numpy.uint8)

def make(name, test=None, **how):
    with h5py.File(name, "w") as f:
        f["train/frames"] = frames
        if how:
            f.create_dataset("test/frames", **how)
        elif test:
            f["test/frames"] = test

make("frames.h5", h5py.SoftLink("/train/frames"))
make("fifo.h5", h5py.ExternalLink("fifo", "/x"))
make("nowhere.h5", h5py.SoftLink("/gone"))
make("lzf.h5", data=frames, compression="lzf")
with h5py.File("through.h5", "w") as f:
    f["train/frames"] = frames
    f["out"] = h5py.ExternalLink("frames.h5", "/")
    f["test"] = h5py.SoftLink("/out/train")

def change(name, new, path, replace):
    shutil.copy(name, new)
    with h5py.File(new, "r+") as f:
        old = f[path][()] if isinstance(f[path], h5py.Dataset) else None
        del f[path]
        replace(f, path, old)

def outside(f, path, old):
    f[path] = h5py.ExternalLink("frames.h5", "/x")

def raw(f, path, old):
    f.create_dataset(path, old.shape, old.dtype, external=[("frames.h5", 0, old.nbytes)])

def huge(f, path, old):
    kind = h5py.h5t.C_S1.copy()
    kind.set_size(3 << 30)
    h5py.h5d.create(f.id, path.encode(), kind, h5py.h5s.create(h5py.h5s.SCALAR))

def variable(f, path, old):
    f[path] = old.decode()

def compress(f, path, old):
    f.create_dataset(path, data=old, compression="gzip", chunks=old.shape)

def undo(f, path, old): # and what is last is as if it had not been written
    old[-1] = 0
    compress(f, path, old)

def short(f, path, old):
    f[path] = old[:-1]

change("d.h5", "d-link.h5", "/ladder", outside)
change("d.h5", "d-raw.h5", "/time", raw)
change("d.h5", "d-huge.h5", "/config", huge)
change("d.h5", "d-variable.h5", "/config", variable)
change("run.h5", "run-huge.h5", "/data/file", huge)
change("run.h5", "run-packed.h5", "/report/loss", compress)
change("run.h5", "run-undone.h5", "/report/loss", undo)
change("run.h5", "run-short.h5", "/report/loss", short)
os.mkdir("p")
change("s/sweep.h5", "p/sweep.h5", "/trial/state", undo)

# Chunks are put there as they are: what makes gigabytes of them is nobody's time but the reader's.
def bomb(name, array, shape, chunk, kind="u1"):
    size = int(numpy.prod(chunk)) * numpy.dtype(kind).itemsize
    packed = zlib.compress(bytes(size if size < 1 << 25 else 1))
    with h5py.File(name, "w") as f:
        for split in ("train", "test"):
            data = f.create_dataset(f"{split}/{array}", shape, kind, chunks=chunk, compression="gzip", fillvalue=9)
            for at in numpy.ndindex(*(-(-n // c) for n, c in zip(shape, chunk))):
                data.id.write_direct_chunk(tuple(i * c for i, c in zip(at, chunk)), packed)
        f["room"] = numpy.zeros(400000, "u1") # so that it could be

bomb("chunk.h5", "frames", (40, 30, 400, 400, 3), (40, 30, 400, 400, 3))
bomb("rollout.h5", "frames", (3, 700, 400, 400, 3), (1, 10, 400, 400, 3))
bomb("points.h5", "points", (70000000, 2), (1000000, 2), "f8")
PY

expect 0 "stored" "$HGN" info frames.h5
# What it does not refuse, it fails on: a reader that opens the pipe, or asks for the gigabytes.
# shellcheck disable=SC2016
refuse() { expect 3 "$2" sh -c 'ulimit -v 1500000; exec timeout 5 "$@"' sh "$HGN" info "$1"; }
refuse fifo.h5 "fifo.h5: /test/frames: link frames leads to another file, fifo, which is not read"
refuse through.h5 "link out leads to another file, frames.h5, which is not read"
refuse nowhere.h5 "nowhere.h5: /test/frames: "
refuse lzf.h5 "/test/frames is compressed by filter 32000, lzf, which this program does not have"
refuse d-link.h5 "leads to another file, frames.h5, which is not read"
refuse d-raw.h5 "/time is kept in other files, which are not read: copy it into this one (frames.h5)"
refuse d-huge.h5 "/config "
refuse d-variable.h5 "/config is a text of variable length"
refuse run-huge.h5 "/data/file "
refuse chunk.h5 "/train/frames is in chunks of 576000000 bytes"
refuse rollout.h5 "a rollout is of 700 frames of 400 x 400 x 3"
refuse points.h5 "has 70000000 points of 2 coordinates"

# Columns that somebody has compressed, which only who writes them minds, or cut.
expect 0 "loss" "$HGN" info run-packed.h5
refuse run-short.h5 "/report/loss has "
for name in undone short; do
  mv "run-$name.h5" run.h5
  expect 3 "/report/loss " "$HGN" train tiny.yaml -o run.h5 train.steps=4 eval.every=2 train.checkpoint_every=2
done
expect 3 "/trial/state is compressed" "$HGN" sweep s.yaml -o p

# HDF5 crashes on some files. Here a signal stands in for that, in the middle of what it reads of one.
expect 3 "d.h5: HDF5 crashes when it reads this file" \
  strace -f -o /dev/null -P "$PWD/d.h5" -e trace=pread64 -e inject=pread64:signal=SEGV:when=9 "$HGN" info d.h5

# Where ranks cannot share memory, that is not the file's fault. Only in a file system of our own.
cat >full.sh <<'SH'
mount -t tmpfs -o size=4096k tmpfs /dev/shm && dd if=/dev/zero of=/dev/shm/fill bs=4096 2>/dev/null
exec "$@"
SH
if unshare -m true 2>/dev/null; then
  # shellcheck disable=SC2086
  expect 3 "/dev/shm is full" unshare -m sh full.sh env -u OMPI_MCA_btl_vader_backing_directory OMPI_MCA_odls_base_sigkill_timeout=0 \
    $MPIRUN -n 2 "$HGN" simulate "$PENDULUM" -o y.h5 data.train=8 data.test=4 data.frames=6
fi
finish
