# What is exported has the numbers of the HDF5 files: CSV to the bit, TensorBoard's event files as f32, read by a program that
# was written from their descriptions.
. "$SOURCE/tests/cli/helpers.sh"
. "$SOURCE/tests/cli/training.sh"
. "$SOURCE/tests/cli/sweeping.sh"
sed -i 's/steps: 40/steps: 8/;s/every: 20, rollouts: 10/every: 4, rollouts: 4/' tiny.yaml
expect 0 "test MSE" "$HGN" train tiny.yaml -o run.h5
cp run.h5 before.h5
expect 0 "csv" "$HGN" export run.h5 --format csv -o csv
expect_ranks 2 0 "events" "$HGN" export run.h5 --format tensorboard -o events
cmp -s run.h5 before.h5 || fail "the run was written to"
/usr/bin/python3 - <<'PY' || fail "CSV has other numbers"
import csv
import h5py
import numpy as np

def table(name):
    with open("csv/" + name, newline="") as file:
        lines = list(csv.reader(file))
    assert all(len(line) == len(lines[0]) for line in lines)
    return lines[0], lines[1:]

def same(column, values):
    assert np.array([float(x) for x in column]).tobytes() == np.where(np.isnan(values), np.nan, values).tobytes(), values

with h5py.File("run.h5") as f:
    head, rows = table("reports.csv")
    assert head[:4] == ["step", "epoch", "loss", "error"] and "seconds [s]" in head and len(rows) == 8
    for i, title in enumerate(head):
        name, group = title.split(" ")[0], f["report"] if title.split(" ")[0] in f["report"] else f["measured"]
        assert ("[" in title) == ("unit" in group[name].attrs), title
        same([row[i] for row in rows], group[name][()])
    assert any("nan" in row for row in rows)
    head, rows = table("lanes.csv")
    assert head[1:3] == ["error lane 0", "error lane 1"] and len(head) == 19
    for lane in range(6):
        same([row[1 + lane] for row in rows], f["report/lane_error"][:, lane])
        same([row[7 + lane] for row in rows], f["report/lane_kl"][:, lane])
    head, rows = table("checksums.csv")
    sums = f["report/gradient_sum"][()].view("u8")
    for k, network in enumerate(f["networks"][()]):
        column = head.index(network.decode() + " gradient_sum")
        assert [row[column] for row in rows] == ["%016x%016x" % (int(a), int(b)) for a, b in sums[:, k]]
    for split in "train", "validation", "test":
        head, rows = table(f"evaluation_{split}.csv")
        assert head[0] == "step" and [row[0] for row in rows] == ["4", "8"]
        for i, title in enumerate(head[1:], 1):
            same([row[i] for row in rows], f["evaluation"][split][title.split(" ")[0]][()])
        head, rows = table(f"evaluation_{split}_frames.csv")
        for t in range(len(head) - 1):
            same([row[1 + t] for row in rows], f["evaluation"][split]["frame_mse"][:, t])
PY
/usr/bin/python3 "$SOURCE/tests/peer/events_read.py" events run.h5 || fail "events are other numbers"
# Again: the same bytes; what is not ours stays.
cp -r csv first_csv && cp -r events first_events
expect 0 "csv" "$HGN" export run.h5 --format csv -o csv
expect 0 "events" "$HGN" export run.h5 --format tensorboard -o events
diff -r csv first_csv && diff -r events first_events || fail "exporting again gives other bytes"
echo "my notes" >csv/lanes.csv
expect 3 "lanes.csv: is there, and is not a file of this kind" "$HGN" export run.h5 --format csv -o csv
[ "$(cat csv/lanes.csv)" = "my notes" ] || fail "a file of another kind was replaced"

# Under way; damaged; of two processes.
/usr/bin/python3 - <<'PY'
import h5py
with h5py.File("before.h5", "r+") as f:
    f["report/row_sum"][5:] = 0
