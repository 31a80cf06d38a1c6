"""What a selector refuses, and what it says: the parameter, what was found, what would be right."""

import errno
import re

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.base import BaseEstimator, clone
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression, RidgeClassifier
from sklearn.model_selection import GroupKFold, KFold, cross_val_score
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from sklearn_modern.ensemble import GradientBoostingClassifier
from sklearn_modern.feature_selection import ExhaustiveFeatureSelector, SequentialFeatureSelector

each_selector = pytest.mark.parametrize(
    "make", [SequentialFeatureSelector, ExhaustiveFeatureSelector]
)


@pytest.fixture
def X():
    return np.random.RandomState(0).normal(size=(30, 5))


@pytest.fixture
def y(X):
    return (X[:, 0] + X[:, 3] > 0).astype(int)


@pytest.fixture
def frame(X):
    return pd.DataFrame(X, columns=["age", "height", "red", "green", "blue"])


def refused(selector, X, y, *said, error=ValueError, **params):
    """The selector refuses to be fitted, and says all of that."""
    with pytest.raises(error) as caught:
        selector.fit(X, y, **params)
    message = str(caught.value)
    for words in said:
        assert words in message, f"{words!r} is not in {message!r}"
    assert not hasattr(selector, "support_")


# Features, for both selectors and any X: (settings, what the message says).
FEATURES = [
    ({"fixed_features": ["colour"]}, ["fixed_features", "['colour']", "'age', 'height'"]),
    ({"fixed_features": [5]}, ["fixed_features", "[5]", "positions 0 to 4"]),
    ({"fixed_features": [0, -1]}, ["fixed_features", "[-1]", "positions 0 to 4"]),
    ({"fixed_features": [True, False]}, ["fixed_features", "mask of 2", "5 features"]),
    ({"fixed_features": [0.5]}, ["fixed_features=[0.5]", "positions or of column names"]),
    ({"fixed_features": [[0, 1]]}, ["fixed_features=[[0, 1]]", "positions or of column names"]),
    ({"fixed_features": "age"}, ["'fixed_features'", "array-like", "'age'"]),
    ({"fixed_features": 1}, ["'fixed_features'", "array-like", "1"]),
    ({"feature_groups": [["age", "colour"]]}, ["feature_groups", "['colour']", "'age', 'height'"]),
    ({"feature_groups": [[3, 9]]}, ["feature_groups", "[9]", "positions 0 to 4"]),
    ({"feature_groups": [[0, 1], [1, 2]]}, ["feature_groups", "['height'] more than once"]),
    ({"feature_groups": [["red", "red"]]}, ["feature_groups", "['red'] more than once"]),
    ({"feature_groups": [[0], []]}, ["feature_groups", "a group without features"]),
    ({"feature_groups": [[False] * 5]}, ["feature_groups", "a group without features"]),
    ({"feature_groups": [0, 1]}, ["feature_groups=[0, 1]", "such as [[0, 1], [2]]"]),
    ({"feature_groups": ["age", "red"]}, ["feature_groups=['age', 'red']", "[[0, 1], [2]]"]),
    ({"feature_groups": "age"}, ["'feature_groups'", "list", "'age'"]),
    ({"feature_groups": {"size": [0, 1]}}, ["'feature_groups'", "list", "{'size': [0, 1]}"]),
    (
        {"feature_groups": [["age", "height"]], "fixed_features": ["age", "red"]},
        ["fixed_features", "a part of the group ['age', 'height']", "give all of it"],
    ),
]


@each_selector
@pytest.mark.parametrize(("settings", "said"), FEATURES)
def test_features_that_are_not_there(make, frame, y, settings, said):
    refused(make(GaussianNB(), **settings), frame, y, *said)


@each_selector
@pytest.mark.parametrize("parameter", ["fixed_features", "feature_groups"])
def test_names_without_names(make, X, y, parameter):
    names = ["age"] if parameter == "fixed_features" else [["age"]]
    selector = make(GaussianNB(), **{parameter: names})
    refused(selector, X, y, parameter, "['age']", "X has no column names")


