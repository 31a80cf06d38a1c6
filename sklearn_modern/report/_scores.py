"""What the page says of scores: compared with each other, tested in pairs, and inner with outer."""

from collections.abc import Sequence
from typing import Any

from sklearn_modern.report._elements import figure, folded, table
from sklearn_modern.report._markup import Markup, join, name, shortened, tag
from sklearn_modern.report._numbers import (
    count,
    decimals_for,
    duration,
    fixed,
    p_value,
    percent,
    signed,
    span,
)
from sklearn_modern.report._plots import BEYOND, Row, fitting, rows_plot
from sklearn_modern.report._scales import known
from sklearn_modern.report._verdict import direction, finished, label_of

__all__ = ["comparison", "comparison_figure", "comparison_table", "optimism", "pairs"]

_INTERVALS = {
    "corrected-t": "t interval of the mean score, corrected for training rows that overlap",
    "bootstrap": "bootstrap interval over the rows that were tested",
}


def comparison(results: dict) -> list[Any] | None:
    """Compare all models, with what a dummy reaches as the zero line."""
    if not results["models"]:
        return None
    how, done = results["evaluation"], finished(results)
    return [
        comparison_figure(results) if done else None,
        comparison_table(results) if done else None,
        _scores_of_splits(results, how) if done else None,
        _unfinished(results["models"], done),
    ]


def comparison_figure(results: dict) -> Markup:
    """Draw the score of each model, its interval, and the scores of the single splits."""
    how, done = results["evaluation"], finished(results)
    decimals = _decimals(done)
    baseline = next((m for m in done if m["is_baseline"]), None)
    rows = [
        Row(
            model["label"],
            model["score"],
            fixed(model["score"], decimals),
            *(model["interval"] or (None, None)),
            points=model["outer_scores"] or (),
            emphasis="baseline" if model["is_baseline"] else "" if i else "best",
        )
        for i, model in enumerate(done)
    ]
    seen = "; ".join(
        f"{m['label']} {fixed(m['score'], decimals)}, interval {span(m['interval'], decimals)}"
        for m in done
    )
    confidence = percent(how["confidence"])
    plot = rows_plot(
        rows,
        label=f"{how['metric']} of each model, best first, with {confidence} intervals: {seen}.",
        axis=f"{shortened(how['metric'], 25)} ({direction(how)})",
        reference=baseline and baseline["score"],
        reference_label=fitting(baseline["label"]) if baseline else "",
        clipped=True,
    )
    return figure(plot, _how_to_compare(baseline, len(done), confidence) + _arrows(plot))


def _how_to_compare(baseline, n_done, confidence):
    zero = (
        f"The dashed line is what {baseline['label']} reaches without looking at any column; a bar "
        "is what a model gains over it. "
        if baseline
        else ""
    )
    tests = (
        " Whether two models differ is not told by intervals that overlap; the tests of pairs tell "
        "it."
        if n_done > 1
        else ""
    )
    return (
        f"{zero}A dot is the mean over the outer splits, a thick line its {confidence} interval, "
        f"and each thin stroke the score of one split.{tests}"
    )


def _arrows(plot):
    return (
        " An arrow points at a value that lies beyond the plot."
        if f'class="{BEYOND}"' in plot
        else ""
    )


def comparison_table(results: dict) -> Markup:
    """Make the table of all models that are done."""
    how, done = results["evaluation"], finished(results)
    decimals = _decimals(done)
    confidence = percent(how["confidence"])
    heads = ["Model", how["metric"], f"{confidence} interval", "Candidates", "Time of fits"]
    rows = [
        (
            join([name(m["label"]), _tagged(m, i)]),
            fixed(m["score"], decimals),
            span(m["interval"], decimals),
            count(m["n_candidates"]),
            duration(m["fit_seconds"]),
        )
        for i, m in enumerate(done)
    ]
    interval = _INTERVALS.get(how["interval"], how["interval"])
    caption = (
        f"Models by {how['metric']}, best first ({direction(how)}), on outer test rows that no "
        f"model was fitted to or chosen by. Interval: {interval}."
    )
    kinds = ["" if i else "best" for i in range(len(done))]
    return table(caption, heads, rows, numbers=range(1, 5), emphasis=kinds)


def _tagged(model, place):
    """Say beside a name what the model is."""
    words = ["best" if place == 0 else None, "baseline" if model["is_baseline"] else None]
    return join(join([" ", tag("span", word, class_="smr-tag")]) for word in words if word)


def _scores_of_splits(results, how):
    done = [m for m in finished(results) if m["outer_scores"]]
    n_splits = max((len(m["outer_scores"]) for m in done), default=0)
    if n_splits < 2:
        return None
    decimals = _decimals(done)
    heads = ["Model", "Scores", *(f"Split {i + 1}" for i in range(n_splits))]
    rows = []
    for model in done:
        for kind, scores in (("outer", model["outer_scores"]), ("inner", model["inner_scores"])):
            if scores:
                written = [fixed(score, decimals) for score in scores]
                filled = written + [""] * (n_splits - len(written))
                rows.append((name(model["label"]), kind, *filled))
    caption = (
        f"{how['metric']} of each outer split: outer, on its test rows; inner, the score by which "
        "the candidate was chosen on its training rows."
    )
    return folded(
        "Scores of each split", table(caption, heads, rows, numbers=range(2, n_splits + 2))
    )


