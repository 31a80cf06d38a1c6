"""What every source of batches promises, and the kinds that there are."""

import pytest
import scipy.sparse as sp
import torch

from sklearn_modern.networks.random import MemberRandom
from sklearn_modern.training.batches import TrainingBatches
from sklearn_modern.training.ragged import RaggedRows
from sklearn_modern.training.sources import Arrays, Part, SparseRows

N_ROWS = 11
X = torch.arange(2.0 * N_ROWS).view(N_ROWS, 2)
Y, WEIGHT = torch.arange(N_ROWS) * 10, torch.linspace(0.5, 2, N_ROWS)
LENGTHS = [3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5]
# Two members, each with an order of its own.
ORDER = torch.stack([torch.arange(N_ROWS).flip(0), torch.arange(N_ROWS).roll(4)])


def sequences(**rest):
    lengths = torch.tensor(LENGTHS)
    return RaggedRows(X.repeat_interleave(lengths, 0), lengths, **rest)


KINDS = {
    "arrays": lambda **rest: Arrays(X, **rest),
    "several inputs": lambda **rest: Arrays((X, X.long()), **rest),
    "sparse rows": lambda **rest: SparseRows(sp.csr_matrix(X.numpy()), "cpu", **rest),
    "sequences": sequences,
}
each_kind = pytest.mark.parametrize("kind", KINDS)


def first_numbers(batch):
    """The first number of each row, which tells the rows apart."""
    x = batch.x[0] if isinstance(batch.x, tuple) else batch.x
    return x.flatten(2)[..., 0]


@each_kind
def test_rows_are_taken_with_all_that_belongs_to_them(kind):
    source = KINDS[kind](y=Y, weight=WEIGHT, rows_together=5)
    assert len(source) == N_ROWS
    assert max(part.shape[1] for part in source.split(ORDER)) <= 5
    assert source.is_weighted
    for index in (ORDER, ORDER[:1, :3]):
        batch = source.take(index)
        assert len(batch) == index.shape[1]
        assert torch.equal(batch.index, index)
        assert torch.equal(first_numbers(batch), X[index][..., 0])
        assert torch.equal(batch.y, Y[index])
        assert torch.equal(batch.weight, WEIGHT[index])
        assert torch.equal(source.targets(index), Y[index])
        assert torch.equal(source.weights(index), WEIGHT[index])
    total = Part(source, torch.tensor([1, 4])).total_weight()
    assert total == pytest.approx(WEIGHT[[1, 4]].sum().item())


@each_kind
def test_targets_and_weights_need_not_be_there(kind):
    source = KINDS[kind]()
    batch = source.take(ORDER)
    assert batch.y is batch.weight is source.targets(ORDER) is source.weights(ORDER) is None
    assert not source.is_weighted
    assert Part(source, torch.tensor([1, 4])).total_weight() == 2


