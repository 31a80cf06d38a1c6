"""Inputs that write rows in the form of X."""

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
import torch
from sklearn.base import BaseEstimator

from sklearn_modern._inputs.images import SpatialReader
from sklearn_modern._neural.reversible import ReversibleImages, ReversibleTable

FRAME = pd.DataFrame(
    {
        "colour": ["red", "blue", None, "red"],
        "size": [0.5, np.nan, 2.0, 100.0],
        "count": [3, 1, 2, 2],
        "level": pd.Categorical(["low", "high", "low", "low"], categories=["low", "high", "no"]),
    }
)


@pytest.mark.parametrize("scaling", ["standard", "robust", "quantile", None])
def test_cells_become_the_table_again(scaling):
    inputs = ReversibleTable("from_dtype", scaling)
    checked = inputs.check(BaseEstimator(), FRAME, reset=True)
    inputs.learn(checked, None)
    cells = inputs.cells(checked)
    pd.testing.assert_frame_equal(inputs.restored(cells, whole=True), FRAME)
    batch = inputs.source(checked, slice(1, 3), torch.float64, "cpu").whole()
    np.testing.assert_array_equal(batch.y[0].numpy(), cells[1:3])
    assert np.isnan(cells[[1, 2], [0, 2]]).all()


def test_a_category_that_the_fit_did_not_see_has_no_cell():
    inputs = ReversibleTable("from_dtype", "standard")
    inputs.learn(inputs.check(estimator := BaseEstimator(), FRAME, reset=True), None)
    cells = inputs.cells(inputs.check(estimator, FRAME.replace("blue", "green"), reset=False))
    assert np.isnan(cells[1, 2])
    assert inputs.restored(cells, whole=True)["colour"].isna().tolist() == [
        False,
        True,
        True,
        False,
    ]


def test_sparse_tables_are_refused():
    with pytest.raises(TypeError, match=r"BaseEstimator needs dense data; pass X.toarray\(\)"):
        ReversibleTable(None, "standard").check(BaseEstimator(), sp.eye(3).tocsr(), reset=True)


@pytest.mark.parametrize("standardised", [False, True])
def test_standardised_pixels_become_images_again(standardised):
    X = np.random.default_rng(0).integers(0, 250, (5, 8, 8, 3)).astype(np.uint8)
    inputs = ReversibleImages(SpatialReader(channels="last"), standardised=standardised)
    checked = inputs.check(BaseEstimator(), X, reset=True)
    inputs.learn(checked, None)
    pixels = checked.astype(np.float64)
    if standardised:
        pixels -= inputs.mean.reshape(-1, 1, 1)
        pixels /= inputs.scale.reshape(-1, 1, 1)
    np.testing.assert_array_equal(inputs.restored(pixels, whole=True), X)
