"""A small search, made of the generic parts, does what scikit-learn's search does."""

from dataclasses import KW_ONLY
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn import config_context
from sklearn.base import BaseEstimator, MetaEstimatorMixin, clone
from sklearn.cluster import KMeans
from sklearn.linear_model import LogisticRegression, Ridge, RidgeClassifier
from sklearn.metrics import accuracy_score, get_scorer, make_scorer
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    KFold,
    ParameterGrid,
    cross_validate,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils import get_tags

from sklearn_modern._core.estimator import estimator
from sklearn_modern._fits import queue
from sklearn_modern._fits.delegation import DELEGATED, Delegating
from sklearn_modern._fits.problem import Candidate, Problem
from sklearn_modern._fits.queue import evaluate_each, evaluate_separately, evaluate_together
from sklearn_modern._fits.routing import problem_of, router_of
from sklearn_modern._fits.scorers import deciding_metric, scorers_of

each_queue = pytest.mark.parametrize("evaluate", [evaluate_separately, evaluate_together])


@estimator
class SmallSearch(Delegating, MetaEstimatorMixin, BaseEstimator):
    """Fits all parameters of a grid, and keeps the best.

    Parameters
    ----------
    estimator : estimator
        Clones of it are fitted.
    grid : dict
        Values by parameter.
    scoring, cv, refit, together, n_jobs : object
        As usual.
    """

    estimator: Any
    grid: Any
    _: KW_ONLY
    scoring: Any = None
    cv: Any = 3
    refit: Any = True
    together: bool = False
    n_jobs: int | None = None

    def fit(self, X, y=None, **params):
        problem = problem_of(self, X, y, params)
        candidates = [Candidate(params) for params in ParameterGrid(self.grid)]
        evaluate = evaluate_together if self.together else evaluate_separately
        blocks = list(evaluate(problem, candidates, self.n_jobs))
        metric = list(problem.scorers).index(deciding_metric(problem.scorers, self.refit))
        self.scores_ = np.array(
            [[one.scores[metric] for one in by_split] for block in blocks for by_split in block]
        )
        self.best_params_ = candidates[int(self.scores_.mean(axis=1).argmax())].params
        if self.refit:
            self.estimator_ = clone(self.estimator).set_params(**self.best_params_)
            self.estimator_.fit(X, *(() if y is None else (y,)), **problem.fit_params)
        return self

    def get_metadata_routing(self):
        return router_of(self, DELEGATED)


@pytest.fixture
def X():
    return np.random.default_rng(0).normal(size=(90, 4))


@pytest.fixture
def y(X):
    return (X[:, 0] + 0.5 * X[:, 1] > 0).astype(int) + (X[:, 2] > 1)


def problem_for(model, X, y, **settings):
    settings = {"fit_params": {}, "score_params": {}} | settings
    splits = list(KFold(3).split(X))
    return Problem(
        model, X, y, splits, scorers_of(model, settings.pop("scoring", None)), **settings
    )


GRIDS = [
    (LogisticRegression(), {"C": [0.01, 1.0, 100.0]}),
    (make_pipeline(StandardScaler(), Ridge()), {"ridge__alpha": [0.1, 10.0, 1000.0]}),
    (DecisionTreeClassifier(random_state=0), {"max_depth": [1, 2, 4]}),
]


@pytest.mark.parametrize("n_jobs", [None, 2])
@pytest.mark.parametrize("together", [False, True])
@pytest.mark.parametrize(("model", "grid"), GRIDS, ids=str)
def test_a_search_is_scikit_learns(X, y, model, grid, together, n_jobs):
    theirs = GridSearchCV(model, grid, cv=3).fit(X, y)
    ours = SmallSearch(model, grid, together=together, n_jobs=n_jobs).fit(X, y)
    splits = [theirs.cv_results_[f"split{i}_test_score"] for i in range(3)]
    np.testing.assert_array_equal(ours.scores_, np.transpose(splits))
    assert ours.best_params_ == theirs.best_params_
    np.testing.assert_array_equal(ours.predict(X), theirs.predict(X))
    assert ours.score(X, y) == theirs.score(X, y)


