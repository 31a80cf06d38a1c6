"""Searches that are interrupted, stopped or killed, and go on from a checkpoint."""

import json
import os
import signal
import subprocess
import sys
from itertools import pairwise

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import scipy.sparse
from sklearn.datasets import load_diabetes, load_iris
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.model_selection import KFold, ShuffleSplit
from sklearn.naive_bayes import GaussianNB
from support.subset_tables import Idle, Lookup, labelled_columns, random_table

from sklearn_modern.feature_selection import ExhaustiveFeatureSelector, SequentialFeatureSelector
from sklearn_modern.feature_selection.subset_scoring.naive_bayes import NaiveBayes

each_selector = pytest.mark.parametrize(
    "make", [SequentialFeatureSelector, ExhaustiveFeatureSelector]
)
INTERRUPTED = "Interrupted: the best subset so far is kept."


@pytest.fixture
def X():
    return load_diabetes().data[:60, :6]


@pytest.fixture
def y():
    return load_diabetes().target[:60]


class CountedScore:
    """The estimator's own score, which counts its calls, and may interrupt one."""

    calls = 0
    interrupted_at = None

    def __call__(self, estimator, X, y):
        CountedScore.calls += 1
        if CountedScore.calls == CountedScore.interrupted_at:
            raise KeyboardInterrupt
        return estimator.score(X, y)


@pytest.fixture(autouse=True)
def not_yet_counted(monkeypatch):
    monkeypatch.setattr(CountedScore, "calls", 0)
    monkeypatch.setattr(CountedScore, "interrupted_at", None)


def counted(make=SequentialFeatureSelector, **kwargs):
    return make(LinearRegression(), scoring=CountedScore(), cv=2, fast=False, **kwargs)


# Interrupted and stopped ---------------------------------------------------------------------


@each_selector
@pytest.mark.parametrize(
    "settings", [{}, {"direction": "backward"}, {"floating": True}, {"fixed_features": [2]}]
)
def test_an_interrupted_search_keeps_what_it_found(make, X, y, settings):
    if make is ExhaustiveFeatureSelector and not settings.keys() <= {"fixed_features"}:
        settings = {"max_features": 3}
    whole = counted(make, **settings).fit(X, y)
    for calls in (5, 9, 18):
        CountedScore.calls, CountedScore.interrupted_at = 0, calls
        selector = counted(make, **settings)
        with pytest.warns(UserWarning, match=INTERRUPTED) as warned:
            selector.fit(X, y)
        assert warned[0].filename == __file__
        n_done = (calls - 1) // 2
        assert selector.history_ == whole.history_[:n_done]
        best = selector.subsets_[selector.n_features_to_select_]
        assert best.features == tuple(selector.get_support(indices=True).tolist())
        assert selector.transform(X).shape == (60, selector.support_.sum())
        assert selector.predict(X).shape == (60,)
        assert len(selector.results_frame()) == n_done
        selector.plot()
        plt.close()


def test_an_interrupted_search_takes_the_last_step_that_is_done(X, y):
    whole = counted(n_features_to_select="best").fit(X, y)
    CountedScore.calls, CountedScore.interrupted_at = 0, 2 * (6 + 5) + 5
    with pytest.warns(UserWarning, match=INTERRUPTED):
        selector = counted(n_features_to_select=5).fit(X, y)
    two = max(whole.history_[6:11], key=lambda scored: scored.mean).features
    assert tuple(selector.get_support(indices=True).tolist()) == two
    assert selector.n_features_to_select_ == 2


@each_selector
def test_an_interrupt_before_any_score_is_an_interrupt(make, X, y):
    CountedScore.interrupted_at = 1
    with pytest.raises(KeyboardInterrupt):
        counted(make).fit(X, y)


@each_selector
def test_a_callback_may_interrupt(make, X, y):
    def interrupt(scored):
        if len(scored.features) == 2:
            raise KeyboardInterrupt

    with pytest.warns(UserWarning, match=INTERRUPTED):
        selector = counted(make, callback=interrupt).fit(X, y)
    assert [len(scored.features) for scored in selector.history_] == [1] * 6 + [2]


