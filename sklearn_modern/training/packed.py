"""Several nets of one shape, trained as the members of one network.

Each net keeps its own settings, rows, random streams, history and callbacks. Only its weights lie
side by side with those of the others while they are trained, so that a step is one pass for all.
"""

import copy
from collections.abc import Sequence
from itertools import groupby
from operator import itemgetter

import torch
from torch import Tensor

from sklearn_modern._core.progress import ProgressBar
from sklearn_modern.device import deterministic, is_cuda, send
from sklearn_modern.networks.dropout import MemberDropout
from sklearn_modern.networks.random import MemberRandom
from sklearn_modern.training.callbacks import StopTraining
from sklearn_modern.training.column_steps import ColumnSteps
from sklearn_modern.training.member_steps import FusedSteps
from sklearn_modern.training.prepared import Prepared
from sklearn_modern.training.recorded import Recorded, own_stream
from sklearn_modern.training.sources import Part, Source
from sklearn_modern.training.update import check_losses
from sklearn_modern.training.work import threads_for_steps

__all__ = ["train_together"]

# Rows of all members that are evaluated together.
_ROWS_TOGETHER = 1 << 15


def train_together(pack: Sequence[Prepared], verbose: bool = False) -> None:
    """Train nets of one shape, each on rows of its own.

    Weights, histories and callbacks of those that have ``ended`` are as if each had been trained
    alone. Only its optimiser is not updated. An error that concerns one net ends its training, and
    is its ``error``. Any other, and Ctrl-C, is raised, and nets that have not ended by then are of
    no use.

    Parameters
    ----------
    pack : sequence of Prepared
        The nets and their rows.
    verbose : bool, default=False
        Whether to show a bar.
    """
    first = pack[0].net
    for one in pack:
        one.do(one.net.begin, one.training, one.validation)
    bar = ProgressBar("stdout") if verbose else None
    running, members = sorted((one for one in pack if one.error is None), key=_order), None
    try:
        # Sums round by the number of threads, and over many epochs that grows.
        with (
            deterministic(),
            threads_for_steps(first.objective, first.batch_size),
            own_stream(first.device),
        ):
            while running:
                members = _Members(running, members)
                running = members.train_until_one_stops(bar)
    finally:
        if bar is not None:
            bar.close()


