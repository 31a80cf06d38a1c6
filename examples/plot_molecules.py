"""
Molecules: valid, unique, novel, and a focus
============================================

A character RNN that reads molecules as strings learns to write others. What are they worth? And how
does one get a few that are like a small set of interesting ones?
"""

# %%
# Strings like those of molecules
# -------------------------------
# They are put together from units of the notation SMILES, with brackets and rings that have to be
# closed. Which strings could be, a regular expression knows; for real molecules a library of
# chemistry would tell.
# ``SKLEARN_MODERN_QUICK=1`` trains on fewer, as the checks of this project do.

import os
import random
import re

import matplotlib.pyplot as plt
import numpy as np
from sklearn.frozen import FrozenEstimator

from sklearn_modern.neural_network import RNNGenerator
from sklearn_modern.utils.figures import show_figures

QUICK = os.environ.get("SKLEARN_MODERN_QUICK") == "1"
N_TRAIN, N_SAMPLES, EPOCHS = (200, 50, 1) if QUICK else (4000, 1000, 15)
UNITS = ["C", "CC", "O", "N", "C(=O)", "C(C)", "C(F)", "C(O)", "C(CO)", "C(C(=O)O)", "S(=O)(=O)"]
RINGS = ["c1ccccc1", "c1ccncc1", "C1CCCC1", "C1CCOCC1", "c1ccsc1"]
VALID = re.compile("(" + "|".join(map(re.escape, UNITS + RINGS)) + ")+")

draw = random.Random(0)


def molecule():
    units = [draw.choice(UNITS) for _ in range(draw.randint(2, 7))]
    units.insert(draw.randint(0, len(units)), draw.choice(RINGS))
    return "".join(units)


molecules = [molecule() for _ in range(N_TRAIN)]
print(molecules[:3])

settings = {"analyzer": "char", "dropout": 0.1, "device": "cpu", "random_state": 0}
generator = RNNGenerator(128, max_iter=EPOCHS, **settings).fit(molecules)

# %%
# Valid, unique, novel
# --------------------
# Valid is what could be a molecule; unique, which share of these are different ones; novel, which
# share of the different ones the generator has not read. Warm samples leave brackets open. Cold
# ones repeat what is likeliest until they are as long as the longest molecule, where they are cut.

temperatures, known = [0.3, 0.5, 0.7, 1.0, 1.3], set(molecules)
shares = {"valid": [], "unique": [], "novel": []}
for temperature in temperatures:
    samples = generator.sample(N_SAMPLES, temperature=temperature, random_state=0)
    valid = [text for text in samples if VALID.fullmatch(text)]
    different = set(valid)
    n_cut = sum(len(text) == max(map(len, molecules)) for text in samples)
    print(f"temperature {temperature}: cut {n_cut / len(samples):.2f}")
    shares["valid"].append(len(valid) / len(samples))
    shares["unique"].append(len(different) / max(len(valid), 1))
    shares["novel"].append(len(different - known) / max(len(different), 1))

figure, axes = plt.subplots(figsize=(6, 3.5), layout="constrained")
for name, values in shares.items():
    axes.plot(temperatures, values, marker="o", label=name)
axes.set(xlabel="temperature", ylabel="share", ylim=(0, 1.03))
axes.legend()

# %%
# A focus on a few
# ----------------
# Forty molecules with a certain ring are few to learn from. A generator that goes on from the one
# above knows already how molecules are written.

RING = "c1ccsc1"
focus = [text for text in (molecule() for _ in range(1000)) if text.count(RING) == 1][:40]
alone = RNNGenerator(128, max_iter=EPOCHS if QUICK else 40, **settings).fit(focus)
tuned = RNNGenerator(
    128, pretrained=FrozenEstimator(generator), max_iter=EPOCHS, **settings
).fit(focus)  # fmt: skip

names, lines = ["all", "the few alone", "all, then the few"], []
for name, model in zip(names, (generator, alone, tuned), strict=True):
    samples = model.sample(N_SAMPLES, random_state=0)
    valid = [text for text in samples if VALID.fullmatch(text)]
    with_ring = [text for text in valid if RING in text]
    new = set(with_ring) - known - set(focus)
    lines.append([len(part) / len(samples) for part in (valid, with_ring, new)])
    print(f"{name:20} valid {lines[-1][0]:.2f}, with the ring {lines[-1][1]:.2f}, new {len(new)}")

figure, axes = plt.subplots(figsize=(6, 3.5), layout="constrained")
places = np.arange(len(names))
for place, label in enumerate(("valid", "and with the ring", "and new")):
    axes.bar(places + 0.27 * (place - 1), [line[place] for line in lines], 0.25, label=label)
axes.set(xticks=places, xticklabels=names, xlabel="learned from", ylabel="share of samples")
axes.legend(ncols=3, loc="lower center", bbox_to_anchor=(0.5, 1))

show_figures("molecules")
