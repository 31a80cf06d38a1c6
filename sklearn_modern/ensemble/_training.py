"""Train the boosters of a fit."""

import warnings

from sklearn.base import is_classifier
from sklearn.exceptions import ConvergenceWarning

from sklearn_modern._core.interruption import keeps_what_it_has
from sklearn_modern.ensemble._outputs import column
from sklearn_modern.ensemble._stopping import Stopper, scores_of

__all__ = ["Training"]


class Training:
    """What grows the trees of a boosting estimator, and stops them at the best iteration."""

    def _train(self, rows, validation):
        """Grow the trees of each output; after Ctrl-C in a fit on its own, keep what is there."""
        self.validation_scores_ = self.train_scores_ = None
        outputs, followed = self._engine.outputs, []
        for i, engine in enumerate(outputs):
            parts = [part if part is None else column(part, i) for part in (rows, validation)]
            stopper = self._stopper(engine, *parts, f"output {i + 1} of {len(outputs)}, ")
            interrupted = self._train_output(engine, *parts, stopper)
            followed.append(stopper)
            if interrupted:
                break
        if validation is not None:
            training = [stopper.training for stopper in followed]
            scores = [stopper.validation for stopper in followed]
            several = len(outputs) > 1
            self.train_scores_ = training if several else training[0]
            self.validation_scores_ = scores if several else scores[0]

    def _train_output(self, engine, rows, validation, stopper):
        """Grow the trees of one output, and tell whether Ctrl-C has ended that."""
        earlier, interrupted = engine.n_estimators, False
        try:
            ended = False
            if earlier and validation is not None:
                ended = stopper.replay(*(engine.staged(part.X) for part in (rows, validation)))
            if not ended:
                engine.fit(rows, validation, stopper)
        except KeyboardInterrupt:
            interrupted = True
            grown = engine.n_estimators if validation is None else stopper.best
            others = (other.n_estimators for other in self._engine.outputs if other is not engine)
            if not (grown and all(others) and keeps_what_it_has()):
                raise
        finally:
            if stopper is not None:
                stopper.close()
        if validation is not None:
            engine.keep(stopper.best)
        if interrupted:
            warnings.warn(
                f"The training was interrupted after {grown} iterations; {type(self).__name__} "
                "keeps what it has learned so far.",
                ConvergenceWarning,
                stacklevel=5,
            )
        return interrupted

    def _stopper(self, engine, rows, validation, label):
        if validation is None and not self.verbose:
            return None
        classifier = self if is_classifier(self) else None
        return Stopper(
            *(
                part and scores_of(part, self.scoring, engine.settings, classifier)
                for part in (rows, validation)
            ),
            self.n_iter_no_change,
            self.tol,
            int(self.verbose),
            self.n_estimators - engine.n_estimators,
            engine.n_estimators,
            label if len(self._engine.outputs) > 1 else "",
        )
