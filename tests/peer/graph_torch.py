#!/usr/bin/python3
"""What `hgn bench graph` times, in PyTorch: the vector-Jacobian product through one leapfrog step.

Usage: graph_torch.py BATCH [BATCH ...]
The `paper` Hamiltonian V(q) + K(p) in f32, one thread. One line for each batch: "BATCH MILLISECONDS LAYOUT", the best
of several rounds in the faster of two layouts in memory, contiguous (channels first) and channels_last.
"""
import sys
import time

import torch
import torch.nn.functional as F

LAYOUTS = {"contiguous": torch.contiguous_format, "channels_last": torch.channels_last}
CHANNELS, KERNELS, STRIDES = [16, 32, 64, 64, 64, 1], [3, 2, 2, 2, 2], [1, 2, 1, 2, 1]


def make_net(form):
    torch.manual_seed(1)  # the same in all layouts
    layers = []
    for i, (kernel, stride) in enumerate(zip(KERNELS, STRIDES)):
        weight = (0.1 * torch.randn(CHANNELS[i + 1], CHANNELS[i], kernel, kernel)).contiguous(memory_format=form)
        layers.append((weight.requires_grad_(), torch.zeros(CHANNELS[i + 1], requires_grad=True), kernel, stride))
    return layers


def energy(x, layers):
    for i, (weight, bias, kernel, stride) in enumerate(layers):
        if stride == 1:  # SAME: the odd row and column after
            before = (kernel - 1) // 2
            after = kernel - 1 - before
            x = F.pad(x, (before, after, before, after)) if before != after else x
            x = F.conv2d(x, weight, bias, padding=before if before == after else 0)
        else:
            x = F.conv2d(x, weight, bias, stride=stride)
        if i < len(layers) - 1:
            x = F.softplus(x)
    return x.sum()


def force(x, layers):
    return torch.autograd.grad(energy(x, layers), x, create_graph=True)[0]


def product(q, p, seed_q, seed_p, potential, kinetic, dt=0.125):
    half = p - 0.5 * dt * force(q, potential)
    moved = q + dt * force(half, kinetic)
    end = half - 0.5 * dt * force(moved, potential)
    parameters = [t for net in (potential, kinetic) for layer in net for t in layer[:2]]
    return torch.autograd.grad((moved, end), [q, p] + parameters, (seed_q, seed_p), allow_unused=True)


def inputs(batch, form):
    """What product() needs, laid out in memory as form says."""
    torch.manual_seed(2)
    q, p, seed_q, seed_p = (torch.randn(batch, 16, 4, 4).contiguous(memory_format=form) for _ in range(4))
    return q.requires_grad_(), p.requires_grad_(), seed_q, seed_p, make_net(form), make_net(form)


def check(batch):
    """Both layouts give the same gradients."""
    for a, b in zip(*(product(*inputs(batch, form)) for form in LAYOUTS.values())):
        if a is not None and not (a - b).abs().max() <= 1e-5 * a.abs().max():
            sys.exit("graph_torch.py: the gradients of two layouts differ")


def main():
    torch.set_num_threads(1)
    for batch in (int(word) for word in sys.argv[1:]):
        check(batch)
        given = {layout: inputs(batch, form) for layout, form in LAYOUTS.items()}
        best = dict.fromkeys(LAYOUTS, float("inf"))
        for _ in range(15):  # in turns, so that both see the same machine
            for layout in LAYOUTS:
                begin = time.perf_counter()
                for _ in range(4):
                    product(*given[layout])
                best[layout] = min(best[layout], (time.perf_counter() - begin) / 4)
        fastest = min(best, key=best.get)
        print(batch, 1e3 * best[fastest], fastest)


main()
