"""Ensembles of one model for each fold."""

import pickle
import re

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_array
from sklearn import config_context
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin, clone
from sklearn.datasets import load_iris, make_regression
from sklearn.linear_model import LogisticRegression, Ridge, RidgeClassifier
from sklearn.metrics import accuracy_score, log_loss, r2_score
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    KFold,
    RepeatedKFold,
    StratifiedKFold,
    TimeSeriesSplit,
)
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier
from support.single_networks import MLPClassifier, MLPRegressor
from support.small_boosters import WHOLE

from sklearn_modern._neural import packs
from sklearn_modern.ensemble import (
    FoldEnsembleClassifier,
    FoldEnsembleRegressor,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
)
from sklearn_modern.ordinal import OrdinalGradientBoostingClassifier

X, CODES = load_iris(return_X_y=True)
ORDER = np.random.default_rng(0).permutation(150)
X, CODES = X[ORDER], CODES[ORDER]
LABELS = np.array(["setosa", "versicolor", "virginica"])[CODES]
XR, YR = make_regression(60, 4, noise=5.0, random_state=0)
BRIEF = {"max_iter": 8, "device": "cpu", "random_state": 0}
BOOSTING = WHOLE | {"n_estimators": 40, "min_samples_leaf": 2, "backend": "lightgbm", "n_jobs": 1}


def by_hand(model, X, y, cv, weight=None):
    """Return what a plain loop makes of the same folds."""
    members, held_out = [], None
    predict = "predict_proba" if hasattr(model, "predict_proba") else "predict"
    for train, test in cv.split(X, y):
        own = {} if weight is None else {"sample_weight": weight[train]}
        member = clone(model).fit(X[train], y[train], **own)
        predicted = getattr(member, predict)(X[test])
        if held_out is None:
            held_out = np.full((len(X), *predicted.shape[1:]), np.nan)
        held_out[test] = predicted
        members.append(getattr(member, predict)(X))
    return np.mean(members, axis=0), held_out


def test_a_classifier_is_the_mean_over_its_folds():
    cv = StratifiedKFold(4, shuffle=True, random_state=0)
    model = LogisticRegression(C=0.1)
    clf = FoldEnsembleClassifier(model, cv=cv).fit(X, LABELS)
    mean, held_out = by_hand(model, X, LABELS, cv)
    np.testing.assert_allclose(clf.predict_proba(X), mean, rtol=1e-12)
    np.testing.assert_allclose(clf.oof_prediction_, held_out, rtol=1e-12)
    assert clf.oof_score_ == accuracy_score(CODES, held_out.argmax(1))
    assert clf.predict(X).tolist() == clf.classes_[mean.argmax(1)].tolist()
    assert not hasattr(clf, "temperature_")
    assert len(clf.estimators_) == 4


def test_a_regressor_is_the_mean_over_its_folds_and_counts_weights():
    weight = np.random.default_rng(0).uniform(0, 2, len(YR))
    cv = KFold(5, shuffle=True, random_state=1)
    reg = FoldEnsembleRegressor(Ridge(10), cv=cv).fit(XR, YR, sample_weight=weight)
    mean, held_out = by_hand(Ridge(10), XR, YR, cv, weight)
    np.testing.assert_allclose(reg.predict(XR), mean, rtol=1e-12)
    np.testing.assert_allclose(reg.oof_prediction_, held_out, rtol=1e-12)
    assert reg.oof_score_ == pytest.approx(r2_score(YR, held_out, sample_weight=weight))


def test_several_outputs():
    Y = np.column_stack([YR, -YR])
    reg = FoldEnsembleRegressor(Ridge(), cv=3, random_state=0).fit(XR, Y)
    assert reg.predict(XR).shape == reg.oof_prediction_.shape == Y.shape
    np.testing.assert_allclose(reg.predict(XR)[:, 0], -reg.predict(XR)[:, 1])


