"""A nested cross-validation of one data set, from its arguments to what came of its fits."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from copy import copy
from dataclasses import replace
from time import monotonic
from typing import Any

import numpy as np
from sklearn.base import clone, is_classifier
from sklearn.utils import check_random_state, indexable

from sklearn_modern._core.checkpoint import Checkpoint
from sklearn_modern._core.progress import ProgressBar
from sklearn_modern._core.same import fingerprint
from sklearn_modern._core.scikit_learn import num_samples
from sklearn_modern._core.warning import warn_user
from sklearn_modern._fits.folds import Folds, Job
from sklearn_modern._fits.scorers import deciding_metric, in_one, scorers_of
from sklearn_modern._inputs.validation import warn_of_other_order
from sklearn_modern.model_selection._leaks import leaks_of_splits
from sklearn_modern.model_selection._models import Model, models_of
from sklearn_modern.model_selection._nested_tables import Tables
from sklearn_modern.model_selection._nested_work import Work, routed_to
from sklearn_modern.model_selection._outcomes import Describe, Run, warn_of_failed_fits
from sklearn_modern.model_selection._outer_splits import (
    nested_splits,
    pair_splits,
    refuse_other_folds,
)
from sklearn_modern.model_selection._row_scores import refuse_other_scores

__all__ = ["Study", "on_data_set", "open_run", "run_studies", "scorers_of_models"]


class Study:
    """What there is to do for a nested cross-validation of one data set, and what came of it.

    Parameters
    ----------
    nested : NestedCV
        The settings.
    X, y : array-like
        The data; y may be None.
    groups : array-like or None
        Groups of rows.
    metadata : dict
        Further arguments of ``fit``.
    name : str, default=""
        Name of the data set, for messages.

    Attributes
    ----------
    X, y, groups : array-like
        The data, of which rows can be taken.
    scorers : dict of str to scorer
        How fits are scored.
    metric : str
        The scorer that decides.
    routed : Routed
        Arguments of ``fit`` by where they go.
    work : Work
        The fits.
    """

    def __init__(
        self,
        nested: Any,
        X: Any,
        y: Any,
        groups: Any,
        metadata: dict[str, Any],
        name: str = "",
    ) -> None:
        self.nested, self.name, self.groups, self._metadata = nested, name, groups, metadata
        X, y = self.X, self.y = indexable(X, y)
        warn_of_other_order(X, y)
        models = models_of(nested.models, nested.inner_cv, nested.scoring, nested.refit)
        kinds = {is_classifier(model.estimator) for model in models}
        if len(kinds) > 1:
            raise ValueError("models has classifiers and others, whose scores cannot be compared.")
        self.scorers = scorers_of_models(models, nested.scoring, nested.interval)
        self.metric = deciding_metric(self.scorers, nested.refit)
        self._scorer = in_one(self.scorers, raise_exc=False)
        self.routed = routed_to(nested, models, self._scorer, groups, metadata)
        self.work = self._work(models, kinds.pop())

    def made_of(self) -> dict[str, str]:
        """Return fingerprints of what decides the results."""
        nested, work = self.nested, self.work
        models = [(one.name, clone(one.estimator), one.candidates) for one in work.models]
        splits = [(split.rows, split.inner) for split in work.outer]
        of_data = f" of {self.name!r}" if self.name else ""
        return {
            f"the data{of_data}": fingerprint(self.X, self.y, self.groups, self._metadata),
            f"the models{of_data}": fingerprint(models),
            f"the splits{of_data}": fingerprint(splits),
            "the settings": fingerprint(nested.scoring, nested.refit, sorted(nested.keep)),
        }

    def of_models(self, names: Sequence[str]) -> "Study":
        """Return the part of the work that is about some of the models, with the same splits."""
        known = [model.name for model in self.work.models]
        places = [known.index(name) for name in names]
        part, nested = copy(self), self.nested
        given = nested.models if isinstance(nested.models, Mapping) else {known[0]: nested.models}
        params = nested.get_params(deep=False) | {"models": {name: given[name] for name in names}}
        part.nested = type(nested)(**params)
        part.work = self.work.of_models(places)
        part.routed = replace(
            self.routed, of_models=[self.routed.of_models[place] for place in places]
        )
        return part

    def inner_job(self) -> Job:
        """Return the fits among which the inner splits choose."""
        work = self.work
        folds = Folds(
            self.X,
            self.y,
            work.inner_rows,
            self._scorer,
            self.routed.of_scorer,
            np.nan,
            False,
            describe=_nothing_more,  # but for errors of the scorer
        )
        return Job(folds, work.settings, work.inner_tasks)

    def choose(self, inner: dict) -> None:
        """Choose by what came of the inner fits."""
        self._warn_of_failed_fits(inner)
        self._inner, self._chosen = inner, self.work.chosen(inner, self.metric)

    def outer_job(self, *keep: str) -> Job:
        """Return the fits of what was chosen; ``keep`` is what to keep besides what is asked."""
        of_rows = () if self.nested.interval == "corrected-t" else ("predictions",)
        folds = Folds(
            self.X,
            self.y,
            [split.rows for split in self.work.outer],
            self._scorer,
            self.routed.of_scorer,
            np.nan,
            True,
            Describe((*self.nested.keep, *of_rows, *keep)),
        )
        tasks = [(setting, split) for (_, split), setting in self._chosen.items()]
        return Job(folds, self.work.settings, tasks)

    def tables(self, found: dict) -> Tables:
        """Return what is to be read from all fits."""
        self._warn_of_failed_fits(found)
        return Tables(self.work, self.nested.scoring, self._inner, self._chosen, found)

    def _work(self, models, classifier):
        """Draw the splits."""
        nested, X, y, groups = self.nested, self.X, self.y, self.groups
        of_splits = self.routed.of_splits
        random = check_random_state(nested.random_state)
        outer = nested_splits(
            X,
            y,
            nested.outer_cv,
            nested.inner_cv,
            nested.repeats,
            of_splits,
            classifier=classifier,
            random=random,
        )
        for leak in leaks_of_splits(X, y, [split.rows for split in outer], groups):
            warn_user(f"Of the outer splits{self._of_data_set()}: {leak}")
        pairs = []
        if nested.interval == "bates":
            if groups is not None:
                raise ValueError("interval='bates' takes rows for independent, and no groups.")
            refuse_other_folds(outer, nested.repeats, num_samples(X))
            pairs = pair_splits(
                outer, X, y, nested.inner_cv, of_splits, classifier=classifier, random=random
            )
        return Work(models, self.routed.of_models, outer, pairs)

    def _warn_of_failed_fits(self, outcomes):
        warn_of_failed_fits(outcomes.values(), self._of_data_set())

    def _of_data_set(self):
        return f" of data set {self.name!r}" if self.name else ""


def run_studies(studies: Sequence[Study]) -> list[Tables]:
    """Do the work of studies with the same settings in one queue, and return what came of each."""
    with closing(open_run(studies)) as run:
        of_inner = run.outcomes("inner", *(study.inner_job() for study in studies))
        for study, inner in zip(studies, of_inner, strict=True):
            with on_data_set(study.name):
                study.choose(inner)
        of_outer = run.outcomes("outer", *(study.outer_job() for study in studies))
    tables = []
    for study, found in zip(studies, of_outer, strict=True):
        with on_data_set(study.name):
            tables.append(study.tables(found))
    return tables


def scorers_of_models(models: Sequence[Model], scoring: Any, interval: str) -> dict[str, Any]:
    """Return the scorers by name, which all models must be able to serve."""
    found = [scorers_of(model.estimator, scoring) for model in models]
    if interval != "corrected-t":
        refuse_other_scores(models, found[0], interval)
    return found[0]


@contextmanager
def on_data_set(name: str) -> Iterator[None]:
    """Let errors say on which data set they were met."""
    try:
        yield
    except Exception as error:
        if name:
            error.add_note(f"This is about data set {name!r}.")
        raise


def open_run(studies: Sequence[Study]) -> Run:
    """Open the checkpoint and the bar; the deadline is that of the first study's ``timeout``."""
    nested, checkpoint = studies[0].nested, None
    if nested.checkpoint is not None:
        made_of: Mapping[str, str] = {"the data sets": fingerprint([one.name for one in studies])}
        for study in studies:
            made_of |= study.made_of()
        checkpoint = Checkpoint(nested.checkpoint, made_of)
    deadline = None if nested.timeout is None else monotonic() + nested.timeout
    bar = ProgressBar() if nested.verbose else None
    n_fits = sum(study.work.n_fits for study in studies)
    return Run(nested.n_jobs, "2*n_jobs", checkpoint, deadline, bar, n_fits)


def _nothing_more(fitted, X):
    """Return what there is to record of an inner fit besides its scores."""
    return {}
