"""The classifier inside an OrdinalClassifier gets weights, parameters and data of every kind."""

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
import sklearn
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.svm import SVC
from sklearn.utils import get_tags
from support.graded_rows import ORDER, by_hand, graded, logistic, tree

from sklearn_modern.metrics import get_scorer
from sklearn_modern.ordinal import OrdinalClassifier


@pytest.fixture
def X():
    return graded()[0]


@pytest.fixture
def ranks():
    return graded()[1]


# What its fit is given.


def test_weights_reach_the_estimator(X, ranks):
    weight = np.arange(len(X)) % 3
    clf = tree().fit(X, ranks, sample_weight=weight)
    np.testing.assert_array_equal(
        clf.predict_cumulative(X, repair=False),
        by_hand(clf.estimator, X, ranks, sample_weight=weight),
    )
    repeated = tree().fit(np.repeat(X, weight, axis=0), np.repeat(ranks, weight))
    np.testing.assert_allclose(clf.predict_proba(X), repeated.predict_proba(X), atol=1e-12)


@pytest.mark.parametrize("level", range(4))
def test_a_level_of_no_weight_is_absent(level, X, ranks):
    clf = logistic().fit(X, ranks, sample_weight=ranks != level)
    without = logistic(class_order=range(4)).fit(X[ranks != level], ranks[ranks != level])
    assert (clf.predict_proba(X)[:, level] == 0).all()
    np.testing.assert_allclose(clf.predict_proba(X), without.predict_proba(X), atol=1e-4)
    tiny = np.where(ranks == level, 1e-60, 1.0)
    assert len(logistic().fit(X, ranks, sample_weight=tiny).estimators_) == 3


@pytest.mark.parametrize(
    ("inner", "weight", "message"),
    [
        (KNeighborsClassifier(), 1, "KNeighborsClassifier.fit does not take it"),
        (make_pipeline(LogisticRegression()), 1, "Pipeline.fit does not take.*metadata routing"),
        (LogisticRegression(), -1, "negative"),
        (LogisticRegression(), 0, "zero for every row"),
    ],
)
def test_wrong_weights_are_refused(inner, weight, message, X, ranks):
    with pytest.raises(ValueError, match=message):
        OrdinalClassifier(inner).fit(X, ranks, sample_weight=np.full(len(X), weight))


def test_weights_are_routed_through_pipelines(X, ranks):
    weight = np.arange(len(X)) % 3
    expected = by_hand(LogisticRegression(), X, ranks, sample_weight=weight)
    by_name = OrdinalClassifier(make_pipeline("passthrough", LogisticRegression()))
    by_name.fit(X, ranks, logisticregression__sample_weight=weight)
    np.testing.assert_array_equal(by_name.predict_cumulative(X, repair=False), expected)
    last = make_pipeline("passthrough", logistic())
    last.fit(X, ranks, ordinalclassifier__sample_weight=weight)
    np.testing.assert_array_equal(last[-1].predict_cumulative(X, repair=False), expected)
    with sklearn.config_context(enable_metadata_routing=True):
        asking = LogisticRegression().set_fit_request(sample_weight=True)
        inside = OrdinalClassifier(make_pipeline("passthrough", asking))
        outside = make_pipeline("passthrough", OrdinalClassifier(asking))
        scored = OrdinalClassifier(asking).set_score_request(sample_weight=True)
        search = GridSearchCV(scored, {"decision": ["mode"]})
        for clf in (inside, outside, search):
            clf.fit(X, ranks, sample_weight=weight)
        with pytest.raises(ValueError, match="not explicitly set as requested"):
            logistic().fit(X, ranks, sample_weight=weight)
    for clf in (inside, outside[-1], search.best_estimator_):
        np.testing.assert_array_equal(clf.predict_cumulative(X, repair=False), expected)


class Noting(LogisticRegression):
    """Keeps what its fit is given."""

    def fit(self, X, y, sample_weight=None, note=None):
        self.note_ = note
        return super().fit(X, y, sample_weight)


def test_more_parameters_reach_the_fit(X, ranks):
    clf = OrdinalClassifier(Noting()).fit(X, ranks, note="seen")
    assert [inner.note_ for inner in clf.estimators_] == ["seen"] * 3
    with pytest.raises(TypeError, match="other"):
        clf.fit(X, ranks, other=1)
    with sklearn.config_context(enable_metadata_routing=True):
        clf = OrdinalClassifier(Noting().set_fit_request(note=True)).fit(X, ranks, note="routed")
    assert clf.estimators_[0].note_ == "routed"


def test_an_estimator_without_probabilities_is_refused(X, ranks):
    for wrong in (SVC(), "tree"):
        with pytest.raises(ValueError, match="'estimator' parameter.*'fit' and 'predict_proba'"):
            OrdinalClassifier(wrong).fit(X, ranks)


# Data of every kind.


def test_frames_keep_their_names(X, ranks):
    frame = pd.DataFrame(X, columns=["a", "b", "c"])
    clf = logistic().fit(frame, ranks)
    np.testing.assert_array_equal(clf.feature_names_in_, ["a", "b", "c"])
    np.testing.assert_array_equal(clf.estimators_[0].feature_names_in_, ["a", "b", "c"])
    assert clf.n_features_in_ == 3
    np.testing.assert_array_equal(clf.predict(frame), logistic().fit(X, ranks).predict(X))
    with pytest.raises(ValueError, match="feature names"):
        clf.predict(frame[["b", "a", "c"]])
    assert not hasattr(clf.fit(X, ranks), "feature_names_in_")


def test_sparse_rows_and_missing_values_are_the_estimators_affair(X, ranks):
    dense = np.where(np.abs(X) < 0.5, 0, X)
    expected = tree().fit(dense, ranks).predict_proba(dense)
    rows = sp.csr_matrix(dense)
    np.testing.assert_array_equal(tree().fit(rows, ranks).predict_proba(rows), expected)
    missing = np.where(np.abs(X) < 0.2, np.nan, X)
    clf = OrdinalClassifier(HistGradientBoostingClassifier(max_iter=5))
    assert get_tags(clf).input_tags.allow_nan
    assert not get_tags(logistic()).input_tags.allow_nan
    np.testing.assert_array_equal(
        clf.fit(missing, ranks).predict_cumulative(missing, repair=False),
        by_hand(clf.estimator, missing, ranks),
    )
    with pytest.raises(ValueError, match="NaN"):
        logistic().fit(missing, ranks)


def test_text_is_read_by_a_pipeline():
    words = {"low": "awful bad", "mid": "fair", "high": "good", "top": "splendid good"}
    y = ORDER * 6
    texts = [f"{words[level]} thing {i % 5}" for i, level in enumerate(y)]
    inner = make_pipeline(CountVectorizer(), LogisticRegression(C=100))
    clf = OrdinalClassifier(inner, class_order=ORDER).fit(texts, y)
    assert clf.score(texts, y) == 1
    assert clf.predict(["a fair thing", "splendid, so good"]).tolist() == ["mid", "top"]
    scorer = get_scorer("neg_mean_absolute_rank_error")
    np.testing.assert_array_equal(cross_val_score(clf, texts, y, cv=3, scoring=scorer), 0)


def test_weights_reach_an_estimator_inside_a_search(X, ranks):
    search = GridSearchCV(LogisticRegression(), {"C": [0.1, 1.0]}, cv=2)
    weight = np.where(ranks == 2, 5.0, 1.0)
    plain, weighted = (
        OrdinalClassifier(search).fit(X, ranks, sample_weight=w).predict(X) for w in (None, weight)
    )
    assert (weighted == 2).sum() > (plain == 2).sum()
