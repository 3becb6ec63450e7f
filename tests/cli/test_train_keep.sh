# What a run has reached is not lost, and not mixed with another's: checkpoints that are gone or foreign, names that others
# have used; at another instruction set it goes on.
. "$SOURCE/tests/cli/helpers.sh"
. "$SOURCE/tests/cli/training.sh"
expect 0 "test MSE" "$HGN" train tiny.yaml -o done.h5
sums() { sha256sum "$@"; }

# A complete run without checkpoints says what it has reached, and stays as it is; on several ranks too.
mse=$(grep "^test MSE" out.txt)
cp done.best.h5 best.kept
rm done.checkpoint-*.h5
sums done.h5 done.best.h5 >before
for ranks in 1 3; do
  expect_ranks $ranks 0 "complete already" "$HGN" train tiny.yaml -o done.h5
  grep -qF "$mse" out.txt || fail "it does not say what it has reached, $mse: $(cat out.txt)"
  grep -q "^limit\|^R2 " out.txt || fail "against what: $(cat out.txt)"
done
sums -c --status before || fail "a complete run was written to"
[ -z "$(ls done.checkpoint-* 2>/dev/null)" ] || fail "it has begun anew"
expect 0 "trained for" "$HGN" eval done.h5 --best

GO_ON="train.steps=100000 train.checkpoint_every=100 train.report_every=100 eval.every=100"
# go_on_until CONDITION...: the run, until that holds, when it is told to stop.
go_on_until() {
  # shellcheck disable=SC2086
  "$HGN" train tiny.yaml -o part.h5 $GO_ON >job.txt 2>&1 &
  job=$!
  until "$@"; do
    kill -0 $job 2>/dev/null || break
    sleep 0.01
  done
  kill -USR1 $job
  wait $job
  status=$?
  [ $status = 6 ] || fail "exit status $status, not 6: $(cat job.txt)"
}

# One that is not complete is not begun anew over its records: it says how to.
go_on_until test -e part.best.h5
mkdir away
mv part.checkpoint-*.h5 away
sums part.h5 part.best.h5 >before
for words in "" "--resume"; do
  # shellcheck disable=SC2086
  expect_ranks 2 3 "part.h5: is not complete, and none of its checkpoints is there and whole" "$HGN" train tiny.yaml -o part.h5 \
    $GO_ON $words
  grep -q "To begin anew move it away, or choose another output" out.txt || fail "not how: $(cat out.txt)"
done
sums -c --status before || fail "a run without checkpoints was written to"

# The file gone and its best model there: not overwritten by a new run of the name.
cp part.best.h5 alone.best.h5
sums alone.best.h5 >before
expect_ranks 2 3 "alone.h5: there are checkpoints, or a best model, of a run of this name" "$HGN" train tiny.yaml -o alone.h5
sums -c --status before || fail "the best model of another run is lost"

