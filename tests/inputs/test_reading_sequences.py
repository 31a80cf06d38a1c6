"""Sequences in all the forms in which users have them."""

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st
from sklearn.base import BaseEstimator

from sklearn_modern._inputs.ragged import Ragged
from sklearn_modern._inputs.sequences import SequenceReader
from sklearn_modern._inputs.step_scaling import StepScaler
from sklearn_modern._inputs.text import UNKNOWN, Analyzer, Vocabulary
from sklearn_modern.utils import sequences_from_frame

RNG = np.random.default_rng(0)
RAGGED = [RNG.normal(size=(length, 2)).astype(np.float32) for length in (3, 1, 4)]
TEXTS = ["The cat sat.", "a cat", "", "dogs!"]


def reader(analyzer="auto", **settings):
    return SequenceReader(Analyzer(analyzer, r"\w+|[^\w\s]", "auto"), **settings)


def read(X, **settings):
    return reader(**settings).fit_transform(BaseEstimator(), X)


def rows_of(ragged):
    return [ragged.select(np.array([row])).values for row in range(len(ragged))]


def as_objects(rows):
    array = np.empty(len(rows), dtype=object)
    array[:] = rows
    return array


def padded(rows):
    longest = max(map(len, rows))
    return np.stack(
        [np.pad(r, [(0, longest - len(r)), (0, 0)], constant_values=np.nan) for r in rows]
    )


@pytest.mark.parametrize(
    "X",
    [
        RAGGED,
        tuple(RAGGED),
        as_objects(RAGGED),
        pd.Series(as_objects(RAGGED), index=[5, 3, 3]),
        [row.tolist() for row in RAGGED],
        padded(RAGGED),
        padded(RAGGED).astype(object),
        [pd.DataFrame(row) for row in RAGGED],
        as_objects([pd.DataFrame(row).convert_dtypes() for row in RAGGED]),
        as_objects([as_objects(list(row)) for row in RAGGED]),
    ],
    ids=[
        "list",
        "tuple",
        "objects",
        "series",
        "lists",
        "padded",
        "padded objects",
        "frames",
        "frames of pandas' own types",
        "arrays of arrays",
    ],
)
def test_all_forms_of_numbers_are_the_same_sequences(X):
    found = read(X)
    assert found.lengths.tolist() == [3, 1, 4]
    np.testing.assert_array_equal(found.values, np.concatenate(RAGGED))
    assert found.values.dtype == np.float32


def test_channels_may_come_first():
    nested = [row.T.tolist() for row in RAGGED]
    of_arrays = [[*row.T] for row in RAGGED]
    for X in ([row.T for row in RAGGED], padded(RAGGED).swapaxes(1, 2), nested, of_arrays):
        found = read(X, channels="first")
        np.testing.assert_array_equal(found.values, np.concatenate(RAGGED))


def test_sequences_of_one_channel_and_tables_are_the_same():
    table = np.array([[1.0, 2, 3], [4, np.nan, np.nan], [5, np.nan, 6]])
    ragged = [table[0], table[1, :1], table[2]]
    for X in (table, pd.DataFrame(table), table.tolist(), ragged, [row.tolist() for row in ragged]):
        found = read(X)
        assert found.lengths.tolist() == [3, 1, 3]
        np.testing.assert_array_equal(found.values[:, 0], [1, 2, 3, 4, 5, np.nan, 6])


def test_a_table_has_the_columns_of_the_fit_and_other_sequences_any_length():
    table = RNG.normal(size=(4, 3))
    estimator, ours = BaseEstimator(), reader()
    frame = pd.DataFrame(table, columns=list("abc"))
    ours.fit_transform(estimator, frame)
    assert estimator.n_features_in_ == 3
    assert estimator.feature_names_in_.tolist() == ["a", "b", "c"]
    with pytest.raises(ValueError, match="feature names should match"):
        ours.transform(estimator, frame[["a", "b"]])
    assert ours.transform(estimator, [table[0, :2], table[1]]).lengths.tolist() == [2, 3]
    ours.fit_transform(estimator, RAGGED)
    assert estimator.n_features_in_ == 2
    assert not hasattr(estimator, "feature_names_in_")
    ours = reader()
    ours.fit_transform(estimator, [table[0], table[1, :2]])
    assert ours.transform(estimator, table[:, :2]).lengths.tolist() == [2] * 4