def test_rows_held_out_often_are_averaged_and_those_never_are_nan():
    cv = RepeatedKFold(n_splits=3, n_repeats=2, random_state=0)
    reg = FoldEnsembleRegressor(Ridge(), cv=cv).fit(XR, YR)
    total = np.zeros(len(YR))
    for member, (_, test) in zip(reg.estimators_, cv.split(XR), strict=True):
        total[test] += member.predict(XR[test])
    np.testing.assert_allclose(reg.oof_prediction_, total / 2)
    reg.set_params(cv=TimeSeriesSplit(3)).fit(XR, YR)
    assert np.isnan(reg.oof_prediction_[:15]).all()
    assert np.isfinite(reg.oof_prediction_[15:]).all()
    assert reg.oof_score_ == pytest.approx(r2_score(YR[15:], reg.oof_prediction_[15:]))


def test_the_temperature_has_the_lowest_loss_of_rows_held_out():
    noisy = np.random.default_rng(0).permutation(CODES)
    noisy[:90] = CODES[:90]
    plain, calibrated = (
        FoldEnsembleClassifier(GaussianNB(), calibration=c, cv=4, random_state=0).fit(X, noisy)
        for c in (None, "temperature")
    )
    assert calibrated.temperature_ > 1.2  # naive Bayes is overconfident

    def loss(temperature):
        scaled = plain.oof_prediction_ ** (1 / temperature)
        return log_loss(noisy, scaled / scaled.sum(1, keepdims=True))

    best = loss(calibrated.temperature_)
    assert best == pytest.approx(log_loss(noisy, calibrated.oof_prediction_))
    assert best <= min(loss(t) for t in np.geomspace(0.3, 10, 60))
    scaled = [m.predict_proba(X) ** (1 / calibrated.temperature_) for m in plain.estimators_]
    expected = np.mean([s / s.sum(1, keepdims=True) for s in scaled], axis=0)
    np.testing.assert_allclose(calibrated.predict_proba(X), expected, rtol=1e-10)


@pytest.mark.parametrize("kind", [FoldEnsembleClassifier, FoldEnsembleRegressor])
def test_members_stop_by_the_fold_that_they_do_not_see(kind):
    model, y = {
        FoldEnsembleClassifier: (GradientBoostingClassifier(**BOOSTING), CODES),
        FoldEnsembleRegressor: (GradientBoostingRegressor(**BOOSTING), X[:, 0]),
    }[kind]
    cv = KFold(3, shuffle=True, random_state=0)
    model.set_params(n_estimators=300, n_iter_no_change=5, learning_rate=0.5)
    ensemble = kind(model, cv=cv).fit(X[:, 1:], y)
    for member, (train, test) in zip(ensemble.estimators_, cv.split(X), strict=True):
        alone = clone(model).set_params(early_stopping=True)
        alone.fit(X[train, 1:], y[train], X_val=X[test, 1:], y_val=y[test])
        assert member.n_estimators_ == alone.n_estimators_ < 300
        np.testing.assert_array_equal(member.predict(X[:, 1:]), alone.predict(X[:, 1:]))


@pytest.mark.parametrize(
    ("ensemble", "data"),
    [
        (FoldEnsembleClassifier(MLPClassifier((8,), **BRIEF), cv=3), (X, LABELS)),
        (FoldEnsembleRegressor(MLPRegressor((8,), **BRIEF), cv=3), (XR, YR)),
    ],
    ids=["classifier", "regressor"],
)
def test_networks_train_together_and_as_alone(ensemble, data, monkeypatch):
    together, sizes = packs.train_together, []

    def counting(pack, *args, **kwargs):
        sizes.append(len(pack))
        return together(pack, *args, **kwargs)

    monkeypatch.setattr(packs, "train_together", counting)
    ensemble.set_params(random_state=0).fit(*data)
    assert sizes == [3]
    monkeypatch.setenv("SKLEARN_MODERN_PACK_SIZE", "1")
    alone = clone(ensemble).fit(*data)
    np.testing.assert_allclose(ensemble.oof_prediction_, alone.oof_prediction_, atol=1e-5)
    assert [m.n_iter_ for m in ensemble.estimators_] == [m.n_iter_ for m in alone.estimators_]
    seeds = {member.random_state for member in ensemble.estimators_}
    assert len(seeds) == 3


def test_probabilities_of_networks_sum_to_one():
    """Metrics in float64 warn of sums that are one in float32 alone."""
    X, y = load_iris(return_X_y=True)
    model = FoldEnsembleClassifier(MLPClassifier((4,), max_iter=2, random_state=0), cv=3).fit(X, y)
    for probabilities in (model.predict_proba(X), model.oof_prediction_):
        np.testing.assert_allclose(probabilities.sum(axis=1), 1.0, rtol=1e-12)
        log_loss(y, probabilities)


