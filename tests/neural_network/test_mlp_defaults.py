"""What the defaults of multilayer perceptrons are, and what "auto" takes."""

import runpy
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

from sklearn_modern.neural_network import MLPClassifier, MLPRegressor

ROOT = Path(__file__).parents[2]
SMALL = {"hidden_layer_sizes": (4,), "max_iter": 1, "device": "cpu", "random_state": 0}


def table(n_rows, n_columns=2):
    X = np.random.default_rng(0).normal(size=(n_rows, n_columns))
    return X, (X[:, 0] > 0).astype(int)


@pytest.mark.parametrize("kind", [MLPClassifier, MLPRegressor])
def test_defaults_are_those_of_the_study(kind, monkeypatch):
    studied = runpy.run_path(str(ROOT / "benchmarks" / "tabular_variants.py"))["MLP_DEFAULTS"]
    known = kind().get_params() | {"alpha": 0.5}  # which is what "auto" is
    assert {name: known[name] for name in studied} == studied


def test_defaults_are_those_of_the_documentation():
    page = (ROOT / "docs" / "neural_networks.md").read_text()
    section = page.partition("## Which default does what")[2].partition("\n## ")[0]
    rows = [line.split("|")[1:3] for line in section.splitlines() if line.startswith("| `")]
    stated = {name.strip(" `"): value.strip(" `") for name, value in rows}
    defaults = MLPClassifier().get_params()
    assert {"n_members", "early_stopping", "members", "numerical_embedding"} <= set(stated)
    assert stated == {name: repr(defaults[name]).replace("'", '"') for name in stated}


@pytest.mark.parametrize(
    ("n_rows", "settings", "stops"),
    [
        (29, {}, False),
        (30, {}, True),
        (30, {"members": "shared"}, False),
        (99, {"n_members": 1}, False),
        (100, {"n_members": 1}, True),
        (100, {"members": "shared"}, True),
        (100, {"solver": "lbfgs"}, False),
        (20, {"early_stopping": True}, True),
        (100, {"early_stopping": False}, False),
    ],
)
def test_enough_rows_stop_early(n_rows, settings, stops):
    clf = MLPClassifier(**SMALL, **settings).fit(*table(n_rows))
    assert clf.early_stopping_ is stops
    assert (clf.validation_scores_ is not None) is stops


@pytest.mark.parametrize(
    ("n_rows", "settings", "epochs"),
    [
        (1999, {}, 80),
        (2000, {}, 40),
        (99, {}, 40),
        (300, {"early_stopping": False}, 40),
        (300, {"max_iter": 3}, 3),
    ],
)
def test_best_epochs_of_few_rows_may_come_late(n_rows, settings, epochs):
    settings = {"max_iter": "auto", "n_members": 1, "batch_size": 2000} | settings
    clf = MLPClassifier(**SMALL | settings | {"tol": 0.0, "n_iter_no_change": 99})
    assert clf.fit(*table(n_rows)).n_iter_ == epochs


@pytest.mark.parametrize(("n_rows", "n_bins"), [(80, 10), (200, 16)])
def test_bins_are_as_many_as_there_are_rows_for(n_rows, n_bins):
    clf = MLPClassifier(**SMALL, n_members=1).fit(*table(n_rows))
    assert clf.net_.module_.body.numbers.n_out == 2 * n_bins


@pytest.mark.parametrize(
    ("X", "settings", "taken"),
    [
        (table(40)[0], {}, "robust"),
        (sp.csr_array(table(40)[0]), {}, None),
        (sp.csr_array(table(40)[0]), {"input_scaling": "robust"}, "robust"),
        (table(40)[0], {"input_scaling": None}, None),
    ],
    ids=["dense", "sparse", "sparse, as asked", "dense, as asked"],
)
def test_sparse_numbers_are_left_alone(X, settings, taken):
    y = np.arange(40) % 2
    clf = MLPClassifier(**SMALL, **settings, n_members=1).fit(X, y)
    assert clf.input_scaling_ == taken
    same = MLPClassifier(**SMALL | {"input_scaling": taken}, n_members=1).fit(X, y)
    np.testing.assert_array_equal(clf.predict_proba(X), same.predict_proba(X))


def test_given_rows_stop_early():
    X, y = table(40)
    clf = MLPClassifier(**SMALL).fit(X, y, X_val=X, y_val=y)
    assert clf.early_stopping_


def test_two_rows_are_trained_on():
    X, y = table(2)
    assert MLPRegressor(**SMALL).fit(X, y).predict(X).shape == (2,)


def test_a_class_of_one_row_draws_no_warning_by_default():
    X, y = table(40)
    y[0] = 2
    assert len(MLPClassifier(**SMALL).fit(X, y).classes_) == 3


def test_a_part_is_trained_on_whole():
    clf = MLPClassifier(**SMALL).partial_fit(*table(40))
    assert not clf.early_stopping_
    assert clf.validation_scores_ is None


def test_lbfgs_trains_one_network():
    X, y = table(40)
    clf = MLPClassifier(**SMALL, solver="lbfgs").fit(X, y)
    one = MLPClassifier(**SMALL, solver="lbfgs", n_members=1).fit(X, y)
    assert len(clf.net_.random) == 1
    np.testing.assert_array_equal(clf.predict_proba(X), one.predict_proba(X))


@pytest.mark.parametrize(
    ("X", "taken"),
    [
        (table(40)[0], "piecewise_linear"),
        (table(16)[0], "piecewise_linear"),
        (table(15)[0], None),
        (table(392, 49)[0], "piecewise_linear"),
        (table(400, 50)[0], None),
        (sp.csr_array(table(40)[0]), None),
        (pd.DataFrame({"city": ["Bern", "Chur"] * 20}), None),
    ],
    ids=["few columns", "few rows", "fewer", "49 columns", "50 columns", "sparse", "categories"],
)
def test_few_columns_of_numbers_have_bins(X, taken):
    clf = MLPClassifier(**SMALL, n_members=1).fit(X, np.arange(X.shape[0]) % 2)
    assert clf.numerical_embedding_ == taken
