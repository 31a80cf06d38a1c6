"""Simulation-based inference: densities of a simulator's parameters given what it gave."""

import math
import warnings
from dataclasses import KW_ONLY, field
from importlib import import_module
from typing import Any

import numpy as np
import scipy.sparse as sp
from sklearn.exceptions import DataConversionWarning
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from sklearn_modern._core.estimator import estimator, shapes
from sklearn_modern._core.scikit_learn import (
    HasMethods,
    feature_names,
    fit_context,
    num_samples,
    safe_indexing,
)
from sklearn_modern._inputs.columns import frame_library
from sklearn_modern._inputs.validation import check_count, check_lengths, weighted_rows
from sklearn_modern._neural.flow_inputs import DensityTargets
from sklearn_modern.density._flow_regressor import FlowRegressor

__all__ = ["PosteriorEstimator"]

# Share of the posterior that a truncated prior may miss, samples that tell where it ends, and how
# many draws of the prior are tried for each that is kept.
_MISSED, _TELLING, _MOST_DRAWS = 1e-3, 4000, 1000


@estimator
class PosteriorEstimator(FlowRegressor):
    r"""Posterior of a simulator's parameters, learned from simulations.

    X is what the simulator gave, one row for each simulation, and y are the parameters that it was
    given, which were drawn from the prior. What is learned is the density of the parameters given
    any X: neural posterior estimation [1]_. No likelihood is needed, and an observation costs one
    pass. ``score`` is the mean log-density of true parameters, so that searches compare settings,
    and Pipelines those of steps that summarise X.

    :meth:`refine` spends further simulations on one observation. They come from the prior, cut off
    where the posterior is next to nothing; as it has the shape of the prior elsewhere, the loss
    stays the same [2]_.

    Parameters
    ----------
    prior : (low, high), object or None, default=None
        From what the parameters of the fit were drawn: a uniform distribution between bounds, each
        a number, or one for each parameter; or an object with methods ``sample(n)``, which returns
        an array of parameters, and ``log_prob(y)``. No sample of the posterior leaves bounds. It is
        needed by :meth:`refine` only.

    References
    ----------
    .. [1] Papamakarios, Murray (2016). Fast epsilon-free inference of simulation models with
       Bayesian conditional density estimation. NeurIPS.
    .. [2] Deistler, Goncalves, Macke (2022). Truncated proposals for scalable and hassle-free
       simulation-based inference. NeurIPS.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_modern.density import PosteriorEstimator
    >>> rng = np.random.default_rng(0)
    >>> y = rng.uniform(-3, 3, size=400)
    >>> X = y[:, np.newaxis] + rng.normal(size=(400, 2))
    >>> posterior = PosteriorEstimator(
    ...     2, prior=(-3, 3), n_members=1, max_iter=20, device="cpu", random_state=0
    ... )
    >>> posterior.fit(X, y).sample([[1.0, 1.2]], 5, random_state=0).shape
    (1, 5)
    """

    _: KW_ONLY
    prior: Any = shapes(default=None, differs=False)
    # The prior says it.
    bounds: Any = field(default=None, init=False)

    _parameter_constraints = {
        "prior": [None, tuple, list, np.ndarray, HasMethods(["sample", "log_prob"])],
    }

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y, sample_weight=None, X_val=None, y_val=None):
        """Learn the posterior from simulations.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            What the simulator gave: a table, of which columns may be categories, and numbers may be
            missing.
        y : array-like of shape (n_samples,) or (n_samples, n_parameters)
            The parameters that it was given; a single column is read as (n_samples,).
        sample_weight : array-like of shape (n_samples,), default=None
            Sample weights; a row of weight 2 counts as two rows, one of weight 0 as none.
        X_val, y_val : array-like, default=None
            Validation data, instead of setting a share of X aside. Their scores are recorded, and
            with ``early_stopping`` they decide when to stop.

        Returns
        -------
        self : estimator
            The fitted estimator.
        """
        return super().fit(X, y, sample_weight, X_val, y_val)

    def score(self, X, y, sample_weight=None):
        """Return the mean log-density of true parameters.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            What the simulator gave.
        y : array-like of shape (n_samples,) or (n_samples, n_parameters)
            The parameters that it was given.
        sample_weight : array-like of shape (n_samples,), default=None
            Sample weights.

        Returns
        -------
        float
            The mean of :meth:`log_prob`.
        """
        check_lengths(X, y)
        X, y, weight = weighted_rows(X, y, sample_weight)
        return float(np.average(self.log_prob(X, y), weights=weight))

    def refine(
        self, simulator, x_obs, n_rounds=2, n_simulations=1000, X=None, y=None, random_state=None
    ):
        """Spend more simulations on one observation, and fit to all of them.

        In each round parameters are drawn from the prior, as far as they are among those that have
        99.9% of the posterior so far. For other observations the posterior is of no use afterwards.

        Parameters
        ----------
        simulator : callable
            Takes parameters, an array of the shape that y had in the fit, but for the number of
            rows, and returns as many rows like X.
        x_obs : array-like of shape (1, n_features)
            The observation, as one row.
        n_rounds : int, default=2
            How many rounds, each of which ends with a fit.
        n_simulations : int, default=1000
            Simulations of a round.
        X, y : array-like, default=None
            Earlier simulations that count as well, such as those of the fit.
        random_state : int, RandomState instance or None, default=None
            Determines the parameters that are drawn.

        Returns
        -------
        self : estimator
            The fitted estimator.
        """
        check_is_fitted(self, "net_")
        if self.prior is None:
            raise ValueError("refine draws parameters from the prior, but prior=None.")
        if not callable(simulator):
            raise TypeError(
                f"simulator is of type {type(simulator).__name__}; it must be a function that "
                "takes parameters and returns rows like X."
            )
        if num_samples(x_obs) != 1:
            raise ValueError(f"x_obs has {num_samples(x_obs)} rows; refine takes one observation.")
        for name, value in (("n_rounds", n_rounds), ("n_simulations", n_simulations)):
            check_count(value, name)
        if (X is None) != (y is None):
            raise ValueError("X and y go together, but only one of them was given.")
        if X is not None:
            check_lengths(X, y)
            self._check_like_fit(X, "X")
            y = self._as_given(self._targets.check(y, reset=False))
        random = check_random_state(random_state)
        for _ in range(n_rounds):
            drawn = self._as_given(self._truncated_prior(x_obs, n_simulations, random))
            rows = simulator(drawn.copy())  # which may work in place
            self._check_like_fit(rows, "What simulator returned", n_simulations)
            X = rows if X is None else _joined(X, rows)
            y = drawn if y is None else np.concatenate([y, drawn])
            with warnings.catch_warnings():  # of the shape of y the first fit has warned
                warnings.simplefilter("ignore", DataConversionWarning)
                self.fit(X, y)
        return self

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.regressor_tags.poor_score = True  # which is no share of a variance
        return tags

    def _refuse_impossible(self, numbers, what):
        super()._refuse_impossible(numbers, what)
        if self._prior_bounds is not None or self.prior is None:
            return
        given, n_rows = self._as_given(numbers), len(numbers)
        found = np.asarray(self.prior.log_prob(given), dtype=np.float64)
        if found.shape not in ((n_rows,), (n_rows, 1)):
            raise ValueError(
                f"prior.log_prob returned an array of shape {found.shape} for {n_rows} rows of "
                f"{what}; it must return one number for each."
            )
        missed = ~np.isfinite(found.ravel())
        if missed.any():
            raise ValueError(
                f"prior has no density at {missed.sum()} of {n_rows} simulations, such as "
                f"{what} = {given[missed][0]}; {what} must be drawn from it."
            )

    def _make_targets(self, y):
        return DensityTargets(self._prior_bounds, "prior")

    @property
    def _prior_bounds(self):
        """The bounds of a uniform prior, or None."""
        return self.prior if isinstance(self.prior, (tuple, list, np.ndarray)) else None

    def _as_given(self, numbers):
        """Return parameters in the shape that those of the fit had."""
        return np.reshape(numbers, (len(numbers), *self._targets.given_shape))

    def _check_like_fit(self, X, what, n_rows=None):
        """Refuse simulations that are not like those of the fit, or not as many as asked for."""
        try:
            found = num_samples(X)
            names, known = feature_names(X), getattr(self, "feature_names_in_", None)
            if (names is None) != (known is None):
                own, of_fit = ("none" if n is None else list(n) for n in (names, known))
                raise ValueError(f"names of columns are {own}, those of the fit {of_fit}.")
            self._inputs.check(self, X, reset=False)
        except (TypeError, ValueError) as error:
            raise ValueError(f"{what} must be like X of the fit, but: {error}") from None
        if n_rows is not None and found != n_rows:
            raise ValueError(f"simulator returned {found} rows for {n_rows} parameters.")

    def _truncated_prior(self, x_obs, n_samples, random):
        """Draw parameters from the prior, where the posterior has nearly all of its mass."""
        telling = self.sample(x_obs, _TELLING, random)[0]
        threshold = np.quantile(self._log_posterior(x_obs, telling), _MISSED)
        kept, n_kept, n_drawn = [], 0, 0
        while n_kept < n_samples:
            if n_drawn > _MOST_DRAWS * n_samples:
                raise ValueError(
                    f"Of {n_drawn} draws of the prior only {n_kept} fell where the posterior is; "
                    "more simulations of the prior, or a narrower prior, make it wider."
                )
            candidates = self._drawn_prior(_TELLING, random)
            inside = self._log_posterior(x_obs, candidates) >= threshold
            kept.append(candidates[inside])
            n_kept, n_drawn = n_kept + inside.sum(), n_drawn + len(candidates)
        return np.concatenate(kept)[:n_samples]

    def _log_posterior(self, x_obs, values):
        return self.log_prob(safe_indexing(x_obs, np.zeros(len(values), dtype=int)), values)

    def _drawn_prior(self, n_samples, random):
        shape = n_samples, *self._targets.shape
        if self._prior_bounds is None:
            drawn = np.asarray(self.prior.sample(n_samples), dtype=np.float64)
            if drawn.shape[:1] != shape[:1] or drawn.size != math.prod(shape):
                raise ValueError(
                    f"prior.sample({n_samples}) returned an array of shape {drawn.shape}; like y "
                    f"it must have the shape {shape}."
                )
            return drawn.reshape(shape)
        low, high = self._scaler.low, self._scaler.high
        if not np.isfinite([low, high]).all():
            raise ValueError(f"prior={self.prior!r} must be finite for refine to draw from it.")
        return random.uniform(low, high, size=(n_samples, len(low))).reshape(shape)


def _joined(X, rows):
    """Append rows to a table; both are DataFrames, or both are not."""
    library = frame_library(X)
    if library != frame_library(rows):
        raise ValueError(
            f"simulator returned rows of type {type(rows).__name__}, but X is of type "
            f"{type(X).__name__}; it must return the same."
        )
    if library == "pandas":
        return import_module(library).concat([X, rows], ignore_index=True)
    if library == "polars":
        return import_module(library).concat([X, rows], how="vertical_relaxed")
    if sp.issparse(X) or sp.issparse(rows):
        return sp.vstack([sp.csr_matrix(X), sp.csr_matrix(rows)], format="csr")
    return np.concatenate([np.asarray(X), np.asarray(rows)])
