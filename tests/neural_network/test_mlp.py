"""Tables of every kind go straight in, and the estimators drop into scikit-learn's tools."""

import itertools

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
import torch
from sklearn import config_context
from sklearn.base import clone
from sklearn.compose import TransformedTargetRegressor
from sklearn.datasets import load_breast_cancer, load_diabetes
from sklearn.ensemble import BaggingClassifier, StackingClassifier
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import get_scorer
from sklearn.model_selection import GridSearchCV, cross_val_predict, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from support.single_networks import MLPClassifier, MLPRegressor

from sklearn_modern.networks.activations import ACTIVATIONS
from sklearn_modern.networks.base import Body
from sklearn_modern.training.predictions import decode

SMALL = {
    "activation": "relu",
    "input_scaling": "standard",
    "solver": "adam",
    "alpha": 1e-4,
    "learning_rate": "constant",
    "dropout": 0.0,
    "hidden_layer_sizes": (16,),
    "max_iter": 25,
    "learning_rate_init": 0.02,
    "device": "cpu",
    "random_state": 0,
}


@pytest.fixture
def X():
    return np.random.default_rng(0).normal(size=(100, 4))


@pytest.fixture
def y(X):
    return (X[:, 0] + X[:, 1] > 0).astype(int)


@pytest.fixture
def frame():
    """Numbers with gaps, a category of few and one of many values, text, and booleans."""
    rng = np.random.default_rng(0)
    n = 200
    table = pd.DataFrame(
        {
            "age": rng.normal(40, 10, n),
            "colour": pd.Categorical(rng.choice(["red", "green", "blue"], n)),
            "town": rng.choice([f"town {i}" for i in range(20)], n),
            "member": rng.random(n) > 0.5,
            "income": rng.lognormal(10, 1, n),
        }
    )
    table.loc[::7, "age"] = np.nan
    table.loc[::11, "colour"] = None
    return table


@pytest.fixture
def mixed_y(frame):
    """Depends on each kind of column, and on whether the age is missing."""
    town = frame["town"].str.len() + frame["town"].str[-1].astype(int)
    colour = frame["colour"].map({"red": 2.0, "green": -1.0, "blue": 0.0}).astype(float)
    return (
        frame["age"].fillna(80) / 10
        + colour.fillna(4)
        + town / 2
        + 3.0 * frame["member"]
        + np.log(frame["income"])
    ).to_numpy()


# Parts.


PARTS = [
    *({"activation": name} for name in sorted(ACTIVATIONS)),
    *({"normalization": name, "dropout": 0.2} for name in (None, "batch", "layer")),
    *(
        {"numerical_embedding": embedding, "input_scaling": scaling}
        for embedding, scaling in itertools.product(
            (None, "periodic", "piecewise_linear"), ("standard", "robust", None)
        )
    ),
    *({"solver": solver} for solver in ("sgd", "adam", "adamw")),
    {"solver": "lbfgs", "batch_size": "auto"},
    *({"learning_rate": name} for name in ("constant", "cosine", "one_cycle", "adaptive")),
    {"hidden_layer_sizes": ()},
    {"hidden_layer_sizes": 8},
    {"hidden_layer_sizes": [8, 8, 8]},
    {"mixup": 0.3},
    {"n_members": 3},
    {"gradient_clip": 1.0},
    {"precision": "bfloat16", "normalization": "batch", "dropout": 0.1, "mixup": 0.1},
    {"precision": "bfloat16", "numerical_embedding": "periodic", "normalization": "layer"},
    {"precision": "float64", "numerical_embedding": "periodic", "normalization": "batch"},
]


def title(settings):
    return " ".join(f"{key}={value}" for key, value in settings.items())


@pytest.mark.parametrize("settings", PARTS, ids=title)
def test_every_part_learns_from_numbers(X, y, settings):
    clf = MLPClassifier(**SMALL | settings).fit(X, y)
    assert clf.score(X, y) > 0.9
    assert clf.loss_curve_[-1] < 0.7 * np.log(2)
    reg = MLPRegressor(**SMALL | settings).fit(X, X[:, 0] + X[:, 1])
    assert reg.score(X, X[:, 0] + X[:, 1]) > 0.8


