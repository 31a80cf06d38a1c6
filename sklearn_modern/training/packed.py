"""Several nets of one shape, trained as the members of one net."""

import copy
from collections.abc import Hashable, Iterator, Sequence

import torch
from skorch.callbacks import Callback
from torch import Tensor

from sklearn_modern.networks.random import MemberRandom
from sklearn_modern.training.callbacks import StopTraining
from sklearn_modern.training.sources import Part
from sklearn_modern.training.trainer import Trainer
from sklearn_modern.training.work import threads_for_steps

__all__ = ["shape_of", "train_together"]


def shape_of(net: Trainer, rows: Part) -> Hashable:
    """Say what must be the same for nets to be trained together, besides their settings."""
    module = net.objective.modules["module"]
    weights = tuple(weight.shape for weight in _member_weights(net))
    # What a head has learned of y, for example, is shared by all members.
    fixed = tuple(tuple(buffer.flatten().tolist()) for buffer in module.buffers())
    return weights, fixed, len(rows), rows.source.is_weighted, net.penalty


def train_together(nets: Sequence[Trainer], rows: Sequence[Part]) -> None:
    """Train nets of one shape, each on all rows of a source of its own.

    Afterwards weights, histories and callbacks are as if each net had been trained alone. Only its
    optimiser is not updated.
    """
    pack, epochs = _join(nets), _MemberLosses()
    pack.callbacks_.append(("member_losses", epochs))
    first, *others = (part.source for part in rows)
    together = Part(first.beside(others), rows[0].index)
    # Sums round by the number of threads, and over many epochs that grows.
    with threads_for_steps(nets[0].objective, nets[0].batch_size):
        pack.train_on(together)
    trained = list(_member_weights(pack))
    n_batches = len(pack.get_iterator(together, training=True))
    for member, net in enumerate(nets):
        for weight, all_weights in zip(_member_weights(net), trained, strict=True):
            weight.data.copy_(all_weights[member : member + 1])
        _retell(net, rows[member], [losses[member] for losses in epochs.losses], n_batches)
        net.interrupted_ = pack.interrupted_


class _MemberLosses(Callback):
    """Write down the training loss of each member in each epoch."""

    def on_train_begin(self, net, **kwargs) -> None:
        self.losses: list[Tensor] = []

    def on_epoch_end(self, net, **kwargs) -> None:
        self.losses.append(net.member_losses_)


def _join(nets):
    """Make one net of several, which go on from where their random streams are."""
    random = MemberRandom.joined([net.random for net in nets])
    pack = copy.deepcopy(nets[0], {id(nets[0].random): random})
    each = zip(*map(_member_weights, nets), strict=True)
    for weight, weights in zip(_member_weights(pack), each, strict=True):
        weight.data = torch.cat(weights).detach()
    return pack.initialize_optimizer()


def _member_weights(net) -> Iterator[Tensor]:
    """Give all weights and statistics that have a leading axis of members."""
    module = net.objective.modules["module"]
    yield from module.body.state_dict(keep_vars=True).values()
    yield from module.head.parameters()


def _retell(net, rows, losses, n_batches):
    """Replay to a net's callbacks the epochs until it would have stopped."""
    net.notify("on_train_begin", X=rows, y=None)
    try:
        for loss in losses:
            net.notify("on_epoch_begin", dataset_train=rows, dataset_valid=None)
            net.history.new_batch()
            net.history.record_batch("train_loss", loss.item())
            net.history.record_batch("train_batch_size", len(rows))
            net.history.record("train_batch_count", n_batches)
            net.member_losses_ = loss.unsqueeze(0)
            net.notify("on_epoch_end", dataset_train=rows, dataset_valid=None)
    except StopTraining:
        pass
    net.notify("on_train_end", X=rows, y=None)
