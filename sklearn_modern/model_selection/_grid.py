"""Searches over grids and random draws of parameters."""

from dataclasses import KW_ONLY
from numbers import Integral, Real
from time import monotonic
from typing import Any

from joblib import effective_n_jobs
from sklearn.model_selection import ParameterGrid, ParameterSampler

from sklearn_modern._core.estimator import estimator
from sklearn_modern._core.scikit_learn import Interval
from sklearn_modern._fits.folds import Job
from sklearn_modern.model_selection._candidates import CandidateSearchCV

__all__ = ["GridSearchCV", "RandomizedSearchCV"]


@estimator
class GridSearchCV(CandidateSearchCV):
    """Exhaustive search over parameter values, which does shared work once.

    It has the parameters, attributes and results of scikit-learn's search of that name. Candidates
    are fitted split by split: Pipelines share the steps at their beginning, fitted, for training
    and test rows, gradient boosting shares bins and trees, and networks of one shape train as one.

    Parameters
    ----------
    param_grid : dict or list of dict
        Values of the parameters to try, by name; with a list, all of these grids.

    Notes
    -----
    Where separate fits would draw anew, because a step before the last has ``random_state=None``,
    candidates share what it drew for a split.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.decomposition import PCA
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn_modern.model_selection import GridSearchCV
    >>> X, y = load_iris(return_X_y=True)
    >>> pipeline = make_pipeline(PCA(), LogisticRegression())
    >>> grid = {"pca__n_components": [1, 2], "logisticregression__C": [0.1, 1.0, 10.0]}
    >>> search = GridSearchCV(pipeline, grid).fit(X, y)
    >>> search.best_params_
    {'logisticregression__C': 10.0, 'pca__n_components': 2}
    """

    param_grid: Any
    _: KW_ONLY

    _parameter_constraints = {"param_grid": [dict, list]}

    def _candidates(self):
        return ParameterGrid(self.param_grid)


@estimator
class RandomizedSearchCV(CandidateSearchCV):
    """Search over random draws of parameters, which does shared work once.

    It has the parameters, attributes and results of scikit-learn's search of that name; see
    :class:`GridSearchCV` for what is shared.

    Parameters
    ----------
    param_distributions : dict or list of dict
        Distributions to draw from, such as those of ``scipy.stats``, or lists of values.
    n_iter : int, default=10
        Number of draws.
    random_state : int, RandomState instance or None, default=None
        Draws.
    timeout : float or None, default=None
        Seconds after which no draw is begun any more; those that were not begun are not in
        ``cv_results_``.

    Examples
    --------
    >>> from scipy.stats import loguniform
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from sklearn_modern.model_selection import RandomizedSearchCV
    >>> X, y = load_iris(return_X_y=True)
    >>> pipeline = make_pipeline(StandardScaler(), LogisticRegression())
    >>> draws = {"logisticregression__C": loguniform(0.01, 100)}
    >>> search = RandomizedSearchCV(pipeline, draws, n_iter=5, random_state=0).fit(X, y)
    >>> float(search.best_score_) > 0.95
    True
    """

    param_distributions: Any
    _: KW_ONLY
    n_iter: int = 10
    random_state: Any = None
    timeout: float | None = None

    _parameter_constraints = {
        "param_distributions": [dict, list],
        "n_iter": [Interval(Integral, 1, None, closed="left")],
        "random_state": ["random_state"],
        "timeout": [Interval(Real, 0, None, closed="neither"), None],
    }

    def _candidates(self):
        return ParameterSampler(
            self.param_distributions, self.n_iter, random_state=self.random_state
        )

    def _check_settings(self):
        super()._check_settings()
        if self.timeout is not None and self.racing is not None:
            raise ValueError("A race decides itself what is left out; take timeout=None.")

    def _evaluate(self, run, folds, settings):
        if self.timeout is None:
            return super()._evaluate(run, folds, settings)
        begin, outcomes, n_done = monotonic(), {}, 0
        least, n_splits = effective_n_jobs(self.n_jobs), len(folds.splits)
        while n_done < len(settings) and (passed := monotonic() - begin) < self.timeout:
            # Many at a time share most; few of them take little longer than they may.
            left = n_done * (self.timeout - passed) / max(passed, 1e-9)
            n_next = min(max(least, int(left / 4)), len(settings) - n_done)
            chosen = range(n_done, n_done + n_next)
            tasks = [(i, split) for split in range(n_splits) for i in chosen]
            (found,) = run.outcomes("search", Job(folds, settings, tasks))
            outcomes |= found
            n_done += n_next
        return outcomes
