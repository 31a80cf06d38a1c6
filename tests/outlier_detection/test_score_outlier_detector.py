"""An outlier detector of anything that scores rows."""

import pickle

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.sparse import csr_array
from sklearn import config_context
from sklearn.base import BaseEstimator, clone, is_outlier_detector
from sklearn.decomposition import PCA, FactorAnalysis
from sklearn.ensemble import IsolationForest
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.mixture import GaussianMixture
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.neighbors import KernelDensity, LocalOutlierFactor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import OneClassSVM
from sklearn.utils import get_tags

from sklearn_modern.decomposition import Autoencoder, VariationalAutoencoder
from sklearn_modern.density import NormalizingFlow
from sklearn_modern.model_selection import GridSearchCV as SharingSearchCV
from sklearn_modern.neural_network import RNNGenerator
from sklearn_modern.outlier_detection import ScoreOutlierDetector


class FirstColumn(BaseEstimator):
    """The score of a row is its first number."""

    def fit(self, X, y=None, sample_weight=None):
        self.y_, self.sample_weight_ = y, sample_weight
        return self

    def score_samples(self, X):
        return np.asarray(X)[:, 0]


class Wrong(FirstColumn):
    """Says of rows what it is told to say."""

    def __init__(self, said=None):
        self.said = said

    def score_samples(self, X):
        return self.said


_NETWORK = {"max_iter": 3, "device": "cpu", "random_state": 0}
INNER = [
    None,
    Autoencoder(1, hidden_layer_sizes=(4,), **_NETWORK),
    NormalizingFlow(1, hidden_layer_sizes=(4,), n_members=1, **_NETWORK),
    PCA(2),
    FactorAnalysis(1),
    GaussianMixture(2, random_state=0),
    KernelDensity(),
    IsolationForest(n_estimators=10, random_state=0),
    OneClassSVM(),
    LocalOutlierFactor(novelty=True),
    make_pipeline(StandardScaler(), KernelDensity()),
    SharingSearchCV(KernelDensity(), {"bandwidth": [0.1, 1.0]}),
    FirstColumn(),
]
X = np.random.default_rng(0).normal(size=(60, 3)) * [1.0, 2.0, 0.5]


def names(value):
    return type(value).__name__


@pytest.mark.parametrize("inner", INNER, ids=names)
def test_any_scores_become_a_detector(inner):
    detector = ScoreOutlierDetector(inner, contamination=0.15, random_state=0)
    found = detector.fit_predict(X)
    assert is_outlier_detector(detector)
    assert found.dtype.kind == "i"
    assert (found == -1).sum() == 9
    assert getattr(detector, "n_features_in_", 3) == 3
    scores = detector.score_samples(X)
    assert scores.dtype == np.float64
    np.testing.assert_array_equal(scores, detector.estimator_.score_samples(X))
    np.testing.assert_array_equal(detector.decision_function(X), scores - detector.offset_)
    np.testing.assert_array_equal(found, np.where(scores < detector.offset_, -1, 1))
    np.testing.assert_array_equal(found == -1, scores <= np.sort(scores)[8])
    again = pickle.loads(pickle.dumps(detector))
    np.testing.assert_array_equal(again.decision_function(X), detector.decision_function(X))
    np.testing.assert_array_equal(clone(detector).fit_predict(X), found)


def test_scores_are_float64():
    single = X.astype(np.float32)
    assert FirstColumn().score_samples(single).dtype == np.float32
    detector = ScoreOutlierDetector(FirstColumn()).fit(single)
    assert detector.score_samples(single).dtype == np.float64


# The offset.

NUMBERS = st.floats(-1e6, 1e6).map(lambda x: round(x, 3))
WEIGHTED = st.integers(1, 30).flatmap(
    lambda n: st.tuples(
        arrays(np.float64, n, elements=NUMBERS),
        arrays(np.int64, n, elements=st.integers(0, 4)).filter(np.any),
    )
)


def quantile(scores, share):
    return np.quantile(scores, share, method="averaged_inverted_cdf")