def test_arguments_go_where_they_are_requested(X, y):
    groups, weight = np.arange(90) % 5, np.where(y == 1, 3.0, 0.5)
    with config_context(enable_metadata_routing=True):
        model = DecisionTreeClassifier(max_depth=2, random_state=0)
        model.set_fit_request(sample_weight=True).set_score_request(sample_weight=False)
        scorer = make_scorer(accuracy_score).set_score_request(sample_weight=True)
        settings = {"scoring": scorer, "cv": GroupKFold(3)}
        ours = SmallSearch(model, {"max_depth": [1, 3]}, **settings)
        ours.fit(X, y, sample_weight=weight, groups=groups)
        theirs = GridSearchCV(model, {"max_depth": [1, 3]}, **settings)
        theirs.fit(X, y, sample_weight=weight, groups=groups)
        splits = [theirs.cv_results_[f"split{i}_test_score"] for i in range(3)]
        np.testing.assert_array_equal(ours.scores_, np.transpose(splits))
        with pytest.raises(TypeError, match="offset"):
            ours.fit(X, y, offset=weight)


def test_without_routing_groups_go_to_the_splitter_and_the_rest_to_fit(X, y):
    groups, weight = np.arange(90) % 5, np.where(y == 1, 3.0, 0.5)
    model = DecisionTreeClassifier(max_depth=2, random_state=0)
    search = SmallSearch(model, {}, cv=GroupKFold(3)).fit(X, y, groups=groups, sample_weight=weight)
    for (train, test), score in zip(
        GroupKFold(3).split(X, y, groups), search.scores_[0], strict=True
    ):
        alone = clone(model).fit(X[train], y[train], sample_weight=weight[train])
        assert score == alone.score(X[test], y[test])
    alone = clone(model).fit(X, y, sample_weight=weight)
    np.testing.assert_array_equal(search.predict_proba(X), alone.predict_proba(X))


def test_splits_that_are_used_up(X, y):
    splits = (split for split in [(np.arange(60), np.arange(60, 90))])
    search = SmallSearch(Ridge(), {"alpha": [1.0]}, cv=splits).fit(X, y)
    with pytest.raises(ValueError, match="cv has no splits"):
        search.fit(X, y)


@pytest.mark.parametrize("model", [LogisticRegression(), RidgeClassifier(), Ridge(), SVC()])
def test_a_meta_estimator_can_what_its_estimator_can(X, y, model):
    search = SmallSearch(model, {})
    assert get_tags(search).estimator_type == get_tags(model).estimator_type
    for _ in range(2):
        for method in DELEGATED:
            assert hasattr(search, method) == hasattr(model, method)
        search.fit(X, y)
    alone = clone(model).fit(X, y)
    for method in set(DELEGATED) - {"score"}:
        if hasattr(model, method):
            found = getattr(search, method)(X)
            np.testing.assert_array_equal(found, getattr(alone, method)(X))
    assert hasattr(search, "classes_") == hasattr(alone, "classes_")
    search.set_params(refit=False)
    assert not any(hasattr(search, method) for method in DELEGATED)
    with pytest.raises(AttributeError):
        search.predict(X)


@each_queue
@pytest.mark.parametrize("n_jobs", [None, 2])
def test_candidates_have_columns_and_parameters(X, y, evaluate, n_jobs):
    frame = pd.DataFrame(X, columns=list("abcd"))
    model = LogisticRegression()
    candidates = [
        Candidate({"C": C}, columns) for C in (0.1, 10) for columns in ((0,), (1, 3), None)
    ]
    problem = problem_for(model, frame, y, scoring=["accuracy", "neg_log_loss"])
    blocks = evaluate(problem, candidates, n_jobs)
    found = [by_split for block in blocks for by_split in block]
    assert len(found) == len(candidates)
    for candidate, by_split in zip(candidates, found, strict=True):
        part = frame if candidate.columns is None else frame.iloc[:, list(candidate.columns)]
        alone = clone(model).set_params(**candidate.params)
        cv = KFold(3)
        expected = cross_validate(alone, part, y, cv=cv, scoring=["accuracy", "neg_log_loss"])
        scores = np.array([one.scores for one in by_split])
        np.testing.assert_array_equal(scores[:, 0], expected["test_accuracy"])
        np.testing.assert_array_equal(scores[:, 1], expected["test_neg_log_loss"])
        assert all(one.seconds > 0 and one.error is None for one in by_split)


