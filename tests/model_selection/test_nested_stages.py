from time import sleep

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.datasets import load_iris
from sklearn.dummy import DummyClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier

from sklearn_modern.model_selection import NestedCV
from sklearn_modern.model_selection._nested_stages import fit_in_stages, prepared

X, Y = load_iris(return_X_y=True)
X, Y = X[::3], Y[::3]


class Odd(ClassifierMixin, BaseEstimator):
    """Does what it is told in fit: fails, takes its time, or presses Ctrl-C."""

    def __init__(self, what="fail"):
        self.what = what

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        if self.what == "fail":
            raise ArithmeticError("odd")
        if self.what == "press":
            raise KeyboardInterrupt
        sleep(0.3)
        return self

    def predict(self, X):
        return np.full(len(X), self.classes_[0])


def in_stages(odd=None, **more):
    models = {"dummy": DummyClassifier()}
    models |= {} if odd is None else {"odd": Odd(odd)}
    models |= {
        "neighbours": (KNeighborsClassifier(), {"n_neighbors": [1, 5]}),
        "bayes": GaussianNB(),
    }
    nested = NestedCV(models, outer_cv=3, inner_cv=2, random_state=0, **more)
    return nested, *fit_in_stages(prepared(nested, X, Y))


def same(first, second):
    pd.testing.assert_frame_equal(
        first.scores_frame().drop(columns="seconds"), second.scores_frame().drop(columns="seconds")
    )
    pd.testing.assert_frame_equal(first.predictions_, second.predictions_)
    assert first.best_params_ == second.best_params_
    assert first.n_fits_ == second.n_fits_


def test_stages_give_what_a_fit_gives():
    nested, fitted, stages = in_stages(keep=("predictions", "models"))
    same(fitted, nested.fit(X, Y))
    assert [stage.status for stage in stages] == ["done"] * 3
    assert [len(models) for models in fitted.models_.values()] == [3, 3, 3]
    assert fitted.final_estimator("neighbours").best_params_["n_neighbors"] in (1, 5)


@pytest.mark.parametrize(
    ("odd", "statuses"),
    [
        ("fail", ["done", "failed", "done", "done"]),
        ("press", ["done", "stopped", "not started", "not started"]),
    ],
)
def test_a_model_that_ends_early_costs_only_what_it_must(odd, statuses):
    _, fitted, stages = in_stages(odd)
    assert [stage.status for stage in stages] == statuses
    done = [stage.name for stage in stages if stage.status == "done"]
    assert fitted.scores_frame()["model"].unique().tolist() == done
    assert all(stage.why for stage in stages if stage.status != "done")
    whole = in_stages()[1].scores_frame()
    expected = whole[whole["model"].isin(done)].drop(columns="seconds").reset_index(drop=True)
    pd.testing.assert_frame_equal(fitted.scores_frame().drop(columns="seconds"), expected)


def test_a_model_that_takes_too_long_is_left_out_and_said_how_long():
    _, fitted, stages = in_stages("wait", timeout=0.8)
    by_name = {stage.name: stage for stage in stages}
    assert by_name["odd"].status == "not started"
    assert 0.8 < by_name["odd"].predicted_seconds < 2
    assert "odd" not in fitted.best_params_


class Costly(GaussianNB):
    """Lets a clock tell that its fit takes seconds for each row."""

    now = 0.0

    def __init__(self, seconds=0.0):
        super().__init__()
        self.seconds = seconds

    def fit(self, X, y):
        Costly.now += self.seconds * len(X)
        return super().fit(X, y)


