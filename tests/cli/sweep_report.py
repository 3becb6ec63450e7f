#!/usr/bin/python3
"""Numbers of a sweep's section of a report beside those of its sweep.h5, which h5py reads.

Usage: sweep_report.py SWEEP.h5 REPORT_FOLDER STEPS
REPORT_FOLDER is of this sweep alone; STEPS: of a whole trial. Fails with the first number that differs.
"""
import csv
import re
import sys

import h5py
import numpy as np

COMPLETE, PRUNED = "complete", "pruned"


def table(folder, name):
    with open(f"{folder}/data/{name}.csv", newline="") as file:
        return list(csv.DictReader(file))


def near(text, value, digits):
    return text == "" and np.isnan(value) or text != "" and abs(float(text) - value) <= 0.51 * 10.0 ** (1 - digits) * abs(value)


def read(path):
    with h5py.File(path) as f:
        names = lambda name: [text.decode() for text in f[name][()]]
        sweep = {
            "state": [names("state_name")[k] for k in f["trial/state"][()]],
            "parameter": names("parameter"),
            "score": names("score"),
            "point": f["configuration/point"][()],
            "value": f["trial/value"][()],
            "steps": f["report/step"][()].max(axis=1),
            "validation": f["report/validation"][()],
            "test": f["trial/test"][()],
            "rung": f["trial/rung"][()] if "trial/rung" in f else np.zeros((len(f["trial/value"]), 0)),
            "span": f["timeline/span"][()],
        }
        sweep.update(zip(names("integer_column"), f["trial/integer"][()].T))
        sweep.update(zip(names("measured_column"), f["trial/measured"][()].T))
    sweep["span"] = sweep["span"][~np.isnan(sweep["span"][:, 3]) & (sweep["span"][:, 3] > 0)]
    sweep["hours"] = np.nan_to_num(sweep["seconds"] * sweep["ranks"]) / 3600
    return sweep


def check_trials(sweep, folder):
    """All trials, exactly."""
    rows = table(folder, "sweep-trials")
    assert len(rows) == sum(1 for s in sweep["state"] if s != "queued"), len(rows)
    for row in rows:
        t = int(row["trial"])
        assert row["state"] == sweep["state"][t], row
        assert int(row["seed"]) == sweep["seed"][t] and int(row["steps"]) == sweep["steps"][t], row
        assert near(row["core_hours"], sweep["hours"][t], 6), row
        last = sweep["reports"][t] - 1
        for k, score in enumerate(sweep["score"]):
            for name, value in ("validation", sweep["validation"][t, last, k] if last >= 0 else np.nan), (
                "test",
                sweep["test"][t, k],
            ):
                text = row[f"{name}_{score}"]
                assert (float(text) if text else np.nan) == value or (not text and not np.isfinite(value)), (row, value)
        for k, name in enumerate(sweep["parameter"]):
            if name in row and re.fullmatch(r"[-+.e0-9]+", row[name]):
                assert float(row[name]) == sweep["point"][sweep["configuration"][t], k], (row, name)


def results(sweep):
    """Configurations whose trials are all complete: the mean of their values."""
    found = {}
    for c in set(sweep["configuration"][sweep["confirms"] == 0]):
        mine = np.flatnonzero((sweep["configuration"] == c) & (sweep["confirms"] == 0))
        if all(sweep["state"][t] == COMPLETE for t in mine) and np.isfinite(sweep["value"][mine]).all():
            found[int(c)] = (sweep["value"][mine].mean(), mine)
    return found


def check_best(sweep, folder, found):
    rows = table(folder, "sweep-best")
    unit = "trial" if "trial" in rows[0] else "configuration"
    order = sorted(found, key=lambda c: (found[c][0], c))[: len(rows)]
    assert [int(r[unit]) for r in rows[: len(order)]] == order, (rows[: len(order)], order)
    for row, c in zip(rows, order):
        mean, mine = found[c]
        assert near(row["loss"], mean, 6), (row, mean)
        assert near(row["core-hours"], sweep["hours"][mine].sum(), 3), row
        assert near(row["seconds"], sweep["seconds"][mine].sum(), 4), row


