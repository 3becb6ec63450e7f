# Training that diverges, goes back with a smaller learning rate and gets through: the same bits on any number of ranks and
# from every checkpoint, before and after it went back.
. "$SOURCE/tests/cli/helpers.sh"
. "$SOURCE/tests/cli/training.sh"
as_drawn
# The learning rate rises over 50 steps: 1 is too much after a few.
WILD="optimizer.learning_rate=1 train.divergence.response=roll_back train.divergence.factor=1e-3 train.steps=24
  train.checkpoint_every=3 train.checkpoint_keep=99 eval.every=12"
# went_back NAME CHECKPOINT: out.txt warns of it, the metrics count it.
went_back() {
  grep -q "warning: step 4: training has diverged: .* is not finite; back to step $2 with learning rate times 0.001" out.txt ||
    fail "$1: no warning: $(cat out.txt)"
  /usr/bin/python3 - "$1" <<'PY' || fail "$1: the metrics do not tell"
import sys
import h5py
import numpy as np
with h5py.File(sys.argv[1]) as f:
    assert (f["/report/roll_backs"][4:] == 1).all() and f["/report/roll_backs"][0] <= 1
    rate, steps = f["/report/learning_rate"][...], f["/report/step"][...]
    assert (steps == np.arange(1, len(steps) + 1)).all() and np.isfinite(f["/report/error"][...]).all()
    assert rate[4:].max() < 1e-3
PY
}

# shellcheck disable=SC2086
for ranks in 1 3; do
  expect_ranks $ranks 0 "test MSE" "$HGN" train tiny.yaml -o w$ranks.h5 $WILD
  went_back w$ranks.h5 3
done
same_run w1.h5 w3.h5 00000024
for step in 00000003 00000006 00000012; do
  h5diff -q w1.checkpoint-$step.h5 w3.checkpoint-$step.h5 /parameters /parameters || fail "checkpoints $step differ"
done
cmp -s w1.checkpoint-00000003.h5 w1.checkpoint-00000006.h5 && fail "nothing was trained"

# Interrupted before it went back, and after: on another number of ranks, to the same bits.
# resume STEP RANKS: as if killed when that was the latest checkpoint.
resume() {
  cp w1.h5 cut.h5
  for file in w1.checkpoint-*.h5; do
    step=${file#w1.checkpoint-}
    [ "${step%.h5}" -le "$1" ] && cp "$file" "cut.checkpoint-$step"
  done
  # shellcheck disable=SC2086
  expect_ranks "$2" 0 "goes on after step" "$HGN" train tiny.yaml -o cut.h5 $WILD
  same_run w1.h5 cut.h5 00000024
  h5diff -q w1.h5 cut.h5 /report/roll_backs /report/roll_backs || fail "roll backs are counted otherwise after $1"
}
resume 00000000 1
went_back cut.h5 3
rm cut*.h5
resume 00000003 2
went_back cut.h5 3
rm cut*.h5
resume 00000006 3
grep -q "has diverged" out.txt && fail "it diverged again after it had gone back"
rm cut*.h5

# Records that are missing in the middle, with all checkpoints there: it goes on before them, diverges again, and goes back to
# where it went back to then, not to a checkpoint of what is still to come.
cp w1.h5 cut.h5
for file in w1.checkpoint-*.h5; do cp "$file" "cut${file#w1}"; done
/usr/bin/python3 -c '
import h5py
with h5py.File("cut.h5", "r+") as f: f["report/error"][4:] = float("nan")'
# shellcheck disable=SC2086
expect_ranks 2 0 "goes on after step 3" "$HGN" train tiny.yaml -o cut.h5 $WILD
went_back cut.h5 3
same_run w1.h5 cut.h5 00000024
rm cut*.h5

# A checkpoint of the very state that diverges is of no use: the one before it is taken.
# shellcheck disable=SC2086
expect_ranks 2 0 "step 4: its checkpoint is of no use and is removed" "$HGN" train tiny.yaml -o each.h5 $WILD \
  train.checkpoint_every=1
went_back each.h5 3
same_run w1.h5 each.h5 00000024
# shellcheck disable=SC2086
expect 5 "has no earlier checkpoint to go back to" "$HGN" train tiny.yaml -o one.h5 $WILD train.checkpoint_every=1 \
  train.checkpoint_keep=1

# From long rollouts back to short ones, which fill less of what the diverged step has left behind.
# shellcheck disable=SC2086
expect_ranks 2 0 "step 7: training has diverged: the loss is not finite; back to step 6" "$HGN" train tiny.yaml -o short.h5 \
  $WILD train.frames_per_rollout=0 "train.curriculum.steps=[7]" "train.curriculum.frames=[2]"
[ "$(grep -c "has diverged" out.txt)" = 1 ] || fail "going back did not help: $(cat out.txt)"

# A signal's checkpoint, between a scheduled one and the divergence, is gone on from but not back to.
LATE="$WILD optimizer.warmup=4000 train.steps=600 train.checkpoint_every=110 eval.every=0"
# shellcheck disable=SC2086
expect_ranks 3 0 "has diverged" "$HGN" train tiny.yaml -o late.h5 $LATE
back=$(grep -o "back to step [0-9]*" out.txt)
for _ in 1 2 3 4 5; do
  rm -f late_told*.h5
  # shellcheck disable=SC2086
  $MPIRUN -n 3 "$HGN" -q train tiny.yaml -o late_told.h5 $LATE >job.txt 2>&1 &
  job=$!
  await $job late_told.checkpoint-00000110.h5
  kill -USR1 $job 2>/dev/null
  wait $job
  status=$?
  grep -q "has diverged" job.txt || break
done
[ $status = 6 ] || fail "SIGUSR1: exit status $status, not 6: $(cat job.txt)"
signalled=$(find . -name 'late_told.checkpoint-*.h5' | sort | tail -n 1)
case $signalled in *00110.h5 | *00220.h5) fail "the signal left no checkpoint of its own" ;; esac
# shellcheck disable=SC2086
expect 0 "goes on after step" "$HGN" train tiny.yaml -o late_told.h5 $LATE
[ "$(grep -o "back to step [0-9]*" out.txt)" = "$back" ] || fail "not $back: $(cat out.txt)"
same_run late.h5 late_told.h5 00000600