@pytest.mark.parametrize("settings", PARTS, ids=title)
def test_every_part_works_on_a_mixed_table(frame, mixed_y, settings):
    settings = SMALL | {"max_iter": 2} | settings
    if settings.get("input_scaling", "standard") is None:
        frame["income"] = np.log(frame["income"])  # nobody else scales it
        settings["learning_rate_init"] = 1e-4
    predicted = MLPRegressor(**settings).fit(frame, mixed_y).predict(frame)
    assert np.isfinite(predicted).all()
    labels = MLPClassifier(**settings).fit(frame, mixed_y > np.median(mixed_y)).predict(frame)
    assert set(labels) <= {True, False}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("activation", "sigmoid"),
        ("dropout", 1.0),
        ("normalization", "group"),
        ("numerical_embedding", "fourier"),
        ("input_scaling", "minmax"),
        ("solver", "rmsprop"),
        ("learning_rate", "invscaling"),
        ("alpha", -1.0),
        ("batch_size", 0),
        ("n_members", 0),
        ("precision", "float16"),
        ("label_smoothing", 1.0),
        ("gradient_clip", 0.0),
        ("hidden_layer_sizes", (8, 0)),
        ("hidden_layer_sizes", (8, 2.5)),
        ("categorical_features", [9]),
        ("callbacks", ["EarlyStopping"]),
    ],
)
def test_a_wrong_parameter_is_named_with_what_was_found(X, y, name, value):
    with pytest.raises(ValueError, match=name):
        MLPClassifier(**SMALL | {name: value}).fit(X, y)


def test_only_hidden_layer_sizes_is_positional():
    assert MLPClassifier((3, 4)).hidden_layer_sizes == (3, 4)
    with pytest.raises(TypeError, match="positional"):
        MLPClassifier((3, 4), "tanh")


def test_lbfgs_trains_one_network_only(X, y):
    with pytest.raises(ValueError, match="n_members=2 has no effect with solver='lbfgs'"):
        MLPClassifier(solver="lbfgs", n_members=2).fit(X, y)


# Mixed tables.


def test_every_kind_of_column_is_learned_from(frame, mixed_y):
    settings = SMALL | {"max_iter": 80, "hidden_layer_sizes": (32,)}
    reg = MLPRegressor(**settings).fit(frame, mixed_y)
    full = reg.score(frame, mixed_y)
    assert full > 0.97
    for column in frame.columns:
        shuffled = frame.copy()
        shuffled[column] = frame[column].sample(frac=1, random_state=0).to_numpy()
        assert reg.score(shuffled, mixed_y) < full - 0.02, column
    assert list(reg.feature_names_in_) == list(frame.columns)
    assert reg.n_features_in_ == 5


def test_a_missing_number_is_the_mean_with_an_indicator():
    """Missing rows have another y, and present ones have the same y at the mean."""
    rng = np.random.default_rng(0)
    x = rng.normal(5, 1, size=200)
    y = np.where(np.arange(200) % 3 == 0, 10.0, 0.0)
    x[::3] = np.nan
    reg = MLPRegressor(**SMALL).fit(x[:, None], y)
    assert reg.predict([[np.nan]])[0] == pytest.approx(10, abs=0.5)
    assert reg.predict([[np.nanmean(x)]])[0] == pytest.approx(0, abs=0.5)


def test_missing_numbers_that_the_fit_did_not_see_are_the_mean(X, y):
    clf = MLPClassifier(**SMALL).fit(X, y)
    gap, mean = X[:1].copy(), X[:1].copy()
    gap[0, 2], mean[0, 2] = np.nan, X[:, 2].mean()
    np.testing.assert_allclose(clf.predict_proba(gap), clf.predict_proba(mean), atol=1e-6)


@pytest.mark.parametrize("column", ["colour", "town"])
def test_unseen_categories_are_all_the_same_nothing(frame, mixed_y, column):
    reg = MLPRegressor(**SMALL).fit(frame, mixed_y)
    row = frame.iloc[[1]].astype({column: object})
    predicted = [reg.predict(row.assign(**{column: value}))[0] for value in ("mauve", "teal")]
    assert predicted[0] == predicted[1]
    known = [reg.predict(row.assign(**{column: v}))[0] for v in frame[column].dropna().unique()]
    assert min(known) - np.ptp(known) < predicted[0] < max(known) + np.ptp(known)
    assert predicted[0] not in known


@pytest.mark.parametrize("n_towns", [2, 20], ids=["indicators", "vectors"])
def test_a_missing_category_is_one_of_its_own(n_towns):
    town = np.array([f"town {i % n_towns:02}" for i in range(200)], dtype=object)
    town[::5] = None
    last = town == f"town {n_towns - 1:02}"
    y = np.where(pd.isna(town), 5.0, np.where(last, -5.0, 0.0))
    settings = SMALL | {"max_iter": 60}
    reg = MLPRegressor(**settings).fit(pd.DataFrame({"town": town}), y)
    np.testing.assert_allclose(reg.predict(pd.DataFrame({"town": town})), y, atol=0.5)


