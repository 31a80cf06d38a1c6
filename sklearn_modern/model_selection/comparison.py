"""Compare models by the test that fits the question; all tests can be imported from here, too."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

import numpy as np
from sklearn.utils import check_random_state
from sklearn.utils.multiclass import type_of_target

from sklearn_modern.model_selection._bayesian import BayesianComparison, bayesian_correlated_t_test
from sklearn_modern.model_selection._data_set_tests import (
    FriedmanTest,
    RankComparison,
    friedman_test,
    wilcoxon_signed_rank,
)
from sklearn_modern.model_selection._fold_tests import (
    corrected_resampled_t_test,
    corrected_t_test,
    paired_t_test_kfold_cv,
    paired_t_test_resampled,
)
from sklearn_modern.model_selection._multiplicity import adjust_p_values
from sklearn_modern.model_selection._nested import out_of_fold, outer_scores
from sklearn_modern.model_selection._permutation import permutation_test
from sklearn_modern.model_selection._prediction_tests import (
    cochran_q_test,
    discordant_counts,
    f_test,
    mcnemar_test,
    proportion_difference_test,
)
from sklearn_modern.model_selection._significance import (
    SignificanceTest,
    check_aligned,
    check_choice,
    check_confidence,
    check_numbers,
    correct_predictions,
    named_columns,
)
from sklearn_modern.model_selection._two_fold_tests import (
    combined_f_test_5x2cv,
    paired_t_test_5x2cv,
)

__all__ = [
    "BayesianComparison",
    "ComparedPair",
    "FriedmanTest",
    "ModelComparison",
    "RankComparison",
    "SignificanceTest",
    "adjust_p_values",
    "bayesian_correlated_t_test",
    "cochran_q_test",
    "combined_f_test_5x2cv",
    "compare_models",
    "corrected_resampled_t_test",
    "f_test",
    "friedman_test",
    "mcnemar_test",
    "paired_t_test_5x2cv",
    "paired_t_test_kfold_cv",
    "paired_t_test_resampled",
    "permutation_test",
    "proportion_difference_test",
    "wilcoxon_signed_rank",
]

# Below this the binomial test is computed, as chi-squared is not close enough.
_FEW_DISCORDANT = 50


@dataclass(frozen=True)
class ComparedPair:
    """Two models and their test.

    Parameters
    ----------
    first, second : str
        Names of the models.
    result : SignificanceTest
        Their test, of which the p-value is not adjusted.
    p_adjusted : float
        The p-value, adjusted for the number of pairs.
    """

    first: str
    second: str
    result: SignificanceTest
    p_adjusted: float

    def __str__(self) -> str:
        line = f"{self.first} - {self.second}: {self.result.effect:+.4g}"
        if self.result.interval is not None:
            low, high = self.result.interval
            line += f" [{low:.4g}, {high:.4g}]"
        return f"{line}, p = {self.result.p_value:.3g}, adjusted {self.p_adjusted:.3g}"


@dataclass(frozen=True)
class ModelComparison:
    """What :func:`compare_models` found.

    Parameters
    ----------
    test : str
        Name of the test.
    reason : str
        Why it was taken.
    estimates : mapping of str to float
        What each model reaches, the best first.
    overall : SignificanceTest or None
        The test of all models at once, where there is one.
    pairs : tuple of ComparedPair
        The models two by two.
    adjustment : str
        How p-values of pairs are adjusted.
    """

    test: str
    reason: str
    estimates: Mapping[str, float]
    overall: SignificanceTest | None
    pairs: tuple[ComparedPair, ...]
    adjustment: str

    def __str__(self) -> str:
        lines = [f"{self.test}: {self.reason}"]
        lines += [f"  {name}: {value:.4g}" for name, value in self.estimates.items()]
        if self.overall is not None:
            lines += [f"All models: {self.overall.test}, p = {self.overall.p_value:.3g}"]
        lines += [f"Pairs, adjusted by {self.adjustment!r}:", *(f"  {p}" for p in self.pairs)]
        return "\n".join([*lines, f"Assumes: {self.pairs[0].result.assumes}"])


def compare_models(
    nested_or_predictions: Any,
    goal: str = "auto",
    *,
    y: Any = None,
    metric: str | None = None,
    adjustment: str = "holm",
    confidence: float = 0.95,
    random_state: Any = None,
) -> ModelComparison:
    """Compare models by the test that Raschka recommends, and say which it is and why.

    Two questions have different answers [1]_. Which of these *models*, as they are fitted, is the
    better one on rows like those of the test set? Which *algorithm* makes better models of data
    like these, whichever rows it is fitted to?

    Parameters
    ----------
    nested_or_predictions : NestedCV, mapping, DataFrame, array or list
        A fitted nested cross-validation, or what each model predicts of one test set, a column a
        model, by name if there are names.
    goal : {"auto", "models", "algorithms"}, default="auto"
        The question. "auto" is "models" for predictions, which cannot tell more, and "algorithms"
        for a nested cross-validation.
    y : array-like of shape (n_samples,), default=None
        True labels or numbers; needed for the goal "models". Of a nested cross-validation it is the
        y of its fit.
    metric : str, default=None
        Which metric of a nested cross-validation; None if it has one.
    adjustment : str, default="holm"
        A method of :func:`adjust_p_values`, for the pairs.
    confidence : float, default=0.95
        Confidence of the intervals, each for itself.
    random_state : int, RandomState or None, default=None
        Draws the permutations for predicted numbers.

    Returns
    -------
    ModelComparison
        The test, why it was taken, and what it says of all models and of each pair.

    Notes
    -----
    ========== ==================== ==========================================================
    goal       what there is        test
    ========== ==================== ==========================================================
    models     labels of 2 models   McNemar: exact up to 50 rows on which they disagree, then
                                    corrected chi-squared
    models     labels of more       Cochran's Q, then McNemar of each pair
    models     numbers              paired permutation test of squared errors
    algorithms 5 repeats x 2 folds  combined 5x2cv F test
    algorithms other splits         corrected resampled t test
    ========== ==================== ==========================================================

    References
    ----------
    .. [1] Raschka (2018). Model evaluation, model selection, and algorithm selection in machine
       learning. arXiv:1811.12808.

    Examples
    --------
    >>> from sklearn_modern.model_selection import compare_models
    >>> y = [0, 1] * 10
    >>> comparison = compare_models({"good": y, "constant": [0] * 20}, y=y)
    >>> comparison.test
    "McNemar's test (exact)"
    >>> round(comparison.pairs[0].p_adjusted, 4)
    0.002
    """
    check_choice(goal, "goal", ("auto", "models", "algorithms"))
    adjust_p_values([], adjustment)
    confidence = check_confidence(confidence)
    settings = (adjustment, confidence)
    if hasattr(nested_or_predictions, "scores_frame") and goal != "models":
        if y is not None:
            raise ValueError("y would not be used: outer scores are there; leave it out.")
        return _of_algorithms(outer_scores(nested_or_predictions, metric), settings)
    if goal == "algorithms":
        raise ValueError(
            "goal='algorithms' cannot be answered from predictions of models that were fitted "
            "once: pass a NestedCV, or take goal='models'."
        )
    if metric is not None:
        raise ValueError(f"metric={metric!r} would not be used: it chooses among outer scores.")
    if y is None:
        raise ValueError("y is None; pass the true labels or numbers of the predicted rows.")
    if hasattr(nested_or_predictions, "scores_frame"):
        predictions, y = out_of_fold(nested_or_predictions, y)
        what = "for each outer fold another model was fitted, and these are compared"
    else:
        predictions = named_columns(nested_or_predictions, "nested_or_predictions", item="model")
        what = "models that were fitted once are compared"
    test = _of_numbers if _are_numbers(predictions, y) else _of_labels
    return test(predictions, y, settings, what, random_state)


def _of_labels(predictions, y, settings, what, random_state):
    correct = correct_predictions(y, predictions)
    names, confidence = list(predictions), settings[1]
    places = list(combinations(range(len(names)), 2))
    discordant = [discordant_counts(correct[:, place]) for place in places]
    # One method for all pairs, whose adjusted p-values are compared with each other.
    fewest = min(sum(counts) for counts in discordant)
    method = "exact" if fewest <= _FEW_DISCORDANT else "corrected"
    found = []
    for (i, j), (b, c) in zip(places, discordant, strict=True):
        both = int((correct[:, i] & correct[:, j]).sum())
        table = [[both, b], [c, len(correct) - both - b - c]]
        found.append(mcnemar_test(table=table, method=method, confidence=confidence))
    why = f"the binomial test is exact, and {fewest} rows, on which two models disagree, are few"
    if method == "corrected":
        why = f"two models disagree on {fewest} rows or more, enough for chi-squared"
    overall, all_models = None, ""
    if len(names) > 2:
        overall = cochran_q_test(y, predictions)
        all_models = "Cochran's Q test asks whether any models differ, McNemar's test which. "
    return _compared(
        found[0].test,
        f"{what} on the same {len(correct)} rows. {all_models}Of McNemar's test {why}.",
        dict(zip(names, correct.mean(axis=0).tolist(), strict=True)),
        found,
        settings,
        overall,
    )


def _are_numbers(predictions, y):
    """Tell whether numbers are predicted, not labels."""
    true = np.asarray(y)
    if type_of_target(true).startswith("continuous"):
        return True
    fractions = [
        name
        for name, values in predictions.items()
        if type_of_target(np.asarray(values)).startswith("continuous")
    ]
    if fractions and (true.dtype.kind not in "iuf" or len(np.unique(true)) <= 2):
        raise ValueError(
            f"{fractions[0]} has fractions, but y has the labels {np.unique(true).tolist()[:5]}; "
            "pass predicted labels instead of probabilities."
        )
    return bool(fractions)


def _of_numbers(predictions, y, settings, what, random_state):
    true = check_numbers(y, "y")
    losses = {}
    for name, values in predictions.items():
        check_aligned(y, values, ("y", name))
        predicted = check_numbers(values, name)
        if len(predicted) != len(true):
            raise ValueError(f"y has {len(true)} samples, but {name} has {len(predicted)}.")
        losses[name] = (predicted - true) ** 2
    rng = check_random_state(random_state)
    found = [
        replace(
            permutation_test(losses[first], losses[second], random_state=rng),
            effect_name="mean squared error, first minus second",
        )
        for first, second in combinations(losses, 2)
    ]
    return _compared(
        found[0].test,
        f"{what} on the same {len(true)} rows. If they are equally good, their squared errors can "
        "be exchanged in each row.",
        {name: float(values.mean()) for name, values in losses.items()},
        found,
        settings,
        lowest_first=True,
    )


def _of_algorithms(outer, settings):
    pairs = list(combinations(outer.scores.values(), 2))
    shape = outer.n_repeats, outer.n_folds
    if shape == (5, 2):
        found = [
            combined_f_test_5x2cv(first.reshape(shape), second.reshape(shape))
            for first, second in pairs
        ]
        why = "five divisions into halves, for which it was made."
    else:
        found = [corrected_t_test(*pair, outer.test_share, settings[1]) for pair in pairs]
        why = (
            f"{outer.n_repeats} x {outer.n_folds} splits of a nested cross-validation, whose "
            "training sets share rows; the correction allows for that."
        )
    return _compared(
        found[0].test,
        f"algorithms are compared by {outer.metric!r} on {why}",
        {name: float(values.mean()) for name, values in outer.scores.items()},
        found,
        settings,
    )


def _compared(test, reason, estimates, found, settings, overall=None, *, lowest_first=False):
    """Adjust the p-values of the pairs, and sort the models."""
    adjustment, _ = settings
    adjusted = adjust_p_values([one.p_value for one in found], adjustment).tolist()
    pairs = tuple(
        ComparedPair(*names, result, p_value)
        for names, result, p_value in zip(combinations(estimates, 2), found, adjusted, strict=True)
    )
    order = sorted(estimates, key=estimates.get, reverse=not lowest_first)
    ordered = {name: estimates[name] for name in order}
    return ModelComparison(test, reason, ordered, overall, pairs, adjustment)
