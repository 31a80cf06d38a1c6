"""As a bare module, a fitted network predicts the same, and can be exported."""

import numpy as np
import pandas as pd
import pytest
import torch
from support.generated_images import stripes
from support.neural_instances import KINDS, each, images, levels, mixed, numbers, sequences
from support.single_networks import MLPClassifier, MLPRegressor
from torch import nn

from sklearn_modern.neural_network import (
    CNNClassifier,
    CNNRegressor,
    RNNClassifier,
    RNNRegressor,
    SequenceCNNClassifier,
    TransformerClassifier,
)
from sklearn_modern.ordinal import OrdinalCNNClassifier, OrdinalMLPClassifier

QUANTILES = {"loss": "quantile", "quantiles": (0.1, 0.5, 0.9)}
METHODS = ("coral", "corn", "niu", "cumulative_link", "cross_entropy")
TABLES = {
    "plain": (MLPClassifier, {}),
    "robust": (MLPClassifier, {"input_scaling": "robust"}),
    "unscaled": (MLPClassifier, {"input_scaling": None}),
    "periodic": (MLPRegressor, {"numerical_embedding": "periodic", "normalization": "layer"}),
    "piecewise linear": (MLPRegressor, {"numerical_embedding": "piecewise_linear"}),
    "batch normalisation": (MLPClassifier, {"normalization": "batch", "dropout": 0.2}),
    "quantiles": (MLPRegressor, QUANTILES),
    "gaussian": (MLPRegressor, {"loss": "gaussian"}),
    "poisson": (MLPRegressor, {"loss": "poisson", "n_members": 2}),
    "members": (MLPRegressor, {"n_members": 3, "activation": "maxout"}),
    "float64": (MLPRegressor, {"precision": "float64"}),
    "bfloat16": (MLPRegressor, {"precision": "bfloat16"}),
}
ARRAYS = {
    **{name: (CNNClassifier, {"architecture": name}) for name in ("lenet", "vgg", "resnet")},
    "se_resnet": (CNNClassifier, {"architecture": "se_resnet", "bottleneck": True}),
    "efficientnetv2": (CNNClassifier, {"architecture": "efficientnetv2", "depth": (1, 2)}),
    "large stem": (CNNClassifier, {"stem": "large", "depth": None}),
    "members": (CNNClassifier, {"n_members": 3}),
    "labels": (CNNClassifier, {}),
    "float64": (CNNRegressor, {"precision": "float64"}),
    "bfloat16": (CNNRegressor, {"precision": "bfloat16"}),
    "quantiles": (CNNRegressor, QUANTILES),
    "gaussian": (CNNRegressor, {"loss": "gaussian"}),
}
# Whether texts are read, and how.
SEQUENCES = {
    "lstm": (RNNClassifier, True, {"n_members": 2}),
    "gru, deep": (RNNRegressor, False, {"cell": "gru", "hidden_layer_sizes": (3, 4)}),
    "forward": (RNNClassifier, False, {"cell": "rnn", "bidirectional": False}),
    "parallel": (SequenceCNNClassifier, True, {"architecture": "parallel"}),
    "inception": (SequenceCNNClassifier, False, {"architecture": "inception"}),
    "full": (TransformerClassifier, True, {"n_members": 2}),
    "cascade": (TransformerClassifier, True, {"attention": "cascade", "window": 2}),
    "dilated": (TransformerClassifier, False, {"attention": "dilated", "positions": "learned"}),
}


def made(kind, **settings):
    return KINDS[kind.__name__].make(max_iter=4, **settings)


def predicted(estimator, X):
    if hasattr(estimator, "predict_proba"):
        return estimator.predict_proba(X)
    if estimator.loss == "quantile":
        return estimator.predict_quantiles(X)
    if estimator.loss == "gaussian":
        return np.stack(estimator.predict(X, return_std=True), axis=-1)[:, None]
    return estimator.predict(X)[:, None]


def assert_exports(estimator, X, *inputs, rtol=1e-4):
    """Compare the module, and what torch exports of it for any number of rows."""
    module, expected = estimator.to_torch(), predicted(estimator, X)
    rows = torch.export.Dim("rows", min=2)
    exported = torch.export.export(module, inputs, dynamic_shapes=[{0: rows}] * len(inputs))
    with torch.no_grad():
        np.testing.assert_allclose(module(*inputs), expected, rtol=rtol, atol=1e-5)
        some = exported.module()(*(part[:9] for part in inputs))
    np.testing.assert_allclose(some, expected[:9], rtol=rtol, atol=1e-5)


@pytest.mark.parametrize("case", TABLES)
@pytest.mark.parametrize("is_mixed", [False, True], ids=["numbers", "mixed"])
def test_networks_of_tables(case, is_mixed):
    kind, settings = TABLES[case]
    shown, y = mixed(70)
    estimator = made(kind, **settings).fit(shown if is_mixed else shown[list("abcd")], y)
    shown.loc[1, "b"] = np.nan
    inputs = [torch.tensor(shown[list("abcd")].to_numpy())]
    if is_mixed:
        shown.loc[3, "town"], shown.loc[4, "town"] = "elsewhere", None
        inputs.append(torch.tensor(codes(estimator, shown)))
    assert_exports(estimator, shown if is_mixed else shown[list("abcd")], *inputs)


