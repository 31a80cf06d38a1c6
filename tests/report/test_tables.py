from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from sklearn.base import clone
from support.small_tables import mixed_table

from sklearn_modern.report._catalogue import Context, models_for
from sklearn_modern.report._tables import read_table


def test_numbers_and_tables_go_in_as_they_are():
    X = np.array([[1.0, np.nan], [2.0, 3.0]])
    assert read_table(X) is X
    table = pd.DataFrame({"a": [1.0, None], 2: ["x", None], "<b>": [True, False]}, index=[5, 6])
    read = read_table(table)
    assert list(read.columns) == ["a", "2", "<b>"]
    assert list(read.index) == [0, 1]
    assert list(table.columns) == ["a", 2, "<b>"]
    assert read_table(np.array([[1, "x"], [2, "y"]], dtype=object)).dtypes.iloc[0] == np.int64


@pytest.mark.parametrize(
    ("X", "message"),
    [
        (sp.eye(3), "X is sparse"),
        (np.zeros(3), r"shape \(3,\)"),
        (pd.DataFrame(index=range(3)), "no column"),
        (pd.DataFrame([[1, 2]], columns=["a", "a"]), "Several columns are called 'a'"),
        (pd.DataFrame({"a": [1, 2], "b": [None, None]}), "Column 'b' has no value.*--drop"),
        (pd.DataFrame({"a": [1.0, np.inf]}), "'a' has infinite values"),
        (np.array([[1.0, np.inf]]), "infinite"),
        (pd.DataFrame({"a": ["x", 1, None]}), "Column 'a' mixes int and str"),
        (pd.DataFrame({"a": pd.array([1, None, np.inf], "Float64")}), "infinite"),
        (pd.DataFrame({"d": pd.date_range("2020", periods=2)}), "Column 'd' has dates.*--drop"),
        (pd.DataFrame({"d": ["2020-01-31", None, "2020-02-01 10:00"]}), "has dates"),
        (pd.DataFrame({"d": ["31.1.2020"], "e": ["1/2/2020"]}), "Columns 'd', 'e' have dates"),
    ],
)
def test_what_models_cannot_take_is_refused(X, message):
    with pytest.raises(ValueError, match=message):
        read_table(X)


@pytest.mark.parametrize(
    "form",
    [
        *("%d.%m.%y", "%m/%d/%y", "%d %m %Y", "%b %d %Y", "%B %d, %Y", "%d %b %Y", "%d-%b-%y"),
        *("%b-%y", "%Y-%m", "%m/%Y", "%Y %B %d", "%Y-%m-%dT%H:%MZ"),
        *("%a, %d %b %Y %H:%M:%S", "%d/%m/%Y, %H:%M"),
    ],
)
def test_dates_are_known_by_their_form(form):
    days = pd.date_range("1999-12-28", periods=40, freq="17D")
    with pytest.raises(ValueError, match="'d' has dates"):
        read_table(pd.DataFrame({"d": days.strftime(form)}))


def test_text_is_no_date():
    read_table(pd.DataFrame({"a": ["2020-01-31", "soon"], "b": ["1.2", "3.4"], "c": ["12-3", ""]}))
    rows = [("1.2.3", "10.0.0.1", "2009-10", "12:30", "May", "5 kg", "99.99.99", "marble 12")]
    rows += [("1.2.4", "10.0.0.2", "2012-13", "13:30", "June", "6 kg", "12.12.12", "marble 99")]
    read_table(pd.DataFrame(rows))


def test_what_a_column_is_does_not_depend_on_the_rows_of_a_split():
    table = pd.DataFrame(
        {
            "note": pd.Series([None, "broken", None, None], dtype=object),
            "flag": pd.Series([True, None, False, None], dtype=object),
            "price": [Decimal("1.5"), None, 2, Decimal("0.5")],
        }
    )
    for one in (table, table.convert_dtypes()):
        read = read_table(one)
        assert [str(dtype) for dtype in read.dtypes] == ["category", "category", "float64"]
        assert read["note"].cat.categories.tolist() == ["broken"]
        assert read["flag"].cat.categories.tolist() == [False, True]
        assert read["price"].tolist()[2:] == [2.0, 0.5]
    whole = pd.DataFrame({"a": pd.array([1, 2]), "b": pd.array([True, False])})
    assert [dtype.kind for dtype in read_table(whole).dtypes] == ["f", "b"]


@pytest.mark.parametrize("name", ["linear", "boosting", "forest", "mlp"])
def test_a_model_takes_the_table_in_any_form(name):
    table = mixed_table()
    table["colour"] = table["colour"].astype(object).where(table["colour"].notna(), None)
    table["note"] = pd.Series([None, "broken"] + [None] * (len(table) - 2), dtype=object)
    y = table["<b>weight</b>"] > 0
    read = read_table(table)
    model = models_for([name], Context("classification", read, "cpu", 1, 0))[name]
    model = clone(model[0] if isinstance(model, tuple) else model)
    few = {"max_iter", "n_estimators", "model__n_estimators"} & set(model.get_params())
    model.set_params(**dict.fromkeys(few, 2))
    model.fit(read.iloc[10:], y[10:]).predict(read)  # "note" has no value in these rows
    expected = model.fit(read, y).predict_proba(read)
    for later in (table, table.convert_dtypes()):
        assert model.predict_proba(later) == pytest.approx(expected, abs=1e-6)
    numbered = table.set_axis(range(table.shape[1]), axis=1)
    model.fit(read_table(numbered), y)
    assert model.predict_proba(numbered) == pytest.approx(expected, abs=1e-6)


def test_text_that_is_numbers_is_warned_of_although_it_becomes_categories():
    table = pd.DataFrame({"price": ["1.5", "2.5", None, "3.25"] * 10, "colour": ["a", "b"] * 20})
    table["price"] += pd.Series(np.arange(40).astype(str))
    with pytest.warns(UserWarning, match="'price'.*are numbers") as caught:
        read_table(table)
    assert len(caught) == 1
