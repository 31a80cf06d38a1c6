"""Nested cross-validation is what its definition says, split by split."""

import contextlib
import os
import pickle
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from sklearn import config_context
from sklearn import model_selection as peer
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.datasets import load_iris
from sklearn.decomposition import PCA
from sklearn.dummy import DummyClassifier
from sklearn.exceptions import FitFailedWarning
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression, Ridge, RidgeClassifier
from sklearn.metrics import get_scorer, make_scorer, mean_squared_error
from sklearn.mixture import GaussianMixture
from sklearn.multiclass import OneVsRestClassifier
from sklearn.multioutput import ClassifierChain
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from sklearn_modern.model_selection import (
    GridSearchCV,
    NestedCV,
    combine,
    compare_models,
    corrected_resampled_t_test,
)

SCALED = Pipeline([("scale", StandardScaler()), ("model", LogisticRegression())])
GRID = {"model__C": [0.01, 1.0]}
MODELS = {
    "logistic": (SCALED, GRID),
    "tree": (DecisionTreeClassifier(random_state=0), {"max_depth": [1, 3]}),
    "plain": SCALED,
    "own search": peer.GridSearchCV(LogisticRegression(), {"C": [0.1, 1.0]}, cv=2),
}


@pytest.fixture(scope="module")
def iris():
    X, y = load_iris(return_X_y=True)
    rows = np.random.default_rng(0).permutation(len(X))[:75]
    # Rows as they are take about as many steps as are allowed, on some processors more.
    return StandardScaler().fit_transform(X[rows]), y[rows]


def by_hand(estimator, grid, X, y, outer, inner, scorer):
    """The outer and inner scores and choices of one model."""
    found = []
    for (train, test), splits in zip(outer, inner, strict=True):
        search = peer.GridSearchCV(estimator, grid, cv=splits, scoring=scorer)
        search.fit(X[train], y[train])
        score = search.score(X[test], y[test])
        found.append((score, search.best_score_, search.best_params_, search.predict(X[test])))
    return found


@pytest.mark.parametrize("scoring", [None, "neg_log_loss", ["neg_log_loss", "accuracy"]])
def test_each_split_is_chosen_fitted_and_scored_as_by_hand(iris, scoring):
    X, y = iris
    outer_cv = peer.StratifiedKFold(3, shuffle=True, random_state=0)
    inner_cv = peer.KFold(2)
    several = isinstance(scoring, list)
    nested = NestedCV(
        MODELS,
        outer_cv=outer_cv,
        inner_cv=inner_cv,
        scoring=scoring,
        refit="neg_log_loss" if several else True,
    ).fit(X, y)
    frame = nested.scores_frame()
    outer = list(outer_cv.split(X, y))
    inner = [list(inner_cv.split(train)) for train, _ in outer]
    decides = "neg_log_loss" if several else scoring
    for name in ("logistic", "tree"):
        found = by_hand(*MODELS[name], X, y, outer, inner, decides)
        rows = frame[(frame["model"] == name) & (frame["metric"] == (decides or "score"))]
        np.testing.assert_array_equal(rows["outer"], [one[0] for one in found])
        np.testing.assert_array_equal(rows["inner"], [one[1] for one in found])
        assert nested.best_params_[name] == [one[2] for one in found]
        table = nested.predictions_
        table = table[table["model"] == name]
        np.testing.assert_array_equal(table["prediction"], np.concatenate([o[3] for o in found]))
        np.testing.assert_array_equal(table["row"], np.concatenate([test for _, test in outer]))
    plain = frame[(frame["model"] == "plain") & (frame["metric"] == (decides or "score"))]
    scorer = get_scorer(decides or "accuracy")
    for (train, test), score in zip(outer, plain["outer"], strict=True):
        assert score == scorer(clone(SCALED).fit(X[train], y[train]), X[test], y[test])
    assert plain["inner"].isna().all()
    assert (frame["seconds"] > 0).all()
    assert len(frame) == 4 * 3 * (2 if several else 1)


