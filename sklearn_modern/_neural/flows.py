"""What estimators with a normalising flow share."""

from abc import abstractmethod
from dataclasses import KW_ONLY
from numbers import Integral, Real

import numpy as np
from scipy.special import logsumexp
from sklearn.utils import check_random_state

from sklearn_modern._core.estimator import estimator, shapes, steers
from sklearn_modern._core.scikit_learn import Interval, StrOptions
from sklearn_modern._inputs.bounded import BoundedScaler
from sklearn_modern._neural.estimator import NeuralEstimator
from sklearn_modern._neural.mixture import drawn_by_members, given_to_members
from sklearn_modern._neural.settings import BATCHES
from sklearn_modern._neural.tabular import widths
from sklearn_modern.networks.base import Body
from sklearn_modern.networks.density import DensityNetwork
from sklearn_modern.networks.flows import FLOWS, make_flow
from sklearn_modern.networks.random import MemberRandom
from sklearn_modern.training.density import Density
from sklearn_modern.training.predictions import decode

__all__ = ["FlowEstimator"]

_SPLINES = ("kind", ("spline_coupling", "spline_autoregressive"))

# max_iter="auto": as many epochs as have so many batches, but from and to so many.
_N_BATCHES, _FEWEST_EPOCHS, _MOST_EPOCHS = 4000, 20, 120


@estimator
class FlowEstimator(NeuralEstimator):
    """An estimator of a density by normalising flows.

    Parameters
    ----------
    n_transforms : int, default=5
        How many transforms turn the numbers into normal noise.
    kind : {"spline_coupling", "affine_coupling", "affine_autoregressive", \
            "spline_autoregressive"}, default="spline_coupling"
        What a transform does. A coupling changes half of the columns, as the other half says; an
        autoregressive one changes each column as those before it say, which fits as fast, but
        samples column by column. A number is changed by a monotone spline (neural spline flows), or
        by a straight line (RealNVP, MAF), which is faster and more rigid.
    hidden_layer_sizes : int or tuple of int, default=(64, 64)
        Hidden units of the network of each transform.
    n_bins : int, default=8
        Number of pieces of a spline.
    dropout : float, default=0.0
        Probability with which a hidden unit is left out of a training step.
    alpha : "auto" or float, default=0.0
        With "adamw" the decoupled weight decay: a step shrinks weights by ``alpha`` times the
        learning rate. Else the strength of the L2 penalty, as in scikit-learn: the loss of a batch
        gets ``alpha / 2 * sum(w ** 2) / batch_size``. "auto" is 0.5 with "adamw", else 0.0001.
    learning_rate_init : float, default=0.001
        The learning rate, for "one_cycle" its highest value.
    max_iter : int or "auto", default="auto"
        Number of epochs, or of iterations for "lbfgs". "auto" is as many as have 4000 batches, but
        20 to 120.
    early_stopping : bool or "auto", default=True
        Set validation rows aside, stop when their score has not improved for
        ``n_iter_no_change`` epochs, and go back to the best epoch. Without, training stops when
        the training loss has not improved for as long. "auto" is True if there are 30 rows, or
        validation data of your own, except with "lbfgs"; ``early_stopping_`` shows it. Each member
        has validation rows of its own, from which the others learn.
    n_iter_no_change : int, default=20
        Epochs without improvement after which training stops.
    n_members : int, default=5
        Flows that are trained side by side, each from its own start and in its own order of rows;
        the density is the mean of theirs.
    """

    n_transforms: int = shapes(default=5, differs=False)
    _: KW_ONLY
    kind: str = shapes(default="spline_coupling", differs=False)
    hidden_layer_sizes: int | tuple[int, ...] = shapes(default=(64, 64), differs=False)
    n_bins: int = shapes(default=8, differs=False, needs=_SPLINES)
    dropout: float = shapes(default=0.0, differs=False, needs=BATCHES)
    n_members: int = shapes(default=5, differs=True, needs=BATCHES, off=1)
    alpha: float | str = steers(default=0.0, differs=True)
    learning_rate_init: float = steers(default=0.001, differs=True)
    max_iter: int | str = steers(default="auto", differs=True)
    early_stopping: bool | str = steers(default=True, differs=True)
    n_iter_no_change: int = steers(default=20, differs=True)

    _parameter_constraints = {
        "n_transforms": [Interval(Integral, 1, None, closed="left")],
        "kind": [StrOptions(set(FLOWS))],
        "hidden_layer_sizes": ["array-like", Interval(Integral, 1, None, closed="left")],
        "n_bins": [Interval(Integral, 2, 500, closed="both")],
        "dropout": [Interval(Real, 0, 1, closed="left")],
    }

    def _make_body(self, random: MemberRandom) -> Body | None:
        """Make what takes the inputs that the density depends on, if there are any."""
        return None

    @property
    @abstractmethod
    def _scaler(self) -> BoundedScaler:
        """What scales the numbers that the density is of."""

    def _make_objective(self, random):
        body = self._make_body(random)
        flow = make_flow(
            self.kind,
            len(self._scaler.center),
            self.n_transforms,
            widths(self.hidden_layer_sizes),
            random,
            n_context=0 if body is None else body.n_features_out,
            n_bins=self.n_bins,
            dropout=0.0 if self.solver == "lbfgs" else self.dropout,
        )
        return Density(DensityNetwork(flow, body))

    def _n_epochs(self, n_rows):
        if self.max_iter != "auto":
            return self.max_iter
        in_epoch = -(-n_rows // self._rows_in_a_batch(n_rows))
        return int(np.clip(round(_N_BATCHES / in_epoch), _FEWEST_EPOCHS, _MOST_EPOCHS))

    # What is done with a fitted density.

    def _log_density(self, X, numbers, y=None):
        """Return the log-densities of numbers in their own units (n_samples,), by all members.

        X and the checked y are what :meth:`_source` takes.
        """
        of_members = self._in_chunks(X, decode, y).astype(np.float64)
        # A network of finite weights gives NaN only where numbers are too far away for its type.
        of_members[np.isnan(of_members)] = -np.inf
        scaled = logsumexp(of_members, axis=1) - np.log(of_members.shape[1])
        outside = self._scaler.outside(numbers).any(axis=1)
        with np.errstate(invalid="ignore"):  # outside of the bounds there is no slope
            return np.where(outside, -np.inf, scaled + self._scaler.log_slope(numbers))

    def _draw(self, source, rows, random_state):
        """Draw scaled numbers given rows of a source, each from one of the members at random."""
        random, shape = check_random_state(random_state), (len(self._scaler.center),)
        n_members, draw = len(self.net_.random), self._drawing(source, rows)
        return drawn_by_members(n_members, len(rows), shape, random, draw)

    def _of_noise(self, source, rows, members, noise):
        """Let each member turn its rows of noise into numbers."""
        draw = self._drawing(source, rows)
        places = np.arange(len(rows))
        return given_to_members(len(self.net_.random), places, members, noise, draw)

    def _drawing(self, source, rows):
        """Return the function that makes numbers of noise, given rows of a source."""
        objective = self._net_on_device().objective

        def draw(index, noise):
            batch = source.take(self._index(rows[index]))
            return objective.draw(self._tensor(noise), batch.x).cpu().numpy()

        return draw
