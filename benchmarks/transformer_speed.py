"""Speed of TransformerClassifier beside torch's own layers, and of attention to steps nearby.

Seconds of the processor, one thread. Sentences have 1 to 60 words, and torch's layers train on
batches that are cut as ours are, of rows of about one length::

    OMP_NUM_THREADS=1 python benchmarks/transformer_speed.py
"""

from functools import partial

import numpy as np
import torch
import torch.nn.functional as F
from command_line import command_line, small
from ratio import compare, of_processor
from torch import nn

from sklearn_modern.neural_network import TransformerClassifier
from sklearn_modern.training.ragged import RaggedRows

WIDTH, DEPTH, HEADS, FACTOR, DROPOUT = 64, 2, 4, 4, 0.1
N_ROWS, N_WORDS, LONGEST, BATCH = 4000, 2000, 60, 64


def make_codes():
    """Sentences, and classes that are told by rare words."""
    rng = np.random.default_rng(0)
    lengths = rng.integers(1, LONGEST + 1, small(N_ROWS, 200))
    codes = [rng.integers(0, N_WORDS, length) for length in lengths]
    return codes, np.array([int((row < N_WORDS // 20).any()) for row in codes])


class Peer(nn.Module):
    """The same network of torch's own layers."""

    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(N_WORDS + 2, WIDTH, padding_idx=0)
        self.enter = nn.Linear(WIDTH, WIDTH)
        layer = partial(nn.TransformerEncoderLayer, dropout=DROPOUT, activation=F.gelu)
        layer = partial(layer, batch_first=True, norm_first=True)
        self.layers = nn.ModuleList(layer(WIDTH, HEADS, FACTOR * WIDTH) for _ in range(DEPTH))
        self.norm, self.head = nn.LayerNorm(WIDTH), nn.Linear(WIDTH, 2)
        angles = torch.arange(LONGEST).unsqueeze(1) * 10000.0 ** (-torch.arange(0, 1, 2 / WIDTH))
        self.register_buffer("places", torch.cat([angles.sin(), angles.cos()], dim=1))

    def forward(self, codes, mask):
        x = self.enter(self.embedding(codes)) + self.places[: codes.shape[1]]
        for layer in self.layers:
            x = layer(x, src_key_padding_mask=None if mask is None else ~mask)
        x = self.norm(x)
        if mask is None:
            return self.head(F.dropout(x.mean(1), DROPOUT))
        x = x.masked_fill(~mask.unsqueeze(-1), 0.0).sum(1) / mask.sum(1, keepdim=True)
        return self.head(F.dropout(x, DROPOUT))


def bare_loop(rows):
    net = Peer()
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3, fused=True)
    for index in rows.cut(torch.randperm(len(rows)).unsqueeze(0), BATCH):
        batch = rows.take(index)
        mask = None if batch.given.mask is None else batch.given.mask[0]
        optimizer.zero_grad()
        F.cross_entropy(net(batch.x[0], mask), batch.y[0]).backward()
        optimizer.step()


def sentences(repeats):
    codes, y = make_codes()
    texts = [" ".join(f"w{code}" for code in row) for row in codes]
    model = TransformerClassifier(
        width=WIDTH,
        depth=DEPTH,
        n_heads=HEADS,
        feedforward_factor=FACTOR,
        dropout=DROPOUT,
        token_dropout=0.0,
        learning_rate="constant",
        learning_rate_init=1e-3,
        batch_size=BATCH,
        max_iter=1,
        device="cpu",
        random_state=0,
    )
    lengths = torch.tensor([len(row) for row in codes])
    values = torch.from_numpy(np.concatenate(codes)) + 2
    rows = RaggedRows(values, lengths, torch.from_numpy(y))
    ratio = compare(
        lambda: model.fit(texts, y), lambda: bare_loop(rows), repeats=repeats, seconds=of_processor
    )
    print(f"fit, nn.TransformerEncoderLayer on the same batches / ours: {ratio}", flush=True)


def long_series(repeats, n_steps):
    """Compare full attention with blocks that see 16, 32 and 64 steps on each side."""
    n_rows = small(16, 4)
    X, y = np.random.default_rng(0).normal(size=(n_rows, n_steps)), np.arange(n_rows) % 2
    settings = {"depth": 3, "batch_size": 4, "max_iter": 1, "device": "cpu", "random_state": 0}
    models = {
        name: TransformerClassifier(attention=name, **settings) for name in ("full", "cascade")
    }
    ratio = compare(
        lambda: models["cascade"].fit(X, y),
        lambda: models["full"].fit(X, y),
        repeats=repeats,
        seconds=of_processor,
    )
    print(f'fit to {n_steps} steps, attention="full" / "cascade": {ratio}', flush=True)


if __name__ == "__main__":
    arguments = command_line(__doc__, repeats=7).parse_args()
    torch.set_num_threads(1)
    sentences(arguments.repeats)
    for length in (1024, 2048):
        long_series(arguments.repeats, length)
