"""Boosters stop at the best iteration, and show their stages."""

import io
import pickle
import signal
import sys
from importlib import import_module

import numpy as np
import pytest
from sklearn import config_context
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import accuracy_score, log_loss, mean_absolute_error, mean_squared_error
from sklearn.model_selection import GroupShuffleSplit, cross_val_score
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from support.small_boosters import BACKENDS, boosters, diabetes, divided, refuses

pytestmark = pytest.mark.parametrize("backend", BACKENDS)

classifier, regressor = boosters(n_estimators=60, n_iter_no_change=5)
data = pytest.fixture(diabetes, scope="module")
parts = pytest.fixture(divided)


@pytest.mark.parametrize("kind", ["binary", "multiclass", "regression"])
def test_the_best_iteration_predicts(backend, kind, parts):
    X, X_val, labels, target = parts
    y = {"binary": labels == "top", "multiclass": labels, "regression": target}[kind]
    make = regressor if kind == "regression" else classifier
    model = make(backend, learning_rate=0.15).fit(X, y[:300], X_val=X_val, y_val=y[300:])
    scores, best = model.validation_scores_, model.n_estimators_
    assert best == np.argmax(scores) + 1
    assert 1 < best < 60
    assert len(scores) == len(model.train_scores_) == best + 5
    fewer = make(backend, learning_rate=0.15, n_estimators=best).fit(X, y[:300])
    assert fewer.validation_scores_ is None
    predict = "predict" if kind == "regression" else "predict_proba"
    found, expected = getattr(model, predict)(X_val), getattr(fewer, predict)(X_val)
    np.testing.assert_allclose(found, expected, rtol=1e-6)

    def score(rows, y, stage):
        if kind == "regression":
            return -mean_squared_error(y, stage) / 2
        return -log_loss(y, stage, labels=model.classes_)

    stages = list(getattr(model, f"staged_{predict}")(X_val))
    assert len(stages) == best
    np.testing.assert_allclose(
        scores[:best], [score(X_val, y[300:], stage) for stage in stages], rtol=1e-5
    )
    stages = getattr(model, f"staged_{predict}")(X)
    np.testing.assert_allclose(
        model.train_scores_[:best], [score(X, y[:300], stage) for stage in stages], rtol=1e-4
    )


@pytest.mark.parametrize("scoring", ["accuracy", "neg_log_loss", "roc_auc_ovr"])
def test_any_score_is_followed(backend, scoring, parts):
    X, X_val, y, _ = parts
    clf = classifier(backend, scoring=scoring).fit(X, y[:300], X_val=X_val, y_val=y[300:])
    if scoring == "accuracy":
        stages = clf.staged_predict(X_val)
        expected = [accuracy_score(y[300:], stage) for stage in stages]
        np.testing.assert_allclose(clf.validation_scores_[: clf.n_estimators_], expected)
    if scoring == "neg_log_loss":
        same = classifier(backend).fit(X, y[:300], X_val=X_val, y_val=y[300:])
        np.testing.assert_allclose(clf.validation_scores_, same.validation_scores_, rtol=1e-6)
    assert clf.n_estimators_ == np.argmax(clf.validation_scores_) + 1


def test_a_regressors_score_is_followed(backend, parts):
    X, X_val, _, y = parts
    reg = regressor(backend, scoring="neg_mean_absolute_error", learning_rate=0.3)
    reg.fit(X, y[:300], X_val=X_val, y_val=y[300:])
    expected = [-mean_absolute_error(y[300:], stage) for stage in reg.staged_predict(X_val)]
    np.testing.assert_allclose(reg.validation_scores_[: len(expected)], expected, rtol=1e-5)
    with pytest.raises(ValueError, match="nonsense"):
        regressor(backend, scoring="nonsense", early_stopping=True).fit(X, y[:300])


@pytest.mark.parametrize(
    ("loss", "settings"),
    [
        ("absolute_error", {}),
        ("quantile", {"quantile": 0.8}),
        ("poisson", {}),
        ("gamma", {}),
        ("huber", {}),
        ("tweedie", {}),
    ],
)
def test_every_loss_stops(backend, loss, settings, parts):
    X, X_val, _, y = parts
    reg = regressor(backend, loss=loss, learning_rate=0.3, n_iter_no_change=3, **settings)
    if refuses(backend, loss, lambda: reg.fit(X, y[:300], X_val=X_val, y_val=y[300:])):
        assert not hasattr(reg, "booster_")
        return
    reg.fit(X, y[:300], X_val=X_val, y_val=y[300:])
    scores = reg.validation_scores_
    assert max(scores) > scores[0]
    assert reg.train_scores_[reg.n_estimators_ - 1] > reg.train_scores_[0]
    stages = list(reg.staged_predict(X_val))
    np.testing.assert_allclose(stages[-1], reg.predict(X_val), rtol=1e-5)


