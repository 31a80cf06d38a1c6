"""Members of bodies that have no axis of members."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from sklearn_modern.networks.base import Body, Mixer
from sklearn_modern.networks.given import NOTHING, Given
from sklearn_modern.networks.random import MemberRandom, seeded

__all__ = ["Looped", "make_members", "owners"]


def make_members(make: Callable[[MemberRandom], Body], random: MemberRandom) -> Body:
    """Make a body for all members: one that knows about members, or an ordinary one for each.

    Parameters
    ----------
    make : callable
        Makes a body from random streams. What it draws from torch's global generators is seeded,
        too.
    random : MemberRandom
        The members' streams.

    Returns
    -------
    Body
        One that takes members.
    """
    before = random.__getstate__()
    body = _make_one(make, random)
    if body.takes_members:
        return body
    if random.team > 1:
        raise ValueError(
            f"{type(body).__name__} knows nothing of members, so that they cannot share its "
            "weights; take members='independent'."
        )
    random.__setstate__(before)  # as if nothing had been drawn
    bodies = [_make_one(make, random.member(member)) for member in range(len(random))]
    return Looped(bodies, random)


def _make_one(make, random):
    with seeded(random.seeds[0]):
        return make(random)


class Looped(Body):
    """Ordinary bodies, one for each member, which take turns.

    Parameters
    ----------
    bodies : sequence of Body
        Each takes rows, and gives features, without an axis of members.
    random : MemberRandom
        Their dropout masks come from the members' streams.
    """

    takes_members = True
    pads = False

    def __init__(self, bodies: Sequence[Body], random: MemberRandom) -> None:
        super().__init__()
        self.bodies = nn.ModuleList(bodies)
        self.random = random
        self.n_features_out = bodies[0].n_features_out

    def embed(self, x: Any, given: Given = NOTHING) -> Any:
        """Embed the rows of each member."""
        return self.each("embed", x, given)

    def trunk(self, embedded: Any, given: Given = NOTHING) -> Tensor:
        """Map each member's embedded rows to features (members, rows, ...)."""
        return self.each("trunk", embedded, given)

    def forward(self, x: Any, given: Given = NOTHING) -> Tensor:
        """Map each member's rows to features (members, rows, ...)."""
        return self.each("forward", x, given)

    def each(self, method: str, values: Any, given: Given = NOTHING) -> Any:
        """Call a method of each body with its member's values, and stack what they return."""
        results = []
        for member, body in enumerate(self.bodies):
            own = _rows_of(values, member)
            known = given.mapped(partial(_rows_of, member=member))
            results.append(self._run(getattr(body, method), member, own, known))
        return _stack(results)

    def mix(self, embedded: Any, given: Given, mixer: Mixer) -> tuple[Any, Given, Tensor]:
        """Mix rows as the members' bodies do."""
        return self.bodies[0].mix(embedded, given, mixer)

    @property
    def products(self) -> int:
        """Multiplications of a forward pass of one row by all members."""
        return sum(body.products for body in self.bodies)

    def rows_together(self, shape: Sequence[int] = ()) -> int:
        """Return how many rows of a shape to evaluate together."""
        return self.bodies[0].rows_together(shape)

    def takes(self, shape: Sequence[int]) -> bool:
        """Tell whether the bodies take rows of this shape."""
        return self.bodies[0].takes(shape)

    def restart(self, shape: Sequence[int], random: MemberRandom, dropout: float) -> None:
        """Get each body ready to be trained further."""
        self.random = random
        for member, body in enumerate(self.bodies):
            body.restart(shape, random.member(member), dropout)

    def parts(self) -> list[nn.Module]:
        """Return the parts of a body that :meth:`freeze` can keep."""
        return self.bodies[0].parts()

    def freeze(self, n_parts: int) -> None:
        """Keep the first parts of each body."""
        for body in self.bodies:
            body.freeze(n_parts)

    def reseed(self, random: MemberRandom) -> None:
        """Let each body draw from its member's stream."""
        self.random = random
        for member, body in enumerate(self.bodies):
            body.reseed(random.member(member))

    def _run(self, function, member, values, given):
        if not self.training or self.bodies[member].own_streams:
            return function(values, given)
        first = values
        while isinstance(first, tuple):
            first = first[0]
        with self.random.as_global(member, first.device):
            return function(values, given)


def _rows_of(values, member):
    """Return a member's part of a tensor, or of each tensor of a tuple."""
    if isinstance(values, tuple):
        return tuple(_rows_of(part, member) for part in values)
    return values[member if len(values) > 1 else 0]


def _stack(results):
    """Put the members' tensors, or tuples of tensors, side by side."""
    if isinstance(results[0], tuple):
        return tuple(_stack(parts) for parts in zip(*results, strict=True))
    return results[0].unsqueeze(0) if len(results) == 1 else torch.stack(results)


def owners(module: nn.Module) -> dict[str, int]:
    """Tell to which member the entries of ``module.state_dict()`` belong as a whole.

    Entries that are not named have the members as their leading axis, or belong to all of them.
    """
    return {
        f"{name}.bodies.{member}.{entry}".lstrip("."): member
        for name, part in module.named_modules()
        if isinstance(part, Looped)
        for member, body in enumerate(part.bodies)
        for entry in body.state_dict()
    }
