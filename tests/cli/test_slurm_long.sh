# Sweeps under a real SLURM whose jobs end in slower ways: by hgn's own clock before the time limit, again and again; by the
# time limit itself, where that clock is off; with the batch script itself killed; in one job with groups. Each comes to
# the bits of a sweep that nothing interrupts.
. "$SOURCE/tests/cli/helpers.sh"
. "$SOURCE/tests/cli/training.sh"
. "$SOURCE/tests/cli/sweeping.sh"
. "$SOURCE/tests/cli/slurm.sh"
slurm_start || finish

sed -i 's/steps: 40/steps: 2500/;s/every: 20/every: 500/;s/checkpoint_every: 10/checkpoint_every: 1000/' tiny.yaml
cat >sweep.yaml <<'YAML'
base: tiny.yaml
method: random
metric: {name: mse, goal: minimize}
run_cap: 6
slurm: {array: 2}
parameters:
  optimizer.learning_rate: {distribution: log_uniform_values, min: 1e-4, max: 1e-2}
YAML
# SLURM itself sends nothing that asks for the end.
submit() { sbatch --parsable --time=1 --signal=B:CONT@1 --overcommit "$@" || fail "sbatch: $*"; }

# Trials of a minute and a half, in jobs of one minute.
clock=$(submit --array=0-1 "$SOURCE/slurm/sweep-array.sbatch" sweep.yaml clock)
groups=$(submit --ntasks=3 "$SOURCE/slurm/sweep.sbatch" sweep.yaml groups)
slurm_wait "$groups" COMPLETED 900
for part in 0 1; do slurm_wait "${clock}_$part" COMPLETED 900; done
grep -q "the job ends in" hgn-sweep-"${clock}"_0.log || fail "no word of the clock: $(cat hgn-sweep-"${clock}"_0.log)"
grep -q "DUE TO TIME LIMIT" hgn-sweep-*.log && fail "the time limit was faster: $(cat hgn-sweep-*.log)"
limit=$(submit --array=0-1 "$SOURCE/slurm/sweep-array.sbatch" sweep.yaml limit --deadline none)
for part in 0 1; do slurm_wait "${limit}_$part" COMPLETED 900; done
grep -q "DUE TO TIME LIMIT" hgn-sweep-"${limit}"_0.log || fail "not ended by its limit: $(cat hgn-sweep-"${limit}"_0.log)"

# The batch script, child of slurmstepd, is killed with all that it has started; somebody submits the part again.
killed=$(submit --array=0-1 --time=10 "$SOURCE/slurm/sweep-array.sbatch" sweep.yaml killed)
for _ in $(seq 600); do [ -n "$(compgen -G "killed/trial-000001/run.checkpoint-*")" ] && break || sleep 0.1; done
pkill -KILL -f "slurm_script sweep.yaml killed\$" || fail "no batch script to be killed: $(pgrep -af slurm)"
pkill -KILL -f "^$HGN sweep sweep.yaml -o killed --part "
for part in 0 1; do slurm_wait "${killed}_$part" FAILED 60; done
gone "^$HGN sweep sweep.yaml -o killed --part "
killed=$(submit --array=0-1 --time=10 "$SOURCE/slurm/sweep-array.sbatch" sweep.yaml killed)
for part in 0 1; do slurm_wait "${killed}_$part" COMPLETED 600; done

expect_ranks 3 0 "trials: complete 6" "$HGN" sweep sweep.yaml -o alone
for folder in clock limit killed; do expect 0 "2 parts: 2 through" "$HGN" merge $folder; done
same_sweep alone clock limit killed groups
for folder in clock limit killed groups; do
  for trial in 0 1 2 3 4 5; do same_run "alone/trial-00000$trial/run.h5" "$folder/trial-00000$trial/run.h5" 00002500; done
  # Who kills a process that runs trials by itself, not through the queue, has the trial blamed, once.
  [ $folder = killed ] || probe $folder 'max(measured["failures"]) == 0 and events.count("started") >= 2'
done
finish
