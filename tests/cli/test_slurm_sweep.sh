# A sweep as an array under a real SLURM: one task is told by a signal that its time ends, one is put back into the queue,
# of one a rank is killed: each goes back into the queue by itself, alone, finds its own trials, and all of them merge, in
# a job that depends on them, to what one job makes without a queue. A training and its analysis, which depends on it, and a report of all that; what is cancelled
# does not come back.
. "$SOURCE/tests/cli/helpers.sh"
. "$SOURCE/tests/cli/training.sh"
. "$SOURCE/tests/cli/sweeping.sh"
. "$SOURCE/tests/cli/slurm.sh"
slurm_start || finish

sed -i 's/steps: 40/steps: 150/;s/every: 20/every: 50/' tiny.yaml
cat >sweep.yaml <<'YAML'
base: tiny.yaml
method: random
metric: {name: mse, goal: minimize}
run_cap: 6
slurm: {array: 3, timeout_min: 10, signal_delay_s: 30}
parameters:
  optimizer.learning_rate: {distribution: log_uniform_values, min: 1e-4, max: 1e-2}
YAML

expect 0 "sbatch --array=0-2 --time=10 --signal=B:USR1@30 --export=ALL,HGN_RESTARTS=20 slurm/sweep-array.sbatch sweep.yaml array" \
  "$HGN" sweep sweep.yaml -o array --dry-run
array=$(sbatch --parsable --array=0-2 --time=10 --signal=B:USR1@30 --overcommit "$SOURCE/slurm/sweep-array.sbatch" sweep.yaml array) || fail "sbatch: $array"
merge=$(sbatch --parsable --dependency=afterany:"$array" --kill-on-invalid-dep=yes --output=merge.log \
  --wrap="srun --mpi=pmix $HGN merge array")
train=$(sbatch --parsable --ntasks=1 --time=10 --overcommit "$SOURCE/slurm/train.sbatch" tiny.yaml run.h5) || fail "sbatch: $train"
analysis=$(sbatch --parsable --dependency=afterok:"$train" --kill-on-invalid-dep=yes --ntasks=2 --time=10 --overcommit \
  --output=analysis.log "$SOURCE/slurm/analyze.sbatch" run.h5 --rollouts 10) || fail "sbatch: $analysis"
for part in 0 1 2; do
  for _ in $(seq 600); do [ -n "$(compgen -G "array/trial-00000$part/run.checkpoint-*")" ] && break || sleep 0.05; done
done
report=$(sbatch --parsable --dependency=afterok:"$analysis":"$merge" --kill-on-invalid-dep=yes --time=10 --overcommit \
  --output=report.log "$SOURCE/slurm/report.sbatch" run.h5 array -o report) || fail "sbatch: $report"
timeout 10 scancel --batch --signal=USR1 "${array}_0"
timeout 10 scontrol requeue "${array}_1"
pkill -KILL -f "^$HGN sweep sweep.yaml -o array --part 2\$" || fail "no rank of part 2: $(cat ./*.log)"

# In the meantime: one that is cancelled when it is under way.
cancelled=$(sbatch --parsable --ntasks=1 --time=10 --overcommit --output=cancelled.log "$SOURCE/slurm/train.sbatch" tiny.yaml gone.h5 train.steps=20000)

await $$ gone.checkpoint-\*
timeout 10 scancel "$cancelled"
slurm_wait "$cancelled" CANCELLED 20
for part in 0 1 2; do slurm_wait "${array}_$part" COMPLETED 90; done
for part in 0 1 2; do
  grep -q "sweep.part-$part.h5: goes on" hgn-sweep-"${array}_$part".log || fail "part $part did not go on: $(cat hgn-sweep-"${array}_$part".log)"
done
slurm_wait "$merge" COMPLETED 20
grep -q "trials: complete 6" merge.log || fail "not all: $(cat merge.log)"
slurm_wait "$analysis" COMPLETED 60
grep -q "on 2 ranks as a grid of 2 x 1" analysis.log && grep -q "^run.analysis.h5" analysis.log || fail "no analysis: $(cat analysis.log)"

slurm_wait "$report" COMPLETED 60
grep -q "7 runs (7 complete)" report/report.html || fail "no report of all runs: $(cat report.log)"

expect 0 "trials: complete 6" "$HGN" sweep sweep.yaml -o alone
same_sweep alone array
for trial in 0 1 2 3 4 5; do same_run "alone/trial-00000$trial/run.h5" "array/trial-00000$trial/run.h5" 00000150; done
probe array 'sorted(events).count("started") >= 6 and "failure" not in events and max(measured["failures"]) == 0'
[ "$(slurm_state "$cancelled")" = CANCELLED ] || fail "the cancelled job is $(slurm_state "$cancelled")"
finish
