"""Which adapter stands for a library."""

from importlib import import_module

from sklearn_modern.ensemble.engines.base import Engine

__all__ = ["ENGINES", "engine_of"]

ENGINES = {"xgboost": "XGBoost", "lightgbm": "LightGBM", "catboost": "CatBoost", "hist": "Hist"}


def engine_of(name: str) -> type[Engine]:
    """Return the adapter, whose library is imported now."""
    return getattr(import_module(f"sklearn_modern.ensemble.engines.{name}"), ENGINES[name])
