"""What is hidden of rows, and what guessing it costs."""

import numpy as np
import pytest
import torch

from sklearn_modern._inputs.masking import row_keys
from sklearn_modern._inputs.ragged import Ragged
from sklearn_modern.networks.given import Given
from sklearn_modern.networks.keyed import keyed_uniform
from sklearn_modern.networks.sequences import TokenEmbedding
from sklearn_modern.neural_network import MaskedTransformer
from sklearn_modern.training.masked import _OwnRows
from sklearn_modern.training.predictions import scored

RNG = np.random.default_rng(0)
WORDS = np.array([f"w{i}" for i in range(50)])
SMALL = {
    "width": 8,
    "depth": 1,
    "n_heads": 2,
    "dropout": 0.0,
    "max_iter": 1,
    "early_stopping": False,
    "precision": "float64",
    "device": "cpu",
    "random_state": 0,
}


def some_texts(n, longest=60):
    return [list(RNG.choice(WORDS, size)) for size in RNG.integers(1, longest, n)]


def some_numbers(n, longest=30):
    return [RNG.normal(size=(size, 2)) + np.array([3, 0]) for size in RNG.integers(1, longest, n)]


def batch_of(model, X):
    checked = model._inputs.check(model, X, reset=False)
    return model._source(checked, slice(None)).whole()


@pytest.fixture
def codes_shown(monkeypatch):
    """What the embedding sees, call by call."""
    shown, vectors = [], TokenEmbedding.vectors

    def spy(self, codes):
        shown.append(codes.clone())
        return vectors(self, codes)

    monkeypatch.setattr(TokenEmbedding, "vectors", spy)
    return shown


def losses_of_a_step(model, batch):
    objective = model.net_.objective
    modules = objective.modules
    modules["module"].train()
    (_, losses) = next(objective.steps(modules, batch))
    return losses.detach()


def test_keys_belong_to_rows():
    rows = [RNG.normal(size=(n, 2)) for n in (3, 1, 5, 3)]
    rows[3] = rows[0]

    def keys(rows):
        return row_keys(Ragged(np.concatenate(rows), np.array([len(row) for row in rows])))

    together = keys(rows)
    assert together[0] == together[3]
    assert len(set(together.tolist())) == 3
    assert keys(rows[::-1]).tolist() == together[::-1].tolist()
    swapped = rows[0][::-1]
    assert keys([swapped])[0] != together[0]


def test_draws_are_uniform_and_independent_of_how_many_there_are():
    draws = keyed_uniform(torch.arange(2000), 5, 40)
    counts = np.histogram(draws.numpy(), 20, (0, 1))[0]
    expected = draws.numel() / 20
    assert ((counts - expected) ** 2 / expected).sum() < 45  # 19 degrees of freedom, p = 0.0007
    assert np.abs(np.corrcoef(draws.numpy().T) - np.eye(40)).max() < 0.12
    assert torch.equal(keyed_uniform(torch.arange(7), 5, 3), draws[:7, :3])
    assert not torch.equal(keyed_uniform(torch.arange(7), 6, 3), draws[:7, :3])


def test_shares_of_masks_and_new_ones_in_each_step(codes_shown):
    model = MaskedTransformer(**SMALL, token_dropout=0.0).fit(some_texts(300))
    batch = batch_of(model, some_texts(600))
    codes, mask_code = batch.x[0], model.net_.objective.mask_code
    codes_shown.clear()
    losses = [losses_of_a_step(model, batch) for _ in range(2)]
    n_tokens = int((codes > 0).sum())
    for shown in codes_shown:
        assert torch.equal(shown == 0, codes == 0)
        changed = shown != codes
        masked = float((shown == mask_code).sum()) / n_tokens
        other = float((changed & (shown != mask_code)).sum()) / n_tokens
        assert abs(masked - 0.8 * 0.15) < 0.008
        assert abs(other - 0.1 * 0.15) < 0.003
    first, second = (shown == mask_code for shown in codes_shown)
    both = float((first & second).sum()) / n_tokens
    assert abs(both - (0.8 * 0.15) ** 2) < 0.004
    # A tenth of the tokens to guess is shown as it is: their number is in the mean of losses of a
    # network that has learned nothing.
    assert abs(float(torch.stack(losses).mean()) - np.log(50)) < 0.6


def plain_token_losses(model, codes, mask, shown, hidden):
    """The losses of rows in float64, written out."""
    network = model.net_.module_
    (body,) = network.body.bodies
    with torch.no_grad():
        steps = body.steps(body.embedding.table[shown], Given(mask=mask)).numpy()
    state = {name: value.numpy() for name, value in network.guesser.state_dict().items()}
    table = body.embedding.table.detach().numpy()[2:-1]
    sums = np.zeros(len(codes))
    for row, step in zip(*hidden.nonzero(), strict=True):
        projected = steps[row, step] @ state["project.weight"][0] + state["project.bias"][0, 0]
        scores = table @ projected / np.sqrt(table.shape[1]) + state["bias"][0, 0]
        scores -= scores.max()
        sums[row] -= scores[codes[row, step] - 2] - np.log(np.exp(scores).sum())
    return sums


