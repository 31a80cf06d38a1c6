"""Boosters as estimators: importances, state, searches, the library's parameters, devices."""

import pickle
from contextlib import nullcontext
from importlib import import_module

import numpy as np
import pytest
import skops.io
from joblib import parallel_config
from sklearn import config_context
from sklearn.base import clone
from sklearn.datasets import load_diabetes, load_wine
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.exceptions import NotFittedError
from sklearn.metrics import get_scorer
from sklearn.model_selection import GridSearchCV, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from support.global_random import numpy_state, seed_numpy
from support.small_boosters import WHOLE, boosters
from threadpoolctl import threadpool_limits

from sklearn_modern.device import available_devices
from sklearn_modern.ensemble.engines.base import Rows, Settings

BACKENDS = {"xgboost": "XGBoost", "lightgbm": "LightGBM", "catboost": "CatBoost", "hist": "Hist"}
pytestmark = pytest.mark.parametrize("backend", BACKENDS)

SMALL = WHOLE | {"n_estimators": 5, "min_samples_leaf": 5, "n_jobs": 1, "random_state": 0}


classifier, regressor = boosters(**SMALL)


@pytest.fixture(scope="module")
def wine():
    return load_wine(return_X_y=True)


# Importances.


def test_importances_are_shares_of_the_gain(backend):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 4))
    X[:, 2] = 1
    reg = regressor(backend, n_estimators=40).fit(X, 3 * X[:, 1] + X[:, 3])
    shares = reg.feature_importances_
    assert shares.dtype == np.float64
    assert shares.shape == (4,)
    assert shares.sum() == pytest.approx(1)
    assert shares[0] < 0.01
    assert shares[2] == 0
    assert shares[1] > 0.8
    assert 0.01 < shares[3] < 0.2
    clf = classifier(backend).fit(X, np.digitize(X[:, 3], [-0.5, 0.5]))
    assert clf.feature_importances_.argmax() == 3
    assert clf.feature_importances_.sum() == pytest.approx(1)


def test_trees_without_splits_have_no_importances(backend):
    X, y = np.ones((40, 2)), np.arange(40.0)
    reg = regressor(backend, n_estimators=1).fit(X, y)
    np.testing.assert_array_equal(reg.feature_importances_, [0, 0])
    np.testing.assert_allclose(reg.predict(X), y.mean())
    clf = classifier(backend).fit(X, y > 29)
    # Older XGBoosts start from one Newton step.
    rtol = 0.1 if backend == "xgboost" else 1e-5
    np.testing.assert_allclose(clf.predict_proba(X)[:, 1], 0.25, rtol=rtol)
    np.testing.assert_array_equal(clf.feature_importances_, [0, 0])
    stages = list(clf.staged_predict_proba(X))
    assert len(stages) == clf.n_estimators_
    np.testing.assert_allclose(stages[-1], clf.predict_proba(X), rtol=1e-5)


# State.


def test_it_is_an_estimator(backend, wine):
    X, y = wine
    clf = classifier(backend, max_features=0.5)
    for name in ("booster_", "n_estimators_", "feature_importances_"):
        with pytest.raises((NotFittedError, AttributeError)):
            getattr(clf, name)
    with pytest.raises(NotFittedError):
        clf.predict(X)
    parameters, data, before = clf.get_params(), X.copy(), numpy_state()
    expected = clf.fit(X, y).predict_proba(X)
    assert clf.get_params() == parameters
    np.testing.assert_array_equal(X, data)
    assert numpy_state() == before
    for other in (clf, clone(clf)):
        np.testing.assert_array_equal(other.fit(X, y).predict_proba(X), expected)
    loaded = pickle.loads(pickle.dumps(clf))
    np.testing.assert_array_equal(loaded.predict_proba(X), expected)
    np.testing.assert_array_equal(loaded.feature_importances_, clf.feature_importances_)
    loaded.set_params(warm_start=True, n_estimators=7).fit(X, y)
    assert loaded.n_estimators_ == 7
    seed_numpy(3)
    between = (X + X[::-1]) / 2  # where trees of other features differ
    expected = clf.predict_proba(between)
    assert (clf.set_params(random_state=1).fit(X, y).predict_proba(between) != expected).any()
    unseeded = clf.set_params(random_state=None).fit(X, y)
    assert unseeded.score(X, y) > 0.9
    assert clf.fit(X[:, :2], y).n_features_in_ == 2
    assert clf.predict(X[:, :2]).shape == y.shape


