"""Warnings that point at the user's own line."""

import sys
import warnings

__all__ = ["warn_user"]

# Packages between the line that a user wrote and the one that warns.
_BETWEEN = {"contextlib", "joblib", "sklearn", "sklearn_modern", "skorch"}


def warn_user(message: str, category: type[Warning] = UserWarning) -> None:
    """Warn, as of the nearest line that is neither in this package nor in those that call it.

    How many calls lie between the two depends on the search or the Pipeline around an estimator,
    so that no fixed number of them is right.
    """
    level, frame = 2, sys._getframe(1)
    while frame.f_back is not None and _package(frame) in _BETWEEN:
        level, frame = level + 1, frame.f_back
    warnings.warn(message, category, stacklevel=level)


def _package(frame):
    return frame.f_globals.get("__name__", "").partition(".")[0]
