"""Modern machine learning as scikit-learn estimators.

Every method is an estimator with ``fit`` and ``predict`` (or ``transform``) that works in
pipelines, cross-validation and grid search, and takes ``device`` as a parameter. The subpackages
carry the names that they have in scikit-learn; each is imported when it is first used.
"""

from sklearn_modern._core.lazy import lazy_submodules

__version__ = "0.1.0.dev0"

__all__ = [
    "augmentation",
    "calibration",
    "decomposition",
    "density",
    "device",
    "ensemble",
    "feature_selection",
    "generation",
    "metrics",
    "model_selection",
    "neural_network",
    "ordinal",
    "outlier_detection",
    "report",
    "shared_fits",
    "show_versions",
    "utils",
]

__getattr__, __dir__ = lazy_submodules(__name__, __all__)


def show_versions() -> None:
    """Print what a report of an error should say: versions, and the devices that are there.

    Examples
    --------
    >>> import sklearn_modern
    >>> sklearn_modern.show_versions()  # doctest: +ELLIPSIS
    python: 3...
    """
    from sklearn_modern._core.versions import versions
    from sklearn_modern.device import available_devices

    for name, value in (versions() | {"devices": ", ".join(available_devices())}).items():
        print(f"{name}: {value}")
