"""What the tests of models return, and how they read what they are given."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from numbers import Integral, Real
from typing import Any

import numpy as np
from sklearn.utils import column_or_1d

from sklearn_modern._core.warning import warn_user
from sklearn_modern._inputs.cells import as_floats, refuse_text, refuse_unreadable
from sklearn_modern._inputs.validation import check_labels

__all__ = [
    "SignificanceTest",
    "check_aligned",
    "check_choice",
    "check_confidence",
    "check_count",
    "check_numbers",
    "check_share",
    "correct_predictions",
    "named_columns",
    "negligible",
    "percent",
]


@dataclass(frozen=True)
class SignificanceTest:
    """The result of a test of the hypothesis that models are equally good.

    Parameters
    ----------
    test : str
        Name of the test.
    statistic : float
        Its statistic.
    p_value : float
        How probable a statistic at least as extreme is if the hypothesis holds.
    effect : float
        How large the difference is.
    effect_name : str
        What ``effect`` measures.
    interval : (float, float) or None
        Confidence interval of the effect; None where the test has none.
    confidence : float
        Confidence of the interval, such as 0.95.
    assumes : str
        What must hold for the p-value to mean anything.
    estimates : mapping of str to float, default={}
        Where models have names, what each of them reaches.
    """

    test: str
    statistic: float
    p_value: float
    effect: float
    effect_name: str
    interval: tuple[float, float] | None
    confidence: float
    assumes: str
    estimates: Mapping[str, float] = field(default_factory=dict)

    def __str__(self) -> str:
        lines = [f"{self.test}: statistic {self.statistic:.4g}, p = {self.p_value:.3g}"]
        lines += [f"{self.effect_name}: {self.effect:.4g}"]
        if self.interval is not None:
            low, high = self.interval
            lines[-1] += f", {percent(self.confidence)} interval [{low:.4g}, {high:.4g}]"
        lines += [f"  {name}: {value:.4g}" for name, value in self.estimates.items()]
        return "\n".join([*lines, f"Assumes: {self.assumes}"])


def percent(share: float) -> str:
    """Spell a share as a percentage."""
    return f"{100 * share:g} %"


def check_confidence(confidence: float) -> float:
    """Check a confidence; 95 is a frequent slip for 0.95."""
    return check_share(confidence, "confidence", "such as 0.95")


def check_share(value: Any, name: str, advice: str) -> float:
    """Check a number strictly between 0 and 1."""
    if not isinstance(value, Real) or isinstance(value, bool) or not 0 < value < 1:
        raise ValueError(f"{name}={value!r} must be a number between 0 and 1, {advice}.")
    return float(value)


def check_choice(value: Any, name: str, choices: Sequence[str]) -> None:
    """Check that a value is one of the choices."""
    if not isinstance(value, str) or value not in choices:
        raise ValueError(f"{name}={value!r} must be one of {list(choices)}.")


def check_count(value: Any, name: str, at_least: int) -> int:
    """Check a whole number that has a minimum."""
    if not isinstance(value, Integral) or isinstance(value, bool) or value < at_least:
        raise ValueError(f"{name}={value!r} must be a whole number, at least {at_least}.")
    return int(value)


def check_numbers(values: Any, name: str, *, at_least: int = 2, ndim: int = 1) -> np.ndarray:
    """Check scores: finite numbers, of which those that are not are named.

    Parameters
    ----------
    values : array-like
        What the user passed.
    name : str
        The parameter, for messages.
    at_least : int, default=2
        Minimum length.
    ndim : int, default=1
        Number of axes.
    """
    refuse_unreadable(values, name)
    array = np.asarray(values)
    refuse_text(array, name, "scores must be")
    try:
        array = as_floats(array, np.float64)
    except TypeError:
        raise TypeError(f"{name} is of type {type(values).__name__}; it must be numbers.") from None
    if array.ndim != ndim:
        axes = "one number after the other" if ndim == 1 else f"{ndim} axes"
        raise ValueError(f"{name} has the shape {array.shape}; expected {axes}.")
    if len(array) < at_least:
        raise ValueError(f"{name} has {len(array)} values; at least {at_least} are needed.")
    if not np.isfinite(array).all():
        places = [tuple(place) if ndim > 1 else place[0] for place in _not_finite(array)]
        raise ValueError(
            f"{name} is not a finite number in {len(places)} of {array.size} places, the first at "
            f"{places[0]}: {array[places[0]]}. A score is missing where a fit or a scorer has "
            "failed; repair that, or leave this place out for all models."
        )
    return array


def _not_finite(array):
    return np.argwhere(~np.isfinite(array)).tolist()


def negligible(deviation: float, *values: np.ndarray) -> bool:
    """Tell whether a deviation is nothing but the rounding of the values it comes from."""
    largest = max((float(np.abs(part).max(initial=0.0)) for part in values), default=0.0)
    return bool(deviation <= 64 * np.finfo(float).eps * largest)


def check_aligned(first: Any, other: Any, names: tuple[str, str]) -> None:
    """Refuse two pandas objects whose indices are the same labels in different orders."""
    if not (hasattr(first, "iloc") and hasattr(other, "iloc")) or first.index.equals(other.index):
        return
    if len(first) == len(other) and set(first.index) == set(other.index):
        raise ValueError(
            f"{names[0]} and {names[1]} have the same index in different orders. Rows are matched "
            f"by position: pass {names[1]}.loc[{names[0]}.index] if they belong together by label, "
            "else both as arrays."
        )


def named_columns(columns: Any, name: str, *, item: str) -> dict[str, Any]:
    """Read several columns, and name those that have no names.

    Parameters
    ----------
    columns : mapping, DataFrame, array of shape (n_rows, n_columns) or sequence of columns
        What the user passed.
    name : str
        The parameter, for messages.
    item : str
        What each column is called if it has no name; a number is appended.
    """
    if isinstance(columns, Mapping):
        named = {str(key): value for key, value in columns.items()}
    elif hasattr(columns, "iloc") and getattr(columns, "ndim", 1) == 2:
        named = {str(key): columns.iloc[:, i] for i, key in enumerate(columns.columns)}
    else:
        if isinstance(columns, np.ndarray):
            if columns.ndim != 2:
                raise ValueError(
                    f"{name} has the shape {columns.shape}; expected one column for each model."
                )
            columns = list(columns.T)
        if not isinstance(columns, Sequence) or isinstance(columns, str):
            raise TypeError(
                f"{name} is of type {type(columns).__name__}; it must be a mapping of names, a "
                "DataFrame, an array with a column for each model, or a list of columns."
            )
        named = {f"{item}{i + 1}": value for i, value in enumerate(columns)}
    n_columns = columns.shape[1] if hasattr(columns, "shape") else len(columns)
    if len(named) < n_columns:
        raise ValueError(f"{name} has two models of one name; their names are {list(columns)}.")
    if len(named) < 2:
        raise ValueError(f"{name} has {len(named)} models; at least 2 are compared.")
    return named


def correct_predictions(y_true: Any, predictions: Mapping[str, Any]) -> np.ndarray:
    """Tell which predictions of labels are correct, by rows and models.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,)
        True labels.
    predictions : mapping of str to array-like of shape (n_samples,)
        Predicted labels, by the name of the parameter or the model.
    """
    true = _labels(y_true, "y_true")
    known = set(true.tolist())
    correct = []
    for name, values in predictions.items():
        check_aligned(y_true, values, ("y_true", name))
        predicted = _labels(values, name)
        if len(predicted) != len(true):
            raise ValueError(
                f"y_true has {len(true)} samples, but {name} has {len(predicted)}; each needs one "
                "label for each row of the same test set."
            )
        _check_known(predicted, name, known, true)
        correct.append(predicted == true)
    return np.column_stack(correct)


def _labels(values, name):
    """Check labels of any type, and return them as they are."""
    try:
        refuse_unreadable(values, name)
        array = column_or_1d(np.asarray(values), warn=True)
        check_labels(array, at_least=1)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None
    return array


def _check_known(predicted, name, known, true):
    """Refuse labels of another type than the true ones, and warn of others that are unknown."""
    unknown = [label for label in np.unique(predicted).tolist() if label not in known]
    if not unknown:
        return
    if _is_text(predicted) != _is_text(true):
        raise ValueError(
            f"{name} has the labels {unknown[:5]}, and y_true {sorted(known)[:5]}: one is text, "
            "the other is not, so that no prediction could be correct."
        )
    warn_user(
        f"{name} has labels that do not occur in y_true: {unknown[:5]}; y_true has "
        f"{sorted(known)[:5]}. Such predictions count as errors."
    )


def _is_text(labels):
    return any(isinstance(label, str) for label in labels.tolist())
