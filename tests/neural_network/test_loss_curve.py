"""The plot of a fitted network's training."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from support.neural_instances import KINDS, each
from support.single_networks import MLPRegressor

from sklearn_modern._core import optional
from sklearn_modern.neural_network import LossCurveDisplay


@pytest.fixture(autouse=True)
def _closed():
    yield
    plt.close("all")


@each(KINDS)
def test_every_network_shows_its_losses(instance):
    estimator = instance.fitted()
    display = LossCurveDisplay.from_estimator(estimator, color="green")
    np.testing.assert_array_equal(display.line_.get_xdata(), [1, 2, 3])
    np.testing.assert_array_equal(display.line_.get_ydata(), estimator.loss_curve_)
    assert display.line_.get_color() == "green"
    assert display.validation_ax_ is None
    assert display.best_epoch_ is None
    display.figure_.canvas.draw()


def test_validation_scores_have_an_axis_of_their_own_and_the_best_is_marked():
    reg = KINDS["MLPRegressor"].fitted(early_stopping=True, n_members=2, max_iter=6)
    _, ax = plt.subplots()
    display = LossCurveDisplay.from_estimator(reg, ax=ax)
    assert display.ax_ is ax
    assert display.figure_ is ax.figure
    np.testing.assert_array_equal(display.validation_line_.get_ydata(), reg.validation_scores_)
    best = reg.validation_scores_.index(reg.best_validation_score_) + 1
    assert display.best_epoch_ == best
    legend = [text.get_text() for text in display.validation_ax_.get_legend().get_texts()]
    assert legend == ["training loss", "validation score", f"best epoch: {best}"]
    again = display.plot()
    assert again is display
    assert again.ax_ is not ax


def test_scores_of_a_warm_start_stand_at_their_epochs():
    X, y = KINDS["MLPRegressor"].data(40)
    reg = KINDS["MLPRegressor"].make(warm_start=True).fit(X, y)
    reg.fit(X, y, X_val=X[:9], y_val=y[:9])
    scores = LossCurveDisplay.from_estimator(reg).validation_line_.get_ydata()
    np.testing.assert_array_equal(scores, [np.nan] * 3 + reg.validation_scores_)


def test_only_fitted_networks_are_plotted():
    with pytest.raises(NotFittedError):
        LossCurveDisplay.from_estimator(MLPRegressor())
    with pytest.raises(TypeError, match=r"a Pipeline, but must be a network.*pipeline\[-1\]"):
        LossCurveDisplay.from_estimator(make_pipeline(StandardScaler(), MLPRegressor()))


def test_matplotlib_is_needed_only_to_plot(monkeypatch):
    def absent(name):
        raise ModuleNotFoundError(f"No module named {name!r}", name="matplotlib")

    monkeypatch.setattr(optional, "import_module", absent)
    display = LossCurveDisplay([1.0, 0.5])
    with pytest.raises(ModuleNotFoundError, match=r"LossCurveDisplay needs matplotlib.*\[report\]"):
        display.plot()
