"""A nested cross-validation that goes from model to model, as far as the time allows."""

from contextlib import closing
from dataclasses import dataclass, replace
from time import monotonic
from typing import Any

import numpy as np
from joblib import effective_n_jobs

from sklearn_modern._core.scikit_learn import num_samples
from sklearn_modern._fits.folds import Task
from sklearn_modern.model_selection._nested_study import Study, open_run
from sklearn_modern.model_selection._outcomes import Run, named_error

__all__ = ["Stage", "fit_in_stages", "prepared"]

Outcomes = dict[Task, dict[str, Any]]


@dataclass(frozen=True)
class Stage:
    """What became of a model.

    Parameters
    ----------
    name : str
        The model.
    status : {"done", "not started", "stopped", "failed"}
        "not started" are those for which there was no time: at most a first fit was measured.
    why : str or None, default=None
        Why it is not done.
    predicted_seconds : float or None, default=None
        How long all of its fits take, by those that were measured.
    models : list or None, default=None
        The outer models, if they were to be kept; None stands for those of fits that a checkpoint
        had.
    """

    name: str
    status: str
    why: str | None = None
    predicted_seconds: float | None = None
    models: list[Any] | None = None


def prepared(
    nested: Any, X: Any, y: Any, groups: Any = None, metadata: dict[str, Any] | None = None
) -> Study:
    """Return the work of a nested cross-validation, checked, and with its splits drawn.

    Parameters
    ----------
    nested : NestedCV
        The settings, with a mapping of models in the order in which they are to be fitted.
    X, y : array-like
        The data.
    groups : array-like, default=None
        Groups of rows.
    metadata : dict, default=None
        Further arguments of ``fit``.
    """
    return nested._study(X, y, groups, metadata or {})


def fit_in_stages(study: Study, *, keep_models: bool = False) -> tuple[Any, list[Stage]]:
    """Do the work of a nested cross-validation, one model after the other.

    All models see the same splits, and the results are those of ``nested.fit``. But a model that
    fails, or for which there is no time, costs only itself; and after Ctrl-C there is what was done
    until then. With ``timeout``, the first fit of a model is measured, and then those of its
    candidates on the first split. A model is left out if the others would take longer than what is
    left. All that was measured counts, and is recorded in a checkpoint. Time is kept for what comes
    afterwards, if the model is the best: its fit to all rows, by ``final_estimator``.

    Parameters
    ----------
    study : Study
        The work.
    keep_models : bool, default=False
        Whether to keep the outer models, which then stand in the stages. Time is kept for fitting
        those again that a checkpoint has not recorded.

    Returns
    -------
    fitted : NestedCV
        The nested cross-validation of the models that are done.
    stages : list of Stage
        What became of each model.

    Raises
    ------
    KeyboardInterrupt
        After Ctrl-C, if no model is done.
    ValueError
        If all models fail.
    """
    with closing(open_run([study])) as run:
        deadline, run.deadline = run.deadline, None
        work = _Work(study, run, deadline, keep_models=keep_models)
        for name in [model.name for model in study.work.models]:
            work.fit(name)
    return work.fitted(), work.stages


