"""When a second thread pays: fits with two threads and with one, by the work of a step per layer.

Both sides run in turn in this process. ``--busy`` starts processes that keep cores busy meanwhile::

    python benchmarks/threads.py
    python benchmarks/threads.py --busy 2
"""

import multiprocessing

import numpy as np
import torch
from command_line import command_line, few, small
from plain_network import SINGLE
from ratio import compare

from sklearn_modern.neural_network import CNNClassifier, MLPClassifier
from sklearn_modern.training import work

SETTINGS = {"max_iter": 2, "device": "cpu", "random_state": 0}


def mlp(units, n_rows=10_000, n_features=20):
    return MLPClassifier(units, **SINGLE | SETTINGS | {"batch_size": 256}), (n_rows, n_features)


def cnn(side, n_rows=400, **settings):
    return CNNClassifier(**settings, **SETTINGS), (n_rows, 1, side, side)


CASES = {
    "MLP, (64, 64)": mlp((64, 64), n_rows=20_000),
    "MLP, (128, 128)": mlp((128, 128), n_rows=20_000),
    "MLP, (256, 256)": mlp((256, 256), n_features=50),
    "MLP, (512, 512)": mlp((512, 512), n_rows=8000, n_features=50),
    "MLP, (128,) * 8": mlp((128,) * 8),
    "CNN, 8 x 8": cnn(8, n_rows=600),
    "CNN, 12 x 12": cnn(12),
    "CNN, 16 x 16": cnn(16),
    "CNN, 20 x 20": cnn(20),
    "CNN, 28 x 28": cnn(28, n_rows=200),
    "CNN, resnet, 8 x 8": cnn(8, architecture="resnet"),
    "CNN, resnet, 16 x 16": cnn(16, n_rows=200, architecture="resnet"),
}


def spin():
    while True:
        pass


def fit(model, X, y, small_layer):
    """Fit with one thread where layers have less work than this."""
    work._SMALL_LAYER = small_layer
    return model.fit(X, y)


def report(name, model, shape, repeats):
    shape = small(shape[0], 100), *shape[1:]
    X = np.random.default_rng(0).standard_normal(shape, dtype=np.float32)
    y = (X.reshape(len(X), -1)[:, 0] > 0).astype(np.int64)
    ratio = compare(
        lambda: fit(model, X, y, np.inf), lambda: fit(model, X, y, 0.0), repeats=repeats
    )
    net = model.net_
    per_layer = work.operations(net.objective, net.batch_size) / work.n_layers(net.objective)
    print(f"{name}, {per_layer:.1e} operations per layer: two / one {ratio}", flush=True)


if __name__ == "__main__":
    parser = command_line(__doc__, busy=0, repeats=3)
    parser.add_argument("--cases", nargs="*", default=list(CASES), choices=list(CASES))
    arguments = parser.parse_args()
    torch.set_num_threads(2)
    print(f"beside {arguments.busy} busy processes, torch {torch.__version__}")
    for _ in range(arguments.busy):
        multiprocessing.Process(target=spin, daemon=True).start()
    for name in few(arguments.cases, 3):
        report(name, *CASES[name], arguments.repeats)
