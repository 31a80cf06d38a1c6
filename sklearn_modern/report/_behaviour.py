"""How models behave: calibration, residuals, confusion, chosen parameters, important columns."""

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

from sklearn_modern.report._elements import figure, folded, metered, table
from sklearn_modern.report._markup import Markup, join, name, shortened, tag
from sklearn_modern.report._numbers import count, decimals_for, fixed, percent, short, signed
from sklearn_modern.report._plots import (
    Row,
    calibration_plot,
    histogram_plot,
    residual_plot,
    rows_plot,
)
from sklearn_modern.report._scales import known
from sklearn_modern.report._verdict import finished, label_of

__all__ = ["calibration", "confusion", "importance", "residuals", "stability"]

# The page stays small: what other models than the best did fills so many bytes a section at most.
_OTHERS = 400_000
_CURVES, _LABELS, _FEATURES_DRAWN, _FEATURES = 12, 40, 20, 200


def calibration(results: dict) -> list[Any] | None:
    """Show for each class whether predicted probabilities are what is observed."""
    curves = [
        (model["label"], found["calibration"])
        for model in finished(results)
        if (found := results["diagnostics"].get(model["name"]) or {}).get("calibration")
    ]
    note = (
        "Points on the dashed diagonal are right: of rows with a predicted probability of 30 %, "
        "30 % belong to the class. Below it the model is too sure of the class, above it not sure "
        "enough. Larger points stand for more rows; small ones vary by chance."
    )
    note = tag("p", note, class_="smr-note")
    if curves and all(len(of_model) == 1 for _, of_model in curves):  # side by side
        plots = [_curve(one, model, name(model, 40)) for model, (one,) in curves[:_CURVES]]
        label = name(curves[0][1][0]["label"])
        intro = tag("p", "Predicted probability of ", label, ", and how often it was observed.")
        return [intro, _small(plots, len(curves), "models"), note]
    shown = _by_model(results, "calibration", _calibration)
    return shown and [shown[0], note, *shown[1:]]


def _calibration(curves, model):
    titles = [join(["Class ", name(curve["label"], 40)]) for curve in curves[:_CURVES]]
    plots = [_curve(curve, model, title) for curve, title in zip(curves, titles, strict=False)]
    return _small(plots, len(curves), "classes")


def _curve(curve, model, title):
    points = zip(curve["predicted"], curve["observed"], curve["counts"], strict=True)
    seen = "; ".join(f"{percent(p)}: {percent(o)} of {count(n)} rows" for p, o, n in points)
    label = (
        f"Calibration of {model} for {shortened(curve['label'], 40)}, predicted: observed: {seen}."
    )
    return figure(calibration_plot(curve, label=label), None, title=title)


def _small(plots, n, what):
    left = n - len(plots)
    more = f"Not shown, but in results.json: {count(left)} of {count(n)} {what}."
    return join([tag("div", *plots, class_="smr-small"), tag("p", more) if left else None])


def residuals(results: dict) -> list[Any] | None:
    """Show what predictions of numbers miss, and where."""
    shown = _by_model(results, "residuals", _residuals)
    note = (
        "Each point is a row in an outer test fold: its residual, true minus predicted, over its "
        "prediction. A good cloud lies around the dashed line everywhere; a bend is something that "
        "the model has missed, a funnel an error that grows with the prediction. The bars tell how "
        "often residuals of each size occur."
    )
    return shown and [shown[0], tag("p", note, class_="smr-note"), *shown[1:]]


def _residuals(found, model):
    sizes = known(found["residual"])
    reach = f"from {short(min(sizes))} to {short(max(sizes))}" if sizes else "unknown"
    label = f"Residuals of {model} over predictions: {len(sizes)} rows, residuals {reach}."
    plots = [figure(residual_plot(found["predicted"], found["residual"], label=label), None)]
    if found["histogram"]:
        edges, counts = found["histogram"]["edges"], found["histogram"]["counts"]
        what = f"residuals of {model}"
        plots.append(
            figure(histogram_plot(edges, counts, what=what, axis="residual", height=240), None)
        )
    return tag("div", *plots, class_="smr-two")


def confusion(results: dict) -> list[Any] | None:
    """Show which labels are taken for which."""
    shown = _by_model(results, "confusion", _confusion)
    by_rank = results["task"]["kind"] == "ordinal"
    note = (
        "Rows are true labels, columns predicted ones, from outer test folds; a stronger "
        "shade is a larger share of the row. Right predictions stand on the diagonal, in frames."
    )
    if by_rank:
        note += " Labels are in their order: the farther from the diagonal, the worse the mistake."
    return shown and [shown[0], tag("p", note, class_="smr-note"), *shown[1:]]


