"""Speed of flows beside zuko and nflows: a training step, samples, and members side by side.

Spline couplings of 5 transforms, 8 bins and two hidden layers of 64 units, batches of 256 rows.
Seconds of the processor, one thread. A step is forward, backward and fused Adam. The peers are
zuko's ``NSF`` with ``passes=2``, which is its coupling, and nflows' piecewise rational-quadratic
coupling, where it is installed::

    OMP_NUM_THREADS=1 python benchmarks/flow_speed.py
"""

import torch
from command_line import command_line, installed, small
from ratio import compare, of_processor
from torch import nn

from sklearn_modern.networks.flows import make_flow
from sklearn_modern.networks.random import MemberRandom

N_TRANSFORMS, N_BINS, HIDDEN, BATCH = 5, 8, (64, 64), 256


def optimised(module, loss):
    """Return a function that takes so many steps of training."""
    optimizer = torch.optim.Adam(module.parameters(), lr=1e-3, fused=True)

    def steps(n_steps):
        for _ in range(n_steps):
            optimizer.zero_grad()
            loss().backward()
            optimizer.step()

    return steps


def ours(n_columns, n_members=1):
    """Return steps and samples of our flow."""
    random = MemberRandom(range(n_members))
    flow = make_flow("spline_coupling", n_columns, N_TRANSFORMS, HIDDEN, random, n_bins=N_BINS)
    x = torch.randn(1, BATCH, n_columns)

    def loss():
        z, log_det = flow(x)
        return (z.square().sum(2) / 2 - log_det).mean(1).sum()

    @torch.inference_mode()
    def samples(n_times):
        for _ in range(n_times):
            flow.inverse(torch.randn(1, BATCH, n_columns))

    return optimised(flow, loss), samples


def zukos(n_columns):
    """Return steps and samples of zuko's flow."""
    from zuko.flows import NSF

    flow = NSF(
        n_columns,
        transforms=N_TRANSFORMS,
        bins=N_BINS,
        hidden_features=HIDDEN,
        passes=2,
    )
    x = torch.randn(BATCH, n_columns)

    @torch.inference_mode()
    def samples(n_times):
        for _ in range(n_times):
            flow().sample((BATCH,))

    return optimised(flow, lambda: -flow().log_prob(x).mean()), samples


class Perceptron(nn.Sequential):
    """What decides in nflows' couplings."""

    def __init__(self, n_in, n_out):
        first, second = HIDDEN
        super().__init__(
            nn.Linear(n_in, first),
            nn.ReLU(),
            nn.Linear(first, second),
            nn.ReLU(),
            nn.Linear(second, n_out),
        )
        self.hidden_features = second  # their coupling divides logits by its root

    def forward(self, x, context=None):
        return super().forward(x)


def nflows(n_columns):
    """Return steps and samples of nflows' flow."""
    from nflows.distributions import StandardNormal
    from nflows.flows import Flow
    from nflows.transforms import (
        CompositeTransform,
        PiecewiseRationalQuadraticCouplingTransform,
    )

    transforms = [
        PiecewiseRationalQuadraticCouplingTransform(
            mask=(torch.arange(n_columns) + number) % 2,
            transform_net_create_fn=Perceptron,
            num_bins=N_BINS,
            tails="linear",
            tail_bound=5.0,
        )
        for number in range(N_TRANSFORMS)
    ]
    flow = Flow(CompositeTransform(transforms), StandardNormal([n_columns]))
    x = torch.randn(BATCH, n_columns)

    @torch.inference_mode()
    def samples(n_times):
        for _ in range(n_times):
            flow.sample(BATCH)

    return optimised(flow, lambda: -flow.log_prob(x).mean()), samples


def main():
    arguments = command_line(__doc__, repeats=9, steps=30).parse_args()
    torch.set_num_threads(1)
    n_steps = small(arguments.steps, 1)

    def show(what, own, other):
        ratio = compare(
            lambda: own(n_steps),
            lambda: other(n_steps),
            repeats=arguments.repeats,
            seconds=of_processor,
        )
        print(f"{what}: {ratio}; ours / theirs {1 / ratio.median:.3f}", flush=True)

    peers = {"zuko": zukos}
    if installed("nflows", "the comparison with nflows"):
        peers["nflows"] = nflows
    for n_columns in (2, 6, 21):
        steps, samples = ours(n_columns)
        for name, make in peers.items():
            their_steps, their_samples = make(n_columns)
            show(f"{n_columns} columns, a step, {name}", steps, their_steps)
            show(f"{n_columns} columns, {BATCH} samples, {name}", samples, their_samples)
        five_steps, _ = ours(n_columns, 5)
        show(f"{n_columns} columns, a step of 5 members, 5 steps", five_steps, _five_times(steps))


def _five_times(steps):
    def five(n_steps):
        for _ in range(5):
            steps(n_steps)

    return five


if __name__ == "__main__":
    main()
