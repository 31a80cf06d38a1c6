"""What the tests of networks that train together share."""

import pytest

from sklearn_modern._neural import packs
from sklearn_modern.training.trainer import Trainer


@pytest.fixture
def trainings(monkeypatch):
    """The number of nets of each training, as they come."""
    counts, train_on, train_together = [], Trainer.train_on, packs.train_together

    def counting(self, *args, **kwargs):
        counts.append(1)
        return train_on(self, *args, **kwargs)

    def counting_together(pack, *args, **kwargs):
        counts.append(len(pack))
        return train_together(pack, *args, **kwargs)

    monkeypatch.setattr(Trainer, "train_on", counting)
    monkeypatch.setattr(packs, "train_together", counting_together)
    return counts