def test_the_result_depends_neither_on_processes_nor_on_a_second_fit():
    tree = make_pipeline(StandardScaler(), DecisionTreeClassifier(max_features=1))
    clf = FoldEnsembleClassifier(tree, cv=3, random_state=0).fit(X, CODES)
    again = clone(clf).set_params(n_jobs=2).fit(X, CODES)
    np.testing.assert_array_equal(again.oof_prediction_, clf.oof_prediction_)
    np.testing.assert_array_equal(again.predict_proba(X), clf.predict_proba(X))
    assert clf.estimators_[0][-1].random_state != clf.estimators_[1][-1].random_state
    restored = pickle.loads(pickle.dumps(clf))
    np.testing.assert_array_equal(restored.predict(X), clf.predict(X))


def test_data_frames_reach_the_members_as_they_are():
    frame = pd.DataFrame(X, columns=list("abcd"))
    frame["kind"] = pd.Categorical(np.where(CODES == 0, "one", "other"))
    y = pd.Series(LABELS, index=np.arange(150) + 7)
    clf = FoldEnsembleClassifier(GradientBoostingClassifier(**BOOSTING), cv=3)
    clf.fit(frame, y)
    assert clf.feature_names_in_.tolist() == [*"abcd", "kind"]
    assert clf.oof_score_ > 0.9
    with pytest.raises(ValueError, match="feature names"):
        clf.predict(frame[["b", "a", "c", "d", "kind"]])


@pytest.mark.parametrize("routing", [False, True])
@pytest.mark.parametrize("cv", [3, GroupKFold(3)])
def test_groups_stay_together(routing, cv):
    groups = np.arange(150) // 5
    with config_context(enable_metadata_routing=routing):
        clf = FoldEnsembleClassifier(Remembers(), cv=cv, random_state=0)
        clf.fit(np.column_stack([np.arange(150), X]), CODES, groups=groups)
    for member in clf.estimators_:
        seen = groups[member.rows_]
        assert not set(seen) & set(np.delete(groups, member.rows_))


class Remembers(ClassifierMixin, BaseEstimator):
    """Knows its rows, whose numbers are in the first column, and predicts no probabilities."""

    def fit(self, X, y):
        self.rows_, self.classes_ = X[:, 0].astype(int), np.unique(y)
        return self

    def predict(self, X):
        return np.full(len(X), self.classes_[len(self.rows_) % 2])


def test_without_probabilities_members_vote():
    clf = FoldEnsembleClassifier(RidgeClassifier(), cv=5, random_state=0).fit(X, LABELS)
    assert not hasattr(clf, "predict_proba")
    votes = np.stack([member.predict(X) for member in clf.estimators_])
    shares = (votes[..., None] == clf.classes_).mean(0)
    assert clf.predict(X).tolist() == clf.classes_[shares.argmax(1)].tolist()
    assert set(np.unique(clf.oof_prediction_)) == {0.0, 1.0}


def test_members_that_lack_a_class_give_it_no_probability():
    y = np.where(np.arange(60) < 20, 2, np.arange(60) % 2)  # the first fold has all of class 2
    clf = FoldEnsembleClassifier(GaussianNB(), cv=KFold(3), calibration="temperature")
    clf.fit(X[:60], y)
    assert clf.estimators_[0].classes_.tolist() == [0, 1]
    assert not clf.oof_prediction_[:20, 2].any()
    np.testing.assert_allclose(clf.predict_proba(X).sum(1), 1)


def test_levels_that_y_lacks_have_no_probability():
    levels = OrdinalGradientBoostingClassifier(n_estimators=3, class_order=[-1, 0, 1, 2, 3])
    clf = FoldEnsembleClassifier(levels, cv=3, random_state=0).fit(X, CODES)
    assert clf.classes_.tolist() == [0, 1, 2]
    assert clf.oof_score_ > 0.8


def test_members_are_not_told_of_classes_that_they_do_not_know():
    order = np.argsort(CODES, kind="stable")
    clf = FoldEnsembleClassifier(GradientBoostingClassifier(**BOOSTING), cv=KFold(3))
    clf.fit(X[order], LABELS[order])
    assert [len(member.classes_) for member in clf.estimators_] == [2, 2, 2]


