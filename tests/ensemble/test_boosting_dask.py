"""Boosting on collections of dask: the same as on arrays, or an error that says what is not."""

import pickle
import re

import dask.array as da
import dask.dataframe as dd
import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from support.small_boosters import WHOLE

from sklearn_modern.ensemble import GradientBoostingClassifier, GradientBoostingRegressor
from sklearn_modern.ensemble._totals import Totals

BACKENDS = ["xgboost", "lightgbm"]
SMALL = WHOLE | {"n_estimators": 4, "min_samples_leaf": 3, "random_state": 0}
N_ROWS = 90


def rows(seed):
    """A table of all kinds of columns, labels, targets, and weights of which some are zero."""
    rng = np.random.default_rng(seed)
    size = rng.normal(size=N_ROWS).astype(np.float32)
    X = pd.DataFrame(
        {
            "size (m)": np.where(rng.random(N_ROWS) < 0.1, np.nan, size),
            "count": rng.integers(5, size=N_ROWS),
            "colour": rng.choice(["red", "green", "blue"], N_ROWS),
            "grade": pd.Categorical(rng.choice(["lo", "hi"], N_ROWS), ["lo", "none", "hi"]),
        }
    )
    y = pd.Series(10 * size + X["count"] + (X["grade"] == "hi") + rng.normal(size=N_ROWS))
    labels = pd.Series(np.array(["no", "perhaps", "yes"])[np.digitize(y, [-4, 6])])
    return X, y, labels, pd.Series(rng.integers(4, size=N_ROWS) / 2)


def test_without_a_client():  # as long as no other test has made one
    X, y, _, _ = small_collections()
    with pytest.raises(ValueError, match=re.escape("Make one first: distributed.Client()")):
        GradientBoostingRegressor().fit(X, y)


def collections(values, n_parts):
    return [dd.from_pandas(v, npartitions=n_parts, sort=False) for v in values]


def arrays(values, size):
    return [da.from_array(np.asarray(v), chunks=size) for v in values]


def same(first, second, X, exactly=True):
    """Compare fitted estimators in all that users ask of them.

    Sums over several workers are rounded, which may decide between splits that are as good as each
    other: then a few rows go another way.
    """
    rtol, few = (1e-6, 0) if exactly else (1e-3, 0.03 * len(X))
    for method in ("predict_proba", "decision_function", "predict"):
        if hasattr(first, method):
            found, expected = (
                getattr(model, method)(X).reshape(len(X), -1) for model in (first, second)
            )
            close = found == expected
            if found.dtype.kind == "f":
                close = np.isclose(found, expected, rtol=rtol, atol=rtol)
            assert np.count_nonzero(~close.all(axis=1)) <= few
    np.testing.assert_array_equal(first.booster_input(X), second.booster_input(X))
    np.testing.assert_allclose(
        first.feature_importances_, second.feature_importances_, atol=rtol if exactly else 0.02
    )
    assert vars(first).keys() == vars(second).keys()
    assert first.n_estimators_ == second.n_estimators_


def test_totals_of_parts_are_those_of_all_rows():
    rng = np.random.default_rng(0)
    codes, y, weight = rng.integers(3, size=50), rng.normal(5, 2, size=50), rng.uniform(1, 2, 50)
    labels = np.array(["a", "b", "c"])
    whole, parts = Totals.of_numbers(y, weight), np.array_split(np.arange(50), [7, 30])
    merged = Totals.merged([Totals.of_numbers(y[part], weight[part]) for part in parts])
    assert (merged.n_rows, merged.mean, merged.spread) == pytest.approx(
        (50, np.average(y, weights=weight), np.sqrt(np.cov(y, aweights=weight, ddof=0)))
    )
    assert whole.spread == pytest.approx(merged.spread)
    order = np.argsort(codes)  # parts lack classes
    merged = []
    for part in np.array_split(order, 4):
        found, own = np.unique(labels[codes[part]], return_inverse=True)
        merged.append(Totals.of_labels(found, own, weight[part]))
    merged = Totals.merged(merged)
    assert merged.labels.tolist() == labels.tolist()
    np.testing.assert_allclose(merged.weight, np.bincount(codes, weight))
    assert merged.least.tolist() == [weight[codes == code].min() for code in range(3)]
    assert merged.most.tolist() == [weight[codes == code].max() for code in range(3)]


