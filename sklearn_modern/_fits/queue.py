"""Candidates and splits in one flat queue, so that no process waits for the end of a split."""

from collections.abc import Iterator, Sequence

import numpy as np
from joblib import effective_n_jobs

from sklearn_modern._core.parallel import for_workers, results
from sklearn_modern._fits.problem import Candidate, FitScore, Problem

__all__ = ["evaluate_each", "evaluate_separately", "evaluate_together"]

# The scores of some candidates on each split, in the order of the candidates.
Block = list[tuple[FitScore, ...]]


def evaluate_each(
    problem: Problem, tasks: Sequence[tuple[Candidate, int]], n_jobs: int | None
) -> Iterator[FitScore]:
    """Yield the score of each task, a candidate and a split, by a separate fit.

    Parameters
    ----------
    problem : Problem
        What is fitted and scored.
    tasks : sequence of (Candidate, int)
        Candidates, and the positions of their splits.
    n_jobs : int or None
        Number of fits that run at the same time.
    """
    shared = for_workers(problem)
    return results(Problem.evaluate, [(shared, *task) for task in tasks], n_jobs)


def evaluate_separately(
    problem: Problem, candidates: Sequence[Candidate], n_jobs: int | None
) -> Iterator[Block]:
    """Yield the scores of candidates on all splits, in order, by a separate fit for each.

    Parameters
    ----------
    problem : Problem
        What is fitted and scored.
    candidates : sequence of Candidate
        What to fit.
    n_jobs : int or None
        Number of fits that run at the same time.
    """
    n_splits = len(problem.splits)
    tasks = [(candidate, split) for candidate in candidates for split in range(n_splits)]
    queue = evaluate_each(problem, tasks, n_jobs)
    for by_split in zip(*[queue] * n_splits, strict=True):
        yield [by_split]


def evaluate_together(
    problem: Problem, candidates: Sequence[Candidate], n_jobs: int | None
) -> Iterator[Block]:
    """Yield the scores of candidates on all splits, in order; ``fit_many`` fits those of a split.

    Parameters
    ----------
    problem : Problem
        What is fitted and scored.
    candidates : sequence of Candidate
        What to fit.
    n_jobs : int or None
        Number of processes. The candidates of a split are divided into as few parts as keep all
        of them busy: the larger the parts, the more work is shared.
    """
    n_splits, n_processes = len(problem.splits), effective_n_jobs(n_jobs)
    n_parts = 1 if n_processes == 1 else min(-(-2 * n_processes // n_splits), len(candidates))
    places = np.array_split(np.arange(len(candidates)), max(1, n_parts))
    parts = [[candidates[place] for place in part] for part in places]
    shared = for_workers(problem)
    tasks = [(shared, part, split) for part in parts for split in range(n_splits)]
    queue = results(Problem.evaluate_together, tasks, n_jobs)
    for by_split in zip(*[queue] * n_splits, strict=True):
        yield list(zip(*by_split, strict=True))