def test_longer_sequences_lose_their_ends():
    found = read(RAGGED, max_length=2)
    assert found.lengths.tolist() == [2, 1, 2]
    np.testing.assert_array_equal(found.values[:2], RAGGED[0][:2])
    assert read(["a b c", "d"], max_length=2).lengths.tolist() == [2, 1]


@pytest.mark.parametrize(
    ("X", "message"),
    [
        ([row.T for row in RAGGED], r"2 entries along their first axis.*channels=\"first\""),
        ([np.zeros((2, 2)), np.zeros((3, 4))], "numbers of channels: 2 in row 0, 4 in row 1"),
        ([np.zeros((2, 2)), np.zeros(3)], "Row 1 of X has 1 axes"),
        ([np.zeros((2, 2, 2)), np.zeros((3, 2, 2))], "Row 0 of X has 3 axes"),
        ([[[1, 2], [3]], [[1, 2]]], "Row 0 of X has steps with different numbers of channels"),
        ([np.zeros((2, 2)), np.zeros((0, 2))], "1 rows without a step, at the positions 1"),
        ([np.zeros((2, 2)), np.full((3, 2), np.nan)], "1 rows without a step, at the positions 1"),
        ([np.zeros((2, 2)), np.full((3, 2), np.inf)], "infinity.*1 of 2 rows, at the positions 1"),
        ([np.zeros(2), np.full(3, 1e300)], "too large for float32 in 1 of 2 rows"),
        (["text", np.zeros(3)], "a text in row 0, but ndarray in row 1"),
        (["text", None, "text", np.nan], "texts, but NoneType in 2 rows, at the positions 1, 3"),
        ([b"text"], "X has bytes; decode them"),
        ([["a"], [1.0]], "Row 0 of X holds tokens, but row 1 does not"),
        ([["a", 1], ["b"]], "Row 0 of X is a list with 1, but tokens must be strings"),
        ([["a", None], ["b"]], "Row 0 of X is a list with None, but tokens must be strings"),
        ([["a"], None, ["b"]], "NoneType in place of 1 rows, at the positions 1. Drop them"),
        (pd.Series([None, None]), "in place of 2 rows, at the positions 0, 1"),
        (as_objects([RAGGED[0], np.ma.masked_array(RAGGED[1], RAGGED[1] < 9)]),
         r"X\[1\] is a masked array with 2 hidden values"),
        (np.array([np.array(1.0), None], dtype=object)[:1], "Expected 2D array"),
        (pd.DataFrame({"text": TEXTS}), r"one column of texts; pass that column, X\['text'\]"),
        (np.array(TEXTS)[:, np.newaxis], r"pass that column, X\[:, 0\]"),
        ([np.array([1 + 2j]), np.array([1j, 2])], "Complex data not supported"),
        ([np.array(["2020"], "M8[D]"), np.array(["2020"] * 2, "M8[D]")], "datetime64"),
        (np.zeros((2, 3, 4, 5)), "X has 4 axes, but should have 3"),
        (np.zeros((2, 0, 4)), "axis 1 must not have length 0"),
        (np.zeros(3), "Expected 2D array"),
        ([1.0, 2.0], "Expected 2D array"),
        ([], "0 sample"),
        (np.array([["a", "b"], ["c", "d"]]), "holds text"),
        (pd.DataFrame({"a": [1, 2]}, index=pd.MultiIndex.from_product([[1], [1, 2]])),
         r"sklearn_modern.utils.sequences_from_frame\(X, by\)"),
    ],
)  # fmt: skip
def test_what_is_no_sequence_is_refused(X, message):
    with pytest.raises(ValueError, match=message):
        read(X)


