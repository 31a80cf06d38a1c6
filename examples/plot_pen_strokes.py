"""
Pen strokes
===========

A pen draws digits, in one stroke each. A network that has seen only how far the pen moved, step by
step, draws digits of its own, and says where the pen may go next.
"""

# %%
# Digits of a hand
# ----------------
# Each digit is a smooth curve through some points; size, slant and the points vary. A stroke is
# what the network reads: an array (steps, 2) of moves to the right and upwards.
# ``SKLEARN_MODERN_QUICK=1`` draws few, as the checks of this project do.

import os

import matplotlib.pyplot as plt
import numpy as np
from scipy.interpolate import CubicSpline

from sklearn_modern.neural_network import RNNGenerator
from sklearn_modern.utils.figures import show_figures

QUICK = os.environ.get("SKLEARN_MODERN_QUICK") == "1"
N_STROKES, EPOCHS = (40, 2) if QUICK else (1200, 60)
STEP = 0.2

POINTS = {
    2: [(0, 1.6), (0.5, 2), (0.95, 1.5), (0.6, 0.8), (0, 0), (0.6, 0), (1.1, 0.1)],
    3: [(0, 1.6), (0.5, 2), (0.95, 1.5), (0.4, 1.1), (1, 0.6), (0.5, 0), (0, 0.3)],
    6: [(0.8, 2), (0.3, 1.4), (0, 0.6), (0.4, 0), (0.9, 0.4), (0.5, 0.9), (0.1, 0.6)],
    8: [(0.9, 1.7), (0.5, 2), (0.1, 1.6), (0.8, 0.7), (0.4, 0), (0.1, 0.4), (0.9, 1.7)],
}


def stroke(digit, rng):
    points = np.array(POINTS[digit]) + rng.normal(scale=0.04, size=(len(POINTS[digit]), 2))
    points[:, 0] += rng.normal(scale=0.15) * points[:, 1]
    points *= rng.uniform(0.8, 1.2)
    curve = CubicSpline(np.linspace(0, 1, len(points)), points)(np.linspace(0, 1, 200))
    # Steps of about equal length, as a pen has that is watched at equal times.
    way = np.append(0, np.hypot(*np.diff(curve, axis=0).T).cumsum())
    places = np.linspace(0, way[-1], round(way[-1] / STEP) + 1)
    path = np.column_stack([np.interp(places, way, axis) for axis in curve.T])
    return np.diff(path, axis=0)


rng = np.random.default_rng(0)
strokes = [stroke(digit, rng) for digit in rng.choice(list(POINTS), size=N_STROKES)]

# %%
# Learn to draw
# -------------
# The next move follows a mixture of Gaussians, and the stroke may end after each.

gen = RNNGenerator(128, n_components=5, max_iter=EPOCHS, device="cpu", random_state=0)
gen.fit(strokes)


def draw(ax, moves, **how):
    ax.plot(*np.vstack([[0, 0], moves]).cumsum(axis=0).T, **how)
    ax.set_aspect("equal")
    ax.axis("off")


figure, axes = plt.subplots(4, 8, figsize=(8, 5), layout="constrained")
drawn = gen.sample(16, temperature=0.7, random_state=0)
for row, (name, shown) in enumerate({"seen": strokes[:16], "written": drawn}.items()):
    for ax, moves in zip(axes[2 * row : 2 * row + 2].flat, shown, strict=True):
        draw(ax, moves, color=f"C{row}")
    axes[2 * row, 0].set_title(name, loc="left")

# %%
# Where may the pen go next?
# --------------------------
# Of a 2 the network is given more and more. Below is how it goes on: at first with any digit, then
# with a 2 or a 3, which begin alike. Above is the density of the next move, from thousand of them.

given = stroke(2, np.random.default_rng(1))
figure, axes = plt.subplots(2, 4, figsize=(9, 5), layout="constrained")
for (above, below), n_given in zip(axes.T, (0, 4, 6, 8), strict=True):
    start = given[:n_given]
    moves = gen.sample(1000, prompt=start, max_length=n_given + 1, random_state=0)
    nexts = np.array([move[-1] for move in moves if len(move) > n_given])
    above.hist2d(*nexts.T, bins=40, range=[[-0.3, 0.3]] * 2, cmap="Greys", norm="log")
    above.set_aspect("equal")
    above.set(title=f"after {n_given} moves", xlabel="right", ylabel="up")
    for moves in gen.sample(20, prompt=start, temperature=0.7, random_state=0):
        draw(below, moves, color="C1", alpha=0.4)
    draw(below, start, color="black")
show_figures("pen_strokes")
