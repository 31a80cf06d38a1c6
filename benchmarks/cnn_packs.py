"""What searches over convolutional networks save, as small ones of one shape train together.

Both sides run in turn in this process, and are measured in seconds of the processor. Of the loop
over separate fits only every fourth is measured, and counts for four. Each comparison states that
the results are equal::

    OMP_NUM_THREADS=1 python benchmarks/cnn_packs.py
    python benchmarks/cnn_packs.py --device cuda

On a GPU it is the seconds that pass, and results are compared in float64.
"""

import warnings

import numpy as np
import torch
from command_line import command_line, few, small
from many_fits import loop_and_pack
from sklearn.datasets import load_digits
from sklearn.model_selection import KFold, ParameterGrid

from sklearn_modern._fits.fit import Fit
from sklearn_modern.neural_network import CNNClassifier

GRID = {"learning_rate_init": [0.001, 0.003], "dropout": [0.0, 0.2]}
SETTINGS = {"max_iter": 2, "device": "cpu", "random_state": 0}
PARTS = 4  # of the loop, of which one is run


def make_data(side, n_rows):
    """Digits as bytes, enlarged to whole multiples of 8 x 8 pixels, then with a margin."""
    n_rows = small(n_rows, 60)
    images, y = load_digits(return_X_y=True)
    images = (images[:n_rows].reshape(-1, 8, 8) * 15).astype(np.uint8)
    factor = side // 8
    images = np.kron(images, np.ones((1, factor, factor), dtype=np.uint8))
    before, after = (side - 8 * factor) // 2, (side - 8 * factor + 1) // 2
    return np.pad(images, [(0, 0), (before, after), (before, after)]), y[:n_rows]


def measure(name, side, n_rows, settings, repeats):
    X, y = make_data(side, n_rows)
    folds = [rows for rows, _ in KFold(5, shuffle=True, random_state=0).split(X)]
    fits = [Fit(params, X, y, rows=rows) for rows in folds for params in ParameterGrid(GRID)]
    model = CNNClassifier(**SETTINGS | settings)
    loop_and_pack(name, model, fits, X, parts=PARTS, repeats=repeats)


# Name, pixels of a side, rows, parameters.
CASES = [
    ("8 x 8, default, batches of 32", 8, 1795, {}),
    ("8 x 8, width 8, batches of 32", 8, 1795, {"width": 8}),
    ("8 x 8, width 4, batches of 32", 8, 1795, {"width": 4}),
    ("8 x 8, lenet, batches of 32", 8, 1795, {"architecture": "lenet"}),
    ("8 x 8, resnet, batches of 32", 8, 1795, {"architecture": "resnet"}),
    ("16 x 16, width 8, batches of 32", 16, 600, {"width": 8}),
    ("28 x 28, default, which train apart", 28, 200, {}),
]


if __name__ == "__main__":
    arguments = command_line(__doc__, repeats=1, device="cpu").parse_args()
    SETTINGS["device"] = arguments.device
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    for case in few(CASES, 2):
        measure(*case, arguments.repeats)
