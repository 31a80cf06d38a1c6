"""Searches go where scikit-learn's and mlxtend's go, and take what was asked for."""

from itertools import combinations

import numpy as np
import pytest
from sklearn.datasets import load_diabetes, load_iris, load_wine
from sklearn.feature_selection import SequentialFeatureSelector as SklearnSelector
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import KFold, StratifiedKFold
from sklearn.naive_bayes import GaussianNB
from sklearn.tree import DecisionTreeClassifier
from support.subset_tables import Idle, Lookup, labelled_columns, random_table

from sklearn_modern.feature_selection import ExhaustiveFeatureSelector, SequentialFeatureSelector


def search(table, n_features, kind=SequentialFeatureSelector, **kwargs):
    """A selector fitted to a table, and the subsets that it had scored, once for each split."""
    n_splits = max(np.size(scores) for scores in table.values())
    X, y, splits = labelled_columns(n_features, n_splits)
    lookup = Lookup(table)
    return kind(Idle(), scoring=lookup, cv=splits, **kwargs).fit(X, y), lookup.asked


def selected(selector):
    return tuple(selector.get_support(indices=True).tolist())


def of_size(size, n_features=4):
    return list(combinations(range(n_features), size))


def table_of(scores, n_features=4, other=0.0):
    """A table of the scores given, and another score for all other subsets."""
    subsets = [s for size in range(1, n_features + 1) for s in of_size(size, n_features)]
    return {subset: scores.get(subset, other) for subset in subsets}


# As scikit-learn's ---------------------------------------------------------------------------

WINE = load_wine(return_X_y=True)
WINE = (WINE[0][::3, 6:11], WINE[1][::3])
DIABETES = load_diabetes(return_X_y=True)
DIABETES = (DIABETES[0][:90, 2:8], DIABETES[1][:90])
IRIS = load_iris(return_X_y=True)
SIZES = [
    {"n_features_to_select": 1},
    {"n_features_to_select": 3},
    {"n_features_to_select": 0.5},
    {"n_features_to_select": "auto"},
    {"n_features_to_select": "auto", "tol": 0.0},
    {"n_features_to_select": "auto", "tol": 0.02},
    {"n_features_to_select": 2, "tol": 1e9},
]
PROBLEMS = [
    (LinearRegression(), DIABETES, "r2", KFold(3)),
    (LinearRegression(), DIABETES, "neg_mean_absolute_error", 2),
    (GaussianNB(), WINE, None, 3),
    (GaussianNB(), IRIS, "neg_log_loss", StratifiedKFold(3, shuffle=True, random_state=0)),
    (DecisionTreeClassifier(max_depth=2, random_state=0), IRIS, "balanced_accuracy", 3),
]


@pytest.mark.parametrize("direction", ["forward", "backward"])
@pytest.mark.parametrize(("estimator", "data", "scoring", "cv"), PROBLEMS)
def test_selections_are_those_of_scikit_learn(estimator, data, scoring, cv, direction):
    for size in SIZES:
        settings = {"direction": direction, "scoring": scoring, "cv": cv, **size}
        theirs = SklearnSelector(estimator, **settings).fit(*data)
        ours = SequentialFeatureSelector(estimator, **settings, refit=False).fit(*data)
        np.testing.assert_array_equal(ours.support_, theirs.support_, err_msg=str(settings))
        assert ours.n_features_to_select_ == theirs.n_features_to_select_


@pytest.mark.parametrize("tol", [-0.002, -0.05, -1e9])
def test_features_may_be_removed_at_a_loss_as_in_scikit_learn(tol):
    settings = {"direction": "backward", "tol": tol, "n_features_to_select": "auto", "cv": 3}
    theirs = SklearnSelector(LinearRegression(), **settings).fit(*DIABETES)
    ours = SequentialFeatureSelector(LinearRegression(), **settings).fit(*DIABETES)
    np.testing.assert_array_equal(ours.support_, theirs.support_)


def test_equal_scores_are_decided_as_in_scikit_learn():
    X = np.repeat(DIABETES[0][:, :2], 3, axis=1)
    for direction in ("forward", "backward"):
        settings = {"n_features_to_select": 3, "direction": direction, "cv": 3}
        theirs = SklearnSelector(DecisionTreeClassifier(max_depth=1), **settings)
        ours = SequentialFeatureSelector(DecisionTreeClassifier(max_depth=1), **settings)
        y = DIABETES[1] > 150
        np.testing.assert_array_equal(ours.fit(X, y).support_, theirs.fit(X, y).support_)