def test_results_depend_on_the_seed_alone(iris):
    settings = {"repeats": 2, "outer_cv": 2, "inner_cv": 2, "random_state": 3}
    models = {name: MODELS[name] for name in ("logistic", "plain")}
    first = NestedCV(models, **settings).fit(*iris)
    again = NestedCV(dict(reversed(models.items())), n_jobs=2, **settings).fit(*iris)
    columns = ["model", "repeat", "fold", "outer", "inner", "train"]
    frames = [
        one.scores_frame()[columns].sort_values(columns[:3]).reset_index(drop=True)
        for one in (first, again)
    ]
    assert frames[0].equals(frames[1])
    assert len(first.splits_) == 4
    assert not np.array_equal(first.splits_[0][1], first.splits_[2][1])


class CountedScaler(StandardScaler):
    """Counts the fits of all scalers."""

    fits = 0

    def fit(self, X, y=None, sample_weight=None):
        CountedScaler.fits += 1
        return super().fit(X, y, sample_weight)


def test_models_share_their_first_steps(iris):
    CountedScaler.fits = 0
    lasts = {
        "logistic": (LogisticRegression(), {"C": [0.1, 1.0]}),
        "tree": (DecisionTreeClassifier(), {"max_depth": [1, 2]}),
    }
    NestedCV(combine({"scaled": CountedScaler()}, lasts), outer_cv=2, inner_cv=3).fit(*iris)
    # Once for each inner split; outer fits share it only where both models chose it.
    assert 2 * 3 + 2 <= CountedScaler.fits <= 2 * 3 + 2 * 2


class Recorder(ClassifierMixin, BaseEstimator):
    """Keeps what its fits were given."""

    seen = []

    def __init__(self, depth=0):
        self.depth = depth

    def fit(self, X, y, sample_weight=None):
        Recorder.seen.append((X[:, 0], sample_weight))
        self.classes_ = np.unique(y)
        return self

    def predict(self, X):
        return np.full(len(X), self.classes_[0])


@pytest.mark.parametrize("routing", [False, True])
def test_groups_and_weights_reach_splits_and_fits(iris, routing):
    _, y = iris
    X = np.arange(len(y), dtype=float)[:, None]
    groups, weight = np.arange(len(y)) // 5, np.linspace(1, 2, len(y))
    Recorder.seen.clear()
    with config_context(enable_metadata_routing=routing):
        model = Recorder()
        if routing:
            model.set_fit_request(sample_weight=True).set_score_request(sample_weight=True)
        nested = NestedCV((model, {"depth": [1, 2]}), outer_cv=3, inner_cv=2, random_state=0)
        nested.fit(X, y, groups=groups, sample_weight=weight)
    assert len(Recorder.seen) == 3 * (2 * 2 + 1)
    for rows, given in Recorder.seen:
        rows = rows.astype(int)
        np.testing.assert_array_equal(given, weight[rows])
        counts = Counter(groups[rows].tolist())
        assert set(counts.values()) == {5}  # no group is torn apart


def test_weights_reach_the_last_step_of_a_pipeline_that_is_searched(iris):
    X, weight = np.arange(75.0)[:, None], np.linspace(1, 2, 75)
    search = peer.GridSearchCV(Pipeline([("last", Recorder())]), {"last__depth": [1]}, cv=2)
    Recorder.seen.clear()
    NestedCV(search, outer_cv=2, scoring="accuracy").fit(X, iris[1], sample_weight=weight)
    assert len(Recorder.seen) == 2 * 3
    for rows, given in Recorder.seen:
        np.testing.assert_array_equal(given, weight[rows.astype(int)])


