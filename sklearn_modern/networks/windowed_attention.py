"""Attention to places nearby, whose work grows with the number of places, not with its square."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from sklearn_modern.networks.attention import full_attention

__all__ = ["Nearby"]

# Fewest places whose keys are gathered together: smaller products cost more than they save.
_BLOCK = 32


@dataclass(frozen=True)
class Nearby:
    r"""Let each place attend to itself and to some places on each side of it.

    A place :math:`i` sees the places :math:`i + d\,s` for
    :math:`d = -r, \dots, r` with the reach :math:`r` and the stride :math:`s`. It is called like
    :func:`sklearn_modern.networks.attention.full_attention`, and gives what that would give if
    all other places were masked. What places that do not exist see is left open.

    Parameters
    ----------
    reach : int
        How many places are seen on each side.
    stride : int, default=1
        How far apart they are.

    Notes
    -----
    Places that are not a stride apart never see each other, and so each remainder of the division
    by the stride becomes a row of its own. Rows lie one after the other, cut into blocks. All
    queries of a block meet the keys of the block and of the reach around it, which overlap with
    those of the next block and are not copied; a mask takes away what is too far, and the other
    rows.
    """

    reach: int
    stride: int = 1

    @property
    def __name__(self) -> str:
        """What is shown where a function would show its name."""
        return repr(self)

    @property
    def n_seen(self) -> int:
        """How many places each one sees, if there are as many."""
        return 1 + 2 * self.reach

    def __call__(self, query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None) -> Tensor:
        """Map (rows, heads, places, size) to the same shape."""
        n_rows, _, n_places, _ = query.shape
        stride = self.stride
        if not torch.compiler.is_compiling():  # an exported program is for any number of places
            stride = min(stride, n_places)
            if stride == 1 and self.reach >= n_places - 1:
                return full_attention(query, key, value, mask)
        if mask is None:
            mask = torch.ones(n_rows, n_places, dtype=torch.bool, device=query.device)
        if stride == 1:
            return self._neighbours(query, key, value, mask)
        parts = (_combed(x, stride) for x in (query, key, value))
        heads = self._neighbours(
            *parts, _combed(mask.unsqueeze(1).unsqueeze(3), stride)[:, 0, :, 0]
        )
        heads = heads.unflatten(0, (n_rows, stride)).movedim(1, 3).flatten(2, 3)
        # Not a slice, which is laid out in another way if it leaves nothing out.
        return F.pad(heads, (0, 0, 0, n_places - heads.shape[2]))

    def _neighbours(self, query, key, value, mask):
        """Attend to the places next to each other."""
        block = max(_BLOCK, self.reach)
        few = not torch.compiler.is_compiling() and query.shape[2] <= 2 * block
        attend = self._all_at_once if few else self._by_blocks
        return attend(query, key, value, mask, block)

    def _all_at_once(self, query, key, value, mask, block):
        """Compute all pairs: of few places that is less work."""
        places = torch.arange(query.shape[2], device=query.device)
        away = (places - places.unsqueeze(1)).abs()
        # That each place sees itself changes nothing where it exists; elsewhere it prevents NaN.
        seen = (away <= self.reach) & mask.unsqueeze(1) | (away == 0)
        return F.scaled_dot_product_attention(query, key, value, attn_mask=seen.unsqueeze(1))

    def _by_blocks(self, query, key, value, mask, block):
        """Compute the pairs of each block and its surroundings."""
        shape = query.shape[0], query.shape[2]
        query, key, value = (x.transpose(1, 2).flatten(0, 1) for x in (query, key, value))
        n_steps, window = query.shape[0], block + 2 * self.reach
        extra = -n_steps % block
        around = self.reach, self.reach + extra

        def windows(x):
            return F.pad(x, (0, 0, 0, 0, *around)).unfold(0, window, block).transpose(2, 3)

        # Of which row places are: those that do not exist are of none, and the last ones, which
        # fill the last block, see none of any row.
        row = torch.arange(shape[0], device=query.device).repeat_interleave(shape[1])
        asking = F.pad(row, (0, extra), value=-2).view(-1, block, 1)
        asked = F.pad(row.where(mask.flatten(), -1), around, value=-1).unfold(0, window, block)
        away = torch.arange(window, device=query.device) - self.reach
        away = (away - torch.arange(block, device=query.device).unsqueeze(1)).abs()
        seen = (asking == asked.unsqueeze(1)) & (away <= self.reach) | (away == 0)
        query = F.pad(query, (0, 0, 0, 0, 0, extra)).unflatten(0, (-1, block)).transpose(1, 2)
        heads = F.scaled_dot_product_attention(
            query, windows(key), windows(value), attn_mask=seen.unsqueeze(1)
        )
        return heads.transpose(1, 2).flatten(0, 1)[:n_steps].unflatten(0, shape).transpose(1, 2)


def _combed(x, stride):
    """Make (rows * stride, heads, places, size) of every stride-th place, from each start."""
    x = F.pad(x, (0, 0, 0, -x.shape[2] % stride))
    return x.unflatten(2, (-1, stride)).movedim(3, 1).flatten(0, 1)
