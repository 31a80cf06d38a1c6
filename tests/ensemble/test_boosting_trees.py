"""What boosted trees tell of themselves: one body over every backend."""

import lightgbm as lgb
import numpy as np
import pandas as pd
import pytest
import xgboost as xgb
from scipy.special import expit, softmax
from support.small_boosters import BACKENDS, SYMMETRIC, boosters

pytestmark = pytest.mark.parametrize("backend", BACKENDS)

classifier, regressor = boosters(n_estimators=4)


@pytest.fixture
def mixed():
    """A table whose names no library takes as they are, and what it says."""
    rng = np.random.default_rng(0)
    colour = rng.choice(["red", "green", "blue"], 120)
    size = rng.normal(size=120)
    size[::9] = np.nan
    X = pd.DataFrame({"size [m]": size, "size <m>": rng.normal(size=120), "colour": colour})
    return X, np.nan_to_num(size) + 2 * (colour == "red") + rng.normal(size=120) / 4


@pytest.mark.parametrize("n_classes", [2, 3])
def test_decisions_are_what_probabilities_are_made_of(backend, n_classes, mixed):
    X, y = mixed
    clf = classifier(backend).fit(X, np.digitize(y, [0, 1][: n_classes - 1]))
    turned = expit if n_classes == 2 else lambda scores: softmax(scores, axis=1)
    expected = clf.predict_proba(X)[:, 1] if n_classes == 2 else clf.predict_proba(X)
    np.testing.assert_allclose(turned(clf.decision_function(X)), expected, rtol=1e-5)
    stages = list(clf.staged_decision_function(X))
    assert len(stages) == 4
    np.testing.assert_allclose(stages[-1], clf.decision_function(X), rtol=1e-5)


@pytest.mark.parametrize("kind", ["two classes", "three classes", "far", "poisson"])
def test_contributions_sum_to_the_prediction(backend, kind, mixed):
    X, y = mixed
    own = SYMMETRIC.get(backend, {})
    if "classes" in kind:
        y = np.digitize(y, [0, 1][: 1 + (kind[:5] == "three")])
        model = classifier(backend, **own).fit(X, y)
    elif kind == "far":
        model = regressor(backend, **own).fit(X, y + 1e6)
    else:
        model = regressor(backend, loss="poisson", **own).fit(X, np.exp(y))
    if backend == "hist":
        with pytest.raises(ValueError, match="hist.*predict_contributions.*'xgboost'"):
            model.predict_contributions(X)
        with pytest.raises(ValueError, match="hist.*apply.*'xgboost'"):
            model.apply(X)
        return
    shares = model.predict_contributions(X)
    several = kind == "three classes"
    assert shares.shape == ((120, 3, 4) if several else (120, 4))
    predicted = model.decision_function(X) if "classes" in kind else model.predict(X)
    predicted = np.log(predicted) if kind == "poisson" else predicted
    np.testing.assert_allclose(shares.sum(axis=-1), predicted, rtol=1e-5, atol=1e-6)
    assert (np.abs(shares[..., [0, 2]]).mean(axis=0) > 1e-3).any()
    leaves = model.apply(X)
    assert leaves.shape == ((120, 4, 3) if several else (120, 4))
    rows = leaves.reshape(120, -1)
    of_leaves = pd.DataFrame(rows).groupby(list(range(rows.shape[1]))).ngroup()
    together = predicted.reshape(120, -1)[:, 0]
    assert pd.Series(together).groupby(of_leaves).agg(np.ptp).max() < 1e-5


def test_the_librarys_own_object_sees_the_coded_table(backend, mixed):
    X, y = mixed
    reg = regressor(backend).fit(X, y)
    table, names = reg.booster_input(X), ["size__m_", "size__m__2", "colour"]
    if backend == "xgboost":
        assert reg.booster_.feature_names == names
        found = reg.booster_.predict(xgb.DMatrix(table), validate_features=False)
    elif backend == "lightgbm":
        assert isinstance(reg.booster_, lgb.Booster)
        assert reg.booster_.feature_name() == names
        found = reg.booster_.predict(table)
    else:
        found = reg.booster_.predict(table)
    np.testing.assert_allclose(found, reg.predict(X), rtol=1e-6)
    assert reg.feature_importances_[1] < reg.feature_importances_[0]
