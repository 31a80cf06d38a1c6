"""Choose between models, and say how sure that is: searches, nested cross-validation, tests."""

from typing import TYPE_CHECKING

from sklearn_modern._core.lazy import lazy_names

if TYPE_CHECKING:
    from sklearn_modern.model_selection._bayesian import (
        BayesianComparison,
        bayesian_correlated_t_test,
    )
    from sklearn_modern.model_selection._benchmark import BenchmarkResult, benchmark
    from sklearn_modern.model_selection._bias_variance import (
        BiasVariance,
        bias_variance_decomposition,
    )
    from sklearn_modern.model_selection._comparison_displays import (
        CriticalDifferenceDisplay,
        PairedDifferencesDisplay,
    )
    from sklearn_modern.model_selection._data_set_tests import (
        FriedmanTest,
        RankComparison,
        friedman_test,
        wilcoxon_signed_rank,
    )
    from sklearn_modern.model_selection._fold_tests import (
        corrected_resampled_t_test,
        paired_t_test_kfold_cv,
        paired_t_test_resampled,
    )
    from sklearn_modern.model_selection._grid import GridSearchCV, RandomizedSearchCV
    from sklearn_modern.model_selection._leaks import Leak, find_leaks
    from sklearn_modern.model_selection._models import combine
    from sklearn_modern.model_selection._multiplicity import adjust_p_values
    from sklearn_modern.model_selection._nested_cv import NestedCV
    from sklearn_modern.model_selection._nested_displays import (
        OptimismDisplay,
        OuterScoresDisplay,
    )
    from sklearn_modern.model_selection._optuna import OptunaSearchCV
    from sklearn_modern.model_selection._parameter_display import ParameterStabilityDisplay
    from sklearn_modern.model_selection._permutation import permutation_test
    from sklearn_modern.model_selection._prediction_tests import (
        cochran_q_test,
        f_test,
        mcnemar_test,
        proportion_difference_test,
    )
    from sklearn_modern.model_selection._race_display import RaceDisplay
    from sklearn_modern.model_selection._significance import SignificanceTest
    from sklearn_modern.model_selection._two_fold_tests import (
        combined_f_test_5x2cv,
        paired_t_test_5x2cv,
    )
    from sklearn_modern.model_selection.bootstrap import (
        ScoreInterval,
        accuracy_interval,
        bootstrap_score,
    )
    from sklearn_modern.model_selection.comparison import (
        ComparedPair,
        ModelComparison,
        compare_models,
    )

__all__ = [
    "BayesianComparison",
    "BenchmarkResult",
    "BiasVariance",
    "ComparedPair",
    "CriticalDifferenceDisplay",
    "FriedmanTest",
    "GridSearchCV",
    "Leak",
    "ModelComparison",
    "NestedCV",
    "OptimismDisplay",
    "OptunaSearchCV",
    "OuterScoresDisplay",
    "PairedDifferencesDisplay",
    "ParameterStabilityDisplay",
    "RaceDisplay",
    "RandomizedSearchCV",
    "RankComparison",
    "ScoreInterval",
    "SignificanceTest",
    "accuracy_interval",
    "adjust_p_values",
    "bayesian_correlated_t_test",
    "benchmark",
    "bias_variance_decomposition",
    "bootstrap_score",
    "cochran_q_test",
    "combine",
    "combined_f_test_5x2cv",
    "compare_models",
    "corrected_resampled_t_test",
    "f_test",
    "find_leaks",
    "friedman_test",
    "mcnemar_test",
    "paired_t_test_5x2cv",
    "paired_t_test_kfold_cv",
    "paired_t_test_resampled",
    "permutation_test",
    "proportion_difference_test",
    "wilcoxon_signed_rank",
]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "BayesianComparison": "_bayesian",
        "BenchmarkResult": "_benchmark",
        "BiasVariance": "_bias_variance",
        "ComparedPair": "comparison",
        "CriticalDifferenceDisplay": "_comparison_displays",
        "FriedmanTest": "_data_set_tests",
        "GridSearchCV": "_grid",
        "Leak": "_leaks",
        "ModelComparison": "comparison",
        "NestedCV": "_nested_cv",
        "OptimismDisplay": "_nested_displays",
        "OptunaSearchCV": "_optuna",
        "OuterScoresDisplay": "_nested_displays",
        "PairedDifferencesDisplay": "_comparison_displays",
        "ParameterStabilityDisplay": "_parameter_display",
        "RaceDisplay": "_race_display",
        "RandomizedSearchCV": "_grid",
        "RankComparison": "_data_set_tests",
        "ScoreInterval": "bootstrap",
        "SignificanceTest": "_significance",
        "accuracy_interval": "bootstrap",
        "adjust_p_values": "_multiplicity",
        "bayesian_correlated_t_test": "_bayesian",
        "benchmark": "_benchmark",
        "bias_variance_decomposition": "_bias_variance",
        "bootstrap_score": "bootstrap",
        "cochran_q_test": "_prediction_tests",
        "combine": "_models",
        "combined_f_test_5x2cv": "_two_fold_tests",
        "compare_models": "comparison",
        "corrected_resampled_t_test": "_fold_tests",
        "f_test": "_prediction_tests",
        "find_leaks": "_leaks",
        "friedman_test": "_data_set_tests",
        "mcnemar_test": "_prediction_tests",
        "paired_t_test_5x2cv": "_two_fold_tests",
        "paired_t_test_kfold_cv": "_fold_tests",
        "paired_t_test_resampled": "_fold_tests",
        "permutation_test": "_permutation",
        "proportion_difference_test": "_prediction_tests",
        "wilcoxon_signed_rank": "_data_set_tests",
    },
)
