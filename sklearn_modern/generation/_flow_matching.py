"""Flow matching of tables."""

from dataclasses import KW_ONLY
from numbers import Integral, Real

import numpy as np

from sklearn_modern._core.estimator import estimator, shapes
from sklearn_modern._core.scikit_learn import Interval, StrOptions
from sklearn_modern._neural.generated_inputs import GeneratedTable
from sklearn_modern._neural.matching import FlowMatchingEstimator
from sklearn_modern._neural.tabular import TableSettings, widths
from sklearn_modern.networks.activations import ACTIVATIONS
from sklearn_modern.networks.velocity import TableVelocity

__all__ = ["FlowMatching"]


@estimator
class FlowMatching(FlowMatchingEstimator, TableSettings):
    r"""Make rows like those of a mixed table, by flow matching.

    A network learns the velocity with which rows travel on straight paths from normal noise to data
    [1]_. Samples are noise, carried along. Columns keep their kinds, levels, share of missing cells
    and whole numbers, and no number leaves its range. Numbers are seen as normal scores; values
    that repeat in many rows, such as zeros, come as often as in the fit. The network starts from
    columns that have nothing to do with each other, each with its own distribution, and learns what
    they have to do with each other, and with the label.

    Parameters
    ----------
    hidden_layer_sizes : int or tuple of int, default=(256, 256)
        Hidden units of the network.
    activation : str, default="silu"
        Activation function of the hidden units, one of those of
        :class:`~sklearn_modern.neural_network.MLPClassifier`.
    dropout : float, default=0.0
        Probability with which a hidden unit is left out of a training step.

    See Also
    --------
    sklearn_modern.density.NormalizingFlow : Tells densities, too, of tables of numbers.

    References
    ----------
    .. [1] Lipman, Chen, Ben-Hamu, Nickel, Le (2023). Flow matching for generative modeling. ICLR.

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> from sklearn_modern.generation import FlowMatching
    >>> X = pd.DataFrame({"size": [1, 1, 2, 3] * 20, "colour": ["red", "red", "blue", None] * 20})
    >>> flow = FlowMatching(32, max_iter=100, device="cpu", random_state=0).fit(X)
    >>> made = flow.sample(1000, random_state=0)
    >>> made.dtypes.equals(X.dtypes)
    True
    >>> bool(np.isclose((made["size"] == 1).mean(), 0.5, atol=0.1))
    True
    """

    hidden_layer_sizes: int | tuple[int, ...] = shapes(default=(256, 256), differs=False)
    _: KW_ONLY
    activation: str = shapes(default="silu", differs=False)
    dropout: float = shapes(default=0.0, differs=False)

    _parameter_constraints = {
        "hidden_layer_sizes": ["array-like", Interval(Integral, 1, None, closed="left")],
        "activation": [StrOptions(set(ACTIVATIONS))],
        "dropout": [Interval(Real, 0, 1, closed="left")],
    }

    def _make_inputs(self):
        return GeneratedTable(self.categorical_features)

    def _make_network(self, n_labels, random):
        coder = self._inputs.coder
        network = TableVelocity(
            coder.n_scores,
            coder.shares,
            n_labels,
            widths(self.hidden_layer_sizes),
            random,
            activation=self.activation,
            dropout=self.dropout,
        )
        if n_labels:
            checked, labels, weight = self._known
            network.start_from(coder.transform(checked), labels, weight)
        return network

    def _start(self, checked, y, weight, training, random, **how):
        counted = np.zeros(len(weight))
        counted[training] = weight[training]
        self._known = checked, y, counted
        super()._start(checked, y, weight, training, random, **how)
        del self._known  # which is the training data
