#!/usr/bin/python3
"""An HGN training step in PyTorch: the peer that hgn's loss and gradients are checked against, and timed beside.

  hgn_torch.py check FILE.h5     FILE holds frames, noise, parameters, losses and gradients as hgn computed them
                                 (tests/train/write_step.c): compares them, exit status 1 when they differ
  hgn_torch.py time PRESET [--batch 16] [--input-frames 5] [--frames 30] [--frames-per-rollout 0] [--threads 2]
                           [--layout best] [--way best] [--default-malloc] [--repeat 5] [--verbose]
                                 the fastest setting and its median seconds of a training step with Adam: of two
                                 layouts in memory (contiguous, channels_last) and two ways to write the step (plain;
                                 tuned, see learn_tuned()), unless --layout or --way names one; --verbose tells of the
                                 others. Loss and gradients of all are compared first, exit status 1 when they differ

Written from the descriptions of the networks, not from hgn's code; NCHW inside, hgn's files are NHWC. Paddings are in
the terms of the code that was published: the reproduction of 2021 is PyTorch, whose nn.Conv2d pads by a number on all
sides, DeepMind's is TensorFlow's and Haiku's, SAME and VALID.
"""
import argparse
import os
import statistics
import sys
import time

os.sched_setaffinity(0, range(os.cpu_count()))  # a launcher may have bound this to one core; before threads are made

import numpy as np
import torch
import torch.nn.functional as F

ACTIVATIONS = {
    "none": lambda x: x,
    "relu": F.relu,
    "leaky.01": lambda x: F.leaky_relu(x, 0.01),
    "leaky.2": lambda x: F.leaky_relu(x, 0.2),
    "softplus": F.softplus,
    "swish": F.silu,
    "sigmoid": torch.sigmoid,
}
# F.pad's left, right, top, bottom: with it the reproduction's energy keeps the size of a map under 2x2 kernels.
AFTER = (0, 1, 0, 1)
# Stacks: channels, kernels ("all": the whole map), strides, padding, activation between, activation at the end.
# Padding: nn.Conv2d's number, what F.pad gets before an nn.Conv2d without, or TensorFlow's word.
PRESETS = {
    "paper": dict(
        encoder=([32, 64, 64, 64, 64, 64], [2, 4] * 3, [2, 1] * 3, ["VALID", "SAME"] * 3, "relu", "none"),
        sampled="log_scale",
        transformer=([64, 64, 64, 64, 32], [3] * 5, [1] * 5, ["SAME"] * 5, "relu", "none"),
        energy=([32, 64, 64, 64, 1], [3, 2, 2, 2, 2], [1, 2, 1, 2, 1], ["SAME", "VALID", "SAME", "VALID", "SAME"],
                "softplus", "none"),
        separable=True, unit_mass=False,
        decoder=dict(channels=[64] * 3, activation="leaky.2", constants=2, grid=0, residual=False, block="none")),
    "report2021": dict(
        encoder=([32] + [64] * 6 + [96], [3] * 8, [1] * 8, [1] * 8, "relu", "none"),
        sampled="log_variance",
        transformer=([64, 64, 32], [3] * 3, [2] * 3, [1] * 3, "relu", "relu"),
        energy=([32, 64, 64, 64, 1], [3, 2, 2, 2, 2], [1, 2, 1, 1, 1], [1, 0, AFTER, AFTER, 0],
                "softplus", "softplus"),
        separable=False, unit_mass=True,
        decoder=dict(channels=[64] * 3, activation="leaky.01", constants=0, grid=0, residual=True, block="sigmoid")),
    "hgnpp": dict(
        encoder=([64] * 8, [3] * 7 + ["all"], [2, 1, 2, 1, 2, 1, 1, 1], ["SAME"] * 7 + ["VALID"], "leaky.2", "none"),
        sampled="log_scale", transformer=None,
        energy=([250] * 4 + [1], [1] * 5, [1] * 5, ["SAME"] * 5, "swish", "none"),
        separable=True, unit_mass=False,
        decoder=dict(channels=[64] * 3, activation="leaky.2", constants=2, grid=4, residual=False, block="none")),
    "quick": dict(
        encoder=([64, 64, 64, 64, 32], [3] * 5, [2, 1, 2, 1, 2], ["SAME"] * 5, "leaky.2", "none"),
        sampled=None, transformer=None,
        energy=([128, 128, 1], ["all", 1, 1], [1] * 3, ["VALID"] * 3, "softplus", "none"),
        separable=True, unit_mass=False,
        decoder=dict(channels=[32] * 3, activation="leaky.2", constants=0, grid=0, residual=False, block="none")),
}


