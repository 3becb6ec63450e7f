#!/usr/bin/python3
"""Neural Hamiltonian Flow and real NVP in PyTorch: the peer that hgn's densities are checked against, and timed beside.

  flow_torch.py check FILE.h5 ...  files hold points, noise, parameters, log weights and gradients as hgn computed them
                                   (tests/train/write_point_step.c): compares them, exit status 1 when they differ
  flow_torch.py time nhf [--batch 256] [--hamiltonians 4] [--steps 1] [--width 128 128] [--activation swish]
                         [--kinetic learned] [--threads 2] [--repeat 50] [--verbose]
  flow_torch.py time rnvp [--batch 256] [--couplings 8] [--coupling-width 136 136] [--coupling-activation tanh] ...
                                   median seconds of a training step with Adam, on the last line: of the fastest way to
                                   write it in PyTorch and the fastest number of threads; --verbose tells of the others

Written from the papers, not from hgn's code. NHF (Toth et al., ICLR 2020, section 5): a standard normal (q, p) goes
through Hamiltonians V_i(q) + K_i(p), each for some leapfrog steps (kick, drift, kick), to (x, momentum). Steps keep
volume, so with p ~ f(p | x) = N(mu(x), sigma(x)^2) and z the start of (x, p), log N(z; 0, I) - log f(p | x) is a log
weight, whose mean is a bound of log pi(x); fixed kinetic energy (Souveton et al., AISTATS 2024): K = a^2 |p|^2 / 2.
Several momenta of a point: the log of the mean of their weights (Burda et al., ICLR 2016). Real NVP (Dinh et al., ICLR
2017): couplings y = v exp(s(u)) + t(u) beside u, so that log pi(x) = log N(z; 0, I) - sum s.
"""
import argparse
import ctypes
import math
import os
import statistics
import sys
import time

os.sched_setaffinity(0, range(os.cpu_count()))  # a launcher may have bound this to one core; before threads are made

import numpy as np
import torch
import torch.nn.functional as F

LOG_TWO_PI = math.log(2 * math.pi)


# What stands between layers, and its derivative from what goes in and what comes out.
ACTIVATIONS = {
    "softplus": (F.softplus, lambda x, y: torch.sigmoid(x)),
    "swish": (F.silu, lambda x, y: torch.sigmoid(x) * (1 + x - y)),
    "tanh": (torch.tanh, lambda x, y: 1 - y * y),
    "sigmoid": (torch.sigmoid, lambda x, y: y * (1 - y)),
    "relu": (F.relu, lambda x, y: (x > 0).to(x.dtype)),
    "leaky_relu": (lambda x: F.leaky_relu(x, 0.01), lambda x, y: torch.where(x > 0, 1.0, 0.01).to(x.dtype)),
    "none": (lambda x: x, lambda x, y: torch.ones_like(x)),
}


class Dense(torch.nn.Module):
    """Linear layers with an activation between them."""

    def __init__(self, inputs, widths, outputs, activation):
        super().__init__()
        sizes = [inputs, *widths, outputs]
        self.layers = torch.nn.ModuleList(torch.nn.Linear(a, b) for a, b in zip(sizes, sizes[1:]))
        self.activation, self.derivative = ACTIVATIONS[activation]

    def forward(self, x):
        for layer in self.layers[:-1]:
            x = self.activation(layer(x))
        return self.layers[-1](x)

    def slope(self, x, way):
        """The gradient by x of the one output: by autograd, or written out by the chain rule, so that one backward pass
        is enough."""
        if way == "autograd":
            if not x.requires_grad:
                x.requires_grad_()
            return torch.autograd.grad(self(x).sum(), x, create_graph=True)[0]
        derivatives = []
        for layer in self.layers[:-1]:
            a = layer(x)
            x = self.activation(a)
            derivatives.append(self.derivative(a, x))
        gradient = self.layers[-1].weight
        for layer, derivative in zip(reversed(self.layers[:-1]), reversed(derivatives)):
            gradient = (gradient * derivative) @ layer.weight
        return gradient if derivatives else gradient.expand_as(x)


