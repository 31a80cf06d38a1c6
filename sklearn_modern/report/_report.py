"""A report: the comparison, what is wrong with the data, and the page."""

from os import PathLike
from time import perf_counter
from typing import Any

import numpy as np
from sklearn.base import is_classifier

from sklearn_modern._core.optional import import_optional
from sklearn_modern._inputs.levels import ordered_categories
from sklearn_modern.model_selection._leaks import find_leaks
from sklearn_modern.model_selection._models import models_of
from sklearn_modern.model_selection._nested_stages import Stage
from sklearn_modern.report._comparison import CONFIDENCE
from sklearn_modern.report._metrics import metric_of_scoring, number
from sklearn_modern.report._results import build_results, timings
from sklearn_modern.report._tables import read_table
from sklearn_modern.report._tasks import read_target, settle_task

__all__ = ["TabularReport"]


class TabularReport:
    """A comparison of models on a table; :func:`tabular_baselines` makes it.

    ``str()`` is the compact table, and a notebook shows its short form. It can be pickled, without
    the data; what needs them is then refused.

    Parameters
    ----------
    nested : NestedCV
        The fitted nested cross-validation of the models that are done.
    results : dict
        Everything that the page shows, as ``results.json`` has it.
    findings : list of Leak and str
        Leaks, and warnings about models.
    y : array-like
        The target, which is a column of the predictions.

    Attributes
    ----------
    nested : NestedCV
        The nested cross-validation, with all scores, predictions and choices.
    results : dict
        Everything that the page shows; the guide of the report has its schema.
    findings : list of Leak and str
        What is wrong with the data, and warnings.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_modern.report import tabular_baselines
    >>> X, y = load_iris(return_X_y=True, as_frame=True)
    >>> report = tabular_baselines(X, y, models=["linear"], verbose=0)
    >>> report.best
    'linear'
    >>> report.final_estimator().predict(X[:3])
    array([0, 0, 0])
    """

    def __init__(self, nested: Any, results: dict[str, Any], findings: list[Any], y: Any) -> None:
        self.nested, self.results, self.findings, self._y = nested, results, findings, y

    @classmethod
    def from_nested(cls, nested: Any, X: Any, y: Any) -> "TabularReport":
        """Make the report of a finished nested cross-validation.

        Parameters
        ----------
        nested : NestedCV
            A fitted nested cross-validation that has kept its predictions. If it has several
            metrics, the one that decides is shown.
        X, y : array-like
            The data of its fit. Weights and groups it has itself, also when it was pickled.

        Returns
        -------
        TabularReport
            The report.
        """
        began = perf_counter()
        if not hasattr(nested, "splits_"):
            raise ValueError("nested is not fitted; call nested.fit(X, y) before.")
        target, name = read_target(y)
        models = models_of(nested.models, nested.inner_cv, nested.scoring, nested.refit)
        kind = _kind_of(models)
        target = _in_given_order(target, models)
        task = settle_task(target, kind, name)
        frame = nested.scores_frame()
        known = list(dict.fromkeys(frame["metric"]))
        decides = nested.refit if isinstance(nested.refit, str) else known[0]
        metric = metric_of_scoring(decides, nested.scoring)
        # They are of a fit, whatever the number of its metrics.
        seconds = float(frame.loc[frame["metric"] == decides, "seconds"].sum())
        stages = [Stage(one.name, "done") for one in models]
        X = read_table(X, settle=False)
        groups = getattr(nested, "_groups", None)
        found = find_leaks(X, y, cv=nested.splits_, groups=groups)
        results = build_results(
            nested,
            X,
            target,
            task=task,
            metric=metric,
            stages=stages,
            found=found,
            groups=groups,
            name="data",
            dropped=[],
            timings=timings(fits=seconds, total=perf_counter() - began + seconds),
            reproduce={"command": None, "code": _CODE_OF_NESTED},
        )
        return cls(nested, results, found, target)

    @property
    def best(self) -> str:
        """The name of the model with the best score."""
        return self.results["models"][0]["name"]

    def table(self) -> Any:
        """Return the comparison, the best model first.

        Returns
        -------
        DataFrame
            A row for each model: its score and its interval, the optimism of the inner scores, the
            adjusted p-value of the test against the best model, seconds, and what became of it.
        """
        pandas = import_optional("pandas", extra="report", feature="table")
        p_values = {one["second"]: one["p_value"] for one in self.results["comparisons"]}
        metric = self.results["evaluation"]["metric"]
        rows = []
        for one in self.results["models"]:
            low, high = one["interval"] or (None, None)
            rows.append(
                {
                    "model": one["name"],
                    metric: one["score"],
                    "low": low,
                    "high": high,
                    "optimism": one["optimism"],
                    "p_value": p_values.get(one["name"]),
                    "seconds": one["fit_seconds"],
                    "status": one["status"],
                }
            )
        return pandas.DataFrame(rows).set_index("model")

    def final_estimator(self, name: str | None = None) -> Any:
        """Apply the procedure of a model to all rows: what gets deployed.

        Parameters
        ----------
        name : str or None, default=None
            Name of the model; None is the best one.

        Returns
        -------
        estimator
            The fitted search, or the fitted estimator where there is nothing to choose.
        """
        done = [one["name"] for one in self.results["models"] if one["status"] == "done"]
        if name is not None and name not in done:
            raise ValueError(f"name={name!r} is no model that is done; these are {done}.")
        return self.nested.final_estimator(self.best if name is None else name)

    def save(self, folder: str | PathLike) -> Any:
        """Write the page, the results, the predictions and the best model into a folder.

        Everything is written beside it before, so that nothing is there half-written. In a folder
        that is there, the files of a report are replaced, and all others are left alone.

        Parameters
        ----------
        folder : path-like
            The folder; it need not be there.

        Returns
        -------
        Path
            The page, ``index.html``.
        """
        from sklearn_modern.report._files import Folder

        with Folder(folder) as place:
            return place.write(self)

    def predictions(self) -> Any:
        """Return what each model predicted of the rows that it was not fitted to.

        Returns
        -------
        DataFrame
            A row for each model and row of the data: the true value, the prediction, and the
            probabilities of classes, which are 0 of a class that is not in the training rows of
            that split.
        """
        table = self.nested.predictions_
        true = np.asarray(self._y)[table["row"].to_numpy()]
        table.insert(list(table.columns).index("row") + 1, "true", true)
        # Levels in their order, as everywhere in a report.
        levels = [f"probability_{label}" for label in self.results["task"]["classes"] or ()]
        levels = [name for name in levels if name in table]
        return table[[*table.columns.difference(levels, sort=False), *levels]]

    def to_html(self) -> str:
        """Return the whole page."""
        from sklearn_modern.report._page import render_page

        began = perf_counter()
        page = render_page(self.results)
        self.results["timings"]["page_seconds"] = round(perf_counter() - began, 3)
        return page

    def _repr_html_(self) -> str:
        from sklearn_modern.report._page import render_fragment

        return render_fragment(self.results)

    def __str__(self) -> str:
        metric = self.results["evaluation"]["metric"]
        rows = [("model", metric, f"{100 * CONFIDENCE:.0f} % interval", "p", "seconds")]
        p_values = {one["second"]: one["p_value"] for one in self.results["comparisons"]}
        for one in self.results["models"]:
            if one["status"] != "done":
                rows.append((one["name"], "", one["status"], "", _predicted(one)))
                continue
            bounds = " to ".join(map(number, one["interval"])) if one["interval"] else ""
            p_value = p_values.get(one["name"])
            p_text = "" if p_value is None else _p(p_value)
            row = (one["name"], number(one["score"]), bounds, p_text, f"{one['fit_seconds']:.1f}")
            rows.append(row)
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = [
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
            for row in rows
        ]
        leaks = [f"! {one['message']}" for one in self.results["findings"]]
        return "\n".join([self.results["answer"], *leaks, "", *lines])

    def __repr__(self) -> str:
        names = [one["name"] for one in self.results["models"]]
        return f"<TabularReport of {', '.join(names)}; best: {self.best}>"


