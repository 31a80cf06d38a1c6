"""What a nested cross-validation has to do, and where arguments go."""

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn import get_config
from sklearn.base import clone
from sklearn.pipeline import Pipeline
from sklearn.utils.metadata_routing import MetadataRouter, MethodMapping, process_routing

from sklearn_modern._core.scikit_learn import BaseSearchCV
from sklearn_modern._core.warning import warn_user
from sklearn_modern._fits.folds import Setting, Task
from sklearn_modern.model_selection._models import Model
from sklearn_modern.model_selection._outer_splits import OuterSplit

__all__ = ["Routed", "Work", "routed_to", "router_of_models"]


@dataclass(frozen=True, eq=False)
class Routed:
    """Arguments of ``fit`` by where they go, for all rows.

    Parameters
    ----------
    of_models : list of dict
        For the fits of each model.
    of_splits : dict
        For the splitters.
    of_scorer : dict
        For the scorers.
    """

    of_models: list[dict[str, Any]]
    of_splits: dict[str, Any]
    of_scorer: dict[str, Any]


class Work:
    """The fits of a nested cross-validation.

    Parameters
    ----------
    models : sequence of Model
        What is compared.
    fit_params : sequence of dict
        Arguments of each model's fits.
    outer : sequence of OuterSplit
        The splits.
    pairs : sequence of (OuterSplit, int), default=()
        Splits that test two folds, and the second one of these.

    Attributes
    ----------
    outer : list of OuterSplit
        All splits, those of pairs at the end.
    n_outer : int
        How many do not belong to pairs.
    second_folds : list of int
        The second fold of each pair.
    settings : list of Setting
        The candidates of all models.
    inner_rows : list of tuple of ndarray
        Training and test rows of the inner splits of all outer splits.
    inner_tasks : list of (int, int)
        Which setting is evaluated on which inner split.
    """

    def __init__(
        self,
        models: Sequence[Model],
        fit_params: Sequence[dict[str, Any]],
        outer: Sequence[OuterSplit],
        pairs: Sequence[tuple[OuterSplit, int]] = (),
    ) -> None:
        self.models, self.n_outer = models, len(outer)
        self.outer = outer = [*outer, *(split for split, _ in pairs)]
        self.second_folds = [fold for _, fold in pairs]
        self.settings: list[Setting] = []
        self._settings_of: list[range] = []
        for model, params in zip(models, fit_params, strict=True):
            base, first = clone(model.estimator), len(self.settings)
            candidates = [{}] if model.candidates is None else model.candidates
            self.settings += [Setting(base, candidate, params) for candidate in candidates]
            self._settings_of.append(range(first, len(self.settings)))
        self.inner_rows, self._inner_of = [], []
        for split in outer:
            first = len(self.inner_rows)
            self.inner_rows += split.inner
            self._inner_of.append(range(first, len(self.inner_rows)))
        self.inner_tasks = self._all_inner_tasks()

    def of_models(self, places: Sequence[int]) -> "Work":
        """Return the part that is about some of the models; settings and splits keep numbers."""
        part = copy(self)
        part.models = [self.models[place] for place in places]
        part._settings_of = [self._settings_of[place] for place in places]
        part.inner_tasks = part._all_inner_tasks()
        return part

    def _all_inner_tasks(self) -> list[Task]:
        return [
            (setting, split)
            for split in range(len(self.inner_rows))
            for model, settings in zip(self.models, self._settings_of, strict=True)
            if model.candidates is not None
            for setting in settings
        ]

    @property
    def n_fits(self) -> int:
        """How many fits there are."""
        return len(self.inner_tasks) + len(self.models) * len(self.outer)

    def inner_of(self, model: int, split: int) -> list[list[Task]]:
        """Return the inner tasks of a model on an outer split, by candidate."""
        if self.models[model].candidates is None:
            return []
        return [
            [(setting, inner) for inner in self._inner_of[split]]
            for setting in self._settings_of[model]
        ]

    def chosen(self, inner: dict[Task, dict[str, Any]], metric: str) -> dict[tuple[int, int], int]:
        """Return the setting that the inner splits choose, by model and outer split."""
        found = {}
        for model in range(len(self.models)):
            first = self._settings_of[model][0]
            for split in range(len(self.outer)):
                means = [
                    np.mean([inner[task]["test_scores"][metric] for task in tasks])
                    for tasks in self.inner_of(model, split)
                ]
                if not means:
                    found[model, split] = first
                elif np.isnan(means).all():
                    self._refuse_all_failed(inner, model, split)
                else:
                    found[model, split] = first + int(np.nanargmax(means))
        return found

    def _refuse_all_failed(self, inner, model, split):
        tasks = [task for candidate in self.inner_of(model, split) for task in candidate]
        found = (inner[task]["fit_error"] or inner[task].get("score_error") for task in tasks)
        errors = [error for error in found if error is not None]
        raise ValueError(
            f"All candidates of {self.models[model].name!r} failed on at least one inner split of "
            f"repeat {self.outer[split].repeat}, fold {self.outer[split].fold}, so that there is "
            "nothing to choose from." + (f" The first error:\n{errors[0]}" if errors else "")
        )