# Not often enough, and without going back: status 5, the metrics and the checkpoint stay, and it says what may help.
# shellcheck disable=SC2086
expect 5 "gone back as often as it may" "$HGN" train tiny.yaml -o often.h5 $WILD train.divergence.factor=1 \
  train.divergence.limit=2
[ "$(grep -c "warning: step 4: training has diverged" out.txt)" = 2 ] || fail "it did not go back twice: $(cat out.txt)"
# shellcheck disable=SC2086
expect 5 "a smaller optimizer.learning_rate or optimizer.clip may help" "$HGN" train tiny.yaml -o stop.h5 $WILD \
  train.divergence.response=stop
[ -f stop.checkpoint-00000003.h5 ] || fail "the checkpoint is lost"
h5diff -q w1.h5 stop.h5 /report/gradient_norm /report/gradient_norm && fail "steps after the end"
/usr/bin/python3 -c '
import h5py, numpy
with h5py.File("stop.h5") as f:
    assert numpy.isfinite(f["/report/error"][:4]).all() and numpy.isnan(f["/report/error"][4:]).all()
' || fail "the metrics up to the divergence are lost"

# Divergence that no later step would see, since it is the last, or that an evaluation finds before the next step does: like
# any other. The model and its evaluation are neither recorded nor kept, and never the best.
LAST="optimizer.learning_rate=3 optimizer.schedule=constant train.checkpoint_every=2 train.checkpoint_keep=99 eval.every=3"
BACK="$LAST train.divergence.response=roll_back train.divergence.factor=1e-3"
for ranks in 1 3; do
  # shellcheck disable=SC2086
  expect_ranks $ranks 5 "step 3: training has diverged: a latent state of 10 of 10 validation rollouts is not finite; a smaller" \
    "$HGN" train tiny.yaml -o end$ranks.h5 $LAST train.steps=3
  for steps in 3 9; do
    # shellcheck disable=SC2086
    expect_ranks $ranks 0 "test MSE" "$HGN" train tiny.yaml -o back$ranks$steps.h5 $BACK train.steps=$steps
    grep -q "warning: step 3: .* a latent state of .* is not finite; back to step 2 with learning rate times 0.001" out.txt ||
      fail "the evaluation did not lead back: $(cat out.txt)"
    [ "$(grep -c "has diverged" out.txt)" = 1 ] || fail "going back did not help: $(cat out.txt)"
  done
done
same_run back19.h5 back39.h5 00000009
h5diff -q back13.h5 back33.h5 /evaluation /evaluation || fail "the last evaluations of 1 and 3 ranks differ"
for file in best checkpoint-00000003; do
  h5diff -q back13.$file.h5 back33.$file.h5 /parameters /parameters || fail "$file of 1 and 3 ranks differ"
done
# Resumed from before it went back: the same bits. After it ended: it diverges again, in the middle, too.
rm back39.checkpoint-0000000[4-9].h5
# shellcheck disable=SC2086
expect_ranks 2 0 "goes on after step 2 of 9" "$HGN" train tiny.yaml -o back39.h5 $BACK train.steps=9
same_run back19.h5 back39.h5 00000009
# shellcheck disable=SC2086
expect 5 "step 3: training has diverged" "$HGN" train tiny.yaml -o end3.h5 $LAST train.steps=3
# shellcheck disable=SC2086
expect 5 "step 3: training has diverged: a latent state" "$HGN" train tiny.yaml -o middle.h5 $LAST train.steps=9
# shellcheck disable=SC2086
expect 5 "gone back as often as it may" "$HGN" train tiny.yaml -o limit.h5 $BACK train.steps=3 train.divergence.factor=1 \
  train.divergence.limit=2
[ "$(grep -c "warning: step 3: training has diverged" out.txt)" = 2 ] || fail "it did not go back twice: $(cat out.txt)"
for run in end1 end3 middle limit; do
  [ ! -f $run.best.h5 ] && [ ! -f $run.checkpoint-00000003.h5 ] || fail "$run: a diverged model was kept: $(ls $run.*)"
done
/usr/bin/python3 - <<'PY' || fail "a record holds an evaluation that is not finite"
import h5py
import numpy as np
for run in "end1", "end3", "middle", "limit":
    with h5py.File(run + ".h5") as f:
        assert np.isfinite(f["/report/error"][:3]).all(), run
        for name in ["step"] + [split + "/" + name for split in ("test", "train") for name in f["/evaluation/" + split]]:
            rows = f["/evaluation/" + name][...]
            assert (rows == 0).all() if name.endswith("row_sum") else np.isnan(rows).all(), (run, name)
PY
# Whether an evaluation or the next step finds it: the same training.
# shellcheck disable=SC2086
expect 0 "step 4: training has diverged: the KL of 10 of 10 validation rollouts is not finite; back to step 3" \
  "$HGN" train tiny.yaml -o sooner.h5 $WILD eval.every=4
went_back sooner.h5 3
for name in error roll_backs parameter_sum; do
  h5diff -q w1.h5 sooner.h5 /report/$name /report/$name || fail "an evaluation in the middle changes /report/$name"
done
finish
