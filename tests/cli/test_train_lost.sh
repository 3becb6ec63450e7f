# A best model that is lost is noticed, and arrays of another shape than they should have are refused.
. "$SOURCE/tests/cli/helpers.sh"
. "$SOURCE/tests/cli/training.sh"

# The best model gone, damaged, or another of the run's own: it says so, and there is a best model again in the end.
BEST="train.checkpoint_keep=99 eval.every=5"
# shellcheck disable=SC2086
expect 0 "test MSE" "$HGN" train tiny.yaml -o fine.h5 $BEST
for how in gone damaged older text; do
  rm -f lost*.h5
  for file in fine*.h5; do cp "$file" "lost${file#fine}"; done
  rm lost.checkpoint-0000004*.h5 lost.checkpoint-0000003*.h5
  /usr/bin/python3 -c '
import h5py
with h5py.File("lost.h5", "r+") as f: f["report/error"][30:] = 0'
  case $how in
  gone) rm lost.best.h5 ;;
  damaged) damage lost.best.h5 ;;
  older) cp lost.checkpoint-00000010.h5 lost.best.h5 ;;
  text) echo precious >lost.best.h5 ;;
  esac
  if [ $how = text ]; then
    # shellcheck disable=SC2086
    expect 3 "lost.best.h5: is there, and is not an HDF5 file" "$HGN" train tiny.yaml -o lost.h5 $BEST
    [ "$(cat lost.best.h5)" = precious ] || fail "a text is lost"
    continue
  fi
  # shellcheck disable=SC2086
  expect_ranks 2 0 "lost.best.h5: " "$HGN" train tiny.yaml -o lost.h5 $BEST
  grep -q "warning: lost.best.h5: .*the best model from here on takes its place" out.txt || fail "$how: not said: $(cat out.txt)"
  same_run fine.h5 lost.h5 00000040
  expect 0 "trained for" "$HGN" eval lost.h5 --best
done

# Arrays of another shape than they should have are refused before they are read into memory of that size.
expect 0 "limit" "$HGN" limit d.h5 -k 3 --rollouts 20
# wide FILE NAME: that data set with 20,000 more columns.
wide() {
  cp "$1" "wide_$1"
  /usr/bin/python3 - "wide_$1" "$2" <<'PY' || fail "h5py cannot write $1"
import sys
import h5py
import numpy as np
with h5py.File(sys.argv[1], "r+") as f:
    values = f[sys.argv[2]][...]
    del f[sys.argv[2]]
    f[sys.argv[2]] = np.repeat(values[:, None], 20000, axis=1)
PY
  expect 3 "wide_$1: ${3:-}" "$HGN" info "wide_$1"
}
wide fine.best.h5 /sizes "/sizes has the wrong shape"
for name in state/best optimizer/first; do wide fine.best.h5 /$name "/$name does not hold"; done
wide fine.h5 /data/kappa "/data/kappa does not hold"
wide fine.h5 /report/error
wide d.limit.h5 /positions_3/rollouts "/positions_3/rollouts does not hold"
finish
