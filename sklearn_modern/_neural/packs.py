"""Many fits that train as the members of one network."""

from collections.abc import Iterator, Sequence
from typing import Any

from torch import Tensor

from sklearn_modern._core.estimator import Role, roles
from sklearn_modern._core.same import key
from sklearn_modern._fits.fit import Fit, check_fits, data_key, outcome
from sklearn_modern._neural.estimator import NeuralEstimator
from sklearn_modern.networks.members import owners
from sklearn_modern.training.pack_size import MOST_NUMBERS_OF_DATA, most_members
from sklearn_modern.training.packed import Prepared, shape_of, train_together

__all__ = ["fit_many", "fits_at_once"]

_FIT_PARAMS = {"sample_weight", "X_val", "y_val"}
_UNKNOWN = Role(steers=False)

# How many fits there should be at once: more save nothing more.
_FITS_AT_ONCE = 100


def fits_at_once(estimator: Any) -> int:
    """Return how many fits a network wants to get at once; 0 if it trains alone in any case."""
    return 0 if _shared_settings(estimator) is None else _FITS_AT_ONCE


def fit_many(estimator: Any, fits: Sequence[Fit]) -> Iterator[tuple[int, Any]]:
    """Fit clones of a network, as :mod:`sklearn_modern._fits.many` says.

    Each fit is prepared as if separate, up to its initial weights. Fits whose networks then have
    the same shape train as the members of one, each on its own rows, by its own settings and from
    its own random stream.
    """
    check_fits(fits)
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
        yield from _fit_group(estimator, group)


def _alike(model, fit):
    """Say what fits must have in common to share a pack; None if this one cannot share."""
    return _shared_settings(model) if _FIT_PARAMS.issuperset(fit.fit_params) else None


def _shared_settings(model):
    """Return what settings networks must share to share a pack; None if this one cannot."""
    # A subclass may do more in its own ``fit``, and may have parameters that say nothing of packs.
    if type(model).fit is not NeuralEstimator.fit or not _may_be_on_cpu(model.device):
        return None
    same, known = [], roles(type(model))
    for name, value in model.get_params(deep=False).items():
        role = known.get(name, _UNKNOWN)
        if role.packs_with is not None and value not in role.packs_with:
            return None
        if not role.differs:
            same.append((name, key(value)))
    return tuple(same)


def _may_be_on_cpu(device):
    return str(device) in ("auto", "cpu")


def _fit_group(estimator, group):
    """Prepare fits, and train those of one shape in packs that are not too large."""
    packs: dict[Any, list] = {}
    known: list[Tensor] = []
    learned: dict[Any, dict] = {}
    for position, fit, model in group:
        try:
            model._validate_params()
            of_data = learned.setdefault(data_key(fit), {})
            rows = model._prepare(*fit.data(), **fit.fit_params, learned=of_data)
            prepared = Prepared(model.net_, *rows)
        except Exception as error:
            yield position, error
            continue
        entry = position, fit, model, prepared
        if not _stands_beside(model, prepared):
            yield from _train(estimator, [entry])
            continue
        for part in (prepared.training, prepared.validation):
            if part is not None:
                part.source.share(known)
        pack = packs.setdefault(shape := shape_of(prepared), [])
        pack.append(entry)
        most = most_members(model.net_.objective, model.net_.batch_size, len(prepared))
        if sum(len(one[-1]) for one in pack) >= most:
            yield from _train(estimator, packs.pop(shape))
        if sum(tensor.numel() for tensor in known) > MOST_NUMBERS_OF_DATA:
            yield from _train_all(estimator, packs)
            packs, known = {}, []
    yield from _train_all(estimator, packs)


def _stands_beside(model, prepared):
    """Tell whether a fit can be a member of a pack."""
    # Sparse rows become dense only when they are taken, and bodies that take turns gain nothing.
    sources = [part.source for part in (prepared.training, prepared.validation) if part is not None]
    return (
        model.device_ == "cpu"
        and model.net_.objective.packs
        and all(source.stands_beside for source in sources)
        and not owners(model.net_.module_)
    )


def _train_all(estimator, packs):
    for pack in packs.values():
        yield from _train(estimator, pack)


def _train(estimator, pack):
    """Train prepared models, together if there are several."""
    if len(pack) == 1:
        ((position, _, model, prepared),) = pack
        try:
            model.net_.train_on(prepared.training, prepared.validation)
        except Exception as error:
            yield position, error
            return
    else:
        verbose = any(model.verbose for _, _, model, _ in pack)
        for _, _, model, _ in pack:
            model.net_.verbose = 0
        try:
            train_together([prepared for *_, prepared in pack], verbose)
        except Exception:  # such as one of a scorer: each meets its own
            for position, fit, *_ in pack:
                yield position, outcome(estimator, fit)
            return
    for position, _, model, _ in pack:
        model.net_.verbose = int(model.verbose)
        model.net_ = model.net_.without_optimizers()
        try:
            model._store_training()
        except Exception as error:
            yield position, error
        else:
            yield position, model
