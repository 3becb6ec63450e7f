# The power goes off after each name that a command gives: a training goes on without a hole, and any other file is as it
# was before or whole.
. "$SOURCE/tests/cli/helpers.sh"
. "$SOURCE/tests/cli/training.sh"
. "$SOURCE/tests/cli/power.sh"
STEPS=12
RUN="train.steps=$STEPS train.report_every=1 train.checkpoint_every=3 train.checkpoint_keep=99 eval.every=4"

# shellcheck disable=SC2086
expect 0 "test MSE" "$HGN" train tiny.yaml -o whole.h5 $RUN
: >went_on.txt
# shellcheck disable=SC2086
each_cut train 1 name goes_on "d.h5 tiny.yaml" "$HGN" train tiny.yaml -o run.h5 $RUN
no_holes
[ $((2 * $(wc -l <went_on.txt))) -gt "$cuts" ] || fail "of $cuts cut runs only $(wc -l <went_on.txt) went on"

# Other files: not there, or whole; over an older one, one of the two. What is through (.count) is there. The commands
# run side by side; a limit is added to the first one's file, which must not be lost.
may_lack() { [ ! -e "$1/after/$2" ] && [ "${1##*.}" != count ]; }
whole_data() { "$HGN" info "$1/after/x.h5" >"$1/info.txt" 2>&1 || fail "$1: $(cat "$1/info.txt")"; }
new_data() { may_lack "$1" x.h5 || whole_data "$1"; }
holds_two() {
  "$HGN" info "$1/after/m.limit.h5" >"$1/info.txt" 2>&1 || fail "$1: $(cat "$1/info.txt")"
  grep -q "2 of 5 frames as positions" "$1/info.txt" || fail "$1: the limit of two frames is lost: $(cat "$1/info.txt")"
}
new_limit() { may_lack "$1" m.limit.h5 || holds_two "$1"; }
whole_picture() {
  may_lack "$1" x.png || cmp -s "$1/after/x.png" show.count/disk/x.png || fail "$1: half a picture"
}
cuts_of() {
  failures=0
  # shellcheck disable=SC2086
  case $1 in
  simulate) each_cut $1 1 name new_data "" "$HGN" simulate "$PENDULUM" -o x.h5 $SMALL ;;
  over) each_cut $1 1 name whole_data x.h5 "$HGN" simulate "$PENDULUM" -o x.h5 data.train=5 data.test=5 data.frames=9 ;;
  limit) each_cut $1 1 name new_limit m.h5 "$HGN" limit m.h5 --input-frames 2 --rollouts 2 ;;
  another) each_cut $1 1 name holds_two "m.h5 m.limit.h5" "$HGN" limit m.h5 --input-frames 3 --rollouts 2 ;;
  show) each_cut $1 1 name whole_picture d.h5 "$HGN" show d.h5 -o x.png ;;
  esac
  exit $failures
}
"$HGN" -q simulate "$SOURCE/data/mass_spring.yaml" -o m.h5 data.train=10 data.test=4 data.frames=5 >/dev/null || fail "no data"
cp d.h5 x.h5
expect 0 "m.limit.h5" "$HGN" limit m.h5 --input-frames 2 --rollouts 2
jobs=""
for command in simulate over limit another show; do
  cuts_of $command &
  jobs="$jobs $command:$!"
done
for job in $jobs; do wait "${job#*:}" || fail "${job%:*}: see above"; done
finish