def test_a_missing_category_that_the_fit_did_not_see_is_unseen(frame, mixed_y):
    table = frame.assign(colour=frame["colour"].astype(object).fillna("red"))
    reg = MLPRegressor(**SMALL).fit(table, mixed_y)
    predicted = [reg.predict(table[:5].assign(colour=value)) for value in (None, "mauve", "blue")]
    np.testing.assert_array_equal(predicted[0], predicted[1])
    assert np.abs(predicted[0] - predicted[2]).max() > 1e-3


def test_categories_are_matched_by_value_whatever_their_codes(frame, mixed_y):
    reg = MLPRegressor(**SMALL).fit(frame, mixed_y)
    other = frame.copy()
    other["colour"] = other["colour"].cat.reorder_categories(["red", "green", "blue"])
    other["town"] = other["town"].astype("category")
    np.testing.assert_array_equal(reg.predict(frame), reg.predict(other))


@pytest.mark.parametrize("chosen", [[1], [False, True, False], ["b"]], ids=str)
def test_categorical_features_are_chosen_by_position_mask_or_name(chosen):
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"a": rng.normal(size=90), "b": rng.integers(0, 3, 90), "c": np.ones(90)})
    y = np.array([0.0, 5.0, 1.0])[X["b"]]
    reg = MLPRegressor(**SMALL | {"hidden_layer_sizes": ()}, categorical_features=chosen)
    assert reg.fit(X, y).score(X, y) > 0.98
    assert [list(values) for values in reg.categories] == [[0, 1, 2]]
    assert MLPRegressor(**SMALL | {"hidden_layer_sizes": ()}).fit(X, y).score(X, y) < 0.5


def test_a_table_of_categories_only(frame, mixed_y):
    only = frame[["colour", "town", "member"]]
    assert MLPRegressor(**SMALL).fit(only, mixed_y).score(only, mixed_y) > 0.5


def test_reordered_columns_are_refused(frame, mixed_y):
    reg = MLPRegressor(**SMALL | {"max_iter": 1}).fit(frame, mixed_y)
    with pytest.raises(ValueError, match="same order"):
        reg.predict(frame[frame.columns[::-1]])


def test_a_frame_of_numbers_is_treated_as_the_array(X, y):
    frame = pd.DataFrame(X, columns=list("abcd"))
    by_frame = MLPClassifier(**SMALL).fit(frame, y).predict_proba(frame)
    np.testing.assert_array_equal(by_frame, MLPClassifier(**SMALL).fit(X, y).predict_proba(X))


# Sparse tables.


@pytest.mark.parametrize("make", [sp.csr_matrix, sp.csr_array, sp.csc_matrix, sp.coo_array])
@pytest.mark.parametrize("settings", [{}, {"early_stopping": True}, {"n_members": 2}], ids=title)
def test_sparse_rows_equal_dense_ones(X, y, make, settings):
    X = np.where(np.random.default_rng(1).random(X.shape) < 0.6, 0, X)
    settings = SMALL | {"input_scaling": None} | settings
    dense = MLPClassifier(**settings).fit(X, y)
    sparse = MLPClassifier(**settings).fit(make(X), y)
    np.testing.assert_array_equal(dense.predict_proba(X), sparse.predict_proba(make(X)))
    np.testing.assert_array_equal(dense.predict_proba(X), sparse.predict_proba(X))
    np.testing.assert_array_equal(dense.predict_proba(X), dense.predict_proba(make(X)))


def test_sparse_columns_are_scaled_but_not_centred(X, y):
    X = np.where(np.random.default_rng(1).random(X.shape) < 0.6, 0, 1000 * X)
    sparse = MLPClassifier(**SMALL).fit(sp.csr_matrix(X), y)
    dense = MLPClassifier(**SMALL | {"input_scaling": None}).fit(X / X.std(axis=0), y)
    expected = dense.predict_proba(X / X.std(axis=0))
    np.testing.assert_allclose(sparse.predict_proba(sp.csr_matrix(X)), expected, atol=1e-4)


# Awkward numbers.


