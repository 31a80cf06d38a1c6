"""The training loop: skorch's, lean."""

import copy
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from typing import Any

import numpy as np
import torch
from skorch import NeuralNet
from skorch.callbacks import Callback, EarlyStopping
from torch import Tensor, nn
from torch.nn.utils import clip_grad_norm_

from sklearn_modern._core.parallel import one_thread
from sklearn_modern.networks.random import MemberRandom
from sklearn_modern.networks.rowwise import whole_blocks
from sklearn_modern.training.batches import Batch, EvaluationBatches, Rows, TrainingBatches
from sklearn_modern.training.callbacks import StopTraining
from sklearn_modern.training.optimizers import make_optimizer, shrinkable
from sklearn_modern.training.schedules import SCHEDULES

__all__ = ["OPERATIONS_PER_PRODUCT", "Trainer"]

# Forward a product takes two floating-point operations, backward four.
OPERATIONS_PER_PRODUCT = 6

# Floating-point operations of a step that two threads finish about as fast as one does.
_SMALL_STEP = 1e8

_BATCH_HOOKS = ("on_batch_begin", "on_batch_end", "on_grad_computed")


class Trainer(NeuralNet):
    """A skorch net that trains an objective on batches which are on the device already.

    It is trained by ``partial_fit(training_rows, validation_rows)``; the loop over epochs, the
    history and the callbacks are skorch's. A step never waits for the device, only the end of an
    epoch does; callbacks are told of batches only if one of them wants to know.

    Parameters
    ----------
    objective : object
        What to minimise, such as :class:`sklearn_modern.training.objective.Supervised`.
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
        Greatest norm of a member's gradient.
    autocast : torch.dtype or None, default=None
        Lower precision for the forward pass.
    module, criterion : None
        What skorch would train; the objective stands for both.
    **kwargs
        Parameters of :class:`skorch.NeuralNet`.
    """

    def __init__(
        self,
        objective: Any,
        *,
        random: MemberRandom,
        solver: str = "adam",
        schedule: str = "constant",
        penalty: float = 0.0,
        decay: float = 0.0,
        momentum: float = 0.0,
        gradient_clip: float | None = None,
        autocast: torch.dtype | None = None,
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
        for name, module in self.objective.modules.items():
            rates = self.objective.rates.get(name, {})
            optimizer = make_optimizer(
                module, self.solver, self.lr, self.momentum, rates, len(self.random)
            )
            setattr(self, "optimizer_" if name == "module" else f"{name}_optimizer_", optimizer)
        return self

    def move_to(self, device: str) -> "Trainer":
        """Take modules and optimisers to another device."""
        self.device = device
        for module in self.objective.modules.values():
            module.to(device)
        for optimizer in self._all_optimizers():
            optimizer.load_state_dict(optimizer.state_dict())  # follows its parameters
        return self

    def without_optimizers(self) -> "Trainer":
        """Return a net that shares everything with this one but the optimisers' state."""
        net = copy.copy(self)
        for name in self._optimizers:
            vars(net).pop(f"{name}_", None)
        return net

    # The loop, from the outside in.

    def partial_fit(self, X: Rows, y: Rows | None = None, classes: Any = None, **fit_params: Any):
        """Train for ``max_epochs`` on the rows ``X``; ``y`` are the validation rows, if any.

        ``interrupted_`` tells afterwards whether Ctrl-C has ended it.
        """
        if not self._all_optimizers():  # it comes from a pickle without
            self.initialize_optimizer()
        self.interrupted_ = False
        self.steps_done_ = 0
        self.steps_to_do_ = self.max_epochs * len(self.get_iterator(X, training=True))
        modules = self.objective.modules.values()
        self.optimizers_ = self._all_optimizers()
        # Walking over modules takes longer than a small step, so it is done once.
        self.trained_ = [p for module in modules for p in module.parameters() if p.requires_grad]
        self.shrinkable_ = self._shrinkable_groups()
        self.notify("on_train_begin", X=X, y=y)
        try:
            with one_thread() if self.is_small() else nullcontext():
                self.fit_loop(X, y)
        except StopTraining:
            pass
        except KeyboardInterrupt:
            self.interrupted_ = True
        self.notify("on_train_end", X=X, y=y)
        if self._has_schedule():  # which has come down to zero
            self.set_rate(self.lr)
        for _, callback in self.callbacks_:
            vars(callback).pop("lr_scheduler_", None)  # it holds the optimiser; made anew next time
        del self.optimizers_, self.trained_, self.shrinkable_
        return self

    def set_rate(self, lr: float) -> None:
        """Set the learning rate of the optimisers, while ``lr`` stays what schedules start from."""
        for optimizer in self._all_optimizers():
            for group in optimizer.param_groups:
                group["lr"] = lr * group.get("factor", 1.0)

    def is_finite(self) -> bool:
        """Tell whether all weights are finite."""
        modules = self.objective.modules.values()
        return all(bool(p.isfinite().all()) for module in modules for p in module.parameters())

    def is_small(self) -> bool:
        """Tell whether a step has too little work for several threads of a CPU."""
        return OPERATIONS_PER_PRODUCT * self.objective.products * self.batch_size < _SMALL_STEP

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

    def get_split_datasets(self, X: Rows, y: Rows | None = None, **fit_params: Any):
        """Take the split as it comes."""
        return X, y

    def get_dataset(self, X: Rows, y: Any = None) -> Rows:
        """Take rows as they come."""
        return X

    def get_iterator(self, dataset: Rows, training: bool = False):
        """Iterate over batches: shuffled for training, in order otherwise."""
        if training:
            return TrainingBatches(dataset, self.batch_size, self.random)
        return EvaluationBatches(dataset, self.objective.evaluation_rows(dataset.source.x))

    def run_single_epoch(self, iterator, training, prefix, step_fn, **fit_params) -> None:
        """Run the training or the validation part of an epoch."""
        if iterator is None:
            return
        self._set_training(training)
        self.watched_ = self._is_watched()
        # Summed in place: a tensor kept of each batch would scatter the memory between batches.
        dtype = self.trained_[0].dtype
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
        if not self.watched_:
            self.history.new_batch()
            self._record_batch(prefix, member_losses.mean().item(), len(iterator.rows))
        self.history.record(f"{prefix}_batch_count", len(iterator))
        if training:
            self.member_losses_ = member_losses
        else:
            self._score(torch.cat(outputs, dim=1), iterator.rows, prefix)

    def train_step(self, batch: Batch, **fit_params: Any) -> dict[str, Tensor]:
        """Update the weights by one batch; each member's loss is the weighted sum over its rows."""
        if self.solver == "lbfgs":
            return self._lbfgs_step(batch)
        self._follow_schedule()
        step = self._gradient(batch)
        self._shrink()
        for optimizer in self.optimizers_:
            optimizer.step()
        return step

    def validation_step(self, batch: Batch, **fit_params: Any) -> dict[str, Tensor]:
        """Compute losses and outputs of one batch."""
        with torch.no_grad():
            losses, outputs = self._losses(batch)
        return {"loss": _weighted_sum(losses, batch.weight), "y_pred": outputs}

    def _losses(self, batch):
        if self.autocast is None:
            return self.objective.step(self.objective.modules, batch)
        with torch.autocast(torch.device(self.device).type, self.autocast):
            return self.objective.step(self.objective.modules, batch)

    def _gradient(self, batch):
        for parameter in self.trained_:
            parameter.grad = None
        losses, outputs = self._losses(batch)
        # The gradient of the weighted mean over the batch; reducing first would cost a node each.
        share = 1.0 / len(batch)
        losses.backward(
            torch.full_like(losses, share) if batch.weight is None else batch.weight * share
        )
        if self.watched_:
            named_parameters = list(self.get_all_learnable_params())
            self.notify(
                "on_grad_computed", named_parameters=named_parameters, batch=batch, training=True
            )
        if self.gradient_clip is not None:
            self._clip()
        return {"loss": _weighted_sum(losses.detach(), batch.weight), "y_pred": outputs}

    def _lbfgs_step(self, batch):
        steps = []

        def closure():
            steps.append(self._gradient(batch))
            self._shrink()
            weights = (weight.detach() for _, weights in self.shrinkable_ for weight in weights)
            squares = sum(weight.square().sum() for weight in weights)
            return steps[-1]["loss"].sum() / len(batch) + 0.5 * self.penalty * squares

        self.optimizer_.step(closure)
        return steps[0]

    @torch.no_grad()
    def _shrink(self):
        """Add the gradient of the L2 penalty, or decay weights (Loshchilov and Hutter, 2019)."""
        for group, weights in self.shrinkable_:
            if self.solver == "adamw":
                factor = 1.0 - group["lr"] * self.decay
                for weight in weights:
                    weight.mul_(factor)
            elif self.penalty:
                for weight in weights:
                    weight.grad.add_(weight, alpha=self.penalty)

    def _shrinkable_groups(self):
        """Pair the optimisers' groups of parameters with those of them that are shrunk."""
        modules = self.objective.modules.values()
        found = {weight for module in modules for weight in shrinkable(module)}
        groups = [group for optimizer in self.optimizers_ for group in optimizer.param_groups]
        return [(group, [p for p in group["params"] if p in found]) for group in groups]

    def _follow_schedule(self):
        if self._has_schedule():
            self.set_rate(self.lr * SCHEDULES[self.schedule](self.steps_done_ / self.steps_to_do_))
        self.steps_done_ += 1

    def _has_schedule(self):
        return SCHEDULES[self.schedule] is not SCHEDULES["constant"]

    def _clip(self):
        if len(self.random) == 1:
            clip_grad_norm_(self.trained_, self.gradient_clip)
            return
        gradients = [p.grad.flatten(1) for p in self.trained_ if p.grad is not None]
        norms = torch.stack([gradient.norm(dim=1) for gradient in gradients]).norm(dim=0)
        factors = (self.gradient_clip / (norms + 1e-6)).clamp(max=1.0)
        for gradient in gradients:
            gradient.mul_(factors.unsqueeze(1))

    def _all_optimizers(self):
        return [getattr(self, f"{name}_") for name in self._optimizers if hasattr(self, f"{name}_")]

    # What callbacks see.

    def _is_watched(self):
        """Tell whether a callback has a hook that is called at each batch."""
        return any(
            getattr(type(callback), hook, None) is not getattr(Callback, hook)
            for _, callback in self.callbacks_
            for hook in _BATCH_HOOKS
        )

    def _watched_batch(self, batch, training, prefix, step_fn):
        targets = None if batch.y is None else self.objective.targets(batch.y)
        shown = (batch.x, targets)
        self.notify("on_batch_begin", batch=shown, training=training)
        step = step_fn(batch)
        loss, y_pred = step["loss"].mean() / len(batch), step["y_pred"].detach()
        if training:  # members are trained on different rows; the targets shown are the first's
            y_pred = y_pred[:1]
        self._record_batch(prefix, loss.item(), len(batch))
        self.notify("on_batch_end", batch=shown, training=training, loss=loss, y_pred=y_pred)
        return step

    def _record_batch(self, prefix, loss, size):
        self.history.record_batch(f"{prefix}_loss", loss)
        self.history.record_batch(f"{prefix}_batch_size", size)

    def _score(self, outputs, rows, prefix):
        self.member_scores_ = self.objective.score(
            self.objective.modules, outputs, *rows.targets()
        ).cpu()
        self.history.record(f"{prefix}_score", self.member_scores_.mean().item())

    # What the fitted net gives.

    def decode(self, x: Any, by: Callable[[Tensor], Tensor] | None = None) -> np.ndarray:
        """Decode the outputs of some rows, given as the body's input without a member axis.

        ``by`` decodes them otherwise than the objective does.
        """
        return self._evaluate(self.objective.outputs, x, by or self.objective.decode)

    def features(self, x: Any) -> np.ndarray:
        """Compute the features of some rows: (rows, members * features)."""
        return self._evaluate(self.objective.features, x, lambda f: f.transpose(0, 1).flatten(1))

    def _evaluate(self, function, x, finish):
        self._set_training(False)
        parts = x if isinstance(x, tuple) else (x,)
        n_rows = len(parts[0])
        with torch.inference_mode():
            parts = [self.objective.padded(part.unsqueeze(0)) for part in parts]
            x = tuple(parts) if isinstance(x, tuple) else parts[0]
            outputs = function(self.objective.modules, Batch(x, None, None, None))
            return finish(whole_blocks(outputs))[:n_rows].cpu().numpy()

    def forward_iter(self, X: Rows, training: bool = False, device: Any = None) -> Iterator[Tensor]:
        """Yield the outputs (members, rows, outputs) of one batch after another."""
        self._set_training(training)
        for batch in self.get_iterator(X):
            with torch.no_grad():
                yield self.objective.outputs(self.objective.modules, batch)

    def predict_proba(self, X: Rows) -> np.ndarray:
        """Decode the outputs: probabilities, or values in the targets' units."""
        decoded = [self.objective.decode(outputs).cpu() for outputs in self.forward_iter(X)]
        return torch.cat(decoded).numpy()

    def predict(self, X: Rows) -> np.ndarray:
        """Decide: codes of classes, or values in the targets' units."""
        return self.objective.decide(torch.from_numpy(self.predict_proba(X))).numpy()

    def __getstate__(self) -> dict:
        """Pickle the objective and the modules together; apart, they would be pickled twice."""
        return vars(self).copy()

    def __setstate__(self, state: dict) -> None:
        """Take the pickled state as it is."""
        vars(self).update(state)


def _weighted_sum(losses, weight):
    return losses.sum(1) if weight is None else (losses * weight).sum(1)
