"""Exact scores of many subsets of features, without a fit of each."""

__all__ = []