def test_weights_reach_scorers(iris):
    X, y = iris
    weight = np.where(y == 0, 10.0, 1.0)
    with config_context(enable_metadata_routing=True):
        scorer = make_scorer(mean_squared_error).set_score_request(sample_weight=True)
        model = Ridge().set_fit_request(sample_weight=True)
        nested = NestedCV(model, outer_cv=peer.KFold(3), scoring=scorer)
        nested.fit(X, y, sample_weight=weight)
    for (train, test), score in zip(nested.splits_, nested.scores_frame()["outer"], strict=True):
        predicted = Ridge().fit(X[train], y[train], weight[train]).predict(X[test])
        assert score == mean_squared_error(y[test], predicted, sample_weight=weight[test])


def plain_error(model, X, y):
    return -np.abs(y - model.predict(X)).mean()


def weighted_error(model, X, y, sample_weight=None):
    return -np.average(np.abs(y - model.predict(X)), weights=sample_weight)


def test_functions_score_with_weights_if_they_take_them(iris):
    X, y = iris
    weight = np.where(y == 0, 10.0, 1.0)
    models = {"tuned": (Ridge(), {"alpha": [1.0, 1e9]}), "plain": Ridge()}
    scoring = {"plain": plain_error, "weighted": weighted_error}
    splits = {"outer_cv": 3, "inner_cv": 2, "random_state": 0}
    nested = NestedCV(models, scoring=scoring, refit="weighted", **splits)
    with contextlib.ExitStack() as stack:
        # The searches of older versions of scikit-learn weight no scores.
        if weighs := hasattr(get_scorer("r2"), "_accept_sample_weight"):
            for text in ("scorer 'plain' takes no sample_weight", "scoring plain=.* not support"):
                stack.enter_context(pytest.warns(UserWarning, match=text))
        nested.fit(X, y, sample_weight=weight)
        scores = nested.scores_frame().query("model == 'plain'")
        for split, (train, test) in enumerate(nested.splits_):
            model = Ridge().fit(X[train], y[train], weight[train])
            given = {"sample_weight": weight[test]} if weighs else {}
            of_split = scores[scores["fold"] == split].set_index("metric")["outer"]
            assert of_split["plain"] == plain_error(model, X[test], y[test])
            assert of_split["weighted"] == weighted_error(model, X[test], y[test], **given)
        assert nested.final_estimator("tuned").best_params_ == {"alpha": 1.0}
    alone = NestedCV(Ridge(), scoring=weighted_error, **splits).fit(X, y, sample_weight=weight)
    expected = scores.query("metric == 'weighted'")["outer"].tolist()
    assert alone.scores_frame()["outer"].tolist() == expected


@pytest.mark.filterwarnings("ignore:Number of classes:RuntimeWarning")
def test_a_class_that_was_not_trained_has_probability_zero(iris):
    X, _ = iris
    y = np.where(np.arange(len(X)) < 20, "a", np.where(np.arange(len(X)) % 2, "b", "c"))
    models = {"logistic": LogisticRegression(), "plain": RidgeClassifier()}
    cv = peer.KFold(3)  # of which the first has no "a" to train
    table = NestedCV(models, outer_cv=cv).fit(X, y).predictions_
    columns = ["probability_a", "probability_b", "probability_c"]
    found = table[table["model"] == "logistic"][columns]
    expected = peer.cross_val_predict(models["logistic"], X, y, cv=cv, method="predict_proba")
    np.testing.assert_array_equal(found, expected)
    assert (found["probability_a"] == 0).sum() == 25
    assert table[table["model"] == "plain"][columns].isna().all(axis=None)
    assert table.columns[-3:].tolist() == columns


def test_the_final_estimator_is_the_procedure_on_all_rows(iris):
    X, y = iris
    nested = NestedCV(MODELS, outer_cv=2, inner_cv=peer.KFold(3)).fit(X, y)
    search = nested.final_estimator("tree")
    expected = peer.GridSearchCV(*MODELS["tree"], cv=peer.KFold(3)).fit(X, y)
    np.testing.assert_array_equal(search.predict_proba(X), expected.predict_proba(X))
    assert search.best_score_ == expected.best_score_
    summary = nested.summary()
    best = summary["model"][summary["mean"].argmax()]
    assert repr(nested.final_estimator()) == repr(nested.final_estimator(best))
    again = pickle.loads(pickle.dumps(nested))
    assert again.scores_frame().equals(nested.scores_frame())
    with pytest.raises(ValueError, match="data do not travel"):
        again.final_estimator()
    with pytest.raises(ValueError, match="no model; there are"):
        nested.final_estimator("forest")


