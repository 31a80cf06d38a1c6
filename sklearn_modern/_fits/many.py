"""Many fits, which may share work.

An estimator that can fit many settings cheaper together than apart says so by a method
``fit_many(fits)``, which yields the position of each fit with the fitted estimator, or the
exception that it raised, as they finish. One that can fit many to different data together, too,
says by an attribute ``fits_at_once`` how many it wants; 0 is none. Pipelines that begin with the
same steps share these, fitted, also if they are Pipelines of different estimators.

The results are those of fits of their own. Data are recognised by identity, settings by content:
see :mod:`sklearn_modern._core.same`. Whatever may write into its data gets a copy. Where separate
fits would draw anew, because a step before the last has ``random_state=None``, the fits that share
the step share what it drew.
"""

from collections import Counter
from collections.abc import Hashable, Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass
from itertools import groupby
from time import perf_counter
from typing import Any

from sklearn.base import BaseEstimator, clone
from sklearn.pipeline import Pipeline

from sklearn_modern._core.same import Itself, key
from sklearn_modern._fits.fit import Fit, apart, check_fits, data_key, outcome
from sklearn_modern._fits.prefixes import Prefixes, Reached

__all__ = ["Fitted", "fit_many", "fit_together", "in_shared_order", "path_of"]


class Stopwatch:
    """How long fits took that were done together; their common time is divided among them."""

    def __init__(self) -> None:
        self._seconds, self._users = 0.0, 0

    @property
    def seconds(self) -> float:
        """Seconds for each fit."""
        return self._seconds / max(1, self._users)

    def timed(self, results: Iterator) -> Iterator:
        """Yield what there is to yield, and count only the time until it was there."""
        start = perf_counter()
        for result in results:
            self._seconds += perf_counter() - start
            self._users += 1
            yield result
            start = perf_counter()


@dataclass(frozen=True, eq=False)
class Fitted:
    """A result of a fit: a model, whose first steps others may share.

    Parameters
    ----------
    last : estimator or Exception
        The model, its last step if the first ones are shared, or what was raised.
    stopwatch : Stopwatch
        Counts the time of the fits that were done together with this one.
    before : float, default=0.0
        Seconds that this fit took before that; it had a share in them.
    first : Pipeline or None, default=None
        The fitted steps before the last; None if the model shares none.
    prefixes : Prefixes or None, default=None
        Lets rows go through the first steps.
    pair : tuple of (estimator, Fit) or None, default=None
        What was fitted; None if the model shares no steps.
    """

    last: Any
    stopwatch: Stopwatch
    before: float = 0.0
    first: Pipeline | None = None
    prefixes: Prefixes | None = None
    pair: tuple[BaseEstimator, Fit] | None = None

    @property
    def seconds(self) -> float:
        """How long the fit took; known when all fits are done."""
        return self.before + self.stopwatch.seconds

    def model(self) -> BaseEstimator | Exception:
        """Return the whole model, which has no part that another has, or what was raised."""
        if self.first is None or isinstance(self.last, Exception):
            return self.last
        try:
            model = deepcopy(self.first)
        except Exception:  # a step that cannot be copied
            return outcome(*self.pair)
        model.steps[-1] = model.steps[-1][0], self.last
        return model

    def transform(self, X: Any) -> Any:
        """Return what ``last`` gets when the model is asked about rows: a copy, as others get."""
        reached = X if self.first is None else self.prefixes.transform(self.first, X)
        return apart(reached, reached)


def fit_many(
    estimator: BaseEstimator, fits: Sequence[Fit]
) -> Iterator[tuple[int, BaseEstimator | Exception]]:
    """Fit clones of an estimator, together where it can do that, else one after the other.

    The estimator, the parameters and the data stay as they are, and a fitted clone has no part that
    another has.

    Parameters
    ----------
    estimator : estimator
        What to fit. If it has a method ``fit_many``, that is called; Pipelines that begin with the
        same steps fit these once, and the last steps together.
    fits : sequence of Fit
        What to fit it with, and on what.

    Yields
    ------
    position : int
        Which of the fits it is; they come in any order.
    fitted : estimator or Exception
        A fitted clone, or what was raised; a failing fit does not end the others.
    """
    check_fits(fits)
    for position, fitted in fit_together([(estimator, fit) for fit in fits]):
        yield position, fitted.model()


def fit_together(pairs: Sequence[tuple[BaseEstimator, Fit]]) -> Iterator[tuple[int, Fitted]]:
    """Fit clones of estimators, as :func:`fit_many` does, and yield results that share parts.

    Parameters
    ----------
    pairs : sequence of (estimator, Fit)
        What to fit, and with what.

    Yields
    ------
    position : int
        Which of the pairs it is; they come in any order.
    fitted : Fitted
        What came of it. It can be asked to transform rows until the next one is taken.
    """
    of_estimator: dict[Itself, list[int]] = {}
    pipelines = []
    for position, (estimator, _) in enumerate(pairs):
        if hasattr(estimator, "fit_many"):
            of_estimator.setdefault(Itself(estimator), []).append(position)
        elif isinstance(estimator, Pipeline):
            pipelines.append(position)
        else:
            yield from _fit_apart([position], pairs)
    for estimator, positions in of_estimator.items():
        stopwatch = Stopwatch()
        results = estimator.thing.fit_many([pairs[position][1] for position in positions])
        for place, result in stopwatch.timed(results):
            yield positions[place], Fitted(result, stopwatch)
    yield from _fit_pipelines(pipelines, pairs)


def in_shared_order(paths: Sequence[tuple[Hashable, ...]]) -> list[int]:
    """Return positions so that paths with equal beginnings are neighbours, else as they come."""
    ranks: dict[tuple, int] = {}
    beginnings = [[path[: depth + 1] for depth in range(len(path))] for path in paths]
    ranked = [[ranks.setdefault(one, len(ranks)) for one in path] for path in beginnings]
    return sorted(range(len(paths)), key=ranked.__getitem__)


