# What goes wrong around training, as a user meets it: the message names the thing, the status is right, no rank hangs,
# nothing is lost.
. "$SOURCE/tests/cli/helpers.sh"
. "$SOURCE/tests/cli/training.sh"
keep_segments_here
LONG="train.steps=300 train.report_every=10 eval.every=50 train.checkpoint_keep=99"

# 11 rollouts in lanes of 2 are 6 lanes, the last of one rollout: 6 ranks have a lane each, 7 are too many.
expect 0 "test MSE" "$HGN" train tiny.yaml -o one.h5 train.steps=6
expect_ranks 6 0 "test MSE" "$HGN" train tiny.yaml -o many.h5 train.steps=6
same_run one.h5 many.h5 00000006
expect_ranks 7 2 "7 ranks, but the batch of 11 rollouts in lanes of 2 has work for 6: use at most 6 ranks" \
  "$HGN" train tiny.yaml -o bad.h5
# The cut into lanes is a part of the result, the number of ranks is not.
expect 0 "test MSE" "$HGN" train tiny.yaml -o lanes.h5 train.steps=6 train.microbatch=3
h5diff -q one.h5 lanes.h5 /report/error /report/error && fail "other lanes, the same bits"

# One rank of three is killed: the others end with it; what was saved is whole, and leads to the same end.
# shellcheck disable=SC2086
expect 0 "test MSE" "$HGN" train tiny.yaml -o whole.h5 $LONG
# shellcheck disable=SC2086
$MPIRUN -n 3 "$HGN" -q train tiny.yaml -o struck.h5 $LONG >job.txt 2>&1 &
job=$!
await $job struck.checkpoint-00000010.h5 || fail "no checkpoint: $(cat job.txt)"
victim=$(pgrep -P $job | tail -n 1)
kill -KILL "$victim" || fail "the run was through before a rank could be killed: $(cat job.txt)"
for _ in $(seq 3000); do
  kill -0 $job 2>/dev/null || break
  sleep 0.01
done
if kill -0 $job 2>/dev/null; then
  fail "the launcher hangs after a rank was killed"
  kill -KILL $job
fi
wait $job
status=$?
[ $status = 137 ] || fail "exit status $status, not 137, after a rank was killed: $(cat job.txt)"
grep -q "exited on signal 9" job.txt || fail "no word on the killed rank: $(cat job.txt)"
expect 0 "trained for" "$HGN" eval struck.h5 --rollouts 1
expect_ranks 2 0 "goes on after step" "$HGN" train tiny.yaml -o struck.h5 $LONG
same_run whole.h5 struck.h5 00000300

# Another configuration: every key that differs, with both values; no file is touched.
cp one.h5 before.h5
expect_ranks 2 2 "one.h5: is a run of another configuration; 3 keys differ" "$HGN" train tiny.yaml -o one.h5 train.steps=6 \
  objective.rate=0.02 model.integrator.name=euler "model.decoder.channels=[8, 8, 4]"
for text in "objective.rate: 0.01, now 0.02" "model.integrator.name: leapfrog, now euler" "Choose another output" \
  "model.decoder.channels: [8, 8, 8], now [8, 8, 4]"; do
  grep -qF "$text" out.txt || fail "no \"$text\" in: $(cat out.txt)"
done
cmp -s one.h5 before.h5 || fail "a refused run was written to"

# Other data under the same name.
cp d.h5 right.h5
"$HGN" -q simulate "$SOURCE/data/pendulum.yaml" -o d.h5 data.train=60 data.test=20 data.frames=8 seed=77 >/dev/null
expect_ranks 2 3 "one.h5: was trained on other data than d.h5 is now" "$HGN" train tiny.yaml -o one.h5 train.steps=6
cmp -s one.h5 before.h5 || fail "a refused run was written to"

# Damaged data, runs and checkpoints.
head -c 3000 right.h5 >d.h5
expect 3 "d.h5: is truncated" "$HGN" train tiny.yaml -o bad.h5
/usr/bin/python3 - <<'PY'
import shutil
import h5py
shutil.copy("right.h5", "d.h5")
with h5py.File("d.h5", "r+") as f:
    f["/train/state"][5, 3] = float("nan")
PY
expect_ranks 2 3 "train/state" "$HGN" train tiny.yaml -o bad.h5
cp right.h5 d.h5
damage one.checkpoint-*.h5
cp one.h5 again.h5
expect 0 "complete already" "$HGN" train tiny.yaml -o one.h5 train.steps=6
[ "$(grep -c "warning: one.checkpoint-.*: is damaged: .*: left out" out.txt)" = 2 ] || fail "not said which: $(cat out.txt)"
cmp -s again.h5 one.h5 || fail "a complete run was written to"
head -c 20000 one.h5 >short.h5
expect 3 "short.h5: is truncated" "$HGN" train tiny.yaml -o short.h5

# Experiments that are none.
printf 'train: [1\n' >broken.yaml
expect 2 "broken.yaml:2:1: while parsing" "$HGN" train broken.yaml
printf 'data: {file: d.h5}\nmodel: {preset: quick}\ntrain: {steps: many}\n' >text.yaml
expect 2 "text.yaml:3:16: train.steps" "$HGN" train text.yaml
expect 2 "nothing.yaml: cannot open" "$HGN" train nothing.yaml
expect 2 "missing: one EXPERIMENT.yaml" "$HGN" train -o x.h5
expect 2 "unexpected word" "$HGN" train tiny.yaml d.h5
expect 2 "it takes --output, --from, --resume" "$HGN" train tiny.yaml --restart
expect 3 "is a folder" "$HGN" train tiny.yaml -o .
[ -z "$(ls bad* text.h5 broken.h5 2>/dev/null; find . -name '*partial*')" ] || fail "left: $(ls -A)"
finish
