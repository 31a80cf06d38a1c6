"""
Spelling: characters against words
==================================

People who write to a shop mistype. A network over words knows a mistyped word only as an unknown
one; a network over characters still sees most of its letters. How much is that worth, and is a
network needed for it at all?
"""

# %%
# Messages
# --------
# Each is about one of four things, which one word in it says. Every word is mistyped with the same
# probability: a letter is left out, doubled, or swapped with the next.
# ``SKLEARN_MODERN_QUICK=1`` takes fewer messages, as the checks of this project do.

import os

import matplotlib.pyplot as plt
import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from sklearn_modern.neural_network import SequenceCNNClassifier
from sklearn_modern.utils.figures import show_figures

QUICK = os.environ.get("SKLEARN_MODERN_QUICK") == "1"
N_TRAIN, N_TEST, SHARES = (60, 60, (0.5,)) if QUICK else (400, 1000, (0.0, 0.25, 0.5, 1.0))

ABOUT = {
    "parcel": ["parcel", "delivery", "courier", "package", "postman", "tracking"],
    "money": ["refund", "invoice", "payment", "charged", "billing", "receipt"],
    "account": ["password", "login", "account", "username", "registration", "email"],
    "goods": ["broken", "damaged", "scratched", "defective", "cracked", "missing"],
}
OTHERS = """hello please thanks could you tell me about the my what is wrong with still since
monday waiting for an answer i have asked twice already regards order number and it not yet"""


def mistyped(word, rng):
    place = rng.integers(len(word))
    kind = rng.integers(3)
    if kind == 0 and len(word) > 1:
        return word[:place] + word[place + 1 :]
    if kind == 1 and place + 1 < len(word):
        return word[:place] + word[place + 1] + word[place] + word[place + 2 :]
    return word[:place] + word[place] + word[place:]


def messages(n, share, rng):
    texts, labels = [], rng.choice(list(ABOUT), size=n)
    for label in labels:
        words = list(rng.choice(OTHERS.split(), size=rng.integers(3, 15)))
        words.insert(rng.integers(len(words)), rng.choice(ABOUT[label]))
        wrong = rng.random(len(words)) < share
        pairs = zip(words, wrong, strict=True)
        texts.append(" ".join(mistyped(word, rng) if bad else word for word, bad in pairs))
    return texts, labels


for text, label in zip(*messages(3, 0.5, np.random.default_rng(1)), strict=True):
    print(f"{label}: {text}")

# %%
# Four models
# -----------
# Both networks are the same but for ``analyzer``. Over characters, kernels of 3 to 7 are as long as
# syllables. Logistic regression gets words, or pieces of 2 to 4 characters.


def cnn(**settings):
    return SequenceCNNClassifier(device="cpu", random_state=0, **settings)


def logistic(**settings):
    return make_pipeline(TfidfVectorizer(**settings), LogisticRegression(C=10, max_iter=1000))


MODELS = {
    "CNN, words": cnn(analyzer="word"),
    "CNN, characters": cnn(analyzer="char", kernel_sizes=(3, 5, 7), max_iter=20),
    "TF-IDF, words": logistic(),
    "TF-IDF, characters": logistic(analyzer="char_wb", ngram_range=(2, 4)),
}
accuracy = {name: [] for name in MODELS}
for share in SHARES:
    rng = np.random.default_rng(0)
    X, y = messages(N_TRAIN, share, rng)
    X_test, y_test = messages(N_TEST, share, rng)
    for name, model in MODELS.items():
        accuracy[name].append(model.fit(X, y).score(X_test, y_test))
        print(f"{share:.0%} of words mistyped, {name}: {accuracy[name][-1]:.3f}")

# %%
# What comes out
# --------------
# Where all words are spelled well, words are enough. The more mistakes there are, the nearer models
# over words come to guessing, while both models over characters lose little, the network least.
# Logistic regression over pieces of words is close, and takes a fraction of the time: begin with
# it.

figure, axes = plt.subplots(figsize=(7, 4), layout="constrained")
for name, scores in accuracy.items():
    style = "o-" if "characters" in name else "s--"
    colour = "tab:blue" if "CNN" in name else "tab:orange"
    axes.plot(SHARES, scores, style, color=colour, label=name)
axes.axhline(1 / len(ABOUT), color="gray", linestyle=":", label="guessing")
axes.set(xlabel="share of words that are mistyped", ylabel="accuracy on new messages")
axes.legend()
show_figures("spelling")
