"""What a nested cross-validation leaves behind: scores, choices and predictions."""

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any

import numpy as np

from sklearn_modern._core.scikit_learn import safe_indexing
from sklearn_modern._fits.folds import Task
from sklearn_modern.model_selection._nested_work import Work
from sklearn_modern.model_selection._row_scores import row_scorer

__all__ = ["RowScores", "Tables", "frequencies"]

Outcomes = Mapping[Task, Mapping[str, Any]]


class Tables:
    """Reads the outcomes of all fits.

    Parameters
    ----------
    work : Work
        What there was to do.
    scoring : object
        The parameter of the nested cross-validation.
    inner, found : mapping
        Outcomes of the inner and the outer fits.
    chosen : mapping
        What the inner splits chose, by model and split.
    """

    def __init__(
        self,
        work: Work,
        scoring: Any,
        inner: Outcomes,
        chosen: Mapping[tuple[int, int], int],
        found: Outcomes,
    ) -> None:
        self.work, self.scoring = work, scoring
        self.inner, self.chosen, self.found = inner, chosen, found

    def scores(self) -> list[dict[str, Any]]:
        """Return a row for each model, repeat, fold and metric."""
        rows = []
        for where, place, position, setting, outcome in self._outer():
            tasks = [task for one in self.work.inner_of(place, position) for task in one]
            fits = [*(self.inner[task] for task in tasks), outcome]
            seconds = sum(fit["fit_time"] + fit["score_time"] for fit in fits)
            of_chosen = [self.inner[task] for task in tasks if task[0] == setting]
            for name, score in outcome["test_scores"].items():
                of_metric = {
                    "metric": name,
                    "outer": score,
                    "inner": self._inner_mean(of_chosen, name, place, outcome),
                    "train": outcome["train_scores"][name],
                    "seconds": seconds,
                }
                rows.append(where | of_metric)
        return rows

    def predictions(self) -> list[dict[str, Any]]:
        """Return columns of predictions for each model, repeat and fold."""
        found = [one for one in self._outer() if "prediction" in one[-1]]
        known = (one[-1]["classes"].tolist() for one in found if "classes" in one[-1])
        # Some splits may lack a class; what has most of them has their order.
        classes = dict.fromkeys(chain.from_iterable(sorted(known, key=len, reverse=True)))
        places = {label: place for place, label in enumerate(classes)}
        return [
            where | _columns(outcome, self.work.outer[position].rows[1], places)
            for where, _, position, _, outcome in found
        ]

    def best_params(self) -> dict[str, list[dict[str, Any]]]:
        """Return what was chosen, by model."""
        best: dict[str, list] = {model.name: [] for model in self.work.models}
        for where, _, _, setting, outcome in self._outer():
            params = self.work.settings[setting].params or outcome.get("best_params", {})
            best[where["model"]].append(params)
        return best

    def models(self) -> dict[str, list[Any]]:
        """Return the outer models by name."""
        models: dict[str, list] = {model.name: [] for model in self.work.models}
        for where, *_, outcome in self._outer():
            models[where["model"]].append(outcome.get("model"))
        return models

    def row_scores(self, scorers: Mapping[str, Any], y: Any) -> dict[tuple[str, str], "RowScores"]:
        """Return the scores of each row, by model and metric."""
        tables = {}
        for place, model in enumerate(self.work.models):
            for name, scorer in scorers.items():
                of_rows = row_scorer(scorer, model.estimator)
                scores = []
                for position, split in enumerate(self.work.outer):
                    outcome = self.found[self.chosen[place, position], position]
                    true = np.asarray(safe_indexing(y, split.rows[1]))
                    failed = "prediction" not in outcome
                    scores.append(np.full(len(true), np.nan) if failed else of_rows(true, outcome))
                tables[model.name, name] = RowScores(self.work, scores)
        return tables

    def _inner_mean(self, fits, metric, place, outcome):
        """Return the mean inner score of what was chosen; NaN where that is not known."""
        if fits:
            return float(np.mean([fit["test_scores"][metric] for fit in fits]))
        scores, model = outcome.get("inner_scores"), self.work.models[place].estimator
        if scores is None or not _is_same_metric(metric, self.scoring, model.scoring):
            return np.nan
        return scores.get(metric, scores.get("score", np.nan))

    def _outer(self):
        """Yield what is known of each outer fit that belongs to no pair."""
        for (place, position), setting in self.chosen.items():
            if position < self.work.n_outer:
                split = self.work.outer[position]
                name = self.work.models[place].name
                where = {"model": name, "repeat": split.repeat, "fold": split.fold}
                yield where, place, position, setting, self.found[setting, position]


