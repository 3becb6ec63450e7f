# A training that is computed again has the numbers that its file holds, on any number of ranks and any processor, however
# it went: resumed, extended, gone back, begun where another one was. One value that is another is found; nothing is written.
. "$SOURCE/tests/cli/helpers.sh"
. "$SOURCE/tests/cli/training.sh"
as_drawn
keep_segments_here
sed -i 's/steps: 40/steps: 12/;s/checkpoint_every: 10/checkpoint_every: 3, checkpoint_keep: 99/;s/every: 20, rollouts: 10/every: 6, rollouts: 4/' tiny.yaml
state() { find . -name '*.h5' -printf '%p %s %T@\n' | sort && find . -name '*.h5' -exec sha256sum {} + | sort; }
forge() {
  /usr/bin/python3 "$SOURCE/tests/cli/forge_run.py" "$@" || fail "cannot forge $*"
}
# copy A B: a run and all beside it.
copy() { for file in "$1".*h5; do cp "$file" "$2${file#"$1"}"; done; }

expect 0 "test MSE" "$HGN" train tiny.yaml -o run.h5
mkdir kept && state >kept/before.txt
for ranks in 1 2 3 5; do
  expect_ranks $ranks 0 "run.h5: verified to step 12, its end" "$HGN" verify run.h5
  grep -q "from step 0 on $ranks rank.*: 12 reports, 6 evaluations, [1-9][0-9]* values" out.txt || fail "not all: $(cat out.txt)"
  grep -q "^the same: hgn, .*processor, kernels" out.txt || fail "another machine: $(cat out.txt)"
done
for level in base avx2; do
  grep -qw avx2 /proc/cpuinfo || continue
  expect 0 "run.h5: verified to step 2" "$HGN" --cpu $level verify run.h5 --steps 2
done
grep -q avx512 /proc/cpuinfo && { grep -A2 "^other: kernels" out.txt | grep -q "now: avx2" || fail "kernels: $(cat out.txt)"; }
expect 0 "run.h5: verified to step 8" "$HGN" verify run.h5 --from 7 --steps 2
grep -q "from step 6 on 1 rank; .*: 2 reports, 0 evaluations" out.txt || fail "not from step 6: $(cat out.txt)"
state >kept/after.txt
cmp kept/before.txt kept/after.txt || fail "a run was written to"

# Elsewhere: the data are found beside it, or named; other data are refused.
mkdir far && copy run far/run && cp d.h5 far/other_name.h5
(cd far && expect 0 "verified to step 3" "$HGN" verify run.h5 --steps 3 data.file=other_name.h5; exit "$failures") || fail "data.file"
(cd far && expect 0 "verified to step 3" "$HGN" verify run.h5 --steps 3; exit "$failures") || fail "not in the folder of then"
expect 0 "d2.h5" "$HGN" -q simulate "$SOURCE/data/pendulum.yaml" -o d2.h5 data.train=60 data.test=20 data.frames=8 seed=9
expect 3 "was trained on other data" "$HGN" verify run.h5 data.file=d2.h5
expect 2 "only data.file=FILE may be given" "$HGN" verify run.h5 train.steps=3
expect 3 "nothing.h5" "$HGN" verify nothing.h5
rm far/run.checkpoint-0000000[0-3].h5
expect 3 "no checkpoint beside it of step 5 or before: there are those of 6, 9, 12" "$HGN" verify far/run.h5 --from 5
expect 3 "is of format 'hgn-checkpoint'" "$HGN" verify run.best.h5

# The information limit was not known then: what is held against it is left out, and all else compared.
expect 0 "d.limit.h5" "$HGN" limit d.h5 --input-frames 5 --rollouts 10
expect 0 "left out: scores that are held against the information limit" "$HGN" verify run.h5
rm d.limit.h5

# One bit, with the checksum of its record: found where it is.
# wrong "TEXT" NAME ROW COLUMN
wrong() {
  copy run wrong
  forge wrong.h5 "$2" "$3" "$4"
  expect 1 "$1" "$HGN" -q verify wrong.h5
  rm wrong.*
}
wrong "first difference at step 5: network decoder, parameters" /report/parameter_sum 4 6
grep -q "  network decoder, parameters: stored 0x[0-9a-f]\{32\}, replayed 0x[0-9a-f]\{32\}" out.txt || fail "$(cat out.txt)"
grep -q "5 reports, 0 evaluations" out.txt || fail "not at once: $(cat out.txt)"
wrong "first difference at step 7: network encoder, gradient" /report/gradient_sum 6 1
wrong "first difference at step 2: lane 3 of kl" /report/lane_kl 1 3
grep -q "  lane 3 of kl: stored 0x[0-9a-f]\{16\} ([-0-9.e+]*), replayed 0x" out.txt || fail "no values: $(cat out.txt)"
wrong "first difference at step 6, evaluation of the test split: r2" /evaluation/test/r2 0 0
# Without it, that is damage.
copy run wrong
/usr/bin/python3 -c 'import h5py; h5py.File("wrong.h5", "r+")["report/loss"][7] += 1'
expect 3 "wrong.h5: checksum mismatch: of /report the record of step 8 is not what was written" "$HGN" verify wrong.h5
rm wrong.*