def test_the_summary_has_means_intervals_and_optimism(iris):
    nested = NestedCV(MODELS["logistic"], outer_cv=5, repeats=2, random_state=0).fit(*iris)
    frame, (row,) = nested.scores_frame(), nested.summary(0.9).to_dict("records")
    assert row["model"] == "Pipeline"
    assert row["mean"] == pytest.approx(frame["outer"].mean())
    assert row["optimism"] == pytest.approx(frame["inner"].mean() - frame["outer"].mean())
    assert row["lower"] < row["mean"] < row["upper"]
    wider = nested.summary(0.99).iloc[0]
    assert wider["lower"] < row["lower"]
    assert sum(nested.selection_frequency_["Pipeline"]["model__C"].values()) == pytest.approx(1.0)


def test_models_can_be_kept(iris):
    X, y = iris
    nested = NestedCV(MODELS["logistic"], outer_cv=2, keep=("models", "predictions")).fit(X, y)
    table = nested.predictions_
    for fold, (model, (_, test)) in enumerate(
        zip(nested.models_["Pipeline"], nested.splits_, strict=True)
    ):
        rows = table["fold"] == fold
        np.testing.assert_array_equal(table["prediction"][rows], model.predict(X[test]))
        np.testing.assert_array_equal(
            table["probability_2"][rows], model.predict_proba(X[test])[:, 2]
        )


def agreement(model, X, y):
    return float((np.asarray(model.predict(X)) == y).mean())


@pytest.mark.parametrize(
    ("model", "n_outputs", "n_probabilities"),
    [
        (GaussianMixture(2, random_state=0), 0, 2),
        (KNeighborsClassifier(), 2, 0),
        (ClassifierChain(LogisticRegression()), 2, 2),
        (OneVsRestClassifier(LogisticRegression()), 2, 2),
        (DummyClassifier(), 1, 3),
    ],
)
def test_predictions_of_all_kinds_of_models_are_kept(iris, model, n_outputs, n_probabilities):
    X, y = iris
    y = None if n_outputs == 0 else np.c_[y == 0, y == 1].astype(int) if n_outputs == 2 else y
    nested = NestedCV(model, outer_cv=2, scoring=None if y is None else agreement).fit(X, y)
    columns = list(nested.predictions_)
    assert sum(name.startswith("prediction") for name in columns) == max(n_outputs, 1)
    assert sum(name.startswith("probability") for name in columns) == n_probabilities


class Silent(LogisticRegression):
    """Has probabilities, but cannot predict."""

    def predict(self, X):
        raise RuntimeError("It does not say.")


def test_a_model_that_cannot_predict_ends_no_other(iris):
    models = {"silent": Silent(max_iter=500), "plain": SCALED}
    nested = NestedCV(models, outer_cv=2, scoring="neg_log_loss")
    with pytest.warns(UserWarning, match="predicting failed: .*It does not say"):
        nested.fit(*iris)
    assert nested.scores_frame()["outer"].notna().all()
    assert set(nested.predictions_["model"]) == {"plain"}


def test_a_search_that_chooses_by_another_metric_keeps_it(iris):
    scoring, grid = ["accuracy", "neg_log_loss"], {"model__C": [1e-3, 1.0]}
    search = GridSearchCV(SCALED, grid, scoring=scoring, refit="neg_log_loss")
    nested = NestedCV(search, outer_cv=peer.KFold(2), scoring=scoring, refit="accuracy")
    nested.fit(*iris)
    assert nested.final_estimator().refit == "neg_log_loss"
    frame = nested.scores_frame()
    for fold, (train, _) in enumerate(nested.splits_):
        fitted = clone(search).fit(iris[0][train], iris[1][train])
        for metric in scoring:
            (found,) = frame["inner"][(frame["fold"] == fold) & (frame["metric"] == metric)]
            assert found == fitted.cv_results_[f"mean_test_{metric}"][fitted.best_index_]


