"""Boosters do what their parameters say, as their own libraries do: one body over every backend."""

import json

import catboost as cb
import lightgbm as lgb
import numpy as np
import pytest
import xgboost as xgb
from sklearn import metrics
from sklearn.datasets import load_breast_cancer, load_diabetes, load_wine
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from support.small_boosters import BACKENDS, NO_NOISE, bent, boosters, normal_rows, refuses

from sklearn_modern.ensemble import GradientBoostingRegressor

pytestmark = pytest.mark.parametrize("backend", BACKENDS)

classifier, regressor = boosters(n_estimators=5)
X = pytest.fixture(normal_rows)
y = pytest.fixture(bent)


# The libraries' own estimators.


def library(backend, settings, hessian=1.0, *, classify):
    """The library's own estimator with the same parameters."""
    s, n = settings, settings["n_estimators"]
    if backend == "xgboost":
        kind = xgb.XGBClassifier if classify else xgb.XGBRegressor
        return kind(
            n_estimators=n,
            learning_rate=s["learning_rate"],
            grow_policy="lossguide",
            max_leaves=s["max_leaf_nodes"],
            max_depth=s["max_depth"],
            min_child_weight=(s["min_samples_leaf"] - 1 + 1e-3) * hessian,
            reg_lambda=s["l2_regularization"],
            max_bin=s["max_bins"],
            n_jobs=1,
        )
    if backend == "lightgbm":
        kind = lgb.LGBMClassifier if classify else lgb.LGBMRegressor
        return kind(
            n_estimators=n,
            learning_rate=s["learning_rate"],
            num_leaves=s["max_leaf_nodes"],
            max_depth=s["max_depth"],
            min_child_samples=s["min_samples_leaf"],
            reg_lambda=s["l2_regularization"],
            max_bin=s["max_bins"],
            n_jobs=1,
            verbose=-1,
        )
    if backend == "catboost":
        kind = cb.CatBoostClassifier if classify else cb.CatBoostRegressor
        return kind(
            n_estimators=n,
            learning_rate=s["learning_rate"],
            grow_policy="Lossguide",
            max_leaves=s["max_leaf_nodes"],
            max_depth=s["max_depth"],
            min_data_in_leaf=2 * s["min_samples_leaf"],
            reg_lambda=s["l2_regularization"],
            border_count=s["max_bins"] - 1,
            bootstrap_type="No",
            leaf_estimation_iterations=1,
            thread_count=1,
            allow_writing_files=False,
            silent=True,
            **NO_NOISE[backend],
        )
    kind = HistGradientBoostingClassifier if classify else HistGradientBoostingRegressor
    own = {key: value for key, value in s.items() if key != "n_estimators"}
    return kind(max_iter=n, early_stopping=False, **own)


@pytest.mark.parametrize("load", [load_breast_cancer, load_wine, load_diabetes])
def test_it_predicts_as_the_library_does(backend, load):
    X, y = load(return_X_y=True)
    X_train, y_train = X[::2], y[::2]
    classify = load is not load_diabetes
    settings = {
        "n_estimators": 12,
        "learning_rate": 0.2,
        "max_leaf_nodes": 7,
        "max_depth": 4,
        "min_samples_leaf": 10,
        "l2_regularization": 0.5,
        "max_bins": 63,
    }
    hessian = 1.0
    if classify:
        shares = np.bincount(y_train) / len(y_train)
        if len(shares) > 2 and int(xgb.__version__[0]) < 3:  # there all classes start alike
            shares = np.full(3, 1 / 3)
        hessian = (shares * (1 - shares)).mean() / (10 if len(shares) == 2 else 5)
    theirs = library(backend, settings, hessian, classify=classify)
    if backend == "catboost" and load is load_wine:  # where it would start at zero
        start = np.log(np.bincount(y_train) / len(y_train))
        theirs.fit(X_train, y_train, baseline=np.tile(start, (len(y_train), 1)))
        theirs.set_scale_and_bias(1.0, list(start))
    elif backend == "catboost":
        theirs.set_params(boost_from_average=True).fit(X_train, y_train)
    else:
        theirs.fit(X_train, y_train)
    ours = classifier if classify else regressor
    ours = ours(backend, **settings).fit(X_train, y_train)
    predict = "predict_proba" if classify else "predict"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("warnings.warn", lambda *args, **kwargs: None)
        expected = getattr(theirs, predict)(X)
    np.testing.assert_allclose(getattr(ours, predict)(X), expected, rtol=1e-6, atol=1e-6)
    assert ours.score(X, y) > 0.4
    kinds = {"xgboost": xgb.Booster, "lightgbm": lgb.Booster, "catboost": cb.CatBoost}
    assert type(ours.booster_) is kinds.get(backend, type(theirs))