@pytest.mark.parametrize("kind", [MLPClassifier, MLPRegressor])
def test_a_huge_offset_of_float64_columns_costs_nothing(X, y, kind):
    settings = SMALL | {"max_iter": 10}
    near = kind(**settings).fit(X, y)
    far = kind(**settings).fit(X + 1e9, y)
    np.testing.assert_allclose(far.predict(X + 1e9), near.predict(X), atol=1e-3)


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.float16, np.int32, np.uint8, bool])
def test_numbers_of_any_type(X, y, dtype):
    X = (X > 0).astype(dtype)
    expected = MLPClassifier(**SMALL).fit(X.astype(np.float64), y).predict_proba(X)
    np.testing.assert_array_equal(MLPClassifier(**SMALL).fit(X, y).predict_proba(X), expected)


@pytest.mark.parametrize("scaling", ["standard", "robust", None])
@pytest.mark.parametrize("embedding", [None, "periodic", "piecewise_linear"])
def test_a_constant_column_changes_nothing_that_is_learned(X, y, scaling, embedding):
    table = np.column_stack([X, np.full(100, 3.0)])
    settings = SMALL | {"input_scaling": scaling, "numerical_embedding": embedding}
    clf = MLPClassifier(**settings).fit(table, y)
    assert clf.score(table, y) > 0.9
    nothing = np.full((100, 1), 1e6 + 0.1)
    if scaling is not None:
        constant = MLPClassifier(**settings | {"max_iter": 2}).fit(nothing, y)
        assert len(np.unique(constant.predict_proba(nothing), axis=0)) == 1


@pytest.mark.parametrize("n", [2, 3, 5])
def test_a_handful_of_rows_and_one_column(n):
    X, y = np.arange(n)[:, None] * 1.0, np.arange(n) % 2
    clf = MLPClassifier(**SMALL, normalization="batch").fit(X, y)
    assert clf.predict_proba(X).shape == (n, 2)
    reg = MLPRegressor(**SMALL | {"max_iter": 100}).fit(X, X[:, 0])
    assert reg.score(X, X[:, 0]) > 0.5


@pytest.mark.parametrize("batch_size", [99, 1, 10_000])
def test_batches_of_any_size(X, y, batch_size):
    settings = SMALL | {"batch_size": batch_size, "normalization": "batch", "max_iter": 3}
    assert np.isfinite(MLPClassifier(**settings).fit(X, y).predict_proba(X)).all()


@pytest.mark.parametrize("kind", [MLPClassifier, MLPRegressor])
def test_a_single_validation_row(X, y, kind):
    settings = SMALL | {"validation_fraction": 0.01, "early_stopping": True}
    estimator = kind(**settings).fit(X, y)
    assert np.isfinite(estimator.validation_scores_).all()
    kind(**settings).fit(X, y, X_val=X[:1], y_val=y[:1])


def test_validation_data_come_in_pairs_and_have_known_labels(X, y):
    with pytest.raises(ValueError, match="X_val and y_val go together"):
        MLPClassifier(**SMALL).fit(X, y, X_val=X)
    with pytest.raises(ValueError, match="not among the classes"):
        MLPClassifier(**SMALL).fit(X, y, X_val=X, y_val=y + 5)
    with pytest.raises(ValueError, match="X has 2 features"):
        MLPClassifier(**SMALL).fit(X, y, X_val=X[:, :2], y_val=y)


def test_large_predictions_in_chunks_equal_those_in_one(frame, mixed_y, monkeypatch):
    reg = MLPRegressor(**SMALL | {"max_iter": 5}, precision="float64").fit(frame, mixed_y)
    whole = reg.predict(frame)
    sizes = []

    def counted(objective, batch):
        sizes.append(len(batch))
        return decode(objective, batch)

    monkeypatch.setattr(Body, "rows_together", lambda self, shape: 30)
    monkeypatch.setattr("sklearn_modern._neural.estimator.decode", counted)
    np.testing.assert_allclose(reg.predict(frame), whole, rtol=1e-12)
    assert sizes == [30] * 6 + [20]


# scikit-learn's tools.


def test_real_data_are_learned_as_well_as_by_a_linear_model():
    X, y = load_breast_cancer(return_X_y=True)
    ours = cross_val_score(MLPClassifier(**SMALL), X, y, cv=3).mean()
    linear = make_pipeline(StandardScaler(), LogisticRegression())
    assert ours > cross_val_score(linear, X, y, cv=3).mean() - 0.02
    X, y = load_diabetes(return_X_y=True)
    assert cross_val_score(MLPRegressor(**SMALL | {"max_iter": 10}), X, y, cv=3).mean() > 0.35


