"""Intervals that cover what they promise."""

import pickle
import re

import numpy as np
import pandas as pd
import pytest
from sklearn import config_context
from sklearn.base import BaseEstimator, RegressorMixin, clone
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import GridSearchCV, GroupKFold, KFold, TimeSeriesSplit
from sklearn.neighbors import KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVR
from support.single_networks import MLPRegressor

from sklearn_modern._neural import packs
from sklearn_modern.calibration import ConformalRegressor


class Line(RegressorMixin, BaseEstimator):
    """A straight line, which is fitted fast."""

    def fit(self, X, y, sample_weight=None):
        self.rows_ = np.asarray(X)[:, 0]
        self.sample_weight_ = sample_weight
        self.coef_ = np.polyfit(self.rows_, y, 1)
        return self

    def predict(self, X):
        return np.polyval(self.coef_, np.asarray(X)[:, 0])


class Band(Line):
    """A band around a line, as wide as it is told to be."""

    def __init__(self, width=0.1):
        self.width = width

    def predict_quantiles(self, X):
        spread = self.width * np.asarray(X)[:, 0]
        return self.predict(X)[:, None] + spread[:, None] * [1, -1]  # in any order


def draw(rng, n_rows):
    """Draw rows whose noise grows with x and is far from normal."""
    x = rng.uniform(1, 5, n_rows)
    return x[:, None], 2 * x + x * rng.exponential(size=n_rows)


X, Y = draw(np.random.default_rng(0), 60)


def covers(interval, y):
    return (interval[:, 0] <= y) & (y <= interval[:, 1])


@pytest.mark.parametrize(
    ("estimator", "settings", "expected", "slack"),
    [
        (Line(), {"calibration_size": 9}, 0.9, 0.03),  # 9 of 10 exactly
        (Band(), {"calibration_size": 9}, 0.9, 0.03),
        (Band(width=3.0), {"calibration_size": 19, "confidence": 0.8}, 0.8, 0.03),
        (Line(), {"calibration_size": 5, "confidence": 0.5}, 0.5, 0.05),
        (Line(), {"method": "cv+", "cv": 4}, 0.91, 0.03),
        (Band(), {"method": "cv+", "cv": 4}, 0.91, 0.03),
    ],
    ids=["split", "quantiles", "wide quantiles", "half", "cv+", "cv+ of quantiles"],
)
def test_new_rows_are_covered_as_often_as_promised(estimator, settings, expected, slack):
    """What a quantile without the correction for few rows misses by more than the slack."""
    rng = np.random.default_rng(0)
    shares = []
    for seed in range(80):
        reg = ConformalRegressor(estimator, random_state=seed, **settings).fit(*draw(rng, 24))
        X_new, y_new = draw(rng, 40)
        shares.append(covers(reg.predict_interval(X_new), y_new).mean())
    assert abs(np.mean(shares) - expected) < slack


def test_split_is_the_ranked_error_of_rows_set_aside():
    reg = ConformalRegressor(Line(), confidence=0.55, calibration_size=19, random_state=0)
    reg.fit(X, Y)
    rows = reg.calibration_rows_
    assert len(set(rows)) == 19
    assert not set(X[rows, 0]) & set(reg.estimators_[0].rows_)
    errors = np.abs(Y[rows] - reg.predict(X[rows]))
    np.testing.assert_allclose(reg.conformity_scores_, errors)
    assert reg.margin_ == np.sort(errors)[10]  # 20 * 0.55 = 11.000000000000002
    interval = reg.predict_interval(X)
    np.testing.assert_allclose(interval, reg.predict(X)[:, None] + reg.margin_ * np.array([-1, 1]))


def test_cv_plus_is_its_definition(monkeypatch):
    cv = KFold(3)
    monkeypatch.setattr("sklearn_modern.calibration._conformal._CHUNK_NUMBERS", 200)
    reg = ConformalRegressor(Line(), method="cv+", cv=cv, confidence=0.8).fit(X, Y)
    low, high = [], []
    for train, test in cv.split(X):
        model = Line().fit(X[train], Y[train])
        for row in test:
            error = abs(Y[row] - model.predict(X[[row]])[0])
            low.append(model.predict(X) - error)
            high.append(model.predict(X) + error)
    # Barber et al.: the floor(0.2 * 61)-th smallest and the ceil(0.8 * 61)-th smallest.
    expected = np.column_stack([np.sort(low, axis=0)[11], np.sort(high, axis=0)[48]])
    np.testing.assert_allclose(reg.predict_interval(X), expected)
    members = [member.predict(X) for member in reg.estimators_]
    np.testing.assert_allclose(reg.predict(X), np.mean(members, axis=0))
    assert not hasattr(reg, "margin_")


