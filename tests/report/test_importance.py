"""Permutation importance, and which columns it is of."""

import numpy as np
import pandas as pd
import pytest
from sklearn.dummy import DummyRegressor
from sklearn.linear_model import LinearRegression
from sklearn.metrics import get_scorer, make_scorer, mean_squared_error

from sklearn_modern.model_selection import NestedCV
from sklearn_modern.report._behaviour import importance as section
from sklearn_modern.report._importance import _shuffled, importance
from sklearn_modern.report._metrics import metric_of_scoring
from sklearn_modern.report._screening import most_telling


def test_a_shuffled_column_keeps_its_dtype_and_what_is_missing():
    table = pd.DataFrame(
        {
            "text": pd.Series(["a", "b", None, "c", "d"], dtype=object),
            "mixed": pd.Series([1, "b", None, np.nan, True], dtype=object),
            "category": pd.Categorical(["a", "b", None, "c", "d"]),
            "number": np.arange(5),
            "nullable": pd.array([1, 2, None, 4, 5], dtype="Int64"),
        }
    )
    table.index = [7, 3, 5, 4, 9]
    order = np.array([2, 0, 3, 1, 4])
    for column, label in enumerate(table.columns):
        found = _shuffled(table, column, order)
        assert found.dtypes.tolist() == table.dtypes.tolist()
        for name in table.columns:
            expected = table[name].to_numpy(dtype=object)
            expected = expected[order] if name == label else expected
            assert all(
                one is other or one == other
                for one, other in zip(found[name].to_numpy(dtype=object), expected, strict=True)
            )


class Fixed(LinearRegression):
    """Predicts its first column, whatever it is fitted to."""

    def fit(self, X, y, sample_weight=None):
        self.n_features_in_, self.coef_, self.intercept_ = X.shape[1], np.eye(X.shape[1])[0], 0.0
        return self


def test_rows_that_are_drawn_take_their_own_weights():
    """Of rows that count, the first column is the target; of all others it is noise."""
    random = np.random.default_rng(0)
    X = random.normal(size=(1300, 2))
    weight = (np.arange(len(X)) % 3 == 0).astype(float)
    y = np.where(weight > 0, X[:, 0], 100 * random.normal(size=len(X)))
    nested = NestedCV(
        {"fixed": Fixed()}, outer_cv=2, scoring={"mse": make_scorer(mean_squared_error)}
    ).fit(X, y, sample_weight=weight)
    # The searches of older versions of scikit-learn do not weight scores, and neither do ours.
    weighs = hasattr(get_scorer("r2"), "_accept_sample_weight")
    assert (nested.scores_frame()["outer"].tolist() == [0.0, 0.0]) is weighs
    found = importance(nested, "fixed", X, y, metric_of_scoring("mse", nested.scoring), None)
    drops = {one["name"]: one["mean"] for one in found["features"]}
    # The error of a shuffled column is twice its variance; of rows of no weight it is 10,000.
    assert (drops["x0"] == pytest.approx(-2, rel=0.3)) is weighs
    assert drops["x1"] == 0


@pytest.mark.parametrize("kind", ["numbers", "labels"])
def test_of_many_columns_those_are_looked_at_that_tell_most(kind):
    random = np.random.default_rng(0)
    table = pd.DataFrame(random.normal(size=(600, 70)))
    table[66] = pd.Categorical(random.choice([*"abc"], len(table)))
    table.loc[::5, 69] = np.nan
    y = (table[66] == "b") * 2.0 + table[69].fillna(0) ** 2 + table[3]
    if kind == "labels":
        y = np.where(y > 3, "rare", np.where(y > 1, "b", "a"))
    columns = most_telling(table, y, ["a", "b", "rare"] if kind == "labels" else None, 3)
    assert columns.tolist() == [3, 66, 69]


def test_the_page_says_which_columns_were_looked_at():
    X, y = np.random.default_rng(0).normal(size=(40, 61)), np.arange(40.0)
    nested = NestedCV({"dummy": DummyRegressor()}, outer_cv=2, scoring={"r2": "r2"}).fit(X, y)
    found = importance(nested, "dummy", X, y, metric_of_scoring("r2", nested.scoring), None)
    names = sorted(one["name"] for one in found["features"])
    assert names == sorted(f"x{i}" for i in most_telling(X, y, None, 60))
    assert "x60" in names
    results = {
        "models": [{"name": "dummy", "label": "dummy"}],
        "data": {"n_columns": 61},
        "importance": found,
    }
    assert "Of 61 columns, only those 60 were looked at" in "".join(section(results))
    results["data"]["n_columns"] = 60
    assert "were looked at" not in "".join(section(results))