def test_a_gain_of_just_the_tolerance_is_enough():
    table = table_of({(0,): 0.25, (0, 1): 0.5, (0, 1, 2): 0.625})
    selector, _ = search(table, 4, tol=0.25)
    assert selected(selector) == (0, 1)


# Floating ------------------------------------------------------------------------------------


class Unscored(Exception):
    """No candidate of a step has a score."""


def naive_floating(table, n_features, target, forward, fixed=()):
    """Floating search as mlxtend describes it.

    Returns the selection, all that was scored, and how often the search went back.
    """
    everything, asked, times_back = set(range(n_features)), set(), 0

    def score(subset):
        asked.add(subset)
        return -np.inf if np.isnan(table[subset]) else table[subset]

    def best_neighbour(subset, grow, protected):
        if grow:
            neighbours = [subset | {one} for one in everything - subset - protected]
        else:
            neighbours = [subset - {one} for one in subset - set(fixed) - protected]
        neighbours = sorted(tuple(sorted(neighbour)) for neighbour in neighbours)
        return max(neighbours, key=score) if neighbours else None

    start = set(fixed) if forward else everything
    current, stored = start, {}
    if len(start) == target and score(tuple(sorted(start))) == -np.inf:
        raise Unscored
    while len(current) != target:
        step = best_neighbour(current, forward, set())
        if score(step) == -np.inf:
            raise Unscored
        moved, current = set(step) ^ current, set(step)
        if len(step) not in stored or score(step) > score(stored[len(step)]):
            stored[len(step)] = step
        while len(current ^ start) > 2:
            back, here = best_neighbour(current, not forward, moved), tuple(sorted(current))
            if back is None or score(back) <= max(score(here), score(stored[len(back)])):
                break
            current, stored[len(back)] = set(back), back
            times_back += 1
    return stored.get(target, tuple(sorted(current))), asked, times_back


@pytest.mark.parametrize("table", [{}, {"levels": 4}, {"levels": 12}, {"share_missing": 0.2}])
@pytest.mark.parametrize("direction", ["forward", "backward"])
def test_floating_search_is_the_naive_one(table, direction):
    compared = 0
    for seed in range(200):
        rng = np.random.RandomState(seed)
        n_features = rng.randint(5, 8)
        fixed = rng.permutation(n_features)[: rng.randint(3)].tolist()
        target = int(rng.randint(max(1, len(fixed)), n_features))
        scores = random_table(seed, n_features, **table)
        settings = {"direction": direction, "fixed_features": fixed, "refit": False}
        settings |= {"n_features_to_select": target, "floating": True}
        forward = direction == "forward"
        try:
            expected, scored, times_back = naive_floating(
                scores, n_features, target, forward, tuple(fixed)
            )
        except Unscored:
            with pytest.raises(ValueError, match="None of the"):
                search(scores, n_features, **settings)
            continue
        if times_back == 0 and seed > 5:
            continue  # it would be as scikit-learn's
        compared += times_back > 0
        selector, asked = search(scores, n_features, **settings)
        assert selected(selector) == expected
        assert len(asked) == len(set(asked)), "a subset was scored twice"
        assert set(asked) == scored
        assert [scored.features for scored in selector.history_] == asked
    assert compared > 3, "the tables are too easy"


def test_a_feature_is_taken_back_when_later_ones_make_it_superfluous():
    best = {(0,): 0.5, (0, 1): 0.6, (0, 1, 2): 0.7, (1, 2): 0.8, (1, 2, 3): 0.9}
    plain, _ = search(table_of(best), 4, n_features_to_select=3)
    floating, _ = search(table_of(best), 4, n_features_to_select=3, floating=True)
    assert selected(plain) == (0, 1, 2)
    assert selected(floating) == (1, 2, 3)


def test_what_was_just_added_is_not_taken_back():
    best = {(0,): 0.5, (0, 1): 0.6, (0, 1, 2): 0.65, (0, 3): 0.6}
    selector, asked = search(table_of(best), 4, n_features_to_select=3, floating=True)
    assert selected(selector) == (0, 1, 2)
    # (1, 2) and (0, 2) without one of the first two; what was scored before is not asked again.
    assert asked == [*of_size(1), (0, 1), (0, 2), (0, 3), (0, 1, 2), (0, 1, 3), (1, 2)]


@pytest.mark.parametrize("back", [0.6, 0.7])
def test_a_step_back_must_be_strictly_better(back):
    best = {(0,): 0.5, (0, 1): 0.6, (0, 1, 2): 0.7, (1, 2): back, (1, 2, 3): 0.9}
    selector, _ = search(table_of(best), 4, n_features_to_select=3, floating=True)
    assert selected(selector) == (0, 1, 2)


