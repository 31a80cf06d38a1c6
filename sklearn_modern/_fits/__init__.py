"""Fits of any estimator: many of them, their splits, and their scores."""

__all__: list[str] = []
