# What numbers in files and keys of experiments are said to be stands alone: h5py and the reference show them in an order of
# their own, so no description may lean on that of another.
. "$SOURCE/tests/cli/helpers.sh"
. "$SOURCE/tests/cli/training.sh"
expect 0 "test MSE" "$HGN" train tiny.yaml -o hgn.h5 train.steps=2 eval.every=1
expect 0 "hgn.analysis.h5" "$HGN" analyze hgn.h5
expect 0 "rollout.h5" "$HGN" rollout hgn.h5 -o rollout.h5
expect 0 "sample.h5" "$HGN" sample hgn.h5 -n 2 -o sample.h5
expect 0 "points.h5" "$HGN" simulate "$SOURCE/data/ring.yaml" -o points.h5 data.train=64 data.test=16
printf 'data: {file: points.h5}\nmodel: {name: nhf, flow: {width: [8], encoder_width: [8]}}\ntrain: {steps: 2, batch: 8}\n' >nhf.yaml
expect 0 "nhf.h5" "$HGN" train nhf.yaml -o nhf.h5 eval.samples=32 eval.grid=8 eval.draws=20
printf 'base: base.yaml\nmethod: grid\nmetric: {name: loss}\nparameters: {synthetic.x: {values: [0, 1]}}\n' >sweep.yaml
printf 'model: {name: synthetic}\ntrain: {steps: 1}\neval: {every: 1}\n' >base.yaml
expect 0 "complete" "$HGN" sweep sweep.yaml -o sweep
"$HGN" config --schema >schema.txt || fail "no reference"
/usr/bin/python3 - <<'PY' || fail "descriptions lean on others"
import glob
import re
import h5py

LEANS = re.compile(r"^(its|it|of|the same|that|this|those|these|them|likewise|in|from|after|between|see|the latter|until)\b|"
                   r"\b(over|of|than|by) (the same|those frames|that limit)$|\bthe same of\b|\bhere and in the next\b", re.I)
bad, seen = [], 0


def look(name, text):
    global seen
    for line in text.rstrip("\n").split("\n"):
        seen += 1
        if LEANS.search(re.sub(r"^\w+: ", "", line) if "\n" in text else line):
            bad.append((name, line))


for path in glob.glob("*.h5") + glob.glob("sweep/*.h5"):
    with h5py.File(path) as f:
        def visit(name, item):
            if not isinstance(item, h5py.Dataset) or name.startswith(("provenance/", "parameters/")):
                return
            text = item.attrs.get("description")
            if text is not None:
                look(path + ":/" + name, text.decode() if isinstance(text, bytes) else str(text))
            elif item.dtype.kind == "f" and path.startswith(("hgn", "nhf", "rollout", "sample")):
                bad.append((path + ":/" + name, "has no description"))
        f.visititems(visit)
with open("schema.txt") as f:
    rows = re.findall(r"^\| `([\w.]+)` \|.*\| ([^|]+) \|$", f.read(), re.M)
assert len(rows) > 100, len(rows)
for key, text in rows:
    look(key, text)
assert not bad, "\n".join("%s: %s" % pair for pair in bad)
print(seen, "descriptions")
PY
finish
