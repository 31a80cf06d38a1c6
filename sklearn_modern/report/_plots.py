"""Plots as SVG, which follow the colours, the width and the text size of the page.

Places are percentages, so one drawing fits every width. Colours are classes of the style sheet.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from unicodedata import east_asian_width

from sklearn_modern.report._markup import Markup, shortened, tag
from sklearn_modern.report._numbers import count, percent, short
from sklearn_modern.report._scales import Scale, known, limits_without_outliers

__all__ = [
    "BEYOND",
    "Row",
    "calibration_plot",
    "fitting",
    "histogram_plot",
    "residual_plot",
    "rows_plot",
]

_TOP, _PITCH, _BOTTOM = 30, 38, 40

# A label has room for so many letters of middling width.
_ROOM = 22

# The class of an arrow at the end of the axis, which points at a value that lies beyond it.
BEYOND = "beyond middle"

# Points of one path do not show where they lie on each other; those of several paths do.
_POINTS_A_PATH = 100


@dataclass(frozen=True)
class Row:
    """A value in a plot of rows."""

    label: str
    value: float | None
    written: str
    low: float | None = None
    high: float | None = None
    points: Sequence[float | None] = ()
    emphasis: str = ""  # "best" or "baseline"


def rows_plot(
    rows: Sequence[Row],
    *,
    label: str,
    axis: str,
    reference: float | None = None,
    reference_label: str = "",
    clipped: bool = False,
    kind: str = "dots",
) -> Markup:
    """Draw a value in each row, with its interval, single points, and a bar from a reference.

    Parameters
    ----------
    rows : sequence of Row
        What is drawn, from top to bottom.
    label : str
        What is seen, in words.
    axis : str
        What the numbers are.
    reference : float or None
        Where bars begin, if not at zero; a dashed line stands there.
    reference_label : str
        What the reference is.
    clipped : bool
        Whether outliers may lie beyond the axis; an arrow points at them.
    kind : {"dots", "bars"}
        Whether a dot stands at the value; a bar alone is enough for counts.
    """
    numbers = [(row.value, row.low, row.high, *row.points) for row in rows]
    if clipped and reference is not None:
        scale = Scale.over(limits_without_outliers(numbers, reference))
    else:
        zero = 0.0 if kind == "bars" else reference
        scale = Scale.over([zero, *(n for of_row in numbers for n in of_row)], whole=True)
    bottom = _TOP + _PITCH * len(rows)
    drawn = [
        *_ticks_below(scale, _TOP - 6, bottom),
        tag("text", axis, x="100%", y=bottom + 36, class_="axis end"),
    ]
    if reference is not None:
        drawn += _reference(scale.place(reference), reference_label, bottom)
    if kind == "bars":
        reference = 0.0
        drawn.append(tag("line", x1=0, x2=0, y1=_TOP - 6, y2=bottom, class_="ground"))
    for i, row in enumerate(rows):
        drawn += _row(row, scale, _TOP + _PITCH * i + _PITCH // 2 + 3, reference, kind)
    return _svg(label, bottom + _BOTTOM, drawn, "rows")


def _reference(place, label, bottom):
    yield tag("line", x1=f"{place}%", x2=f"{place}%", y1=_TOP - 8, y2=bottom, class_="reference")
    side = "end" if place > 70 else "start" if place < 30 else "middle"
    yield tag("text", label, x=f"{place}%", y=_TOP - 15, class_=f"note {side}")


def _row(row, scale, y, reference, kind):
    emphasis = f" {row.emphasis}" if row.emphasis else ""
    yield tag("text", fitting(row.label), y=y + 4, class_=f"label{emphasis}")
    yield tag("text", row.written, x="100%", y=y + 4, class_=f"value{emphasis}")
    if not known([row.value]):
        return
    place = scale.place(row.value)
    if reference is not None:
        start, end = sorted([scale.place(reference), place])
        width = f"{round(end - start, 2)}%"
        yield tag("rect", x=f"{start}%", y=y - 6, width=width, height=12, class_=f"bar {kind}")
    for point in known(row.points):
        if scale.holds(point):
            x = f"{scale.place(point)}%"
            yield tag("line", x1=x, x2=x, y1=y - 5, y2=y + 5, class_="single")
    if len(known([row.low, row.high])) == 2:
        low, high = scale.place(row.low), scale.place(row.high)
        yield tag("line", x1=f"{low}%", x2=f"{high}%", y1=y, y2=y, class_=f"interval{emphasis}")
    if kind == "dots" and scale.holds(row.value):
        yield tag("circle", cx=f"{place}%", cy=y, r=5, class_=f"dot{emphasis}")
    beyond = [n for n in known([row.value, row.low, row.high]) if not scale.holds(n)]
    for place in sorted({scale.place(n) for n in beyond}):
        arrow = "\N{BLACK RIGHT-POINTING TRIANGLE}" if place else "\N{BLACK LEFT-POINTING TRIANGLE}"
        yield tag("text", arrow, x=f"{place}%", y=y + 4, class_=BEYOND)


def fitting(label: str) -> str:
    """Cut a label so that it has room, whatever the widths of its letters are."""
    cuts = (shortened(label, longest) for longest in range(_ROOM, 0, -1))
    return next(cut for cut in cuts if _width(cut) <= _ROOM)


def _width(label):
    wide = sum(east_asian_width(letter) in "WF" or letter in "MW@" for letter in label)
    return len(label) + wide + 0.3 * sum(letter.isupper() or letter in "mw%" for letter in label)


def calibration_plot(curve: dict, *, label: str) -> Markup:
    """Draw observed frequencies over predicted probabilities; larger points stand for more rows."""
    height, unit = 230, Scale(0.0, 1.0)
    points = [
        (p, o, n)
        for p, o, n in zip(curve["predicted"], curve["observed"], curve["counts"], strict=True)
        if p is not None and o is not None and n
    ]
    most = max((n for *_, n in points), default=1)
    line = " ".join(f"{unit.place(p)},{100 - unit.place(o):.2f}" for p, o, _ in points)
    drawn = [
        *_ticks_below(unit, 0, height, about=2),
        *_ticks_left(unit, about=2),
        _stretched(
            tag("line", x1=0, y1=100, x2=100, y2=0, class_="reference", vector_effect=_SAME_WIDTH),
            tag("polyline", points=line, class_="curve", vector_effect=_SAME_WIDTH),
        ),
        tag("text", "observed", x=0, y=-12, class_="axis", dx="-2.4em"),
        tag("text", "predicted", x="100%", y=height + 36, class_="axis end"),
    ]
    for p, o, n in points:
        seen = f"predicted {percent(p)}, observed {percent(o)}, {count(n)} rows"
        drawn.append(
            tag(
                "circle",
                tag("title", seen),
                cx=f"{unit.place(p)}%",
                cy=f"{100 - unit.place(o):.2f}%",
                r=round(2.5 + 5 * (n / most) ** 0.5, 1),
                class_="dot sized",
            )
        )
    return _svg(label, height, drawn, "square")


def residual_plot(predicted: Sequence, residual: Sequence, *, label: str) -> Markup:
    """Draw residuals over predictions, with a line at zero."""
    height = 240
    pairs = [
        pair for pair in zip(predicted, residual, strict=True) if len(known(pair)) == len(pair)
    ]
    n_paths = -(-len(pairs) // _POINTS_A_PATH)
    across = Scale.over([p for p, _ in pairs])
    along = Scale.over([0.0, *(r for _, r in pairs)])
    zero = f"{100 - along.place(0.0):.2f}%"
    drawn = [
        *_ticks_below(across, 0, height),
        *_ticks_left(along),
        tag("line", x1=0, x2="100%", y1=zero, y2=zero, class_="reference"),
        tag("text", "residual", x=0, y=-12, class_="axis", dx="-2.4em"),
        tag("text", "predicted", x="100%", y=height + 36, class_="axis end"),
        _stretched(
            *(_points(some, across, along) for some in (pairs[i::n_paths] for i in range(n_paths)))
        ),
    ]
    return _svg(label, height, drawn, "free")


def _points(pairs, across, along):
    """Draw dots: lines of no length, with round ends."""
    dots = "".join(f"M{across.place(p):g} {100 - along.place(r):.4g}h0" for p, r in pairs)
    return tag("path", d=dots, class_="points", vector_effect=_SAME_WIDTH)


def histogram_plot(
    edges: Sequence, counts: Sequence, *, what: str, axis: str, height: int = 150
) -> Markup:
    """Draw a histogram."""
    bins = [
        (low, high, n, f"{short(low, 3)} to {short(high, 3)}: {count(n)} rows")
        for (low, high), n in zip(pairwise(edges), counts, strict=True)
    ]
    label = f"Histogram of the {what}. {'; '.join(seen for *_, seen in bins)}."
    across = Scale.over(edges, margin=0.0)
    up = Scale.over([0.0, *counts], whole=True)
    drawn = [*_ticks_below(across, height - 4, height, about=3), *_ticks_left(up, about=3)]
    for low, high, n, seen in bins:
        left, right, top = across.place(low), across.place(high), up.place(n)
        drawn.append(
            tag(
                "rect",
                tag("title", seen),
                x=f"{left}%",
                width=f"{right - left:.2f}%",
                y=f"{100 - top:.2f}%",
                height=f"{top}%",
                class_="bar bars column",
            )
        )
    drawn += [
        tag("line", x1=0, x2="100%", y1="100%", y2="100%", class_="ground"),
        tag("text", "rows", x=0, y=-12, class_="axis", dx="-2.4em"),
        tag("text", axis, x="100%", y=height + 36, class_="axis end"),
    ]
    return _svg(label, height, drawn, "free")


_SAME_WIDTH = "non-scaling-stroke"


def _stretched(*shapes):
    """Draw shapes in percent that SVG takes no percentages for."""
    return tag(
        "svg",
        *shapes,
        viewBox="0 0 100 100",
        preserveAspectRatio="none",
        width="100%",
        height="100%",
    )


def _ticks_below(scale, top, bottom, about=4):
    for place, written in scale.ticks(about):
        yield tag("line", x1=f"{place}%", x2=f"{place}%", y1=top, y2=bottom, class_="grid")
        yield tag("text", written, x=f"{place}%", y=bottom + 17, class_="tick middle")


def _ticks_left(scale, about=4):
    for place, written in scale.ticks(about):
        y = f"{100 - place:.2f}%"
        yield tag("line", x1=0, x2="100%", y1=y, y2=y, class_="grid")
        yield tag("text", written, x=-8, y=y, dy=4, class_="tick end")


def _svg(label, height, drawn, kind):
    return tag(
        "div",
        tag("svg", *drawn, role="img", aria_label=label, width="100%", height=height),
        class_=f"smr-plot {kind}",
    )