def test_skops_stores_a_booster(backend, wine):
    X, y = wine
    # A generator of random numbers, which scikit-learn's trees keep, needs numpy 1.25 there.
    writes = backend != "hist" or hasattr(np.random.PCG64(), "seed_seq")
    for model in (classifier(backend).fit(X, y), regressor(backend).fit(X, y)):
        with nullcontext() if writes else pytest.raises(AttributeError, match="seed_seq"):
            stored = skops.io.dumps(model)
            loaded = skops.io.loads(stored, trusted=skops.io.get_untrusted_types(data=stored))
            np.testing.assert_array_equal(loaded.predict(X), model.predict(X))


def test_rows_do_not_depend_on_each_other(backend, wine):
    X, y = wine
    for model in (classifier(backend), regressor(backend)):
        predict = model.fit(X, y).predict
        np.testing.assert_array_equal(np.concatenate([predict(X[:1]), predict(X[1:])]), predict(X))


def test_a_search_chooses_the_backend(backend, wine):
    X, y = wine
    grid = {"gradientboostingclassifier__backend": [backend, "hist"]}
    clf = classifier("auto")
    pipeline = make_pipeline(StandardScaler(), clf)
    search = GridSearchCV(pipeline, grid, cv=3, error_score="raise").fit(X, y)
    assert search.best_score_ > 0.85
    assert search.best_estimator_[-1].backend_ in (backend, "hist")
    clf = clone(clf).set_params(backend=backend)
    alone = cross_validate(make_pipeline(StandardScaler(), clf), X, y, cv=3)
    found = [search.cv_results_[f"split{fold}_test_score"][0] for fold in range(3)]
    np.testing.assert_array_equal(found, alone["test_score"])


def test_weights_are_routed(backend, wine):
    X, y = wine
    weight = np.where(y == 1, 8.0, 1.0)
    with config_context(enable_metadata_routing=True):
        clf = classifier(backend).set_fit_request(sample_weight=True)
        pipeline = make_pipeline(StandardScaler().set_fit_request(sample_weight=False), clf)
        pipeline.fit(X, y, sample_weight=weight)
        scorer = get_scorer("accuracy").set_score_request(sample_weight=False)
        checked = {"scoring": scorer, "error_score": "raise"}
        cross_validate(pipeline, X, y, params={"sample_weight": weight}, **checked)
    scaled = StandardScaler().fit_transform(X)
    expected = classifier(backend).fit(scaled, y, sample_weight=weight).predict_proba(scaled)
    np.testing.assert_array_equal(pipeline.predict_proba(X), expected)
    assert (classifier(backend).fit(scaled, y).predict_proba(scaled) != expected).any()


# The library's own parameters.

