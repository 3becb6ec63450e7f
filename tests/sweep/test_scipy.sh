# Quantiles and Sobol points against SciPy. WRITE_NUMBERS: the program of write_numbers.c.
set -eu
"$WRITE_NUMBERS" >numbers.txt
/usr/bin/python3 "$SOURCE/tests/peer/sweep_scipy.py" numbers.txt
