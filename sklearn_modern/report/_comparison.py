"""The models of a report: scores with intervals, tests of the best against the others."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.pipeline import Pipeline

from sklearn_modern.model_selection._fold_scores import differences_of
from sklearn_modern.model_selection._fold_tests import corrected_t_test, share_of_tests
from sklearn_modern.model_selection._intervals import corrected_t_interval
from sklearn_modern.model_selection._models import models_of
from sklearn_modern.model_selection._multiplicity import adjust_p_values
from sklearn_modern.model_selection._nested_stages import Stage
from sklearn_modern.report._metrics import Metric, number

__all__ = ["CONFIDENCE", "answer", "comparisons", "models"]

CONFIDENCE = 0.9
_SIGNIFICANT = 0.05
_NO_MEAN = "Its score is missing on at least one outer split."


def models(
    nested: Any, stages: list[Stage], metric: Metric, labels: Mapping[str, str]
) -> list[dict[str, Any]]:
    """Return what is known of each model, the best first, those that are not done last.

    Only models of the catalogue have labels; others are called what their user calls them.
    """
    estimators = {
        one.name: one.estimator
        for one in models_of(nested.models, nested.inner_cv, nested.scoring, nested.refit)
    }
    frame = nested.scores_frame()
    frame = frame[frame["metric"] == metric.scoring]
    found = []
    for stage in stages:
        part = frame[frame["model"] == stage.name].sort_values(["repeat", "fold"])
        if stage.status == "done" and not np.isfinite(part["outer"]).all():
            # No mean can rank it: a fit of its own, or its scorer, has failed on some split.
            stage, part = replace(stage, status="failed", why=_NO_MEAN), part.iloc[:0]
        shared = {
            "name": stage.name,
            "label": labels.get(stage.name, stage.name),
            "status": stage.status,
            "why": stage.why,
            "predicted_seconds": _rounded(stage.predicted_seconds),
            "is_baseline": _is_dummy(estimators.get(stage.name)),
        }
        scores = _scores(nested, stage, part, metric) if len(part) else _NO_SCORES
        found.append(shared | scores)
    if not any(one["status"] == "done" for one in found):
        raise ValueError(f"No model has a {metric.label} on all outer splits, and none is ranked.")
    return sorted(found, key=lambda one: _place(one, metric))


def comparisons(nested: Any, table: list[dict[str, Any]], metric: Metric) -> list[dict[str, Any]]:
    """Test the best model against all others, by the corrected resampled t test with Holm."""
    best, *others = [one for one in table if one["status"] == "done"]
    if len(nested.splits_) < 2:
        return []
    share = share_of_tests(nested.splits_)
    tests = [
        corrected_t_test(
            np.asarray(best["outer_scores"]), np.asarray(one["outer_scores"]), share, CONFIDENCE
        )
        for one in others
    ]
    adjusted_p = "p" if len(tests) == 1 else "adjusted p"
    adjusted = adjust_p_values([test.p_value for test in tests], "holm").tolist()
    return [
        {
            "first": best["name"],
            "second": one["name"],
            "difference": float(test.effect),
            "interval": [float(bound) for bound in test.interval],
            "p_value": float(p_value),
            "sentence": _sentence(
                best, one, float(test.effect), f"{adjusted_p} {_p(p_value)}", p_value, metric
            ),
        }
        for one, test, p_value in zip(others, tests, adjusted, strict=True)
    ]


def answer(table: list[dict[str, Any]], tests: list[dict[str, Any]], metric: Metric) -> str:
    """Return one sentence: which model is best, how good it is, and how sure that is."""
    done = [one for one in table if one["status"] == "done"]
    best, labels = done[0], {one["name"]: one["label"] for one in table}
    score = f"{metric.label} {number(best['score'])}"
    if best["interval"] is not None:
        low, high = map(number, best["interval"])
        score += f", {100 * CONFIDENCE:.0f} % interval {low} to {high}"
    if best["is_baseline"]:
        others = "No model is better than" if len(done) > 1 else "Nothing was done besides"
        return f"{others} {best['label']}, which looks at no column: {score}."
    sentence = f"{_capital(best['label'])} is best: {score}"
    close = [labels[one["second"]] for one in tests if one["p_value"] > _SIGNIFICANT]
    if not tests:
        return f"{sentence}."
    if not close:
        return f"{sentence}; all others are distinguishably worse."
    verb = "is" if len(close) == 1 else "are"
    return f"{sentence}; {_listed(close)} {verb} not distinguishable from it."


_NO_SCORES = {
    "score": None,
    "interval": None,
    "outer_scores": [],
    "inner_scores": [],
    "optimism": None,
    "optimism_interval": None,
    "chosen": [],
    "n_candidates": None,
    "fit_seconds": None,
}


def _scores(nested, stage, part, metric):
    outer = part["outer"].to_numpy(dtype=float)
    inner = part["inner"].to_numpy(dtype=float)
    known = not np.isnan(inner).any()
    gap = differences_of(inner, outer)  # before the sign: positive is too good
    shown = metric.sign * outer + 0.0  # which leaves no -0.0
    chosen = nested.best_params_[stage.name]
    return {
        "score": float(shown.mean()),
        "interval": _within(metric, shown, _interval(shown, nested.splits_)),
        "outer_scores": shown.tolist(),
        "inner_scores": (metric.sign * inner + 0.0).tolist() if known else [],
        "optimism": float(gap.mean()) if known else None,
        "optimism_interval": _interval(gap, nested.splits_) if known else None,
        "chosen": [
            {name.rpartition("__")[2]: str(value) for name, value in params.items()}
            for params in chosen
        ],
        "n_candidates": _n_candidates(nested, stage.name),
        "fit_seconds": _rounded(float(part["seconds"].sum())),
    }


def _n_candidates(nested, name):
    every = models_of(nested.models, nested.inner_cv, nested.scoring, nested.refit)
    (model,) = [one for one in every if one.name == name]
    return 1 if model.candidates is None else len(model.candidates)


def _is_dummy(estimator):
    """Tell whether a model looks at no column, whatever it is called."""
    while estimator is not None:
        if isinstance(estimator, (DummyClassifier, DummyRegressor)):
            return True
        last = estimator[-1] if isinstance(estimator, Pipeline) and estimator.steps else None
        estimator = getattr(estimator, "estimator", None) if last is None else last
    return False


def _interval(values, splits):
    low, high = corrected_t_interval(values, splits, CONFIDENCE)
    return None if np.isnan(low) else [low, high]


def _within(metric, scores, interval):
    """Return an interval without values that the metric, or what is known of it, rules out."""
    if interval is None:
        return None
    low, high = min(metric.lowest, scores.min()), max(metric.highest, scores.max())
    return [max(interval[0], float(low)), min(interval[1], float(high))]


def _place(one, metric):
    if one["status"] != "done":
        return 1, 0.0
    return 0, -metric.sign * one["score"]


def _sentence(best, other, difference, written, p_value, metric):
    pair = f"{_capital(best['label'])} and {other['label']}"
    if p_value > _SIGNIFICANT:
        return f"{pair} cannot be told apart on these data ({written})."
    better = "lower" if metric.lower_is_better else "higher"
    return (
        f"{_capital(best['label'])} is better than {other['label']}: its {metric.label} is "
        f"{better} by {number(abs(difference))} ({written})."
    )


def _p(value):
    return f"= {value:.2g}" if value >= 0.001 else "< 0.001"


def _rounded(seconds):
    return None if seconds is None else round(seconds, 3)


def _capital(text):
    return text[:1].upper() + text[1:]


def _listed(names):
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))
