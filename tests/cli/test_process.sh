# What a process of hgn is, whatever it does: where its files may lie, what it leaves behind when it is ended, that it can be
# ended, its standard descriptors, what it prints, and what it does with little memory.
. "$SOURCE/tests/cli/helpers.sh"
. "$SOURCE/tests/cli/training.sh"
keep_segments_here
LITTLE="data.train=8 data.test=4 data.frames=6"

# ---- Long names: Open MPI has 256 bytes for that of a file that is written ----

long=$(printf 'f%.0s' $(seq 120))
mkdir -p "$long/$long/$long"
# shellcheck disable=SC2086
expect_ranks 2 0 "x.h5" "$HGN" simulate "$PENDULUM" -o "$long/$long/$long/x.h5" $LITTLE
expect 0 "verified" "$HGN" info "$long/$long/$long/x.h5"
expect 0 "test MSE" "$HGN" train tiny.yaml -o "$long/$long/$long/run.h5" train.steps=1 eval.rollouts=1 eval.final=same
# Who has asked Open MPI for something else is given it.
# shellcheck disable=SC2086
OMPI_MCA_sharedfp=lockedfile "$HGN" -q simulate "$PENDULUM" -o "$long/$long/$long/y.h5" $LITTLE >out.txt 2>&1 &&
  fail "the user's choice of a component is not respected"

export OMPI_MCA_ess_singleton_isolated=1 # a process alone starts in half the time without a daemon of its own

# ---- What is left behind ----

# begin NAME: a simulation that would take long, once it writes.
begin() {
  "$HGN" -q simulate "$PENDULUM" -o "$1" data.train=200000 data.test=10000 >out.txt 2>&1 &
  job=$!
  await $job ".${1:0:90}*.partial-*" || fail "it has not begun: $(cat out.txt)"
}
for signal in TERM HUP; do # SIGINT a shell ignores in what it starts behind
  begin killed.h5
  kill -$signal $job
  wait $job
  [ -z "$(find . -maxdepth 1 -name '.killed*')" ] || fail "left behind after SIG$signal: $(find . -maxdepth 1 -name '.killed*')"
done
cut=$(printf 'k%.0s' $(seq 150)).h5 # its partial file has a shorter name
for name in killed.h5 "$cut"; do
  begin "$name"
  kill -KILL $job
  wait $job 2>/dev/null
  [ -n "$(find . -maxdepth 1 -name '.k*')" ] || fail "it was not killed half-way"
done
: >.notes.h5.partial-elsewhere-1
# shellcheck disable=SC2086
expect 0 "other.h5" "$HGN" simulate "$PENDULUM" -o other.h5 $LITTLE
[ -z "$(find . -maxdepth 1 -name '.k*')" ] || fail "what killed jobs have left is not swept: $(find . -maxdepth 1 -name '.k*')"
[ -e .notes.h5.partial-elsewhere-1 ] || fail "another host's file was swept"

# ---- Ended wherever it is; standard descriptors ----

# Frames that take ten seconds to read, for their mean image, and little room.
/usr/bin/python3 - <<'PY' || fail "h5py cannot write"
import h5py, zlib
with h5py.File("slow.h5", "w") as f:
    for split, rollouts in ("train", 6000), ("test", 10):
        frames = f.create_dataset(split + "/frames", (rollouts, 100, 32, 32, 3), "u1", chunks=(10, 100, 32, 32, 3), compression="gzip")
        chunk = zlib.compress(b"\x07" * (10 * 100 * 32 * 32 * 3))
        for i in range(0, rollouts, 10):
            frames.id.write_direct_chunk((i, 0, 0, 0, 0), chunk)
PY
"$HGN" train tiny.yaml -o slow-run.h5 data.file=slow.h5 objective.kappa=1e-3 model.integrator.dt=0.1 >slow.txt 2>&1 &
job=$!
for _ in $(seq 500); do grep -q "mean image" slow.txt && break || sleep 0.01; done
kill -TERM $job
timeout 3 tail --pid=$job -f /dev/null || fail "SIGTERM does not end it while it reads a mean image"
wait $job
[ $? = 143 ] || fail "not ended by the signal: $(cat slow.txt)"

"$HGN" train tiny.yaml -o slow-run.h5 data.file=slow.h5 objective.kappa=1e-3 model.integrator.dt=0.1 <&- >&- 2>&- &
job=$!
await $job ".slow-run.h5.lock" || fail "it has not begun"
for i in 0 1 2; do
  [ "$(readlink /proc/$job/fd/$i)" = /dev/null ] || fail "descriptor $i is $(readlink /proc/$job/fd/$i)"
done
kill -TERM $job
wait $job

# ---- What comes out of files ----

odd=$(printf 'o\033[31m\302\233.h5')
# shellcheck disable=SC2086
"$HGN" -q simulate "$PENDULUM" -o "$odd" $LITTLE >/dev/null || fail "no file of an odd name"
cp "$odd" plain.h5
for file in plain.h5 "$odd" "no-$odd"; do
  "$HGN" info "$file" >shown.txt 2>&1
  # shellcheck disable=SC1003
  grep -qF 'o\x1b[31m\x9b.h5' shown.txt || fail "control characters are not shown: $(cat -v shown.txt)"
  LC_ALL=C grep -q "$(printf '[\001-\010\013-\037\233]')" shown.txt && fail "control characters are printed: $(cat -v shown.txt)"
done

# ---- Little memory ----

for room in 560000 90000; do
  # shellcheck disable=SC2016
  timeout 20 sh -c 'ulimit -v "$1"; shift; exec "$@"' sh $room "$HGN" info d.h5 >out.txt 2>&1
  status=$?
  [ $room = 560000 ] || grep -q "ulimit -v" out.txt || fail "nothing is said of the limit: $(cat out.txt)"
  [ $status = $((room == 90000 ? 71 : 0)) ] || fail "exit status $status with $room kB of address space: $(cat out.txt)"
done
finish
