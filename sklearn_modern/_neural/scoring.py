"""What scikit-learn's scorers say of the validation rows of a training."""

from collections.abc import Callable
from typing import Any

import numpy as np
from torch import Tensor

from sklearn_modern._fits.stand_in import StandIn
from sklearn_modern._neural.targets import Targets
from sklearn_modern.heads.base import Head
from sklearn_modern.metrics._scorers import get_scorer

__all__ = ["validation_scorer"]


def validation_scorer(
    scoring: Any, head: Head, targets: Targets
) -> Callable[[Tensor, Tensor, Tensor | None], float]:
    """Make a function of one member's outputs, targets and weights of the validation rows.

    Parameters
    ----------
    scoring : str or callable
        A scorer, or its name.
    head : Head
        Decodes the outputs.
    targets : Targets
        Knows what codes stand for.

    Returns
    -------
    callable
        From outputs (1, rows, ...), targets (1, rows, ...) and weights (1, rows) or None to a
        score, where greater is better.
    """
    scorer = get_scorer(scoring)
    classes = getattr(targets, "classes", None)

    def score(outputs: Tensor, y: Tensor, weight: Tensor | None) -> float:
        decoded = head.decode(outputs)
        answers = {"predict": targets.named(head.decide(decoded).cpu().numpy())}
        if classes is not None:
            answers["predict_proba"] = decoded.cpu().numpy()
        known = targets.named(head.in_units(y[0]).cpu().numpy())
        weights = {} if weight is None else {"sample_weight": weight[0].cpu().numpy()}
        model = StandIn(answers, classes)
        vars(model).update(targets.attributes())  # some scorers ask for the order of levels
        found = scorer(model, np.empty((len(known), 1)), known, **weights)
        if not np.isfinite(found):
            raise ValueError(
                f"scoring={scoring!r} is {found} on the {len(known)} validation rows, so that it "
                "cannot tell when to stop; take scoring='loss', or more validation rows."
            )
        return float(found)

    return score
