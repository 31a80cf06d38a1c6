"""What searches over networks save, as networks of one shape train as the members of one.

Both sides run in turn in this process. Where one side is a loop over a hundred fits, only every
fifth of them is measured, and counts for five; on a GPU every twentieth. Each comparison states
that the results are equal::

    OMP_NUM_THREADS=1 python benchmarks/mlp_packs.py
    python benchmarks/mlp_packs.py --device cuda --only candidates --only recording --only nested
"""

import warnings
from functools import partial
from unittest.mock import patch

import numpy as np
import pandas as pd
import torch
from command_line import command_line, few, small
from many_fits import apart, loop_and_pack, together
from own_process import in_own_process, peak_memory
from plain_network import SINGLE, make_data, make_module
from ratio import compare, of_processor
from sklearn import model_selection as peer
from sklearn.base import clone
from sklearn.neural_network import MLPClassifier as TheirMLP
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_modern._fits.fit import Fit
from sklearn_modern._fits.many import fit_many
from sklearn_modern.feature_selection import SequentialFeatureSelector
from sklearn_modern.model_selection import GridSearchCV, NestedCV
from sklearn_modern.neural_network import MLPClassifier
from sklearn_modern.training.recorded import Recorded

GRID = {
    "learning_rate_init": [0.001, 0.002, 0.003, 0.005, 0.01],
    "alpha": [0.1, 1.0],
    "dropout": [0.0, 0.2],
}
SETTINGS = SINGLE | {"batch_size": 64, "max_iter": 20, "device": "cpu", "random_state": 0}
PARTS, PARTS_ON_GPU = 5, 20  # of a loop, of which one is run


def make_table(n_rows=5003):
    X, y = make_data(n_rows)
    n_rows, rng = len(X), np.random.default_rng(1)
    frame = pd.DataFrame(X, columns=[f"number{i}" for i in range(20)])
    for i, n_levels in enumerate((3, 6, 20)):
        levels = [f"level {level}" for level in range(n_levels)]
        frame[f"category{i}"] = pd.Categorical(rng.choice(levels, n_rows), levels)
    return frame, y


def fits_of(X, y):
    folds = [rows for rows, _ in peer.StratifiedKFold(5).split(X, y)]
    candidates = list(peer.ParameterGrid(GRID))
    return [Fit(params, X, y, rows=rows) for params in candidates for rows in folds]


def report(name, ratio):
    print(f"{name}: {ratio}", flush=True)


def is_on_cpu():
    return SETTINGS["device"] == "cpu"


def measure(name, X, y, repeats, **settings):
    """Compare separate fits with packed ones."""
    model, parts = MLPClassifier(**SETTINGS | settings), PARTS if is_on_cpu() else PARTS_ON_GPU
    loop_and_pack(name, model, fits_of(X, y), X, parts=parts, repeats=repeats)


def candidates(repeats):
    for widths in ((64, 64), (32,), (128, 128)) if is_on_cpu() else ((64, 64),):
        name = f"5 folds x 20 candidates, {widths}"
        measure(name, *make_data(5000), repeats, hidden_layer_sizes=widths)


def stopping(repeats):
    frame, y = make_table()
    name = "5 folds x 20 candidates, (64, 64), early stopping, unequal folds, three categories"
    measure(name, frame, y, repeats, hidden_layer_sizes=(64, 64), early_stopping=True)


def wide(repeats):
    X, y = make_data(2000)
    settings = {"hidden_layer_sizes": (512, 512), "batch_size": 256, "max_iter": 2}
    measure("(512, 512), batches of 256", X, y, repeats, **settings)


def single(repeats):
    X, y = make_data(5000)
    model = MLPClassifier((64, 64), **SETTINGS)
    fits = [Fit({}, X, y)]
    ratio = compare(lambda: together(model, fits), lambda: apart(model, fits), repeats=3 * repeats)
    report("one fit, by itself / as a pack", ratio)


