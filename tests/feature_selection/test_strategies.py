"""Which strategy scores, why no faster one does, and what it means for numbers in float32."""

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
from sklearn import config_context
from sklearn.base import clone, is_classifier
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import Lasso, LinearRegression, LogisticRegression, Ridge, RidgeClassifier
from sklearn.metrics import get_scorer
from sklearn.model_selection import cross_val_score
from sklearn.multioutput import MultiOutputRegressor
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_modern.ensemble import GradientBoostingRegressor
from sklearn_modern.feature_selection import ExhaustiveFeatureSelector, SequentialFeatureSelector


@pytest.fixture
def X():
    rng = np.random.default_rng(0)
    return rng.normal(size=(90, 4)) * [1, 3, 0.5, 2] + [0, 2, 1, -3]


@pytest.fixture
def y(X):
    return X[:, 0] + 0.5 * X[:, 1] + np.random.default_rng(1).normal(size=90)


def own_scorer(estimator, X, y):
    return estimator.score(X, y)


def frame_of(X):
    return pd.DataFrame(X, columns=list("abcd"))


WEIGHT = {"sample_weight": np.linspace(0.5, 1, 90)}
# Without exact arithmetic: (estimator, settings, change of X and y, arguments of fit, reason).
NOT_EXACT = {
    "fast": (Ridge(), {"fast": False}, None, {}, "fast=False"),
    "kind": (Lasso(), {}, None, {}, "Lasso has no exact scorer"),
    "positive": (LinearRegression(positive=True), {}, None, {}, "not cover positive=True"),
    "solver": (Ridge(solver="lsqr"), {}, None, {}, "the scorer of Ridge does not cover solver="),
    "p": (KNeighborsRegressor(p=3), {}, None, {}, "does not cover p=3"),
    "step": (make_pipeline(PCA(1), Ridge()), {}, None, {}, "the step PCA of the Pipeline may mix"),
    "scorer": (Ridge(), {"scoring": own_scorer}, None, {}, "the scorer 'score' may look at more"),
    "several": (
        Ridge(),
        {"scoring": {"a": "r2", "b": own_scorer}, "refit": "a"},
        None,
        {},
        "the scorer 'b' may look at more",
    ),
    "weights": (
        make_pipeline(StandardScaler(), LinearRegression()),
        {},
        None,
        {"linearregression__sample_weight": WEIGHT["sample_weight"]},
        "fit gets linearregression__sample_weight",
    ),
    "missing": (
        HistGradientBoostingRegressor(max_iter=2),
        {},
        lambda X, y: (np.where(X > 4, np.nan, X), y),
        {},
        "HistGradientBoostingRegressor has no exact scorer",
    ),
    "sparse": (Ridge(), {}, lambda X, y: (scipy.sparse.csr_matrix(X), y), {}, "X is sparse"),
    "float16": (
        KNeighborsRegressor(),
        {},
        lambda X, y: (X.astype(np.float16), y),
        {},
        "X is of type float16",
    ),
    "category": (
        GradientBoostingRegressor(n_estimators=2, n_jobs=1, random_state=0),
        {},
        lambda X, y: (frame_of(X).assign(a=pd.Categorical(["u", "v"] * 45)), y),
        {},
        "GradientBoostingRegressor has no exact scorer",
    ),
    "nullable": (
        Ridge(),
        {},
        lambda X, y: (frame_of(X).astype({"b": "Float64"}), y),
        {},
        "column 'b' is of type Float64",
    ),
    "no y": (KMeans(2, n_init=1, random_state=0), {}, lambda X, y: (X, None), {}, "KMeans has no"),
    "outputs": (LinearRegression(), {}, lambda X, y: (X, np.c_[y, y]), {}, "y has 2 dimensions"),
}


@pytest.mark.parametrize("case", NOT_EXACT, ids=str)
def test_the_reason_says_what_rules_out_exact_arithmetic(X, y, case):
    estimator, settings, change, params, reason = NOT_EXACT[case]
    X, y = (X, y) if change is None else change(X, y)
    selector = SequentialFeatureSelector(estimator, cv=2, n_features_to_select=1, **settings)
    selector.fit(X, y, **params)
    assert reason in selector.strategy_reason_
    shared = hasattr(estimator, "fit_many")
    assert selector.strategy_ == ("shared" if shared else "separate")
    if settings.get("fast", "auto"):
        selector.set_params(fast="check").fit(X, y, **params)
        assert reason in selector.strategy_reason_
        assert ("compared with separate fits" in selector.strategy_reason_) == shared


def test_weights_routed_to_a_pipeline_rule_out_exact_arithmetic(X, y):
    """Only metadata routing hands a plain ``sample_weight`` to a Pipeline."""
    with config_context(enable_metadata_routing=True):
        scaler = StandardScaler().set_fit_request(sample_weight=True)
        last = LinearRegression().set_fit_request(sample_weight=True)
        model = make_pipeline(scaler, last)
        scorer = get_scorer("r2").set_score_request(sample_weight=False)
        selector = ExhaustiveFeatureSelector(model, cv=2, max_features=1, scoring=scorer)
        selector.fit(X, y, **WEIGHT)
    assert selector.strategy_ == "separate"
    assert "sample_weight goes to a Pipeline" in selector.strategy_reason_


