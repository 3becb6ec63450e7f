# Sourced by the scripts that sweep: synthetic trials of microseconds, which need no data.
keep_segments_here
cat >synthetic.yaml <<'YAML'
model: {name: synthetic}
synthetic: {function: branin, noise: 0.1}
train: {steps: 4}
eval: {every: 1}
YAML

# Random search over Branin's function: make_sweep NAME.yaml RUN_CAP [LINE...]
make_sweep() {
  cat >"$1" <<YAML
base: synthetic.yaml
method: random
metric: {name: loss, goal: minimize}
run_cap: $2
seed: 5
parameters:
  synthetic.x: {min: -5.0, max: 10.0}
  synthetic.y: {min: 0.0, max: 15.0}
YAML
  made=$1
  shift 2
  [ $# = 0 ] || printf '%s\n' "$@" >>"$made"
}

# same_sweep DIR DIR...: trials, states, scores and winner.
same_sweep() {
  files=""
  for folder in "$@"; do files="$files $folder/sweep.h5"; done
  # shellcheck disable=SC2086
  /usr/bin/python3 "$SOURCE/tests/cli/compare_sweeps.py" $files >compared.txt 2>&1 || fail "$*: $(cat compared.txt)"
}

# states DIR "TEXT": as hgn sweep --status counts them: "complete 5  diverged 1".
states() {
  "$HGN" sweep "$1" --status >status.txt 2>&1 || fail "$1: no status: $(cat status.txt)"
  grep -q "trials: $2\$" status.txt || fail "$1: not \"$2\": $(cat status.txt)"
}

# Python with a sweep's arrays by name: probe DIR "CHECK"; state names as in the file, of trials in order.
probe() {
  /usr/bin/python3 - "$1/sweep.h5" "$2" <<'PY' || fail "$1: $2"
import sys
import h5py
import numpy as np
with h5py.File(sys.argv[1], "r") as f:
    names = lambda name: [text.decode() for text in f[name][()]]
    state = [names("state_name")[k] for k in f["trial/state"][()]]
    reason = [bytes(row).rstrip(b"\0").decode() for row in f["trial/reason"][()]]
    point, value, loss, step = (f[k][()] for k in ("configuration/point", "trial/value", "report/validation", "report/step"))
    integer = dict(zip(names("integer_column"), f["trial/integer"][()].T))
    measured = dict(zip(names("measured_column"), f["trial/measured"][()].T))
    events = [names("event_name")[k] for k in f["event/kind"][()] if k]
    scope = dict(globals())
    if not eval(f"({sys.argv[2]})", scope):
        print("state", state, "reason", reason, "value", value, "measured", measured, "events", events, sep="\n")
        sys.exit(1)
PY
}
