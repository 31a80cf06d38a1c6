"""What an estimator keeps, goes on from, pickles and exports."""

import copy
import os
import pickle
import random
import subprocess
import sys
import warnings

import joblib
import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.base import clone
from skorch.callbacks import EpochScoring
from support.global_random import numpy_state, seed_numpy

from sklearn_modern.neural_network import MLPClassifier, MLPRegressor

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
# Everything random, and every solver with a memory.
STATEFUL = [
    {},
    {"dropout": 0.3, "mixup": 0.4},
    {"solver": "sgd", "normalization": "batch"},
    {"solver": "adamw", "numerical_embedding": "periodic", "n_members": 2},
]


def title(settings):
    return " ".join(f"{key}={value}" for key, value in settings.items()) or "default"


@pytest.fixture
def X():
    return np.random.default_rng(0).normal(size=(70, 4))


@pytest.fixture
def y(X):
    return (X[:, 0] + X[:, 1] > 0).astype(int) + (X[:, 2] > 1)


@pytest.fixture
def weight():
    return np.random.default_rng(1).uniform(0.5, 2, size=70)


@pytest.fixture
def frame(X):
    table = pd.DataFrame(X, columns=list("abcd"))
    table["colour"] = np.random.default_rng(2).choice(["red", "green", "blue"], 70)
    table["town"] = [f"town {i % 15}" for i in range(70)]
    table.loc[::5, "a"] = np.nan
    table.loc[::9, "colour"] = None
    return table


def through_pickle(estimator):
    return pickle.loads(pickle.dumps(estimator))


def assert_same_weights(estimator, other):
    state, expected = (e.net_.module_.state_dict() for e in (estimator, other))
    assert state.keys() == expected.keys()
    for name in state:
        np.testing.assert_array_equal(state[name], expected[name], err_msg=name)


# In parts.


@pytest.mark.parametrize("kind", [MLPClassifier, MLPRegressor])
@pytest.mark.parametrize("settings", STATEFUL, ids=title)
def test_partial_fit_is_fit_epoch_by_epoch(X, y, weight, kind, settings):
    whole = kind(**SMALL | settings).fit(X, y, sample_weight=weight)
    parts = kind(**SMALL | settings)
    for _ in range(6):
        parts.partial_fit(X, y, sample_weight=weight)
    assert_same_weights(parts, whole)
    assert parts.loss_curve_ == whole.loss_curve_
    assert parts.n_iter_ == 6


@pytest.mark.parametrize("settings", STATEFUL, ids=title)
def test_partial_fit_goes_on_exactly_after_a_pickle(X, y, settings):
    straight, pickled = MLPClassifier(**SMALL | settings), MLPClassifier(**SMALL | settings)
    for step in range(4):
        rows = slice(10 * step, 10 * step + 40)
        straight.partial_fit(X[rows], y[rows], classes=[0, 1, 2])
        pickled = through_pickle(pickled).partial_fit(X[rows], y[rows], classes=[0, 1, 2])
    assert_same_weights(pickled, straight)
    np.testing.assert_array_equal(pickled.predict_proba(X), straight.predict_proba(X))


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


@pytest.mark.parametrize("settings", [{"early_stopping": True}, {"solver": "lbfgs"}], ids=title)
def test_partial_fit_refuses_what_needs_more_than_an_epoch(X, y, settings):
    with pytest.raises(ValueError, match="partial_fit trains one epoch"):
        MLPClassifier(**SMALL | settings).partial_fit(X, y)


def test_each_part_has_batches_of_its_own_size(X, y):
    """The first call, if small, does not make all later batches small."""
    clf = MLPClassifier(**SMALL | {"batch_size": 35}).partial_fit(X[:5], y[:5], classes=[0, 1, 2])
    clf.partial_fit(X, y)
    assert clf.history_[:, "train_batch_count"] == [1, 2]


