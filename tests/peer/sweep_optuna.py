#!/usr/bin/python3
"""Random search of two parameters with Optuna, its journal in a file, shared by processes. Prints trials a second.

Usage: sweep_optuna.py PROCESSES TRIALS
Needs Debian's python3-optuna (3.1). The objective returns at once. Each process runs its part of TRIALS on one study,
as Optuna's documentation has it for several processes on one machine; started ones wait for each other before the
clock runs, so that imports are not counted. Optuna 3.1 reads its journal without a lock, and a process that finds the
last line half written dies of it; then all of them are started again. The last line is "optuna TRIALS_PER_SECOND".
"""
import json
import multiprocessing
import os
import sys
import tempfile
import time
import warnings

import optuna
from optuna.storages import JournalFileStorage, JournalStorage


ATTEMPTS = 10

warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)  # the journal was one in 3.1


def objective(trial):
    return trial.suggest_float("x", -1, 1) ** 2 + trial.suggest_float("y", -1, 1) ** 2


def work(path, seed, trials, start):
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.load_study(study_name="bench", storage=JournalStorage(JournalFileStorage(path)),
                              sampler=optuna.samplers.RandomSampler(seed=seed))
    start.wait()
    try:
        study.optimize(objective, n_trials=trials)
    except json.JSONDecodeError:
        sys.exit(1)


def run(path, processes, trials):
    """Seconds, or None when a process failed."""
    optuna.create_study(study_name="bench", storage=JournalStorage(JournalFileStorage(path)))
    start = multiprocessing.Barrier(processes + 1)
    workers = [multiprocessing.Process(target=work, args=(path, i, trials // processes, start))
               for i in range(processes)]
    for worker in workers:
        worker.start()
    start.wait()
    begin = time.perf_counter()
    for worker in workers:
        worker.join()
    seconds = time.perf_counter() - begin
    return seconds if all(worker.exitcode == 0 for worker in workers) else None


def main():
    processes, trials = int(sys.argv[1]), int(sys.argv[2])
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    for _ in range(ATTEMPTS):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "journal.log")
            seconds = run(path, processes, trials)
            if seconds is None:
                print("sweep_optuna.py: Optuna has read a line that was not whole yet; once more", file=sys.stderr)
                continue
            study = optuna.load_study(study_name="bench", storage=JournalStorage(JournalFileStorage(path)))
            done = sum(t.state == optuna.trial.TrialState.COMPLETE for t in study.get_trials(deepcopy=False))
        assert done == trials // processes * processes, f"{done} trials of {trials} are complete"
        print("optuna", done / seconds)
        return
    sys.exit(f"Optuna failed {ATTEMPTS} times")


main()
