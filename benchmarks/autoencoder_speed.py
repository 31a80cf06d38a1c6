"""Speed of an autoencoder's fit beside a bare PyTorch loop over the same network and batches.

Seconds of the processor, one thread, fused Adam on both sides. With ``pip install pyod`` its
AutoEncoder, too, whose layers and batches are the same, all activated by ReLU::

    OMP_NUM_THREADS=1 python benchmarks/autoencoder_speed.py
"""

import numpy as np
import torch
from command_line import command_line, installed, small
from ratio import compare, of_processor
from torch import nn

from sklearn_modern.decomposition import Autoencoder

EPOCHS, CODE, HIDDEN = 10, 8, (128, 64)
SETTINGS = {
    "hidden_layer_sizes": HIDDEN,
    "solver": "adam",
    "alpha": 0.0,
    "learning_rate": "constant",
    "learning_rate_init": 1e-3,
    "max_iter": EPOCHS,
    "device": "cpu",
    "random_state": 0,
}


def plain(n_columns):
    wide, narrow = HIDDEN
    return nn.Sequential(
        nn.Linear(n_columns, wide), nn.GELU(), nn.Linear(wide, narrow), nn.GELU(),
        nn.Linear(narrow, CODE),
        nn.Linear(CODE, narrow), nn.GELU(), nn.Linear(narrow, wide), nn.GELU(),
        nn.Linear(wide, n_columns),
    )  # fmt: skip


def rows(n_rows, n_columns):
    return np.random.default_rng(0).normal(size=(n_rows, n_columns)).astype(np.float32)


def fits(n_rows, n_columns, batch_size):
    X = rows(n_rows, n_columns)
    data = torch.from_numpy(X)

    def theirs():
        torch.manual_seed(0)
        net = plain(n_columns)
        optimizer = torch.optim.Adam(net.parameters(), lr=1e-3, fused=True)
        for _ in range(EPOCHS):
            for chosen in torch.randperm(n_rows).split(batch_size):
                batch = data[chosen]
                optimizer.zero_grad()
                nn.functional.mse_loss(net(batch), batch).backward()
                optimizer.step()

    def ours():
        Autoencoder(CODE, batch_size=batch_size, **SETTINGS).fit(X)

    return compare(ours, theirs, repeats=5, seconds=of_processor)


def fits_of_pyod(n_rows, n_columns, batch_size):
    from pyod.models.auto_encoder import AutoEncoder

    X = rows(n_rows, n_columns)

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
        Autoencoder(CODE, activation="relu", batch_size=batch_size, **SETTINGS).fit(X)

    return compare(ours, theirs, repeats=5, seconds=of_processor)


def main():
    command_line(__doc__).parse_args()
    torch.set_num_threads(1)
    has_pyod = installed("pyod", "PyOD's AutoEncoder")
    for n_rows, n_columns, batch_size in ((2000, 30, 32), (10_000, 64, 128), (20_000, 784, 256)):
        ratio = fits(small(n_rows, 200), n_columns, batch_size)
        shape = f"{n_rows} x {n_columns}, batches of {batch_size}"
        print(f"fit of {shape}, bare loop / ours:", ratio, flush=True)
    for n_rows, batch_size in ((2000, 32), (10_000, 128)) if has_pyod else ():
        ratio = fits_of_pyod(small(n_rows, 200), 30, batch_size)
        shape = f"{n_rows} x 30, batches of {batch_size}"
        print(f"fit of {shape}, PyOD / ours:", ratio, flush=True)


if __name__ == "__main__":
    main()
