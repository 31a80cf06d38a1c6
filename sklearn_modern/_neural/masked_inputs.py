"""What X is, for a network that guesses what is hidden from it."""

from typing import Any

import numpy as np
import torch

from sklearn_modern._inputs.masking import row_keys
from sklearn_modern._inputs.ragged import Ragged
from sklearn_modern._neural.sequence_inputs import SequenceInputs
from sklearn_modern.training.sources import Source

__all__ = ["MaskedInputs"]


class MaskedInputs(SequenceInputs):
    """Sequences, with a key for each of them in the place of targets.

    Those that are kept for another fit have the targets of that one.
    """

    def source(
        self,
        checked: Ragged,
        rows: slice | np.ndarray,
        dtype: torch.dtype,
        device: str,
        **rest: Any,
    ) -> Source:
        """Give tokens the codes of the vocabulary, or scale numbers."""
        if not self._is_kept:
            # Codes of the vocabulary, since others depend on which rows come first.
            own = checked.select(rows)
            keys = row_keys(self.vocabulary.encode(own) if self.is_text else own)
            rest = rest | {"y": torch.from_numpy(keys).to(device)}
        return super().source(checked, rows, dtype, device, **rest)