@pytest.mark.parametrize("schedule", ["constant", "cosine", "one_cycle"])
def test_partial_fit_after_a_fit_goes_on_at_the_initial_rate(X, y, schedule):
    """A schedule ends at a rate of nearly zero, at which nothing would be learned any more."""
    clf = MLPClassifier(**SMALL | {"learning_rate": schedule, "solver": "sgd", "momentum": 0})
    before = clf.fit(X, y).predict_proba(X)
    clf.partial_fit(X, y)
    assert clf.net_.optimizer_.param_groups[0]["lr"] == 0.01
    assert np.abs(clf.predict_proba(X) - before).max() > 1e-3


def test_partial_fit_keeps_the_scaling_of_its_first_part(X, y):
    clf = MLPClassifier(**SMALL | {"learning_rate_init": 1e-12}).partial_fit(X, y)
    before = clf.predict_proba(X)
    clf.partial_fit(1000 * X + 5, y)
    np.testing.assert_allclose(clf.predict_proba(X), before, atol=1e-6)


def test_fit_starts_again_whatever_was_before(X, y):
    clf = MLPClassifier(**SMALL).partial_fit(X, y).fit(X, y)
    assert_same_weights(clf, MLPClassifier(**SMALL).fit(X, y))
    assert clf.n_iter_ == 6
    assert clf.fit(X[:, :2], y > 0).predict_proba(X[:, :2]).shape == (70, 2)


@pytest.mark.parametrize("settings", STATEFUL, ids=title)
def test_a_warm_start_goes_on_also_after_a_pickle(X, y, settings):
    settings = SMALL | settings
    whole = MLPClassifier(**settings).fit(X, y)
    warm = MLPClassifier(**settings | {"max_iter": 3}, warm_start=True).fit(X, y)
    assert_same_weights(through_pickle(warm).fit(X, y), whole)
    assert_same_weights(warm.fit(X, y), whole)
    assert warm.n_iter_ == len(warm.loss_curve_) == 6
    assert warm.loss_curve_ == whole.loss_curve_


def test_a_warm_start_refuses_other_features_and_labels(X, y):
    clf = MLPClassifier(**SMALL, warm_start=True).fit(X, y)
    with pytest.raises(ValueError, match="X has 2 features"):
        clf.fit(X[:, :2], y)
    with pytest.raises(ValueError, match="not among the classes"):
        clf.fit(X, y + 1)


# Randomness.


def disturb_globals():
    random.seed(99)
    seed_numpy(99)
    torch.manual_seed(99)


def global_states():
    return random.getstate(), numpy_state(), torch.get_rng_state().tolist()


@pytest.mark.parametrize("settings", [*STATEFUL, {"early_stopping": True}], ids=title)
def test_the_random_state_decides_to_the_bit_whatever_the_global_seeds(frame, y, settings):
    first = MLPClassifier(**SMALL | settings).fit(frame, y)
    disturb_globals()
    second = MLPClassifier(**SMALL | settings).fit(frame, y)
    assert_same_weights(first, second)
    np.testing.assert_array_equal(first.predict_proba(frame), second.predict_proba(frame))
    assert first.loss_curve_ == second.loss_curve_
    other = MLPClassifier(**SMALL | settings | {"random_state": 1}).fit(frame, y)
    assert np.abs(first.predict_proba(frame) - other.predict_proba(frame)).max() > 1e-3


@pytest.mark.parametrize("random_state", [0, None], ids=str)
def test_neither_fit_nor_predict_touches_global_random_states(frame, y, random_state):
    settings = {"dropout": 0.2, "mixup": 0.2, "early_stopping": True, "normalization": "batch"}
    clf = MLPClassifier(**SMALL | settings | {"random_state": random_state})
    if random_state is None:
        clf.fit(frame, y)  # draws a seed from numpy's global state, as all of scikit-learn does
        before = global_states()
    else:
        before = global_states()
        clf.fit(frame, y)
    clf.predict_proba(frame)
    clf.to_torch()
    pickle.dumps(clf)
    assert global_states() == before


