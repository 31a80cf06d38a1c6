"""
Spelling to sound
=================

Italian is spelled by rules: "gli" is one sound, "c" is one before "a" and another one before "e".
A network learns these rules from words with their sounds; here the words are made up, and the
sounds come from the rules. The attention shows where it looks for each sound.
"""

# %%
# Rules, and words that are made up
# ---------------------------------
# The first rule that fits counts; a letter without one is its own sound. Words are rows of
# syllables. ``SKLEARN_MODERN_QUICK=1`` trains on fewer words, as the checks of this project do.

import os
import random
import re

import matplotlib.pyplot as plt

from sklearn_modern.metrics import token_error_rate
from sklearn_modern.neural_network import RNNSeq2Seq
from sklearn_modern.utils.figures import show_figures

QUICK = os.environ.get("SKLEARN_MODERN_QUICK") == "1"
RULES = {
    "sci(?=[aou])|sc(?=[ei])": "ʃ",
    "gli(?=[aeou])|gl(?=i)": "ʎ",
    "gn": "ɲ",
    "ci(?=[aou])|c(?=[ei])": "tʃ",
    "gi(?=[aou])|g(?=[ei])": "dʒ",
    "ch|c": "k",
    "gh|g": "g",
    "qu": "kw",
    "z": "ts",
}


def sounds(word):
    found = []
    while word:
        rule = next((rule for rule in RULES if re.match(rule, word)), word[0])
        found.append(RULES.get(rule, word[0]))
        word = word[re.match(rule, word).end() :]
    return found


BEFORE = ["", *"bcdfglmnprstvz", "qu", "ch", "gh", "gl", "gn", "sc", "st", "tr"]
VOWELS, AFTER = [*"aeiou", "ia", "io"], ["", "", "", "n", "r", "s"]

draw = random.Random(0)
syllables = [first + vowel + last for first in BEFORE for vowel in VOWELS for last in AFTER]
words = ["".join(draw.choices(syllables, k=draw.randint(2, 3))) for _ in range(4000)]
words = sorted(set(words[:300] if QUICK else words), key=lambda word: draw.random())
for word in words[:3]:
    print(word, sounds(word))

# %%
# Words that it has not seen
# --------------------------
# Texts without blanks are read by characters. Sounds are lists, as "tʃ" is one of them. The token
# error rate is the number of sounds that are wrong, missing or too many, over the number of sounds;
# the score is the share of words that are right from the first sound to the last.

test, train = words[:200], words[200:]
model = RNNSeq2Seq(max_iter=1 if QUICK else 20, device="cpu", random_state=0)
model.fit(train, [sounds(word) for word in train])
truth, predicted = [sounds(word) for word in test], model.predict(test)
print(f"sounds that are wrong: {token_error_rate(truth, predicted):.4f}")
print(f"words that are right: {model.score(test, truth):.3f}")

# %%
# Words that exist
# ----------------
# What is in no training word, such as "mm", was not to be learned.

italian = ["ciao", "chiesa", "pesce", "famiglia", "giugno", "quercia", "ghianda", "scimmia"]
for word, found in zip(italian, model.predict(italian), strict=True):
    right = "" if found == sounds(word) else f"   but it is {' '.join(sounds(word))}"
    print(f"{word:>10}  {' '.join(found)}{right}")

# %%
# Where it looks
# --------------
# Each row is a sound; its shades sum to one over the letters. For a sound of several letters it
# looks at the first of them most: what it knows of a letter has been read from both sides, and says
# what follows.

fig, axes = plt.subplots(1, 2, figsize=(9, 4), layout="constrained")
for ax, word in zip(axes, ["famiglia", "chiesa"], strict=True):
    (weights,) = model.align([word], [sounds(word)])
    ax.imshow(weights, cmap="Greys", aspect="auto", vmin=0, vmax=1)
    ax.set_xticks(range(len(word)), list(word))
    ax.set_yticks(range(len(weights)), sounds(word))
    ax.set(xlabel="letter", ylabel="sound", title=word)
show_figures("spelling_to_sound")
