"""The first steps of Pipelines, fitted once for all Pipelines that begin with them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from time import perf_counter
from typing import Any, NamedTuple

from sklearn.base import BaseEstimator
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_memory

from sklearn_modern._core.same import Itself, key
from sklearn_modern._fits.fit import apart

__all__ = ["Prefixes", "Reached"]


class _Step(NamedTuple):
    key: tuple  # what is equal for a step that does the same
    result: tuple  # what the Pipeline keeps: the transformed data, and the fitted step
    seconds: float


@dataclass(eq=False)
class Prefixes:
    """Remembers the first steps of the Pipeline that was fitted last, for the next one.

    It is the ``memory`` of Pipelines while they are fitted to one choice of the data, one after the
    other, in an order in which those with equal first steps are neighbours. Then every beginning is
    fitted once, and let go when the next Pipeline begins otherwise. Steps, targets and metadata
    are compared by content. What a step is fitted with is a copy, so that it may write into it.
    """

    _steps: list[_Step] = field(default_factory=list)
    _depth: int = 0
    _own_memory: Any = None
    _transformed: dict[Itself, list[_Step]] = field(default_factory=dict)

    def fit(self, pipeline: Pipeline, args: Sequence[Any], params: dict[str, Any]) -> list[float]:
        """Fit a Pipeline, and return the seconds that each of its steps took when it was fitted."""
        memory, self._own_memory = pipeline.memory, check_memory(pipeline.memory)
        self._depth = 0
        try:
            pipeline.memory = self
            pipeline.fit(*args, **params)
        finally:
            pipeline.memory = memory
        del self._steps[self._depth :]
        return [step.seconds for step in self._steps]

    def cache(self, function: Callable, **options: Any) -> Callable:
        """Return what a Pipeline fits its steps with; it asks for that when its fit begins."""
        self._depth = 0
        return partial(self._fit_step, function, self._own_memory.cache(function, **options))

    def _fit_step(self, function, cached, step, X, y, **options):
        metadata = y, options.get("params")
        wanted = function, key(step), Itself(X), key(metadata)
        depth, self._depth = self._depth, self._depth + 1
        if depth < len(self._steps) and self._steps[depth].key == wanted:
            return self._steps[depth].result
        del self._steps[depth:]
        start = perf_counter()
        result = cached(step, apart(X, X), y, **options)
        seconds = perf_counter() - start
        if key(metadata) != wanted[-1]:  # the steps that follow see what it has written
            wanted = (object(),)
        self._steps.append(_Step(wanted, result, seconds))
        return result

    def transform(self, pipeline: Pipeline, X: Any) -> Any:
        """Let rows go through all steps of a fitted Pipeline before the last.

        Rows are recognised by identity, and go through each beginning once.
        """
        done = self._transformed.setdefault(Itself(X), [])
        depth = 0
        for _, step in pipeline.steps[:-1]:
            if step is None or step == "passthrough":
                continue
            if depth == len(done) or done[depth].key != (Itself(step),):
                del done[depth:]
                done.append(_Step((Itself(step),), (step.transform(apart(X, X)),), 0.0))
            (X,) = done[depth].result
            depth += 1
        return X


class Reached(BaseEstimator):
    """A last step that keeps what it is to be fitted with, and asks for what another asks for."""

    def __init__(self, last: BaseEstimator) -> None:
        self.last = last

    def fit(self, X: Any, y: Any = None, **fit_params: Any) -> "Reached":
        """Keep the data."""
        self.data = {"X": X, "y": y, "fit_params": fit_params}
        return self

    def get_metadata_routing(self) -> Any:
        """Return what the other step asks for."""
        return self.last.get_metadata_routing()
