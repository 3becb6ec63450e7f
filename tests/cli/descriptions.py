"""descriptions.py FILE.h5... [REFERENCE]: does what numbers and keys are said to be stand alone?

h5py lists data sets in alphabetical order, and the reference is looked up key by key: a description that leans on that of
another says nothing there. Numbers of hgn's files need one. A name that ends in .txt is what hgn config --schema prints.
"""
import re
import sys

import h5py

LEANS = re.compile(r"^(its|it|of|the same|that|this|those|these|them|likewise|in|from|after|between|see|the latter|until)\b|"
                   r"\b(over|of|than|by) (the same|those frames|that limit)$|\bthe same of\b|\bhere and in the next\b", re.I)
bad, seen = [], 0


def look(name, text):
    global seen
    lines = text.rstrip("\n").split("\n")
    for line in lines:  # columns of a table, each after its name
        seen += 1
        if LEANS.search(re.sub(r"^\w+: ", "", line) if len(lines) > 1 else line):
            bad.append((name, line))


def look_in(path):
    with h5py.File(path) as file:
        def visit(name, item):
            if not isinstance(item, h5py.Dataset) or name.startswith(("provenance/", "parameters/")):
                return
            text = item.attrs.get("description")
            if text is not None:
                look(path + ":/" + name, text.decode() if isinstance(text, bytes) else str(text))
            elif item.dtype.kind == "f":
                bad.append((path + ":/" + name, "has no description"))
        file.visititems(visit)


for path in sys.argv[1:]:
    if path.endswith(".txt"):
        with open(path) as reference:
            rows = re.findall(r"^\| `([\w.]+)` \|.*\| ([^|]+) \|$", reference.read(), re.M)
        assert len(rows) > 100, len(rows)
        for key, text in rows:
            look(key, text)
    else:
        look_in(path)
for name, line in bad:
    print("%s: %s" % (name, line))
print(seen, "descriptions")
sys.exit(1 if bad or not seen else 0)
