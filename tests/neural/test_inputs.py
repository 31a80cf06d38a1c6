"""What reads X and what reads y promise, and the kinds that there are."""

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
import torch
from sklearn.base import BaseEstimator
from support.pixels import PixelLabels
from support.recurrent import sequence_inputs

from sklearn_modern._inputs.images import SpatialReader
from sklearn_modern._neural.inputs import ImageInputs, Inputs, TableInputs
from sklearn_modern._neural.targets import Labels, LabelSets, NoTargets, Numbers
from sklearn_modern.networks.random import MemberRandom
from sklearn_modern.ordinal._targets import Levels

N_ROWS = 12
RNG = np.random.default_rng(0)
TABLE = RNG.normal(size=(N_ROWS, 3))
FRAME = pd.DataFrame(TABLE, columns=list("abc")).assign(d=list("xyz") * 4)
IMAGES = RNG.normal(size=(N_ROWS, 2, 4, 5))
SEQUENCES = [RNG.normal(size=(2 + row % 3, 3)) for row in range(N_ROWS)]
TEXTS = ["one", "two three", "three two two"] * 4

INPUTS = {
    "table": (lambda: TableInputs("from_dtype", "robust"), TABLE),
    "bins": (lambda: TableInputs(None, "standard", n_bins=4), TABLE),
    "categories": (lambda: TableInputs("from_dtype", "standard"), FRAME),
    "sparse": (lambda: TableInputs(None, "robust"), sp.csr_matrix(TABLE)),
    "images": (lambda: ImageInputs(SpatialReader()), IMAGES),
    "sequences": (lambda: sequence_inputs("standard"), SEQUENCES),
    "texts": (sequence_inputs, TEXTS),
}
each_kind = pytest.mark.parametrize("kind", INPUTS)


def parts(batch):
    return batch.x if isinstance(batch.x, tuple) else (batch.x,)


@each_kind
@pytest.mark.parametrize("weighted", [False, True])
def test_inputs_make_a_source_of_any_rows(kind, weighted):
    make, X = INPUTS[kind]
    inputs, estimator = make(), BaseEstimator()
    checked = inputs.check(estimator, X, reset=True)
    assert hasattr(estimator, "n_features_in_") == (kind != "texts")
    inputs.learn(checked, np.linspace(0, 1, N_ROWS) if weighted else None)
    y = torch.arange(N_ROWS)
    whole = inputs.source(checked, slice(None), torch.float32, "cpu", y=y, rows_together=7)
    assert len(whole) == N_ROWS
    whole_rows = torch.arange(N_ROWS).unsqueeze(0)
    parts_together = whole.split(whole.arranged(whole_rows))
    assert sorted(torch.cat(parts_together, 1)[0].tolist()) == list(range(N_ROWS))
    assert max(part.shape[1] for part in parts_together) <= 7
    assert torch.equal(whole.whole().y[0], y)
    again = inputs.check(estimator, X, reset=False)
    some = inputs.source(again, slice(3, 5), torch.float32, "cpu").whole()
    taken = whole.take(torch.tensor([[3, 4]]))
    for actual, expected in zip(parts(some), parts(taken), strict=True):
        assert torch.equal(actual, expected)
    assert isinstance(inputs.row_shape(checked), tuple)
    assert set(inputs.attributes()) <= {"input_shape_", "n_channels_", "analyzer_"}
    chunks = [np.arange(N_ROWS)[rows] for rows in inputs.chunks(again, N_ROWS, 7)]
    assert sorted(np.concatenate(chunks).tolist()) == list(range(N_ROWS))
    for rows in chunks:
        chunk = inputs.source(again, rows, torch.float32, "cpu").whole()
        taken = whole.take(torch.from_numpy(rows).unsqueeze(0))
        for actual, expected in zip(parts(chunk), parts(taken), strict=True):
            assert torch.equal(actual, expected)


