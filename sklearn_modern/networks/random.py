"""One stream of random numbers for each member of a network."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager

import torch
from torch import Tensor

__all__ = ["MemberRandom", "seeded"]


class MemberRandom:
    """Random tensors whose leading axis is the member, each drawn from the member's own seed.

    A member's initial weights, shuffles and dropout masks come from its own stream, so that its
    result does not depend on its neighbours, and global random state is neither read nor changed.

    Parameters
    ----------
    seeds : sequence of int
        One seed per member.
    team : int, default=1
        How many neighbours are one network: they share weights, train for their common loss, and
        have no result of their own.
    """

    # How many rows of a batch each member has, where not all have all of them.
    rows: Sequence[int] | None = None

    def __init__(self, seeds: Sequence[int], team: int = 1) -> None:
        self.seeds = tuple(int(seed) for seed in seeds)
        self.team = team
        self._generators: dict[str, list[torch.Generator]] = {}
        self._parts: Sequence[MemberRandom] = ()

    @classmethod
    def joined(cls, parts: Sequence["MemberRandom"]) -> "MemberRandom":
        """Return the members of all parts, whose streams stay those of the parts."""
        whole = cls([seed for part in parts for seed in part.seeds], parts[0].team)
        whole._parts = parts
        for device in {device for part in parts for device in part._generators}:
            whole.generators(device)
        return whole

    def member(self, member: int) -> "MemberRandom":
        """Return one member, whose stream stays that of the whole."""
        return self if len(self) == 1 else _OneMember(self, member)

    def shared(self) -> "MemberRandom":
        """Return the stream of what a network's members share: that of the first of them."""
        return self if self.team == 1 else self.member(0)

    @property
    def teams(self) -> int:
        """How many networks there are that train apart."""
        return len(self) // self.team

    def as_global(self, member: int, device: torch.device) -> AbstractContextManager[None]:
        """Let torch's global generators draw from a member's stream, as :func:`seeded` does."""
        seed = torch.randint(2**62, (), generator=self.generators()[member]).item()
        return seeded(seed, device)

    def __len__(self) -> int:
        """Return the number of members."""
        return len(self.seeds)

    def generators(self, device: str | torch.device = "cpu") -> list[torch.Generator]:
        """Return the members' generators on a device; they are made at the first use."""
        device = str(device)
        if device not in self._generators:
            made = [generator for part in self._parts for generator in part.generators(device)]
            self._generators[device] = made or [
                torch.Generator(device).manual_seed(seed) for seed in self.seeds
            ]
        return self._generators[device]

    def generators_so_far(self, device: str | torch.device) -> Sequence[torch.Generator]:
        """Return the members' generators on a device; none if nothing was drawn there yet."""
        return self._generators.get(str(device), ())

    def uniform(self, *shape: int, bound: float, dtype: torch.dtype = torch.float32) -> Tensor:
        """Draw (members, *shape) from the uniform distribution over (-bound, bound)."""
        out = torch.empty(len(self), *shape, dtype=dtype)
        for member, generator in zip(out, self.generators(), strict=True):
            member.uniform_(-bound, bound, generator=generator)
        return out

    def normal(self, *shape: int, std: float, dtype: torch.dtype = torch.float32) -> Tensor:
        """Draw (members, *shape) from the normal distribution around zero."""
        out = torch.empty(len(self), *shape, dtype=dtype)
        for member, generator in zip(out, self.generators(), strict=True):
            member.normal_(0.0, std, generator=generator)
        return out

    def normal_like(self, like: Tensor) -> Tensor:
        """Draw standard normal numbers in the shape of ``like`` (members, ...), where it is."""
        out = torch.empty_like(like)
        for member, generator in zip(out, self.generators(like.device), strict=True):
            member.normal_(generator=generator)
        return out

    def uniform_like(self, like: Tensor) -> Tensor:
        """Draw from [0, 1) in the shape of ``like`` (members, ...), where it is."""
        out = torch.empty_like(like)
        for member, generator in zip(out, self.generators(like.device), strict=True):
            member.uniform_(generator=generator)
        return out

    def keep_mask(
        self, like: Tensor, keep: float | Sequence[float], members: slice = slice(None)
    ) -> Tensor:
        """Draw a mask of ones (with probability ``keep``) and zeros in the shape of ``like``.

        Members may have probabilities of their own. For one that keeps all nothing is drawn, nor
        for rows that are not its own.

        Parameters
        ----------
        like : Tensor
            A tensor (members, rows, ...).
        keep : float or sequence of float
            One probability, or that of each member.
        members : slice, default=all
            The members that ``like`` and ``keep`` belong to.
        """
        keeps = keep if isinstance(keep, Sequence) else [keep] * len(like)
        rows = [like.shape[1]] * len(like) if self.rows is None else self.rows[members]
        generators = self.generators(like.device)[members]
        if like.device.type == "cpu":
            return _quick_mask(like, keeps, rows, generators)
        mask = torch.ones_like(like)
        for member, generator, keep, n in zip(mask, generators, keeps, rows, strict=True):
            if keep < 1.0:
                member[:n].bernoulli_(keep, generator=generator)
        return mask

    def permutations(self, n: int) -> Tensor:
        """Draw a shuffle of ``range(n)`` for each member: (members, n)."""
        out = torch.empty(len(self), n, dtype=torch.int64)
        for member, generator in zip(out, self.generators(), strict=True):
            torch.randperm(n, generator=generator, out=member)
        return out

    def __getstate__(self) -> dict:
        """Keep the streams where they are, so that a pickled training goes on exactly."""
        states = {
            device: [generator.get_state() for generator in generators]
            for device, generators in self._generators.items()
        }
        return {"seeds": self.seeds, "team": self.team, "states": states}

    def __setstate__(self, state: dict) -> None:
        """Restore the streams of this machine's devices; others start again from the seeds."""
        self.__init__(state["seeds"], state["team"])
        for device, states in state["states"].items():
            try:
                generators = self.generators(device)
            except RuntimeError:  # the device is not there
                continue
            for generator, saved in zip(generators, states, strict=True):
                generator.set_state(saved)


