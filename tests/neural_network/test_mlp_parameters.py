"""Which parameters go together, and which may change between the parts of a training."""

import pickle

import numpy as np
import pytest
from sklearn.exceptions import NotFittedError
from skorch.callbacks import LRScheduler
from support.single_networks import MLPClassifier, MLPRegressor


def regression(n=120):
    X = np.random.default_rng(0).normal(size=(n, 3))
    return X, 3 * X[:, 0] + X[:, 1]


def test_pickling_leaves_the_estimator_as_it_is():
    X, y = regression()
    never = MLPRegressor((8,), random_state=0).partial_fit(X, y)
    pickled = MLPRegressor((8,), random_state=0).partial_fit(X, y)
    fitted = MLPRegressor((8,), max_iter=2, random_state=0).fit(X, y)
    for model in (pickled, fitted):
        net = model.net_
        pickle.dumps(model)
        assert model.net_ is net
        assert hasattr(net, "optimizer_")
    np.testing.assert_array_equal(
        pickled.partial_fit(X, y).predict(X), never.partial_fit(X, y).predict(X)
    )


def test_a_first_part_with_constant_columns_does_not_silence_them():
    X, y = regression()
    model = MLPRegressor((16,), learning_rate_init=0.01, random_state=0).partial_fit(X[:1], y[:1])
    for _ in range(60):
        model.partial_fit(X, y)
    assert model.score(X, y) > 0.9


@pytest.mark.parametrize(
    "change", [{"solver": "sgd"}, {"precision": "float64"}, {"loss": "gaussian"}, {"dropout": 0.5}]
)
def test_what_shapes_the_network_cannot_change_when_it_goes_on(change):
    X, y = regression()
    model = MLPRegressor((8,), max_iter=2, warm_start=True, random_state=0).fit(X, y)
    with pytest.raises(ValueError, match=f"{next(iter(change))}=.* when this network was made"):
        model.set_params(**change).fit(X, y)


def test_what_steers_the_training_may_change_when_it_goes_on():
    X, y = regression()
    model = MLPRegressor((8,), max_iter=2, warm_start=True, random_state=0).fit(X, y)
    model.set_params(alpha=300.0, max_iter=30).fit(X, y)
    assert model.net_.module_.body.hidden[0].linear.weight.abs().max() < 0.01
    model.set_params(tol=100.0, n_iter_no_change=2, max_iter=50).fit(X, y)
    assert model.n_iter_ < 40


def test_predictions_come_from_the_fit_not_from_later_parameters():
    X, y = regression()
    model = MLPRegressor((8,), max_iter=2, random_state=0).fit(X, y)
    expected = model.predict(X)
    model.set_params(precision="float64", loss="quantile")
    np.testing.assert_array_equal(model.predict(X), expected)
    with pytest.raises(ValueError, match="return_std=True needs loss='gaussian'"):
        model.predict(X, return_std=True)
    assert not hasattr(model, "predict_quantiles")


def test_a_diverged_fit_leaves_nothing_to_predict_with():
    X, y = regression()
    model = MLPRegressor(solver="sgd", learning_rate_init=1e6, max_iter=20, random_state=0)
    with pytest.raises(ValueError, match="diverged"):
        model.fit(X, y)
    with pytest.raises(NotFittedError):
        model.predict(X)


@pytest.mark.parametrize(
    ("name", "value", "needed"),
    [
        *((name, 0.2, ("solver", "lbfgs")) for name in ("mixup", "gradient_clip", "dropout")),
        ("n_members", 2, ("solver", "lbfgs")),
        ("batch_size", 16, ("solver", "lbfgs")),
        ("momentum", 0.5, ("solver", "adam")),
        ("quantiles", (0.1, 0.9), ("loss", "huber")),
    ],
)
def test_a_parameter_that_would_have_no_effect_is_refused(name, value, needed):
    other, chosen = needed
    with pytest.raises(ValueError, match=f"^{name}=.* has no effect with {other}='{chosen}'"):
        MLPRegressor(**{name: value, other: chosen}).fit(*regression())


def test_a_parameter_that_is_off_is_not_refused():
    X, y = regression()
    MLPRegressor((4,), solver="lbfgs", dropout=0.0, gradient_clip=None, max_iter=1).fit(X, y)


def test_a_scheduler_beside_a_schedule_is_refused():
    callbacks = [LRScheduler("StepLR", step_size=1)]
    with pytest.raises(ValueError, match="LRScheduler.*learning_rate='one_cycle'"):
        MLPRegressor(callbacks=callbacks).fit(*regression())


