# The Gaussian process against scikit-learn. WRITE_PROCESS: the program of write_process.c.
set -eu
"$WRITE_PROCESS" >process.txt
/usr/bin/python3 "$SOURCE/tests/peer/gp_sklearn.py" process.txt
