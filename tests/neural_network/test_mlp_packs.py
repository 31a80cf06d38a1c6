"""Networks that train together are those that train apart."""

import gc
import pickle
import re
import warnings
import weakref
from collections import Counter
from dataclasses import replace
from itertools import islice
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.model_selection import KFold
from skorch.callbacks import EpochScoring
from support.packs import assert_as_alone, assert_same, no_pack_fails, together
from support.single_networks import MLPClassifier, MLPRegressor
from torch import nn

from sklearn_modern._core.estimator import estimator, roles, steers
from sklearn_modern._fits.fit import Fit
from sklearn_modern._fits.folds import Folds
from sklearn_modern._fits.many import fit_many
from sklearn_modern._neural.inputs import TableInputs
from sklearn_modern._neural.targets import Numbers
from sklearn_modern.heads.continuous import PointHead
from sklearn_modern.model_selection import GridSearchCV
from sklearn_modern.networks.layers import Noise
from sklearn_modern.networks.random import MemberRandom
from sklearn_modern.ordinal import OrdinalMLPClassifier
from sklearn_modern.training import pack_size
from sklearn_modern.training.callbacks import Progress
from sklearn_modern.training.member_steps import FusedSteps
from sklearn_modern.training.optimizers import make_optimizer
from sklearn_modern.training.pack_size import most_members
from sklearn_modern.training.sources import Arrays
from sklearn_modern.training.supervised import Supervised
from sklearn_modern.training.trainer import Trainer

SMALL = {
    "hidden_layer_sizes": (8, 4),
    "batch_size": 16,
    "max_iter": 6,
    "device": "cpu",
    "precision": "float64",
    "random_state": 0,
}
COLUMNS = [np.array([0, 1, j]) for j in range(2, 6)]


@pytest.fixture
def X():
    return np.random.default_rng(0).normal(size=(90, 6))


@pytest.fixture
def y(X):
    return (X[:, 0] + X[:, 1] * X[:, 2] > 0).astype(int) + (X[:, 3] > 1)


@pytest.fixture
def weight():
    weight = np.random.default_rng(1).uniform(0.5, 2, size=90)
    weight[:5] = 0
    return weight


def failing_step(error, n_members, n_steps):
    """Make a step that fails for more than some members after some steps."""
    done, step = Counter(), FusedSteps.step

    def failing(self):
        done[self] += 1
        if len(self._nets) > n_members and done[self] > n_steps:
            raise error
        step(self)

    return failing


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"solver": "adam", "alpha": 1.0, "learning_rate": "cosine"},
        {"solver": "sgd", "normalization": "batch", "learning_rate": "constant"},
        {"normalization": "layer", "activation": "maxout", "gradient_clip": 0.1},
        {"numerical_embedding": "periodic", "input_scaling": "standard"},
        {"hidden_layer_sizes": (), "input_scaling": None},
        {"class_weight": "balanced", "label_smoothing": 0.1},
    ],
    ids=" ".join,
)
@pytest.mark.parametrize("n_classes", [2, 3])
def test_candidates_of_one_size_train_together(X, y, weight, trainings, settings, n_classes):
    X[::7, 4] = np.nan  # and so one candidate is wider than the others
    y = np.minimum(y, n_classes - 1)
    clf = MLPClassifier(**SMALL | settings)
    fit_params = {"sample_weight": weight}
    fits = [Fit({}, X, y, columns=columns, fit_params=fit_params) for columns in COLUMNS]
    together(clf, fits)
    assert sorted(trainings) == [1, 3]
    assert_as_alone(clf, fits)


@pytest.mark.parametrize("loss", ["squared_error", "quantile", "gaussian"])
def test_regressors_train_together(X, trainings, loss):
    y = 1e3 + 1e2 * X[:, 0] * X[:, 1] + X[:, 5]
    reg = MLPRegressor(**SMALL, loss=loss)
    fits = [Fit({}, X, y, columns=columns) for columns in COLUMNS]
    if loss == "quantile":
        reg.set_params(quantiles=(0.1, 0.7))
        fits += [Fit({"quantiles": levels}, X, y) for levels in ((0.9, 0.3), (0.6, 0.8))]
        fits = [replace(fit, columns=COLUMNS[0]) for fit in fits]
    together(reg, fits)
    assert trainings == [len(fits)]
    assert_as_alone(reg, fits)