# LightGBM's workers make bins of their own rows, so that it is the same for one of them only.
@pytest.mark.parametrize(
    ("seed", "backend", "n_parts"),
    [
        (0, "xgboost", 3),
        (1, "xgboost", 3),
        (2, "xgboost", 1),
        (0, "lightgbm", 1),
        (2, "lightgbm", 1),
    ],
)
def test_a_dataframe_gives_the_model_of_all_rows(client, seed, backend, n_parts):
    X, y, labels, weight = rows(seed)
    y = y + 1000 if seed == 0 else y.abs()
    dX, dy, dlabels, dweight = collections((X, y, labels, weight), n_parts)
    balanced = "balanced" if seed else {"yes": 2.0, "no": 0.5}
    loss = ["squared_error", "poisson", "tweedie"][seed]
    clf = GradientBoostingClassifier(backend=backend, class_weight=balanced, **SMALL)
    reg = GradientBoostingRegressor(backend=backend, loss=loss, **SMALL)
    unweighted = (None, None) if seed == 1 else (weight, dweight)
    for model, target, collection, (w, dw) in (
        (clf, labels, dlabels, (weight, dweight)),
        (reg, y, dy, unweighted),
    ):
        plain = clone(model).fit(X, target, w)
        distributed = clone(model).fit(dX, collection, dw)
        same(pickle.loads(pickle.dumps(distributed)), plain, X, n_parts == 1)
    assert distributed.feature_names_in_.tolist() == X.columns.tolist()


@pytest.mark.parametrize("backend", BACKENDS)
def test_arrays_of_several_chunks(client, backend, caplog):
    X, y, _, weight = rows(3)
    X = np.column_stack([X["size (m)"], X["count"]])
    dX = da.from_array(X, chunks=(30, 1))
    constrained = {"monotonic_cst": [1, 0], "max_depth": 2}
    if backend == "xgboost":
        constrained["interaction_cst"] = "no_interactions"
    model = GradientBoostingRegressor(
        backend=backend, categorical_features=[], **SMALL, **constrained
    )
    dy, dw = arrays((y, weight), 45)  # in other chunks than X
    distributed, plain = model.fit(dX * 1, dy, dw), clone(model).fit(X, y, weight)
    assert "run_spec" not in caplog.text  # dask's word for tasks of the same name
    if backend == "xgboost":
        same(distributed, plain, X, exactly=False)
    else:
        assert abs(distributed.score(X, y) - plain.score(X, y)) < 0.1
        steps = distributed.predict(np.column_stack([np.linspace(-3, 3, 50), np.full(50, 2)]))
        assert (np.diff(steps) >= 0).all()


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_worker_need_not_have_all_classes_nor_any_weight(client, backend):
    X = np.arange(90.0).reshape(-1, 1)
    labels = np.repeat(["a", "b", "c"], 30)
    weight = np.r_[np.zeros(10), np.ones(80)]
    settings = {**SMALL, "n_estimators": 30, "learning_rate": 0.3}
    clf = GradientBoostingClassifier(backend=backend, **settings)
    clf.fit(*(da.from_array(v, chunks=(10, 1)[: v.ndim]) for v in (X, labels, weight)))
    assert clf.classes_.tolist() == ["a", "b", "c"]
    assert clf.score(X, labels) > 0.7  # LightGBM has the bins of a column from one worker
    np.testing.assert_allclose(clf.predict_proba(X).sum(axis=1), 1)


def test_columns_that_are_asked_for_are_categories(client):
    X = np.random.default_rng(0).integers(6, size=(80, 2)).astype(float)
    y = (X[:, 0] % 2) * 3 + X[:, 1] / 10
    # LightGBM has the bins of a column from one worker
    model = GradientBoostingRegressor(backend="xgboost", categorical_features=[0], **SMALL)
    distributed = clone(model).fit(*arrays((X, y), 20))
    same(distributed, model.fit(X, y), X, exactly=False)


def test_predictions_of_a_collection_are_lazy(client):
    X, y, labels, _ = rows(4)
    clf = GradientBoostingClassifier(**SMALL).fit(X, labels)
    reg = GradientBoostingRegressor(**SMALL).fit(X[["count"]], np.column_stack([y, -y]))
    (dX,) = collections([X], 4)
    for method in ("predict", "predict_proba", "predict_log_proba", "decision_function"):
        lazy, expected = getattr(clf, method)(dX), getattr(clf, method)(X)
        assert isinstance(lazy, da.Array)
        assert lazy.ndim == expected.ndim
        np.testing.assert_array_equal(lazy.compute(), expected)
    (counts,) = arrays([X[["count"]]], 25)
    values = GradientBoostingRegressor(**SMALL).fit(X[["count"]].to_numpy(), y)
    lazy = values.predict(counts)
    assert lazy.chunks == ((25, 25, 25, 15),)
    np.testing.assert_array_equal(lazy.compute(), values.predict(X[["count"]].to_numpy()))
    several = reg.predict(dX[["count"]])
    np.testing.assert_array_equal(several.compute(), reg.predict(X[["count"]]))
    with pytest.raises(TypeError, match=r"which only fit, predict.* take"):
        clf.apply(dX)


