"""Speed of RNNClassifier on sentences of 1 to 60 words beside bare PyTorch loops.

Seconds of the processor, one thread. "The same batches" are those of ours, whose rows are of about
one length; the bare loop has them padded beforehand, and ends at the padded ends of rows::

    OMP_NUM_THREADS=1 python benchmarks/recurrent_speed.py
"""

import numpy as np
import torch
from command_line import command_line, small
from ratio import compare, of_processor
from torch import nn

from sklearn_modern._inputs.text import Analyzer, Vocabulary, count_tokens
from sklearn_modern.networks.random import MemberRandom
from sklearn_modern.neural_network import RNNClassifier
from sklearn_modern.training.ragged import RaggedRows

N_ROWS, N_WORDS, LONGEST, BATCH, WIDTH, EPOCHS = 2000, 5000, 60, 64, 64, 5
SETTINGS = {
    "learning_rate": "constant",
    "learning_rate_init": 1e-3,
    "batch_size": BATCH,
    "max_iter": EPOCHS,
    "n_iter_no_change": 100,
    "token_dropout": 0.0,
    "dropout": 0.0,
    "device": "cpu",
    "random_state": 0,
}


def make_data(n_rows=N_ROWS, natural=False):
    """Lengths are uniform, or those of natural sentences: half of them have up to 12 words."""
    rng, n_rows = np.random.default_rng(0), small(n_rows, 200)
    lengths = rng.integers(1, LONGEST + 1, n_rows)
    if natural:
        lengths = np.clip(rng.lognormal(np.log(12), 0.6, n_rows).astype(int), 1, LONGEST)
    words = np.array([f"word{i}" for i in range(N_WORDS)])
    # Few words are frequent, as in a language.
    texts = [" ".join(words[(N_WORDS ** rng.random(n)).astype(int) - 1]) for n in lengths]
    return texts, rng.integers(0, 2, len(texts))


class Plain(nn.Module):
    """The same network, of torch's layers."""

    def __init__(self, kind, n_codes, packs=False):
        super().__init__()
        self.embedding = nn.Embedding(n_codes, 64, padding_idx=0)
        self.layer = kind(64, WIDTH, batch_first=True, bidirectional=True)
        self.linear = nn.Linear(6 * WIDTH, 2)
        self.packs = packs

    def forward(self, codes, lengths):
        x = self.embedding(codes)
        if self.packs:
            x = nn.utils.rnn.pack_padded_sequence(x, lengths, True, enforce_sorted=False)
        states = self.layer(x)[0]
        if self.packs:
            states = nn.utils.rnn.pad_packed_sequence(states, batch_first=True)[0]
        pooled = states[:, -1], states.mean(1), states.amax(1)
        return self.linear(torch.cat(pooled, 1))


def encoded(texts):
    analyzer = Analyzer("word", r"\w+|[^\w\s]", "auto")
    analyzer.decide(texts)
    rows, vocabulary = count_tokens(analyzer.tokens(texts), None), Vocabulary(20000, 1)
    vocabulary.learn(rows, None)
    rows = vocabulary.encode(rows)
    return torch.from_numpy(rows.values), torch.from_numpy(rows.lengths), len(vocabulary)


def batches_of(texts, y, sort):
    """Padded batches of an epoch: of about one length, or each as long as the longest row."""
    values, lengths, n_codes = encoded(texts)
    rows = RaggedRows(values, lengths, y=torch.from_numpy(y))
    order = MemberRandom([0]).permutations(len(texts))
    indices = rows.cut(order, BATCH) if sort else order.split(BATCH, dim=1)
    batches = []
    for index in indices:
        batch = rows.take(index)
        codes = batch.x[0]
        if not sort:
            codes = nn.functional.pad(codes, (0, int(lengths.max()) - codes.shape[1]))
        batches.append((codes, lengths[index[0]], batch.y[0]))
    return batches, n_codes


