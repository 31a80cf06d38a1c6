"""A method that is not there says what it needs."""

import inspect

import pytest
from sklearn.linear_model import LinearRegression, LogisticRegression
from support.single_networks import MLPClassifier, MLPRegressor

from sklearn_modern._core.available import available_if
from sklearn_modern.feature_selection import SequentialFeatureSelector


def is_open(shop):
    if not shop.open:
        raise ValueError("it is closed.")


class Shop:
    def __init__(self, *, open):
        self.open = open

    @available_if(is_open)
    def buy(self, what, *, times=1):
        """Buy."""
        return [what] * times


def test_the_method_is_there_if_the_check_does_not_raise():
    assert Shop(open=True).buy("tea", times=2) == Shop.buy(Shop(open=True), "tea", times=2)
    assert Shop(open=True).buy.__doc__ == Shop.buy.__doc__ == "Buy."
    assert list(inspect.signature(Shop.buy).parameters) == ["self", "what", "times"]
    closed = Shop(open=False)
    assert not hasattr(closed, "buy")
    for buy in (lambda: closed.buy, lambda: Shop.buy(closed, "tea")):
        with pytest.raises(AttributeError, match="'Shop' has no attribute 'buy': it is closed."):
            buy()


SELECTOR = SequentialFeatureSelector(LogisticRegression(), refit=False)
ABSENT = [
    (SELECTOR, "predict", "refit=True is needed"),
    (SELECTOR, "score", "refit=True is needed"),
    (SELECTOR, "classes_", "refit=True is needed"),
    (SequentialFeatureSelector(LinearRegression()), "predict_proba", "'LinearRegression' object"),
    (MLPRegressor(), "predict_quantiles", "it needs loss='quantile', but loss='squared_error'"),
    (MLPClassifier(solver="lbfgs"), "partial_fit", "it needs batches, but solver='lbfgs'"),
]


@pytest.mark.parametrize(("estimator", "name", "needs"), ABSENT)
def test_an_absent_method_says_what_it_needs(estimator, name, needs):
    assert not hasattr(estimator, name)
    with pytest.raises(AttributeError, match=needs):
        getattr(estimator, name)