def test_the_default_is_lightgbm(backend, X, y):
    model = regressor("auto").fit(X, y)
    assert model.backend_ == "lightgbm"
    assert regressor(backend).fit(X, y).backend_ == backend
    with pytest.raises(ValueError, match="'backend' parameter"):
        regressor(backend + "2").fit(X, y)


# Trees.


def trees(model):
    """The leaves' rows and the number of leaves of each tree."""
    booster = model.booster_
    if model.backend_ == "hist":
        nodes = [tree.nodes for iteration in booster._predictors for tree in iteration]
        return [tree["count"][tree["is_leaf"] == 1] for tree in nodes]
    if model.backend_ == "catboost":
        ends = np.cumsum(booster.get_tree_leaf_counts())
        return np.split(booster.get_leaf_weights(), ends[:-1])
    table = booster.trees_to_dataframe()
    if model.backend_ == "xgboost":  # with a squared error, the cover is the rows
        leaves = table[table["Feature"] == "Leaf"]
        return [part["Cover"].to_numpy() for _, part in leaves.groupby("Tree")]
    leaves = table[table["left_child"].isna()]
    return [part["count"].to_numpy() for _, part in leaves.groupby("tree_index")]


def rows_of_splits(model, path):
    """The rows of each node that CatBoost has split, of which alone it limits them."""
    model.booster_.save_model(path, format="json")
    found = []

    def rows(node):
        if "value" in node:
            return node["weight"]
        found.append(rows(node["left"]) + rows(node["right"]))
        return found[-1]

    for tree in json.loads(path.read_text())["trees"]:
        rows(tree)
    return found


def test_trees_are_as_large_as_asked(backend, X, y, tmp_path):
    leaves = [len(rows) for rows in trees(regressor(backend, max_leaf_nodes=6).fit(X, y))]
    assert max(leaves) == 6
    for depth in (1, 3):
        model = regressor(backend, max_depth=depth, max_leaf_nodes=None, min_samples_leaf=1)
        assert max(len(rows) for rows in trees(model.fit(X, y))) == 2**depth
    assert len(trees(model)) == 5
    for fewest in (1, 30):
        model = regressor(backend, min_samples_leaf=fewest, max_leaf_nodes=None).fit(X, y)
        if backend == "catboost":
            assert 2 * fewest <= min(rows_of_splits(model, tmp_path / "model")) < 2 * fewest + 8
            continue
        rows = np.concatenate(trees(model))
        assert fewest <= rows.min() < fewest + 8
    unbounded = regressor(backend, min_samples_leaf=1, max_leaf_nodes=None, n_estimators=1)
    assert len(trees(unbounded.fit(X, y))[0]) > 60


def test_rows_are_sampled(backend, X, y):
    half = regressor(backend, subsample=0.5, n_estimators=2)
    if backend == "hist":
        with pytest.raises(ValueError, match=r"subsample=0\.5"):
            half.fit(X, y)
        return
    first = half.fit(X, y).predict(X)
    assert (first != regressor(backend, n_estimators=2).fit(X, y).predict(X)).any()
    for rows in trees(half) if backend != "catboost" else []:  # it counts all rows afterwards
        assert 70 < rows.sum() < 130
    np.testing.assert_array_equal(half.fit(X, y).predict(X), first)
    assert (half.set_params(random_state=1).fit(X, y).predict(X) != first).any()
    np.testing.assert_array_equal(
        half.set_params(random_state=np.random.RandomState(0)).fit(X, y).predict(X), first
    )