class Fixed(torch.nn.Module):
    """K = a^2 |p|^2 / 2."""

    def __init__(self):
        super().__init__()
        self.scale = torch.nn.Parameter(torch.ones(()))

    def slope(self, p, way):
        return self.scale ** 2 * p


def log_normal(z):
    return -0.5 * (z * z).sum(-1) - 0.5 * z.shape[-1] * LOG_TWO_PI


class NHF(torch.nn.Module):
    def __init__(self, dimension, hamiltonians, steps, dt, width, activation, kinetic, encoder_width,
                 encoder_activation):
        super().__init__()
        self.steps, self.dt, self.way = steps, dt, "autograd"
        self.encoder = Dense(dimension, encoder_width, 2 * dimension, encoder_activation)
        net = lambda: Dense(dimension, width, 1, activation)
        self.potential = torch.nn.ModuleList(net() for _ in range(hamiltonians))
        self.kinetic = torch.nn.ModuleList(net() if kinetic == "learned" else Fixed() for _ in range(hamiltonians))

    def carry(self, q, p, dt):
        """All Hamiltonians over steps of dt; of a negative one the last of them first."""
        pairs = list(zip(self.potential, self.kinetic))
        for potential, kinetic in pairs if dt > 0 else pairs[::-1]:
            p = p - 0.5 * dt * potential.slope(q, self.way)
            for step in range(self.steps):
                q = q + dt * kinetic.slope(p, self.way)
                # Two half kicks meet between two steps of one Hamiltonian.
                p = p - (dt if step < self.steps - 1 else 0.5 * dt) * potential.slope(q, self.way)
        return q, p

    def draw(self, q, p):
        return self.carry(q, p, self.dt)

    def forward(self, x, noise):
        mean, log_variance = self.encoder(x).chunk(2, -1)
        q, p = self.carry(x, mean + torch.exp(0.5 * log_variance) * noise, -self.dt)
        return log_normal(q) + log_normal(p) - (log_normal(noise) - 0.5 * log_variance.sum(-1))


class RNVP(torch.nn.Module):
    def __init__(self, dimension, couplings, width, activation, scale):
        super().__init__()
        self.low, self.scale = dimension // 2, scale
        kept = [dimension - self.low if i % 2 else self.low for i in range(couplings)]
        self.coupling = torch.nn.ModuleList(Dense(k, width, 2 * (dimension - k), activation) for k in kept)

    def split(self, i, x):
        """What coupling i keeps and what it moves; s and t. They take turns, the first keeps the lower half."""
        first, second = x[..., :self.low], x[..., self.low:]
        kept, moved = (second, first) if i % 2 else (first, second)
        s, t = self.coupling[i](kept).chunk(2, -1)
        return kept, moved, self.scale * torch.tanh(s), t

    @staticmethod
    def join(i, kept, moved):
        return torch.cat([moved, kept] if i % 2 else [kept, moved], -1)

    def draw(self, q, p):
        for i in range(len(self.coupling)):
            kept, moved, s, t = self.split(i, q)
            q = self.join(i, kept, moved * torch.exp(s) + t)
        return q, p

    def forward(self, x, noise=None):
        volume = 0.0
        for i in reversed(range(len(self.coupling))):
            kept, moved, s, t = self.split(i, x)
            x = self.join(i, kept, (moved - t) * torch.exp(-s))
            volume = volume + s.sum(-1)
        return log_normal(x) - volume


# ---- Comparison ----

def named(model):
    """hgn's names, and parameters as it has them: weights are [1][1][input][output]."""
    for name, parameter in model.named_parameters():
        yield name.replace("layers.", ""), parameter