OWN = {
    "xgboost": ("gamma", 1e9),
    "lightgbm": ("min_gain_to_split", 1e9),
    "catboost": ("ignored_features", list(range(12))),
}
CLASHES = {
    "xgboost": (
        *("eta", "learning_rate", "lambda", "reg_lambda", "min_child_weight", "max_depth"),
        *("max_leaves", "n_estimators", "num_boost_round", "nthread", "n_jobs", "seed"),
        *("objective", "device", "monotone_constraints", "interaction_constraints", "max_bin"),
        *("subsample", "colsample_bynode", "tree_method", "random_state", "num_class"),
        *("early_stopping_rounds", "eval_metric", "validate_parameters", "updater"),
        *("process_type", "quantile_alpha", "huber_slope", "tweedie_variance_power", "missing"),
        *("enable_categorical", "feature_types", "verbosity", "verbose"),
    ),
    "lightgbm": (
        *("eta", "learning_rate", "lambda_l2", "reg_lambda", "num_leaves", "max_leaves"),
        *("min_child_samples", "min_data_in_leaf", "n_estimators", "num_boost_round", "nthread"),
        *("n_jobs", "random_state", "objective", "device", "categorical_feature", "bagging"),
        *("monotone_constraints", "mc", "interaction_constraints", "bagging_freq", "max_bin"),
        *("early_stopping_rounds", "num_class", "verbose", "metric", "num_iterations"),
        *("max_iter", "n_iter_no_change", "early_stopping_min_delta", "force_row_wise"),
        *("alpha", "tweedie_variance_power", "deterministic", "gpu_device_id", "num_gpu"),
    ),
    "catboost": (
        *("eta", "learning_rate", "l2_leaf_reg", "reg_lambda", "max_leaves", "num_leaves", "depth"),
        *("max_depth", "min_data_in_leaf", "min_child_samples", "iterations", "n_estimators"),
        *("num_boost_round", "num_trees", "thread_count", "random_seed", "random_state", "rsm"),
        *("objective", "loss_function", "task_type", "devices", "monotone_constraints", "max_bin"),
        *("subsample", "bootstrap_type", "colsample_bylevel", "border_count", "eval_metric"),
        *("use_best_model", "od_type", "od_wait", "early_stopping_rounds", "verbose", "silent"),
        *("logging_level", "class_weights", "auto_class_weights", "scale_pos_weight"),
        *("classes_count", "class_names", "cat_features", "boost_from_average", "eval_fraction"),
        *("allow_writing_files", "metric_period", "custom_metric"),
    ),
    "hist": (
        *("learning_rate", "max_leaf_nodes", "max_iter", "loss", "quantile", "max_bins"),
        *("early_stopping", "random_state", "warm_start", "class_weight", "scoring"),
        *("monotonic_cst", "interaction_cst", "categorical_features", "validation_fraction"),
        *("verbose", "n_iter_no_change", "tol", "l2_regularization", "max_features"),
    ),
}
# LightGBM takes them all, and does nothing or something else.
NO_SAY = (
    *("task", "task_type", "data", "train_data", "valid", "test", "config", "config_file"),
    *("input_model", "model_in", "output_model", "model_out", "snapshot_freq", "save_period"),
    *("label", "label_column", "weight", "weight_column", "group", "query_column", "header"),
    *("ignore_column", "blacklist", "save_binary", "is_save_binary", "two_round", "output_result"),
    *("machines", "workers", "num_machines", "machine_list", "local_port", "tree_learner"),
    *("pre_partition", "parser_config_file", "convert_model", "predict_raw_score", "raw_score"),
    *("predict_contrib", "pred_early_stop", "num_iteration_predict", "eval_at", "train_metric"),
)


def test_own_parameters_are_handed_on(backend, wine):
    X, y = wine
    if backend == "hist":  # the estimator sets all that there are
        for key in sorted(HistGradientBoostingClassifier().get_params()):
            with pytest.raises(ValueError, match=f"backend_params has .*{key}.* set already"):
                classifier(backend, backend_params={key: 1}).fit(X, y)
        return
    key, value = OWN[backend]
    clf = classifier(backend, backend_params={key: value}).fit(X, y)
    assert not clf.feature_importances_[:12].any()
    assert clf.backend_params[key] == value


def test_unknown_or_clashing_parameters_are_refused(backend, wine):
    X, y = wine
    with pytest.raises(ValueError, match=r"backend_params has .*nonsense.*does not know"):
        classifier(backend, backend_params={"nonsense": 1}).fit(X, y)
    for key in CLASHES[backend]:
        if backend == "hist" and key == "quantile":
            continue  # the classifier knows none
        with pytest.raises(ValueError, match=f"backend_params has .*{key}.* set already"):
            classifier(backend, backend_params={key: 1}).fit(X, y)
    ours = {"xgboost": "min_child_weight", "hist": "min_samples_leaf"}
    key = ours.get(backend, "min_child_samples")
    with pytest.raises(ValueError, match=f"'{key}' by min_samples_leaf"):
        classifier(backend, backend_params={key: 1}).fit(X, y)


