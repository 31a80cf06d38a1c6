"""Variational autoencoders: bounds of a linear model, forms of samples, labels, members."""

import pickle

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.stats import multivariate_normal
from sklearn.datasets import load_digits, load_iris
from sklearn.decomposition import FactorAnalysis
from sklearn.exceptions import NotFittedError
from support.global_random import numpy_state

from sklearn_modern.decomposition import CNNVariationalAutoencoder, VariationalAutoencoder

TRAINING = {"max_iter": 3, "learning_rate": "constant", "device": "cpu", "random_state": 0}
TINY = TRAINING | {"hidden_layer_sizes": (8,)}
SMALL = TRAINING | {"width": 4, "depth": (1, 1)}
IRIS, SPECIES = load_iris(return_X_y=True)
NAMES = np.array(["setosa", "versicolor", "virginica"])[SPECIES]
DIGITS = load_digits().images[:60]


def mixed(n=80):
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(n, 3)) * [1, 1e-6, 1e6], columns=list("abc"))
    frame["whole"] = rng.integers(0, 9, n)
    frame["colour"] = pd.Categorical(rng.choice(["red", "green"], n), ["green", "red", "never"])
    frame["is"] = rng.uniform(size=n) < 0.3
    frame.loc[::5, "a"] = np.nan
    frame.loc[::7, "colour"] = None
    return frame


def table(**settings):
    return VariationalAutoencoder(**TINY | settings)


def images(**settings):
    return CNNVariationalAutoencoder(**SMALL | settings)


# A linear model has a likelihood that is known exactly.


@pytest.fixture(scope="module")
def linear():
    return VariationalAutoencoder(
        hidden_layer_sizes=(), solver="lbfgs", max_iter=100, alpha=0.0, tol=1e-12,
        precision="float64", device="cpu", random_state=0,
    ).fit(IRIS)  # fmt: skip


def exact(model):
    """Return the normal distribution that a linear model is, in the units of X."""
    middle, *ends = model.inverse_transform(np.vstack([np.zeros(2), np.eye(2)]))
    directions = np.array(ends) - middle
    deviation = model.net_.module_.head.scale().detach().numpy().ravel() * IRIS.std(0)
    return multivariate_normal(middle, directions.T @ directions + np.diag(deviation**2))


def test_bounds_are_below_the_exact_likelihood_and_close(linear):
    truth = exact(linear).logpdf(IRIS)
    for n_importance, most in ((4, 0.02), (64, 0.005), (1024, 0.001)):
        gap = truth - linear.set_params(n_importance=n_importance).score_samples(IRIS)
        assert -1e-3 < gap.mean() < most


def test_a_linear_one_is_as_good_as_factor_analysis(linear):
    scaled = (IRIS - IRIS.mean(0)) / IRIS.std(0)
    best = FactorAnalysis(2, tol=1e-4, max_iter=10_000).fit(scaled).score(scaled)
    ours = linear.score(IRIS) + np.log(IRIS.std(0)).sum()
    assert best - 0.02 < ours < best + 0.01


def test_samples_of_a_linear_one_have_its_moments(linear):
    truth, drawn = exact(linear), linear.sample(20_000, random_state=0)
    np.testing.assert_allclose(drawn.mean(0), truth.mean, atol=0.05)
    np.testing.assert_allclose(np.cov(drawn.T), truth.cov, atol=0.1)


# Scores.


@pytest.mark.parametrize("n_members", [1, 2])
@pytest.mark.parametrize("conditional", [False, True])
@pytest.mark.parametrize("kind", ["table", "grey", "binary"])
def test_a_row_has_the_same_score_whatever_is_beside_it(kind, conditional, n_members):
    settings = {"conditional": conditional, "n_members": n_members, "n_importance": 5}
    X = {"table": mixed(), "grey": DIGITS, "binary": (DIGITS > 7) * 1.0}[kind]
    y = np.arange(len(X)) % 3
    model = (table if kind == "table" else images)(**settings).fit(X, y)
    together = model.score_samples(X, y)
    assert together.dtype == np.float64
    assert np.isfinite(together).all()
    for rows in (slice(3, 4), slice(10, 17)):
        np.testing.assert_allclose(model.score_samples(X[rows], y[rows]), together[rows], 1e-13)
        np.testing.assert_array_equal(
            model.transform(X[rows], y[rows]), model.transform(X, y)[rows]
        )
    assert model.score(X, y) == pytest.approx(together.mean())
    np.testing.assert_array_equal(model.score_samples(X, y), together)