def check_again(sweep, folder, found):
    for row in table(folder, "sweep-confirmed"):
        c = int(row["configuration"])
        mine = (sweep["configuration"] == c) & (sweep["confirms"] == 1) & np.array([s == COMPLETE for s in sweep["state"]])
        values = sweep["value"][mine]
        assert int(row["fresh seeds"]) == len(values) and near(row["search"], found[c][0], 6), row
        assert near(row["again, validation"].split()[0], values.mean(), 6), row
        half = 12.706 if len(values) == 2 else 4.303  # Student's t
        assert near(row["again, validation"].split()[2], half * values.std(ddof=1) / len(values) ** 0.5, 2), row
        assert near(row["luck"], values.mean() - found[c][0], 2), row


def check_rungs(sweep, folder):
    state = np.array(sweep["state"])
    for k, row in enumerate(table(folder, "sweep-rungs-table")):
        there = sweep["rung"][~np.isnan(sweep["rung"][:, k]), k]
        on = sweep["rung"][:, k + 1] if k + 1 < sweep["rung"].shape[1] else np.where(state == COMPLETE, 1, np.nan)
        assert int(row["came there"]) == len(there) and int(row["went on"]) == (~np.isnan(on)).sum(), row
        assert near(row["best"], there.min(), 6) and near(row["median"], np.median(there), 6), row
        assert int(row["stopped there"]) == len(there) - (~np.isnan(on)).sum(), row


def check_costs(sweep, folder, text, steps):
    state = np.array(sweep["state"])
    for row in table(folder, "sweep-costs"):
        mine = state == row["state"] if row["state"] != "all" else state != "queued"
        assert near(row["core-hours"], sweep["hours"][mine].sum(), 4), row
        assert row["state"] == "all" or int(row["trials"]) == mine.sum(), row
    done = sweep["steps"]
    pruned = (state == PRUNED) & (done > 0)
    if pruned.any():
        saved = (sweep["hours"][pruned] / done[pruned] * (steps - done[pruned])).sum()
        said = re.search(r"Pruning has saved (\S+) core-hours.*the (\d+) steps", text)
        assert near(said[1], saved, 4) and int(said[2]) == (steps - done[pruned]).sum(), (said, saved)


def check_time(sweep, folder, text, found):
    span = sweep["span"]
    rows = table(folder, "sweep-timeline")
    assert len(rows) == len(span)
    for row, s in zip(rows, span):
        assert int(row["trial"]) == s[0] and abs(float(row["ended"]) - float(row["began"]) - (s[5] - s[4])) < 2e-6, row
    groups = {s[1]: s[3] for s in span}
    there = (span[:, 5].max() - span[:, 4].min()) * sum(groups.values())
    busy, working = ((span[:, 5] - span[:, 4]) * span[:, 3]).sum(), (span[:, 6] * span[:, 3]).sum()
    said = re.search(r"were there (\S+)% went by with a trial, (\S+)% in steps", text)
    assert abs(float(said[1]) - 100 * busy / there) < 0.06 and abs(float(said[2]) - 100 * working / there) < 0.06, said
    rows = table(folder, "sweep-regret")
    best = [float(r["best"]) for r in rows]
    assert len(rows) == len(found) and best == list(np.minimum.accumulate([float(r["value"]) for r in rows]))
    for row in rows:
        mean, mine = found[int(row["configuration"])]
        by_then = np.nan_to_num(sweep["ended"]) <= sweep["ended"][mine].max()
        assert abs(float(row["value"]) - mean) < 1e-12 * abs(mean), row
        assert near(row["core_hours"], sweep["hours"][by_then & (sweep["ended"] > 0)].sum(), 8), row


def main():
    sweep, folder, steps = read(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    with open(f"{folder}/report.md") as file:
        text = file.read().replace("\\", "")
    found = results(sweep)
    check_trials(sweep, folder)
    check_best(sweep, folder, found)
    if (sweep["confirms"] == 1).any():
        check_again(sweep, folder, found)
    if sweep["rung"].shape[1] > 0:
        check_rungs(sweep, folder)
    check_costs(sweep, folder, text, steps)
    check_time(sweep, folder, text, found)


main()
