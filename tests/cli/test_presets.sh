# Short runs of every preset, protocol and objective: the same numbers, in every report, evaluation and checkpoint, on 1, 2 and
# 3 ranks. With HGN_BEFORE=another build's hgn also the same as by that.
. "$SOURCE/tests/cli/helpers.sh"
. "$SOURCE/tests/cli/training.sh"

for preset in paper report2021 hgnpp quick; do
  cat >$preset.yaml <<YAML
data: {file: d.h5}
model: {preset: $preset}
train: {steps: 5, batch: 4, microbatch: 1, report_every: 1, checkpoint_every: 2}
eval: {every: 2, rollouts: 8}
YAML
done

# run PROGRAM RANKS NAME EXPERIMENT [WORD...]: into this folder.
run() {
  program=$1 ranks=$2 name=$3 experiment=$4
  shift 4
  mpirun -q -n "$ranks" --oversubscribe "$program" -q train "../$experiment" -o "$name.h5" data.file=../d.h5 "$@" >"$name.txt" 2>&1 ||
    fail "$name on $ranks ranks: $(cat "$name.txt")"
}

# all PROGRAM RANKS FOLDER
all() {
  mkdir -p "$3"
  cd "$3" || exit 1
  for preset in paper report2021 hgnpp quick; do run "$1" "$2" $preset $preset.yaml; done
  run "$1" "$2" sampled tiny.yaml train.steps=10 eval.posterior=sample
  run "$1" "$2" autoencoded tiny.yaml train.steps=10 protocol.name=autoencode train.frames_per_rollout=0
  run "$1" "$2" both_ways tiny.yaml train.steps=10 protocol.name=forward_backward
  run "$1" "$2" curriculum tiny.yaml train.steps=10 "train.curriculum.steps=[5]" "train.curriculum.frames=[2]"
  run "$1" "$2" rolled_back tiny.yaml optimizer.learning_rate=3 objective.lambda=1e5 train.divergence.response=roll_back \
    train.divergence.limit=8 train.divergence.factor=0.01
  cd .. || exit 1
}

all "$HGN" 1 one
for ranks in 2 3; do
  all "$HGN" $ranks many$ranks
  /usr/bin/python3 "$SOURCE/tests/cli/compare_runs.py" one many$ranks >compared.txt || fail "$ranks ranks: $(cat compared.txt)"
done
if [ -n "${HGN_BEFORE:-}" ]; then
  all "$HGN_BEFORE" 1 before
  /usr/bin/python3 "$SOURCE/tests/cli/compare_runs.py" before one >compared.txt || fail "before: $(cat compared.txt)"
  cat compared.txt
fi
finish
