"""What digits that were generated given their labels are worth.

Generators are fitted to three quarters of scikit-learn's digits, with their labels, and draw 1500
digits. A support-vector machine learns from these, and is scored on the real digits that are left.
A generator that copies would draw digits that lie closer to what it has seen than to what it has
not: the last figure is the mean distance to the nearest of as many training rows as there are test
rows, divided by that to the nearest test row::

    OMP_NUM_THREADS=1 python benchmarks/generated_digits.py
    OMP_NUM_THREADS=1 python benchmarks/generated_digits.py --only CNNVariationalAutoencoder
"""

import time

import numpy as np
from command_line import command_line, is_quick, small
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.neighbors import NearestNeighbors
from sklearn.svm import SVC

from sklearn_modern.decomposition import CNNVariationalAutoencoder, VariationalAutoencoder
from sklearn_modern.generation import DCGAN, CNNFlowMatching

N_DRAWN, BRIGHTEST = 1500, 16.0
ROWS, IMAGES = (64,), (8, 8)

# Name -> estimator, its parameters, and the shape of a digit that it takes.
GENERATORS = {
    "CNNVariationalAutoencoder": (CNNVariationalAutoencoder, {"n_components": 8}, IMAGES),
    "CNNFlowMatching": (CNNFlowMatching, {}, IMAGES),
    "DCGAN": (DCGAN, {}, IMAGES),
    "VariationalAutoencoder": (VariationalAutoencoder, {"n_components": 16}, ROWS),
}


def classified(X, y, X_test, y_test):
    return SVC(C=10).fit(X / BRIGHTEST, y).score(X_test / BRIGHTEST, y_test)


def nearest(drawn, known):
    distances, _ = NearestNeighbors(n_neighbors=1).fit(known).kneighbors(drawn)
    return distances.mean()


def judge(name, seed):
    kind, settings, shape = GENERATORS[name]
    X, y = load_digits(return_X_y=True)
    X, X_test, y, y_test = train_test_split(X, y, random_state=seed, stratify=y)
    brief = {"max_iter": 2} if is_quick() else {}
    model = kind(conditional=True, device="cpu", random_state=seed, **settings | brief)
    start = time.process_time()
    model.fit(X.reshape(-1, *shape), y)
    seconds = time.process_time() - start
    drawn, labels = model.sample(small(N_DRAWN, 200), random_state=seed)
    drawn = drawn.reshape(len(drawn), -1)
    some = np.random.default_rng(seed).choice(len(X), len(X_test), replace=False)
    copied = nearest(drawn, X[some]) / nearest(drawn, X_test)
    return classified(drawn, labels, X_test, y_test), copied, seconds


def main():
    parser = command_line(__doc__)
    parser.add_argument("--only", nargs="+", choices=GENERATORS, default=list(GENERATORS))
    for name in parser.parse_args().only:
        found = np.array([judge(name, seed) for seed in range(small(3, 1))])
        accuracy, copied, seconds = found.mean(axis=0)
        each = " ".join(f"{one:.3f}" for one in found[:, 0])
        print(
            f"{name}: accuracy {accuracy:.3f} ({each}), training rows {copied:.2f} times as far as "
            f"test rows, {seconds:.0f} s of a fit",
            flush=True,
        )


if __name__ == "__main__":
    main()