def router_of_models(meta: Any, models: Sequence[Model], scorer: Any) -> MetadataRouter:
    """Return the router of a nested cross-validation."""

    def fits(callee):
        return MethodMapping().add(caller="fit", callee=callee)

    router = MetadataRouter(owner=type(meta).__name__)
    for position, model in enumerate(models):
        router.add(**{f"model_{position}": model.search}, method_mapping=fits("fit"))
        if model.candidates is not None:
            router.add(**{f"estimator_{position}": model.estimator}, method_mapping=fits("fit"))
    router.add(scorer=scorer, method_mapping=fits("score"))
    for name in ("outer_cv", "inner_cv"):
        if hasattr(cv := getattr(meta, name), "get_metadata_routing"):
            router.add(**{name: cv}, method_mapping=fits("split"))
    return router


def routed_to(
    meta: Any, models: Sequence[Model], scorer: Any, groups: Any, metadata: dict[str, Any]
) -> Routed:
    """Give models, splitters and scorers their arguments."""
    of_splits = {} if groups is None else {"groups": groups}
    if not get_config()["enable_metadata_routing"]:
        of_models = [_arguments(model.estimator, of_splits, metadata) for model in models]
        return Routed(of_models, of_splits, _weights_of_scorer(scorer, metadata))
    router = router_of_models(meta, models, scorer)
    given = dict(metadata)
    if groups is not None and router.consumes("fit", ["groups"]):
        given["groups"] = groups
    routed = process_routing(meta, "fit", **given)
    of_models = [
        routed[f"{'model' if model.candidates is None else 'estimator'}_{position}"].fit
        for position, model in enumerate(models)
    ]
    for name in ("outer_cv", "inner_cv"):
        if name in routed:
            of_splits |= routed[name].split
    return Routed(of_models, of_splits, routed.scorer.score)


def _arguments(model, of_splits, metadata):
    """Return the arguments of a model's ``fit`` without metadata routing."""
    if isinstance(model, BaseSearchCV):
        return _arguments(model.estimator, {}, metadata) | of_splits
    if isinstance(model, Pipeline) and "sample_weight" in metadata:
        metadata = dict(metadata)
        metadata[f"{model.steps[-1][0]}__sample_weight"] = metadata.pop("sample_weight")
    return metadata


def _weights_of_scorer(scorer, metadata):
    weight = metadata.get("sample_weight")
    # The searches of older versions of scikit-learn weight no scores.
    if weight is None or not hasattr(scorer, "_accept_sample_weight"):
        return {}
    without = [name for name, one in scorer._scorers.items() if not one._accept_sample_weight()]
    for name in without:
        warn_user(
            f"The scorer {name!r} takes no sample_weight: fits are weighted, its scores are not."
        )
    return {} if len(without) == len(scorer._scorers) else {"sample_weight": weight}
