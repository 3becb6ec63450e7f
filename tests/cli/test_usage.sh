# Wrong words and wrong configurations: exit status 2, a message that helps, nothing written.
. "$SOURCE/tests/cli/helpers.sh"

expect 2 "there is no processor level \"foo\"; there are: base, avx2, avx512" "$HGN" --cpu foo bench graph
expect 2 "needs a level" "$HGN" --cpu
expect 2 "there are: simulate, graph" "$HGN" bench nothing
expect 2 'unknown command "simulat"; did you mean "simulate"?' "$HGN" simulat
expect 2 'unknown command "trian"; did you mean "train"?' "$HGN" trian x.yaml
expect 2 'unknown command "frobnicate" (see hgn --help)' "$HGN" frobnicate
expect 2 'unknown option "--verison" before the command; did you mean "--version"?' "$HGN" --verison
expect 2 "Usage: hgn" "$HGN"
expect 0 "simulate" "$HGN" --help
expect 0 "Usage: hgn simulate" "$HGN" simulate --help
expect 0 "hgn 0" "$HGN" --version
expect 0 "HDF5" "$HGN" --version -v
expect 2 'unknown option "--outputs"; did you mean "--output"?' "$HGN" simulate "$PENDULUM" --outputs x.h5
expect 2 "missing: -o" "$HGN" simulate "$PENDULUM"
expect 2 "missing: one FILE.yaml" "$HGN" simulate -o x.h5
expect 2 "needs a value" "$HGN" simulate "$PENDULUM" -o
expect 2 "no-such.yaml" "$HGN" simulate no-such.yaml -o x.h5
expect 2 "data.frames" "$HGN" simulate "$PENDULUM" -o x.h5 data.frame=3
expect 2 "data.dt" "$HGN" simulate "$PENDULUM" -o x.h5 data.dt=fast

cat >wrong.yaml <<'YAML'
system:
  name: pendulum
  masss: 1
YAML
expect 2 "wrong.yaml:3:3" "$HGN" simulate wrong.yaml -o x.h5
expect 2 "system.mass" "$HGN" config wrong.yaml
expect 2 'override "data.validation=-1": data.validation: found -1' "$HGN" simulate "$PENDULUM" -o x.h5 data.validation=-1
expect_ranks 3 2 "wrong.yaml:3:3" "$HGN" simulate wrong.yaml -o x.h5
[ "$(grep -c 'wrong.yaml:3:3' out.txt)" = 1 ] || fail "three ranks printed the message more than once"
[ -e x.h5 ] && fail "something was written"

expect 0 "data.dt" "$HGN" config --schema
expect 0 'override' "$HGN" config "$PENDULUM" data.dt=0.25
"$HGN" config --plain "$PENDULUM" >plain.yaml
"$HGN" config --plain plain.yaml >again.yaml
cmp -s plain.yaml again.yaml || fail "the effective configuration does not read back"

# shellcheck disable=SC2086
expect 0 "d.h5" "$HGN" simulate "$PENDULUM" -o d.h5 $SMALL -q
grep -q "100%" out.txt && fail "-q behind the command is not quiet: $(cat out.txt)"
expect 2 "rollouts 0 to 10" "$HGN" show d.h5 --rollout 11 -v
expect 2 ".png nor in .gif" "$HGN" show d.h5 -o d.jpg
expect 2 "input-frames" "$HGN" limit d.h5
expect 2 "have 9 frames" "$HGN" limit d.h5 --input-frames 10
expect 2 "positions" "$HGN" limit d.h5 --input-frames 2 --observe minds
cp "$PENDULUM" mine.yaml
expect 2 "is the configuration" "$HGN" simulate mine.yaml -o mine.yaml
cmp -s "$PENDULUM" mine.yaml || fail "the configuration was replaced"
# shellcheck disable=SC2086
[ "$($MPIRUN -n 3 "$HGN" --version | wc -l)" = 1 ] || fail "--version speaks for every rank"
expect 3 "cannot be written" sh -c "'$HGN' --help >/dev/full"
# A spec that ends in a colon is a mapping to YAML, and no spec to Spack, unless it is quoted.
grep -nE '^ *- [^"#]*:( *#.*)?$' "$SOURCE/slurm/spack.yaml" && fail "slurm/spack.yaml: a spec is a mapping"
finish
