# Where two runs, sweeps or data sets part: the key, the data, the step with network, lane and rank; and that they do not.
. "$SOURCE/tests/cli/helpers.sh"
. "$SOURCE/tests/cli/training.sh"
. "$SOURCE/tests/cli/sweeping.sh"
sed -i 's/steps: 40/steps: 8/;s/every: 20, rollouts: 10/every: 4, rollouts: 4/' tiny.yaml
forge() { /usr/bin/python3 "$SOURCE/tests/cli/forge_run.py" "$@" || fail "cannot forge $*"; }

expect 0 "test MSE" "$HGN" train tiny.yaml -o a.h5
expect_ranks 2 0 "test MSE" "$HGN" train tiny.yaml -o b.h5
expect 0 "the same: records up to step 8 (8 reports, 6 evaluations, bit by bit)" "$HGN" diff a.h5 b.h5
grep -q "^other: configuration\|^other: data\|^first difference" out.txt && fail "runs on one and two ranks: $(cat out.txt)"
cp d.h5 e.h5
expect 0 "test MSE" "$HGN" train tiny.yaml -o moved.h5 data.file=e.h5
expect 0 "the same: configuration" "$HGN" diff a.h5 moved.h5

# A bit of a lane, which the second rank had; of a network; of a score: the earliest is told.
forge b.h5 /evaluation/validation/mse 1 0
expect 1 "first difference at step 8, evaluation of the validation split: mse" "$HGN" diff a.h5 b.h5
forge b.h5 /report/gradient_sum 6 0
expect 1 "first difference at step 7: network encoder, gradient" "$HGN" diff a.h5 b.h5
forge b.h5 /report/lane_error 4 5
expect 1 "first difference at step 5: lane 5 of error" "$HGN" diff a.h5 b.h5
grep -q "in the first the lane was computed by rank 0 of 1" out.txt && grep -q "in the second the lane was computed by rank 1 of 2" out.txt ||
  fail "not which ranks: $(cat out.txt)"
expect_ranks 2 1 "first difference at step 5: lane 5 of error" "$HGN" diff a.h5 b.h5

# Other keys, from the first step on; more steps; rarer reports; other lanes.
expect 0 "test MSE" "$HGN" train tiny.yaml -o seed.h5 seed=2
expect 1 "  seed: 1, now 2" "$HGN" diff a.h5 seed.h5
grep -q "^first difference at step 1: network encoder, gradient; .* more$" out.txt || fail "$(cat out.txt)"
expect 0 "test MSE" "$HGN" train tiny.yaml -o c8.h5 optimizer.schedule=constant
expect 0 "test MSE" "$HGN" train tiny.yaml -o c6.h5 optimizer.schedule=constant train.steps=6 train.report_every=2 eval.every=0
expect 1 "the same: records up to step 6 (3 reports, 0 evaluations, bit by bit)" "$HGN" diff c8.h5 c6.h5
grep -q "other: records end at step 8, and at step 6" out.txt && grep -q "  train.steps: 8, now 6" out.txt || fail "$(cat out.txt)"
expect 0 "test MSE" "$HGN" train tiny.yaml -o lanes.h5 train.microbatch=3 train.steps=1
expect 1 "cannot be compared: batches of 6 and 4 lanes" "$HGN" diff a.h5 lanes.h5

# Damage, and what cannot be compared.
cp a.h5 bad.h5
/usr/bin/python3 -c 'import h5py; h5py.File("bad.h5", "r+")["report/error"][3] += 1'
expect 3 "bad.h5: checksum mismatch: of /report the record of step 4" "$HGN" diff a.h5 bad.h5
expect 2 "a.h5 is a run, and d.h5 is a data set" "$HGN" diff a.h5 d.h5
expect 2 "neither run, sweep nor data set" "$HGN" diff a.best.h5 b.best.h5
expect 3 "nothing.h5" "$HGN" diff a.h5 nothing.h5
expect 2 "missing: two runs" "$HGN" diff a.h5

# Data sets: names do not matter, contents do.
expect 0 "the same: contents" "$HGN" diff d.h5 e.h5
expect 0 "" "$HGN" -q simulate "$SOURCE/data/pendulum.yaml" -o f.h5 data.train=60 data.test=20 data.frames=8 seed=9
expect 1 "other: contents" "$HGN" diff d.h5 f.h5
grep -q "^  seed: 1, now 9" out.txt || fail "not which key: $(cat out.txt)"

# Sweeps: on two groups the same; another seed; one that has ended earlier.
make_sweep one.yaml 6
expect 0 "complete 6" "$HGN" sweep one.yaml -o one
expect_ranks 3 0 "complete 6" "$HGN" sweep one.yaml -o two
expect 0 "the same: 6 trials that have ended in both, bit by bit" "$HGN" diff one two
sed 's/seed: 5/seed: 6/' one.yaml >other.yaml
expect 0 "complete 6" "$HGN" sweep other.yaml -o other
expect 1 "first difference at trial 0: synthetic.x: " "$HGN" diff one other/sweep.h5
grep -q "^  first:  seed: 5" out.txt || fail "not which line: $(cat out.txt)"
finish
