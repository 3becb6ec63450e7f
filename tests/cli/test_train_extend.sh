# A run gets more steps, and ends in the bits of one that had them from its start; or another begins with its parameters.
# What would be other bits, or records that were never made, is refused with what to do.
. "$SOURCE/tests/cli/helpers.sh"
. "$SOURCE/tests/cli/training.sh"
. "$SOURCE/tests/cli/power.sh"
LESS="optimizer.schedule=constant train.checkpoint_every=5 train.report_every=2 eval.every=5"
MORE="$LESS train.steps=20"
sums() { sha256sum "$@"; }

# shellcheck disable=SC2086
expect 0 "test MSE" "$HGN" train tiny.yaml -o whole.h5 $MORE
# shellcheck disable=SC2086
expect 0 "test MSE" "$HGN" train tiny.yaml -o ten.h5 $LESS train.steps=10
# With an end between two evaluations and two reports: those of step 9 are not among the longer run's.
# shellcheck disable=SC2086
expect 0 "test MSE" "$HGN" train tiny.yaml -o nine.h5 $LESS train.steps=9
for words in "ten 1" "ten 2" "nine 2"; do
  from=${words% *} ranks=${words#* }
  for file in $from.*h5; do cp "$file" "long${file#"$from"}"; done
  # shellcheck disable=SC2086
  expect_ranks "$ranks" 0 "long.h5: has 20 steps now, in place of" "$HGN" train tiny.yaml -o long.h5 $MORE
  same_run whole.h5 long.h5 00000020
  /usr/bin/python3 - <<'PY' || fail "$words: the sessions are not both there"
import h5py
import numpy
steps = h5py.File("long.h5")["measured/session"][:, 1]
assert numpy.isfinite(steps).sum() == 2 and steps[0] == 0 and steps[1] in (9, 10), steps[:3]
PY
  rm -f long*
done

# Other names of the same data, other checkpoints, rarer reports: of what was reported the part that is asked for.
mkdir -p moved
cp d.h5 moved/x.h5
cp ten.h5 rare.h5
cp ten.checkpoint-00000010.h5 rare.checkpoint-00000010.h5
# shellcheck disable=SC2086
expect 0 "complete already" "$HGN" train tiny.yaml -o rare.h5 $LESS train.steps=10 train.report_every=4 data.file=moved/x.h5
cmp -s ten.h5 rare.h5 || fail "a complete run was written to"
# shellcheck disable=SC2086
expect 0 "test MSE" "$HGN" train tiny.yaml -o rare.h5 $MORE train.report_every=4 data.file=moved/x.h5 train.checkpoint_keep=7 \
  train.checkpoint_every=4
/usr/bin/python3 - <<'PY' || fail "reports of every four steps are not a half of those of every two"
import h5py
rare, whole = h5py.File("rare.h5"), h5py.File("whole.h5")
assert rare["report/step"].shape == (5,)
for name in ("step", "error", "lane_error", "parameter_sum", "gradient_norm"):
    assert (rare["report"][name][()] == whole["report"][name][()][1::2]).all(), name
PY
expect 0 "after step 20" "$HGN" info rare.h5

# Refused, and nothing is touched.
cp whole.h5 before.h5
refuse() {
  # shellcheck disable=SC2086
  expect 2 "$1" "$HGN" train tiny.yaml -o whole.h5 $MORE "${@:2}"
  cmp -s whole.h5 before.h5 || fail "a refused run was written to"
}
refuse "whole.h5: has done 20 of 20 steps, and train.steps=15 would end it before" train.steps=15
refuse "train.report_every may become a multiple of 2" train.steps=30 train.report_every=3
refuse "train.report_every may become a multiple of 2" train.steps=30 train.report_every=1
refuse "1 key differs (objective.rate: 0.01, now 0.02). Choose another output; --from whole.h5 begins" objective.rate=0.02
refuse "(optimizer.schedule: constant, now cosine" optimizer.schedule=cosine
expect 0 "test MSE" "$HGN" train tiny.yaml -o cosine.h5 train.steps=5
expect 2 "(train.steps: 5, now 6), and with optimizer.schedule=cosine the learning rate ends" "$HGN" train tiny.yaml -o cosine.h5 \
  train.steps=6
rm ten.checkpoint-*
sums ten.h5 >before
# shellcheck disable=SC2086
expect 3 "none of its checkpoints is there and whole, so it cannot have more steps" "$HGN" train tiny.yaml -o ten.h5 $MORE
sums -c --status before || fail "a run without checkpoints was written to"

# With its parameters, on other data: recorded whose they are. Gone on with after a kill before its first checkpoint, too.
"$HGN" -q simulate "$SOURCE/data/pendulum.yaml" -o other.h5 data.train=30 data.test=20 data.frames=8 seed=9 >/dev/null || fail "no data"
FINE="data.file=other.h5 train.steps=4 train.checkpoint_every=4"
# shellcheck disable=SC2086
expect_ranks 2 0 "fine.h5: begins with the parameters of whole.h5 after step 20" "$HGN" train tiny.yaml --from whole.h5 -o fine.h5 $FINE
/usr/bin/python3 - <<'PY' || fail "it does not begin with those parameters, or does not say so"
import h5py
fine, first, whole = (h5py.File(name) for name in ("fine.h5", "fine.checkpoint-00000000.h5", "whole.checkpoint-00000020.h5"))
assert fine["start/run"][()] == b"whole.h5" and fine["start/step"][()] == b"20" and len(fine["start/parameters"][()]) == 32
assert all((first["parameters"][n][()] == whole["parameters"][n][()]).all() for n in whole["parameters"])
assert not first["optimizer/first"][()].any() and first["state/step"][0] == 0
PY
cp fine.h5 kept.h5
cp fine.checkpoint-00000004.h5 kept.checkpoint-00000004.h5
rm fine.checkpoint-*
/usr/bin/python3 - <<'PY'
import h5py
with h5py.File("fine.h5", "r+") as file:
    for name in ("report", "measured", "evaluation/train", "evaluation/test", "evaluation/validation"):
        file[name + "/row_sum"][...] = 0
PY
# shellcheck disable=SC2086
expect 2 "was to begin with the parameters of another run, and has none yet: give --from again" "$HGN" train tiny.yaml -o fine.h5 $FINE
# shellcheck disable=SC2086
expect 0 "test MSE" "$HGN" train tiny.yaml --from whole.h5 -o fine.h5 $FINE
same_run kept.h5 fine.h5 00000004
# shellcheck disable=SC2086
expect 0 "complete already" "$HGN" train tiny.yaml --from ./whole.h5 -o fine.h5 $FINE
# shellcheck disable=SC2086
expect 2 "began with the parameters of whole.h5 after step 20, and those of cosine.h5 after step 5 are others" "$HGN" train tiny.yaml \
  --from cosine.h5 -o fine.h5 $FINE
# shellcheck disable=SC2086
expect 2 "whole.h5: is there, and did not begin with the parameters of another run" "$HGN" train tiny.yaml --from cosine.h5 -o whole.h5 $MORE
expect_ranks 2 2 "has other networks, so its parameters do not fit: kinetic.1.weight" "$HGN" train tiny.yaml --from whole.h5 -o bad.h5 \
  "model.hamiltonian.channels=[8, 6, 1]"
expect 2 "--from begins a new run: give it a name" "$HGN" train tiny.yaml --from whole.h5
expect 3 "missing.h5: no such file" "$HGN" train tiny.yaml --from missing.h5 -o bad.h5
[ -z "$(ls bad* 2>/dev/null; find . -name '*partial*')" ] || fail "left: $(ls -A)"

# Killed, with the power, after each thing that happens to a name or its contents while more steps are asked for: the run is
# there, the old one or the new, and goes on to the same end.
FEW="optimizer.schedule=constant train.report_every=1 train.checkpoint_every=3 eval.every=3 eval.rollouts=3"
# shellcheck disable=SC2086
expect 0 "test MSE" "$HGN" train tiny.yaml -o few.h5 $FEW train.steps=4
# shellcheck disable=SC2086
expect 0 "test MSE" "$HGN" train tiny.yaml -o run.h5 $FEW train.steps=3
goes_on() (
  cd "$1/after" || exit 1
  # shellcheck disable=SC2086
  if "$HGN" train tiny.yaml -o run.h5 $FEW train.steps=3 >old.txt 2>&1; then echo "$1" >>../../olds.txt; else
    grep -q "steps, and train.steps=3 would end it before\|is of a later step" old.txt || fail "$1: $(cat old.txt)"
  fi
  # shellcheck disable=SC2086
  expect 0 "test MSE" "$HGN" train tiny.yaml -o run.h5 $FEW train.steps=4
  ln -s ../../few.h5 ../../few.checkpoint-00000004.h5 .
  same_run few.h5 run.h5 00000004
  exit $failures
)
# Synced twice, aside; its name given, which is on the disk at once, or after a sync.
what=extend ranks=1 kind=event check=goes_on
files="d.h5 tiny.yaml run.h5 run.checkpoint-00000003.h5 run.checkpoint-00000000.h5 run.best.h5"
jobs=""
for cut in 1 3 4 5; do
  # shellcheck disable=SC2086
  one_cut "$HGN" train tiny.yaml -o run.h5 $FEW train.steps=4 &
  jobs="$jobs $!"
done
for job in $jobs; do wait "$job" || fail "after a cut"; done
[ "$(sort olds.txt | tr '\n' ' ')" = "extend.1 extend.3 " ] || fail "the old run is there after: $(cat olds.txt)"
finish
