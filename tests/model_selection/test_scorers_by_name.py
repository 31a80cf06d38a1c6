"""Every parameter ``scoring`` takes the names of our scorers."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.model_selection import KFold
from support.graded_rows import ORDER, graded, logistic

from sklearn_modern.feature_selection import ExhaustiveFeatureSelector
from sklearn_modern.metrics import get_scorer
from sklearn_modern.model_selection import (
    GridSearchCV,
    NestedCV,
    bootstrap_score,
    paired_t_test_kfold_cv,
)

KAPPA, RPS = "quadratic_weighted_kappa", "neg_ranked_probability_score"
X, RANKS, Y = graded()
MODEL = logistic(class_order=ORDER)
CV = KFold(2, shuffle=True, random_state=0)


def searched(scoring):
    search = GridSearchCV(MODEL, {"estimator__C": [1e-3, 1.0]}, scoring=scoring, cv=CV)
    return search.fit(X, Y).cv_results_["mean_test_score"]


def selected(scoring):
    selector = ExhaustiveFeatureSelector(MODEL, scoring=scoring, cv=CV)
    return [subset.mean for subset in selector.fit(X, Y).history_]


def nested(scoring):
    settings = {"outer_cv": CV, "inner_cv": CV, "random_state": 0}
    found = NestedCV({"logit": MODEL}, scoring=scoring, **settings).fit(X, Y).scores_frame()
    return found["outer"].to_list()


def compared(scoring):
    models = [clone(MODEL).set_params(estimator__C=C) for C in (1e-3, 1.0)]
    return paired_t_test_kfold_cv(*models, X, Y, cv=3, scoring=scoring).statistic


def resampled(scoring):
    model = clone(MODEL).fit(X, Y)
    return bootstrap_score(model, X, Y, scoring=scoring, n_resamples=20, random_state=0).score


def given(scoring):
    predicted = np.clip(RANKS + 1, 0, RANKS.max())
    return bootstrap_score(
        None, predicted, RANKS, scoring=scoring, n_resamples=20, random_state=0
    ).score


@pytest.mark.parametrize("use", [searched, selected, nested, compared, resampled, given])
def test_a_name_is_its_scorer(use):
    by_name, by_scorer, other = (use(one) for one in (KAPPA, get_scorer(KAPPA), None))
    np.testing.assert_equal(by_name, by_scorer)
    with np.testing.assert_raises(AssertionError):
        np.testing.assert_equal(by_name, other)


def test_lists_and_dicts_of_names():
    grid = {"estimator__C": [1e-3, 1.0]}
    found = [
        GridSearchCV(MODEL, grid, scoring=scoring, refit=KAPPA, cv=CV).fit(X, Y)
        for scoring in ([KAPPA, "accuracy", RPS], {name: name for name in (KAPPA, "accuracy", RPS)})
    ]
    for name in (KAPPA, "accuracy", RPS):
        first, second = (search.cv_results_[f"mean_test_{name}"] for search in found)
        np.testing.assert_array_equal(first, second)
        np.testing.assert_allclose(first, searched(name))


def test_an_unknown_name_is_answered_by_all_that_there_are():
    for use in (searched, selected, nested, compared, resampled, given):
        with pytest.raises(ValueError, match=f"kappa.*{KAPPA}"):
            use("kappa")
