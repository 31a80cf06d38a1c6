"""Speed of the fits of autoencoders beside bare PyTorch loops over the same networks and batches.

Seconds of the processor, one thread, fused Adam on both sides. Beside PyOD's AutoEncoder, too,
whose layers and batches are the same, all activated by ReLU, but without the straight way from rows
to codes, and beside pythae's VAE with the same networks, batches and epochs::

    python -m pip install pyod pythae
    OMP_NUM_THREADS=1 python benchmarks/autoencoder_speed.py
"""

import logging
import math
import os
import tempfile
import warnings
from contextlib import contextmanager, redirect_stderr, redirect_stdout

import numpy as np
import torch
from command_line import command_line, few, installed, small
from ratio import compare, of_processor
from torch import nn

from sklearn_modern.decomposition import Autoencoder, VariationalAutoencoder

EPOCHS, CODE, HIDDEN = 10, 8, (128, 64)
SETTINGS = {
    "n_components": CODE,
    "hidden_layer_sizes": HIDDEN,
    "solver": "adam",
    "alpha": 0.0,
    "learning_rate": "constant",
    "learning_rate_init": 1e-3,
    "max_iter": EPOCHS,
    "device": "cpu",
    "random_state": 0,
}


class Encoder(nn.Module):
    """Hidden layers, and a straight way beside them."""

    def __init__(self, n_columns, n_out=CODE):
        super().__init__()
        wide, narrow = HIDDEN
        self.bent = nn.Sequential(
            nn.Linear(n_columns, wide), nn.GELU(), nn.Linear(wide, narrow), nn.GELU(),
            nn.Linear(narrow, n_out),
        )  # fmt: skip
        self.straight = nn.Linear(n_columns, n_out, bias=False)

    def forward(self, x):
        return self.bent(x) + self.straight(x)


def decoder(n_columns):
    wide, narrow = HIDDEN
    return nn.Sequential(
        nn.Linear(CODE, narrow), nn.GELU(), nn.Linear(narrow, wide), nn.GELU(),
        nn.Linear(wide, n_columns),
    )  # fmt: skip


class Plain(nn.Sequential):
    """An encoder and a decoder, by squared error."""

    def __init__(self, n_columns):
        super().__init__(Encoder(n_columns), decoder(n_columns))

    def loss(self, x):
        return nn.functional.mse_loss(self(x), x)


class Variational(nn.Module):
    """The same with normal codes, and a learned deviation of each column."""

    def __init__(self, n_columns):
        super().__init__()
        self.encoder, self.decoder = Encoder(n_columns, 2 * CODE), decoder(n_columns)
        self.log_scale = nn.Parameter(torch.zeros(n_columns))

    def loss(self, x):
        mean, log_variance = self.encoder(x).chunk(2, dim=1)
        codes = mean + (0.5 * log_variance).exp() * torch.randn_like(mean)
        apart = (self.decoder(codes) - x) / self.log_scale.exp()
        unlikely = 0.5 * apart.square() + self.log_scale + 0.5 * math.log(2 * math.pi)
        divergence = 0.5 * (mean.square() + log_variance.exp() - log_variance - 1)
        return (unlikely.sum(1) + divergence.sum(1)).mean()


def numbers(n_rows, n_columns):
    return np.random.default_rng(0).normal(size=(n_rows, n_columns)).astype(np.float32)


def beside_a_loop(ours_kind, theirs_kind, n_rows, n_columns, batch_size):
    X = numbers(n_rows, n_columns)
    data = torch.from_numpy(X)

    def theirs():
        torch.manual_seed(0)
        net = theirs_kind(n_columns)
        optimizer = torch.optim.Adam(net.parameters(), lr=1e-3, fused=True)
        for _ in range(EPOCHS):
            for rows in torch.randperm(n_rows).split(batch_size):
                batch = data[rows]
                optimizer.zero_grad()
                net.loss(batch).backward()
                optimizer.step()

    def ours():
        ours_kind(batch_size=batch_size, **SETTINGS).fit(X)

    return compare(ours, theirs, repeats=5, seconds=of_processor)


