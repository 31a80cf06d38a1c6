"""What a report of an error should say of the machine."""

import platform
import sys
from importlib import metadata

__all__ = ["versions"]

_PACKAGES = (
    "sklearn-modern",
    "scikit-learn",
    "numpy",
    "scipy",
    "joblib",
    "threadpoolctl",
    "torch",
    "skorch",
    "xgboost",
    "lightgbm",
    "catboost",
    "pandas",
    "matplotlib",
)


def versions() -> dict[str, str]:
    """Return the versions of Python and of the packages; "not installed" where one is missing."""
    found = {"python": sys.version.replace("\n", " "), "machine": platform.platform()}
    for package in _PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            found[package] = "not installed"
    return found
