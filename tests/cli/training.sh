# Sourced by the scripts that train: a model of some hundred parameters, milliseconds a step.
# shellcheck disable=SC2086
"$HGN" -q simulate "$SOURCE/data/pendulum.yaml" -o d.h5 data.train=60 data.test=20 data.frames=8 >/dev/null ||
  fail "no data set"
cat >tiny.yaml <<'YAML'
data: {file: d.h5}
model:
  preset: quick
  encoder: {channels: [8, 8, 8, 8, 16]}
  latent: {sampled: true}
  hamiltonian: {channels: [8, 8, 1]}
  decoder: {channels: [8, 8, 8]}
objective: {name: geco}
train: {steps: 40, batch: 11, microbatch: 2, report_every: 1, checkpoint_every: 10, frames_per_rollout: 2}
eval: {every: 20, rollouts: 10}
YAML
# as_drawn: what is trained from here on does not begin with the frames' mean colour, from which it is but a little way to the
# mean image, and a longer one to numbers that are not finite.
as_drawn() { sed -i "s/decoder: {/&output_bias: drawn, /" tiny.yaml; }

# damage CHECKPOINT.h5...: some bytes of a parameter are others than were written.
damage() {
  /usr/bin/python3 - "$@" <<'PY' || fail "cannot damage $*"
import sys
import h5py
for name in sys.argv[1:]:
    with h5py.File(name, "r") as file:
        at = file["parameters/encoder.0.weight"].id.get_offset()
    with open(name, "r+b") as file:
        file.seek(at)
        file.write(b"xxxxxxxx")
PY
}

# same_run A.h5 B.h5 STEP: every number but the measured ones, and the last checkpoint.
same_run() {
  /usr/bin/python3 "$SOURCE/tests/cli/compare_runs.py" "$1" "$2" >compared.txt || fail "$1 and $2: $(cat compared.txt)"
  /usr/bin/python3 "$SOURCE/tests/cli/compare_runs.py" "${1%.h5}.checkpoint-$3.h5" "${2%.h5}.checkpoint-$3.h5" \
    >compared.txt || fail "$1 and $2 after step $3: $(cat compared.txt)"
}
