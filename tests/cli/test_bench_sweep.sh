# hgn bench sweep, short: all of its measurements come to an end, and nothing is left of its files.
. "$SOURCE/tests/cli/helpers.sh"
mkdir place
expect_ranks 2 0 "groups busy, with trials of 1 s" env TMPDIR="$PWD/place" "$HGN" bench sweep --trials 100
for line in "dispatch        100 trials" "sleeping " "training " "; 1 group of one rank" "syncs"; do
  grep -qF -- "$line" out.txt || fail "no line with \"$line\": $(cat out.txt)"
done
[ -z "$(find place -name 'hgn-bench*')" ] || fail "left: $(find place -name 'hgn-bench*')"
expect 2 "--trials is for bench sweep" "$HGN" bench graph --trials 5
finish