@each_queue
def test_what_fails_is_a_result(X, y, evaluate):
    def picky(estimator, X, y):
        if estimator.C == 1.0:
            raise ZeroDivisionError("no rows of the rare class")
        return 1.0

    problem = problem_for(LogisticRegression(), X, y, scoring={"picky": picky, "hits": "accuracy"})
    candidates = [Candidate({"C": C}) for C in (-1.0, 1.0, 2.0)]
    found = [by_split[0] for block in evaluate(problem, candidates, None) for by_split in block]
    assert np.isnan(found[0].scores).all()
    assert found[0].error.startswith("InvalidParameterError: The 'C' parameter")
    assert np.isnan(found[1].scores).tolist() == [True, False]
    assert found[1].error == "ZeroDivisionError: no rows of the rare class"
    assert np.isfinite(found[2].scores).all()
    assert found[2].error is None


@each_queue
def test_without_candidates_there_is_nothing(X, y, evaluate):
    blocks = evaluate(problem_for(Ridge(), X, y), [], None)
    assert [by_split for block in blocks for by_split in block] == []


def test_fits_of_a_split_share_what_is_the_same(X, y):
    weight = {"sample_weight": np.ones(90)}
    problem = problem_for(Ridge(), X, y, fit_params=weight)
    columns = np.array([0, 2])
    first, second = problem.fits([Candidate({"alpha": a}, columns) for a in (1.0, 2.0)], 1)
    assert first.X is second.X is X
    assert first.rows is second.rows
    assert first.columns is second.columns is columns
    assert first.fit_params["sample_weight"] is second.fit_params["sample_weight"]
    assert first.fit_params["sample_weight"].shape == (60,)


class SharedFits(Ridge):
    """Notes the fits that it is given together."""

    sizes: list[int]

    def fit_many(self, fits):
        SharedFits.sizes.append(len(fits))
        for position in reversed(range(len(fits))):
            yield (
                position,
                clone(self).set_params(**fits[position].params).fit(*fits[position].data()),
            )


def test_as_few_parts_as_keep_all_processes_busy(X, y, monkeypatch):
    candidates = [Candidate({"alpha": alpha}) for alpha in np.linspace(1, 9, 9)]
    problem = problem_for(SharedFits(), X, y)
    expected = [by_split for (by_split,) in evaluate_separately(problem, candidates, None)]
    for n_processes, sizes in ((1, [9] * 3), (3, [5, 5, 5, 4, 4, 4]), (100, [1] * 27)):
        SharedFits.sizes = []
        monkeypatch.setattr(queue, "effective_n_jobs", {None: n_processes}.get)
        blocks = list(evaluate_together(problem, candidates, None))
        assert SharedFits.sizes == sizes
        found = [by_split for block in blocks for by_split in block]
        assert [[one.scores.tolist() for one in by_split] for by_split in found] == [
            [one.scores.tolist() for one in by_split] for by_split in expected
        ]


def test_single_tasks_keep_their_order(X, y):
    problem = problem_for(Ridge(), X, y)
    tasks = [(Candidate(columns=(column,)), split) for column in (3, 0) for split in (2, 0)]
    for task, found in zip(tasks, evaluate_each(problem, tasks, 2), strict=True):
        np.testing.assert_array_equal(found.scores, problem.evaluate(*task).scores)


def test_y_may_be_missing(X):
    search = SmallSearch(KMeans(n_init=1, random_state=0), {"n_clusters": [2, 3]}).fit(X)
    assert search.best_params_ == {"n_clusters": 3}
    assert search.score(X) < 0


def test_the_deciding_metric():
    one, two = {"r2": get_scorer("r2")}, {"a": len, "b": len}
    assert deciding_metric(one, True) == deciding_metric(one, "r2") == "r2"
    assert deciding_metric(two, "b") == "b"
    for scorers, refit in ((one, "a"), (two, True), (two, False), (two, "r2")):
        with pytest.raises(ValueError, match=r"refit=.* must name the metric that decides"):
            deciding_metric(scorers, refit)