def test_patience_and_tolerance(backend, parts):
    X, X_val, y, _ = parts
    y_val = y[300:]
    short = classifier(backend, n_iter_no_change=2).fit(X, y[:300], X_val=X_val, y_val=y_val)
    long = classifier(backend, n_iter_no_change=12).fit(X, y[:300], X_val=X_val, y_val=y_val)
    assert len(short.validation_scores_) == short.n_estimators_ + 2
    assert len(short.validation_scores_) < len(long.validation_scores_)
    coarse = classifier(backend, tol=10.0).fit(X, y[:300], X_val=X_val, y_val=y_val)
    assert len(coarse.validation_scores_) == 6
    patient = classifier(backend, n_iter_no_change=99).fit(X, y[:300], X_val=X_val, y_val=y_val)
    assert len(patient.validation_scores_) == 60
    assert patient.n_estimators_ == np.argmax(patient.validation_scores_) + 1


# Which rows validate.


def split_of(monkeypatch, model, *args, **kwargs):
    """The rows that the engine trains on, and those that it validates on."""
    model.fit(*args, **kwargs)
    engine, seen = type(model._engine), []
    fit = engine.fit
    monkeypatch.setattr(engine, "fit", lambda *given: (seen.extend(given[1:3]), fit(*given))[1])
    model.fit(*args, **kwargs)
    return seen


def test_the_split_is_stratified(backend, monkeypatch):
    X, y = np.arange(200.0)[:, None], np.repeat([0, 1], [160, 40])
    clf = classifier(backend, n_estimators=2, early_stopping=True, validation_fraction=0.25)
    training, validation = split_of(monkeypatch, clf, X, y)
    assert np.bincount(validation.y).tolist() == [40, 10]
    assert sorted([*training.X[:, 0], *validation.X[:, 0]]) == list(range(200))
    same = split_of(monkeypatch, clone(clf), X, y)
    np.testing.assert_array_equal(same[1].X, validation.X)
    other = split_of(monkeypatch, clone(clf).set_params(random_state=1), X, y)
    assert (other[1].X != validation.X).any()


