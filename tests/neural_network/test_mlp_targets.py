"""Targets of every kind: labels, losses, quantiles and deviations, and what weights mean."""

import numpy as np
import pytest
from scipy.special import expit, softmax
from scipy.stats import norm
from sklearn.datasets import load_iris, make_multilabel_classification
from sklearn.linear_model import PoissonRegressor, QuantileRegressor
from sklearn.metrics import mean_poisson_deviance, r2_score
from sklearn.neural_network import MLPClassifier as TheirClassifier
from sklearn.preprocessing import StandardScaler
from support.single_networks import MLPClassifier, MLPRegressor

SMALL = {
    "activation": "relu",
    "input_scaling": "standard",
    "solver": "adam",
    "alpha": 1e-4,
    "learning_rate": "constant",
    "dropout": 0.0,
    "hidden_layer_sizes": (16,),
    "max_iter": 30,
    "learning_rate_init": 0.02,
    "device": "cpu",
    "random_state": 0,
}
EXACT = SMALL | {"precision": "float64", "batch_size": 10_000, "max_iter": 15}
EXACT["members"] = "independent"
# A linear model, trained to the end.
OPTIMAL = {
    "activation": "relu",
    "input_scaling": "standard",
    "hidden_layer_sizes": (),
    "solver": "lbfgs",
    "alpha": 0,
    "tol": 0,
    "max_iter": 200,
    "n_iter_no_change": 20,
    "precision": "float64",
    "device": "cpu",
    "random_state": 0,
}
LOSSES = ["squared_error", "absolute_error", "huber", "poisson", "quantile", "gaussian"]


@pytest.fixture
def X():
    return np.random.default_rng(0).normal(size=(80, 3))


@pytest.fixture
def y(X):
    return 5.0 + 3.0 * X[:, 0] + np.random.default_rng(1).normal(size=80)


@pytest.fixture
def codes(X):
    return (X @ [2.0, -1.0, 0.0] + np.random.default_rng(2).normal(size=80) > 0).astype(int) + (
        X[:, 2] > 0.7
    )


# Labels.


LABELS = {
    "strings": np.array(["ant", "bee", "cat"]),
    "objects": np.array(["ant", "bee", "cat"], dtype=object),
    "numbers with gaps": np.array([10, 20, 70]),
    "int32": np.array([1, 2, 3], dtype=np.int32),
    "negative": np.array([-5, 0, 5], dtype=np.int8),
    "whole floats": np.array([0.0, 1.0, 2.0]),
}


@pytest.mark.parametrize("kind", LABELS)
def test_labels_of_any_type_are_predicted_as_they_are(kind):
    X, codes = load_iris(return_X_y=True)
    labels = LABELS[kind][codes]
    clf = MLPClassifier(**SMALL).fit(X, labels)
    predicted = clf.predict(X)
    np.testing.assert_array_equal(clf.classes_, LABELS[kind])
    assert predicted.dtype == labels.dtype
    assert np.mean(predicted == labels) > 0.9
    plain = MLPClassifier(**SMALL).fit(X, codes)
    np.testing.assert_array_equal(clf.predict_proba(X), plain.predict_proba(X))


def test_two_classes_of_booleans(X):
    y = X[:, 0] > 0
    clf = MLPClassifier(**SMALL).fit(X, y)
    assert clf.predict(X).dtype == bool
    assert clf.score(X, y) > 0.9
    assert clf.predict_proba(X).shape == (80, 2)


def test_probabilities_sum_to_one_and_logarithms_are_finite(X, codes):
    clf = MLPClassifier(**SMALL | {"alpha": 0}).fit(X, codes)
    far = clf.predict_proba(1e4 * X)
    np.testing.assert_allclose(far.sum(axis=1), 1, rtol=1e-5)
    assert far.min() == 0.0
    assert np.isfinite(clf.predict_log_proba(1e4 * X)).all()
    np.testing.assert_allclose(clf.predict_log_proba(X), np.log(clf.predict_proba(X)), rtol=1e-6)


