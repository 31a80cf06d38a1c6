"""What holds for every head, over one table of them, and what only some promise."""

import pickle
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import special, stats
from support.ordinal_references import METHODS

from sklearn_modern.heads.base import Head
from sklearn_modern.heads.categorical import Sigmoid, Softmax
from sklearn_modern.heads.continuous import (
    HEADS,
    AbsoluteError,
    Gaussian,
    Huber,
    Poisson,
    Quantile,
    SquaredError,
)
from sklearn_modern.networks.random import MemberRandom

N_FEATURES, N_ROWS = 5, 40
MEMBERS = [1, 3]


def codes(n_classes):
    return lambda rng, *shape: rng.integers(n_classes, size=shape)


def labels(n_labels):
    return lambda rng, *shape: rng.integers(2, size=(*shape, n_labels)).astype(np.float32)


def values(*targets):
    return lambda rng, *shape: rng.normal(size=(*shape, *targets)).astype(np.float32)


def counts(*targets):
    return lambda rng, *shape: rng.poisson(1.5, size=(*shape, *targets)).astype(np.float32)


def softmax_loss(smoothing):
    def loss(scores, y):
        n_classes = scores.shape[-1]
        target = (1 - smoothing) * np.eye(n_classes)[y] + smoothing / n_classes
        return -(target * special.log_softmax(scores, axis=-1)).sum(-1)

    return loss


def sigmoid_loss(smoothing):
    def loss(scores, y):
        target = y + smoothing * (0.5 - y)
        losses = target * special.log_expit(scores) + (1 - target) * special.log_expit(-scores)
        return -losses.mean(-1)

    return loss


def point_loss(of_error):
    return lambda scores, y: of_error(y.reshape(scores.shape) - scores).mean(-1)


def poisson_loss(scores, y):
    """Half the deviance, with the mean on a tangent beyond a score of 30."""
    mean = np.where(scores > 30, np.exp(30) * (scores - 29), np.exp(np.minimum(scores, 30)))
    log_mean = np.where(scores > 30, 30 + np.log1p(np.maximum(scores - 30, 0)), scores)
    y = y.reshape(scores.shape)
    return (special.xlogy(y, y) - y * log_mean - y + mean).mean(-1)


def pinball_loss(*asked):
    levels = sorted({*asked, 0.5})
    median = levels.index(0.5)

    def loss(scores, y):
        gaps, total = np.logaddexp(0, scores), 0
        for i, level in enumerate(levels):
            # After the median come the gaps below it, nearest first, and then those above it.
            if i < median:
                quantile = scores[..., 0] - gaps[..., 1 : 1 + median - i].sum(-1)
            else:
                quantile = scores[..., 0] + gaps[..., 1 + median : 1 + i].sum(-1)
            error = y - quantile
            total += np.where(error > 0, level * error, (level - 1) * error)
        return total / len(levels)

    return loss


def gaussian_loss(scores, y):
    mean, raw = np.split(scores, 2, axis=-1)
    deviation = np.sqrt(np.logaddexp(0, raw) + 1e-6)
    density = stats.norm.logpdf(y.reshape(mean.shape), mean, deviation)
    return (-density - np.log(2 * np.pi) / 2).mean(-1)


@dataclass
class Case:
    make: Callable[[MemberRandom], Head]
    targets: Callable[..., np.ndarray]
    reference: Callable[[np.ndarray, np.ndarray], np.ndarray]

    def head(self, members, seed=0):
        return self.make(MemberRandom(range(seed, seed + members)))

    def y(self, members, seed=0):
        return torch.from_numpy(self.targets(np.random.default_rng(seed), members, N_ROWS))


MANY_LEVELS = [0.9, 0.05, 0.25, 0.75, 0.95, 0.1, 0.3, 0.4]
UNITS = {"target_mean": np.array([3.0]), "target_scale": np.array([20.0])}