def _confusion(found, model):
    labels, counts = found["labels"], found["counts"]
    if len(labels) > _LABELS:
        return tag("p", f"{count(len(labels))} labels are too many for a page; see results.json.")
    rows = []
    for i, (label, row) in enumerate(zip(labels, counts, strict=True)):
        total = sum(row) or 1
        cells = [
            tag(
                "td",
                count(n),
                class_="number hit" if i == j else "number",
                style=f"--share:{n / total:.2g}" if n else None,
            )
            for j, n in enumerate(row)
        ]
        rows.append((name(label, 40), *cells))
    heads = [tag("span", "true ↓ predicted →", class_="smr-axes")]
    heads += [name(label, 40) for label in labels]
    grid = table(f"{model}: true and predicted labels", heads, rows, numbers=range(1, len(heads)))
    return tag("div", grid, class_="smr-confusion")


def _by_model(
    results: dict, key: str, draw: Callable[[Any, str], Markup]
) -> list[Markup | None] | None:
    """Draw the best model's diagnostics, and those of others to unfold while there is room."""
    drawn = _diagnostics(results, key, draw)
    best = next(drawn, None)
    if best is None:
        return None
    others, left, room = [], [], _OTHERS
    for model, plot in drawn:
        room -= len(plot)
        if room < 0:
            left.append(model)
        else:
            others += [tag("h3", name(model)), plot]
    more = f"Left out to keep the page small, but in results.json: {', '.join(left)}."
    return [
        join([tag("h3", name(best[0])), best[1]]),
        folded("Other models", *others, tag("p", more) if left else None),
    ]


def _diagnostics(results, key, draw) -> Iterator[tuple[str, Markup]]:
    for model in finished(results):
        found = results["diagnostics"].get(model["name"]) or {}
        if found.get(key):
            yield model["label"], draw(found[key], model["label"])


def stability(results: dict) -> list[Any] | None:
    """Show whether the outer splits agree on what to choose."""
    rows = []
    for model in finished(results):
        chosen = [one for one in model["chosen"] or () if one is not None]
        for parameter in dict.fromkeys(key for one in chosen for key in one):
            values = Counter(one.get(parameter, "not set") for one in chosen)
            (first, n), *others = values.most_common()
            rows.append(
                (
                    name(model["label"]),
                    tag("code", name(parameter)),
                    tag("code", name(first)),
                    _in_splits(n, len(chosen)),
                    join(
                        join([", " if i else None, tag("code", name(value)), f" in {m}"])
                        for i, (value, m) in enumerate(others)
                    ),
                )
            )
    if not rows:
        return None
    note = (
        "Parameters that were chosen in each outer split. One that is the same in all or most "
        "splits is settled by these data; one that changes hardly matters, or the data are too "
        "few to tell."
    )
    heads = ["Model", "Parameter", "Most often", "In splits", "Else"]
    caption = "Chosen parameters, and in how many outer splits."
    return [tag("p", note), table(caption, heads, rows, numbers=(), tall=True)]


def _in_splits(n, n_splits):
    return tag("td", metered(n / n_splits, f"{n} of {n_splits}"))


def importance(results: dict) -> list[Any] | None:
    """Show how much worse the model predicts when one column is shuffled."""
    found = results["importance"]
    if not found or not found["features"]:
        return None
    features = found["features"]
    model, metric = label_of(results, found["model"]), found["metric"]
    decimals = decimals_for([max(known(f["sd"] for f in features), default=None)])
    drawn = [
        Row(
            feature["name"],
            feature["mean"],
            signed(feature["mean"], decimals),
            *_spread(feature),
        )
        for feature in features[:_FEATURES_DRAWN]
    ]
    seen = "; ".join(f"{shortened(row.label, 40)} {row.written}" for row in drawn)
    plot = rows_plot(
        drawn,
        label=f"Permutation importance for {model}, most important column first: {seen}.",
        axis=f"{metric}, worse by",
        reference=0.0,
        reference_label="no use",
    )
    note = (
        f"A bar is how much worse {metric} of {model} gets on outer test rows when the values of "
        "one column are shuffled; the line is one standard deviation over splits and shuffles to "
        "each side. Columns that tell the same share their importance, so that each can look "
        "unimportant. It says what this model uses, not what causes the target."
    )
    n_columns = results["data"]["n_columns"]
    if len(features) < n_columns:
        note += (
            f" Of {count(n_columns)} columns, only those {count(len(features))} were looked at "
            "that tell most of the target, each taken alone by a small tree; one that matters only "
            "together with others may be missing."
        )
    return [
        figure(plot, note),
        _importance_table(features, model, decimals, whole=len(features) == n_columns <= _FEATURES),
    ]


def _spread(feature):
    mean, sd = feature["mean"], feature["sd"]
    return (None, None) if mean is None or sd is None else (mean - sd, mean + sd)


def _importance_table(features, model, decimals, *, whole):
    rows = [
        (name(f["name"]), signed(f["mean"], decimals), fixed(f["sd"], decimals))
        for f in features[:_FEATURES]
    ]
    left = len(features) - len(rows)
    more = f" The first {_FEATURES} of {count(len(features))}." if left > 0 else ""
    caption = join(["Permutation importance for ", name(model), f".{more}"])
    heads = ["Column", "Mean", "Standard deviation"]
    grid = table(caption, heads, rows, numbers=(1, 2), tall=True)
    return folded("Importance of all columns" if whole else "Importance of more columns", grid)