# Checkpoints of another run beside it are neither gone on from, nor overwritten, nor deleted, nor measured.
expect 0 "test MSE" "$HGN" train tiny.yaml -o other.h5 seed=5
mv away/* .
latest=$(ls part.checkpoint-*.h5 | tail -n 1)
cp other.checkpoint-00000040.h5 part.checkpoint-00900000.h5
cp other.checkpoint-00000040.h5 part.checkpoint-00000001.h5
sums part.checkpoint-00900000.h5 part.checkpoint-00000001.h5 >before
# shellcheck disable=SC2086
expect_ranks 2 2 "part.checkpoint-00900000.h5: is of another run (" "$HGN" train tiny.yaml -o part.h5 $GO_ON
expect_ranks 2 3 "part.checkpoint-00900000.h5: is of another run" "$HGN" eval part.h5
expect 3 "part.checkpoint-00900000.h5: is of another run" "$HGN" rollout part.h5 -o x.png
sums -c --status before || fail "the checkpoint of another run was written to"
rm part.checkpoint-00900000.h5
expect 0 "$latest, trained for" "$HGN" eval part.h5
cp part.best.h5 best.kept
cp other.best.h5 part.best.h5
# shellcheck disable=SC2086
expect_ranks 2 2 "part.best.h5: is of another run (" "$HGN" train tiny.yaml -o part.h5 $GO_ON
expect 3 "part.best.h5: is of another run" "$HGN" eval part.h5 --best
cmp -s part.best.h5 other.best.h5 || fail "the best model of another run is lost"
mv best.kept part.best.h5
go_on_until test ! -e "$latest"
[ -e part.checkpoint-00000001.h5 ] || fail "the checkpoint of another run was deleted"
cmp -s part.checkpoint-00000001.h5 other.checkpoint-00000040.h5 || fail "the checkpoint of another run was overwritten"
[ ! -e "$latest" ] || fail "its own old checkpoints are not deleted: $(ls part*)"

# Not made by this run: something that is no checkpoint at all has the name.
echo precious >note.checkpoint-00000010.h5
expect 3 "note.h5: there are checkpoints" "$HGN" train tiny.yaml -o note.h5
expect 0 "test MSE" "$HGN" train tiny.yaml -o later.h5 train.steps=9 train.checkpoint_every=3
rm later.checkpoint-00000009.h5
echo precious >later.checkpoint-00000009.h5
expect 3 "later.checkpoint-00000009.h5: is there, and is not an HDF5 file" "$HGN" train tiny.yaml -o later.h5 train.steps=9 \
  train.checkpoint_every=3
[ "$(cat later.checkpoint-00000009.h5)" = precious ] || fail "a file that the run did not make is lost"

# Instruction sets do not decide bits: a run goes on at another one, on ranks of several, and ends as it would have.
expect 0 "test MSE" "$HGN" train tiny.yaml -o base.h5
cp base.h5 cpu.h5
for step in 00000010 00000020 00000030; do
  [ -e base.checkpoint-$step.h5 ] && cp base.checkpoint-$step.h5 cpu.checkpoint-$step.h5
done
/usr/bin/python3 -c '
import h5py
with h5py.File("cpu.h5", "r+") as f: f["report/error"][35] = 0' # as if cut off there
expect_ranks 3 0 "goes on after step" "$HGN" --cpu base train tiny.yaml -o cpu.h5
same_run base.h5 cpu.h5 00000040
# What stands in the file beside its records: a text or a number that is not what was written is not gone on from, nor shown.
for change in 'f["/numerics"][()].replace(b"rules", b"RULES")' 'f["/config"][()].replace(b"steps: 40", b"steps: 41")'; do
  cp base.h5 head.h5
  name=$(echo "$change" | cut -d'"' -f2)
  /usr/bin/python3 -c "
import h5py, numpy
with h5py.File('head.h5', 'r+') as f:
    text = $change
    del f['$name']
    f['$name'] = numpy.bytes_(text) # of fixed length"
  expect 3 "head.h5: checksum mismatch" "$HGN" train tiny.yaml -o head.h5
  expect 3 "head.h5: checksum mismatch" "$HGN" info head.h5
done
cp base.h5 head.h5
/usr/bin/python3 -c '
import h5py
with h5py.File("head.h5", "r+") as f: f["/data/kappa"][0] *= 1000'
expect_ranks 2 3 "head.h5: checksum mismatch" "$HGN" train tiny.yaml -o head.h5

# Records that are not what was written: they are made again, from a checkpoint before them, or the run is refused.
# shellcheck disable=SC2086
expect 0 "test MSE" "$HGN" train tiny.yaml -o whole.h5 train.checkpoint_keep=99
for name in report/gradient_sum evaluation/train/frame_mse; do
  rm -f hole*.h5
  for file in whole*.h5; do cp $file "hole${file#whole}"; done
  NAME=$name /usr/bin/python3 - <<'PY' || fail "h5py cannot write"
import os
import h5py
name = os.environ["NAME"]
with h5py.File("hole.h5", "r+") as f:
    f[name][26 if name.startswith("report") else 0] = 0
PY
  expect_ranks 2 0 "is of a later step than" "$HGN" train tiny.yaml -o hole.h5 train.checkpoint_keep=99
  grep -q "goes on after step $([ ${name%%/*} = report ] && echo 20 || echo 10) of 40" out.txt || fail "$name: $(cat out.txt)"
  same_run whole.h5 hole.h5 00000040
done
rm -f hole.checkpoint-*.h5
/usr/bin/python3 -c '
import h5py
with h5py.File("hole.h5", "r+") as f: f["report/kl"][3] = 1'
expect 3 "hole.h5: is not complete, and none of its checkpoints" "$HGN" train tiny.yaml -o hole.h5 train.checkpoint_keep=99
expect 0 "last report" "$HGN" info whole.h5
/usr/bin/python3 -c '
import h5py
with h5py.File("whole.h5", "r+") as f: f["evaluation/test/mse"][1] = 1e-9'
expect 3 "checksum mismatch: row 1 of /evaluation/test/row_sum" "$HGN" info whole.h5

# A checkpoint that is this run's by configuration, data and name, and is of another step.
mv other.checkpoint-00000030.h5 other.checkpoint-00000050.h5
expect 3 "other.checkpoint-00000050.h5: is of step 30, another than its name says" "$HGN" eval other.h5

# Data that are others now than the model was trained on are measured only when they are named.
expect 0 "trained for" "$HGN" eval done.h5 --best
mv d.h5 kept.h5
"$HGN" -q simulate "$SOURCE/data/pendulum.yaml" -o d.h5 data.train=60 data.test=20 data.frames=8 seed=77 >/dev/null
expect_ranks 2 3 "d.h5: is other data now than done.best.h5 was trained on" "$HGN" eval done.h5 --best
expect 3 "d.h5: is other data now than done.best.h5 was trained on" "$HGN" rollout done.h5 --best -o x.png
expect 0 "trained for" "$HGN" eval done.h5 d.h5 --best
mv kept.h5 d.h5

# What cannot be read now is not damaged: another run's best model stays, and so does a run's own that somebody has open.
cp other.best.h5 part.best.h5
cat >hold.py <<'PY'
import time
import h5py
with h5py.File("part.best.h5", "r+"):
    open("open", "w").close()
    time.sleep(60)
PY
/usr/bin/python3 hold.py &
holder=$!
await $holder open || fail "h5py cannot open a best model"
# shellcheck disable=SC2086
expect_ranks 2 3 "part.best.h5: another program has it open for writing" "$HGN" train tiny.yaml -o part.h5 $GO_ON
kill -KILL $holder
wait $holder 2>/dev/null
/usr/bin/python3 - <<'PY' || fail "the best model of another run is lost"
import h5py
with h5py.File("part.best.h5") as part, h5py.File("other.best.h5") as other:
    assert part["/checksum"][()] == other["/checksum"][()]
PY
finish
