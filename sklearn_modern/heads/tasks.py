"""Losses of the questions, or tasks, of ordinal regression, whether y is beyond level k."""

import torch
import torch.nn.functional as F
from torch import Tensor

__all__ = ["conditional_task_losses", "passed_levels", "task_losses"]


def task_losses(
    scores: Tensor, y: Tensor, importance: Tensor | None = None, label_smoothing: float = 0.0
) -> Tensor:
    """Return the mean binary cross-entropy of each row's tasks.

    Parameters
    ----------
    scores : Tensor of shape (members, rows, tasks)
        Logits of P(y > k).
    y : Tensor of shape (members, rows)
        Ranks.
    importance : Tensor of shape (tasks,), optional
        Factors of the tasks' losses.
    label_smoothing : float, default=0.0
        Share of each target that is spread evenly over the levels.

    Returns
    -------
    Tensor of shape (members, rows)
        The losses.
    """
    scores = scores.transpose(1, 2)  # the layout in which heads compute them
    passed = passed_levels(y, scores.shape[1], scores.dtype, label_smoothing)
    factor = None if importance is None else importance.to(scores).unsqueeze(1)
    losses = F.binary_cross_entropy_with_logits(scores, passed, factor, reduction="none")
    return losses.mean(1)


def conditional_task_losses(
    scores: Tensor, y: Tensor, importance: Tensor | None = None, label_smoothing: float = 0.0
) -> Tensor:
    """Return the sum of the binary cross-entropies of each row's conditional tasks.

    Parameters
    ----------
    scores : Tensor of shape (members, rows, tasks)
        Logits of P(y > k | y >= k).
    y, importance, label_smoothing
        As for :func:`task_losses`.

    Returns
    -------
    Tensor of shape (members, rows)
        The losses.
    """
    scores = scores.transpose(1, 2)
    passed = passed_levels(y, scores.shape[1], scores.dtype, label_smoothing)
    # Every row reaches task 0, and all that pass a task reach the next.
    reached = F.pad(passed[:, :-1], (0, 0, 1, 0), value=1.0)
    if label_smoothing:
        passed = passed / reached
    if importance is not None:
        reached = reached * importance.to(scores).unsqueeze(1)
    losses = F.binary_cross_entropy_with_logits(scores, passed, reached, reduction="none")
    return losses.sum(1)


def passed_levels(
    y: Tensor, n_tasks: int, dtype: torch.dtype = torch.float32, label_smoothing: float = 0.0
) -> Tensor:
    """Return the targets of the tasks: 1 where y is beyond the level.

    Parameters
    ----------
    y : Tensor of shape (members, rows)
        Ranks.
    n_tasks : int
        Number of levels minus one.
    dtype : torch.dtype, default=torch.float32
        Type of the result.
    label_smoothing : float, default=0.0
        Share of each target that is spread evenly over the levels.

    Returns
    -------
    Tensor of shape (members, n_tasks, rows)
        The targets.
    """
    task = torch.arange(n_tasks, device=y.device).unsqueeze(1)
    passed = (y.unsqueeze(1) > task).to(dtype)
    if label_smoothing:
        passed.lerp_((n_tasks - task).to(dtype) / (n_tasks + 1), label_smoothing)
    return passed
