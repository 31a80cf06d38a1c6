"""Which level is predicted, given the probabilities that y is beyond each level."""

import numpy as np

__all__ = ["DECISIONS", "level_probabilities", "with_ends"]


def level_probabilities(cumulative: np.ndarray) -> np.ndarray:
    """Turn P(y > k), which does not rise, into the probability of each level."""
    bounds = with_ends(cumulative)
    return bounds[:, :-1] - bounds[:, 1:]


def with_ends(cumulative: np.ndarray) -> np.ndarray:
    """Put a one before P(y > k), and a zero after it."""
    ends = np.ones(len(cumulative)), np.zeros(len(cumulative))
    return np.column_stack([ends[0], cumulative, ends[1]])


# From P(y > k) to ranks.
DECISIONS = {
    "median": lambda cumulative: (cumulative > 0.5).sum(axis=1),
    "mean": lambda cumulative: np.floor(cumulative.sum(axis=1) + 0.5).astype(int),
    "mode": lambda cumulative: level_probabilities(cumulative).argmax(axis=1),
}
