"""Many fits that train as the members of one network."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

from sklearn_modern._core.estimator import Role, roles
from sklearn_modern._core.same import key
from sklearn_modern._fits.fit import Fit, check_fits, data_key, outcome
from sklearn_modern._neural.estimator import NeuralEstimator
from sklearn_modern._neural.readings import Readings
from sklearn_modern.device import is_cuda
from sklearn_modern.networks.members import owners
from sklearn_modern.training.pack_size import (
    bytes_of_members,
    is_out_of_memory,
    most_bytes,
    most_members,
)
from sklearn_modern.training.packed import train_together
from sklearn_modern.training.prepared import Prepared, shape_of

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
    left = list(groups.values())
    while left:
        # Whatever a pack that has failed had of the memory is let go before its fits begin anew.
        yield from _fit_group(estimator, left.pop(0), left)


def _alike(model, fit):
    """Say what fits must have in common to share a pack; None if this one cannot share."""
    return _shared_settings(model) if _FIT_PARAMS.issuperset(fit.fit_params) else None


def _shared_settings(model):
    """Return what settings networks must share to share a pack; None if this one cannot."""
    # A subclass may do more in its own ``fit``, and may have parameters that say nothing of packs.
    if type(model).fit is not NeuralEstimator.fit:
        return None
    same, known = [], roles(type(model))
    for name, value in model.get_params(deep=False).items():
        role = known.get(name, _UNKNOWN)
        if role.packs_with is not None and value not in role.packs_with:
            return None
        if not role.differs:
            same.append((name, key(value)))
    return tuple(same)


@dataclass(frozen=True, eq=False)
class _Entry:
    """A fit that is prepared, and waits for its training."""

    position: int
    fit: Fit
    model: Any
    prepared: Prepared

    def parts(self):
        prepared = self.prepared
        return [part for part in (prepared.training, prepared.validation) if part is not None]

    def result(self):
        """Return the model, or why there is none, after the training."""
        model = self.model
        if self.prepared.error is not None:
            return self.prepared.error
        model.net_.verbose = int(model.verbose)
        model.net_ = model.net_.without_optimizers()
        try:
            model._store_training()
        except Exception as error:
            return error
        return model


@dataclass(eq=False)
class _Pack:
    """Fits of one shape, and how much memory of a device they need.

    Members with equal data share them. Once more they lie side by side.
    """

    device: str
    entries: list[_Entry] = field(default_factory=list)
    n_members: int = 0
    _data: list[Tensor] = field(default_factory=list)
    _n_bytes: int = 0

    def add(self, entry):
        self.entries.append(entry)
        net, n_members = entry.prepared.net, len(entry.prepared)
        self.n_members += n_members
        n_rows = 0
        for part in entry.parts():
            part.source.share(self._data)
            n_rows += len(part)
        self._n_bytes += bytes_of_members(net.objective, net.batch_size, n_rows, n_members)

    @property
    def n_bytes(self):
        return self._n_bytes + 2 * sum(tensor.nbytes for tensor in self._data)


def _fit_group(estimator, group, left):
    """Prepare fits, and train those of one shape in packs that are not too large.

    Groups that are still to be fitted are added to ``left``.
    """
    packs: dict[Any, _Pack] = {}
    most: dict[str, int] = {}  # how many bytes they may take on a device, until packs have trained
    for position, fit, entry in _prepare(group):
        if isinstance(entry, Exception):
            if is_out_of_memory(entry) and packs:  # of which those that wait have some
                yield from _train_all(estimator, packs, left)
                most.clear()
                entry = outcome(estimator, fit)
            yield position, entry
            continue
        net, together = entry.prepared.net, 1
        if _stands_beside(entry):
            together = most_members(net.objective, net.batch_size, len(entry.prepared), net.device)
        if together == 1:
            yield from _train_alone(entry)
            continue
        pack = packs.setdefault(shape := shape_of(entry.prepared), _Pack(net.device))
        pack.add(entry)
        waiting = sum(one.n_bytes for one in packs.values() if one.device == net.device)
        if net.device not in most:
            most[net.device] = most_bytes(net.device)
        if pack.n_members >= together:
            yield from _train(estimator, packs.pop(shape), left)
            most.clear()
        elif waiting > most[net.device]:
            yield from _train_all(estimator, packs, left)
            most.clear()
    yield from _train_all(estimator, packs, left)


def _prepare(group):
    """Yield fits, ready to be trained, or what they have raised; those of equal data in a row."""
    by_data: dict[Any, list] = {}
    for position, fit, model in group:
        by_data.setdefault(data_key(fit), []).append((position, fit, model))
    for alike in by_data.values():
        data, readings = None, Readings()
        for position, fit, model in alike:
            try:
                model._validate_params()
                data = fit.data() if data is None else data  # into which no network writes
                rows = model._prepare(*data, **fit.fit_params, readings=readings)
                entry = _Entry(position, fit, model, Prepared(model.net_, *rows))
            except Exception as error:
                entry = error
            yield position, fit, entry


def _stands_beside(entry):
    """Tell whether a fit can be a member of a pack."""
    # Sparse rows become dense only when they are taken, and bodies that take turns gain nothing.
    # So do weights without an axis of members, such as those of modules made elsewhere. On other
    # devices than these nobody has measured it.
    prepared = entry.prepared
    lengths = len(prepared), prepared.net.random.teams
    return (
        (prepared.net.device == "cpu" or is_cuda(prepared.net.device))
        and prepared.net.objective.packs
        and all(part.source.stands_beside for part in entry.parts())
        and not owners(prepared.net.module_)
        and all(weight.ndim and len(weight) in lengths for weight in prepared.weights())
    )


def _train_all(estimator, packs, left):
    while packs:
        yield from _train(estimator, packs.pop(next(iter(packs))), left)


def _train(estimator, pack, left):
    """Train a pack; halves of those that have failed are ``left`` to begin anew.

    Without memory smaller packs may do. If it was another error, the fits that do not have it must
    not all pay for one that does.
    """
    entries = pack.entries
    if len(entries) == 1:
        yield from _train_alone(entries[0])
        return
    verbose = any(entry.model.verbose for entry in entries)
    for entry in entries:
        entry.model.net_.verbose = 0
    interrupt = None
    try:
        train_together([entry.prepared for entry in entries], verbose)
    except KeyboardInterrupt as raised:
        interrupt = raised
    except Exception:  # those that it concerns meet it again
        pass
    failed = []
    for entry in entries:
        if entry.prepared.ended or entry.prepared.error is not None:
            yield entry.position, entry.result()
        else:
            failed.append((entry.position, entry.fit, entry.fit.clone(estimator)))
    if interrupt is not None:
        raise interrupt
    half = -(-len(failed) // 2)
    left += filter(None, (failed[:half], failed[half:]))


def _train_alone(entry):
    prepared = entry.prepared
    try:
        prepared.net.train_on(prepared.training, prepared.validation)
    except Exception as error:
        yield entry.position, error
    else:
        yield entry.position, entry.result()