class RowScores:
    """Scores of the rows that were tested, by split.

    Parameters
    ----------
    work : Work
        The splits.
    scores : sequence of ndarray
        The scores of each split's test rows.
    """

    def __init__(self, work: Work, scores: Sequence[np.ndarray]) -> None:
        self.splits = [(split.repeat, split.fold, split.rows[1]) for split in work.outer]
        self.n_outer, self.second_folds, self.scores = work.n_outer, work.second_folds, scores

    def of_rows(self) -> np.ndarray:
        """Return the mean score of each row over the repeats; NaN if it was never tested."""
        rows = np.concatenate([rows for *_, rows in self.splits[: self.n_outer]])
        scores = np.concatenate(self.scores[: self.n_outer])
        counts = np.bincount(rows)
        sums = np.bincount(rows, scores)
        return np.divide(sums, counts, out=np.full(len(counts), np.nan), where=counts > 0)

    def outer(self) -> list[np.ndarray]:
        """Return the scores of each outer split."""
        return list(self.scores[: self.n_outer])

    def inner(self) -> list[np.ndarray]:
        """Return for each outer split the scores of the other folds without it."""
        places = {split[:2]: place for place, split in enumerate(self.splits[: self.n_outer])}
        found: list[list[np.ndarray]] = [[] for _ in range(self.n_outer)]
        for position, second in enumerate(self.second_folds, start=self.n_outer):
            repeat, first, _ = self.splits[position]
            n_first = len(self.scores[places[repeat, first]])
            scores = self.scores[position]
            found[places[repeat, first]].append(scores[n_first:])
            found[places[repeat, second]].append(scores[:n_first])
        return [np.concatenate(parts) for parts in found]


def _is_same_metric(name, scoring, other):
    """Tell whether a metric of ``scoring`` is also what ``other`` has under that name, or alone."""
    scorers = []
    for one in (scoring, other):
        if isinstance(one, (list, tuple)):
            one = {each: each for each in one}
        scorers.append(one.get(name, ...) if isinstance(one, dict) else one)
    return scorers[0] == scorers[1]


def _columns(outcome, rows, places):
    """Return the columns of the table of predictions; places has the column of each class."""
    columns = {"row": rows}
    prediction = outcome["prediction"]
    if prediction.ndim == 1:
        columns["prediction"] = prediction
    else:
        columns |= {f"prediction_{i}": column for i, column in enumerate(prediction.T)}
    if "probability" in outcome:
        found = outcome["probability"]
        # As cross_val_predict has it: nothing speaks for a class that was not trained.
        probability = np.zeros((len(found), len(places)), dtype=found.dtype)
        probability[:, [places[label] for label in outcome["classes"].tolist()]] = found
        columns |= {f"probability_{label}": probability[:, i] for label, i in places.items()}
    return columns


def frequencies(chosen: Sequence[Mapping[str, Any]]) -> dict[str, dict[Any, float]]:
    """Return for each parameter how often each value was chosen."""
    counted = {}
    for params in chosen:
        for name, value in params.items():
            value = (
                value
                if isinstance(value, (str, int, float, bool)) or value is None
                else repr(value)
            )
            counted.setdefault(name, Counter())[value] += 1
    return {
        name: {value: times / len(chosen) for value, times in counter.most_common()}
        for name, counter in counted.items()
    }
