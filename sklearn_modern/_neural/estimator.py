"""What every neural estimator does: fit, predict and pickle a network."""

import copy
import copyreg
import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import torch
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from sklearn_modern._core.estimator import estimator, roles
from sklearn_modern._core.same import setting
from sklearn_modern._core.scikit_learn import fit_context, num_samples
from sklearn_modern._fits.splitting import validation_splits
from sklearn_modern._inputs.validation import check_lengths, weighted_rows
from sklearn_modern._neural.inputs import Inputs
from sklearn_modern._neural.plain import PlainObject, plain, restored
from sklearn_modern._neural.readings import ANEW
from sklearn_modern._neural.settings import TrainingSettings
from sklearn_modern._neural.targets import NoTargets, Targets
from sklearn_modern.device import resolve_device
from sklearn_modern.networks.random import MemberRandom
from sklearn_modern.training.objective import Objective
from sklearn_modern.training.predictions import decode
from sklearn_modern.training.sources import Batch, Part, Source
from sklearn_modern.training.trainer import Trainer

__all__ = ["NeuralEstimator"]


@estimator
class NeuralEstimator(TrainingSettings, ABC):
    """A network that is trained.

    A subclass is its fields and three factories: what X is (:meth:`_make_inputs`), what y is
    (:meth:`_make_targets`; there need be none), and what is minimised (:meth:`_make_objective`).

    Attributes
    ----------
    net_ : skorch.NeuralNet
        The fitted net; ``net_.module_`` is its ``torch.nn.Module``.
    device_ : str
        The device that is used: "cpu", "cuda:0", "mps".
    early_stopping_ : bool
        Whether validation rows have decided when to stop.
    n_iter_ : int
        Number of epochs that were trained.
    loss_curve_ : list of float
        Mean training loss of each epoch.
    validation_scores_ : list of float or None
        Score of the validation rows after each epoch, if there are any; the mean over members.
    best_validation_score_ : float or None
        The highest of them.
    history_ : skorch.history.History
        skorch's record of the training.
    n_features_in_ : int
        Number of features of the fit.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Their names, if X was a DataFrame whose column names are strings.
    """

    @abstractmethod
    def _make_inputs(self) -> Inputs:
        """Make what reads X."""

    def _make_targets(self, y: Any) -> Targets:
        """Make what reads y."""
        return NoTargets()

    @abstractmethod
    def _make_objective(self, random: MemberRandom) -> Objective:
        """Make the networks, with their initial weights, and what is minimised.

        What has been learned from the training rows is in ``_inputs`` and ``_targets``.
        """

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None, sample_weight=None, X_val=None, y_val=None):
        """Fit the network.

        Parameters
        ----------
        X : array-like of shape (n_samples, ...)
            Training data, of the kind that the class is for: a table, or arrays.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs), default=None
            Targets.
        sample_weight : array-like of shape (n_samples,), default=None
            Sample weights; a row of weight 2 counts as two rows, one of weight 0 as none, but where
            "auto" asks how many rows there are.
        X_val, y_val : array-like, default=None
            Validation data, instead of setting a share of X aside. Their scores are recorded, and
            with ``early_stopping`` they decide when to stop.

        Returns
        -------
        self : estimator
            The fitted estimator.
        """
        training, validation = self._prepare(X, y, sample_weight, X_val, y_val)
        try:
            self.net_.train_on(training, validation)
        except KeyboardInterrupt:
            del self.net_  # half a fit must not count as one
            raise
        self._store_training()
        return self

    def _prepare(self, X, y, sample_weight=None, X_val=None, y_val=None, *, readings=ANEW):
        """Do all of a fit but the training; return the rows to train on and to validate with.

        ``readings`` has what other fits of the same data have read.
        """
        resume = self.warm_start and hasattr(self, "net_")
        self._begin(y, resume=resume)
        y_is_read = self._targets.required or y is None
        if y_is_read and (y_val is not None) != (X_val is not None and y is not None):
            raise ValueError("X_val and y_val go together, but only one of them was given.")
        checked, y, weight = self._check(X, y, sample_weight, reset=not resume, readings=readings)
        split, random = self._seeds()
        if not resume:
            # With other validation rows a warm start would be scored on what it has learned.
            self._split_seed = split
        given = X_val is not None
        self.early_stopping_ = self._stops_early(len(weight), random.teams, given=given)
        divides = self.early_stopping_ and not given
        training, validation = self._divided(y, weight, random, divides=divides)
        if not resume:
            # Scales and the like are those of the first member's rows, however many there are.
            own = training if training.ndim == 1 else training[0]
            self._start(checked, y, weight, own, random, readings=readings)
        part = self._part(checked, y, weight, training, readings=readings)
        if given:
            try:
                validation_part = self._given_part(X_val, y_val, checked, readings)
            except BaseException:
                if not resume:
                    del self.net_  # which has learned nothing
                raise
        elif validation is not None:
            validation_part = Part(part.source, self._index(validation))
        else:
            validation_part = None
        self._steer(
            self._net_on_device(),
            len(part),
            validated=validation_part is not None,
            mean_weight=weight[training].mean(),
            epochs=self._n_epochs(len(weight)),
            schedule=self.learning_rate,
        )
        return part, validation_part

    def _partial_fit(self, X, y, sample_weight, **known):
        """Train for one epoch at a constant rate, from where the last call stopped.

        ``known`` is for :meth:`_make_targets` in the first call.
        """
        if self.early_stopping is True:
            raise ValueError(
                "partial_fit trains one epoch, so that there is nothing to stop early, but "
                "early_stopping=True."
            )
        resume = hasattr(self, "net_")
        self._begin(y, resume=resume, **known)
        self.early_stopping_ = False
        checked, y, weight = self._check(X, y, sample_weight, reset=not resume)
        everything = np.arange(len(weight))
        if not resume:
            self._start(checked, y, weight, everything, self._seeds()[1], first=True)
        self._trained_in_parts = True
        part = self._part(checked, y, weight, everything)
        self._steer(
            self._net_on_device(),
            len(part),
            validated=False,
            mean_weight=weight.mean(),
            epochs=1,
            schedule="constant",
        )
        self.net_.train_on(part)
        self._store_training()
        return self

    # The parts of a fit, in the order of the calls.

    def _begin(self, y, *, resume, **known):
        """Make what reads X and y, unless a training goes on."""
        if resume:
            self._refuse_changes()
            return
        self._refuse_unused()
        # A fit that fails must not leave an old network beside what was learned from new data.
        vars(self).pop("net_", None)
        self._inputs, self._targets = self._make_inputs(), self._make_targets(y, **known)

    def _check(self, X, y, sample_weight, *, reset, readings=ANEW):
        """Check everything, and leave out rows of weight zero."""
        if self._targets.required:
            check_lengths(X, y)
        else:
            y = None
        X, y, weight = weighted_rows(X, y, sample_weight)
        check = partial(self._inputs.check, self, X, reset=reset)
        checked = readings.once(self, "check", check)
        y = self._targets.check(y, reset=reset)
        if reset:
            vars(self).update(self._inputs.attributes() | self._targets.attributes())
        return checked, y, weight * self._row_factors(y, weight)

    def _row_factors(self, y: np.ndarray, weight: np.ndarray) -> np.ndarray | float:
        """Return the factors of the sample weights."""
        return 1.0

    def _seeds(self) -> tuple[int, MemberRandom]:
        """Draw the seed of the validation split, and one for each member."""
        random_state = check_random_state(self.random_state)
        split = random_state.randint(2**31 - 1)
        seeds = random_state.randint(2**31 - 1, size=self._n_networks())
        return split, MemberRandom(seeds, self._team())

    def _n_networks(self) -> int:
        """Return the number of members; "lbfgs" trains one, whatever the default is."""
        return 1 if self.solver == "lbfgs" else self.n_members

    def _team(self) -> int:
        """Return how many members share weights."""
        return 1

    def _divided(self, y, weight, random, *, divides):
        """Return the rows to train on, and those to validate with, if any are set aside."""
        if not divides:
            return np.arange(len(weight)), None
        # Independent members learn from what the others validate with.
        training, validation = validation_splits(
            np.zeros(len(weight)) if y is None else y,
            self.validation_fraction,
            np.random.RandomState(self._split_seed),
            random.teams,
            warn=self.early_stopping != "auto",
        )
        return (training, validation) if random.teams > 1 else (training[0], validation[0])

    def _start(self, checked, y, weight, training, random, *, first=False, readings=ANEW):
        """Learn scales from the training rows, and make the network with its initial weights."""
        # Equal weights up to 1 are shares of a row, larger ones say how often a row is there.
        plain = len(training) == len(weight) and (weight == weight[0]).all() and weight[0] <= 1
        counted = np.zeros(len(weight))
        counted[training] = weight[training]
        learn = partial(self._inputs.learn, checked, None if plain else counted, first=first)
        readings.once(self, ("learn", None if plain else counted.tobytes()), learn)
        self._targets.learn(y, counted)
        objective = self._make_objective(random)
        self._trained_in_parts = False
        self._shape = self._shaping_parameters()
        self.net_ = self._make_net(objective, random, len(training))

    def _part(self, checked, y, weight, training, *, readings=ANEW, of="training"):
        """Take the data to the device; weights have mean 1 over the training rows."""
        if (weight == weight[0]).all():
            weight = None
        else:
            weight = self._tensor(weight / weight[training].mean())
        y = None if y is None else self._tensor(self._targets.scaled(y))
        make, where = partial(self._source, checked, slice(None)), (of, self._dtype, self.device_)
        rest = {"y": y, "weight": weight, "rows_together": self._rows_together(checked)}
        return Part(readings.source(self, where, make, **rest), self._index(training))

    def _given_part(self, X_val, y_val, training, readings):
        if self._targets.required:
            check_lengths(X_val, y_val)
        check = partial(self._inputs.check, self, X_val, reset=False)
        try:
            checked = readings.once(self, "check X_val", check)
            y = self._targets.check(y_val, reset=False)
        except ValueError as error:
            raise ValueError(f"In X_val and y_val: {error}") from None
        readings.once(self, "compare", partial(self._inputs.compare, training, checked))
        n_rows = num_samples(X_val)
        of_each = np.ones(n_rows), np.arange(n_rows)
        return self._part(checked, y, *of_each, readings=readings, of="validation")

    def _source(self, checked, rows, **rest) -> Source:
        """Make a source of some of the checked rows."""
        return self._inputs.source(checked, rows, self._dtype, self.device_, **rest)

    def _rows_together(self, checked):
        return self.net_.objective.rows_together(self._inputs.row_shape(checked))

    def _tensor(self, values):
        dtype = self._dtype if values.dtype.kind == "f" else torch.int64
        return torch.as_tensor(values, dtype=dtype, device=self.device_)

    def _index(self, rows):
        return torch.as_tensor(rows, device=self.device_)

    def _float_type(self):
        """Return the type of the weights of a network that is still to be made."""
        return torch.float64 if self.precision == "float64" else torch.float32

    @property
    def _dtype(self):
        modules = self.net_.objective.modules.values()
        return next(p for module in modules for p in module.parameters()).dtype

    def _shaping_parameters(self):
        """Record the parameters that must not change once the network is made."""
        steering = {name for name, role in roles(type(self)).items() if role.steers}
        parameters = self.get_params(deep=False).items()
        return {
            name: (setting(value), _shown(value))
            for name, value in parameters
            if name not in steering
        }

    def _refuse_changes(self):
        """Refuse to go on if parameters that shape the network have changed."""
        for name, (value, text) in self._shaping_parameters().items():
            before, text_before = self._shape[name]
            if value != before:
                raise ValueError(
                    f"{name}={text} was {text_before} when this network was made, and training "
                    "cannot go on with another; use clone, or warm_start=False."
                )

    def _store_training(self) -> None:
        """Store how the training went, or raise if it has diverged."""
        net = self.net_
        self.history_ = net.history
        # An epoch that was interrupted has no loss.
        self.loss_curve_ = [float(e["train_loss"]) for e in net.history if "train_loss" in e]
        self.n_iter_ = len(self.loss_curve_)
        scores = [e["valid_score"] for e in net.history if "valid_score" in e]
        self.validation_scores_ = scores or None
        self.best_validation_score_ = max(scores) if scores else None
        if net.interrupted_:
            warnings.warn(
                f"The training was interrupted after {len(self.loss_curve_)} epochs; "
                f"{type(self).__name__} keeps what it has learned so far.",
                ConvergenceWarning,
                stacklevel=4,
            )
        elif not (np.isfinite(self.loss_curve_[-1]) and net.is_finite()):
            del self.net_  # it can neither predict nor go on
            raise ValueError(
                f"The training diverged: the loss is {self.loss_curve_[-1]} after {self.n_iter_} "
                "epochs, or weights have become infinite. A lower learning_rate_init or a "
                "gradient_clip may help."
            )

    # Prediction and storage.

    def _decode(self, X: Any) -> np.ndarray:
        """Predict what the head decodes: probabilities, or values."""
        return self._in_chunks(X, decode)

    def _in_chunks(
        self,
        X: Any,
        function: Callable[[Objective, Batch], np.ndarray],
        y: np.ndarray | None = None,
    ) -> np.ndarray:
        """Apply a function to the rows, a few at a time; they may have coded targets."""
        check_is_fitted(self, "net_")
        checked = self._inputs.check(self, X, reset=False)
        objective, n_rows, results = self._net_on_device().objective, num_samples(X), None
        together = self._rows_together(checked)
        for rows in self._inputs.chunks(checked, n_rows, together):
            known = {} if y is None else {"y": self._tensor(y[rows])}
            source = self._source(checked, rows, rows_together=together, **known)
            chunk = function(objective, source.whole())
            if results is None:
                results = np.empty((n_rows, *chunk.shape[1:]), dtype=chunk.dtype)
            results[rows] = chunk
        return results

    def _decide(self, X: Any) -> np.ndarray:
        """Predict decisions, as the user knows them: labels, or values."""
        decoded = torch.from_numpy(self._decode(X))
        return self._targets.named(self.net_.objective.decide(decoded).numpy())

    def _net_on_device(self) -> Trainer:
        """Take the net to its device; it comes from a pickle on the CPU."""
        if self.net_.device != self.device_:
            try:
                self.device_ = resolve_device(self.device_)
            except ValueError:
                warnings.warn(
                    f"This {type(self).__name__} was fitted on {self.device_!r}, which is not "
                    "available here; it goes on on the CPU.",
                    stacklevel=5,
                )
                self.device_ = "cpu"
            self.net_.move_to(self.device_)
        return self.net_

    def __reduce_ex__(self, protocol: int) -> tuple:
        """Pickle the weights on the CPU, and the optimiser only if training may go on."""
        return copyreg.__newobj__, (type(self),), self._pickled_state()

    def _pickled_state(self):
        state = dict(super().__getstate__())
        if "net_" in state:
            net = copy.copy(self.net_)
            if not (self.warm_start or self._trained_in_parts):
                net = net.without_optimizers()
            state["net_"] = net if net.device == "cpu" else copy.deepcopy(net).move_to("cpu")
        return state

    def __getstate__(self) -> dict:
        """Return what skops can write: arrays for tensors, and no optimisers."""
        state = self._pickled_state()
        if "net_" not in state:
            return state
        net = state["net_"].without_optimizers()
        net.virtual_params_ = {}  # those of the optimisers
        return plain(state | {"net_": net})

    def __setstate__(self, state: dict) -> None:
        """Take the state of a pickle, or what :meth:`__getstate__` has returned."""
        is_plain = isinstance(state.get("net_"), PlainObject)
        super().__setstate__(restored(state) if is_plain else state)


def _shown(value):
    """Describe a parameter in the same way, whichever sequence holds it."""
    value = value.tolist() if isinstance(value, np.ndarray) else value
    return repr(tuple(value) if isinstance(value, list) else value)
