"""Finding the package's estimators."""

import sys

import pytest
from sklearn.base import is_classifier, is_regressor
from sklearn.feature_selection import SelectorMixin
from support.instances import public_instances

import sklearn_modern.utils
from sklearn_modern.model_selection._search import SharingSearchCV
from sklearn_modern.utils.discovery import all_estimators


def test_names_are_sorted_and_public():
    names = [name for name, _ in all_estimators()]
    assert names == sorted(set(names))
    assert not any(name.startswith("_") for name in names)
    assert all(cls.__name__ == name for name, cls in all_estimators())


def test_filter_by_type():
    everything = dict(all_estimators())
    classifiers, regressors = dict(all_estimators("classifier")), dict(all_estimators("regressor"))
    # Selectors and searches predict what the estimator inside does; their classes are neither.
    around = SelectorMixin, SharingSearchCV
    instances = [e for e in public_instances() if not isinstance(e, around)]
    assert classifiers.keys() == {type(e).__name__ for e in instances if is_classifier(e)}
    assert regressors.keys() == {type(e).__name__ for e in instances if is_regressor(e)}
    assert classifiers.items() | regressors.items() <= everything.items()
    assert dict(all_estimators(["classifier", "regressor"])) == classifiers | regressors
    assert all_estimators([]) == []


def test_an_unknown_type_raises():
    with pytest.raises(ValueError, match="type_filter has 'classifer'; it may have"):
        all_estimators("classifer")


@pytest.fixture
def package_with(monkeypatch):
    """Give the package ``sklearn_modern.utils`` one more public name, loaded by a function."""

    def add(load):
        monkeypatch.setattr(sklearn_modern.utils, "__all__", ["discovery", "Extra"])
        monkeypatch.setattr(sklearn_modern.utils, "__getattr__", lambda name: load())

    return add


def test_an_estimator_whose_extra_is_missing_is_left_out(package_with):
    def load():
        raise ModuleNotFoundError("no optuna", name="optuna")

    before = all_estimators()
    package_with(load)
    assert all_estimators() == before


def test_an_error_of_our_own_is_not_hidden(package_with):
    def load():
        raise ModuleNotFoundError("a typing error", name="sklearn_modern.utils.no_such_module")

    package_with(load)
    with pytest.raises(ModuleNotFoundError, match="a typing error"):
        all_estimators()


def test_lazy_names_are_listed_and_unknown_ones_raise():
    assert "discovery" in dir(sklearn_modern.utils)
    assert "utils" in dir(sklearn_modern)
    with pytest.raises(AttributeError, match="'sklearn_modern' has no attribute 'no_such_name'"):
        _ = sklearn_modern.no_such_name
    del sys.modules["sklearn_modern"].__dict__["utils"]
    assert sklearn_modern.utils.discovery.all_estimators is all_estimators
