# Texts as other programs, editors and shells write them: read as they are meant, or refused with a word that helps.
. "$SOURCE/tests/cli/helpers.sh"

{ printf '\357\273\277' && sed 's/$/\r/' "$PENDULUM"; } >windows.yaml
"$HGN" config --plain windows.yaml >windows.txt
"$HGN" config --plain "$PENDULUM" | cmp - windows.txt || fail "a byte order mark changes what is read"
iconv -f UTF-8 -t UTF-16 "$PENDULUM" >notepad.yaml
expect_ranks 2 2 "notepad.yaml: is UTF-16: save it as UTF-8" "$HGN" train notepad.yaml

printf 'data:\n  file: ${oc.env:DATA}/d.h5\nmodel:\n  preset: quick\ntrain:\n  steps: ???\n' >hydra.yaml
expect 2 'data.file: found "${oc.env:DATA}/d.h5" (variables are not expanded here)' "$HGN" train hydra.yaml
grep -qF "train.steps: found \"???\" (Hydra's mark of a missing value)" out.txt || fail "no word on ???: $(cat out.txt)"
expect 2 "this is no experiment of hgn, but looks like a sweep: hgn sweep" "$HGN" train "$SOURCE/sweeps/demo.yaml" train.step=3
printf 'base: ~/base.yaml\nmethod: grid\n' >home.yaml
expect 2 "home.yaml:1:7: base: found \"~/base.yaml\" (~ is the shell's, and not expanded here)" "$HGN" sweep home.yaml -o x
printf 'data: {file: d.h5}\nmodel: {preset: quick}\ntrain: {steps: 1}\n' >mine.yaml
expect 2 "mine.yaml: this is no sweep, but looks like an experiment: hgn train mine.yaml" "$HGN" sweep mine.yaml -o x
expect 0 'file: "run #3.h5"' "$HGN" config mine.yaml "data.file=run #3.h5" model.latent.sampled=FALSE
grep -q "sampled: false" out.txt || fail "FALSE is not read: $(cat out.txt)"
# Processes of a launcher that MPI knows nothing of: each would be a whole job, and write the same files. In a batch script
# outside of a step SLURM_NTASKS is what the job has, and one process is right.
step="SLURM_NTASKS=4 SLURM_STEP_ID=0 SLURM_PROCID"
# shellcheck disable=SC2086
expect 2 "4 processes were started (SLURM_STEP_NUM_TASKS), but MPI has 1 rank: they do not find each other. Use srun --mpi=p" \
  env $step=0 SLURM_STEP_NUM_TASKS=4 "$HGN" config mine.yaml
# shellcheck disable=SC2086
env $step=1 SLURM_STEP_NUM_TASKS=4 "$HGN" config mine.yaml >out.txt 2>&1 && fail "one of four goes on"
[ ! -s out.txt ] || fail "more than the first process speaks: $(cat out.txt)"
expect 2 "(PMI_SIZE)" env PMI_SIZE=4 PMI_RANK=0 "$HGN" config mine.yaml
expect_ranks 2 0 "preset: quick" env SLURM_NTASKS=4 SLURM_PROCID=0 SLURM_STEP_ID=4294967291 SLURM_STEP_NUM_TASKS=1 \
  "$HGN" config mine.yaml
[ ! -e x ] || fail "something was written"
finish
