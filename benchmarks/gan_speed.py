"""Speed of a GAN's fit beside a bare PyTorch loop over the same networks, turns and batches.

Seconds of the processor, one thread, fused Adam on both sides::

    OMP_NUM_THREADS=1 python benchmarks/gan_speed.py
"""

import copy

import numpy as np
import torch
from command_line import command_line, small
from ratio import compare, of_processor
from torch import nn

from sklearn_modern.generation import GAN

EPOCHS, LATENT, HIDDEN, CRITICS, PENALTY = 10, 16, (128, 128), 3, 10.0
SETTINGS = {
    "hidden_layer_sizes": HIDDEN,
    "n_critic": CRITICS,
    "gradient_penalty": PENALTY,
    "solver": "adam",
    "alpha": 0.0,
    "learning_rate": "constant",
    "learning_rate_init": 1e-3,
    "max_iter": EPOCHS,
    "device": "cpu",
    "random_state": 0,
}


def layers(n_in, n_out, activation):
    first, second = HIDDEN
    hidden = nn.Linear(n_in, first), activation(), nn.Linear(first, second), activation()
    return nn.Sequential(*hidden, nn.Linear(second, n_out))


def step(generator, average, critic, optimizers, real):
    of_generator, of_critic = optimizers
    loss = -critic(generator(torch.randn(len(real), LATENT))).mean()
    of_generator.zero_grad()
    loss.backward(inputs=list(generator.parameters()))
    of_generator.step()
    with torch.no_grad():
        torch._foreach_lerp_(list(average.parameters()), list(generator.parameters()), 0.005)
    for _ in range(CRITICS):
        with torch.no_grad():
            made = generator(torch.randn(len(real), LATENT))
        of_real, of_made = critic(torch.cat([real, made])).chunk(2)
        between = torch.lerp(real, made, torch.rand(len(real), 1)).requires_grad_()
        (slope,) = torch.autograd.grad(critic(between).sum(), between, create_graph=True)
        penalty = PENALTY * (slope.square().sum(1).add(1e-12).sqrt() - 1.0).square()
        of_critic.zero_grad()
        (of_made - of_real + penalty.unsqueeze(1)).mean().backward()
        of_critic.step()


def fits(n_rows, n_columns, batch_size):
    X = np.random.default_rng(0).normal(size=(n_rows, n_columns)).astype(np.float32)
    data = torch.from_numpy(X)

    def theirs():
        torch.manual_seed(0)
        generator = layers(LATENT, n_columns, nn.ReLU)
        critic = layers(n_columns, 1, nn.LeakyReLU)
        average = copy.deepcopy(generator)
        optimizers = [
            torch.optim.Adam(net.parameters(), lr=1e-3, betas=(0.5, 0.9), fused=True)
            for net in (generator, critic)
        ]
        for _ in range(EPOCHS):
            for rows in torch.randperm(n_rows).split(batch_size):
                step(generator, average, critic, optimizers, data[rows])

    def ours():
        GAN(LATENT, batch_size=batch_size, **SETTINGS).fit(X)

    return compare(ours, theirs, repeats=5, seconds=of_processor)


def main():
    command_line(__doc__).parse_args()
    torch.set_num_threads(1)
    for n_rows, n_columns, batch_size in ((10_000, 20, 128), (10_000, 20, 256)):
        ratio = fits(small(n_rows, 200), n_columns, batch_size)
        shape = f"{n_rows} x {n_columns}, batches of {batch_size}"
        print(f"fit of {shape}, bare loop / ours:", ratio, flush=True)


if __name__ == "__main__":
    main()
