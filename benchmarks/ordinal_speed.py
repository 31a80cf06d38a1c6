"""Speed of ordinal heads beside softmax, and of their targets beside the reference's loop.

Every row is a ratio of two sides that run in turn in this process::

    python -m pip install --no-deps coral-pytorch
    python benchmarks/ordinal_speed.py --threads 1
    python benchmarks/ordinal_speed.py --threads 2
    python benchmarks/ordinal_speed.py --device cuda
"""

from functools import partial

import numpy as np
import torch
from command_line import command_line, installed, small
from plain_network import SINGLE
from ratio import compare

from sklearn_modern.heads.tasks import passed_levels
from sklearn_modern.neural_network import MLPClassifier
from sklearn_modern.ordinal import OrdinalMLPClassifier

N_ROWS, N_FEATURES = 8000, 20
NETWORKS = {
    "default network": {},
    "two layers of 64, batches of 128": {"hidden_layer_sizes": (64, 64), "batch_size": 128},
}


def fits(repeats, device):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((small(N_ROWS, 200), N_FEATURES), dtype=np.float32)
    score = X[:, :5].sum(axis=1) + rng.standard_normal(len(X))
    for network, settings in NETWORKS.items():
        settings = settings | {"max_iter": 10, "device": device, "random_state": 0}
        for n_levels in (5, 50):
            y = np.searchsorted(np.quantile(score, np.linspace(0, 1, n_levels + 1)[1:-1]), score)
            softmax = MLPClassifier(**SINGLE | settings)
            for method in ("coral", "corn", "niu", "cumulative_link"):
                clf = OrdinalMLPClassifier(method=method, **settings)
                ratio = compare(partial(clf.fit, X, y), partial(softmax.fit, X, y), repeats=repeats)
                name = f"{network}, {n_levels} levels, softmax / {method}"
                print(f"fit, {name}: {ratio}", flush=True)


def targets(repeats):
    from coral_pytorch.dataset import levels_from_labelbatch

    y = torch.from_numpy(np.random.default_rng(0).integers(50, size=20_000))
    assert torch.equal(passed_levels(y[None], 49)[0].T, levels_from_labelbatch(y, 50))
    ratio = compare(
        lambda: passed_levels(y[None], 49), lambda: levels_from_labelbatch(y, 50), repeats=repeats
    )
    print(f"targets of 20,000 rows and 50 levels, coral-pytorch's loop / ours: {ratio}", flush=True)


if __name__ == "__main__":
    arguments = command_line(__doc__, threads=1, repeats=9, device="cpu").parse_args()
    torch.set_num_threads(arguments.threads)
    print(f"{arguments.threads} thread(s), torch {torch.__version__}")
    fits(arguments.repeats, arguments.device)
    if arguments.device == "cpu" and installed("coral_pytorch", "its targets of ordinal heads"):
        targets(arguments.repeats)
