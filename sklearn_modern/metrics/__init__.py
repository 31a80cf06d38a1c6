"""Metrics and scorers for ordinal regression and for sequences, and tests of samples."""

from typing import TYPE_CHECKING

from sklearn_modern._core.lazy import lazy_names

if TYPE_CHECKING:
    from sklearn_modern.metrics._ordinal import (
        average_mean_absolute_error,
        maximum_mean_absolute_error,
        mean_absolute_rank_error,
        quadratic_weighted_kappa,
        rank_inconsistency_count,
        ranked_probability_score,
        root_mean_squared_rank_error,
    )
    from sklearn_modern.metrics._samples import (
        calibration_ranks,
        classifier_two_sample_test,
        expected_coverage,
    )
    from sklearn_modern.metrics._scorers import SCORERS, get_scorer
    from sklearn_modern.metrics._tokens import token_error_rate

__all__ = [
    "SCORERS",
    "average_mean_absolute_error",
    "calibration_ranks",
    "classifier_two_sample_test",
    "expected_coverage",
    "get_scorer",
    "maximum_mean_absolute_error",
    "mean_absolute_rank_error",
    "quadratic_weighted_kappa",
    "rank_inconsistency_count",
    "ranked_probability_score",
    "root_mean_squared_rank_error",
    "token_error_rate",
]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "SCORERS": "_scorers",
        "average_mean_absolute_error": "_ordinal",
        "calibration_ranks": "_samples",
        "classifier_two_sample_test": "_samples",
        "expected_coverage": "_samples",
        "get_scorer": "_scorers",
        "maximum_mean_absolute_error": "_ordinal",
        "mean_absolute_rank_error": "_ordinal",
        "quadratic_weighted_kappa": "_ordinal",
        "rank_inconsistency_count": "_ordinal",
        "ranked_probability_score": "_ordinal",
        "root_mean_squared_rank_error": "_ordinal",
        "token_error_rate": "_tokens",
    },
)