@pytest.mark.parametrize("method", ["coral", "corn", "cumulative_link"])
def test_ordinal_networks_train_together(X, y, trainings, method):
    clf = OrdinalMLPClassifier(**SMALL, method=method)
    together(clf, [Fit({}, X, y, columns=columns) for columns in COLUMNS])
    assert trainings == [4]
    tasks = {} if method == "cumulative_link" else {"importance_weights": "sqrt"}
    folds = np.arange(60), np.arange(30, 90)  # whose levels weigh differently
    fits = [Fit(tasks, X, y, rows=rows, columns=c) for c in COLUMNS for rows in folds]
    assert_as_alone(clf, fits)


# What members of a pack may have each for itself, and values of it.
OWN = {
    "alpha": ["auto", 0.0, 2.0],
    "class_weight": [None, "balanced"],
    "dropout": [0.0, 0.1, 0.4],
    "early_stopping": [False, True],
    "gradient_clip": [None, 0.05],
    "label_smoothing": [0.0, 0.2],
    "learning_rate": ["one_cycle", "cosine", "constant", "adaptive"],
    "learning_rate_init": [0.001, 0.02, 0.1],
    "max_iter": [1, 4, 7],
    "momentum": [0.0, 0.5, 0.9],
    "n_iter_no_change": [1, 2, 10],
    "n_members": [1, 2],
    "quantiles": [(0.1, 0.7), (0.9, 0.3), (0.6, 0.8), (0.5, 0.1)],
    "random_state": [0, 1],
    "scoring": ["loss", "other", "picky"],
    "tol": [1e-4, 0.05],
    "validation_fraction": [0.2, 0.3],
    "verbose": [False, 0],
}
# What the members of a pack have in common.
COMMON = {
    "activation": ["relu", "tanh", "maxout"],
    "batch_size": ["auto", 7, 16],
    "hidden_layer_sizes": [(), (5,), (16, 3)],
    "input_scaling": ["robust", "standard", None],
    "members": ["shared", "independent"],
    "normalization": [None, None, "batch", "layer"],
    "numerical_embedding": [None, None, "periodic", "piecewise_linear"],
    "solver": ["adamw", "adam", "sgd"],
}
KINDS = [
    MLPClassifier(),
    MLPRegressor(),
    *(MLPRegressor(loss=loss) for loss in ("huber", "poisson", "gaussian")),
    MLPRegressor(loss="quantile", quantiles=(0.1, 0.7)),
    *(OrdinalMLPClassifier(method=m) for m in ("coral", "corn", "cumulative_link", "niu")),
]


def test_all_parameters_that_may_differ_are_drawn():
    known = {name for kind in KINDS for name, role in roles(type(kind)).items() if role.differs}
    assert known == set(OWN)
    page = Path(__file__).parents[2] / "docs" / "neural_networks.md"
    (row,) = (line for line in page.read_text().splitlines() if line.endswith("| may differ |"))
    assert re.findall(r"`(\w+)`", row) == sorted(OWN)


def picky(model, X, y, sample_weight=None):
    """Score, unless the score is high."""
    share = np.mean(np.abs(model.predict(X) - y) < 0.5)
    if share > 0.4:
        raise LookupError("too good to be true")
    return share