@pytest.mark.parametrize(
    ("timeout", "costs", "n_done"),
    [
        # The outer fits of two models take twice their cost, and a fit to all rows takes it once.
        (17.1, [1, 5], 3),
        (16.9, [1, 5], 2),  # the slow one might be the best
        (3.1, [1, 5], 2),
        (2.9, [1, 5], 1),
        (17.1, [5, 1], 3),
        (16.9, [5, 1], 2),  # the slow one is the best
    ],
)
def test_time_is_kept_for_the_fit_to_all_rows(monkeypatch, timeout, costs, n_done):
    monkeypatch.setattr(Costly, "now", 0.0)
    for module in ("_nested_stages", "_nested_study", "_outcomes"):
        clock = f"sklearn_modern.model_selection.{module}.monotonic"
        monkeypatch.setattr(clock, lambda: Costly.now)
    for module in ("folds", "many"):
        monkeypatch.setattr(f"sklearn_modern._fits.{module}.perf_counter", lambda: Costly.now)
    models = {"dummy": DummyClassifier()} | {f"costs {one}": Costly(one / 48) for one in costs}
    nested = NestedCV(models, outer_cv=3, random_state=0, timeout=timeout)
    fitted, stages = fit_in_stages(prepared(nested, X[:48], Y[:48] == 0))
    assert [stage.status for stage in stages] == ["done"] * n_done + ["not started"] * (3 - n_done)
    fitted.final_estimator("costs 5" if n_done == 3 else None)
    first_fit = 10 / 3 if n_done < 3 else 0  # of what is left out after all
    assert Costly.now <= timeout + first_fit


def test_a_checkpoint_goes_on_after_an_interrupt(tmp_path, monkeypatch):
    path = tmp_path / "record"
    fit, presses = GaussianNB.fit, [True]

    def press_once(self, X, y, sample_weight=None):
        if presses and len(X) == 33 and (y == 0).sum() == 11:
            presses.pop()
            raise KeyboardInterrupt
        return fit(self, X, y)

    monkeypatch.setattr(GaussianNB, "fit", press_once)
    _, _, stages = in_stages(checkpoint=path)
    assert [stage.status for stage in stages] == ["done", "done", "stopped"]
    recorded = path.read_text().count("\n")
    nested, fitted, stages = in_stages(checkpoint=path)
    assert {stage.status for stage in stages} == {"done"}
    assert path.read_text().count("\n") - recorded <= 3
    same(fitted, in_stages()[1])
    same(fitted, nested.fit(X, Y))  # whose checkpoint it is, too


def test_nothing_that_is_done_is_an_error():
    nested = NestedCV({"odd": Odd()}, outer_cv=3, random_state=0)
    with pytest.raises(ValueError, match="ArithmeticError: odd"):
        fit_in_stages(prepared(nested, X, Y))
    nested = NestedCV({"odd": Odd("press")}, outer_cv=3, random_state=0)
    with pytest.raises(KeyboardInterrupt):
        fit_in_stages(prepared(nested, X, Y))


def _marked(model, X, y):
    if isinstance(model, GaussianNB) and X.max() == 99 and len(X) < 20:
        raise ArithmeticError("no score")
    return model.score(X, y)


@pytest.mark.filterwarnings("ignore:Scoring failed")
def test_a_model_without_a_score_on_each_split_has_failed():
    marked = X.copy()
    marked[-1, 0] = 99.0
    models = {"dummy": DummyClassifier(), "bayes": GaussianNB()}
    nested = NestedCV(models, outer_cv=3, scoring={"marked": _marked}, random_state=0)
    fitted, stages = fit_in_stages(prepared(nested, marked, Y))
    assert [stage.status for stage in stages] == ["done", "failed"]
    assert stages[1].why == "1 of 3 outer scores are missing: ArithmeticError: no score"
    assert fitted.scores_frame()["model"].unique().tolist() == ["dummy"]


@pytest.mark.filterwarnings("ignore:Scoring failed")
def test_candidates_that_cannot_be_scored_are_said_why():
    models = {"dummy": DummyClassifier(), "bayes": (GaussianNB(), {"var_smoothing": [1e-9, 1e-8]})}
    nested = NestedCV(models, outer_cv=3, inner_cv=2, scoring={"bad": _unable}, random_state=0)
    _, stages = fit_in_stages(prepared(nested, X, Y))
    assert [stage.status for stage in stages] == ["done", "failed"]
    assert stages[1].why == "ArithmeticError: no bayes"


def _unable(model, X, y):
    if isinstance(model, GaussianNB):
        raise ArithmeticError("no bayes")
    return model.score(X, y)
