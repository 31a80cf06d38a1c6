"""Where a library would fail, or do something else, all backends say and do the same."""

import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.model_selection import cross_val_score
from support.small_boosters import (
    BACKENDS,
    SYMMETRIC,
    bent,
    boosters,
    normal_rows,
    refuses,
)

from sklearn_modern._fits.fit import Fit
from sklearn_modern.ordinal import OrdinalClassifier

pytestmark = pytest.mark.parametrize("backend", BACKENDS)

classifier, regressor = boosters(n_estimators=20)
X = pytest.fixture(normal_rows)
y = pytest.fixture(bent)


# Columns without values.


@pytest.mark.parametrize("kind", ["array", "frame"])
def test_a_column_without_values_has_no_say(backend, kind, X, y):
    empty = X.copy()
    empty[:, 2] = np.nan
    other = np.where(np.arange(200) % 2, 7.0, np.nan)
    filled = np.column_stack([X[:, :2], other, X[:, 3]])
    if kind == "frame":
        empty, filled = (pd.DataFrame(table, columns=list("abcd")) for table in (empty, filled))
    reg = regressor(backend).fit(empty, y)
    assert reg.feature_importances_[2] == 0
    np.testing.assert_array_equal(reg.predict(filled), reg.predict(empty))
    rest = [0, 1, 3]
    less = regressor(backend).fit(X[:, rest], y)
    np.testing.assert_allclose(reg.predict(empty), less.predict(X[:, rest]), rtol=1e-6)
    clf = classifier(backend, early_stopping=True).fit(empty, y > 0)
    np.testing.assert_array_equal(clf.predict_proba(filled), clf.predict_proba(empty))


def test_a_column_without_values_but_in_validation_rows(backend, X, y):
    empty = X.copy()
    empty[:150, 2] = np.nan
    reg = regressor(backend).fit(empty[:150], y[:150], X_val=empty[150:], y_val=y[150:])
    assert reg.feature_importances_[2] == 0
    assert reg.score(empty[150:], y[150:]) > (0.1 if backend == "catboost" else 0.3)


def test_rows_without_any_value(backend):
    X, y = np.full((60, 2), np.nan), np.arange(60.0)
    reg = regressor(backend).fit(X, y)
    np.testing.assert_allclose(reg.predict(X), y.mean(), rtol=1e-6)
    assert not reg.feature_importances_.any()


def test_a_column_of_fewer_values_than_a_leaf(backend, X, y):
    """Has no say, and takes nothing from the other columns, which is what scikit-learn does."""
    few = X.copy()
    few[4:, 2] = np.nan
    y[:4] += 50
    reg = regressor(backend, n_estimators=5).fit(few, y)
    if backend == "catboost":  # which does not limit the rows of a leaf
        assert reg.feature_importances_[2] > 0.9
        return
    assert reg.feature_importances_[2] == 0
    if backend == "hist":
        theirs = HistGradientBoostingRegressor(max_iter=5, min_samples_leaf=5).fit(few, y)
        np.testing.assert_array_equal(reg.predict(few), theirs.predict(few))


# Monotonic constraints.


def falls(predict, X):
    """By how much predictions fall at most while the first feature rises."""
    steps = np.linspace(-2, 2, 50)
    rows = [np.column_stack([steps, np.tile(row[1:], (50, 1))]) for row in X[:20]]
    return -min(np.diff(predict(part)).min() for part in rows)


@pytest.mark.parametrize("loss", ["squared_error", "huber", "poisson", "gamma", "tweedie"])
def test_monotonic_constraints_hold(backend, loss, X, y):
    y = np.exp(y)
    settings = {"loss": loss, "monotonic_cst": [1, 0, 0, 0], "learning_rate": 0.3}
    reg = regressor(backend, **settings | SYMMETRIC.get(backend, {}))
    if refuses(backend, loss, lambda: reg.fit(X, y)):
        return
    assert falls(reg.fit(X, y).predict, X) <= 0
    assert falls(reg.set_params(monotonic_cst=None).fit(X, y).predict, X) > 0.05


@pytest.mark.parametrize("loss", ["absolute_error", "quantile"])
def test_monotonic_constraints_that_would_not_hold_are_refused(backend, loss, X, y):
    level = 0.8 if loss == "quantile" else None
    reg = regressor(backend, loss=loss, quantile=level, monotonic_cst={0: 1})
    with pytest.raises(ValueError, match=f"monotonic_cst does not hold with loss='{loss}'.*huber"):
        reg.fit(X, y)
    reg.set_params(monotonic_cst=[0] * 4).fit(X, y)  # which constrains nothing
    assert reg.score(X, y) > 0


