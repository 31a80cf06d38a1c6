"""Import a library that is not always there, or say how to get it."""

from importlib import import_module
from types import ModuleType

__all__ = ["import_optional"]


def import_optional(name: str, *, extra: str, feature: str) -> ModuleType:
    """Import the optional library ``name``.

    Parameters
    ----------
    name : str
        The module to import, such as ``"matplotlib"``.
    extra : str
        The extra of ``sklearn-modern`` that installs it.
    feature : str
        What needs it, as the user knows it; begins the message.

    Raises
    ------
    ModuleNotFoundError
        When the library is not installed, with the command that installs it. A library that is
        installed but broken raises its own error.
    """
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        library = name.partition(".")[0]
        if error.name != library:
            raise
        raise ModuleNotFoundError(
            f"{feature} needs {library}, which is not installed. "
            f'Install it with: python -m pip install "sklearn-modern[{extra}]"',
            name=library,
        ) from None
