"""A search that learns from what it has tried, by Optuna."""

import json
from collections.abc import Mapping
from contextlib import contextmanager
from dataclasses import KW_ONLY
from numbers import Integral, Real
from time import monotonic
from typing import Any

import numpy as np
from sklearn.utils import check_random_state

from sklearn_modern._core.estimator import estimator
from sklearn_modern._core.optional import import_optional
from sklearn_modern._core.progress import ProgressBar
from sklearn_modern._core.same import fingerprint
from sklearn_modern._core.scikit_learn import Interval
from sklearn_modern._fits.folds import Job, Setting, evaluate
from sklearn_modern.model_selection._outcomes import packed, unpacked
from sklearn_modern.model_selection._search import SharingSearchCV

__all__ = ["OptunaSearchCV"]

# What a trial carries, so that a study goes on in another process.
_OUTCOMES, _MADE_OF = "sklearn_modern outcomes", "sklearn_modern made of"


@estimator
class OptunaSearchCV(SharingSearchCV):
    """Search that draws parameters where earlier ones scored well, by Optuna.

    It has the parameters, attributes and results of scikit-learn's searches. Draws are made and
    scored in batches, so that ``n_jobs`` processes are busy and candidates share work; the result
    depends on ``batch_size`` and ``random_state``, and not on ``n_jobs``.

    Parameters
    ----------
    param_distributions : dict
        What to draw from, by parameter: distributions of Optuna, lists of values, or distributions
        of ``scipy.stats``: ``uniform``, ``loguniform`` and ``randint``.
    n_iter : int, default=50
        Number of draws, those of an earlier run of the same study included.
    batch_size : int, default=5
        How many draws are made before the first of them is scored. Larger batches keep more
        processes busy, and learn less from each other.
    sampler : optuna sampler or None, default=None
        What draws; None is Optuna's tree-structured Parzen estimator. A sampler of your own has its
        own seed.
    storage : str, optuna storage or None, default=None
        Where the study is kept, such as "sqlite:///study.db". If it is there, the search goes on
        with its draws, as they were scored. Other data, splits or estimators are refused.
    study_name : str or None, default=None
        Its name in the storage.
    timeout : float or None, default=None
        Seconds after which no draw is begun any more.
    random_state : int, RandomState instance or None, default=None
        Draws.

    Attributes
    ----------
    study_ : optuna.Study
        The study, for Optuna's plots.

    References
    ----------
    Akiba, T., Sano, S., Yanase, T., Ohta, T. & Koyama, M. (2019). Optuna: A next-generation
    hyperparameter optimization framework. KDD.

    Examples
    --------
    >>> from scipy.stats import loguniform
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from sklearn_modern.model_selection import OptunaSearchCV
    >>> X, y = load_iris(return_X_y=True)
    >>> pipeline = make_pipeline(StandardScaler(), LogisticRegression())
    >>> draws = {"logisticregression__C": loguniform(0.01, 100)}
    >>> search = OptunaSearchCV(pipeline, draws, n_iter=10, random_state=0).fit(X, y)
    >>> float(search.best_score_) > 0.95
    True
    """

    param_distributions: Any
    _: KW_ONLY
    n_iter: int = 50
    batch_size: int = 5
    sampler: Any = None
    storage: Any = None
    study_name: str | None = None
    timeout: float | None = None
    random_state: Any = None

    _parameter_constraints = {
        "param_distributions": [dict],
        "n_iter": [Interval(Integral, 1, None, closed="left")],
        "batch_size": [Interval(Integral, 1, None, closed="left")],
        "study_name": [str, None],
        "timeout": [Interval(Real, 0, None, closed="neither"), None],
        "random_state": ["random_state"],
    }

    def _check_settings(self):
        super()._check_settings()
        if self.storage is not None and self._has_callbacks():
            raise ValueError("Callbacks are told of every fit; take storage=None.")

    def _evaluate_all(self, base, folds, metric, fit_params):
        optuna = import_optional("optuna", extra="search", feature="OptunaSearchCV")
        space = _Space(optuna, self.param_distributions)
        with _quiet(optuna):
            self.study_ = self._study(optuna, base, folds, fit_params)
            candidates, outcomes = self._earlier(optuna, space)
            bar = ProgressBar() if self.verbose else None
            begin = monotonic()
            while not self._is_through(len(candidates), begin):
                trials, drawn = self._draw(space, len(candidates))
                settings = [Setting(base, params, fit_params) for params in drawn]
                places = range(len(drawn))
                tasks = [(i, split) for split in range(len(folds.splits)) for i in places]
                job = Job(folds, settings, tasks)
                queue = evaluate([job], self.n_jobs, self.pre_dispatch)
                found = {task: outcome for _, task, outcome in queue}
                for i, trial in enumerate(trials):
                    of_trial = [found[i, split] for split in range(len(folds.splits))]
                    outcomes |= {(len(candidates), k): one for k, one in enumerate(of_trial)}
                    candidates.append(drawn[i])
                    self._tell(optuna, trial, of_trial, metric)
                if bar is not None:
                    bar.show(len(candidates), self.n_iter, f"best {self._best():.4g}")
            if bar is not None:
                bar.close()
        return candidates, outcomes, {}

    def _run_search(self, evaluate_candidates, *, callback_ctx):
        """Draw and evaluate as scikit-learn does it, which tells callbacks of each fit."""
        optuna = import_optional("optuna", extra="search", feature="OptunaSearchCV")
        space = _Space(optuna, self.param_distributions)
        column = f"mean_test_{self.refit if isinstance(self.refit, str) else 'score'}"
        search = callback_ctx.subcontext(
            task_name="search", max_subtasks=-(-self.n_iter // self.batch_size)
        ).call_on_fit_task_begin(estimator=self)
        with _quiet(optuna):
            self.study_ = self._new_study(optuna)
            n_done, begin = 0, monotonic()
            while not self._is_through(n_done, begin):
                trials, drawn = self._draw(space, n_done)
                batch = search.subcontext(
                    task_name="batch",
                    max_subtasks=len(drawn) * self.n_splits_,
                    sequential_subtasks=False,
                ).call_on_fit_task_begin(estimator=self)
                results = evaluate_candidates(drawn, callback_ctx=batch)
                for trial, mean in zip(trials, results[column][n_done:], strict=True):
                    self._tell_mean(optuna, trial, mean)
                n_done += len(drawn)
                batch.call_on_fit_task_end(estimator=self)
        search.call_on_fit_task_end(estimator=self)

    def _is_through(self, n_done, begin):
        is_late = self.timeout is not None and monotonic() - begin > self.timeout
        return n_done >= self.n_iter or (is_late and n_done > 0)

    def _draw(self, space, n_done):
        """Return the trials of the next batch, and the parameters that they have drawn."""
        n_next = min(self.batch_size, self.n_iter - n_done)
        trials = [self.study_.ask(space.distributions) for _ in range(n_next)]
        return trials, [space.params(trial.params) for trial in trials]

    def _new_study(self, optuna):
        sampler = self.sampler
        if sampler is None:
            seed = check_random_state(self.random_state).randint(np.iinfo(np.int32).max)
            sampler = optuna.samplers.TPESampler(seed=int(seed))
        return optuna.create_study(
            storage=self.storage,
            study_name=self.study_name,
            sampler=sampler,
            direction="maximize",
            load_if_exists=True,
        )

    def _study(self, optuna, base, folds, fit_params):
        """Open the study, or refuse one of other work."""
        study = self._new_study(optuna)
        if self.storage is None:
            return study
        made_of = {
            "the data": fingerprint(folds.X, folds.y, fit_params, folds.score_params),
            "the estimator": fingerprint(base),
            "the splits": fingerprint(folds.splits),
            "the settings": fingerprint(self.scoring, self.error_score, self.return_train_score),
        }
        before = study.user_attrs.get(_MADE_OF)
        if before is None:
            study.set_user_attr(_MADE_OF, made_of)
        elif other := [name for name in made_of if before.get(name) != made_of[name]]:
            raise ValueError(
                f"The study {study.study_name!r} is of other work, which differs in "
                f"{' and '.join(other)}. Give another study_name, or another storage."
            )
        return study

    def _earlier(self, optuna, space):
        """Return the candidates of the study that were scored before, and their outcomes."""
        candidates, outcomes = [], {}
        for trial in self.study_.get_trials(deepcopy=False):
            if _OUTCOMES in trial.user_attrs and len(candidates) < self.n_iter:
                recorded = unpacked(json.loads(trial.user_attrs[_OUTCOMES]))
                outcomes |= {(len(candidates), split): one for split, one in enumerate(recorded)}
                candidates.append(space.params(trial.params))
        return candidates, outcomes

    def _tell(self, optuna, trial, outcomes, metric):
        scores = [outcome["test_scores"] for outcome in outcomes]
        mean = np.mean([one[metric] if isinstance(one, dict) else one for one in scores])
        trial.set_user_attr(_OUTCOMES, json.dumps(packed(outcomes)))
        self._tell_mean(optuna, trial, mean)

    def _tell_mean(self, optuna, trial, mean):
        if np.isfinite(mean):
            self.study_.tell(trial, float(mean))
        else:
            self.study_.tell(trial, state=optuna.trial.TrialState.FAIL)

    def _best(self):
        values = [trial.value for trial in self.study_.get_trials(deepcopy=False)]
        return max((value for value in values if value is not None), default=np.nan)


class _Space:
    """What is drawn from.

    Optuna keeps values of a list only if they are plain; so it draws their positions.
    """

    def __init__(self, optuna, given: Mapping[str, Any]) -> None:
        if not given:
            raise ValueError("param_distributions is empty; there is nothing to draw.")
        self.lists: dict[str, list] = {}
        self.distributions = {}
        for name, value in given.items():
            if isinstance(value, (list, tuple, np.ndarray)):
                self.lists[name] = list(value)
                if not self.lists[name]:
                    raise ValueError(f"The list of {name!r} in param_distributions is empty.")
                value = optuna.distributions.CategoricalDistribution(range(len(value)))
            elif not isinstance(value, optuna.distributions.BaseDistribution):
                value = _of_scipy(optuna.distributions, name, value)
            self.distributions[name] = value

    def params(self, drawn: Mapping[str, Any]) -> dict[str, Any]:
        """Return the parameters that were drawn."""
        return {
            name: self.lists[name][value] if name in self.lists else value
            for name, value in drawn.items()
        }


def _of_scipy(distributions, name, value):
    """Return Optuna's distribution for one of scipy."""
    kind = getattr(getattr(value, "dist", None), "name", None)
    low, high = (
        value.support() if kind in ("uniform", "loguniform", "reciprocal", "randint") else (0, 0)
    )
    if kind == "uniform":
        return distributions.FloatDistribution(float(low), float(high))
    if kind in ("loguniform", "reciprocal"):
        return distributions.FloatDistribution(float(low), float(high), log=True)
    if kind == "randint":
        return distributions.IntDistribution(int(low), int(high))
    raise TypeError(
        f"param_distributions[{name!r}] is {value!r}; it must be a distribution of Optuna, a list, "
        "or scipy's uniform, loguniform or randint."
    )


@contextmanager
def _quiet(optuna):
    """Let Optuna log warnings only."""
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        yield
    finally:
        optuna.logging.set_verbosity(before)
