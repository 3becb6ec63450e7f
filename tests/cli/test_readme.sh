# README's first session runs as it stands, line by line in its order, with smaller data and fewer steps.
. "$SOURCE/tests/cli/helpers.sh"
cp -r "$SOURCE/data" "$SOURCE/sweeps" .
sed -i 's/data.train=400 data.test=64/data.train=40 data.test=10/' sweeps/demo.yaml
sed -i 's/steps: [0-9]*/steps: 4/; s/every: [0-9]*/every: 2/g' sweeps/demo_base.yaml
mkdir results
"$HGN" -q simulate data/mass_spring.yaml -o results/mass_spring.h5 data.train=40 data.test=10 >/dev/null || fail "no quickstart"
awk '/^## /{here = ($0 == "## A first session")} here && /^    / {sub(/^    /, ""); sub(/  .*/, ""); print}
  here && /^Benchmarks/ {exit}' "$SOURCE/README.md" >session.txt
[ "$(wc -l <session.txt)" -ge 20 ] || fail "the session has gone: $(cat session.txt)"
while read -r line; do
  case $line in
  *simulate*pendulum*) line="$line data.train=60 data.test=20" ;;
  *simulate*ring*) line="$line data.train=300 data.test=100 data.validation=50" ;;
  *" limit "*) line="$line --rollouts 10" ;;
  *densities*) line="$line train.steps=3 train.checkpoint_every=3 eval.rollouts=20 eval.final=20 eval.samples=32" ;;
  *" train "*) line="$line train.steps=4 train.checkpoint_every=2 eval.rollouts=8" ;;
  *" --judge "*) line="$line -n 9" ;;
  *" analyze "*) line="${line/--rollouts 500/--rollouts 12}" ;;
  esac
  # shellcheck disable=SC2086
  case $line in
  mpirun*) set -- $MPIRUN ${line#mpirun} ;;
  *) set -- $line ;;
  esac
  PATH="$(dirname "$HGN"):$PATH" timeout 120 "$@" >out.txt 2>&1 </dev/null || fail "$line: $(tail -n 5 out.txt)"
done <session.txt
for made in pendulum.gif rollout.gif slow.png sample.png nhf.png draws.h5 figures/phase.svg demo/sweep.h5; do
  [ -s $made ] || fail "no $made"
done
finish
