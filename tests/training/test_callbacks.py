"""skorch's callbacks work as in skorch and cost nothing where there are none; so does Ctrl-C."""

import copy
import io
import pickle
import sys
import warnings

import numpy as np
import pytest
import skorch
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import get_scorer, log_loss, mean_absolute_error
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from skorch.callbacks import (
    Callback,
    Checkpoint,
    EarlyStopping,
    EpochScoring,
    Freezer,
    GradientNormClipping,
    LoadInitState,
    LRScheduler,
    ProgressBar,
    TrainEndCheckpoint,
    Unfreezer,
)
from support.single_networks import MLPClassifier, MLPRegressor

from sklearn_modern.training.trainer import Trainer
from sklearn_modern.utils import interrupts_raise

SETTINGS = {
    "activation": "relu",
    "input_scaling": "standard",
    "solver": "adam",
    "alpha": 1e-4,
    "learning_rate": "constant",
    "dropout": 0.0,
    "hidden_layer_sizes": (8,),
    "batch_size": 16,
    "max_iter": 8,
    "learning_rate_init": 0.01,
    "device": "cpu",
    "random_state": 0,
}


@pytest.fixture
def X():
    return np.random.default_rng(0).normal(size=(70, 4))


@pytest.fixture
def y(X):
    noise = np.random.default_rng(1).normal(size=70)
    return np.array(["no", "yes"])[(X[:, 0] + 0.5 * X[:, 1] + 0.5 * noise > 0).astype(int)]


@pytest.fixture
def numbers(X):
    return 1000.0 + 50.0 * X[:, 0] + 10.0 * X[:, 1] ** 2


@pytest.fixture
def validation():
    X = np.random.default_rng(2).normal(size=(40, 4))
    return X, np.array(["no", "yes"])[(X[:, 0] > 0).astype(int)]


def weights_of(estimator):
    return [p.detach().numpy().copy() for p in estimator.net_.module_.parameters()]


def assert_same_weights(estimator, other, **tolerance):
    for weight, expected in zip(weights_of(estimator), weights_of(other), strict=True):
        np.testing.assert_allclose(weight, expected, **(tolerance or {"rtol": 0, "atol": 0}))


class Watch(Callback):
    """Look at every batch, and do nothing."""

    def on_batch_end(self, net, **kwargs):
        pass


class Notes(Callback):
    """Note which batches there were."""

    def on_train_begin(self, net, **kwargs):
        self.begun, self.ended, self.gradients = [], [], 0

    def on_batch_begin(self, net, batch, training, **kwargs):
        self.begun.append((training, batch[1].tolist()))

    def on_batch_end(self, net, batch, training, loss, y_pred, **kwargs):
        self.ended.append((training, loss.item(), tuple(y_pred.shape)))

    def on_grad_computed(self, net, named_parameters, **kwargs):
        assert all(parameter.grad is not None for _, parameter in named_parameters)
        self.gradients += 1


def callback(estimator, name):
    return dict(estimator.net_.callbacks_)[name]


def test_the_fitted_net_is_skorchs_and_keeps_its_history(X, y):
    clf = MLPClassifier(**SETTINGS).fit(X, y)
    assert isinstance(clf.net_, skorch.NeuralNet)
    assert clf.history_ is clf.net_.history
    assert clf.n_iter_ == len(clf.history_) == len(clf.loss_curve_) == 8
    assert clf.history_[:, "train_loss"] == pytest.approx(clf.loss_curve_)
    assert "Linear" in repr(clf.net_)