@each_kind
@pytest.mark.parametrize("batch_size", [1, 4, N_ROWS, 100])
def test_an_order_is_cut_into_batches_that_have_every_row_once(kind, batch_size):
    batches = list(KINDS[kind]().cut(ORDER, batch_size))
    assert all(batch.shape[1] <= batch_size for batch in batches)
    assert len(batches) == -(-N_ROWS // batch_size)
    rows = torch.cat(batches, dim=1).sort(dim=1).values
    assert torch.equal(rows, torch.arange(N_ROWS).expand(2, -1))


def test_a_cut_into_another_number_of_batches_is_refused():
    class Halved(Arrays):
        def cut(self, order, batch_size):
            return super().cut(order, batch_size // 2)

    batches = TrainingBatches(Part(Halved(X), torch.arange(N_ROWS)), 4, MemberRandom([0]))
    with pytest.raises(ValueError, match="Halved.cut makes 6 batches of 11 rows.*must be 3"):
        next(iter(batches))


@each_kind
def test_the_whole_is_every_row_in_order(kind):
    source = KINDS[kind](y=Y, weight=WEIGHT)
    whole, taken = source.whole(), source.take(torch.arange(N_ROWS).unsqueeze(0))
    assert torch.equal(first_numbers(whole), first_numbers(taken))
    assert torch.equal(whole.y, taken.y)
    assert torch.equal(whole.weight, taken.weight)
    assert torch.equal(whole.index, taken.index)


@pytest.mark.parametrize("weighted", [False, True])
def test_members_beside_each_other_take_rows_of_their_own(weighted):
    sources = [
        Arrays(X + 100 * member, Y + member, WEIGHT + member if weighted else None)
        for member in range(2)
    ]
    together = sources[0].beside(sources[1:])
    assert together.is_weighted == weighted
    batch = together.take(ORDER)
    for member, source in enumerate(sources):
        alone = source.take(ORDER[member : member + 1])
        assert torch.equal(batch.x[member], alone.x[0])
        assert torch.equal(batch.y[member], alone.y[0])
        assert not weighted or torch.equal(batch.weight[member], alone.weight[0])


def test_only_arrays_stand_beside_each_other():
    for kind, make in KINDS.items():
        assert make().stands_beside == (type(make()) is Arrays), kind
    with pytest.raises(NotImplementedError, match="SparseRows stands alone"):
        KINDS["sparse rows"]().beside([])


def test_sequences_are_filled_up_to_the_longest_of_a_batch():
    rows = sequences()
    for index in ([[0, 1]], [[3, 0, 2], [5, 5, 1]]):
        batch = rows.take(torch.tensor(index))
        assert batch.given.mask.sum(-1).tolist() == [[LENGTHS[i] for i in part] for part in index]
        for member, part in enumerate(index):
            for place, row in enumerate(part):
                steps = batch.x[member, place]
                assert torch.equal(steps[: LENGTHS[row]], X[[row]].expand(LENGTHS[row], -1))
                assert not steps[LENGTHS[row] :].any()
                assert not batch.given.mask[member, place, LENGTHS[row] :].any()
    alike = [row for row, length in enumerate(LENGTHS) if length == LENGTHS[0]]
    assert rows.take(torch.tensor([alike])).given.mask is None


def test_sequences_of_a_batch_are_of_about_one_length():
    lengths = torch.randint(1, 60, (1030,), generator=torch.Generator().manual_seed(0))
    rows = RaggedRows(torch.zeros(int(lengths.sum())), lengths)
    order = MemberRandom([0, 1]).permutations(1030)
    batches = rows.cut(order, 16)
    assert torch.equal(torch.cat(batches, 1).sort(1).values, torch.arange(1030).expand(2, -1))
    spread = [int(lengths[b].amax(1)[0] - lengths[b].amin(1)[0]) for b in batches]
    assert max(spread[:-1]) < 15  # a pool is 512 rows, of which each batch is a 32nd
    assert torch.equal(batches[-1], order[:, -6:])  # a random part, not the longest
    # The order of batches is as random as that of rows, and each member's is its own.
    middles = torch.stack([lengths[b].float().mean(1) for b in batches[:32]], 1)
    assert (middles.diff(dim=1) > 0).float().mean(1).sub(0.5).abs().max() < 0.25
    assert not torch.equal(*middles.argsort(1))
    alone = rows.cut(order[1:], 16)
    assert all(torch.equal(one[0], both[1]) for one, both in zip(alone, batches, strict=True))


def test_batches_of_rows_of_equal_length_come_in_any_order():
    lengths = torch.arange(512) % 23 + 7
    rows = RaggedRows(torch.zeros(int(lengths.sum())), lengths)
    order = MemberRandom(range(400)).permutations(512)
    batches = torch.stack(rows.cut(order, 16), 1)
    means = lengths[batches].float().mean(2)
    for extreme in (means.argmin(1), means.argmax(1)):
        # Uniform among 32 places: the mean of 400 has a standard deviation of 0.46.
        assert abs(extreme.float().mean() - 15.5) < 2


def test_sequences_are_evaluated_by_a_budget_of_steps():
    lengths = torch.tensor([5, 1, 9, 2, 2, 30])
    rows = RaggedRows(torch.zeros(49), lengths, rows_together=12)
    arranged = rows.arranged(torch.tensor([0, 1, 2, 3, 4, 5]))
    assert lengths[arranged].tolist() == [1, 2, 2, 5, 9, 30]
    parts = rows.split(arranged.unsqueeze(0))
    assert [lengths[part[0]].tolist() for part in parts] == [[1, 2, 2], [5], [9], [30]]
    members = rows.split(rows.arranged(torch.tensor([[0, 1, 2], [5, 4, 3]])))
    assert [part.shape for part in members] == [(2, 2), (2, 1)]


def test_one_more_input_goes_with_the_rows():
    x, y, weight = torch.arange(6.0).view(3, 2), torch.arange(3.0), torch.ones(3)
    labels = torch.tensor([[7], [8], [9]])
    joined = Arrays(x, y=y, weight=weight, rows_together=2).joined(labels)
    batch = joined.take(torch.tensor([[2, 0]]))
    assert batch.x[0].tolist() == [[[4.0, 5.0], [0.0, 1.0]]]
    assert batch.x[1].tolist() == [[[9], [7]]]
    assert batch.y.tolist() == [[2.0, 0.0]]
    assert batch.weight is not None
    assert [len(part[0]) for part in joined.split(torch.arange(3).unsqueeze(0))] == [2, 1]
    assert len(joined.joined(labels).whole().x) == 3
