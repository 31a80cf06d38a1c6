"""Rows with a grade that rises along a direction, and ordinal classifiers for them."""

import numpy as np
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.tree import DecisionTreeClassifier

from sklearn_modern.ordinal import OrdinalClassifier

ORDER = ["low", "mid", "high", "top"]


def graded(n=120):
    """Return rows, the ranks of their grades, and the grades."""
    X = np.random.default_rng(0).normal(size=(n, 3))
    noise = np.random.default_rng(1).logistic(size=n)
    ranks = np.digitize(X @ [1, 2, -1] + noise, [-2, 0, 2])
    return X, ranks, np.array(ORDER)[ranks]


def logistic(**settings):
    return OrdinalClassifier(LogisticRegression(), **settings)


def tree(**settings):
    """A classifier whose answers contradict each other."""
    inner = DecisionTreeClassifier(max_depth=3, random_state=0)
    return OrdinalClassifier(inner, **settings)


def by_hand(inner, X, ranks, **fit_params):
    """Return P(rank > k) of one classifier for each k."""
    columns = [
        clone(inner).fit(X, ranks > k, **fit_params).predict_proba(X)[:, 1]
        for k in range(ranks.max())
    ]
    return np.column_stack(columns)