def test_members_are_a_mixture():
    both = table(n_members=2, precision="float64").fit(IRIS)
    net = both.net_.module_
    found = []
    for member in range(2):
        one = pickle.loads(pickle.dumps(both))
        for name, value in one.net_.module_.named_parameters():
            value.data[1 - member] = dict(net.named_parameters())[name].data[member]
        found.append(one.score_samples(IRIS))  # of two equal members
    expected = np.logaddexp(*found) - np.log(2)
    np.testing.assert_allclose(both.score_samples(IRIS), expected, rtol=1e-10)


def test_a_label_or_the_mean_over_labels():
    model = table(conditional=True).fit(IRIS, NAMES, sample_weight=1.0 + (SPECIES == 0))
    np.testing.assert_allclose(model.class_prior_, [0.5, 0.25, 0.25])
    given = [model.score_samples(IRIS, name) for name in model.classes_]
    expected = np.log(np.exp(given).T @ model.class_prior_)
    np.testing.assert_allclose(model.score_samples(IRIS), expected, rtol=1e-10)
    np.testing.assert_array_equal(model.score_samples(IRIS, NAMES)[:50], given[0][:50])


@pytest.mark.parametrize("scaling", ["standard", None])
def test_scales_of_columns_only_move_the_density(scaling):
    factors = np.array([1e-6, 1.0, 1e3, 1e6]) if scaling else np.ones(4)
    plain = table(input_scaling=scaling).fit(IRIS)
    scaled = table().fit(IRIS * factors) if scaling else plain
    apart = plain.score_samples(IRIS) - scaled.score_samples(IRIS * factors)
    np.testing.assert_allclose(apart, np.log(factors).sum(), atol=1e-2)


def test_scales_of_pixels_only_move_the_density():
    plain, scaled = images().fit(DIGITS), images().fit(DIGITS * 1e4)
    apart = plain.score_samples(DIGITS) - scaled.score_samples(DIGITS * 1e4)
    np.testing.assert_allclose(apart, 64 * np.log(1e4), atol=1e-2)


def test_what_is_missing_has_no_part_in_the_score():
    model = table(hidden_layer_sizes=(), n_importance=4096).fit(mixed())
    empty = mixed().iloc[:1].assign(**dict.fromkeys(mixed().columns, np.nan))
    half = empty.assign(b=1e-6)
    # What is left is the mean of p(z) / q(z), which is 1.
    assert abs(model.score_samples(empty)[0]) < 0.01
    change = model.score_samples(half)[0] - model.score_samples(empty)[0]
    assert np.isfinite(change)
    assert model.reconstruct(empty).notna().all(axis=None)


def test_constant_columns_have_a_finite_density():
    X = np.column_stack([IRIS, np.full(len(IRIS), 1e9)])
    model = table(max_iter=30).fit(X)
    assert np.isfinite(model.score_samples(X)).all()
    np.testing.assert_allclose(model.sample(50, random_state=0)[:, 4], 1e9, rtol=1e-8)


def test_one_column_and_more_codes_than_columns():
    model = table(n_components=5).fit(IRIS[:, :1])
    assert model.transform(IRIS[:, :1]).shape == (150, 5)
    assert model.sample(3, random_state=0).shape == (3, 1)


def test_pixels_that_are_neither_0_nor_1_have_no_probability():
    model = images().fit((DIGITS > 7) * 1.0)
    for other in (DIGITS, np.full_like(DIGITS, 0.5)):
        with pytest.raises(ValueError, match="those of the fit are all 0 or 1"):
            model.score_samples(other)
    with pytest.raises(ValueError, match="In X_val.*pixels from 0.0 to 16.0"):
        images().fit((DIGITS > 7) * 1.0, X_val=DIGITS)


# The density is one: it integrates to 1.


def test_a_density_integrates_to_one():
    X = IRIS[:, :1] * 1e3
    model = table(max_iter=40, n_importance=256).fit(X)
    grid = np.linspace(X.min() - 3 * np.ptp(X), X.max() + 3 * np.ptp(X), 2000)
    mass = np.exp(model.score_samples(grid[:, np.newaxis])).sum() * (grid[1] - grid[0])
    assert 0.97 < mass < 1.005  # a bound


def test_probabilities_of_binary_images_sum_to_one():
    every = np.stack(np.meshgrid(*[[0.0, 1.0]] * 4), -1).reshape(-1, 1, 2, 2)
    rng = np.random.default_rng(0)
    X = every[rng.choice(16, 200, p=rng.dirichlet(np.ones(16)))]
    model = images(n_importance=256, max_iter=10, depth=1).fit(X)
    assert 0.97 < np.exp(model.score_samples(every)).sum() < 1.005