@each_selector
@pytest.mark.parametrize("fast", ["auto", False])
def test_a_callback_sees_each_step_and_may_stop(make, fast):
    X, y = load_iris(return_X_y=True)
    seen = []
    selector = make(GaussianNB(), cv=2, callback=seen.append, fast=fast).fit(X, y)
    assert seen == selector.history_
    stopping = make(GaussianNB(), cv=2, callback=lambda scored: scored == seen[5], fast=fast)
    stopped = stopping.fit(X, y)
    assert stopped.history_ == seen[:6]
    assert stopped.predict(X).shape == y.shape


@each_selector
def test_a_callback_that_stops_before_any_score(make, X, y):
    selector = make(LinearRegression(), cv=2, scoring=no_number, callback=lambda scored: True)
    with pytest.raises(ValueError, match="None of the 1 subsets to choose from has a score"):
        selector.fit(X, y)


def no_number(estimator, X, y):
    return np.nan


@each_selector
def test_what_a_callback_raises_is_raised(make, X, y):
    def broken(scored):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        counted(make, callback=broken).fit(X, y)


# Checkpoints ---------------------------------------------------------------------------------


@each_selector
@pytest.mark.parametrize("settings", [{}, {"floating": True, "direction": "backward"}])
def test_a_search_goes_on_where_it_was(make, X, y, tmp_path, settings):
    settings = settings if make is SequentialFeatureSelector else {}
    whole = counted(make, **settings).fit(X, y)
    calls, CountedScore.calls = CountedScore.calls, 0
    path = tmp_path / "search"
    total = 0
    for interrupted_at in (6, 3, 13):
        CountedScore.calls, CountedScore.interrupted_at = 0, interrupted_at
        with pytest.warns(UserWarning, match=INTERRUPTED):
            counted(make, checkpoint=path, **settings).fit(X, y)
        total += (CountedScore.calls - 1) // 2
    CountedScore.calls, CountedScore.interrupted_at = 0, None
    resumed = counted(make, checkpoint=str(path), **settings).fit(X, y)
    assert CountedScore.calls + 2 * total == calls, "what was recorded is not scored again"
    assert resumed.history_ == whole.history_
    assert resumed.subsets_ == whole.subsets_
    np.testing.assert_array_equal(resumed.support_, whole.support_)
    np.testing.assert_array_equal(resumed.predict(X), whole.predict(X))
    CountedScore.calls = 0
    again = counted(make, checkpoint=path, **settings).fit(X, y)
    assert CountedScore.calls == 0
    assert again.history_ == whole.history_
    for scored, other in zip(again.history_, resumed.history_, strict=True):
        np.testing.assert_array_equal(scored.fold_scores, other.fold_scores)
        assert scored.fit_time == other.fit_time


KILLED = """
import json, os, signal, sys
import numpy as np
from sklearn.datasets import load_diabetes
from sklearn.linear_model import LinearRegression
from sklearn_modern.feature_selection import SequentialFeatureSelector

calls, last = 0, int(sys.argv[2])

def score(estimator, X, y):
    global calls
    calls += 1
    if calls == last:
        os.kill(os.getpid(), signal.SIGKILL)
    return estimator.score(X, y)

X, y = load_diabetes(return_X_y=True)

def search(checkpoint):
    return SequentialFeatureSelector(
        LinearRegression(), n_features_to_select=3, floating=True, scoring=score, cv=2,
        fast=False, checkpoint=checkpoint,
    ).fit(X, y)

resumed = search(sys.argv[1])
calls_of_resumed, calls = calls, 0
whole = search(None)
assert resumed.history_ == whole.history_
assert resumed.support_.tolist() == whole.support_.tolist()
print(json.dumps([calls_of_resumed, calls]))
"""


