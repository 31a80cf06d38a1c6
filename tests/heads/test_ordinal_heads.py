"""What ordinal heads promise beyond what every head does, over one table of methods."""

import pickle

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import special
from sklearn.isotonic import isotonic_regression
from support.ordinal_references import (
    DISTRIBUTIONS,
    EXTREMES,
    METHODS,
    coral_pytorch_coral,
    coral_pytorch_corn,
)
from torch.func import functional_call

from sklearn_modern.heads.ordinal import DECISIONS, Thresholds
from sklearn_modern.heads.tasks import passed_levels
from sklearn_modern.networks.random import MemberRandom

N_FEATURES, N_ROWS = 5, 30
LEVELS = [2, 3, 5, 50]


def methods(which=lambda method: True):
    chosen = {name: method for name, method in METHODS.items() if which(method)}
    return pytest.mark.parametrize("method", chosen.values(), ids=chosen)


every_method = methods()
every_method_with_thresholds = methods(lambda method: method.has_thresholds)
every_size = pytest.mark.parametrize("n_levels", LEVELS)


def features(members, n_rows=N_ROWS, *, dtype=torch.float32):
    return MemberRandom(range(members)).normal(n_rows, N_FEATURES, std=2, dtype=dtype)


def ranks(n_levels, members, n_rows=N_ROWS):
    rng = np.random.default_rng(n_levels)
    return torch.from_numpy(rng.integers(n_levels, size=(members, n_rows)))


def head_of(method, n_levels, members=1, **settings):
    return method.make(N_FEATURES, n_levels, MemberRandom(range(members)), **settings)


def beyond(probabilities):
    return probabilities[..., :0:-1].cumsum(-1)[..., ::-1]


# What training may reach, and more. Several numbers, from which scores and thresholds are chosen.
hostile = st.lists(
    st.one_of(st.sampled_from(EXTREMES), st.floats(-1e4, 1e4, width=32)), min_size=2, max_size=8
)


def hostile_head(method, n_levels, chosen):
    """A head that hands on its features, beside thresholds or biases that are chosen."""
    n_features = len(head_of(method, n_levels).linear.weight[0])
    head = method.make(n_features, n_levels, MemberRandom([0]))
    with torch.no_grad():
        head.linear.weight.copy_(torch.eye(n_features))
        free = head.thresholds.raw if method.has_thresholds else head.linear.bias
        free.copy_(torch.from_numpy(chosen(free.shape)))
    return head, torch.from_numpy(chosen((1, N_ROWS, n_features)))


@every_method
@given(st.sampled_from(LEVELS), hostile, st.integers(0, 99), st.sampled_from([0.0, 0.1]))
def test_hostile_scores(method, n_levels, numbers, seed, smoothing):
    rng = np.random.default_rng(seed)
    head, x = hostile_head(
        method, n_levels, lambda shape: rng.choice(numbers, size=shape).astype(np.float32)
    )
    head.label_smoothing = smoothing
    scores = head(x)
    loss = head.loss(scores, ranks(n_levels, 1))
    loss.sum().backward()
    assert loss.isfinite().all()
    for parameter in head.parameters():
        assert parameter.grad.isfinite().all()
    probabilities = head.probabilities(scores).detach()
    assert (probabilities >= 0).all()
    np.testing.assert_allclose(probabilities.sum(-1), 1, rtol=1e-5)
    cumulative = head.cumulative(scores).detach()
    assert ((cumulative >= 0) & (cumulative <= 1)).all()
    if method.is_consistent:
        assert (cumulative.diff(dim=-1) <= 0).all()


# Losses