def _unfinished(models, done):
    left = [model for model in models if model not in done]
    if not left:
        return None
    rows = [
        (
            name(m["label"]),
            "no score" if m["status"] == "done" else m["status"],
            tag("td", m["why"], class_="prose"),
            _would_take(m["predicted_seconds"]),
        )
        for m in left
    ]
    caption = "Models that were not finished, why, and what they would take."
    return table(caption, ["Model", "Status", "Why", "Would take"], rows)


def _would_take(seconds):
    return "not known" if seconds is None else f"about {duration(seconds)}"


def pairs(results: dict) -> list[Any] | None:
    """Compare the best model with each other one, and say in words what the test means."""
    compared, how = results["comparisons"], results["evaluation"]
    if not compared:
        return None
    decimals = _decimals_of_intervals([one["interval"] for one in compared])
    first = label_of(results, compared[0]["first"])
    confidence = percent(how["confidence"])
    rows = [
        Row(
            label_of(results, one["second"]),
            one["difference"],
            signed(one["difference"], decimals),
            *(one["interval"] or (None, None)),
        )
        for one in compared
    ]
    side = "left" if how["lower_is_better"] else "right"
    seen = "; ".join(
        f"{row.label} {row.written}, interval {span((row.low, row.high), decimals, sign=True)}"
        for row in rows
    )
    plot = rows_plot(
        rows,
        label=f"Difference in {how['metric']} between {first} and each other model: {seen}.",
        axis=f"difference in {shortened(how['metric'], 20)} ({side}: best is better)",
        reference=0.0,
        reference_label="no difference",
        clipped=True,
    )
    note = (
        f"A dot is the {how['metric']} of {first} minus that of the other model: {side} of the "
        f"dashed line {first} is better. The {confidence} interval is of each pair alone. Where it "
        "crosses the line, these data do not tell which of the two is better; where it does not, "
        f"that is for the p-value to say.{_arrows(plot)}"
    )
    return [
        tag("p", _WHAT_TESTS_MEAN),
        figure(plot, note),
        _pairs_table(results, compared, decimals, confidence),
    ]


_WHAT_TESTS_MEAN = (
    "A p-value says how often a difference as large as this one, or larger, would be seen if both "
    "models were equally good. It is small when chance hardly explains the difference: at 0.05 or "
    "less, the models are told apart. A large one does not show that they are equal: more data "
    "might tell them apart. The more pairs there are, the more of them differ by chance; p-values "
    "are adjusted for that, intervals are not."
)


def _pairs_table(results, compared, decimals, confidence):
    heads = ["Against", "Difference", f"{confidence} interval", "p-value", "What it means"]
    rows = [
        (
            name(label_of(results, one["second"])),
            signed(one["difference"], decimals),
            span(one["interval"], decimals, sign=True),
            p_value(one["p_value"]),
            tag("td", one["sentence"], class_="prose"),
        )
        for one in compared
    ]
    caption = join(
        [
            "Tests of ",
            name(label_of(results, compared[0]["first"])),
            " against each other model; p-values are adjusted for their number (Holm).",
        ]
    )
    return table(caption, heads, rows, numbers=range(1, 4))


def optimism(results: dict) -> list[Any] | None:
    """Show how much better models looked where they were chosen."""
    shown = [m for m in finished(results) if m["optimism"] is not None]
    if not shown:
        return None
    how = results["evaluation"]
    decimals = _decimals_of_intervals([m["optimism_interval"] for m in shown])
    rows = [
        Row(
            m["label"],
            m["optimism"],
            signed(m["optimism"], decimals),
            *(m["optimism_interval"] or (None, None)),
            emphasis="baseline" if m["is_baseline"] else "",
        )
        for m in shown
    ]
    seen = "; ".join(
        f"{row.label} {row.written}, interval {span((row.low, row.high), decimals, sign=True)}"
        for row in rows
    )
    plot = rows_plot(
        rows,
        label=f"Optimism of each model, in {how['metric']}: {seen}.",
        axis=f"optimism in {shortened(how['metric'], 20)} (right: too good)",
        reference=0.0,
        reference_label="no optimism",
        clipped=True,
    )
    note = (
        "Right of the dashed line a model looked better in the inner splits, where its parameters "
        "were chosen, than on the outer rows that it had never seen. That much a plain search "
        f"would have promised too much; the scores above are free of it.{_arrows(plot)}"
    )
    cells = [
        (
            name(m["label"]),
            signed(m["optimism"], decimals),
            span(m["optimism_interval"], decimals, sign=True),
        )
        for m in shown
    ]
    heads = ["Model", "Optimism", f"{percent(how['confidence'])} interval"]
    caption = f"Optimism, inner minus outer, in {how['metric']}; above zero: too good."
    return [figure(plot, note), table(caption, heads, cells, numbers=(1, 2))]


def _decimals(models: Sequence[dict]) -> int:
    """Take the decimals that the best model deserves; others may be much less certain."""
    best = [m["interval"] for m in models[:1] if m["interval"] and m["interval"][0] is not None]
    widths = [high - low for low, high in best if high is not None]
    intervals = best if any(widths) else [m["interval"] for m in models]
    return _decimals_of_intervals(intervals, [m["score"] for m in models])


def _decimals_of_intervals(intervals, values=()):
    """Take the decimals that the widths of the intervals deserve; without any, the values'."""
    widths = [
        (high - low) / 2
        for low, high in (interval or (None, None) for interval in intervals)
        if len(known([low, high])) == 2
    ]
    return decimals_for(widths if any(widths) else [abs(v) / 100 for v in known(values)])
