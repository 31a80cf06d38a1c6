"""The measured defaults of boosting: what "auto" takes, and that numbers are taken as they are."""

import pickle
import re
import runpy
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from support.small_boosters import BACKENDS, NO_NOISE, SYMMETRIC, WHOLE

from sklearn_modern.ensemble import GradientBoostingClassifier, GradientBoostingRegressor
from sklearn_modern.ensemble import _base as boosting
from sklearn_modern.ensemble import _defaults as defaults
from sklearn_modern.ensemble.engines.catboost import CatBoost
from sklearn_modern.ensemble.engines.lightgbm import LightGBM
from sklearn_modern.ordinal import OrdinalGradientBoostingClassifier
from sklearn_modern.shared_fits import Fit, fit_many

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "gradient_boosting.md"
KINDS = {
    "classes": GradientBoostingClassifier,
    "numbers": GradientBoostingRegressor,
    "levels": OrdinalGradientBoostingClassifier,
}
CASES = [(target, b) for target in KINDS for b in BACKENDS] + [(target, "auto") for target in KINDS]
CASES = [case for case in CASES if case not in {("levels", "catboost"), ("levels", "hist")}]
NAMES = ("max_leaf_nodes", "min_samples_leaf", "subsample", "max_features")
BRIEF = {"n_estimators": 3, "n_jobs": 1, "random_state": 0}
each_case = pytest.mark.parametrize(("target", "backend"), CASES)


@pytest.fixture(scope="module")
def rows():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(160, 6))
    return X, np.digitize(X[:, 0] + X[:, 1] * X[:, 2] + rng.normal(size=160) / 2, [-0.5, 0.5])


@pytest.mark.parametrize("kind", [GradientBoostingClassifier, GradientBoostingRegressor])
def test_defaults_are_those_of_the_study(kind):
    studied = runpy.run_path(str(ROOT / "benchmarks" / "tabular_variants.py"))["BOOSTING_DEFAULTS"]
    known = kind().get_params()
    assert {name: known[name] for name in studied} == studied


@each_case
def test_auto_is_what_the_table_says(target, backend, rows):
    model = KINDS[target](backend=backend, **BRIEF)
    assert {model.get_params()[name] for name in NAMES} == {"auto"}
    model.fit(*rows)
    taken = model.settings_
    expected = defaults.AUTO[target] | defaults.BY_LIBRARY.get(model.backend_, {})
    assert {name: taken[name] for name in expected} == expected
    assert taken["max_leaf_nodes"] == defaults.FEW_LEAVES
    assert taken["n_estimators"] == 3 == model.n_estimators_
    assert taken["backend"] == model.backend_ == (backend if backend != "auto" else "lightgbm")
    own = defaults.CATEGORIES["lightgbm"][target] if model.backend_ == "lightgbm" else {}
    assert taken["backend_params"] == own
    for copied in (pickle.loads(pickle.dumps(model)), clone(model).fit(*rows)):
        assert copied.settings_ == taken
        np.testing.assert_array_equal(copied.predict(rows[0]), model.predict(rows[0]))
    assert {model.get_params()[name] for name in NAMES} == {"auto"}


@each_case
def test_auto_is_those_numbers(target, backend, rows):
    """To the bit; and other numbers are others."""
    predict = "predict" if target == "numbers" else "predict_proba"
    auto = KINDS[target](backend=backend, **BRIEF).fit(*rows)
    given = clone(auto).set_params(**{name: auto.settings_[name] for name in NAMES}).fit(*rows)
    np.testing.assert_array_equal(getattr(given, predict)(rows[0]), getattr(auto, predict)(rows[0]))
    for name, other in (("min_samples_leaf", 40), ("max_features", 0.2), ("max_leaf_nodes", 3)):
        changed = clone(auto).set_params(**{name: other}).fit(*rows)
        assert changed.settings_[name] == other
        found = getattr(changed, predict)(rows[0])
        assert (found != getattr(auto, predict)(rows[0])).any(), name


