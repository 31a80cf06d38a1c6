"""What every body promises."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, ClassVar, Protocol

from torch import Tensor, nn

from sklearn_modern.networks.given import NOTHING, Given
from sklearn_modern.networks.layers import Noise
from sklearn_modern.networks.random import MemberRandom

__all__ = ["Body", "Mixer"]

# torch's own layers that leave out values at random.
_DROPOUTS = (
    nn.Dropout,
    nn.Dropout1d,
    nn.Dropout2d,
    nn.Dropout3d,
    nn.AlphaDropout,
    nn.FeatureAlphaDropout,
)


class Mixer(Protocol):
    """Mixes each row of a batch with another one."""

    def mix(self, values: Tensor) -> tuple[Tensor, Tensor]:
        """Return mixed values, and the proportion (members, 1) of each row's own part."""

    def partner(self, values: Tensor) -> Tensor:
        """Return what the partner of each row has."""


class Body(nn.Module, ABC):
    """Map inputs to features; the head on top gives the features a meaning.

    Several networks of one shape, the *members*, may train side by side. A body that knows about
    them says ``takes_members``. Everything that it takes and gives then has a leading axis of
    members; where an input has length 1 there, all members see the same rows. Any other body takes
    and gives rows without such an axis, and :func:`sklearn_modern.networks.members.make_members`
    makes one of them for each member.

    Between rows and features there may be axes of places: (members, rows, *places, features).

    Attributes
    ----------
    takes_members : bool
        Whether inputs, features, parameters and buffers have a leading axis of members.
    random : MemberRandom or None
        The members' streams of random numbers, if the body draws any.
    own_streams : bool
        Whether it draws from these only, and nothing from torch's global generators.
    pads : bool
        Whether a CPU predicts rows in whole blocks, which are filled up with zeros, so that matrix
        products of all rows come out alike. Other bodies see to that by themselves, or, if they are
        made of torch's own layers, do not promise it.
    any_size : bool
        Whether rows may have another size than those of the fit.
    members_apart : bool
        Whether layers take members one by one unless they are small, as convolutions do, so that
        larger ones gain nothing by being trained together.
    packs : bool
        Whether the bodies of several fits may be members of one. Each must then round as alone.
    n_features_out : int
        Width of the features.
    """

    takes_members: ClassVar[bool] = False
    own_streams: ClassVar[bool] = False
    members_apart: ClassVar[bool] = False
    random: MemberRandom | None = None
    pads: ClassVar[bool] = True
    any_size: bool = False
    packs: bool = True
    n_features_out: int

    _frozen: Sequence[nn.Module] = ()
    _kept: Sequence[nn.Parameter] = ()

    def embed(self, x: Any, given: Given = NOTHING) -> Any:
        """Make the inputs dense numbers (members, rows, ...), which augmentation may change.

        By default they are returned as they are. What is returned may be more than one tensor; then
        :meth:`mix` says how to mix it.
        """
        return x

    @abstractmethod
    def trunk(self, embedded: Any, given: Given = NOTHING) -> Tensor:
        """Map embedded inputs to features (members, rows, *places, n_features_out)."""

    def forward(self, x: Any, given: Given = NOTHING) -> Tensor:
        """Map inputs to features (members, rows, *places, n_features_out)."""
        return self.trunk(self.embed(x, given), given)

    def mix(self, embedded: Any, given: Given, mixer: Mixer) -> tuple[Any, Given, Tensor]:
        """Mix rows of embedded inputs, of which places that do not exist are zero.

        Also return what is known of the mixtures, in which each place of the two exists, and each
        member's own proportion.
        """
        if not isinstance(embedded, Tensor):
            raise TypeError(
                f"{type(self).__name__} embeds rows as {type(embedded).__name__}, and does not say "
                "how to mix them."
            )
        mixed, proportion = mixer.mix(embedded)
        if given.mask is not None:
            given = replace(given, mask=given.mask | mixer.partner(given.mask))
        return mixed, given, proportion

    @property
    def members(self) -> int:
        """How many members there are."""
        return 1 if self.random is None else len(self.random)

    @property
    def products(self) -> int:
        """Multiplications of a forward pass of one row, or about as many."""
        return sum(parameter.numel() for parameter in self.parameters())

    @property
    def values(self) -> int:
        """Numbers that the layers of one member give for a row, or about as many."""
        return sum(parameter.shape[-1] for parameter in self.parameters())

    def rows_together(self, shape: Sequence[int] = ()) -> int:
        """Return how many rows of a shape to evaluate together.

        They are few enough for the activations to stay in a CPU's cache. An empty shape is that of
        the rows of the fit.
        """
        return 8192

    def takes(self, shape: Sequence[int]) -> bool:
        """Tell whether the body takes rows of this shape, so that another fit may start from it."""
        return False

    def restart(self, shape: Sequence[int], random: MemberRandom, dropout: float) -> None:
        """Get ready to be trained further, by another fit, on rows of this shape.

        ``dropout`` is that of the features, if the body has any.
        """
        self.freeze(0)
        self.reseed(random)

    def reseed(self, random: MemberRandom) -> None:
        """Draw all random changes of training from other streams."""
        for part in self.modules():
            if isinstance(part, (Noise, Body)):
                part.random = random

    def silence(self) -> None:
        """Change nothing at random while training, for solvers that need the same loss twice."""
        for part in self.modules():
            if isinstance(part, Noise):
                part.rate = 0.0
            elif isinstance(part, _DROPOUTS):
                part.p = 0.0
            elif isinstance(part, (nn.RNNBase, nn.MultiheadAttention)):
                part.dropout = 0.0

    def parts(self) -> list[nn.Module]:
        """Return the parts that :meth:`freeze` can keep, from the input on."""
        return list(self.children())

    def freeze(self, n_parts: int) -> None:
        """Keep the first parts as they are: neither weights nor statistics of batches change.

        Parts that an earlier call has frozen are trained again, unless they are among these. What
        was not trainable before the first call never becomes so.
        """
        self._keep(self.parts()[:n_parts])

    def train(self, mode: bool = True) -> "Body":
        """Go to training mode, except the frozen parts."""
        super().train(mode)
        for part in self._frozen:
            part.eval()
        return self

    def _keep(self, parts):
        for parameter in self._kept:
            parameter.requires_grad_(True)
        self._kept = [p for part in parts for p in part.parameters() if p.requires_grad]
        for parameter in self._kept:
            parameter.requires_grad_(False)
        self._frozen = parts
        self.train(self.training)
