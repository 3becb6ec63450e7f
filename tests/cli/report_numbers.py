# report_numbers.py RUNS REPORT: what a report says of seed1, seed2 and the others, beside what h5py reads of them.
import csv
import sys
import xml.etree.ElementTree

import h5py
import numpy as np

runs, report = sys.argv[1:]
ODD = "<script>'&"
files = {name: h5py.File(f"{runs}/{name}.h5") for name in ("seed1", "seed2", ODD, "partial")}


def table(name):
    with open(f"{report}/data/{name}.csv", newline="") as file:
        return list(csv.reader(file))


def last(name, column):
    values = files[name][column][...]
    return values[~np.isnan(values)][-1] if (~np.isnan(values)).any() else np.nan


def near(text, value, digits):
    assert text != "" or np.isnan(value), (text, value)
    assert text == "" or abs(float(text) - value) <= 10.0 ** -digits, (text, value)


# Seeds 1 and 2 stand in one row: the mean, the mean standard error, the standard deviation over seeds.
rows = {row[0]: row for row in table("results-frames")[1:]}
assert set(rows) == {"seed1 (2 seeds)", ODD, "partial"}, rows
pair = rows["seed1 (2 seeds)"]
assert pair[1:3] == ["pendulum", "1, 2"], pair
for at, score, scale in (3, "mse", 1e4), (6, "unseen", 1e4), (12, "paired_over_limit", 1):
    values = scale * np.array([last(name, f"evaluation/test/{score}") for name in ("seed1", "seed2")])
    errors = scale * np.array([last(name, f"evaluation/test/{score}_error") for name in ("seed1", "seed2")])
    near(pair[at], values.mean(), 4)
    near(pair[at + 1], errors.mean(), 4)
    near(pair[at + 2], values.std(ddof=1), 4)
for at, score in (9, "r2"), (10, "over_floor"), (11, "over_limit"):
    near(pair[at], np.mean([last(name, f"evaluation/test/{score}") for name in ("seed1", "seed2")]), 4)
    near(rows[ODD][at], last(ODD, f"evaluation/test/{score}"), 4)
assert rows[ODD][5] == "" and float(pair[11]) > 1

# Every score of one run, to six digits.
for row in table("scores-frames")[1:]:
    if row[0] == ODD:
        value = last(ODD, f"evaluation/test/{row[1]}")
        assert abs(float(row[2]) - value) <= 1e-5 * abs(value), row

# The error by frame, the learning curve, checksums.
curve = [row for row in table("by-frame")[1:] if row[0] == "seed1"]
assert np.allclose([float(row[2]) for row in curve], files["seed1"]["evaluation/test/frame_mse"][-1], rtol=1e-8)
assert np.allclose([float(row[1]) for row in curve], 0.125 * np.arange(4, 8))
curve = [row for row in table("learning-training-frames")[1:] if row[0] == ODD]
assert np.allclose([float(row[2]) for row in curve], files[ODD]["report/error"][...], rtol=1e-8)
sums = {(row[0], row[1], row[2]): row[3] for row in table("checksums")[1:]}
words = files["seed2"]["report/parameter_sum"][-1, 0].astype(np.uint64)
assert sums["seed2", "40", "encoder"] == "%016x%016x" % tuple(words), sums

# What the runs took, and how far they came.
rows = {row[0]: row for row in table("runs")[1:]}
assert rows["seed1"][4:7] == ["1", "40 of 40", "yes"] and rows["partial"][6] == "no", rows
near(rows["seed1"][10], last("seed1", "measured/core_hours"), 3)
ladder = {row[0]: float(row[1]) for row in table("ladder")[1:]}
assert np.isclose(ladder["noise floor"], files["seed1"]["data/floor"][0])
assert np.isclose(ladder["information limit"], files["seed1"]["data/limit"][0])
data = table("data-sets-table")
checksum = files["seed1"]["data/checksum"][()].decode().rstrip("\0")
assert len(data) == 2 and data[1][1] == checksum, data

# The page says the same: each table of it has the cells of its CSV.
XHTML = "{http://www.w3.org/1999/xhtml}"
root = xml.etree.ElementTree.parse(f"{report}/report.html").getroot()
text = lambda element: "".join(element.itertext())
assert text(root.find(f".//{XHTML}h1")) == "A <b>title</b>"
ids = [element.get("id") for element in root.iter() if element.get("id")]
assert len(ids) == len(set(ids))
tables = [figure for figure in root.iter(XHTML + "figure") if figure.get("class") == "table"]
assert len(tables) > 5
for figure in tables:
    cells = [[text(cell) for cell in row if cell.tag in (XHTML + "td", XHTML + "th")] for row in figure.iter(XHTML + "tr")]
    assert cells == table(figure.get("id")), figure.get("id")
assert not [element for element in root.iter() if element.tag == XHTML + "b" and text(element) == "title"]
commands = "\n".join(text(pre) for pre in root.iter(XHTML + "pre"))
assert "train tiny.yaml -o runs/seed1.h5 seed=1)" in commands
assert "hgn verify 'runs/<script>'\\''&.h5'" in commands
page = text(root)
assert "partial is not complete: " in page and "seed: 1" in page
