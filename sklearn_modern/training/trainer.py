"""The training loop: skorch's, lean."""

import copy
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from functools import partial
from typing import Any

import numpy as np
import torch
from skorch import NeuralNet
from skorch.callbacks import EarlyStopping
from torch import Tensor, nn
from torch.optim import Optimizer

from sklearn_modern._core.interruption import keeps_what_it_has
from sklearn_modern.device import deterministic
from sklearn_modern.networks.random import MemberRandom
from sklearn_modern.training.batches import EvaluationBatches
from sklearn_modern.training.callbacks import StopTraining
from sklearn_modern.training.epoch_log import EpochLog
from sklearn_modern.training.lbfgs import LBFGSUpdate
from sklearn_modern.training.objective import Objective
from sklearn_modern.training.optimizers import make_optimizer
from sklearn_modern.training.schedules import SCHEDULES, SETTLED
from sklearn_modern.training.sources import Batch, Part
from sklearn_modern.training.trained import Trained
from sklearn_modern.training.update import GradientUpdate, check_losses, weighted_sum
from sklearn_modern.training.watching import ShownRows, as_one, is_watched, outputs_to_show
from sklearn_modern.training.work import threads_for_steps

__all__ = ["Trainer"]


class Trainer(NeuralNet):
    """A skorch net that trains an objective on batches which are on the device already.

    It is trained by :meth:`train_on`; the loop over epochs, the history and the callbacks are
    skorch's. A step never waits for the device, only the end of an epoch does; callbacks are told
    of batches only if one of them wants to know.

    Parameters
    ----------
    objective : Objective
        What to minimise, such as :class:`sklearn_modern.training.supervised.Supervised`.
    random : MemberRandom
        Shuffles the batches.
    solver : str, default="adam"
        Name of the optimiser, see :func:`sklearn_modern.training.optimizers.make_optimizer`.
    schedule : str, default="constant"
        Name in :data:`sklearn_modern.training.schedules.SCHEDULES`.
    penalty : float, default=0.0
        Factor of the L2 penalty ``penalty / 2 * sum(w ** 2)``.
    decay : float, default=0.0
        Decoupled weight decay, which "adamw" has instead of the penalty.
    momentum : float, default=0.0
        Momentum of "sgd".
    gradient_clip : float or None, default=None
        Maximum norm of a member's gradient.
    autocast : torch.dtype or None, default=None
        Lower precision for the forward pass.
    scorer : callable or None, default=None
        From one member's outputs, the targets and the weights of the validation rows to a score,
        where greater is better, for one training; None is the objective's own score.
    module, criterion : None
        What skorch would train; the objective stands for both.
    **kwargs
        Parameters of :class:`skorch.NeuralNet`.
    """

    def __init__(
        self,
        objective: Objective,
        *,
        random: MemberRandom,
        solver: str = "adam",
        schedule: str = "constant",
        penalty: float = 0.0,
        decay: float = 0.0,
        momentum: float = 0.0,
        gradient_clip: float | None = None,
        autocast: torch.dtype | None = None,
        scorer: Callable[[Tensor, Tensor, Tensor | None], float] | None = None,
        module: None = None,
        criterion: None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(module=module, criterion=criterion, **kwargs)
        self.objective = objective
        self.random = random
        self.solver = solver
        self.schedule = schedule
        self.penalty = penalty
        self.decay = decay
        self.momentum = momentum
        self.gradient_clip = gradient_clip
        self.autocast = autocast
        self.scorer = scorer

    def initialize_module(self) -> "Trainer":
        """Take the objective's modules: "module" as ``module_`` and so on."""
        for name, module in self.objective.modules.items():
            setattr(self, f"{name}_", module)
        return self

    def initialize_criterion(self) -> "Trainer":
        """Have an empty criterion for skorch to save: the objective knows its loss."""
        self.criterion_ = nn.Module()
        return self

    def initialize_optimizer(self, triggered_directly: Any = None) -> "Trainer":
        """Give each module an optimiser of its own; that of "module" is ``optimizer_``."""
        rates_of, betas = self.objective.rates, self.objective.betas
        for name, module in self.objective.modules.items():
            rates = rates_of.get(name, {})
            optimizer = make_optimizer(
                module, self.solver, self.lr, self.momentum, rates, self.random.teams, betas
            )
            setattr(self, _optimizer_of(name), optimizer)
        return self

    def move_to(self, device: str) -> "Trainer":
        """Take modules and optimisers to another device."""
        self.device = device
        for module in self.objective.modules.values():
            module.to(device)
        for optimizer in self.optimizers():
            optimizer.load_state_dict(optimizer.state_dict())  # follows its parameters
        return self

    def without_optimizers(self) -> "Trainer":
        """Return a net that shares everything with this one but the optimisers' state."""
        net = copy.copy(self)
        for name in self._optimizers:
            vars(net).pop(f"{name}_", None)
        return net

    # The loop, from the outside in.

    def train_on(self, training: Part, validation: Part | None = None) -> "Trainer":
        """Train for ``max_epochs`` on some rows, and validate with others, if there are any.

        ``interrupted_`` tells afterwards whether Ctrl-C has ended it. As one of many fits it raises
        KeyboardInterrupt instead.
        """
        self.begin(training, validation)
        self.trained_ = {}
        try:
            with deterministic(), threads_for_steps(self.objective, self.batch_size):
                self.fit_loop(training, validation)
        except StopTraining:
            pass
        except KeyboardInterrupt:
            if not keeps_what_it_has():
                raise
            self.interrupted_ = True
        self.end(training, validation)
        del self.trained_, self._flags
        return self

    def begin(self, training: Part, validation: Part | None) -> None:
        """Get ready to train; whoever drives the training then calls :meth:`end`."""
        if not self.optimizers():  # a pickle may come without them
            self.initialize_optimizer()
        self.interrupted_ = self.watched_ = False
        self.steps_done_ = 0
        self.steps_to_do_ = self.max_epochs * len(self.get_iterator(training, training=True))
        self.notify("on_train_begin", X=training, y=validation)

    def end(self, training: Part, validation: Part | None) -> None:
        """Take the weights to keep, and let go what only the training needs."""
        self.notify("on_train_end", X=training, y=validation)
        if self._has_schedule():  # which has come down to zero
            self.set_rate(self.lr)
        for _, callback in self.callbacks_:
            vars(callback).pop("lr_scheduler_", None)  # it holds the optimiser; made anew next time
        self.scorer = None

    def set_rate(self, lr: float) -> None:
        """Set the learning rate of the optimisers, while ``lr`` stays what schedules start from."""
        for optimizer in self.optimizers():
            for group in optimizer.param_groups:
                group["lr"] = lr * group.get("factor", 1.0)

    def has_settled(self) -> bool:
        """Tell whether the schedule, which "lbfgs" does not follow, has brought the rate down."""
        if self.solver == "lbfgs":
            return True
        return self.steps_done_ >= SETTLED.get(self.schedule, 0.0) * self.steps_to_do_

    def is_finite(self) -> bool:
        """Tell whether all weights are finite."""
        modules = self.objective.modules.values()
        return all(bool(p.isfinite().all()) for module in modules for p in module.parameters())

    def notify(self, method_name: str, **kwargs: Any) -> None:
        """Call all callbacks, then stop if one of them wants to.

        skorch's EarlyStopping interrupts as Ctrl-C does.
        """
        getattr(self, method_name)(self, **kwargs)
        stop = False
        for _, callback in self.callbacks_:
            try:
                getattr(callback, method_name)(self, **kwargs)
            except KeyboardInterrupt as interrupt:
                stop = isinstance(interrupt, StopTraining) or isinstance(callback, EarlyStopping)
                if not stop:
                    raise
        if stop:
            raise StopTraining

    def get_split_datasets(self, X: Part, y: Part | None = None, **fit_params: Any):
        """Take the split as it comes."""
        return ShownRows(X, self.objective), None if y is None else ShownRows(y, self.objective)

    def get_dataset(self, X: Part, y: Any = None) -> Part:
        """Take rows as they come."""
        return X

    def get_iterator(self, dataset: Part | ShownRows, training: bool = False):
        """Iterate over batches: the objective's for training, in order otherwise."""
        if isinstance(dataset, ShownRows):
            dataset = dataset.X
        if not isinstance(dataset, Part):
            raise TypeError(
                f"The net takes rows that an estimator has prepared, not {type(dataset).__name__}; "
                "call predict and the like of the estimator, not of its net_."
            )
        if training:
            return self.objective.batches(dataset, self.batch_size, self.random)
        return EvaluationBatches(dataset)

    def run_single_epoch(self, iterator, training, prefix, step_fn, **fit_params) -> None:
        """Run the training or the validation part of an epoch."""
        if iterator is None:
            return
        self._set_training(training)
        if training:
            self._look_up()
        self.watched_ = is_watched(callback for _, callback in self.callbacks_)
        # Summed in place: a tensor kept of each batch would scatter the memory between batches.
        dtype = next(p.dtype for part in self.trained_.values() for p in part.parameters)
        losses, outputs = torch.zeros(len(self.random), dtype=dtype, device=self.device), []
        for batch in iterator:
            if self.watched_:
                step = self._watched_batch(batch, training, prefix, step_fn)
            else:
                step = step_fn(batch)
            losses += step["loss"]
            if not training:
                outputs.append(step["y_pred"])
        member_losses = losses.cpu() / iterator.rows.total_weight()
        self.record_losses(prefix, member_losses, iterator)
        if not training:
            collected = None if outputs[0] is None else torch.cat(outputs, dim=1)
            self.score_members(member_losses, collected, iterator.rows)

    def record_losses(self, prefix: str, member_losses: Tensor, iterator: Any) -> None:
        """Record the mean loss of each member in the training or the validation of an epoch."""
        if not self.watched_:
            self.history.new_batch()
            self._record_batch(prefix, member_losses.mean().item(), len(iterator.rows))
        self.history.record(f"{prefix}_batch_count", len(iterator))
        if prefix == "train":
            self.member_losses_ = member_losses
            for name, value in self.objective.tallied().items():
                self.history.record(name, float(value))

    def _look_up(self):
        """Look up what is trained.

        Walking over modules takes longer than a small step, so it is done once, and again when
        callbacks have frozen parameters or made them trainable.
        """
        groups = (group for optimizer in self.optimizers() for group in optimizer.param_groups)
        flags = [parameter.requires_grad for group in groups for parameter in group["params"]]
        if self.trained_ and flags == self._flags:
            return
        self._flags = flags
        self.trained_ = {
            name: Trained(
                module, getattr(self, _optimizer_of(name)), len(self.random), self.random.team
            )
            for name, module in self.objective.modules.items()
        }
        if not any(part.parameters for part in self.trained_.values()):
            raise ValueError("All parameters are frozen, so that there is nothing to train.")

    def train_step(self, batch: Batch, **fit_params: Any) -> dict[str, Any]:
        """Update the weights by one batch; each member's loss is the weighted sum over its rows."""
        if self.solver != "lbfgs":  # which finds the lengths of its steps
            self._follow_schedule()
        loss, outputs = self._update(batch).apply()
        return {"loss": loss, "y_pred": outputs}

    def validation_step(self, batch: Batch, **fit_params: Any) -> dict[str, Any]:
        """Compute losses and outputs of one batch."""
        with torch.no_grad(), self._autocast():
            losses, outputs = self.objective.evaluate(self.objective.modules, batch)
        check_losses(losses, len(self.random), batch)
        return {"loss": weighted_sum(losses, batch), "y_pred": outputs}

    def _follow_schedule(self):
        if self._has_schedule():
            self.set_rate(self.lr * SCHEDULES[self.schedule](self.steps_done_ / self.steps_to_do_))
        self.steps_done_ += 1

    def _has_schedule(self):
        return SCHEDULES[self.schedule] is not SCHEDULES["constant"]

    def _update(self, batch):
        update = LBFGSUpdate if self.solver == "lbfgs" else GradientUpdate
        shrinking = {"decay": self.decay} if self.solver == "adamw" else {"penalty": self.penalty}
        return update(
            self.objective,
            self.trained_,
            batch,
            autocast=self._autocast,
            on_gradients=partial(self._show_gradients, batch) if self.watched_ else None,
            gradient_clip=self.gradient_clip,
            **shrinking,
        )

    def _autocast(self):
        if self.autocast is None:
            return nullcontext()
        return torch.autocast(torch.device(self.device).type, self.autocast)

    def optimizers(self) -> list[Optimizer]:
        """Return the optimisers of all modules; none after a pickle without them."""
        return [getattr(self, f"{name}_") for name in self._optimizers if hasattr(self, f"{name}_")]

    # What callbacks see.

    @property
    def _default_callbacks(self):
        """Replace what prints."""
        return [*super()._default_callbacks[:-1], ("print_log", EpochLog())]

    def _watched_batch(self, batch, training, prefix, step_fn):
        y, own = batch.y, not training and len(batch.index) > 1
        y = as_one(y) if own and y is not None else y
        shown = (batch.x, None if y is None else self.objective.targets(y))
        self.notify("on_batch_begin", batch=shown, training=training)
        step = step_fn(batch)
        loss, y_pred = step["loss"].mean() / len(batch), step["y_pred"]
        if y_pred is None:
            with self._autocast():
                y_pred = outputs_to_show(self.objective, batch)
        y_pred = y_pred.detach()
        if training:  # members are trained on different rows; the targets shown are the first's
            y_pred = y_pred[:1]
        elif own:
            y_pred = as_one(y_pred)
        self._record_batch(prefix, loss.item(), len(batch))
        self.notify("on_batch_end", batch=shown, training=training, loss=loss, y_pred=y_pred)
        return step

    def _show_gradients(self, batch):
        parameters = list(self.get_all_learnable_params())
        self.notify("on_grad_computed", named_parameters=parameters, batch=batch, training=True)

    def _record_batch(self, prefix, loss, size):
        self.history.record_batch(f"{prefix}_loss", loss)
        self.history.record_batch(f"{prefix}_batch_size", size)

    def score_members(self, loss: Tensor, outputs: Tensor | None, rows: Part) -> None:
        """Record the score of each member on validation rows, from its mean loss and outputs."""
        y, weight = rows.source.targets(rows.rows), rows.source.weights(rows.rows)
        if self.scorer is None:
            self.member_scores_ = self.objective.score(loss, outputs, y, weight).cpu()
        else:
            n = len(outputs)
            known, weights = _of_each(y, n), _of_each(weight, n)
            each = zip(outputs.split(1), known, weights, strict=True)
            self.member_scores_ = torch.tensor([self.scorer(*of_member) for of_member in each])
        self.history.record("valid_score", self.member_scores_.mean().item())

    # What the fitted net gives.

    @property
    def classes_(self) -> np.ndarray:
        """Codes of the classes, for skorch's callbacks that ask for scores of a classifier."""
        if self.objective.n_classes is None:
            raise AttributeError("The net predicts no classes.")
        return np.arange(self.objective.n_classes)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        predicts_classes = self.objective.n_classes is not None
        tags.estimator_type = "classifier" if predicts_classes else "regressor"
        return tags

    def forward_iter(self, X: Part, training: bool = False, device: Any = None) -> Iterator[Tensor]:
        """Yield the outputs (members, rows, outputs) of one batch after another."""
        self._set_training(training)
        for batch in self.get_iterator(X):
            with torch.no_grad():
                outputs = self.objective.outputs(self.objective.modules, batch)
            yield as_one(outputs) if len(batch.index) > 1 else outputs

    def predict_proba(self, X: Part) -> np.ndarray:
        """Decode the outputs: probabilities, or values in the targets' units."""
        decoded = [self.objective.decode(outputs).cpu() for outputs in self.forward_iter(X)]
        return torch.cat(decoded).numpy()

    def predict(self, X: Part) -> np.ndarray:
        """Decide: codes of classes, or values in the targets' units."""
        return self.objective.decide(torch.from_numpy(self.predict_proba(X))).numpy()

    def __getstate__(self) -> dict:
        """Pickle the objective and the modules together; apart, they would be pickled twice."""
        return vars(self).copy()

    def __setstate__(self, state: dict) -> None:
        """Take the pickled state as it is."""
        vars(self).update(state)


def _of_each(values, n_members):
    """Return what each member has of targets or weights, which may be the same for all."""
    if values is None or len(values) == 1:
        return [values] * n_members
    return values.split(1)


def _optimizer_of(name):
    """Return the attribute that holds a module's optimiser."""
    return "optimizer_" if name == "module" else f"{name}_optimizer_"
