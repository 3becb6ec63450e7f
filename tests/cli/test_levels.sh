# The instruction set is a matter of speed alone: a training on ranks that run at different levels, its evaluation, rollouts
# and samples have the same bits as at the best level everywhere.
. "$SOURCE/tests/cli/helpers.sh"
. "$SOURCE/tests/cli/training.sh"
levels=""
for level in base avx2 avx512; do
  "$HGN" --cpu $level config --preset quick >/dev/null 2>&1 && levels="$levels $level"
done
best=${levels##* }

# Wide enough for every kernel: Winograd's, few channels, small maps.
WORDS="model.decoder.channels=[16,16,16] train.steps=2 train.batch=4 train.microbatch=2 train.report_every=1 train.checkpoint_every=2 eval.every=2
  eval.rollouts=4"
expect 0 "test MSE" "$HGN" train tiny.yaml -o $best.h5 $WORDS
for level in $levels; do
  [ $level = "$best" ] && continue
  expect 0 "test MSE" $MPIRUN -n 1 "$HGN" train tiny.yaml -o mixed.h5 $WORDS : \
    -n 1 "$HGN" --cpu $level train tiny.yaml -o mixed.h5 $WORDS
  same_run $best.h5 mixed.h5 00000002
  "$HGN" info mixed.h5 | grep -q "$level to $best" || fail "it does not say what it ran at: $("$HGN" info mixed.h5)"
  rm -f mixed*
done

for level in $best $levels; do
  rm -f rollout.$level.png sample.$level.png
  expect 0 "trained for" "$HGN" --cpu $level eval $best.h5
  grep -v "^time" out.txt >eval.$level
  expect 0 "" "$HGN" --cpu $level rollout $best.h5 -o rollout.$level.png
  expect 0 "" "$HGN" --cpu $level sample $best.h5 -n 4 -o sample.$level.png
  for file in eval.X rollout.X.png sample.X.png; do
    cmp -s "${file%X*}$best${file#*X}" "${file%X*}$level${file#*X}" || fail "$file: not the same at $level and $best"
  done
done
finish
