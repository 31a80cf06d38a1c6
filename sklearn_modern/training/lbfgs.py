"""An update by L-BFGS, which evaluates its batch several times."""

from torch import Tensor

from sklearn_modern.training.update import Update, weighted_sum

__all__ = ["LBFGSUpdate"]


class LBFGSUpdate(Update):
    """Iterations of L-BFGS on the mean loss and the penalty, for an objective of one module."""

    def apply(self) -> tuple[Tensor, Tensor | None]:
        """Let the optimiser evaluate the batch as often as it wants, then resume the objective."""
        (trained,) = self.trained.values()
        first, loss = None, None

        def closure():
            nonlocal first, loss
            steps = self.objective.steps(self.objective.modules, self.batch)
            names, losses = self._advance(steps)
            self._give_gradients(self._named(names), losses)
            self._shrink(trained)
            summed = weighted_sum(losses.detach(), self.batch)
            if first is None:
                first, loss = steps, summed
            weights = (weight.detach() for _, weights in trained.decaying for weight in weights)
            squares = sum(weight.square().sum() for weight in weights)
            return summed.sum() / len(self.batch) + 0.5 * self.penalty * squares

        trained.optimizer.step(closure)
        names, outputs = self._advance(first)
        if names is not None:
            raise ValueError("solver='lbfgs' minimises one loss, but the objective yields another.")
        return loss, outputs
