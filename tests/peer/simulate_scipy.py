#!/usr/bin/python3
"""The pipeline people use: SciPy for the trajectory, OpenCV for the frames. Prints milliseconds a rollout.

Usage: simulate_scipy.py SYSTEM FRAMES ROLLOUTS
One rollout: initial state, solve_ivp with its default tolerances, noise, and FRAMES images of 32x32 RGB
as the report2021 renderer draws them. One thread. The last line is "SYSTEM MS_STATES MS_RENDERED".
"""
import sys
import time

import cv2
import numpy as np
from scipy.integrate import solve_ivp

SIZE, DT = 32, 0.125
BACKGROUND = np.array([81, 88, 93]) / 255
COLORS = [(173 / 255, 146 / 255, 0), (173 / 255, 0, 0), (0, 146 / 255, 0)]


def spring(t, s):
    return [s[1] / 0.5, -2 * s[0]]


def pendulum(t, s):
    return [s[1] / 0.5, -1.5 * np.sin(s[0])]


def bodies(n):
    def field(t, s):
        q, p = s.reshape(2, n, 2)
        force = np.zeros_like(q)
        for i in range(n):
            for j in range(n):
                if i != j:
                    d = q[j] - q[i]
                    force[i] += d / np.linalg.norm(d) ** 3
        return np.concatenate([p.ravel(), force.ravel()])
    return field


def orbit(n, rng):
    r = rng.uniform(0.9, 1.2)
    angle = rng.uniform(0, 2 * np.pi) + 2 * np.pi * np.arange(n) / n
    speed = (0.5 if n == 2 else 3 ** -0.25) / np.sqrt(r)
    q = r * np.stack([np.cos(angle), np.sin(angle)], 1)
    p = speed * np.stack([-np.sin(angle), np.cos(angle)], 1)
    return np.concatenate([q.ravel(), p.ravel()])


# name: field, initial state, positions of the bodies, half the world, radius in pixels, noise, colours
SYSTEMS = {
    "mass_spring": (spring, lambda g: g.normal(size=2) * 0.5, lambda q: [(0, q[0])], 2, 4, 0.1, [0]),
    "pendulum": (pendulum, lambda g: g.normal(size=2), lambda q: [(np.sin(q[0]), np.cos(q[0]))], 2, 4, 0.1, [0]),
    "two_body": (bodies(2), lambda g: orbit(2, g), lambda q: q.reshape(2, 2), 3, 2, 0.05, [1, 0]),
    "three_body": (bodies(3), lambda g: orbit(3, g), lambda q: q.reshape(3, 2), 3, 1, 0.2, [1, 0, 2]),
}


def render(q, positions, world, radius, colors):
    image = np.zeros((SIZE, SIZE, 3))
    for (x, y), color in zip(positions(q), colors):
        center = (int(SIZE * (x + world) / (2 * world)), int(SIZE * (y + world) / (2 * world)))
        cv2.circle(image, center, radius, COLORS[color], -1)
    image = cv2.blur(cv2.blur(image, (2, 2)), (2, 2)) + BACKGROUND
    return np.minimum(image, 1)


def main():
    name, frames, rollouts = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    cv2.setNumThreads(1)
    field, initial, positions, world, radius, noise, colors = SYSTEMS[name]
    rng = np.random.default_rng(1)
    times = DT * np.arange(frames)
    states, rendered = [], []
    for _ in range(rollouts):
        begin = time.perf_counter()
        path = solve_ivp(field, [0, times[-1] + DT], initial(rng), t_eval=times).y
        middle = time.perf_counter()
        noisy = path + noise * rng.normal(size=path.shape)
        half = len(path) // 2
        video = np.array([render(q, positions, world, radius, colors) for q in noisy[:half].T])
        end = time.perf_counter()
        assert video.shape == (frames, SIZE, SIZE, 3)
        states.append(middle - begin)
        rendered.append(end - begin)
    print(name, 1e3 * np.median(states), 1e3 * np.median(rendered))


main()
