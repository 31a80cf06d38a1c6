"""How much of a loss is bias, and how much variance."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state

from sklearn_modern._inputs.cells import refuse_text
from sklearn_modern._inputs.validation import check_lengths
from sklearn_modern.model_selection._resampled_fits import resampled_predictions
from sklearn_modern.model_selection._significance import check_choice, check_count

__all__ = ["BiasVariance", "bias_variance_decomposition"]


@dataclass(frozen=True)
class BiasVariance:
    """What a loss is made of.

    Parameters
    ----------
    loss : float
        Mean loss of models that were fitted to resampled rows.
    bias : float
        Mean loss of the main prediction: the mean of the models, or the label of most of them. Of
        squared errors it is the squared bias. The noise of the test targets is in it.
    variance : float
        Mean loss of the models against the main prediction.
    loss_name : str
        "squared_error" or "zero_one".
    main_prediction : ndarray of shape (n_test_samples,) or (n_test_samples, n_outputs)
        The main prediction of each test row.
    """

    loss: float
    bias: float
    variance: float
    loss_name: str
    main_prediction: np.ndarray = field(compare=False, repr=False)

    @property
    def net_variance(self) -> float:
        """What variance adds to the loss: all of it for squared errors.

        Of labels it is less, since a model that differs from a wrong main prediction may be right.
        """
        return self.loss - self.bias

    def __str__(self) -> str:
        return (
            f"{self.loss_name}: loss {self.loss:.4g}, bias {self.bias:.4g}, variance "
            f"{self.variance:.4g} (adds {self.net_variance:.4g})"
        )


def bias_variance_decomposition(
    estimator: BaseEstimator,
    X_train: Any,
    y_train: Any,
    X_test: Any,
    y_test: Any,
    *,
    loss: str = "squared_error",
    n_resamples: int = 200,
    params: Mapping[str, Any] | None = None,
    n_jobs: int | None = None,
    random_state: Any = None,
) -> BiasVariance:
    """Say how much of a loss is bias, and how much comes from the choice of training rows.

    Clones are fitted to resamples of the training rows, drawn with replacement, and predict the
    test rows. A large bias asks for a more flexible model, a large variance for a simpler one, for
    averaging, or for more rows [1]_.

    Parameters
    ----------
    estimator : estimator
        Clones of it are fitted.
    X_train, y_train : array-like
        Rows that are resampled.
    X_test, y_test : array-like
        Rows that are predicted.
    loss : {"squared_error", "zero_one"}, default="squared_error"
        The loss: of numbers, or of labels.
    n_resamples : int, default=200
        Number of fits.
    params : mapping, default=None
        More arguments of ``fit``, such as ``{"sample_weight": w}`` of the training rows.
    n_jobs : int, default=None
        Number of fits that run at the same time.
    random_state : int, RandomState or None, default=None
        Draws the resamples.

    Returns
    -------
    BiasVariance
        Loss, bias and variance. For squared errors the loss is exactly bias plus variance.

    References
    ----------
    .. [1] Domingos (2000). A unified bias-variance decomposition and its applications. ICML.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.dummy import DummyRegressor
    >>> from sklearn_modern.model_selection import bias_variance_decomposition
    >>> X, y = np.zeros((20, 1)), np.arange(20.0)
    >>> parts = bias_variance_decomposition(DummyRegressor(), X, y, X, y, random_state=0)
    >>> print(parts.bias > parts.variance)
    True
    """
    check_choice(loss, "loss", ("squared_error", "zero_one"))
    check_count(n_resamples, "n_resamples", 2)
    check_lengths(X_train, y_train)
    check_lengths(X_test, y_test)
    scoring = {"squared_error": "neg_mean_squared_error", "zero_one": "accuracy"}[loss]
    rng = check_random_state(random_state)
    predicted = resampled_predictions(
        estimator, X_train, y_train, X_test, scoring, params, n_resamples, n_jobs, rng
    )
    true = np.asarray(y_test)
    if predicted.shape[1:] != true.shape:
        raise ValueError(
            f"{type(estimator).__name__} predicts the shape {predicted.shape[1:]}, but y_test has "
            f"{true.shape}."
        )
    if loss == "zero_one":
        return _of_labels(predicted, true)
    refuse_text(true, "y_test", "loss='squared_error' needs")
    refuse_text(predicted, "What is predicted", "loss='squared_error' needs")
    main = predicted.mean(axis=0)
    return BiasVariance(
        float(((predicted - true) ** 2).mean()),
        float(((main - true) ** 2).mean()),
        float(((predicted - main) ** 2).mean()),
        loss,
        main,
    )


def _of_labels(predicted, true):
    """Return the parts of the zero-one loss; of equally frequent labels the smallest is taken."""
    labels, codes = np.unique(predicted, return_inverse=True)
    codes = codes.reshape(predicted.shape)
    votes = np.stack([(codes == code).sum(axis=0) for code in range(len(labels))])
    main = labels[votes.argmax(axis=0)]
    return BiasVariance(
        float((predicted != true).mean()),
        float((main != true).mean()),
        float((predicted != main).mean()),
        "zero_one",
        main,
    )
