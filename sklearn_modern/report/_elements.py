"""Tables, figures, and boxes that scroll so that the page does not."""

import re
from collections.abc import Iterable, Sequence
from typing import Any

from sklearn_modern.report._markup import Markup, join, tag, text

__all__ = ["definitions", "figure", "folded", "listing", "metered", "table"]


def table(
    caption: Any,
    heads: Sequence[Any],
    rows: Iterable[Sequence[Any]],
    *,
    numbers: Iterable[int] = (),
    emphasis: Sequence[str] = (),
    tall: bool = False,
) -> Markup:
    """Make a table whose first column names the rows.

    Parameters
    ----------
    caption : Markup or str
        What is in it.
    heads : sequence
        Heads of the columns.
    rows : iterable of sequence
        Cells; a cell that is a whole ``<td>`` is taken as it is.
    numbers : iterable of int
        Columns of numbers, which are aligned at their ends.
    emphasis : sequence of str
        A class for each row, which may be "".
    tall : bool
        Whether a table of many rows scrolls, too.
    """
    align = dict.fromkeys(numbers, "number")
    head = tag(
        "tr", *(tag("th", head, scope="col", class_=align.get(i)) for i, head in enumerate(heads))
    )
    body = []
    for i, row in enumerate(rows):
        first, *others = row
        cells = [
            cell
            if isinstance(cell, Markup) and cell.startswith("<td")
            else tag("td", cell, class_=align.get(j))
            for j, cell in enumerate(others, start=1)
        ]
        kind = emphasis[i] if i < len(emphasis) and emphasis[i] else None
        body.append(tag("tr", tag("th", first, scope="row"), *cells, class_=kind))
    long = tall and len(body) > 30
    return tag(
        "div",
        tag("table", tag("caption", caption), tag("thead", head), tag("tbody", *body)),
        class_="smr-scroll tall" if long else "smr-scroll",
        role="group",
        aria_label=_plain(caption),
        tabindex=0,
    )


def figure(plot: Any, note: Any, *, title: Any = None) -> Markup:
    """Make a figure with a note that says how to read it."""
    return tag(
        "figure",
        None if title is None else tag("p", title, class_="smr-title"),
        plot,
        None if note is None else tag("figcaption", note),
    )


def folded(summary: Any, *content: Any) -> Markup | None:
    """Make details that a reader may unfold; none if there is nothing in them."""
    content = [part for part in content if part is not None]
    return tag("details", tag("summary", summary), *content) if content else None


def definitions(pairs: Iterable[tuple[Any, Any]]) -> Markup:
    """Make a list of what things are."""
    return tag(
        "dl",
        *(tag("div", tag("dt", term), tag("dd", value)) for term, value in pairs),
        class_="smr-facts",
    )


def metered(share: float, written: str) -> Markup:
    """Write a share beside a bar of its size."""
    bar = tag("span", class_="smr-meter", style=f"--share:{share:.3g}", aria_hidden="true")
    return join([bar, tag("span", written, class_="smr-metered")])


def listing(code: str, label: str) -> Markup:
    """Show text as it is to be typed."""
    return tag(
        "pre", tag("code", code), class_="smr-scroll", role="group", aria_label=label, tabindex=0
    )


def _plain(caption):
    """Take the tags off a caption; a bracket of its own is an entity there."""
    return Markup(re.sub("<[^>]*>", "", text(caption)))