# Sizes of a sequential search over 5 features: (what is asked for, what the message says).
SIZES = [
    (0, ["'n_features_to_select'", "int in the range (0, inf)", "Got 0"]),
    (-2, ["'n_features_to_select'", "int in the range (0, inf)", "Got -2"]),
    (5, ["n_features_to_select must be < n_features", "it is 5", "there are 5"]),
    (9, ["n_features_to_select must be < n_features", "it is 9", "there are 5"]),
    (0.0, ["'n_features_to_select'", "float in the range (0.0, 1.0]", "Got 0.0"]),
    (1.2, ["'n_features_to_select'", "float in the range (0.0, 1.0]", "Got 1.2"]),
    (0.1, ["n_features_to_select=0.1 of 5 features", "less than one"]),
    (np.nan, ["'n_features_to_select'", "Got nan"]),
    ("most", ["'n_features_to_select'", "'parsimonious'", "'best'", "'auto'", "Got 'most'"]),
    (None, ["'n_features_to_select'", "Got None"]),
    (np.array([1, 2]), ["'n_features_to_select'", "'tuple'", "array([1, 2])"]),
    ((1,), ["n_features_to_select=(1,)", "a range of two numbers of features"]),
    ((1, 2, 3), ["n_features_to_select=(1, 2, 3)", "a range of two"]),
    ((), ["n_features_to_select=()", "a range of two"]),
    ((0.2, 0.8), ["n_features_to_select=(0.2, 0.8)", "a range of two numbers of features"]),
    ((1, None), ["n_features_to_select=(1, None)", "a range of two numbers of features"]),
    (("1", "2"), ["n_features_to_select=('1', '2')", "a range of two"]),
    ((3, 2), ["n_features_to_select=(3, 2) must rise", "at least 1", "at most the 5"]),
    ((0, 2), ["n_features_to_select=(0, 2)", "at least 1", "at most the 5"]),
    ((2, 6), ["n_features_to_select=(2, 6)", "at least 1", "at most the 5"]),
]


@pytest.mark.parametrize("direction", ["forward", "backward"])
@pytest.mark.parametrize(("asked", "said"), SIZES)
def test_sizes_that_cannot_be(X, y, direction, asked, said):
    selector = SequentialFeatureSelector(
        GaussianNB(), n_features_to_select=asked, direction=direction
    )
    refused(selector, X, y, *said)


# Sizes of which 3 features are fixed: (settings, what the message says).
FIXED = [
    ({"n_features_to_select": 2}, ["n_features_to_select=2", "3 of fixed_features"]),
    ({"n_features_to_select": 0.4}, ["n_features_to_select=0.4", "3 of fixed_features"]),
    ({"n_features_to_select": (1, 2)}, ["n_features_to_select=(1, 2)", "3 of fixed_features"]),
]


@pytest.mark.parametrize("direction", ["forward", "backward"])
@pytest.mark.parametrize(("settings", "said"), FIXED)
def test_more_is_fixed_than_may_be_selected(X, y, direction, settings, said):
    selector = SequentialFeatureSelector(
        GaussianNB(), fixed_features=[0, 1, 4], direction=direction, **settings
    )
    refused(selector, X, y, *said)


def test_groups_count_as_one_of_the_features_that_may_be_selected(X, y):
    groups = {"feature_groups": [[0, 1, 2], [3, 4]]}
    sequential = SequentialFeatureSelector(GaussianNB(), n_features_to_select=2, **groups)
    refused(sequential, X, y, "must be < n_features", "it is 2", "there are 2", "a group counts")
    for settings in ({}, {"tol": 0.1}, {"direction": "backward"}):
        single = SequentialFeatureSelector(GaussianNB(), feature_groups=[range(5)], **settings)
        refused(single, X, y, "feature_groups puts all features into one group")
    exhaustive = ExhaustiveFeatureSelector(GaussianNB(), max_features=3, **groups)
    refused(exhaustive, X, y, "max_features=3", "at most the 2 features", "a group counts")


# Sizes of an exhaustive search: (settings, what the message says).
EXHAUSTIVE = [
    ({"min_features": 0}, ["'min_features'", "[1, inf)", "Got 0"]),
    ({"max_features": 0}, ["'max_features'", "[1, inf)", "Got 0"]),
    ({"max_features": 0.5}, ["'max_features'", "int", "Got 0.5"]),
    ({"min_features": 3, "max_features": 2}, ["min_features=3", "max_features=2", "must rise"]),
    ({"min_features": 6}, ["min_features=6", "at most the 5 features"]),
    ({"max_features": 6}, ["max_features=6", "at most the 5 features"]),
    ({"max_features": 1, "fixed_features": [0, 1]}, ["max_features=1", "2 of fixed_features"]),
    ({"max_subsets": 30}, ["There are 31 subsets", "max_subsets=30", "narrow min_features"]),
    ({"max_subsets": 0}, ["'max_subsets'", "[1, inf)", "Got 0"]),
]


