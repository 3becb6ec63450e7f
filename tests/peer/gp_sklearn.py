#!/usr/bin/python3
"""Likelihood, gradient, means and variances of a Gaussian process against scikit-learn's GaussianProcessRegressor.

Usage: gp_sklearn.py NUMBERS
NUMBERS is what tests/sweep/write_process.c prints. Exit status 77: there is no scikit-learn.
"""
import sys

import numpy as np

try:
    from sklearn.gaussian_process import GaussianProcessRegressor
    from sklearn.gaussian_process.kernels import ConstantKernel, Matern, WhiteKernel
except ImportError:
    print("no scikit-learn")
    sys.exit(77)


def rows(lines, name):
    return np.array([[float(word) for word in line.split()[1:]] for line in lines if line.startswith(name)])


def main():
    with open(sys.argv[1]) as file:
        lines = file.read().splitlines()
    theta, points, queries = rows(lines, "theta")[0], rows(lines, "point"), rows(lines, "query")
    likelihood = rows(lines, "likelihood")[0]
    columns = len(theta) - 2
    kernel = ConstantKernel(theta[-2]) * Matern(theta[:columns], nu=2.5) + WhiteKernel(theta[-1])
    regressor = GaussianProcessRegressor(kernel, alpha=0.0, optimizer=None)
    regressor.fit(points[:, :columns], points[:, columns])
    value, slope = regressor.log_marginal_likelihood(regressor.kernel_.theta, eval_gradient=True)
    mean, deviation = regressor.predict(queries[:, :columns], return_std=True)
    worst = {
        "likelihood": abs(value - likelihood[0]),
        # Theirs has s^2 before the lengths.
        "gradient": np.abs(slope - np.r_[likelihood[-2], likelihood[1:-2], likelihood[-1]]).max(),
        "mean": np.abs(mean - queries[:, columns]).max(),
        # Theirs has the noise in it.
        "variance": np.abs(deviation**2 - theta[-1] - queries[:, columns + 1]).max(),
    }
    for name, error in worst.items():
        print(f"{name}: largest difference {error:.1e}")
    sys.exit(1 if max(worst.values()) > 1e-9 else 0)


main()