def test_multilabel_probabilities_are_of_each_label_apart():
    X, Y = make_multilabel_classification(150, n_features=8, n_classes=4, random_state=0)
    clf = MLPClassifier(**SMALL).fit(X, Y)
    probabilities = clf.predict_proba(X)
    assert probabilities.shape == Y.shape
    np.testing.assert_array_equal(clf.classes_, np.arange(4))
    np.testing.assert_array_equal(clf.predict(X), (probabilities > 0.5).astype(int))
    assert (clf.predict(X) == Y).mean() > 0.85
    assert clf.score(X, Y) == (clf.predict(X) == Y).all(axis=1).mean()
    their = TheirClassifier((16,), max_iter=30, learning_rate_init=0.02, random_state=0)
    scaled = StandardScaler().fit_transform(X)
    with pytest.warns(match="Maximum iterations"):
        their.fit(scaled, Y)
    assert probabilities.shape == their.predict_proba(scaled).shape


@pytest.mark.parametrize("smoothing", [0.0, 0.3])
def test_label_smoothing_spreads_its_share_over_the_classes(X, codes, smoothing):
    """The best constant prediction is the smoothed mean of the targets."""
    clf = MLPClassifier(**OPTIMAL, label_smoothing=smoothing).fit(np.zeros((80, 1)), codes)
    share = np.bincount(codes) / 80
    expected = (1 - smoothing) * share + smoothing / 3
    np.testing.assert_allclose(clf.predict_proba(np.zeros((1, 1)))[0], expected, atol=1e-4)


def test_label_smoothing_of_labels_moves_each_towards_one_half(X):
    Y = np.random.default_rng(0).integers(0, 2, (80, 3)) * [1, 1, 0]
    clf = MLPClassifier(**OPTIMAL, label_smoothing=0.2).fit(np.zeros((80, 1)), Y)
    expected = 0.8 * Y.mean(axis=0) + 0.1
    np.testing.assert_allclose(clf.predict_proba(np.zeros((1, 1)))[0], expected, atol=1e-4)


# Regression.


def test_one_target_is_never_broadcast_over_rows(X, y):
    """With y of shape (n,) and scores (n, 1) a careless loss is that of all pairs of rows."""
    reg = MLPRegressor(**OPTIMAL).fit(X, y)
    design = np.column_stack([np.ones(80), X])
    expected = design @ np.linalg.lstsq(design, y, rcond=None)[0]
    np.testing.assert_allclose(reg.predict(X), expected, atol=1e-3)
    assert reg.predict(X).shape == (80,)


def test_a_single_column_is_one_target(X, y):
    reg = MLPRegressor(**SMALL)
    with pytest.warns(match="column-vector y was passed"):
        reg.fit(X, y[:, None])
    np.testing.assert_array_equal(reg.predict(X), MLPRegressor(**SMALL).fit(X, y).predict(X))


@pytest.mark.parametrize("loss", ["squared_error", "absolute_error", "huber", "gaussian"])
def test_several_targets_of_different_scales_are_all_learned(X, loss):
    Y = np.column_stack([X[:, 0], 1e4 * X[:, 1] - 1e5, 1e-3 * (X[:, 2] + 0.1 * X[:, 0])])
    reg = MLPRegressor(**SMALL | {"max_iter": 80, "hidden_layer_sizes": (32,)}, loss=loss)
    predicted = reg.fit(X, Y).predict(X)
    assert predicted.shape == Y.shape
    assert (r2_score(Y, predicted, multioutput="raw_values") > 0.9).all()


def test_several_targets_share_the_loss_evenly(X):
    """The optimum of a linear model is each target's own least squares."""
    Y = np.column_stack([X[:, 0] ** 2, np.abs(X[:, 1]), X.sum(axis=1)])
    design = np.column_stack([np.ones(80), X])
    expected = design @ np.linalg.lstsq(design, Y, rcond=None)[0]
    np.testing.assert_allclose(MLPRegressor(**OPTIMAL).fit(X, Y).predict(X), expected, atol=1e-3)


def minimum(loss, y):
    """What a loss's best constant prediction is, by a formula or a search."""
    if loss in ("squared_error", "poisson", "gaussian"):
        return y.mean()
    if loss in ("absolute_error", "quantile"):
        return np.median(y)
    candidates = np.linspace(np.median(y), y.mean(), 2000)
    errors = np.abs(y[:, None] - candidates) / y.std()
    return candidates[np.where(errors < 1, errors**2 / 2, errors - 0.5).sum(axis=0).argmin()]


