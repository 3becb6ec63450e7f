# 1, 2, 3 and 5 ranks write identical contents, with frames too, and the checksum is the same.
. "$SOURCE/tests/cli/helpers.sh"

for system in pendulum three_body; do
  yaml="$SOURCE/data/${system}_report2021.yaml"
  # shellcheck disable=SC2086
  expect 0 "one.h5" "$HGN" simulate "$yaml" -o one.h5 --frames $SMALL
  "$HGN" info one.h5 | grep checksum >one.sum || fail "no checksum of one.h5"
  for ranks in 2 3 5; do
    # shellcheck disable=SC2086
    expect_ranks $ranks 0 "many.h5" "$HGN" simulate "$yaml" -o many.h5 --frames $SMALL
    h5diff --exclude-path /provenance one.h5 many.h5 >diff.txt 2>&1 || fail "$system: contents on $ranks ranks differ: $(cat diff.txt)"
    [ -s diff.txt ] && fail "$system: h5diff is not silent on $ranks ranks: $(cat diff.txt)"
    "$HGN" info many.h5 | grep checksum >many.sum
    cmp -s one.sum many.sum || fail "$system: checksums on $ranks ranks differ"
  done
done

# More ranks than rollouts: empty ranks.
expect_ranks 5 0 "tiny.h5" "$HGN" simulate "$PENDULUM" -o tiny.h5 data.train=2 data.test=1 data.frames=6
expect 0 "verified" "$HGN" info tiny.h5

# The comparison can fail: another seed gives other contents.
# shellcheck disable=SC2086
expect 0 "other.h5" "$HGN" simulate "$SOURCE/data/three_body_report2021.yaml" -o other.h5 --frames $SMALL seed=2
h5diff --exclude-path /provenance one.h5 other.h5 >/dev/null 2>&1 && fail "another seed gave the same contents"
finish