def test_a_random_state_object_gives_one_fit_after_another(X, y):
    stream = np.random.RandomState(0)
    first = MLPClassifier(**SMALL | {"random_state": stream}).fit(X, y)
    second = MLPClassifier(**SMALL | {"random_state": stream}).fit(X, y)
    assert np.abs(first.predict_proba(X) - second.predict_proba(X)).max() > 1e-4
    again = MLPClassifier(**SMALL | {"random_state": np.random.RandomState(0)}).fit(X, y)
    assert_same_weights(first, again)


# Pickles.


@pytest.mark.parametrize("settings", [*STATEFUL, {"early_stopping": True}], ids=title)
def test_a_pickle_predicts_the_same(frame, y, settings):
    clf = MLPClassifier(**SMALL | settings).fit(frame, y)
    loaded = through_pickle(clf)
    np.testing.assert_array_equal(loaded.predict_proba(frame), clf.predict_proba(frame))
    assert loaded.loss_curve_ == clf.loss_curve_
    np.testing.assert_array_equal(copy.deepcopy(clf).predict(frame), clf.predict(frame))


SIZED = [{}, {"early_stopping": True}, {"numerical_embedding": "piecewise_linear"}, {"mixup": 0.2}]


@pytest.mark.parametrize("settings", SIZED, ids=title)
def test_a_pickle_does_not_grow_with_the_data(settings):
    rng = np.random.default_rng(0)
    sizes = []
    scoring = EpochScoring("accuracy", on_train=True, lower_is_better=False)
    for n in (200, 4000):
        X, y = rng.normal(size=(n, 5)), rng.integers(0, 2, n)
        settings = SMALL | settings | {"max_iter": 2, "callbacks": [scoring], "batch_size": 100}
        clf = MLPClassifier(**settings | {"batch_size": n}).fit(X, y)
        sizes.append(len(pickle.dumps(clf)))
    assert sizes[1] < sizes[0] + 1000
    assert sizes[0] < 25_000


def test_the_optimiser_is_kept_only_where_training_may_go_on(X, y):
    settings = SMALL | {"hidden_layer_sizes": (200, 200), "max_iter": 1}
    weights = 4 * sum(
        p.numel() for p in MLPClassifier(**settings).fit(X, y).net_.module_.parameters()
    )

    def size(estimator):
        return len(pickle.dumps(estimator)) / weights

    assert size(MLPClassifier(**settings).fit(X, y)) == pytest.approx(1, abs=0.2)
    assert size(MLPClassifier(**settings, warm_start=True).fit(X, y)) == pytest.approx(3, abs=0.2)
    assert size(MLPClassifier(**settings).partial_fit(X, y)) == pytest.approx(3, abs=0.2)
    again = MLPClassifier(**settings).partial_fit(X, y).fit(X, y)
    assert size(again) == pytest.approx(1, abs=0.2)
    assert len(pickle.dumps(clone(again))) < 2000


def test_predict_and_more_training_follow_a_pickle_without_optimiser(X, y):
    loaded = through_pickle(MLPClassifier(**SMALL).fit(X, y))
    before = loaded.loss_curve_[-1]
    for _ in range(5):
        loaded.partial_fit(X, y)
    assert loaded.loss_curve_[-1] < before
    assert loaded.n_iter_ == 11


@pytest.fixture
def from_a_gpu(frame, y):
    """A model that says it was fitted on a GPU, through a pickle."""
    clf = MLPClassifier(**SMALL).fit(frame, y)
    clf.device_ = "cuda:7"
    return through_pickle(clf)


def test_a_model_from_a_gpu_warns_once_and_predicts_the_same_on_the_cpu(frame, y, from_a_gpu):
    assert from_a_gpu.device_ == "cuda:7"
    with pytest.warns(UserWarning, match="fitted on 'cuda:7', which is not available here"):
        predicted = from_a_gpu.predict_proba(frame)
    assert from_a_gpu.device_ == "cpu"
    expected = MLPClassifier(**SMALL).fit(frame, y).predict_proba(frame)
    np.testing.assert_array_equal(predicted, expected)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        from_a_gpu.predict(frame)
        from_a_gpu.partial_fit(frame, y)