def test_a_killed_search_goes_on_where_it_was(tmp_path):
    path = tmp_path / "search"
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}

    def run(calls):
        command = [sys.executable, "-W", "error", "-c", KILLED, str(path), str(calls)]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)

    killed = run(25)  # in the second step; the 20 scores of the first are on the disk
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    recorded = path.read_text().count('"features"')
    assert recorded >= 10
    finished = run(-1)
    assert finished.returncode == 0, finished.stderr
    resumed, whole = json.loads(finished.stdout)
    assert resumed == whole - 2 * recorded


@pytest.mark.parametrize("torn", [1, 20, "line end"])
def test_a_torn_last_line_is_left_out(X, y, tmp_path, torn):
    path = tmp_path / "search"
    whole = counted(checkpoint=path).fit(X, y)
    content = path.read_bytes()
    missing = torn if isinstance(torn, int) else len(content.splitlines()[-1]) - 4
    path.write_bytes(content[:-missing])
    CountedScore.calls = 0
    resumed = counted(checkpoint=path).fit(X, y)
    assert CountedScore.calls == 2
    assert resumed.history_ == whole.history_
    assert len(path.read_bytes().splitlines()) == len(content.splitlines())


class SilentLookup(Lookup):
    """Does not note what was asked, so that a checkpoint knows it again."""

    def __call__(self, estimator, X, y):
        return Lookup(self.table)(estimator, X, y)


def test_scores_that_are_missing_are_recorded(tmp_path):
    X, y, splits = labelled_columns(5)
    scorer = SilentLookup(random_table(1, 5, share_missing=0.3))
    settings = {"cv": splits, "n_features_to_select": 2, "checkpoint": tmp_path / "search"}
    selector = SequentialFeatureSelector(Idle(), scoring=scorer, **settings)
    first = [scored.mean for scored in selector.fit(X, y).history_]
    again = [scored.mean for scored in selector.fit(X, y).history_]
    np.testing.assert_array_equal(again, first)
    assert np.isnan(first).any()


OTHER_WORK = [
    ("the data", lambda selector, X, y: (selector, X + 1e-9, y)),
    ("the data", lambda selector, X, y: (selector, X, y[::-1])),
    ("the data", lambda selector, X, y: (selector, pd.DataFrame(X), y)),
    ("the estimator", lambda selector, X, y: (selector.set_params(estimator=Ridge()), X, y)),
    (
        "the estimator",
        lambda selector, X, y: (selector.set_params(estimator__fit_intercept=False), X, y),
    ),
    ("the splits", lambda selector, X, y: (selector.set_params(cv=3), X, y)),
    ("the splits", lambda selector, X, y: (selector.set_params(cv=KFold(2, shuffle=True)), X, y)),
    ("the settings", lambda selector, X, y: (selector.set_params(scoring="r2"), X, y)),
    ("the settings", lambda selector, X, y: (selector.set_params(direction="backward"), X, y)),
    ("the settings", lambda selector, X, y: (selector.set_params(fixed_features=[1]), X, y)),
    (
        "the data and the settings",
        lambda selector, X, y: (selector.set_params(floating=True), 2 * X, y),
    ),
]


@pytest.mark.parametrize(("differs", "change"), OTHER_WORK)
def test_a_checkpoint_of_other_work_is_refused(X, y, tmp_path, differs, change):
    path = tmp_path / "search"
    counted(checkpoint=path).fit(X, y)
    before = path.read_bytes()
    selector, X, y = change(counted(checkpoint=path), X, y)
    with pytest.raises(ValueError, match=f"search is of other work, which differs in {differs}\\."):
        selector.fit(X, y)
    assert path.read_bytes() == before


def test_what_does_not_matter_is_not_compared(X, y, tmp_path):
    path = tmp_path / "search"
    columns = list("abcdef")
    frame, target = pd.DataFrame(X, columns=columns), pd.Series(y)
    expected = counted(checkpoint=path).fit(frame, target)
    CountedScore.calls = 0
    by_column = pd.DataFrame({name: frame[name].copy() for name in columns})
    pairs = list(KFold(2).split(X))
    seen = []
    for cv in (KFold(2), pairs, (pair for pair in pairs)):
        selector = counted(checkpoint=path, n_jobs=1, callback=seen.append, verbose=0)
        selector.set_params(cv=cv, fast="auto")
        assert selector.fit(by_column, target.copy()).history_ == expected.history_
    assert CountedScore.calls == 0
    assert seen == 3 * expected.history_