# Resumed on two ranks; with more steps; under way.
copy run again
rm again.checkpoint-0000000[6-9].h5 again.checkpoint-00000012.h5
/usr/bin/python3 -c 'import h5py; h5py.File("again.h5", "r+")["report/row_sum"][3:] = 0'
cp again.h5 way.h5
expect_ranks 2 0 "goes on after step 3" "$HGN" train tiny.yaml -o again.h5
expect 0 "again.h5: verified to step 12, its end" "$HGN" verify again.h5
expect 0 "way.h5: verified to step 3" "$HGN" verify way.h5
grep -q "its end" out.txt && fail "it has not ended"
expect 0 "test MSE" "$HGN" train tiny.yaml -o longer.h5 train.steps=7 optimizer.schedule=constant
expect 0 "has 12 steps now" "$HGN" train tiny.yaml -o longer.h5 optimizer.schedule=constant
expect_ranks 3 0 "longer.h5: verified to step 12, its end" "$HGN" verify longer.h5

# Gone back: to a checkpoint, from one of no use, from an evaluation; as often as it may, and then failed.
WILD="optimizer.learning_rate=1 train.divergence.response=roll_back train.divergence.factor=1e-3"
# shellcheck disable=SC2086
{
  expect 0 "back to step 6" "$HGN" train tiny.yaml -o back.h5 $WILD
  expect 0 "is of no use" "$HGN" train tiny.yaml -o each.h5 $WILD train.checkpoint_every=1
  expect 5 "as often as it may" "$HGN" train tiny.yaml -o often.h5 $WILD train.divergence.factor=1 train.divergence.limit=2
  expect 0 "a latent state of" "$HGN" train tiny.yaml -o seen.h5 $WILD optimizer.learning_rate=3 optimizer.schedule=constant \
    train.checkpoint_every=2 eval.every=3
}
expect_ranks 2 0 "back.h5: verified to step 12, its end" "$HGN" verify back.h5
expect 0 "each.h5: verified to step 12, its end" "$HGN" verify each.h5
expect 0 "often.h5: verified to step 7" "$HGN" verify often.h5
expect 0 "seen.h5: verified to step 12, its end" "$HGN" verify seen.h5
forge back.h5 /report/lane_error 1 2
expect 1 "first difference at step 2: lane 2 of error" "$HGN" verify back.h5
forge back.h5 /report/lane_error 1 2
forge back.h5 /report/roll_backs 8 0
expect 1 "first difference at step 9: roll_backs" "$HGN" verify back.h5

# With another's parameters, and when they are gone.
expect 0 "test MSE" "$HGN" train tiny.yaml -o new.h5 --from run.h5 train.checkpoint_keep=2
expect 0 "new.h5: verified to step 12, its end" "$HGN" verify new.h5
mkdir away && mv run.* away
expect 0 "new.h5: verified to step 12, its end" "$HGN" verify new.h5
grep -q "not from its start: new.h5 began with the parameters of .*run.h5, which is gone" out.txt || fail "$(cat out.txt)"
grep -q "from step 9 on" out.txt || fail "not from step 9: $(cat out.txt)"

# Population based training: through all that it began where others were.
cat >pbt.yaml <<'YAML'
base: tiny.yaml
method: pbt
metric: {name: mse, goal: minimize}
pbt: {population: 2, every: 1, quantile: 0.5}
parameters: {optimizer.learning_rate: {distribution: log_uniform_values, min: 1e-4, max: 1e-2}}
YAML
expect 0 "4 of 4 trials: complete 4" "$HGN" sweep pbt.yaml -o pbt
for trial in 2 3; do
  expect_ranks 2 0 "verified to step 12, its end" "$HGN" verify pbt/trial-00000$trial/run.h5
  grep -q "from step 0 on 2 ranks; .*: 12 reports, 6 evaluations" out.txt || fail "trial $trial: $(cat out.txt)"
done
mv pbt moved
expect 0 "verified to step 12, its end" "$HGN" verify moved/trial-000003/run.h5
grep -q "from step 0" out.txt || fail "a sweep that was moved: $(cat out.txt)"
mv moved/trial-000000 moved/trial-000001 away
expect 0 "verified to step 12" "$HGN" verify moved/trial-000003/run.h5
grep -q "not from its start: .* began after step 6 of a run that cannot be replayed: .*pbt/trial-00000[01]/run.h5" out.txt ||
  fail "a source that is gone: $(cat out.txt)"
grep -q "from step 6 on 1 rank; .*: 6 reports, 3 evaluations" out.txt || fail "not from its checkpoint: $(cat out.txt)"

# Of other numerical rules.
cp away/run.h5 old.h5
/usr/bin/python3 - <<'PY'
import h5py, numpy
with h5py.File("old.h5", "r+") as f:
    text = f["numerics"][()]
    del f["numerics"]
    f["numerics"] = numpy.bytes_(text.replace(b"rules ", b"rules 9"))
PY
expect 3 "checksum mismatch" "$HGN" verify old.h5
finish