_CODE_OF_NESTED = (
    "from sklearn_modern.report import TabularReport\n\n"
    "# nested is the fitted NestedCV, X and y are the data of its fit.\n"
    "report = TabularReport.from_nested(nested, X, y)\nprint(report)\n"
)


def _kind_of(models):
    """Return the kind of the task of models."""
    if not is_classifier(models[0].estimator):
        return "regression"
    ordinal = any(hasattr(one, "class_order") for one in _lasts(models))
    return "ordinal" if ordinal else "classification"


def _in_given_order(y, models):
    """Return labels in the order that the first ordinal classifier was given, if any was."""
    orders = [getattr(one, "class_order", None) for one in _lasts(models)]
    order = next((one for one in orders if one is not None), None)
    if order is None or ordered_categories(y) is not None:
        return y
    pandas = import_optional("pandas", extra="report", feature="A report")
    levels = np.unique(y) if isinstance(order, str) else list(order)
    ordered = pandas.Categorical(y, categories=levels, ordered=True)
    return pandas.Series(ordered).cat.remove_unused_categories()


def _lasts(models):
    lasts = [one.estimator for one in models]
    return [one.steps[-1][1] if hasattr(one, "steps") else one for one in lasts]


def _p(value):
    return "<0.001" if value < 0.001 else f"{value:.3f}"


def _predicted(one):
    seconds = one["predicted_seconds"]
    return "" if seconds is None else f"would take {seconds:.0f}"
