# hgn bench all: the numbers that benchmarks print, once measured, as a page.
. "$SOURCE/tests/cli/helpers.sh"
cd "$SCRATCH" || exit 1
expect 2 "-o FILE.html" "$HGN" bench all
expect 2 'bench all has no "melt"' "$HGN" bench all melt -o bench.html
expect 0 "bench.html" "$HGN" bench all simulate -o bench.html
cp out.txt printed.txt
expect 3 "cannot be written" "$HGN" bench simulate --csv nowhere/simulate.csv
/usr/bin/python3 - <<'PY' || fail "the page says something else than what was printed"
import re
import xml.etree.ElementTree as tree

text = open("bench.html").read()
rows = {}
for table in re.findall(r"<table.*?</table>", text, re.S):
    for row in tree.fromstring(re.sub(r"&nbsp;", " ", table)).iter("tr"):
        cells = ["".join(cell.itertext()) for cell in row]
        rows[cells[0]] = cells[1:]
printed = open("printed.txt").read()
for system in "mass_spring", "pendulum", "two_body", "three_body":
    states, soft = (float(re.search(rf"^{system}\s+(\S+)\s+\S+\s+(\S+)", printed, re.M)[k]) for k in (1, 2))
    assert abs(float(rows[system][0]) - states) < 0.011 and abs(float(rows[system][1]) - soft) < 0.011 + 1e-4 * soft, system
assert "the roofline is of bench graph" in text.lower()
PY
finish