@pytest.mark.parametrize("fast", ["auto", "check"])
def test_exact_arithmetic_says_how_many_fits_were_made(X, y, fast):
    selector = SequentialFeatureSelector(
        LinearRegression(), cv=3, fast=fast, fixed_features=[0, 1], n_features_to_select=3
    ).fit(X, y)
    assert selector.strategy_ == "exact"
    assert selector.strategy_reason_.startswith("LinearRegression has exact arithmetic.")
    X[:, 3] = X[:, 0] - X[:, 1]
    selector.fit(X, y)
    assert selector.strategy_ == "exact"
    assert "but 3 of 6 fits were made" in selector.strategy_reason_


def test_an_interrupted_search_has_a_strategy(X, y):
    def interrupt(scored):
        raise KeyboardInterrupt

    selector = SequentialFeatureSelector(Ridge(), cv=2, callback=interrupt)
    with pytest.warns(UserWarning, match="Interrupted"):
        selector.fit(X, y)
    assert selector.strategy_ == "exact"


# float32 -------------------------------------------------------------------------------------

FAMILIES = [
    (LinearRegression(), "r2"),
    (Ridge(), "neg_mean_squared_error"),
    (RidgeClassifier(), "accuracy"),
    (LogisticRegression(tol=1e-7), "neg_log_loss"),
    (LinearDiscriminantAnalysis(), "neg_log_loss"),
    (GaussianNB(), "neg_log_loss"),
    (KNeighborsClassifier(), "neg_log_loss"),
    (KNeighborsRegressor(weights="distance"), "neg_mean_absolute_error"),
    (make_pipeline(StandardScaler(), LinearRegression()), "r2"),
]


@pytest.mark.parametrize("kind", [np.asarray, frame_of])
@pytest.mark.parametrize(("estimator", "scoring"), FAMILIES, ids=str)
def test_float32_is_scored_exactly_in_float64(X, y, estimator, scoring, kind):
    narrow, y = X.astype(np.float32), y.astype(np.float32)
    if is_classifier(estimator):
        y = (y > 1).astype(int)
    settings = {"scoring": scoring, "cv": 3}
    selector = ExhaustiveFeatureSelector(estimator, fast="check", **settings).fit(kind(narrow), y)
    assert selector.strategy_ == "exact"
    wide = narrow.astype(np.float64)
    of_wide = ExhaustiveFeatureSelector(estimator, **settings).fit(kind(wide), y)
    assert selector.history_ == of_wide.history_
    for scored in selector.history_:
        ordinary = cross_val_score(clone(estimator), narrow[:, scored.features], y, **settings)
        np.testing.assert_allclose(scored.fold_scores, ordinary, rtol=1e-4, atol=1e-4)
    assert selector.predict(kind(narrow)).shape == (90,)


def test_fits_of_float32_that_are_left_over_are_in_float64_too(X, y):
    """Ordinary fits in float32 to columns with a large mean are off by more than 1e-6."""
    narrow = np.c_[X[:, :2], X[:, 0] - X[:, 1]].astype(np.float32) + np.float32(3e3)
    selector = ExhaustiveFeatureSelector(LinearRegression(), cv=3).fit(narrow, y)
    apart = ExhaustiveFeatureSelector(LinearRegression(), cv=3, fast=False)
    of_wide = apart.fit(narrow.astype(np.float64), y)
    for scored, other in zip(selector.history_, of_wide.history_, strict=True):
        np.testing.assert_allclose(scored.fold_scores, other.fold_scores, rtol=1e-6)


def test_mixed_columns_and_weights_in_float32(X, y):
    frame = frame_of(X).astype({"a": np.float32, "c": np.float32}).assign(d=np.arange(90) % 7)
    weight = WEIGHT["sample_weight"].astype(np.float32)
    selector = ExhaustiveFeatureSelector(Ridge(), cv=3, fast="check")
    selector.fit(frame, y, sample_weight=weight)
    assert selector.strategy_ == "exact"
    pd.testing.assert_series_equal(
        frame.dtypes,
        pd.Series([np.float32, np.float64, np.float32, int], index=list("abcd")),
        check_names=False,
    )
    kept = frame.loc[:, selector.support_]
    assert selector.estimator_.coef_.shape == (kept.shape[1],)


def test_multiple_targets_take_separate_fits(X, y):
    model = MultiOutputRegressor(Ridge())
    selector = SequentialFeatureSelector(model, cv=2, scoring="r2").fit(X, np.c_[y, -y])
    assert selector.strategy_ == "separate"
    assert "MultiOutputRegressor has no exact scorer" in selector.strategy_reason_