def test_class_weights_of_a_part_that_lacks_a_class():
    X, y = regression()
    y = np.where(y > 0, "high", "low")
    model = MLPClassifier((8,), class_weight={"high": 5.0}, random_state=0)
    model.partial_fit(X[y == "low"], y[y == "low"], classes=["high", "low"])
    with pytest.raises(ValueError, match="class_weight has the classes \\['tall'\\]"):
        MLPClassifier(class_weight={"tall": 2.0}).fit(X, y)
    with pytest.raises(ValueError, match="'High' is nearly 'high': is one misspelt"):
        MLPClassifier(class_weight={"High": 2.0}).fit(X, y)
    named = {"high": 5.0, "low": 1.0, "tall": 2.0}
    found, expected = (
        MLPClassifier((8,), class_weight=weights, random_state=0, max_iter=2).fit(X, y)
        for weights in (named, {"high": 5.0})
    )
    np.testing.assert_array_equal(found.predict_proba(X), expected.predict_proba(X))
    with pytest.warns(UserWarning, match="\\['tall'\\].*\\['low'\\] have weight 1"):
        MLPClassifier(class_weight={"high": 5.0, "tall": 2.0}, max_iter=1).fit(X, y)
    with pytest.raises(ValueError, match="at least two classes"):
        MLPClassifier().partial_fit(X, np.full(len(y), "low"), classes=["low"])
    labels = np.column_stack([y == "low", y == "high"]).astype(int)
    with pytest.raises(ValueError, match=r"y has 2 columns.* but classes=\['a', 'b'\]"):
        MLPClassifier().partial_fit(X, labels, classes=["a", "b"])
    MLPClassifier((4,)).partial_fit(X, labels, classes=[0, 1]).partial_fit(X, labels)


def test_the_strength_of_the_penalty_depends_on_the_solver():
    X, y = regression()
    settings = {"hidden_layer_sizes": (4,), "max_iter": 2, "device": "cpu", "random_state": 0}
    for solver, alpha in (("adamw", 0.5), ("adam", 1e-4), ("sgd", 1e-4), ("lbfgs", 1e-4)):
        auto = MLPRegressor(**settings, solver=solver).fit(X, y)
        named = MLPRegressor(**settings, solver=solver, alpha=alpha).fit(X, y)
        np.testing.assert_array_equal(auto.predict(X), named.predict(X))


def test_a_decay_that_would_turn_signs_is_refused():
    X, y = regression()
    with pytest.raises(ValueError, match=r"alpha=500.*learning_rate_init=0.003 exceeds 1"):
        MLPRegressor(alpha=500).fit(X, y)
    MLPRegressor((2,), alpha=500, solver="adam", max_iter=1).fit(X, y)


def test_targets_beyond_the_square_root_of_the_largest_number():
    X, y = regression()
    settings = {"hidden_layer_sizes": (8,), "max_iter": 5, "device": "cpu", "random_state": 0}
    expected = MLPRegressor(**settings).fit(X, y).predict(X)
    found = MLPRegressor(**settings).fit(X, y * 1e300).predict(X)
    np.testing.assert_allclose(found, expected * 1e300, rtol=1e-3)


def test_validation_rows_that_were_not_transformed_are_noticed():
    X, y = regression()
    raw = 1e3 + 100 * X
    settings = {"hidden_layer_sizes": (4,), "max_iter": 1, "early_stopping": True}
    model = MLPRegressor(**settings)
    model.fit(X[:90], y[:90], X_val=X[90:], y_val=y[90:])
    with pytest.warns(UserWarning, match="3 of 3 columns .*beyond all rows of X.*transform_input"):
        model.fit(X[:90], y[:90], X_val=raw[90:], y_val=y[90:])
    later = X[90:] + np.array([0, 0, 50])  # one column has moved, as a date does
    model.fit(X[:90], y[:90], X_val=later, y_val=y[90:])


def test_errors_name_the_validation_rows():
    X, y = regression()
    model = MLPRegressor(max_iter=2, learning_rate="constant", warm_start=True)
    with pytest.raises(ValueError, match="In X_val and y_val: X has 2 features"):
        model.fit(X, y, X_val=X[:, :2], y_val=y)
    with pytest.raises(NotFittedError):
        model.predict(X)
    expected = model.fit(X, y).predict(X)
    with pytest.raises(ValueError, match="In X_val and y_val"):
        model.fit(X, y, X_val=X[:, :2], y_val=y)
    np.testing.assert_array_equal(model.predict(X), expected)  # a network to go on with stays