CASES = {
    "softmax-2": Case(lambda r: Softmax(N_FEATURES, 2, r), codes(2), softmax_loss(0)),
    "softmax-3": Case(
        lambda r: Softmax(N_FEATURES, 3, r, label_smoothing=0.1), codes(3), softmax_loss(0.1)
    ),
    "softmax-20": Case(
        lambda r: Softmax(N_FEATURES, 20, r, label_smoothing=0.2), codes(20), softmax_loss(0.2)
    ),
    "sigmoid-1": Case(lambda r: Sigmoid(N_FEATURES, 1, r), labels(1), sigmoid_loss(0)),
    "sigmoid-3": Case(
        lambda r: Sigmoid(N_FEATURES, 3, r, label_smoothing=0.1), labels(3), sigmoid_loss(0.1)
    ),
    "squared_error": Case(
        lambda r: SquaredError(N_FEATURES, 1, r, **UNITS), values(), point_loss(lambda e: e**2 / 2)
    ),
    "squared_error-3": Case(
        lambda r: SquaredError(N_FEATURES, 3, r), values(3), point_loss(lambda e: e**2 / 2)
    ),
    "absolute_error": Case(
        lambda r: AbsoluteError(N_FEATURES, 1, r, **UNITS), values(1), point_loss(np.abs)
    ),
    "absolute_error-3": Case(
        lambda r: AbsoluteError(N_FEATURES, 3, r), values(3), point_loss(np.abs)
    ),
    "huber": Case(
        lambda r: Huber(N_FEATURES, 1, r, **UNITS),
        values(),
        point_loss(lambda e: special.huber(1, e)),
    ),
    "huber-3": Case(
        lambda r: Huber(N_FEATURES, 3, r), values(3), point_loss(lambda e: special.huber(1, e))
    ),
    "poisson": Case(
        lambda r: Poisson(N_FEATURES, 1, r, target_scale=np.array([20.0])), counts(), poisson_loss
    ),
    "poisson-3": Case(
        lambda r: Poisson(N_FEATURES, 3, r, start=[0.5, 1, 9]), counts(3), poisson_loss
    ),
    "median": Case(lambda r: Quantile(N_FEATURES, [0.5], r), values(), pinball_loss()),
    "quantile": Case(
        lambda r: Quantile(N_FEATURES, [0.9, 0.2], r, **UNITS), values(), pinball_loss(0.9, 0.2)
    ),
    "quantile-upper": Case(lambda r: Quantile(N_FEATURES, [0.7], r), values(), pinball_loss(0.7)),
    "quantile-many": Case(
        lambda r: Quantile(N_FEATURES, MANY_LEVELS, r), values(), pinball_loss(*MANY_LEVELS)
    ),
    "gaussian": Case(lambda r: Gaussian(N_FEATURES, 1, r, **UNITS), values(), gaussian_loss),
    "gaussian-3": Case(lambda r: Gaussian(N_FEATURES, 3, r), values(3), gaussian_loss),
}

CATEGORICAL = [name for name in CASES if name.startswith(("softmax", "sigmoid"))]
CONTINUOUS = [name for name in CASES if name not in CATEGORICAL]
DISTRIBUTIONS = [n for n in CONTINUOUS if n.startswith(("median", "quantile", "gaussian"))]
POINTS = [name for name in CONTINUOUS if name not in DISTRIBUTIONS]


def ordinal(method, n_levels, smoothing):
    importance, settings = None, {"label_smoothing": smoothing}
    if method.has_tasks:
        importance = np.linspace(0.5, 2, n_levels - 1)
        settings["importance_weights"] = torch.from_numpy(importance)
    return Case(
        lambda r: method.make(N_FEATURES, n_levels, r, **settings),
        codes(n_levels),
        lambda scores, y: method.loss(scores, y, smoothing, importance),
    )


CASES |= {
    f"{name}-{n_levels}": ordinal(method, n_levels, smoothing)
    for name, method in METHODS.items()
    for n_levels, smoothing in [(2, 0.0), (5, 0.1)]
}

every_head = pytest.mark.parametrize("case", CASES.values(), ids=CASES)
every_continuous_head = pytest.mark.parametrize(
    "case", [CASES[name] for name in CONTINUOUS], ids=CONTINUOUS
)


def features(members, seed=0, dtype=torch.float32):
    return MemberRandom(range(seed, seed + members)).normal(N_ROWS, N_FEATURES, std=1, dtype=dtype)


