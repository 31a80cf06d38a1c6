"""Displays draw the numbers of what was fitted, and say what they cannot draw."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from scipy.integrate import trapezoid
from scipy.stats import loguniform, t
from sklearn.datasets import load_iris
from sklearn.dummy import DummyClassifier
from sklearn.exceptions import FitFailedWarning, NotFittedError
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.preprocessing import MinMaxScaler, StandardScaler
from sklearn.tree import DecisionTreeClassifier

from sklearn_modern._core import optional
from sklearn_modern.model_selection import (
    CriticalDifferenceDisplay,
    FriedmanTest,
    GridSearchCV,
    NestedCV,
    OptimismDisplay,
    OuterScoresDisplay,
    PairedDifferencesDisplay,
    ParameterStabilityDisplay,
    RaceDisplay,
    RandomizedSearchCV,
    bayesian_correlated_t_test,
    friedman_test,
)

TREE = DecisionTreeClassifier(random_state=0)
LONG = "imputation, one-hot encoding and then a gradient boosting of very deep trees, for $5 or $6"
MODELS = {
    "tree": (TREE, {"max_depth": [1, None], "min_samples_leaf": np.array([6, 3])}),
    "bayes": GaussianNB(),
    LONG: (KNeighborsClassifier(), {"n_neighbors": [1, 9]}),
}


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def rows():
    X, y = load_iris(return_X_y=True)
    chosen = np.random.default_rng(0).permutation(len(X))[:60]
    return X[chosen] + np.random.default_rng(1).normal(size=(60, 4)), y[chosen]


@pytest.fixture(scope="module")
def nested(rows):
    scoring = ["accuracy", "neg_log_loss"]
    settings = {"outer_cv": 3, "inner_cv": 2, "repeats": 2, "random_state": 0}
    return NestedCV(MODELS, scoring=scoring, refit="accuracy", **settings).fit(*rows)


@pytest.fixture(scope="module")
def plain(rows):
    return NestedCV({"bayes": GaussianNB(), "tree": TREE}, outer_cv=2, random_state=0).fit(*rows)


def texts(legend):
    return [one.get_text() for one in legend.get_texts()]


def scores_of(nested, model, metric, column):
    frame = nested.scores_frame()
    return frame.loc[(frame["model"] == model) & (frame["metric"] == metric), column].to_numpy()


def labels_of_rows(display):
    return [one.get_text().replace("\n", " ") for one in display.ax_.get_yticklabels()]


@pytest.mark.parametrize("metric", ["accuracy", "neg_log_loss"])
def test_outer_scores_are_those_of_the_table(nested, metric):
    display = OuterScoresDisplay.from_estimator(nested, metric=metric, confidence=0.8, markersize=9)
    for points, model in zip(display.points_, MODELS, strict=True):
        expected = scores_of(nested, model, metric, "outer")
        np.testing.assert_array_equal(points.get_xdata(), expected)
        assert (np.diff(points.get_ydata()) > 0).all()  # none hides another
        assert points.get_markersize() == 9
    summary = nested.summary(0.8)
    summary = summary[summary["metric"] == metric]
    np.testing.assert_array_equal(display.means_.get_xdata(), summary["mean"])
    drawn = [segment[:, 0] for segment in display.intervals_.get_segments()]
    np.testing.assert_array_equal(drawn, summary[["lower", "upper"]])
    assert texts(display.legend_)[-1] == "mean, 80 % interval"
    assert labels_of_rows(display) == [name.replace("$", r"\$") for name in MODELS]
    assert display.ax_.get_xlabel() == metric
    display.figure_.canvas.draw()


@pytest.mark.parametrize("repeats", [1, 30])
def test_names_are_not_cut(repeats):
    # Constrained layout warns, which is an error here, if names leave no room for the axes.
    names = [LONG, "x" * 80, "a", *"bcdefgh"]
    rng = np.random.default_rng(0)
    scores = rng.normal(size=(len(names), 5 * repeats))
    place = np.repeat(np.arange(repeats), 5)
    intervals = np.stack([scores.min(1), scores.max(1)], axis=1)
    outer = OuterScoresDisplay(names, scores, place, scores.mean(1), intervals).plot()
    optimism = OptimismDisplay(names, scores + 1, scores, place, np.ones(10), names).plot()
    ranks = CriticalDifferenceDisplay(dict(zip(names, range(1, 11), strict=True)), 2.5).plot()
    for display in (outer, optimism, ranks):
        display.figure_.canvas.draw()
        ax = display.ax_
        written = [*ax.get_yticklabels(), *ax.texts, *display.figure_.legends]
        boxes = [one.get_window_extent() for one in written]
        figure = display.figure_.bbox
        assert all(figure.x0 <= box.x0 and box.x1 <= figure.x1 for box in boxes)
        assert all(figure.y0 <= box.y0 and box.y1 <= figure.y1 for box in boxes)
        apart = [box for box in boxes if box.width]
        for i, one in enumerate(apart):
            assert not any(one.overlaps(other) for other in apart[i + 1 :])


def test_an_interval_that_leaves_out_its_mean_is_drawn():
    display = OuterScoresDisplay(
        ["a"], np.array([[0.7, 0.9]]), np.zeros(2), np.array([0.8]), np.array([[0.5, 0.7]])
    ).plot()
    assert display.intervals_.get_segments()[0][:, 0].tolist() == [0.5, 0.7]


def test_failed_fits_are_named(rows):
    X, y = rows
    broken = DummyClassifier(strategy="constant", constant=0)  # fails on rows that have no zeros
    cv = [
        (np.flatnonzero(y != 0), np.flatnonzero(y == 0)),
        (np.arange(0, 60, 2), np.arange(1, 60, 2)),
    ]
    with pytest.warns(FitFailedWarning):
        nested = NestedCV({"broken": broken, "bayes": GaussianNB()}, outer_cv=cv).fit(X, y)
    display = OuterScoresDisplay.from_estimator(nested)
    assert labels_of_rows(display) == ["broken 1 of 2 fits failed", "bayes"]
    assert np.isnan(display.means_.get_xdata()).tolist() == [True, False]
    display.figure_.canvas.draw()


def test_an_unknown_optimism_is_named():
    inner, outer = np.array([[np.nan, 0.9]]), np.array([[0.7, 0.8]])
    display = OptimismDisplay(["a"], inner, outer, np.zeros(2), np.array([np.nan])).plot()
    assert labels_of_rows(display) == ["a mean optimism unknown: fits failed"]
    display.figure_.canvas.draw()


def test_inner_scores_stand_beside_outer_ones(nested):
    display = OptimismDisplay.from_estimator(nested, metric="accuracy", linewidth=3)
    assert display.left_out == ["bayes"]
    assert "left out, without inner score: bayes" in display.legend_.get_title().get_text()
    summary = nested.summary()
    summary = summary[summary["metric"] == "accuracy"].set_index("model")
    for place, model in enumerate(["tree", LONG]):
        inner = scores_of(nested, model, "accuracy", "inner")
        outer = scores_of(nested, model, "accuracy", "outer")
        np.testing.assert_array_equal(display.inner_[place].get_xdata(), inner)
        np.testing.assert_array_equal(display.outer_[place].get_xdata(), outer)
        segments = np.array(display.lines_[place].get_segments())
        np.testing.assert_array_equal(segments[:, :, 0], np.stack([outer, inner], axis=1))
        np.testing.assert_array_equal(segments[:, 0, 1], display.inner_[place].get_ydata())
        np.testing.assert_array_equal(segments[:, 0, 1], display.outer_[place].get_ydata())
        assert display.lines_[place].get_linewidth() == 3
        band, optimism = display.bands_[place], summary.loc[model, "optimism"]
        assert band.get_width() == optimism
        assert band.get_x() == pytest.approx(summary.loc[model, "mean"])
        assert labels_of_rows(display)[place].endswith(f" mean optimism {optimism:+.3g}")


def test_optimism_needs_a_choice(plain):
    with pytest.raises(ValueError, match=r"None of the models \['bayes', 'tree'\] has an inner"):
        OptimismDisplay.from_estimator(plain)


def test_choices_of_parameters_are_counted(nested):
    display = ParameterStabilityDisplay.from_estimator(nested, "tree", color="green")
    choices = nested.best_params_["tree"]
    assert display.parameters == ["max_depth", "min_samples_leaf"]
    known = nested.selection_frequency_["tree"]["max_depth"]
    assert display.shares["max_depth"] == known
    for ax, points, name in zip(display.ax_, display.points_, display.parameters, strict=True):
        values = list(display.shares[name])
        drawn = [values[int(row)] for row in points.get_ydata()]
        assert drawn == [one[name] for one in choices]
        assert list(points.get_xdata()) == [*range(6)]
        assert [one.get_text() for one in ax.get_yticklabels()] == [str(one) for one in values]
        expected = [f"{100 * drawn.count(one) / 6:.3g} %" for one in values]
        assert [one.get_text() for one in ax.texts] == expected
        assert ax.get_title(loc="left") == name
        assert points.get_color() == "green"
    assert [one.get_text() for one in display.ax_[0].get_xticklabels()] == ["0", "1"]  # repeats
    one = ParameterStabilityDisplay.from_estimator(nested, "tree", parameters=["max_depth"])
    assert len(one.ax_) == 1
    display.figure_.canvas.draw()


def test_values_stand_in_their_order():
    chosen = [{"depth": depth} for depth in (None, np.int64(10), "auto", 2.5, 10, None)]
    display = ParameterStabilityDisplay(chosen, np.zeros(6), np.arange(6), ["depth"])
    expected = {2.5: 1 / 6, 10: 1 / 3, None: 1 / 3, "auto": 1 / 6}
    assert list(display.shares["depth"].items()) == list(expected.items())


def test_many_numbers_are_drawn_as_numbers():
    values = loguniform(1e-3, 1e3).rvs(20, random_state=0)
    steps = [StandardScaler(), MinMaxScaler()] * 10
    choices = [{"C": value, "step": step} for value, step in zip(values, steps, strict=True)]
    del choices[3]["C"]  # of another grid
    display = ParameterStabilityDisplay(choices, np.zeros(20), np.arange(20), ["C", "step"]).plot()
    numbers, rows = display.points_
    np.testing.assert_array_equal(numbers.get_ydata(), np.delete(values, 3))
    np.testing.assert_array_equal(numbers.get_xdata(), np.delete(np.arange(20), 3))
    assert display.ax_[0].get_yscale() == "log"
    assert list(rows.get_ydata()) == [0, 1] * 10
    assert display.shares["step"] == {"StandardScaler()": 0.5, "MinMaxScaler()": 0.5}
    assert sum(display.shares["C"].values()) == pytest.approx(19 / 20)


def test_wrong_models_and_parameters_are_named(nested, plain):
    draw = ParameterStabilityDisplay.from_estimator
    with pytest.raises(ValueError, match=r"models \['tree', .*\] chose parameters; take one by"):
        draw(nested)
    with pytest.raises(ValueError, match=r"name='bayes' chose no parameters; .*\['tree', "):
        draw(nested, "bayes")
    with pytest.raises(ValueError, match=r"name='forest' is no model; .*\['tree', "):
        draw(nested, "forest")
    with pytest.raises(ValueError, match=r"None of the models \['bayes', 'tree'\] chose any"):
        draw(plain)
    with pytest.raises(ValueError, match=r"'C', which 'tree' did not choose; .*'max_depth'"):
        draw(nested, "tree", parameters=["C"])
    with pytest.raises(ValueError, match=r"ax has 1 axes, but there are 2 parameters"):
        draw(nested, "tree", ax=plt.gca())


def test_paired_differences_show_the_posterior(nested):
    display = PairedDifferencesDisplay.from_estimator(
        nested, "tree", "bayes", metric="accuracy", rope=0.02, alpha=1
    )
    scores = [scores_of(nested, model, "accuracy", "outer") for model in ("tree", "bayes")]
    np.testing.assert_array_equal(display.points_.get_xdata(), scores[0] - scores[1])
    assert display.points_.get_alpha() == 1
    assert (np.diff(display.points_.get_ydata()) < 0).all()
    expected = bayesian_correlated_t_test(*scores, rope=0.02, test_size=1 / 3)
    assert display.comparison == expected
    drawn = [expected.second_better, expected.equivalent, expected.first_better]
    legend = texts(display.legend_)
    assert [one.partition(":")[0] for one in legend[:3]] == [f"{one:.3f}" for one in drawn]
    assert "bayes is better" in legend[0]
    assert "tree is better" in legend[2]
    x, density = display.line_.get_data()
    assert x[np.argmax(density)] == pytest.approx(expected.effect, abs=np.diff(x).max())
    error = np.sqrt((1 / 6 + 1 / 2) * np.var(scores[0] - scores[1], ddof=1))
    np.testing.assert_allclose(density, t(5, expected.effect, error).pdf(x))
    for area, share in zip(display.areas_, drawn, strict=True):  # areas are the probabilities
        corners = area.get_paths()[0].vertices
        inside = (x >= corners[:, 0].min()) & (x <= corners[:, 0].max())
        assert trapezoid(density[inside], x[inside]) == pytest.approx(share, abs=5e-3)
    box = display.rope_.get_extents().transformed(display.ax_.transData.inverted())
    assert (box.x0, box.x1) == pytest.approx((-0.02, 0.02))
    assert display.ax_.get_xlabel() == "accuracy,\ntree minus bayes"


def test_equal_differences_are_certain(rows):
    same = NestedCV({"a": GaussianNB(), "b": GaussianNB()}, outer_cv=2, random_state=0).fit(*rows)
    display = PairedDifferencesDisplay.from_estimator(same, "a", "b")
    assert texts(display.legend_)[1] == "1.000: they differ by at most 0.01"
    assert list(display.line_.get_xdata()) == [0.0, 0.0]
    display.figure_.canvas.draw()


def test_wrong_pairs_are_refused(nested, plain):
    draw = PairedDifferencesDisplay.from_estimator
    with pytest.raises(ValueError, match=r"second='forest' is not among .*\['bayes', 'tree'\]"):
        draw(plain, "tree", "forest")
    with pytest.raises(ValueError, match=r"both 'tree'; take two of \['bayes', 'tree'\]"):
        draw(plain, "tree", "tree")
    with pytest.raises(ValueError, match=r"rope=-1 must be"):
        draw(plain, "tree", "bayes", rope=-1)


@pytest.mark.parametrize("racing", ["exact", "anova", None])
def test_lines_of_a_race_end_where_candidates_left(rows, racing):
    grid = {"max_depth": [1, 2, 3], "min_samples_leaf": [1, 5, 40]}
    settings = {"scoring": ["accuracy", "f1_macro"], "refit": "f1_macro"}
    search = GridSearchCV(TREE, grid, cv=6, racing=racing, burn_in=2, **settings).fit(*rows)
    results = search.cv_results_
    done = results.get("n_splits_done", np.full(9, 6))
    assert (min(done) < 6) == (racing is not None)
    for metric in (None, "accuracy"):
        display = RaceDisplay.from_estimator(search, metric=metric, alpha=0.9)
        name = metric or "f1_macro"
        for candidate, line in enumerate(display.lines_):
            scores = [results[f"split{i}_test_{name}"][candidate] for i in range(done[candidate])]
            assert list(line.get_xdata()) == [*range(1, done[candidate] + 1)]
            means = [np.mean(scores[: i + 1]) for i in range(len(scores))]
            np.testing.assert_allclose(line.get_ydata(), means)
            assert line.get_alpha() == 0.9
        assert name in display.ax_.get_ylabel()
    widths = [line.get_linewidth() for line in display.lines_]
    assert widths.index(max(widths)) == search.best_index_
    left, colors = done < 6, [line.get_color() for line in display.lines_]
    others = np.arange(9) != search.best_index_
    assert {colors[i] for i in np.flatnonzero(left & others)} <= {"0.7"}
    assert "0.7" not in {colors[i] for i in np.flatnonzero(~left)}
    expected = [f"to the last split: {(~left & others).sum()}"]
    expected += [f"left before: {left.sum()}"] if left.any() else []
    assert texts(display.legend_)[1:] == expected
    chosen = ", ".join(f"{name}={value}" for name, value in search.best_params_.items())
    assert texts(display.legend_)[0] == f"chosen: {chosen}"


def test_a_search_that_chooses_nothing_is_drawn(rows):
    draws = {"max_depth": [1, 2], "ccp_alpha": [0.1, 0.2]}
    settings = {"scoring": ["accuracy", "f1_macro"], "refit": False, "random_state": 0}
    search = RandomizedSearchCV(TREE, draws, n_iter=2, cv=2, **settings).fit(*rows)
    with pytest.raises(ValueError, match=r"metrics are \['accuracy', 'f1_macro'\]; choose one"):
        RaceDisplay.from_estimator(search)
    display = RaceDisplay.from_estimator(search, metric="accuracy")
    assert texts(display.legend_) == ["to the last split: 2"]
    with pytest.raises(ValueError, match=r"metric='r2' is not among the metrics, \['accuracy'"):
        RaceDisplay.from_estimator(search, metric="r2")


def test_ranks_are_drawn_and_bars_join_what_is_not_different():
    ranks = {"d": 4.0, "a": 1.25, "b": 2.0, "c": 3.5, "e": 4.5}
    result = FriedmanTest("", 0.0, 1.0, 0.0, ranks, 1.5, 0.95, (), "")
    display = CriticalDifferenceDisplay.from_test(result, color="red")
    assert display.groups == [("a", "b"), ("b", "c"), ("c", "d", "e")]
    drawn = [tuple(bar.get_xdata()) for bar in display.bars_]
    assert drawn == [(1.25, 2.0), (2.0, 3.5), (3.5, 4.5)]
    assert {bar.get_color() for bar in display.bars_} == {"red"}
    assert len({bar.get_ydata()[0] for bar in display.bars_}) == 3
    assert {name: stem.get_xdata()[0] for name, stem in display.stems_.items()} == ranks
    assert display.names_["b"].get_text() == "b (2)"
    ends = {name: stem.get_xdata()[-1] for name, stem in display.stems_.items()}
    assert ends == {"a": 1, "b": 1, "c": 1, "d": 5, "e": 5}
    x = display.difference_.get_xdata()
    assert x[1] - x[0] == 1.5
    assert display.ax_.get_xlim() == (1, 5)
    display.figure_.canvas.draw()


def test_bars_are_those_of_nemenyis_test():
    rng = np.random.default_rng(0)
    scores = {f"model {i}": rng.normal(0.6 * i, 1, 12) for i in range(7)}
    result = friedman_test(scores)
    groups = CriticalDifferenceDisplay.from_test(result).groups
    together = {(a, b) for group in groups for a in group for b in group}
    for pair in result.pairs:
        assert ((pair.first, pair.second) in together) == (pair.p_nemenyi >= 0.05)
    assert not any(set(one) < set(other) for one in groups for other in groups)


@pytest.mark.parametrize(
    "display", [OuterScoresDisplay, OptimismDisplay, ParameterStabilityDisplay]
)
def test_only_fitted_nested_cross_validations_are_drawn(display, nested):
    with pytest.raises(NotFittedError):
        display.from_estimator(NestedCV(MODELS))
    with pytest.raises(TypeError, match=r"nested is a GaussianNB; it must be a fitted NestedCV"):
        display.from_estimator(GaussianNB())
    if display is not ParameterStabilityDisplay:
        with pytest.raises(ValueError, match=r"metrics are \['accuracy', 'neg_log_loss'\]; choose"):
            display.from_estimator(nested)
        with pytest.raises(ValueError, match=r"metric='r2' is not among the metrics, \['acc"):
            display.from_estimator(nested, metric="r2")


def test_other_inputs_are_refused():
    with pytest.raises(NotFittedError):
        PairedDifferencesDisplay.from_estimator(NestedCV(MODELS), "tree", "bayes")
    with pytest.raises(NotFittedError):
        RaceDisplay.from_estimator(GridSearchCV(TREE, {}))
    with pytest.raises(TypeError, match=r"result is a dict; it must be what friedman_test returns"):
        CriticalDifferenceDisplay.from_test({"a": 1.0, "b": 2.0})


DISPLAYS = [
    OuterScoresDisplay(["a"], np.ones((1, 2)), np.zeros(2), np.ones(1), np.ones((1, 2))),
    OptimismDisplay(["a"], np.ones((1, 2)), np.ones((1, 2)), np.zeros(2), np.zeros(1)),
    ParameterStabilityDisplay([{"a": 1}, {"a": 2}], np.zeros(2), np.arange(2), ["a"]),
    PairedDifferencesDisplay(
        np.array([[0.1, 0.2]]),
        bayesian_correlated_t_test([0.6, 0.7], [0.5, 0.5], test_size=0.5),
        "a",
        "b",
    ),
    RaceDisplay(np.ones((2, 3)), np.array([3, 3]), 0, {"C": 1}),
    CriticalDifferenceDisplay({"a": 1.0, "b": 2.0, "c": 3.0}, 1.0),
]


@pytest.mark.parametrize("display", DISPLAYS, ids=lambda one: type(one).__name__)
def test_axes_may_be_given_and_matplotlib_is_needed_only_to_plot(display, monkeypatch):
    for layout in (None, "constrained"):
        _, ax = plt.subplots(layout=layout)
        assert display.plot(ax=ax) is display
        assert np.ravel(display.ax_)[0] is ax
        assert display.figure_ is ax.figure
        display.figure_.canvas.draw()
        legend = ax.get_legend()
        if layout and legend:  # it hides nothing where there is room elsewhere
            labels = [ax.bbox, ax.xaxis.label.get_window_extent()]
            assert not any(legend.get_window_extent().overlaps(box) for box in labels)

    def absent(name):
        raise ModuleNotFoundError(f"No module named {name!r}", name="matplotlib")

    monkeypatch.setattr(optional, "import_module", absent)
    name = type(display).__name__
    with pytest.raises(ModuleNotFoundError, match=rf"{name} needs matplotlib.*\[report\]"):
        display.plot()
