#!/usr/bin/python3
"""Objectives |y - X w|^2 / (2 n) + alpha |w|_1 of weights of ours and of scikit-learn's Lasso, run until it is exact.

Usage: lasso_sklearn.py FILE
FILE: for each problem a line "problem ROWS COLUMNS ALPHA", a line of COLUMNS weights, and a line a row: y, then x.
Prints for each both objectives, |y|^2 / n and the largest difference of the predictions X w.
"""
import sys

import numpy as np
from sklearn.linear_model import Lasso


def main():
    with open(sys.argv[1]) as file:
        lines = iter(file.read().splitlines())
    for line in lines:
        count, columns, alpha = int(line.split()[1]), int(line.split()[2]), float(line.split()[3])
        ours = np.array(next(lines).split(), float)
        rows = np.array([next(lines).split() for _ in range(count)], float)
        x, y = rows[:, 1:], rows[:, 0]
        assert len(ours) == columns == x.shape[1]
        theirs = Lasso(alpha=alpha, max_iter=200000, tol=1e-9, fit_intercept=False).fit(x, y).coef_
        objective = [((y - x @ w) ** 2).mean() / 2 + alpha * np.abs(w).sum() for w in (ours, theirs)]
        print(*objective, (y**2).mean(), np.abs(x @ (ours - theirs)).max())


main()
