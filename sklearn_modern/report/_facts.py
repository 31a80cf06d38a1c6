"""What was given, how long it took, and how to do it again."""

from typing import Any

from sklearn_modern.report._elements import definitions, figure, folded, listing, metered, table
from sklearn_modern.report._markup import join, name, shortened, tag
from sklearn_modern.report._numbers import count, duration, percent, short
from sklearn_modern.report._plots import Row, histogram_plot, rows_plot

__all__ = ["profile", "reproduce", "timings", "versions"]

_LABELS, _COLUMNS = 20, 300


def profile(results: dict) -> list[Any] | None:
    """Describe the target and the columns."""
    data, task = results["data"], results["task"]
    target = data["target"]
    parts = []
    if target:
        drawn = _label_counts(target, task) if target.get("counts") else _number_target(target)
        parts += [tag("h3", "Target: ", name(task["target"])), *drawn]
    if data["columns"] or data["dropped"]:
        parts.append(tag("h3", "Columns"))
        parts += _columns(data)
    return parts or None


def _label_counts(target, task):
    counts = target["counts"]
    order = [label for label in task["classes"] or () if label in counts]
    order += [label for label in counts if label not in set(order)]
    total = sum(counts.values()) or 1
    rows = [
        Row(label, counts[label], f"{count(counts[label])} ({percent(counts[label] / total)})")
        for label in order[:_LABELS]
    ]
    seen = "; ".join(f"{shortened(row.label, 40)}: {row.written}" for row in rows)
    yield figure(
        rows_plot(rows, label=f"Rows of each label: {seen}.", axis="rows", kind="bars"),
        "Rows of each label, and their share of all rows. Of a rare label all numbers on this page "
        "are less sure.",
    )
    if len(order) > _LABELS:
        cells = [
            (name(label), count(counts[label]), percent(counts[label] / total))
            for label in order[:_COLUMNS]
        ]
        caption = f"Rows of each label{_first(len(order))}."
        yield folded(
            f"Rows of all {count(len(order))} labels",
            table(caption, ["Label", "Rows", "Share"], cells, numbers=(1, 2), tall=True),
        )


def _number_target(target):
    found = target.get("histogram")
    if found and found["counts"]:
        yield figure(
            histogram_plot(found["edges"], found["counts"], what="target", axis="target"),
            "How often values of each size occur. A long tail weighs much in squared errors.",
        )
    yield definitions((text, short(target.get(key))) for text, key in _NUMBERS.items())


_NUMBERS = {
    "Mean": "mean",
    "Standard deviation": "sd",
    "Minimum": "min",
    "First quartile": "q25",
    "Median": "median",
    "Third quartile": "q75",
    "Maximum": "max",
}


def _columns(data):
    if data["dropped"]:
        dropped = join(
            join([", " if i else None, tag("code", name(column))])
            for i, column in enumerate(data["dropped"][:50])
        )
        more = len(data["dropped"]) - 50
        yield tag("p", "Left out: ", dropped, f" and {count(more)} more" if more > 0 else None, ".")
    numbers = [c for c in data["columns"] if c["kind"] == "number"]
    categories = [c for c in data["columns"] if c["kind"] != "number"]
    if numbers:
        heads = ["Column", "Missing", "Different"]
        heads += ["Mean", "Standard deviation", "Minimum", "Maximum"]
        rows = [
            (
                name(c["name"]),
                _missing(c["missing"]),
                count(c["n_unique"]),
                _mean(c),
                *(short(c.get(key)) for key in ("sd", "min", "max")),
            )
            for c in numbers[:_COLUMNS]
        ]
        caption = f"Columns of numbers{_first(len(numbers))}."
        yield table(caption, heads, rows, numbers=range(1, 7), tall=True)
    if categories:
        rows = [
            (name(c["name"]), _missing(c["missing"]), count(c["n_unique"]), _frequent(c))
            for c in categories[:_COLUMNS]
        ]
        caption = f"Columns of categories{_first(len(categories))}."
        heads = ["Column", "Missing", "Different", "Most frequent"]
        yield table(caption, heads, rows, numbers=(1, 2), tall=True)


def _mean(column):
    """Write a mean; what rounding has left of zero is zero."""
    mean, sd = column.get("mean"), column.get("sd")
    return short(0.0 if mean and sd and abs(mean) < 1e-9 * sd else mean)


def _first(n):
    return f", the first {_COLUMNS} of {count(n)}; results.json has all" if n > _COLUMNS else ""


def _missing(share):
    written = percent(share)
    return tag("td", metered(share, written) if share else written, class_="number")


def _frequent(column):
    return tag(
        "td",
        *(
            join([", " if i else None, name(value, 40), f" {percent(share)}"])
            for i, (value, share) in enumerate(column.get("most_frequent") or ())
        ),
        class_="prose",
    )


def timings(results: dict) -> list[Any] | None:
    """Tell how long it took, and of what."""
    found = results["timings"]
    names = {
        "total_seconds": "In all",
        "fits_seconds": "Fits and their scores",
        "model_seconds": "Fit of the best model to all rows",
        "page_seconds": "This page",
        "budget_seconds": "Time that was given",
    }
    pairs = [
        (text, duration(found[key])) for key, text in names.items() if found.get(key) is not None
    ]
    rows = [
        Row(m["label"], m["fit_seconds"], duration(m["fit_seconds"]))
        for m in results["models"]
        if m["fit_seconds"] is not None
    ]
    if not rows:
        return [definitions(pairs)] if pairs else None
    seen = "; ".join(f"{row.label}: {row.written}" for row in rows)
    plot = rows_plot(
        rows, label=f"Time of all fits of each model: {seen}.", axis="seconds", kind="bars"
    )
    note = "Time of all fits of each model, inner and outer."
    return [definitions(pairs) if pairs else None, figure(plot, note)]


def versions(results: dict) -> list[Any] | None:
    """List what it was made with."""
    found = results["created_with"]
    if not found:
        return None
    rows = [(name(package), name(version)) for package, version in found.items()]
    return [table("Versions of what this report was made with.", ["Package", "Version"], rows)]


def reproduce(results: dict) -> list[Any] | None:
    """Give the command and the code that make this report again."""
    found = results["reproduce"]
    parts = []
    if found["command"]:
        parts += [tag("h3", "On the command line"), listing(found["command"], "Command")]
    if found["code"]:
        parts += [tag("h3", "In Python"), listing(found["code"], "Python code")]
    if found.get("model"):
        parts += [tag("h3", "Read the stored model"), listing(found["model"], "Python code")]
    elif "model" in found:
        parts.append(tag("p", "No model was stored: its fit to all rows was interrupted."))
    return parts or None
