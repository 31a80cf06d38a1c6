"""Which device ``device="auto"`` should take, by fits of many sizes on the CPU and on another.

Both devices run in turn in this process. A few epochs stand for all those of a default fit, and the
CPU has all its threads. What starting a device costs is measured in a process of its own::

    python benchmarks/auto_device.py --device cuda

Where there is no other device, the CPU stands beside itself.
"""

import time

import numpy as np
import torch
from command_line import command_line, few, small
from own_process import in_own_process
from plain_network import SINGLE
from ratio import compare

from sklearn_modern.device import AUTO_THRESHOLD, available_devices
from sklearn_modern.neural_network import CNNClassifier, MLPClassifier
from sklearn_modern.training.work import operations

# Rows, features, hidden layers.
TABLES = [
    (500, 20, (128, 128)),
    (5_000, 20, (128, 128)),
    (50_000, 20, (128, 128)),
    (50_000, 20, (16,)),
    (2_000, 100, (512, 512)),
    (20_000, 100, (512, 512)),
    (2_000, 200, (1024, 1024, 1024)),
    (20_000, 200, (1024, 1024, 1024)),
]
# Rows, pixels of a side, width.
IMAGES = [
    (500, 8, 16),
    (5_000, 8, 16),
    (1_000, 28, 16),
    (5_000, 28, 16),
    (2_000, 32, 32),
]
STEPS = 100  # that a fit takes about, where it would take more


def table(n_rows, n_features, units):
    shape = small(n_rows, 100), n_features
    X = np.random.default_rng(0).standard_normal(shape, dtype=np.float32)
    return MLPClassifier(units, **SINGLE, random_state=0), X


def images(n_rows, side, width):
    shape = small(n_rows, 100), 1, side, side
    X = np.random.default_rng(0).standard_normal(shape, dtype=np.float32)
    return CNNClassifier(width=width, random_state=0), X


def measure(name, model, X, device, repeats):
    """Print the seconds of a whole fit on both, and what "auto" takes."""
    y = np.arange(len(X)) % 2
    model.set_params(n_iter_no_change=1000)
    epochs = model.max_iter
    fitted = model.set_params(max_iter=1, device="cpu").fit(X, y)
    objective, batch = fitted.net_.objective, fitted.net_.batch_size
    shown = int(np.clip(small(STEPS, 1) * batch // len(X), 1, epochs))
    model.set_params(max_iter=shown)

    def on(device):
        return lambda: model.set_params(device=device).fit(X, y)

    ratio = compare(on(device), on("cpu"), repeats=repeats)
    cpu, other = (min(side) * epochs / shown for side in (ratio.theirs, ratio.ours))
    step, cost = operations(objective, batch), operations(objective, len(X)) * epochs
    auto = "cpu" if cost < AUTO_THRESHOLD else device
    loss = {"cpu": cpu, device: other}[auto] / min(cpu, other)
    print(
        f"{name:48s} {cost:9.1e} {step:9.1e} {cpu:9.2f} {other:9.2f} {ratio.minimum:8.2f} "
        f"{auto:>6s} {loss:6.2f}",
        flush=True,
    )


def first_fits(device):
    """Return the seconds of the first fit of this process on a device, and of the second."""
    model, X = table(500, 20, (128, 128))
    y, seconds = np.arange(len(X)) % 2, []
    model.set_params(device="cpu").fit(X, y)  # everything is imported
    for _ in range(2):
        begin = time.perf_counter()
        model.set_params(device=device, max_iter=1).fit(X, y)
        seconds.append(time.perf_counter() - begin)
    return seconds


if __name__ == "__main__":
    arguments = command_line(__doc__, repeats=5, device=available_devices()[-1]).parse_args()
    print(f"{torch.get_num_threads()} thread(s), torch {torch.__version__}")
    print(f"threshold of auto: {AUTO_THRESHOLD:.1e} operations")
    first, second = in_own_process("auto_device", f"first_fits({arguments.device!r})")
    print(f"start of {arguments.device}: {first:.2f} s for the first fit, {second:.3f} s after it")
    print(
        f"{'seconds of a default fit':48s} {'all':>9s} {'a step':>9s} {'cpu':>9s} "
        f"{arguments.device:>9s} {'cpu / it':>8s} {'auto':>6s} {'loss':>6s}"
    )
    for make, cases in ((table, TABLES), (images, IMAGES)):
        for case in few(cases, 2):
            model, X = make(*case)
            name = f"{type(model).__name__} {case}"
            measure(name, model, X, arguments.device, arguments.repeats)