class _OneMember(MemberRandom):
    """One of several members; a view, so that a pickle, too, knows whose stream it is."""

    def __init__(self, whole: MemberRandom, member: int) -> None:
        self.seeds, self.team = (whole.seeds[member],), 1
        self._whole, self._member = whole, member

    def generators(self, device: str | torch.device = "cpu") -> list[torch.Generator]:
        """Return the generator of the whole."""
        return [self._whole.generators(device)[self._member]]

    def generators_so_far(self, device: str | torch.device) -> Sequence[torch.Generator]:
        """Return the generator of the whole, if it has any."""
        return self._whole.generators_so_far(device)[self._member :][:1]

    def __getstate__(self) -> dict:
        """Refer to the whole."""
        return vars(self)

    def __setstate__(self, state: dict) -> None:
        """Refer to the whole."""
        vars(self).update(state)


def _quick_mask(like, keeps, rows, generators):
    """Draw four entries at once; each knows the probability to within 1 / 65536."""
    size = like[0].numel()
    width = size // max(like.shape[1], 1)
    draws = torch.empty(len(like), -(-size // 4), dtype=torch.int64)
    for member, generator, keep, n in zip(draws, generators, keeps, rows, strict=True):
        if keep < 1.0:
            own = member if n * width == size else member[: -(-n * width // 4)]
            own.random_(-(2**63), None, generator=generator)
        else:
            member.zero_()  # which is below the limit
    limits = [min(round(keep * 2**16) - 2**15, 2**15 - 1) for keep in keeps]
    limit = limits[0]
    if any(other != limit for other in limits):
        limit = torch.tensor(limits, dtype=torch.int16).unsqueeze(1)
    mask = torch.empty(len(like), size, dtype=like.dtype)
    return torch.lt(draws.view(torch.int16)[:, :size], limit, out=mask).view(like.shape)


@contextmanager
def seeded(seed: int, device: str | torch.device = "cpu") -> Iterator[None]:
    """Seed torch's global generators, and let them be as before afterwards.

    For modules that were made elsewhere: their initial weights and dropout masks come from global
    random state.

    Parameters
    ----------
    seed : int
        The seed.
    device : str or torch.device, default="cpu"
        Where numbers are drawn besides the CPU.
    """
    device = torch.device(device)
    devices = [device] if device.type != "cpu" else []
    with torch.random.fork_rng(devices, device_type=device.type):
        # Not torch.manual_seed, which seeds all devices: only these two get their state back.
        torch.default_generator.manual_seed(seed)
        for accelerator in devices:
            state = torch.Generator(accelerator).manual_seed(seed).get_state()
            torch.get_device_module(accelerator).set_rng_state(state, accelerator)
        yield