def read_model(file):
    words = {name: value.decode() if isinstance(value, bytes) else value for name, value in file.attrs.items()}

    def widths(network):
        layers = sum(name.startswith(network + ".") and name.endswith(".weight") for name in file["parameters"])
        return [file[f"parameters/{network}.{i}.weight"].shape[3] for i in range(layers - 1)]

    dimension = file["x"].shape[1]
    if words["model"] == "rnvp":
        model = RNVP(dimension, int(words["couplings"]), widths("coupling.0"), words["activation"],
                     float(file["scale"][0]))
    else:
        model = NHF(dimension, int(words["hamiltonians"]), int(words["steps"]), float(file["dt"][0]),
                    widths("potential.0"), words["activation"], words["kinetic"], widths("encoder"),
                    words["encoder_activation"])
    model.double()
    mine, theirs = {name for name, _ in named(model)}, set(file["parameters"])
    if mine != theirs:
        sys.exit(f"flow_torch.py: parameters differ: {sorted(mine ^ theirs)}")
    for name, parameter in named(model):
        values = torch.from_numpy(file["parameters/" + name][()]).double()
        parameter.data = (values[0, 0].T if name.endswith(".weight") else values).reshape(parameter.shape).contiguous()
    return model, int(words["momenta"])


def report(label, name, mine, theirs, tolerance):
    """The largest difference beside the largest number; whether it is too large. What is 0 has to be 0."""
    mine, theirs = mine.detach().double().reshape(-1), theirs.double().reshape(-1)
    off, size = float((mine - theirs).abs().max()), float(mine.abs().max())
    relative = off / size if size else off
    bad = not relative < tolerance
    print(f"{label} {name:24} largest difference {off:.1e} of {size:.3g}: {relative:.1e}{'  TOO LARGE' if bad else ''}")
    return bad


def check(path, tolerance):
    import h5py
    bad = 0
    with h5py.File(path, "r") as file:
        model, momenta = read_model(file)
        read = lambda name: torch.from_numpy(file[name][()]).double()
        x, weight = read("x"), read("weight")
        noise = read("noise") if "noise" in file else None
        label = os.path.splitext(os.path.basename(path))[0]
        for way in ("autograd", "forces") if isinstance(model, NHF) else ("couplings",):
            model.way, where = way, f"{label} {way}"
            model.zero_grad()
            single = model(x.clone(), noise)
            bound = torch.logsumexp(single.reshape(-1, momenta), 1) - math.log(momenta)
            (weight * bound).sum().backward()
            bad += report(where, "log weights", single, read("single"), tolerance)
            bad += report(where, "bounds", bound, read("log_weight"), tolerance)
            drawn = model.draw(read("q"), read("p"))
            for name, mine in zip(("drawn_x", "drawn_momentum"), drawn):
                if name in file:
                    bad += report(where, name, mine, read(name), tolerance)
            for name, parameter in named(model):
                theirs = torch.from_numpy(file["gradients/" + name][()])
                theirs = theirs[0, 0].T if name.endswith(".weight") else theirs
                mine = torch.zeros_like(parameter) if parameter.grad is None else parameter.grad
                bad += report(where, name, mine, theirs, tolerance)
    return bad


# ---- Time ----

ROUNDS = 3


def keep_memory():
    """glibc gives large blocks back to the system whenever one is freed, and takes them anew, page by page. The peer is
    timed at its best, so it keeps them."""
    m_trim_threshold, m_mmap_max = -1, -4
    libc = ctypes.CDLL(None)
    libc.mallopt(m_mmap_max, 0)
    libc.mallopt(m_trim_threshold, 2 ** 31 - 1)


def make_model(options):
    torch.manual_seed(1)
    if options.model == "rnvp":
        return RNVP(options.dimension, options.couplings, options.coupling_width, options.coupling_activation, 2.0)
    return NHF(options.dimension, options.hamiltonians, options.steps, options.dt, options.width, options.activation,
               options.kinetic, [128, 128], "relu")