def test_callbacks_see_every_batch_with_its_targets(X, numbers, validation):
    reg = MLPRegressor(**SETTINGS | {"max_iter": 2}, callbacks=[("notes", Notes())])
    reg.fit(X, numbers, X_val=X[:20], y_val=numbers[:20])
    notes = callback(reg, "notes")
    sizes = [16, 16, 16, 16, 6, 20]
    assert [len(targets) for _, targets in notes.begun] == sizes * 2
    assert [training for training, _ in notes.begun] == ([True] * 5 + [False]) * 2
    assert [shape for *_, shape in notes.ended] == [(1, size, 1) for size in sizes] * 2
    assert notes.gradients == 10
    epoch = np.concatenate([targets for training, targets in notes.begun[:5] if training])
    np.testing.assert_allclose(np.sort(epoch), np.sort(numbers), rtol=1e-6)
    np.testing.assert_allclose(notes.begun[5][1], numbers[:20], rtol=1e-6)
    recorded = reg.history_[0, "batches", :, "train_loss"]
    assert recorded == pytest.approx([loss for training, loss, _ in notes.ended[:5] if training])


def test_without_a_callback_for_batches_nobody_is_told_of_them(X, y, monkeypatch):
    told = []
    notify = Trainer.notify
    monkeypatch.setattr(
        Trainer, "notify", lambda self, name, **kw: (told.append(name), notify(self, name, **kw))
    )
    MLPClassifier(**SETTINGS, early_stopping=True).fit(X, y)
    assert "on_epoch_end" in told
    assert not {"on_batch_begin", "on_batch_end", "on_grad_computed"} & set(told)
    MLPClassifier(**SETTINGS, callbacks=[Watch()]).fit(X, y)
    assert {"on_batch_begin", "on_batch_end", "on_grad_computed"} <= set(told)


LOOPS = [
    {},
    {"dropout": 0.2, "mixup": 0.3},
    {"solver": "sgd", "gradient_clip": 0.1, "learning_rate": "cosine"},
    {"solver": "lbfgs", "batch_size": "auto"},
    {"early_stopping": True, "n_members": 2, "normalization": "batch"},
]


@pytest.mark.parametrize("settings", LOOPS, ids=lambda s: " ".join(map(str, s)) or "default")
def test_a_watched_training_is_the_same_to_the_bit(X, y, settings):
    lean = MLPClassifier(**SETTINGS | settings).fit(X, y)
    watched = MLPClassifier(**SETTINGS | settings, callbacks=[Watch()]).fit(X, y)
    assert_same_weights(lean, watched)
    np.testing.assert_array_equal(lean.predict_proba(X), watched.predict_proba(X))
    np.testing.assert_allclose(lean.loss_curve_, watched.loss_curve_, rtol=1e-5)
    valid = [[e.get("valid_loss", 0) for e in net.history_] for net in (lean, watched)]
    np.testing.assert_allclose(*valid, rtol=1e-5)


def test_early_stopping_of_skorch_stops_without_a_warning(X, y):
    stop = EarlyStopping(monitor="train_loss", patience=3, threshold=10.0, threshold_mode="abs")
    clf = MLPClassifier(**SETTINGS | {"max_iter": 50}, callbacks=[stop]).fit(X, y)
    assert clf.n_iter_ == 1 + 3


def test_lr_scheduler_of_skorch_sets_the_rate(X, y):
    schedule = LRScheduler(policy="StepLR", step_size=2, gamma=0.5)
    clf = MLPClassifier(**SETTINGS, callbacks=[schedule]).fit(X, y)
    expected = 0.01 * 0.5 ** np.repeat(np.arange(4), 2)
    np.testing.assert_allclose(clf.history_[:, "event_lr"], expected)
    constant = MLPClassifier(**SETTINGS).fit(X, y)
    assert clf.loss_curve_[:2] == pytest.approx(constant.loss_curve_[:2], rel=1e-6)
    assert clf.loss_curve_[3] != pytest.approx(constant.loss_curve_[3], rel=1e-3)