PY
expect 0 "way" "$HGN" export before.h5 --format csv -o way
[ "$(wc -l <way/reports.csv)" = 6 ] && [ "$(wc -l <way/evaluation_test.csv)" = 2 ] || fail "not what is there: $(wc -l way/*)"
/usr/bin/python3 -c 'import h5py; h5py.File("before.h5", "r+")["report/error"][2] += 1'
expect 3 "before.h5: checksum mismatch" "$HGN" export before.h5 --format csv -o bad
expect 0 "test MSE" "$HGN" train tiny.yaml -o long.h5 train.steps=6 optimizer.schedule=constant
sleep 1.1
expect 0 "has 8 steps now" "$HGN" train tiny.yaml -o long.h5 optimizer.schedule=constant
expect 0 "long" "$HGN" export long.h5 --format tensorboard -o long
/usr/bin/python3 "$SOURCE/tests/peer/events_read.py" long long.h5 || fail "events of a run that went on"

# A sweep: trials, their reports, and events of each trial that has a run.
make_sweep some.yaml 5
expect 0 "complete 5" "$HGN" sweep some.yaml -o some
expect 0 "table" "$HGN" export some --format csv -o table
expect 3 "no trial has a run's file" "$HGN" export some/sweep.h5 --format tensorboard -o none
cat >train.yaml <<'YAML'
base: tiny.yaml
method: grid
metric: {name: mse}
parameters: {optimizer.learning_rate: {values: [0.001, 0.01]}}
YAML
expect 0 "complete 2" "$HGN" sweep train.yaml -o two
expect 0 "board" "$HGN" export two --format tensorboard -o board
/usr/bin/python3 "$SOURCE/tests/peer/events_read.py" board/trial-000001 two/trial-000001/run.h5 || fail "events of a trial"
/usr/bin/python3 - <<'PY' || fail "a sweep's CSV has other numbers"
import csv
import h5py
with open("table/trials.csv", newline="") as file:
    rows = list(csv.DictReader(file))
with h5py.File("some/sweep.h5") as f:
    assert len(rows) == 5 and all(row["state"] == "complete" and row["reason"] == "" for row in rows)
    for i, row in enumerate(rows):
        assert [float(row["synthetic.x"]), float(row["synthetic.y"])] == list(f["configuration/point"][i])
        assert float(row["metric"]) == f["trial/value"][i] and int(row["trial"]) == i
    with open("table/reports.csv", newline="") as file:
        reports = list(csv.DictReader(file))
    assert len(reports) == 20 and [float(r["loss"]) for r in reports[4:8]] == list(f["report/validation"][1, :, 0])
    with open("table/jobs.csv", newline="") as file:
        assert [int(r["configuration"]) for r in csv.DictReader(file)] == list(range(5))
    with open("table/events.csv", newline="") as file:
        assert [r["kind"] for r in csv.DictReader(file)] == ["started"]
PY

# The examples of analysis/README.md, on these files.
mkdir page && cp run.h5 run.checkpoint-*.h5 page && cp -r two page/sweep
awk '/^## / { here = /Elsewhere/ } here && /^```python/ { inside = 1; file = "page/example" ++n ".py"; next } /^```/ { inside = 0 } inside { print > file }' \
  "$SOURCE/analysis/README.md"
for n in 1 2 3; do
  (cd page && /usr/bin/python3 example$n.py >out$n.txt 2>&1) || fail "example $n: $(cat page/out$n.txt)"
done
grep -q "^lane_kl (8, 6)" page/out1.txt && grep -q "^what is minimised" page/out2.txt && grep -q "after step 8 of" page/out3.txt ||
  fail "the examples say something else: $(cat page/out*.txt)"
(cd page && h5dump -d /report/loss -y run.h5 && h5dump -a /report/loss/description run.h5) >page/dump.txt 2>&1 ||
  fail "h5dump: $(cat page/dump.txt)"
grep -q "what is minimised" page/dump.txt || fail "h5dump says something else"

expect 2 "there is no format \"xml\"; there are: csv, tensorboard" "$HGN" export run.h5 --format xml -o x
expect 2 "missing: --format csv" "$HGN" export run.h5 -o x
expect 2 "missing: -o FOLDER" "$HGN" export run.h5 --format csv
expect 2 "d.h5: is a data set: runs and sweeps can be exported" "$HGN" export d.h5 --format csv -o x
expect 3 "nothing.h5" "$HGN" export nothing.h5 --format csv -o x
finish
