"""Weights of ordinal networks: of tasks, levels and rows, and of parameters that do not fit."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.utils.class_weight import compute_sample_weight
from support.ordinal_tables import OPTIMAL, table

from sklearn_modern.ordinal import OrdinalCNNClassifier, OrdinalMLPClassifier

METHODS = ["coral", "corn", "niu", "cumulative_link", "cross_entropy"]
each_method = pytest.mark.parametrize("method", METHODS)
# One batch of all rows, so that a weight is as good as repetition.
EXACT = {
    "hidden_layer_sizes": (16,),
    "dropout": 0.0,
    "learning_rate_init": 0.02,
    "device": "cpu",
    "random_state": 0,
    "solver": "adam",
    "alpha": 1e-3,
    "learning_rate": "constant",
    "input_scaling": "standard",
    "precision": "float64",
    "batch_size": 10_000,
    "max_iter": 10,
}

# Importance of the tasks.


@pytest.mark.parametrize("method", ["coral", "corn", "niu"])
def test_sqrt_is_the_formula_of_the_coral_paper(method):
    X, y = table(n_levels=4)
    weight = np.random.default_rng(0).integers(0, 4, len(y))
    rows = np.repeat(y, weight)
    beyond = np.array([(rows > level).sum() for level in range(3)])
    larger = np.sqrt(np.maximum(beyond, len(rows) - beyond))
    importance = larger / larger.max()
    assert importance.min() < 0.95
    clf = OrdinalMLPClassifier(**EXACT, method=method)
    given, formula, without = (
        clf.set_params(importance_weights=value).fit(X, y, sample_weight=weight).predict_proba(X)
        for value in (importance.tolist(), "sqrt", None)
    )
    np.testing.assert_allclose(formula, given, atol=1e-9)
    assert np.abs(formula - without).max() > 1e-4


@pytest.mark.parametrize("method", ["coral", "corn", "niu"])
def test_a_task_without_importance_is_not_learned(method):
    """What is left is a logistic regression of the other."""
    X, y = table(n_levels=3)
    clf = OrdinalMLPClassifier(**OPTIMAL, method=method, importance_weights=np.array([1.0, 0.0]))
    clf.fit(X, y)
    expected = LogisticRegression(C=np.inf, tol=1e-8, max_iter=1000).fit(X, y > 0)
    np.testing.assert_allclose(np.atleast_2d(clf.coef_)[0], expected.coef_[0], atol=1e-3)
    beyond = clf.predict_cumulative(X, repair=False)[:, 0]
    np.testing.assert_allclose(beyond, expected.predict_proba(X)[:, 1], atol=1e-3)


@pytest.mark.parametrize("method", ["coral", "corn", "niu"])
def test_equal_importance_is_none(method):
    X, y = table()
    clf = OrdinalMLPClassifier(**EXACT, method=method).fit(X, y)
    ones = OrdinalMLPClassifier(**EXACT, method=method, importance_weights=np.ones(4)).fit(X, y)
    np.testing.assert_allclose(ones.predict_proba(X), clf.predict_proba(X), atol=1e-12)


@pytest.mark.parametrize("kind", [OrdinalMLPClassifier, OrdinalCNNClassifier])
@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"importance_weights": [1.0, 1.0]}, r"importance_weights has the shape \(2,\).*5 levels"),
        ({"importance_weights": np.ones((4, 1))}, r"shape \(4, 1\).*expected \(4,\)"),
        ({"importance_weights": [1, 1, -1, 1]}, "importance_weights=.*not negative"),
        ({"importance_weights": [0, 0, 0, 0]}, "importance_weights=.*not all zero"),
        ({"importance_weights": [1, np.nan, 1, 1]}, "importance_weights=.*finite"),
        ({"importance_weights": [1, np.inf, 1, 1]}, "importance_weights=.*finite"),
        ({"importance_weights": "square"}, "importance_weights"),
        ({"importance_weights": 2.0}, "importance_weights"),
        ({"importance_weights": "sqrt", "method": "cross_entropy"}, "coral, corn, niu, but"),
        ({"importance_weights": np.ones(4), "method": "cumulative_link"}, "coral, corn, niu, but"),
        *(
            ({"link": "probit", "method": method}, "link='probit' is for method='cumulative_link'")
            for method in METHODS
            if method != "cumulative_link"
        ),
        ({"link": "cauchit", "method": "cumulative_link"}, "link"),
        ({"method": "oprah"}, "method"),
        ({"decision": "best"}, "decision"),
        ({"threshold_learning_rate_factor": 0.0}, "threshold_learning_rate_factor"),
    ],
    ids=lambda value: " ".join(map(str, value)) if isinstance(value, dict) else "",
)
def test_what_is_wrong_with_parameters_is_said(kind, params, message):
    X, y = table(60)
    with pytest.raises(ValueError, match=message):
        kind(**params, device="cpu").fit(X, y)


def test_thresholds_learn_at_a_rate_of_their_own():
    """With one batch of "sgd" a step is the rate times the gradient."""
    X, y = table()
    moved = []
    for factor in (1.0, 10.0):
        clf = OrdinalMLPClassifier(
            **EXACT | {"solver": "sgd", "momentum": 0.0, "max_iter": 1, "learning_rate_init": 1e-3},
            threshold_learning_rate_factor=factor,
        )
        start = clf.set_params(learning_rate_init=1e-12).fit(X, y).threshold_
        moved.append(clf.set_params(learning_rate_init=1e-3).fit(X, y).threshold_[0] - start[0])
    assert moved[1] == pytest.approx(10 * moved[0], rel=1e-3)


# Weights.


@each_method
@pytest.mark.parametrize("solver", ["adam", "sgd"])
def test_a_weight_is_repetition(method, solver):
    X, y = table(80)
    weight = np.random.default_rng(0).integers(0, 4, 80)
    smoothed = {"label_smoothing": 0.1, "method": method, "class_order": range(5)}
    clf = OrdinalMLPClassifier(**EXACT | {"solver": solver}, **smoothed)
    weighted = clf.fit(X, y, sample_weight=weight).predict_proba(X)
    repeated = clf.fit(np.repeat(X, weight, axis=0), np.repeat(y, weight)).predict_proba(X)
    np.testing.assert_allclose(weighted, repeated, atol=1e-9)
    assert np.abs(weighted - clf.fit(X, y).predict_proba(X)).max() > 1e-3


@each_method
@pytest.mark.parametrize("class_weight", [{"low": 3.0, "high": 0.5}, "balanced"], ids=str)
def test_a_class_weight_is_a_sample_weight(method, class_weight):
    X, ranks = table(80, n_levels=3)
    y = np.array(["low", "mid", "high"])[ranks]
    settings = EXACT | {"method": method, "class_order": ["low", "mid", "high"]}
    if method in ("coral", "corn", "niu"):
        settings["importance_weights"] = "sqrt"
    clf = OrdinalMLPClassifier(**settings, class_weight=class_weight).fit(X, y)
    by_row = compute_sample_weight(class_weight, y)
    expected = OrdinalMLPClassifier(**settings).fit(X, y, sample_weight=by_row)
    np.testing.assert_allclose(clf.predict_proba(X), expected.predict_proba(X), atol=1e-9)
    plain = OrdinalMLPClassifier(**settings).fit(X, y)
    assert np.abs(clf.predict_proba(X) - plain.predict_proba(X)).max() > 1e-3


def test_a_class_weight_names_its_levels():
    X, y = table(60, n_levels=3)
    with pytest.raises(ValueError, match=r"class_weight has the classes \['top'\]"):
        OrdinalMLPClassifier(class_weight={"top": 2.0}, device="cpu").fit(X, y)
    balanced = OrdinalMLPClassifier(**EXACT, class_order=range(4))
    assert np.isfinite(
        balanced.set_params(class_weight="balanced").fit(X, y).predict_proba(X)
    ).all()
