# Frames that nobody ever wrote are no black images, and a test split without rollouts is no evaluation.
. "$SOURCE/tests/cli/helpers.sh"
. "$SOURCE/tests/cli/training.sh"
"$HGN" -q simulate "$SOURCE/data/pendulum.yaml" -o clean.h5 --frames data.train=60 data.test=20 data.frames=8 data.noise=0 \
  >/dev/null || fail "no frames"
/usr/bin/python3 - <<'PY' || fail "h5py cannot write"
import h5py
import numpy as np
with h5py.File("clean.h5") as f:
    train, test = f["/train/frames"][...], f["/test/frames"][...]
def make(name, fill):
    with h5py.File(name, "w") as f:
        fill(f)
    return name
def both(f, **words):
    f.create_dataset("/train/frames", data=train, **words)
    f.create_dataset("/test/frames", data=test, **words)
make("right.h5", both)
make("packed.h5", lambda f: both(f, chunks=(7, 8, 32, 32, 3), compression="gzip"))
make("rows.h5", lambda f: both(f, chunks=(1, 3, 32, 16, 3), maxshape=(None,) + train.shape[1:]))
def never(f):
    f.create_dataset("/train/frames", train.shape, "u1")
    f.create_dataset("/test/frames", data=test)
make("never.h5", never)
def never_test(f):
    f.create_dataset("/train/frames", data=train)
    f.create_dataset("/test/frames", test.shape, "f4", chunks=(4, 8, 32, 32, 3))
make("never_test.h5", never_test)
def extended(f):
    set = f.create_dataset("/train/frames", data=train[:40], maxshape=(None,) + train.shape[1:], chunks=(1, 8, 32, 32, 3))
    set.resize(60, axis=0)
    f.create_dataset("/test/frames", data=test)
make("extended.h5", extended)
def within(f):  # the extent ends within a chunk that is there already
    set = f.create_dataset("/train/frames", data=train[:49], maxshape=(None,) + train.shape[1:], chunks=(60, 8, 32, 32, 3))
    set.resize(60, axis=0)
    f.create_dataset("/test/frames", data=test)
make("within.h5", within)
def part(f):  # space for all of it, of which some is filled
    set = f.create_dataset("/train/frames", train.shape, "u1")
    set[:33] = train[:33]
    f.create_dataset("/test/frames", data=test)
make("part.h5", part)
def other_fill(f):
    set = f.create_dataset("/train/frames", train.shape, "f4", fillvalue=0.5)
    set[:33] = train[:33] / np.float32(255)
    f.create_dataset("/test/frames", data=(test / np.float32(255)))
make("other_fill.h5", other_fill)
def nan_fill(f):
    set = f.create_dataset("/train/frames", train.shape, "f8", fillvalue=float("nan"))
    set[:33] = train[:33] / 255
    f.create_dataset("/test/frames", data=(test / 255))
make("nan_fill.h5", nan_fill)
def late(f):  # the last frames of every rollout
    set = f.create_dataset("/train/frames", train.shape, "u1")
    set[:, :6] = train[:, :6]
    f.create_dataset("/test/frames", data=test)
make("late.h5", late)
def late_test(f):
    f.create_dataset("/train/frames", data=train)
    set = f.create_dataset("/test/frames", test.shape, "u1")
    set[:, 2:] = test[:, 2:]
make("late_test.h5", late_test)
def made(f, name, shape, fill_time, fill):  # all of its space is there, and half of it was never written
    plist = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    plist.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
    plist.set_fill_time(fill_time)
    if fill is not None:
        plist.set_fill_value(np.array(fill, "u1"))
    space = h5py.h5s.create_simple(shape)
    h5py.h5d.create(f.require_group("train").id, b"frames", h5py.h5t.STD_U8LE, space, dcpl=plist)
    f[name][:33] = train[:33]
    f.create_dataset("/test/frames", data=test)
make("fill_never.h5", lambda f: made(f, "/train/frames", train.shape, h5py.h5d.FILL_TIME_NEVER, 77))
def apart(f):
    f.create_dataset("/train/frames", train.shape, "u1", external=[("apart.raw", 0, h5py.h5f.UNLIMITED)])[...] = train
    f.create_dataset("/test/frames", data=test)
make("apart.h5", apart)
def virtual(f):
    layout = h5py.VirtualLayout(shape=train.shape, dtype="u1")
    layout[...] = h5py.VirtualSource("right.h5", "/train/frames", shape=train.shape)
    f.create_virtual_dataset("/train/frames", layout)
    f.create_dataset("/test/frames", data=test)
make("virtual.h5", virtual)
def empty(f):
    f.create_dataset("/train/frames", data=train)
    f.create_dataset("/test/frames", (0,) + test.shape[1:], "u1")
make("empty.h5", empty)
valid = test[:5]
def never_valid(f):
    both(f)
    f.create_dataset("/validation/frames", valid.shape, "u1")