@pytest.mark.parametrize("target", KINDS)
def test_the_library_gets_what_settings_says(target, rows):
    """LightGBM writes its parameters down."""
    model = KINDS[target](**BRIEF).fit(*rows)
    written = model.booster_.model_to_string()
    auto = defaults.AUTO[target]
    assert f"[bagging_fraction: {auto['subsample']:g}]" in written
    assert f"[feature_fraction_bynode: {auto['max_features']:g}]" in written
    assert f"[min_data_in_leaf: {auto['min_samples_leaf']}]" in written
    assert f"[num_leaves: {defaults.FEW_LEAVES}]" in written
    for name, value in defaults.CATEGORIES["lightgbm"][target].items():
        assert f"[{name}: {value:g}]" in written
    number = clone(model).set_params(min_samples_leaf=7).fit(*rows)
    assert "[min_data_per_group: 100]" in number.booster_.model_to_string()
    own = clone(model).set_params(backend_params={"min_data_per_group": 50}).fit(*rows)
    assert own.settings_["backend_params"]["min_data_per_group"] == 50


def test_many_rows_get_more_leaves(monkeypatch, rows):
    monkeypatch.setattr(defaults, "MANY_ROWS", 100)
    model = GradientBoostingRegressor(**BRIEF, warm_start=True).fit(rows[0][:99], rows[1][:99])
    assert model.settings_["max_leaf_nodes"] == 15
    assert model.set_params(n_estimators=4).fit(*rows).settings_["max_leaf_nodes"] == 31
    held_out = GradientBoostingRegressor(**BRIEF, early_stopping=True, validation_fraction=0.5)
    assert held_out.fit(*rows).settings_["max_leaf_nodes"] == 15  # it follows what trees see


@each_case
def test_a_warm_start_goes_on_at_the_defaults(target, backend, rows):
    model = KINDS[target](backend=backend, **BRIEF | {"n_estimators": 2}, warm_start=True)
    staged = "staged_predict" if target == "numbers" else "staged_predict_proba"
    *_, before = getattr(model.fit(*rows), staged)(rows[0])
    model.set_params(n_estimators=4).fit(*rows)
    stages = list(getattr(model, staged)(rows[0]))
    np.testing.assert_array_equal(stages[1], before)
    assert len(stages) == 4 == model.n_estimators_
    assert (stages[3] != stages[2]).any()
    assert (stages[2] != stages[1]).any()
    assert model.settings_ == clone(model).fit(*rows).settings_


@pytest.mark.parametrize(
    ("backend", "share", "own"),
    [
        *((backend, "subsample", {}) for backend in ("xgboost", "lightgbm")),
        *((backend, "max_features", {}) for backend in ("xgboost", "lightgbm", "hist")),
        *(("catboost", share, NO_NOISE["catboost"]) for share in ("subsample", "max_features")),
        ("lightgbm", "subsample", {"bagging_seed": 1}),
        ("lightgbm", "max_features", {"feature_fraction_seed": 1}),
    ],
)
def test_a_warm_start_draws_anew(backend, share, own):
    """Of features that are equally good, stumps that are grown one at a time take nearly all."""
    X = np.array(list(product([0.0, 1.0], repeat=5)) * 4)
    settings = WHOLE | BRIEF | {"learning_rate": 1e-3, "max_leaf_nodes": 2, share: 0.3}
    model = GradientBoostingRegressor(
        backend=backend, **settings, backend_params=own, warm_start=True
    )
    for n_estimators in range(1, 16):
        model.set_params(n_estimators=n_estimators).fit(X, X.sum(axis=1))
    assert np.count_nonzero(model.feature_importances_) >= 4


def test_the_library_is_that_of_the_device():
    assert [defaults.library("auto", device) for device in ("cpu", "cuda:0")] == [
        "lightgbm",
        "xgboost",
    ]
    assert defaults.library("auto", "mps") == "lightgbm"
    for backend in BACKENDS:
        assert defaults.library(backend, "cpu") == defaults.library(backend, "cuda:0") == backend


def test_each_output_has_them(rows):
    X, y = rows
    settings = GradientBoostingRegressor(**BRIEF).fit(X, np.column_stack([y, -y])).settings_
    assert settings["min_samples_leaf"] == 3


def test_a_single_row_is_drawn():
    for share in ("auto", 0.1):
        model = GradientBoostingRegressor(subsample=share, **BRIEF).fit([[1.0]], [2.0])
        assert model.predict([[1.0]]) == [2.0]
        assert model.settings_["subsample"] == 1.0
    with pytest.raises(ValueError, match=r"subsample=0\.1"):
        model.set_params(backend="hist").fit([[1.0]], [2.0])


