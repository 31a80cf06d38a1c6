"""One line from a table to an honest comparison of models, on a page that can be sent on."""

from typing import TYPE_CHECKING

from sklearn_modern._core.lazy import lazy_names

if TYPE_CHECKING:
    from sklearn_modern.report._baselines import tabular_baselines
    from sklearn_modern.report._report import TabularReport

__all__ = ["TabularReport", "tabular_baselines"]

__getattr__, __dir__ = lazy_names(
    __name__, {"TabularReport": "_report", "tabular_baselines": "_baselines"}
)
