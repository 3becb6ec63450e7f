# The power goes off after every sync too, on one and two ranks, under a longer training that deletes checkpoints; and on
# disks that have written some of the pages that nobody asked them to write.
. "$SOURCE/tests/cli/helpers.sh"
. "$SOURCE/tests/cli/training.sh"
. "$SOURCE/tests/cli/power.sh"
keep_segments_here
STEPS=30
RUN="train.steps=$STEPS train.report_every=1 train.checkpoint_every=4 train.checkpoint_keep=2 eval.every=5"

# shellcheck disable=SC2086
expect 0 "test MSE" "$HGN" train tiny.yaml -o whole.h5 $RUN
# cuts_of WHAT RANKS KIND
cuts_of() {
  : >went_on.txt
  # shellcheck disable=SC2086
  each_cut "$1" "$2" "$3" goes_on "d.h5 tiny.yaml" "$HGN" train tiny.yaml -o run.h5 $RUN
  [ $((2 * $(wc -l <went_on.txt))) -gt "$cuts" ] || fail "$1: of $cuts cut runs only $(wc -l <went_on.txt) went on"
  no_holes
  rm -rf "$1".*
}
cuts_of one 1 event
cuts_of two 2 name
for seed in 1 2 3; do
  export POWER_PAGES=$seed
  cuts_of pages$seed 1 name
done
finish
