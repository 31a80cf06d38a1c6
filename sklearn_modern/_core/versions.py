"""What the installed packages say of themselves: versions, and where the documentation is."""

import platform
import sys
from functools import cache
from importlib import metadata

__all__ = ["page_of_estimator", "versions"]

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
    "optuna",
    "dask",
    "distributed",
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


@cache
def page_of_estimator() -> str:
    """Return the address of an estimator's page, as scikit-learn's diagrams fill it in.

    It is empty while the project declares no address of its documentation.
    """
    try:
        declared = metadata.metadata("sklearn-modern").get_all("Project-URL") or []
    except metadata.PackageNotFoundError:  # the sources are used as they lie
        declared = []
    addresses = dict(line.split(", ", 1) for line in declared)
    if "Documentation" not in addresses:
        return ""
    address = addresses["Documentation"].rstrip("/")
    return address + "/generated/{estimator_module}.{estimator_name}.html"
