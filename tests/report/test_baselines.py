import pickle
from html import unescape

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.linear_model import Lasso, LogisticRegression, Ridge
from sklearn.metrics import get_scorer, log_loss
from sklearn.model_selection import TimeSeriesSplit
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from support.small_tables import mixed_table, targets

from sklearn_modern.model_selection import Leak, NestedCV, corrected_resampled_t_test
from sklearn_modern.ordinal import OrdinalClassifier
from sklearn_modern.report import TabularReport, tabular_baselines
from sklearn_modern.report._catalogue import Context, models_for

X, TARGETS = mixed_table(), targets()
QUICK = {"outer_cv": 3, "inner_cv": 2, "verbose": 0}
NUMBERS = X[["<b>weight</b>"]].to_numpy()


@pytest.fixture(scope="module")
def report():
    return tabular_baselines(X, TARGETS["classification"], models=["linear", "forest"], **QUICK)


@pytest.mark.parametrize("kind", list(TARGETS))
def test_all_models_take_the_table_as_it_is(kind):
    models = models_for("all", Context(kind, X, "cpu", 1, 0))
    assert next(iter(models)) == "dummy"
    for name, model in models.items():
        model = clone(model[0] if isinstance(model, tuple) else model)
        params = model.get_params()
        for quick in ("max_iter", "n_estimators", "model__n_estimators"):
            if quick in params:
                model.set_params(**{quick: 2})
        predicted = model.fit(X, TARGETS[kind]).predict(X)
        assert set(predicted) <= set(TARGETS[kind]) or kind == "regression", name


@pytest.mark.parametrize(
    ("kind", "models", "expected"),
    [
        ("classification", "fast", ["dummy", "linear", "boosting"]),
        ("regression", "default", ["dummy", "linear", "boosting", "forest", "mlp"]),
        ("ordinal", "default", ["dummy", "logit", "boosting", "forest", "coral", "corn"]),
        ("regression", ["mlp", "linear"], ["dummy", "linear", "mlp"]),
        ("regression", {"mine": Ridge()}, ["dummy", "mine"]),
        ("classification", {"a": LogisticRegression(), "dummy": DummyClassifier()}, ["a", "dummy"]),
    ],
)
def test_models_are_named_and_come_in_the_order_of_cost(kind, models, expected):
    assert list(models_for(models, Context(kind, X, "cpu", 1, 0))) == expected


@pytest.mark.parametrize(
    ("models", "message"),
    [("slow", "'fast', 'default' and 'all'"), ([], "empty"), ({}, "empty"), (3, "must be 'fast'")],
)
def test_models_that_there_are_not_are_refused(models, message):
    with pytest.raises((ValueError, TypeError), match=message):
        tabular_baselines(X, TARGETS["regression"], models=models, **QUICK)


def test_scores_are_those_of_nested_cross_validation(report):
    y = TARGETS["classification"].to_numpy()
    models = models_for(["linear", "forest"], Context("classification", X, "auto", None, 0))
    nested = NestedCV(models, outer_cv=3, inner_cv=2, scoring="neg_log_loss", random_state=0)
    scores = nested.fit(X, y).scores_frame().groupby("model")["outer"].mean()
    table = report.table()
    assert {name: -score for name, score in scores.items()} == pytest.approx(
        table["log-loss"].to_dict()
    )
    assert list(table.index) == sorted(table.index, key=lambda name: -scores[name])
    assert report.best == table.index[0]
    parts = [
        log_loss(part["true"], part[["probability_=no", "probability_yes"]])
        for _, part in report.predictions().query("model == 'linear'").groupby("fold")
    ]
    assert np.mean(parts) == pytest.approx(table.loc["linear", "log-loss"])


