# Every pass of every preset, of every integrator and of models of points, and a step of Adam, have the same bits at
# every level of instructions that this machine has (hgn --cpu).
. "$SOURCE/tests/cli/helpers.sh"
. "$SOURCE/tests/cross/compare.sh"

"$WRITE_SETTINGS" settings.bin || fail "no settings, exit status $?"
levels=$("$CHECKSUMS" levels) || fail "no levels, exit status $?"
for level in $levels; do
  checksums "$level" "$level" "$CHECKSUMS"
  same base "$level"
done
printf '%d arrays at' "$(wc -l <base.txt)"
printf ' %s' $levels
echo
finish
