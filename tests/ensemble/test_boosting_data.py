"""What boosters accept and refuse: one body over every backend."""

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from sklearn.base import clone
from sklearn.model_selection import LeaveOneGroupOut, cross_val_predict, cross_val_score
from support.small_boosters import BACKENDS, NO_NOISE, WHOLE, boosters

from sklearn_modern.ensemble import GradientBoostingClassifier, GradientBoostingRegressor

pytestmark = pytest.mark.parametrize("backend", BACKENDS)

SMALL = WHOLE | {"n_estimators": 5, "min_samples_leaf": 2, "n_jobs": 1, "random_state": 0}
# A tree with a leaf for every value: there is no rounding by bins, nor by rows of a leaf.
EXACT = WHOLE | {"n_estimators": 1, "min_samples_leaf": 1, "learning_rate": 0.4, "n_jobs": 1}
EXACT |= {"max_leaf_nodes": None}  # else rounding decides which of two equal splits is the last


classifier, regressor = boosters(**SMALL)


def exact(kind, backend):
    extra = {"min_data_in_bin": 1} if backend == "lightgbm" else NO_NOISE.get(backend)
    return kind(backend=backend, backend_params=extra, **EXACT)


@pytest.fixture
def X():
    return np.random.default_rng(0).normal(size=(90, 3))


@pytest.fixture
def codes(X):
    return np.digitize(X[:, 0] + X[:, 1] / 2, [-0.5, 0.5])


# Labels.


@pytest.mark.parametrize(
    "labels",
    [
        ["no", "yes"],
        [False, True],
        [-7, 3],
        [0.0, 1.0],
        np.array(["b", "a"], dtype=object),
        ["x", "z", "y"],
        [10, 30, 20],
        pd.Categorical(["low", "mid", "top"]),
    ],
    ids=str,
)
def test_labels_of_any_type_give_the_same_model(backend, labels, X, codes):
    codes = codes % len(labels)
    y = np.asarray(labels)[codes]
    clf = classifier(backend).fit(X, y)
    np.testing.assert_array_equal(clf.classes_, np.unique(y))
    assert clf.classes_.dtype == y.dtype
    predicted = clf.predict(X)
    assert predicted.dtype == y.dtype
    assert clf.score(X, y) > 0.8
    order = np.argsort(np.asarray(labels))
    same = classifier(backend).fit(X, np.argsort(order)[codes])
    np.testing.assert_array_equal(clf.predict_proba(X), same.predict_proba(X))
    np.testing.assert_allclose(clf.predict_proba(X).sum(axis=1), 1, rtol=1e-6)
    np.testing.assert_allclose(np.exp(clf.predict_log_proba(X)), clf.predict_proba(X), rtol=1e-5)


def test_probabilities_sum_to_one_in_float64(backend, X, codes):
    clf = classifier(backend, scoring="neg_log_loss").fit(X, codes, X_val=X, y_val=codes)
    for probabilities in (clf.predict_proba(X), *clf.staged_predict_proba(X)):
        np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-15)


def test_a_fold_may_lack_a_class(backend, X, codes):
    clf, folds = classifier(backend), LeaveOneGroupOut()
    predicted = cross_val_predict(clf, X, codes, groups=codes, cv=folds)
    assert (predicted != codes).all()
    lacks_one = codes != 1
    part = clone(clf).fit(X[lacks_one], codes[lacks_one])
    assert part.classes_.tolist() == [0, 2]
    assert part.predict_proba(X).shape == (90, 2)


@pytest.mark.parametrize(
    ("y", "message"),
    [([1] * 90, "one class"), ([None] * 90, "NaN|None"), (np.arange(90) / 2, "continuous")],
)
def test_wrong_labels_are_refused(backend, y, message, X):
    with pytest.raises(ValueError, match=message):
        classifier(backend).fit(X, y)


# Columns.


def coloured(kind, n=400):
    """Colours that alone, and in no order, tell y; a number beside them says nothing."""
    rng = np.random.default_rng(1)
    colour = rng.choice(["red", "green", "blue", "grey"], n)
    y = np.isin(colour, ["red", "grey"]) * 4.0
    colour = pd.Series(colour).astype(kind)
    return pd.DataFrame({"size": rng.normal(size=n), "colour": colour}), y


@pytest.mark.parametrize("kind", ["category", "str", "string", object])
def test_categories_need_no_encoding(backend, kind):
    X, y = coloured(kind)
    reg = regressor(backend, n_estimators=30, learning_rate=0.5).fit(X, y)
    np.testing.assert_allclose(reg.predict(X), y, atol=0.6)
    assert reg.feature_importances_[1] > 0.7
    shuffled = X.assign(colour=X["colour"].astype(object))
    np.testing.assert_array_equal(reg.predict(shuffled), reg.predict(X))


def test_a_category_is_its_value_not_its_code(backend):
    X, y = coloured("category")
    reg = regressor(backend).fit(X, y)
    colours = X["colour"].cat.categories
    other = X.assign(colour=X["colour"].cat.set_categories(["pink", *colours[::-1]]))
    np.testing.assert_array_equal(reg.predict(other), reg.predict(X))