def test_comparisons_are_the_corrected_test_with_holm(report):
    by_name = {one["name"]: one for one in report.results["models"]}
    tests = report.results["comparisons"]
    assert {one["first"] for one in tests} == {report.best}
    raw = []
    for one in tests:
        scores = [by_name[one[place]]["outer_scores"] for place in ("first", "second")]
        test = corrected_resampled_t_test(*scores, test_size=1 / 3, confidence=0.9)
        assert one["difference"] == pytest.approx(test.effect)
        assert one["interval"] == pytest.approx(list(test.interval))
        raw.append(test.p_value)
        assert "(adjusted p" in one["sentence"]
    smallest = int(np.argmin(raw))
    assert tests[smallest]["p_value"] == pytest.approx(min(1.0, 2 * raw[smallest]))


@pytest.mark.parametrize("kind", ["regression", "ordinal"])
def test_other_kinds_of_targets(kind):
    report = tabular_baselines(
        X, TARGETS[kind], models=["linear" if kind == "regression" else "logit"], **QUICK
    )
    results = report.results
    shown = results["diagnostics"][report.best]
    assert results["task"]["kind"] == kind
    assert report.best != "dummy"
    if kind == "regression":
        residual = report.predictions().query("model == 'linear'")
        expected = (residual["true"] - residual["prediction"]).to_numpy()
        assert shown["residuals"]["residual"] == pytest.approx(expected)
        assert results["evaluation"]["metric"] == "RMSE"
    else:
        levels = ["low", "middle", "high"]
        assert shown["confusion"]["labels"] == levels
        columns = [f"probability_{level}" for level in levels]
        assert report.predictions().columns[-3:].tolist() == columns
        assert np.sum(shown["confusion"]["counts"]) == len(X)
        counts = np.array(shown["confusion"]["counts"])
        assert counts.sum(axis=1).tolist() == TARGETS[kind].value_counts(sort=False).tolist()
    assert set(report.final_estimator().predict(X)) <= set(TARGETS[kind]) or kind == "regression"


def test_leaks_are_warned_of_and_stay_in_the_report():
    y = TARGETS["classification"]
    leaky = X.assign(after=(y == "yes") * 1.0)
    with pytest.warns(UserWarning, match="predicts y 'after'"):
        report = tabular_baselines(leaky, y, models=["linear"], **QUICK)
    (leak,) = report.findings
    assert isinstance(leak, Leak)
    (found,) = report.results["findings"]
    assert (found["severity"], found["columns"]) == ("leak", ["after"])
    assert "predicts y 'after'" in str(report)
    assert report.results["importance"]["features"][0]["name"] == "after"


def test_groups_weights_and_splitters_reach_the_fits():
    groups = np.arange(len(X)) // 3
    y = TARGETS["regression"]
    report = tabular_baselines(NUMBERS, y, models={"mine": Ridge()}, groups=groups, **QUICK)
    for train, test in report.nested.splits_:
        assert not set(groups[train]) & set(groups[test])
    assert report.results["data"]["n_groups"] == len(set(groups))
    weight = np.where(np.arange(len(X)) < 30, 1e-9, 1.0)
    weighted = tabular_baselines(
        NUMBERS, y, models={"mine": Ridge()}, sample_weight=weight, **QUICK
    )
    assert weighted.table()["RMSE"]["mine"] != report.table()["RMSE"]["mine"]
    more = QUICK | {"outer_cv": TimeSeriesSplit(3)}
    later = tabular_baselines(NUMBERS, y, models={"mine": Ridge()}, **more)
    assert all(train.max() < test.min() for train, test in later.nested.splits_)
    assert "TimeSeriesSplit" in later.results["evaluation"]["outer"]


def test_a_model_that_fails_is_listed():
    models = {"wrong": Ridge(solver="svd"), "gaps": Ridge()}
    with pytest.warns(UserWarning, match="gaps: failed"):
        report = tabular_baselines(
            X[["size"]], TARGETS["regression"], models={"gaps": models["gaps"]}, **QUICK
        )
    (failed,) = [one for one in report.results["models"] if one["name"] == "gaps"]
    assert (failed["status"], failed["score"]) == ("failed", None)
    assert "NaN" in failed["why"]
    assert report.best == "dummy"