@pytest.mark.parametrize(("settings", "said"), EXHAUSTIVE)
def test_sizes_that_cannot_be_exhausted(X, y, settings, said):
    refused(ExhaustiveFeatureSelector(GaussianNB(), **settings), X, y, *said)


# Other parameters of a sequential search: (settings, what the message says).
SEQUENTIAL = [
    ({"tol": -0.1}, ["tol=-0.1 must not be negative when features are added"]),
    ({"tol": np.inf}, ["'tol'", "Got inf"]),
    ({"tol": "0.1"}, ["'tol'", "Got '0.1'"]),
    ({"direction": "both"}, ["'direction'", "'forward'", "'backward'", "Got 'both'"]),
    ({"floating": "yes"}, ["'floating'", "bool", "Got 'yes'"]),
]


@pytest.mark.parametrize(("settings", "said"), SEQUENTIAL)
def test_parameters_of_a_wrong_kind_of_a_sequential_search(X, y, settings, said):
    refused(SequentialFeatureSelector(GaussianNB(), **settings), X, y, *said)


# Parameters of both: (settings, what the message says).
PARAMETERS = [
    ({"fast": True}, ["'fast'", "'auto'", "'check'", "False", "Got True"]),
    ({"fast": "never"}, ["'fast'", "Got 'never'"]),
    ({"cv": 1}, ["'cv'", "[2, inf)", "Got 1"]),
    ({"cv": "5"}, ["'cv'", "Got '5'"]),
    ({"cv": []}, ["cv has no splits"]),
    ({"n_jobs": 1.5}, ["'n_jobs'", "Got 1.5"]),
    ({"refit": None}, ["'refit'", "Got None"]),
    ({"refit": "accuracy"}, ["refit='accuracy'", "one of ['score']"]),
    ({"refit": "r2", "scoring": "accuracy"}, ["refit='r2'", "one of ['accuracy']"]),
    ({"scoring": ["accuracy", "f1"]}, ["refit=True", "one of ['accuracy', 'f1']"]),
    ({"scoring": ["accuracy", "f1"], "refit": False}, ["refit=False", "['accuracy', 'f1']"]),
    ({"scoring": ["accuracy", "f1"], "refit": "r2"}, ["refit='r2'", "['accuracy', 'f1']"]),
    ({"scoring": []}, ["scoring=[]", "names of scorers"]),
    ({"scoring": {}}, ["scoring={}", "names of scorers"]),
    ({"scoring": {1: "f1"}}, ["scoring={1: 'f1'}", "scorers by name"]),
    ({"scoring": [len]}, ["scoring=[<built-in function len>]", "names of scorers"]),
    ({"scoring": "acuracy"}, ["scoring", "acuracy"]),
    ({"scoring": 3}, ["'scoring'", "Got 3"]),
    ({"checkpoint": 3}, ["'checkpoint'", "Got 3"]),
    ({"callback": "stop"}, ["'callback'", "callable", "Got 'stop'"]),
    ({"verbose": "loud"}, ["'verbose'", "Got 'loud'"]),
    ({"estimator": "tree"}, ["'estimator'", "'fit'", "Got 'tree'"]),
    ({"estimator": None}, ["'estimator'", "'fit'", "Got None"]),
]


@each_selector
@pytest.mark.parametrize(("settings", "said"), PARAMETERS)
def test_parameters_of_a_wrong_kind(make, X, y, settings, said):
    refused(make(**({"estimator": GaussianNB()} | settings)), X, y, *said)


class Scoreless(BaseEstimator):
    """Neither scores nor predicts."""

    def fit(self, X, y):
        return self


@each_selector
def test_an_estimator_without_the_method_of_the_scorer(make, X, y):
    for estimator, name in (
        (RidgeClassifier(), "RidgeClassifier"),
        (SVC(), "SVC"),
        (make_pipeline(StandardScaler(), RidgeClassifier()), "Pipeline"),
    ):
        selector = make(estimator, scoring="neg_log_loss")
        refused(selector, X, y, "scoring='neg_log_loss' needs predict_proba", f"which {name}")
    several = make(RidgeClassifier(), scoring=["accuracy", "neg_log_loss"], refit="accuracy")
    refused(several, X, y, "scoring='neg_log_loss' needs predict_proba", "RidgeClassifier")
    refused(make(Scoreless()), X, y, "'score' method", "Scoreless", error=TypeError)
    refused(make(Scoreless(), scoring="accuracy"), X, y, "needs predict", "Scoreless")
    refused(
        make(GaussianNB(), cv=KFold), X, y, "cv must be an instance, as KFold()", error=TypeError
    )
    refused(
        make(GaussianNB), X, y, "estimator must be an instance, as GaussianNB()", error=TypeError
    )


