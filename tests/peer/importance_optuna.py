#!/usr/bin/python3
"""Shares of main effects by Optuna's functional ANOVA (Hutter et al. 2014) of points and values that we give.

Usage: importance_optuna.py FILE
FILE: a line "axis KIND CELLS" for each parameter (number, choice), then a line a point: its places and its value. Numbers
are coordinates in 0..1. Prints for each parameter the mean share over trees, which Optuna's evaluator would go on to
scale so that they add up to 1; and how many trees' standard deviations they spread.
"""
import sys
import warnings

import numpy as np
import optuna
from optuna.importance._fanova._fanova import _Fanova

warnings.filterwarnings("ignore")


def main():
    with open(sys.argv[1]) as file:
        lines = [line.split() for line in file]
    axes = [(words[1], int(words[2])) for words in lines if words[0] == "axis"]
    rows = np.array([words for words in lines if words[0] != "axis"], float)
    names = [f"x{i}" for i in range(len(axes))]
    space = {
        name: optuna.distributions.FloatDistribution(0, 1)
        if kind == "number"
        else optuna.distributions.CategoricalDistribution(list(range(cells)))
        for name, (kind, cells) in zip(names, axes)
    }
    transform = optuna._transform._SearchSpaceTransform(space, transform_log=False, transform_step=False)
    points = [
        {name: (int(v) if kind == "choice" else v) for name, (kind, _), v in zip(names, axes, row)} for row in rows[:, :-1]
    ]
    fanova = _Fanova(n_trees=64, max_depth=64, min_samples_split=2, min_samples_leaf=1, seed=1)
    fanova.fit(
        np.array([transform.transform(p) for p in points]),
        rows[:, -1],
        search_spaces=transform.bounds,
        column_to_encoded_columns=transform.column_to_encoded_columns,
    )
    for i in range(len(axes)):
        print(*fanova.get_importance(i))


main()