@given(WEIGHTED, st.integers(1, 50).map(lambda per_cent: per_cent / 100))
def test_offset_is_a_quantile_of_repeated_rows(rows, share):
    scores, weight = rows
    repeated = np.repeat(scores, weight)
    for contamination in (share, "auto"):
        detector = ScoreOutlierDetector(FirstColumn(), contamination=contamination)
        weighted = clone(detector).fit(scores[:, None], sample_weight=weight)
        plain = detector.fit(repeated[:, None])
        assert weighted.offset_ == plain.offset_
        if contamination == "auto":
            low, high = quantile(repeated, 0.25), quantile(repeated, 0.75)
            assert plain.offset_ == pytest.approx(low - 3 * (high - low), rel=1e-9, abs=1e-9)
        else:
            assert plain.offset_ == pytest.approx(quantile(repeated, share), rel=1e-9, abs=1e-9)
            below = (plain.decision_function(repeated[:, None]) < 0).sum()
            assert below <= len(repeated) * share + 1e-9
            if len(np.unique(repeated)) == len(repeated):
                assert below == int(len(repeated) * share + 1e-9)


@given(st.floats(1e-6, 1e6))
def test_only_ratios_of_weights_matter(factor):
    weight = np.arange(1, 61)
    detector = ScoreOutlierDetector(FirstColumn(), contamination=0.1)
    expected = detector.fit(X, sample_weight=weight).offset_
    assert detector.fit(X, sample_weight=factor * weight).offset_ == expected


def test_weights_equal_repetition_in_the_estimator_too():
    weight = np.arange(60) % 3 + 1
    detector = ScoreOutlierDetector(KernelDensity(bandwidth=0.7))
    repeated = clone(detector).fit(np.repeat(X, weight, axis=0))
    weighted = detector.fit(X, sample_weight=weight)
    np.testing.assert_allclose(weighted.score_samples(X), repeated.score_samples(X))
    assert weighted.offset_ == pytest.approx(repeated.offset_)
    assert weighted.offset_ != pytest.approx(clone(detector).fit(X).offset_)


def test_auto_finds_what_lies_far_out_and_nothing_where_nothing_does():
    far = np.vstack([X, [[30.0, 0.0, 0.0]]])
    detector = ScoreOutlierDetector(PCA(2), contamination="auto")
    np.testing.assert_array_equal(np.flatnonzero(detector.fit_predict(far) == -1), [60])
    assert (detector.set_params(estimator=FirstColumn()).fit_predict(X) == 1).all()


# Where it is used.


def test_labels_do_not_reach_the_estimator():
    detector = ScoreOutlierDetector(FirstColumn()).fit(X, np.ones(60))
    assert detector.estimator_.y_ is None


def test_frames_keep_their_names():
    frame = pd.DataFrame(X, columns=list("abc"))
    frame["colour"] = pd.Categorical(["red", "blue", "red"] * 20)
    detector = ScoreOutlierDetector(random_state=0)
    assert not hasattr(detector, "n_features_in_")
    detector.fit(frame)
    np.testing.assert_array_equal(detector.feature_names_in_, [*"abc", "colour"])
    assert detector.n_features_in_ == 4
    with pytest.raises(ValueError, match="feature names"):
        detector.predict(frame[["b", "a", "c", "colour"]])
    detector.set_params(estimator=PCA(1)).fit(X)
    assert not hasattr(detector, "feature_names_in_")
    with pytest.raises(ValueError, match="X has 2 features, but PCA is expecting 3"):
        detector.decision_function(X[:, :2])


def test_what_the_estimator_takes_is_taken():
    rows = csr_array(np.abs(X) * (X > 0))
    forest = IsolationForest(n_estimators=10)
    detector = ScoreOutlierDetector(forest, random_state=0)
    assert get_tags(detector).input_tags.sparse == get_tags(forest).input_tags.sparse
    assert (detector.fit_predict(rows) == -1).sum() == 6
    missing = np.where(X > 2, np.nan, X)
    assert get_tags(ScoreOutlierDetector()).input_tags.allow_nan
    assert (ScoreOutlierDetector(random_state=0).fit_predict(missing) == -1).sum() == 6


