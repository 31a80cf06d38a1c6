"""Every public estimator passes every check of scikit-learn's."""

from sklearn.utils.estimator_checks import parametrize_with_checks
from support.instances import EXPECTED_FAILURES, SETTINGS, all_instances

from sklearn_modern.utils.discovery import all_estimators


def test_every_public_estimator_is_in_the_table():
    assert set(SETTINGS) == {name for name, _ in all_estimators()}


def test_no_failure_is_expected():
    assert EXPECTED_FAILURES == {}


@parametrize_with_checks(all_instances())
def test_scikit_learn_checks(estimator, check):
    check(estimator)
