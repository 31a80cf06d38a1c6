"""Steps on an accelerator, whose arithmetic a CPU can do, too."""

from unittest.mock import patch

import numpy as np
import pandas as pd
import pytest
import torch
from support.packs import assert_as_alone, no_pack_fails, together

from sklearn_modern._fits.fit import Fit
from sklearn_modern.neural_network import CNNClassifier, MLPClassifier
from sklearn_modern.ordinal import OrdinalMLPClassifier
from sklearn_modern.training import packed, recorded
from sklearn_modern.training.column_steps import ColumnSteps
from sklearn_modern.training.recorded import Recorded

# Settings of all fits, and those of single ones: whatever stands in a column differs.
CASES = {
    "adamw": (
        {"solver": "adamw", "learning_rate": "one_cycle"},
        [
            {"learning_rate_init": 0.01, "alpha": 0.5, "gradient_clip": 0.1},
            {"alpha": 2.0, "dropout": 0.3, "max_iter": 3, "learning_rate": "cosine"},
        ],
    ),
    "adam": (
        {"solver": "adam", "early_stopping": True, "n_iter_no_change": 2},
        [
            {"alpha": 1.0, "learning_rate": "adaptive", "gradient_clip": 0.2},
            {"alpha": 0.1, "learning_rate": "coslog4", "gradient_clip": 0.05},
        ],
    ),
    "sgd": (
        {"solver": "sgd", "alpha": 0.1},
        [
            {"momentum": 0.9, "learning_rate": "constant", "learning_rate_init": 0.02},
            {"momentum": 0.0, "learning_rate": "adaptive", "tol": 1.0, "n_iter_no_change": 1},
        ],
    ),
    "shared": (
        {"n_members": 3, "members": "shared", "numerical_embedding": "piecewise_linear"},
        [{"dropout": 0.2, "alpha": 0.3}, {"learning_rate_init": 0.01, "random_state": 7}],
    ),
    "independent": (
        {"n_members": 2, "members": "independent", "early_stopping": True, "n_iter_no_change": 2},
        [{"dropout": 0.2}, {"random_state": 7, "max_iter": 3}],
    ),
}


@pytest.fixture
def X():
    return np.random.default_rng(0).normal(size=(90, 5))


@pytest.fixture
def y(X):
    return np.digitize(X[:, 0] + X[:, 1] * X[:, 2], [-0.5, 0.5])


ROWS = np.arange(60), np.arange(5, 81)


def of_rows(own, X, y, rows=ROWS):
    """Fits of unequal lengths, with weights."""
    weight = np.random.default_rng(1).uniform(0.5, 2.0, size=len(y))
    return [
        Fit(settings, X, y, rows=r, fit_params={"sample_weight": weight[r]})
        for settings in own
        for r in rows
    ]


def network(kind=MLPClassifier, **settings):
    brief = {"batch_size": 16, "max_iter": 5, "precision": "float64", "random_state": 0}
    alone = {"n_members": 1, "early_stopping": False, "numerical_embedding": None}
    return kind((8,), **brief | alone | settings)


def assert_packed_as_alone(clf, fits):
    with no_pack_fails():
        found = together(clf, fits)
    assert [one for one in found if isinstance(one, Exception)] == []
    assert_as_alone(clf, fits, tolerance=1e-7)


def test_what_a_step_reads_stays_in_its_place(X, y, monkeypatch):
    """All that is read by a recorded step stays where it is in memory."""
    places, step = {}, ColumnSteps.step

    def watched(self):
        step(self)
        read = [self._now, *self._columns.values(), *self._parameters]
        read += [moment for moments in self._moments for own in moments for moment in own]
        places.setdefault(self, []).append([tensor.data_ptr() for tensor in read])

    monkeypatch.setattr(packed, "FusedSteps", ColumnSteps)
    monkeypatch.setattr(ColumnSteps, "step", watched)
    settings, own = CASES["adamw"]
    together(network(**settings), of_rows(own, X, y))
    assert len(places) > 1  # members have left
    for of_pack in places.values():
        assert all(place == of_pack[0] for place in of_pack)


@pytest.mark.parametrize("case", CASES)
def test_columns_give_what_optimisers_give(case, X, y, monkeypatch):
    monkeypatch.setattr(packed, "FusedSteps", ColumnSteps)
    settings, own = CASES[case]
    assert_packed_as_alone(network(**settings), of_rows(own, X, y))