def test_sparse_data_are_compared_by_value(X, y, tmp_path):
    path = tmp_path / "search"
    sparse = scipy.sparse.csr_matrix(X.round(1))
    disordered = sparse.copy()
    for start, stop in pairwise(sparse.indptr):
        for values in (disordered.data, disordered.indices):
            values[start:stop] = values[start:stop][::-1].copy()
    disordered.has_sorted_indices = False
    expected = counted(checkpoint=path).fit(sparse, y)
    for same in (sparse, sparse.copy(), sparse.tocsc(), disordered):
        assert counted(checkpoint=path).fit(same, y).history_ == expected.history_
    with pytest.raises(ValueError, match="differs in the data"):
        counted(checkpoint=path).fit(2 * sparse, y)


def test_weights_are_a_part_of_the_data(X, y, tmp_path):
    path = tmp_path / "search"
    counted(checkpoint=path).fit(X, y, sample_weight=np.ones(60))
    counted(checkpoint=path).fit(X, y, sample_weight=np.ones(60))
    with pytest.raises(ValueError, match="differs in the data"):
        counted(checkpoint=path).fit(X, y, sample_weight=np.full(60, 2.0))


@each_selector
@pytest.mark.parametrize("content", [b"name,age\nAnn,3\n", b"\x89PNG\r\n\x00", b"{}"])
def test_what_is_no_checkpoint_is_refused_and_stays(make, X, y, tmp_path, content):
    path = tmp_path / "people.csv"
    path.write_bytes(content)
    with pytest.raises(ValueError, match="people.csv is not a checkpoint; give another path"):
        counted(make, checkpoint=path).fit(X, y)
    assert path.read_bytes() == content
    assert CountedScore.calls == 0


def test_a_checkpoint_needs_a_scorer_that_can_be_told_again(X, y, tmp_path):
    selector = counted(checkpoint=tmp_path / "search")
    selector.set_params(scoring=lambda estimator, X, y: 1.0)
    with pytest.raises(
        ValueError, match="A checkpoint needs data and settings that can be pickled"
    ):
        selector.fit(X, y)
    assert not (tmp_path / "search").exists()


# Both ways -----------------------------------------------------------------------------------


@each_selector
def test_both_ways_are_compared(make, monkeypatch):
    X, y = load_iris(return_X_y=True)
    settings = {"cv": ShuffleSplit(2, random_state=0), "scoring": "neg_log_loss"}
    loop = make(GaussianNB(), fast=False, **settings).fit(X, y)
    for fast in ("auto", "check"):
        selector = make(GaussianNB(), fast=fast, **settings).fit(X, y)
        assert [s.features for s in selector.history_] == [s.features for s in loop.history_]
        for scored, other in zip(selector.history_, loop.history_, strict=True):
            np.testing.assert_allclose(scored.fold_scores, other.fold_scores, rtol=1e-8)
    true_scores = NaiveBayes.scores

    def wrong_scores(self, subsets, metrics):
        scores, sure = true_scores(self, subsets, metrics)
        return scores + 1e-4 * np.array([subset == (2,) for subset in subsets])[:, None], sure

    monkeypatch.setattr(NaiveBayes, "scores", wrong_scores)
    make(GaussianNB(), fast="auto", **settings).fit(X, y)
    with pytest.raises(RuntimeError, match=r"of the features \(2,\) are .* ordinary fits"):
        make(GaussianNB(), fast="check", **settings).fit(X, y)


def test_what_is_left_to_fits_is_compared_with_fits_that_converge():
    X, y = load_iris(return_X_y=True)
    twice = np.hstack([X[:, 2:], X[:, 2:]])
    model = LogisticRegression(C=1e5)
    settings = {"scoring": "neg_log_loss", "direction": "backward", "cv": 3}
    SequentialFeatureSelector(model, fast="check", **settings).fit(twice, y)
