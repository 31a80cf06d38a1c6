"""Boosters keep to constraints on features: one body over every backend."""

import numpy as np
import pandas as pd
import pytest
from support.small_boosters import BACKENDS, SYMMETRIC, bent, boosters, normal_rows

pytestmark = pytest.mark.parametrize("backend", BACKENDS)

_, regressor = boosters(n_estimators=5)
X = pytest.fixture(normal_rows)
y = pytest.fixture(bent)


def rises(model, X):
    """By how much predictions fall at most while the first feature rises."""
    steps = np.linspace(-2, 2, 50)
    rows = [np.column_stack([steps, np.tile(row[1:], (50, 1))]) for row in X[:10]]
    return min(np.diff(model.predict(part)).min() for part in rows)


def test_monotonic_constraints(backend, X, y):
    assert rises(regressor(backend, n_estimators=20).fit(X, y), X) < -0.05
    if backend in SYMMETRIC:
        with pytest.raises(ValueError, match="monotonic_cst in symmetric.*grow_policy"):
            regressor(backend, monotonic_cst=[1, 0, 0, 0]).fit(X, y)
    bound = {"n_estimators": 20} | SYMMETRIC.get(backend, {})
    array = regressor(backend, monotonic_cst=[1, 0, 0, 0], **bound).fit(X, y)
    assert rises(array, X) >= 0
    falling = regressor(backend, monotonic_cst={0: 1}, **bound).fit(X, y)
    np.testing.assert_array_equal(falling.predict(X), array.predict(X))
    frame = pd.DataFrame(X, columns=list("abcd"))
    named = regressor(backend, monotonic_cst={"a": 1}, **bound).fit(frame, y)
    np.testing.assert_array_equal(named.predict(frame), array.predict(X))


def between(model):
    """How far predictions are from a sum of what two features say."""
    a, b = np.meshgrid(np.linspace(-2, 2, 9), np.linspace(-2, 2, 9), indexing="ij")
    rows = np.column_stack([a.ravel(), b.ravel(), np.zeros((81, 2))])
    found = model.predict(rows).reshape(9, 9).astype(float)
    return np.abs(found - found[:1] - found[:, :1] + found[0, 0]).max()


@pytest.mark.parametrize(
    ("groups", "meet"),
    [
        (None, True),
        ("pairwise", True),
        ([[0, 1], [2, 3]], True),
        ([("a", "b")], True),
        ([{0, 1, 2}, {0, 3}], True),
        ("no_interactions", False),
        ([[0, 2], [1, 3]], False),
        ([["a"], ["b"]], False),
        ([[0]], False),
    ],
)
def test_interaction_constraints(backend, groups, meet, X, y):
    frame = pd.DataFrame(X, columns=list("abcd"))
    reg = regressor(backend, n_estimators=30, interaction_cst=groups)
    if backend == "catboost" and groups is not None:
        with pytest.raises(ValueError, match="'catboost' has no interaction_cst.*another"):
            reg.fit(frame, y)
        return
    reg.fit(frame, y)
    bare = regressor(backend, n_estimators=30).fit(X, y)
    bare._engine = reg._engine
    assert (between(bare) > 0.1) == meet
    assert meet or between(bare) < 1e-5


def test_constraints_beside_categories(backend, X, y):
    """Whose columns scikit-learn puts first."""
    if backend == "catboost":  # which has no constraints on interactions
        return
    frame = pd.DataFrame(X, columns=list("abcd"))
    frame["c"] = np.where(X[:, 2] > 0, "up", "down")
    settings = {"n_estimators": 30, "monotonic_cst": {"b": 1}}
    free = regressor(backend, **settings).fit(frame, y)
    bound = regressor(backend, interaction_cst=[["a"], ["b"], ["c", "d"]], **settings)
    bound.fit(frame, y)
    steps, apart = np.linspace(-2, 2, 30), []
    for model in (free, bound):
        rows = [frame.iloc[np.zeros(30, int)].assign(a=a, b=steps) for a in steps]
        grid = np.array([model.predict(part) for part in rows], dtype=float)
        assert np.diff(grid, axis=1).min() > -1e-6
        apart.append(np.abs(grid - grid[:1] - grid[:, :1] + grid[0, 0]).max())
    assert apart[0] > 0.1
    assert apart[1] < 1e-5
    signal = regressor(backend).fit(frame, 5 * frame["b"] + 5 * (frame["c"] == "up"))
    assert set(signal.feature_importances_.argsort()[2:]) == {1, 2}


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"monotonic_cst": {"z": 1}}, "monotonic_cst has 'z'"),
        ({"monotonic_cst": {7: 1}}, "monotonic_cst has 7"),
        ({"monotonic_cst": [1, 0]}, r"monotonic_cst has the shape \(2,\)"),
        ({"monotonic_cst": [2, 0, 0, 0]}, "-1, 0 and 1 only"),
        ({"monotonic_cst": [0.5, 0, 0, 0]}, "-1, 0 and 1 only"),
        ({"monotonic_cst": {"a": 0.5}}, "-1, 0 and 1 only"),
        ({"monotonic_cst": {"a": "up"}}, "-1, 0 and 1 only"),
        ({"monotonic_cst": ["up"] * 4}, "-1, 0 and 1 only"),
        ({"monotonic_cst": {"c": 1}}, "monotonic_cst constrains column 'c'"),
        ({"monotonic_cst": [0, 0, -1, 0]}, "monotonic_cst constrains column 'c'"),
        ({"interaction_cst": [["z"]]}, "interaction_cst has 'z'"),
        ({"interaction_cst": [[0, 7]]}, "interaction_cst has 7"),
        ({"interaction_cst": [[-1]]}, "interaction_cst has -1"),
        ({"interaction_cst": [[0.5]]}, r"interaction_cst has 0\.5"),
        ({"interaction_cst": [0, 1]}, "groups of features"),
        ({"interaction_cst": ["ab"]}, "groups of features"),
        ({"interaction_cst": "some"}, "'interaction_cst' parameter"),
    ],
)
def test_wrong_constraints_are_refused(backend, settings, message, X, y):
    frame = pd.DataFrame(X, columns=list("abcd"))
    frame["c"] = np.where(X[:, 2] > 0, "up", "down")
    with pytest.raises(ValueError, match=message):
        regressor(backend, **settings).fit(frame, y)
