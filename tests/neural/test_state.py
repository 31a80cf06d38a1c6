"""What every neural estimator promises about its state, whatever its inputs and its objective."""

import copy
import pickle
import random
import warnings

import numpy as np
import pytest
import torch
from sklearn.base import clone, is_classifier, is_regressor
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from skorch.callbacks import Callback, EpochScoring
from support.global_random import numpy_state, seed_numpy
from support.neural_instances import (
    INSTANCES,
    KINDS,
    STOPPING,
    assert_same,
    each,
    narrower,
    predictions,
    some,
    state_of,
)

from sklearn_modern._core.same import fingerprint
from sklearn_modern.training.trainer import Trainer

each_instance, each_kind = each(INSTANCES), each(KINDS)
each_instance_in_parts = each(INSTANCES, having="partial_fit")
each_kind_in_parts = each(KINDS, having="partial_fit")


def through_pickle(estimator):
    return pickle.loads(pickle.dumps(estimator))


# In parts.


@each_instance_in_parts
def test_partial_fit_is_fit_epoch_by_epoch(instance):
    X, y = instance.data(40)
    weight = np.linspace(0.5, 2, 40)
    whole = instance.make().fit(X, y, sample_weight=weight)
    parts = instance.make()
    for _ in range(3):
        parts.partial_fit(X, y, sample_weight=weight)
    assert_same(parts, whole, X)


@each_instance_in_parts
def test_partial_fit_goes_on_exactly_after_a_pickle(instance):
    X, y = instance.data(60)
    straight, pickled = instance.make(), instance.make()
    for step in range(3):
        rows = slice(6 * step, 6 * step + 40)
        straight.partial_fit(X[rows], y[rows])
        pickled = through_pickle(pickled).partial_fit(X[rows], y[rows])
    assert_same(pickled, straight, X)


@each_kind_in_parts
def test_partial_fit_refuses_what_needs_more_than_an_epoch(instance):
    with pytest.raises(ValueError, match="partial_fit trains one epoch"):
        instance.make(early_stopping=True).partial_fit(*instance.data(20))
    by_lbfgs = instance.make(solver="lbfgs")
    assert not hasattr(by_lbfgs, "partial_fit")
    with pytest.raises(AttributeError) as caught:
        by_lbfgs.partial_fit(*instance.data(20))
    assert "needs batches" in str(caught.value.__cause__)


@each_kind_in_parts
def test_each_part_has_batches_of_its_own_size(instance):
    """The first call, if small, does not make all later batches small."""
    X, y = instance.data(40)
    model = instance.make(batch_size=40).partial_fit(X[:20], y[:20]).partial_fit(X, y)
    assert model.history_[:, "train_batch_count"] == [1, 1]


@each_kind_in_parts
@pytest.mark.parametrize("schedule", ["constant", "cosine", "one_cycle"])
def test_partial_fit_after_a_fit_goes_on_at_the_initial_rate(instance, schedule):
    """A schedule ends at a rate of nearly zero, at which nothing would be learned any more."""
    model = instance.fitted(learning_rate=schedule, solver="sgd", momentum=0)
    before = copy.deepcopy(state_of(model))
    model.partial_fit(*instance.data(40))
    for optimizer in model.net_.optimizers():
        for group in optimizer.param_groups:
            assert group["lr"] == 0.01 * group["factor"]
    assert max((state_of(model)[k] - before[k]).abs().max() for k in before) > 1e-3


@each_kind
def test_fit_starts_again_whatever_was_before(instance):
    X, y = instance.data(40)
    fewer = y if y is None else np.where(y == np.unique(y)[0], *np.unique(y)[:2])
    model = instance.make().fit(narrower(X), fewer)
    if hasattr(model, "partial_fit"):
        model.partial_fit(narrower(X), fewer)
    assert_same(model.fit(X, y), instance.make().fit(X, y), X)
    assert model.n_iter_ == 3


def assert_a_warm_start_goes_on(instance, **settings):
    X, y = instance.data(40)
    whole = instance.make(**settings).fit(X, y)
    warm = instance.make(**settings, max_iter=2, warm_start=True).fit(X, y).set_params(max_iter=1)
    assert_same(through_pickle(warm).fit(X, y), whole, X)
    assert_same(warm.fit(X, y), whole, X)
    assert warm.n_iter_ == len(warm.loss_curve_) == 3


@each_instance
def test_a_warm_start_goes_on_also_after_a_pickle(instance):
    assert_a_warm_start_goes_on(instance)


@each(some(KINDS, "MLPRegressor", "GRUClassifier", "PixelClassifier"))
def test_a_warm_start_by_lbfgs_goes_on_also_after_a_pickle(instance):
    assert_a_warm_start_goes_on(instance, solver="lbfgs", batch_size="auto")


@each(some(KINDS, "MLPClassifier", "MLPRegressor", "OrdinalMLPClassifier"))
def test_a_warm_start_refuses_other_features(instance):
    X, y = instance.data(40)
    model = instance.make(warm_start=True).fit(X, y)
    with pytest.raises(ValueError, match=r"X has 3 features|feature names should match"):
        model.fit(narrower(X), y)