@pytest.mark.parametrize(
    ("scoring", "own", "known"),
    [
        ("accuracy", "accuracy", True),
        (None, None, True),
        (["accuracy", "f1_macro"], "accuracy", True),
        ({"right": "accuracy"}, "accuracy", True),
        ("accuracy", "neg_log_loss", False),
        ("accuracy", None, False),
        (agreement, None, False),
    ],
)
def test_the_inner_score_of_a_search_of_its_own_is_of_the_same_metric(iris, scoring, own, known):
    search = peer.GridSearchCV(SCALED, GRID, scoring=own, cv=2)
    refit = "accuracy" if isinstance(scoring, list) else True
    nested = NestedCV(search, outer_cv=2, scoring=scoring, refit=refit).fit(*iris)
    inner = nested.scores_frame().groupby("metric", sort=False)["inner"]
    assert inner.count().iloc[0] == (2 if known else 0)
    assert (inner.count().iloc[1:] == 0).all()


def test_searches_inside_of_models_choose_nothing_of_the_models(iris):
    inside = peer.GridSearchCV(LogisticRegression(), {"C": [0.1, 1.0]}, cv=2)
    models = {
        "last": make_pipeline(StandardScaler(), inside),
        "other": make_pipeline(StandardScaler(), clone(inside).set_params(cv=3)),
        "tuned": (inside, {"cv": [2, 3]}),
    }
    nested = NestedCV(models, outer_cv=2, inner_cv=2).fit(*iris)
    assert nested.best_params_["last"] == nested.best_params_["other"] == [{}, {}]
    assert all(params.keys() == {"cv"} for params in nested.best_params_["tuned"])


def test_it_warns_of_leaks_between_its_outer_splits(iris):
    X, y = np.r_[iris[0], iris[0][:5]], np.r_[iris[1], iris[1][:5]]
    groups = np.arange(len(y)) % 10
    splits = list(peer.KFold(3, shuffle=True, random_state=0).split(X))
    nested = NestedCV(SCALED, outer_cv=splits)
    with pytest.warns(UserWarning, match="equal rows: .* are tested by a model"):
        nested.fit(X, y)
    with (
        pytest.warns(UserWarning, match="torn groups: 10 of 10 groups"),
        pytest.warns(UserWarning, match="equal rows"),
    ):
        nested.fit(X, y, groups=groups)
    text = np.array(["one two", "three"] * 10, dtype=object)  # no table
    NestedCV(make_pipeline(CountVectorizer(), LogisticRegression()), outer_cv=2).fit(
        text, np.arange(20) % 2
    )


def test_comparisons_read_nested_cross_validations(iris):
    nested = NestedCV({"plain": SCALED, "dummy": DummyClassifier()}, random_state=0).fit(*iris)
    outer = nested.scores_frame().pivot(index="fold", columns="model", values="outer")
    compared = compare_models(nested)
    expected = corrected_resampled_t_test(
        outer["plain"].to_numpy(), outer["dummy"].to_numpy(), test_size=0.2
    )
    (pair,) = compared.pairs
    assert pair.result.p_value == pytest.approx(expected.p_value)
    assert compare_models(nested, goal="models", y=iris[1]).pairs[0].result.p_value < 0.001


# Going on -----------------------------------------------------------------------------------------