def test_monotonic_constraints_of_classes(backend, X, y):
    levels = np.digitize(y, [-0.5, 0.5])
    clf = classifier(backend, monotonic_cst=[1, 0, 0, 0], **SYMMETRIC.get(backend, {}))
    with pytest.raises(ValueError, match="monotonic_cst is for two classes.*3 classes.*Ordinal"):
        clf.fit(X, levels)
    clf.fit(X, y > 0)
    assert falls(lambda rows: clf.predict_proba(rows)[:, 1], X) <= 0
    ordinal = OrdinalClassifier(clf).fit(X, levels)
    assert falls(lambda rows: -ordinal.predict_proba(rows)[:, 0], X) <= 1e-12
    free = classifier(backend, monotonic_cst=[0, 0, 0, 0]).fit(X, levels)  # of any trees
    expected = classifier(backend).fit(X, levels).predict_proba(X)
    np.testing.assert_array_equal(free.predict_proba(X), expected)


# Targets.


@pytest.mark.parametrize("loss", ["poisson", "tweedie", "gamma"])
def test_targets_of_zeros_alone_are_refused(backend, loss, X):
    y = np.r_[np.zeros(190), np.ones(10)]
    message = f"loss='{loss}' needs a y (whose sum is|that is) positive"
    reg = regressor(backend, loss=loss)
    with pytest.raises(ValueError, match=message):
        reg.fit(X, np.zeros(200))
    with pytest.raises(ValueError, match=message):
        reg.fit(X, y, sample_weight=(y == 0))
    [(_, failed)] = reg.fit_many([Fit({}, X, np.zeros(200))])
    with pytest.raises(ValueError, match=message):
        raise failed
    # The only group with another target is set aside.
    reg.set_params(early_stopping=True, validation_fraction=0.5, random_state=0)
    with pytest.raises(ValueError, match=message):
        reg.fit(X, y, groups=(y > 0))


@pytest.mark.parametrize("value", [1e39, -1e300])
def test_targets_beyond_float32_are_refused(backend, value, X, y):
    y[7] = value
    with pytest.raises(ValueError, match=r"y has values as large as 1e\+.*float32.*divide"):
        regressor(backend).fit(X, y)


@pytest.mark.parametrize("loss", ["squared_error", "absolute_error", "huber", "quantile"])
@pytest.mark.parametrize("shift", [1e7, -1e10])
def test_targets_far_from_zero(backend, loss, shift, X, y):
    """Float32 knows no fractions there."""
    if backend == "hist" and loss == "huber":
        return
    reg = regressor(backend, loss=loss, quantile=0.5 if loss == "quantile" else None)
    expected = reg.fit(X, y).predict(X)
    found = reg.fit(X, y + shift).predict(X) - shift
    # CatBoost's leaves are targets of rows there: rounding says on which side of them these are.
    exact = backend == "catboost" and loss in ("absolute_error", "quantile")
    assert np.abs(found - expected).mean() < (0.1 if exact else 0.02)
    assert np.isclose(list(reg.staged_predict(X))[-1] - shift, found, atol=1e-4).all()
    reg.fit(X, y + shift, X_val=X, y_val=y + shift)
    score = reg.validation_scores_[-1]
    reg.set_params(scoring="neg_mean_absolute_percentage_error")
    reg.fit(X, y + shift, X_val=X, y_val=y + shift)
    assert -1e-6 < reg.validation_scores_[-1] < 0
    assert score == pytest.approx(
        regressor(backend, loss=loss, quantile=reg.quantile)
        .fit(X, y, X_val=X, y_val=y)
        .validation_scores_[-1],
        abs=0.02,
    )


# Numbers and categories.


@pytest.mark.parametrize("names", [None, list("abcd")])
def test_a_number_beyond_float32(backend, names, X, y):
    """XGBoost and CatBoost would read it as infinite; the others know it."""
    low, high = X.copy(), X.copy()
    low[::5, 1], high[::5, 1] = 100, 1e300
    if names:
        low, high = pd.DataFrame(low, columns=names), pd.DataFrame(high, columns=names)
    reg = regressor(backend).fit(low, y)
    # Beyond every split it does not matter how far.
    np.testing.assert_array_equal(reg.predict(high), reg.predict(low))
    stopping = {"X_val": high, "y_val": y}
    scores = regressor(backend).fit(low, y, **stopping).validation_scores_
    assert scores == regressor(backend).fit(low, y, X_val=low, y_val=y).validation_scores_
    if backend in ("xgboost", "catboost"):
        label = "'b'" if names else 1
        with pytest.raises(
            ValueError, match=f"Column {label} of X has 40 values.*such as 1e\\+300"
        ):
            reg.fit(high, y)
    else:
        expected = reg.predict(low)
        np.testing.assert_array_equal(regressor(backend).fit(high, y).predict(high), expected)


