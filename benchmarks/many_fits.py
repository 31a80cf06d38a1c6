"""Fits one after the other, and the same fits by one call, which may share their work."""

import numpy as np
from ratio import compare, of_processor, stopwatch
from sklearn.base import clone

from sklearn_modern._fits.many import fit_many

__all__ = ["apart", "loop_and_pack", "together"]


def apart(model, fits):
    return [clone(model).set_params(**fit.params).fit(*fit.data()) for fit in fits]


def together(model, fits):
    found = dict(fit_many(model, fits))
    return [found[position] for position in range(len(fits))]


def loop_and_pack(name, model, fits, X, *, parts, repeats):
    """Compare separate fits of networks, of which one in ``parts`` is run, with packed ones.

    On the CPU, seconds are those of the processor.
    """
    few, on_cpu, checked = fits[::parts], model.device == "cpu", clone(model)
    if not on_cpu:  # where rounding differs, and a training in float32 makes much of that
        checked.set_params(precision="float64")
    pairs = zip(apart(checked, few), together(checked, fits)[::parts], strict=True)
    largest = 0.0
    for one, other in pairs:
        assert one.n_iter_ == other.n_iter_
        difference = np.abs(one.predict_proba(X) - other.predict_proba(X)).max()
        largest = max(largest, difference)
    assert largest < 1e-5
    ratio = compare(
        lambda: together(model, fits),
        lambda: apart(model, few),
        repeats=repeats,
        seconds=of_processor if on_cpu else stopwatch,
        parts=parts,
    )
    print(f"{name}: a loop / together {ratio}, predictions differ by {largest:.0e}", flush=True)