def test_a_checkpoint_repeats_nothing_and_ends_with_the_same_bits(iris, tmp_path):
    X, y = iris
    path, settings = tmp_path / "nested", {"outer_cv": 2, "inner_cv": 2, "random_state": 0}
    expected = NestedCV(MODELS, **settings).fit(X, y)
    whole = NestedCV(MODELS, checkpoint=path, **settings).fit(X, y)
    lines = path.read_bytes().splitlines(keepends=True)
    assert len(lines) == 1 + 2 * (2 * 2 * 2) + 2 * 4
    columns = ["model", "repeat", "fold", "metric", "outer", "inner", "train"]
    for n_lines in (1, 6, len(lines) - 1):
        path.write_bytes(b"".join(lines[:n_lines]) + lines[n_lines][:-3])  # a damaged tail
        resumed = NestedCV(MODELS, checkpoint=path, **settings).fit(X, y)
        assert resumed.scores_frame()[columns].equals(expected.scores_frame()[columns])
        assert resumed.predictions_.equals(expected.predictions_)
        assert resumed.best_params_ == expected.best_params_
        assert len(path.read_bytes().splitlines()) == len(lines)
    done = NestedCV(MODELS, checkpoint=path, **settings).fit(X, y)
    assert done.scores_frame().equals(resumed.scores_frame())  # seconds, too
    assert whole.scores_frame()[columns].equals(expected.scores_frame()[columns])


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({"models": (SCALED, {"model__C": [0.5, 1.0]})}, "the models"),
        ({"random_state": 1}, "the splits"),
        ({"scoring": "accuracy"}, "the settings"),
    ],
)
def test_checkpoints_of_other_work_are_refused_by_name(iris, tmp_path, change, name):
    settings = {"models": (SCALED, GRID), "outer_cv": 2, "inner_cv": 2, "random_state": 0}
    settings["checkpoint"] = tmp_path / "nested"
    NestedCV(**settings).fit(*iris)
    with pytest.raises(ValueError, match=f"differs in {name}"):
        NestedCV(**settings | change).fit(*iris)
    with pytest.raises(ValueError, match="differs in the data"):
        NestedCV(**settings).fit(iris[0] + 1, iris[1])


def test_a_timeout_ends_the_work_and_the_checkpoint_goes_on(iris, tmp_path):
    path, settings = tmp_path / "nested", {"outer_cv": 2, "inner_cv": 2, "random_state": 0}
    with pytest.raises(TimeoutError, match="of 10 fits; the same call goes on"):
        NestedCV((SCALED, GRID), checkpoint=path, timeout=1e-6, **settings).fit(*iris)
    resumed = NestedCV((SCALED, GRID), checkpoint=path, **settings).fit(*iris)
    assert len(resumed.scores_frame()) == 2


class Interrupting(DummyClassifier):
    """Waits in its third fit, to be killed there."""

    fits = 0

    def fit(self, X, y):
        Interrupting.fits += 1
        if os.environ.get("WAITS") and Interrupting.fits == 3:
            print("waits", flush=True)
            time.sleep(60)
        return super().fit(X, y)


def nested_of_interrupting(path):
    X = np.arange(20.0)[:, None]
    models = (Interrupting(), {"strategy": ["prior", "uniform"]})
    nested = NestedCV(models, outer_cv=2, inner_cv=2, random_state=0, checkpoint=path)
    return nested.fit(X, np.arange(20) % 2)


def test_a_second_process_is_refused_and_a_killed_one_is_not_in_the_way(tmp_path):
    path = tmp_path / "nested"
    code = "import sys, test_nested_cv as t; t.nested_of_interrupting(sys.argv[1])"
    folders = os.pathsep.join([str(Path(__file__).parent), *sys.path])
    with subprocess.Popen(
        [sys.executable, "-c", code, str(path)],
        stdout=subprocess.PIPE,
        env=os.environ | {"WAITS": "1", "PYTHONPATH": folders},
    ) as other:
        assert other.stdout.readline() == b"waits\n"
        with pytest.raises(ValueError, match="Another fit writes to the checkpoint"):
            nested_of_interrupting(path)
        other.kill()
    recorded = path.read_bytes().count(b"\n") - 1
    Interrupting.fits = 0
    nested = nested_of_interrupting(path)
    assert recorded + Interrupting.fits == 2 * 2 * 2 + 2
    assert len(nested.scores_frame()) == 2


