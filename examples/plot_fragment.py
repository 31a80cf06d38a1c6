"""
Growing a string around a fragment
==================================

Most generators write from the beginning to the end, so that a prompt is how a string begins. With
``direction="both"`` two networks write from a mark to the right and to the left in turn. So a
fragment may be given that is to be anywhere, such as the part of a molecule that has to stay.
"""

# %%
# Strings like those of molecules
# -------------------------------
# They are put together from units of the notation SMILES. Which strings could be, a regular
# expression knows. ``SKLEARN_MODERN_QUICK=1`` trains on fewer, as the checks of this project do.

import os
import random
import re

import matplotlib.pyplot as plt

from sklearn_modern.neural_network import RNNGenerator
from sklearn_modern.utils.figures import show_figures

QUICK = os.environ.get("SKLEARN_MODERN_QUICK") == "1"
CHAIN = ["C", "C", "CC", "O", "N", "C(=O)", "C(C)", "C(N)", "C(O)", "S(=O)(=O)"]
RINGS = ["c1ccccc1", "c1ccncc1", "C1CCCC1", "C1CCOCC1"]
WELL_FORMED = re.compile("(" + "|".join(map(re.escape, CHAIN + RINGS)) + ")*")

draw = random.Random(0)


def grown():
    before, after = (draw.choices(CHAIN, k=draw.randint(0, 4)) for _ in range(2))
    return "".join([*before, draw.choice(RINGS), *after])


X = [grown() for _ in range(300 if QUICK else 3000)]
print(X[:4])

# %%
# A generator for each direction
# ------------------------------
# The bits per character are comparable: the likelihood of a string is the sum over all places where
# the mark may be. Samples are well-formed about as often, though a ring may begin on one side and
# end on the other one.

models, test = {}, [grown() for _ in range(20 if QUICK else 300)]
for direction in ("forward", "both"):
    models[direction] = RNNGenerator(
        48,
        direction=direction,
        analyzer="char",
        dropout=0.1,
        batch_size=32,
        max_iter=1 if QUICK else 25,
        device="cpu",
        random_state=0,
    ).fit(X)


def well_formed(texts):
    return sum(WELL_FORMED.fullmatch(text) is not None for text in texts) / len(texts)


for direction, model in models.items():
    bits, samples = model.bits_per_token(test), model.sample(300, random_state=0)
    print(f"{direction}: {bits:.2f} bits per character, well-formed {well_formed(samples):.2f}")

# %%
# Around a fragment
# -----------------
# The fragment is in each sample. A generator that writes forward can only
# begin with it.

fragment = "c1ccccc1"
samples = {
    direction: model.sample(300, prompt=fragment, random_state=0)
    for direction, model in models.items()
}
for direction, found in samples.items():
    has = sum(fragment in text for text in found) / len(found)
    first = sum(text.startswith(fragment) for text in found) / len(found)
    print(
        f"{direction}: has the fragment {has:.2f}, begins with it {first:.2f}, "
        f"well-formed {well_formed(found):.2f}"
    )

fig, axes = plt.subplots(1, 2, figsize=(9, 4.5), layout="constrained")
for ax, (direction, found) in zip(axes, samples.items(), strict=True):
    shown = sorted({text for text in found if WELL_FORMED.fullmatch(text)}, key=found.index)[:14]
    for line, text in enumerate(shown):
        left, right = text.split(fragment, 1)
        how = {"y": line, "family": "monospace", "va": "center", "fontsize": 9}
        ax.text(-0.5, s=left, ha="right", color="tab:blue", **how)
        ax.text(0, s=fragment, ha="center", weight="bold", **how)
        ax.text(0.5, s=right, ha="left", color="tab:orange", **how)
    ax.set(xlim=(-3, 3), ylim=(len(shown), -1), title=f'direction="{direction}"')
    ax.axis("off")
show_figures("fragment")
