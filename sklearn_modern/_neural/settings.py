"""How a network is trained: the parameters that every neural estimator has."""

import copy
import math
from dataclasses import KW_ONLY
from numbers import Integral, Real
from typing import Any

import numpy as np
import torch
from sklearn.base import BaseEstimator
from skorch.callbacks import Callback, LRScheduler

from sklearn_modern._core.estimator import estimator, roles, shapes, steers
from sklearn_modern._core.same import setting
from sklearn_modern._core.scikit_learn import Interval, StrOptions
from sklearn_modern.device import has_float64, resolve_device
from sklearn_modern.networks.random import MemberRandom
from sklearn_modern.training.callbacks import Progress
from sklearn_modern.training.objective import Objective
from sklearn_modern.training.optimizers import SOLVERS
from sklearn_modern.training.schedules import SCHEDULES
from sklearn_modern.training.trainer import Trainer
from sklearn_modern.training.work import operations

__all__ = ["BATCHES", "TrainingSettings"]

# What a parameter needs that is about batches; "lbfgs" takes all rows, the same in every step.
BATCHES = ("solver", ("adamw", "adam", "sgd"))

# What alpha="auto" is where weights do not decay: scikit-learn's penalty.
_AUTO_PENALTY = 1e-4

# Fewer rows are all needed for training, and a tenth of them would say little (early_stopping).
# Of several members that each hold out rows of their own, the others learn from these.
_ROWS_TO_SPARE, _ROWS_TO_SHARE = 100, 30

# Epochs of a few rows are short, and the best one may come late (max_iter).
_EPOCHS, _EPOCHS_OF_FEW, _FEW_ROWS = 40, 80, 2000