def test_the_defaults_are_no_worse_on_real_data_than_a_linear_model():
    X, y = load_breast_cancer(return_X_y=True)
    clf = MLPClassifier(device="cpu", random_state=0).fit(X[::2], y[::2])
    linear = make_pipeline(StandardScaler(), LogisticRegression()).fit(X[::2], y[::2])
    assert clf.score(X[1::2], y[1::2]) > linear.score(X[1::2], y[1::2]) - 0.02
    X, y = load_diabetes(return_X_y=True)
    reg = MLPRegressor(device="cpu", random_state=0).fit(X[::2], y[::2])
    ridge = Ridge().fit(X[::2], y[::2])
    assert reg.score(X[1::2], y[1::2]) > ridge.score(X[1::2], y[1::2]) - 0.1


def test_searches_set_nested_parameters(X, y):
    pipeline = make_pipeline(StandardScaler(), MLPClassifier(**SMALL | {"max_iter": 3}))
    grid = {"mlpclassifier__hidden_layer_sizes": [(2,), (16,)], "mlpclassifier__alpha": [0, 1e3]}
    search = GridSearchCV(pipeline, grid, cv=2).fit(X, y)
    assert len(search.cv_results_["params"]) == 4
    assert np.ptp(search.cv_results_["mean_test_score"]) > 0
    assert search.best_estimator_.predict_proba(X).shape == (100, 2)


def test_ensembles_and_wrappers_take_it(X, y):
    clf = MLPClassifier(**SMALL | {"max_iter": 5})
    assert BaggingClassifier(clf, n_estimators=2, random_state=0).fit(X, y).score(X, y) > 0.8
    assert StackingClassifier([("mlp", clf)], cv=2).fit(X, y).score(X, y) > 0.8
    assert cross_val_predict(clf, X, y, cv=2, method="predict_log_proba").shape == (100, 2)
    wrapped = TransformedTargetRegressor(MLPRegressor(**SMALL), func=np.log, inverse_func=np.exp)
    assert wrapped.fit(X, np.exp(X[:, 0])).predict(X).min() > 0


def test_sample_weights_are_routed_through_pipelines_and_searches(X, y):
    weight = np.random.default_rng(0).integers(1, 5, size=100).astype(float)
    settings = SMALL | {"max_iter": 5}
    with config_context(enable_metadata_routing=True):
        clf = MLPClassifier(**settings).set_fit_request(sample_weight=True)
        pipeline = make_pipeline(StandardScaler(), clf)
        pipeline[0].set_fit_request(sample_weight=False)
        scoring = get_scorer("accuracy").set_score_request(sample_weight=True)
        search = GridSearchCV(pipeline, {"mlpclassifier__alpha": [1e-4]}, scoring=scoring, cv=2)
        search.fit(X, y, sample_weight=weight)
    scaled = StandardScaler().fit_transform(X)
    expected = MLPClassifier(**settings).fit(scaled, y, sample_weight=weight).predict_proba(scaled)
    np.testing.assert_array_equal(search.predict_proba(X), expected)
    unweighted = MLPClassifier(**settings).fit(scaled, y).predict_proba(scaled)
    assert np.abs(expected - unweighted).max() > 1e-3


def test_validation_data_are_routed_too(X, y):
    with config_context(enable_metadata_routing=True):
        clf = MLPClassifier(**SMALL | {"max_iter": 3}).set_fit_request(X_val=True, y_val=True)
        pipeline = make_pipeline(clf).fit(X, y, X_val=X[:10], y_val=y[:10])
    assert len(pipeline[-1].validation_scores_) == 3


def test_a_stacked_frame_out_keeps_the_names(X, y):
    with config_context(transform_output="pandas"):
        pipeline = make_pipeline(StandardScaler(), MLPClassifier(**SMALL | {"max_iter": 2}))
        pipeline.fit(pd.DataFrame(X, columns=list("abcd")), y)
    assert list(pipeline[-1].feature_names_in_) == list("abcd")


def test_a_clone_is_unfitted_and_fits_to_the_same(X, y):
    clf = MLPClassifier(**SMALL).fit(X, y)
    copy = clone(clf)
    assert set(vars(copy)) == set(copy.get_params())
    np.testing.assert_array_equal(copy.fit(X, y).predict_proba(X), clf.predict_proba(X))


# Where there is a GPU.


@pytest.mark.gpu
@pytest.mark.parametrize("settings", PARTS, ids=title)
def test_every_part_learns_on_a_gpu(X, y, settings):
    clf = MLPClassifier(**SMALL | settings | {"device": "cuda"}).fit(X, y)
    assert clf.device_ == "cuda:0"
    assert next(clf.net_.module_.parameters()).device == torch.device("cuda:0")
    assert clf.score(X, y) > 0.9
