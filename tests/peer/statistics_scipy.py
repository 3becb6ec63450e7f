#!/usr/bin/python3
"""The statistics of analysis/report/statistics.h by SciPy and from their definitions.

Usage: statistics_scipy.py FILE
FILE: a line for each question: its name, its numbers, and our answers behind "=". Prints the largest difference, relative
to the answer where that is above 1.
"""
import itertools
import sys

import numpy as np
from scipy import stats


def mean(*x):
    return [np.mean(x), stats.sem(x)] if len(x) > 1 else [x[0]]


def quantile(tail, freedom):
    # SciPy's own inverse is right to some 1e-10 only; its tail is right to rounding.
    t = stats.t.isf(tail, freedom)
    return [t - (tail - stats.t.sf(t, freedom)) / stats.t.pdf(t, freedom)]


def interval(level, *x):
    half = quantile(0.5 - level / 2, len(x) - 1)[0] * stats.sem(x)
    return [np.mean(x) - half, np.mean(x) + half]


def below(bound, *x):
    return [stats.ttest_1samp(x, bound, alternative="less").pvalue]


def difference(split, *x):
    test = stats.ttest_ind(x[: int(split)], x[int(split) :], equal_var=False)
    return [2 * stats.t.sf(abs(test.statistic), test.df) if hasattr(test, "df") else test.pvalue]


def flips(*x):
    sums = [np.dot(signs, np.abs(x)) for signs in itertools.product((1, -1), repeat=len(x))]
    return [np.mean(np.array(sums) <= np.sum(x) + 1e-9)]


def wilson(successes, count, level):
    z = stats.norm.ppf(0.5 + level / 2)
    p = successes / count
    # The two p0 at which the score test just rejects: (p - p0)^2 = z^2 p0 (1 - p0) / n.
    return sorted(np.roots([1 + z * z / count, -2 * p - z * z / count, p * p]))


def holm(*p):
    order = np.argsort(p)
    adjusted = np.empty(len(p))
    adjusted[order] = np.minimum(1, np.maximum.accumulate((len(p) - np.arange(len(p))) * np.sort(p)))
    return adjusted


def main():
    known = {
        "mean": mean, "interval": interval, "below": below, "difference": difference, "flips": flips,
        "wilson": wilson, "holm": holm, "tail": lambda t, f: [stats.t.sf(t, f)],
        "quantile": quantile,
    }  # fmt: skip
    worst = 0
    with open(sys.argv[1]) as file:
        for line in file:
            question, ours = line.split("=")
            name, *numbers = question.split()
            theirs = np.array(known[name](*map(float, numbers)), float)
            ours = np.array(ours.split(), float)
            assert len(ours) == len(theirs), line
            apart = np.max(np.abs(ours - theirs) / np.maximum(1, np.abs(theirs)))
            if name == "tail":
                apart = np.max(np.abs(ours / theirs - 1)) / 100  # small tails count relatively
            if not apart <= 1e-11:
                print("of", line.strip(), "theirs", theirs, file=sys.stderr)
            worst = max(worst, apart if apart == apart else np.inf)
    print(worst)


main()