def test_a_device_that_is_not_there_is_refused_with_those_that_are(X, y):
    clf = MLPClassifier(**SMALL | {"device": "cuda:77"})
    with pytest.raises(ValueError, match=r"'cuda:77' is not available here; there is \['cpu'"):
        clf.fit(X, y)
    assert clf.device == "cuda:77"


def test_auto_keeps_small_fits_on_the_cpu(X, y):
    clf = MLPClassifier(**SMALL | {"device": "auto"}).fit(X, y)
    assert clf.device_ == "cpu"
    assert clf.device == "auto"


@pytest.mark.gpu
@pytest.mark.parametrize("settings", [{}, {"solver": "lbfgs"}, {"n_members": 2}], ids=title)
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


# As a bare module.


EXPORTED = {
    "plain": (MLPClassifier, {}),
    "robust": (MLPClassifier, {"input_scaling": "robust"}),
    "unscaled": (MLPClassifier, {"input_scaling": None}),
    "periodic": (MLPRegressor, {"numerical_embedding": "periodic", "normalization": "layer"}),
    "piecewise linear": (MLPRegressor, {"numerical_embedding": "piecewise_linear"}),
    "batch normalisation": (MLPClassifier, {"normalization": "batch", "dropout": 0.2}),
    "quantiles": (MLPRegressor, {"loss": "quantile", "quantiles": (0.1, 0.5, 0.9)}),
    "gaussian": (MLPRegressor, {"loss": "gaussian"}),
    "members": (MLPRegressor, {"n_members": 3, "activation": "maxout"}),
    "float64": (MLPRegressor, {"precision": "float64"}),
    "bfloat16": (MLPRegressor, {"precision": "bfloat16"}),
}


def predicted(estimator, X):
    if hasattr(estimator, "predict_proba"):
        return estimator.predict_proba(X)
    if estimator.loss == "quantile":
        return estimator.predict_quantiles(X)
    if estimator.loss == "gaussian":
        return np.stack(estimator.predict(X, return_std=True), axis=-1)[:, None]
    return estimator.predict(X)[:, None]


@pytest.mark.parametrize("case", EXPORTED)
@pytest.mark.parametrize("is_mixed", [False, True], ids=["numbers", "mixed"])
def test_to_torch_predicts_the_same_and_can_be_exported(frame, y, case, is_mixed):
    kind, settings = EXPORTED[case]
    train = frame if is_mixed else frame[list("abcd")]
    estimator = kind(**SMALL | settings).fit(train, y)
    shown = train.copy()
    if is_mixed:
        shown.loc[3, "town"], shown.loc[4, "town"] = "elsewhere", None
    shown.loc[1, "b"] = np.nan
    inputs = [torch.tensor(shown[list("abcd")].to_numpy())]
    if is_mixed:
        inputs.append(torch.tensor(codes(estimator, shown)))
    module = estimator.to_torch()
    with torch.no_grad():
        outputs = module(*inputs)
    expected = predicted(estimator, shown)
    np.testing.assert_allclose(outputs, expected, rtol=1e-4, atol=1e-5)
    rows = torch.export.Dim("rows", min=2)
    exported = torch.export.export(module, tuple(inputs), dynamic_shapes=[{0: rows}] * len(inputs))
    some = [part[:9] for part in inputs]
    with torch.no_grad():
        np.testing.assert_allclose(exported.module()(*some), expected[:9], rtol=1e-4, atol=1e-5)


def codes(estimator, frame):
    """Code categories as the documentation of ``to_torch`` says."""
    columns = []
    for name, known in zip(["colour", "town"], estimator.categories, strict=True):
        place = {value: code for code, value in enumerate(known)}
        columns.append([-1 if pd.isna(v) else place.get(v, -2) for v in frame[name]])
    return np.array(columns).T


def test_to_torch_is_a_copy_that_later_training_leaves_alone(X, y):
    clf = MLPClassifier(**SMALL).fit(X, y)
    module = clf.to_torch()
    before = module(torch.tensor(X)).detach()
    clf.partial_fit(X, y)
    assert torch.equal(module(torch.tensor(X)), before)
    assert not module.training


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