@pytest.mark.parametrize("kind", ["category", "str", object])
def test_unseen_categories_are_missing_ones(backend, kind):
    X, y = coloured("str")
    X.loc[::7, "colour"] = None
    y[::7] = 9
    if kind != "str":  # in which older versions of pandas would write "None"
        X["colour"] = X["colour"].astype(kind)
    reg = regressor(backend, n_estimators=30, learning_rate=0.5).fit(X, y)
    missing = X.iloc[:5].assign(colour=pd.Series([None] * 5, dtype=object))
    unseen = X.iloc[:5].assign(colour=pd.Series(["pink"] * 5, dtype=kind))
    np.testing.assert_array_equal(reg.predict(unseen), reg.predict(missing))
    if backend != "lightgbm":  # it sends what is missing along with what is rare
        np.testing.assert_allclose(reg.predict(missing), 9, atol=1)


def test_missing_categories_that_the_fit_did_not_see(backend):
    X, y = coloured("category")
    reg = regressor(backend).fit(X, y)
    predicted = reg.predict(X.assign(colour=pd.Series(["pink"] * 400, dtype="category")))
    assert np.isfinite(predicted).all()
    assert predicted.min() >= 0
    assert predicted.max() <= 4


def test_categories_of_an_array_are_asked_for(backend):
    X, y = coloured("category")
    codes = np.column_stack([X["size"], X["colour"].cat.codes])
    for asked in ([1], [False, True]):
        reg = regressor(backend, categorical_features=asked).fit(codes, y)
        np.testing.assert_array_equal(reg.predict(codes), regressor(backend).fit(X, y).predict(X))
    with pytest.raises(ValueError, match="holds text"):
        regressor(backend, categorical_features=None).fit(coloured("str")[0], y)


def test_more_categories_than_bins(backend):
    y = np.arange(300.0) % 7
    ids = pd.Categorical([f"i{i}" for i in range(300)])
    X = pd.DataFrame({"id": ids, "z": y})
    reg = regressor(backend, max_bins=16)
    if backend == "hist":
        with pytest.raises(ValueError, match="max_bins=16 categories, but column 'id' has 300"):
            reg.fit(X, y)
        return
    assert reg.fit(X, y).score(X, y) > 0.5


def test_missing_numbers_say_something(backend, X):
    X[::3, 1] = np.nan
    y = np.isnan(X[:, 1]) * 2.0
    reg = regressor(backend, n_estimators=60, learning_rate=0.3).fit(X, y)
    np.testing.assert_allclose(reg.predict(X), y, atol=0.01)
    whole = regressor(backend).fit(np.nan_to_num(X), y)
    assert np.isfinite(whole.predict(X)).all()


@pytest.mark.parametrize("value", [np.inf, -np.inf])
def test_infinity_is_refused(backend, value, X, codes):
    bad = X.copy()
    bad[3, 1] = value
    with pytest.raises(ValueError, match="infinity"):
        classifier(backend).fit(bad, codes)
    with pytest.raises(ValueError, match="infinity"):
        classifier(backend).fit(X, codes).predict(bad)
    with pytest.raises(ValueError, match="infinity"):
        regressor(backend).fit(X, np.where(codes == 1, value, 0))


def test_numbers_beyond_float32(backend, X):
    """They are told apart, or refused in our words."""
    y = X[:, 0]
    if backend in ("xgboost", "catboost"):
        with pytest.raises(ValueError, match="Column 0 of X has 90 values beyond float32"):
            regressor(backend).fit(X * 1e200, y)
        return
    predicted = regressor(backend).fit(X * 1e200, y).predict(X * 1e200)
    np.testing.assert_allclose(predicted, regressor(backend).fit(X, y).predict(X))


def test_names_of_any_characters_in_their_order(backend, X, codes):
    frame = pd.DataFrame(X, columns=["a[0]", "b<1", 'c ":,{é'])
    clf = classifier(backend).fit(frame, codes)
    np.testing.assert_array_equal(clf.feature_names_in_, frame.columns)
    np.testing.assert_array_equal(
        clf.predict_proba(frame), classifier(backend).fit(X, codes).predict_proba(X)
    )
    with pytest.raises(ValueError, match="feature names"):
        clf.predict(frame[frame.columns[::-1]])
    with pytest.raises(ValueError, match="feature names"):
        clf.predict(frame.rename(columns={"b<1": "b"}))


def test_numbers_of_other_types(backend, X, codes):
    whole = np.round(X * 4)
    expected = classifier(backend).fit(whole, codes).predict_proba(whole)
    for kind in (np.int64, np.int8, np.float32, np.float16):
        table = whole.astype(kind)
        np.testing.assert_array_equal(
            classifier(backend).fit(table, codes).predict_proba(table), expected
        )
    for table in (whole.tolist(), np.asfortranarray(whole), pd.DataFrame(whole, dtype="Int64")):
        np.testing.assert_array_equal(
            classifier(backend).fit(table, codes).predict_proba(table), expected
        )


