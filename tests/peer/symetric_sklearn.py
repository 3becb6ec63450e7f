#!/usr/bin/python3
"""SyMetric of batches, written anew with scikit-learn from its definition (analysis/symetric.h).

Usage: symetric_sklearn.py FILE
FILE: for each batch a line "batch TRAJECTORIES FRAMES LATENTS COORDINATES MASKED"; where MASKED is 1 a line of LATENTS
mean variances; then a line a row, trajectory by trajectory: latent numbers, then true ones. FRAMES are ten at most, so
that all of them are looked at and none is drawn. Prints for each batch R2, order, latents that were kept, deviation.
"""
import sys
import warnings

import numpy as np
from sklearn.linear_model import Lasso
from sklearn.model_selection import GridSearchCV
from sklearn.preprocessing import PolynomialFeatures, StandardScaler


def keep(latents, variance):
    """Both numbers of a pair of which one has a variance below .5; all where that would be none."""
    if variance is None:
        return np.ones(latents, bool)
    pairs = (variance.reshape(2, -1) < 0.5).any(axis=0)
    return np.tile(pairs, 2) if pairs.any() else np.ones(latents, bool)


def fit(z, x):
    """Weights of the first order whose R2 is above .9."""
    alphas = np.logspace(-4, -0.5, 10)
    for order in range(1, 6 if z.shape[1] <= 32 else 2):
        terms = PolynomialFeatures(order, include_bias=False)
        design = terms.fit_transform(z)
        search = GridSearchCV(Lasso(max_iter=1000), {"alpha": alphas}, cv=2, scoring="explained_variance")
        search.fit(design, x)
        r2 = search.best_estimator_.score(design, x)
        if r2 > 0.9:
            break
    return order, r2, np.atleast_2d(search.best_estimator_.coef_), terms.powers_


def jacobian(weights, powers, z):
    """[outputs][latents] at the point z."""
    columns = []
    for k in range(len(z)):
        lower = powers.copy()
        lower[:, k] = np.maximum(lower[:, k] - 1, 0)
        columns.append(weights @ (powers[:, k] * np.prod(z**lower, axis=1)))
    return np.stack(columns, axis=1) + 1e-6


def deviation(weights, powers, z, trajectories):
    weights = np.where(np.abs(weights) > 1e-3, weights, 0)
    half = z.shape[1] // 2
    form = np.block([[np.zeros((half, half)), -np.eye(half)], [np.eye(half), np.zeros((half, half))]])
    means = []
    for points in np.split(z, trajectories):
        jacobians = [jacobian(weights, powers, point) for point in points]
        products = np.stack([(j @ form @ j.T) @ (j @ form.T @ j.T) for j in jacobians])
        scale = np.abs(products).max(axis=(1, 2)).mean()
        means.append(((products / (scale or 1) - np.eye(len(weights))) ** 2).mean())
    return min(np.mean(means), 1000)


def measure(trajectories, latents, variance, rows):
    z = StandardScaler().fit_transform(rows[:, :latents][:, keep(latents, variance)])
    x = StandardScaler().fit_transform(rows[:, latents:])
    order, r2, weights, powers = fit(z, x)
    print(r2, order, z.shape[1], deviation(weights, powers, z, trajectories))


def main():
    warnings.simplefilter("ignore")
    with open(sys.argv[1]) as file:
        lines = iter(file.read().splitlines())
    for line in lines:
        trajectories, frames, latents, coordinates, masked = (int(word) for word in line.split()[1:])
        variance = np.array(next(lines).split(), float) if masked else None
        rows = np.array([next(lines).split() for _ in range(trajectories * frames)], float)
        assert rows.shape[1] == latents + coordinates
        measure(trajectories, latents, variance, rows)


main()