def small_collections():
    X, y, labels, weight = rows(5)
    X = X[["count"]].to_numpy(dtype=float)
    return arrays((X, y, labels, weight), 30)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"backend": "hist"}, "backend='hist' does not train on dask collections"),
        ({"backend": "catboost"}, "backend='catboost' does not train on dask collections"),
        ({"early_stopping": True}, "early_stopping=True is not for dask collections"),
        ({"n_jobs": 2}, "n_jobs=2 is not for dask collections"),
        ({"verbose": 1}, "verbose=1 is not for dask collections"),
        ({"warm_start": True}, "warm_start=True is not for dask collections"),
        ({"device": "cuda"}, "device='cuda' is not for dask collections"),
        ({"loss": "huber"}, "loss='huber' is not for dask collections"),
        ({"loss": "absolute_error"}, "loss='absolute_error' is not for dask collections"),
        ({"loss": "quantile", "quantile": 0.5}, "loss='quantile' is not for dask collections"),
    ],
)
def test_what_cannot_be_done_is_refused_by_name(settings, message):
    X, y, _, _ = small_collections()
    with pytest.raises(ValueError, match=re.escape(message)):
        GradientBoostingRegressor(**settings).fit(X, y)


def test_validation_rows_and_groups_are_refused():
    X, y, _, weight = small_collections()
    model = GradientBoostingRegressor()
    for given in ({"X_val": X, "y_val": y}, {"groups": weight}):
        with pytest.raises(ValueError, match=f"{next(iter(given))} is for early stopping"):
            model.fit(X, y, **given)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda X, y, w: (X, y[:60], w), "X has 90 samples, y has 60"),
        (lambda X, y, w: (X, y.compute(), w), "y is of type ndarray, while other data"),
        (lambda X, y, w: (X.compute(), y, w), "X is of type ndarray, while other data"),
        (lambda X, y, w: (X[:, 0], y, w), "X is a dask Array of 1 dimensions"),
        (lambda X, y, w: (X, y[:, None], w), "y is a dask Array of 2 dimensions"),
        (lambda X, y, w: (X, y, -w), "sample_weight has negative values"),
        (lambda X, y, w: (X, y, 0 * w), "There is nothing to learn from"),
        (lambda X, y, w: (da.where(X == 3, np.inf, X), y, w), "contains infinity"),
        (lambda X, y, w: (X, da.where(y > y.max() - 0.1, np.nan, y), w), "y.*NaN"),
        (lambda X, y, w: (X[X[:, 0] > 1], y[y > 0], w[y > 0]), "differ in length: parts"),
        (lambda X, y, w: (X[y > 0], y, w), None),
        (lambda X, y, w: (X.astype(object), y, w), "Python objects; make it a dask DataFrame"),
    ],
)
def test_bad_data_are_refused_and_nothing_waits(client, change, message):
    X, y, _, w = small_collections()
    model = GradientBoostingRegressor(**SMALL)
    with pytest.raises((ValueError, TypeError), match=message):
        model.fit(*change(X, y, w))
    assert not hasattr(model, "_engine")


def test_of_few_rows_all_are_drawn(client):
    """LightGBM would draw no row at all, and fail."""
    X, y = arrays((np.arange(2.0)[:, None], np.arange(2.0)), 2)
    model = GradientBoostingRegressor(**SMALL | {"subsample": 0.3}).fit(X, y)
    assert model.settings_["subsample"] == 1.0
    np.testing.assert_allclose(model.predict([[0.0], [1.0]]), 0.5)


@pytest.mark.parametrize("backend", BACKENDS)
def test_bad_settings_are_refused_before_workers_train(client, backend):
    X, y, _, _ = small_collections()
    for wrong in ("no_such_thing", "learning_rate"):
        model = GradientBoostingRegressor(backend=backend, backend_params={wrong: 0.5})
        with pytest.raises(ValueError, match=f"backend_params has .*{wrong}"):
            model.fit(X, y)
    if backend == "lightgbm":
        for wrong in ({"interaction_cst": "pairwise"}, {"backend_params": {"linear_trees": True}}):
            with pytest.raises(
                ValueError, match="interaction_cst is not|linear_trees.*in one proc"
            ):
                GradientBoostingRegressor(backend=backend, **wrong).fit(X, y)
        with pytest.raises(ValueError, match="backend='auto', which is 'lightgbm'"):
            GradientBoostingRegressor(interaction_cst="pairwise").fit(X, y)
    with pytest.raises(ValueError, match="y has one class, 'no'"):
        GradientBoostingClassifier(backend=backend).fit(
            X, da.from_array(np.full(90, "no"), chunks=30)
        )
    with pytest.raises(ValueError, match="Unknown label type: continuous"):
        GradientBoostingClassifier(backend=backend).fit(X, y)
    known = GradientBoostingRegressor(backend="xgboost", backend_params={"gamma": 1e9}, **SMALL)
    assert not known.fit(X, y).feature_importances_.any()  # it has reached the library


def test_numbers_beyond_float32(client):
    X, y, _, _ = small_collections()
    X = da.where(X == 3, 1e300, X)
    with pytest.raises(ValueError, match="Column 0 of X has .* values beyond float32"):
        GradientBoostingRegressor(backend="xgboost", **SMALL).fit(X, y)
    assert GradientBoostingRegressor(**SMALL).fit(X, y).n_estimators_ == 4
