# A killed run leaves no half file under the final name and does not harm the file that was there.
. "$SOURCE/tests/cli/helpers.sh"

# shellcheck disable=SC2086
expect 0 "d.h5" "$HGN" simulate "$PENDULUM" -o d.h5 $SMALL
cp d.h5 before.h5
for ranks in 1 3; do
  for delay in 0.5 0.9 1.3; do
    # shellcheck disable=SC2086
    $MPIRUN -n $ranks "$HGN" -q simulate "$PENDULUM" -o d.h5 data.train=200000 data.test=10000 >out.txt 2>&1 &
    job=$!
    sleep $delay
    pkill -KILL -f "simulate .*-o d.h5 data.train=200000" || true
    wait $job 2>/dev/null
    cmp -s before.h5 d.h5 || fail "killed after $delay s on $ranks ranks: the old file changed"
    expect 0 "verified" "$HGN" info d.h5
    rm -f .d.h5.partial*
  done
done
finish