# Samples and rows of codes.


def test_samples_have_the_form_of_a_frame():
    X = mixed()
    drawn = table(max_iter=30).fit(X).sample(200, random_state=0)
    pd.testing.assert_series_equal(drawn.dtypes, X.dtypes)
    assert set(drawn["colour"]) == {"red", "green"}
    assert 0.1 < drawn["is"].mean() < 0.5
    assert drawn["c"].std() > 3e5  # the noise of cells is drawn, too


@pytest.mark.parametrize(
    ("shape", "settings"),
    [
        ((20, 8, 9, 3), {"channels": "last"}),
        ((20, 48), {"input_shape": (3, 4, 4)}),
        ((20, 2, 9), {"spatial_dims": 1}),
        ((20, 2, 3, 4, 5), {"depth": 1}),
        ((20, 5, 1), {"spatial_dims": 2, "depth": 1}),
    ],
    ids=str,
)
def test_images_have_the_layout_of_x(shape, settings):
    X = np.random.default_rng(0).integers(0, 250, shape).astype(np.uint8)
    model = images(**settings).fit(X)
    drawn = model.sample(3, random_state=0)
    assert drawn.shape == (3, *shape[1:])
    assert drawn.dtype == np.uint8
    assert model.reconstruct(X).shape == shape
    assert model.inverse_transform(model.transform(X)).dtype == np.float64
    assert np.isfinite(model.score_samples(X)).all()


def test_pixels_of_0_and_1_have_probabilities():
    grey, binary = images().fit(DIGITS), images(max_iter=30).fit(DIGITS > 7)
    assert (binary.score_samples(DIGITS > 7) < 0).all()
    drawn = images(max_iter=30).fit((DIGITS > 7) * 1.0).sample(30, random_state=0)
    assert drawn.min() >= 0
    assert drawn.max() <= 1
    assert set(np.unique(images().fit((DIGITS > 7).astype(int)).sample(30))) <= {0, 1}
    assert grey.sample(30, random_state=0).max() > 1


def test_rows_of_codes_are_those_of_rows():
    X, y = mixed(), np.arange(80) % 3
    for model in (table(n_members=2), table(conditional=True)):
        model.fit(X, y)
        again = model.reconstruct(X, y)
        of_codes = model.inverse_transform(model.transform(X, y), y)
        pd.testing.assert_frame_equal(of_codes, again, rtol=1e-3)
        assert again["whole"].dtype == np.float64
    np.testing.assert_array_equal(model.fit_transform(X, y), model.transform(X, y))
    assert model.get_feature_names_out().tolist() == [
        "variationalautoencoder0",
        "variationalautoencoder1",
    ]


def test_samples_are_determined_by_the_random_state():
    model = table(n_members=2, conditional=True).fit(IRIS, NAMES)
    first, labels = model.sample(8, random_state=0)
    again, labels_again = model.sample(8, random_state=np.random.RandomState(0))
    np.testing.assert_array_equal(first, again)
    np.testing.assert_array_equal(labels, labels_again)
    assert not np.array_equal(first, model.sample(8, random_state=1)[0])
    loaded = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(loaded.sample(8, random_state=0)[0], first)


def test_each_row_is_drawn_by_one_of_the_members():
    model = images(n_members=2).fit(DIGITS)
    drawn = model.sample(40, random_state=0)
    random = np.random.RandomState(0)
    members, codes = random.randint(2, size=40), random.standard_normal((40, 2))
    for member in range(2):
        one = pickle.loads(pickle.dumps(model))
        for value in [*one.net_.module_.parameters(), *one.net_.module_.buffers()]:
            value.data[1 - member] = value.data[member]
        expected = one.inverse_transform(np.hstack([codes, codes]))
        own = members == member
        np.testing.assert_allclose(drawn[own], expected[own], rtol=1e-3, atol=1e-4)


# Labels.


@pytest.mark.parametrize("kind", ["table", "images"])
def test_samples_have_the_labels_that_are_asked_for(kind):
    rng = np.random.default_rng(0)
    y = rng.choice(["dark", "light"], 300, p=[0.3, 0.7])
    X = rng.normal(size=(300, 16)) + 8.0 * (y == "light")[:, np.newaxis]
    settings = {"conditional": True, "max_iter": 60, "learning_rate_init": 0.01}
    if kind == "images":
        X, model = X.reshape(-1, 4, 4), images(depth=1, **settings)
    else:
        model = table(**settings)
    model.fit(X, y)
    for label, low in (("dark", False), ("light", True)):
        drawn, labels = model.sample(50, y=label, random_state=0)
        assert labels.tolist() == [label] * 50
        assert ((drawn.reshape(50, -1).mean(1) > 4) == low).all()
    wanted = np.array(["light", "dark", "light"])
    drawn, labels = model.sample(y=wanted, random_state=0)
    assert labels.tolist() == wanted.tolist()
    assert (drawn.reshape(3, -1).mean(1) > 4).tolist() == [True, False, True]
    assert 0.6 < (model.sample(500, random_state=0)[1] == "light").mean() < 0.8