def test_a_column_of_too_many_categories_is_named(backend, X, y):
    frame = pd.DataFrame(X, columns=list("abcd"))
    frame["c"] = [f"v{row % 40}" for row in range(200)]
    codes = np.column_stack([X[:, :2], np.arange(200) % 40, X[:, 3]])
    reg = regressor(backend, max_bins=16)
    if backend != "hist":
        assert reg.fit(frame, y).score(frame, y) > 0.3
        return
    with pytest.raises(ValueError, match="max_bins=16 categories, but column 'c' has 40"):
        reg.fit(frame, y)
    with pytest.raises(ValueError, match="max_bins=16 categories, but column 2 has 40"):
        reg.set_params(categorical_features=[2]).fit(codes, y)
    assert reg.set_params(max_bins=40).fit(codes, y).score(codes, y) > 0.3


# Classes.


def test_class_weights_of_classes_that_a_fold_lacks(backend, X, y):
    labels = np.array(["lo", "mid", "top"])[np.digitize(y, [-0.5, 0.5])]
    weights = {"lo": 1.0, "mid": 4.0, "top": 2.0}
    here = np.flatnonzero(labels != "top")
    folds = [(here, np.arange(200)), (np.arange(200), here)]
    clf = classifier(backend, class_weight=weights)
    scores = cross_val_score(clf, X, labels, cv=folds, error_score="raise")
    assert scores.min() > 0.4
    found = clf.fit(X[here], labels[here]).predict_proba(X)
    expected = classifier(backend, class_weight={"mid": 4.0}).fit(X[here], labels[here])
    np.testing.assert_array_equal(found, expected.predict_proba(X))


def test_class_weights_that_may_be_misspelt(backend, X, y):
    labels = np.where(y > 0, "top", "low")
    with pytest.warns(UserWarning, match=r"\['tpo'\].*not among.*\['top'\] have weight 1"):
        classifier(backend, class_weight={"low": 2.0, "tpo": 3.0}).fit(X, labels)
    with pytest.raises(ValueError, match=r"\['tpo'\], which are not among \['low', 'top'\]"):
        classifier(backend, class_weight={"tpo": 3.0}).fit(X, labels)
    with pytest.raises(ValueError, match=r"\['0', '1'\], which are not among \[0, 1\]"):
        classifier(backend, class_weight={"0": 3.0, "1": 2.0}).fit(X, (y > 0).astype(int))


@pytest.mark.parametrize("n_classes", [2, 3])
def test_logarithms_of_probabilities_are_finite(backend, n_classes):
    X = np.repeat(np.arange(float(n_classes)), 40)[:, None]
    clf = classifier(backend, n_estimators=300, learning_rate=1.0).fit(X, X[:, 0])
    logarithms = clf.predict_log_proba(X)
    assert np.isfinite(logarithms).all()
    np.testing.assert_allclose(np.exp(logarithms), clf.predict_proba(X), atol=1e-6)
    assert (logarithms.argmax(axis=1) == X[:, 0]).all()
    steep = {"learning_rate": 1000.0, "n_estimators": 1}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        logarithms = clf.set_params(**steep).fit(X, X[:, 0]).predict_log_proba(X)
    assert np.isfinite(logarithms).all()
    assert logarithms.min() < -100


# Groups and jobs.


@pytest.mark.parametrize(
    ("groups", "message"),
    [
        ([1, "a"], r"types that cannot be ordered: \['int', 'str'\]"),
        ([1.0, np.nan], "missing in 100 of 200 rows.*row 1"),
        (["a", None], "missing in 100 of 200 rows.*row 1"),
        ([pd.NA, 2], "missing in 100 of 200 rows.*row 0"),
        ([[1, 2], [3, 4]], r"shape \(200, 2\)"),
    ],
)
@pytest.mark.parametrize("early_stopping", [False, True])
def test_wrong_groups_are_refused(backend, groups, message, early_stopping, X, y):
    kind = object if np.ndim(groups) == 1 else None
    groups = np.array(groups * 100, dtype=kind)
    with pytest.raises(ValueError, match=f"groups .*{message}"):
        regressor(backend, early_stopping=early_stopping).fit(X, y, groups=groups)


@pytest.mark.parametrize("n_jobs", [0, 0.5])
def test_no_jobs_are_refused_before_anything_is_read(backend, n_jobs):
    reg = regressor(backend, n_jobs=n_jobs)
    with pytest.raises(ValueError, match=f"'n_jobs' parameter.*Got {n_jobs}"):
        reg.fit("neither X", "nor y")
    assert not hasattr(reg, "n_features_in_")