def rows_weight(members, seed=0):
    """Weights of which some are zero, as the padding of packed folds is."""
    weight = torch.from_numpy(np.random.default_rng(seed).exponential(size=(members, N_ROWS)))
    weight[:, :5] = 0
    return weight


def as_dtype(y, dtype):
    return y.to(dtype) if y.is_floating_point() else y


@pytest.mark.parametrize("members", MEMBERS)
@every_head
def test_loss_is_unreduced(case, members):
    head = case.head(members)
    loss = head.loss(head(features(members)), case.y(members))
    assert loss.shape == (members, N_ROWS)
    assert loss.dtype == torch.float32


@pytest.mark.parametrize("magnitude", [1.0, 1e4])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@every_head
def test_loss_equals_reference(case, dtype, magnitude):
    head = case.head(3).to(dtype)
    scores = (magnitude * head(features(3, dtype=dtype))).detach().requires_grad_()
    loss = head.loss(scores, as_dtype(case.y(3), dtype))
    y = as_dtype(case.y(3), torch.float64).numpy()
    expected = case.reference(scores.detach().double().numpy(), y)
    assert loss.dtype == dtype
    # The levels of quantiles are float32 in a net of any precision: 1e-8 from what was asked.
    tolerance = 1e-5 if dtype == torch.float32 else 1e-6 if isinstance(head, Quantile) else 1e-12
    np.testing.assert_allclose(loss.detach(), expected, rtol=tolerance, atol=tolerance)
    loss.sum().backward()
    assert scores.grad.isfinite().all()


@every_head
@given(
    seed=st.integers(0, 99),
    spread=st.lists(st.sampled_from([0.0, 1e-30, 1.0, 88.0, -88.0, 104.0, -1e4, 1e4]), min_size=4),
)
def test_hostile_scores_stay_finite(case, seed, spread):
    head, y = case.head(1), case.y(1, seed)
    n_scores = head(features(1)).shape[-1]
    scores = torch.tensor(np.resize(spread, (1, N_ROWS, n_scores)), dtype=torch.float32)
    scores.requires_grad_()
    loss = head.loss(scores, y)
    loss.sum().backward()
    assert loss.isfinite().all()
    assert scores.grad.isfinite().all()
    assert head.decode(scores.detach()).isfinite().all()


@pytest.mark.parametrize("members", MEMBERS)
@every_head
def test_every_parameter_gets_a_gradient(case, members):
    head = case.head(members)
    head.loss(head(features(members)), case.y(members)).sum().backward()
    for name, parameter in head.named_parameters():
        reached = parameter.grad.abs().sum(dim=tuple(range(1, parameter.ndim))) > 0
        assert reached.all(), name


@every_head
def test_gradient_is_the_derivative(case):
    head, y = case.head(2).double(), as_dtype(case.y(2), torch.float64)
    scores = head(features(2, dtype=torch.float64)).detach().requires_grad_()
    assert torch.autograd.gradcheck(lambda scores: head.loss(scores, y), scores)


@every_head
def test_members_are_independent(case):
    together, x, y = case.head(3), features(3), case.y(3)
    scores = together(x)
    for i in range(3):
        alone = case.head(1, seed=i)
        own = slice(i, i + 1)
        for name, parameter in alone.named_parameters():
            assert torch.equal(parameter, together.get_parameter(name)[own])
        torch.testing.assert_close(
            alone.loss(alone(x[own]), y[own]), together.loss(scores, y)[own], rtol=1e-6, atol=1e-6
        )


@pytest.mark.parametrize("name", CATEGORICAL)
def test_classes_have_no_units(name):
    y = CASES[name].y(3)
    assert torch.equal(CASES[name].head(3).in_units(y), y)


def test_targets_return_to_their_units():
    head = SquaredError(1, 2, MemberRandom([0]), target_mean=[1, 2], target_scale=[3.0, 4.0])
    assert head.in_units(torch.tensor([[-1.0, 0.0], [1.0, 2.0]])).tolist() == [[-2, 2], [4, 10]]


@every_head
def test_one_row_decodes_as_among_many(case):
    head = case.head(3)
    scores = head(features(3))
    torch.testing.assert_close(head.decode(scores)[7:8], head.decode(scores[:, 7:8]))
    decision = head.decide(head.decode(scores[:, 7:8]))
    torch.testing.assert_close(head.decide(head.decode(scores))[7:8], decision)


