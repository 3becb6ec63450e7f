# What a reduced step of each preset costs is what expected.txt says, within its tolerances: neither more, nor less, for
# then the file has to follow. bash tests/cost/test_cost.sh --update, by hand, after the ci preset's build: rewrites it.
SOURCE=${SOURCE:-$(cd "$(dirname "$0")/../.." && pwd)}
COST=${COST:-$SOURCE/build/ci/tests/cost/cost}
. "$SOURCE/tests/cli/helpers.sh"
expected=$SOURCE/tests/cost/expected.txt
update=${1:-}
[ -z "$update" ] || [ "$update" = --update ] || { echo "Usage: test_cost.sh [--update]" >&2; exit 2; }
if [ -z "${SCRATCH:-}" ]; then # by hand
  scratch=$(mktemp -d)
  trap 'rm -rf "$scratch"' EXIT
  cd "$scratch" || exit 1
fi

# Valgrind knows no AVX-512, so AVX2 it is.
level=avx2 skipped=""
compiler=$("$COST" compiler)
"$COST" levels | grep -qx $level || level=base skipped="this processor has no AVX2"
[ -n "$update" ] || grep -qx "compiler $compiler" "$expected" || skipped="expected.txt is not of $compiler"

"$COST" plans $level >now.txt || fail "no plans, exit status $?"
if [ -z "$skipped" ]; then
  "${VALGRIND:-valgrind}" --tool=callgrind --collect-atstart=no --callgrind-out-file=profile "$COST" run $level \
    >out.txt 2>&1 || fail "callgrind, exit status $?: $(tail -n 3 out.txt)"
  awk '/^desc: Trigger: Client Request: / { name = $5 " " $6 }
    /^totals: / && name { print name, "instructions", $2; name = "" }' $(ls -v profile.*) >>now.txt
fi

if [ -n "$update" ]; then
  [ "$failures" = 0 ] && [ -z "$skipped" ] || { echo "nothing is updated: ${skipped:-see above}" >&2; exit 1; }
  { grep -E '^(#|tolerance )' "$expected"; echo "compiler $compiler"; cat now.txt; } >updated.txt
  cmp -s updated.txt "$expected" && echo "$expected: as it was" && exit 0
  cat updated.txt >"$expected"
  echo "$expected: updated"
  exit 0
fi

awk -v skipped="$skipped" '
  FILENAME == ARGV[1] && $1 == "tolerance" { tolerance[$2] = $3; next }
  FILENAME == ARGV[1] && NF == 4 && $1 != "#" && !(skipped && $3 == "instructions") {
    order[++count] = $1 " " $2 " " $3
    before[order[count]] = $4
  }
  FILENAME == ARGV[1] { next }
  {
    key = $1 " " $2 " " $3
    now[key] = $4
    if (!(key in before)) print key ": " $4 ", of which expected.txt knows nothing"
  }
  END {
    if (!count) print "expected.txt has no numbers"
    for (i = 1; i <= count; i++) {
      key = order[i]
      split(key, part, " ")
      if (!(key in now)) { print key ": not measured any more, " before[key] " before"; continue }
      if (!(part[3] in tolerance)) { print key ": expected.txt has no tolerance"; continue }
      change = now[key] - before[key]
      size = change < 0 ? -change : change
      if (size * 100 <= tolerance[part[3]] * before[key]) continue
      printf "%s %s by %.3g%%: %s before, %s now (tolerance %s%%)\n", key, (change > 0 ? "grew" : "shrank"),
        (before[key] ? 100 * size / before[key] : 100), before[key], now[key], tolerance[part[3]]
    }
  }' "$expected" now.txt >differences.txt || fail "numbers are not compared, exit status $?"
while read -r line; do fail "$line"; done <differences.txt
[ "$failures" = 0 ] || echo "If that is meant: bash tests/cost/test_cost.sh --update, and say why in the commit" >&2
[ -z "$skipped" ] || echo "instructions are not counted: $skipped"
echo "$(wc -l <now.txt) numbers"
finish