@pytest.mark.parametrize("loss", LOSSES)
def test_the_best_constant_of_each_loss_is_known(loss):
    """Outliers keep mean, median and Huber's location apart."""
    y = np.r_[np.random.default_rng(0).normal(3, 1, size=61), [20.0, 30.0, 45.0, 60.0]]
    settings = OPTIMAL | {"solver": "adam", "learning_rate": "cosine", "max_iter": 400}
    settings |= {"learning_rate_init": 0.1, "n_iter_no_change": 400, "batch_size": 65}
    reg = MLPRegressor(**settings, loss=loss).fit(np.zeros((65, 1)), y)
    assert reg.predict(np.zeros((1, 1)))[0] == pytest.approx(minimum(loss, y), abs=0.02)
    places = {minimum(kind, y) for kind in ("squared_error", "absolute_error", "huber")}
    assert np.diff(sorted(places)).min() > 0.2


@pytest.mark.parametrize("scale_target", [True, False])
def test_a_linear_model_of_counts_is_that_of_scikit_learn(X, scale_target):
    rng = np.random.default_rng(3)
    counts = rng.poisson(50 * np.exp(X @ [0.5, -1.0, 0.0]))
    weight = rng.integers(0, 3, size=80)
    settings = OPTIMAL | {"tol": 1e-12, "scale_target": scale_target}
    reg = MLPRegressor(**settings, loss="poisson").fit(X, counts, weight)
    their = PoissonRegressor(alpha=0, tol=1e-10, max_iter=1000).fit(X, counts, weight)
    np.testing.assert_allclose(reg.predict(X), their.predict(X), rtol=1e-3)
    deviance = mean_poisson_deviance(counts, reg.predict(X), sample_weight=weight)
    unit = np.average(counts, weights=weight) if scale_target else 1.0
    assert reg.loss_curve_[-1] == pytest.approx(deviance / 2 / unit, rel=1e-3)


def test_several_counts_and_zeros():
    X = np.random.default_rng(0).normal(size=(80, 2))
    Y = np.random.default_rng(1).poisson(np.exp(2 * X) * [0.2, 500])
    settings = SMALL | {"n_members": 2, "early_stopping": True}
    reg = MLPRegressor(**settings, loss="poisson").fit(X, Y)
    assert np.isfinite(reg.loss_curve_).all()
    assert (reg.predict(100 * X) > 0).all()
    assert mean_poisson_deviance(Y[:, 1], reg.predict(X)[:, 1]) < 0.2 * mean_poisson_deviance(
        Y[:, 1], np.full(80, Y[:, 1].mean())
    )


@pytest.mark.parametrize("lowest", [-1, 0])
def test_counts_are_not_negative_and_not_all_zero(X, lowest):
    counts = np.zeros(80)
    counts[3] = lowest
    message = "y has negative values, such as -1" if lowest else "positive mean, but all training"
    with pytest.raises(ValueError, match=message):
        MLPRegressor(**SMALL, loss="poisson").fit(X, counts)


def test_quantiles_of_a_linear_model_are_those_of_the_linear_programme(X, y):
    levels = (0.9, 0.1)
    settings = OPTIMAL | {"solver": "adam", "learning_rate": "cosine", "max_iter": 400}
    settings |= {"learning_rate_init": 0.1, "n_iter_no_change": 400, "batch_size": 80}
    reg = MLPRegressor(**settings, loss="quantile", quantiles=levels).fit(X[:, :1], y)
    predicted = reg.predict_quantiles(X[:, :1])
    # The head's gaps are softplus functions of x, not linear; the coverage is what they aim at.
    assert np.mean(y <= predicted[:, 0]) == pytest.approx(0.9, abs=0.04)
    assert np.mean(y <= predicted[:, 1]) == pytest.approx(0.1, abs=0.04)
    median = QuantileRegressor(quantile=0.5, alpha=0).fit(X[:, :1], y).predict(X[:, :1])
    np.testing.assert_allclose(reg.predict(X[:, :1]), median, atol=0.25)


def test_quantiles_never_cross_and_come_in_the_order_asked(X, y):
    levels = (0.95, 0.05, 0.5, 0.25, 0.75)
    reg = MLPRegressor(**SMALL, loss="quantile", quantiles=levels).fit(X, y)
    far = np.random.default_rng(5).normal(scale=100, size=(500, 3))
    predicted = reg.predict_quantiles(far)
    assert predicted.shape == (500, 5)
    assert (np.diff(predicted[:, np.argsort(levels)], axis=1) >= 0).all()
    np.testing.assert_array_equal(reg.predict(far), predicted[:, 2])