def test_features_are_sampled(backend, X, y):
    X = np.column_stack([X[:, 0], np.random.default_rng(2).normal(size=(200, 9))])
    stumps = regressor(backend, max_leaf_nodes=2, n_estimators=20, learning_rate=0.01)
    assert np.count_nonzero(stumps.fit(X, X[:, 0]).feature_importances_) == 1
    stumps.set_params(max_features=0.2).fit(X, X[:, 0])
    assert np.count_nonzero(stumps.feature_importances_) > 4
    first = stumps.predict(X)
    assert (stumps.set_params(random_state=1).fit(X, X[:, 0]).predict(X) != first).any()


def test_leaves_are_shrunk(backend, X, y):
    spread = {
        (l2, rate): regressor(backend, l2_regularization=l2, learning_rate=rate)
        .fit(X, y)
        .predict(X)
        .std()
        for l2, rate in [(0, 0.1), (1000, 0.1), (0, 0.01)]
    }
    assert spread[1000, 0.1] < 0.3 * spread[0, 0.1]
    assert spread[0, 0.01] < 0.2 * spread[0, 0.1]


def test_bins_merge_values(backend):
    X = np.linspace(1, 2, 200)[:, None]
    settings = {"max_leaf_nodes": None, "n_estimators": 1, "min_samples_leaf": 1}
    distinct = [
        len(set(regressor(backend, max_bins=bins, **settings).fit(X, X[:, 0]).predict(X)))
        for bins in (4, 16, 255)
    ]
    assert 3 <= distinct[0] <= 5
    assert 14 <= distinct[1] <= 17
    assert distinct[2] > 60


# Losses.


@pytest.mark.parametrize(
    ("loss", "score"),
    [
        ("squared_error", metrics.r2_score),
        ("absolute_error", metrics.d2_absolute_error_score),
        ("huber", metrics.d2_absolute_error_score),
        ("poisson", lambda y, p: metrics.d2_tweedie_score(y, p, power=1)),
        ("gamma", lambda y, p: metrics.d2_tweedie_score(y, p, power=2)),
        ("tweedie", lambda y, p: metrics.d2_tweedie_score(y, p, power=1.5)),
    ],
)
def test_losses_are_minimised(backend, loss, score, X, y):
    y = np.exp(y / 2)
    reg = regressor(backend, loss=loss, n_estimators=60)
    if refuses(backend, loss, lambda: reg.fit(X, y)):
        return
    assert score(y, reg.fit(X, y).predict(X)) > 0.5
    np.testing.assert_allclose(list(reg.staged_predict(X))[-1], reg.predict(X), rtol=1e-5)
    if loss in ("poisson", "gamma", "tweedie"):
        with pytest.raises(ValueError, match=f"loss='{loss}'.*-1"):
            reg.fit(X, np.where(y > 1, y, -1))
        if loss == "gamma":
            with pytest.raises(ValueError, match="positive"):
                reg.fit(X, np.where(y > 1, y, 0))
        else:
            assert (reg.fit(X, np.where(y > 1, y, 0)).predict(X) >= 0).all()


@pytest.mark.parametrize("quantile", [0.1, 0.8])
def test_quantiles_are_covered(backend, quantile, X, y):
    reg = regressor(backend, loss="quantile", quantile=quantile, n_estimators=40)
    assert np.mean(y <= reg.fit(X, y).predict(X)) == pytest.approx(quantile, abs=0.06)
    with pytest.raises(ValueError, match="quantile"):
        regressor(backend, quantile=quantile).fit(X, y)
    with pytest.raises(ValueError, match="quantile"):
        regressor(backend, loss="quantile").fit(X, y)