class _Work:
    """What is done, and what became of each model."""

    def __init__(
        self, study: Study, run: Run, deadline: float | None, *, keep_models: bool
    ) -> None:
        self.study, self.run, self._deadline = study, run, deadline
        self._keep = ("models",) if keep_models else ()
        self._best_score, self._afterwards = -np.inf, 0.0
        self.inner: Outcomes = {}
        self.outer: Outcomes = {}
        self.stages: list[Stage] = []
        self._ended_by: str | None = None  # which ends all other models, too
        self._interrupt: KeyboardInterrupt | None = None
        self._error: Exception | None = None

    @property
    def deadline(self) -> float | None:
        """When the fits must be done, so that there is time for the best one afterwards."""
        return None if self._deadline is None else self._deadline - self._afterwards

    def fit(self, name: str) -> None:
        """Fit a model, and say what became of it."""
        self._predicted: float | None = None
        self._models: list[Any] | None = None
        status, why = "not started", self._ended_by
        if self.deadline is not None and monotonic() >= self.deadline:
            why = why or "The time was over."
        if why is None:
            try:
                status, why = self._evaluate(self.study.of_models([name]))
            except TimeoutError:
                status, why = "stopped", "The time was over before all of its fits were done."
            except KeyboardInterrupt as interrupt:
                status, why, self._interrupt = "stopped", "It was interrupted.", interrupt
                self._ended_by = "The work was interrupted before."
            except ValueError as error:  # fits failed, or all candidates on some split
                self._error = self._error or error
                status, why = "failed", named_error(str(error))
        self.stages.append(Stage(name, status, why, self._predicted, self._models))

    def fitted(self) -> Any:
        """Return the nested cross-validation of the models that are done."""
        done = [stage.name for stage in self.stages if stage.status == "done"]
        if not done:
            raise self._interrupt or self._error or self._refusal()
        part = self.study.of_models(done)
        part.choose(self.inner)
        return part.nested._learn(part, part.tables(self.outer))

    def _refusal(self):
        return TimeoutError(
            f"No model was done in {self.study.nested.timeout:.3g} seconds; give it more time."
        )

    def _evaluate(self, part):
        """Do all fits of a model, unless they would take too long."""
        if not part.inner_job().tasks:  # nothing to choose: what is fitted is known already
            part.choose({})
        if self.deadline is not None and not self._fits_in(part):
            return "not started", "It would take longer than the time that was left."
        self.run.deadline = self.deadline
        try:
            (inner,) = self.run.outcomes("inner", part.inner_job())
            part.choose(inner)
            (outer,) = self.run.outcomes("outer", part.outer_job(*self._keep))
        finally:
            self.run.deadline = None
        if errors := [one["fit_error"] for one in outer.values() if one["fit_error"] is not None]:
            raise ValueError(
                f"{len(errors)} of {len(outer)} outer fits failed: {named_error(errors[0])}"
            )
        self._refuse_missing_scores(list(outer.values()))
        self.inner |= inner
        self.outer |= outer
        self._keep_time_for(part, inner, outer)
        if self._keep:
            ((_, self._models),) = part.tables(outer).models().items()
        return "done", None

    def _keep_time_for(self, part, inner, outer):
        """Keep the time that a model takes afterwards, if it is the best until now."""
        score = np.mean([one["test_scores"][part.metric] for one in outer.values()])
        if score <= self._best_score:
            return
        self._best_score = score
        fits = [*inner.values(), *outer.values()]
        self._afterwards = _seconds(fits) / len(part.work.outer) * _growth(part)
        if self._keep:
            self._afterwards += sum(
                one["fit_time"] for one in outer.values() if one.get("model") is None
            )

    def _refuse_missing_scores(self, outcomes):
        """Take a model without a score on each outer split for failed: no mean can rank it."""
        missing = [
            one for one in outcomes if not np.isfinite(list(one["test_scores"].values())).all()
        ]
        if missing:
            errors = [one["score_error"] for one in missing if "score_error" in one]
            why = named_error(errors[0]) if errors else "the scorer returned NaN or infinity."
            raise ValueError(f"{len(missing)} of {len(outcomes)} outer scores are missing: {why}")

    def _fits_in(self, part):
        """Measure a first fit, then those of a first split, and predict how long the others take.

        Fits of one split share work, so that the first alone predicts too much.
        """
        name, job = "inner", part.inner_job()
        n_later = part.work.n_outer
        if not job.tasks:
            name, job, n_later = "outer", part.outer_job(*self._keep), 0
        of_split = [task for task in job.tasks if task[1] == job.tasks[0][1]]
        for sample in (job.tasks[:1], of_split):
            (found,) = self.run.outcomes(name, replace(job, tasks=sample))
            seconds = _seconds(found.values())
            n_left = n_later + sum(not self.run.is_done(name, 0, task) for task in job.tasks)
            each = seconds / len(sample)
            rest = each * n_left / min(effective_n_jobs(self.run.n_jobs), max(n_left, 1))
            self._predicted = seconds + rest
            # If it is the best, it is fitted to all rows, in this process.
            final = (seconds + each * n_left) / len(part.work.outer) * _growth(part)
            time_left = self._deadline - max(self._afterwards, final) - monotonic()
            if rest <= time_left or each * len(of_split) > time_left:
                return rest <= time_left
        return False


def _seconds(outcomes):
    """Return how long fits and their scores took."""
    return sum(one["fit_time"] + one["score_time"] for one in outcomes)


def _growth(study):
    """Return how many times as many rows there are as an outer split has to train."""
    n_train = np.mean([len(split.rows[0]) for split in study.work.outer])
    return num_samples(study.X) / n_train
