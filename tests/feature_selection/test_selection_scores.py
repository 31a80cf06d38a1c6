"""What selectors score, by which splits and metrics, and how they show it."""

import warnings

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from sklearn import config_context
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LinearRegression
from sklearn.metrics import accuracy_score, make_scorer
from sklearn.model_selection import (
    GroupKFold,
    KFold,
    ShuffleSplit,
    cross_val_score,
    cross_validate,
)
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier
from support.named_iris import measures, species

from sklearn_modern.feature_selection import (
    ExhaustiveFeatureSelector,
    SequentialFeatureSelector,
    SubsetScoresDisplay,
)

each_selector = pytest.mark.parametrize(
    "make", [SequentialFeatureSelector, ExhaustiveFeatureSelector]
)


frame = pytest.fixture(measures)
y = pytest.fixture(species)


# Splits, metrics, and what is handed through -------------------------------------------------


@each_selector
def test_any_splitter_will_do(make, frame, y):
    pairs = list(KFold(3, shuffle=True, random_state=1).split(frame))
    masks = [(~np.isin(np.arange(75), test), np.isin(np.arange(75), test)) for _, test in pairs]
    expected = make(GaussianNB(), cv=pairs).fit(frame, y)
    assert expected.n_splits_ == 3
    splitters = [KFold(3, shuffle=True, random_state=1), (pair for pair in pairs), masks]
    for cv in splitters:
        selector = make(GaussianNB(), cv=cv).fit(frame, y)
        assert selector.history_ == expected.history_
    one = make(GaussianNB(), cv=ShuffleSplit(1, random_state=0)).fit(frame, y)
    assert one.n_splits_ == len(one.history_[0].fold_scores) == 1
    assert np.isnan(one.history_[0].se)


@each_selector
def test_each_metric_is_recorded_and_one_counts(make, frame, y):
    scoring = {"hits": "accuracy", "loss": "neg_log_loss", "own": scored_by_first_row}
    everything = {"n_features_to_select": "best"} if make is SequentialFeatureSelector else {}
    for refit in scoring:
        selector = make(GaussianNB(), scoring=scoring, refit=refit, cv=3, **everything)
        selector.fit(frame, y)
        alone = make(GaussianNB(), scoring=scoring[refit], cv=3, **everything).fit(frame, y)
        np.testing.assert_array_equal(selector.support_, alone.support_)
        assert [s.features for s in selector.history_] == [s.features for s in alone.history_]
        for scored, other in zip(selector.history_, alone.history_, strict=True):
            np.testing.assert_allclose(scored.fold_scores, other.fold_scores)
            np.testing.assert_array_equal(scored.other_scores[refit], scored.fold_scores)
        assert list(scored.other_scores) == list(scoring)
        assert set(selector.scorer_) == set(scoring)
        assert {f"mean_{name}" for name in scoring} <= set(selector.results_frame().columns)
    named = make(GaussianNB(), scoring=["accuracy", "neg_log_loss"], refit="accuracy", cv=3)
    assert list(named.fit(frame, y).history_[0].other_scores) == ["accuracy", "neg_log_loss"]


def scored_by_first_row(estimator, X, y):
    return float(np.asarray(X)[0].sum())


@each_selector
def test_scores_are_those_of_cross_validation(make, frame, y):
    selector = make(DecisionTreeClassifier(random_state=0), cv=4).fit(frame, y)
    for scored in selector.history_[:4]:
        X = frame.iloc[:, list(scored.features)]
        scores = cross_val_score(DecisionTreeClassifier(random_state=0), X, y, cv=4)
        np.testing.assert_array_equal(scored.fold_scores, scores)
        assert scored.mean == pytest.approx(scores.mean())
        assert scored.std == pytest.approx(scores.std(ddof=1))
        assert scored.se == pytest.approx(scores.std(ddof=1) / 2)
        assert scored.fit_time > 0


@each_selector
def test_groups_and_weights_without_routing(make, frame, y):
    groups, weight = np.arange(75) % 5, np.linspace(0, 1, 75)
    selector = make(DecisionTreeClassifier(random_state=0), cv=GroupKFold(3), fast=False)
    selector.fit(frame, y, groups=groups, sample_weight=weight)
    scored = selector.history_[-1]
    X = frame.iloc[:, list(scored.features)]
    for (train, test), score in zip(
        GroupKFold(3).split(X, y, groups), scored.fold_scores, strict=True
    ):
        tree = DecisionTreeClassifier(random_state=0)
        tree.fit(X.iloc[train], y[train], sample_weight=weight[train])
        assert score == tree.score(X.iloc[test], y[test])
    whole = DecisionTreeClassifier(random_state=0)
    whole.fit(frame.loc[:, selector.support_], y, sample_weight=weight)
    np.testing.assert_array_equal(selector.predict(frame), whole.predict(selector._selected(frame)))