def test_checkpoint_of_skorch_loads_the_best_epoch(X, y, validation, tmp_path):
    keep = Checkpoint(dirname=tmp_path, load_best=True)
    settings = SETTINGS | {"max_iter": 60, "learning_rate_init": 0.05}
    clf = MLPClassifier(**settings, callbacks=[keep])
    clf.fit(X, y, X_val=validation[0], y_val=validation[1])
    losses = clf.history_[:, "valid_loss"]
    assert np.argmin(losses) < 59
    assert log_loss(validation[1], clf.predict_proba(validation[0])) == pytest.approx(
        min(losses), rel=1e-4
    )
    assert {"params.pt", "optimizer.pt", "history.json"} <= {p.name for p in tmp_path.iterdir()}


@pytest.mark.parametrize("caching", [True, False])
@pytest.mark.parametrize("n_members", [1, 3])
def test_scores_of_validation_rows_are_in_units_of_y(X, numbers, n_members, caching):
    def scoring(name):
        return EpochScoring(name, lower_is_better=False, name=name, use_caching=caching)

    names = ("r2", "neg_mean_absolute_error")
    settings = SETTINGS | {"n_members": n_members, "max_iter": 5}
    reg = MLPRegressor(**settings, callbacks=[scoring(name) for name in names])
    reg.fit(X, numbers, X_val=X[:30], y_val=numbers[:30])
    assert reg.history_[-1, "r2"] == pytest.approx(reg.score(X[:30], numbers[:30]), rel=1e-4)
    assert -reg.history_[-1, "neg_mean_absolute_error"] == pytest.approx(
        mean_absolute_error(numbers[:30], reg.predict(X[:30])), rel=1e-4
    )


@pytest.mark.parametrize("n_members", [1, 3])
def test_scores_of_training_rows_are_those_of_one_member(X, y, n_members):
    """At a rate of nearly zero the epoch's predictions are those of the end."""
    scoring = EpochScoring("accuracy", lower_is_better=False, on_train=True, name="accuracy")
    still = SETTINGS | {"learning_rate_init": 1e-12, "max_iter": 1}
    members = {"n_members": n_members, "members": "independent"}
    clf = MLPClassifier(**still, **members, callbacks=[scoring]).fit(X, y)
    first = MLPClassifier(**still).fit(X, y)
    assert clf.history_[-1, "accuracy"] == pytest.approx(first.score(X, y))
    assert clf.history_[-1, "accuracy"] not in (0.0, 1.0)


def test_gradient_norm_clipping_of_skorch_equals_gradient_clip(X, y):
    theirs = MLPClassifier(**SETTINGS | {"solver": "sgd"}, callbacks=[GradientNormClipping(0.05)])
    ours = MLPClassifier(**SETTINGS | {"solver": "sgd"}, gradient_clip=0.05)
    assert_same_weights(theirs.fit(X, y), ours.fit(X, y), rtol=1e-5, atol=1e-7)
    free = MLPClassifier(**SETTINGS | {"solver": "sgd"}).fit(X, y)
    assert abs(weights_of(free)[0] - weights_of(ours)[0]).max() > 1e-3


def test_progress_bar_of_skorch_counts_the_batches(X, y, capsys):
    MLPClassifier(**SETTINGS | {"max_iter": 1}, callbacks=[ProgressBar(detect_notebook=False)]).fit(
        X, y
    )
    assert "/5" in capsys.readouterr().err


