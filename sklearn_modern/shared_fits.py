"""Fits that share work, by estimators that offer it.

:func:`fit_many` fits clones of an estimator, together where the estimator knows how: it then has a
method ``fit_many(fits)``, which takes a sequence of :class:`Fit` and yields pairs of a position and
the fitted estimator, or the exception that the fit raised, in any order. What is shared is
recognised by identity: two fits of the same ``X`` hold the same object. The results must be those
of separate fits.
"""

from sklearn_modern._fits.many import Fit, fit_many

__all__ = ["Fit", "fit_many"]
