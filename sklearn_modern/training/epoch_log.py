"""What a training prints."""

from numbers import Number

from skorch.callbacks import PrintLog

from sklearn_modern._core.progress import ProgressBar

__all__ = ["EpochLog"]


class EpochLog(PrintLog):
    """Show a bar with the time left on a terminal, elsewhere print skorch's table line by line.

    The table has one more column, the time left, and no colours. ``net.verbose`` is 0 for nothing,
    1 for a bar on a terminal, and more for a table there, too.
    """

    def on_train_begin(self, net, **kwargs) -> None:
        """Start the clock."""
        self.bar_ = ProgressBar("stdout")
        self.epochs_before_ = len(net.history)

    def on_epoch_end(self, net, **kwargs) -> None:
        """Show an epoch."""
        if not net.verbose:
            return
        done = len(net.history) - self.epochs_before_
        self.left_ = self.bar_.left(done, net.max_epochs)
        if net.verbose == 1 and self.bar_.is_drawn:
            self.bar_.show(done, net.max_epochs, self._summary(net.history[-1]))
        else:
            super().on_epoch_end(net, **kwargs)

    def on_train_end(self, net, **kwargs) -> None:
        """End the line of a training that was stopped."""
        self.bar_.close()

    def _summary(self, row):
        # The line is short: of what validation gives, the score says it.
        shown = [key for key in self._sorted_keys(row) if key not in ("epoch", "dur", "valid_loss")]
        numbers = {key: row[key] for key in shown if isinstance(row[key], Number)}
        return ", ".join(f"{key} {float(value):.4g}" for key, value in numbers.items())

    def _yield_keys_formatted(self, row):
        # Only with "train_loss_best" beside it would "train_loss" have a colour.
        plain = {key: value for key, value in row.items() if not key.endswith("_best")}
        yield from super()._yield_keys_formatted(plain)
        yield "left", self.left_
