"""
Names that nobody has given yet
===============================

Thousands of people were asked what they call a colour, which gave some 950 names that matplotlib
knows, such as "dusty teal". A network learns from them to write more, character by character. How
does the temperature change what it writes?
"""

# %%
# Learn the names
# ---------------
# Some are held out, to see how likely real names are that the network has not seen. Rude ones are
# left out. ``SKLEARN_MODERN_QUICK=1`` trains for a moment only, as the checks of this project do.

import os

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import XKCD_COLORS
from sklearn.model_selection import train_test_split

from sklearn_modern.neural_network import RNNGenerator
from sklearn_modern.utils.figures import show_figures

QUICK = os.environ.get("SKLEARN_MODERN_QUICK") == "1"
RUDE = "shit", "piss", "poo", "puke", "vomit", "snot", "booger", "diarrhea"
names = [name.removeprefix("xkcd:") for name in XKCD_COLORS]
names = [name for name in names if not any(part in name for part in RUDE)]
train, held_out = train_test_split(names, test_size=0.1, random_state=0)

epochs = 2 if QUICK else 12
gen = RNNGenerator(128, analyzer="char", max_iter=epochs, device="cpu", random_state=0).fit(train)
for what, some in {"seen": train, "held out": held_out}.items():
    print(f"{what}: {gen.bits_per_token(some):.2f} bits a character")

# %%
# Write with caution, or boldly
# -----------------------------

temperatures = [0.2, 0.4, 0.6, 0.8, 1.0, 1.25, 1.5]
n_samples = 20 if QUICK else 500
written = {t: gen.sample(n_samples, temperature=t, random_state=0) for t in temperatures}
for temperature in (0.2, 0.6, 1.0, 1.5):
    print(f"{temperature:>5}  {', '.join(written[temperature][:6])}")

# %%
# What a temperature costs
# ------------------------
# A low temperature writes the same few names again and again; a high one writes new ones, of words
# that are none. The log-likelihood is that of the network itself, at temperature 1. Real names that
# it has not seen are the measure.

words = {word for name in names for word in name.split()}


def share(samples, holds):
    return np.mean([holds(sample) for sample in samples])


shares = {
    "different ones": [len(set(written[t])) / n_samples for t in temperatures],
    "not in the training": [share(written[t], lambda s: s not in train) for t in temperatures],
    "made of known words": [
        share(written[t], lambda s: bool(s.split()) and words.issuperset(s.split()))
        for t in temperatures
    ],
}
log_likelihood = [-gen.bits_per_token(written[t]) for t in temperatures]

figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.5), layout="constrained")
for name, values in shares.items():
    left.plot(temperatures, values, "o-", label=name)
left.set(xlabel="temperature", ylabel="share of the samples", ylim=(-0.05, 1.45))
left.legend(loc="upper right")
right.plot(temperatures, log_likelihood, "o-", label="samples")
right.axhline(-gen.bits_per_token(held_out), color="C1", label="real names, held out")
right.set(xlabel="temperature", ylabel="log-likelihood of a character, bits")
right.legend()
show_figures("names")