def test_ones_own_validation_rows_reach_every_member_whole():
    reg = FoldEnsembleRegressor(Spy(), cv=3).fit(XR, YR, X_val=csr_array(XR), y_val=YR)
    for member in reg.estimators_:
        assert member.given_["X_val"].shape == XR.shape
        assert len(member.given_["y_val"]) == len(YR)
        assert member.n_rows_ == 40


class Spy(RegressorMixin, BaseEstimator):
    """Remembers what its fit was given."""

    def fit(self, X, y, X_val=None, y_val=None):
        self.n_rows_, self.given_ = len(X), {"X_val": X_val, "y_val": y_val}
        return self

    def predict(self, X):
        return np.zeros(len(X))


def test_masks_are_folds():
    mask = np.arange(150) % 2 == 0
    masks, places = (
        FoldEnsembleClassifier(GaussianNB(), cv=cv, calibration="temperature").fit(X, CODES)
        for cv in (
            [(mask, ~mask), (~mask, mask)],
            [(np.flatnonzero(a), np.flatnonzero(b)) for a, b in ((mask, ~mask), (~mask, mask))],
        )
    )
    np.testing.assert_array_equal(masks.predict_proba(X), places.predict_proba(X))


def test_what_was_fitted_predicts_whatever_the_parameters_are_now():
    clf = FoldEnsembleClassifier(GaussianNB(), cv=3, random_state=0).fit(X, CODES)
    plain = clf.predict_proba(X)
    np.testing.assert_array_equal(clf.set_params(calibration="temperature").predict_proba(X), plain)
    calibrated = clf.fit(X, CODES).predict_proba(X)
    np.testing.assert_array_equal(clf.set_params(calibration=None).predict_proba(X), calibrated)
    np.testing.assert_array_equal(clf.fit(X, CODES).predict_proba(X), plain)
    assert not hasattr(clf, "temperature_")


def test_groups_outside_are_groups_inside():
    groups, seen = np.arange(150) // 5, []

    class Watching(FoldEnsembleClassifier):
        def fit(self, X, y, groups=None, **fit_params):
            seen.append(groups)
            return super().fit(X, y, groups, **fit_params)

    with config_context(enable_metadata_routing=True):
        search = GridSearchCV(Watching(GaussianNB(), cv=2), {"cv": [2]}, cv=GroupKFold(2))
        search.fit(X, CODES, groups=groups)
    assert [len(each) for each in seen] == [75, 75, 150]


@pytest.mark.parametrize(
    ("ensemble", "y", "message"),
    [
        (FoldEnsembleClassifier(GaussianNB(), cv=60), LABELS, "cv=60, but class 'setosa' has 50"),
        (
            FoldEnsembleClassifier(RidgeClassifier(), calibration="temperature"),
            CODES,
            "RidgeClassifier has no predict_proba",
        ),
        (FoldEnsembleRegressor(Ridge(), calibration="temperature"), CODES, "a regressor has not"),
        (FoldEnsembleClassifier(Ridge()), CODES, "needs a classifier, which Ridge is not"),
        (FoldEnsembleRegressor(GaussianNB()), CODES, "needs a regressor, which GaussianNB is not"),
        (FoldEnsembleClassifier(SVC(kernel="precomputed")), CODES, "all pairs of rows"),
        (FoldEnsembleClassifier(GaussianNB(), cv=[]), CODES, "cv has no splits"),
        (
            FoldEnsembleClassifier(GaussianNB()),
            [None, *LABELS[1:]],
            "missing values .* in 1 of 150 rows",
        ),
        (FoldEnsembleRegressor(Ridge(alpha=-1)), CODES, "alpha.*\\n.*member of fold 0"),
    ],
    ids=[
        *("few rows", "no probabilities", "regressor", "not a classifier", "not a regressor"),
        *("pairs", "no splits", "missing", "member"),
    ],
)
def test_errors_say_what_is_wrong(ensemble, y, message):
    with pytest.raises(ValueError, match=r"[\s\S]") as raised:
        ensemble.fit(X, y)
    text = "\n".join([str(raised.value), *getattr(raised.value, "__notes__", [])])
    assert re.search(message, text, re.DOTALL)
