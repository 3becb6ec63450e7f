# h5py reads a file while it is written and after its writer was killed, with 1 and 3 ranks: every completed record is
# there, the others are NaN, an older file under the final name is untouched.
set -eu
export OMPI_MCA_btl_vader_backing_directory=$SCRATCH # what killed ranks leave of shared memory goes with it

check='
import glob, sys, time, h5py, numpy

def look(name, least, most):
    with h5py.File(glob.glob(name)[0], "r") as file:
        step = file["metric/step"][:]  # written after the loss, so read before it: a live writer goes on between the two
        loss = file["metric/loss"][:]
        assert file.attrs["format"] == b"hgn-test" and file["provenance/ranks"][()] >= 1
        assert file["metric/loss"].attrs["unit"] == b"1"
    done = ~numpy.isnan(loss).any(axis=1)
    expected = numpy.arange(loss.size, dtype=float).reshape(loss.shape)
    whole = done & (loss[:, 0] >= 0)
    assert (loss[whole] == expected[whole]).all(), "a record is wrong"
    assert numpy.isnan(loss[~done]).all(), "a record is torn"
    assert (step[~done] == 0).all()
    count = int(whole.sum())
    assert least <= count <= most, f"{count} records, not {least} to {most}"
    print(name, count, "records")
    return count

# Twice while it is written, with more each time; importing takes longer than that on a busy machine, so it comes first.
def look_live(name, most):
    open("ready", "w").close()
    end = time.monotonic() + 60
    while "sealed" not in open("live.txt").read():
        assert time.monotonic() < end, "the writer has not begun: " + open("live.txt").read()
        time.sleep(0.01)
    time.sleep(0.2)
    first = look(name, 1, most)
    count = first
    while count < max(first + 1, 10):
        assert time.monotonic() < end, f"no more than {count} records"
        time.sleep(0.4)
        count = look(name, count, most)

if sys.argv[1] == "live":
    look_live(sys.argv[2], int(sys.argv[3]))
else:
    look(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
'
look() { /usr/bin/python3 -c "$check" "$@"; }

for ranks in 1 3; do
  run="$MPIRUN -n $ranks $WRITER"

  # Read live; the writer must not notice.
  rm -f out.h5 ready
  : >live.txt
  look live '.out.h5.partial-*' 119 &
  watcher=$!
  until [ -e ready ] || ! kill -0 $watcher 2>/dev/null; do sleep 0.01; done
  $run slow out.h5 120 $((25 * ranks)) >live.txt 2>&1 &
  job=$!
  wait $watcher
  wait $job
  look out.h5 120 120
  test "$(ls -A | grep -c partial)" = 0

  # Killed in the middle: 7 records of the last rank are complete and its 8th is not; others may have more or fewer.
  echo precious >out.h5
  if timeout 20 $run slow out.h5 60 10 7 >killed.txt 2>&1; then echo "survived SIGKILL"; exit 1; fi
  look '.out.h5.partial-*' 7 59
  test "$(cat out.h5)" = precious
  rm -f .out.h5.partial-* out.h5
done