def test_predict_gives_the_median_where_only_other_quantiles_are_asked(X, y):
    reg = MLPRegressor(**SMALL, loss="quantile", quantiles=(0.1, 0.9)).fit(X, y)
    lower, upper = reg.predict_quantiles(X).T
    assert ((lower < reg.predict(X)) & (reg.predict(X) < upper)).all()
    assert reg.score(X, y) > 0.7


def test_only_the_quantile_loss_has_predict_quantiles(X, y):
    assert hasattr(MLPRegressor(loss="quantile"), "predict_quantiles")
    for loss in LOSSES:
        if loss != "quantile":
            assert not hasattr(MLPRegressor(loss=loss), "predict_quantiles")


@pytest.mark.parametrize(
    ("quantiles", "message"),
    [((), "one or more"), ((0.5, 0.5), "different"), ((0.0, 0.5), "between 0 and 1")],
)
def test_quantiles_must_be_levels(X, y, quantiles, message):
    with pytest.raises(ValueError, match=message):
        MLPRegressor(**SMALL, loss="quantile", quantiles=quantiles).fit(X, y)


def test_quantiles_of_several_targets_are_refused(X, y):
    with pytest.raises(ValueError, match="one target, but y has 2"):
        MLPRegressor(**SMALL, loss="quantile").fit(X, np.column_stack([y, y]))


def test_standard_deviations_are_calibrated_where_noise_varies():
    rng = np.random.default_rng(0)
    X = rng.uniform(-2, 2, size=(1500, 1))
    true = 0.2 + 0.8 * (X[:, 0] > 0)
    y = 100 + 10 * (np.sin(2 * X[:, 0]) + true * rng.normal(size=1500))
    settings = SMALL | {"max_iter": 60, "learning_rate": "cosine", "hidden_layer_sizes": (32, 32)}
    reg = MLPRegressor(**settings, loss="gaussian").fit(X[:1000], y[:1000])
    mean, std = reg.predict(X[1000:], return_std=True)
    np.testing.assert_array_equal(mean, reg.predict(X[1000:]))
    z = (y[1000:] - mean) / std
    for level in (0.1, 0.25, 0.5, 0.75, 0.9):
        assert np.mean(norm.cdf(z) < level) == pytest.approx(level, abs=0.06)
    clear = np.abs(X[1000:, 0]) > 0.3
    np.testing.assert_allclose(std[clear], 10 * true[1000:][clear], rtol=0.45)


def test_standard_deviations_of_several_targets_are_in_their_units(y):
    Y = np.column_stack([y, 100 * y**2])
    reg = MLPRegressor(**OPTIMAL, loss="gaussian").fit(np.zeros((80, 1)), Y)
    mean, std = reg.predict(np.zeros((5, 1)), return_std=True)
    np.testing.assert_allclose(mean, np.tile(Y.mean(axis=0), (5, 1)), rtol=1e-3)
    np.testing.assert_allclose(std, np.tile(Y.std(axis=0), (5, 1)), rtol=1e-3)


def test_standard_deviations_need_the_gaussian_loss(X, y):
    with pytest.raises(ValueError, match="return_std=True needs loss='gaussian'"):
        MLPRegressor(**SMALL).fit(X, y).predict(X, return_std=True)


@pytest.mark.parametrize("loss", [loss for loss in LOSSES if loss != "poisson"])
def test_a_huge_offset_of_y_costs_no_digits(X, y, loss):
    near = MLPRegressor(**SMALL, loss=loss).fit(X, y).predict(X)
    far = MLPRegressor(**SMALL, loss=loss).fit(X, y + 1e9).predict(X)
    np.testing.assert_allclose(far - 1e9, near, atol=1e-2)


def test_scale_target_false_trains_on_y_itself(X, y):
    reg = MLPRegressor(**OPTIMAL, scale_target=False).fit(X, y)
    design = np.column_stack([np.ones(80), X])
    expected = design @ np.linalg.lstsq(design, y, rcond=None)[0]
    np.testing.assert_allclose(reg.predict(X), expected, atol=1e-3)
    first = MLPRegressor(**SMALL | {"max_iter": 1}, scale_target=False).fit(X, y)
    assert first.loss_curve_[0] > np.mean(y**2) / 4  # an untrained network predicts about zero


