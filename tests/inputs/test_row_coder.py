"""Rows of tables as vectors: there and back, shares as they are, weights as repetition."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import kstest

from sklearn_modern._inputs.columns import Table
from sklearn_modern._inputs.row_coder import RowCoder


def table(n=400, seed=0):
    """Continuous, zeros among continuous, few whole values, gaps, a constant, nothing; levels."""
    rng = np.random.default_rng(seed)
    numbers = rng.normal(size=(n, 6)) * [1, 1e6, 1, 1e-6, 1, 1]
    numbers[rng.uniform(size=n) < 0.4, 1] = 0.0
    numbers[:, 2] = rng.poisson(2.0, size=n)
    numbers[rng.uniform(size=n) < 0.3, 3] = np.nan
    numbers[:, 4:] = 7.0, np.nan
    codes = np.column_stack([rng.choice(3, n, p=[0.6, 0.3, 0.1]), rng.integers(-1, 4, n)])
    return Table(numbers, codes)


KNOWN = np.array([3, 4])


def cells(rows):
    return np.column_stack([rows.numbers, np.where(rows.codes < 0, np.nan, rows.codes)])


def test_rows_come_back():
    rows = table()
    coder = RowCoder().fit(rows, KNOWN, None)
    vectors = coder.transform(rows)
    assert coder.n_scores == 4
    # There or not; two blocks of levels.
    assert [len(share) for share in coder.shares] == [2, 3, 5]
    assert vectors.shape == (400, 14)
    np.testing.assert_allclose(coder.inverse(vectors), cells(rows), rtol=1e-2, atol=1e-7)


@given(st.lists(st.sampled_from([np.nan, 0.0, 1.0, 2.5, -7.0, 1e9]), min_size=1, max_size=60))
def test_few_values_come_back_exactly(values):
    rows = Table(np.array(values)[:, np.newaxis], None)
    coder = RowCoder().fit(rows, np.array([], dtype=int), None)
    np.testing.assert_array_equal(coder.inverse(coder.transform(rows)), rows.numbers)


def test_scores_are_normal_and_indicators_as_frequent_as_said():
    rows = table(3000)
    coder = RowCoder().fit(rows, KNOWN, None)
    vectors = coder.transform(rows)
    for scores in vectors.T[:4]:
        assert kstest(scores, "norm").statistic < 0.03
    np.testing.assert_allclose(vectors[:, 4:].mean(0), np.concatenate(coder.shares), atol=1e-5)


def test_noise_becomes_columns_with_the_shares_of_the_fit():
    rows = table(3000)
    coder = RowCoder().fit(rows, KNOWN, None)
    rng = np.random.default_rng(1)
    noise = [np.eye(len(s))[rng.choice(len(s), 5000, p=s / s.sum())] for s in coder.shares]
    made = coder.inverse(np.column_stack([rng.normal(size=(5000, 4)), *noise]))
    assert abs((made[:, 1] == 0).mean() - 0.4) < 0.03
    for value in range(5):
        assert abs((made[:, 2] == value).mean() - (rows.numbers[:, 2] == value).mean()) < 0.03
    assert abs(np.isnan(made[:, 3]).mean() - 0.3) < 0.03
    assert (made[:, 4] == 7).all()
    assert np.isnan(made[:, 5]).all()
    for column in 0, 1, 3:
        known = rows.numbers[:, column]
        assert np.nanmin(made[:, column]) >= np.nanmin(known)
        assert np.nanmax(made[:, column]) <= np.nanmax(known)


def test_weights_are_repetition():
    rows, weight = table(), np.random.default_rng(2).integers(0, 3, 400)
    repeated = Table(rows.numbers.repeat(weight, axis=0), rows.codes.repeat(weight, axis=0))
    coder = RowCoder().fit(rows, KNOWN, weight)
    other = RowCoder().fit(repeated, KNOWN, None)
    np.testing.assert_allclose(
        np.concatenate(coder.shares), np.concatenate(other.shares), atol=1e-12
    )
    vectors = np.random.default_rng(3).normal(size=(50, 14))
    np.testing.assert_allclose(coder.inverse(vectors), other.inverse(vectors), rtol=1e-9)


def test_weights_of_two_count_as_two_rows_where_columns_are_told_apart():
    """Twice the rows are enough for towns to determine regions, and for values to be few."""
    town = np.arange(90.0) % 30
    numbers = np.column_stack([np.repeat(np.arange(30.0), 3) ** 2, town, town // 2])
    nothing = np.array([], dtype=int)
    once = RowCoder().fit(Table(numbers, None), nothing, None)
    weighted = RowCoder().fit(Table(numbers, None), nothing, np.full(90, 2.0))
    repeated = RowCoder().fit(Table(numbers.repeat(2, axis=0), None), nothing, None)
    assert once.parents == [None] * 3
    assert weighted.parents == repeated.parents == [None, None, 1]
    vectors = np.random.default_rng(0).normal(size=(50, repeated.n_scores))
    np.testing.assert_array_equal(weighted.inverse(vectors), repeated.inverse(vectors))
    assert set(weighted.inverse(vectors)[:, 0]) <= set(numbers[:, 0])


def test_what_the_fit_has_not_seen_has_no_indicator():
    rows = Table(np.arange(40.0)[:, np.newaxis] % 4, np.arange(40)[:, np.newaxis] % 3)
    coder = RowCoder().fit(rows, np.array([3]), None)
    new = coder.transform(Table(np.array([[np.nan], [1.4], [99.0]]), np.array([[-1], [-2], [1]])))
    np.testing.assert_array_equal(new[:, 1:], [[0, 0, 0], [0, 0, 0], [0, 1, 0]])
    np.testing.assert_array_equal(coder.inverse(new)[1:, 0], [1.0, 3.0])


@pytest.mark.parametrize("n_known", [[], [1]])
def test_a_table_that_never_varies_has_no_vector(n_known):
    rows = Table(np.full((5, 1), 3.0), np.zeros((5, 1), dtype=int) if n_known else None)
    coder = RowCoder().fit(rows, np.array(n_known, dtype=int), None)
    vectors = coder.transform(rows)
    assert vectors.shape == (5, 0)
    assert (coder.inverse(vectors)[:, 0] == 3.0).all()


def test_what_another_column_determines_is_kept_exactly():
    """A town has one region, but for one of them, whose rows are of two by 3 to 1."""
    rng = np.random.default_rng(0)
    town = rng.integers(0, 12, 2000)
    region = np.where(town == 5, np.where(rng.uniform(size=2000) < 0.75, 1, 3), town % 4)
    numbers = np.where(town == 7, np.nan, 10.0 * (town // 3))[:, np.newaxis]
    rows = Table(numbers, np.column_stack([region, town]))
    coder = RowCoder().fit(rows, np.array([4, 12]), None)
    vectors = coder.transform(rows)
    assert (coder.n_scores, [len(share) for share in coder.shares]) == (1, [12])
    np.testing.assert_array_equal(coder.inverse(vectors), cells(rows))
    vectors[:, 0] = rng.normal(size=2000)
    made = coder.inverse(vectors)
    np.testing.assert_array_equal(made[:, [0, 2]], cells(rows)[:, [0, 2]])
    assert (made[town != 5, 1] == region[town != 5]).all()
    assert abs((made[town == 5, 1] == 1).mean() - (region[town == 5] == 1).mean()) < 0.12
    assert kstest(coder.transform(rows)[:, 0], "norm").statistic < 0.04


def test_weights_that_are_shares_of_rows_change_nothing():
    town = np.arange(40) % 4
    table = Table(np.column_stack([np.repeat(np.arange(8.0) ** 2, 5), town, town // 2]), None)
    none = np.zeros(0, dtype=int)
    plain, shares = (RowCoder().fit(table, none, w) for w in (None, np.full(40, 1 / 40)))
    assert shares.parents == plain.parents != [None] * 3
    np.testing.assert_allclose(shares.transform(table), plain.transform(table), atol=1e-12)