@every_head
def test_loss_is_float32_under_bfloat16_autocast(case):
    head, y = case.head(3), case.y(3)
    with torch.autocast("cpu", torch.bfloat16):
        assert head.linear(features(3)).dtype == torch.bfloat16
        scores = head(features(3)).bfloat16()
    for inside in (True, False):
        with torch.autocast("cpu", torch.bfloat16, enabled=inside):
            loss, decoded = head.loss(scores, y), head.decode(scores)
        assert torch.equal(loss, head.loss(scores.float(), y))
        assert torch.equal(decoded, head.decode(scores.float()))
        loss.sum().backward(retain_graph=True)


@every_head
def test_saves_loads_and_pickles(case):
    head, other = case.head(3), case.head(3, seed=10)
    scores = head(features(3))
    assert not torch.equal(other(features(3)), scores)
    other.load_state_dict(head.state_dict())
    for copy in (other, pickle.loads(pickle.dumps(head))):
        assert torch.equal(copy.decode(copy(features(3))), head.decode(scores))


def test_units_are_saved():
    head = Gaussian(N_FEATURES, 2, MemberRandom([0]), target_mean=[1, 2], target_scale=[3.0, 4.0])
    other = Gaussian(N_FEATURES, 2, MemberRandom([1]))
    other.load_state_dict(head.state_dict())
    assert other.target_mean.dtype == head.target_mean.dtype == torch.float32
    assert other.target_mean.tolist() == [1, 2]
    assert other.target_scale.tolist() == [3, 4]


@pytest.mark.parametrize("name", CATEGORICAL)
@pytest.mark.parametrize("members", MEMBERS)
def test_probabilities(name, members):
    head = CASES[name].head(members)
    scores = 3 * head(features(members)).detach()
    decoded = head.decode(scores)
    if isinstance(head, Softmax):
        expected = special.softmax(scores.double().numpy(), axis=-1).mean(0)
        np.testing.assert_allclose(decoded.sum(1), 1, rtol=1e-6)
        np.testing.assert_array_equal(head.decide(decoded), expected.argmax(1))
    else:
        expected = special.expit(scores.double().numpy()).mean(0)
        np.testing.assert_array_equal(head.decide(decoded), (expected > 0.5).astype(np.int64))
    np.testing.assert_allclose(decoded, expected, rtol=1e-5)
    assert head.decide(decoded).dtype == torch.int64


@every_continuous_head
def test_targets_never_broadcast(case):
    head = case.head(3)
    scores = head(features(3))
    y = torch.zeros(3, N_ROWS, head.n_targets)
    wrong = [y[..., 0].T, y[:, :-1], y[:1], torch.zeros(3, N_ROWS, head.n_targets + 1)]
    wrong += [y[..., 0]] if head.n_targets > 1 else []
    for target in wrong:
        with pytest.raises(ValueError, match="y has the shape"):
            head.loss(scores, target)


@pytest.mark.parametrize("loss", [loss for loss in HEADS if loss not in ("poisson", "quantile")])
@pytest.mark.parametrize("n_targets", [1, 2])
def test_predictions_are_in_original_units(loss, n_targets):
    mean, scale = np.array([1e9, -5.0])[:n_targets], np.array([2.0, 1e-3])[:n_targets]
    head = HEADS[loss](
        N_FEATURES, n_targets, MemberRandom(range(3)), target_mean=mean, target_scale=scale
    )
    scores = head(features(3)).detach()
    decision = head.decide(head.decode(scores))
    location = scores[..., :n_targets].double().mean(0).numpy()
    assert decision.shape == ((N_ROWS,) if n_targets == 1 else (N_ROWS, n_targets))
    # The units come in float64 and stay so: a large mean leaves the digits of the prediction.
    np.testing.assert_allclose(
        decision.reshape(N_ROWS, n_targets), location * scale + mean, rtol=1e-15
    )
    mean[:] = 0  # the head has its own copy
    assert torch.equal(head.decide(head.decode(scores)), decision)


