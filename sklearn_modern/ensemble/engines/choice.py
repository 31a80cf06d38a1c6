"""Which adapter stands for a backend."""

from importlib import import_module

from sklearn_modern.ensemble.engines.base import Engine

__all__ = ["ENGINES", "engine_of", "library"]

ENGINES = {"xgboost": "XGBoost", "lightgbm": "LightGBM", "catboost": "CatBoost", "hist": "Hist"}


def library(backend: str) -> str:
    """Return the backend that "auto" is, or the one that is asked for."""
    return "xgboost" if backend == "auto" else backend


def engine_of(backend: str) -> type[Engine]:
    """Return the adapter, whose library is imported now."""
    name = library(backend)
    return getattr(import_module(f"sklearn_modern.ensemble.engines.{name}"), ENGINES[name])
