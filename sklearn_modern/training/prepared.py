"""What is trained: a net that is ready, with its rows."""

from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass, field
from numbers import Number
from typing import Any

from torch import Tensor

from sklearn_modern.networks.dropout import Dropout
from sklearn_modern.networks.layers import Layer, Noise
from sklearn_modern.training.pack_size import is_out_of_memory
from sklearn_modern.training.sources import Part
from sklearn_modern.training.trainer import Trainer

__all__ = ["Prepared", "shape_of"]


@dataclass(eq=False)
class Prepared:
    """A net and its rows, ready to be trained.

    Parameters
    ----------
    net : Trainer
        The net, with its initial weights.
    training : Part
        The rows to train on.
    validation : Part or None
        The rows to validate with.

    Attributes
    ----------
    ended : bool
        Whether its training together with others has ended.
    error : Exception or None
        What ended it, if that concerns this net alone, such as an error of its scorer.
    """

    net: Trainer
    training: Part
    validation: Part | None
    ended: bool = field(default=False, init=False)
    error: Exception | None = field(default=None, init=False)

    def __len__(self) -> int:
        """Return the number of members."""
        return len(self.net.random)

    def do(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Call what concerns this net alone, whose training ends if that raises an error."""
        if self.error is not None:
            return None
        try:
            return function(*args, **kwargs)
        except Exception as error:
            if is_out_of_memory(error):
                raise
            self.error = error

    @property
    def network(self):
        """The network that is trained."""
        return self.net.objective.modules["module"]

    def weights(self) -> Iterator[Tensor]:
        """Give all weights and statistics, which have a leading axis of members."""
        yield from self.network.body.state_dict(keep_vars=True).values()
        yield from self.network.head.parameters()

    def dropouts(self) -> dict[str, float]:
        """Return the rates of the network's dropouts by their places."""
        parts = self.network.named_modules()
        return {name: part.rate for name, part in parts if type(part) is Dropout}


def shape_of(one: Prepared) -> Hashable:
    """Say what must be the same for nets to be trained together."""
    net, layers = one.net, list(one.network.modules())
    weights = tuple((weight.shape[1:], weight.dtype) for weight in one.weights())
    fixed = tuple((name, tuple(value.flatten().tolist())) for name, value in _constants(one))
    couples = any(map(_couples_rows, layers))
    coupled = (len(one.training), one.training.source.is_weighted) if couples else None
    how = net.solver, net.batch_size, net.device, one.validation is None
    kind = type(one.network.head), net.random.team
    return weights, fixed, tuple(_settings(one)), coupled, how, kind


def _couples_rows(layer):
    """Tell whether a layer needs all members to have the same number of rows."""
    if isinstance(layer, Noise):  # others than dropout draw for all rows of a batch
        return type(layer) is not Dropout
    return isinstance(layer, Layer) and layer.couples_rows


def _settings(one):
    """Yield what the layers have been told, which is the same for all members but in dropouts."""
    for path, part in one.network.named_modules():
        if type(part) is not Dropout and part is not one.network.head:
            own = {n: v for n, v in vars(part).items() if isinstance(v, Number | str | tuple)}
            own.pop("training")
            yield path, type(part), repr(sorted(own.items()))


def _constants(one):
    """Yield the names and values that a network does not save, and that its members share."""
    for path, part in one.network.named_modules():
        if part is not one.network.head:  # each member's loss has its own
            for name in sorted(part._non_persistent_buffers_set):
                yield f"{path}.{name}", getattr(part, name)