@pytest.mark.parametrize("search", [GridSearchCV, SharingSearchCV])
def test_searches_by_true_labels(search):
    y = np.ones(60)
    y[:12] = -1
    moved = np.where(y[:, None] < 0, X + np.array([3.0, 0.0, 0.0]), X)
    folds = StratifiedKFold(2)
    model = make_pipeline(StandardScaler(), ScoreOutlierDetector(KernelDensity()))
    grid = {"scoreoutlierdetector__estimator__bandwidth": [0.01, 1.0]}
    found = search(model, grid, scoring="roc_auc", cv=folds).fit(moved, y)
    expected = []
    for train, test in folds.split(moved, y):
        fitted = clone(model).set_params(**found.best_params_).fit(moved[train])
        expected.append(roc_auc_score(y[test], fitted.decision_function(moved[test])))
    assert found.best_score_ == pytest.approx(np.mean(expected))
    assert found.best_params_ == dict.fromkeys(grid, 1.0)
    assert set(found.predict(moved)) == {-1, 1}


def test_weights_are_routed():
    weight = np.arange(60) % 3 + 1.0
    expected = ScoreOutlierDetector(KernelDensity()).fit(X, sample_weight=weight)
    with config_context(enable_metadata_routing=True):
        asking = KernelDensity().set_fit_request(sample_weight=True)
        inside = ScoreOutlierDetector(make_pipeline("passthrough", asking))
        outside = make_pipeline("passthrough", ScoreOutlierDetector(asking))
        for model in (inside, outside):
            model.fit(X, sample_weight=weight)
            np.testing.assert_array_equal(model.score_samples(X), expected.score_samples(X))
        assert inside.offset_ == outside[-1].offset_ == expected.offset_
        with pytest.raises(ValueError, match="not explicitly set as requested"):
            ScoreOutlierDetector(KernelDensity()).fit(X, sample_weight=weight)


def test_random_state_reaches_each_estimator_and_none_keeps_its_own():
    inner = make_pipeline(StandardScaler(), IsolationForest(random_state=3))
    offsets = [
        ScoreOutlierDetector(inner, random_state=seed).fit(X).offset_ for seed in (None, 0, 0, 1)
    ]
    assert offsets[0] == ScoreOutlierDetector(inner).fit(X).offset_
    assert offsets[1] == offsets[2] != offsets[3]
    assert inner[-1].random_state == 3
    assert ScoreOutlierDetector(inner).fit(X).estimator_[-1].random_state == 3


def test_a_fitted_estimator_can_stay_as_it_is():
    pca = PCA(2).fit(X[:30])
    detector = ScoreOutlierDetector(FrozenEstimator(pca), random_state=0).fit(X)
    np.testing.assert_array_equal(detector.score_samples(X), pca.score_samples(X))


def test_rows_beyond_the_bounds_of_a_density_are_outliers():
    shares = np.random.default_rng(0).beta(2, 2, size=(50, 1))
    flow = NormalizingFlow(1, bounds=(0, 1), hidden_layer_sizes=(4,), n_members=1, **_NETWORK)
    detector = ScoreOutlierDetector(flow).fit(shares)
    assert detector.score_samples([[2.0]]) == -np.inf
    assert detector.predict([[2.0]]) == -1


@pytest.mark.parametrize("contamination", [0.1, "auto"])
@pytest.mark.parametrize("n_infinite", [1, 6, 20, 50])
def test_rows_of_minus_infinity_are_outliers_however_many_they_are(n_infinite, contamination):
    scores = np.where(np.arange(60) < n_infinite, -np.inf, X[:, 0])
    detector = ScoreOutlierDetector(FirstColumn(), contamination=contamination)
    found = detector.fit_predict(scores[:, np.newaxis])
    assert np.isfinite(detector.offset_)
    assert (found[:n_infinite] == -1).all()
    assert (found == -1).sum() == max(n_infinite, 6 if contamination == 0.1 else 0)
    assert detector.decision_function([[-np.inf]]) == -np.inf


