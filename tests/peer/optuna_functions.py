#!/usr/bin/python3
"""What Optuna's samplers find of the functions of tests/sweep/functions.h, beside what ours find.

Usage: optuna_functions.py [SEEDS]
Needs Debian's python3-optuna (3.1). Prints a line "NAME BUDGET SAMPLER MEDIAN": the median over seeds of the distance
of the best value to the least that there is. Trials run one after the other.
"""
import math
import statistics
import sys
import warnings

import optuna


ALPHA = [1, 1.2, 3, 3.2]
A = [[10, 3, 17, 3.5, 1.7, 8], [.05, 10, 17, .1, 8, 14], [3, 3.5, 1.7, 10, 17, 8], [17, 8, .05, 10, .1, 14]]
P = [[.1312, .1696, .5569, .0124, .8283, .5886], [.2329, .4135, .8307, .3736, .1004, .9991],
     [.2348, .1451, .3522, .2883, .3047, .6650], [.4047, .8828, .8732, .5743, .1091, .0381]]


def branin(trial):
    x, y = trial.suggest_float("x", -5, 10), trial.suggest_float("y", 0, 15)
    a = y - 5.1 / (4 * math.pi ** 2) * x * x + 5 / math.pi * x - 6
    return a * a + 10 * (1 - 1 / (8 * math.pi)) * math.cos(x) + 10


def hartmann(trial):
    x = [trial.suggest_float(f"x{i}", 0, 1) for i in range(6)]
    return -sum(alpha * math.exp(-sum(s * (v - c) ** 2 for s, v, c in zip(a, x, p)))
                for alpha, a, p in zip(ALPHA, A, P))


def sphere(trial):
    return sum((trial.suggest_float(f"x{i}", -5, 5) - 1) ** 2 for i in range(20))


def mixed(trial):
    """As in test_methods_tpe.c; q_normal of Optuna there is none, so its multiples of 1/2 are uniform here."""
    choice = trial.suggest_categorical("choice", [0, 1, 2])
    value = 0 if choice == 1 else 1 + choice
    if choice == 1:
        value += (math.log(trial.suggest_float("rate", 1e-5, 1e-1, log=True)) + 6.907755) ** 2 / 4
    if choice == 0:
        value += trial.suggest_float("other", 0, 1)
    value += (trial.suggest_int("whole", 1, 12) - 5) ** 2 / 10
    return value + (trial.suggest_float("half", -6, 6, step=.5) - 1) ** 2 / 4


def main():
    seeds = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    samplers = {
        "random": lambda seed: optuna.samplers.RandomSampler(seed=seed),
        "tpe": lambda seed: optuna.samplers.TPESampler(seed=seed, multivariate=True, group=True),
    }
    cases = [(branin, 100, .397887), (hartmann, 100, -3.32237), (sphere, 200, 0), (mixed, 100, 0)]
    for function, budget, least in cases:
        for name, sampler in samplers.items():
            best = []
            for seed in range(1, seeds + 1):
                study = optuna.create_study(sampler=sampler(seed))
                study.optimize(function, n_trials=budget)
                best.append(study.best_value - least)
            print(f"{function.__name__} {budget} {name} {statistics.median(best):.5f}", flush=True)


if __name__ == "__main__":
    main()