def path_of(model: BaseEstimator) -> tuple[Hashable, ...]:
    """Return a path whose beginnings are equal where Pipelines share the beginning."""
    try:
        return _path(model) if isinstance(model, Pipeline) else ()
    except Exception:  # the fit raises it again
        return ()


@dataclass(frozen=True, eq=False)
class _Plan:
    """A Pipeline to fit."""

    position: int
    fit: Fit
    model: Pipeline
    path: tuple[Hashable, ...]


@dataclass(frozen=True, eq=False)
class _Reaching:
    """Pipelines with the same steps before the last, fitted, and what their last steps need.

    There are no fits of last steps where the first ones cannot be shared.
    """

    plans: list[_Plan]
    last: BaseEstimator
    lasts: Sequence[Fit] = ()
    first: Pipeline | None = None
    prefixes: Prefixes | None = None
    before: float = 0.0


def _fit_apart(positions, pairs):
    for position in positions:
        stopwatch = Stopwatch()
        (result,) = stopwatch.timed(outcome(*pair) for pair in [pairs[position]])
        yield position, Fitted(result, stopwatch)


def _fit_pipelines(positions, pairs):
    """Fit Pipelines in an order in which those that begin with the same steps are neighbours."""
    by_data: dict[Hashable, list[_Plan]] = {}
    for position in positions:
        estimator, fit = pairs[position]
        try:
            model = fit.clone(estimator)
            plan = _Plan(position, fit, model, _path(model))
            by_data.setdefault(data_key(fit), []).append(plan)
        except Exception:  # the fit raises it again
            yield from _fit_apart([position], pairs)
    waiting: list[_Reaching] = []
    for plans in by_data.values():
        if len(plans) == 1 and not _spans(plans[0].model.steps[-1][1]):
            yield from _fit_apart([plans[0].position], pairs)
            continue
        order = in_shared_order([plan.path for plan in plans])
        for reaching in _reach_last([plans[place] for place in order]):
            if not reaching.lasts:
                yield from _fit_apart([plan.position for plan in reaching.plans], pairs)
            elif _spans(reaching.last):
                waiting.append(reaching)
            else:
                yield from _fit_last([reaching], pairs)
        if waiting and sum(len(one.lasts) for one in waiting) >= waiting[0].last.fits_at_once:
            yield from _fit_last(waiting, pairs)
            waiting = []
    if waiting:
        yield from _fit_last(waiting, pairs)


def _spans(estimator):
    """Tell whether an estimator fits many to different data together."""
    return getattr(estimator, "fits_at_once", 0) > 0


def _path(model):
    """Return what is equal for Pipelines that share steps, from the first to the last.

    Those with equal paths differ in nothing but parameters of the last step.
    """
    name, last = model.steps[-1]
    about = key([type(model), {**vars(model), "steps": None}])
    first = [(name, key(step)) for name, step in model.steps[:-1]]
    if not hasattr(last, "fit") or clone(last) is last:
        return about, *first, object()
    params = last.get_params(deep=False)
    rest = {name: value for name, value in vars(last).items() if name not in params}
    return about, *first, key([name, type(last), rest])


def _reach_last(plans):
    """Fit all but the last steps of Pipelines; those with equal beginnings are neighbours."""
    users = Counter(plan.path[:depth] for plan in plans for depth in range(1, len(plan.path)))
    (X, *targets), params = plans[0].fit.arguments()
    prefixes = Prefixes()
    for path, alike in groupby(plans, key=lambda plan: plan.path):
        alike = list(alike)
        name, last = alike[0].model.steps[-1]
        if not hasattr(last, "fit") or clone(last) is last:
            yield _Reaching(alike, last)
            continue
        first, reached = alike[0].model, Reached(last)
        try:
            first.steps[-1] = name, reached
            y, params_of_fit = deepcopy((targets, params))
            start = perf_counter()
            seconds = prefixes.fit(first, (X, *y), params_of_fit)
            total = perf_counter() - start
        except Exception:  # of each fit
            yield _Reaching(alike, last)
            continue
        first.steps[-1] = name, "passthrough"
        shares = [users[path[: depth + 2]] for depth in _fitted_steps(first)]
        if len(seconds) != len(shares):  # a Pipeline of another class, which asks for no memory
            seconds, shares = [total], [len(alike)]
        before = sum(time / share for time, share in zip(seconds, shares, strict=True))
        settings = [last, *(plan.model.steps[-1][1] for plan in alike[1:])]
        lasts = [Fit(one.get_params(deep=False), **reached.data) for one in settings]
        yield _Reaching(alike, last, lasts, first, prefixes, before)


def _fit_last(reaching, pairs):
    """Fit the last steps of Pipelines, all of which may be fitted together."""
    # An estimator's ``fit_many`` gets all that differ in parameters only.
    estimators: dict[Hashable, BaseEstimator] = {}
    lasts, whose = [], []
    for one in reaching:
        estimator = estimators.setdefault(one.plans[0].path[-1], one.last)
        lasts += [(estimator, fit) for fit in one.lasts]
        whose += [(one, plan.position) for plan in one.plans]
    for place, fitted in fit_together(lasts):
        one, position = whose[place]
        before = fitted.before + one.before
        shared = one.first, one.prefixes, pairs[position]
        yield position, Fitted(fitted.model(), fitted.stopwatch, before, *shared)


def _fitted_steps(pipeline):
    """Return the positions of the steps before the last that are not passed by."""
    steps = enumerate(step for _, step in pipeline.steps[:-1])
    return [position for position, step in steps if step not in (None, "passthrough")]
