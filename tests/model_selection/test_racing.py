"""Races find what whole searches find, and save fits."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import ttest_rel
from sklearn.datasets import load_iris
from sklearn.metrics import accuracy_score, get_scorer, get_scorer_names, make_scorer
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from sklearn_modern.metrics import SCORERS
from sklearn_modern.model_selection import GridSearchCV
from sklearn_modern.model_selection._racing import RACES, best_possible

GRID = {"svc__C": np.geomspace(0.01, 1000, 5), "svc__gamma": np.geomspace(1e-4, 1, 3)}


@pytest.fixture(scope="module")
def noisy():
    X, y = load_iris(return_X_y=True)
    rng = np.random.default_rng(0)
    rows = rng.permutation(len(X))[:100]
    return X[rows] + rng.normal(size=(100, 4)), y[rows]


def race(kind, scores, bound=1.0, burn_in=3):
    """Run a race over a table of scores; return it, and the tasks."""
    running = RACES[kind](np.full(scores.shape, np.nan), burn_in, bound)
    tasks = []

    def evaluate(some):
        assert some
        tasks.extend(some)
        for task in some:
            running.scores[task] = scores[task]

    running.run(evaluate)
    assert len(set(tasks)) == len(tasks)
    return running, tasks


tables = st.tuples(st.integers(2, 8), st.integers(4, 7), st.integers(0, 2**32 - 1))


@settings(max_examples=200, deadline=None)
@given(shape=tables, rounded=st.booleans(), failing=st.booleans())
def test_exact_races_find_the_winner(shape, rounded, failing):
    n_candidates, n_splits, seed = shape
    rng = np.random.default_rng(seed)
    scores = rng.uniform(size=(n_candidates, 1)) * 0.3 + rng.uniform(size=shape[:2]) * 0.7
    scores = scores.round(1) if rounded else scores
    if failing:
        scores[rng.integers(n_candidates), rng.integers(n_splits)] = np.nan
    running, tasks = race("exact", scores)
    finished = running.n_done == n_splits
    means = scores.mean(1)
    assert finished[np.flatnonzero(means == np.nanmax(means))].all()
    assert {split for _, split in tasks if split < 3} == {0, 1, 2}
    for candidate, done in enumerate(running.n_done):  # in the order of the splits
        assert [split for c, split in tasks if c == candidate] == list(range(done))


def test_exact_races_drop_only_what_cannot_win():
    scores = np.array([[0.9] * 6, [0.5] * 6, [0.85] * 6])
    running, _ = race("exact", scores)
    # After three splits the second can reach (3 * 0.5 + 3) / 6 = 0.75 only; the third could win
    # until its mean with two, and with one split left, is (4 * 0.85 + 2) / 6 = 0.9.
    assert running.n_done.tolist() == [6, 3, 5]


def test_anova_is_the_test_of_repeated_measures():
    rng = np.random.default_rng(1)
    scores = rng.normal(size=10) + 0.1 * rng.normal(size=(4, 10))
    scores[1:] -= np.array([[0.0], [0.05], [0.4]])
    running, _ = race("anova", scores, np.inf)
    assert running.n_done[3] == 3
    assert running.n_done[0] == 10


def test_anova_of_two_candidates_is_the_paired_t_test():
    for seed in range(20):
        scores = np.random.default_rng(seed).normal([[0.0], [1.0]], size=(2, 5))
        running, _ = race("anova", scores, np.inf, burn_in=4)
        first = scores[:, :4]
        best = first.mean(1).argmax()
        p = ttest_rel(first[best], first[1 - best], alternative="greater").pvalue
        assert (running.n_done[1 - best] == 4) == (p < 0.05)


@pytest.mark.parametrize("racing", ["exact", "anova"])
@pytest.mark.parametrize("scoring", [None, "neg_mean_absolute_error", ["accuracy", "f1_macro"]])
def test_searches_race(noisy, racing, scoring):
    pipeline = make_pipeline(StandardScaler(), SVC())
    refit = "f1_macro" if isinstance(scoring, list) else True
    params = {"scoring": scoring, "cv": 8, "refit": refit}
    whole = GridSearchCV(pipeline, GRID, **params).fit(*noisy)
    raced = GridSearchCV(pipeline, GRID, racing=racing, **params).fit(*noisy)
    results, done = raced.cv_results_, raced.cv_results_["n_splits_done"]
    assert 3 * 15 < done.sum() < 8 * 15
    if racing == "exact":
        assert (raced.best_index_, raced.best_score_) == (whole.best_index_, whole.best_score_)
    for name in whole.cv_results_:
        if name.startswith("split"):
            known = int(name[5]) < done
            np.testing.assert_array_equal(results[name][known], whole.cv_results_[name][known])
            assert np.isnan(results[name][~known]).all()
    again = GridSearchCV(pipeline, GRID, racing=racing, n_jobs=2, **params).fit(*noisy)
    np.testing.assert_array_equal(again.cv_results_["n_splits_done"], done)


def test_scorers_that_return_several_scores_race(noisy):
    def scorer(model, X, y):
        return {"right": model.score(X, y), "rows": len(X)}

    params = {"scoring": scorer, "refit": "right", "cv": 5, "racing": "anova"}
    grid = {"n_neighbors": [1, 80]}
    search = GridSearchCV(KNeighborsClassifier(), grid, **params).fit(*noisy)
    assert search.cv_results_["n_splits_done"].tolist() == [5, 3]


def test_without_a_known_best_score_there_is_no_race(noisy):
    scorer = make_scorer(lambda y_true, y_pred: (y_true == y_pred).mean())
    grid = {"n_neighbors": [1, 50]}
    search = GridSearchCV(KNeighborsClassifier(), grid, scoring=scorer, racing="exact")
    with pytest.warns(UserWarning, match="best possible score"):
        search.fit(*noisy)
    assert not np.isnan(search.cv_results_["mean_test_score"]).any()


def test_best_possible_scores():
    known = {name: best_possible(get_scorer(name), []) for name in get_scorer_names()}
    known |= {name: best_possible(scorer, []) for name, scorer in SCORERS.items()}
    assert {known[name] for name in ("accuracy", "r2", "roc_auc", "f1_macro")} == {1.0}
    assert {known[name] for name in ("neg_log_loss", "neg_max_error")} == {0.0}
    unknown = {name for name, best in known.items() if best is None}
    assert unknown == {"mutual_info_score", "positive_likelihood_ratio"}
    assert best_possible(make_scorer(accuracy_score, normalize=False), []) is None