def test_quantiles_are_corrected_on_both_sides_and_never_cross():
    reg = ConformalRegressor(Band(), random_state=0).fit(X, Y)
    lowest, highest = np.sort(reg.estimators_[0].predict_quantiles(X)).T
    assert reg.margin_ > 0
    expected = np.column_stack([lowest - reg.margin_, highest + reg.margin_])
    np.testing.assert_allclose(reg.predict_interval(X), expected)
    narrow = ConformalRegressor(Band(3.0), confidence=0.3, random_state=0).fit(X, Y)
    lower, upper = narrow.predict_interval(X / 10).T
    assert narrow.margin_ < 0
    assert (lower == upper).any()
    assert (lower <= upper).all()


def test_quantiles_behind_the_steps_of_a_pipeline_are_found():
    model = make_pipeline(StandardScaler(with_mean=False), Band())
    reg = ConformalRegressor(model, random_state=0).fit(X, Y)
    (fitted,) = reg.estimators_
    quantiles = np.sort(fitted[-1].predict_quantiles(fitted[:-1].transform(X)))
    expected = quantiles + reg.margin_ * np.array([-1, 1])
    np.testing.assert_allclose(reg.predict_interval(X), expected)


@pytest.mark.parametrize(
    "wrap",
    [
        lambda model: GridSearchCV(model, {}, cv=2),
        lambda model: make_pipeline(StandardScaler(with_mean=False), model),
        lambda model: FrozenEstimator(model.fit(X, Y)),
        lambda model: FrozenEstimator(GridSearchCV(make_pipeline(model), {}, cv=2).fit(X, Y)),
    ],
)
def test_quantiles_of_a_model_within_others_are_found(wrap):
    model = wrap(make_pipeline(StandardScaler(with_mean=False), Band()))
    widths = np.diff(ConformalRegressor(model, random_state=0).fit(X, Y).predict_interval(X))
    assert np.ptp(widths) > 0.1  # without quantiles all are the same


def test_groups_are_set_aside_by_their_number():
    groups = np.repeat([0, 1, 2], [10, 10, 40])
    reg = ConformalRegressor(Line(), confidence=0.5, calibration_size=20, random_state=0)
    held_out = groups[reg.fit(X, Y, groups=groups).calibration_rows_]
    assert len(set(held_out)) == 1


@pytest.mark.parametrize("method", ["split", "cv+"])
def test_pickles_frames_and_seeds(method):
    frame = pd.DataFrame({"x": X[:, 0], "z": -(X[:, 0] ** 2)})
    reg = ConformalRegressor(LinearRegression(), method=method, random_state=3)
    reg.fit(frame, pd.Series(Y, index=np.arange(60) + 9))
    assert reg.feature_names_in_.tolist() == ["x", "z"]
    interval = reg.predict_interval(frame)
    again = clone(reg).fit(frame, Y)
    np.testing.assert_array_equal(again.predict_interval(frame), interval)
    restored = pickle.loads(pickle.dumps(reg))
    np.testing.assert_array_equal(restored.predict_interval(frame), interval)
    with pytest.raises(ValueError, match="feature names"):
        reg.predict_interval(frame[["z", "x"]])
    other = clone(reg).set_params(random_state=4).fit(frame, Y)
    assert other.calibration_rows_.tolist() != reg.calibration_rows_.tolist()


def test_a_change_of_parameters_after_the_fit_changes_nothing():
    reg = ConformalRegressor(Line(), random_state=0).fit(X, Y)
    interval = reg.predict_interval(X)
    reg.set_params(method="cv+", confidence=0.5)
    np.testing.assert_array_equal(reg.predict_interval(X), interval)


def test_a_frozen_model_is_calibrated_by_all_rows():
    model = Line().fit(X[:20], Y[:20])
    reg = ConformalRegressor(FrozenEstimator(model), random_state=0).fit(X[20:], Y[20:])
    assert reg.calibration_rows_.tolist() == list(range(40))
    np.testing.assert_array_equal(reg.predict(X), model.predict(X))