def test_verbose_prints_a_line_an_epoch_and_the_last_one_too(X, y, capsys):
    settings = SETTINGS | {"n_iter_no_change": 2, "tol": 10.0, "max_iter": 50}
    MLPClassifier(**settings, verbose=True, early_stopping=True).fit(X, y)
    lines = capsys.readouterr().out.splitlines()
    assert "train_loss" in lines[0]
    assert "valid_score" in lines[0]
    assert [int(line.split()[0]) for line in lines[2:]] == [1, 2, 3]
    MLPClassifier(**settings).fit(X, y)
    assert capsys.readouterr().out == ""


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize("stops", [False, True])
def test_verbose_draws_a_bar_on_a_terminal(X, y, stops, monkeypatch):
    monkeypatch.setattr(sys, "stdout", Terminal())
    settings = SETTINGS | {"max_iter": 4} | ({"n_iter_no_change": 2, "tol": 10.0} if stops else {})
    clf = MLPClassifier(**settings, verbose=1).fit(X, y)
    text = sys.stdout.getvalue()
    assert text.count("\n") == 1
    assert text.endswith("\n")
    assert f"] {clf.n_iter_}/4 " in text
    assert clf.n_iter_ == (3 if stops else 4)
    loss = f"train_loss {clf.loss_curve_[-1]:.4g}"
    assert loss in text
    pickle.dumps(clf)
    clf.set_params(verbose=2).fit(X, y)
    assert "\r" not in sys.stdout.getvalue()[len(text) :]


def test_verbose_writes_neither_colours_nor_carriage_returns_into_files(X, y, capsys):
    scoring = EpochScoring("accuracy", on_train=True, name="accuracy", lower_is_better=False)
    MLPClassifier(**SETTINGS | {"max_iter": 2}, verbose=1, callbacks=[scoring]).fit(X, y)
    text = capsys.readouterr().out
    header, _, first, last = text.splitlines()
    assert header.split() == ["epoch", "accuracy", "train_loss", "dur", "left"]
    assert len(first.split()) == 5
    assert last.split()[-1] == "0:00"
    assert "\x1b" not in text
    assert "\r" not in text


def test_callbacks_see_the_epoch_that_stops_the_training(X, y):
    scoring = EpochScoring("accuracy", on_train=True, name="accuracy", lower_is_better=False)
    settings = SETTINGS | {"n_iter_no_change": 2, "tol": 10.0, "max_iter": 50}
    clf = MLPClassifier(**settings, callbacks=[scoring]).fit(X, y)
    assert ["accuracy" in epoch for epoch in clf.history_] == [True] * 3


def test_fit_leaves_the_callbacks_that_it_was_given_alone(X, y):
    given = [LRScheduler(policy="StepLR", step_size=2), EarlyStopping(monitor="train_loss")]
    clf = MLPClassifier(**SETTINGS, callbacks=given)
    before = [copy.copy(vars(callback)) for callback in given]
    clf.fit(X, y)
    assert clf.callbacks is given
    assert [vars(callback) for callback in given] == before
    plain = MLPClassifier(**SETTINGS, callbacks=clone(clf).callbacks)
    assert len(pickle.dumps(clone(clf))) == len(pickle.dumps(plain))


class Start(Callback):
    """Note the initial weights, in a list that copies share."""

    def __init__(self):
        self.weights = []

    def on_train_begin(self, net, **kwargs):
        self.weights[:] = [p.detach().numpy().copy() for p in net.module_.parameters()]


@pytest.mark.parametrize("solver", ["adamw", "adam", "sgd", "lbfgs"])
def test_a_freezer_of_skorch_keeps_the_body(X, y, solver):
    settings = SETTINGS | {"solver": solver, "batch_size": "auto", "max_iter": 2}
    noted = Start()
    clf = MLPClassifier(**settings, callbacks=[Freezer("body*"), noted]).fit(X, y)
    start = noted.weights
    same = [np.array_equal(w, first) for w, first in zip(weights_of(clf), start, strict=True)]
    assert same == [True, True, False, False]
    thawing = [Freezer("body*"), Unfreezer("body*", at=2)]
    clf = MLPClassifier(**settings, callbacks=thawing).fit(X, y)
    assert not any(map(np.array_equal, weights_of(clf), start))
    with pytest.raises(ValueError, match="nothing to train"):
        MLPClassifier(**settings, callbacks=[Freezer("*")]).fit(X, y)


