"""Members that share no weights validate with rows of their own, from which the others learn."""

import numpy as np
import pytest
import torch
from sklearn.metrics import accuracy_score
from skorch.callbacks import EpochScoring

from sklearn_modern._neural import packs
from sklearn_modern.neural_network import MLPClassifier
from sklearn_modern.shared_fits import Fit
from sklearn_modern.training.trainer import Trainer

SMALL = {"hidden_layer_sizes": (4,), "max_iter": 1, "device": "cpu", "random_state": 0}
N_ROWS, N_MEMBERS = 300, 3
_rng = np.random.default_rng(0)
X = _rng.normal(size=(N_ROWS, 2))
y = (X[:, 0] + _rng.normal(size=N_ROWS) > 0).astype(int)
WEIGHTS = {"equal": None, "unequal": _rng.uniform(0.5, 2, N_ROWS)}


def make(**settings):
    return MLPClassifier(**SMALL | {"n_members": N_MEMBERS} | settings)


@pytest.fixture
def parts(monkeypatch):
    """The parts that nets are trained on and validated with."""
    seen, train_on = [], Trainer.train_on

    def noting(net, training, validation=None):
        seen.append((training, validation))
        return train_on(net, training, validation)

    monkeypatch.setattr(Trainer, "train_on", noting)
    return seen


def test_each_row_trains_all_members_but_one_at_most(parts):
    make().fit(X, y)
    [(training, validation)] = parts
    held_out = np.concatenate([own.tolist() for own in validation.index])
    assert len(set(held_out)) == len(held_out) == N_MEMBERS * N_ROWS // 10
    for own, others in zip(training.index, validation.index, strict=True):
        assert sorted([*own.tolist(), *others.tolist()]) == list(range(N_ROWS))


@pytest.mark.parametrize("settings", [{"members": "shared"}, {"n_members": 1}], ids=str)
def test_others_have_rows_in_common(parts, settings):
    make(**settings).fit(X, y)
    [(training, validation)] = parts
    assert training.index.shape == (N_ROWS * 9 // 10,)
    assert validation.index.shape == (N_ROWS // 10,)


@pytest.mark.parametrize("weight", WEIGHTS.values(), ids=WEIGHTS)
def test_scores_are_those_of_a_members_own_rows(parts, weight):
    clf = make().fit(X, y, sample_weight=weight)
    [(_, validation)] = parts
    losses = []
    for member, rows in enumerate(validation.index.numpy()):
        shown = validation.source.take(torch.as_tensor(rows)[None])
        with torch.no_grad():
            scores = clf.net_.module_(shown.x, shown.given)[member]
        loss = torch.nn.functional.cross_entropy(scores, torch.as_tensor(y[rows]), reduction="none")
        losses.append(np.average(loss.numpy(), weights=None if weight is None else weight[rows]))
    np.testing.assert_allclose(clf.net_.member_scores_, -np.array(losses), rtol=1e-5)


def test_scorers_see_a_members_own_rows(parts):
    clf = make(scoring="accuracy").fit(X, y)
    [(_, validation)] = parts
    found = []
    for member, rows in enumerate(validation.index):
        shown = validation.source.take(rows[None])
        with torch.no_grad():
            scores = clf.net_.module_(shown.x, shown.given)[member]
        found.append(accuracy_score(y[rows.numpy()], scores.argmax(1).numpy()))
    np.testing.assert_allclose(clf.net_.member_scores_, found)


@pytest.mark.parametrize("weight", WEIGHTS.values(), ids=WEIGHTS)
def test_packs_do_what_separate_fits_do(weight, monkeypatch):
    trainings, train_together = [], packs.train_together

    def noting(pack, *args):
        trainings.append(len(pack))
        train_together(pack, *args)

    monkeypatch.setattr(packs, "train_together", noting)
    settings = [
        {"random_state": 0, "max_iter": 2},
        {"random_state": 1, "max_iter": 2, "n_members": 2},
        {"random_state": 2, "max_iter": 2, "validation_fraction": 0.2},
    ]
    fits = [Fit(own, X, y, fit_params={"sample_weight": weight}) for own in settings]
    for position, found in make().fit_many(fits):
        assert trainings == [3]
        alone = make(**settings[position]).fit(X, y, sample_weight=weight)
        np.testing.assert_allclose(found.predict_proba(X), alone.predict_proba(X), atol=1e-6)
        np.testing.assert_allclose(found.validation_scores_, alone.validation_scores_, rtol=1e-5)


def test_a_warm_start_validates_with_the_rows_of_the_first_fit(parts):
    clf = make(warm_start=True, random_state=None).fit(X, y).fit(X, y)
    [(_, before), (_, after)] = parts
    assert torch.equal(before.index, after.index)
    clf.set_params(warm_start=False).fit(X, y)
    assert not torch.equal(before.index, parts[-1][1].index)


@pytest.mark.parametrize("caching", [True, False])
def test_callbacks_see_each_row_as_predicted_by_the_member_that_has_it(caching):
    scoring = EpochScoring("accuracy", lower_is_better=False, use_caching=caching)
    clf = make(scoring="accuracy", callbacks=[scoring]).fit(X, y)
    assert clf.history_[-1, "accuracy"] == pytest.approx(clf.validation_scores_[-1])
    same = make(scoring="accuracy").fit(X, y)
    np.testing.assert_array_equal(clf.predict_proba(X), same.predict_proba(X))