def test_a_model_without_all_scores_is_not_ranked():
    """One of a finished nested cross-validation, too."""

    def score(model, X, y):
        return np.nan if isinstance(model, Ridge) and len(X) % 2 == 0 else -1.0

    y = TARGETS["regression"]
    nested = NestedCV({"gaps": Ridge(), "dummy": DummyRegressor()}, outer_cv=3, scoring=score)
    rows = np.arange(len(y) - len(y) % 3 - 1)
    nested.fit(NUMBERS[rows], y.iloc[rows])
    report = TabularReport.from_nested(nested, NUMBERS[rows], y.iloc[rows])
    best, gaps = report.results["models"]
    assert (best["name"], gaps["status"], gaps["score"]) == ("dummy", "failed", None)
    assert report.results["comparisons"] == []
    assert "gaps" in str(report)


def test_importance_is_of_rows_of_each_class():
    y = np.arange(6000) % 2
    y[:6] = 2  # of which 500 test rows, drawn anyhow, have none on some split
    report = tabular_baselines(
        np.random.default_rng(0).normal(size=(len(y), 2)),
        y,
        models={"mine": LogisticRegression()},
        scoring="roc_auc_ovr",
        outer_cv=3,
        inner_cv=2,
        verbose=0,
    )
    assert report.findings == []
    assert len(report.results["importance"]["features"]) == 2


def test_importance_is_weighted_as_the_scores_are():
    y = TARGETS["regression"].to_numpy()
    weight = np.where(np.arange(len(X)) < 30, 0.0, 1.0)
    first, second = (
        tabular_baselines(
            NUMBERS,
            y + change * (weight == 0),
            models={"mine": Ridge()},
            sample_weight=weight,
            **QUICK,
        ).results
        for change in (0.0, 50.0)
    )
    # The searches of older versions of scikit-learn do not weight scores, and neither do ours.
    weighted = hasattr(get_scorer("r2"), "_accept_sample_weight")
    scores, drops = (
        (first["models"][0]["score"], second["models"][0]["score"]),
        [one["importance"]["features"][0]["mean"] for one in (first, second)],
    )
    assert (scores[0] == pytest.approx(scores[1])) is weighted
    assert (drops[0] == pytest.approx(drops[1])) is weighted


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (ArithmeticError("no such thing"), "computing it failed: no such thing"),
        (ArithmeticError(), "computing it failed: ArithmeticError"),
        (KeyboardInterrupt(), "computing it was interrupted"),
    ],
)
def test_what_cannot_be_computed_of_finished_fits_is_a_finding(monkeypatch, error, says):
    def fail(*args):
        raise error

    for name in ("importance", "diagnostics"):
        monkeypatch.setattr(f"sklearn_modern.report._results.{name}", fail)
    report = tabular_baselines(NUMBERS, TARGETS["regression"], models={"mine": Ridge()}, **QUICK)
    assert (report.results["importance"], report.results["diagnostics"]) == (None, {})
    texts = [one["message"] for one in report.results["findings"]]
    assert len(texts) == 2
    assert all(says in text for text in texts)
    assert report.findings == texts
    assert says in report.to_html()


def test_names_of_own_models_say_nothing_of_what_they_are():
    y = TARGETS["regression"]
    models = {"linear": Lasso(), "dummy": Ridge(), "forest": DummyRegressor()}
    report = tabular_baselines(NUMBERS, y, models=models, **QUICK)
    by_name = {one["name"]: one for one in report.results["models"]}
    assert {name: one["label"] for name, one in by_name.items()} == {name: name for name in models}
    assert [name for name, one in by_name.items() if one["is_baseline"]] == ["forest"]
    nested = NestedCV(models, outer_cv=3, random_state=0).fit(NUMBERS, y)
    again = TabularReport.from_nested(nested, NUMBERS, y).results["models"]
    assert {one["name"]: (one["label"], one["is_baseline"]) for one in again} == {
        name: (one["label"], one["is_baseline"]) for name, one in by_name.items()
    }


