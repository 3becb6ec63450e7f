# What TPE and CMA-ES find, in the median over 20 seeds, beside what Optuna's samplers find with the same budgets.
# TPE, CMAES: the programs of test_methods_tpe.c and test_methods_cmaes.c.
set -eu
"$TPE" 20 >tpe.txt
"$CMAES" 20 >cmaes.txt
/usr/bin/python3 "$SOURCE/tests/peer/optuna_functions.py" 20 tpe.txt cmaes.txt
