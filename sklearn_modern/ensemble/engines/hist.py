"""scikit-learn's histogram trees."""

import copy
from collections.abc import Iterator
from typing import Any

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from threadpoolctl import threadpool_limits

from sklearn_modern.ensemble.engines.base import (
    Engine,
    Rows,
    Watch,
    clash,
    column_label,
    dense,
    with_all_classes,
)

__all__ = ["Hist"]

# Parameters that we set in other ways, or only for some fits.
_OURS = {
    *("loss", "quantile", "max_iter", "class_weight"),
    *("scoring", "validation_fraction", "n_iter_no_change", "tol", "verbose"),
}


_OTHER_NAMES = {"max_iter": "n_estimators"}


class Hist(Engine):
    """HistGradientBoostingClassifier and HistGradientBoostingRegressor."""

    model: Any = None

    def fit(
        self,
        rows: Rows,
        validation: Rows | None = None,
        watch: Watch | None = None,
        data: None = None,
    ) -> None:
        """Train, or train on, until there are ``settings.n_estimators`` iterations."""
        rows = rows._replace(X=dense(rows.X))
        self._check_categories(rows.X)
        seen = with_all_classes(self._without_empty_columns(rows), self.settings.n_classes)
        model = self._make(rows.mean_weight)
        self.model = model if self.model is None else self.model.set_params(**model.get_params())
        if watch is None:
            self._grow(seen, self.settings.n_estimators)
            return
        # scikit-learn has no hook after an iteration: grow some, look at them, grow more.
        watched, target = self.n_estimators, self.n_estimators
        while target < self.settings.n_estimators:
            target = min(max(2 * target, 32), self.settings.n_estimators)
            self._grow(seen, target)
            parts = [rows] if validation is None else [rows, validation]
            stages = zip(*(self.staged(part.X) for part in parts), strict=True)
            for done, predicted in enumerate(stages, start=1):
                if done > watched and watch(*predicted):
                    self.keep(done)
                    return
            watched = target

    def keep(self, n_estimators: int) -> None:
        """Keep the first ``n_estimators`` iterations only."""
        self.model = copy.copy(self.model)
        self.model._predictors = self.model._predictors[:n_estimators]

    def predict(self, X: Any) -> np.ndarray:
        """Predict by all iterations."""
        with self._threads():
            if self.settings.loss != "log_loss":
                return self.model.predict(dense(X))
            return self._probabilities(self.model.predict_proba(dense(X)))

    def staged(self, X: Any) -> Iterator[np.ndarray]:
        """Predict by the first iteration, by the first two, and so on."""
        X = dense(X)
        if self.settings.loss != "log_loss":
            yield from self.model.staged_predict(X)
        else:
            yield from map(self._probabilities, self.model.staged_predict_proba(X))

    def staged_margins(self, X: Any) -> Iterator[np.ndarray]:
        """Return the sums over the trees of the first iteration, of the first two, and so on."""
        yield from self.model.staged_decision_function(dense(X))

    def margins(self, X: Any) -> np.ndarray:
        """Return the sums over all trees, from which a classifier's probabilities are computed."""
        with self._threads():
            return self.model.decision_function(dense(X))

    def input(self, X: Any) -> np.ndarray:
        """Return rows as scikit-learn's estimator takes them."""
        return dense(X)

    def leaves(self, X: Any) -> np.ndarray:
        """Refuse, since scikit-learn does not tell."""
        raise ValueError(
            "backend='hist' does not tell which leaf a row falls into, which apply needs; take "
            "backend='xgboost', 'lightgbm' or 'catboost'."
        )

    def contributions(self, X: Any) -> np.ndarray:
        """Refuse, since scikit-learn has none."""
        raise ValueError(
            "backend='hist' has no contributions of features, which predict_contributions needs; "
            "take backend='xgboost' or 'lightgbm'."
        )

    def gains(self) -> np.ndarray:
        """Return the total gain of the splits on each feature."""
        gains = np.zeros(self.model.n_features_in_)
        for iteration in self.model._predictors:
            for tree in iteration:
                splits = tree.nodes[tree.nodes["is_leaf"] == 0]
                np.add.at(gains, splits["feature_idx"], splits["gain"])
        return gains[[self._place(feature) for feature in range(len(gains))]]

    @property
    def n_estimators(self) -> int:
        """Number of iterations."""
        return 0 if self.model is None else getattr(self.model, "n_iter_", 0)

    @property
    def native(self) -> Any:
        """The library's own object."""
        return self.model

    def _make(self, mean_weight):
        s = self.settings
        parameters = {
            "learning_rate": s.learning_rate,
            "max_leaf_nodes": s.max_leaf_nodes,
            "max_depth": s.max_depth,
            "min_samples_leaf": s.min_samples_leaf,
            "l2_regularization": s.l2_regularization * mean_weight,
            "max_features": s.max_features,
            "max_bins": s.max_bins,
            "categorical_features": list(s.categorical) or None,
            "monotonic_cst": None if s.monotonic is None else list(s.monotonic),
            "interaction_cst": self._interactions(),
            "early_stopping": False,
            "warm_start": True,
            "random_state": s.seed,
        }
        self._check_extra(parameters)
        parameters |= s.extra
        if s.loss == "log_loss":
            return HistGradientBoostingClassifier(**parameters)
        return HistGradientBoostingRegressor(loss=s.loss, quantile=s.quantile, **parameters)

    def _interactions(self):
        if self.settings.interactions is None:
            return None
        return [[self._place(feature) for feature in group] for group in self.settings.interactions]

    def _place(self, feature):
        # scikit-learn's trees have the categories before the numbers, to which it matches
        # monotonic_cst, but not interaction_cst.
        categorical = self.settings.categorical
        before = sum(other < feature for other in categorical)
        return before if feature in categorical else feature + len(categorical) - before

    def _check_extra(self, parameters):
        s = self.settings
        if s.loss in ("huber", "tweedie"):
            raise ValueError(f"backend='hist' has no loss={s.loss!r}; take another backend.")
        if s.subsample < 1:
            raise ValueError(
                f"backend='hist' cannot leave out rows, but subsample={s.subsample}; take "
                "subsample=1.0 or another backend."
            )
        if s.device != "cpu":
            raise ValueError(
                f"backend='hist' runs on the CPU only, but device={s.device!r}; take "
                "backend='xgboost'."
            )
        classify = s.loss == "log_loss"
        kind = HistGradientBoostingClassifier if classify else HistGradientBoostingRegressor
        unknown = sorted(set(s.extra) - set(kind().get_params()))
        if unknown:
            raise ValueError(f"backend_params has {unknown}, which {kind.__name__} does not know.")
        clashes = sorted(set(s.extra) & (_OURS | set(parameters)))
        if clashes:
            raise ValueError(clash({name: _OTHER_NAMES.get(name, name) for name in clashes}))

    def _check_categories(self, X):
        most = self.settings.max_bins
        for column in self.settings.categorical:
            codes = X[:, column]
            found = len(np.unique(codes[~np.isnan(codes)]))
            if found > most:
                label = column_label(self.settings.names, column)
                raise ValueError(
                    f"backend='hist' takes at most max_bins={most} categories, but column {label} "
                    f"has {found} categories; merge rare ones, raise max_bins (to 255 at most), "
                    "or take another backend."
                )

    def _without_empty_columns(self, rows):
        # Some versions of scikit-learn cannot bin a column without values, nor one that has none
        # among the rows that bins are made of. A column with fewer values than a leaf needs cannot
        # be split on, and neither can one of zeros: predictions do not depend on either.
        empty = np.count_nonzero(~np.isnan(rows.X), axis=0) < self.settings.min_samples_leaf
        empty[list(self.settings.categorical)] = False
        return rows._replace(X=np.where(empty, 0.0, rows.X)) if empty.any() else rows

    def _grow(self, rows, n_estimators):
        try:
            with self._threads():
                self.model.set_params(max_iter=n_estimators).fit(rows.X, rows.y, rows.weight)
        except KeyboardInterrupt:
            self.model._in_fit = False  # else it takes rows to predict for binned ones
            self.model.train_score_ = self.model.validation_score_ = np.empty(0)
            trees = getattr(self.model, "_predictors", [])
            if trees and len(trees[-1]) < self.model.n_trees_per_iteration_:
                trees.pop()
            raise

    def _threads(self):
        return threadpool_limits(limits=self.settings.n_threads, user_api="openmp")

    def _probabilities(self, probabilities):
        return probabilities[:, 1] if self.settings.n_classes == 2 else probabilities