def test_a_baseline_is_called_what_it_is():
    """One that guesses does not always predict the same."""
    random = np.random.default_rng(0)
    X, y = random.normal(size=(60, 1)), random.permutation(np.arange(60) % 2)
    models = {"guess": DummyClassifier(strategy="stratified", random_state=0)}
    answers = [
        tabular_baselines(X, y, models=models | more, **QUICK).results["answer"]
        for more in ({"dummy": DummyClassifier(strategy="uniform", random_state=0)}, {})
    ]
    assert answers[0].startswith("No model is better than dummy, which looks at no column: ")
    assert answers[1].startswith("No model is better than constant prediction, which looks at no")


@pytest.mark.parametrize("kind", list(TARGETS))
def test_our_baseline_is_one_and_has_a_label(kind):
    model = Ridge() if kind == "regression" else LogisticRegression()
    y = TARGETS[kind].cat.codes if kind == "ordinal" else TARGETS[kind]
    report = tabular_baselines(NUMBERS, y, task=kind, models={"linear": model}, **QUICK)
    labels = {one["label"]: one["is_baseline"] for one in report.results["models"]}
    assert labels == {"linear": False, "constant prediction": True}


def test_a_parameter_that_there_is_not_is_an_error_and_no_failed_model():
    with pytest.raises(ValueError, match="Invalid parameter"):
        tabular_baselines(
            NUMBERS, TARGETS["regression"], models={"a": (Ridge(), {"C": [1]})}, **QUICK
        )


def test_a_checkpoint_and_a_budget_change_no_number(tmp_path):
    settings = QUICK | {"models": ["linear"], "checkpoint": tmp_path / "record"}
    y = TARGETS["classification"]
    first = tabular_baselines(X, y, **settings, time_budget=5)
    again = tabular_baselines(X, y, **settings, time_budget=5)
    plain = tabular_baselines(X, y, models=["linear"], **QUICK)
    for one in (again, plain):
        for part in ("comparisons", "diagnostics", "importance", "answer"):
            assert one.results[part] == first.results[part]


