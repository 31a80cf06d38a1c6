"""Speed and memory of CNNClassifier beside a bare PyTorch loop and skorch.

Every row is a ratio of two sides that run in turn in this process::

    python benchmarks/cnn_speed.py --threads 1
    python benchmarks/cnn_speed.py --threads 2
    python benchmarks/cnn_speed.py --device cuda
"""

import numpy as np
import torch
from command_line import command_line, small
from own_process import in_own_process, peak_memory
from ratio import compare
from skorch import NeuralNetClassifier
from torch import nn

from sklearn_modern.neural_network import CNNClassifier

N_ROWS, SIDE, BATCH, EPOCHS, WIDTH = 5000, 28, 128, 2, 16


def make_data(n_rows=N_ROWS):
    n_rows = small(n_rows, 100)
    rng = np.random.default_rng(0)
    y = rng.integers(0, 10, n_rows)
    X = rng.standard_normal((n_rows, 1, SIDE, SIDE), dtype=np.float32)
    X[np.arange(n_rows), 0, 2 * y] += 1.0  # a brighter row tells the class
    return X, y


class Block(nn.Module):
    """The residual block of ours, written with torch's layers."""

    def __init__(self, n_in, n_out, stride):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(n_in, n_out, 3, stride, 1, bias=False),
            nn.BatchNorm2d(n_out),
            nn.ReLU(inplace=True),
            nn.Conv2d(n_out, n_out, 3, 1, 1, bias=False),
            nn.BatchNorm2d(n_out),
        )
        self.shortcut = nn.Identity()
        if stride > 1 or n_in != n_out:
            self.shortcut = nn.Sequential(
                nn.Conv2d(n_in, n_out, 1, stride, bias=False), nn.BatchNorm2d(n_out)
            )

    def forward(self, x):
        return torch.relu_(self.layers(x) + self.shortcut(x))


def make_module(width=WIDTH):
    return nn.Sequential(
        nn.Conv2d(1, width, 3, 1, 1, bias=False),
        nn.BatchNorm2d(width),
        nn.ReLU(inplace=True),
        Block(width, width, 1),
        Block(width, 2 * width, 2),
        Block(2 * width, 4 * width, 2),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(4 * width, 10),
    )


def ours(X, y, device="cpu", epochs=EPOCHS, width=WIDTH, **params):
    model = CNNClassifier(
        architecture="resnet",
        width=width,
        depth=(1, 1, 1),
        kernel_size=3,
        dropout=0.0,
        solver="adam",
        alpha=0.0,
        learning_rate="constant",
        learning_rate_init=1e-3,
        batch_size=BATCH,
        max_iter=epochs,
        device=device,
        random_state=0,
        **params,
    )
    return model.fit(X, y)


def bare_loop(
    X, y, device="cpu", epochs=EPOCHS, width=WIDTH, layout=torch.contiguous_format, autocast=None
):
    """The tightest loop that trains the same network in the same batches."""
    module = make_module(width).to(device, memory_format=layout)
    optimizer = torch.optim.Adam(module.parameters(), lr=1e-3, fused=True)
    criterion = nn.CrossEntropyLoss()
    for _ in range(epochs):
        order = torch.randperm(len(X), device=device)
        for start in range(0, len(X), BATCH):
            index = order[start : start + BATCH]
            optimizer.zero_grad()
            with torch.autocast(X.device.type, autocast, enabled=autocast is not None):
                loss = criterion(module(X[index].contiguous(memory_format=layout)), y[index])
            loss.backward()
            optimizer.step()
    if X.is_cuda:
        torch.cuda.synchronize()
    return module


def stock_skorch(X, y, device="cpu"):
    net = NeuralNetClassifier(
        make_module(),
        criterion=nn.CrossEntropyLoss,
        optimizer=torch.optim.Adam,
        lr=1e-3,
        batch_size=BATCH,
        max_epochs=EPOCHS,
        iterator_train__shuffle=True,
        train_split=None,
        verbose=0,
        device=device,
    )
    return net.fit(X, y)


def report(name, ratio):
    print(f"{name}: {ratio}", flush=True)


def fits(repeats):
    X, y = make_data()
    tensors = torch.from_numpy(X), torch.from_numpy(y)

    def our_fit():
        return ours(X, y)

    for name, layout in (("", torch.contiguous_format), (", channels last", torch.channels_last)):
        ratio = compare(
            our_fit, lambda layout=layout: bare_loop(*tensors, layout=layout), repeats=repeats
        )
        report(f"fit, bare loop{name} / ours", ratio)
    ratio = compare(our_fit, lambda: stock_skorch(X, y), repeats=repeats)
    report("fit, stock skorch / ours", ratio)


def augmentation(repeats):
    X, y = make_data()

    def default(X, y, **params):
        return CNNClassifier(max_iter=EPOCHS, device="cpu", random_state=0, **params).fit(X, y)

    for name, fit in (("default network", default), ("small resnet", ours)):
        ratio = compare(
            lambda fit=fit: fit(X, y, augment="standard"),
            lambda fit=fit: fit(X, y),
            repeats=repeats,
        )
        report(f"fit of the {name}, not augmented / augmented", ratio)


def rise_of_memory():
    """Return how far a fit raises the peak of this process, and the bytes of X."""
    n_rows = small(100_000, 200)
    X = np.random.default_rng(0).integers(0, 256, (n_rows, 3, 32, 32), dtype=np.uint8)
    y = X[:, 0, 0, 0] // 26
    settings = {"width": 4, "stem": "large", "epochs": 1}
    ours(X[:1000], y[:1000], **settings)  # everything is imported
    before = peak_memory()
    ours(X, y, **settings)
    return peak_memory() - before, X.nbytes


def accelerator(device, repeats):
    """Fit on an accelerator; every side ends when the device has finished.

    Ours copies X and y to the device in each fit, the bare loop finds them there.
    """
    X, y = make_data(10_000)
    tensors = torch.from_numpy(X).to(device), torch.from_numpy(y).to(device)
    for precision, autocast in (("float32", None), ("bfloat16", torch.bfloat16)):
        for width in (WIDTH, 64):
            ratio = compare(
                lambda width=width, precision=precision: ours(
                    X, y, device, width=width, precision=precision
                ),
                lambda width=width, autocast=autocast: bare_loop(
                    *tensors, device, width=width, layout=torch.channels_last, autocast=autocast
                ),
                repeats=repeats,
            )
            report(f"fit on {device}, {precision}, width {width}, bare loop / ours", ratio)
    ratio = compare(
        lambda: ours(X, y, device), lambda: stock_skorch(X, y, device), repeats=max(repeats // 2, 2)
    )
    report(f"fit on {device}, width {WIDTH}, stock skorch / ours", ratio)
    ratio = compare(
        lambda: ours(X, y, device, augment="standard"), lambda: ours(X, y, device), repeats=repeats
    )
    report(f"fit on {device}, width {WIDTH}, not augmented / augmented", ratio)


if __name__ == "__main__":
    arguments = command_line(__doc__, threads=1, repeats=7, device="cpu").parse_args()
    torch.set_num_threads(arguments.threads)
    print(f"{arguments.threads} thread(s), torch {torch.__version__}")
    if arguments.device == "cpu":
        fits(arguments.repeats)
        augmentation(arguments.repeats)
        rise, size = in_own_process("cnn_speed", "rise_of_memory()")
        print(f"fit, rise of peak memory / {size / 1e6:.0f} MB of uint8 images: {rise / size:.2f}")
    else:
        accelerator(arguments.device, arguments.repeats)