def test_groups_are_not_torn_apart(backend, monkeypatch):
    X = np.arange(200.0)[:, None]
    y, groups = np.arange(200) % 2, np.array([f"g{i}" for i in np.arange(200) // 10])
    weight = 1 + np.arange(200) % 3
    clf = classifier(backend, n_estimators=2, early_stopping=True, validation_fraction=0.2)
    training, validation = split_of(monkeypatch, clf, X, y, weight, groups=groups)
    held_out, kept = (set(part.X[:, 0] // 10) for part in (validation, training))
    assert len(held_out) == 4
    assert len(kept) == 16
    for part in (training, validation):
        own = weight[part.X[:, 0].astype(int)]
        np.testing.assert_allclose(part.weight / part.mean_weight, own / own.mean())
    with pytest.raises(ValueError, match="No group can be set aside"):
        clf.fit(X, y, groups=np.zeros(200))
    with pytest.raises(ValueError, match="length|inconsistent"):
        clf.fit(X, y, groups=groups[:-1])


def test_a_class_of_one_group_is_learned(backend):
    X = np.arange(60.0)[:, None]
    y = np.repeat(["a", "b", "c"], 20)
    for seed in range(3):  # whichever group is drawn
        clf = classifier(
            backend, n_estimators=2, early_stopping=True, random_state=seed, learning_rate=1.0
        )
        clf.fit(X, y, groups=np.repeat([0, 1, 2, 3], [20, 20, 10, 10]))
        assert clf.predict_proba(X).shape == (60, 3)
        assert set(clf.predict(X)) == {"a", "b", "c"}
        with pytest.raises(ValueError, match="all rows of a class"):
            clf.fit(X, y, groups=y)


def test_groups_are_routed(backend):
    X, y = np.arange(200.0)[:, None], np.arange(200) % 3
    groups = np.arange(200) // 10
    with config_context(enable_metadata_routing=True):
        clf = classifier(backend, n_estimators=3, early_stopping=True)
        given = {"cv": GroupShuffleSplit(2, test_size=0.5, random_state=0), "error_score": "raise"}
        scores = cross_val_score(clf, X, y, params={"groups": groups}, **given)
        with pytest.raises(ValueError, match="No group can be set aside"):
            cross_val_score(clf, X, y, params={"groups": groups // 10}, **given)
        clf.set_fit_request(groups=False)
        assert len(cross_val_score(clf, X, y, params={"groups": groups // 10}, **given)) == 2
    assert np.isfinite(scores).all()


def test_validation_rows_have_weights(backend, parts):
    X, X_val, y, _ = parts
    y_val, times = y[300:], np.arange(142) % 3
    clf = classifier(backend, n_estimators=8)
    clf.fit(X, y[:300], X_val=X_val, y_val=y_val, sample_weight_val=times)
    repeated = clone(clf).fit(
        X, y[:300], X_val=np.repeat(X_val, times, 0), y_val=np.repeat(y_val, times)
    )
    np.testing.assert_allclose(clf.validation_scores_, repeated.validation_scores_, rtol=1e-6)
    plain = clone(clf).fit(X, y[:300], X_val=X_val, y_val=y_val)
    assert not np.allclose(clf.validation_scores_, plain.validation_scores_, rtol=1e-3)
    with pytest.raises(ValueError, match="sample_weight_val are weights of X_val"):
        clf.fit(X, y[:300], sample_weight_val=times)


@pytest.mark.parametrize("missing", ["X_val", "y_val"])
def test_validation_data_come_in_pairs(backend, missing, parts):
    X, X_val, y, _ = parts
    given = {"X_val": X_val, "y_val": y[300:]}
    given.pop(missing)
    with pytest.raises(ValueError, match="X_val and y_val"):
        classifier(backend).fit(X, y[:300], **given)


def test_wrong_validation_data(backend, parts):
    X, X_val, y, _ = parts
    for X_wrong, y_wrong, message in [
        (X_val[:, :2], y[300:], "features"),
        (X_val, y[301:], "length"),
        (X_val, np.full(142, "none"), "not among the classes"),
    ]:
        with pytest.raises(ValueError, match=message):
            classifier(backend).fit(X, y[:300], X_val=X_wrong, y_val=y_wrong)


@pytest.mark.parametrize(("n", "stops"), [(9_999, False), (10_000, True)])
def test_auto_stops_from_ten_thousand_rows(backend, n, stops):
    X = np.arange(n, dtype=float)[:, None] % 8
    reg = regressor(backend, n_estimators=2).fit(X, X[:, 0])
    assert (reg.validation_scores_ is not None) == stops


def test_it_stops_inside_pipelines_and_folds(backend, data):
    X, codes, _ = data
    pipeline = make_pipeline(StandardScaler(), classifier(backend, early_stopping=True))
    scores = cross_val_score(pipeline, X, codes, cv=3)
    assert scores.min() > 0.4
    assert pipeline.fit(X, codes)[-1].n_estimators_ < 60


def test_validation_data_go_through_a_pipeline(backend, parts):
    X, X_val, y, _ = parts
    with config_context(enable_metadata_routing=True):
        clf = classifier(backend).set_fit_request(X_val=True, y_val=True)
        pipeline = Pipeline([("s", StandardScaler()), ("c", clf)], transform_input=["X_val"])
        pipeline.fit(X, y[:300], X_val=X_val, y_val=y[300:])
    scaler = StandardScaler().fit(X)
    by_hand = classifier(backend).fit(
        scaler.transform(X), y[:300], X_val=scaler.transform(X_val), y_val=y[300:]
    )
    assert pipeline[-1].validation_scores_ == by_hand.validation_scores_


def test_sampled_features_are_the_same_with_and_without_stopping(backend, parts):
    X, X_val, y, _ = parts
    settings = {"max_features": 0.3, "learning_rate": 0.02, "n_iter_no_change": 99}
    clf = classifier(backend, **settings).fit(X, y[:300], X_val=X_val, y_val=y[300:])
    assert clf.n_estimators_ > 32
    clf.set_params(n_estimators=clf.n_estimators_)
    plain = clone(clf).fit(X, y[:300])
    np.testing.assert_allclose(clf.predict_proba(X), plain.predict_proba(X), rtol=1e-5)


def test_scores_are_printed_if_asked_for(backend, parts, capsys):
    X, _, y, _ = parts
    for verbose in (False, True):
        clf = classifier(backend, early_stopping=True, n_estimators=3, verbose=verbose)
        clf.fit(X, y[:300])
        lines = capsys.readouterr().out.splitlines()
        assert len(lines) == (len(clf.validation_scores_) if verbose else 0)
    assert lines[0].startswith("iteration 1: training score ")
    assert lines[-1].endswith(f"validation score {clf.validation_scores_[-1]:.6g}")
    plain = clf.set_params(early_stopping=False).fit(X, y[:300])
    lines = capsys.readouterr().out.splitlines()
    score = -log_loss(y[:300], plain.predict_proba(X))
    assert lines[-1] == f"iteration 3: training score {score:.6g}"
    assert len(lines) == 3
    assert plain.train_scores_ is plain.validation_scores_ is None
    clf.set_params(verbose=False)
    np.testing.assert_array_equal(clone(clf).fit(X, y[:300]).predict(X), plain.predict(X))


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize("validated", [False, True])
def test_a_terminal_shows_a_bar(backend, validated, parts, monkeypatch):
    X, _, y, target = parts
    monkeypatch.setattr(sys, "stdout", Terminal())
    monkeypatch.setenv("COLUMNS", "120")
    clf = classifier(backend, early_stopping=validated, n_estimators=9, n_iter_no_change=2)
    for learning_rate in (0.1, 3.0):  # with which it stops early if it is validated
        clf.set_params(verbose=1, learning_rate=learning_rate).fit(X, y[:300])
    shown = sys.stdout.getvalue()
    assert shown.count("\n") == 2
    assert validated or "9/9 in 0:00, training score -" in shown
    done = len(clf.validation_scores_) if validated else 9
    assert not validated or shown.endswith(f"{clf.validation_scores_[-1]:.6g}\n")
    assert f" {done}/9 " in shown.split("\n")[1]
    reg = regressor(backend, n_estimators=2, verbose=1)
    reg.fit(X, np.column_stack([target, target])[:300])
    assert "2/2 in 0:00, output 2 of 2, training score" in sys.stdout.getvalue()
    reg.set_params(verbose=2).fit(X, target[:300])
    assert "\niteration 1: training score" in sys.stdout.getvalue()


# Ctrl-C.


def interrupt_at(monkeypatch, backend, iteration):
    """Press Ctrl-C while the library grows an iteration."""
    module = import_module(f"sklearn_modern.ensemble.engines.{backend}")
    if backend == "catboost":  # it catches exceptions, but not signals
        owner, name, iteration = module._Watcher, "after_iteration", max(iteration - 1, 1)
    elif backend == "hist":
        grower = import_module("sklearn.ensemble._hist_gradient_boosting.gradient_boosting")
        owner, name = grower.TreeGrower, "grow"
    else:
        owner = module.xgb.Booster if backend == "xgboost" else module.lgb.Booster
        name = "update"
    grow, calls = getattr(owner, name), []

    def growing(*args, **kwargs):
        calls.append(1)
        if len(calls) == iteration:
            if backend != "catboost":
                raise KeyboardInterrupt
            signal.raise_signal(signal.SIGINT)
        return grow(*args, **kwargs)

    monkeypatch.setattr(owner, name, growing)


@pytest.mark.parametrize("validated", [False, True])
def test_an_interrupted_fit_keeps_its_trees(backend, validated, monkeypatch, parts):
    X, X_val, _, y = parts
    given = {"X_val": X_val, "y_val": y[300:]} if validated and backend != "hist" else {}
    expected = regressor(backend, n_estimators=4).fit(X, y[:300]).predict(X)
    with monkeypatch.context() as patch:
        interrupt_at(patch, backend, 5)
        with pytest.warns(ConvergenceWarning, match="interrupted after 4 iterations; Grad.*keeps"):
            reg = regressor(backend, n_estimators=9).fit(X, y[:300], **given)
    assert reg.n_estimators_ == 4
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(reg)).predict(X), expected)
    reg.set_params(warm_start=True, n_estimators=6).fit(X, y[:300])
    whole = regressor(backend, n_estimators=6).fit(X, y[:300])
    np.testing.assert_allclose(reg.predict(X), whole.predict(X), rtol=1e-5)


def test_an_interrupted_iteration_of_several_trees_is_dropped(backend, monkeypatch, parts):
    X, _, y, _ = parts
    with monkeypatch.context() as patch:
        interrupt_at(patch, backend, 3 * 2 + 2 if backend == "hist" else 3)
        with pytest.warns(ConvergenceWarning, match="after 2 iterations"):
            clf = classifier(backend).fit(X, y[:300])
    expected = classifier(backend, n_estimators=2).fit(X, y[:300]).predict_proba(X)
    np.testing.assert_array_equal(clf.predict_proba(X), expected)


def test_an_interrupted_search_ends(backend, monkeypatch, parts):
    X, _, _, y = parts
    for iteration in (1, 3):
        with monkeypatch.context() as patch:
            interrupt_at(patch, backend, iteration)
            with pytest.raises(KeyboardInterrupt):
                cross_val_score(regressor(backend, n_estimators=9), X, y[:300], cv=2)
    if backend == "catboost":  # it ends the iteration first
        return
    with monkeypatch.context() as patch:
        interrupt_at(patch, backend, 1)  # there is nothing to keep
        reg = regressor(backend)
        with pytest.raises(KeyboardInterrupt):
            reg.fit(X, y[:300])
    assert not hasattr(reg, "_engine")