def test_a_thawed_weight_counts_its_own_steps_of_adam(X, y):
    """As torch's Adam does: else its first steps after a long frost would be too long."""
    settings = SETTINGS | {"batch_size": 70, "max_iter": 60, "n_iter_no_change": 60}
    thawing = [Freezer("body*"), Unfreezer("body*", at=60)]
    frozen = MLPClassifier(**settings, callbacks=[Freezer("body*")]).fit(X, y)
    thawed = MLPClassifier(**settings, callbacks=thawing).fit(X, y)
    step = np.abs(weights_of(thawed)[0] - weights_of(frozen)[0]).max()
    assert step == pytest.approx(settings["learning_rate_init"], rel=0.01)


def test_callbacks_that_hold_each_other_still_do(X, y, tmp_path):
    checkpoint = TrainEndCheckpoint(dirname=tmp_path)
    clf = MLPClassifier(**SETTINGS, callbacks=[checkpoint, LoadInitState(checkpoint)]).fit(X, y)
    assert len(clf.history_) == 8
    assert len(clone(clf).fit(X, y).history_) == 16
    other = MLPClassifier(**SETTINGS, callbacks=[LoadInitState(checkpoint)])
    assert len(other.fit(X, y).history_) == 24


@pytest.mark.parametrize("name", ["roc_auc", "average_precision", "neg_log_loss"])
@pytest.mark.parametrize("caching", [True, False])
def test_scores_of_probabilities_are_those_of_the_estimator(X, y, name, caching):
    score = EpochScoring(name, lower_is_better=False, name=name, use_caching=caching)
    codes = (y == "yes").astype(int)
    clf = MLPClassifier(**SETTINGS | {"max_iter": 2}, callbacks=[score])
    clf.fit(X, codes, X_val=X[:30], y_val=codes[:30])
    expected = get_scorer(name)(clf, X[:30], codes[:30])
    assert clf.history_[-1, name] == pytest.approx(expected, rel=1e-5)


def test_scores_without_caching_see_the_end_of_the_epoch(X, y):
    settings = SETTINGS | {"max_iter": 1, "learning_rate_init": 0.1}
    seen, afterwards = (
        EpochScoring("neg_log_loss", on_train=True, name=name, use_caching=caching)
        for name, caching in (("seen", True), ("afterwards", False))
    )
    clf = MLPClassifier(**settings, callbacks=[seen, afterwards]).fit(X, y)
    assert -clf.history_[-1, "afterwards"] == pytest.approx(
        log_loss(y, clf.predict_proba(X)), rel=1e-5
    )
    assert clf.history_[-1, "seen"] < clf.history_[-1, "afterwards"] - 0.01


def test_the_net_says_that_it_takes_prepared_rows(X, y):
    clf = MLPClassifier(**SETTINGS).fit(X, y)
    with pytest.raises(TypeError, match="prepared, not ndarray; call predict"):
        clf.net_.predict(X)


# Ctrl-C.


def test_an_interrupt_ends_a_search(X, y):
    clf = MLPClassifier(**SETTINGS, callbacks=[InterruptEpoch()])
    with pytest.raises(KeyboardInterrupt):
        cross_val_score(clf, X, y, cv=2)
    with pytest.raises(KeyboardInterrupt):
        GridSearchCV(make_pipeline(clf), {"mlpclassifier__alpha": [0, 1]}, cv=2).fit(X, y)


def test_an_interrupt_raises_where_it_is_told_to(X, y):
    clf = MLPClassifier(**SETTINGS, callbacks=[InterruptEpoch()])
    with interrupts_raise(), pytest.raises(KeyboardInterrupt):
        clf.fit(X, y)
    assert not hasattr(clf, "net_")
    pipeline = make_pipeline(StandardScaler(), clf)
    with pytest.warns(ConvergenceWarning, match="interrupted after 3 epochs"):
        pipeline.fit(X, y)  # one fit
    assert pipeline.score(X, y) > 0.5