def test_a_constant_y_is_predicted(X):
    reg = MLPRegressor(**SMALL).fit(X, np.full(80, 7.5))
    np.testing.assert_allclose(reg.predict(X), 7.5, atol=0.1)


# Weights.


KINDS = {
    **{loss: {"loss": loss} for loss in LOSSES},
    "several quantiles": {"loss": "quantile", "quantiles": (0.2, 0.9)},
    "batch normalisation": {"normalization": "batch"},
    "robust scaling": {"input_scaling": "robust"},
    "piecewise linear": {"numerical_embedding": "piecewise_linear"},
    "strong penalty": {"alpha": 5.0},
    "adamw": {"solver": "adamw", "alpha": 0.1},
    "lbfgs": {"solver": "lbfgs", "batch_size": "auto"},
    "gradient clip": {"gradient_clip": 0.1},
    "members": {"n_members": 2},
}


@pytest.fixture
def counts():
    return np.random.default_rng(7).integers(0, 4, size=80)


@pytest.mark.parametrize("kind", KINDS)
def test_a_weight_of_two_equals_the_row_twice_in_regression(X, y, counts, kind):
    settings, y = EXACT | KINDS[kind], y - y.min()  # no count is negative
    weighted = MLPRegressor(**settings).fit(X, y, sample_weight=counts)
    repeated = MLPRegressor(**settings).fit(np.repeat(X, counts, 0), np.repeat(y, counts))
    np.testing.assert_allclose(weighted.predict(X), repeated.predict(X), rtol=1e-6, atol=1e-7)
    np.testing.assert_allclose(weighted.loss_curve_, repeated.loss_curve_, rtol=1e-6)
    unweighted = MLPRegressor(**settings).fit(X, y)
    assert np.abs(weighted.predict(X) - unweighted.predict(X)).max() > 1e-3


CLASSIFIERS = {
    "plain": {},
    "balanced": {"class_weight": "balanced"},
    "class weights": {"class_weight": {0: 1.0, 1: 3.0, 2: 0.5}},
    "label smoothing": {"label_smoothing": 0.1},
    "batch normalisation": {"normalization": "batch"},
    "layer normalisation": {"normalization": "layer"},
    "periodic": {"numerical_embedding": "periodic"},
}


@pytest.mark.parametrize("kind", CLASSIFIERS)
def test_a_weight_of_two_equals_the_row_twice_in_classification(X, codes, counts, kind):
    settings = EXACT | CLASSIFIERS[kind]
    weighted = MLPClassifier(**settings).fit(X, codes, sample_weight=counts)
    repeated = MLPClassifier(**settings).fit(np.repeat(X, counts, 0), np.repeat(codes, counts))
    np.testing.assert_allclose(weighted.predict_proba(X), repeated.predict_proba(X), atol=1e-9)


@pytest.mark.parametrize("kind", ["plain", "balanced"])
def test_a_weight_of_two_equals_the_row_twice_for_labels(X, counts, kind):
    Y = np.column_stack([X[:, 0] > 0, X[:, 1] > 0.5]).astype(int)
    settings = EXACT | CLASSIFIERS[kind]
    weighted = MLPClassifier(**settings).fit(X, Y, sample_weight=counts)
    repeated = MLPClassifier(**settings).fit(np.repeat(X, counts, 0), np.repeat(Y, counts, 0))
    np.testing.assert_allclose(weighted.predict_proba(X), repeated.predict_proba(X), atol=1e-9)


def test_a_row_of_weight_zero_is_as_good_as_absent(X, codes):
    """Even if it has a class or a value that no other row has, and whatever the batch size."""
    weight = np.r_[np.ones(60), np.zeros(20)]
    codes[60:] = 9
    X[60:] = np.nan
    settings = SMALL | {"batch_size": 16, "max_iter": 3, "normalization": "batch"}
    weighted = MLPClassifier(**settings, early_stopping=True).fit(X, codes, sample_weight=weight)
    absent = MLPClassifier(**settings, early_stopping=True).fit(X[:60], codes[:60])
    np.testing.assert_array_equal(weighted.classes_, [0, 1, 2])
    np.testing.assert_array_equal(weighted.predict_proba(X), absent.predict_proba(X))


