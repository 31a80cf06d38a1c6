"""What Ctrl-C does to a fit: alone it keeps what it has, as one of many it ends them all."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

__all__ = ["interrupts_raise", "keeps_what_it_has"]

_raises: ContextVar[bool] = ContextVar("interrupts_raise", default=False)

# Whoever runs these runs one fit, of which the network or the booster is the last step.
_ONE_FIT = ("sklearn.base", "sklearn.pipeline", "sklearn.compose", "sklearn.utils")
# Packages whose calls run many fits, of which one that was cut short must not count as complete.
_MANY_FITS = ("sklearn", "joblib", "multiprocessing", "concurrent")
_OURS_WITH_MANY_FITS = (
    "sklearn_modern._fits",
    "sklearn_modern._neural.packs",
    "sklearn_modern.ensemble._many",
    "sklearn_modern.feature_selection",
    "sklearn_modern.model_selection",
    "sklearn_modern.ordinal._decomposition",
)


@contextmanager
def interrupts_raise() -> Iterator[None]:
    """Let Ctrl-C end what runs many fits, instead of the one fit that happens to be running.

    A network or a booster that is fitted on its own keeps what it has learned when Ctrl-C is
    pressed, warns, and returns. Inside scikit-learn's searches and meta-estimators, inside joblib's
    workers, and inside this context it raises KeyboardInterrupt. Loops over fits of your own belong
    into this context.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_modern.neural_network import MLPClassifier
    >>> from sklearn_modern.utils import interrupts_raise
    >>> X, y = load_iris(return_X_y=True)
    >>> with interrupts_raise():
    ...     models = [MLPClassifier((n,), max_iter=2).fit(X, y) for n in (8, 16)]
    """
    token = _raises.set(True)
    try:
        yield
    finally:
        _raises.reset(token)


def keeps_what_it_has(own: str | None = None) -> bool:
    """Tell whether the running fit, which Ctrl-C has ended, is on its own.

    ``own`` is the package that asks, where it runs many fits itself.
    """
    if _raises.get():
        return False
    frame = sys._getframe(1)
    while frame is not None:
        module = frame.f_globals.get("__name__") or ""
        if _is_of_many(module) and not (own and _within(module, (own,))):
            return False
        frame = frame.f_back
    return True


def _is_of_many(module):
    if _within(module, _OURS_WITH_MANY_FITS):
        return True
    return _within(module, _MANY_FITS) and not _within(module, _ONE_FIT)


def _within(module, packages):
    return any(module == package or module.startswith(f"{package}.") for package in packages)