@pytest.mark.parametrize("routing", [False, True])
@pytest.mark.parametrize("method", ["split", "cv+"])
def test_weights_reach_the_model_and_rows_without_weight_do_not_calibrate(routing, method):
    weight = np.arange(60) % 3.0
    with config_context(enable_metadata_routing=routing):
        line = Line().set_fit_request(sample_weight=True) if routing else Line()
        reg = ConformalRegressor(line, method=method, calibration_size=None, random_state=0)
        reg.set_params(confidence=0.8).fit(X, Y, sample_weight=weight)
    for member in reg.estimators_:
        place = dict(zip(X[:, 0], weight, strict=True))
        assert member.sample_weight_.tolist() == [place[x] for x in member.rows_]
    assert (weight[reg.calibration_rows_] > 0).all()
    assert len(reg.calibration_rows_) == len(reg.conformity_scores_)


@pytest.mark.parametrize("routing", [False, True])
@pytest.mark.parametrize(
    "settings", [{}, {"method": "cv+"}, {"method": "cv+", "cv": GroupKFold(3)}]
)
def test_groups_stay_together(routing, settings):
    groups = np.arange(60) // 4
    of_row = dict(zip(X[:, 0], groups, strict=True))
    with config_context(enable_metadata_routing=routing):
        reg = ConformalRegressor(Line(), confidence=0.8, random_state=0, **settings)
        reg.fit(X, Y, groups=groups)
    for number, member in enumerate(reg.estimators_):
        seen = {of_row[x] for x in member.rows_}
        held_out = reg.calibration_rows_[reg._member_of_score == number]
        assert not seen & set(groups[held_out])


def test_networks_of_the_folds_train_together(monkeypatch):
    together, sizes = packs.train_together, []

    def counting(pack, *args, **kwargs):
        sizes.append(len(pack))
        return together(pack, *args, **kwargs)

    monkeypatch.setattr(packs, "train_together", counting)
    network = MLPRegressor((4,), max_iter=2, device="cpu")
    ConformalRegressor(network, method="cv+", cv=3, random_state=0).fit(X, Y)
    assert sizes == [3]


def test_it_is_searched_and_scored_as_a_regressor():
    reg = ConformalRegressor(KNeighborsRegressor(), confidence=0.5, random_state=0)
    search = GridSearchCV(reg, {"method": ["split", "cv+"], "estimator__n_neighbors": [1, 5]}, cv=2)
    search.fit(X, Y)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    assert search.best_estimator_.predict_interval(X).shape == (60, 2)


@pytest.mark.parametrize(
    ("estimator", "settings", "y", "message"),
    [
        (
            Line(),
            {"confidence": 0.99},
            Y,
            "needs at least 99 rows to calibrate by, and there are 60",
        ),
        (Line(), {"calibration_size": 60}, Y, "There are 60 samples, and 60 are to be set aside"),
        (
            Line(),
            {"calibration_size": 8},
            Y,
            "confidence=0.9 needs at least 9 rows to calibrate by, and there are 8 samples",
        ),
        (
            Line(),
            {"method": "cv+", "confidence": 0.99},
            Y,
            "needs at least 99 rows to calibrate by, and there are 60",
        ),
        (Line(), {}, np.column_stack([Y, Y]), "y has 2 columns, but intervals are of one target"),
        (Line(), {"cv": 3}, Y, "cv=3 has no effect with method='split'"),
        (Line(), {"method": "cv+", "calibration_size": 9}, Y, "it is for method='split'"),
        (Line(), {"method": "cv+", "cv": TimeSeriesSplit(3)}, Y, "each row out exactly once"),
        (Line(), {"method": "cv+", "cv": 61}, Y, "cv=61, but there are 60 samples"),
        (
            FrozenEstimator(Line().fit(X, Y)),
            {"method": "cv+"},
            Y,
            "which a FrozenEstimator does not allow",
        ),
        (LogisticRegression(), {}, Y, "needs a regressor, which LogisticRegression is not"),
        (SVR(kernel="precomputed"), {}, Y, "all pairs of rows"),
        (
            MLPRegressor((2,), loss="quantile", max_iter=1, device="cpu"),
            {},
            Y,
            "at least two quantiles of each row, .* shape (45, 1)|shape (15, 1)",
        ),
        (Line(), {"confidence": 90}, Y, "'confidence' parameter .* must be a float"),
    ],
    ids=[
        *(
            "rows",
            "all set aside",
            "few set aside",
            "rows of cv+",
            "two columns",
            "cv",
            "size",
            "time",
            "folds",
        ),
        *("frozen", "classes", "pairs", "one quantile", "per cent"),
    ],
)
def test_errors_say_what_is_wrong(estimator, settings, y, message):
    with pytest.raises(ValueError, match=r"[\s\S]") as raised:
        ConformalRegressor(estimator, **settings).fit(X, y)
    pattern = message.replace("(", r"\(").replace(")", r"\)")
    assert re.search(pattern, str(raised.value), re.DOTALL)
