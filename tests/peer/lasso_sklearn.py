"""lasso_sklearn.py FILE ALPHA: scikit-learn's Lasso, for comparison. FILE: a row a line, y first, then x. Prints the weights."""
import sys

import numpy as np
from sklearn.linear_model import Lasso

rows = np.loadtxt(sys.argv[1])
fit = Lasso(alpha=float(sys.argv[2]), max_iter=100000, tol=1e-9).fit(rows[:, 1:], rows[:, 0])
print(*fit.coef_)