class Conv(torch.nn.Module):
    """nn.Conv2d behind the padding of PRESETS, for square maps of `size`; TensorFlow's SAME has outputs of ceil(size /
    stride), and the odd row and column after."""

    def __init__(self, inputs, channels, kernel, stride, padding, size):
        super().__init__()
        if padding in ("SAME", "VALID"):
            total = max((-(-size // stride) - 1) * stride + kernel - size, 0) if padding == "SAME" else 0
            before, after = total // 2, total - total // 2
            padding = before if before == after else (before, after, before, after)
        number = padding if isinstance(padding, int) else 0
        self.pad = None if isinstance(padding, int) else padding
        self.conv = torch.nn.Conv2d(inputs, channels, kernel, stride, number)
        self.size = (size + (sum(self.pad[:2]) if self.pad else 2 * number) - kernel) // stride + 1

    def forward(self, x):
        return self.conv(F.pad(x, self.pad) if self.pad else x)


def double(x):
    return F.interpolate(x, scale_factor=2, mode="nearest")


class DoubledConv(torch.autograd.Function):
    """The adjoint of a convolution 4x4 of stride 2, by the kernels of a convolution's gradient: those that
    F.conv_transpose2d has in PyTorch 1.13 are slow. Its backward pass cannot be differentiated again."""
    GEOMETRY = [2, 2], [1, 1], [1, 1], False, [0, 0], 1  # stride, padding, dilation, not transposed, groups

    @staticmethod
    def forward(ctx, x, weight, bias):
        ctx.save_for_backward(x, weight)
        last = x.is_contiguous(memory_format=torch.channels_last)
        like = torch.empty(x.shape[0], weight.shape[1], 2 * x.shape[2], 2 * x.shape[3],
                           memory_format=torch.channels_last if last else torch.contiguous_format)
        y = torch.ops.aten.convolution_backward(x, like, weight, None, *DoubledConv.GEOMETRY, [True, False, False])[0]
        return y.add_(bias[:, None, None])

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, g):
        x, weight = ctx.saved_tensors
        by_weight = torch.ops.aten.convolution_backward(x, g, weight, None, *DoubledConv.GEOMETRY,
                                                        [False, True, False])[1]
        return F.conv2d(g, weight, None, 2, 1), by_weight, g.sum((0, 2, 3))


# Row of a 4x4 kernel, rows of the 3x3 kernel that it is the sum of.
ROWS = torch.tensor([[0, 0, 1], [0, 1, 1], [1, 1, 0], [1, 0, 0]], dtype=torch.float32)


def conv_of_doubled(x, conv, form):
    """conv(double(x)) of a 3x3 convolution, in 16 products where that takes 36: four neighbours are one pixel."""
    weight = torch.einsum("tk,oikl,sl->iots", ROWS, conv.weight, ROWS).contiguous(memory_format=form)
    return DoubledConv.apply(x, weight, conv.bias)


class Stack(torch.nn.Module):
    def __init__(self, inputs, size, spec):
        super().__init__()
        channels, kernels, strides, paddings, between, end = spec
        self.layers, self.between, self.end = torch.nn.ModuleList(), ACTIVATIONS[between], ACTIVATIONS[end]
        for out, kernel, stride, padding in zip(channels, kernels, strides, paddings):
            whole = kernel == "all"
            self.layers.append(Conv(inputs, out, size if whole else kernel, stride, padding, size))
            inputs, size = out, self.layers[-1].size
        self.channels, self.size = inputs, size

    def forward(self, x):
        for layer in self.layers[:-1]:
            x = self.between(layer(x))
        return self.end(self.layers[-1](x))


class Decoder(torch.nn.Module):
    def __init__(self, inputs, size, spec, colors):
        super().__init__()
        self.spec, self.act, self.block_act = spec, ACTIVATIONS[spec["activation"]], ACTIVATIONS[spec["block"]]
        self.expand = Conv(inputs, spec["grid"] ** 2 * 16, 1, 1, "SAME", 1) if spec["grid"] else None
        if spec["grid"]:
            inputs, size = 16, spec["grid"]
        self.constant = torch.nn.Parameter(torch.ones(1, spec["constants"], size, size)) if spec["constants"] else None
        inputs += spec["constants"]
        self.blocks, self.skips = torch.nn.ModuleList(), torch.nn.ModuleList()
        for out in spec["channels"]:
            size *= 2
            self.blocks.append(torch.nn.ModuleList(
                [Conv(inputs, out, 3, 1, "SAME", size), Conv(out, out, 3, 1, "SAME", size)]))
            needs = spec["residual"] and inputs != out
            self.skips.append(Conv(inputs, out, 1, 1, "SAME", size) if needs else torch.nn.Identity())
            inputs = out
        self.out = Conv(inputs, colors, 3, 1, "SAME", size)

    def forward(self, q, form=torch.contiguous_format, folded=False):
        """form: of q in memory. folded: as conv_of_doubled()."""
        q = q.contiguous(memory_format=form)
        if self.expand is not None:
            grid = self.spec["grid"]
            q = self.expand(q).flatten(1).view(-1, grid, grid, 16).permute(0, 3, 1, 2)
        if self.constant is not None:
            q = torch.cat([q, self.constant.expand(q.shape[0], -1, -1, -1)], 1)
        for block, skip in zip(self.blocks, self.skips):
            small, q = q, double(q) if not folded else None
            y = self.act(conv_of_doubled(small, block[0].conv, form) if folded else block[0](q))
            y = self.act(block[1](y))
            if self.spec["residual"]:
                y = y + (double(skip(small)) if folded else skip(q))
            q = self.block_act(y)
        return torch.sigmoid(self.out(q))


class HGN(torch.nn.Module):
    def __init__(self, preset, input_frames, colors=3, size=32):
        super().__init__()
        self.spec = spec = PRESETS[preset]
        self.encoder = Stack(colors * input_frames, size, spec["encoder"])
        latent = self.encoder.channels // (2 if spec["sampled"] else 1)
        self.transformer = Stack(latent, self.encoder.size, spec["transformer"]) if spec["transformer"] else None
        state = self.transformer or self.encoder
        channels = (self.transformer.channels if self.transformer else latent) // 2
        if spec["separable"]:
            self.potential, self.kinetic = (Stack(channels, state.size, spec["energy"]) for _ in range(2))
        else:
            self.hamiltonian = Stack(2 * channels, state.size, spec["energy"])
        self.decoder = Decoder(channels, state.size, spec["decoder"], colors)
        self.form = torch.contiguous_format

    def lay_out(self, form):
        """How parameters and images are laid out in memory."""
        self.form = form
        return self.to(memory_format=form)

    def infer(self, frames, noise):
        code, kl = self.encoder(frames.contiguous(memory_format=self.form)), torch.zeros((), dtype=frames.dtype)
        if self.spec["sampled"]:
            mean, scale = code.chunk(2, 1)
            log_sigma = scale if self.spec["sampled"] == "log_scale" else 0.5 * scale
            sigma = log_sigma.exp()
            kl = (0.5 * (mean ** 2 + sigma ** 2 - 1) - log_sigma).sum((1, 2, 3)).mean()
            code = mean + sigma * noise
        state = self.transformer(code) if self.transformer else code
        q, p = state.chunk(2, 1)
        return q, p, kl

    def energy(self, q, p):
        if self.spec["separable"]:
            return self.potential(q).sum() + self.kinetic(p).sum()
        return self.hamiltonian(torch.cat([q, p], 1)).sum()

    def by_q(self, q, p):
        if not q.requires_grad:
            q.requires_grad_()
        energy = self.potential(q).sum() if self.spec["separable"] else self.energy(q, p)
        return torch.autograd.grad(energy, q, create_graph=True)[0]

    def by_p(self, p):
        return torch.autograd.grad(self.kinetic(p).sum(), p, create_graph=True)[0]

    def unroll(self, q, p, targets, dt):
        """q of all targets by leapfrog steps. Where H is separable, two half kicks meet at one q."""
        path = [q]
        for step in range(1, targets):
            if step == 1 or not self.spec["separable"]:
                force = self.by_q(q, p)
            p = p - 0.5 * dt * force
            q = q + dt * (p if self.spec["unit_mass"] else self.by_p(p))
            path.append(q)
            if step < targets - 1:
                force = self.by_q(q, p)
                p = p - 0.5 * dt * force
        return torch.stack(path, 1)

    def predict(self, frames, noise, input_frames, targets, dt, chosen=None):
        """States to decode, images that they should be, KL beside a mean over all pixels of the targets.
        frames [B][T][H][W][C]. chosen [B][n]: targets that are decoded; None: all."""
        batch, _, height, width, colors = frames.shape
        seen = frames[:, :input_frames].permute(0, 1, 4, 2, 3).reshape(batch, -1, height, width)
        q, p, kl = self.infer(seen, noise)
        path = self.unroll(q, p, targets, dt)
        truth = frames[:, input_frames - 1:input_frames - 1 + targets].permute(0, 1, 4, 2, 3)
        if chosen is not None:
            rows = torch.arange(batch)[:, None]
            path, truth = path[rows, chosen], truth[rows, chosen]
        return path.flatten(0, 1), truth.flatten(0, 1), kl / (targets * height * width * colors)

    def losses(self, *given):
        path, truth, kl = self.predict(*given)
        return F.mse_loss(self.decoder(path, self.form), truth), kl


def named(model):
    """hgn's names: (name, parameter, how to turn hgn's array into PyTorch's)."""
    conv = lambda a: a.transpose(3, 2, 0, 1)
    for name in ("encoder", "transformer", "hamiltonian", "potential", "kinetic"):
        for i, layer in enumerate(getattr(getattr(model, name, None), "layers", [])):
            yield f"{name}.{i}.weight", layer.conv.weight, conv
            yield f"{name}.{i}.bias", layer.conv.bias, lambda a: a
    decoder = model.decoder
    if decoder.constant is not None:
        yield "decoder.constant", decoder.constant, lambda a: a.transpose(2, 0, 1)[None]
    parts = [("expand", decoder.expand), ("out", decoder.out)]
    for i, (block, skip) in enumerate(zip(decoder.blocks, decoder.skips)):
        parts += [(f"{i}.{k}", layer) for k, layer in enumerate(block)] + [(f"{i}.skip", skip)]
    for name, layer in parts:
        if isinstance(layer, Conv):
            yield f"decoder.{name}.weight", layer.conv.weight, conv
            yield f"decoder.{name}.bias", layer.conv.bias, lambda a: a


def gradients_off(model, theirs):
    """Relative difference of the model's gradients and theirs, by name, for each network."""
    networks = {}
    for name, parameter, _ in named(model):
        other = theirs[name].double()
        mine = torch.zeros_like(other) if parameter.grad is None else parameter.grad.double()
        sums = networks.setdefault(name.split(".")[0], [0.0, 0.0])
        sums[0] += float(((mine - other) ** 2).sum())
        sums[1] += float((mine ** 2).sum())
    return {name: (difference / size if size else difference) ** 0.5 for name, (difference, size) in networks.items()}


def check(path):
    import h5py
    with h5py.File(path, "r") as file:
        preset, dt = file.attrs["preset"], file["dt"][0]
        preset = preset.decode() if isinstance(preset, bytes) else str(preset)
        input_frames, targets = int(file.attrs["input_frames"]), int(file.attrs["frames"])
        model = HGN(preset, input_frames)
        for name, parameter, turn in named(model):
            parameter.data = torch.from_numpy(np.ascontiguousarray(turn(file["parameters/" + name][()])))
        noise = torch.from_numpy(file["noise"][()]).permute(0, 3, 1, 2) if "noise" in file else None
        rec, kl = model.losses(torch.from_numpy(file["frames"][()]), noise, input_frames, targets, dt)
        loss = file["error_weight"][0] * rec + file["kl_weight"][0] * kl
        loss.backward()
        bad = 0
        for name, value in (("error", rec), ("kl", kl)):
            mine, theirs = float(value), float(file[name][0])
            off = abs(mine - theirs) / max(abs(mine), 1e-30) if mine or theirs else 0
            bad += off > 1e-5
            print(f"{preset} {name:12} {theirs:.9g}  PyTorch {mine:.9g}  relative difference {off:.1e}")
        theirs = {name: torch.from_numpy(np.ascontiguousarray(turn(file["gradients/" + name][()])))
                  for name, _, turn in named(model)}
        for name, off in gradients_off(model, theirs).items():
            # Where a relu's input is near 0, single precision decides its slope: the smaller nets feel it more.
            bad += not off < (1e-4 if preset in ("paper", "report2021") else 5e-4)
            print(f"{preset} gradient of {name:12} relative difference {off:.1e}")
    return 1 if bad else 0


# ---- Time ----

LAYOUTS = {"contiguous": torch.contiguous_format, "channels_last": torch.channels_last}
KL_WEIGHT = 0.01


def learn_plain(model, *given):
    """Puts gradients into the parameters; the loss."""
    rec, kl = model.losses(*given)
    loss = rec + KL_WEIGHT * kl
    loss.backward()
    return float(loss)


def learn_tuned(model, *given):
    """The same, as a user of PyTorch would have to write it by hand: images are decoded and differentiated 16 at a
    time, whose maps caches can hold, and the doubling of maps is folded into the convolutions behind it."""
    path, truth, kl = model.predict(*given)
    states, error = path.detach().requires_grad_(), 0.0
    for state, image in zip(states.split(16), truth.split(16)):
        rec = F.mse_loss(model.decoder(state, model.form, folded=True), image, reduction="sum") / truth.numel()
        rec.backward()
        error += float(rec)
    both = [(path, states.grad)] + ([(KL_WEIGHT * kl, None)] if kl.requires_grad else [])
    torch.autograd.backward(*zip(*both))
    return error + KL_WEIGHT * float(kl)


WAYS = {"plain": learn_plain, "tuned": learn_tuned}


def keep_memory():
    """glibc gives large blocks back to the system whenever one is freed, and takes them anew, page by page: half of a
    step on some machines. The peer is timed at its best, so it keeps them."""
    import ctypes
    m_trim_threshold, m_mmap_max = -1, -4
    libc = ctypes.CDLL(None)
    libc.mallopt(m_mmap_max, 0)
    libc.mallopt(m_trim_threshold, 2 ** 31 - 1)


class Trial:
    """A setting: a model of its own, and the seconds of its steps."""

    def __init__(self, layout, way, options):
        self.name, self.learn, self.options = layout + ("" if way == "plain" else "-" + way), WAYS[way], options
        torch.manual_seed(1)  # the same model and data in all settings
        self.model = HGN(options.preset, options.input_frames).lay_out(LAYOUTS[layout])
        self.optimizer = torch.optim.Adam(self.model.parameters(), 1.5e-4)
        self.frames = torch.rand(options.batch, options.input_frames + options.frames - 1, 32, 32, 3)
        self.seconds = []

    def gradient(self):
        options, encoder, noise, chosen = self.options, self.model.encoder, None, None
        if self.model.spec["sampled"]:
            noise = torch.randn(options.batch, encoder.channels // 2, encoder.size, encoder.size)
        if 0 < options.frames_per_rollout < options.frames:
            chosen = torch.rand(options.batch, options.frames).argsort(1)[:, :options.frames_per_rollout]
        self.optimizer.zero_grad(set_to_none=True)
        return self.learn(self.model, self.frames, noise, options.input_frames, options.frames, 0.125, chosen)

    def step(self):
        began = time.perf_counter()
        self.gradient()
        self.optimizer.step()
        self.seconds.append(time.perf_counter() - began)


def differ(trials):
    """Whether settings that should compute the same do not: a gradient of each, which nobody times. Of white noise the
    energies' is small beside what goes into it, and rounding a thousandth of it."""
    bad, first, theirs = False, None, None
    for trial in trials:
        torch.manual_seed(2)
        loss = trial.gradient()
        if first is None:
            first = loss
            theirs = {name: torch.zeros_like(parameter) if parameter.grad is None else parameter.grad.clone()
                      for name, parameter, _ in named(trial.model)}
        off = gradients_off(trial.model, theirs)
        if not (abs(loss - first) < 1e-5 * abs(first) and all(value < 5e-3 for value in off.values())):
            bad = True
            print(f"{trial.name}: loss {loss:.9g}, not {first:.9g}, or gradients are off: {off}", file=sys.stderr)
    return bad


def measure(options):
    if not options.default_malloc:
        keep_memory()
    torch.set_num_threads(options.threads)
    trials = [Trial(layout, way, options) for way in WAYS for layout in LAYOUTS
              if options.layout in ("best", layout) and options.way in ("best", way)]
    if differ(trials):
        return 1
    for trial in trials:  # Adam and the heap take memory in the first steps
        trial.step()
        trial.seconds.clear()
    # In turns, so that all of them see the same machine, whatever else runs on it; those far behind drop out.
    racing = trials
    for _ in range(options.repeat):
        for trial in racing:
            trial.step()
        least = min(min(trial.seconds) for trial in racing)
        racing = [trial for trial in racing if len(trial.seconds) < 2 or min(trial.seconds) < 1.2 * least]
    for trial in trials if options.verbose else ():
        print(f"{trial.name}: {statistics.median(trial.seconds):.6f}, {len(trial.seconds)} steps", file=sys.stderr)
    best = min(racing, key=lambda trial: statistics.median(trial.seconds))
    print(f"{best.name} {statistics.median(best.seconds):.6f}")
    return 0


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("command", choices=["check", "time"])
    parser.add_argument("what")
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--input-frames", type=int, default=5)
    parser.add_argument("--frames", type=int, default=30)
    parser.add_argument("--frames-per-rollout", type=int, default=0)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--layout", choices=["best", *LAYOUTS], default="best")
    parser.add_argument("--way", choices=["best", *WAYS], default="best")
    parser.add_argument("--default-malloc", action="store_true", help="memory as glibc comes")
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--verbose", action="store_true", help="what each setting takes, to stderr")
    options = parser.parse_args()
    options.preset = options.what
    return check(options.what) if options.command == "check" else measure(options)


if __name__ == "__main__":
    sys.exit(main())