def codes(estimator, frame):
    """Code categories as the documentation of ``to_torch`` says."""
    columns = []
    for name, known in zip(["town", "colour"], estimator.categories, strict=True):
        place = {value: code for code, value in enumerate(known)}
        columns.append([-1 if pd.isna(v) else place.get(v, -2) for v in frame[name]])
    return np.array(columns).T


@pytest.mark.parametrize("case", ARRAYS)
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=str)
def test_networks_of_images(case, dtype):
    kind, settings = ARRAYS[case]
    X, y = images(60)
    targets = np.column_stack([y, 1 - y, y]) if case == "labels" else y
    settings = {"architecture": "resnet", "dropout": 0.3} | settings
    estimator = made(kind, **settings).fit(X, targets)
    assert_exports(estimator, X, torch.tensor(X[:, None]).to(dtype))


@pytest.mark.parametrize("n_axes", [1, 3])
def test_networks_of_signals_and_volumes(n_axes):
    X, y = stripes(side=6, n_axes=n_axes, channels=2)
    clf = made(CNNClassifier, architecture="resnet", spatial_dims=n_axes).fit(X, y)
    assert_exports(clf, X, torch.tensor(X))


@pytest.mark.parametrize("method", METHODS)
def test_ordinal_networks_of_tables(method):
    X, y = levels(70)
    for n_members in (1, 2):
        clf = made(OrdinalMLPClassifier, method=method, n_members=n_members).fit(X, y)
        module, inputs = clf.to_torch(), torch.tensor(X)
        with torch.no_grad():
            np.testing.assert_allclose(module(inputs), clf.predict_proba(X), atol=1e-5)
        if n_members == 1:
            assert_exports(clf, X, inputs)


@pytest.mark.parametrize("method", METHODS)
def test_ordinal_networks_of_signals(method):
    X, y = levels(70)
    clf = made(OrdinalCNNClassifier, method=method, n_members=2).fit(X, y)
    with torch.no_grad():
        found = clf.to_torch()(torch.tensor(X[:, None]))
    np.testing.assert_allclose(found, clf.predict_proba(X), atol=1e-5)


@pytest.mark.parametrize("case", SEQUENCES)
def test_networks_of_sequences(case):
    """Only recurrent networks need as many steps as what they were exported with."""
    kind, of_texts, settings = SEQUENCES[case]
    X, y = sequences(40)
    if of_texts:
        X = ["".join("abc"[int(step)] for step in row[:, 0] % 3) for row in X]
    estimator = made(kind, **settings).fit(X, y)
    if of_texts:
        code_of = estimator.vocabulary_
        filled = filled_up([np.array([code_of[token] for token in text]) for text in X], 0)
    else:
        filled = filled_up(X)
    is_short = np.array([len(row) < 4 for row in X])
    short, dynamic = filled[is_short], {0: torch.export.Dim.DYNAMIC}
    if "RNN" not in kind.__name__:
        short, dynamic[1] = short[:, :3], torch.export.Dim.DYNAMIC
    program = torch.export.export(estimator.to_torch(), (filled,), dynamic_shapes=[dynamic])
    expected = predicted(estimator, X)
    for inputs, outputs in ((filled, expected), (short, expected[is_short])):
        found = program.module()(inputs).detach()
        np.testing.assert_allclose(found, outputs, rtol=1e-4, atol=1e-5)


def filled_up(rows, value=np.nan):
    steps = [torch.tensor(row) for row in rows]
    return nn.utils.rnn.pad_sequence(steps, batch_first=True, padding_value=value)


@pytest.mark.parametrize("precision", ["float32", "float64"])
def test_images_have_numbers_of_any_type(precision):
    X, y = images(60)
    clf = made(CNNClassifier, precision=precision).fit(X, y)
    module, expected = clf.to_torch(), clf.predict_proba(X)
    pixels = torch.tensor(X[:, None])
    for dtype in (torch.uint8, torch.int16, torch.int64, torch.float16, torch.float64):
        with torch.no_grad():
            found = module(pixels.to(dtype))
        np.testing.assert_allclose(found, expected, atol=1e-6, err_msg=str(dtype))
    black_and_white = X > 128
    with torch.no_grad():
        found = module(torch.tensor(black_and_white[:, None]))
    np.testing.assert_allclose(found, clf.predict_proba(black_and_white), atol=1e-6)


@each({n: i for n, i in KINDS.items() if hasattr(i.kind, "partial_fit")}, having="to_torch")
def test_later_training_leaves_the_module_alone(instance):
    X, y = instance.data(40) if instance.data is not mixed else numbers(40)
    model = instance.make(dropout=0.5).fit(X, y)
    module = model.to_torch()
    if isinstance(X, list):
        inputs = filled_up(X)
    else:
        inputs = torch.tensor(X if X.ndim == 2 else X[:, None])
    assert not module.training
    before = module(inputs).detach()
    if hasattr(model, "partial_fit"):
        model.partial_fit(X, y)
    else:
        model.set_params(warm_start=True).fit(X, y)
    assert torch.equal(module(inputs), before)
    assert not torch.equal(model.to_torch()(inputs), before)