def test_a_step_back_without_scores_is_not_taken():
    table = table_of({(0,): 0.5, (0, 1): 0.6, (0, 1, 2): 0.7, (0, 2): np.nan, (1, 2): np.nan})
    selector, _ = search(table, 4, n_features_to_select=3, floating=True)
    assert selected(selector) == (0, 1, 2)


def test_of_equals_a_floating_search_keeps_the_lowest_positions():
    for direction in ("forward", "backward"):
        settings = {"n_features_to_select": 2, "floating": True, "direction": direction}
        selector, _ = search(table_of({}), 4, **settings)
        assert selected(selector) == (0, 1)


# Which size ----------------------------------------------------------------------------------

BY_SIZE = {1: 0.5, 2: 0.7, 3: 0.9, 4: 0.9, 5: 0.6}


@pytest.mark.parametrize("direction", ["forward", "backward"])
@pytest.mark.parametrize(
    ("asked", "size"),
    [("best", 3), ((1, 2), 2), ((4, 5), 4), ([2, 3], 3), ((5, 5), 5), ((1, 5), 3)],
)
def test_of_a_range_the_best_size_is_taken(direction, asked, size):
    table = {subset: BY_SIZE[len(subset)] for subset in random_table(0, 5)}
    selector, _ = search(table, 5, n_features_to_select=asked, direction=direction)
    assert selector.n_features_to_select_ == selector.support_.sum() == size
    if asked == "best":
        assert list(selector.subsets_) == [1, 2, 3, 4, 5]


def test_the_parsimonious_size_is_within_one_standard_error():
    for seed in range(30):
        table = random_table(seed, 5, n_splits=4)
        table = {subset: scores + 0.1 * len(subset) ** 0.5 for subset, scores in table.items()}
        selector, _ = search(table, 5, n_features_to_select="parsimonious", direction="backward")
        best_of_size = {}
        for scored in selector.history_:
            rival = best_of_size.get(len(scored.features))
            if rival is None or table[scored.features].mean() > table[rival].mean():
                best_of_size[len(scored.features)] = scored.features
        top = max(best_of_size.values(), key=lambda subset: table[subset].mean())
        error = table[top].std(ddof=1) / np.sqrt(4)
        expected = min(
            (s for s in best_of_size.values() if table[s].mean() >= table[top].mean() - error),
            key=len,
        )
        assert selected(selector) == expected


def test_one_split_has_no_standard_error():
    for kind in (SequentialFeatureSelector, ExhaustiveFeatureSelector):
        asked = {} if kind is ExhaustiveFeatureSelector else {"n_features_to_select": "best"}
        selector, _ = search(random_table(3, 4), 4, kind, **asked)
        top = max(selector.history_, key=lambda scored: scored.mean)
        assert selected(selector) == top.features
        assert np.isnan([top.std, top.se]).all()


@pytest.mark.parametrize("floating", [False, True])
def test_subsets_are_the_best_of_the_history(floating):
    for seed in range(20):
        table = random_table(seed, 6, share_missing=0.1)
        table[tuple(range(6))] = 0.3
        settings = {"n_features_to_select": "best", "floating": floating}
        try:
            selector, asked = search(table, 6, **settings)
        except ValueError:
            continue
        assert len(set(asked)) == len(asked)
        sizes = {len(subset) for subset in asked}
        for size in sizes:
            scores = [float(table[subset]) for subset in asked if len(subset) == size]
            assert selector.subsets_[size].mean == np.nanmax(scores)
        assert selector.subsets_.keys() == sizes
        assert list(selector.subsets_) == sorted(sizes)
        assert all(scored in selector.history_ for scored in selector.subsets_.values())
        top = max(selector.subsets_.values(), key=lambda scored: scored.mean)
        assert selected(selector) == top.features


# Scores that are not numbers -----------------------------------------------------------------


def test_no_score_never_wins():
    table = table_of({(0,): np.nan, (1,): 0.1, (1, 2): 0.2, (0, 1): np.nan, (1, 3): -np.inf})
    selector, _ = search(table, 4, n_features_to_select=2)
    assert selected(selector) == (1, 2)
    assert selector.subsets_[1].features == (1,)
    exhaustive, _ = search(table, 4, ExhaustiveFeatureSelector)
    assert selected(exhaustive) == (1, 2)


