"""Fits to rows that are drawn with replacement, and what they score on the other rows."""

import warnings
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, is_classifier
from sklearn.exceptions import UndefinedMetricWarning

from sklearn_modern._core.parallel import for_workers, results
from sklearn_modern._core.warning import warn_user
from sklearn_modern._fits.many import outcome
from sklearn_modern._fits.problem import Candidate
from sklearn_modern._fits.queue import evaluate_each
from sklearn_modern.model_selection._fold_scores import problem_on
from sklearn_modern.model_selection._rowwise_scores import score_function

__all__ = ["out_of_bag_scores", "resampled_predictions", "resampled_rows", "units_of"]

# The no-information rate has all pairs of so many rows, and of more rows as many random pairs.
_MOST_ROWS_PAIRED = 1000
_MOST_DRAWS = 100


def units_of(n_rows: int, groups: Any) -> list[np.ndarray]:
    """Return the rows that are drawn together: each row, or each group."""
    if groups is None:
        return list(np.arange(n_rows)[:, None])
    groups = np.asarray(groups)
    if groups.shape != (n_rows,):
        raise ValueError(f"groups has the shape {groups.shape}; expected ({n_rows},).")
    codes = np.unique(groups, return_inverse=True)[1]
    order = np.argsort(codes, kind="stable")
    units = np.split(order, np.cumsum(np.bincount(codes))[:-1])
    if len(units) < 2:
        raise ValueError("groups has one group; resampling needs at least two.")
    return units


def resampled_rows(
    n_rows: int, groups: Any, count: int, rng: np.random.RandomState
) -> Iterator[np.ndarray]:
    """Yield rows that are drawn with replacement, as many as there are, or as many groups."""
    if groups is None:
        yield from (rng.randint(0, n_rows, n_rows) for _ in range(count))
        return
    units = units_of(n_rows, groups)
    for _ in range(count):
        yield np.concatenate([units[i] for i in rng.randint(0, len(units), len(units))])


def out_of_bag_scores(
    estimator: BaseEstimator,
    X: Any,
    y: Any,
    method: str,
    count: int,
    settings: Mapping[str, Any],
    rng: np.random.RandomState,
) -> tuple[float, np.ndarray]:
    """Return the score by the bootstrap, and that of each resample, weighted in the same way.

    Parameters
    ----------
    estimator : estimator
        Clones of it are fitted.
    X, y : array-like
        The data.
    method : {"oob", ".632", ".632+"}
        How scores out of the bag and of training rows are weighted.
    count : int
        Number of resamples.
    settings : mapping
        The arguments scoring, groups, params and n_jobs.
    rng : RandomState
        Draws the rows.
    """
    splits = list(_splits(estimator, y, settings["groups"], count, rng))
    problem = problem_on(estimator, X, y, splits, settings["scoring"], settings["params"])
    scores = np.empty(count)
    tasks = [(Candidate(), split) for split in range(count)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UndefinedMetricWarning)  # how many there are is said below
        for split, found in enumerate(evaluate_each(problem, tasks, settings["n_jobs"])):
            if found.error is not None:
                raise ValueError(f"estimator has no score on resample {split}: {found.error}")
            (scores[split],) = found.scores
    defined = np.isfinite(scores)
    if defined.sum() < 2:
        raise ValueError("The score is undefined on the rows out of the bag of most resamples.")
    if not defined.all():
        warn_user(
            f"The score is undefined on {(~defined).sum()} of {count} resamples, which perhaps "
            "lack a class; they are left out."
        )
    scores = scores[defined]
    if method == "oob":
        return float(scores.mean()), scores
    train, no_information = _training_score(estimator, X, y, method, settings, rng)
    return _weighted(scores, train, no_information)


def resampled_predictions(
    estimator: BaseEstimator,
    X: Any,
    y: Any,
    X_test: Any,
    scoring: str,
    params: Mapping[str, Any] | None,
    count: int,
    n_jobs: int | None,
    rng: np.random.RandomState,
) -> np.ndarray:
    """Return the predictions of test rows by clones that are fitted to resamples.

    Parameters
    ----------
    estimator : estimator
        Clones of it are fitted.
    X, y : array-like
        The training rows.
    X_test : array-like
        The test rows.
    scoring : str
        What the predictions are for.
    params : mapping or None
        More for ``fit``.
    count : int
        Number of resamples.
    n_jobs : int or None
        Number of fits that run at the same time.
    rng : RandomState
        Draws the rows.

    Returns
    -------
    ndarray of shape (count, n_test_samples, ...)
        The predictions.
    """
    n_rows = len(y)
    splits = [(rows, rows[:0]) for rows in resampled_rows(n_rows, None, count, rng)]
    problem = problem_on(estimator, X, y, splits, scoring, params)
    shared = for_workers(problem)
    tasks = [(shared, split, X_test) for split in range(count)]
    return np.array(list(results(_fit_and_predict, tasks, n_jobs)))


def _fit_and_predict(problem, split, X_test):
    return np.asarray(_fitted(problem, split).predict(X_test))


def _fitted(problem, split):
    (fit,) = problem.fits([Candidate()], split)
    model = outcome(problem.estimator, fit)
    if isinstance(model, Exception):
        raise model
    return model


def _splits(estimator, y, groups, count, rng):
    """Yield the drawn rows and the others; draws that leave nothing to do are repeated."""
    n_rows, labels = len(y), np.asarray(y)
    several = is_classifier(estimator) and labels.ndim == 1
    for _ in range(count):
        for drawn in resampled_rows(n_rows, groups, _MOST_DRAWS, rng):
            others = np.setdiff1d(np.arange(n_rows), drawn)
            if len(others) and not (several and (labels[drawn] == labels[drawn[0]]).all()):
                break
        else:
            raise ValueError(
                f"{_MOST_DRAWS} times all rows were drawn, or rows of a single class; there are "
                f"too few ({n_rows}) for the bootstrap."
            )
        yield drawn, others


def _training_score(estimator, X, y, method, settings, rng):
    """Return the score of a fit to all rows on these, and what chance would give it."""
    rows = np.arange(len(y))
    scoring = settings["scoring"]
    problem = problem_on(estimator, X, y, [(rows, rows)], scoring, settings["params"])
    model = _fitted(problem, 0)
    found = problem.score(model, Candidate(), 0)
    if found.error is not None:
        raise ValueError(f"estimator has no score on the training rows: {found.error}")
    if method == ".632":
        return float(found.scores[0]), None
    n = len(rows)
    if n <= _MOST_ROWS_PAIRED:
        pairs = np.repeat(rows, n), np.tile(rows, n)
    else:
        pairs = rng.randint(0, n, (2, _MOST_ROWS_PAIRED**2))
    return float(found.scores[0]), score_function(model, X, y, scoring)(*pairs)


def _weighted(scores, train, no_information):
    """Weight scores out of the bag with the training score; all are such that more is better."""
    out_of_bag, share = scores.mean(), 0.632
    if no_information is not None:
        # In the words of the paper, of errors: none is above that of chance, and the relative
        # overfitting is how far it is from the training error towards that.
        out_of_bag = max(out_of_bag, min(no_information, train))
        overfitting = 0.0
        if out_of_bag < train and no_information < train:
            overfitting = (train - out_of_bag) / (train - no_information)
        share = 0.632 / (1 - 0.368 * overfitting)
    return float((1 - share) * train + share * out_of_bag), (1 - share) * train + share * scores
