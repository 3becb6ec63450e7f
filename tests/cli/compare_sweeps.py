"""compare_sweeps.py A.h5 B.h5...: are sweeps the same, bit for bit, in all that follows from their files?

Points, states, numbers of trials, scores, and the configuration that wins are compared; times, groups and events, which
say how the work went, are not. --ended: only of trials that have ended with a result in both; how many is printed.
"""
import sys

import h5py
import numpy

DETERMINISTIC = ["configuration/point", "trial/state", "trial/integer", "trial/value", "trial/test", "report/step",
                 "report/validation", "job/row", "trial/rung"]


def same(a, b):
    """Equal bits, but that one NaN is as good as another."""
    if a.shape != b.shape or a.dtype != b.dtype:
        return False
    equal = a == b
    if a.dtype.kind == "f":
        equal &= numpy.signbit(a) == numpy.signbit(b)
        equal |= numpy.isnan(a) & numpy.isnan(b)
    return bool(numpy.all(equal))


def names(file, name):
    return [text.decode() for text in file[name][()]]


def winner(file):
    """The configuration of the least sum of values over its repeats, as far as all of them are complete."""
    confirms = file["trial/integer"][:, names(file, "integer_column").index("confirms")]
    state, value = file["trial/state"][()], file["trial/value"][()]
    complete = names(file, "state_name").index("complete")
    searched = (confirms == 0) & (state == complete)
    sums, counts = {}, {}
    for configuration, number in zip(configurations(file)[searched], value[searched]):
        sums[configuration] = sums.get(configuration, 0.0) + number
        counts[configuration] = counts.get(configuration, 0) + 1
    most = max(counts.values(), default=0)
    whole = [(sums[c], c) for c in sorted(sums) if counts[c] == most]
    return min(whole)[1] if whole else None


def configurations(file):
    return file["trial/integer"][:, names(file, "integer_column").index("configuration")]


def rows_to_compare(a, b, ended):
    """None: all."""
    if not ended:
        return None
    states = names(a, "state_name")
    results = [states.index(state) for state in ("complete", "diverged", "infeasible")]
    return numpy.isin(a["trial/state"][()], results) & numpy.isin(b["trial/state"][()], results)


def compare(name_a, name_b, ended):
    """How many trials were compared, and what of them differs."""
    different = []
    with h5py.File(name_a, "r") as a, h5py.File(name_b, "r") as b:
        rows = rows_to_compare(a, b, ended)
        for name in DETERMINISTIC:
            if name not in a or (ended and name == "job/row"):  # without early stopping there are no rungs
                continue
            values_a, values_b = a[name][()], b[name][()]
            if rows is not None:
                which = configurations(a)[rows] if name == "configuration/point" else rows
                values_a, values_b = values_a[which], values_b[which]
            if not same(values_a, values_b):
                different.append("/" + name)
        if not ended and winner(a) != winner(b):
            different.append(f"the winner: {winner(a)} and {winner(b)}")
        return len(a["trial/state"]) if rows is None else int(rows.sum()), different


def main():
    ended, wrong = "--ended" in sys.argv, 0
    first, *others = [word for word in sys.argv[1:] if not word.startswith("--")]
    for other in others:
        count, different = compare(first, other, ended)
        print(f"{first} and {other}: {count} trials,", "different: " + ", ".join(different) if different else "the same")
        wrong += bool(different)
    sys.exit(wrong > 0 or not others)


main()