make("never_valid.h5", never_valid)
def part_valid(f):
    both(f)
    f.create_dataset("/validation/frames", valid.shape, "u1")[:3] = valid[:3]
make("part_valid.h5", part_valid)
def late_valid(f):
    both(f)
    f.create_dataset("/validation/frames", valid.shape, "u1")[:, :6] = valid[:, :6]
make("late_valid.h5", late_valid)
def empty_valid(f):
    both(f)
    f.create_dataset("/validation/frames", (0,) + valid.shape[1:], "u1")
make("empty_valid.h5", empty_valid)
def apart_valid(f):
    both(f)
    f.create_dataset("/validation/frames", valid.shape, "u1", external=[("valid.raw", 0, h5py.h5f.UNLIMITED)])[...] = valid
make("apart_valid.h5", apart_valid)
def no_train(f):
    f.create_dataset("/train/frames", (0,) + test.shape[1:], "u1")
    f.create_dataset("/test/frames", data=test)
make("no_train.h5", no_train)
PY
WORDS="objective.kappa=1e-3 model.integrator.dt=0.125 train.steps=4"
for name in right packed rows; do
  # shellcheck disable=SC2086
  expect 0 "test MSE" "$HGN" train tiny.yaml -o $name.run.h5 data.file=$name.h5 $WORDS
done

# refused NAME "TEXT" [RANKS]: by training on them, and by eval of a model of other data.
refused() {
  # shellcheck disable=SC2086
  expect_ranks ${3:-1} 3 "$1.h5: $2" "$HGN" train tiny.yaml -o bad.h5 data.file=$1.h5 $WORDS
  expect_ranks ${3:-1} 3 "$1.h5: $2" "$HGN" eval right.run.h5 $1.h5
  [ -z "$(ls bad* 2>/dev/null)" ] || fail "a refused run left files"
}
refused never "/train/frames was created, but nothing was ever written to it" 3
expect 3 "never.h5: /train/frames was created" "$HGN" show never.h5 -o x.png
expect 3 "never.h5: /train/frames was created" "$HGN" info never.h5
refused never_test "/test/frames was created, but nothing was ever written to it"
refused extended "/train/frames was not wholly written: 20 of its 60 chunks are missing"
refused within "/train/frames: rollout"
expect 3 "within.h5: /train/frames: rollout 55 was never written" "$HGN" show within.h5 --split train --rollout 55 -o x.png
refused part "/train/frames: rollout" 3
expect 3 "part.h5: /train/frames: rollout 58 was never written" "$HGN" show part.h5 --split validation --rollout 1 -o x.png
expect 3 "part.h5: /train/frames: rollout 33 was never written: every value is the fill value 0" "$HGN" info part.h5
refused other_fill "/train/frames: rollout 33 was never written: every value is the fill value 0.5"
refused nan_fill "/train/frames: rollout"
refused late "/train/frames: frame 6 was never written: in every rollout" 3
refused late_test "/test/frames: frame 0 was never written: in every rollout"
refused empty "/test/frames is empty"
expect 3 "empty.h5: /test/frames is empty" "$HGN" info empty.h5
refused no_train "/train/frames is empty"
expect 3 "never_valid.h5: /validation/frames was created, but nothing was ever written to it" "$HGN" info never_valid.h5
refused part_valid "/validation/frames: rollout"
refused late_valid "/validation/frames: frame 6 was never written: in every rollout" 3
expect 3 "empty_valid.h5: /validation/frames is empty" "$HGN" show empty_valid.h5 -o x.png
expect 3 "apart_valid.h5: /validation/frames is kept in other files" "$HGN" info apart_valid.h5
refused fill_never "/train/frames: rollout 33 was never written"

# Frames that HDF5 would fetch from other files, and make up where they are missing.
refused apart "/train/frames is kept in other files, which are not read: copy it into this one"
refused virtual "/train/frames is kept in other files, which are not read: copy it into this one"

# Frames that change while they are used.
# shellcheck disable=SC2086
"$HGN" -q train tiny.yaml -o live.h5 data.file=right.h5 $WORDS train.steps=100000 train.checkpoint_every=100000 eval.every=0 \
  >job.txt 2>&1 &
job=$!
await $job live.checkpoint-00000000.h5 || fail "no checkpoint: $(cat job.txt)"
/usr/bin/python3 - <<'PY' || fail "h5py can write what a training reads"
import h5py
try:
    h5py.File("right.h5", "r+")
except OSError:
    raise SystemExit(0)
raise SystemExit(1)
PY
printf 'x' | dd of=right.h5 bs=1 seek=100000 conv=notrunc 2>/dev/null
wait $job
status=$?
[ $status = 3 ] || fail "exit status $status, not 3, when frames change under a training"
grep -q "right.h5: another program has changed it since it was opened" job.txt || fail "not said: $(cat job.txt)"
finish
