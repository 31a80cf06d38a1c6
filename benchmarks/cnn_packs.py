"""What searches over convolutional networks save, as small ones of one shape train together.

Both sides run in turn in this process, and are measured in seconds of the processor. Of the loop
over separate fits only every fourth is measured, and counts for four. Each comparison states that
the results are equal::

    OMP_NUM_THREADS=1 python benchmarks/cnn_packs.py
    python benchmarks/cnn_packs.py --device cuda

On a GPU it is the seconds that pass, and results are compared in float64.
"""

import argparse
import time
import warnings

import numpy as np
import torch
from ratio import compare, stopwatch
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.model_selection import KFold, ParameterGrid

from sklearn_modern._fits.fit import Fit
from sklearn_modern._fits.many import fit_many
from sklearn_modern.neural_network import CNNClassifier

GRID = {"learning_rate_init": [0.001, 0.003], "dropout": [0.0, 0.2]}
SETTINGS = {"max_iter": 2, "device": "cpu", "random_state": 0}
SPARE = 4


def make_data(side, n_rows=1795):
    """Digits as bytes, enlarged to whole multiples of 8 x 8 pixels, then with a margin."""
    images, y = load_digits(return_X_y=True)
    images = (images[:n_rows].reshape(-1, 8, 8) * 15).astype(np.uint8)
    factor = side // 8
    images = np.kron(images, np.ones((1, factor, factor), dtype=np.uint8))
    before, after = (side - 8 * factor) // 2, (side - 8 * factor + 1) // 2
    return np.pad(images, [(0, 0), (before, after), (before, after)]), y[:n_rows]


def apart(model, fits):
    return [clone(model).set_params(**fit.params).fit(*fit.data()) for fit in fits]


def together(model, fits):
    found = dict(fit_many(model, fits))
    return [found[position] for position in range(len(fits))]


def of_processor(side):
    start = time.process_time()
    side()
    return time.process_time() - start


def loop_and_pack(name, bar, side, repeats, n_rows=1795, **settings):
    X, y = make_data(side, n_rows)
    folds = [rows for rows, _ in KFold(5, shuffle=True, random_state=0).split(X)]
    fits = [Fit(params, X, y, rows=rows) for rows in folds for params in ParameterGrid(GRID)]
    model, few = CNNClassifier(**SETTINGS | settings), fits[::SPARE]
    on_cpu, checked = SETTINGS["device"] == "cpu", clone(model)
    if not on_cpu:  # where rounding differs, and a training in float32 makes much of that
        checked.set_params(precision="float64")
    pairs = zip(apart(checked, few), together(checked, fits)[::SPARE], strict=True)
    largest = max(np.abs(one.predict_proba(X) - two.predict_proba(X)).max() for one, two in pairs)
    assert largest < 1e-5
    ratio = compare(
        lambda: together(model, fits),
        lambda: apart(model, few),
        repeats=repeats,
        seconds=of_processor if on_cpu else stopwatch,
    )
    print(
        f"{name} (bar {bar}): theirs / ours {SPARE / ratio.minimum:.2f}, predictions differ by at "
        f"most {largest:.0e}",
        flush=True,
    )


def main(repeats):
    loop_and_pack("8 x 8, default, batches of 32", ">= 1.3", 8, repeats)
    loop_and_pack("8 x 8, width 8, batches of 32", ">= 1.5", 8, repeats, width=8)
    loop_and_pack("8 x 8, width 4, batches of 32", ">= 1.8", 8, repeats, width=4)
    loop_and_pack("8 x 8, lenet, batches of 32", ">= 1.5", 8, repeats, architecture="lenet")
    loop_and_pack("8 x 8, resnet, batches of 32", ">= 1.2", 8, repeats, architecture="resnet")
    loop_and_pack("16 x 16, width 8, batches of 32", ">= 1.2", 16, repeats, n_rows=600, width=8)
    loop_and_pack("28 x 28, default, which train apart", ">= 0.95", 28, repeats, n_rows=200)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=1)
    parser.add_argument("--device", default="cpu")
    arguments = parser.parse_args()
    SETTINGS["device"] = arguments.device
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    main(arguments.repeats)
