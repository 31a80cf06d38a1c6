"""Many fits that share binned data and trees."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from sklearn.utils import check_random_state

from sklearn_modern._core.same import key
from sklearn_modern._fits.fit import Fit, data_key, outcome

__all__ = ["ManyFits"]

# What decides how data are read and binned, and what is learned from reading them.
_READING = (
    "backend",
    "backend_params",
    "categorical_features",
    "class_order",
    "class_weight",
    "device",
    "loss",
    "max_bins",
    "n_jobs",
    "quantile",
)
# Their bins of many rows are made from a sample; "auto" may be one of them.
_BINS_BY_SEED = ("auto", "lightgbm", "catboost")
_LEARNED = (
    *("_columns", "_delta", "_levels", "_offset", "class_order_", "classes_"),
    *("feature_names_in_", "n_features_in_"),
)
# What fits that share trees may differ in.
_BESIDE_TREES = ("decision", "n_estimators")


class ManyFits:
    """What lets the fits of a boosting estimator share bins and trees."""

    def fit_many(self, fits):
        """Fit clones of this estimator that share bins and trees where they can.

        Parameters
        ----------
        fits : sequence of sklearn_modern.shared_fits.Fit
            What to fit.

        Yields
        ------
        position : int
            Which of the fits it is; they come in any order.
        fitted : estimator or Exception
            What a separate fit would have given.
        """
        yield from _fit_many(self, fits)

    def _shares(self, n_rows, fit_params):
        """Tell whether a fit sees all of its rows, and no more."""
        apart = self.warm_start or self._stops_early(n_rows)
        return not apart and set(fit_params) <= {"sample_weight", "groups"}

    def _reads_alike(self):
        """Return what decides how the data are read and binned."""
        return key({name: getattr(self, name, None) for name in _READING})

    def _learn_from(self, other):
        """Take from another fit of the same data what was learned by reading them."""
        for name in _LEARNED:
            if hasattr(other, name):
                setattr(self, name, getattr(other, name))
        self.validation_scores_ = self.train_scores_ = None


def _fit_many(estimator: Any, fits: Sequence[Fit]) -> Iterator[tuple[int, Any]]:
    """Fit clones of a boosting estimator, as :mod:`sklearn_modern._fits.many` says.

    Fits of the same data whose bins are the same share them. Fits that differ only in
    ``n_estimators`` are taken from the longest. Where rows are set aside for early stopping,
    nothing is shared. An error that a fit raises is yielded as its result, so that the others go
    on.
    """
    alone, sharing = [], {}
    for position, fit in enumerate(fits):
        try:
            model = fit.clone(estimator)
            model._validate_params()
            several = np.ndim(fit.y) > 1  # outputs, which have boosters of their own
            if not several and model._shares(
                len(fit.y) if fit.rows is None else len(fit.rows), fit.fit_params
            ):
                # As a separate fit draws it.
                seed = check_random_state(model.random_state).randint(2**31 - 1)
                bins_by_seed = seed if model.backend in _BINS_BY_SEED else None
                bins = data_key(fit), model._reads_alike(), bins_by_seed
                sharing.setdefault(bins, []).append((position, fit, model, seed))
            else:
                alone.append((position, fit))
        except Exception as error:
            yield position, error
    for position, fit in alone:
        yield position, outcome(estimator, fit)
    for group in sharing.values():
        yield from _fit_group(group)


def _fit_group(group):
    """Fit models that have the same bins."""
    _, fit, first, _ = group[0]
    try:
        rows, _ = first._read(*fit.data(), **fit.fit_params)
        first._check_trained_on(rows.y)
    except Exception as error:
        yield from ((position, error) for position, *_ in group)
        return
    data, grown = {}, {}
    for position, _, model, seed in group:
        model._learn_from(first)
        try:
            model._start(rows.X.shape, seed)
        except Exception as error:
            yield position, error
            continue
        # More trees may be worth an accelerator, and with "auto" another library.
        place = model.backend_, model.device_
        trees = place, seed, key({**model.get_params(deep=False), **dict.fromkeys(_BESIDE_TREES)})
        grown.setdefault(trees, []).append((position, model))
    for (place, *_), same in grown.items():
        same.sort(key=lambda entry: entry[1].n_estimators)
        longest = same[-1][1]
        try:
            if place not in data:
                data[place] = longest._engine.prepare(rows)
            longest._engine.fit(rows, data=data[place])
        except Exception as error:
            yield from ((position, error) for position, _ in same)
            continue
        for position, model in same:
            model._engine = longest._engine.first(model.n_estimators)
            yield position, model
