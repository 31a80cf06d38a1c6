"""Boosters that are fitted on a GPU."""

import os
import subprocess
import sys

import joblib
import numpy as np
import pytest
import xgboost as xgb
from sklearn.datasets import load_diabetes, load_wine
from support.small_boosters import WHOLE

from sklearn_modern.ensemble import GradientBoostingClassifier, GradientBoostingRegressor

pytestmark = pytest.mark.gpu

SMALL = WHOLE | {"n_estimators": 20, "min_samples_leaf": 5, "n_jobs": 2, "random_state": 0}


@pytest.fixture(scope="module")
def wine():
    return load_wine(return_X_y=True)


def test_predictions_are_those_of_the_library(wine):
    X, y = wine
    clf = GradientBoostingClassifier(**SMALL, device="cuda").fit(X, y)
    assert clf.device_ == "cuda:0"
    probabilities = clf.predict_proba(X)  # with no warning, though the rows are not on the GPU
    clf.booster_.set_param({"device": "cuda:0"})
    expected = clf.booster_.predict(xgb.DMatrix(X))
    np.testing.assert_allclose(probabilities, expected, atol=1e-6)
    *_, last = clf.staged_predict_proba(X)
    np.testing.assert_allclose(last, probabilities, atol=1e-6)


def test_a_fit_is_as_good_as_one_on_the_cpu():
    X, y = load_diabetes(return_X_y=True)
    scores = [
        GradientBoostingRegressor(**SMALL, device=device).fit(X, y).score(X, y)
        for device in ("cuda", "cpu")
    ]
    assert scores[0] == pytest.approx(scores[1], abs=0.03)


def test_a_warm_start_stays_on_the_gpu_after_a_prediction(wine):
    X, y = wine
    clf = GradientBoostingClassifier(**SMALL, device="cuda", warm_start=True).fit(X, y)
    clf.predict(X)
    clf.set_params(n_estimators=30).fit(X, y)
    whole = GradientBoostingClassifier(**SMALL | {"n_estimators": 30}, device="cuda").fit(X, y)
    assert clf.device_ == "cuda:0"
    np.testing.assert_allclose(clf.predict_proba(X), whole.predict_proba(X), atol=1e-6)


def test_a_pickle_predicts_where_there_is_no_gpu(wine, tmp_path):
    X, y = wine
    clf = GradientBoostingClassifier(**SMALL, device="cuda").fit(X, y)
    joblib.dump((clf, X), tmp_path / "model")
    code = (
        "import joblib, sys, warnings; warnings.simplefilter('error');"
        "clf, X = joblib.load(sys.argv[1]); print(clf.predict(X).tolist())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, tmp_path / "model"],
        env=os.environ | {"CUDA_VISIBLE_DEVICES": "", "PYTHONPATH": ":".join(sys.path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.strip() == str(clf.predict(X).tolist()), done.stderr
