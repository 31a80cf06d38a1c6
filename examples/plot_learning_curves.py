"""
What happened during the training?
==================================

A network that predicts badly has learned too little, or too much, or at a bad rate. The losses of
its epochs tell which. Every fit records them, and callbacks see each epoch as it ends.
"""

# %%
# Three rates
# -----------
# The same network learns digits at three rates. ``SKLEARN_MODERN_QUICK=1`` takes fewer epochs, as
# the checks of this project do.

import os

import matplotlib.pyplot as plt
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from skorch.callbacks import Callback

from sklearn_modern.neural_network import LossCurveDisplay, MLPClassifier
from sklearn_modern.utils.figures import show_figures

QUICK = os.environ.get("SKLEARN_MODERN_QUICK") == "1"
EPOCHS = 10 if QUICK else 60

X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.4, random_state=0)


def network(**settings):
    return MLPClassifier(
        n_members=1,
        numerical_embedding=None,
        early_stopping=False,
        n_iter_no_change=EPOCHS,  # nor stop when the loss does not fall
        max_iter=EPOCHS,
        random_state=0,
        **settings,
    )


linear = make_pipeline(StandardScaler(), LogisticRegression()).fit(X_train, y_train)
print(f"logistic regression: accuracy {linear.score(X_test, y_test):.3f}")

figure, panels = plt.subplots(1, 3, figsize=(9, 3), sharey=True, layout="constrained")
for axes, rate in zip(panels, (0.00003, 0.003, 0.3), strict=True):
    fitted = network(learning_rate="constant", learning_rate_init=rate)
    fitted.fit(X_train, y_train, X_val=X_test, y_val=y_test)
    epochs = range(1, EPOCHS + 1)
    axes.plot(epochs, fitted.loss_curve_, label="rows that are learned from")
    # A score is better if it is higher, so that this one is minus the loss.
    axes.plot(epochs, [-score for score in fitted.validation_scores_], label="other rows")
    axes.set(title=f"rate {rate:g}", xlabel="epoch", yscale="log")
    print(f"rate {rate:<7g}: accuracy {fitted.score(X_test, y_test):.3f}")
panels[0].set(ylabel="log-loss")
panels[0].legend()
show_figures("learning_curves_rates")

# %%
# At a low rate both losses still fall when the training ends: it wants more epochs, or a higher
# rate. At a high rate they jump about. In the middle the loss of the rows that are learned from
# goes on falling when the other has come to rest: more epochs bring little. The other rows are the
# test rows here, for the picture only; whoever decides by such curves needs rows of their own.

# %%
# A callback of one's own
# -----------------------
# Callbacks are skorch's. This one writes down the rate of each epoch. The default schedule,
# "one_cycle", begins low, rises, and ends near zero, so that one need not know the best rate well.


class Rates(Callback):
    """Remembers the rate of each epoch."""

    def on_train_begin(self, net, **kwargs):
        """Begin anew."""
        self.rates = []

    def on_epoch_end(self, net, **kwargs):
        """Write the rate down."""
        self.rates.append(net.optimizer_.param_groups[0]["lr"])


fitted = network(callbacks=[("rates", Rates())]).fit(X_train, y_train, X_val=X_test, y_val=y_test)
rates = dict(fitted.net_.callbacks_)["rates"].rates
print(f"one cycle   : accuracy {fitted.score(X_test, y_test):.3f}, rate at most {max(rates):.2g}")

figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.2), layout="constrained")
left.plot(range(1, EPOCHS + 1), rates, marker=".")
left.set(xlabel="epoch", ylabel="rate at its end", title="What the callback has seen")
LossCurveDisplay.from_estimator(fitted, ax=right)
right.set(title="LossCurveDisplay")
show_figures("learning_curves_callback")
