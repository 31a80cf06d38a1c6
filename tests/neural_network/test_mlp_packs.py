"""Networks that train together are those that train apart."""

import pickle
import re

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
import torch
from sklearn.base import clone
from skorch.callbacks import EpochScoring
from torch import nn

from sklearn_modern._core.estimator import estimator
from sklearn_modern._fits.fit import Fit
from sklearn_modern._fits.many import fit_many
from sklearn_modern._neural import packs
from sklearn_modern.networks.random import MemberRandom
from sklearn_modern.neural_network import MLPClassifier, MLPRegressor
from sklearn_modern.ordinal import OrdinalMLPClassifier
from sklearn_modern.training.optimizers import make_optimizer
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


@pytest.fixture
def trainings(monkeypatch):
    """The number of members of each training, as they come."""
    counts, train_on = [], Trainer.train_on

    def counting(self, *args, **kwargs):
        counts.append(len(self.random))
        return train_on(self, *args, **kwargs)

    monkeypatch.setattr(Trainer, "train_on", counting)
    return counts


def together(estimator, fits):
    found = dict(fit_many(estimator, fits))
    assert sorted(found) == list(range(len(fits)))
    return [found[position] for position in range(len(fits))]


def assert_as_alone(estimator, fits, tolerance=1e-10):
    for fit, found in zip(fits, together(estimator, fits), strict=True):
        model = clone(estimator).set_params(**fit.params)
        if isinstance(found, Exception):
            with pytest.raises(type(found), match=re.escape(str(found))):
                model.fit(*fit.data(), **fit.fit_params)
            continue
        X, y = fit.data()
        assert_same(found, model.fit(X, y, **fit.fit_params), tolerance)
        predict = "predict_proba" if hasattr(model, "predict_proba") else "predict"
        one, other = (getattr(estimator, predict)(X) for estimator in (found, model))
        np.testing.assert_allclose(one, other, rtol=0, atol=tolerance * max(1, np.ptp(other)))


def assert_same(found, alone, tolerance):
    assert vars(found).keys() == vars(alone).keys()
    one, other = (re.sub(" at 0x[0-9a-f]+", "", str(e.get_params())) for e in (found, alone))
    assert one == other
    assert found.n_features_in_ == alone.n_features_in_
    assert found.n_iter_ == alone.n_iter_
    np.testing.assert_allclose(found.loss_curve_, alone.loss_curve_, rtol=tolerance)
    assert [row.keys() for row in found.history_] == [row.keys() for row in alone.history_]
    for name in ("epoch", "train_loss_best", "train_batch_count"):
        assert found.history_[:, name] == alone.history_[:, name]
    state, expected = (e.net_.module_.state_dict() for e in (found, alone))
    assert state.keys() == expected.keys()
    for name in state:
        assert state[name].dtype == expected[name].dtype
        np.testing.assert_allclose(state[name], expected[name], rtol=0, atol=tolerance)


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
    if loss == "quantile":
        reg.set_params(quantiles=(0.1, 0.7))
    fits = [Fit({}, X, y, columns=columns) for columns in COLUMNS]
    together(reg, fits)
    assert trainings == [4]
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
    assert sorted(trainings) == [8, 16]
    assert_as_alone(clf, fits)


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
        {"early_stopping": True},
        {"n_members": 2},
        {"mixup": 0.3},
        {"solver": "lbfgs", "batch_size": "auto"},
        {"learning_rate": "adaptive", "n_iter_no_change": 2},
        {"callbacks": [EpochScoring("accuracy", on_train=True)]},
        {"warm_start": True},
        {"numerical_embedding": "piecewise_linear"},
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


def test_columns_that_no_pack_has_are_fitted_alone(X, y, trainings):
    frame = pd.DataFrame(X, columns=list("abcdef")).assign(g=np.where(X[:, 0] > 0, "yes", "no"))
    clf = MLPClassifier(**SMALL)
    columns = [np.array([0, 1]), np.array([0, 6]), np.array([2, 6]), np.array([2, 3])]
    fits = [Fit({}, frame, y, columns=c) for c in columns]
    found = together(clf, fits)
    assert sorted(trainings) == [1, 1, 2]
    assert found[1].feature_names_in_.tolist() == ["a", "g"]
    assert found[3].feature_names_in_.tolist() == ["c", "d"]
    assert_as_alone(clf, fits)
    assert_as_alone(clf, [Fit({}, sp.csr_matrix(X), y, columns=c) for c in COLUMNS], tolerance=0)
    given = {"X_val": X[:20, :3], "y_val": y[:20]}
    fits = [Fit({}, X, y, columns=c, fit_params=given) for c in COLUMNS]
    assert_as_alone(clf, fits, tolerance=0)


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


def test_what_stops_the_whole_pack_is_said_of_each(X, y, monkeypatch):
    def no_memory(self, batch):
        raise MemoryError("out of memory")

    monkeypatch.setattr(Trainer, "train_step", no_memory)
    found = together(MLPClassifier(**SMALL), [Fit({}, X, y, columns=c) for c in COLUMNS])
    assert all(isinstance(one, MemoryError) for one in found)


def test_an_interrupt_ends_all_fits_of_a_pack(X, y, monkeypatch):
    steps, train_step = [], Trainer.train_step

    def interrupted(self, batch):
        steps.append(batch)
        if len(steps) == 15:  # in the third epoch of six batches
            raise KeyboardInterrupt
        return train_step(self, batch)

    monkeypatch.setattr(Trainer, "train_step", interrupted)
    with pytest.raises(KeyboardInterrupt):
        together(MLPClassifier(**SMALL), [Fit({}, X, y, columns=c) for c in COLUMNS])


def test_packs_stay_small(X, y, trainings, monkeypatch):
    fits = [Fit({}, X, y, columns=columns) for columns in COLUMNS]
    monkeypatch.setattr(packs, "_MOST_MEMBERS", 3)
    together(MLPClassifier(**SMALL), fits)
    monkeypatch.setattr(packs, "_MOST_NUMBERS", 500)  # 270 of data and 79 weights
    together(MLPClassifier(**SMALL), fits)
    assert trainings == [3, 1, 2, 2]


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
