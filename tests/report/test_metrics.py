import pickle

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import get_scorer, log_loss, make_scorer
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_modern.report import tabular_baselines
from sklearn_modern.report._comparison import _within
from sklearn_modern.report._metrics import _LOSSES, metric_of_scoring, number, scoring_of

RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(60, 2))


def profit(y_true, y_pred):
    return float(np.mean(y_pred))


def scorer_of(name, classes):
    scoring, metric = scoring_of(name, "classification", classes)
    assert list(scoring) == [metric] == [name]
    return pickle.loads(pickle.dumps(scoring[name]))


@pytest.mark.parametrize("name", _LOSSES)
@pytest.mark.parametrize("labels", [[0, 1], "abc", [2, 10], [False, True]])
def test_a_loss_of_all_classes_is_that_of_scikit_learn(name, labels):
    classes = list(labels)
    y = np.array(classes)[RANDOM.integers(len(classes), size=len(X))]
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(X, y)
    mine, theirs = scorer_of(name, classes), get_scorer(name)
    weight = RANDOM.random(len(X))
    assert mine(model, X, y) == pytest.approx(theirs(model, X, y), rel=1e-12)
    weighted = [one(model, X, y, sample_weight=weight) for one in (mine, theirs)]
    assert weighted[0] == pytest.approx(weighted[1], rel=1e-12)
    assert weighted[0] != mine(model, X, y)


@pytest.mark.parametrize("seen", ["ac", "ab", "bc"])
def test_a_class_that_was_not_trained_has_no_probability(seen):
    y = np.array(list(seen))[np.arange(len(X)) % 2]
    model = GaussianNB().fit(X, y)
    true = np.array(list("abc"))[np.arange(len(X)) % 3]
    whole = np.zeros((len(X), 3))
    whole[:, ["abc".index(label) for label in seen]] = model.predict_proba(X)
    expected = log_loss(true, whole, labels=list("abc"))
    assert scorer_of("neg_log_loss", list("abc"))(model, X, true) == pytest.approx(-expected)
    some = true == "b"  # a test set with one class
    assert np.isfinite(scorer_of("neg_log_loss", list("abc"))(model, X[some], true[some]))


def test_classes_that_a_split_does_not_train_are_counted_and_warned_of():
    groups = np.repeat(list("ABCD"), 15)
    y = np.full(60, "p")
    y[:15:2], y[15:30:2] = "q", "z"
    with pytest.warns(UserWarning, match="The class [qz] is in the test rows of outer split"):
        report = tabular_baselines(
            X,
            y,
            models={"bayes": GaussianNB()},
            groups=groups,
            outer_cv=2,
            inner_cv=2,
            verbose=0,
        )
    (model,) = [one for one in report.results["models"] if one["name"] == "bayes"]
    table = report.predictions().query("model == 'bayes'").fillna(0.0)
    columns = [f"probability_{label}" for label in "pqz"]
    parts = [
        log_loss(part["true"], part[columns], labels=list("pqz"))
        for _, part in table.groupby("fold")
    ]
    assert model["outer_scores"] == pytest.approx(parts)
    assert max(parts) > 5
    curves = report.results["diagnostics"]["bayes"]["calibration"]
    assert [sum(curve["counts"]) for curve in curves] == [60] * 3


@pytest.mark.parametrize(
    ("name", "scoring", "expected"),
    [
        ("rmse", {"rmse": "neg_root_mean_squared_error"}, ("RMSE", True, 0.0, np.inf)),
        ("mine", {"mine": make_scorer(log_loss, greater_is_better=False)}, ("log-loss", True, 0.0)),
        ("mine", {"mine": make_scorer(profit, greater_is_better=False)}, ("mine", True, -np.inf)),
        ("score", make_scorer(profit), ("profit", False, -np.inf, np.inf)),
        ("neg_log_loss", None, ("log-loss", True, 0.0, np.inf)),
        ("r2", ["r2", "neg_log_loss"], ("R2", False, -np.inf, 1.0)),
        ("score", None, ("score", False, -np.inf, np.inf)),
        ("roc_auc", "roc_auc", ("area under the ROC curve", False, 0.0, 1.0)),
    ],
)
def test_the_scorer_and_not_its_name_says_what_is_measured(name, scoring, expected):
    metric = metric_of_scoring(name, scoring)
    found = metric.label, metric.lower_is_better, metric.lowest, metric.highest
    assert metric.scoring == name
    assert found[: len(expected)] == expected


@pytest.mark.parametrize(("value", "written"), [(-0.0, "0"), (-0.5, "-0.500"), (1234.5, "1,234")])
def test_zero_has_no_sign(value, written):
    assert number(value) == written


@pytest.mark.parametrize(
    ("name", "scores", "interval", "expected"),
    [
        ("neg_log_loss", [0.1, 0.4], [-0.2, 0.7], [0.0, 0.7]),
        ("roc_auc", [0.8, 1.0], [0.7, 1.1], [0.7, 1.0]),
        ("r2", [-0.8, 0.9], [-1.7, 1.6], [-1.7, 1.0]),
        ("neg_profit", [-0.8, 0.9], [-1.7, 1.6], [-1.7, 1.6]),
        ("accuracy", [-0.8, 1.9], [-2.7, 2.6], [-0.8, 1.9]),  # of a scorer that is only called so
    ],
)
def test_an_interval_ends_where_the_metric_does(name, scores, interval, expected):
    metric = metric_of_scoring(name)
    assert _within(metric, np.array(scores), interval) == expected
    assert _within(metric, np.array(scores), None) is None


def test_splits_are_told_in_words():
    splits = [(np.arange(20, 60), np.arange(20)), (np.arange(40), np.arange(40, 60))]
    for outer, words in ((np.int64(3), "3 folds"), (splits, "2 splits that were given")):
        y = X[:, 0] + RANDOM.normal(size=60)
        settings = {"outer_cv": outer, "inner_cv": 2, "verbose": 0}
        report = tabular_baselines(X, y, models={"mine": Ridge()}, **settings)
        assert report.results["evaluation"]["outer"] == words
        assert report.results["models"][0]["interval"][0] >= 0