class InterruptEpoch(Callback):
    """Press Ctrl-C at the end of an epoch."""

    def on_epoch_end(self, net, **kwargs):
        if len(net.history) == 3:
            raise KeyboardInterrupt


@pytest.fixture
def press_in_step(monkeypatch):
    """Press Ctrl-C in the 12th step, in the third epoch of five steps."""
    train_step, steps = Trainer.train_step, []

    def pressed(self, batch, **kwargs):
        steps.append(1)
        if len(steps) == 12:
            raise KeyboardInterrupt
        return train_step(self, batch, **kwargs)

    monkeypatch.setattr(Trainer, "train_step", pressed)


def test_an_interrupt_in_a_step_keeps_what_was_learned(X, y, press_in_step):
    clf = MLPClassifier(**SETTINGS)
    with pytest.warns(ConvergenceWarning, match="interrupted after 2 epochs"):
        clf.fit(X, y)
    assert clf.n_iter_ == len(clf.loss_curve_) == 2
    two_epochs = MLPClassifier(**SETTINGS | {"max_iter": 2}).fit(X, y)
    assert clf.loss_curve_ == two_epochs.loss_curve_
    assert clf.score(X, y) > 0.5
    pickle.loads(pickle.dumps(clf)).partial_fit(X, y)


def test_an_interrupt_between_epochs_keeps_what_was_learned(X, y):
    clf = MLPClassifier(**SETTINGS, callbacks=[InterruptEpoch()])
    with pytest.warns(ConvergenceWarning, match="interrupted after 3 epochs"):
        clf.fit(X, y)
    assert_same_weights(clf, MLPClassifier(**SETTINGS | {"max_iter": 3}).fit(X, y))


def test_an_interrupt_before_the_first_epoch_has_ended_leaves_a_usable_estimator(X, y, monkeypatch):
    def pressed(self, batch, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr(Trainer, "train_step", pressed)
    clf = MLPClassifier(**SETTINGS, early_stopping=True)
    with pytest.warns(ConvergenceWarning, match="interrupted after 0 epochs"):
        clf.fit(X, y)
    assert clf.n_iter_ == 0
    assert clf.loss_curve_ == []
    assert clf.predict_proba(X).shape == (70, 2)


def test_an_interrupted_early_stopping_goes_back_to_the_best_epoch(X, y, validation):
    settings = SETTINGS | {"max_iter": 100, "learning_rate_init": 0.1, "n_iter_no_change": 100}

    class Late(Callback):
        def on_epoch_end(self, net, **kwargs):
            scores = net.history[:, "valid_score"]
            if scores[-1] < max(scores):
                raise KeyboardInterrupt

    clf = MLPClassifier(**settings, early_stopping=True, scoring="accuracy", callbacks=[Late()])
    with pytest.warns(ConvergenceWarning):
        clf.fit(X, y, X_val=validation[0], y_val=validation[1])
    assert clf.score(*validation) == pytest.approx(max(clf.validation_scores_))


def test_lbfgs_which_follows_no_schedule_stops_early():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(80, 5)), rng.normal(size=80)
    settings = {"solver": "lbfgs", "early_stopping": True, "max_iter": 60, "random_state": 0}
    assert MLPRegressor((8,), **settings).fit(X, y).n_iter_ < 30


# Divergence.


@pytest.mark.parametrize("n_members", [1, 2])
@pytest.mark.parametrize("early_stopping", [False, True])
def test_a_diverging_training_says_so_and_what_may_help(X, numbers, early_stopping, n_members):
    settings = SETTINGS | {"learning_rate_init": 1e8, "solver": "sgd"}
    reg = MLPRegressor(**settings, n_members=n_members)
    with pytest.raises(ValueError, match=r"diverged.*learning_rate_init.*gradient_clip"):
        reg.set_params(early_stopping=early_stopping).fit(X, numbers)


def test_a_fit_that_ends_well_warns_of_nothing(X, y):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        MLPClassifier(**SETTINGS).fit(X, y)
