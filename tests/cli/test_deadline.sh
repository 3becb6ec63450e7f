# Jobs that end soon: trainings and sweeps write checkpoints before, say why, and come to the bits of undisturbed ones; what
# has no time for anything is left as it is. Which job it was is recorded. A checkpoint that nobody has measured is taken
# for one second, twice, and the margin is five: so seven seconds are the least that is used at all.
. "$SOURCE/tests/cli/helpers.sh"
. "$SOURCE/tests/cli/training.sh"
. "$SOURCE/tests/cli/sweeping.sh"
unset SLURM_JOB_ID SLURM_JOB_END_TIME SLURM_RESTART_COUNT SLURM_ARRAY_JOB_ID SLURM_ARRAY_TASK_ID

# ---- Words ----

for word in 90m +-3 300 never; do
  expect 2 "--deadline \"$word\": expected a time from now, +90m" "$HGN" train tiny.yaml --deadline="$word"
done
expect 2 'signal "KILL": no program can notice it; expected USR1, USR2' "$HGN" sweep none.yaml --signal KILL
expect 2 'signal "SEGV": is none that can be chosen; expected USR1, USR2' "$HGN" train tiny.yaml --signal SEGV

# ---- Training ----

# Checkpoints only when the job ends, so that a job which goes on has not measured any.
LONG="train.steps=600 train.report_every=10 train.checkpoint_every=100000 eval.every=600"
# shellcheck disable=SC2086
expect 0 "test MSE" "$HGN" train tiny.yaml -o whole.h5 $LONG
# shellcheck disable=SC2086
expect_ranks 2 6 "the job is too short: it ends in 4." "$HGN" train tiny.yaml -o run.h5 $LONG --deadline +4.9s
[ -z "$(compgen -G "run.checkpoint-*[1-9]*[0-9].h5")" ] || fail "a job that is too short has taken steps: $(ls run.*)"
# shellcheck disable=SC2086
expect_ranks 2 6 "stopped before the job ends, after step" "$HGN" train tiny.yaml -o run.h5 $LONG --deadline +8.5s
grep -q "the job ends in 7 s; a step takes 0.* and a checkpoint 1 s" out.txt || fail "no costs: $(cat out.txt)"
[ -n "$(compgen -G "run.checkpoint-*[1-9]*[0-9].h5")" ] || fail "no checkpoint: $(ls run.*)"
# shellcheck disable=SC2086
SLURM_JOB_ID=17 SLURM_ARRAY_JOB_ID=15 SLURM_ARRAY_TASK_ID=3 SLURM_RESTART_COUNT=2 SLURM_JOB_END_TIME=soon \
  expect_ranks 2 0 "SLURM_JOB_END_TIME \"soon\" is no time" "$HGN" train tiny.yaml -o run.h5 $LONG
same_run whole.h5 run.h5 00000600
/usr/bin/python3 - <<'PY' || fail "the jobs are not in the run's file"
import h5py
with h5py.File("run.h5") as run, h5py.File("run.checkpoint-00000600.h5") as last:
    rows = run["measured/session"][()]
    rows = rows[rows[:, 0] > 1.6e9]
    assert len(rows) == 3 and all(rows[:, 2] == 2) and all(rows[:, 0] == sorted(rows[:, 0])), rows
    assert list(rows[:2, 1]) == [0, 0] and 0 < rows[2, 1] < 600, rows
    assert not rows[:2, 3:].any() and list(rows[2, 3:]) == [17, 15, 3, 2], rows
    assert run["provenance/job"][()] == b"", run["provenance/job"][()]
    text = b"SLURM_JOB_ID=17 SLURM_ARRAY_JOB_ID=15 SLURM_ARRAY_TASK_ID=3 SLURM_RESTART_COUNT=2"
    assert last["provenance/job"][()] == text, last["provenance/job"][()]
PY
# shellcheck disable=SC2086
SLURM_JOB_END_TIME=$(date +%s) expect 0 "complete already" "$HGN" train tiny.yaml -o run.h5 $LONG
rm -f run.*
# shellcheck disable=SC2086
SLURM_JOB_END_TIME=$(($(date +%s) + 4)) expect 6 "the job is too short" "$HGN" train tiny.yaml -o run.h5 $LONG
SLURM_JOB_END_TIME=$(($(date +%s) + 4)) expect 0 "test MSE" "$HGN" train tiny.yaml -o endless.h5 --deadline none

