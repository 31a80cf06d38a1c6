"""The rate of wrong tokens is the edit distance over the length of the truth."""

from functools import cache

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator

from sklearn_modern.metrics import get_scorer, token_error_rate


def distance(first, second):
    """The definition, from the ends of both sequences."""

    @cache
    def of(i, j):
        if not i or not j:
            return i + j
        same = of(i - 1, j - 1) + (first[i - 1] != second[j - 1])
        return min(same, of(i - 1, j) + 1, of(i, j - 1) + 1)

    return of(len(first), len(second))


def test_rates_are_distances_over_lengths():
    rng = np.random.default_rng(0)
    words = ["".join(rng.choice(list("abc"), n)) for n in rng.integers(0, 9, 400)]
    true, predicted, weight = words[:200], words[200:], rng.random(200)
    distances = [distance(*pair) for pair in zip(true, predicted, strict=True)]
    expected = weight @ distances / (weight @ [len(word) for word in true])
    found = token_error_rate(true, predicted, sample_weight=weight)
    assert found == pytest.approx(expected, rel=1e-12)
    tokens = [list(word) for word in true], [list(word) for word in predicted]
    assert token_error_rate(*tokens, sample_weight=weight) == found


def test_texts_are_cut_as_is_said():
    assert token_error_rate(["a new day"], ["a day"], analyzer="word") == pytest.approx(1 / 3)
    assert token_error_rate(["a,b"], ["a,c"], analyzer=lambda text: text.split(",")) == 0.5


def test_the_scorer_is_better_the_greater_it_is():
    class Echo(BaseEstimator):
        def fit(self, X, y):
            return self

        def predict(self, X):
            return X

    assert get_scorer("neg_token_error_rate")(Echo(), ["ab"], ["ac"]) == -0.5


@pytest.mark.parametrize(
    ("true", "predicted", "how", "message"),
    [
        (["a"], ["a", "b"], {}, "inconsistent numbers"),
        ([""], ["a"], {}, "y_true has no tokens"),
        (["a"], [1], {}, "Row 0 of y_pred is 1"),
        (["a"], ["a"], {"analyzer": "phone"}, "analyzer='phone'"),
    ],
)
def test_bad_input_is_refused(true, predicted, how, message):
    with pytest.raises(ValueError, match=message):
        token_error_rate(true, predicted, **how)


def test_one_text_is_no_list_of_texts():
    with pytest.raises(TypeError, match="y_true is one text"):
        token_error_rate("ab", "ab")
    with pytest.raises(TypeError, match="y_true is a dict; pass a list"):
        token_error_rate({"ab": 0}, ["ab"])
    with pytest.raises(TypeError, match="either strings or lists of tokens"):
        token_error_rate([["a", "b"]], ["a b"])
    with pytest.raises(TypeError, match="analyzer returned None"):
        token_error_rate(["a"], ["a"], analyzer=lambda text: None)


def test_a_table_of_one_column_is_that_column():
    y = pd.DataFrame({"y": ["ab", "c"]})
    assert token_error_rate(y, ["ab", "d"]) == token_error_rate(
        ["ab", "c"], y.assign(y=["ab", "d"])
    )