@pytest.mark.parametrize(
    ("X", "message"),
    [
        ("one text", "X is one text"),
        (b"bytes", "X is one text"),
        (sp.csr_matrix(np.eye(3)), "X is a sparse matrix"),
        (sp.dok_array(np.eye(3)), "X is a sparse matrix"),  # which is a mapping, too
        ([sp.csr_matrix(np.eye(3))], "Row 0 of X is a sparse matrix"),
        (pd.DataFrame(np.eye(3)).astype(pd.SparseDtype("float", 0)), "X is a sparse table"),
        ({"a b", "c"}, "X is a set, but rows need places"),
        ({"a b": 0, "c": 1}, "X is a dict, but rows need places"),
    ],
)
def test_other_things_are_refused(X, message):
    with pytest.raises(TypeError, match=message):
        read(X)


def test_a_row_without_tokens_is_one_unknown_token_in_any_company():
    ours, estimator = reader(), BaseEstimator()
    ours.fit_transform(estimator, [["a", "b"], []])
    empty = np.array([], dtype=str)
    for X in ([[]], [()], [empty], [[], empty], [empty, ["a"]]):
        assert ours.transform(estimator, X).lengths.tolist() == [1] * len(X)


@pytest.mark.parametrize(
    ("fitted", "X", "message"),
    [
        (RAGGED, TEXTS, "X holds texts, but sequences of numbers in fit"),
        (RAGGED, [["a"]], "X holds lists of tokens, but sequences of numbers in fit"),
        (TEXTS, RAGGED, "X holds sequences of numbers, but texts in fit"),
        ([["a", "b"]], TEXTS, "X holds texts, but lists of tokens in fit"),
        (TEXTS, np.array(TEXTS)[:, np.newaxis], r"pass that column, X\[:, 0\]"),
        (RAGGED, np.zeros((2, 3)), r"X has 1 channel\(s\), but 2 in fit"),
    ],
)
def test_later_sequences_are_of_the_kind_of_the_fit(fitted, X, message):
    ours, estimator = reader(), BaseEstimator()
    ours.fit_transform(estimator, fitted)
    with pytest.raises(ValueError, match=message):
        ours.transform(estimator, X)


def test_texts_are_cut_into_words_or_characters():
    found = read(TEXTS)
    names = [[found.tokens[code] for code in row] for row in rows_of(found)]
    assert names == [["the", "cat", "sat", "."], ["a", "cat"], [""], ["dogs", "!"]]
    found = read(["CCO", "CN", "c c"])
    assert [found.tokens[code] for code in found.values] == list("CCO") + list("CN") + list("c c")
    assert read(pd.Series(TEXTS)).lengths.tolist() == [4, 2, 1, 2]
    assert read(np.array(TEXTS)).lengths.tolist() == [4, 2, 1, 2]
    assert read([["a", "b"], []]).lengths.tolist() == [2, 1]
    assert read(TEXTS, analyzer=lambda text: text.split("t")).lengths.tolist() == [3, 2, 1, 1]


@pytest.mark.parametrize(
    ("analyzer", "error", "message"),
    [
        (
            str.upper,
            TypeError,
            "must return a list of strings, but for 'The cat sat.' it returned str",
        ),
        (lambda text: [1], TypeError, "it returned a list that holds 1"),
    ],
)
def test_a_callable_must_give_lists_of_strings(analyzer, error, message):
    with pytest.raises(error, match=message):
        read(TEXTS, analyzer=analyzer)


def test_patterns_must_be_expressions_with_one_group_at_most():
    for pattern, message in (("(", "is no regular expression"), ("(a)(b)", "has 2 groups")):
        with pytest.raises(ValueError, match=message):
            Analyzer("auto", pattern, "auto")


def learned(texts, weight=None, max_features=None, min_df=1):
    vocabulary = Vocabulary(max_features, min_df)
    vocabulary.learn(read(texts, analyzer="word"), weight)
    return vocabulary


def test_the_vocabulary_is_that_of_scikit_learn():
    from sklearn.feature_extraction.text import CountVectorizer

    texts = ["a b b c", "b c c c d", "e e", "a"]
    for settings in ({}, {"min_df": 2}, {"min_df": 0.5}, {"max_features": 2}):
        theirs = CountVectorizer(token_pattern=r"\w+", **settings).fit(texts)
        assert set(learned(texts, **settings).code_of) == set(theirs.vocabulary_)
    assert learned(texts).code_of == {"c": 2, "b": 3, "a": 4, "e": 5, "d": 6}


