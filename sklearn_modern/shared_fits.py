"""Fits that share work, by estimators that offer it.

:func:`fit_many` fits clones of an estimator with many settings, or on many parts of the data. An
estimator that can do this cheaper together than apart has a method ``fit_many(fits)``. It takes a
sequence of :class:`Fit` and yields, in any order, the position of each fit and the fitted clone, or
the exception that this fit raised. Two fits are of the same data if they hold the same objects. The
results must be those of separate fits.

Examples
--------
The mean of y is computed once for each choice of rows:

>>> import numpy as np
>>> from sklearn.base import BaseEstimator, RegressorMixin
>>> from sklearn_modern.shared_fits import Fit, fit_many
>>> class ShrunkenMean(RegressorMixin, BaseEstimator):
...     def __init__(self, shrinkage=0.0):
...         self.shrinkage = shrinkage
...
...     def fit(self, X, y):
...         return self._shrink(np.mean(y))
...
...     def fit_many(self, fits):
...         means = {}
...         for position, fit in enumerate(fits):
...             try:
...                 model = fit.clone(self)
...                 data = id(fit.y), id(fit.rows)
...                 if data not in means:
...                     means[data] = np.mean(fit.data()[1])
...                 yield position, model._shrink(means[data])
...             except Exception as error:
...                 yield position, error
...
...     def _shrink(self, mean):
...         self.mean_ = (1 - self.shrinkage) * mean
...         return self
...
...     def predict(self, X):
...         return np.full(len(X), self.mean_)
>>> X, y = np.zeros((3, 1)), np.array([1.0, 2.0, 6.0])
>>> fits = [Fit({"shrinkage": shrinkage}, X, y) for shrinkage in (0.0, 0.5)]
>>> [float(model.mean_) for _, model in sorted(fit_many(ShrunkenMean(), fits))]
[3.0, 1.5]
"""

from sklearn_modern._fits.fit import Fit
from sklearn_modern._fits.many import fit_many

__all__ = ["Fit", "fit_many"]