def flatten(model):
    """One parameter whose memory, and whose gradient's, all of the model's have a part of: Adam, which does the same to
    every number, then runs over one vector instead of some fifty small tensors."""
    parameters = list(model.parameters())
    flat = torch.nn.Parameter(torch.cat([parameter.data.reshape(-1) for parameter in parameters]))
    flat.grad = torch.zeros_like(flat)
    sizes = [parameter.numel() for parameter in parameters]
    for parameter, data, grad in zip(parameters, flat.data.split(sizes), flat.grad.split(sizes)):
        parameter.data, parameter.grad = data.view_as(parameter), grad.view_as(parameter)
    return flat


def stepper(way, options):
    """A function that trains for one step."""
    model = make_model(options)
    points = torch.randn(4096, options.dimension)

    def draw():
        x = points[torch.randint(len(points), (options.batch,))]
        return (x, torch.randn_like(x)) if options.model == "nhf" else (x,)

    model.way = "autograd" if way == "autograd" else "forces"
    flat = flatten(model)
    weigh = torch.jit.trace(model, draw(), check_trace=False) if way == "traced" else model
    optimizer = torch.optim.Adam([flat], 1e-3)

    def step():
        flat.grad.zero_()
        (-weigh(*draw()).mean()).backward()
        optimizer.step()

    return step


def median_time(step, repeat):
    seconds = []
    for _ in range(repeat):
        began = time.perf_counter()
        step()
        seconds.append(time.perf_counter() - began)
    return statistics.median(seconds)


def measure(options):
    keep_memory()
    ways = ("autograd", "forces", "traced") if options.model == "nhf" else ("couplings", "traced")
    trials = []
    for threads in sorted({1, options.threads}):
        torch.set_num_threads(threads)
        for way in ways:
            trials.append([math.inf, way, threads, stepper(way, options)])
            median_time(trials[-1][3], 5)  # what is traced is looked at in its first runs
    # In turns, so that all of them see the same machine, whatever else runs on it.
    for _ in range(ROUNDS):
        for trial in trials:
            torch.set_num_threads(trial[2])
            trial[0] = min(trial[0], median_time(trial[3], max(options.repeat // (3 * ROUNDS), 3)))
    for seconds, way, threads, _ in trials if options.verbose else ():
        print(f"{way}, {threads} thread{'s' * (threads > 1)}: {1e3 * seconds:.3f} ms", file=sys.stderr)
    seconds, way, threads, step = min(trials, key=lambda trial: trial[0])
    torch.set_num_threads(threads)
    median_time(step, 2)
    print(f"{way}-{threads} {min(seconds, median_time(step, options.repeat)):.6f}")
    return 0


def main():
    parser = argparse.ArgumentParser()
    commands = parser.add_subparsers(dest="command", required=True)
    checking = commands.add_parser("check")
    checking.add_argument("files", nargs="+")
    checking.add_argument("--tolerance", type=float, default=5e-5)
    timing = commands.add_parser("time")
    timing.add_argument("model", choices=["nhf", "rnvp"])
    timing.add_argument("--dimension", type=int, default=2)
    timing.add_argument("--batch", type=int, default=256)
    timing.add_argument("--hamiltonians", type=int, default=4)
    timing.add_argument("--steps", type=int, default=1)
    timing.add_argument("--dt", type=float, default=0.2)
    timing.add_argument("--width", type=int, nargs="+", default=[128, 128])
    timing.add_argument("--activation", choices=ACTIVATIONS, default="swish")
    timing.add_argument("--kinetic", choices=["learned", "fixed"], default="learned")
    timing.add_argument("--couplings", type=int, default=8)
    timing.add_argument("--coupling-width", type=int, nargs="+", default=[136, 136])
    timing.add_argument("--coupling-activation", choices=ACTIVATIONS, default="tanh")
    timing.add_argument("--threads", type=int, default=2)
    timing.add_argument("--repeat", type=int, default=50)
    timing.add_argument("--verbose", action="store_true", help="what each way takes, to stderr")
    options = parser.parse_args()
    if options.command == "time":
        return measure(options)
    return 1 if sum(check(path, options.tolerance) for path in options.files) else 0


if __name__ == "__main__":
    sys.exit(main())
