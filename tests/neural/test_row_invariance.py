"""A row's prediction is the same to the bit, whatever rows are predicted with it."""

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
import torch
from support.neural_instances import predictions
from support.single_networks import MLPClassifier, MLPRegressor

from sklearn_modern.networks.activations import ACTIVATIONS
from sklearn_modern.networks.convnet import ARCHITECTURES
from sklearn_modern.neural_network import (
    CNNClassifier,
    CNNRegressor,
    ViTClassifier,
    ViTRegressor,
)
from sklearn_modern.ordinal import OrdinalCNNClassifier, OrdinalMLPClassifier

N_ROWS = 150
RNG = np.random.default_rng(0)
TABLE = RNG.normal(size=(N_ROWS, 7))
LABELS = (TABLE[:, 0] > 0).astype(int) + (TABLE[:, 1] > 1)
FRAME = pd.DataFrame(TABLE, columns=list("abcdefg")).assign(
    town=[f"t{i % 12}" for i in range(N_ROWS)], size=RNG.choice(["S", "M", "L"], N_ROWS)
)
SIGNALS, IMAGES = RNG.normal(size=(N_ROWS, 11)), RNG.normal(size=(N_ROWS, 3, 8, 8))
VOLUMES = RNG.normal(size=(N_ROWS, 1, 4, 5, 3))
WORDS = np.array(["low", "mid", "high"])[LABELS]
ORDER = {"class_order": ("low", "mid", "high")}

TABLES = {
    "defaults": (MLPClassifier(), TABLE, LABELS),
    "a number": (MLPRegressor(), TABLE, TABLE[:, 0]),
    "numbers": (MLPRegressor(n_members=3), TABLE, TABLE[:, :2]),
    "quantiles": (MLPRegressor(loss="quantile", quantiles=(0.1, 0.7)), TABLE, TABLE[:, 0]),
    "gaussian": (MLPRegressor(loss="gaussian"), TABLE, TABLE[:, 0]),
    "counts": (MLPRegressor(loss="poisson"), TABLE, LABELS),
    "double precision": (MLPRegressor(precision="float64"), TABLE, TABLE[:, 0]),
    "sets of labels": (MLPClassifier(), TABLE, np.c_[LABELS > 0, LABELS > 1].astype(int)),
    "many labels": (MLPClassifier((33, 5)), TABLE, np.arange(N_ROWS) % 21),
    "linear": (MLPClassifier(()), TABLE, LABELS),
    "sparse": (MLPClassifier((20,)), sp.csr_matrix(TABLE), LABELS),
    "categories": (MLPClassifier(n_members=2), FRAME, LABELS),
    **{
        f"{embedding} embedding": (MLPClassifier(numerical_embedding=embedding), FRAME, LABELS)
        for embedding in ("periodic", "piecewise_linear")
    },
    **{
        f"{kind} normalisation": (MLPClassifier((17, 30), normalization=kind), TABLE, LABELS)
        for kind in ("batch", "layer")
    },
    **{
        name: (MLPRegressor((19, 40, 7), activation=name), TABLE, TABLE[:, 0])
        for name in ACTIVATIONS
    },
    **{
        f"ordinal {method}": (OrdinalMLPClassifier((30,), method=method, **ORDER), TABLE, WORDS)
        for method in ("coral", "corn", "niu", "cumulative_link", "cross_entropy")
    },
    **{
        link: (OrdinalMLPClassifier(method="cumulative_link", link=link, **ORDER), TABLE, WORDS)
        for link in ("probit", "cloglog")
    },
}
ARRAYS = {
    **{
        f"{name}, {X.ndim - 2} axes": (CNNClassifier(architecture=name, width=6), X, LABELS)
        for name in ARCHITECTURES
        for X in (IMAGES, VOLUMES)
    },
    **{
        f"{name}, signals": (CNNRegressor(architecture=name), SIGNALS, TABLE[:, 0])
        for name in ARCHITECTURES
    },
    "defaults": (CNNClassifier(), IMAGES, LABELS),
    "bytes": (CNNClassifier(n_members=2), (90 * IMAGES).astype(np.uint8), LABELS),
    "double precision": (CNNRegressor(precision="float64", width=5), IMAGES, TABLE[:, 0]),
    "ordinal": (OrdinalCNNClassifier(width=5, **ORDER), IMAGES, WORDS),
    "patches": (ViTClassifier(width=12, n_members=2), IMAGES, LABELS),
    "patches of volumes": (ViTClassifier(width=10, n_heads=2), VOLUMES, LABELS),
    "linear patches": (
        ViTRegressor(patches="linear", pooling="mean", precision="float64"),
        SIGNALS,
        TABLE[:, 0],
    ),
}


def take(X, rows):
    return X.iloc[rows] if hasattr(X, "iloc") else X[rows]


def assert_rows_alike(estimator, X, y):
    settings = {"max_iter": 1, "device": "cpu", "random_state": 0}
    fitted = estimator.set_params(**settings).fit(X, y)
    together = predictions(fitted, X)
    rng = np.random.default_rng(1)
    choices = [rng.choice(N_ROWS, size, replace=False) for size in (1, 1, 1, 2, 5, 17, 33, 64, 100)]
    for rows in [*choices, np.array([0]), np.array([N_ROWS - 1]), rng.permutation(N_ROWS)]:
        for method, found in predictions(fitted, take(X, rows)).items():
            np.testing.assert_array_equal(found, together[method][rows], err_msg=method)


@pytest.fixture(params=[1, 3], ids="{} threads".format)
def threads(request):
    before = torch.get_num_threads()
    torch.set_num_threads(request.param)
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize("case", TABLES)
def test_rows_of_tables(case, threads):
    assert_rows_alike(*TABLES[case])


@pytest.mark.parametrize("case", ARRAYS)
def test_rows_of_arrays(case, threads):
    assert_rows_alike(*ARRAYS[case])


@pytest.mark.parametrize(
    "estimator",
    [MLPClassifier((37,)), MLPRegressor((37, 13), activation="gelu"), CNNClassifier(width=4)],
    ids=["labels", "numbers", "images"],
)
def test_many_rows_are_divided_among_threads(estimator, threads):
    n_rows = 1500 if isinstance(estimator, CNNClassifier) else 9000
    shape = (n_rows, 1, 8, 8) if isinstance(estimator, CNNClassifier) else (n_rows, 6)
    X = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    fitted = estimator.set_params(max_iter=1, device="cpu", random_state=0)
    fitted.fit(X[:200], np.arange(200) % 7)
    together = predictions(fitted, X)
    for size in (1, 33, 257, 1000, n_rows - 700):
        rows = np.random.default_rng(size).choice(n_rows, size, replace=False)
        for method, found in predictions(fitted, X[rows]).items():
            np.testing.assert_array_equal(found, together[method][rows], err_msg=method)


def test_chunks_do_not_matter(monkeypatch):
    fitted = MLPRegressor(max_iter=1, device="cpu", random_state=0).fit(TABLE, TABLE[:, 0])
    together = fitted.predict(TABLE)
    for size in (1, 7, 40):
        monkeypatch.setattr(type(fitted.body_), "rows_together", lambda self, shape, n=size: n)
        np.testing.assert_array_equal(fitted.predict(TABLE), together)