# Scores that are missing ---------------------------------------------------------------------


def missing_on_the_second_fold(estimator, X, y):
    return np.nan if len(X) == 7 else 1.0


def failing(estimator, X, y):
    raise ZeroDivisionError("no rows of the rare class")


FOLDS = [(np.arange(10), np.arange(10, 30)), (np.arange(23), np.arange(23, 30))]


@each_selector
def test_no_candidate_has_a_score(make, X, y):
    fitted = {"cv": FOLDS, "refit": "ours", "scoring": {"theirs": "accuracy", "ours": failing}}
    refused(make(GaussianNB(), **fitted), X, y, "'ours' is NaN", "on fold 0", "rare class")
    fitted["scoring"]["ours"] = missing_on_the_second_fold
    refused(make(GaussianNB(), **fitted), X, y, "None of the ", "'ours' is NaN", "on fold 1")
    refused(make(LinearRegression(), cv=2), X, None, "'score' is NaN", "requires y to be passed")
    wrong_target = make(LinearRegression(), scoring="accuracy", cv=2)
    refused(wrong_target, X, X[:, 0], "'accuracy' is NaN", "continuous")
    refused(make(GaussianNB(), cv=2, fast=False), X, y, "'offset'", offset=y)


# Parameters that the estimator's own fit refuses: (estimator, which of them).
IMPOSSIBLE = [
    (GaussianNB(var_smoothing=-1.0), "'var_smoothing'"),
    (KNeighborsClassifier(n_neighbors=0), "'n_neighbors'"),
    (LogisticRegression(tol=None), "'tol'"),
    (make_pipeline(StandardScaler(), LogisticRegression(C=0)), "'C'"),
]


@each_selector
@pytest.mark.parametrize("fast", ["auto", False])
@pytest.mark.parametrize(("estimator", "parameter"), IMPOSSIBLE, ids=str)
def test_an_estimator_with_impossible_parameters(make, X, y, fast, estimator, parameter):
    selector = make(estimator, cv=2, fast=fast, refit=False)
    refused(selector, X, y, "'score' is NaN", "on fold 0", parameter)


def failing_without_the_first_column(estimator, X, y):
    if X[0, 0] != 1.0:
        raise ZeroDivisionError("no first column")
    return 1.0


@each_selector
def test_some_candidates_have_no_score(make, X, y):
    X[:, 0] = 1.0
    selector = make(LinearRegression(), scoring=failing_without_the_first_column, cv=2)
    with pytest.warns(UserWarning, match=r"\d+ subsets lack scores, and without 'score' cannot"):
        selector.fit(X, y)
    assert selector.support_[0]
    several = {"first": failing_without_the_first_column, "r2": "r2"}
    other = make(LinearRegression(), scoring=several, refit="r2", cv=2)
    with pytest.warns(UserWarning, match="without 'r2' cannot.*no first column") as warned:
        other.fit(X, y)
    assert warned[0].filename == __file__
    assert not any(np.isnan(scored.mean) for scored in other.history_)
    assert any(np.isnan(scored.other_scores["first"]).any() for scored in other.history_)


def missing(estimator, X, y):
    return np.nan


@pytest.mark.parametrize("direction", ["forward", "backward"])
@pytest.mark.parametrize("asked", [2, (2, 2), 0.4])
def test_all_that_is_selected_is_fixed(X, y, asked, direction):
    settings = {"n_features_to_select": asked, "direction": direction, "fixed_features": [0, 1]}
    selector = SequentialFeatureSelector(GaussianNB(), cv=2, **settings).fit(X, y)
    assert np.flatnonzero(selector.support_).tolist() == [0, 1]
    expected = cross_val_score(GaussianNB(), X[:, :2], y, cv=2).mean()
    assert selector.subsets_[2].mean == pytest.approx(expected)
    assert selector.history_[-1].features == (0, 1)
    unscored = SequentialFeatureSelector(GaussianNB(), cv=2, scoring=missing, **settings)
    refused(unscored, X, y, "'score' is NaN", "on fold 0")


# Data ----------------------------------------------------------------------------------------


