"""Columns of text that are hardly categories: numbers spelled as text, and names of rows."""

import math
import re
from collections.abc import Sequence
from typing import Any

from sklearn_modern._core.warning import warn_user

__all__ = ["are_numbers", "warn_unless_categories"]

# Up to so many values are categories, whatever they look like: the days of a month are.
_FEW = 31
# The same where some of them are fractions, which categories seldom are.
_FEW_FRACTIONS = 10


def warn_unless_categories(values: Sequence[Any], n_rows: int, label: Any) -> None:
    """Warn of a column of text whose values are mostly numbers, or mostly occur once.

    Parameters
    ----------
    values : sequence of str or bytes
        The different values.
    n_rows : int
        In how many rows there is a value.
    label : str or int
        The column, for the message.
    """
    if len(values) <= _FEW_FRACTIONS:
        return
    numbers = _numbers(values)
    fractions = any(number != math.floor(number) for number in numbers)
    many = len(values) > (_FEW_FRACTIONS if fractions else _FEW)
    found = (
        f"Column {label} of X holds text with {len(values)} different values in {n_rows} rows, of "
        f"which {len(numbers)} are numbers. As a category, each of them is learned by itself, and "
        "one that the fit has not seen says nothing."
    )
    stays = "If these are categories, say so: by the dtype 'category', or in categorical_features."
    if many and 2 * len(numbers) > len(values):
        warn_user(
            f"{found} Turn the column into numbers; pandas.to_numeric(..., errors='coerce') marks "
            f"the rest as missing. {stays}"
        )
    elif len(values) > _FEW and 2 * len(values) > n_rows:
        warn_user(f"{found} Drop the column, or derive from it what recurs. {stays}")


def are_numbers(values: Sequence[Any]) -> bool:
    """Tell whether values are text, and all of them numbers."""
    texts = [value for value in values if isinstance(value, (str, bytes))]
    return bool(texts) and len(texts) == len(values) == sum(map(_is_number, texts))


def _is_number(text):
    try:
        float(text)
    except ValueError:
        return False
    return True


def _numbers(values):
    """Return those values that are numbers; codes, of which some begin with a zero, are none."""
    texts = [
        value.decode(errors="replace") if isinstance(value, bytes) else value for value in values
    ]
    if any(re.match(r"\s*0\d", text) for text in texts):
        return []
    return [number for text in texts if (number := _number(text)) is not None]


def _number(text):
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) and "_" not in text else None
