"""Convolutional networks that train together are those that train apart."""

import warnings

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import KFold
from support.packs import assert_as_alone, no_pack_fails, together

from sklearn_modern._core.estimator import roles
from sklearn_modern._fits.fit import Fit
from sklearn_modern._neural import packs
from sklearn_modern.model_selection import GridSearchCV
from sklearn_modern.neural_network import CNNClassifier, CNNRegressor
from sklearn_modern.ordinal import OrdinalCNNClassifier
from sklearn_modern.training.pack_size import most_members

SMALL = {"width": 3, "batch_size": 8, "max_iter": 2, "device": "cpu", "random_state": 0}

# What members of a pack may have each for itself, and values of it.
OWN = {
    "alpha": ["auto", 0.0, 2.0],
    "class_weight": [None, "balanced"],
    "dropout": [0.0, 0.1, 0.4],
    "early_stopping": [False, True],
    "gradient_clip": [None, 0.05],
    "label_smoothing": [0.0, 0.2],
    "learning_rate": ["one_cycle", "cosine", "constant", "adaptive"],
    "learning_rate_init": [0.001, 0.02],
    "max_iter": [1, 2],
    "momentum": [0.0, 0.9],
    "n_iter_no_change": [1, 10],
    "n_members": [1, 1, 2],
    "quantiles": [(0.1, 0.7), (0.9, 0.3)],
    "random_state": [0, 1],
    "scoring": ["loss", "other"],
    "tol": [1e-4, 0.05],
    "validation_fraction": [0.2, 0.3],
    "verbose": [False, 0],
}
# What the members of a pack have in common.
COMMON = {
    "architecture": ["vgg", "lenet", "resnet", "se_resnet", "efficientnetv2"],
    "batch_size": ["auto", 7],
    "depth": [None, 1, (2, 1)],
    # Not 1: the gradient of such a kernel, scaled again by its norm, is nothing but rounding.
    "kernel_size": [None, 3],
    "solver": ["adamw", "adam", "sgd"],
    "stem": ["auto", "small"],
    "width": [2, 3, 8],
}
# Shapes of rows, and how many of their axes are spatial.
SHAPES = [((6, 6), 2), ((3, 7, 5), 2), ((2, 9), 1), ((4, 4), 2)]
KINDS = [
    CNNClassifier(),
    CNNRegressor(),
    *(CNNRegressor(loss=loss) for loss in ("absolute_error", "huber", "poisson", "gaussian")),
    CNNRegressor(loss="quantile", quantiles=(0.1, 0.7)),
    *(
        OrdinalCNNClassifier(method=method)
        for method in ("coral", "corn", "cumulative_link", "niu", "cross_entropy")
    ),
]


@pytest.fixture
def X():
    return np.random.default_rng(0).integers(0, 256, size=(20, 6, 6)).astype(np.uint8)


@pytest.fixture
def y():
    return np.arange(20) % 3


def test_all_parameters_that_may_differ_are_drawn():
    known = {name for kind in KINDS for name, role in roles(type(kind)).items() if role.differs}
    assert known == set(OWN)


@st.composite
def packs_of_fits(draw):
    """Draw an estimator, images, and fits that differ in whatever may differ."""
    model = clone(draw(st.sampled_from(KINDS)))
    common = {name: draw(st.sampled_from(values)) for name, values in COMMON.items()}
    precision = draw(st.sampled_from(["float32", "float64"]))
    shape, n_axes = draw(st.sampled_from(SHAPES))
    model.set_params(**common, device="cpu", precision=precision, spatial_dims=n_axes)
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    n_rows = draw(st.sampled_from([24, 24, 25]))
    X = rng.integers(0, 256, size=(n_rows, *shape)).astype(np.uint8)
    if draw(st.booleans()):
        X = rng.normal(size=X.shape)
    y = np.arange(n_rows) % 3
    if isinstance(model, CNNRegressor):
        y = np.exp(rng.normal(size=(n_rows, 2) if "quantile" not in model.loss else n_rows))
    elif type(model) is CNNClassifier and draw(st.booleans()):
        y = rng.integers(0, 2, size=(n_rows, 3))
    folds = [rows for rows, _ in KFold(3, shuffle=True, random_state=0).split(X)]
    weight = rng.uniform(0.5, 2, size=n_rows) * (rng.random(n_rows) < 0.9)
    weighted = draw(st.booleans())
    # Otherwise members rarely have as many rows as others, without which they train apart.
    shared = {n: draw(st.sampled_from(OWN[n])) for n in ("early_stopping", "validation_fraction")}
    fits = []
    for _ in range(draw(st.integers(2, 4))):
        own = {n: draw(st.sampled_from(v)) for n, v in OWN.items() if hasattr(model, n)} | shared
        if own["scoring"] == "other":
            own["scoring"] = "r2" if isinstance(model, CNNRegressor) else "accuracy"
        if model.solver != "sgd":
            own["momentum"] = 0.9
        if getattr(model, "loss", None) != "quantile":
            own.pop("quantiles", None)
        rows = draw(st.sampled_from(folds))
        fit_params = {"sample_weight": weight[rows]} if weighted else {}
        fits.append(Fit(own, X, y, rows=rows, fit_params=fit_params))
    return model, fits


