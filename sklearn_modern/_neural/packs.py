"""Many fits that train as the members of one network."""

from collections.abc import Iterator, Sequence
from typing import Any

from sklearn_modern._core.estimator import roles
from sklearn_modern._core.same import key
from sklearn_modern._fits.fit import Fit, outcome
from sklearn_modern.networks.members import owners
from sklearn_modern.training.packed import shape_of, train_together

__all__ = ["fit_many"]

# Most members of a pack; more are no faster together.
_MOST_MEMBERS = 16
# Most numbers in a pack's data and weights; beyond a processor's cache a pack is slower.
_MOST_NUMBERS = 1 << 23


def fit_many(estimator: Any, fits: Sequence[Fit]) -> Iterator[tuple[int, Any]]:
    """Fit clones of a network, as :mod:`sklearn_modern._fits.many` says.

    Each fit is prepared as if separate, up to its initial weights. Fits that then have the same
    number of rows and the same shape, as with sets of features of one size, train as the members of
    one network, each on its own inputs and from its own random stream.
    """
    groups = {}
    for position, fit in enumerate(fits):
        try:
            model = fit.clone(estimator)
            alike = _alike(model, fit)
        except Exception as error:
            yield position, error
            continue
        if alike is None:
            yield position, outcome(estimator, fit)
        else:
            groups.setdefault(alike, []).append((position, fit, model))
    for group in groups.values():
        yield from _fit_group(group)


def _alike(model, fit):
    """Say what fits must have in common to share a pack; None if this one cannot share."""
    if set(fit.fit_params) - {"sample_weight"}:
        return None
    sizes = (None if chosen is None else len(chosen) for chosen in (fit.rows, fit.columns))
    same = []
    for name, role in roles(type(model)).items():
        value = getattr(model, name)
        if role.packs_with is not None and value not in role.packs_with:
            return None
        if not role.differs:
            same.append((name, key(value)))
    return *sizes, *same


def _fit_group(group):
    """Prepare fits, only a few at a time, and train them."""
    prepared, n_numbers = [], 0
    for position, fit, model in group:
        try:
            model._validate_params()
            rows, _ = model._prepare(*fit.data(), **fit.fit_params)
        except Exception as error:
            yield position, error
            continue
        # Categories are a second input, and sparse rows become dense only when they are taken.
        together = model.net_.objective.packs and rows.source.n_numbers is not None
        # Bodies that take turns gain nothing.
        if model.device_ != "cpu" or not together or owners(model.net_.module_):
            yield from _train([(position, model, rows)])
            continue
        prepared.append((position, model, rows))
        n_numbers += rows.source.n_numbers + model.net_.objective.products
        if len(prepared) == _MOST_MEMBERS or n_numbers > _MOST_NUMBERS:
            yield from _train_packs(prepared)
            prepared, n_numbers = [], 0
    yield from _train_packs(prepared)


def _train_packs(prepared):
    packs = {}
    for position, model, rows in prepared:
        packs.setdefault(shape_of(model.net_, rows), []).append((position, model, rows))
    for pack in packs.values():
        yield from _train(pack)


def _train(pack):
    """Train prepared models, together if there are several."""
    _, models, rows = zip(*pack, strict=True)
    try:
        if len(pack) > 1:
            train_together([model.net_ for model in models], rows)
        else:
            models[0].net_.train_on(rows[0])
    except Exception as error:
        yield from ((position, error) for position, *_ in pack)
        return
    for position, model, _ in pack:
        model.net_ = model.net_.without_optimizers()
        try:
            model._store_training()
        except Exception as error:
            yield position, error
        else:
            yield position, model