def test_only_the_ratios_of_weights_matter_but_for_the_penalty(X, y):
    weight = np.random.default_rng(0).uniform(1, 2, size=80)
    settings = SMALL | {"alpha": 0, "max_iter": 5}
    one = MLPRegressor(**settings).fit(X, y, sample_weight=weight)
    many = MLPRegressor(**settings).fit(X, y, sample_weight=1024 * weight)
    np.testing.assert_allclose(one.predict(X), many.predict(X), rtol=1e-5)


@pytest.mark.parametrize("multilabel", [False, True])
def test_balanced_equals_the_weights_it_stands_for(X, codes, multilabel):
    y = np.column_stack([codes > 0, codes > 1]).astype(int) if multilabel else codes
    columns = y.T if multilabel else [y]
    weight = np.ones(80)
    for column in columns:
        counts = np.bincount(column)
        weight = weight * (80 / (len(counts) * counts))[column]
    settings = SMALL | {"alpha": 0, "max_iter": 5, "batch_size": 32}
    balanced = MLPClassifier(**settings, class_weight="balanced").fit(X, y)
    weighted = MLPClassifier(**settings).fit(X, y, sample_weight=weight)
    np.testing.assert_allclose(balanced.predict_proba(X), weighted.predict_proba(X), atol=1e-6)


def test_balanced_classes_have_even_probabilities_where_nothing_is_known():
    y = np.repeat(["a", "b", "c"], [50, 10, 5])
    clf = MLPClassifier(**OPTIMAL, class_weight="balanced").fit(np.zeros((65, 1)), y)
    np.testing.assert_allclose(clf.predict_proba(np.zeros((1, 1)))[0], 1 / 3, atol=1e-4)


def test_class_weights_are_named_by_label_and_multiply_sample_weights(X, codes):
    labels = np.array(["ant", "bee", "cat"])[codes]
    weight = np.random.default_rng(0).uniform(0.5, 2, size=80)
    by_class = {"ant": 2.0, "bee": 1.0, "cat": 5.0}
    settings = EXACT | {"class_weight": by_class}
    clf = MLPClassifier(**settings).fit(X, labels, sample_weight=weight)
    both = weight * np.array([2.0, 1.0, 5.0])[codes]
    expected = MLPClassifier(**EXACT).fit(X, labels, sample_weight=both)
    np.testing.assert_allclose(clf.predict_proba(X), expected.predict_proba(X), atol=1e-9)


# Members.


def test_members_probabilities_and_values_are_averaged(X, codes, y):
    clf = MLPClassifier(**EXACT, n_members=3).fit(X, codes)
    reg = MLPRegressor(**EXACT, n_members=3).fit(X, y)
    labels = MLPClassifier(**EXACT, n_members=3).fit(X, np.column_stack([codes > 0, codes > 1]) * 1)
    scaled = (X - X.mean(0)) / X.std(0)
    each = [by_hand(estimator, scaled) for estimator in (clf, reg, labels)]
    np.testing.assert_allclose(clf.predict_proba(X), softmax(each[0], -1).mean(0), atol=1e-10)
    np.testing.assert_allclose(labels.predict_proba(X), expit(each[2]).mean(0), atol=1e-10)
    values = each[1].mean(0)[:, 0] * y.std() + y.mean()
    np.testing.assert_allclose(reg.predict(X), values, rtol=1e-10)
    assert np.abs(each[1][0] - each[1][1]).max() > 0.01


def by_hand(estimator, X):
    """Compute each member's scores with numpy."""
    state = {k: v.numpy() for k, v in estimator.net_.module_.state_dict().items()}
    hidden = X @ state["body.hidden.0.linear.weight"] + state["body.hidden.0.linear.bias"]
    weight, bias = state["head.linear.weight"], state["head.linear.bias"]
    return (weight @ np.maximum(hidden, 0).swapaxes(1, 2) + bias).swapaxes(1, 2)


def test_deviations_of_members_are_those_of_their_mixture(X, y):
    reg = MLPRegressor(**EXACT, n_members=3, loss="gaussian").fit(X, y)
    scores = by_hand(reg, (X - X.mean(0)) / X.std(0))
    mean, variance = scores[..., 0], np.logaddexp(0, scores[..., 1]) + 1e-6
    expected = np.sqrt(variance.mean(0) + mean.var(0)) * y.std()
    np.testing.assert_allclose(reg.predict(X, return_std=True)[1], expected, rtol=1e-9)