@each_selector
def test_data_that_cannot_be(make, X, y, frame):
    ours = make(GaussianNB())
    refused(ours, X[:3], y[:3], "n_splits=5", "n_samples=3")
    refused(make(LinearRegression(), cv=4), X[:3], y[:3], "n_splits=4", "n_samples=3")
    refused(ours, X[:, 0], y, "Expected 2D array, got 1D array")
    refused(ours, X[:, :1], y, "1 feature(s)")
    refused(ours, frame[["age"]], y, "1 feature(s)")
    refused(ours, X[:0], y[:0], "0 sample(s)")
    refused(ours, X, y[:20], "inconsistent numbers of samples: [30, 20]")
    refused(ours, np.where(X > 1, np.nan, X), y, "Input X contains NaN")
    refused(ours, frame.where(frame < 1), y, "Input X contains NaN", "GaussianNB")
    refused(ours, X, np.where(y == 1, np.nan, y), "Input y contains NaN")
    refused(ours, np.full((30, 2), "a", dtype=object), y, "could not convert string to float: ")
    refused(make(GaussianNB(), cv=GroupKFold(3)), X, y, "'groups' parameter should not be None")
    grouped = make(GaussianNB(), cv=GroupKFold(3))
    refused(grouped, X, y, "inconsistent numbers of samples: [30, 30, 4]", groups=np.arange(4))


def with_cell(X, value):
    X = X.astype(object)
    X[3, 1] = value
    return X


BAD_X = {
    "text that is numbers": (lambda X: X.astype(str).astype(object), "X has values of type str"),
    "the same in a list": (lambda X: X.astype(str).astype(object).tolist(), "numeric"),
    "beyond any float": (lambda X: with_cell(X, 10**400), "too large"),
    "beyond any float in a list": (lambda X: with_cell(X, 10**400).tolist(), "too large"),
    "gradients": (lambda X: torch.tensor(X, requires_grad=True), "X.detach()"),
    "hidden values": (lambda X: np.ma.masked_greater(X, 1.0), "X is a masked array"),
}


@pytest.mark.parametrize("case", BAD_X)
def test_arrays_that_cannot_be(X, y, case):
    spoil, said = BAD_X[case]
    refused(SequentialFeatureSelector(GaussianNB(), cv=2), spoil(X), y, said)


def test_targets_of_a_regressor_are_numbers(X):
    selector = SequentialFeatureSelector(LinearRegression(), cv=2)
    refused(selector, X, X[:, 0].astype(str), "y has dtype <U32 and is not numeric")


UNUSABLE = {
    "dates": (pd.Timestamp("2020-01-01"), "could not be promoted"),
    "dicts": ({}, "TypeError"),
    "infinity": (np.inf, "contains infinity"),
    "text": ("a", "could not convert string to float"),
}


@each_selector
@pytest.mark.parametrize("case", UNUSABLE)
def test_columns_that_no_subset_can_have(make, frame, y, case):
    value, error = UNUSABLE[case]
    said = ["GaussianNB", "the columns ['red'] of X", error]
    one = frame.assign(red=[value] * 30)
    refused(make(GaussianNB(), cv=2), one, y, *said)
    two, said[1] = one.assign(blue=[value] * 30), "the columns ['red', 'blue'] of X"
    refused(make(GaussianNB(), cv=2), two, y, *said)


def test_columns_that_the_estimator_encodes(frame, y):
    frame = frame.assign(red=np.where(y == 1, "hot", "cold"), blue=pd.Timestamp("2020-01-01"))
    coded = ColumnTransformer([("code", OneHotEncoder(), ["red"])], remainder="passthrough")
    model = make_pipeline(coded, GaussianNB())
    groups = {"n_features_to_select": 2, "fixed_features": ["red"]}
    refused(SequentialFeatureSelector(model, cv=2, **groups), frame, y, "the columns ['blue']")
    selector = SequentialFeatureSelector(model, cv=2, **groups)
    assert selector.fit(frame.drop(columns="blue"), y).support_[2]


NUMBERS_AS_TEXT = {
    "objects": lambda column: column.round(1).astype(str).astype(object),
    "strings": lambda column: column.round(1).astype("string"),
    "with a gap": lambda column: column.round(1).astype(str).mask(column == column.max()),
    "categories": lambda column: np.sign(column).astype(str).astype("category"),
}