def beside_pyod(n_rows, n_columns, batch_size):
    from pyod.models.auto_encoder import AutoEncoder

    X = numbers(n_rows, n_columns)

    def theirs():
        AutoEncoder(
            hidden_neuron_list=[*HIDDEN, CODE],
            batch_norm=False,
            dropout_rate=0.0,
            optimizer_params={},
            epoch_num=EPOCHS,
            batch_size=batch_size,
            device="cpu",
            verbose=0,
        ).fit(X)

    def ours():
        Autoencoder(activation="relu", batch_size=batch_size, **SETTINGS).fit(X)

    return compare(ours, theirs, repeats=5, seconds=of_processor)


@contextmanager
def silence():
    """Hide bars and messages."""
    logging.disable(logging.INFO)
    with (
        open(os.devnull, "w") as nowhere,
        redirect_stdout(nowhere),
        redirect_stderr(nowhere),
        warnings.catch_warnings(action="ignore"),
    ):
        yield
    logging.disable(logging.NOTSET)


def beside_pythae(n_rows, n_columns, batch_size):
    from pythae.models import VAE, VAEConfig
    from pythae.models.base.base_utils import ModelOutput
    from pythae.models.nn import BaseDecoder, BaseEncoder
    from pythae.pipelines import TrainingPipeline
    from pythae.trainers import BaseTrainerConfig

    class OwnEncoder(BaseEncoder):
        def __init__(self):
            super().__init__()
            self.layers = Encoder(n_columns, 2 * CODE)

        def forward(self, x):
            mean, log_variance = self.layers(x).chunk(2, dim=1)
            return ModelOutput(embedding=mean, log_covariance=log_variance)

    class OwnDecoder(BaseDecoder):
        def __init__(self):
            super().__init__()
            self.layers = decoder(n_columns)

        def forward(self, z):
            return ModelOutput(reconstruction=self.layers(z))

    X = numbers(n_rows, n_columns)

    def theirs():
        with tempfile.TemporaryDirectory() as folder, silence():
            config = BaseTrainerConfig(
                output_dir=folder,
                num_epochs=EPOCHS,
                learning_rate=1e-3,
                per_device_train_batch_size=batch_size,
                no_cuda=True,
            )
            settings = VAEConfig(input_dim=(n_columns,), latent_dim=CODE)
            model = VAE(settings, encoder=OwnEncoder(), decoder=OwnDecoder())
            TrainingPipeline(training_config=config, model=model)(train_data=X)

    def ours():
        VariationalAutoencoder(batch_size=batch_size, **SETTINGS).fit(X)

    return compare(ours, theirs, repeats=3, seconds=of_processor)


SIZES = ((2000, 30, 32), (10_000, 64, 128), (20_000, 784, 256))


def main():
    command_line(__doc__).parse_args()
    torch.set_num_threads(1)
    for pair in ((Autoencoder, Plain), (VariationalAutoencoder, Variational)):
        for n_rows, n_columns, batch_size in SIZES:
            ratio = beside_a_loop(*pair, small(n_rows, 200), n_columns, batch_size)
            shape = f"{n_rows} x {n_columns}, batches of {batch_size}"
            print(f"{pair[0].__name__}, {shape}: bare loop / ours", ratio, flush=True)
    has_pyod = installed("pyod", "PyOD's AutoEncoder")
    for n_rows, batch_size in ((2000, 32), (10_000, 128)) if has_pyod else ():
        ratio = beside_pyod(small(n_rows, 200), 30, batch_size)
        shape = f"{n_rows} x 30, batches of {batch_size}"
        print(f"Autoencoder, {shape}: PyOD / ours", ratio, flush=True)
    if installed("pythae", "pythae's VAE"):
        for n_rows, n_columns, batch_size in few(SIZES[:2]):
            ratio = beside_pythae(small(n_rows, 200), n_columns, batch_size)
            shape = f"{n_rows} x {n_columns}, batches of {batch_size}"
            print(f"VariationalAutoencoder, {shape}: pythae / ours", ratio, flush=True)


if __name__ == "__main__":
    main()