def test_weights_of_texts_are_repetitions():
    texts, weight = ["a b", "b c", "c c"], np.array([0, 2, 1])
    for settings in ({}, {"min_df": 2}, {"min_df": 0.7}, {"max_features": 1}):
        weighted = learned(texts, weight, **settings).code_of
        assert weighted == learned(["b c", "b c", "c c"], **settings).code_of
    assert "a" not in learned(texts, weight).code_of


def test_small_weights_make_no_token_rarer():
    """Such as those of classes; a number of texts is one of texts."""
    texts, weight = ["a b", "b c", "c c"], np.array([0.2, 0.5, 0.1])
    for settings in ({}, {"min_df": 2}, {"min_df": 0.5}):
        expected = learned(
            texts, 10 * weight if settings.get("min_df") == 0.5 else None, **settings
        )
        assert set(learned(texts, weight, **settings).code_of) == set(expected.code_of)


def test_tokens_that_are_not_kept_are_unknown():
    vocabulary = learned(["a a b", "a"], min_df=2)
    codes = vocabulary.encode(read(["b a", "", "new"], analyzer="word"))
    assert codes.values.tolist() == [UNKNOWN, 2, UNKNOWN, UNKNOWN]
    with pytest.raises(ValueError, match=r"min_df=3 leaves no token.*in 2 of 2 texts"):
        learned(["a b", "a"], min_df=3)
    with pytest.raises(ValueError, match="leaves no token"):
        learned(["", ""])


@pytest.mark.parametrize(
    ("vectors", "size", "message"),
    [
        ({"a": [1.0, 2.0], "b": [1.0]}, None, r"vectors of the shapes \[\(1,\), \(2,\)\]"),
        ({"a": [1.0, 2.0]}, 3, "vectors of length 2, but embedding_size=3"),
        ({"x": [1.0]}, None, r"none of the tokens of X, which are such as \['a', 'b'\]"),
        ({"a": [np.nan]}, None, "NaN or infinity"),
        ({"a": []}, None, r"vectors of the shapes \[\(0,\)\]"),
        ({"a": "x"}, None, r"token_vectors\['a'\] is no vector of numbers"),
    ],
)
def test_token_vectors_must_fit(vectors, size, message):
    with pytest.raises(ValueError, match=message):
        learned(["a b"]).vectors(vectors, size)


@pytest.mark.parametrize("vectors", [5, "abc"])
def test_token_vectors_are_a_mapping(vectors):
    with pytest.raises(TypeError, match="must be a mapping from tokens to vectors"):
        learned(["a b"]).vectors(vectors, None)


def test_token_vectors_are_looked_up():
    codes, vectors = learned(["a b b"]).vectors({"a": [1, 2], "z": [0, 0]}, None)
    assert codes.tolist() == [3]
    assert vectors.tolist() == [[1.0, 2.0]]


@given(st.lists(st.integers(1, 6), min_size=1, max_size=6), st.data())
def test_rows_are_selected_and_shortened_as_lists_are(lengths, data):
    rows = np.split(np.arange(sum(lengths)), np.cumsum(lengths)[:-1])
    ragged = Ragged(np.arange(sum(lengths)), np.array(lengths))
    chosen = data.draw(st.lists(st.integers(0, len(rows) - 1), max_size=8))
    some = ragged.select(np.array(chosen, dtype=int))
    assert some.values.tolist() == [step for row in chosen for step in rows[row].tolist()]
    shorter = data.draw(st.tuples(*(st.integers(1, n) for n in lengths)))
    found = ragged.shortened(np.array(shorter))
    assert found.values.tolist() == [
        step for row, n in zip(rows, shorter, strict=True) for step in row[:n].tolist()
    ]
    assert found.lengths.tolist() == list(shorter)