def test_a_subset_that_fails_on_one_fold_has_no_score():
    table = table_of({}, other=np.full(3, 0.1))
    table[(0,)] = np.array([9.0, np.nan, 9.0])
    table[(1,)] = np.array([-np.inf, 9.0, 9.0])
    table[(2,)] = np.full(3, 0.2)
    selector, _ = search(table, 4, n_features_to_select=1)
    assert selected(selector) == (2,)
    assert np.isnan(selector.history_[0].mean)
    assert selector.history_[1].mean == -np.inf


# Groups and fixed features -------------------------------------------------------------------


def merged(table, groups):
    """The table of the groups, as if each were one column."""
    n_groups = len(groups)
    subsets = [s for size in range(1, n_groups + 1) for s in of_size(size, n_groups)]
    return {s: table[tuple(sorted(c for g in s for c in groups[g]))] for s in subsets}


@pytest.mark.parametrize("floating", [False, True])
@pytest.mark.parametrize("direction", ["forward", "backward"])
def test_a_group_is_one_feature(direction, floating):
    groups = [(0, 4), (1,), (2, 5), (3,), (6,)]
    for seed in range(5):
        table = random_table(seed, 7)
        settings = {"direction": direction, "floating": floating, "n_features_to_select": 3}
        whole, asked = search(table, 7, feature_groups=[[5, 2], [4, 0]], **settings)
        small, small_asked = search(merged(table, groups), 5, **settings)
        columns = sorted(column for unit in selected(small) for column in groups[unit])
        assert selected(whole) == tuple(columns)
        assert len(asked) == len(small_asked)
        assert whole.n_features_to_select_ == 3
        assert whole.subsets_.keys() == small.subsets_.keys()


@pytest.mark.parametrize("fixed", [[1, 3], [False, True, False, True, False], np.array([3, 1])])
@pytest.mark.parametrize("direction", ["forward", "backward"])
def test_fixed_features_are_in_every_subset(direction, fixed):
    for asked in (2, 3, 0.6, "auto", "best", "parsimonious", (1, 4)):
        settings = {"n_features_to_select": asked, "direction": direction}
        selector, scored = search(random_table(1, 5), 5, fixed_features=fixed, **settings)
        assert {1, 3} <= set(selected(selector))
        assert all({1, 3} <= set(subset) for subset in scored)
        if asked == "best":
            assert list(selector.subsets_) == [2, 3, 4, 5]


def test_the_only_choice_is_scored():
    table = random_table(0, 4)
    selector, asked = search(table, 4, n_features_to_select=2, fixed_features=[0, 3])
    assert selected(selector) == (0, 3)
    assert asked == [(0, 3)]
    assert selector.subsets_[2].mean == table[(0, 3)]
    everything, asked = search(table, 4, n_features_to_select=1.0, direction="backward")
    assert selected(everything) == (0, 1, 2, 3)
    assert asked == [(0, 1, 2, 3)]


# Exhaustive ----------------------------------------------------------------------------------


def test_an_exhaustive_search_scores_all_subsets_of_its_sizes():
    table = random_table(5, 5, levels=3)
    for low, high in ((1, None), (2, 3), (5, 5), (1, 1)):
        sizes = range(low, (high or 5) + 1)
        expected = [subset for size in sizes for subset in of_size(size, 5)]
        bounds = {"min_features": low, "max_features": high}
        selector, asked = search(table, 5, ExhaustiveFeatureSelector, **bounds)
        assert asked == expected
        assert selected(selector) == max(expected, key=lambda subset: table[subset])


def test_an_exhaustive_search_moves_groups_and_keeps_fixed_features():
    table = random_table(2, 5)
    selector, asked = search(
        table, 5, ExhaustiveFeatureSelector, feature_groups=[[0, 3]], fixed_features=[2]
    )
    assert len(asked) == 2**3
    assert all(2 in subset and (0 in subset) == (3 in subset) for subset in asked)
    assert selected(selector) == max(asked, key=lambda subset: table[subset])
    assert selector.n_features_to_select_ == len(selected(selector)) - (0 in selected(selector))


def test_logistic_regression_is_searched_as_by_scikit_learn():
    settings = {"n_features_to_select": 2, "cv": 3, "scoring": "accuracy"}
    X, y = IRIS[0] - IRIS[0].mean(axis=0), IRIS[1]
    theirs = SklearnSelector(LogisticRegression(), **settings).fit(X, y)
    ours = SequentialFeatureSelector(LogisticRegression(), fast=False, **settings).fit(X, y)
    np.testing.assert_array_equal(ours.support_, theirs.support_)