@pytest.mark.parametrize("backend", BACKENDS)
def test_fits_together_are_those_alone(backend, rows):
    X, y = rows
    frame = pd.DataFrame(X).assign(town=np.random.default_rng(0).choice(list("abcdefgh"), len(y)))
    frame.columns = frame.columns.astype(str)
    model = GradientBoostingClassifier(backend=backend, **BRIEF)
    grid = [{}, {"n_estimators": 2}, {"min_samples_leaf": 4}, {"max_leaf_nodes": 5}]
    grid += [] if backend == "hist" else [{"subsample": 0.9}]
    fits = [Fit(params, frame, y) for params in grid]
    for position, together in fit_many(model, fits):
        alone = clone(model).set_params(**grid[position]).fit(frame, y)
        assert together.settings_ == alone.settings_
        np.testing.assert_array_equal(together.predict_proba(frame), alone.predict_proba(frame))


@pytest.mark.parametrize("more", [{}, {"max_depth": 2}])
def test_fits_together_may_have_other_libraries(more, rows, monkeypatch):
    """As where many trees are worth a GPU; here it stays on the CPU, to be fitted."""
    worth = []
    monkeypatch.setattr(
        boosting,
        "resolve_device",
        lambda device, cost: worth.append(cost > 4 * rows[0].size) or "cpu",
    )
    monkeypatch.setattr(
        boosting, "library", lambda backend, device: ("lightgbm", "xgboost")[worth[-1]]
    )
    model = GradientBoostingClassifier(**BRIEF)
    grid = [{"n_estimators": 2}, {"n_estimators": 9, **more}, {"n_estimators": 3, **more}]
    found = set()
    for position, together in fit_many(model, [Fit(params, *rows) for params in grid]):
        alone = clone(model).set_params(**grid[position]).fit(*rows)
        assert type(together._engine) is type(alone._engine)
        assert together.backend_ == alone.backend_
        found.add(together.backend_)
        np.testing.assert_array_equal(together.predict_proba(rows[0]), alone.predict_proba(rows[0]))
    assert found == {"lightgbm", "xgboost"}


def test_bins_of_other_seeds_are_not_shared(rows):
    """LightGBM makes them of a sample."""
    model = GradientBoostingRegressor(**BRIEF, backend_params={"bin_construct_sample_cnt": 30})
    for _, together in fit_many(model, [Fit({"random_state": seed}, *rows) for seed in (0, 1)]):
        alone = clone(together).fit(*rows)
        np.testing.assert_array_equal(together.predict(rows[0]), alone.predict(rows[0]))


def test_what_samples_by_itself_is_left_alone(rows):
    for own in ({"data_sample_strategy": "goss"}, {"boosting": "goss"}):
        model = GradientBoostingClassifier(**BRIEF, backend_params=own).fit(*rows)
        assert model.settings_["subsample"] == 1.0
        with pytest.raises(ValueError, match=r"subsample=0\.5; take subsample='auto'"):
            model.set_params(subsample=0.5).fit(*rows)
    grow = SYMMETRIC["catboost"]["backend_params"]
    model = GradientBoostingClassifier(backend="catboost", **BRIEF, backend_params=grow).fit(*rows)
    assert model.settings_["max_leaf_nodes"] is None
    assert model.settings_["min_samples_leaf"] == 1
    with pytest.raises(ValueError, match="min_samples_leaf=20"):
        model.set_params(min_samples_leaf=20).fit(*rows)


def test_a_word_elsewhere_is_no_sampling(rows):
    own = {"feature_contri": np.ones(6)}
    model = GradientBoostingClassifier(**BRIEF, backend_params=own).fit(*rows)
    assert model.settings_["subsample"] == 0.7
    for own in ({"forcedsplits_filename": "goss"}, {"boosting": np.array(["goss", "gbdt"])}):
        assert LightGBM.automatic({"subsample": 0.7}, own, "cpu") == {"subsample": 0.7}
    with pytest.raises(ValueError, match="only 'gbdt' and 'goss'"):
        model.set_params(backend_params=own).fit(*rows)


@pytest.mark.parametrize("backend", ["auto", *BACKENDS])
def test_other_accelerators_are_left_alone(backend, rows, monkeypatch):
    """Such as Apple's, for which no library is."""
    monkeypatch.setattr(
        boosting, "resolve_device", lambda device, cost: "cpu" if device == "cpu" else "mps"
    )
    model = GradientBoostingClassifier(backend=backend, **BRIEF).fit(*rows)
    assert model.device_ == "cpu"
    assert model.backend_ == ("lightgbm" if backend == "auto" else backend)
    with pytest.raises(ValueError, match="device='mps'.* on CUDA only"):
        model.set_params(device="mps").fit(*rows)


