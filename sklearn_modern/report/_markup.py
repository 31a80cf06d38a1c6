"""Write HTML and SVG in which every text is escaped."""

import html
import re
from collections.abc import Iterable
from typing import Any

__all__ = ["Markup", "join", "name", "tag", "text"]

# What HTML cannot hold: control characters, and halves of surrogate pairs. And what would turn the
# order of letters around, so that a name is read as another.
_UNFIT = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff\u202a-\u202e\u2066-\u2069]"
)

_EMPTY = {"meta", "link", "br"}
_SHAPES = {"circle", "line", "path", "rect"}

# A longer name is cut; results.json has all of it.
_LONGEST_NAME = 80


class Markup(str):
    """HTML that needs no more escaping; every other text does."""

    __slots__ = ()


def text(value: Any) -> Markup:
    """Escape a text for a place between tags or inside quotes."""
    if isinstance(value, Markup):
        return value
    return Markup(html.escape(_UNFIT.sub("\ufffd", str(value))))


def name(value: Any, longest: int = _LONGEST_NAME) -> Markup:
    """Set a name that comes from the data apart, whatever the direction of its script is."""
    return tag("bdi", shortened(value, longest) if str(value).strip() else "(empty)")


def shortened(value: Any, longest: int) -> str:
    """Cut the middle out of a text that is too long for its place."""
    value = str(value)
    if len(value) <= longest:
        return value
    head = 2 * longest // 3
    return f"{value[:head]}…{value[len(value) - (longest - head - 1) :]}"


def join(parts: Iterable[Any]) -> Markup:
    """Put parts one after the other; None is nothing."""
    return Markup("".join(text(part) for part in parts if part is not None))


def tag(element: str, *children: Any, **attributes: Any) -> Markup:
    """Make an element.

    Parameters
    ----------
    element : str
        Its name.
    *children : Markup, str, number or None
        What is in it. What is not Markup is escaped; None is nothing.
    **attributes : str, number, bool or None
        ``class_`` is "class", and other underscores are hyphens. None and False leave an attribute
        out, True gives it no value.
    """
    given = []
    for key, value in attributes.items():
        key = key.rstrip("_").replace("_", "-")
        if value is True:
            given.append(f" {key}")
        elif value is not None and value is not False:
            given.append(f' {key}="{text(value)}"')
    if element in _SHAPES and not children:
        return Markup(f"<{element}{''.join(given)}/>")
    if element in _EMPTY:
        return Markup(f"<{element}{''.join(given)}>")
    return Markup(f"<{element}{''.join(given)}>{join(children)}</{element}>")