def test_losses_of_tokens_are_those_of_a_plain_reference(codes_shown):
    texts = some_texts(40, 20)
    model = MaskedTransformer(**SMALL, token_dropout=0.0, mask_fraction=0.4).fit(texts)
    batch, objective = batch_of(model, texts), model.net_.objective
    mean_length = np.mean([len(text) for text in texts])
    codes_shown.clear()
    losses = losses_of_a_step(model, batch)[0]
    seed = objective.seeds[0] + 3 * objective.steps_done
    (shown,) = codes_shown
    hidden = keyed_uniform(batch.y[0], seed, shown.shape[1]) < 0.4
    hidden &= batch.given.mask[0]
    assert not bool(((shown != batch.x[0]) & ~hidden).any())
    codes = batch.x[0].numpy()
    sums = plain_token_losses(model, codes, batch.given.mask[0], shown, hidden.numpy())
    np.testing.assert_allclose(losses, sums / (0.4 * mean_length), rtol=1e-10, atol=1e-12)


def test_what_is_unknown_or_a_hole_is_never_guessed():
    texts = [["[MASK]", *text] for text in some_texts(30)]
    model = MaskedTransformer(**SMALL, max_features=20, mask_fraction=0.9).fit(texts)
    assert "[MASK]" not in model.vocabulary_
    assert len(model.vocabulary_) == 20
    batch = batch_of(model, [["never seen", "[MASK]", "neither"], texts[0]])
    nothing, something = losses_of_a_step(model, batch)[0].tolist()
    assert nothing == 0 < something


@pytest.mark.parametrize("scaling", ["standard", "per_sequence", None])
def test_losses_of_numbers_are_those_of_a_plain_reference(scaling, monkeypatch):
    X = some_numbers(30)
    X[3][:, 1] = np.nan
    settings = SMALL | {"input_scaling": scaling, "mask_fraction": 0.3}
    model = MaskedTransformer(**settings).fit(X)
    objective, batch = model.net_.objective, batch_of(model, X)
    chosen = []
    pick = objective._chosen
    monkeypatch.setattr(objective, "_chosen", lambda *a: chosen.append(pick(*a)) or chosen[-1])
    losses = losses_of_a_step(model, batch)[0]
    (chosen,), (body,) = chosen, model.net_.module_.body.bodies
    x, there = batch.x[0], batch.given.mask[0].unsqueeze(-1)
    assert not bool((chosen & (~there | (x[..., 2:] > 0))).any())
    hidden = x.clone()
    hidden[..., 2:][chosen] = 1.0
    fill = torch.from_numpy(model._inputs.scaler.mean) if scaling is None else torch.zeros(2)
    for channel in range(2):
        hidden[..., channel][chosen[..., channel]] = fill[channel].double()
    steps = body.steps(hidden, Given(mask=batch.given.mask[0])).detach().numpy()
    (bias, weight) = (model.net_.module_.guesser.map.state_dict()[k] for k in ("bias", "weight"))
    guesses = steps @ weight[0].numpy() + bias[0, 0].numpy()
    squares = np.where(chosen, (guesses - x[..., :2].numpy()) ** 2, 0).sum((1, 2))
    size = 0.3 * 2 * np.mean([len(row) for row in X])
    np.testing.assert_allclose(losses, squares / size, rtol=1e-10, atol=1e-12)


def test_stretches_of_numbers_are_hidden_everywhere_alike():
    X = RNG.normal(size=(3000, 12))
    model = MaskedTransformer(**SMALL).fit(X[:50])
    batch, objective = batch_of(model, X), model.net_.objective
    chosen = objective._chosen(_OwnRows(batch, 0), 7)[..., 0].numpy()
    np.testing.assert_allclose(chosen.mean(0), 0.15, atol=0.03)
    # Where a step is hidden, the next one is most of the time.
    assert chosen[:, 1:][chosen[:, :-1]].mean() > 0.6


@pytest.mark.parametrize("make", [some_texts, some_numbers])
def test_what_is_scored_of_a_row_does_not_depend_on_its_neighbours(make):
    X = make(40)
    model = MaskedTransformer(**SMALL | {"precision": "float32"}, n_members=2).fit(X)
    together = model._in_chunks(X, scored)
    alone = np.concatenate([model._in_chunks([row], scored) for row in X])
    np.testing.assert_array_equal(together[:, 1], alone[:, 1])
    assert (together[:, 1] > 0).all()
    np.testing.assert_allclose(together, alone, rtol=1e-5)