def test_means_of_counts_are_positive_and_in_original_units():
    scale = np.array([20.0, 1e-3])
    units = {"target_mean": np.zeros(2), "target_scale": scale}
    head = Poisson(N_FEATURES, 2, MemberRandom(range(3)), start=[2.0, 0.25], **units)
    start = head.decode(head(torch.zeros(1, 1, N_FEATURES))).detach()
    np.testing.assert_allclose(start, [[40.0, 2.5e-4]], rtol=1e-6)
    scores = 3 * head(features(3)).detach()
    expected = np.exp(scores.double().numpy()).mean(0) * scale  # of the members' means
    np.testing.assert_allclose(head.decide(head.decode(scores)), expected, rtol=1e-12)
    assert (head.decode(torch.full((1, 1, 2), -1e4)) > 0).all()


def test_quantiles_are_selected_as_asked():
    asked = [0.9, 0.05, 0.5, 0.3]
    head = Quantile(N_FEATURES, asked, MemberRandom([0, 1]), **UNITS)
    decoded = head.decode(head(features(2)))
    assert head.levels[head.asked].tolist() == pytest.approx(asked)
    assert decoded.shape == (N_ROWS, 4)
    assert torch.equal(head.decide(decoded), decoded[:, head.asked][:, 2])


def test_quantiles_start_normal():
    head = Quantile(N_FEATURES, np.arange(1, 100) / 100, MemberRandom([0, 1]), **UNITS)
    start = head.decode(head(torch.zeros(1, 1, N_FEATURES))).detach()
    expected = stats.norm.ppf(np.arange(1, 100) / 100, 3, 20)
    np.testing.assert_allclose(start[0], expected, rtol=1e-5, atol=1e-4)


@given(seed=st.integers(0, 999), magnitude=st.sampled_from([1e-6, 1.0, 30.0, 1e4]))
def test_quantiles_never_cross(seed, magnitude):
    head = Quantile(N_FEATURES, np.arange(1, 40) / 40, MemberRandom(range(5)), **UNITS).float()
    scores = MemberRandom(range(seed, seed + 5)).normal(N_ROWS, 39, std=magnitude)
    scores[..., 1:] -= 15  # gaps so small that rounding shows
    assert (head.decode(scores).diff(dim=-1) >= 0).all()


def test_members_quantiles_are_averaged():
    head = Quantile(N_FEATURES, [0.1, 0.9], MemberRandom(range(3)), **UNITS)
    scores = head(features(3))
    each = torch.stack([head.decode(scores[i : i + 1]) for i in range(3)])
    torch.testing.assert_close(head.decode(scores), each.mean(0))


def test_quantile_loss_finds_the_quantiles():
    y = torch.from_numpy(np.random.default_rng(0).exponential(size=(1, 999))).float()
    head = Quantile(1, [0.05, 0.9], MemberRandom([0]))
    optimizer = torch.optim.Adam(head.parameters(), lr=0.02)
    for _ in range(400):
        optimizer.zero_grad()
        head.loss(head(torch.zeros(1, 999, 1)), y).mean().backward()
        optimizer.step()
    found = head.decode(head(torch.zeros(1, 1, 1)))[0].tolist()
    assert found == pytest.approx(np.quantile(y, [0.05, 0.5, 0.9]), abs=0.03)


def test_gaussian_members_are_a_mixture():
    head = Gaussian(N_FEATURES, 2, MemberRandom(range(4)), target_mean=[1, 5], target_scale=[2, 3])
    head = head.double()
    scores = head(features(4, dtype=torch.float64)).detach().numpy()
    units = np.array([2.0, 3.0])
    mean = scores[..., :2] * units + [1, 5]
    variance = (np.logaddexp(0, scores[..., 2:]) + 1e-6) * units**2
    second_moment = (variance + mean**2).mean(0)
    decoded = head.decode(torch.from_numpy(scores))
    np.testing.assert_allclose(decoded[..., 0], mean.mean(0))
    np.testing.assert_allclose(decoded[..., 1], np.sqrt(second_moment - mean.mean(0) ** 2))


def test_gaussian_deviation_is_positive():
    head = Gaussian(N_FEATURES, 1, MemberRandom([0]))
    decoded = head.decode(torch.full((1, 3, 2), -1e4))
    np.testing.assert_allclose(decoded[..., 1], 1e-3, rtol=1e-6)