def bare_loop(kind, batches, n_codes, packs=False):
    module = Plain(kind, n_codes, packs)
    optimizer = torch.optim.AdamW(module.parameters(), lr=1e-3, fused=True)
    for _ in range(EPOCHS):
        for codes, lengths, y in batches:
            optimizer.zero_grad()
            nn.functional.cross_entropy(module(codes, lengths), y).backward()
            optimizer.step()


def fits(texts, y):
    """Beside bare loops, and for natural lengths beside one that pads all rows alike."""
    sorted_batches, n_codes = batches_of(texts, y, sort=True)
    whole, _ = batches_of(texts, y, sort=False)
    for cell, kind in (("lstm", nn.LSTM), ("gru", nn.GRU)):
        model = RNNClassifier(WIDTH, cell=cell, **SETTINGS)
        peers = {"on the same batches": (sorted_batches, False)}
        if cell == "lstm":
            peers["padded to the longest of all"] = (whole, False)
            peers["with packed sequences, batches in random order"] = (whole, True)
            peers["with packed sequences, on the same batches"] = (sorted_batches, True)
        for name, (batches, packs) in peers.items():
            ratio = compare(
                lambda model=model: model.fit(texts, y),
                lambda b=batches, p=packs, kind=kind: bare_loop(kind, b, n_codes, p),
                repeats=3,
                seconds=of_processor,
            )
            print(f"{cell} fit, bare loop {name} / ours: {ratio}", flush=True)
    texts, y = make_data(natural=True)
    whole, n_codes = batches_of(texts, y, sort=False)
    model = RNNClassifier(WIDTH, **SETTINGS)
    ratio = compare(
        lambda: model.fit(texts, y),
        lambda: bare_loop(nn.LSTM, whole, n_codes),
        repeats=3,
        seconds=of_processor,
    )
    print(f"natural lengths, bare loop padded to the longest of all / ours: {ratio}", flush=True)


def prediction(texts, y):
    """Beside batches in the order of the rows, each padded to its longest."""
    model = RNNClassifier(WIDTH, **SETTINGS | {"max_iter": 1}).fit(texts, y)
    values, lengths, n_codes = encoded(texts)
    rows, module = RaggedRows(values, lengths), Plain(nn.LSTM, n_codes).eval()

    def in_order():
        encoded(texts)  # which ours do, too
        with torch.inference_mode():
            for index in torch.arange(len(texts)).split(BATCH):
                module(rows.take(index.unsqueeze(0)).x[0], lengths[index])

    ratio = compare(lambda: model.predict(texts), in_order, repeats=5, seconds=of_processor)
    print(f"prediction, batches in the order of rows / ours: {ratio}", flush=True)


def members(texts, y, n_members=8):
    one, many = (RNNClassifier(WIDTH, n_members=n, **SETTINGS) for n in (1, n_members))
    ratio = compare(
        lambda: many.fit(texts, y),
        lambda: one.fit(texts, y),
        repeats=2,
        seconds=of_processor,
        parts=n_members,
    )
    print(f"{n_members} fits of one network / one of {n_members} members: {ratio}", flush=True)


def reading(n_texts=40_000):
    texts, y = make_data(n_texts)
    model = RNNClassifier(WIDTH, **SETTINGS | {"max_iter": 1})
    whole = of_processor(lambda: model.fit(texts, y))
    read = of_processor(lambda: encoded(texts))
    print(
        f"{len(texts)} texts: read in {read:.1f} s, {read / (whole - read):.3f} of an epoch",
        flush=True,
    )


if __name__ == "__main__":
    parser = command_line(__doc__)
    parts = {"fits": fits, "prediction": prediction, "members": members}
    parser.add_argument("--only", choices=[*parts, "reading"])
    arguments = parser.parse_args()
    data = make_data()
    for name, part in parts.items():
        if arguments.only in (None, name):
            part(*data)
    if arguments.only in (None, "reading"):
        reading()