@pytest.mark.parametrize("kind", ["standard", "per_sequence", None])
def test_channels_are_scaled_and_gaps_marked(kind):
    rows = [row.astype(np.float64) for row in RAGGED]
    rows[0][1, 0] = np.nan
    weight = np.array([1.0, 2.0, 1.0])
    ragged = read(rows, dtype=np.float64)
    scaler = StepScaler(kind)
    scaler.learn(ragged, weight)
    found = scaler.transform(ragged)
    assert found.shape == (8, 3)
    assert scaler.n_channels_out == 3
    assert found[:, 2].tolist() == [0, 1, 0, 0, 0, 0, 0, 0]
    repeated = np.concatenate([rows[0], rows[1], rows[1], rows[2]])
    mean, deviation = np.nanmean(repeated, axis=0), np.nanstd(repeated, axis=0)
    parts = np.split(found[:, :2], [3, 4])
    for row, part in zip(rows, parts, strict=True):
        if kind == "standard":
            expected = (row - mean) / deviation
        elif kind is None:
            expected = np.where(np.isnan(row), mean, row)
        else:
            own = np.nanstd(row, axis=0)
            expected = (row - np.nanmean(row, axis=0)) / np.where(own == 0, 1.0, own)
        np.testing.assert_allclose(part, np.nan_to_num(expected), atol=1e-12)


def test_constant_channels_and_large_offsets_lose_no_digits():
    steps = np.array([[1e9 + 1, 5.0, 1e-30], [1e9 + 3, 5.0, 3e-30]])
    for kind in ("standard", "per_sequence"):
        scaler = StepScaler(kind)
        ragged = Ragged(steps, np.array([2]))
        scaler.learn(ragged, None)
        expected = [[-1, 0, -1], [1, 0, 1]]
        np.testing.assert_allclose(scaler.transform(ragged), expected, atol=1e-6)


def test_what_is_too_large_for_the_network_is_refused():
    scaler = StepScaler("standard")
    scaler.learn(Ragged(np.array([[0.0], [1e-30]]), np.array([2])), None)
    with pytest.raises(ValueError, match="too large for float32, as they are scaled"):
        scaler.transform(Ragged(np.array([[1e30]]), np.array([1])), np.float32)


def test_sequences_of_a_long_table():
    frame = pd.DataFrame(
        {"run": ["b", "a", "b", "b"], "day": [1, 1, 1, 2], "x": [1.0, 2, 3, 4], "y": [5, 6, 7, 8]}
    )
    found = sequences_from_frame(frame, ["run", "day"])
    assert [row.tolist() for row in found] == [[[1, 5], [3, 7]], [[2, 6]], [[4, 8]]]
    by_level = sequences_from_frame(frame.set_index(["run", "day"]), "run")
    assert [row.tolist() for row in by_level] == [[[1, 5], [3, 7], [4, 8]], [[2, 6]]]
    assert read(found).lengths.tolist() == [2, 1, 1]
    first = frame.set_index(["run", "day"]).reset_index().drop_duplicates("run")
    assert first["x"].tolist() == [row[0, 0] for row in by_level]
    for by, message in (("time", "must name columns"), ([], "must name"), ("day", r"\['run'\]")):
        with pytest.raises(ValueError, match=message):
            sequences_from_frame(frame, by)
    with pytest.raises(ValueError, match="no column besides"):
        sequences_from_frame(frame[["run"]], "run")
    for strange in (pd.to_timedelta([1] * 4, "s"), [1j] * 4):
        with pytest.raises(
            ValueError, match=r"\['strange'\] besides by='run'; channels must be num"
        ):
            sequences_from_frame(frame[["run"]].assign(strange=strange), "run")
    for by in (pd.Index(["run", "day"]), np.array(["run", "day"])):
        assert len(sequences_from_frame(frame, by)) == 3
    with pytest.raises(ValueError, match="frame has no row"):
        sequences_from_frame(frame[:0], "run")
    for strange, name in (([1], "builtins.list"), (frame["x"], "pandas.Series")):
        with pytest.raises(TypeError, match=f"must be a DataFrame of pandas, not {name}"):
            sequences_from_frame(strange, "run")