def recording(repeats):
    """Compare steps of a pack on a GPU that are recorded with the same that are not."""
    X, y = make_data(5000)
    model, fits = MLPClassifier((64, 64), **SETTINGS), fits_of(X, y)

    def called(self, function, *args, generators):
        return function(*args)

    def each_time():
        with patch.object(Recorded, "__call__", called):
            together(model, fits)

    ratio = compare(lambda: together(model, fits), each_time, repeats=repeats)
    report("kernels started one by one / recorded steps", ratio)


def peers(repeats):
    """Compare searches in two processes."""
    X, y = make_data(5000)
    ours = GridSearchCV(MLPClassifier((64, 64), **SETTINGS), GRID, refit=False, n_jobs=small(2, 1))
    grid = {"learning_rate_init": GRID["learning_rate_init"][:2], "alpha": [1e-4, 1e-3]}
    theirs = TheirMLP((64, 64), batch_size=64, max_iter=20, n_iter_no_change=20, random_state=0)
    search = peer.GridSearchCV(theirs, grid, refit=False, n_jobs=small(2, 1))
    sides = lambda: ours.fit(X, y), lambda: search.fit(X, y)
    report(
        "scikit-learn's search over its MLPClassifier / ours, n_jobs=2",
        compare(*sides, repeats=repeats, parts=5),
    )
    alike = clone(ours).set_params(param_grid=GRID | {"dropout": [0.0]})
    sides = lambda: alike.fit(X, y), lambda: search.fit(X, y)
    report(
        "the same, all of ours without dropout, which theirs has not",
        compare(*sides, repeats=repeats, parts=2.5),
    )


def beside_skorch(repeats):
    """Compare searches in two processes."""
    from skorch import NeuralNetClassifier

    X, y = make_data(5000)
    ours = GridSearchCV(MLPClassifier((64, 64), **SETTINGS), GRID, refit=False, n_jobs=small(2, 1))
    net = NeuralNetClassifier(
        make_module(),
        criterion=torch.nn.CrossEntropyLoss,
        optimizer=torch.optim.AdamW,
        max_epochs=20,
        batch_size=64,
        train_split=None,
        verbose=0,
    )
    search = peer.GridSearchCV(net, {"lr": [0.001, 0.003]}, cv=2, refit=False, n_jobs=small(2, 1))
    data = X.astype(np.float32), y
    sides = lambda: ours.fit(X, y), lambda: search.fit(*data)
    # Two candidates on halves of the rows are 2 x 2 x 2500 rows; ours are 20 x 5 x 4000.
    ratio = compare(*sides, repeats=repeats, parts=40)
    report("scikit-learn's search over skorch / ours, n_jobs=2", ratio)


