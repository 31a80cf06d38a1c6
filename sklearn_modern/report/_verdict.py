"""What the page says first: which model is best, and what is wrong with the data."""

from typing import Any

from sklearn_modern.report._elements import definitions
from sklearn_modern.report._markup import join, name, tag
from sklearn_modern.report._numbers import count, short

__all__ = ["answer", "direction", "findings", "finished", "label_of"]


def finished(results: dict) -> list[dict]:
    """Return the models that have the scores of all splits, best first."""
    return [m for m in results["models"] if m["status"] == "done" and m["score"] is not None]


def label_of(results: dict, model: str) -> str:
    """Return what a model is called for people."""
    return next((m["label"] for m in results["models"] if m["name"] == model), model)


def answer(results: dict) -> list[Any]:
    """Say which model is best, for what, and how that was found out."""
    task, data, how = results["task"], results["data"], results["evaluation"]
    n_done, n_models = len(finished(results)), len(results["models"])
    n_columns = count(data["n_columns"])
    facts = [
        ("Target", name(task["target"])),
        ("Task", task["kind"]),
        ("Data", f"{count(data['n_rows'])} rows, {n_columns} columns"),
        ("Groups", count(data["n_groups"])) if data["n_groups"] is not None else None,
        ("Metric", f"{how['metric']}, {direction(how)}"),
        ("Outer splits", how["outer"]),
        ("Inner splits", how["inner"]),
        ("Models", count(n_done) if n_done == n_models else f"{n_done} of {n_models} finished"),
    ]
    return [
        tag("p", results["answer"], class_="smr-answer"),
        None if results["findings"] else tag("p", _NOTHING_FOUND),
        definitions(fact for fact in facts if fact),
        tag("p", join([f"Why {task['kind']}? ", _sentence(task["reason"]), " ", task["overrule"]]))
        if task["reason"]
        else None,
    ]


_NOTHING_FOUND = (
    "Before the fits, the data were searched for leaks: columns that give the target away, equal "
    "rows on both sides of a split, torn groups, identifiers. Nothing was found, which is no proof "
    "that there is no leak."
)


def findings(results: dict) -> list[Any] | None:
    """List what may make scores too good, or is odd, with its evidence."""
    found = results["findings"]
    if not found:
        return None
    found = sorted(found, key=lambda one: one["severity"] != "leak")
    n_leaks = sum(one["severity"] == "leak" for one in found)
    intro = (
        "A leak lets a model know in this test what it will not know of new rows: scores may be "
        "too good. No column was dropped for it; look at each before you trust a score."
        if n_leaks
        else "Nothing here need make the scores wrong, but each is worth a look."
    )
    return [tag("p", intro), tag("ul", *map(_finding, found), class_="smr-findings")]


def _finding(one):
    is_leak = one["severity"] == "leak"
    kind = tag(
        "p",
        tag("strong", "▲ Leak" if is_leak else "● Warning"),
        f": {one['kind']}",
        class_="smr-kind",
    )
    columns = one["columns"]
    shown = join(
        join([", " if i else None, tag("code", name(column))])
        for i, column in enumerate(columns[:20])
    )
    more = f" and {count(len(columns) - 20)} more" if len(columns) > 20 else None
    evidence = [
        (key, value if isinstance(value, str) else short(value))
        for key, value in one["evidence"].items()
        if not isinstance(value, str) or value not in one["message"]
    ]
    return tag(
        "li",
        kind,
        tag("p", one["message"]),
        tag("p", "Columns: " if len(columns) > 1 else "Column: ", shown, more) if columns else None,
        definitions(evidence) if evidence else None,
        class_="leak" if is_leak else "warning",
    )


def direction(how: dict) -> str:
    """Say which scores are better."""
    return "lower is better" if how["lower_is_better"] else "higher is better"


def _sentence(reason):
    return reason if reason.rstrip().endswith((".", "!", "?")) else f"{reason.rstrip()}."
