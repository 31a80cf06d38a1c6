"""How long does a fit of SequenceCNNClassifier take, beside a bare loop over torch's own layers?

The bare loop has the same layers, batches, optimiser and schedule. Its batches are padded before
the clock starts, and it has no masks, so that its statistics are wrong where rows differ in
length. Seconds of the processor::

    OMP_NUM_THREADS=1 python benchmarks/sequence_cnn_speed.py
    OMP_NUM_THREADS=1 python benchmarks/sequence_cnn_speed.py --cases "long series" --repeats 5
"""

import numpy as np
import torch
import torch.nn.functional as F
from command_line import command_line, few, small
from ratio import compare, of_processor
from torch import nn

from sklearn_modern.neural_network import SequenceCNNClassifier
from sklearn_modern.training.ragged import RaggedRows

N_CLASSES, N_CODES, EPOCHS = 3, 2000, 3
SIZES = {"parallel": (3, 4, 5), "inception": (9, 19, 39)}


def sentences(rng):
    lengths = rng.integers(1, 61, size=small(2000, 100))
    return [[f"t{code}" for code in rng.integers(N_CODES, size=n)] for n in lengths]


def ragged_series(rng):
    return [rng.normal(size=(n, 6)) for n in rng.integers(10, 120, size=small(200, 20))]


def long_series(rng):
    return list(rng.normal(size=(small(100, 20), 250, 1)))


CASES = {
    "sentences": (sentences, "parallel", {}),
    "ragged series": (ragged_series, "inception", {}),
    "long series": (long_series, "inception", {}),
    "long series, authors' size": (long_series, "inception", {"width": 32, "depth": 6}),
}


class BareParallel(nn.Module):
    def __init__(self, n_in, width, sizes):
        super().__init__()
        self.embedding = nn.Embedding(N_CODES + 2, 64, padding_idx=0)
        self.convs = nn.ModuleList(nn.Conv1d(64, width, size, padding="same") for size in sizes)
        self.out = nn.Linear(width * len(sizes), N_CLASSES)

    def forward(self, codes):
        x = self.embedding(codes).transpose(1, 2)
        maxima = [conv(x).relu().amax(2) for conv in self.convs]
        return self.out(F.dropout(torch.cat(maxima, 1), 0.1))


class BareModule(nn.Module):
    def __init__(self, n_in, width, sizes):
        super().__init__()
        narrow = width if n_in > 1 else 1
        self.narrow = nn.Conv1d(n_in, width, 1, bias=False) if n_in > 1 else nn.Identity()
        self.convs = nn.ModuleList(
            nn.Conv1d(narrow, width, size, padding="same", bias=False) for size in sizes
        )
        self.of_maxima = nn.Conv1d(n_in, width, 1, bias=False)
        self.norm = nn.BatchNorm1d(4 * width)

    def forward(self, x):
        narrow = self.narrow(x)
        parts = [conv(narrow) for conv in self.convs]
        parts.append(self.of_maxima(F.max_pool1d(x, 3, 1, 1)))
        return self.norm(torch.cat(parts, 1)).relu_()


class BareInception(nn.Module):
    def __init__(self, n_in, width, depth, sizes):
        super().__init__()
        self.blocks, n_out = nn.ModuleList(), 4 * width
        for first in range(0, depth, 3):
            n_first = n_out if first else n_in
            self.blocks.append(
                nn.ModuleDict(
                    {
                        "straight": nn.Sequential(
                            BareModule(n_first, width, sizes),
                            BareModule(n_out, width, sizes),
                            BareModule(n_out, width, sizes),
                        ),
                        "shortcut": nn.Sequential(
                            nn.Conv1d(n_first, n_out, 1, bias=False), nn.BatchNorm1d(n_out)
                        ),
                    }
                )
            )
        self.out = nn.Linear(n_out, N_CLASSES)

    def forward(self, x):
        x = x.transpose(1, 2).contiguous()
        for block in self.blocks:
            x = torch.relu_(block["straight"](x) + block["shortcut"](x))
        return self.out(F.dropout(x.mean(2), 0.1))


def bare_loop(batches, make):
    net = make()
    optimizer = torch.optim.AdamW(net.parameters(), 0.003, weight_decay=0.5, fused=True)
    steps = sum(map(len, batches))
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.003, total_steps=steps)
    for epoch in batches:
        total = torch.zeros(())
        for x, y in epoch:
            optimizer.zero_grad()
            loss = F.cross_entropy(net(x), y)
            loss.backward()
            optimizer.step()
            schedule.step()
            total += loss.detach()
        total.item()


def case(name):
    """Return both sides."""
    load, architecture, size = CASES[name]
    rng = np.random.default_rng(0)
    X = load(rng)
    y = rng.integers(N_CLASSES, size=len(X))
    model = SequenceCNNClassifier(
        architecture, max_iter=EPOCHS, token_dropout=0.0, device="cpu", random_state=0, **size
    )
    model.fit(X, y)
    values = [
        [model.vocabulary_.get(token, 1) for token in row] if architecture == "parallel" else row
        for row in X
    ]
    dtype = torch.int64 if architecture == "parallel" else torch.float32
    values = [torch.as_tensor(row, dtype=dtype) for row in values]
    rows = RaggedRows(torch.cat(values), torch.tensor([len(row) for row in values]))
    batches = []
    for _ in range(EPOCHS):
        order = torch.from_numpy(rng.permutation(len(X)))
        cut = rows.cut(order.unsqueeze(0), model._rows_in_a_batch(len(X)))
        batches.append([(rows.take(index).x[0], torch.from_numpy(y[index[0]])) for index in cut])
    sizes = SIZES[architecture]
    if architecture == "parallel":
        return lambda: model.fit(X, y), lambda: bare_loop(
            batches, lambda: BareParallel(64, 100, sizes)
        )
    width, depth = size.get("width", 16), size.get("depth", 3)
    n_in = X[0].shape[1]
    return lambda: model.fit(X, y), lambda: bare_loop(
        batches, lambda: BareInception(n_in, width, depth, sizes)
    )


if __name__ == "__main__":
    parser = command_line(__doc__, repeats=7)
    parser.add_argument("--cases", nargs="+", choices=CASES, default=list(CASES))
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    for name in few(arguments.cases):
        ratio = compare(*case(name), repeats=arguments.repeats, seconds=of_processor)
        print(f"{name}, bare loop / ours: {ratio}", flush=True)
