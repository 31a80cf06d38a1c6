"""
The parameters of a simulator
=============================

A simulator tells what is seen under some parameters. What do the parameters look like that may have
led to what was seen? And can the answer be trusted?
"""

# %%
# A swing that comes to rest
# --------------------------
# A swing has a period and loses height; its place is measured twenty times, with errors.
# ``SKLEARN_MODERN_QUICK=1`` takes less, as the checks of this project do.

import os

import matplotlib.pyplot as plt
import numpy as np

from sklearn_modern.density import PosteriorEstimator
from sklearn_modern.metrics import calibration_ranks, expected_coverage
from sklearn_modern.utils.figures import show_figures

QUICK = os.environ.get("SKLEARN_MODERN_QUICK") == "1"
N_SIMULATIONS, N_CHECKS, SETTINGS = (200, 20, {"max_iter": 2}) if QUICK else (5000, 300, {})
NAMES = ("period", "damping")
LOW, HIGH = np.array([1.0, 0.0]), np.array([4.0, 1.0])

times = np.linspace(0, 6, 20)
random = np.random.default_rng(0)


def swing(parameters, times):
    period, damping = parameters.T[:, :, np.newaxis]
    return np.cos(2 * np.pi * times / period) * np.exp(-damping * times)


def simulate(parameters):
    places = swing(parameters, times)
    return places + 0.2 * random.normal(size=places.shape)


def drawn_parameters(n):
    return random.uniform(LOW, HIGH, size=(n, 2))


# %%
# Many simulations, with parameters from all that is possible, are what the estimator learns from.
# What it was shown is X, and the parameters are y.

y = drawn_parameters(N_SIMULATIONS)
posterior = PosteriorEstimator(prior=(LOW, HIGH), device="cpu", random_state=0, **SETTINGS)
posterior.fit(simulate(y), y)

# %%
# One observation
# ---------------
# Samples of the parameters that may have led to it, and the swings that they stand for.

truth = np.array([[2.2, 0.4]])
seen = simulate(truth)
found = posterior.sample(seen, 1000, random_state=0)[0]
print("mean:", found.mean(axis=0).round(2), "standard deviation:", found.std(axis=0).round(2))

figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.4), layout="constrained")
left.plot(*found.T, ".", markersize=3, label="samples")
left.plot(*truth[0], "k*", markersize=12, label="truth")
left.set(xlabel=NAMES[0], ylabel=NAMES[1], xlim=(LOW[0], HIGH[0]), ylim=(LOW[1], HIGH[1]))
left.set_title("what is left of all that was possible")
left.legend()
dense = np.linspace(0, 6, 200)
right.plot(dense, swing(found[:100], dense).T, color="C0", alpha=0.1)
right.plot(times, seen[0], "ko", markersize=4, label="seen")
right.set(xlabel="time", ylabel="place", title="swings of 100 samples")
right.legend()

# %%
# Is it calibrated?
# -----------------
# New simulations, of which the parameters are known: among samples of its posterior, the true value
# of each has any rank as likely as any other, and 80% of the truths lie in regions of 80%.

y_new = drawn_parameters(N_CHECKS)
X_new = simulate(y_new)
samples = posterior.sample(X_new, 200, random_state=0)
densities = posterior.log_prob(X_new.repeat(200, axis=0), samples.reshape(-1, 2)).reshape(-1, 200)
ranks = calibration_ranks(y_new, samples, random_state=0)
coverage = expected_coverage(posterior.log_prob(X_new, y_new), densities, random_state=0)
for name, p_value in zip(NAMES, ranks.p_value, strict=True):
    print(f"{name}: ranks are uniform, p = {p_value:.2f}")
print(f"coverage is right, p = {coverage.p_value:.2f}")

figure, panels = plt.subplots(1, 3, figsize=(10, 3.2), layout="constrained")
for axes, name, own in zip(panels[:2], NAMES, ranks.ranks.T, strict=True):
    axes.hist(own, bins=np.linspace(0, 200, 11), edgecolor="white")
    axes.axhline(N_CHECKS / 10, color="black", linestyle="--")
    axes.set(xlabel="rank of the truth", title=name)
panels[2].plot([0, 1], [0, 1], "k--")
panels[2].plot(coverage.levels, coverage.coverage, "o-", markersize=4)
panels[2].set(xlabel="probability of the region", ylabel="share of truths in it", title="coverage")
panels[2].set_aspect("equal")

# %%
# Ranks in the middle would tell of posteriors that are too wide, ranks at both ends of some that
# are too narrow; the line of the coverage would lie above or below the diagonal.

show_figures("posterior")