@given(packs_of_fits())
@settings(max_examples=5, suppress_health_check=[HealthCheck.too_slow])
def test_members_of_any_pack_are_as_alone(pack):
    model, fits = pack
    with no_pack_fails(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of few rows
        assert_as_alone(model, fits, 1e-9 if model.precision == "float64" else 1e-5)


def test_folds_and_candidates_train_together(X, y, trainings):
    """Digits are those of separate fits."""
    folds = np.arange(16), np.arange(4, 20)
    candidates = {"learning_rate_init": 0.01}, {"dropout": 0.0, "alpha": 2.0}
    fits = [Fit(params, X, y, rows=rows) for params in candidates for rows in folds]
    clf = CNNClassifier(**SMALL)
    together(clf, fits)
    assert trainings == [4]
    assert_as_alone(clf, fits, tolerance=0)


def test_each_member_stops_where_it_would_alone(X, y, trainings):
    stopping = {"max_iter": 4, "early_stopping": True, "learning_rate": "constant"}
    clf = CNNClassifier(**SMALL | stopping)
    own = {"n_iter_no_change": 1, "tol": 0.5}, {"scoring": "accuracy"}, {"validation_fraction": 0.3}
    fits = [Fit(params | {"random_state": seed}, X, y) for params in own for seed in (0, 1)]
    n_iter = {model.n_iter_ for model in together(clf, fits)}
    assert trainings == [4, 2]
    assert len(n_iter) > 1
    assert_as_alone(clf, fits, tolerance=0)


def test_several_members_count_as_several_of_a_pack(X, y, trainings):
    clf = CNNClassifier(**SMALL)
    fits = [Fit({"n_members": n, "random_state": n}, X, y) for n in (1, 2, 3)]
    together(clf, fits)
    assert trainings == [3]
    assert_as_alone(clf, fits, tolerance=0)


def test_batches_of_one_size_train_together(X, y, trainings):
    """The statistics of a batch are over its rows, so that members have as many of them."""
    fits = [Fit({"alpha": a}, X, y, rows=slice(n)) for a in (0.0, 1.0) for n in (19, 20)]
    together(CNNClassifier(**SMALL), fits)
    assert trainings == [2, 2]


def test_members_of_one_split_share_bytes(X, y, monkeypatch):
    held, train_together = [], packs.train_together

    def spying(pack, *args):
        held.extend(one.training.source._x for one in pack)
        return train_together(pack, *args)

    monkeypatch.setattr(packs, "train_together", spying)
    folds = slice(8), slice(8, 16)
    fits = [Fit({"alpha": alpha}, X, y, rows=rows) for alpha in (0.0, 1.0) for rows in folds]
    together(CNNClassifier(**SMALL), fits)
    assert len(held) == 4
    assert len({id(images) for images in held}) == 2
    assert all(images.dtype == torch.uint8 for images in held)


@pytest.mark.parametrize("params", [{"augment": "flip"}, {"cutmix": 0.5}, {"mixup": 0.5}, {}])
def test_what_changes_batches_or_starts_elsewhere_is_fitted_alone(X, y, trainings, params):
    clf = CNNClassifier(**SMALL)
    if not params:
        params = {"pretrained": FrozenEstimator(clone(clf).fit(X, y))}
        trainings.clear()
    clf.set_params(**params)
    assert clf.fits_at_once == 0
    together(clf, [Fit({"alpha": alpha}, X, y) for alpha in (0.0, 1.0)])
    assert trainings == [1, 1]


def test_volumes_are_fitted_alone(X, y, trainings):
    clf, volumes = CNNClassifier(**SMALL, spatial_dims=3), X.reshape(20, 3, 3, 4)
    together(clf, [Fit({"alpha": alpha}, volumes, y) for alpha in (0.0, 1.0)])
    assert trainings == [1, 1]


def test_searches_train_together(X, y, trainings):
    grid = {"learning_rate_init": [0.01, 0.03]}
    search = GridSearchCV(CNNClassifier(**SMALL), grid, cv=2, refit=False).fit(X, y)
    assert trainings == [4]
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()


@pytest.mark.parametrize(
    ("side", "width", "least", "most"),
    [(8, 4, 30, 100), (8, 16, 5, 20), (8, 32, 1, 1), (28, 16, 1, 1)],
)
def test_large_networks_train_apart(side, width, least, most):
    X, y = np.zeros((64, side, side), dtype=np.uint8), np.arange(64) % 2
    clf = CNNClassifier(width=width, batch_size=32, device="cpu")
    clf._prepare(X, y)
    assert least <= most_members(clf.net_.objective, 32) <= most


def test_a_member_that_fails_takes_no_other_along(X, y):
    wrong = [{"class_weight": {9: 1.0}}, {"kernel_size": 2}, {"alpha": -1.0}]
    found = together(CNNClassifier(**SMALL), [Fit(params, X, y) for params in [*wrong, {}, {}]])
    assert [isinstance(one, ValueError) for one in found] == [True] * 3 + [False] * 2
