# slurm/train.sbatch under a real SLURM: told that its time ends it writes a checkpoint, goes back into the queue, goes on by
# itself, and ends in the bits of an undisturbed run. A failing run is not queued again.
. "$SOURCE/tests/cli/helpers.sh"
. "$SOURCE/tests/cli/training.sh"
LONG="train.steps=600 train.report_every=10 eval.every=200 train.checkpoint_keep=99"
slurm_words="--ntasks=3 --time=10 --overcommit"
. "$SOURCE/tests/cli/slurm.sh"
slurm_start || finish

# shellcheck disable=SC2086
job=$(sbatch --parsable $slurm_words "$SOURCE/slurm/train.sbatch" tiny.yaml run.h5 $LONG) || fail "sbatch: $job"
for _ in $(seq 600); do [ -e run.checkpoint-00000020.h5 ] && break || sleep 0.1; done
[ -e run.checkpoint-00000020.h5 ] || fail "no checkpoint: $(cat hgn-train-"$job".log)"
timeout 10 scancel --batch --signal=USR1 "$job"
slurm_wait "$job" PENDING 20
grep -q "run the same command to go on" hgn-train-"$job".log || fail "no word of a checkpoint: $(cat hgn-train-"$job".log)"
slurm_wait "$job" COMPLETED 60
grep -q "goes on after step" hgn-train-"$job".log || fail "did not go on: $(cat hgn-train-"$job".log)"
# shellcheck disable=SC2086
expect 0 "test MSE" "$HGN" train tiny.yaml -o whole.h5 $LONG
same_run whole.h5 run.h5 00000600

# Under a wrong --mpi each task would be a whole job; in the batch script itself, outside of a step, one process is right.
expect 2 "2 processes were started (SLURM_STEP_NUM_TASKS), but MPI has 1 rank" \
  srun --mpi=none --overcommit -n 2 "$HGN" config tiny.yaml
[ "$(grep -c "processes were started" out.txt)" = 1 ] || fail "not said once: $(cat out.txt)"
# shellcheck disable=SC2086
job=$(sbatch --parsable $slurm_words --output=alone.log --wrap "exec '$HGN' config '$PWD/tiny.yaml'")
slurm_wait "$job" COMPLETED 20
grep -q "preset: " alone.log || fail "refused in a batch script: $(cat alone.log)"

# shellcheck disable=SC2086
job=$(sbatch --parsable $slurm_words "$SOURCE/slurm/train.sbatch" tiny.yaml bad.h5 data.file=missing.h5)
slurm_wait "$job" FAILED 20
grep -q "missing.h5: no such file" hgn-train-"$job".log || fail "no message: $(cat hgn-train-"$job".log)"
finish