@each(KINDS, having="predict")
def test_a_warm_start_refuses_other_targets(instance):
    X, y = instance.data(40)
    model = instance.make(warm_start=True).fit(X, y)
    others = np.column_stack([y, y]) if is_regressor(model) else np.where(y == y[0], "other", y)
    with pytest.raises(ValueError, match="not among the classes|not in fit|y has targets of shape"):
        model.fit(X, others)


# Randomness.


def global_states():
    return random.getstate(), numpy_state(), torch.get_rng_state().tolist()


def differ(estimator, other, X):
    return np.abs(estimator._decode(X) - other._decode(X)).max() > 1e-3


@each_instance
def test_copies_and_clones_are_the_same_to_the_bit_whatever_the_global_seeds(instance):
    X, y = instance.data(40)
    first = instance.make().fit(X, y)
    random.seed(99)
    seed_numpy(99)
    torch.manual_seed(99)
    before = global_states()
    assert_same(through_pickle(first), first, X)
    assert_same(copy.deepcopy(first), first, X)
    assert_same(clone(first).fit(X, y), first, X)
    assert global_states() == before
    assert differ(first, instance.make(random_state=1).fit(X, y), X)


@each(STOPPING)
def test_the_split_for_early_stopping_is_drawn_from_the_random_state(instance):
    first = instance.fitted(early_stopping=True, validation_fraction=0.3)
    assert_same(through_pickle(first), first, instance.data(40)[0])
    torch.manual_seed(99)
    before = global_states()
    assert_same(instance.fitted(early_stopping=True, validation_fraction=0.3), first)
    assert global_states() == before


@each_kind
def test_without_a_random_state_a_fit_draws_one_seed_of_numpys(instance):
    """As all of scikit-learn does; nothing that follows touches global random states."""
    X, y = instance.data(40)
    seed_numpy(5)
    model = instance.make(random_state=None).fit(X, y)
    before = global_states()
    predictions(model, X)
    if hasattr(model, "to_torch"):
        model.to_torch()
    pickle.dumps(model)
    assert global_states() == before
    assert differ(model, instance.make(random_state=None).fit(X, y), X)
    seed_numpy(5)
    assert_same(instance.make(random_state=None).fit(X, y), model)


@each_kind
def test_a_random_state_object_gives_one_fit_after_another(instance):
    stream = np.random.RandomState(0)
    first = instance.fitted(random_state=stream)
    assert differ(first, instance.fitted(random_state=stream), instance.data(40)[0])
    assert_same(instance.fitted(random_state=np.random.RandomState(0)), first)


@each_kind
def test_fit_changes_neither_parameters_nor_data(instance):
    X, y = instance.data(40)
    before = copy.deepcopy((X, y))
    model = instance.make(callbacks=[Presses(epoch=99)], n_members=2)
    parameters = model.get_params(deep=False)
    described = repr(parameters)
    model.fit(X, y)
    predictions(model, X)
    after = model.get_params(deep=False)
    assert all(after[name] is parameters[name] for name in parameters)
    assert repr(after) == described
    assert fingerprint(X, y) == fingerprint(*before)


# Pickles.


def overhead(estimator):
    """Bound what a pickle has besides weights: skorch's net, and the modules' names."""
    modules = estimator.net_.objective.modules.values()
    # An encoder and a decoder, or a network and its average.
    twofold = hasattr(estimator, "beam_size") or hasattr(estimator, "inverse_transform")
    most = 50_000 if hasattr(estimator, "n_steps") else 40_000 if twofold else 30_000
    values = pickle.dumps(getattr(estimator._inputs, "coder", None))  # those of columns
    n_modules = sum(1 for module in modules for _ in module.modules())
    return min(most, 17_000 + 500 * n_modules) + len(values)


# What is made as often as in the fit is known by up to a thousand values a column.
_SIZES = {"FlowMatching": (1500, 3000), "GAN": (1500, 3000)}
_QUANTILES = 4 * 2 * 8 * 1001

SIZED = [
    {},
    {"early_stopping": True},
    {"numerical_embedding": "piecewise_linear", "mixup": 0.2, "early_stopping": False},
    {"augment": ["standard", "noise"], "cutmix": 1.0},
]


@pytest.mark.parametrize(
    ("instance", "settings"),
    [
        pytest.param(instance, settings, id=f"{name} {' '.join(settings)}")
        for name, instance in KINDS.items()
        for settings in SIZED
        if settings.keys() <= instance.make().get_params().keys()
        if name in STOPPING or not settings.get("early_stopping")
    ],
)
def test_a_pickle_does_not_grow_with_the_data(instance, settings):
    sizes = []
    if is_classifier(instance.make()) and instance.data(1)[1].ndim == 1:
        scoring = EpochScoring("accuracy", on_train=True, lower_is_better=False)
        settings = settings | {"callbacks": [scoring]}
    for n in _SIZES.get(type(instance.make()).__name__, (100, 1000)):
        X, y = instance.data(n)
        model = instance.make(**settings, max_iter=1, batch_size=n).fit(X, y)
        predictions(model, X)
        sizes.append(len(pickle.dumps(model)))
    assert sizes[1] < sizes[0] + 1000
    known = _QUANTILES if type(model).__name__ in _SIZES else 0
    saved = sum(value.nbytes for value in state_of(model).values())
    assert sizes[0] < saved + overhead(model) + known
    assert len(pickle.dumps(clone(model))) < 2000