def nested(repeats):
    X, y = make_data(5000)
    model = MLPClassifier((64, 64), **SETTINGS)
    search = NestedCV((model, GRID), n_jobs=small(2, 1) if is_on_cpu() else None, random_state=0)
    ratio = compare(
        lambda: clone(model).fit(X, y), lambda: search.fit(X, y), repeats=max(1, repeats // 2)
    )
    report("nested 5 x 5 x 20, 505 fits / one fit", ratio)


def selection(repeats):
    X, y = make_data(1000, small(30, 5))
    model = MLPClassifier((32,), **SETTINGS | {"max_iter": 5})
    ours = SequentialFeatureSelector(model, n_features_to_select=small(10, 1), cv=3)

    class Apart(MLPClassifier):
        fit_many = property()

    theirs = clone(ours).set_params(estimator=Apart(**model.get_params()))
    ratio = compare(lambda: ours.fit(X, y), lambda: theirs.fit(X, y), repeats=repeats)
    report("forward selection, 10 of 30 features, (32,), cv=3, fits apart / together", ratio)


def pipelines(repeats):
    X, y = make_data(5000)
    grid = {f"mlpclassifier__{name}": values for name, values in GRID.items()}
    pipeline = make_pipeline(StandardScaler(), MLPClassifier((64, 64), **SETTINGS))
    one = {name: values[:1] for name, values in grid.items()}
    ours = GridSearchCV(pipeline, grid, refit=False)
    theirs = peer.GridSearchCV(pipeline, one, refit=False)
    ratio = compare(lambda: ours.fit(X, y), lambda: theirs.fit(X, y), repeats=repeats, parts=20)
    report("Pipelines of a scaler and (64, 64), scikit-learn's search / ours", ratio)


def categories(repeats):
    """Say how often folds know different categories, and what it costs to train them apart."""
    model = MLPClassifier((32,), **SETTINGS)
    for levels in few(((3, 6, 20), (10, 50), (10, 50, 200))):
        for n_rows in few((200, 1000, 5000)):
            n_packs = [_n_shapes(*_zipf(n_rows, levels, seed)) for seed in range(small(10, 2))]
            print(
                f"{n_rows} rows, columns of {levels} categories: five folds make "
                f"{np.mean(n_packs):.1f} packs",
                flush=True,
            )
    fits = fits_of(*_zipf(1000, (3, 6, 20), 0))
    for n_candidates in (4, 20):
        some = fits[: 5 * n_candidates]
        sides = partial(together, model, some), partial(_by_fold, model, some)
        ratio = compare(*sides, repeats=repeats, seconds=of_processor)
        report(f"{n_candidates} candidates, (32,), 1000 rows, fold by fold / together", ratio)


def _by_fold(model, fits):
    for fold in range(5):
        together(model, fits[fold::5])


def _zipf(n_rows, levels, seed):
    """Make a table whose categories have the frequencies 1, 1/2, 1/3, ..., but for a factor."""
    n_rows = small(n_rows, 200)
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(rng.standard_normal((n_rows, 10)))
    for n_levels in levels:
        frequency = 1.0 / np.arange(1, n_levels + 1)
        names = [f"level {level}" for level in range(n_levels)]
        frame[f"of {n_levels}"] = rng.choice(names, n_rows, p=frequency / frequency.sum())
    y = (frame[0] + rng.standard_normal(n_rows) > 0).to_numpy(dtype=int)
    return frame.rename(columns=str), y


def _n_shapes(X, y):
    """Count the shapes of the networks of five folds."""
    model = MLPClassifier((4,), **SETTINGS | {"max_iter": 1})
    nets = [
        clone(model).fit(X.iloc[rows], y[rows]).net_.module_
        for rows, _ in peer.StratifiedKFold(5).split(X, y)
    ]
    return len({tuple(tuple(p.shape) for p in net.parameters()) for net in nets})


def memory(repeats):
    """Compare peaks of the memory, each in a process of its own."""
    many, five = (in_own_process("mlp_packs", f"peak({n_members})") for n_members in (100, 5))
    print(
        f"memory of 100 members over 5 folds of 100,000 x 50 / of 5: {many / five:.2f}", flush=True
    )


def peak(n_members):
    X, y = make_data(100_000, 50)
    fits = fits_of(X, y)[:n_members]
    found = list(fit_many(MLPClassifier((64, 64), **SETTINGS | {"max_iter": 1}), fits))
    assert len(found) == n_members
    return peak_memory()


STUDIES = {
    part.__name__: part
    for part in (
        candidates,
        stopping,
        wide,
        single,
        pipelines,
        selection,
        nested,
        recording,
        peers,
        beside_skorch,
        categories,
        memory,
    )
}

if __name__ == "__main__":
    parser = command_line(__doc__, repeats=2, device="cpu")
    parser.add_argument("--only", choices=sorted(STUDIES), action="append")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    SETTINGS |= {"device": arguments.device, "max_iter": small(SETTINGS["max_iter"], 1)}
    GRID["learning_rate_init"] = few(GRID["learning_rate_init"], 2)
    on_cpu = [name for name in STUDIES if name != "recording"]
    for study in arguments.only or (on_cpu if is_on_cpu() else STUDIES):
        STUDIES[study](arguments.repeats)
