# A training that has learned nothing ends with status 0, and says so: at its end, in its file, when it is measured. One that
# has learned does not. GECO says what it aims at.
. "$SOURCE/tests/cli/helpers.sh"
. "$SOURCE/tests/cli/training.sh"
as_drawn
NOTHING="no better than the mean training image"
DEAD="the gradient has vanished"
EVEN="of one even colour"
BOUND="GECO's lambda is at one of objective.lambda_bounds"

# A square of three pixels on black: black pictures are nearly as good as the mean image, and the sigmoid has no gradient there.
/usr/bin/python3 - <<'PY' || fail "h5py cannot write"
import h5py
import numpy as np
random = np.random.default_rng(1)
def videos(count, frames=8, size=32):
    out = np.zeros((count, frames, size, size, 1), np.uint8)
    for video in out:
        at, velocity = random.uniform(8, 20, 2), random.uniform(-1, 1, 2)
        for t, image in enumerate(video):
            row, column = (at + velocity * t).astype(int)
            image[row:row + 3, column:column + 3] = 255
    return out
with h5py.File("square.h5", "w") as file:
    file["train/frames"], file["test/frames"] = videos(60), videos(10)
PY
DIES="data.file=square.h5 model.integrator.dt=0.1 optimizer.schedule=constant optimizer.learning_rate=0.02 optimizer.warmup=10"
PLAIN="objective.name=elbo objective.beta=0 model.latent.sampled=false"
for ranks in 1 2; do
  # shellcheck disable=SC2086
  expect_ranks $ranks 0 "test MSE" "$HGN" train tiny.yaml -o died$ranks.h5 $DIES $PLAIN
  for text in "$NOTHING" "$DEAD" "$EVEN" "learning has died: try"; do
    [ "$(grep -c "warning: died$ranks.h5: .*$text" out.txt)" = 1 ] || fail "not said once at the end: $text: $(cat out.txt)"
  done
  grep -q "$BOUND" out.txt && fail "of GECO there is nothing to say"
  grep -q "step [0-9]*: so far $DEAD" out.txt || fail "not said on the way: $(cat out.txt)"
done
same_run died1.h5 died2.h5 00000040
# shellcheck disable=SC2086
expect 0 "warning: died1.h5: the gradient has vanished" "$HGN" train tiny.yaml -o died1.h5 $DIES $PLAIN
expect 0 "no better than the mean image; a model that draws nothing conserves H, too" "$HGN" eval died1.h5
expect 0 "of no meaning: no better than the mean image" "$HGN" info died1.h5
grep -q "^warning .*$DEAD" out.txt || fail "hgn info does not say that it has died: $(cat out.txt)"

# One that learns is not warned of, and what it conserves is shown as it is.
# shellcheck disable=SC2086
expect 0 "R2           0" "$HGN" train tiny.yaml -o learns.h5 $PLAIN optimizer.schedule=constant optimizer.learning_rate=0.005 \
  train.steps=200 train.checkpoint_every=200 train.report_every=20 eval.every=100
grep -q "warning: learns.h5" out.txt && fail "it is warned of: $(cat out.txt)"
expect 0 "H variation" "$HGN" eval learns.h5
grep -q "of no meaning" out.txt && fail "what it conserves is marked: $(cat out.txt)"

# GECO: kappa and where it comes from; a multiplier that has nowhere to go.
expect 0 "GECO aims at an error of kappa 0.7967e-4 (1.1 times the noise floor)" "$HGN" train tiny.yaml -o geco.h5 train.steps=5 \
  "objective.lambda_bounds=[0.1,100.5]" objective.rate=1
grep -q "warning: geco.h5: $BOUND" out.txt || fail "not said that lambda is at its bound: $(cat out.txt)"
grep -q "^GECO         aims at kappa 0.7967e-4: 1.1 times the noise floor" out.txt || fail "not said at the end: $(cat out.txt)"
expect 0 "GECO aims at an error of kappa 10e-4 (objective.kappa)" "$HGN" train tiny.yaml -o given.h5 train.steps=2 objective.kappa=1e-3
grep -q "warning: given.h5: $BOUND" out.txt && fail "lambda is not at its bound: $(cat out.txt)"

/usr/bin/python3 - <<'PY' || fail "the verdicts in the files are others"
import h5py
def verdict(name):
    return h5py.File(name)["verdict/row"][()].tolist()
assert verdict("died1.h5") == [1, 1, 1, 0], verdict("died1.h5")
assert verdict("learns.h5") == [0, 0, 0, 0], verdict("learns.h5")
assert verdict("geco.h5")[1:] == [0, 0, 1], verdict("geco.h5")
PY
finish
