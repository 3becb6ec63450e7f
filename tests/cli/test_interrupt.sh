# A killed run leaves no half file under the final name and does not harm the file that was there.
. "$SOURCE/tests/cli/helpers.sh"

# shellcheck disable=SC2086
expect 0 "d.h5" "$HGN" simulate "$PENDULUM" -o d.h5 $SMALL
cp d.h5 before.h5
keep_segments_here
kills=0
for ranks in 1 3; do
  for delay in 0.1 0.4 0.8; do
    # shellcheck disable=SC2086
    $MPIRUN -n $ranks "$HGN" -q simulate "$PENDULUM" -o d.h5 data.train=200000 data.test=10000 >out.txt 2>&1 &
    job=$!
    await $job ".d.h5.partial-*" || fail "it has not begun on $ranks ranks: $(cat out.txt)"
    sleep $delay
    pkill -KILL -f "$HGN -q simulate .*-o d.h5 data.train=200000"
    if wait $job 2>/dev/null; then cp before.h5 d.h5; else kills=$((kills + 1)); fi
    gone "$HGN -q simulate .*-o d.h5 data.train=200000"
    cmp -s before.h5 d.h5 || fail "killed after $delay s on $ranks ranks: the old file changed"
    expect 0 "verified" "$HGN" info d.h5
    rm -f .d.h5.partial*
  done
done
[ $kills -ge 2 ] || fail "only $kills of 6 kills met a simulation that was not through"
finish
