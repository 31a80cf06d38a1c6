"""The page of a report: one file of HTML, and the short form for notebooks."""

from typing import Any

from sklearn_modern.report._behaviour import (
    calibration,
    confusion,
    importance,
    residuals,
    stability,
)
from sklearn_modern.report._facts import profile, reproduce, timings, versions
from sklearn_modern.report._markup import Markup, join, name, shortened, tag
from sklearn_modern.report._scores import (
    comparison,
    comparison_figure,
    comparison_table,
    optimism,
    pairs,
)
from sklearn_modern.report._style import PAGE_STYLE, STYLE
from sklearn_modern.report._verdict import answer, findings, finished

__all__ = ["render_fragment", "render_page"]

# In the order of the page. A section without data returns None, and is left out.
_SECTIONS = {
    "answer": ("The answer", answer),
    "findings": ("Findings", findings),
    "comparison": ("Comparison of models", comparison),
    "tests": ("Is the best really better?", pairs),
    "optimism": ("Optimism", optimism),
    "calibration": ("Calibration", calibration),
    "residuals": ("Residuals", residuals),
    "confusion": ("Confusion", confusion),
    "stability": ("Stability of parameters", stability),
    "importance": ("Importance of columns", importance),
    "profile": ("Profile of the data", profile),
    "timings": ("Timings", timings),
    "versions": ("Versions", versions),
    "reproduce": ("Do it again", reproduce),
}

# Whatever gets into the page, a browser loads nothing for it and runs nothing in it.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"

_LONGEST_LABEL = 60


def render_page(results: dict[str, Any]) -> str:
    """Write the page of a report.

    Parameters
    ----------
    results : dict
        What ``results.json`` holds; nothing else is on the page.

    Returns
    -------
    str
        HTML that needs no other file.
    """
    results = _with_short_labels(results)
    sections = [
        (key, _title(key, title, results), content)
        for key, (title, make) in _SECTIONS.items()
        if (content := make(results))
    ]
    target, data = results["task"]["target"], results["data"]["name"]
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", http_equiv="Content-Security-Policy", content=_POLICY),
        tag("meta", name="color-scheme", content="light dark"),
        tag("title", f"Predicting {shortened(target, 60)}"),
        tag("link", rel="icon", href="data:,"),
        tag("style", Markup(STYLE + PAGE_STYLE)),
    )
    header = tag(
        "header",
        tag("p", "Tabular report", class_="eyebrow"),
        tag("h1", "Predicting ", name(target)),
        tag("p", "from ", name(data), class_="source") if data else None,
    )
    links = (tag("li", tag("a", title, href=f"#{key}")) for key, title, _ in sections)
    body = tag(
        "body",
        tag("a", "To the answer", href="#answer", class_="skip"),
        header,
        tag("nav", tag("ul", *links), aria_label="Sections"),
        tag("main", *(_section(*section) for section in sections)),
        tag("footer", tag("p", _footer(results))),
        class_="smr page",
    )
    return f"<!DOCTYPE html>\n{tag('html', head, body, lang='en')}\n"


def _with_short_labels(results):
    """Cut the labels of models that would not fit into a sentence."""
    models = [m | {"label": shortened(m["label"], _LONGEST_LABEL)} for m in results["models"]]
    return results | {"models": models}


def _section(key, title, content):
    heading = tag("h2", title, id=f"{key}-title")
    return tag("section", heading, *content, id=key, aria_labelledby=f"{key}-title")


def _title(key, title, results):
    ordinal = results["task"]["kind"] == "ordinal"
    return "Confusion by rank" if key == "confusion" and ordinal else title


def _footer(results):
    version = results["created_with"].get("sklearn-modern")
    made = f"Made by sklearn_modern {version}. " if version else "Made by sklearn_modern. "
    return f"{made}All numbers are in results.json, with all their digits."


def render_fragment(results: dict[str, Any]) -> str:
    """Write the short form of a report, as a notebook shows it below a cell.

    Parameters
    ----------
    results : dict
        What ``results.json`` holds.

    Returns
    -------
    str
        HTML whose styles hold in it only, with the answer, the findings, and the comparison.
    """
    results = _with_short_labels(results)
    found = findings(results)
    done = finished(results)
    short_form = tag(
        "div",
        tag("style", Markup(STYLE)),
        tag("p", results["answer"], class_="smr-answer"),
        join(found) if found else None,
        comparison_figure(results) if done else None,
        comparison_table(results) if done else None,
        class_="smr",
        role="group",
        aria_label=f"Report on {shortened(results['task']['target'], 60)}",
    )
    return str(short_form)