def test_rows_so_far_away_that_numbers_overflow_are_outliers():
    for inner in (VariationalAutoencoder(1, **_NETWORK), Autoencoder(1, **_NETWORK)):
        detector = ScoreOutlierDetector(inner).fit(X)
        assert detector.predict([[1e22, 0, 0], [0, -1e40, 0]]).tolist() == [-1, -1]


def test_sequences_may_be_outliers():
    texts = ["ab" * (1 + i % 3) for i in range(20)] + ["zzzzzzzzzzzzz"]
    inner = RNNGenerator(hidden_layer_sizes=(4,), **_NETWORK)
    found = ScoreOutlierDetector(inner, contamination=0.05).fit_predict(texts)
    np.testing.assert_array_equal(np.flatnonzero(found == -1), [20])


# Bad input.


@pytest.mark.parametrize("contamination", [0, 0.0, 0.51, 1, -0.1, "tukey", None, np.nan])
def test_a_contamination_that_is_none(contamination):
    with pytest.raises(ValueError, match=r"'contamination'.*\(0.0, 0.5\].*'auto'"):
        ScoreOutlierDetector(PCA(), contamination=contamination).fit(X)


@pytest.mark.parametrize(
    ("inner", "message"),
    [
        (LogisticRegression(), "LogisticRegression has no .*score_samples.*Take an .*Autoencoder"),
        (make_pipeline(StandardScaler()), "Pipeline has no .*StandardScaler.*score_samples"),
        (LocalOutlierFactor(), "LocalOutlierFactor.*novelty=True"),
        (PCA, "estimator is the class PCA; pass an instance"),
        ("PCA", "str has no"),
    ],
    ids=str,
)
def test_an_estimator_without_scores(inner, message):
    with pytest.raises(TypeError, match=message):
        ScoreOutlierDetector(inner).fit(X)


@pytest.mark.parametrize(
    ("said", "message"),
    [
        (np.full(60, np.nan), "gives infinity or NaN for 60 of 60 training rows"),
        (np.where(np.arange(60) < 2, np.inf, 1.0), "NaN for 2 of 60 training rows"),
        (np.full(60, -np.inf), "NaN for 60 of 60 training rows"),
        (np.zeros((60, 1)), r"one score for each row.* shape \(60, 1\) for 60 rows"),
        (np.zeros(59), r"shape \(59,\) for 60 rows"),
        (1.0, r"shape \(\) for 60 rows"),
    ],
)
def test_scores_that_are_none(said, message):
    detector = ScoreOutlierDetector(Wrong(said))
    with pytest.raises(ValueError, match=f"Wrong.score_samples .*{message}"):
        detector.fit(X)
    with pytest.raises(NotFittedError):
        detector.predict(X)


def test_scores_of_new_rows_that_are_none():
    detector = ScoreOutlierDetector(FirstColumn()).fit(X)
    with pytest.raises(ValueError, match="FirstColumn.score_samples gives NaN for 1 of 2 rows"):
        detector.predict([[np.nan], [0.0]])


@pytest.mark.parametrize(
    ("inner", "weight", "message"),
    [
        (PCA(), np.ones(60), "PCA.fit does not take it"),
        (make_pipeline(KernelDensity()), np.ones(60), "Pipeline.fit does not take.*routing"),
        (KernelDensity(), -np.ones(60), "negative"),
        (KernelDensity(), np.zeros(60), "zero for every row"),
        (KernelDensity(), np.ones(59), "sample_weight.shape"),
    ],
    ids=names,
)
def test_weights_that_cannot_be_used(inner, weight, message):
    with pytest.raises(ValueError, match=message):
        ScoreOutlierDetector(inner).fit(X, sample_weight=weight)


def test_what_an_estimator_refuses_is_its_matter():
    with pytest.raises(ValueError, match="NormalizingFlow|column"):
        ScoreOutlierDetector(NormalizingFlow()).fit(np.round(X))