@each_selector
@pytest.mark.parametrize("case", NUMBERS_AS_TEXT)
def test_text_that_the_estimator_would_read_as_numbers(make, frame, y, case):
    frame["red"] = NUMBERS_AS_TEXT[case](frame["red"])
    trees = DecisionTreeClassifier(random_state=0)
    said = ["columns ['red'] of X hold numbers as text", "DecisionTreeClassifier", "to_numeric"]
    refused(make(trees, cv=2), frame, y, *said)
    frame["blue"] = frame["red"]
    coder = OneHotEncoder(handle_unknown="ignore")
    coded = ColumnTransformer([("code", coder, ["blue"])], remainder="passthrough")
    asked = {"fixed_features": ["blue"], "cv": 2}
    refused(make(make_pipeline(coded, trees), **asked), frame, y, "columns ['red'] of X")
    coded = ColumnTransformer([("code", coder, ["blue"])], remainder="drop")
    make(make_pipeline(coded, trees), **asked).fit(frame, y)


def test_text_of_numbers_that_the_estimator_takes_as_categories(frame, y):
    frame["red"] = np.sign(frame["red"]).astype(str).astype("category")
    SequentialFeatureSelector(HistGradientBoostingClassifier(max_iter=2), cv=2).fit(frame, y)
    frame["red"] = frame["red"].astype(str)
    SequentialFeatureSelector(GradientBoostingClassifier(n_estimators=2), cv=2).fit(frame, y)


def test_weights_of_a_step_are_checked(X, y):
    selector = SequentialFeatureSelector(make_pipeline(GaussianNB()), cv=2)
    weights = {"gaussiannb__sample_weight": -np.ones(30)}
    refused(selector, X, y, "sample_weight has negative values", **weights)


@each_selector
def test_columns_of_the_same_name(make, frame, y):
    frame.columns = ["age", "red", "red", "green", "age"]
    refused(make(GaussianNB()), frame, y, "X has several columns named age, red")
    frame.columns = [1, 1, 2, 3, 4]
    refused(make(GaussianNB()), frame, y, "X has several columns named 1")


@each_selector
def test_a_splitter_that_is_used_up(make, X, y):
    splits = (split for split in FOLDS)
    selector = make(GaussianNB(), cv=splits).fit(X, y)
    again = make(GaussianNB(), cv=splits)
    refused(again, X, y, "cv has no splits", "a generator can be used up by one fit only")
    assert selector.n_splits_ == 2


@each_selector
def test_a_checkpoint_that_cannot_be_there(make, X, y, tmp_path):
    nowhere = make(GaussianNB(), checkpoint=tmp_path / "no" / "search")
    refused(nowhere, X, y, str(tmp_path / "no" / "search"), error=FileNotFoundError)
    refused(make(GaussianNB(), checkpoint=tmp_path), X, y, str(tmp_path), error=IsADirectoryError)


@pytest.mark.parametrize("first", [1, 2], ids=["at once", "later"])
def test_a_search_goes_on_without_a_checkpoint_that_cannot_be_written(
    X, y, tmp_path, monkeypatch, first
):
    calls = 0

    def full(descriptor):
        nonlocal calls
        calls += 1
        if calls >= first:
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    monkeypatch.setattr("sklearn_modern._core.checkpoint._SYNC_SECONDS", 0.0)
    path = tmp_path / "search"
    selector = SequentialFeatureSelector(GaussianNB(), cv=2, checkpoint=path)
    said = f"The checkpoint {path} cannot be written: No space left on device. The search goes on"
    with pytest.warns(UserWarning, match=re.escape(said)) as warned:
        selector.fit(X, y)
    assert len(warned) == 1
    assert calls == first  # and does not try again
    assert selector.history_ == clone(selector).set_params(checkpoint=None).fit(X, y).history_


def test_a_read_only_folder_stops_no_search(X, y, tmp_path, monkeypatch):
    def read_only(path, mode):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr("pathlib.Path.open", read_only)
    selector = SequentialFeatureSelector(GaussianNB(), cv=2, checkpoint=tmp_path / "search")
    with pytest.warns(UserWarning, match=r"search cannot be written: Permission denied\. The"):
        selector.fit(X, y)


@each_selector
def test_new_data_must_have_the_same_features(make, frame, y):
    selector = make(GaussianNB(), cv=2).fit(frame, y)
    for method in ("predict", "transform"):
        with pytest.raises(ValueError, match="feature names should match"):
            getattr(selector, method)(frame.rename(columns={"age": "years"}))
    nameless = make(GaussianNB(), cv=2).fit(frame.to_numpy(), y)
    for method in ("predict", "transform"):
        with pytest.raises(ValueError, match=re.escape("X has 4 features, but")):
            getattr(nameless, method)(frame.to_numpy()[:, :4])
