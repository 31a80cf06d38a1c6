"""Baselines for a table: tuned, compared on the same splits, and checked for leaks."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from difflib import get_close_matches
from numbers import Integral, Real
from time import perf_counter
from typing import Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import check_scoring, get_scorer_names

from sklearn_modern._core.optional import import_optional
from sklearn_modern._core.warning import warn_user
from sklearn_modern._inputs.levels import ranks_of
from sklearn_modern._inputs.validation import check_lengths, check_weights
from sklearn_modern.device import resolve_device
from sklearn_modern.metrics._scorers import SCORERS
from sklearn_modern.model_selection._leaks import find_leaks
from sklearn_modern.model_selection._nested_cv import NestedCV
from sklearn_modern.model_selection._nested_stages import fit_in_stages, prepared
from sklearn_modern.report._catalogue import BASELINE, Context, labels_of, models_for
from sklearn_modern.report._findings import missing_classes, reason_of, warnings_of_stages
from sklearn_modern.report._metrics import metric_of_scoring, scoring_of
from sklearn_modern.report._report import TabularReport
from sklearn_modern.report._results import build_results, timings
from sklearn_modern.report._source import Source
from sklearn_modern.report._tables import read_table
from sklearn_modern.report._tasks import (
    Task,
    check_rows,
    check_target,
    read_target,
    settle_task,
)

__all__ = ["Settings", "make_report", "tabular_baselines"]

# Of the budget, the fit of the best model to all rows included; the rest is for what the report
# computes of the fits.
_FOR_FITS = 0.9


@dataclass(frozen=True)
class Settings:
    """The arguments of :func:`tabular_baselines`, but for the data."""

    task: str = "auto"
    models: Any = "default"
    outer_cv: Any = 5
    inner_cv: Any = 3
    scoring: Any = None
    time_budget: float | None = None
    n_jobs: int | None = None
    device: Any = "auto"
    random_state: int | None = 0
    checkpoint: Any = None
    verbose: int = 1


def tabular_baselines(
    X: Any,
    y: Any,
    *,
    task: str = "auto",
    models: Any = "default",
    outer_cv: Any = 5,
    inner_cv: Any = 3,
    scoring: Any = None,
    groups: Any = None,
    sample_weight: Any = None,
    time_budget: float | None = None,
    n_jobs: int | None = None,
    device: Any = "auto",
    random_state: int | None = 0,
    checkpoint: Any = None,
    verbose: int = 1,
) -> TabularReport:
    """Compare tuned baselines on a table, and say how sure the comparison is.

    Leaks are looked for before anything is fitted, and are warned of. Then all models are tuned by
    inner splits and scored on outer ones, which are the same for all: see
    :class:`sklearn_modern.model_selection.NestedCV`. Columns of text and categories, and missing
    values, go in as they are.

    Parameters
    ----------
    X : DataFrame or array-like of shape (n_samples, n_features)
        The table.
    y : array-like of shape (n_samples,)
        What is to be predicted: labels, numbers, or an ordered pandas Categorical.
    task : {"auto", "classification", "regression", "ordinal"}, default="auto"
        What y is. "auto" takes labels, and whole numbers of at most 10 different values, for
        classes, ordered categories for levels, and other numbers for numbers; it says so.
    models : str, list of str or mapping, default="default"
        "fast" is a dummy, a linear model and boosting; "default" also has a random forest and a
        neural network; "all" has boosting by each library. Or a list of names, or a mapping of
        models as ``NestedCV`` takes them, to which a dummy is added. Of levels, "default" has an
        ordinal logit, boosting, a random forest, and networks by CORAL and CORN.
    outer_cv, inner_cv : int, splitter or iterable, default=5 and 3
        The splits, as for ``NestedCV``.
    scoring : str, callable or None, default=None
        One scorer; None is the log-loss of classes, the RMSE of numbers, and the mean absolute
        error of the ranks of levels.
    groups : array-like of shape (n_samples,), default=None
        Rows of one group stay together.
    sample_weight : array-like of shape (n_samples,), default=None
        Weights of the rows, for fits and scores; for fits only with older versions of scikit-learn,
        whose searches do not weight scores.
    time_budget : float, default=None
        Minutes, for all fits, that of the best model to all rows, and the report. Models go in the
        order of their cost; one whose first fits predict that there is no time for all of them is
        left out, and the report says how long it would take.
    n_jobs : int or None, default=None
        Number of processes. None is one, in which models use all cores.
    device : str, default="auto"
        Where networks and boosters are trained.
    random_state : int or None, default=0
        Decides the splits, and seeds the models.
    checkpoint : path-like or None, default=None
        A file that records each fit; the same call goes on from it.
    verbose : int, default=1
        Whether to say what is done, and to show a bar.

    Returns
    -------
    TabularReport
        The report. After Ctrl-C it is about the models that were done by then.

    Examples
    --------
    >>> from sklearn.datasets import load_wine
    >>> from sklearn_modern.report import tabular_baselines
    >>> X, y = load_wine(return_X_y=True, as_frame=True)
    >>> report = tabular_baselines(X, y, models=["linear"], verbose=0)
    >>> report.table()["log-loss"].round(1).to_dict()
    {'linear': 0.1, 'dummy': 1.1}
    """
    settings = Settings(
        task, models, outer_cv, inner_cv, scoring, time_budget, n_jobs, device, random_state
    )
    settings = replace(settings, checkpoint=checkpoint, verbose=verbose)
    return make_report(X, y, settings, Source(), groups=groups, sample_weight=sample_weight)


def make_report(
    X: Any,
    y: Any,
    settings: Settings,
    source: Source,
    *,
    groups: Any = None,
    sample_weight: Any = None,
    say: Callable[[str], None] = print,
    warn: Callable[[str], None] = warn_user,
) -> TabularReport:
    """Check the data, look for leaks, fit all models, and make the report.

    Parameters
    ----------
    X, y : array-like
        The data.
    settings : Settings
        What to do.
    source : Source
        Where the data come from.
    groups, sample_weight : array-like or None
        Groups and weights of rows.
    say, warn : callable
        What is called to tell of the work, and of leaks.
    """
    began = perf_counter()
    say = say if settings.verbose else (lambda text: None)
    _check(settings)
    data = _read(X, y, settings, groups, sample_weight)
    say(f"{data.task.kind}: {data.task.reason} {data.task.overrule}")
    scoring, metric = _scoring(settings, data)
    study = _study(data, settings, scoring, metric)
    found = _found_before_fits(study, data)
    for one in found:
        warn(str(one))
    fits_began = perf_counter()
    nested, stages = _fitted(study, settings, began)
    fits_seconds = perf_counter() - fits_began
    for text in warnings_of_stages(stages):
        found.append(text)
        warn(text)
    results = build_results(
        nested,
        data.X,
        data.y,
        task=data.task,
        metric=metric,
        stages=stages,
        found=found,
        groups=data.groups,
        name=source.name,
        dropped=source.dropped,
        timings=timings(fits=fits_seconds, budget=settings.time_budget),
        reproduce={"command": source.command, "code": _code(source, settings, data)},
        labels=labels_of(settings.models, [stage.name for stage in stages], data.task.kind),
    )
    results["timings"]["total_seconds"] = round(perf_counter() - began, 3)
    return TabularReport(nested, results, found, data.y)


@dataclass(frozen=True)
class _Data:
    """The data, checked, and what there is to predict."""

    X: Any
    y: Any
    task: Task
    groups: Any
    sample_weight: Any


def _check(settings):
    budget = settings.time_budget
    if budget is not None and not (isinstance(budget, Real) and budget > 0):
        raise ValueError(f"time_budget={budget!r} must be a positive number of minutes, or None.")
    if settings.device != "auto":
        resolve_device(settings.device)  # says what is wrong with it, before the first fit
    n_jobs = settings.n_jobs
    if n_jobs is not None and not (isinstance(n_jobs, Integral) and n_jobs):
        raise ValueError(f"n_jobs={n_jobs!r} must be a number of processes, -1 for all, or None.")
    if settings.checkpoint is not None and settings.random_state is None:
        raise ValueError(
            "checkpoint needs a random_state, or the next call draws other splits and cannot go on "
            "from it; take random_state=0."
        )


def _read(X, y, settings, groups, sample_weight):
    """Return the data, checked, of which the target says first what is wrong with it."""
    check_lengths(X, y)
    y, name = read_target(y)
    check_rows(len(y), settings.outer_cv, settings.inner_cv)
    task = settle_task(y, settings.task, name)
    check_target(y, task, settings.outer_cv, settings.inner_cv)
    X = read_table(X)
    return _Data(X, y, task, _checked_groups(groups, X), _checked_weights(sample_weight, X))


def _checked_groups(groups, X):
    """Return groups, one a row, that are known and can be told apart."""
    if groups is None:
        return None
    pandas = import_optional("pandas", extra="report", feature="A report")
    if np.shape(groups) != (len(X),):
        raise ValueError(
            f"groups has the shape {np.shape(groups)}; expected ({len(X)},), one group for each "
            "row."
        )
    series = pandas.Series(np.asarray(groups, dtype=object))
    if missing := int(series.isna().sum()):
        raise ValueError(
            f"groups is missing in {missing} of {len(X)} rows; remove these rows, or give each of "
            "them a group of its own."
        )
    values = series.infer_objects().to_numpy()
    if values.dtype == object and len(kinds := {type(value).__name__ for value in values}) > 1:
        raise ValueError(
            f"groups mixes {' and '.join(sorted(kinds))}; make all of them text, or all numbers."
        )
    return groups


def _checked_weights(sample_weight, X):
    if sample_weight is None:
        return None
    return check_weights(sample_weight, len(X), dtype=np.float64)


def _scoring(settings, data):
    """Return the scorer by its name, and what it measures; it must be able to score the target."""
    scoring, name = scoring_of(settings.scoring, data.task.kind, data.task.classes)
    _check_scoring(scoring[name], name, data)
    return scoring, metric_of_scoring(name, scoring)


def _check_scoring(scorer, name, data):
    """Refuse a scorer that cannot score the target, by that of a dummy."""
    if isinstance(scorer, str) and scorer not in get_scorer_names():
        meant = get_close_matches(scorer, [*SCORERS, *get_scorer_names()], n=1)
        hint = f" did you mean {meant[0]!r}?" if meant else ""
        raise ValueError(
            f"scoring={scorer!r} names no scorer;{hint} sklearn.metrics.get_scorer_names() lists "
            f"those of scikit-learn, and ours are {', '.join(SCORERS)}."
        )
    X, y, kind = data.X, data.y, data.task.kind
    dummy = models_for([BASELINE], Context(kind, X, "auto", None, None))[BASELINE]
    try:
        check_scoring(dummy, scoring=scorer)(dummy.fit(X, y), X, y)
    except Exception as error:  # whatever a scorer of the user's raises
        reason = reason_of(error)
        raise ValueError(f"scoring={name!r} cannot score this {kind}: {reason}") from error


def _study(data, settings, scoring, metric):
    """Return the work, with its splits drawn."""
    context = Context(
        data.task.kind, data.X, settings.device, settings.n_jobs, settings.random_state
    )
    nested = NestedCV(
        models_for(settings.models, context),
        outer_cv=settings.outer_cv,
        inner_cv=settings.inner_cv,
        scoring=scoring,
        refit=metric.scoring,
        n_jobs=settings.n_jobs,
        random_state=settings.random_state,
        checkpoint=settings.checkpoint,
        verbose=settings.verbose,
    )
    weights = {} if data.sample_weight is None else {"sample_weight": data.sample_weight}
    with warnings.catch_warnings():
        # What is wrong with the splits is among the findings.
        warnings.filterwarnings("ignore", "Of the outer splits", UserWarning)
        return prepared(nested, data.X, data.y, data.groups, weights)


def _found_before_fits(study, data):
    """Look for leaks, and for classes that a split cannot learn."""
    splits = [split.rows for split in study.work.outer]
    y = data.y
    if data.task.kind == "ordinal":
        y = ranks_of(y, np.asarray(data.task.classes))
    leaks = find_leaks(data.X, y, cv=splits, groups=data.groups)
    return [*leaks, *missing_classes(data.y, splits, data.task.classes)]


def _fitted(study, settings, began):
    """Fit all models, as far as the time goes."""
    if settings.time_budget is not None:
        left = 60 * settings.time_budget * _FOR_FITS - (perf_counter() - began)
        study.nested.set_params(timeout=max(left, 0.01))
    with warnings.catch_warnings():
        # Of trainings that use up their iterations a candidate's score tells enough.
        warnings.filterwarnings("ignore", category=ConvergenceWarning)
        return fit_in_stages(study, keep_models=True)


def _code(source, settings, data):
    """Return the code that makes the report again; what has no text stands there by its name."""
    given = {"groups": data.groups, "sample_weight": data.sample_weight}
    asked = {"task": data.task.kind} | {
        name: _plain(value)
        for name, value in vars(settings).items()
        if name not in ("task", "checkpoint", "verbose")
    }
    default = Settings()
    texts = {
        name: value
        for name, value in asked.items()
        if _has_text(value) and (name == "task" or value != getattr(default, name))
    }
    names = {name: value for name, value in asked.items() if not _has_text(value)}
    by_name = [
        *names,
        *(name for name in given if source.words is None and given[name] is not None),
    ]
    if by_name:
        verb = "is" if len(by_name) == 1 else "are"
        note = f"# {' and '.join(by_name)} {verb} as in the call, too."
        source = replace(source, load=f"{source.load}\n{note}")
    return source.code(texts, names | given)


def _plain(value):
    """Return numpy's numbers and texts as those of Python, whose repr is code everywhere."""
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return value.item() if isinstance(value, np.generic) else value


def _has_text(value):
    plain = (str, int, float, type(None))
    values = value if isinstance(value, list) else [value]
    return all(isinstance(one, plain) for one in values)