@pytest.mark.parametrize("kind", ["csr_matrix", "csc_matrix", "coo_matrix", "csr_array"])
def test_what_a_sparse_matrix_lacks_is_zero(backend, kind, X, codes):
    X[np.abs(X) < 0.8] = 0
    X[5:9, 2] = np.nan
    sparse = getattr(sp, kind)(X)
    before = sparse.copy()
    for model in (classifier(backend), regressor(backend)):
        expected = clone(model).fit(X, codes).predict(X)
        model.fit(sparse, codes)
        np.testing.assert_array_equal(model.predict(sparse), expected)
        np.testing.assert_array_equal(model.predict(X), expected)
    assert abs(sparse.tocsr()[:5] - before.tocsr()[:5]).sum() == 0
    stages = list(model.staged_predict(sparse))
    np.testing.assert_allclose(stages[-1], expected, rtol=1e-5)
    model.set_params(early_stopping=True).fit(sparse, codes)
    with pytest.raises(ValueError, match="infinity"):
        model.predict(sp.csr_matrix(np.where(X == 0, 0, np.inf)))


# Weights.


@pytest.mark.parametrize("kind", [GradientBoostingClassifier, GradientBoostingRegressor])
def test_weights_mean_repetition(backend, kind, X, codes):
    X = np.round(X * 3)
    times = np.random.default_rng(2).integers(0, 3, 90)
    weighted = exact(kind, backend).fit(X, codes, sample_weight=times)
    repeated = exact(kind, backend).fit(np.repeat(X, times, 0), np.repeat(codes, times))
    plain = exact(kind, backend).fit(X, codes)
    found, expected = (
        m.predict_proba(X) if kind is GradientBoostingClassifier else m.predict(X)
        for m in (weighted, repeated)
    )
    # CatBoost may split further where it gains nothing, into leaves that rows left out come to.
    seen = times > 0 if backend == "catboost" else times >= 0
    np.testing.assert_allclose(found[seen], expected[seen], rtol=1e-5)
    assert (plain.predict(X) != weighted.predict(X)).any()
    here = times > 0
    absent = exact(kind, backend).fit(X[here], codes[here])
    zero = exact(kind, backend).fit(X, codes, sample_weight=here)
    np.testing.assert_array_equal(zero.predict(X), absent.predict(X))


def test_wrong_weights_are_refused(backend, X, codes):
    for weight, message in [
        (np.zeros(90), "zero for every row"),
        (-np.ones(90), "negative"),
        (np.ones(89), "shape"),
        (np.full(90, np.nan), "NaN"),
    ]:
        with pytest.raises(ValueError, match=message):
            classifier(backend).fit(X, codes, sample_weight=weight)
    only = (codes == 1).astype(float)
    with pytest.raises(ValueError, match="one class"):
        classifier(backend).fit(X, codes, sample_weight=only)


def test_class_weights_multiply_sample_weights(backend, X, codes):
    y, weight = np.array(["a", "b", "c"])[codes], 1 + (X[:, 2] > 0)
    factors = {"a": 1.0, "b": 5.0, "c": 0.5}
    found = classifier(backend, class_weight=factors).fit(X, y, sample_weight=weight)
    by_hand = weight * np.array([factors[label] for label in y])
    expected = classifier(backend).fit(X, y, sample_weight=by_hand)
    np.testing.assert_array_equal(found.predict_proba(X), expected.predict_proba(X))
    rare = (codes == 2) & (X[:, 2] > 0)
    balanced = classifier(backend, class_weight="balanced").fit(X, rare)
    by_hand = np.where(rare, 90 / 2 / rare.sum(), 90 / 2 / (~rare).sum())
    expected = classifier(backend).fit(X, rare, sample_weight=by_hand)
    np.testing.assert_allclose(balanced.predict_proba(X), expected.predict_proba(X), rtol=1e-6)
    with pytest.raises(ValueError, match="'d'"):
        classifier(backend, class_weight={"d": 2}).fit(X, y)


# Sizes.


def test_one_feature(backend, X, codes):
    assert classifier(backend).fit(X[:, :1], codes).score(X[:, :1], codes) > 0.7
    assert cross_val_score(regressor(backend, n_estimators=40), X[:, :1], X[:, 0]).mean() > 0.8


@pytest.mark.parametrize("early_stopping", [False, True])
@pytest.mark.parametrize("n", [1, 2, 3])
def test_few_rows(backend, n, early_stopping, X):
    reg, clf = regressor(backend), classifier(backend)
    for model in (reg, clf):
        model.set_params(early_stopping=early_stopping)
        if early_stopping or (n == 1 and model is clf):
            with pytest.raises(ValueError, match="sample|class"):
                model.fit(X[:n], np.arange(n))
        else:
            assert np.isfinite(model.fit(X[:n], np.arange(n)).predict(X)).all()
