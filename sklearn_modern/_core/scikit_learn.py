"""The names that scikit-learn keeps to itself, and that we use all the same.

Only this module imports them, so that a release which moves one is met in one place.
"""

from sklearn.base import _fit_context as fit_context
from sklearn.metrics._scorer import _BaseScorer as BaseScorer
from sklearn.metrics._scorer import _MultimetricScorer as MultimetricScorer
from sklearn.metrics._scorer import _PassthroughScorer as PassthroughScorer
from sklearn.metrics._scorer import _Scorer as Scorer
from sklearn.model_selection._search import BaseSearchCV
from sklearn.model_selection._validation import _insert_error_scores as insert_error_scores
from sklearn.model_selection._validation import _score as score
from sklearn.model_selection._validation import (
    _warn_or_raise_about_fit_failures as warn_of_failures,
)
from sklearn.utils import _safe_indexing as safe_indexing
from sklearn.utils._missing import is_pandas_na
from sklearn.utils._openmp_helpers import _openmp_effective_n_threads as openmp_threads
from sklearn.utils._param_validation import (
    HasMethods,
    Interval,
    InvalidParameterError,
    Options,
    RealNotInt,
    StrOptions,
    validate_parameter_constraints,
)
from sklearn.utils.validation import _check_method_params as check_method_params
from sklearn.utils.validation import _get_feature_names as feature_names
from sklearn.utils.validation import _num_samples as num_samples

__all__ = [
    "BaseScorer",
    "BaseSearchCV",
    "HasMethods",
    "Interval",
    "InvalidParameterError",
    "MultimetricScorer",
    "Options",
    "PassthroughScorer",
    "RealNotInt",
    "Scorer",
    "StrOptions",
    "check_method_params",
    "feature_names",
    "fit_context",
    "insert_error_scores",
    "is_pandas_na",
    "num_samples",
    "openmp_threads",
    "safe_indexing",
    "score",
    "validate_parameter_constraints",
    "warn_of_failures",
]
