"""analyze_numpy.py DATA.h5 SEEN COMPONENTS: what linear algebra alone predicts, with NumPy, from its description.

Principal components of all training frames less their mean; least squares from SEEN frames' scores and 1 to the next; the
prediction repeated on its own results. Prints the pixel MSE on frames beyond SEEN of test rollouts, then |lambda| and the
argument of each eigenvalue with argument >= 0, the largest first. DATA.h5 holds frames (hgn simulate --frames).
"""
import sys

import h5py
import numpy as np

name, seen, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
with h5py.File(name) as f:
    scale = 255.0 if f["train/frames"].dtype == np.uint8 else 1.0
    train, test = (f[s + "/frames"][...].astype(float) / scale for s in ("train", "test"))
length, pixels = train.shape[1], int(np.prod(train.shape[2:]))
train, test = (x.reshape(len(x), length, pixels) for x in (train, test))
mean = train.mean((0, 1))
_, singular, axes = np.linalg.svd((train - mean).reshape(-1, pixels), full_matrices=False)
axes = axes[:count]


def windows(scores):
    """[1, c_t, c_{t-1}, ...] of the SEEN frames that end a window."""
    return np.concatenate([[1.0]] + [scores[t] for t in range(len(scores) - 1, -1, -1)])


scores = (train - mean) @ axes.T
rows = np.array([windows(s[t - seen:t]) for s in scores for t in range(seen, length)])
nexts = np.array([s[t] for s in scores for t in range(seen, length)])
fit, *_ = np.linalg.lstsq(rows, nexts, rcond=None)
errors = []
for images in test:
    path = list((images[:seen] - mean) @ axes.T)
    for t in range(seen, length):
        path.append(windows(np.array(path[t - seen:t])) @ fit)
        errors.append(((mean + path[t] @ axes - images[t]) ** 2).mean())
companion = np.eye(count * seen, k=-count)
companion[:count] = fit[1:].T
found = np.linalg.eigvals(companion)
found = found[np.angle(found) >= 0]
print(np.mean(errors), *[x for e in sorted(found, key=lambda e: -abs(e)) for x in (abs(e), np.angle(e))])
