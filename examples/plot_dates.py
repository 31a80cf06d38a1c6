"""
Dates to ISO, and where the network looks
=========================================

A network reads dates as people write them, and writes them as ISO 8601 has them. The attention
tells which characters it looks at while it writes each of its own.
"""

# %%
# Dates in eight spellings
# ------------------------
# ``SKLEARN_MODERN_QUICK=1`` trains on fewer dates, as the checks of this project do.

import datetime
import os
import random

import matplotlib.pyplot as plt

from sklearn_modern.neural_network import RNNSeq2Seq
from sklearn_modern.utils.figures import show_figures

QUICK = os.environ.get("SKLEARN_MODERN_QUICK") == "1"
SPELLINGS = [
    "%d %B %Y",
    "%B %d, %Y",
    "%d.%m.%Y",
    "%m/%d/%Y",
    "%A, %d %B %Y",
    "%d-%b-%Y",
    "%b %d %Y",
    "%Y/%m/%d, %a",
]

draw, first = random.Random(0), datetime.date(1950, 1, 1).toordinal()
dates = [datetime.date.fromordinal(first + draw.randrange(36_500)) for _ in range(5200)]
dates = dates[:300] if QUICK else dates
X = [date.strftime(draw.choice(SPELLINGS)) for date in dates]
y = [date.isoformat() for date in dates]

# %%
# A fit, and dates that it has not seen
# -------------------------------------
# Dates have blanks, but are read by characters.

model = RNNSeq2Seq(
    analyzer="char",
    lowercase=False,
    max_iter=1 if QUICK else 15,
    device="cpu",
    random_state=0,
)
model.fit(X[200:], y[200:])
for text, found in zip(X[:5], model.predict(X[:5]), strict=True):
    print(f"{text:>28}  {found}")
print(f"exactly right: {model.score(X[:200], y[:200]):.3f}")

# %%
# Where it looks
# --------------
# Each row of a picture is a character that is written; it sums to one over those that are read.

fig, axes = plt.subplots(2, 1, figsize=(8, 7), layout="constrained")
for ax, text in zip(axes, ["24 December 1999", "07/04/1976"], strict=True):
    (weights,) = model.align([text])
    written = model.predict([text])[0]
    ax.imshow(weights, cmap="Greys", aspect="auto", vmin=0, vmax=1)
    ax.set_xticks(range(len(text)), list(text))
    ax.set_yticks(range(len(written)), list(written))
    ax.set(xlabel="read", ylabel="written")
show_figures("dates")
