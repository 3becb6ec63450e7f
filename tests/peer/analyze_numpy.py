"""analyze_numpy.py DATA.h5 SEEN COMPONENTS SNAPSHOTS: what linear algebra alone predicts, with NumPy, from its description.

Principal components of SNAPSHOTS training frames, evenly spread, less the mean of all; least squares from SEEN frames' scores and 1 to the next; the
prediction repeated on its own results. Prints the pixel MSE on frames beyond SEEN of test rollouts, then |lambda| and the
argument of each eigenvalue with argument >= 0, the largest first. DATA.h5 holds frames (hgn simulate --frames).
"""
import sys

import h5py
import numpy as np

name, seen, count, snapshots = sys.argv[1], *(int(x) for x in sys.argv[2:5])
with h5py.File(name) as f:
    scale = 255.0 if f["train/frames"].dtype == np.uint8 else 1.0
    train, test = (f[s + "/frames"][...].astype(float) / scale for s in ("train", "test"))
length, pixels = train.shape[1], int(np.prod(train.shape[2:]))
train, test = (x.reshape(len(x), length, pixels) for x in (train, test))
mean = train.mean((0, 1))
_, singular, axes = np.linalg.svd((train - mean).reshape(-1, pixels)[:: len(train) * length // snapshots], full_matrices=False)
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
scores = (test - mean) @ axes.T
rest = ((test - mean) ** 2).sum(-1) - (scores ** 2).sum(-1)
per_rollout = np.array(errors).reshape(len(test), -1).mean(1)
print(np.mean(errors), per_rollout.std() / np.sqrt(len(test)), ((test[:, seen:] - mean) ** 2).mean(), rest.mean() / pixels, *[x for e in sorted(found, key=lambda e: -abs(e)) for x in (abs(e), np.angle(e))])