@pytest.mark.parametrize(("members", "smoothing"), [(1, 0.0), (3, 0.2)])
@every_size
@every_method
def test_loss_equals_reference(method, n_levels, members, smoothing):
    importance, settings = None, {"label_smoothing": smoothing}
    if method.has_tasks:
        importance = np.random.default_rng(0).exponential(size=n_levels - 1)
        settings["importance_weights"] = torch.from_numpy(importance)
    head = head_of(method, n_levels, members, **settings)
    y = ranks(n_levels, members)
    for dtype, tolerance in [(torch.float32, 3e-5), (torch.float64, 1e-12)]:
        scores = head(features(members)).detach().to(dtype)
        expected = method.loss(scores.double().numpy(), y.numpy(), smoothing, importance)
        found = head.loss(scores, y)
        assert found.dtype == dtype
        np.testing.assert_allclose(found, expected, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("n_levels", [2, 5])
@every_method
def test_gradients_of_all_parameters_are_derivatives(method, n_levels):
    head = head_of(method, n_levels, 2, label_smoothing=0.1).double()
    x, y = features(2, 4, dtype=torch.float64), ranks(n_levels, 2, 4)

    def loss(*values):
        parameters = dict(zip(dict(head.named_parameters()), values, strict=True))
        return head.loss(functional_call(head, parameters, x), y)

    assert torch.autograd.gradcheck(loss, tuple(head.parameters()))


@every_size
@pytest.mark.parametrize("name", ["coral", "niu"])
def test_loss_of_tasks_is_coral_pytorchs_mean(name, n_levels):
    head, y = head_of(METHODS[name], n_levels).double(), ranks(n_levels, 1)
    scores = head(features(1, dtype=torch.float64)).detach()
    expected = coral_pytorch_coral(scores[0].numpy(), y[0].numpy()) / (n_levels - 1)
    np.testing.assert_allclose(head.loss(scores, y).mean(), expected, rtol=1e-12)


def test_coral_loss_does_not_grow_with_the_number_of_levels():
    losses = []
    for n_levels in [2, 3, 5, 20, 100]:
        y = torch.arange(n_levels).unsqueeze(0)
        head = head_of(METHODS["coral"], n_levels, weights=np.ones(n_levels))
        losses.append(head.loss(head(torch.zeros(1, n_levels, N_FEATURES)), y).mean().item())
    assert losses[0] == pytest.approx(np.log(2))
    assert (np.diff(losses) < 0).all()


@every_size
@pytest.mark.parametrize("absent", ["none", "first", "middle", "last"])
def test_corn_loss_is_coral_pytorchs_for_a_batch_of_all_rows(absent, n_levels):
    y = ranks(n_levels, 1)
    lost = {"first": [0], "middle": [n_levels // 2], "last": range(n_levels // 2, n_levels)}
    y = y[:, ~np.isin(y[0], list(lost.get(absent, [])))]
    weights = np.bincount(y[0], minlength=n_levels)
    head = head_of(METHODS["corn"], n_levels, weights=weights).double()
    scores = head(features(1, y.shape[1], dtype=torch.float64)).detach().requires_grad_()
    loss = head.loss(scores, y).mean()
    expected = coral_pytorch_corn(scores[0].detach().numpy(), y[0].numpy())
    np.testing.assert_allclose(loss.item(), expected, rtol=1e-12)
    loss.backward()
    reached = np.arange(n_levels - 1) <= y.max().item()
    np.testing.assert_array_equal((scores.grad[0] != 0).any(0), reached)


@pytest.mark.parametrize("smoothing", [0.0, 0.3])
@every_size
def test_passed_levels(n_levels, smoothing):
    y = ranks(n_levels, 2)
    found = passed_levels(y, n_levels - 1, torch.float64, smoothing)
    assert found.shape == (2, n_levels - 1, N_ROWS)
    for member in range(2):
        for row in range(N_ROWS):
            target = np.full(n_levels, smoothing / n_levels)
            target[y[member, row]] += 1 - smoothing
            np.testing.assert_allclose(found[member, :, row], beyond(target), atol=1e-14)


# Probabilities


@every_size
@every_method
def test_probabilities_equal_reference(method, n_levels):
    members = 1 if n_levels == 3 else 3
    head = head_of(method, n_levels, members)
    for dtype, tolerance in [(torch.float32, 1e-4), (torch.float64, 1e-10)]:
        scores = head(features(members)).detach().to(dtype)
        expected = method.probabilities(scores.double().numpy())
        assert head.probabilities(scores).dtype == dtype
        np.testing.assert_allclose(
            head.probabilities(scores), expected, rtol=tolerance, atol=tolerance / 1e3
        )
        decoded = head.decode(scores)
        np.testing.assert_allclose(decoded, expected.mean(0), rtol=tolerance, atol=tolerance / 1e3)
        np.testing.assert_allclose(decoded.sum(1), 1, rtol=tolerance / 10)


@every_size
@every_method
def test_cumulative_equals_reference(method, n_levels):
    head = head_of(method, n_levels, 3)
    scores = head(features(3)).detach()
    z = scores.double().numpy()
    if method.has_thresholds:
        expected = DISTRIBUTIONS[method.settings.get("link", "logit")].cdf(z)
    else:
        expected = {
            "Corn": lambda: special.expit(z).cumprod(-1),
            "Niu": lambda: special.expit(z),
            "CrossEntropy": lambda: beyond(special.softmax(z, -1)),
        }[method.head.__name__]()
    np.testing.assert_allclose(head.cumulative(scores), expected, rtol=1e-5, atol=1e-6)


def test_cumulative_stays_below_one():
    head = head_of(METHODS["cross_entropy"], 50)
    scores = MemberRandom([0]).normal(2000, 50, std=2)
    scores[..., 0] = -1e4
    assert (head.probabilities(scores).sum(-1) > 1).any()
    assert (head.cumulative(scores) <= 1).all()


@pytest.mark.parametrize("score", [-5.0, 0.0, 1.0, 5.0])
def test_corn_of_many_levels_stays_a_distribution(score):
    head = head_of(METHODS["corn"], 200)
    scores = torch.linspace(-1, 1, 199).expand(1, 3, 199) + score
    expected = METHODS["corn"].probabilities(scores.double().numpy())
    probabilities = head.probabilities(scores)
    np.testing.assert_allclose(probabilities, expected, rtol=1e-4, atol=1e-37)
    np.testing.assert_allclose(probabilities.sum(-1), 1, rtol=1e-6)
    assert (head.cumulative(scores).diff(dim=-1) <= 0).all()


@given(
    n_levels=st.sampled_from([2, 3, 5, 30]),
    seed=st.integers(0, 999),
    spread=st.sampled_from([0.1, 3.0, 100.0]),
    ties=st.booleans(),
)
def test_niu_shows_what_rises_and_repairs_it(n_levels, seed, spread, ties):
    head = head_of(METHODS["niu"], n_levels)
    scores = MemberRandom([seed]).normal(4, n_levels - 1, std=spread)
    scores = scores.round() if ties else scores
    shown = head.cumulative(scores)
    assert torch.equal(shown, scores.sigmoid())
    if n_levels == 30 and not ties:
        assert (shown.diff(dim=-1) > 0).any()
    probabilities = head.probabilities(scores)
    assert (probabilities > 0).all()
    repaired = beyond(probabilities.double().numpy())
    for found, row in zip(repaired[0], shown[0].double().numpy(), strict=True):
        expected = isotonic_regression(row, increasing=False)
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


# Decisions


def test_decisions_differ():
    probabilities = torch.tensor([[0.4, 0.05, 0.25, 0.3]])
    found = {name: decide(probabilities).item() for name, decide in DECISIONS.items()}
    assert found == {"median": 2, "mode": 0, "mean": 1}


@every_size
@pytest.mark.parametrize("decision", DECISIONS)
def test_decisions_equal_numpy(decision, n_levels):
    p = np.random.default_rng(0).dirichlet(np.full(n_levels, 0.5), size=200)
    expected = {
        "median": (p.cumsum(1) < 0.5).sum(1),
        "mode": p.argmax(1),
        "mean": np.rint(p @ np.arange(n_levels)),
    }[decision]
    # The columns of classes whose order is another one than that of the levels.
    columns = np.random.default_rng(1).permutation(n_levels)
    for order in (None, columns):
        head = head_of(METHODS["niu"], n_levels, columns=order, decision=decision)
        decided = head.decide(torch.from_numpy(p if order is None else p[:, order]).float())
        assert decided.dtype == torch.int64
        np.testing.assert_array_equal(decided, expected)


@every_method
def test_columns_are_in_the_order_of_classes(method):
    columns = [2, 0, 3, 1]
    by_level = head_of(method, 4, 3)
    by_class = head_of(method, 4, 3, columns=columns)
    scores = by_level(features(3))
    expected = by_level.decode(scores)
    for head in (by_class, pickle.loads(pickle.dumps(by_class))):
        decoded = head.decode(scores)
        for column, level in enumerate(columns):
            assert torch.equal(decoded[:, column], expected[:, level])
        assert torch.equal(head.decide(decoded), by_level.decide(expected))
        assert torch.equal(head.cumulative(scores), by_level.cumulative(scores))


# Thresholds


@every_method_with_thresholds
@given(
    weights=st.lists(st.integers(0, 1000), min_size=2, max_size=50).filter(any),
    unit=st.sampled_from([1.0, 1e-4]),
)
def test_thresholds_start_at_the_shares_of_levels(method, weights, unit):
    weights = unit * np.array(weights)
    head = head_of(method, len(weights), 2, weights=weights)
    counts = np.where(weights > 0, weights, weights[weights > 0].min() / 2)
    distribution = DISTRIBUTIONS[method.settings.get("link", "logit")]
    thresholds = head.thresholds().detach()
    assert thresholds.shape == (2, len(weights) - 1, 1)
    for member in thresholds[..., 0]:
        expected = -distribution.ppf(beyond(counts) / counts.sum())
        np.testing.assert_allclose(member, expected, rtol=1e-6, atol=1e-6)
    start = head.decode(head(torch.zeros(1, 1, N_FEATURES))).detach()
    np.testing.assert_allclose(start[0], counts / counts.sum(), rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize("n", [1, 2, 4, 49, 199])
@given(
    numbers=st.lists(st.floats(-(2.0**100), 2.0**100, width=32), min_size=1, max_size=20),
    scale=st.sampled_from([1.0, 10.0, 1e4]),
    seed=st.integers(0, 99),
)
def test_thresholds_never_fall(n, numbers, scale, seed):
    thresholds = Thresholds(torch.linspace(-1, 1, n), 4)
    rng = np.random.default_rng(seed)
    raw = rng.normal(scale=scale, size=(4, n, 1))
    raw[:2] = rng.choice(numbers, size=(2, n, 1))
    with torch.no_grad():
        thresholds.raw.copy_(torch.from_numpy(raw))
    found = thresholds().detach()
    assert found.isfinite().all()
    assert (found.diff(dim=1) >= 0).all()
    rises = found.diff(dim=1) > 0
    assert rises[found[:, 1:].abs().maximum(found[:, :-1].abs()) < 100].all()


@given(
    first=st.floats(-99, 90, width=32),
    gaps=st.lists(st.floats(-(2.0**100), -2, width=32), min_size=1, max_size=49),
)
def test_thresholds_rise_strictly(first, gaps):
    thresholds = Thresholds(torch.linspace(-1, 1, len(gaps) + 1), 1)
    with torch.no_grad():
        thresholds.raw.copy_(torch.tensor([first, *gaps]).view(1, -1, 1))
    assert (thresholds().diff(dim=1) > 0).all()


@every_method_with_thresholds
def test_thresholds_keep_their_digits_under_autocast(method):
    head = head_of(method, 50, 3)
    with torch.autocast("cpu", torch.bfloat16):
        scores = head(100 * features(3))
    gaps = head.thresholds().diff(dim=1).mT.expand(3, N_ROWS, 48)
    torch.testing.assert_close(-scores.diff(dim=-1), gaps, rtol=1e-3, atol=1e-4)


@every_method_with_thresholds
def test_thresholds_have_a_rate_of_their_own(method):
    head = head_of(method, 3, threshold_rate=7.0)
    assert head.rates == {head.thresholds: 7.0}
    assert "bias" not in dict(head.linear.named_parameters())
