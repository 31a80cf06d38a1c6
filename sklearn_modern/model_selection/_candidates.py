"""Searches whose candidates are known before the first is fitted."""

from abc import abstractmethod
from collections.abc import Sequence
from contextlib import closing
from dataclasses import KW_ONLY
from itertools import product
from numbers import Integral
from os import PathLike
from typing import Any

import numpy as np

from sklearn_modern._core.checkpoint import Checkpoint
from sklearn_modern._core.estimator import estimator
from sklearn_modern._core.progress import ProgressBar
from sklearn_modern._core.same import fingerprint
from sklearn_modern._core.scikit_learn import Interval, MultimetricScorer, StrOptions
from sklearn_modern._core.warning import warn_user
from sklearn_modern._fits.folds import Job, Setting
from sklearn_modern.model_selection._choice import ONE_STANDARD_ERROR
from sklearn_modern.model_selection._outcomes import Run
from sklearn_modern.model_selection._racing import RACES, best_possible
from sklearn_modern.model_selection._search import NOTHING_TO_FIT, SharingSearchCV

__all__ = ["CandidateSearchCV"]


@estimator
class CandidateSearchCV(SharingSearchCV):
    """A search among candidates, which may race, and goes on from a checkpoint.

    Parameters
    ----------
    racing : {"exact", "anova"} or None, default=None
        Whether candidates leave that have become hopeless. "exact" finds the winner that the whole
        search finds: the leader is finished first, and whoever cannot have its mean any more, even
        with the best possible scores, leaves. It needs a scorer whose best possible score is known.
        "anova" lets those leave that are significantly behind the leader, and may err.
    burn_in : int, default=3
        On how many splits all candidates are evaluated before the first leaves.
    checkpoint : path-like or None, default=None
        A file that records each fit. If it exists, the same search goes on where it was. Each
        search needs a file of its own.
    """

    _: KW_ONLY
    racing: str | None = None
    burn_in: int = 3
    checkpoint: Any = None

    _parameter_constraints = {
        "racing": [StrOptions(set(RACES)), None],
        "burn_in": [Interval(Integral, 1, None, closed="left")],
        "checkpoint": [str, PathLike, None],
    }

    @abstractmethod
    def _candidates(self) -> Sequence[dict[str, Any]]:
        """Return the parameters of all candidates."""

    def _run_search(self, evaluate_candidates, *, callback_ctx):
        candidates = list(self._candidates())
        context = callback_ctx.subcontext(
            task_name="search",
            max_subtasks=len(candidates) * self.n_splits_,
            sequential_subtasks=False,
        ).call_on_fit_task_begin(estimator=self)
        evaluate_candidates(candidates, callback_ctx=context)
        context.call_on_fit_task_end(estimator=self)

    def _check_settings(self):
        super()._check_settings()
        ours = ("racing", "checkpoint", "timeout")
        given = [name for name in ours if getattr(self, name, None) is not None]
        if given and self._has_callbacks():
            raise ValueError(f"Callbacks are told of every fit; take {given[0]}=None.")
        several = isinstance(self.scoring, (list, tuple, dict))
        if self.racing and several and not isinstance(self.refit, str):
            raise ValueError(
                f"racing={self.racing!r} needs to know which of the scores decides; name it by "
                f"refit, which is {self.refit!r}."
            )
        chooses_itself = callable(self.refit) or self.refit == ONE_STANDARD_ERROR
        if self.racing == "exact" and chooses_itself:
            raise ValueError(
                f"racing='exact' finds the candidate with the best mean, but refit={self.refit!r} "
                "needs the scores of others, too; take racing=None."
            )

    def _evaluate_all(self, base, folds, metric, fit_params):
        """Return the candidates, what came of each on each split, and more for the results."""
        candidates = list(self._candidates())
        if not candidates:
            raise ValueError(NOTHING_TO_FIT)
        settings = [Setting(base, params, fit_params) for params in candidates]
        n_splits = len(folds.splits)
        if self.racing and n_splits <= self.burn_in:
            raise ValueError(
                f"racing={self.racing!r} needs more splits than burn_in={self.burn_in}, on which "
                f"all candidates are evaluated, but cv has {n_splits}."
            )
        bound = self._bound(folds.scorer, metric, settings)
        with closing(self._run(folds, settings)) as run:
            if bound is None:
                outcomes = self._evaluate(run, folds, settings)
                n_candidates = len(outcomes) // n_splits
                return candidates[:n_candidates], outcomes, {}
            scores, outcomes = np.full((len(settings), n_splits), np.nan), {}
            name = self.refit if isinstance(self.refit, str) else metric

            def evaluate(tasks):
                (found,) = run.outcomes("search", Job(folds, settings, tasks))
                outcomes.update(found)
                for task, outcome in found.items():
                    score = outcome["test_scores"]
                    scores[task] = score[name] if isinstance(score, dict) else score

            race = RACES[self.racing](scores, self.burn_in, bound)
            race.run(evaluate)
            return candidates, outcomes, {"n_splits_done": race.n_done}

    def _evaluate(self, run, folds, settings):
        """Evaluate all settings on all splits."""
        tasks = product(range(len(folds.splits)), range(len(settings)))
        job = Job(folds, settings, [(i, split) for split, i in tasks])
        (outcomes,) = run.outcomes("search", job)
        return outcomes

    def _run(self, folds, settings):
        """Open the checkpoint and the bar."""
        checkpoint = None
        if self.checkpoint is not None:
            given = [setting.fit_params for setting in settings[:1]]
            made_of = {
                "the data": fingerprint(folds.X, folds.y, given, folds.score_params),
                "the estimator": fingerprint(settings[0].estimator),
                "the candidates": fingerprint([setting.params for setting in settings]),
                "the splits": fingerprint(folds.splits),
                "the settings": fingerprint(
                    self.scoring, self.error_score, self.return_train_score
                ),
            }
            checkpoint = Checkpoint(self.checkpoint, made_of)
        bar = ProgressBar() if self.verbose else None
        return Run(
            self.n_jobs, self.pre_dispatch, checkpoint, None, bar, len(settings) * len(folds.splits)
        )

    def _bound(self, scorers, metric, settings):
        """Return the best score that there can be if there is a race, else None."""
        if self.racing != "exact":
            return None if self.racing is None else np.inf
        scorer = scorers._scorers.get(metric) if isinstance(scorers, MultimetricScorer) else scorers
        models = []
        for setting in settings:
            try:
                models.append(setting.clone())
            except Exception:  # the fit raises it again
                continue
        bound = best_possible(scorer, models)
        if bound is None:
            warn_user(
                "racing='exact' needs to know the best possible score, which it does not for "
                f"scoring={self.scoring!r}: all candidates are evaluated on all splits."
            )
            return None
        return bound if isinstance(self.error_score, str) else np.nanmax([bound, self.error_score])