def test_leaves_of_a_huber_loss_are_not_too_large(backend, X, y):
    """Its second derivatives are below 1; the middle half of y is what most leaves have."""
    if backend == "hist":
        return
    settings = {"loss": "huber", "n_estimators": 1, "min_samples_leaf": 20}
    found = regressor(backend, **settings, max_leaf_nodes=None).fit(X, y).predict(X)
    assert np.unique(found, return_counts=True)[1].min() < 25


def test_huber_does_not_care_where_zero_is(backend, X, y):
    if backend == "hist":
        with pytest.raises(ValueError, match="has no loss='huber'"):
            GradientBoostingRegressor(backend=backend, loss="huber").fit(X, y)
        return
    scores = []
    for shift in (0, 100):
        reg = GradientBoostingRegressor(backend=backend, loss="huber", n_jobs=1, min_samples_leaf=5)
        scores.append(reg.fit(X, y + shift).score(X, y + shift))
    assert min(scores) > 0.5
    assert abs(scores[0] - scores[1]) < 0.05


@pytest.mark.parametrize("factor", [1e-300, 0.01, 10, 1e308])
@pytest.mark.parametrize("make", [classifier, regressor])
def test_only_the_ratios_of_weights_matter(backend, make, factor, X, y):
    codes, weight = np.digitize(y, [-0.5, 0.5]), 0.1 + np.random.default_rng(3).random(200) / 2
    model = make(backend, l2_regularization=1.0)
    plain = model.fit(X, codes, weight).predict(X)
    np.testing.assert_allclose(model.fit(X, codes, weight * factor).predict(X), plain, rtol=1e-5)
    plain = model.fit(X, codes).predict(X)
    np.testing.assert_array_equal(model.fit(X, codes, np.full(200, factor)).predict(X), plain)


@pytest.mark.parametrize("kind", ["classes", "quantile"])
def test_no_threshold_depends_on_the_unit_of_weights(backend, kind, X, y):
    weight = 0.2 + np.random.default_rng(3).random(200) * 3
    many = {"n_estimators": 40, "learning_rate": 0.7, "max_leaf_nodes": 10}  # until gains are tiny
    if kind == "classes":
        model, y = classifier(backend, **many), (y > 0) * 1
    else:
        model = regressor(backend, **many, loss="quantile", quantile=0.7)
    predict = model.predict_proba if kind == "classes" else model.predict
    found = []
    for factor in (1, 2, 10):
        model.fit(X, y, weight * factor)
        found.append(predict(X))
    np.testing.assert_array_equal(found[1], found[0])
    np.testing.assert_allclose(found[2], found[0], rtol=1e-9)


def test_a_weight_of_next_to_nothing_is_not_the_unit(backend, X, y):
    weight, found = 0.1 + np.random.default_rng(3).random(200), []
    reg = regressor(
        backend, n_estimators=3, max_leaf_nodes=4
    )  # without ties, which rounding breaks
    for tiny in (1e-310, 1e-20):
        weight[7] = tiny
        found.append(reg.fit(X, y, weight).predict(X))
    np.testing.assert_allclose(*found, rtol=1e-5)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_leaves_of_just_enough_rows(backend, n_classes):
    """They are possible, and are still split where rows are predicted well."""
    X = np.repeat(np.arange(float(n_classes)), 20)[:, None]
    clf = classifier(backend, min_samples_leaf=20, n_estimators=100).fit(X, X[:, 0])
    assert clf.score(X, X[:, 0]) == 1
    assert clf.predict_proba(X).max(axis=1).min() > 0.8


@pytest.mark.parametrize("key", ["booster", "boosting", "boosting_type"])
def test_trees_that_change_each_other_are_refused(backend, X, y, key):
    reg = GradientBoostingRegressor(backend=backend, backend_params={key: "dart"})
    with pytest.raises(ValueError, match=f"backend_params has .*{key}"):
        reg.fit(X, y)
    assert not hasattr(reg, "n_estimators_")