# Bad input ----------------------------------------------------------------------------------------


class Failing(ClassifierMixin, BaseEstimator):
    def __init__(self, wrong=True):
        self.wrong = wrong

    def fit(self, X, y):
        if self.wrong:
            raise ValueError("It fails as asked.\nSee also:\n    a page")
        self.classes_ = np.unique(y)
        return self

    def predict(self, X):
        return np.full(len(X), self.classes_[0])


def test_candidates_that_fail_are_not_chosen(iris):
    nested = NestedCV((Failing(), {"wrong": [True, False]}), outer_cv=2, inner_cv=2)
    with pytest.warns(FitFailedWarning, match=r"NaN: ValueError: It fails as asked. \(4 times"):
        nested.fit(*iris)
    assert nested.best_params_["Failing"] == [{"wrong": False}] * 2


@pytest.mark.parametrize(
    ("params", "error", "message"),
    [
        ({"models": {}}, ValueError, "models is empty"),
        ({"models": [SCALED]}, TypeError, "must be an estimator"),
        ({"models": {"a": LogisticRegression}}, TypeError, r"models\['a'\] must be an estimator"),
        ({"models": (SCALED, GRID, 1)}, ValueError, "tuple of 3"),
        ({"models": (SCALED, {"model__D": [1]})}, ValueError, "Invalid parameter 'D'"),
        ({"models": {"a": SCALED, "b": Ridge()}}, ValueError, "classifiers and others"),
        ({"keep": ("scores",)}, ValueError, "keep has 'scores'"),
        ({"keep": ("models",), "checkpoint": "x"}, ValueError, "records no models"),
        ({"repeats": 2, "outer_cv": peer.KFold(2)}, ValueError, "always makes the same"),
        ({"scoring": ["accuracy", "f1_macro"]}, ValueError, "must name the metric"),
        ({"outer_cv": []}, ValueError, "no splits"),
        ({"scoring": "neg_log_loss", "models": PCA()}, ValueError, "needs predict_proba"),
        ({"refit": False}, ValueError, "The 'refit' parameter"),
        ({"models": GridSearchCV(SCALED, GRID, refit=False)}, ValueError, "with refit=False"),
        ({"inner_cv": peer.KFold(2).split(range(9))}, ValueError, "inner_cv is a generator"),
        (
            {"inner_cv": peer.PredefinedSplit(np.arange(75) % 3), "models": (SCALED, GRID)},
            ValueError,
            "but an outer split has 37 training rows",
        ),
    ],
)
def test_what_cannot_be_is_refused_by_name(iris, params, error, message):
    with pytest.raises(error, match=message):
        NestedCV(**{"models": SCALED, "outer_cv": 2} | params).fit(*iris)


def test_combine_names_all_pairs():
    models = combine(
        {"raw": "passthrough", "scaled": StandardScaler()},
        [LogisticRegression(), (Ridge(), [{"alpha": [1.0]}, {"alpha": [2.0]}])],
    )
    assert list(models) == [
        "raw + LogisticRegression",
        "raw + Ridge",
        "scaled + LogisticRegression",
        "scaled + Ridge",
    ]
    assert models["scaled + Ridge"][1] == [{"model__alpha": [1.0]}, {"model__alpha": [2.0]}]
    with pytest.raises(ValueError, match="several StandardScaler"):
        combine([StandardScaler(), StandardScaler()], [Ridge()])


def test_missing_targets_are_refused_whatever_models_do():
    """A fit that fails is only warned of, and without searches nothing else would happen."""
    X = np.arange(20.0).reshape(-1, 1)
    for y in (np.where(X[:, 0] == 3, np.nan, X[:, 0]), ["a", None] * 10):
        with pytest.raises(ValueError, match="Input y contains NaN or other missing values"):
            NestedCV(Ridge()).fit(X, y)
