"""Which levels ordinal networks keep, and what they take and drop into."""

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
import torch
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_modern.metrics import get_scorer
from sklearn_modern.neural_network import CNNClassifier, CNNRegressor
from sklearn_modern.ordinal import OrdinalCNNClassifier, OrdinalMLPClassifier

METHODS = ["coral", "corn", "niu", "cumulative_link", "cross_entropy"]
each_method = pytest.mark.parametrize("method", METHODS)
ORDER = np.array(["low", "mid", "high"])
COMMON = {
    "class_order": ORDER,
    "learning_rate": "constant",
    "learning_rate_init": 0.01,
    "batch_size": 16,
    "max_iter": 4,
    "device": "cpu",
    "random_state": 0,
}
KINDS = {
    "MLP": lambda **params: OrdinalMLPClassifier((8,), **COMMON | params),
    "CNN": lambda **params: OrdinalCNNClassifier(width=4, depth=(1, 1), **COMMON | params),
}
each_kind = pytest.mark.parametrize("make", KINDS.values(), ids=list(KINDS))


@pytest.fixture
def X():
    return np.random.default_rng(0).normal(size=(70, 12))


@pytest.fixture
def y(X):
    return ORDER[np.digitize(X[:, 0] + X[:, 1], [-0.5, 0.8])]


def ranks_of(y):
    return np.array([ORDER.tolist().index(label) for label in y])


# In parts.


@each_method
def test_partial_fit_knows_the_levels_to_come_from_the_order(X, y, method):
    clf = KINDS["MLP"](method=method).partial_fit(X[y != "mid"], y[y != "mid"])
    clf.partial_fit(X, y).partial_fit(X[:1], y[:1])
    assert clf.class_order_.tolist() == ["low", "mid", "high"]
    assert clf.predict_proba(X).shape == (70, 3)


def test_partial_fit_knows_the_levels_to_come_from_the_classes(X, y):
    codes = ranks_of(y)
    clf = KINDS["MLP"](class_order=None).partial_fit(X[:9], codes[:9], classes=[2, 0, 1, 5])
    assert clf.class_order_.tolist() == [0, 1, 2, 5]
    clf.partial_fit(X, codes, classes=[0, 1, 2, 5])
    with pytest.raises(ValueError, match="are not those of the first call"):
        clf.partial_fit(X, codes, classes=[0, 1, 2])
    strings = KINDS["MLP"](class_order=None)
    with pytest.raises(ValueError, match="order that cannot be known.*class_order"):
        strings.partial_fit(X, y, classes=ORDER)
    ranked = KINDS["MLP"](class_order="sorted").partial_fit(X, y, classes=["a", *ORDER])
    assert ranked.class_order_.tolist() == ["a", "high", "low", "mid"]


@pytest.mark.parametrize("levels", [ORDER, np.array([30, 10, 20])], ids=["strings", "numbers"])
def test_the_classes_of_partial_fit_leave_the_order_of_a_categorical(X, y, levels):
    labels = pd.Categorical(levels[ranks_of(y)], categories=levels, ordered=True)
    clf = KINDS["MLP"](class_order=None).partial_fit(X, labels, classes=levels)
    assert clf.class_order_.tolist() == levels.tolist()
    clf.partial_fit(X, labels, classes=levels)


def test_classes_that_are_not_the_levels_are_refused(X, y):
    for wrong in (["low", "high"], ["low", "mid", "high", "top"]):
        with pytest.raises(ValueError, match="classes=.*are not the levels"):
            KINDS["MLP"]().partial_fit(X, y, classes=wrong)


def test_a_warm_start_refuses_other_levels(X, y):
    clf = KINDS["MLP"](class_order="sorted", warm_start=True).fit(X, y)
    with pytest.raises(ValueError, match="not among the classes"):
        clf.fit(X, np.char.upper(y))


def test_a_warm_start_takes_the_levels_in_any_sequence(X, y):
    clf = KINDS["MLP"](warm_start=True).fit(X, y)
    assert clf.set_params(class_order=tuple(ORDER.tolist())).fit(X, y).n_iter_ == 8


def test_a_new_fit_takes_other_levels(X, y):
    clf = KINDS["MLP"]().fit(X, y)
    clf.set_params(class_order=None).fit(X, y == "high")
    assert clf.classes_.tolist() == [False, True]
    with pytest.raises(ValueError, match="importance_weights"):
        clf.set_params(importance_weights=[1.0, 2.0]).fit(X, y == "high")
    with pytest.raises(NotFittedError):
        clf.predict(X)


# Members.


@each_kind
@each_method
def test_members_are_averaged(X, y, make, method):
    clf = make(method=method, n_members=2).fit(X, y)
    head = clf.net_.module_.head
    source = clf._source(clf._inputs.check(clf, X, reset=False), slice(None))
    with torch.no_grad():
        scores = clf.net_.module_.eval()(source.whole().x)
        apart = head.probabilities(scores).numpy()
    assert apart.shape == (2, 70, 3)
    assert np.abs(apart[0] - apart[1]).max() > 1e-3
    np.testing.assert_allclose(clf.predict_proba(X), apart.mean(0)[:, [2, 0, 1]], atol=1e-6)
    below = apart.mean(0).cumsum(axis=1)
    np.testing.assert_array_equal(clf.predict(X), ORDER[(below < 0.5).sum(axis=1)])
    np.testing.assert_allclose(clf.predict_cumulative(X), 1 - below[:, :2], atol=1e-6)