def test_importance_takes_the_models_that_were_fitted(tmp_path, monkeypatch):
    """Those that a record has are fitted again, of the best model only."""
    fit, n_fits = Ridge.fit, []

    def counted(self, *given, **more):
        n_fits[-1] += 1
        return fit(self, *given, **more)

    monkeypatch.setattr(Ridge, "fit", counted)
    models = {"a": (Ridge(), {"alpha": [0.1, 1.0]}), "b": Ridge(alpha=1e6)}
    found = []
    for checkpoint in (None, tmp_path / "record", tmp_path / "record"):
        n_fits.append(0)
        settings = QUICK | {"models": models, "checkpoint": checkpoint}
        found.append(tabular_baselines(NUMBERS, TARGETS["regression"], **settings))
    of_search = 3 * (2 * 2 + 1)
    assert n_fits == [of_search + 3, of_search + 3, 3]
    assert [one.best for one in found] == ["a"] * 3
    assert found[0].results["importance"] == found[1].results["importance"]
    assert found[0].results["importance"] == found[2].results["importance"]
    assert not hasattr(found[0].nested, "models_")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"n_jobs": 0}, "n_jobs=0 must be"),
        ({"checkpoint": "record", "random_state": None}, "needs a random_state"),
        ({"sample_weight": np.full(len(X), -1.0)}, "sample_weight has negative"),
        ({"sample_weight": np.ones(3)}, "one weight a row"),
        ({"sample_weight": np.full(len(X), np.nan)}, "sample_weight contains NaN"),
        ({"groups": [None, *"ab" * (len(X) // 2 - 1), "c"]}, "missing in 1 of 60 rows; remove"),
        ({"groups": [1, *"a" * (len(X) - 1)]}, "mixes int and str"),
        ({"groups": [1, 2]}, "one group for each"),
        ({"scoring": "r2_"}, "names no scorer; did you mean 'r2'"),
    ],
)
def test_settings_are_checked_before_the_first_fit(settings, message, monkeypatch):
    monkeypatch.setattr("sklearn_modern.report._baselines._fitted", None)
    with pytest.raises(ValueError, match=message):
        tabular_baselines(NUMBERS, TARGETS["regression"], models=["linear"], **QUICK, **settings)


def test_names_of_models_may_have_blanks_about_them():
    assert list(models_for("linear, mlp", Context("regression", X, "cpu", 1, 0))) == [
        *("dummy", "linear", "mlp")
    ]


@pytest.mark.parametrize(
    "settings",
    [
        {"outer_cv": np.int64(2), "inner_cv": np.int32(2), "time_budget": np.float64(5)},
        {"outer_cv": [(np.arange(30), np.arange(30, 60)), (np.arange(30, 60), np.arange(30))]},
    ],
)
def test_the_code_is_code_whatever_the_settings_are(settings):
    settings = QUICK | settings
    y = TARGETS["regression"]
    report = tabular_baselines(NUMBERS, y, models=(np.str_("linear"),), **settings)
    code = report.results["reproduce"]["code"]
    values = {"X": NUMBERS, "y": y}
    if isinstance(settings["outer_cv"], list):
        assert "# outer_cv is as in the call, too." in code
        values["outer_cv"] = settings["outer_cv"]
    exec(code, values)
    assert values["report"].table()["RMSE"].to_dict() == report.table()["RMSE"].to_dict()


@pytest.mark.parametrize("budget", [0, -1, "5"])
def test_a_budget_is_minutes(budget):
    with pytest.raises(ValueError, match="positive number of minutes"):
        tabular_baselines(X, TARGETS["regression"], time_budget=budget, **QUICK)


def test_a_report_is_pickled_without_the_data(report):
    again = pickle.loads(pickle.dumps(report))
    assert str(again) == str(report)
    assert again.results == report.results
    pd.testing.assert_frame_equal(again.predictions(), report.predictions())
    with pytest.raises(ValueError, match="data do not travel"):
        again.final_estimator()


def test_of_a_nested_cross_validation_that_is_finished():
    X, y = NUMBERS, (TARGETS["classification"] == "yes").to_numpy()
    model = make_pipeline(StandardScaler(), LogisticRegression())
    nested = NestedCV(
        {"a": (model, {"logisticregression__C": [0.1, 1]}), "dummy": DummyClassifier()},
        outer_cv=3,
        inner_cv=2,
        scoring=["accuracy", "roc_auc"],
        refit="roc_auc",
        random_state=0,
    ).fit(X, y)
    report = TabularReport.from_nested(nested, X, y)
    assert report.best == "a"
    expected = nested.summary().query("metric == 'roc_auc' and model == 'a'")["mean"].item()
    assert report.results["models"][0]["score"] == expected
    seconds = nested.scores_frame().query("metric == 'roc_auc'")["seconds"].sum()
    assert report.results["timings"]["fits_seconds"] == pytest.approx(seconds, abs=1e-3)
    assert "area under the ROC curve" in report.results["answer"]
    values = {"nested": nested, "X": X, "y": y}
    exec(report.results["reproduce"]["code"], values)
    assert values["report"].results["models"] == report.results["models"]
    with pytest.raises(ValueError, match="not fitted"):
        TabularReport.from_nested(NestedCV(model), X, y)


def test_a_pickled_one_knows_its_weights_and_groups():
    y, weight = TARGETS["regression"], np.arange(len(X)) % 3
    nested = NestedCV({"a": Ridge(), "b": Ridge(alpha=1e4)}, outer_cv=3, random_state=0)
    nested.fit(NUMBERS, y, groups=np.arange(len(X)) // 2, sample_weight=weight)
    first, again = (
        TabularReport.from_nested(one, NUMBERS, y).results
        for one in (nested, pickle.loads(pickle.dumps(nested)))
    )
    assert again["importance"] == first["importance"]
    assert again["data"] == first["data"]
    plain = NestedCV(nested.models, outer_cv=nested.splits_).fit(NUMBERS, y)
    assert TabularReport.from_nested(plain, NUMBERS, y).results["importance"] != first["importance"]


def test_models_of_a_finished_nested_cross_validation_see_the_table_as_it_was(monkeypatch):
    def seen(nested, X, *args, **kwargs):
        raise RuntimeError(str(X["a"].dtype))

    monkeypatch.setattr("sklearn_modern.report._report.build_results", seen)
    table = pd.DataFrame({"a": pd.Series([None, "x", "y"] * 20, dtype=object)})
    y = np.arange(60) % 3 > 0
    nested = NestedCV({"a": DummyClassifier()}, outer_cv=3, random_state=0).fit(table, y)
    with pytest.raises(RuntimeError, match="object"):
        TabularReport.from_nested(nested, table, y)


def test_a_finished_one_is_measured_by_its_scorer_and_not_by_its_key():
    y = TARGETS["regression"]
    scoring = {"r2": "r2", "rmse": "neg_root_mean_squared_error"}
    nested = NestedCV(
        {"a": Ridge(), "b": Ridge(alpha=1e4)},
        outer_cv=3,
        scoring=scoring,
        refit="rmse",
        random_state=0,
    ).fit(NUMBERS, y)
    results = TabularReport.from_nested(nested, NUMBERS, y).results
    assert results["evaluation"]["metric"] == "RMSE"
    assert results["evaluation"]["lower_is_better"]
    first, second = results["models"]
    assert 0 < first["score"] < second["score"]


def test_a_finished_one_may_have_fractions_for_labels_or_know_their_order():
    y = (TARGETS["classification"] == "yes").to_numpy(dtype=float)
    nested = NestedCV({"a": LogisticRegression()}, outer_cv=3, random_state=0).fit(NUMBERS, y)
    shown = TabularReport.from_nested(nested, NUMBERS, y).results["diagnostics"]["a"]
    assert sum(shown["calibration"][0]["counts"]) == len(y)
    order, y = ["low", "middle", "high"], TARGETS["ordinal"].to_numpy(dtype=str)
    model = OrdinalClassifier(LogisticRegression(), class_order=order)
    nested = NestedCV({"a": model}, outer_cv=3, random_state=0).fit(NUMBERS, y)
    report = TabularReport.from_nested(nested, NUMBERS, y)
    assert report.results["task"]["kind"] == "ordinal"
    assert report.results["task"]["classes"] == order
    counts = np.array(report.results["diagnostics"]["a"]["confusion"]["counts"])
    assert counts.sum(axis=1).tolist() == [np.sum(y == one) for one in order]


def test_the_code_of_a_report_makes_it_again(report, capsys):
    values = {"X": X, "y": TARGETS["classification"]}
    exec(report.results["reproduce"]["code"], values)
    assert values["report"].results["models"][0]["score"] == report.results["models"][0]["score"]
    assert report.results["answer"] in capsys.readouterr().out


def test_the_best_model_must_exist(report):
    with pytest.raises(ValueError, match="'mlp' is no model that is done"):
        report.final_estimator("mlp")
    shown = report._repr_html_()
    assert report.results["answer"] in unescape(shown)
    assert "<iframe" not in shown
    assert "best" in repr(report)


def test_optimism_is_by_how_much_inner_scores_are_too_good(report):
    by_name = {one["name"]: one for one in report.results["models"]}
    linear, dummy = by_name["linear"], by_name["dummy"]
    gaps = np.subtract(linear["outer_scores"], linear["inner_scores"])  # of a loss, in this order
    assert linear["optimism"] == pytest.approx(gaps.mean())
    low, high = linear["optimism_interval"]
    assert low < linear["optimism"] < high
    assert (linear["n_candidates"], dummy["n_candidates"]) == (4, 1)
    assert dummy["optimism"] is None
    assert [set(chosen) for chosen in linear["chosen"]] == [{"C"}] * 3


def test_calibration_divides_all_rows_into_bins(report):
    (curve,) = report.results["diagnostics"]["linear"]["calibration"]
    table = report.predictions().query("model == 'linear'")
    counts = np.array(curve["counts"])
    assert curve["label"] == "yes"
    assert counts.sum() == len(X)
    assert curve["predicted"] == sorted(curve["predicted"])
    mean = np.average(curve["predicted"], weights=counts)
    assert mean == pytest.approx(table["probability_yes"].mean())
    share = np.average(curve["observed"], weights=counts)
    assert share == pytest.approx((table["true"] == "yes").mean())
