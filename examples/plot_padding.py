"""
Why padding must not matter
===========================

Sequences of unequal length are filled up with zeros before a network gets them together. If it
takes these for steps, what it says of a row changes with the rows that happen to be beside it. Here
is such a network, and how far its predictions move.
"""

# %%
# A network without a mask, and ours
# ----------------------------------
# ``nn.LSTM`` reads on to the padded end of a row, as it does not know where the row ends. Both
# networks have the same layers and are trained on the same rows.
# ``SKLEARN_MODERN_QUICK=1`` trains for less time, as the checks of this project do.

import os

import matplotlib.pyplot as plt
import numpy as np
import torch
from torch import nn

from sklearn_modern.neural_network import RNNClassifier
from sklearn_modern.utils.figures import show_figures

QUICK = os.environ.get("SKLEARN_MODERN_QUICK") == "1"
EPOCHS = 1 if QUICK else 15

rng = np.random.default_rng(0)
X = [rng.normal(size=(length, 2)).astype(np.float32) for length in rng.integers(3, 25, 300)]
y = np.array([int(row[-3:, 0].sum() > 0) for row in X])  # the last steps tell


class WithoutMask(nn.Module):
    """A network that takes what fills a row up for steps."""

    def __init__(self):
        super().__init__()
        self.layer = nn.LSTM(2, 32, batch_first=True)
        self.out = nn.Linear(32, 2)

    def forward(self, rows):
        """Map rows of unequal length to scores of the classes."""
        padded = nn.utils.rnn.pad_sequence([torch.from_numpy(row) for row in rows], True)
        return self.out(self.layer(padded)[0][:, -1])


torch.manual_seed(0)
careless = WithoutMask()
optimizer = torch.optim.Adam(careless.parameters(), lr=0.003)
for _ in range(EPOCHS):
    for rows in np.array_split(rng.permutation(300), 20):
        loss = nn.functional.cross_entropy(careless([X[i] for i in rows]), torch.tensor(y[rows]))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

ours = RNNClassifier(
    (32,), bidirectional=False, pooling="last", max_iter=EPOCHS, device="cpu", random_state=0
).fit(X, y)

# %%
# The same rows beside others
# ---------------------------
# Each of 100 rows is predicted alone, and once more beside a row of 60 steps.

longer = rng.normal(size=(60, 2)).astype(np.float32)


def careless_probability(rows):
    with torch.inference_mode():
        return careless(rows).softmax(1)[:, 1].numpy()


def our_probability(rows):
    return ours.predict_proba(rows)[:, 1]


figure, axes = plt.subplots(1, 2, figsize=(9, 4), sharey=True, layout="constrained")
for axis, name, probability in zip(
    axes, ("nn.LSTM without a mask", "RNNClassifier"), (careless_probability, our_probability),
    strict=True,
):  # fmt: skip
    alone = np.array([probability([row])[0] for row in X[:100]])
    beside = np.array([probability([row, longer])[0] for row in X[:100]])
    changed = ((alone > 0.5) != (beside > 0.5)).mean()
    print(f"{name}: moves by up to {np.abs(alone - beside).max():.1g}; {changed:.0%} change class")
    axis.plot([0, 1], [0, 1], color="gray", linewidth=1)
    axis.plot(alone, beside, "o", alpha=0.6)
    axis.set(title=name, xlabel="probability of the row alone")
axes[0].set_ylabel("the same, beside a longer row")
show_figures("padding")

# %%
# The careless network has learned to live with as many zeros as it met in training; beside a longer
# row it meets more of them, and its probabilities move, for some rows to another class. Ours stops
# at each row's own end, and nothing moves.