@each_selector
@pytest.mark.parametrize("fast", [False, "auto"])
def test_metadata_is_routed_to_fit_splitter_and_scorer(make, frame, y, fast):
    groups, weight = np.arange(75) % 5, np.where(y == "virginica", 3.0, 0.5)
    with config_context(enable_metadata_routing=True):
        model = GaussianNB().set_fit_request(sample_weight=True)
        scorer = make_scorer(accuracy_score).set_score_request(sample_weight=True)
        plain = make_scorer(accuracy_score).set_score_request(sample_weight=False)
        selector = make(
            model,
            scoring={"weighted": scorer, "plain": plain},
            refit="weighted",
            cv=GroupKFold(3),
            fast=fast,
        )
        selector.fit(frame, y, groups=groups, sample_weight=weight)
        scored = selector.history_[0]
        expected = cross_validate(
            model,
            frame.iloc[:, list(scored.features)],
            y,
            scoring={"weighted": scorer, "plain": plain},
            cv=GroupKFold(3),
            params={"groups": groups, "sample_weight": weight},
        )
        for name in ("weighted", "plain"):
            np.testing.assert_allclose(scored.other_scores[name], expected[f"test_{name}"])
        assert (scored.other_scores["weighted"] != scored.other_scores["plain"]).any()
        piped = Pipeline([("scale", StandardScaler()), ("select", selector)])
        piped.set_params(scale=StandardScaler().set_fit_request(sample_weight=False))
        piped.fit(frame.to_numpy(), y, groups=groups, sample_weight=weight)
        np.testing.assert_allclose(
            piped[-1].history_[0].fold_scores, scored.fold_scores, rtol=1e-6, atol=1e-6
        )
        with pytest.raises(TypeError, match="offset"):
            selector.fit(frame, y, offset=weight)
        make(GaussianNB(), cv=2, fast=fast).fit(frame, y)


@each_selector
def test_metadata_reaches_what_the_selector_hands_on(make, frame, y):
    weight = np.where(y == "virginica", 3.0, 0.5)
    with config_context(enable_metadata_routing=True):
        model = GaussianNB().set_fit_request(sample_weight=True)
        model.set_score_request(sample_weight=True)
        piped = Pipeline([("select", make(model, cv=3))]).fit(frame, y, sample_weight=weight)
        score = piped.score(frame, y, sample_weight=weight)
        assert score == accuracy_score(y, piped.predict(frame), sample_weight=weight)
        assert score != piped.score(frame, y)
        piped = Pipeline([("select", make(model, cv=3)), ("predict", model)])
        piped.fit(frame, y, sample_weight=weight)
        assert piped[0].history_ == make(model, cv=3).fit(frame, y, sample_weight=weight).history_


@each_selector
def test_a_pipeline_without_a_fast_way_is_scored_by_itself(make, frame, y):
    model = make_pipeline(PCA(1), GaussianNB())
    loop = make(model, cv=2, fast=False).fit(frame, y)
    assert make(model, cv=2).fit(frame, y).history_ == loop.history_


@each_selector
def test_y_may_be_missing(make, frame):
    model = KMeans(2, n_init=1, random_state=0)
    selector = make(model, cv=3).fit(frame.to_numpy())
    assert selector.predict(frame.to_numpy()).shape == (75,)
    assert selector.score(frame.to_numpy()) < 0
    scores = cross_val_score(model, frame.to_numpy()[:, [0]], cv=3)
    np.testing.assert_allclose(selector.history_[0].fold_scores, scores)


@each_selector
def test_jobs_change_nothing(make, frame, y):
    alone = make(DecisionTreeClassifier(random_state=0), cv=2).fit(frame, y)
    together = make(DecisionTreeClassifier(random_state=0), cv=2, n_jobs=2).fit(frame, y)
    assert together.history_ == alone.history_
    stopped = make(
        DecisionTreeClassifier(random_state=0), cv=2, n_jobs=2, callback=lambda scored: True
    )
    assert stopped.fit(frame, y).history_ == alone.history_[:1]


# What people look at -------------------------------------------------------------------------