def test_parameters_without_a_say_are_refused(backend, wine):
    X, y = wine
    for key in NO_SAY:
        wrong = "no say in this fit" if backend == "lightgbm" else "(does not know|set already)"
        with pytest.raises(ValueError, match=f"backend_params has .*{key}.*{wrong}"):
            classifier(backend, backend_params={key: 1}).fit(X, y)
    for key in ("sigmoid", "reg_sqrt"):
        with pytest.raises(ValueError, match=f"backend_params has .*{key}"):
            regressor(backend, backend_params={key: 2}).fit(X, y)


# Devices and threads.


def test_devices_that_are_not_there_are_refused(backend, wine):
    X, y = wine
    for device in {"cuda", "cuda:0", "mps"} - set(available_devices()):
        if device == "cuda" and "cuda:0" in available_devices():
            continue
        with pytest.raises(ValueError, match="device"):
            classifier(backend, device=device).fit(X, y)
    with pytest.raises(ValueError, match="device='tpu'"):
        classifier(backend, device="tpu").fit(X, y)
    for device in ("cpu", "auto"):
        assert classifier(backend, device=device).fit(X, y).device_ == "cpu"


def test_an_engine_without_the_device_says_so(backend):
    """As where there is a GPU, but no library that is built for it."""
    settings = Settings(
        loss="squared_error",
        n_classes=0,
        n_estimators=2,
        learning_rate=0.1,
        max_leaf_nodes=4,
        max_depth=None,
        min_samples_leaf=1,
        l2_regularization=0.0,
        subsample=1.0,
        max_features=1.0,
        max_bins=255,
        device="cuda:0",
    )
    module = import_module(f"sklearn_modern.ensemble.engines.{backend}")
    engine = getattr(module, BACKENDS[backend])(settings)
    X, y = load_diabetes(return_X_y=True)
    there = "cuda:0" in available_devices()
    try:
        engine.fit(Rows(X, y, None))
    except ValueError as error:
        message = str(error)
        assert not (there and backend == "xgboost"), message
        assert "device='cuda:0'" in message
    else:
        assert there
        assert backend != "hist"
        assert np.corrcoef(engine.predict(X), y)[0, 1] > 0.5


def test_threads_are_what_openmp_allows(backend, wine, monkeypatch):
    module = import_module(f"sklearn_modern.ensemble.engines.{backend}")
    monkeypatch.setattr(getattr(module, BACKENDS[backend]), "fit", lambda *args: None)
    for n_jobs, limit, expected in [(None, 1, 1), (None, 2, 2), (2, 1, 2), (1, 2, 1)]:
        with threadpool_limits(limit, user_api="openmp"):
            clf = classifier(backend, n_jobs=n_jobs).fit(*wine)
        assert clf._engine.settings.n_threads == expected


def test_it_fits_inside_outer_jobs(backend, wine):
    X, y = wine
    alone = cross_validate(classifier(backend), X, y, cv=4)["test_score"]
    with parallel_config("threading"):
        beside = cross_validate(classifier(backend), X, y, cv=4, n_jobs=2)["test_score"]
    np.testing.assert_array_equal(alone, beside)


def test_a_warm_start_sees_what_has_changed_in_a_long_parameter(backend):
    X = np.random.default_rng(0).integers(0, 3, (30, 1500)).astype(float)
    masks = np.arange(1500) == np.array([[700], [701]])
    model = regressor(backend, n_estimators=2, warm_start=True)
    model.set_params(categorical_features=masks[0]).fit(X, X[:, 700])
    model.set_params(categorical_features=masks[0].tolist(), n_estimators=3).fit(X, X[:, 700])
    model.set_params(categorical_features=masks[1], n_estimators=4)
    with pytest.raises(ValueError, match="categorical_features=.* was .* in the fit"):
        model.fit(X, X[:, 700])
