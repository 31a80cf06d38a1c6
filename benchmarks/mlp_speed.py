"""Speed and memory of MLPClassifier beside a bare PyTorch loop, skorch and scikit-learn.

Every row is a ratio of two sides that run in turn in this process::

    python benchmarks/mlp_speed.py --threads 1
    python benchmarks/mlp_speed.py --threads 2
    python benchmarks/mlp_speed.py --device cuda
"""

import warnings

import numpy as np
import torch
from command_line import command_line
from own_process import in_own_process, peak_memory
from plain_network import make_data, make_module
from ratio import compare
from skorch import NeuralNetClassifier
from torch import nn

from sklearn_modern.neural_network import MLPClassifier

N_ROWS, N_FEATURES, UNITS, BATCH, EPOCHS = 8000, 20, (64, 64), 128, 20


def make_floats(n_rows=N_ROWS, n_features=N_FEATURES):
    return make_data(n_rows, n_features, np.float32)


def ours(X, y, device, units=UNITS, batch=BATCH, epochs=EPOCHS):
    model = MLPClassifier(
        units,
        n_members=1,
        numerical_embedding=None,
        solver="adam",
        alpha=0.0,
        dropout=0.0,
        learning_rate="constant",
        learning_rate_init=1e-3,
        batch_size=batch,
        max_iter=epochs,
        n_iter_no_change=epochs + 1,
        early_stopping=False,
        input_scaling="standard",
        device=device,
        random_state=0,
    )
    return model.fit(X, y)


def bare_loop(X, y, device, units=UNITS, batch=BATCH, epochs=EPOCHS):
    """The tightest loop that trains the same network in the same batches."""
    module = make_module(units, X.shape[1]).to(device)
    optimizer = torch.optim.Adam(module.parameters(), lr=1e-3, fused=True)
    criterion = nn.CrossEntropyLoss()
    for _ in range(epochs):
        order = torch.randperm(len(X), device=device)
        for start in range(0, len(X), batch):
            index = order[start : start + batch]
            optimizer.zero_grad()
            criterion(module(X[index]), y[index]).backward()
            optimizer.step()
    if X.is_cuda:
        torch.cuda.synchronize()
    return module


def stock_skorch(X, y, device="cpu", epochs=EPOCHS):
    net = NeuralNetClassifier(
        make_module(),
        criterion=nn.CrossEntropyLoss,
        optimizer=torch.optim.Adam,
        lr=1e-3,
        batch_size=BATCH,
        max_epochs=epochs,
        iterator_train__shuffle=True,
        train_split=None,
        verbose=0,
        device=device,
    )
    return net.fit(X, y)


def scikit_learn(X, y):
    from sklearn.neural_network import MLPClassifier as Theirs

    model = Theirs(UNITS, batch_size=BATCH, max_iter=EPOCHS, n_iter_no_change=EPOCHS + 1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns that 20 epochs are few
        return model.fit(X, y)


def report(name, ratio):
    print(f"{name}: {ratio}", flush=True)


def fits(repeats):
    X, y = make_floats()
    tensors = torch.from_numpy(X), torch.from_numpy(y)
    few = max(repeats // 3, 3)

    def our_fit():
        return ours(X, y, "cpu")

    ratio = compare(our_fit, lambda: bare_loop(*tensors, "cpu"), repeats=repeats)
    report("fit, bare loop / ours", ratio)
    report("fit, stock skorch / ours", compare(our_fit, lambda: stock_skorch(X, y), repeats=few))
    report("fit, scikit-learn / ours", compare(our_fit, lambda: scikit_learn(X, y), repeats=few))


def frames(repeats):
    import pandas as pd

    X, y = make_floats()
    frame = pd.DataFrame(X, columns=[f"x{i}" for i in range(N_FEATURES)])
    ratio = compare(lambda: ours(frame, y, "cpu"), lambda: ours(X, y, "cpu"), repeats=repeats)
    report("fit, array / DataFrame", ratio)


def predictions(repeats):
    X, y = make_floats(100_000)
    model = ours(X[:N_ROWS], y[:N_ROWS], "cpu")
    module, tensor = make_module().eval(), torch.from_numpy(X)

    def raw():
        with torch.inference_mode():
            return module(tensor)

    ratio = compare(lambda: model.predict_proba(X), raw, repeats=3 * repeats)
    report("predict_proba of 100,000 rows, raw forward pass / ours", ratio)


def rise_of_memory():
    """Return how far a fit raises the peak of this process, and the bytes of X."""
    X, y = make_floats(1_000_000, 50)
    ours(X[:1000], y[:1000], "cpu", epochs=1)  # everything is imported
    before = peak_memory()
    ours(X, y, "cpu", batch=1024, epochs=1)
    return peak_memory() - before, X.nbytes


def accelerator(device, repeats):
    """Fit on an accelerator; every side ends when the device has finished.

    Ours copies X and y to the device in each fit, the bare loop finds them there.
    """
    X, y = make_floats(50_000)
    tensors = torch.from_numpy(X).to(device), torch.from_numpy(y).to(device)
    for units, batch, epochs in ((UNITS, BATCH, 1), ((1024, 1024, 1024), 1024, 3)):
        ratio = compare(
            lambda size=(units, batch, epochs): ours(X, y, device, *size),
            lambda size=(units, batch, epochs): bare_loop(*tensors, device, *size),
            repeats=repeats,
        )
        report(f"fit on {device}, {units}, bare loop / ours", ratio)
    ratio = compare(
        lambda: ours(X, y, device, epochs=1),
        lambda: stock_skorch(X, y, device, 1),
        repeats=max(repeats // 3, 3),
    )
    report(f"fit on {device}, {UNITS}, stock skorch / ours", ratio)
    model, module = ours(X, y, device, epochs=1), make_module().to(device).eval()

    def raw():
        with torch.inference_mode():
            return module(torch.from_numpy(X).to(device)).cpu()

    ratio = compare(lambda: model.predict_proba(X), raw, repeats=3 * repeats)
    report(f"predict_proba on {device} of {len(X)} rows, raw forward pass / ours", ratio)


if __name__ == "__main__":
    arguments = command_line(__doc__, threads=1, repeats=15, device="cpu").parse_args()
    torch.set_num_threads(arguments.threads)
    print(f"{arguments.threads} thread(s), torch {torch.__version__}")
    if arguments.device == "cpu":
        fits(arguments.repeats)
        frames(arguments.repeats)
        predictions(arguments.repeats)
        rise, size = in_own_process("mlp_speed", "rise_of_memory()")
        print(f"fit, rise of peak memory / {size / 1e6:.0f} MB of X: {rise / size:.2f}")
    else:
        accelerator(arguments.device, arguments.repeats)