class _Members:
    """Nets whose weights lie side by side.

    Parameters
    ----------
    running : list of Prepared
        The nets.
    before : _Members or None
        Those from whose optimiser they go on.
    """

    def __init__(self, running: list[Prepared], before: "_Members | None") -> None:
        self.running = running
        self.random = MemberRandom.joined([one.net.random for one in running])
        self._of_member = [one for one in running for _ in range(len(one))]
        self._slices = _slices(running)
        self._device = torch.device(running[0].net.device)
        before_join = [weight.data for one in running for weight in one.weights()]
        self._objective = self._join(max(running, key=lambda one: len(one.dropouts())))
        self._network = self._objective.modules["module"]
        self._heads = self._group_heads()
        self._training = _beside([one.training for one in self._of_member])
        self._validation = None
        if running[0].validation is not None:
            self._validation = _beside([one.validation for one in self._of_member])
        earlier = None
        if before is not None:
            places = [place for one in running for place in before.teams_of(one)]
            earlier = before.steps, places
        nets = [one.net for one in self._of_member[:: self.random.team]]
        steps = FusedSteps if self._device.type == "cpu" else ColumnSteps
        self.steps = steps(self._network, self._objective.rates["module"], nets, earlier)
        self._share_of_full = self._share(torch.full((len(self.random),), nets[0].batch_size))
        self._recorded = None
        if is_cuda(self._device):
            self._recorded = Recorded()
            # Other threads may get the memory that is let go here, and write into it at once.
            torch.cuda.current_stream(self._device).synchronize()
        del before_join

    def teams_of(self, one: Prepared) -> range:
        """Return the places of a net's teams."""
        places, team = self._slices[self.running.index(one)], self.random.team
        return range(places.start // team, places.stop // team)

    def train_until_one_stops(self, bar: ProgressBar | None) -> list[Prepared]:
        """Train epoch after epoch, let those go that stop, and return the others."""
        while True:
            stopped = self._epoch()
            if bar is not None:
                self._show(bar)
            if stopped:
                for one in stopped:
                    _let_go(one)
                return [one for one in self.running if one not in stopped]

    # What the members are made of.

    def _join(self, template):
        """Make one network of all, whose weights those of the nets are parts of."""
        net = template.net
        joint = copy.copy(net)
        joint.objective = copy.deepcopy(net.objective, {id(net.random): self.random})
        joint = Prepared(joint, template.training, template.validation)
        each = zip(*(one.weights() for one in self.running), strict=True)
        for weight, weights in zip(joint.weights(), each, strict=True):
            weight.data = torch.cat([own.data for own in weights])
            lengths = [len(own) for own in weights]  # of all members, or one for a team
            for own, part in zip(weights, weight.data.split(lengths), strict=True):
                own.data = part
        rates = [one.dropouts() for one in self._of_member]
        for name in template.dropouts():
            parent, _, child = name.rpartition(".")
            of_members = [own.get(name, 0.0) for own in rates]
            setattr(
                joint.network.get_submodule(parent), child, MemberDropout(of_members, self.random)
            )
        return joint.net.objective

    def _group_heads(self):
        """Return heads, and the members whose loss each of them computes."""
        settings = [one.network.head.loss_settings() for one in self._of_member]
        groups, begin = [], 0
        for _, members in groupby(settings):
            end = begin + len(list(members))
            groups.append((self._of_member[begin].network.head, slice(begin, end)))
            begin = end
        return groups

    # An epoch.

    def _epoch(self):
        """Train and validate once, tell the nets, and return those that stop."""
        for one in self.running:
            one.do(_notify, one, "on_epoch_begin")
        losses = self._train()
        validated = None if self._validation is None else self._validate()
        losses = losses.cpu()
        stopped = []
        for place, one in enumerate(self.running):
            goes_on = one.do(self._tell, place, losses, validated)
            if not goes_on:
                stopped.append(one)
        return stopped

    def _tell(self, place, losses, validated):
        """Tell a net how its epoch went, and return whether it goes on."""
        one, places = self.running[place], self._slices[place]
        net, iterator = one.net, one.net.get_iterator(one.training, training=True)
        net.steps_done_ += len(iterator)
        net.record_losses("train", losses[places] / one.training.total_weight(), iterator)
        if validated is not None:
            sums, outputs = validated
            self._tell_validation(one, sums[places], outputs[place])
        try:
            _notify(one, "on_epoch_end")
        except StopTraining:
            return False
        return net.steps_done_ < net.steps_to_do_

    def _tell_validation(self, one, sums, outputs):
        net, losses = one.net, sums / one.validation.total_weight()
        net.record_losses("valid", losses, net.get_iterator(one.validation))
        net.score_members(losses, outputs, one.validation)

    def _train(self):
        """Train for one epoch, and return the sum of each member's weighted losses."""
        self._network.train()
        size = self.running[0].net.batch_size
        orders = []
        for one in self.running:
            permutations = one.net.random.permutations(len(one.training))
            orders += one.training.shuffled(permutations).unbind()
        order, lengths = _padded(orders)
        self.steps.begin_epoch()
        sums = 0.0
        for start in range(0, order.shape[1], size):
            index, n_rows = order[:, start : start + size], (lengths - start).clamp(0, size)
            self.steps.get_ready()
            if int(n_rows.min()) == size:
                sums = sums + self._full_step(index)
            else:
                sums = sums + self._part_step(index, n_rows)
        return sums

    def _full_step(self, index):
        """Update the weights of each member by a whole batch."""
        self.random.rows = None
        if self._recorded is None:
            return self._update(index, self._share_of_full)
        generators = self.random.generators_so_far(self._device)
        return self._recorded(self._update, index, self._share_of_full, generators=generators)

    def _part_step(self, index, n_rows):
        """Update the weights of each member by its rows of a batch, of which it may have none."""
        whole = bool((n_rows == index.shape[1]).all())
        self.random.rows = None if whole else n_rows.tolist()
        exists = None if whole else send(_exist(n_rows, index.shape[1]), self._device)
        return self._update(index, self._share(n_rows), exists)

    def _share(self, n_rows):
        """Return what each row of a member's batch counts for, as a column."""
        dtype = next(self._network.parameters()).dtype
        share = 1.0 / (n_rows.clamp(min=1) * self.random.team).to(dtype).unsqueeze(1)
        return send(share, self._device)

    def _update(self, index, share, exists=None):
        """Update the weights, and return the sum of each member's weighted losses."""
        batch = self._training.take(index)
        losses = self._losses(self._network(batch.x, batch.given), batch)
        check_losses(losses, len(self.random), batch)
        weight = share.expand_as(losses) if batch.weight is None else batch.weight * share
        summed = losses.detach() if batch.weight is None else losses.detach() * batch.weight
        if exists is not None:
            weight, summed = (torch.where(exists, part, 0.0) for part in (weight, summed))
        self.steps.forget_gradients()
        losses.backward(weight)
        if len(self._heads) > 1:
            self._refuse_losses_with_weights()
        self.steps.step()
        return summed.sum(1)

    @torch.no_grad()
    def _validate(self):
        """Return the sum of each member's weighted losses, and the outputs of each net."""
        self._network.eval()
        rows = [one.validation.rows.expand(len(one), -1) for one in self.running]
        index, lengths = _padded([own for of_net in rows for own in of_net])
        size = max(256, _ROWS_TOGETHER // len(index))
        if self._network.body.members_apart and self._device.type == "cpu":
            return self._validate_apart()
        sums, outputs = 0.0, []
        for start in range(0, index.shape[1], size):
            batch = self._validation.take(index[:, start : start + size])
            scores = self._network(batch.x, batch.given)
            losses = self._losses(scores, batch)
            losses = losses if batch.weight is None else losses * batch.weight
            exists = send(_exist((lengths - start).clamp(0, len(batch)), len(batch)), self._device)
            sums = sums + torch.where(exists, losses, 0.0).sum(1)
            outputs.append(scores)
        outputs = torch.cat(outputs, dim=1)
        pairs = zip(self.running, self._slices, strict=True)
        outputs = [outputs[places, : len(one.validation)] for one, places in pairs]
        return sums.cpu(), outputs

    def _validate_apart(self):
        """Validate each net by itself: its rows fill the processor's cache."""
        sums, outputs = [], []
        for one in self.running:
            one.network.eval()
            batches = one.net.get_iterator(one.validation)
            steps = [one.net.validation_step(batch) for batch in batches]
            sums.append(sum(step["loss"] for step in steps))
            outputs.append(torch.cat([step["y_pred"] for step in steps], dim=1))
        return torch.cat(sums), outputs

    def _losses(self, scores, batch):
        """Return the losses (members, rows), each by a head with the member's settings."""
        if len(self._heads) == 1:
            return self._network.head.loss(scores, batch.y, batch.given)
        losses = []
        for head, own in self._heads:
            given = batch.given.mapped(itemgetter(own))
            losses.append(head.loss(scores[own], batch.y[own], given))
        return torch.cat(losses)

    def _refuse_losses_with_weights(self):
        """Raise if weights of the joint head are used by the loss alone, which others compute."""
        weights = self._network.head.named_parameters()
        if unused := [name for name, p in weights if p.requires_grad and p.grad is None]:
            raise ValueError(f"The loss has weights, {unused}, and differs between the members.")

    def _show(self, bar):
        nets = [one.net for one in self.running]
        done, total = max((net.steps_done_ / net.steps_to_do_, net.max_epochs) for net in nets)
        bar.show(round(done * total), total, f"epochs, {len(nets)} networks in training")


def _let_go(one):
    """End the training of a net, whose weights are its own again."""
    one.do(one.net.end, one.training, one.validation)
    for weight in one.weights():
        weight.data = weight.data.clone()
    one.ended = True


def _notify(one, method_name):
    one.net.notify(method_name, dataset_train=one.training, dataset_valid=one.validation)


def _order(one):
    """Sort nets so that those with equal settings are neighbours, and those with dropout, too."""
    net = one.net
    loss = sorted(one.network.head.loss_settings().items())
    drops = any(one.dropouts().values())
    return loss, drops, net.schedule, net.lr, net.momentum, net.max_epochs, len(one.training)


def _slices(running):
    ends = torch.tensor([len(one) for one in running]).cumsum(0).tolist()
    return [slice(end - len(one), end) for one, end in zip(running, ends, strict=True)]


def _beside(parts: Sequence[Part]) -> Source:
    first, *others = (part.source for part in parts)
    return first.beside(others)


def _padded(orders: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
    """Return indices (members, rows), in which short members repeat a row, and their lengths."""
    lengths = torch.tensor([len(order) for order in orders])
    longest = int(lengths.max())
    filled = [torch.cat([order, order[:1].expand(longest - len(order))]) for order in orders]
    return torch.stack(filled), lengths


def _exist(n_rows: Tensor, n_columns: int) -> Tensor:
    """Tell which of the rows each member has."""
    return torch.arange(n_columns) < n_rows.unsqueeze(1)
