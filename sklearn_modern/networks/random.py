"""One stream of random numbers for each member of a network."""

from collections.abc import Sequence

import torch
from torch import Tensor

__all__ = ["MemberRandom"]


class MemberRandom:
    """Random tensors whose leading axis is the member, each drawn from the member's own seed.

    A member's initial weights, shuffles and dropout masks come from its own stream, so that its
    result does not depend on its neighbours, and global random state is neither read nor changed.

    Parameters
    ----------
    seeds : sequence of int
        One seed a member.
    """

    def __init__(self, seeds: Sequence[int]) -> None:
        self.seeds = tuple(int(seed) for seed in seeds)
        self._generators: dict[str, list[torch.Generator]] = {}

    @classmethod
    def joined(cls, parts: Sequence["MemberRandom"]) -> "MemberRandom":
        """Return the members of all parts, whose streams stay those of the parts."""
        whole = cls([seed for part in parts for seed in part.seeds])
        for device in parts[0]._generators:
            whole._generators[device] = [g for part in parts for g in part.generators(device)]
        return whole

    def __len__(self) -> int:
        """Return the number of members."""
        return len(self.seeds)

    def generators(self, device: str | torch.device = "cpu") -> list[torch.Generator]:
        """Return the members' generators on a device; they are made when first asked for."""
        device = str(device)
        if device not in self._generators:
            self._generators[device] = [
                torch.Generator(device).manual_seed(seed) for seed in self.seeds
            ]
        return self._generators[device]

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

    def keep_mask(self, like: Tensor, keep: float) -> Tensor:
        """Draw a mask of ones (with probability ``keep``) and zeros in the shape of ``like``."""
        if like.device.type == "cpu":
            return self._quick_mask(like, keep)
        mask = torch.empty_like(like)
        for member, generator in zip(mask, self.generators(like.device), strict=True):
            member.bernoulli_(keep, generator=generator)
        return mask

    def permutations(self, n: int) -> Tensor:
        """Draw a shuffle of ``range(n)`` for each member: (members, n)."""
        out = torch.empty(len(self), n, dtype=torch.int64)
        for member, generator in zip(out, self.generators(), strict=True):
            torch.randperm(n, generator=generator, out=member)
        return out

    def _quick_mask(self, like, keep):
        """Draw four entries at once; each knows the probability to within 1 / 65536."""
        size = like[0].numel()
        draws = torch.empty(len(self), -(-size // 4), dtype=torch.int64)
        for member, generator in zip(draws, self.generators(), strict=True):
            member.random_(-(2**63), None, generator=generator)
        mask = torch.empty(len(self), size, dtype=like.dtype)
        limit = min(round(keep * 2**16) - 2**15, 2**15 - 1)
        return torch.lt(draws.view(torch.int16)[:, :size], limit, out=mask).view(like.shape)

    def __getstate__(self) -> dict:
        """Keep the streams where they are, so that a pickled training goes on exactly."""
        states = {
            device: [generator.get_state() for generator in generators]
            for device, generators in self._generators.items()
        }
        return {"seeds": self.seeds, "states": states}

    def __setstate__(self, state: dict) -> None:
        """Restore the streams of this machine's devices; others start again from the seeds."""
        self.__init__(state["seeds"])
        for device, states in state["states"].items():
            try:
                generators = self.generators(device)
            except RuntimeError:  # the device is not there
                continue
            for generator, saved in zip(generators, states, strict=True):
                generator.set_state(saved)
