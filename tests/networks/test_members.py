"""Members of bodies that know of members, and of those that do not."""

import copy
import pickle

import pytest
import torch
from torch import nn

from sklearn_modern.heads.categorical import Softmax
from sklearn_modern.networks.base import Body
from sklearn_modern.networks.given import NOTHING, Given
from sklearn_modern.networks.layers import Linear
from sklearn_modern.networks.members import Looped, make_members, owners
from sklearn_modern.networks.mlp import MLP
from sklearn_modern.networks.random import MemberRandom
from sklearn_modern.training.supervised import Network

X = torch.randn(1, 6, 4, generator=torch.Generator().manual_seed(0))
N_FEATURES = 3


class Ordinary(Body):
    """Rows without an axis of members; weights and dropout of torch's own."""

    def __init__(self, random):
        super().__init__()
        self.map = nn.Linear(4, N_FEATURES)
        self.norm = nn.BatchNorm1d(N_FEATURES)
        self.dropout = nn.Dropout(0.5)
        self.drawn = random.normal(1, std=1.0)
        self.n_features_out = N_FEATURES

    def embed(self, x, given=NOTHING):
        return x, x[:, :1]

    def trunk(self, embedded, given=NOTHING):
        x, shift = embedded
        features = self.dropout(self.norm(self.map(x)) + shift)
        return features if given.weight is None else features * given.weight.unsqueeze(1)


class Careless(Body):
    """Says that it takes members, and gives features of one."""

    takes_members = True

    def __init__(self, random):
        super().__init__()
        self.random, self.n_features_out = random, 4

    def trunk(self, embedded, given=NOTHING):
        return embedded


def make_mlp(random):
    return MLP(4, [], [5, N_FEATURES], random, dropout=0.2)


def test_bodies_that_take_turns_share_no_weights():
    with pytest.raises(ValueError, match=r"Ordinary knows nothing.*members='independent'"):
        make_members(Ordinary, MemberRandom([0, 1], team=2))