def test_columns_know_groups_of_parameters(X, y, monkeypatch):
    monkeypatch.setattr(packed, "FusedSteps", ColumnSteps)
    fits = of_rows([{"learning_rate_init": 0.01}, {"alpha": 2.0}], X, y)
    assert_packed_as_alone(network(OrdinalMLPClassifier, method="cumulative_link"), fits)


def on_gpu(case, X, y):
    """Return a network for the GPU, and fits of it."""
    if case in CASES:
        settings, own = CASES[case]
        return network(device="cuda", **settings), of_rows(own, X, y)
    own = [{"learning_rate_init": 0.01, "dropout": 0.2}, {"alpha": 2.0}]
    if case == "categories":
        names = np.random.default_rng(2).integers(20, size=len(y)).astype(str)
        X = pd.DataFrame(X, columns=list("abcde")).assign(name=pd.Categorical(names))
    if case == "images":
        images = np.random.default_rng(2).normal(size=(len(y), 8, 8))
        clf = CNNClassifier(width=3, batch_size=16, max_iter=2, random_state=0)
        clf.set_params(device="cuda", precision="float64")
        return clf, [Fit(settings, images, y, rows=np.arange(64)) for settings in own]
    if case == "ordinal":
        return network(OrdinalMLPClassifier, device="cuda", method="coral"), of_rows(own, X, y)
    norm = {"normalization": "batch"} if case == "batch norm" else {}
    return network(device="cuda", **norm), of_rows(own, X, y, ROWS[:1] if norm else ROWS)


@pytest.mark.gpu
@pytest.mark.parametrize("case", [*CASES, "categories", "images", "ordinal", "batch norm"])
def test_packs_on_a_gpu_are_separate_fits(case, X, y):
    graphs, record = [], Recorded._record

    def watched(self, *args):
        record(self, *args)
        graphs.append(self._graph)

    with patch.object(Recorded, "_record", watched):
        assert_packed_as_alone(*on_gpu(case, X, y))
    assert graphs
    assert None not in graphs


def noisy(x, generator):
    return x + torch.empty_like(x).bernoulli_(0.5, generator=generator)


def noisy_sum(x, generator):
    return noisy(x, generator).sum().item() * x  # which waits for the GPU, and so is not recorded


@pytest.mark.gpu
@pytest.mark.parametrize(("function", "is_recorded"), [(noisy, True), (noisy_sum, False)])
def test_recorded_calls_give_what_others_give(function, is_recorded, monkeypatch):
    monkeypatch.setattr(recorded, "_failed", [])
    generators = [torch.Generator("cuda").manual_seed(0) for _ in range(2)]
    call, x = Recorded(), torch.arange(100.0, device="cuda")

    def draw(x):
        return function(x, generators[0])

    with torch.cuda.stream(torch.cuda.Stream()):
        for step in range(8):
            found = call(draw, x + step, generators=generators[:1])
            assert torch.equal(found, function(x + step, generators[1]))
            if step % 3 == 2:  # others may draw between the calls
                assert torch.equal(noisy(x, generators[0]), noisy(x, generators[1]))
    assert (call._graph is not None) == is_recorded
    assert len(recorded._failed) == (not is_recorded)


class Graph:
    """What is asked of a CUDA graph, told to a log."""

    def __init__(self, log):
        self.log = log

    def capture_begin(self, **kwargs):
        self.log.append("begin")

    def capture_end(self):
        self.log.append("end")

    def replay(self):
        self.log.append("replay")


@pytest.mark.parametrize("error", [None, RuntimeError("waits"), KeyboardInterrupt()])
def test_each_recording_ends(error, monkeypatch):
    log, n_calls = [], []
    monkeypatch.setattr(recorded, "_failed", [])
    monkeypatch.setattr(torch.cuda, "CUDAGraph", lambda: Graph(log))
    for name in ("synchronize", "empty_cache"):
        monkeypatch.setattr(torch.cuda, name, lambda *args: None)

    def function(x):
        n_calls.append(x)
        if error is not None and len(n_calls) == 4:
            raise error
        return x + 1

    call, x = Recorded(), torch.zeros(2)
    for _ in range(3):
        assert torch.equal(call(function, x), x + 1)
    if isinstance(error, KeyboardInterrupt):
        with pytest.raises(KeyboardInterrupt):
            call(function, x)
    else:
        call(function, x)
        call(function, x)
    assert log.count("begin") == log.count("end") == (1 if error is None else 2)
    assert log.count("replay") == (2 if error is None else 0)
    assert len(recorded._failed) == (error is not None)
