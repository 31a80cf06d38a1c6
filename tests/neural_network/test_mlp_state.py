"""What multilayer perceptrons keep from their first part, and what threads and GPUs leave alone."""

import os
import subprocess
import sys

import joblib
import numpy as np
import pytest
import torch
from support.single_networks import MLPClassifier

SMALL = {
    "activation": "relu",
    "input_scaling": "standard",
    "solver": "adam",
    "alpha": 1e-4,
    "learning_rate": "constant",
    "dropout": 0.0,
    "hidden_layer_sizes": (8,),
    "max_iter": 6,
    "batch_size": 16,
    "learning_rate_init": 0.01,
    "device": "cpu",
    "random_state": 0,
}


@pytest.fixture
def X():
    return np.random.default_rng(0).normal(size=(70, 4))


@pytest.fixture
def y(X):
    return (X[:, 0] + X[:, 1] > 0).astype(int) + (X[:, 2] > 1)


def test_partial_fit_needs_the_classes_that_the_first_y_lacks(X, y):
    first = y < 2
    clf = MLPClassifier(**SMALL).partial_fit(X[first], y[first])
    with pytest.raises(ValueError, match=r"not among the classes: \[2\]"):
        clf.partial_fit(X, y)
    clf = MLPClassifier(**SMALL).partial_fit(X[first], y[first], classes=[2, 1, 0])
    clf.partial_fit(X, y)
    np.testing.assert_array_equal(clf.classes_, [0, 1, 2])
    assert clf.predict_proba(X).shape == (70, 3)
    with pytest.raises(ValueError, match=r"classes=\[0, 1\] are not those of the first call"):
        clf.partial_fit(X, y, classes=[0, 1])


def test_partial_fit_takes_one_class_where_others_are_announced(X):
    clf = MLPClassifier(**SMALL | {"learning_rate_init": 0.5})
    clf.partial_fit(X, np.full(70, "b"), classes=["a", "b"])
    assert list(clf.classes_) == ["a", "b"]
    assert (clf.predict(X) == "b").all()


def test_partial_fit_keeps_the_scaling_of_its_first_part(X, y):
    clf = MLPClassifier(**SMALL | {"learning_rate_init": 1e-12}).partial_fit(X, y)
    before = clf.predict_proba(X)
    clf.partial_fit(1000 * X + 5, y)
    np.testing.assert_allclose(clf.predict_proba(X), before, atol=1e-6)


@pytest.mark.gpu
@pytest.mark.parametrize(
    "settings", [{}, {"solver": "lbfgs", "batch_size": "auto"}, {"n_members": 2}], ids=str
)
def test_a_gpu_gives_what_the_cpu_gives_and_its_pickles_load_without_one(X, y, tmp_path, settings):
    settings = SMALL | settings
    settings |= {"precision": "float64", "early_stopping": True, "normalization": "batch"}
    here = MLPClassifier(**settings).fit(X, y)
    there = MLPClassifier(**settings | {"device": "cuda"}).fit(X, y)
    np.testing.assert_allclose(there.predict_proba(X), here.predict_proba(X), atol=1e-6)
    joblib.dump((there, X), tmp_path / "model")
    code = (
        "import joblib, sys, warnings; warnings.simplefilter('ignore');"
        "clf, X = joblib.load(sys.argv[1]); print(clf.predict(X).tolist()); print(clf.device_)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, tmp_path / "model"],
        env=os.environ | {"CUDA_VISIBLE_DEVICES": "", "PYTHONPATH": ":".join(sys.path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines() == [str(there.predict(X).tolist()), "cpu"]


# Threads.


def threads_in_a_worker(X, y):
    before = torch.get_num_threads()
    MLPClassifier(**SMALL).fit(X, y).predict(X)
    return before, torch.get_num_threads()


def test_fits_in_workers_keep_to_the_inner_limit_of_threads(X, y):
    here = torch.get_num_threads()
    torch.set_num_threads(2)
    task = joblib.delayed(threads_in_a_worker)(X, y)
    try:
        with joblib.parallel_config("loky", inner_max_num_threads=1):
            found = joblib.Parallel(n_jobs=2)([task, task])
        assert threads_in_a_worker(X, y) == (2, 2)
    finally:
        torch.set_num_threads(here)
    assert found == [(1, 1), (1, 1)]