def test_catboost_tries_all_features_on_a_gpu(rows, monkeypatch):
    monkeypatch.setattr(boosting, "resolve_device", lambda device, cost: "cuda:0")
    grown = []
    monkeypatch.setattr(CatBoost, "_grow", lambda self, data, start: grown.append(self))
    model = GradientBoostingClassifier(backend="catboost", device="cuda", **BRIEF).fit(*rows)
    assert model.settings_["max_features"] == 1.0
    assert "rsm" not in grown[0]._parameters()
    with pytest.raises(ValueError, match=r"max_features=0\.5.*device='cpu'"):
        model.set_params(max_features=0.5).fit(*rows)
    assert len(grown) == 1


@pytest.mark.parametrize(
    ("backend", "own", "ours"),
    [
        ("auto", "bagging_fraction", "subsample"),
        ("xgboost", "subsample", "subsample"),
        ("xgboost", "colsample_bynode", "max_features"),
        ("lightgbm", "min_data_in_leaf", "min_samples_leaf"),
        ("lightgbm", "num_leaves", "max_leaf_nodes"),
        ("catboost", "rsm", "max_features"),
        ("hist", "max_features", "max_features"),
    ],
)
def test_auto_beside_the_library_s_own_name_is_refused(backend, own, ours, rows):
    model = GradientBoostingClassifier(backend=backend, **BRIEF, backend_params={own: 1})
    with pytest.raises(ValueError, match=f"'{own}' by {ours}"):
        model.fit(*rows)


@pytest.mark.parametrize("name", NAMES)
def test_other_words_are_refused(name, rows):
    for wrong in ("automatic", 0, -1.5):
        with pytest.raises(ValueError, match=f"'{name}' parameter .*'auto'"):
            GradientBoostingRegressor(**BRIEF | {name: wrong}).fit(*rows)


def test_scikit_learn_s_trees_ignore_auto_only(rows):
    assert (
        GradientBoostingClassifier(backend="hist", **BRIEF).fit(*rows).settings_["subsample"] == 1
    )
    with pytest.raises(ValueError, match=r"subsample=0\.7"):
        GradientBoostingClassifier(backend="hist", subsample=0.7, **BRIEF).fit(*rows)


def test_xgboost_goes_on_among_rows_that_it_is_sure_of():
    """Second derivatives count there for less than rows."""
    X = np.arange(400.0)[:, None]
    y = (X[:, 0] >= 200).astype(int)
    y[395:] = 0  # a quarter of the rows that a leaf is to have
    clf = GradientBoostingClassifier(
        backend="xgboost", min_samples_leaf=20, subsample=1.0, max_features=1.0, n_jobs=1
    )
    found = clf.fit(X, y).predict_proba(X)[:, 1]
    assert found[395:].max() < 0.1 < 0.9 < found[200:390].min()


def test_the_page_has_the_same_numbers():
    page = PAGE.read_text()
    found = {
        cells[0].strip("` "): [cell.strip() for cell in cells[1:4]]
        for line in page.split("## The defaults")[1].split("\n## ")[0].splitlines()
        if len(cells := line.strip("|").split("|")) >= 4
    }
    params = GradientBoostingRegressor().get_params()
    for name in ("n_estimators", "learning_rate"):
        assert found[name] == [f"{params[name]:g}"] * 3
    leaves = f"{defaults.FEW_LEAVES}; {defaults.MANY_LEAVES} from {defaults.MANY_ROWS} rows on"
    assert found["max_leaf_nodes"] == [leaves] * 3
    for name in ("min_samples_leaf", "subsample", "max_features"):
        assert found[name] == [f"{defaults.AUTO[target][name]:g}" for target in KINDS]
    assert re.search(rf"`subsample` is {defaults.BY_LIBRARY['hist']['subsample']}", page)
    for own in defaults.CATEGORIES["lightgbm"].values():
        said = " and ".join(f"`{name}={value:g}`" for name, value in own.items())
        assert said in page.replace("\n", " ")
    assert f'"auto" is "{defaults.BACKEND}"' in page.replace("`", "")
