"""compare_models takes the test that fits the question, and adjusts its p-values."""

from itertools import combinations
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.model_selection import KFold, ShuffleSplit, cross_val_predict
from sklearn.naive_bayes import GaussianNB
from sklearn.tree import DecisionTreeClassifier

from sklearn_modern import model_selection
from sklearn_modern.model_selection import (
    adjust_p_values,
    bootstrap,
    cochran_q_test,
    combined_f_test_5x2cv,
    compare_models,
    comparison,
    corrected_resampled_t_test,
    mcnemar_test,
    permutation_test,
)

X, Y = load_iris(return_X_y=True)
X, Y = X[:144:3, :2], Y[:144:3]
MODELS = {
    "bayes": GaussianNB(),
    "stump": DecisionTreeClassifier(max_depth=1, random_state=0),
    "tree": DecisionTreeClassifier(random_state=0),
}


def nested(repeats, folds, metrics=("accuracy",), splitter=None):
    """What a fitted nested cross-validation offers, computed without inner folds."""
    splits, scores, predictions = [], [], []
    for repeat in range(repeats):
        cv = splitter or KFold(folds, shuffle=True, random_state=repeat)
        for fold, (train, test) in enumerate(cv.split(X)):
            splits.append((train, test))
            for name, model in MODELS.items():
                predicted = clone(model).fit(X[train], Y[train]).predict(X[test])
                hits = (predicted == Y[test]).mean()
                for metric in metrics:
                    value = hits if metric == "accuracy" else -hits
                    scores.append((name, repeat, fold, metric, value, 0.5))
                predictions += [
                    (name, repeat, fold, row, one) for row, one in zip(test, predicted, strict=True)
                ]
    columns = ["model", "repeat", "fold", "metric", "outer", "inner"]
    frame = shuffled(pd.DataFrame(scores, columns=columns))
    columns = ["model", "repeat", "fold", "row", "prediction"]
    return SimpleNamespace(
        splits_=splits,
        scores_frame=lambda: frame,
        predictions_=shuffled(pd.DataFrame(predictions, columns=columns)),
    )


def shuffled(frame):
    """Models stay in order; else the table says which row is whose."""
    order = frame.sample(frac=1, random_state=0)
    return order.sort_values("model", key=lambda names: names.map([*MODELS].index), kind="stable")


def fold_scores(name, repeats, folds):
    scores = []
    for repeat in range(repeats):
        for train, test in KFold(folds, shuffle=True, random_state=repeat).split(X):
            scores.append(clone(MODELS[name]).fit(X[train], Y[train]).score(X[test], Y[test]))
    return np.array(scores)


def check_pairs(found, expected):
    """Compare pairs with tests by names."""
    assert [(pair.first, pair.second) for pair in found.pairs] == list(expected)
    assert [pair.result.p_value for pair in found.pairs] == pytest.approx(
        [test.p_value for test in expected.values()]
    )
    assert [pair.result.effect for pair in found.pairs] == pytest.approx(
        [test.effect for test in expected.values()]
    )
    adjusted = adjust_p_values([test.p_value for test in expected.values()], found.adjustment)
    np.testing.assert_allclose([pair.p_adjusted for pair in found.pairs], adjusted)


def test_all_tests_are_in_the_modules_of_their_names():
    for name in model_selection.__all__:
        assert getattr(model_selection, name).__module__.startswith(model_selection.__name__)
    for module in (comparison, bootstrap):
        for name in module.__all__:
            assert getattr(module, name) is getattr(model_selection, name)


def test_algorithms_are_compared_by_the_corrected_t_test():
    found = compare_models(nested(2, 3))
    expected = {
        pair: corrected_resampled_t_test(
            *(fold_scores(name, 2, 3) for name in pair), test_size=1 / 3
        )
        for pair in combinations(MODELS, 2)
    }
    check_pairs(found, expected)
    assert "2 x 3 splits" in found.reason
    assert found.test in str(found)
    means = {name: fold_scores(name, 2, 3).mean() for name in MODELS}
    assert found.estimates == pytest.approx(means)
    assert list(found.estimates) == sorted(means, key=means.get, reverse=True)
    assert found.overall is None


def test_five_halvings_are_compared_by_the_combined_f_test():
    found = compare_models(nested(5, 2), adjustment="bonferroni")
    expected = {
        pair: combined_f_test_5x2cv(*(fold_scores(name, 5, 2).reshape(5, 2) for name in pair))
        for pair in combinations(MODELS, 2)
    }
    check_pairs(found, expected)
    assert found.test == "combined 5x2cv F test"


def test_models_are_compared_by_the_predictions_of_one_repeat():
    names = np.array(["a", "b", "c"])
    cv = KFold(3, shuffle=True, random_state=0)
    predictions = {name: cross_val_predict(model, X, Y, cv=cv) for name, model in MODELS.items()}
    found = compare_models(nested(2, 3), goal="models", y=Y)
    directly = compare_models(predictions, y=Y)
    assert (found.test, found.pairs) == (directly.test, directly.pairs)
    assert found.estimates == directly.estimates
    assert found.overall == directly.overall
    assert "each outer fold" in found.reason
    expected = {
        pair: mcnemar_test(Y, *(predictions[name] for name in pair), method="exact")
        for pair in combinations(MODELS, 2)
    }
    check_pairs(directly, expected)
    assert directly.overall == cochran_q_test(Y, predictions)
    assert "Cochran" in directly.reason
    frame = pd.DataFrame({name: names[one] for name, one in predictions.items()})
    assert compare_models(frame, y=pd.Series(names[Y])) == directly