@each_kind
def test_the_optimiser_is_kept_only_where_training_may_go_on(instance):
    X, y = instance.data(40)
    model = instance.make(**instance.wide, max_iter=1).fit(X, y)
    saved = sum(value.nbytes for value in state_of(model).values())
    parameters = model.net_.get_all_learnable_params()
    trained = sum(value.nbytes for _, value in parameters if value.requires_grad)
    assert saved > 3 * overhead(model)

    def size(estimator):
        return len(pickle.dumps(estimator)) - saved

    bare = size(model)
    assert bare < overhead(model)
    both_moments = pytest.approx(2 * trained, rel=0.1)
    assert size(clone(model).set_params(warm_start=True).fit(X, y)) - bare == both_moments
    if hasattr(model, "partial_fit"):
        in_parts = clone(model).partial_fit(X, y)
        assert size(in_parts) - bare == both_moments
        assert size(in_parts.fit(X, y)) < overhead(model)


@each_kind_in_parts
def test_predictions_and_more_training_follow_a_pickle_without_optimiser(instance):
    loaded = through_pickle(instance.fitted())
    assert not loaded.net_.optimizers()
    before = loaded.loss_curve_[-1]
    for _ in range(5):
        loaded.partial_fit(*instance.data(40))
    assert loaded.loss_curve_[-1] < before
    assert loaded.n_iter_ == 8


# Devices.


@each_kind
def test_a_model_from_a_gpu_warns_once_and_predicts_the_same_on_the_cpu(instance):
    X, y = instance.data(40)
    model = instance.make(warm_start=True).fit(X, y)
    expected = model._decode(X)
    model.device_ = "cuda:7"
    model = through_pickle(model)
    assert model.device_ == "cuda:7"
    with pytest.warns(UserWarning, match="fitted on 'cuda:7', which is not available here"):
        np.testing.assert_array_equal(model._decode(X), expected)
    assert model.device_ == "cpu"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        predictions(model, X)
        model.fit(X, y)
        if hasattr(model, "partial_fit"):
            model.partial_fit(X, y)


@each_kind
def test_a_device_that_is_not_there_is_refused_with_those_that_are(instance):
    model = instance.make(device="cuda:77")
    with pytest.raises(ValueError, match=r"'cuda:77' is not available here; there is \['cpu'"):
        model.fit(*instance.data(20))
    assert model.device == "cuda:77"


@each_kind
def test_auto_keeps_small_fits_on_the_cpu(instance):
    model = instance.fitted(device="auto", max_iter=1)
    assert model.device_ == "cpu"
    assert model.device == "auto"


# Ends that nobody wants.


class Presses(Callback):
    """Press Ctrl-C at the end of an epoch."""

    def __init__(self, epoch):
        self.epoch = epoch

    def on_epoch_end(self, net, **kwargs):
        if len(net.history) == self.epoch:
            raise KeyboardInterrupt


@each_kind
def test_an_interrupt_between_epochs_keeps_what_was_learned(instance):
    model = instance.make(callbacks=[Presses(epoch=2)], max_iter=9)
    with pytest.warns(ConvergenceWarning, match="interrupted after 2 epochs"):
        model.fit(*instance.data(40))
    assert_same(model, instance.fitted(max_iter=2), instance.data(40)[0])


@each_kind
def test_an_interrupt_in_a_step_keeps_what_was_learned(instance, monkeypatch):
    expected = instance.fitted(max_iter=2)
    train_step, steps = Trainer.train_step, []

    def pressed(self, batch, **kwargs):
        steps.append(1)
        if len(steps) == 8:  # in the third epoch of three steps
            raise KeyboardInterrupt
        return train_step(self, batch, **kwargs)

    monkeypatch.setattr(Trainer, "train_step", pressed)
    X, y = instance.data(40)
    model = instance.make(max_iter=9, warm_start=True)
    with pytest.warns(ConvergenceWarning, match="interrupted after 2 epochs"):
        model.fit(X, y)
    assert model.n_iter_ == 2
    assert model.loss_curve_ == expected.loss_curve_
    predictions(model, X)
    assert through_pickle(model).fit(X, y).n_iter_ == 11


@each_kind
def test_a_training_that_diverges_leaves_nothing_to_predict_with(instance):
    model = instance.fitted(max_iter=1)
    model.set_params(solver="sgd", learning_rate_init=1e12, max_iter=9, n_members=2)
    with pytest.raises(ValueError, match=r"diverged.*learning_rate_init.*gradient_clip"):
        model.fit(*instance.data(40))
    with pytest.raises(NotFittedError):
        model._decode(instance.data(40)[0])