@each_selector
def test_results_are_a_frame(make, frame, y):
    selector = make(GaussianNB(), cv=3).fit(frame, y)
    results = selector.results_frame()
    assert len(results) == len(selector.history_)
    for scored, (_, row) in zip(selector.history_, results.iterrows(), strict=True):
        assert row["features"] == tuple(frame.columns[list(scored.features)])
        assert row["n_features"] == len(scored.features)
        scores = row[["split0", "split1", "split2"]].astype(float)
        np.testing.assert_array_equal(scores, scored.fold_scores)
        assert (row["mean"], row["std"], row["se"]) == (scored.mean, scored.std, scored.se)
    names = tuple(selector.get_feature_names_out())
    assert results.loc[results["selected"], "features"].tolist() == [names]
    best = results.loc[results["best_of_size"]]
    assert best["n_features"].tolist() == list(selector.subsets_)
    nameless = make(GaussianNB(), cv=3).fit(frame.to_numpy(), y)
    assert nameless.results_frame()["features"].tolist() == [s.features for s in nameless.history_]
    with pytest.raises(NotFittedError):
        make(GaussianNB()).results_frame()


@each_selector
def test_scores_are_drawn(make, frame, y):

    sizes = {"n_features_to_select": "best"} if make is SequentialFeatureSelector else {}
    losses = {"scoring": ["accuracy", "neg_log_loss"], "refit": "neg_log_loss"}
    selector = make(GaussianNB(), cv=3, **sizes, **losses).fit(frame, y)
    display = selector.plot(color="green")
    assert display.ax_.get_ylabel() == "neg_log_loss"
    assert isinstance(display, SubsetScoresDisplay)
    np.testing.assert_array_equal(display.line_.get_xdata(), [1, 2, 3, 4])
    means = [scored.mean for scored in selector.subsets_.values()]
    np.testing.assert_array_equal(display.line_.get_ydata(), means)
    assert display.line_.get_color() == "green"
    assert any(
        f"{selector.n_features_to_select_}" in text.get_text()
        for text in display.ax_.get_legend().get_texts()
    )
    _, ax = plt.subplots()
    assert selector.plot(ax=ax).ax_ is ax
    single = make(GaussianNB(), cv=ShuffleSplit(1, random_state=0), **sizes).fit(frame, y)
    single.plot().figure_.canvas.draw()
    fixed = make(GaussianNB(), fixed_features=range(4), cv=2, **sizes).fit(frame, y)
    fixed.plot().figure_.canvas.draw()
    plt.close("all")
    with pytest.raises(NotFittedError):
        make(GaussianNB()).plot()


@each_selector
@pytest.mark.parametrize("ending", ["all", "stopped", "gains too little"])
def test_a_bar_is_shown_on_stderr(make, frame, y, ending, capsys):
    settings = {"callback": lambda scored: len(scored.features) == 2} if ending == "stopped" else {}
    if make is SequentialFeatureSelector:
        settings["tol"] = 1e9 if ending == "gains too little" else -1e9
        settings["direction"] = "forward" if ending == "gains too little" else "backward"
    make(GaussianNB(), cv=2, **settings).fit(frame, y)
    assert capsys.readouterr() == ("", "")
    make(GaussianNB(), cv=2, verbose=1, **settings).fit(frame, y)
    out, err = capsys.readouterr()
    assert out == ""
    if err:
        assert err.count("\n") == 1, "a bar is one line, which ends"
        assert err.endswith("\n")
    if ending == "all":
        done, total = err.rsplit("] ", 1)[1].split(" ")[0].split("/")
        assert done == total


def test_the_number_of_subsets_is_limited(frame, y):
    selector = ExhaustiveFeatureSelector(GaussianNB(), cv=2, max_subsets=15).fit(frame, y)
    assert len(selector.history_) == 15
    with pytest.raises(ValueError, match="15 subsets.*max_subsets=14"):
        selector.set_params(max_subsets=14).fit(frame, y)
    wide = np.zeros((75, 200))
    with pytest.raises(ValueError, match=f"There are {2**200 - 1} subsets"):
        ExhaustiveFeatureSelector(GaussianNB()).fit(wide, y)


@each_selector
def test_a_selector_shows_what_it_holds(make):
    selector = make(make_pipeline(StandardScaler(), GaussianNB()), feature_groups=[], cv=2)
    for part in ("StandardScaler", "GaussianNB", make.__name__):
        assert part in selector._repr_html_()
        assert part in repr(selector)


def test_wide_frames_are_checked_fast(y):
    wide = pd.DataFrame(np.zeros((4, 30_000)), columns=[f"c{i}" for i in range(30_000)])
    selector = SequentialFeatureSelector(LinearRegression(), fixed_features=wide.columns[:1])
    selector.set_params(n_features_to_select=1, cv=2).fit(wide, [0.0, 1.0] * 2)
    assert selector.get_feature_names_out().tolist() == ["c0"]


def test_no_warning_where_nothing_is_wrong(frame, y):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        selector = SequentialFeatureSelector(GaussianNB(), floating=True, cv=2).fit(frame, y)
        selector.transform(frame)
        selector.inverse_transform(selector.transform(frame))
