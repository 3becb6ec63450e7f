#!/usr/bin/python3
"""Quantiles of the sweep's distributions, and the Sobol sequence, against SciPy.

Usage: sweep_scipy.py NUMBERS
NUMBERS is what tests/sweep/write_numbers.c prints. Distributions are made from the descriptions of Weights & Biases:
round() of q_... is numpy's, half to even. A quantised or whole value may differ where u is within rounding of a jump.
"""
import collections
import sys

import numpy as np
from scipy import special, stats
from scipy.stats import qmc

EVERY = {"constant", "categorical", "categorical_w_probabilities", "int_uniform", "uniform", "q_uniform",
         "log_uniform", "log_uniform_values", "q_log_uniform", "q_log_uniform_values", "inv_log_uniform",
         "inv_log_uniform_values", "normal", "q_normal", "log_normal", "q_log_normal", "beta", "q_beta"}


def quantile(name, least, most, mu, sigma, a, b, count, u):
    if name == "constant":
        return np.zeros_like(u)
    if name == "categorical":
        return stats.randint(0, count).ppf(u)
    if name == "categorical_w_probabilities":
        return stats.rv_discrete(values=(range(4), [0.1, 0.2, 0.3, 0.4])).ppf(u)
    if name == "int_uniform":
        return stats.randint(least, most + 1).ppf(u)
    if name == "uniform":
        return stats.uniform(least, most - least).ppf(u)
    if name == "log_uniform":
        return stats.loguniform(np.exp(least), np.exp(most)).ppf(u)
    if name in ("log_uniform_values", "inv_log_uniform_values"):
        return stats.loguniform(least, most).ppf(u)
    if name == "inv_log_uniform":
        return 1 / stats.loguniform(np.exp(least), np.exp(most)).ppf(1 - u)
    if name == "normal":
        return stats.norm(mu, sigma).ppf(u)
    if name == "log_normal":
        return stats.lognorm(s=sigma, scale=np.exp(mu)).ppf(u)
    if name == "beta":
        return special.betaincinv(a, b, u)
    raise SystemExit(f"no distribution {name}")


def compare(key, rows):
    """Largest relative difference."""
    name, (least, most, mu, sigma, a, b, q), count = key[0], key[1:8], key[8]
    u, value = np.array(rows).T
    if name == "beta":
        return beta_difference(a, b, u, value)
    peer = quantile(name.removeprefix("q_"), least, most, mu, sigma, a, b, count, u)
    if q:
        peer = np.round(peer / q) * q
    scale = np.maximum(np.abs(peer), sigma * 1e-3 if name == "normal" else 0)
    return np.max(np.abs(value - peer) / np.where(scale == 0, 1, scale))


def beta_difference(a, b, u, value):
    """SciPy's own quantiles are wrong, or raise errors, for small a and b; its distribution function is not. What the
    smaller tail is off by, over the density, is what the value is off by. A value of 0 or 1 has to be one that
    underflows."""
    beta = stats.beta(a, b)
    inside = (value > 0) & (value < 1)
    x, w = value[inside], u[inside]
    off = np.where(w <= 0.5, beta.cdf(x) - w, (1 - w) - beta.sf(x)) / beta.pdf(x)
    # Where values pile up at 1, the next f64 is further away than that.
    off = np.where(np.abs(off) <= 2.0 ** -53, 0, off)
    if np.any(beta.cdf(1e-307) < u[value == 0]) or np.any(beta.sf(1 - 2.0 ** -53) < 1 - u[value == 1]):
        return np.inf
    return np.max(np.abs(off) / x, initial=0)


def main():
    groups, points = collections.defaultdict(list), {}
    for line in open(sys.argv[1]):
        word = line.split()
        if word[0] == "sobol":
            points[int(word[2]), int(word[1])] = float.fromhex(word[3])
        else:
            numbers = [float.fromhex(w) for w in word[2:9]]
            groups[(word[1], *numbers, int(word[9]))].append([float.fromhex(w) for w in word[10:]])
    worst = collections.defaultdict(float)
    for key, rows in groups.items():
        difference = compare(key, rows)
        if not difference <= worst[key[0]]:
            worst[key[0]] = difference
    wrong = EVERY - set(worst)
    for name, difference in sorted(worst.items()):
        limit = 1e-10 if name.endswith("beta") else 1e-12
        print(f"{name:30s} {difference:.1e}")
        if not difference <= limit:
            wrong.add(name)

    last = max(index for index, _ in points)
    dimensions = 1 + max(dimension for _, dimension in points)
    peer = qmc.Sobol(dimensions, scramble=False).random_base2(int(last).bit_length())
    different = sum(value != peer[key] for key, value in points.items())
    print(f"{'sobol':30s} {different} of {len(points)} points of {dimensions} dimensions differ")
    if different or len(points) < 64 * 1024:
        wrong.add("sobol")
    if wrong:
        raise SystemExit(f"wrong or missing: {sorted(wrong)}")


main()
