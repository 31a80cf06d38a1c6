"""Look for the likeliest sequence that a network would write."""

from dataclasses import dataclass

import torch
from torch import Tensor

from sklearn_modern.networks.decoding import Writer

__all__ = ["Beam", "Found"]

# Rows that are through leave the batch when they are this share of it, as to leave costs a copy.
_LEAVING = 0.25


@dataclass
class Found:
    """The best sequences that were found.

    Attributes
    ----------
    tokens : Tensor of int64 of shape (rows, max_length)
        Their tokens, without the end, filled up with zeros.
    lengths : Tensor of int64 of shape (rows,)
        How many tokens each has.
    log_likelihood : Tensor of shape (rows,)
        Logarithms of their probabilities, the end included.
    score : Tensor of shape (rows,)
        By what they are the best.
    """

    tokens: Tensor
    lengths: Tensor
    log_likelihood: Tensor
    score: Tensor

    def improve(self, rows: Tensor, tokens: Tensor, log_likelihood: Tensor, score: Tensor) -> None:
        """Take the best of each row's candidates (rows, candidates), where they are better."""
        score, which = score.max(1)
        better = score > self.score[rows]
        rows, which, place = rows[better], which[better], better.nonzero()[:, 0]
        length = tokens.shape[2]
        self.tokens[rows, :length] = tokens[place, which]
        self.tokens[rows, length:] = 0
        self.lengths[rows] = length
        self.log_likelihood[rows] = log_likelihood[place, which]
        self.score[rows] = score[better]


@dataclass(frozen=True)
class Beam:
    r"""Keep the likeliest beginnings of a sequence, and extend each of them by all tokens.

    The beginning that a greedy search would take is among those that are kept, whatever its
    likelihood, so that the result is never less likely than a greedy one (without a penalty).
    A sequence of :math:`n` tokens, the end included, is as good as

    .. math:: \log p \, / \, ((5 + n) / 6)^\alpha.

    Parameters
    ----------
    width : int
        How many beginnings are kept; 1 is a greedy search.
    max_length : int
        Tokens of the longest sequence; one that has so many ends.
    length_penalty : float, default=0.0
        The power :math:`\alpha`; longer sequences gain by it.

    References
    ----------
    Wu et al. (2016), "Google's Neural Machine Translation System", arXiv:1609.08144.
    """

    width: int
    max_length: int
    length_penalty: float = 0.0

    @torch.inference_mode()
    def search(self, writer: Writer, n_rows: int, *, first: int, end: int) -> Found:
        """Look for the best sequence of each row.

        Parameters
        ----------
        writer : Writer
            Says what is likely.
        n_rows : int
            How many sequences to look for.
        first, end : int
            The codes that begin and end a sequence.

        Returns
        -------
        Found
            What was found.
        """
        tokens = torch.full((n_rows,), first)
        state = writer.begin(n_rows)
        kept = _Kept(torch.arange(n_rows), torch.zeros(n_rows, 1, dtype=torch.float64))
        found = Found(
            torch.zeros(n_rows, self.max_length, dtype=torch.int64),
            torch.zeros(n_rows, dtype=torch.int64),
            torch.full((n_rows,), -torch.inf, dtype=torch.float64),
            torch.full((n_rows,), -torch.inf, dtype=torch.float64),
        )
        for length in range(self.max_length + 1):
            log_proba, state = writer.advance(tokens, state)
            total = kept.log_likelihood.unsqueeze(2) + log_proba.cpu().double().unflatten(
                0, kept.log_likelihood.shape
            )
            if length == self.max_length:
                ended = total[:, :, end]
                found.improve(kept.rows, kept.tokens, ended, ended / self._norm(length + 1))
                break
            parents = self._extend(kept, total, found, end)
            stay = (~self._through(kept, found)).nonzero()[:, 0]
            if not len(stay):
                break
            if len(kept.rows) - len(stay) >= _LEAVING * len(kept.rows):
                kept, parents = kept.select(stay), parents[stay]
            if self.width > 1 or len(parents) < len(total):
                state = writer.select(state, parents.flatten())
            tokens = kept.tokens[:, :, -1].flatten()
        return found

    def _extend(self, kept, total, found, end):
        """Extend beginnings; return the places of those from which the new ones come."""
        n_rows, n_kept, n_tokens = total.shape
        greedy = total[:, 0].argmax(1)
        flat = total.flatten(1)
        rank = flat.clone()
        rank[kept.greedy, greedy[kept.greedy]] = torch.inf
        chosen = rank.topk(min(2 * self.width, rank.shape[1]), dim=1).indices
        likelihood = flat.gather(1, chosen)
        parent, token = chosen // n_tokens, chosen % n_tokens
        ends = token == end
        ended = likelihood.masked_fill(~ends, -torch.inf)[:, : self.width]
        length = kept.tokens.shape[2]
        before = kept.tokens.gather(1, parent.unsqueeze(2).expand(-1, -1, length))
        score = ended / self._norm(length + 1)
        found.improve(kept.rows, before[:, : self.width], ended, score)
        order = ends.to(torch.int8).argsort(dim=1, stable=True)[:, : self.width]
        kept.tokens = torch.cat([before, token.unsqueeze(2)], dim=2).gather(
            1, order.unsqueeze(2).expand(-1, -1, length + 1)
        )
        kept.log_likelihood = likelihood.masked_fill(ends, -torch.inf).gather(1, order)
        kept.greedy = kept.greedy & (greedy != end)
        first = torch.arange(n_rows).unsqueeze(1) * n_kept
        return first + parent.gather(1, order)

    def _through(self, kept, found):
        """Tell in which rows nothing better can be found any more."""
        best = found.score[kept.rows]
        if self.width == 1:
            return best > -torch.inf
        # Likelihoods fall only, and the longest sequence gains most by the penalty.
        return best >= kept.log_likelihood.amax(1) / self._norm(self.max_length + 1)

    def _norm(self, length):
        return ((5 + length) / 6) ** self.length_penalty


class _Kept:
    """The beginnings that are kept of each row that is in the batch."""

    def __init__(self, rows, log_likelihood):
        self.rows, self.log_likelihood = rows, log_likelihood
        self.tokens = torch.zeros(*log_likelihood.shape, 0, dtype=torch.int64)
        # Whether the first beginning is the greedy one; when that has ended, no one is.
        self.greedy = torch.ones(len(rows), dtype=torch.bool)

    def select(self, index):
        chosen = _Kept(self.rows[index], self.log_likelihood[index])
        chosen.tokens, chosen.greedy = self.tokens[index], self.greedy[index]
        return chosen
