"""When to lower the rate, when to stop, and which weights to keep."""

import torch
from skorch.callbacks import Callback
from torch import Tensor

__all__ = ["Progress", "StopTraining"]

_LOWEST_RATE = 1e-6
_SLOW_DOWN = 5.0


class StopTraining(KeyboardInterrupt):
    """Ends a training that has nothing more to gain; skorch stops on any KeyboardInterrupt."""


class Progress(Callback):
    """Follow each member's progress; slow down or stop when none improves any more.

    What is followed is the validation score if there are validation rows and ``validate``, else the
    training loss (negated). An epoch is an improvement if it beats the best by more than ``tol``.

    Parameters
    ----------
    tol : float
        Smallest improvement that counts.
    patience : int
        Epochs without improvement after which to slow down or stop.
    validate : bool
        Follow the validation score, and keep each member's weights of its best epoch.
    adaptive : bool
        Divide the learning rate by 5 before giving up, until it is below 1e-6.
    """

    def __init__(self, tol: float, patience: int, validate: bool, adaptive: bool) -> None:
        self.tol = tol
        self.patience = patience
        self.validate = validate
        self.adaptive = adaptive

    def on_train_begin(self, net, **kwargs) -> None:
        """Forget the training before."""
        self.best_: Tensor | None = None  # what counts as the best so far
        self.best_score_: Tensor | None = None  # the highest, by however little
        self.best_state_: dict[str, Tensor] = {}
        self.waited_: Tensor | None = None

    def on_epoch_end(self, net, **kwargs) -> None:
        """Compare the epoch with the best."""
        current = net.member_scores_ if self.validate else -net.member_losses_
        if self.best_ is None:
            self.best_ = self.best_score_ = torch.full_like(current, -torch.inf)
            self.waited_ = torch.zeros_like(current, dtype=torch.int64)
        if self.validate:
            self._keep_best(net, current)
        improved = current > self.best_ + self.tol
        self.best_ = torch.where(current > self.best_, current, self.best_)
        self.waited_ = torch.where(improved, 0, self.waited_ + 1)
        if (self.waited_ >= self.patience).all():
            self._stalled(net)

    def on_train_end(self, net, **kwargs) -> None:
        """Go back to each member's best epoch."""
        if not self.best_state_:
            return
        with torch.no_grad():
            for name, value in net.module_.state_dict().items():
                value.copy_(self.best_state_[name])
        self.best_state_ = {}

    def _keep_best(self, net, current):
        better = current > self.best_score_
        if not better.any():
            return
        self.best_score_ = torch.where(better, current, self.best_score_)
        for name, value in net.module_.state_dict().items():
            if better.all():
                self.best_state_[name] = value.clone()
            else:
                mask = better.view(-1, *[1] * (value.ndim - 1)).to(value.device)
                self.best_state_[name] = torch.where(mask, value, self.best_state_[name])

    def _stalled(self, net):
        groups = net.optimizer_.param_groups
        if not self.adaptive or groups[0]["lr"] <= _LOWEST_RATE:
            raise StopTraining
        for group in groups:
            group["lr"] /= _SLOW_DOWN
        self.waited_.zero_()