def test_many_disagreements_take_chi_squared():
    rows = np.arange(200)
    y = rows // 4 % 2
    first, second = np.where(rows < 60, 1 - y, y), np.where(rows > 150, 1 - y, y)
    found = compare_models([first, second], y=y)
    check_pairs(found, {("model1", "model2"): mcnemar_test(y, first, second, method="corrected")})
    assert found.overall is None
    assert "109 rows or more" in found.reason
    few = compare_models([first[::4], second[::4]], y=y[::4])
    assert few.test == "McNemar's test (exact)"


def test_numbers_are_compared_by_permutations():
    rng = np.random.default_rng(0)
    y = rng.normal(size=12)
    predictions = {"near": y + rng.normal(size=12) / 10, "far": y + rng.normal(size=12)}
    found = compare_models(predictions, y=y)
    losses = [(one - y) ** 2 for one in predictions.values()]
    check_pairs(found, {("near", "far"): permutation_test(*losses)})
    assert list(found.estimates) == ["near", "far"]
    assert found.pairs[0].result.effect_name == "mean squared error, first minus second"
    counts = compare_models(predictions, y=np.round(10 * y).astype(int))  # numbers, not labels
    assert counts.test == found.test


def test_one_of_several_metrics_is_chosen():
    both = nested(2, 3, metrics=("accuracy", "loss"))
    assert compare_models(both, metric="accuracy") == compare_models(nested(2, 3))
    losses = compare_models(both, metric="loss").pairs
    assert losses[0].result.effect == -compare_models(nested(2, 3)).pairs[0].result.effect
    with pytest.raises(ValueError, match=r"choose one by metric="):
        compare_models(both)
    with pytest.raises(ValueError, match="metric='auc' is not among"):
        compare_models(both, metric="auc")


@pytest.mark.parametrize(
    ("given", "more", "message"),
    [
        ({"a": [0, 1], "b": [1, 1]}, {}, "y is None"),
        ({"a": [0, 1], "b": [1, 1]}, {"y": [0, 1], "goal": "algorithms"}, "pass a NestedCV"),
        ({"a": [0, 1], "b": [1, 1]}, {"y": [0, 1], "goal": "best"}, "goal='best'"),
        ({"a": [0, 1], "b": [1, 1]}, {"y": [0, 1], "metric": "r2"}, "metric='r2' would not be"),
        ({"a": [0, 1], "b": [1, 1]}, {"y": [0, 1], "adjustment": "x"}, "method='x'"),
        ({"a": [0, 1]}, {"y": [0, 1]}, "nested_or_predictions has 1 models"),
        ({"a": [0.2, 0.9], "b": [1, 1]}, {"y": [0, 1]}, "instead of probabilities"),
        ({"a": [0, 1, 1], "b": [1, 1, 1]}, {"y": [0, 1]}, "y_true has 2 samples, but a has 3"),
        ({"a": [0.5, 1.5], "b": [1, 1]}, {"y": [0.1, 1.2, 3.3]}, "y has 3 samples, but a has 2"),
        ({"a": [0.5, np.nan], "b": [1, 1]}, {"y": [0.1, 1.2]}, "NaN|not a finite"),
    ],
)
def test_wrong_input_is_refused(given, more, message):
    with pytest.raises(ValueError, match=message):
        compare_models(given, **more)


def test_an_incomplete_nested_cross_validation_is_refused():
    with pytest.raises(ValueError, match="y is None"):
        compare_models(nested(1, 3), goal="models")
    with pytest.raises(ValueError, match="y would not be used"):
        compare_models(nested(1, 3), y=Y)
    with pytest.raises(ValueError, match=r"y has 10 values, but row \d+ was predicted"):
        compare_models(nested(1, 3), goal="models", y=Y[:10])
    overlapping = nested(1, 3, splitter=ShuffleSplit(3, random_state=0))
    with pytest.raises(ValueError, match="has not predicted each row"):
        compare_models(overlapping, goal="models", y=Y)
    broken = nested(1, 3)
    frame = broken.scores_frame().copy()
    broken.scores_frame = lambda: frame[:-1]
    with pytest.raises(ValueError, match="has scores of 2 splits, of 3"):
        compare_models(broken)
    frame.loc[frame.model == "stump", "outer"] = np.nan
    broken.scores_frame = lambda: frame
    with pytest.raises(ValueError, match="The outer score of stump is not a finite number in 3"):
        compare_models(broken)
    broken.scores_frame = lambda: frame[frame.model == "tree"]
    with pytest.raises(ValueError, match="scores of .* only"):
        compare_models(broken)