@each_kind
def test_rows_of_weight_zero_teach_nothing(kind):
    make, X = INPUTS[kind]
    sources = []
    for rows, weight in ((slice(None), np.repeat([1.0, 0.0], N_ROWS // 2)), (slice(6), None)):
        inputs, estimator = make(), BaseEstimator()
        known = X.iloc[rows] if hasattr(X, "iloc") else X[rows]
        inputs.learn(inputs.check(estimator, known, reset=True), weight)
        checked = inputs.check(estimator, X, reset=False)
        sources.append(inputs.source(checked, slice(None), torch.float64, "cpu").whole())
    for actual, expected in zip(*map(parts, sources), strict=True):
        torch.testing.assert_close(actual.double(), expected.double())


def test_inputs_without_a_bare_form_say_so():
    class Bare(TableInputs):
        export = Inputs.export

    with pytest.raises(NotImplementedError, match="Bare has no bare form"):
        Bare(None, None).export(None, torch.float32)


LEVELS = {
    "method": "coral",
    "decision": "median",
    "link": "logit",
    "importance_weights": None,
    "threshold_rate": 1.0,
    "label_smoothing": 0.0,
}
WORDS = np.array(["no", "yes", "perhaps"])[np.arange(N_ROWS) % 3]
TARGETS = {
    "labels": (Labels, WORDS),
    "sets of labels": (LabelSets, np.eye(3, dtype=int)[np.arange(N_ROWS) % 3]),
    "levels": (lambda: Levels(["no", "perhaps", "yes"], **LEVELS), WORDS),
    "a number": (lambda: Numbers("squared_error", (0.5,), True), 5 + 3 * TABLE[:, 0]),
    "numbers": (lambda: Numbers("gaussian", (0.5,), True), 5 + 3 * TABLE),
    "quantiles": (lambda: Numbers("quantile", (0.1, 0.9), False), 5 + 3 * TABLE[:, 0]),
    "pixels": (PixelLabels, np.where(IMAGES[:, 0] > 0, "on", "off")),
}


@pytest.mark.parametrize("kind", TARGETS)
def test_targets_make_the_head_that_predicts_them(kind):
    make, y = TARGETS[kind]
    targets = make()
    assert targets.required
    checked = targets.check(y, reset=True)
    assert len(checked) == N_ROWS
    targets.learn(checked, np.ones(N_ROWS))
    np.testing.assert_array_equal(targets.check(y, reset=False), checked)
    scaled = targets.scaled(checked)
    head = targets.make_head(4, MemberRandom([0, 1]))
    features = torch.zeros(2, *np.shape(y), 4) if kind == "pixels" else torch.zeros(2, N_ROWS, 4)
    dtype = torch.float32 if scaled.dtype.kind == "f" else torch.int64
    targets_of_members = torch.as_tensor(scaled, dtype=dtype).expand(2, *scaled.shape)
    losses = head.loss(head(features), targets_of_members)
    assert losses.shape == (2, N_ROWS)
    decided = targets.named(head.decide(head.decode(head(features))).detach().numpy())
    assert decided.shape == np.shape(y)
    if np.asarray(y).dtype.kind == "U":
        assert set(decided.ravel()) <= set(np.ravel(y))
    units = head.in_units(targets_of_members[0])
    if kind == "numbers":
        np.testing.assert_allclose(units, y, rtol=1e-5)
    assert all(name.endswith("_") for name in targets.attributes())


@pytest.mark.parametrize("kind", TARGETS)
def test_other_targets_are_refused_afterwards(kind):
    make, y = TARGETS[kind]
    targets = make()
    targets.check(y, reset=True)
    other = np.full(np.shape(y), "another") if np.asarray(y).dtype.kind == "U" else np.ones((3, 7))
    with pytest.raises(ValueError, match="another|expected"):
        targets.check(other, reset=False)


def test_without_targets_y_is_ignored():
    targets = NoTargets()
    assert not targets.required
    assert targets.check(TABLE, reset=True) is None
    with pytest.raises(TypeError, match="no y"):
        targets.make_head(3, MemberRandom([0]))
