"""Fits that train together, against those fits by themselves."""

import re
from contextlib import contextmanager
from unittest.mock import patch

import numpy as np
import pytest
from sklearn.base import clone

from sklearn_modern._fits.many import fit_many
from sklearn_modern._neural import packs


def together(estimator, fits):
    found = dict(fit_many(estimator, fits))
    assert sorted(found) == list(range(len(fits)))
    return [found[position] for position in range(len(fits))]


@contextmanager
def no_pack_fails(but_with=None):
    """Refuse errors of packs but one: the fits begin anew, in the end alone, which hides errors."""
    errors, train_together = [], packs.train_together

    def watched(*args):
        try:
            train_together(*args)
        except Exception as error:
            errors.append(error)
            raise

    with patch.object(packs, "train_together", watched):
        yield
    assert all(error is but_with for error in errors)


def assert_as_alone(estimator, fits, tolerance=1e-10):
    for fit, found in zip(fits, together(estimator, fits), strict=True):
        model = clone(estimator).set_params(**fit.params)
        if isinstance(found, Exception):
            with pytest.raises(type(found), match=re.escape(str(found))):
                model.fit(*fit.data(), **fit.fit_params)
            continue
        X, y = fit.data()
        assert_same(found, model.fit(X, y, **fit.fit_params), tolerance)
        predict = "predict_proba" if hasattr(model, "predict_proba") else "predict"
        one, other = (getattr(estimator, predict)(X) for estimator in (found, model))
        np.testing.assert_allclose(one, other, rtol=0, atol=tolerance * max(1, np.ptp(other)))


def assert_same(found, alone, tolerance):
    assert vars(found).keys() == vars(alone).keys()
    one, other = (re.sub(" at 0x[0-9a-f]+", "", str(e.get_params())) for e in (found, alone))
    assert one == other
    assert found.n_features_in_ == alone.n_features_in_
    assert found.n_iter_ == alone.n_iter_
    np.testing.assert_allclose(found.loss_curve_, alone.loss_curve_, rtol=tolerance)
    assert (found.validation_scores_ is None) == (alone.validation_scores_ is None)
    if alone.validation_scores_ is not None:
        scores = found.validation_scores_, alone.validation_scores_
        np.testing.assert_allclose(*scores, rtol=tolerance, atol=tolerance)
    assert [row.keys() for row in found.history_] == [row.keys() for row in alone.history_]
    for name in ("epoch", "train_loss_best", "train_batch_count"):
        assert found.history_[:, name] == alone.history_[:, name]
    state, expected = (e.net_.module_.state_dict() for e in (found, alone))
    assert state.keys() == expected.keys()
    for name in state:
        assert state[name].dtype == expected[name].dtype
        pair = state[name].cpu(), expected[name].cpu()
        np.testing.assert_allclose(*pair, rtol=0, atol=tolerance)