@pytest.mark.parametrize("make", [Ordinary, make_mlp])
def test_a_member_is_what_it_is_alone(make):
    together = make_members(make, MemberRandom([1, 2, 3]))
    assert together.takes_members
    assert together.members == 3
    for member, seed in enumerate((1, 2, 3)):
        alone = make_members(make, MemberRandom([seed]))
        both = copy.deepcopy(together), alone
        for training in (True, True, False):
            for body in both:
                body.train(training)
            features = both[0](X)
            assert features.shape == (3, 6, N_FEATURES)
            torch.testing.assert_close(features[member], alone(X)[0], rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("make", [Ordinary, make_mlp])
def test_global_random_numbers_are_left_alone(make):
    state = torch.get_rng_state()
    body = make_members(make, MemberRandom([1, 2]))
    first = body(X)
    assert torch.equal(torch.get_rng_state(), state)
    torch.manual_seed(9)
    assert torch.equal(make_members(make, MemberRandom([1, 2]))(X), first)


def test_ordinary_bodies_get_rows_of_their_own_and_what_is_given_for_them():
    body = make_members(Ordinary, MemberRandom([1, 2])).eval()
    own, weight = torch.cat([X, X + 1]), torch.rand(2, 6)
    features = body(own, Given(weight))
    for member in range(2):
        expected = body.bodies[member](own[member]) * weight[member].unsqueeze(1)
        assert torch.equal(features[member], expected)
    shared = body(X, Given(weight[:1]))
    assert torch.equal(shared[1], body.bodies[1](X[0]) * weight[0].unsqueeze(1))


def test_the_streams_stay_shared_in_a_pickle():
    random = MemberRandom([1, 2])
    body = make_members(Ordinary, random)
    body(X)
    loaded, loaded_random = pickle.loads(pickle.dumps((body, random)))
    assert loaded.random is loaded_random
    for _ in range(2):
        assert torch.equal(loaded(X), body(X))
        assert torch.equal(loaded_random.permutations(5), random.permutations(5))


@pytest.mark.parametrize("make", [Ordinary, make_mlp])
def test_a_silenced_body_gives_the_same_twice_while_training(make):
    body = make_members(make, MemberRandom([1, 2]))
    assert not torch.equal(body(X), body(X))
    body.silence()
    assert torch.equal(body(X), body(X))


def test_what_a_member_owns_is_known():
    body = make_members(Ordinary, MemberRandom([1, 2]))
    network = Network(body, Softmax(N_FEATURES, 2, MemberRandom([1, 2])))
    found, state = owners(network), network.state_dict()
    own = {name for name in state if name.startswith("body.")}
    assert set(found) == own
    assert all(f".bodies.{member}." in name for name, member in found.items())
    assert owners(body) == {name.removeprefix("body."): m for name, m in found.items()}
    assert owners(make_mlp(MemberRandom([1, 2]))) == {}


def test_ordinary_bodies_are_frozen_and_reseeded_one_by_one():
    body = make_members(Ordinary, MemberRandom([1, 2]))
    body.freeze(1)
    assert len(body.parts()) == 3
    for one in body.bodies:
        assert not one.map.weight.requires_grad
        assert one.norm.weight.requires_grad
    assert body.products == 2 * body.bodies[0].products
    other = MemberRandom([5, 6])
    body.reseed(other)
    assert body.random is other
    assert [one.random.seeds for one in body.bodies] == [(5,), (6,)]
    assert not body.takes((4,))
    assert body.rows_together() == 8192


@pytest.mark.parametrize("seeds", [[1, 2], [1, 2, 3]])
def test_a_wrong_axis_of_members_is_refused(seeds):
    random = MemberRandom(seeds)
    network = Network(make_members(Careless, random), Softmax(4, 2, random))
    with pytest.raises(ValueError, match=f"Careless gives features.*the {len(seeds)} members"):
        network(X)


def test_embedded_inputs_that_nobody_knows_how_to_mix_are_refused():
    body = make_members(Ordinary, MemberRandom([1]))
    assert isinstance(body, Looped)
    with pytest.raises(TypeError, match="Ordinary embeds rows as tuple, and does not say how"):
        body.mix(body.embed(X), NOTHING, mixer=None)


def test_layers_over_places_act_on_the_last_axis():
    random = MemberRandom([1, 2])
    places = torch.randn(2, 6, 5, 3, 4, generator=torch.Generator().manual_seed(0))
    head = Softmax(4, 7, random)
    scores = head(places)
    assert scores.shape == (2, 6, 5, 3, 7)
    torch.testing.assert_close(scores[:, :, 1, 2], head(places[:, :, 1, 2]))
    assert isinstance(head.linear, nn.Module)
    assert not isinstance(head.linear, Linear)


def test_streams_that_begin_together_go_on_apart():
    """As those of a GPU do, from which nothing is drawn before the training."""
    parts = [MemberRandom([1, 2]), MemberRandom([3])]
    first = MemberRandom.joined(parts).uniform(2, bound=1.0)
    then = MemberRandom.joined(parts[1:]).uniform(2, bound=1.0)
    expected = MemberRandom([3])
    assert torch.equal(first[2:], expected.uniform(2, bound=1.0))
    assert torch.equal(then, expected.uniform(2, bound=1.0))


def test_streams_of_parts_go_on_in_a_copy():
    parts = [MemberRandom([1]), MemberRandom([2])]
    parts[0].uniform(3, bound=1.0)
    copied = copy.deepcopy(MemberRandom.joined(parts))
    assert torch.equal(copied.uniform(2, bound=1.0)[:1], parts[0].uniform(2, bound=1.0))
    assert copied.member(1).generators_so_far("cpu") == copied.generators("cpu")[1:]
    assert not copied.generators_so_far("cuda:0")
