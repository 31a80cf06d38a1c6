"""numpy's global random state, which no estimator may read or change."""

import numpy as np


def numpy_state():
    """The keys and the position of the global generator."""
    name, keys, position, *_ = np.random.get_state()  # noqa: NPY002 - it is what is looked at
    return name, keys.tolist(), position


def seed_numpy(seed):
    np.random.seed(seed)  # noqa: NPY002 - so that what reads it would differ
