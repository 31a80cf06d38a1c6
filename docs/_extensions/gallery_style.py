"""How the plots of the gallery look."""

import matplotlib as mpl

# Reads on white and on black.
_GREY = "#7a7f87"


def let_figures_read_on_any_page(gallery_conf: dict, name: str) -> None:
    """Give plots no background, and grey where they have black, before each example."""
    names = ("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color")
    names += ("grid.color", "legend.edgecolor")
    mpl.rcParams.update(dict.fromkeys(names, _GREY))
    names = ("figure.facecolor", "savefig.facecolor", "axes.facecolor", "legend.facecolor")
    mpl.rcParams.update(dict.fromkeys(names, "none") | {"legend.framealpha": 0.0})
