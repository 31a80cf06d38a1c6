"""
Recordings of unequal length, chosen among by nested cross-validation
======================================================================

A sensor was left running for as long as each person walked, so that no two recordings are equally
long. Is a network over the recordings as they are better than a model over summaries of them?
"""

# %%
# Recordings
# ----------
# Two channels of acceleration. Who limps has every second step weaker: the sizes of steps are the
# same on average as those of people who walk with uneven strength, and only their order tells.
# ``SKLEARN_MODERN_QUICK=1`` takes fewer, as the checks of this project do.

import os

import matplotlib.pyplot as plt
import numpy as np
from sklearn.ensemble import RandomForestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from sklearn_modern.model_selection import NestedCV
from sklearn_modern.neural_network import RNNClassifier, SequenceCNNClassifier
from sklearn_modern.utils.figures import show_figures

QUICK = os.environ.get("SKLEARN_MODERN_QUICK") == "1"
N_PEOPLE, EPOCHS = (30, 2) if QUICK else (120, 15)


def walk(limps, rng):
    sizes = np.where(np.arange(rng.integers(8, 25)) % 2, 0.6, 1.4)
    if not limps:
        rng.shuffle(sizes)
    beat = np.sin(np.linspace(0, np.pi, 6))
    up = np.concatenate([size * beat for size in sizes])
    along = np.roll(up, 2)
    return np.column_stack([up, along]) + rng.normal(scale=0.3, size=(len(up), 2))


rng = np.random.default_rng(0)
y = rng.choice(["limps", "walks"], size=N_PEOPLE)
recordings = np.empty(N_PEOPLE, dtype=object)
recordings[:] = [walk(label == "limps", rng) for label in y]
print("steps of the first five recordings:", [len(recording) for recording in recordings[:5]])

# %%
# Three models
# ------------
# The networks get the object array as it is, also inside a Pipeline, in which each recording is
# smoothed before; whether that helps is chosen in the inner folds. The forest gets what people
# compute by hand: means, deviations and extremes of the channels, and the length.


def smoothed(recordings, width=1):
    kernel, result = np.ones(width) / width, np.empty(len(recordings), dtype=object)
    for place, recording in enumerate(recordings):
        channels = [np.convolve(channel, kernel, mode="same") for channel in recording.T]
        result[place] = np.column_stack(channels)
    return result


def summaries(recordings):
    return np.array([
        [len(r), *r.mean(0), *r.std(0), *r.min(0), *r.max(0)] for r in recordings
    ])  # fmt: skip


settings = {"max_iter": EPOCHS, "device": "cpu", "random_state": 0}
smooth = FunctionTransformer(smoothed, kw_args={"width": 1})
widths = {"functiontransformer__kw_args": [{"width": 1}, {"width": 3}]}
models = {
    "forest over summaries": make_pipeline(
        FunctionTransformer(summaries), RandomForestClassifier(random_state=0)
    ),
    "recurrent network": (make_pipeline(smooth, RNNClassifier((32,), **settings)), widths),
    "convolutional network": (
        make_pipeline(smooth, SequenceCNNClassifier(width=8, depth=2, **settings)),
        widths,
    ),
}
nested = NestedCV(models, outer_cv=5, inner_cv=2, scoring="accuracy", random_state=0)
nested.fit(recordings, y)
summary = nested.summary()
print(summary[["model", "mean", "lower", "upper"]].round(3).to_string(index=False))

# %%
# What comes out
# --------------
# Summaries do not know the order of steps, and guess. Networks over the recordings see it, and need
# neither padding nor cutting. The intervals take scores of folds for normal, and so end beyond 1
# where nearly all are right; the chart cuts them there.

figure, (left, right) = plt.subplots(1, 2, figsize=(10, 3.5), layout="constrained")
for place, label in enumerate(("limps", "walks")):
    left.plot(recordings[y == label][0][:, 0] + 4 * place, label=label)
left.set(xlabel="time step", ylabel="acceleration (moved apart)", title="Two recordings")
left.legend()
middle = summary["mean"]
errors = [middle - summary["lower"], summary["upper"].clip(upper=1) - middle]
right.errorbar(middle, range(len(summary)), xerr=errors, fmt="o", capsize=4)
right.axvline(0.5, color="gray", linestyle=":", label="guessing")
right.set(
    title="Three models",
    xlabel="accuracy on outer folds, with 95 % intervals",
    ylim=(-0.5, len(summary) - 0.5),
)
right.set_yticks(range(len(summary)), summary["model"])
right.legend()
show_figures("recordings")
