#!/usr/bin/python3
"""What Optuna's samplers find of the functions of tests/sweep/functions.h and objectives.h, beside what ours find.

Usage: optuna_functions.py [SEEDS [OURS...]]
Needs Debian's python3-optuna (3.1). Prints a line "NAME BUDGET SAMPLER MEDIAN": the median over seeds of the distance
of the best value to the least that there is. Trials run one after the other. OURS: what test_methods_tpe and
test_methods_cmaes print; exit status 1 if one of ours is worse than Optuna's by more than the factor WORSE.
"""
import math
import re
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


def sphere20(trial):
    return sum((trial.suggest_float(f"x{i}", 0, 1) - .3 - .02 * i) ** 2 for i in range(20))


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


# Medians of 20 seeds scatter: so far ours may lie above theirs.
WORSE = 1.5
SAMPLERS = {
    "random": lambda seed: optuna.samplers.RandomSampler(seed=seed),
    "tpe": lambda seed: optuna.samplers.TPESampler(seed=seed, multivariate=True, group=True),
    "cmaes": lambda seed: optuna.samplers.CmaEsSampler(seed=seed),
}
CASES = [(branin, 100, .397887, ["random", "tpe"]), (hartmann, 100, -3.32237, ["random", "tpe", "cmaes"]),
         (sphere, 200, 0, ["random", "tpe"]), (mixed, 100, 0, ["random", "tpe"]),
         (branin, 60, .397887, ["cmaes"]), (sphere20, 400, 0, ["cmaes"])]


def ours_of(paths):
    """By function, budget and method: lines "branin 100: RANDOM TPE WINDOW16" and "branin, 60 configurations, window 1:
    0.16 above the minimum"."""
    found = {}
    for path in paths:
        with open(path) as file:
            text = file.read()
        for name, budget, tpe in re.findall(r"^ +(\w+) +(\d+): +[\d.]+ ([\d.]+) [\d.]+$", text, re.M):
            found[name, int(budget), "tpe"] = float(tpe)
        for name, budget, gap in re.findall(r"^ +(\w+), (\d+) configurations, window 1: ([\d.e-]+) above", text, re.M):
            found[name.removesuffix("6"), int(budget), "cmaes"] = float(gap)
    return found


def main():
    seeds = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    ours, worse = ours_of(sys.argv[2:]), 0
    warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    for function, budget, least, names in CASES:
        for name in names:
            best = []
            for seed in range(1, seeds + 1):
                study = optuna.create_study(sampler=SAMPLERS[name](seed))
                study.optimize(function, n_trials=budget)
                best.append(study.best_value - least)
            median = statistics.median(best)
            mine = ours.get((function.__name__, budget, name))
            beside = "" if mine is None else f", ours {mine:.5f}"
            print(f"{function.__name__} {budget} {name} {median:.5f}{beside}", flush=True)
            if len(sys.argv) > 2 and name != "random" and (mine is None or mine > WORSE * median):
                print("  ours is worse" if mine is not None else "  ours is not there")
                worse += 1
    sys.exit(worse > 0)


if __name__ == "__main__":
    main()
