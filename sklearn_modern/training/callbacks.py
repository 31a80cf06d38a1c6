"""When to lower the rate, when to stop, and which weights to keep."""

import torch
from skorch.callbacks import Callback
from torch import Tensor

from sklearn_modern.networks.members import owners

__all__ = ["Progress", "StopTraining"]

_LOWEST_RATE = 1e-6
_SLOW_DOWN = 5.0


class StopTraining(KeyboardInterrupt):
    """Ends a training that has nothing more to gain; skorch stops on any KeyboardInterrupt."""


class Progress(Callback):
    """Follow each member's progress; slow down or stop when none improves any more.

    What is followed is the validation score if there are validation rows and ``validate``, else the
    training loss (negated). An epoch is an improvement if it beats the best by more than ``tol``.
    A member keeps the weights that it would have if it had been trained alone and stopped; those
    that share weights are followed as one.

    Parameters
    ----------
    tol : float, default=0.0001
        Smallest improvement that counts.
    patience : int, default=10
        Epochs without improvement after which to slow down or stop.
    validate : bool, default=False
        Follow the validation score, and keep each member's weights of its best epoch.
    adaptive : bool, default=False
        Divide the learning rate by 5 before giving up, until it is below 1e-6.
    """

    def __init__(
        self,
        tol: float = 1e-4,
        patience: int = 10,
        validate: bool = False,
        adaptive: bool = False,
    ) -> None:
        self.tol = tol
        self.patience = patience
        self.validate = validate
        self.adaptive = adaptive

    def on_train_begin(self, net, **kwargs) -> None:
        """Forget the previous training."""
        self.best_: Tensor | None = None  # what counts as the best so far
        self.best_score_: Tensor | None = None  # the highest, by however little
        self.kept_: dict[tuple[str, str], Tensor] = {}  # the state of all modules
        self.waited_: Tensor | None = None

    def on_epoch_end(self, net, **kwargs) -> None:
        """Compare the epoch with the best."""
        current = net.member_scores_ if self.validate else -net.member_losses_
        current = current.unflatten(0, (-1, net.random.team)).mean(1)
        if self.best_ is None:
            self.best_ = self.best_score_ = torch.full_like(current, -torch.inf)
            self.waited_ = torch.zeros_like(current, dtype=torch.int64)
            self.keeps_ = torch.zeros_like(current, dtype=torch.bool)
            self.stopped_ = torch.zeros_like(current, dtype=torch.bool)
        if self.validate:
            better = (current > self.best_score_) & ~self.stopped_
            self.best_score_ = torch.where(better, current, self.best_score_)
            self._keep(net, better)
        improved = current > self.best_ + self.tol
        self.best_ = torch.where(current > self.best_, current, self.best_)
        self.waited_ = torch.where(improved, 0, self.waited_ + 1)
        self._stop(net, self.waited_ >= self.patience)

    def on_train_end(self, net, **kwargs) -> None:
        """Go back to the weights that each member keeps."""
        if not self.kept_:
            return
        with torch.no_grad():
            for key, value, owner in _state(net):
                value.copy_(torch.where(_mask(self.keeps_, value, owner), self.kept_[key], value))
        self.kept_ = {}

    def _keep(self, net, members):
        if not members.any():
            return
        self.keeps_ |= members
        for key, value, owner in _state(net):
            if members.all() or key not in self.kept_:
                self.kept_[key] = value.clone()
            else:
                mask = _mask(members, value, owner)
                self.kept_[key] = torch.where(mask, value, self.kept_[key])

    def _stop(self, net, stalled):
        groups = [group for optimizer in net.optimizers() for group in optimizer.param_groups]
        if self.adaptive and groups[0]["lr"] > _LOWEST_RATE:
            if stalled.all():
                for group in groups:
                    group["lr"] /= _SLOW_DOWN
                self.waited_.zero_()
            return
        if self.validate and not net.has_settled():
            return
        if not self.validate:
            self._keep(net, stalled & ~self.stopped_)
        self.stopped_ |= stalled
        if self.stopped_.all():
            raise StopTraining


def _state(net):
    """Yield a name, the value, and the owning member, if any, of all that modules save."""
    for module_name, module in net.objective.modules.items():
        owner_of = owners(module)
        for name, value in module.state_dict().items():
            yield (module_name, name), value, owner_of.get(name)


def _mask(members, value, owner):
    """Show a flag per member in the shape of a value.

    A value with an owner has that member's flag. A counter has no axis and belongs to all. So do
    the units of a target. If these happen to have one entry per member, they are masked entry by
    entry, which does no harm, since they never change.
    """
    if owner is not None:
        return members[owner].to(value.device)
    if value.ndim == 0 or len(value) != len(members):
        return members.any().to(value.device)
    return members.view(-1, *[1] * (value.ndim - 1)).to(value.device)