@st.composite
def packs_of_fits(draw):
    """Draw an estimator, a table, and fits that differ in whatever may differ."""
    model = clone(draw(st.sampled_from(KINDS)))
    common = {name: draw(st.sampled_from(values)) for name, values in COMMON.items()}
    precision = draw(st.sampled_from(["float32", "float64"]))
    model.set_params(**common, device="cpu", precision=precision)
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    n_rows = draw(st.integers(40, 60))
    X = pd.DataFrame(rng.normal(size=(n_rows, 3)), columns=list("abc"))
    if draw(st.booleans()):
        X["b"] = X["b"].where(rng.random(n_rows) < 0.8)
    if draw(st.booleans()):
        X["d"] = pd.Categorical.from_codes(rng.integers(0, 2, n_rows), ["no", "yes"])
        X["e"] = pd.Categorical.from_codes(rng.integers(0, 12, n_rows), list("ABCDEFGHIJKL"))
    score = X["a"] + rng.normal(size=n_rows)
    y = np.exp(score) if isinstance(model, MLPRegressor) else pd.qcut(score, 3, labels=False)
    y = np.asarray(y)
    weight = rng.uniform(0.5, 2, size=n_rows) * (rng.random(n_rows) < 0.9)
    folds = []
    for rows, others in KFold(3, shuffle=True, random_state=0).split(X):
        known = {"sample_weight": weight[rows]}, {"X_val": X.iloc[others], "y_val": y[others]}
        folds += [(rows, fit_params) for fit_params in ({}, *known, {**known[0], **known[1]})]
    fits = []
    for _ in range(draw(st.integers(2, 5))):
        own = {n: draw(st.sampled_from(v)) for n, v in OWN.items() if hasattr(model, n)}
        if own["scoring"] == "other":
            own["scoring"] = "r2" if isinstance(model, MLPRegressor) else "accuracy"
        elif own["scoring"] == "picky":
            own["scoring"] = picky
        if model.solver != "sgd":
            own["momentum"] = 0.9
        if getattr(model, "loss", None) != "quantile":
            own.pop("quantiles", None)
        rows, fit_params = draw(st.sampled_from(folds))
        fits.append(Fit(own, X, y, rows=rows, fit_params=fit_params))
    return model, fits


