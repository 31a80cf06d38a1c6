"""Figures of scripts, with a display or without one."""

import sys
from pathlib import Path

__all__ = ["show_figures"]

# Backends of matplotlib that draw to files only. It takes the first where there is no display.
_FILES_ONLY = {"agg", "cairo", "pdf", "pgf", "ps", "svg", "template"}


def show_figures(name: str) -> None:
    """Show matplotlib's open figures; without a display save them, and print where they are.

    Parameters
    ----------
    name : str
        Name of the files, without an ending. They lie in the working folder, as PNG; of several
        figures each gets a number.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from sklearn_modern.utils.figures import show_figures
    >>> figure, axes = plt.subplots()
    >>> show_figures("losses")  # doctest: +SKIP
    figure: /home/me/losses.png
    """
    # Imported here because it is an extra.
    import matplotlib.pyplot as plt

    # A gallery of examples takes the figures that are open when a block of code ends.
    if plt.get_backend().lower() not in _FILES_ONLY or "sphinx_gallery" in sys.modules:
        plt.show()
        return
    numbers = plt.get_fignums()
    for place, number in enumerate(numbers, start=1):
        path = Path(f"{name}.png" if len(numbers) == 1 else f"{name}_{place}.png").resolve()
        figure = plt.figure(number)
        figure.savefig(path, dpi=150)
        print(f"figure: {path}")
        plt.close(figure)
