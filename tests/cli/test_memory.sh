# A rank's memory is flat in the length of a rollout (ARCHITECTURE.md, A rollout is a loop): report2021, batch 16, all frames decoded. The limits: 250 MB
# beyond the data set, and 300 frames within 10% of 30.
. "$SOURCE/tests/cli/helpers.sh"

# measure FRAMES NAME: prints the largest resident memory of a training, in kB.
measure() {
  "$HGN" -q simulate "$SOURCE/data/mass_spring_report2021.yaml" -o d$1.h5 data.train=16 data.test=1 data.frames=$(($1 + 4)) \
    >/dev/null || fail "no data of $1 frames"
  cat >m$1.yaml <<YAML
data: {file: d$1.h5}
model: {preset: report2021}
train: {steps: 2, batch: 16, microbatch: 8, report_every: 2}
eval: {rollouts: 1}
YAML
  "$HGN" -q train m$1.yaml -o m$1.h5 >out.txt 2>&1 || fail "training on $1 frames: $(cat out.txt)"
  h5dump -d /measured/memory -y -o memory.txt m$1.h5 >/dev/null
  awk '{printf "%.0f\n", $1 / 1024}' memory.txt | tail -n 1
}

short=$(measure 30)
long=$(measure 300)
echo "resident memory of a rank: $short kB at 30 frames, $long kB at 300"
[ "$short" -gt 1000 ] && [ "$short" -lt 250000 ] || fail "30 frames take $short kB"
[ $((10 * long)) -lt $((11 * short)) ] || fail "300 frames take $long kB, 30 frames $short kB"
finish