@estimator
class TrainingSettings(BaseEstimator):
    """Settings of the training of a network.

    Parameters
    ----------
    solver : {"adamw", "adam", "sgd", "lbfgs"}, default="adamw"
        The optimiser. "adamw" decays weights apart from the gradient; "sgd" has Nesterov's
        momentum; "lbfgs" takes all rows in one batch, for small data: it finds its own steps, and
        has neither batches nor dropout.
    alpha : "auto" or float, default="auto"
        With "adamw" the decoupled weight decay: a step shrinks weights by ``alpha`` times the
        learning rate; useful values are 0 to about 10, and at 100 it predicts a constant. Else the
        strength of the L2 penalty, as in scikit-learn: the loss of a batch gets
        ``alpha / 2 * sum(w ** 2) / batch_size``.
        "auto" is 0.5 with "adamw", else 0.0001.
    learning_rate : {"one_cycle", "cosine", "coslog4", "constant", "adaptive"}, default="one_cycle"
        How the learning rate changes: up and then down to zero; down to zero along half a cosine;
        in four cosine cycles, each twice as long as the one before, so that early stopping may find
        good weights at the end of an early one, too;
        constant; or divided by 5 each time that ``n_iter_no_change`` epochs brought no improvement.
    learning_rate_init : float, default=0.003
        The learning rate, for "one_cycle" its highest value.
    batch_size : "auto" or int, default="auto"
        Rows of a training batch; "auto" is a thirtieth of the rows, rounded to a power of two
        from 32 to 256.
    max_iter : int or "auto", default=40
        Number of epochs, or of iterations for "lbfgs". "auto" is 40, or 80 for fewer than 2000 rows
        if early stopping finds the best of them.
    momentum : float, default=0.9
        Momentum of "sgd".
    early_stopping : bool or "auto", default=False
        Set validation rows aside, stop when their score has not improved for
        ``n_iter_no_change`` epochs, and go back to the best epoch. Without, training stops when
        the training loss has not improved for as long. "auto" is True if there are 30
        rows, 100 where all members share their validation rows, or validation data of your own,
        except with "lbfgs"; ``early_stopping_`` shows it.
        Of several members that share no weights each has validation rows of its own, from which
        the others learn.
    validation_fraction : float, default=0.1
        Share of the rows that ``early_stopping`` sets aside, stratified by y.
    n_iter_no_change : int, default=10
        Epochs without improvement after which training stops.
    tol : float, default=0.0001
        Smallest change that counts as an improvement.
    gradient_clip : float or None, default=None
        Maximum norm of the gradient.
    n_members : int, default=1
        Networks that are trained side by side, each from its own start and in its own order of
        rows; their predictions are averaged.
    precision : {"float32", "bfloat16", "float64"}, default="float32"
        Arithmetic of the training. "bfloat16" keeps the weights in float32 (mixed precision).
    callbacks : list of skorch.callbacks.Callback or None, default=None
        Called during the training, as in skorch.
    device : str or torch.device, default="auto"
        Where to train: "cpu", "cuda", "cuda:N", "mps", or "auto" for the one that is fastest for
        the size of the problem, see :func:`sklearn_modern.device.resolve_device`.
    random_state : int, RandomState instance or None, default=None
        Determines initial weights, batches, dropout and the validation split.
    verbose : bool or int, default=False
        With 1 or True show a bar with the time left on a terminal, and print a line per epoch
        elsewhere, such as in a notebook; with 2 print lines everywhere.
    warm_start : bool, default=False
        Let ``fit`` go on from the last fit, for another ``max_iter`` epochs. Only what steers the
        training may be changed in between; ``callbacks`` stay those of the first fit.
    """

    _: KW_ONLY
    solver: str = shapes(default="adamw", packs_with=("adamw", "adam", "sgd"))
    alpha: float | str = steers(default="auto", differs=True)
    learning_rate: str = steers(default="one_cycle", differs=True)
    learning_rate_init: float = steers(default=0.003, differs=True)
    batch_size: int | str = steers(default="auto", differs=False, needs=BATCHES)
    max_iter: int | str = steers(default=40, differs=True)
    momentum: float = shapes(default=0.9, differs=True, needs=("solver", ("sgd",)))
    early_stopping: bool | str = steers(default=False, differs=True)
    validation_fraction: float = steers(default=0.1, differs=True)
    n_iter_no_change: int = steers(default=10, differs=True)
    tol: float = steers(default=0.0001, differs=True)
    gradient_clip: float | None = steers(default=None, differs=True, needs=BATCHES)
    n_members: int = shapes(default=1, differs=True, needs=BATCHES, off=1)
    precision: str = shapes(default="float32", packs_with=("float32", "float64"))
    callbacks: list | None = steers(default=None, packs_with=(None,))
    device: Any = steers(default="auto", differs=False)
    random_state: Any = steers(default=None, differs=True)
    verbose: bool | int = steers(default=False, differs=True)
    warm_start: bool = steers(default=False, packs_with=(False,))

    _parameter_constraints = {
        "solver": [StrOptions(set(SOLVERS))],
        "alpha": [StrOptions({"auto"}), Interval(Real, 0, None, closed="left")],
        "learning_rate": [StrOptions(set(SCHEDULES))],
        "learning_rate_init": [Interval(Real, 0, None, closed="neither")],
        "batch_size": [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left")],
        "max_iter": [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left")],
        "momentum": [Interval(Real, 0, 1, closed="both")],
        "early_stopping": ["boolean", StrOptions({"auto"})],
        "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
        "n_iter_no_change": [Interval(Integral, 1, None, closed="left")],
        "tol": [Interval(Real, 0, None, closed="left")],
        "gradient_clip": [None, Interval(Real, 0, None, closed="neither")],
        "n_members": [Interval(Integral, 1, None, closed="left")],
        "precision": [StrOptions({"float32", "bfloat16", "float64"})],
        "callbacks": [None, list],
        "device": "no_validation",  # resolve_device says what is wrong
        "random_state": ["random_state"],
        "verbose": ["verbose"],
        "warm_start": ["boolean"],
    }

    # Number of batches per epoch that batch_size="auto" aims at, and from and to how many rows one
    # has.
    _auto_batches = 30
    _smallest_batch, _largest_batch = 32, 256
    # What alpha="auto" is with weight decay.
    _auto_decay = 0.5

    def _refuse_unused(self) -> None:
        """Refuse parameters that have no effect together with the others."""
        for name, role in roles(type(self)).items():
            value, default = getattr(self, name), getattr(type(self), name)
            if role.needs is None:
                continue
            other, values = role.needs
            # Whoever switches something off wants no effect.
            is_off = value is None or (isinstance(value, Real) and value == role.off)
            if is_off or getattr(self, other) in values:
                continue
            if setting(value) != setting(default):
                kept = f"{default!r}, take {role.off:g}" if role.off else f"{default!r}"
                raise ValueError(
                    f"{name}={value!r} has no effect with {other}={getattr(self, other)!r}; it "
                    f"needs {other}={' or '.join(map(repr, values))}. Leave it at {kept}, or "
                    f"change {other}."
                )

    def _stops_early(self, n_rows: int, n_splits: int, *, given: bool) -> bool:
        """Tell whether validation rows, given or set aside in splits, decide when to stop."""
        if self.early_stopping == "auto":
            enough = _ROWS_TO_SHARE if n_splits > 1 else _ROWS_TO_SPARE
            return self.solver != "lbfgs" and (given or n_rows >= enough)
        return self.early_stopping

    def _n_epochs(self, n_rows: int) -> int:
        """Return for how many epochs to train at most."""
        if self.max_iter != "auto":
            return self.max_iter
        return _EPOCHS_OF_FEW if self.early_stopping_ and n_rows < _FEW_ROWS else _EPOCHS

    def _make_net(self, objective: Objective, random: MemberRandom, n_rows: int) -> Trainer:
        """Make the net that trains the objective on so many rows, on the device for its size."""
        if self.solver == "lbfgs" and len(objective.modules) > 1:
            raise ValueError(
                f"solver='lbfgs' trains one module, but there are {list(objective.modules)}; "
                "take another solver."
            )
        cost = operations(objective, n_rows) * self._n_epochs(n_rows)
        self.device_ = resolve_device(self.device, cost=cost)
        if self.precision == "float64" and not has_float64(self.device_):
            raise ValueError(f"precision='float64' is not available on device {self.device_!r}.")
        for module in objective.modules.values():
            if self.precision == "float64":
                module.double()
            elif not has_float64(self.device_):
                module.float()  # units of the target are kept in float64 elsewhere
        return Trainer(
            objective,
            random=random,
            solver=self.solver,
            momentum=self.momentum,
            autocast=torch.bfloat16 if self.precision == "bfloat16" else None,
            lr=self.learning_rate_init,
            train_split=None,
            callbacks=[("progress", Progress()), *self._checked_callbacks()],
            verbose=int(self.verbose),
            device=self.device_,
        ).initialize()

    def _steer(
        self,
        net: Trainer,
        n_rows: int,
        *,
        validated: bool,
        mean_weight: float,
        epochs: int,
        schedule: str,
    ) -> None:
        """Tell the net how to train on so many rows, whether or not others are for validation."""
        net.max_epochs, net.schedule = epochs, schedule
        strength = self._strength()
        net.gradient_clip, net.decay = self.gradient_clip, strength
        progress = dict(net.callbacks_)["progress"]
        progress.tol, progress.patience = self.tol, self.n_iter_no_change
        progress.validate = self.early_stopping_ and validated
        if not (progress.validate or net.objective.settles):
            progress.patience = math.inf
        progress.adaptive = schedule == "adaptive"
        if net.lr != self.learning_rate_init:
            net.lr = self.learning_rate_init
            net.set_rate(net.lr)
        net.batch_size = self._rows_in_a_batch(n_rows)
        net.penalty = strength / (net.batch_size * mean_weight)

    def _strength(self):
        """Return the strength of weight decay or penalty."""
        if isinstance(self.alpha, str):
            return self._auto_decay if self.solver == "adamw" else _AUTO_PENALTY
        if self.solver == "adamw" and self.alpha * self.learning_rate_init > 1:
            raise ValueError(
                f"alpha={self.alpha} times learning_rate_init={self.learning_rate_init} exceeds 1: "
                "with solver='adamw' every step would turn the signs of the weights. Lower one of "
                "them."
            )
        return self.alpha

    def _checked_callbacks(self):
        # Copies, since callbacks keep what they learn, and a fit changes no parameter.
        copies, pairs = [], []
        for entry in self.callbacks or []:
            callback = entry[1] if isinstance(entry, tuple) and len(entry) == 2 else entry
            if not isinstance(callback, Callback):
                raise ValueError(
                    f"callbacks has {entry!r}; it takes instances of skorch.callbacks.Callback, or "
                    "pairs of a name and such an instance."
                )
            scheduled = SCHEDULES[self.learning_rate] is not SCHEDULES["constant"]
            if isinstance(callback, LRScheduler) and scheduled:
                raise ValueError(
                    f"callbacks has an LRScheduler, but learning_rate={self.learning_rate!r} sets "
                    "the rate itself; take learning_rate='constant'."
                )
            pairs.append((callback, copy.copy(callback)))
            copies.append((entry[0], pairs[-1][1]) if isinstance(entry, tuple) else pairs[-1][1])
        for _, copied in pairs:
            for name, value in vars(copied).items():
                if isinstance(value, Callback):  # such as a checkpoint to load
                    setattr(copied, name, _counterpart(value, pairs))
        return copies

    def _rows_in_a_batch(self, n_rows: int) -> int:
        if self.solver == "lbfgs":
            return n_rows
        if self.batch_size == "auto":
            power = round(np.log2(n_rows / self._auto_batches))
            return min(n_rows, int(np.clip(2.0**power, self._smallest_batch, self._largest_batch)))
        return min(n_rows, self.batch_size)


def _counterpart(callback, pairs):
    """Return the copy of a callback that another one holds, made ready if it is not in the list.

    scikit-learn's clone copies the entries of a list one by one, after which only equal attributes
    tell which one it is.
    """
    for original, copied in pairs:
        alike = type(original) is type(callback) and setting(vars(original)) == setting(
            vars(callback)
        )
        if original is callback or alike:
            return copied
    return copy.copy(callback).initialize()  # as the fit did that it belongs to