# ---- Another signal: mpirun forwards it ----

$MPIRUN -n 2 "$HGN" train tiny.yaml -o other.h5 train.steps=100000 eval.every=0 --signal USR2 >job.txt 2>&1 &
job=$!
await $job "other.checkpoint-00000020.h5" || fail "no training: $(cat job.txt)"
kill -USR2 $job
wait $job
[ $? = 6 ] || fail "USR2: $(cat job.txt)"
grep -q "stopped by a signal after step" job.txt || fail "USR2: $(cat job.txt)"

# ---- Sweeps ----

# Trials of trainings: each stops itself by what its own steps cost, and is no failure.
cat >train.yaml <<'YAML'
base: tiny.yaml
method: grid
metric: {name: mse, goal: minimize}
resources: {max_restarts: 0}
parameters:
  optimizer.learning_rate: {values: [0.001, 0.002]}
YAML
sed -i 's/steps: 40/steps: 120/;s/checkpoint_every: 10/checkpoint_every: 1000/;s/every: 20/every: 60/' tiny.yaml
expect 0 "2 of 2 trials: complete 2" "$HGN" sweep train.yaml -o straight
for ranks in 1 3; do
  expect_ranks $ranks 6 "go on with hgn sweep short --resume" "$HGN" sweep train.yaml -o short --deadline +7.5s
  grep -q "the job ends in [67] s" out.txt || fail "no word of the end: $(cat out.txt)"
  expect 6 "the job is too short: it ends in 3 s, and a trial needs 7 s at least" \
    "$HGN" sweep short --resume --deadline +3s
  probe short 'state.count("running") == 0 and "preempted" in state and max(measured["failures"]) == 0 and
    events.count("drain") == 2 and events.count("started") == 1'
  expect_ranks $ranks 0 "2 of 2 trials: complete 2" "$HGN" sweep short --resume
  same_sweep straight short
  rm -rf short
done

# Trials that wait at rungs: one that cannot come to the next before the end is not begun, and nothing is chosen otherwise.
sed 's/noise: 0.1/noise: 0.1, sleep: 0.1/;s/steps: 4/steps: 9/' synthetic.yaml >sleepy.yaml
make_sweep rungs.yaml 8 "window: 2" "early_terminate: {type: asha, min_iter: 3, eta: 3}"
sed -i 's/synthetic.yaml/sleepy.yaml/' rungs.yaml
expect_ranks 3 0 "complete" "$HGN" sweep rungs.yaml -o patient
expect_ranks 3 6 "waits for the next job" "$HGN" sweep rungs.yaml -o hurried --deadline +8.2s
probe hurried 'state.count("preempted") < 2 and state.count("paused") > 1 and state.count("queued") > 1'
expect_ranks 2 6 "go on with hgn sweep hurried" "$HGN" sweep hurried --resume --deadline +7.8s
expect_ranks 3 0 "complete" "$HGN" sweep hurried --resume
same_sweep patient hurried

# ---- A process that dies with its trial is to blame, unless the job has been requeued since ----

killed() {
  "$HGN" -q sweep rungs.yaml -o "$1" >job.txt 2>&1 &
  job=$!
  await $job "$1/sweep.h5" || fail "no sweep: $(cat job.txt)"
  sleep 0.2
  kill -KILL $job
  wait $job 2>/dev/null
}
(SLURM_JOB_ID=5 && export SLURM_JOB_ID && killed lost)
cp -r lost again
SLURM_JOB_ID=5 SLURM_RESTART_COUNT=1 expect 6 "tried again" "$HGN" sweep lost --resume --deadline +7.3s
probe lost 'max(measured["failures"]) == 0 and "death" not in events'
probe lost 'f["event/by"][:3].tolist() == [[5, 0, 0, 0], [5, 0, 0, 1], [5, 0, 0, 1]] and events[0] == "started"'
for job in 5 6; do
  rm -rf blamed && cp -r again blamed
  SLURM_JOB_ID=$job SLURM_RESTART_COUNT=$((job - 5)) expect 6 "tried again" "$HGN" sweep blamed --resume --deadline +7.3s
  probe blamed 'max(measured["failures"]) == 1 and events.count("death") == 1'
done
finish