# Tables, and scikit-learn's tools.


@each_method
def test_mixed_tables_with_missing_values_are_taken_as_they_are(y, method):
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "age": np.where(rng.random(70) < 0.2, np.nan, rng.normal(size=70)),
            "colour": pd.Categorical(np.array(["red", "green", "blue"])[ranks_of(y)]),
            "town": rng.choice(["here", "there"], 70),
        }
    )
    frame.loc[::9, "colour"] = None
    clf = KINDS["MLP"](method=method, max_iter=60).fit(frame, pd.Series(y))
    assert clf.score(frame, y) > 0.85
    unknown = frame.assign(town="elsewhere", age=np.nan)
    np.testing.assert_allclose(clf.predict_proba(unknown).sum(axis=1), 1, atol=1e-6)
    assert clf.feature_names_in_.tolist() == ["age", "colour", "town"]


@each_method
def test_sparse_tables_give_what_dense_ones_give(X, y, method):
    X = np.where(X > 1, X, 0)
    clf = KINDS["MLP"](method=method, input_scaling=None)
    dense, sparse = clone(clf).fit(X, y), clf.fit(sp.csr_array(X), y)
    np.testing.assert_allclose(
        sparse.predict_proba(sp.csr_array(X)), dense.predict_proba(X), atol=1e-5
    )
    np.testing.assert_array_equal(sparse.predict(sp.csr_array(X)), dense.predict(X))
    cumulative = sparse.predict_cumulative(sp.csr_array(X))
    np.testing.assert_allclose(cumulative, dense.predict_cumulative(X), atol=1e-5)


@each_kind
def test_pipelines_and_searches_find_the_order(X, y, make):
    pipeline = make_pipeline(StandardScaler(), make()).fit(X, y)
    assert pipeline.classes_.tolist() == ["high", "low", "mid"]
    scorer = get_scorer("neg_mean_absolute_rank_error")
    errors = np.abs(ranks_of(y) - ranks_of(pipeline.predict(X)))
    assert scorer(pipeline, X, y) == pytest.approx(-errors.mean())
    assert get_scorer("neg_rank_inconsistency_count")(pipeline, X, y) == 0
    scores = cross_val_score(pipeline, X, y, scoring=scorer, cv=3, error_score="raise")
    assert (scores <= 0).all()
    step = pipeline.steps[-1][0]
    search = GridSearchCV(
        pipeline,
        {f"{step}__method": METHODS, f"{step}__max_iter": [1]},
        scoring=scorer,
        cv=2,
        error_score="raise",
    ).fit(X, y)
    assert len(search.cv_results_["params"]) == 5
    assert search.predict_proba(X).shape == (70, 3)


# Images.


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"augment": ["standard", "flip", "noise"]},
        {"cutmix": 1.0, "mixup": 0.2},
        {"early_stopping": True},
        {"architecture": "lenet"},
    ],
    ids=str,
)
def test_images_of_any_layout_are_read_alike(X, y, settings):
    images = np.random.default_rng(0).normal(size=(70, 8, 8))
    images[:, 2:6, 2:6] += ranks_of(y)[:, None, None]
    make = KINDS["CNN"]
    clf = make(**settings).fit(images, y)
    flat = make(**settings, input_shape=(1, 8, 8)).fit(images.reshape(70, 64), y)
    last = make(**settings, channels="last").fit(images[..., None], y)
    np.testing.assert_allclose(
        flat.predict_proba(images.reshape(70, 64)), clf.predict_proba(images), atol=1e-6
    )
    np.testing.assert_allclose(
        last.predict_proba(images[..., None]), clf.predict_proba(images), atol=1e-6
    )
    features = clf.transform(images)
    assert features.shape == (70, len(clf.get_feature_names_out()))
    assert clf.predict_cumulative(images, repair=False).shape == (70, 2)


@pytest.mark.parametrize("freeze", ["body", "none"])
@each_method
def test_a_pretrained_classifier_becomes_ordinal(X, y, method, freeze):
    images, kinds = np.abs(X).reshape(70, 3, 4), np.arange(70) % 2
    frozen = FrozenEstimator(CNNClassifier(width=4, depth=(1, 1), device="cpu").fit(images, kinds))
    clf = KINDS["CNN"](method=method, pretrained=frozen, freeze=freeze).fit(images, y)
    same = np.array_equal(clf.transform(images), frozen.transform(images))
    assert same == (freeze == "body")
    np.testing.assert_allclose(clf.predict_proba(images).sum(axis=1), 1, atol=1e-6)
    further = CNNRegressor(pretrained=FrozenEstimator(clf), device="cpu", max_iter=1)
    further.fit(images, X[:, 0])
    np.testing.assert_array_equal(further.transform(images), clf.transform(images))
