"""Nested cross-validation over several data sets, and what it says of models in general."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sklearn.utils import Bunch

from sklearn_modern._core.optional import import_optional
from sklearn_modern._core.unknown import advice_on
from sklearn_modern.model_selection._data_set_tests import (
    FriedmanTest,
    friedman_test,
    scaled_scores,
)
from sklearn_modern.model_selection._nested_cv import NestedCV
from sklearn_modern.model_selection._nested_study import on_data_set, run_studies

__all__ = ["BenchmarkResult", "benchmark"]


@dataclass(frozen=True, eq=False)
class BenchmarkResult:
    """What :func:`benchmark` found.

    Parameters
    ----------
    nested : mapping of str to NestedCV
        The fitted nested cross-validation of each data set.
    """

    nested: Mapping[str, NestedCV]

    def scores_frame(self):
        """Return all scores as a long table.

        Returns
        -------
        DataFrame
            The tables of :meth:`NestedCV.scores_frame`, with the column "data_set" before.
        """
        return self._stacked(NestedCV.scores_frame)

    def summary(self, confidence=0.95):
        """Return the mean score of each model on each data set, with an interval.

        Parameters
        ----------
        confidence : float, default=0.95
            Confidence of the interval.

        Returns
        -------
        DataFrame
            The tables of :meth:`NestedCV.summary`, with the column "data_set" before.
        """
        return self._stacked(lambda nested: nested.summary(confidence))

    def mean_scores(self, metric=None):
        """Return the mean outer scores.

        Parameters
        ----------
        metric : str or None, default=None
            The metric; None is the one by which inner splits choose.

        Returns
        -------
        DataFrame
            A row for each data set, and a column for each model.
        """
        pandas = import_optional("pandas", extra="report", feature="mean_scores")
        rows = {name: nested._mean_scores(metric) for name, nested in self.nested.items()}
        return pandas.DataFrame.from_dict(rows, orient="index").rename_axis("data_set")

    def ranks(self, metric=None):
        """Return the rank of each model on each data set.

        Parameters
        ----------
        metric : str or None, default=None
            The metric; None is the one by which inner splits choose.

        Returns
        -------
        DataFrame
            A row for each data set, and a column for each model. The best has rank 1, and equal
            ones share the mean of their ranks. A model without a score has none.
        """
        scores = self.mean_scores(metric)
        scores[:] = scaled_scores(scores.to_numpy())
        return scores.rank(axis=1, ascending=False)

    def friedman_test(
        self, metric=None, *, method="chi2", control=None, confidence=0.95
    ) -> FriedmanTest:
        """Compare the models over the data sets by their ranks.

        Parameters
        ----------
        metric : str or None, default=None
            The metric; None is the one by which inner splits choose.
        method : {"chi2", "iman-davenport"}, default="chi2"
            See :func:`friedman_test`, as for the others.
        control : str or None, default=None
            A model with which alone the others are compared.
        confidence : float, default=0.95
            One minus the level of the critical difference.

        Returns
        -------
        FriedmanTest
            The test of all models, their mean ranks, and the pairs.
        """
        scores = self.mean_scores(metric)
        return friedman_test(scores, method=method, control=control, confidence=confidence)

    def __str__(self) -> str:
        scores, ranks = self.mean_scores(), self.ranks()
        scores.loc["mean rank"] = ranks.mean()
        return f"Mean outer scores:\n{scores.to_string(float_format='{:.4g}'.format)}"

    def _stacked(self, table: Callable[[NestedCV], Any]):
        pandas = import_optional("pandas", extra="report", feature="a table of results")
        tables = {name: table(nested) for name, nested in self.nested.items()}
        stacked = pandas.concat(tables, names=["data_set", None])
        return stacked.reset_index(level="data_set").reset_index(drop=True)


def benchmark(datasets: Mapping[str, Any], models: Any, **settings: Any) -> BenchmarkResult:
    """Compare models over several data sets by nested cross-validation.

    One data set says how well models do on it. How well they do in general, more of them say: each
    counts once, as an observation. All fits are done in one queue, and the results are those of a
    :class:`NestedCV` of each data set.

    Parameters
    ----------
    datasets : mapping of str to data
        Data sets by name: pairs of X and y, mappings of arguments of :meth:`NestedCV.fit`, as in
        ``{"X": X, "y": y, "groups": groups}``, or what the loaders of scikit-learn return.
    models : estimator, tuple, search or mapping of str to these
        What is compared, as :class:`NestedCV` takes it. A preprocessor that has to fit all data
        sets belongs to the models, as the first step of a Pipeline.
    **settings : dict
        Parameters of :class:`NestedCV`. A ``checkpoint`` records the fits of all data sets, and a
        ``timeout`` is one for all of them.

    Returns
    -------
    BenchmarkResult
        Scores, ranks and the Friedman test, and the fitted :class:`NestedCV` of each data set.

    References
    ----------
    Demšar, J. (2006). Statistical comparisons of classifiers over multiple data sets. JMLR 7.

    Examples
    --------
    >>> from sklearn.datasets import load_breast_cancer, load_wine
    >>> from sklearn.naive_bayes import GaussianNB
    >>> from sklearn.neighbors import KNeighborsClassifier
    >>> from sklearn_modern.model_selection import benchmark
    >>> models = {
    ...     "bayes": GaussianNB(),
    ...     "neighbours": (KNeighborsClassifier(), {"n_neighbors": [1, 5, 9]}),
    ... }
    >>> result = benchmark({"wine": load_wine(), "cancer": load_breast_cancer()}, models)
    >>> result.ranks().loc["wine"].to_dict()
    {'bayes': 1.0, 'neighbours': 2.0}
    """
    known = [name for name in NestedCV(None).get_params(deep=False) if name != "models"]
    if unknown := [name for name in settings if name not in known]:
        raise TypeError(
            f"NestedCV has no parameter {unknown[0]!r}; it has {known}. "
            f"{advice_on(unknown[0], known)}".strip()
        )
    if not isinstance(datasets, Mapping) or not datasets or isinstance(datasets, Bunch):
        raise TypeError(
            "datasets must be a mapping of at least one name to data, such as "
            f"{{'wine': (X, y)}}, not {type(datasets).__name__}."
        )
    studies = []
    for name, data in datasets.items():
        if not isinstance(name, str) or not name:
            raise TypeError(f"datasets has the name {name!r}; names must be text.")
        with on_data_set(name):
            X, y, groups, metadata = _arguments(name, data)
            studies.append(NestedCV(models, **settings)._study(X, y, groups, metadata, name))
    tables = run_studies(studies)
    found = zip(studies, tables, strict=True)
    return BenchmarkResult({study.name: study.nested._learn(study, one) for study, one in found})


def _arguments(name, data):
    """Return X, y, groups and further arguments of a fit."""
    if isinstance(data, Bunch) and "X" not in data:
        return data["data"], data["target"], None, {}
    if isinstance(data, tuple) and len(data) == 2:
        return *data, None, {}
    if not isinstance(data, Mapping) or "X" not in data:
        raise TypeError(
            f"datasets[{name!r}] must be a pair of X and y, a mapping with 'X', or what a loader "
            f"of scikit-learn returns, not {type(data).__name__}."
        )
    metadata = dict(data)
    return metadata.pop("X"), metadata.pop("y", None), metadata.pop("groups", None), metadata
