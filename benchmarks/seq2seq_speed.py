"""Speed of networks that map sequences to sequences.

A fit beside a bare loop of the same layers on the same batches, and a beam of 4 beside a greedy
search, on dates::

    OMP_NUM_THREADS=1 python benchmarks/seq2seq_speed.py
"""

from functools import partial

import torch
from command_line import command_line, small
from ratio import compare, of_processor
from seq2seq_accuracy import MODELS, make_dates
from torch import nn

from sklearn_modern.networks.random import MemberRandom
from sklearn_modern.neural_network import RNNSeq2Seq
from sklearn_modern.training.sources import Part


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
    command_line(__doc__).parse_args()
    speed()
