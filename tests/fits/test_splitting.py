"""Validation rows are drawn evenly, stratified by y, and leave every class something to learn."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sklearn_modern._fits.splitting import validation_split, validation_splits

# Drawn classes are often of one row, which has a test of its own.
pytestmark = pytest.mark.filterwarnings("ignore:.* classes have a single row")


def split(y, fraction, seed=0):
    return validation_split(np.asarray(y), fraction, np.random.RandomState(seed))


def rising(rows):
    return np.all(np.diff(rows) > 0)


@st.composite
def splits(draw):
    """Targets of any kind, a fraction and a seed."""
    n = draw(st.integers(4, 60))
    rng = np.random.default_rng(draw(st.integers(0, 1000)))
    kind = draw(st.sampled_from(["codes", "numbers", "constant", "outputs", "labels"]))
    y = {
        "codes": rng.integers(0, draw(st.integers(1, 8)), n),
        "numbers": rng.normal(size=n),
        "constant": np.full(n, 3.5),
        "outputs": rng.normal(size=(n, 2)),
        "labels": rng.integers(0, 2, (n, 3)),
    }[kind]
    fraction = draw(st.floats(0.001, 0.999))
    return kind, y, fraction, draw(st.integers(0, 1000))


@given(splits())
def test_every_row_is_in_exactly_one_part_and_no_part_is_empty(case):
    kind, y, fraction, seed = case
    training, validation = split(y, fraction, seed)
    np.testing.assert_array_equal(np.sort(np.r_[training, validation]), np.arange(len(y)))
    assert len(training) >= 1
    assert len(validation) >= 1
    assert rising(training)
    assert rising(validation)
    assert training.dtype == validation.dtype == np.int64
    if kind != "codes":  # rows that are alone in their class may be given back
        assert len(validation) == np.clip(round(len(y) * fraction), 1, len(y) - 1)


@given(
    st.lists(st.integers(2, 40), min_size=2, max_size=6),
    st.floats(0.05, 0.5),
    st.integers(0, 1000),
)
def test_each_class_has_its_share_to_less_than_one_row(counts, fraction, seed):
    y = np.random.default_rng(seed).permutation(np.repeat(np.arange(len(counts)), counts))
    training, validation = split(y, fraction, seed)
    expected = np.array(counts) * len(validation) / len(y)
    assert np.all(np.abs(np.bincount(y[validation], minlength=len(counts)) - expected) < 1)
    assert set(y[training]) == set(range(len(counts)))


@pytest.mark.parametrize("fraction", [0.1, 0.25, 0.4])
def test_each_combination_of_labels_has_its_share(fraction):
    y = np.random.default_rng(1).integers(0, 2, (200, 3))
    _, validation = split(y, fraction)
    combination = y @ [4, 2, 1]
    expected = np.bincount(combination, minlength=8) * len(validation) / len(y)
    assert np.all(np.abs(np.bincount(combination[validation], minlength=8) - expected) < 1)


@pytest.mark.parametrize("fraction", [0.05, 0.2, 0.5])
def test_numbers_are_taken_evenly_along_their_quantiles(fraction):
    y = np.random.default_rng(2).lognormal(size=300)
    _, validation = split(y, fraction)
    ranks = np.sort(np.argsort(np.argsort(y))[validation])
    spacing = len(y) / len(validation)
    start = np.arange(len(validation)) * spacing
    assert np.all(ranks > start - 1)
    assert np.all(ranks < start + spacing)


@pytest.mark.parametrize("seed", range(8))
def test_a_class_of_one_row_stays_in_training(seed):
    y = np.r_[np.zeros(20, dtype=int), 1, np.full(19, 2), 3]
    training, validation = split(y, 0.5, seed)
    assert {20, 40} <= set(training)
    assert len(validation) >= 18


def test_where_every_class_has_one_row_there_is_validation_all_the_same():
    training, validation = split(np.arange(10), 0.3)
    assert (len(training), len(validation)) == (7, 3)


def test_every_row_is_as_likely_as_any_other():
    y = np.repeat([0, 1], [60, 20])
    chosen = np.zeros(80)
    for seed in range(600):
        chosen[split(y, 0.25, seed)[1]] += 1
    deviation = np.sqrt(600 * 0.25 * 0.75)
    assert np.all(np.abs(chosen - 150) < 4.5 * deviation)


def test_the_random_state_alone_decides():
    y = np.random.default_rng(3).integers(0, 3, 90)
    first, again, other = split(y, 0.2, 5), split(y, 0.2, 5), split(y, 0.2, 6)
    np.testing.assert_array_equal(first[1], again[1])
    assert not np.array_equal(first[1], other[1])


def test_the_split_does_not_depend_on_the_order_of_the_classes_in_y():
    """Sorted input, a trap for splits without shuffling, is split like any other."""
    _, validation = split(np.sort(np.random.default_rng(4).integers(0, 4, 100)), 0.2)
    assert len(np.unique(np.diff(validation))) > 3


@pytest.mark.parametrize("n", [0, 1, 3])
def test_too_few_rows_are_refused(n):
    with pytest.raises(ValueError, match=f"There (is|are) {n} samples?: too few"):
        split(np.zeros(n), 0.5)


def test_four_rows_make_three_and_one():
    training, validation = split(np.array([0.3, 0.1, 0.2, 0.4]), 0.01)
    assert len(validation) == 1
    assert sorted([*training, *validation]) == [0, 1, 2, 3]


def test_a_class_of_one_row_is_said_to_have_no_validation():
    with pytest.warns(UserWarning, match="1 of 3 classes have a single row"):
        split(np.array([0, 0, 0, 1, 1, 1, 2]), 0.5)


@given(
    st.lists(st.integers(1, 30), min_size=2, max_size=6),
    st.floats(0.05, 0.5),
    st.integers(2, 8),
    st.integers(0, 1000),
)
def test_each_of_several_splits_is_stratified_and_spares_single_rows(counts, share, n, seed):
    counts = np.array([*counts, 2])
    y = np.random.default_rng(seed).permutation(np.repeat(np.arange(len(counts)), counts))
    _, validation = validation_splits(y, share, np.random.RandomState(seed), n)
    to_spare = np.where(counts > 1, counts, 0)
    expected = to_spare * validation.shape[1] / to_spare.sum()
    for rows in validation:
        found = np.bincount(y[rows], minlength=len(counts))
        assert np.all(np.abs(found - expected) < 1)
        assert not found[counts == 1].any()


@given(splits(), st.integers(2, 8))
def test_several_splits_take_other_rows_of_one_size(case, n_splits):
    kind, y, fraction, seed = case
    random = np.random.RandomState(seed)
    training, validation = validation_splits(np.asarray(y), fraction, random, n_splits)
    assert training.shape[1] + validation.shape[1] == len(y)
    for parts in zip(training, validation, strict=True):
        np.testing.assert_array_equal(np.sort(np.concatenate(parts)), np.arange(len(y)))
    alone = (np.bincount(y)[y] == 1).sum() if kind == "codes" else 0
    if n_splits * validation.shape[1] <= len(y) - alone:
        assert len(np.unique(validation)) == validation.size