# Training.


def test_a_bent_line_is_likelier_than_a_straight_one():
    rng = np.random.default_rng(0)
    angle = rng.uniform(0, 4, 400)
    X = np.column_stack([np.cos(angle), np.sin(angle), angle]) + 0.1 * rng.normal(size=(400, 3))
    settings = {"max_iter": 100, "learning_rate": "one_cycle", "hidden_layer_sizes": (32,)}
    bent = table(n_components=1, **settings).fit(X[:300])
    straight = FactorAnalysis(1).fit(X[:300])
    assert bent.score(X[300:]) > straight.score(X[300:]) + 0.5
    radius = np.hypot(*bent.sample(500, random_state=0).T[:2])
    assert 0.9 < np.median(radius) < 1.1


def test_beta_makes_codes_say_less():
    settings = {"max_iter": 60, "hidden_layer_sizes": (16,)}
    plain, strong = (table(beta=beta, **settings).fit(IRIS) for beta in (1.0, 10.0))

    def error(model):
        return ((model.reconstruct(IRIS) - IRIS) ** 2).mean()

    assert error(strong) > 2 * error(plain)


def test_weights_count_as_repetition_where_noise_stays_out():
    weight = np.random.default_rng(0).integers(0, 3, len(IRIS))
    settings = {"solver": "lbfgs", "precision": "float64", "max_iter": 5}
    weighted = table(**settings).fit(IRIS, sample_weight=weight)
    repeated = table(**settings).fit(IRIS.repeat(weight, axis=0))
    np.testing.assert_allclose(weighted.transform(IRIS), repeated.transform(IRIS), rtol=1e-6)


def test_validation_rows_are_judged_by_the_same_noise():
    y = NAMES
    model = table(early_stopping=True, conditional=True, learning_rate_init=1e-12).fit(IRIS, y)
    np.testing.assert_allclose(np.ptp(model.validation_scores_), 0, atol=1e-5)
    given = table(conditional=True).fit(IRIS, y, X_val=IRIS[:30], y_val=y[:30])
    assert len(given.validation_scores_) == 3


def test_global_random_state_is_left_alone():
    before = torch.get_rng_state(), numpy_state()
    for model in (table(), images()):
        X = IRIS if isinstance(model, VariationalAutoencoder) else DIGITS
        model.fit(X).sample(3, random_state=0)
        model.score_samples(X)
    assert torch.equal(before[0], torch.get_rng_state())
    assert before[1] == numpy_state()


# Bad input.


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"beta": -1.0}, "'beta' parameter"),
        ({"n_components": 0}, "'n_components' parameter"),
        ({"n_importance": 0}, "'n_importance' parameter"),
        ({"input_scaling": "quantile"}, "'input_scaling' parameter"),
        ({"conditional": True}, "conditional=True learns rows given their labels, but y is None"),
    ],
)
def test_bad_settings(settings, message):
    with pytest.raises(ValueError, match=message):
        table(**settings).fit(IRIS)


def test_bad_requests():
    plain, labelled = table().fit(IRIS), table(conditional=True).fit(IRIS, NAMES)
    codes = np.zeros((2, 2))
    with pytest.raises(ValueError, match="codes of the width 3, but VariationalAuto.* width 2"):
        plain.inverse_transform(np.zeros((2, 3)))
    for ask in (labelled.transform, labelled.reconstruct):
        with pytest.raises(ValueError, match="y is None, but with conditional=True"):
            ask(IRIS)
    with pytest.raises(ValueError, match="y is None, but with conditional=True"):
        labelled.inverse_transform(codes)
    with pytest.raises(ValueError, match=r"not in fit: \['setose'\].*'setosa'"):
        labelled.sample(2, y="setose")
    with pytest.raises(ValueError, match="y has 3 labels for 2 rows"):
        labelled.inverse_transform(codes, NAMES[:3])
    with pytest.raises(ValueError, match="y asks for labels"):
        plain.sample(2, y="setosa")
    for method in ("transform", "inverse_transform", "reconstruct", "score_samples", "sample"):
        with pytest.raises(NotFittedError):
            getattr(table(), method)(2 if method == "sample" else IRIS)
