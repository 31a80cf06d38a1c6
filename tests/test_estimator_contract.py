"""Every public estimator passes scikit-learn's checks: all in exact settings, most at defaults."""

import re
from pathlib import Path

import pytest
from sklearn.base import clone
from sklearn.utils.estimator_checks import parametrize_with_checks
from support.instances import (
    BEYOND_DEFAULTS,
    DEFAULTS,
    EXPECTED_FAILURES,
    SETTINGS,
    all_instances,
    beyond_defaults,
    default_instances,
    shorten,
)

from sklearn_modern.utils.discovery import all_estimators

PAGE = Path(__file__).parents[1] / "docs" / "scikit_learn_checks.md"


def test_every_public_estimator_is_in_the_tables():
    names = {name for name, _ in all_estimators()}
    assert set(SETTINGS) == names
    assert set(DEFAULTS) == names


def test_no_failure_is_expected():
    assert EXPECTED_FAILURES == {}


def test_the_page_lists_what_defaults_cannot_pass():
    listed = set()
    for line in PAGE.read_text().splitlines():
        if line.startswith("| `check_"):
            check, estimators, _ = line.strip("| ").split(" | ", 2)
            listed |= {(name, check.strip("`")) for name in re.findall(r"`(\w+)`", estimators)}
    expected = {(name, check) for name, checks in BEYOND_DEFAULTS.items() for check in checks}
    assert listed == expected


# Those that ask for good predictions; the others ask for the same ones, in the right form.
CHECKS_OF_LEARNING = {
    "check_class_weight_classifiers",
    "check_classifiers_classes",
    "check_classifiers_train",
    "check_regressors_train",
}


# The checks fit iris, in which two rows are equal.
EQUAL_ROWS = pytest.mark.filterwarnings("ignore:Of the outer splits. equal rows")


def run(check, estimator):
    learns = check.func.__name__ in CHECKS_OF_LEARNING
    check(estimator if learns else shorten(clone(estimator)))


@EQUAL_ROWS
@parametrize_with_checks(all_instances())
def test_scikit_learn_checks(estimator, check):
    run(check, estimator)


@EQUAL_ROWS
@parametrize_with_checks(default_instances(), expected_failed_checks=beyond_defaults)
def test_scikit_learn_checks_at_defaults(estimator, check):
    run(check, estimator)