@given(packs_of_fits(), st.sampled_from([None, None, 1, 3]))
@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
def test_members_of_any_pack_are_as_alone(pack, most):
    """The memory is too small for more than ``most``, if that is given."""
    model, fits = pack
    no_memory = MemoryError("none left")
    step = failing_step(no_memory, most or np.inf, n_steps=2)
    with (
        patch.object(FusedSteps, "step", step),
        no_pack_fails(but_with=no_memory),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore")  # of small tables
        assert_as_alone(model, fits, 1e-9 if model.precision == "float64" else 1e-5)


def test_folds_and_seeds_train_together(X, y, trainings):
    folds = np.arange(60), np.arange(30, 90), np.arange(59)
    fits = [
        Fit({"random_state": seed}, X, y, rows=rows, columns=columns)
        for seed in (0, 1)
        for columns in COLUMNS
        for rows in folds
    ]
    clf = MLPClassifier(**SMALL)
    together(clf, fits)
    assert trainings == [24]
    assert_as_alone(clf, fits)


def test_penalties_of_shared_weights_are_those_of_separate_fits(X, y, trainings):
    clf = MLPClassifier((8,), solver="adam", n_members=3, max_iter=6, device="cpu", random_state=0)
    fits = [Fit({"alpha": alpha}, X, y, columns=COLUMNS[0]) for alpha in (0.1, 3.0, 7.0, 1.0)]
    together(clf, fits)
    assert trainings == [4]
    assert_as_alone(clf, fits, tolerance=0)


def test_single_precision_is_as_close_as_it_can_be(X, y):
    clf = MLPClassifier(max_iter=6, device="cpu", random_state=0)
    fits = [Fit({}, X, y, columns=columns) for columns in COLUMNS]
    assert_as_alone(clf, fits, tolerance=1e-4)


def test_each_member_stops_where_it_would_alone(X, y, trainings):
    stopping = {"tol": 0.02, "n_iter_no_change": 2, "learning_rate": "constant", "max_iter": 60}
    clf = MLPClassifier(**SMALL | stopping, learning_rate_init=0.03)
    fits = [Fit({"random_state": seed}, X, y, columns=COLUMNS[0]) for seed in range(4)]
    n_iter = {model.n_iter_ for model in together(clf, fits)}
    assert trainings == [4]
    assert len(n_iter) > 1
    assert max(n_iter) < 60
    assert_as_alone(clf, fits)
    assert_as_alone(MLPRegressor(**SMALL | stopping), fits)


@pytest.mark.parametrize(
    "settings",
    [
        {"mixup": 0.3},
        {"solver": "lbfgs", "batch_size": "auto"},
        {"callbacks": [EpochScoring("accuracy", on_train=True)]},
        {"warm_start": True},
        {"precision": "bfloat16"},
    ],
    ids=" ".join,
)
def test_what_no_pack_has_is_fitted_alone(X, y, trainings, settings):
    fits = [Fit(settings, X, y, columns=columns) for columns in COLUMNS[:2]]
    clf = MLPClassifier(**SMALL)
    together(clf, fits)
    assert len(trainings) == 2
    assert_as_alone(clf, fits, tolerance=0)


@pytest.mark.parametrize(
    ("settings", "parts"),
    [
        ({}, [6]),
        ({"solver": "lbfgs", "batch_size": "auto"}, [2, 2, 2]),
        ({"callbacks": [EpochScoring("accuracy", on_train=True)]}, [2, 2, 2]),
    ],
)
def test_searches_hand_on_splits_together_only_if_that_pays(X, y, monkeypatch, settings, parts):
    """What is handed on together is recorded together, so that a killed search loses it."""
    n_tasks, score_together = [], Folds.score_together

    def counting(folds, settings, tasks, pairwise):
        n_tasks.append(len(tasks))
        return score_together(folds, settings, tasks, pairwise)

    monkeypatch.setattr(Folds, "score_together", counting)
    clf = MLPClassifier(**SMALL | {"max_iter": 1} | settings)
    GridSearchCV(clf, {"alpha": [0.0, 1.0]}, cv=3, refit=False).fit(X, y)
    assert n_tasks == parts
    at_once = clf.fits_at_once
    assert clf.set_params(device="cuda:1").fits_at_once == at_once


def test_tables_of_one_shape_train_together(X, y, trainings):
    frame = pd.DataFrame(X, columns=list("abcdef")).assign(g=np.where(X[:, 0] > 0, "yes", "no"))
    clf = MLPClassifier(**SMALL)
    columns = [np.array([0, 1]), np.array([0, 6]), np.array([2, 6]), np.array([2, 3])]
    fits = [Fit({}, frame, y, columns=c) for c in columns]
    found = together(clf, fits)
    assert sorted(trainings) == [2, 2]
    assert found[1].feature_names_in_.tolist() == ["a", "g"]
    assert found[3].feature_names_in_.tolist() == ["c", "d"]
    assert_as_alone(clf, fits)
    assert_as_alone(clf, [Fit({}, sp.csr_matrix(X), y, columns=c) for c in COLUMNS], tolerance=0)
    given = {"X_val": X[:20, :3], "y_val": y[:20]}
    fits = [Fit({}, X, y, columns=c, fit_params=given) for c in COLUMNS]
    assert_as_alone(clf, fits)


def test_data_are_read_once(X, y, monkeypatch):
    steps = Counter()

    def count(kind, name):
        function = getattr(kind, name)

        def counting(self, *args, **kwargs):
            steps[name] += 1
            return function(self, *args, **kwargs)

        monkeypatch.setattr(kind, name, counting)

    for kind, name in ((Fit, "data"), *((TableInputs, n) for n in ("check", "learn", "source"))):
        count(kind, name)
    given = {"X_val": X[:20], "y_val": y[:20]}
    settings = [{"alpha": 1.0}, {"dropout": 0.0}, {"random_state": 1}, {"early_stopping": True}]
    for fit_params, expected in (({}, (2, 2, 4, 4)), (given, (2, 4, 2, 4))):
        steps.clear()
        folds = np.arange(60), np.arange(30, 90)
        fits = [Fit(own, X, y, rows, None, fit_params) for own in settings for rows in folds]
        together(MLPClassifier(**SMALL), fits)
        # Rows to validate with that are drawn leave fewer to learn from.
        assert tuple(steps.values()) == expected


def test_objectives_that_keep_more_than_weights_are_fitted_alone(X, y, trainings):
    class Growing(Supervised):
        n_steps = 0

        def steps(self, modules, batch):
            self.n_steps += 1
            for names, losses in super().steps(modules, batch):
                yield names, losses * self.n_steps

    @estimator
    class GrowingClassifier(MLPClassifier):
        def _make_objective(self, random):
            network = super()._make_objective(random).modules["module"]
            return Growing(network.body, network.head)

    fits = [Fit({}, X, y, columns=columns) for columns in COLUMNS]
    models = together(GrowingClassifier(**SMALL), fits)
    assert trainings == [1] * len(COLUMNS)
    assert all(model.net_.objective.n_steps == 6 * 6 for model in models)


def test_rows_that_are_augmented_are_fitted_alone(X, y, trainings):
    @estimator
    class NoisyClassifier(MLPClassifier):
        def _make_augment(self, random):
            return lambda embedded: embedded + 1.0

    fits = [Fit({}, X, y, columns=columns) for columns in COLUMNS]
    assert_as_alone(NoisyClassifier(**SMALL), fits, tolerance=0)
    assert trainings == [1] * 2 * len(COLUMNS)


@estimator
class Cubed(MLPClassifier):
    """Its fit does more than that of the parent."""

    def fit(self, X, y=None, sample_weight=None):
        return super().fit(X**3, y, sample_weight)


@estimator
class Scaled(MLPClassifier):
    """Its parameter does not say what it means for packs."""

    scales: bool = True

    def _make_inputs(self):
        inputs = super()._make_inputs()
        inputs.scaling = "standard" if self.scales else None
        return inputs


@estimator
class ScaledForDropout(MLPClassifier):
    """Its inputs know a parameter that members may have for themselves."""

    def _make_inputs(self):
        inputs = super()._make_inputs()
        inputs.scaling = "standard" if self.dropout else None
        return inputs


@pytest.mark.parametrize(
    ("kind", "other", "parts"),
    [
        (Cubed, {"alpha": 2.0}, [1] * 4),
        (Scaled, {"scales": False}, [2, 2]),
        (ScaledForDropout, {"dropout": 0.0}, [4]),
    ],
)
def test_what_subclasses_do_besides_is_done_in_packs(X, y, trainings, kind, other, parts):
    clf, folds = kind(**SMALL), (np.arange(60), np.arange(70))
    fits = [Fit(params, X, y, rows=rows) for params in ({}, other) for rows in folds]
    together(clf, fits)
    assert trainings == parts
    assert_as_alone(clf, fits)


class WeightedError(PointHead):
    """Its loss has a weight, and a setting that is an array."""

    def __init__(self, *args, powers, **kwargs):
        super().__init__(*args, **kwargs)
        self.powers = torch.tensor(powers)
        self.log_variance = nn.Parameter(torch.zeros(len(self.linear.weight), 1, 1))

    def _losses(self, scores, y):
        errors = sum((scores - y).abs() ** power for power in self.powers)
        return errors * torch.exp(-self.log_variance) + self.log_variance


class WeightedNumbers(Numbers):
    powers: tuple[float, ...]

    def make_head(self, n_features, random):
        return WeightedError(n_features, 1, random, powers=self.powers)


@estimator
class WeightedRegressor(MLPRegressor):
    power: float = steers(default=2.0, differs=True)

    def _make_targets(self, y):
        targets = WeightedNumbers(self.loss, self.quantiles, scale=False)
        targets.powers = 2.0, self.power
        return targets


class Jitter(Noise):
    def forward(self, x, given=None):
        noise = self.random.normal(*x.shape[1:], std=self.rate, dtype=x.dtype)
        return x + noise if self.training else x


class Times(nn.Module):
    def __init__(self, factor):
        super().__init__()
        self.factor = factor

    def forward(self, x, given=None):
        return self.factor * x


@estimator
class JitteringClassifier(MLPClassifier):
    def _make_body(self, random):
        body = super()._make_body(random)
        body.hidden.append(Jitter(0.1, random))
        return body


@estimator
class ScalingClassifier(MLPClassifier):
    def _make_body(self, random):
        body = super()._make_body(random)
        body.hidden.append(Times(1 + self.dropout))
        return body


@pytest.mark.parametrize(
    ("kind", "params", "rows"),
    [
        (JitteringClassifier, {"alpha": 2.0}, (slice(60), slice(59))),
        (ScalingClassifier, {"dropout": 0.4}, (slice(60), slice(30, 90))),
    ],
)
def test_bodies_of_subclasses_may_do_anything(X, y, trainings, kind, params, rows):
    fits = [Fit(own, X, y, rows=r) for own in ({}, params) for r in rows]
    together(kind(**SMALL), fits)
    assert trainings == [2, 2]
    assert_as_alone(kind(**SMALL), fits)


def test_parameters_may_be_numbers_of_numpy(X, y):
    clf = MLPClassifier(**SMALL, dropout=np.float32(0.25), alpha=np.float32(0.5))
    assert_as_alone(clf, [Fit({"dropout": rate}, X, y) for rate in np.float32([0.25, 0.1])])


@pytest.mark.parametrize(("power", "parts"), [(2.0, [4]), (2.00001, [4, 2, 2])])
def test_losses_may_have_weights(X, trainings, power, parts):
    reg = WeightedRegressor(**SMALL)
    y = X[:, 0] + X[:, 1]
    fits = [Fit({"power": p, "random_state": seed}, X, y) for p in (2.0, power) for seed in (0, 1)]
    together(reg, fits)
    assert trainings == parts
    assert_as_alone(reg, fits)


def test_a_failing_fit_yields_what_it_raises(X, y):
    X[0, 5] = np.inf
    wrong = [{"alpha": -1.0}, {"nope": 1}, {"class_weight": {9: 1.0}}, {"device": "abacus"}]
    fits = [Fit(params, X, y, columns=COLUMNS[0]) for params in wrong]
    fits += [Fit({}, X, y, columns=columns) for columns in COLUMNS]
    fits += [Fit({}, X, y, rows=np.array([0, 999])), Fit({}, X, y[:-1])]
    found = together(MLPClassifier(**SMALL), fits)
    assert [isinstance(one, Exception) for one in found] == [True] * 4 + [False] * 3 + [True] * 3
    assert_as_alone(MLPClassifier(**SMALL), [fit for fit in fits if "nope" not in fit.params])


def test_a_member_that_diverges_takes_no_other_along(X, y, trainings):
    X[:, 3] *= 1e300
    clf = MLPClassifier(**SMALL, input_scaling=None, solver="sgd")
    fits = [Fit({}, X, y, columns=columns) for columns in COLUMNS]
    found = together(clf, fits)
    assert trainings == [4]
    assert [isinstance(one, ValueError) for one in found] == [False, True, False, False]
    assert "diverged" in str(found[1])
    assert_as_alone(clf, fits)


@pytest.mark.parametrize(
    "error",
    [
        MemoryError("none left"),
        RuntimeError("[...] DefaultCPUAllocator: can't allocate memory: you tried [...]"),
        ValueError("it may be any member's"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_pack_that_fails_is_halved_and_begins_anew(X, y, trainings, monkeypatch, error):
    monkeypatch.setattr(FusedSteps, "step", failing_step(error, n_members=2, n_steps=9))
    fits = [Fit({}, X, y, columns=columns) for columns in COLUMNS]
    fits.append(Fit({"max_iter": 1}, X, y, columns=COLUMNS[0]))  # it is through by then
    found = together(MLPClassifier(**SMALL), fits)
    assert trainings == [5, 2, 2]
    assert [model.n_iter_ for model in found] == [6, 6, 6, 6, 1]


def test_a_fit_without_memory_fails_alone(X, y, monkeypatch):
    def no_memory(*args):
        raise MemoryError("out of memory")

    fits = [Fit({}, X, y, columns=c) for c in COLUMNS]
    monkeypatch.setattr(FusedSteps, "step", no_memory)
    assert_as_alone(MLPClassifier(**SMALL), fits, tolerance=0)
    monkeypatch.setattr(Trainer, "train_step", no_memory)
    found = together(MLPClassifier(**SMALL), fits)
    assert all(isinstance(one, MemoryError) for one in found)


def test_a_fit_that_is_read_when_no_memory_is_left_gets_that_of_those_that_wait(X, y, monkeypatch):
    prepare, n_waiting = MLPClassifier._prepare, Counter()

    def crowded(self, *args, **kwargs):
        n_waiting["now"] += 1
        if n_waiting["now"] == 3:
            raise MemoryError("too many wait")
        return prepare(self, *args, **kwargs)

    monkeypatch.setattr(MLPClassifier, "_prepare", crowded)
    found = together(MLPClassifier(**SMALL), [Fit({}, X, y, columns=c) for c in COLUMNS])
    assert [type(one) for one in found] == [MLPClassifier] * 4


@pytest.mark.parametrize(
    "ends", ["on_train_begin", "on_epoch_begin", "on_epoch_end", "on_train_end"]
)
def test_an_error_that_concerns_one_member_ends_its_training_alone(
    X, y, trainings, monkeypatch, ends
):
    told = getattr(Progress, ends)

    def failing(self, net, **kwargs):
        told(self, net, **kwargs)
        if net.lr == 0.02 and len(net.history) in (0, 2, 6):
            raise LookupError("lost the way")

    monkeypatch.setattr(Progress, ends, failing)
    fits = [Fit({"learning_rate_init": rate}, X, y) for rate in (0.01, 0.02, 0.03)]
    clf = MLPClassifier(**SMALL, n_members=2)
    found = together(clf, fits)
    assert trainings == [3]
    assert [type(one) for one in found] == [MLPClassifier, LookupError, MLPClassifier]
    assert_as_alone(clf, fits)


def test_what_a_pack_has_held_is_let_go(X, y, monkeypatch):
    arrays, beside = [], Arrays.beside

    def watched(self, others):
        arrays.append([weakref.ref(part) for one in (self, *others) for part in one._parts()])
        return beside(self, others)

    monkeypatch.setattr(Arrays, "beside", watched)
    monkeypatch.setenv("SKLEARN_MODERN_PACK_SIZE", "2")
    found = MLPClassifier(**SMALL).fit_many([Fit({}, X, y, columns=c) for c in COLUMNS])
    for _ in range(3):  # the third is of the second pack
        next(found)
    gc.collect()
    first, second = ({array() is None for array in pack} for pack in arrays)
    assert (first, second) == ({True}, {False})


def test_an_interrupt_ends_a_pack_but_for_members_that_are_through(X, y, monkeypatch):
    monkeypatch.setattr(FusedSteps, "step", failing_step(KeyboardInterrupt(), 2, n_steps=9))
    fits = [Fit({"max_iter": n}, X, y, columns=COLUMNS[0]) for n in (6, 1, 6, 1, 6)]
    results = fit_many(MLPClassifier(**SMALL), fits)
    found = dict(islice(results, 2))
    with pytest.raises(KeyboardInterrupt):
        next(results)
    assert sorted(found) == [1, 3]
    assert_same(found[1], MLPClassifier(**SMALL | {"max_iter": 1}).fit(*fits[1].data()), 1e-10)


def test_packs_stay_small(X, y, trainings, monkeypatch):
    fits = [Fit({}, X, y, columns=columns) for columns in COLUMNS]
    monkeypatch.setenv("SKLEARN_MODERN_PACK_SIZE", "3")
    together(MLPClassifier(**SMALL), fits)
    monkeypatch.setenv("SKLEARN_MODERN_PACK_SIZE", "1")
    together(MLPClassifier(**SMALL), fits)
    assert trainings == [3, 1, 1, 1, 1, 1]


def test_packs_take_a_part_of_the_free_memory(trainings, monkeypatch):
    own = list(np.random.default_rng(0).normal(size=(4, 3000, 40)))
    y = (own[0][:, 0] > 0).astype(int)
    clf = MLPClassifier(**SMALL | {"batch_size": 64, "max_iter": 1, "precision": "float32"})

    def parts(free, data):
        trainings.clear()
        monkeypatch.setattr(pack_size, "free_memory", lambda: free)
        together(clf, [Fit({}, X, y) for X in data])
        return trainings.copy()

    # Data of 0.5 MB each, and as much beside the others.
    assert parts(2**30, own) == [4]
    assert parts(8 * 10**6, own) == [2, 2]
    assert parts(10**6, own) == [1, 1, 1, 1]
    assert parts(8 * 10**6, own[:1] * 4) == [4]
    assert parts(10**6, own[:1] * 2) == [1, 1]


@pytest.mark.parametrize(("width", "least", "most"), [(64, 50, 100), (256, 4, 30), (512, 1, 1)])
def test_packs_of_wide_networks_have_few_members(X, y, width, least, most):
    clf = MLPClassifier((width, width), max_iter=1, device="cpu").fit(X, y)
    assert least <= most_members(clf.net_.objective, 256 if width == 512 else 64) <= most


@pytest.mark.parametrize(("width", "least", "most"), [(64, 1000, 1000), (512, 50, 500)])
def test_a_gpu_takes_more_members(X, y, width, least, most):
    clf = MLPClassifier((width, width), max_iter=1, device="cpu").fit(X, y)
    assert least <= most_members(clf.net_.objective, 256, device="cuda:0") <= most
    assert most_members(clf.net_.objective, 10**7, device="cuda:0") == 1


def test_a_network_of_several_members_counts_as_several(X, y):
    clf = MLPClassifier((64, 64), max_iter=1, device="cpu", members="independent")
    most = [
        most_members(clf.set_params(n_members=n).fit(X, y).net_.objective, 64, n) for n in (1, 10)
    ]
    assert most[0] == most[1]


def test_without_a_seed_each_fit_draws_its_own(X, y):
    clf = MLPClassifier(**SMALL | {"random_state": None})
    found = together(clf, [Fit({}, X, y), Fit({}, X, y)])
    assert found[0].random_state is None
    assert (found[0].predict_proba(X) != found[1].predict_proba(X)).any()
    clf.set_params(random_state=np.random.RandomState(3))
    found = together(clf, [Fit({}, X, y), Fit({}, X, y)])
    np.testing.assert_allclose(found[0].predict_proba(X), found[1].predict_proba(X))


def test_a_fit_of_a_pack_is_an_ordinary_one(X, y):
    fits = [Fit({}, X, y, columns=columns) for columns in COLUMNS]
    clf = together(MLPClassifier(**SMALL), fits)[1]
    alone = MLPClassifier(**SMALL).fit(*fits[1].data())
    X = fits[1].data()[0]
    assert len(pickle.dumps(clf)) < 1.1 * len(pickle.dumps(alone))
    restored = pickle.loads(pickle.dumps(clf))
    np.testing.assert_array_equal(restored.predict_proba(X), clf.predict_proba(X))
    # It goes on as one that comes from a pickle, with the random streams of its own.
    restored.partial_fit(X, y)
    alone = pickle.loads(pickle.dumps(alone)).partial_fit(X, y)
    np.testing.assert_allclose(clf.partial_fit(X, y).predict_proba(X), restored.predict_proba(X))
    np.testing.assert_allclose(restored.predict_proba(X), alone.predict_proba(X))


@pytest.mark.parametrize("early_stopping", [False, True])
@pytest.mark.parametrize("n_targets", [1, 2, 3])
def test_members_stop_whatever_the_number_of_targets(X, early_stopping, n_targets):
    """The units of the targets have no axis of members, unlike all that members keep."""
    reg = MLPRegressor(**SMALL | {"max_iter": 40}, n_members=2, tol=0.5, n_iter_no_change=2)
    y = 10 + X[:, :n_targets].squeeze()
    reg.set_params(early_stopping=early_stopping).fit(X, y)
    assert reg.n_iter_ < 40
    np.testing.assert_allclose(reg.net_.module_.head.target_mean, np.atleast_1d(y.mean(0)), atol=1)


@pytest.mark.parametrize("shape", [(7, 1001), (1000, 7), (0, 3), (9973,)])
@pytest.mark.parametrize("keep", [1e-6, 0.3, 0.9, 1 - 1e-9])
def test_masks_keep_the_share_that_is_asked(shape, keep):
    like = torch.empty(3, *shape, dtype=torch.float64)
    mask = MemberRandom([0, 1, 2]).keep_mask(like, keep)
    assert mask.shape == like.shape
    assert mask.dtype == like.dtype
    assert torch.isin(mask, torch.tensor([0.0, 1.0])).all()
    assert abs(mask.mean(dim=tuple(range(1, mask.ndim))) - keep).nan_to_num().max() < 0.02
    assert torch.equal(MemberRandom([2]).keep_mask(like[:1], keep)[0], mask[2])


def test_adam_updates_members_to_the_last_digit():
    """Rounding that depended on the neighbours would grow over the epochs."""
    rng = torch.Generator().manual_seed(0)
    start = [torch.randn(5, *shape, generator=rng) for shape in ((3, 1), (6, 16), (1, 1))]
    gradients = [[torch.randn(s.shape, generator=rng) for s in start] for _ in range(50)]

    def trained(members):
        layers = nn.ParameterList([s[members].clone() for s in start])
        optimizer = make_optimizer(layers, "adam", 0.01, 0.0, members=len(layers[0]))
        for step in gradients:
            for parameter, gradient in zip(layers, step, strict=True):
                parameter.grad = gradient[members].clone()
            optimizer.step()
        return layers

    together = trained(slice(None))
    for member in range(5):
        for one, all_of_them in zip(trained([member]), together, strict=True):
            assert torch.equal(one[0], all_of_them[member])
