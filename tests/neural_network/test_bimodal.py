"""Generators that write from a mark to both sides: their likelihoods are those of their samples."""

import copy
import pickle
from itertools import product

import numpy as np
import pytest
import torch
from scipy.special import logsumexp
from scipy.stats import chi2
from sklearn.base import clone
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import GridSearchCV

from sklearn_modern.networks.given import NOTHING
from sklearn_modern.neural_network import RNNClassifier, RNNGenerator

SMALL = {"max_iter": 8, "learning_rate_init": 0.03, "device": "cpu", "random_state": 0}
WORDS = ["abab", "ab", "ababab", "", "b", "aab", "ba", "abb"] * 6
LONGEST = 4
STRINGS = ["".join(letters) for n in range(LONGEST + 1) for letters in product("ab", repeat=n)]
GENERATORS = {
    "middle": {},
    "random": {"start": "random"},
    "members": {"start": "random", "n_members": 2, "cell": "gru", "hidden_layer_sizes": (5, 4)},
    "pieces": {"start": "random", "bptt": 2, "cell": "rnn"},
}
each_generator = pytest.mark.parametrize("name", GENERATORS)


def small(**settings):
    settings = {"hidden_layer_sizes": 6, "direction": "both"} | SMALL | settings
    return RNNGenerator(**settings)


def made(name, **settings):
    return small(precision="float64", **GENERATORS[name], **settings).fit(WORDS)


class Written:
    """What may be written, one turn after another, with its log-likelihood."""

    def __init__(self, model):
        network = model.net_.module_.eval()
        self.bodies, self.head = network.body.bodies, network.head
        self.end, self.names = self.head.end, {c: t for t, c in model.vocabulary_.items()}

    @torch.no_grad()
    def after(self, turns):
        """Return the log-probabilities of all codes after some turns, from the beginning on."""
        read = torch.tensor([[self.end, *turns]])
        features = [body.steps(body.embed(read))[:, -1] for body in self.bodies]
        scores = self.head(torch.stack(features))[:, 0].double()
        return logsumexp(scores.log_softmax(-1).numpy(), axis=0) - np.log(len(self.bodies))

    def all(self, longest, turns=(), likelihood=0.0, ended=(False, False)):
        """Yield the text of each way to write one, or None if it is longer, and its likelihood."""
        sides = [[c for c in turns[side::2] if c not in (0, self.end)] for side in (0, 1)]
        if sum(map(len, sides)) > longest:
            yield None, likelihood
            return
        if all(ended):
            yield "".join(self.names[code] for code in [*reversed(sides[1]), *sides[0]]), likelihood
            return
        side = len(turns) % 2
        if ended[side]:
            yield from self.all(longest, (*turns, 0), likelihood, ended)
            return
        log_proba = self.after(turns)
        for code in [*self.names, self.end]:
            now = (ended[0] or side == 0, ended[1] or side == 1) if code == self.end else ended
            yield from self.all(longest, (*turns, code), likelihood + log_proba[code - 2], now)


@each_generator
def test_likelihoods_are_probabilities_and_samples_have_them(name):
    """A text's likelihood is the sum over all ways to write it; and those of all texts are one."""
    model, ways = made(name), {}
    for text, likelihood in Written(model).all(LONGEST):
        ways.setdefault(text, []).append(likelihood)
    assert all(len(found) == len(text) + 1 for text, found in ways.items() if text is not None)
    log_proba, alive = model.score_samples(STRINGS), np.exp(ways.pop(None)).sum()
    expected = [logsumexp(ways[text]) for text in STRINGS]
    np.testing.assert_allclose(log_proba, expected, rtol=0, atol=1e-10)
    probability = np.append(np.exp(log_proba), alive)
    assert probability.sum() == pytest.approx(1, abs=1e-6)

    n = 4000
    found = model.sample(n, max_length=LONGEST + 1, random_state=0)
    counts = np.array([found.count(text) for text in STRINGS] + [0])
    counts[-1] = n - counts.sum()
    # The rarest ones together count as one.
    order = probability.argsort()
    first = np.flatnonzero(n * probability[order].cumsum() >= 5)[0]
    starts = np.append(0, np.arange(first + 1, len(order)))
    counts = np.add.reduceat(counts[order], starts)
    expected = np.add.reduceat(n * probability[order], starts)
    statistic = ((counts - expected) ** 2 / expected).sum()
    assert statistic < chi2.isf(1e-4, len(counts) - 1)


@each_generator
@pytest.mark.parametrize("fragment", ["", "a", "ab", "bba"])
def test_the_next_token_is_the_next_one_to_the_right_of_a_fragment(name, fragment):
    model = made(name)
    written, codes = Written(model), [model.vocabulary_[token] for token in fragment]
    sides = codes[len(codes) // 2 :], codes[: len(codes) // 2][::-1]
    turns = [sides[turn % 2][turn // 2] for turn in range(len(codes))]
    expected = np.exp(written.after(turns))
    if len(codes) % 2 == 1:  # the left side is next
        expected = sum(
            proba * np.exp(written.after([*turns, code])) for code, proba in enumerate(expected, 2)
        )
    np.testing.assert_allclose(model.next_proba([fragment])[0], expected, rtol=0, atol=1e-10)


@each_generator
def test_likelihoods_do_not_depend_on_the_batch(name):
    model, texts = made(name), ["", "abba", "a", "babab" * 3]
    together = model.score_samples(texts)
    alone = [model.score_samples([text])[0] for text in texts]
    np.testing.assert_allclose(together, alone, rtol=0, atol=1e-10)
    features = model.transform(texts)
    for row, text in zip(features, texts, strict=True):
        np.testing.assert_allclose(row, model.transform([text])[0], atol=1e-10)
    steps = model.next_proba(texts)
    for row, text in zip(steps, texts, strict=True):
        np.testing.assert_allclose(row, model.next_proba([text])[0], atol=1e-10)


@pytest.mark.parametrize("n_members", [1, 2])
def test_the_likelihood_of_a_long_text_does_not_depend_on_its_pieces(monkeypatch, n_members):
    model = small(precision="float64", bptt=3, n_members=n_members).fit(WORDS)
    texts = ["ab" * 15, "ba" * 14, "b"]
    expected, features = model.score_samples(texts), model.transform(texts)
    monkeypatch.setattr("sklearn_modern.training.next_token._EVALUATED_STEPS", 5)
    np.testing.assert_allclose(model.score_samples(texts), expected, rtol=1e-12)
    np.testing.assert_allclose(model.transform(texts), features, rtol=0, atol=1e-12)


@pytest.mark.parametrize("text", ["", "b", "ab", "aab", "abba"])
def test_features_are_the_last_states_of_both_networks_from_the_middle_on(text):
    model = made("middle")
    body, codes = model.body_.bodies[0], [model.vocabulary_[token] for token in text]
    mark, begin = len(codes) // 2, model.net_.module_.head.end
    right, left = codes[mark:], codes[:mark][::-1]
    sides = {
        body.right: ([begin, *right], [0, begin, *left]),
        body.left: ([begin, *left], [0, *right]),
    }
    last = []
    for side, (own, other) in sides.items():
        own, other = torch.tensor([own]), torch.tensor([other[: len(own)]])
        there = (other > 0).unsqueeze(-1).double()
        with torch.no_grad():
            pairs = [body.embedding(other), there, body.embedding(own)]
            last.append(side.steps(torch.cat(pairs, dim=-1), NOTHING)[0, -1])
    np.testing.assert_allclose(model.transform([text])[0], torch.cat(last), atol=1e-12)


# Training.


def losses(model, texts, batch_size=3):
    """Return the sum of the losses of an epoch per row: minus log-likelihoods."""
    objective = model.net_.objective
    model.net_.module_.eval()
    part = model._part(*model._check(texts, None, None, reset=False), np.arange(len(texts)))
    batches, found = objective.batches(part, batch_size, model.net_.random), np.zeros(len(texts))
    n_batches = 0
    with torch.no_grad():
        for batch in batches:
            n_batches += 1
            assert batch.x.shape[2] <= 2 * model.bptt
            loss = next(objective.steps(objective.modules, batch))[1]
            np.add.at(found, batch.index[0].numpy(), loss[0].numpy())
    assert n_batches == len(batches)
    assert objective._handed_on is None
    return found * objective.mean_piece


def likelihoods_of_marks(model, text):
    """Return the log-likelihood of a text for each place of the mark."""
    written, codes = Written(model), [model.vocabulary_[token] for token in text]
    found = []
    for mark in range(len(codes) + 1):
        sides = [*codes[mark:], written.end], [*codes[:mark][::-1], written.end]
        turns, total = [], 0.0
        for turn in range(2 * max(map(len, sides))):
            own, place = sides[turn % 2], turn // 2
            if place < len(own):
                total += written.after(turns)[own[place] - 2]
            turns.append(own[place] if place < len(own) else 0)
        found.append(total)
    return np.array(found)


TEXTS = ["abab", "b", "", "a" * 7, "ba" * 4, "aab", "ab" * 6]


@pytest.mark.parametrize("bptt", [100, 4, 2, 1])
def test_the_mark_is_in_the_middle_for_training_and_validation(bptt):
    model = small(precision="float64", bptt=bptt).fit(TEXTS)
    expected = [-likelihoods_of_marks(model, text)[len(text) // 2] for text in TEXTS]
    np.testing.assert_allclose(losses(model, TEXTS), expected, atol=1e-10)


@pytest.mark.parametrize("bptt", [100, 4, 2])
def test_the_mark_is_anywhere_and_elsewhere_in_each_epoch(bptt):
    model = small(precision="float64", bptt=bptt, start="random").fit(TEXTS)
    expected = [-likelihoods_of_marks(model, text) for text in TEXTS]
    seen = [set() for _ in TEXTS]
    for _ in range(60):
        for row, found in enumerate(losses(model, TEXTS)):
            apart = np.abs(expected[row] - found)
            assert apart.min() < 1e-10
            seen[row].add(apart.argmin())
    assert all(len(places) > len(text) / 2 for places, text in zip(seen, TEXTS, strict=True))
    assert seen[0] == {0, 1, 2, 3, 4}


@pytest.mark.parametrize("start", ["middle", "random"])
@pytest.mark.parametrize("bptt", [100, 3])
def test_training_losses_are_per_outcome(start, bptt):
    """Each row has an end on both sides, and all outcomes weigh the same."""
    settings = {"max_iter": 1, "learning_rate_init": 1e-12, "dropout": 0, "batch_size": 2}
    model = small(precision="float64", start=start, bptt=bptt, **settings).fit(TEXTS, X_val=TEXTS)
    middle = sum(likelihoods_of_marks(model, text)[len(text) // 2] for text in TEXTS)
    total = sum(len(text) + 2 for text in TEXTS)
    assert -model.validation_scores_[0] == pytest.approx(-middle / total)
    if start == "middle":
        assert model.loss_curve_[0] == pytest.approx(-middle / total)


def test_both_networks_learn():
    words = ["xaby", "xbay", "xaaby", "xbbay"] * 20
    model = small(max_iter=80, hidden_layer_sizes=16, dropout=0.0).fit(words)
    found = model.sample(200, random_state=0)
    assert np.mean([text[0] == "x" and text[-1] == "y" for text in found if text]) > 0.9
    assert np.mean([text[0] == "x" for text in model.sample(50, prompt="ay", random_state=0)]) > 0.9


def test_a_random_start_is_an_augmentation_that_depends_on_the_seed():
    first, again, other = (small(start="random", random_state=s).fit(WORDS) for s in (0, 0, 1))
    assert first.loss_curve_ == again.loss_curve_ != other.loss_curve_
    assert first.score(WORDS) == again.score(WORDS)
    assert first.loss_curve_ != small(random_state=0).fit(WORDS).loss_curve_


@pytest.mark.parametrize(
    "settings",
    [
        {"start": "random", "dropout": 0.5, "token_dropout": 0.3},
        {"bptt": 3, "dropout": 0.0},
        {"start": "random", "bptt": 3, "dropout": 0.0},
    ],
)
def test_a_member_does_not_depend_on_its_neighbours(settings):
    settings = {"precision": "float64"} | settings
    alone, among = small(**settings).fit(TEXTS * 4), small(n_members=3, **settings).fit(TEXTS * 4)
    found = among.body_.bodies[0].state_dict()
    for name, value in alone.body_.bodies[0].state_dict().items():
        np.testing.assert_allclose(found[name], value, rtol=0, atol=1e-10, err_msg=name)


def test_weights_are_repetitions():
    weight = np.arange(len(WORDS)) % 3
    settings = {"solver": "lbfgs", "precision": "float64", "max_iter": 5}
    weighted = small(**settings).fit(WORDS, sample_weight=weight)
    repeated = small(**settings).fit(list(np.repeat(np.array(WORDS, object), weight)))
    np.testing.assert_allclose(weighted.score_samples(STRINGS), repeated.score_samples(STRINGS))


def test_searches_clones_and_pickles():
    search = GridSearchCV(small(), {"learning_rate_init": [1e-9, 0.03]}, cv=2).fit(WORDS)
    assert search.best_params_ == {"learning_rate_init": 0.03}
    model = search.best_estimator_
    same = pickle.loads(pickle.dumps(model)), copy.deepcopy(model), clone(model).fit(WORDS)
    for other in same:
        np.testing.assert_array_equal(other.score_samples(STRINGS), model.score_samples(STRINGS))
        assert other.sample(5, random_state=0) == model.sample(5, random_state=0)


# Samples.


@each_generator
def test_every_sample_contains_its_prompt(name):
    model = made(name)
    for prompt in ("", "a", "bb", "bba", "abbaabba"):
        for how in ({}, {"temperature": 0}, {"temperature": 3.0, "top_k": 2, "top_p": 0.9}):
            found = model.sample(40, prompt=prompt, max_length=12, random_state=0, **how)
            assert all(prompt in text and len(text) <= 12 for text in found)
    assert any(not text.startswith("bb") for text in model.sample(50, prompt="bb", random_state=0))
    assert any(not text.endswith("bb") for text in model.sample(50, prompt="bb", random_state=0))
    prompts = ["", "a", "bb", "bab", "aaaa"]
    found = model.sample(5, prompt=prompts, random_state=0)
    assert all(prompt in text for text, prompt in zip(found, prompts, strict=True))
    assert model.sample(prompt="abba", max_length=4) == ["abba"]


def test_a_sample_does_not_depend_on_its_neighbours_but_for_what_is_drawn():
    model = made("random")
    expected = model.sample(1, prompt="ba", temperature=0)
    assert model.sample(3, prompt=["ba", "", "abab"], temperature=0)[0] == expected[0]
    assert model.sample(9, random_state=1) == copy.deepcopy(model).sample(9, random_state=1)
    assert model.sample(9, random_state=1) != model.sample(9, random_state=2)


def test_the_likeliest_turns_are_taken_at_temperature_zero():
    model = made("middle")
    written, turns, ended = Written(model), [], [False, False]
    while not all(ended):
        side = len(turns) % 2
        turns.append(0 if ended[side] else int(written.after(turns).argmax()) + 2)
        ended[side] |= turns[-1] == written.end
    kept = [[c for c in turns[side::2] if c not in (0, written.end)] for side in (0, 1)]
    expected = "".join(written.names[code] for code in [*kept[1][::-1], *kept[0]])
    assert model.sample(temperature=0, max_length=50) == [expected]


def test_samples_are_no_longer_than_those_of_the_fit():
    model = small().fit(["ab" * 3] * 20)
    lengths = {len(text) for text in model.sample(200, temperature=9.0, random_state=0)}
    assert max(lengths) == 6
    assert max(map(len, model.sample(50, temperature=9.0, max_length=3, random_state=0))) == 3


def test_unknown_and_begin_tokens_are_never_written():
    model = small(max_features=1, token_dropout=0.5).fit(["ab", "aab", "aac"] * 10)
    assert set("".join(model.sample(99, temperature=3.0, random_state=0))) == {"a"}
    assert np.isfinite(model.score_samples(["abc", "zz"])).all()


def test_tokens_are_dropped_on_both_sides_of_what_has_ended():
    body = small(token_dropout=0.99, max_iter=1).fit(WORDS).body_.bodies[0].train()
    codes = torch.tensor([[2, 3, 0, 2, 0, 3, 0, 2]]).expand(50, -1)
    read = body.embed(codes)
    assert torch.equal(read[..., -1], (codes > 0).float())
    unknown = (read[..., :-1] == body.embedding.table[1]).all(-1)
    share = unknown.float().mean(0)
    assert (share[codes[0] > 0] > 0.8).all()
    assert (share[codes[0] == 0] == 0).all()


def test_words_and_lists_are_what_they_were():
    words = ["the cat sat", "the dog sat .", "a cat ran"] * 10
    found = small().fit(words).sample(5, prompt="cat", random_state=0)
    assert all("cat" in text.split(" ") for text in found)
    lists = small().fit([word.split() for word in words])
    assert all("dog" in row for row in lists.sample(5, prompt=["dog"], random_state=0))


def test_what_is_cut_by_max_length_does_not_end_there():
    model = small(max_length=3, max_iter=40, precision="float64").fit(["ababab"] * 40)
    assert model.next_proba(["aba"])[0, -1] < 0.1
    text = "aba"
    n_steps = model.score_samples([text])[0] / (model.bits_per_token([text]) * np.log(2))
    assert n_steps == pytest.approx(-3)


# Numbers.


def strokes(n, seed=0):
    rng = np.random.default_rng(seed)
    return [rng.normal([3, -50], [0.1, 20], (length, 2)) for length in rng.integers(1, 4, n)]


def test_numbers_are_written_to_both_sides():
    X = strokes(100)
    model = small(max_iter=50, start="random").fit(X)
    found = model.sample(300, random_state=0)
    steps = np.concatenate([x for x in found if len(x)])
    np.testing.assert_allclose(steps.mean(0), [3, -50], atol=3)
    np.testing.assert_allclose(steps.std(0), [0.1, 20], rtol=0.3)
    prompt = X[0][:1]
    for row in model.sample(20, prompt=prompt, max_length=4, random_state=0):
        assert np.isclose(row, prompt, rtol=1e-5).all(1).sum() == 1
    with pytest.raises(ValueError, match="prompt has 2 steps, but max_length=1"):
        model.sample(prompt=np.zeros((2, 2)), max_length=1)


def test_a_likelihood_of_numbers_is_that_of_all_ways_to_write_them():
    """Computed turn by turn, from what each of the two networks has read by then."""
    model = small(start="random", precision="float64", input_scaling=None).fit(strokes(40))
    body, head = model.body_.bodies[0], model.net_.module_.head
    x = np.array([[3.1, -40.0], [2.9, -55.0], [3.0, -70.0]])
    # The last number tells whether it is an end, as what is read and as an outcome.
    steps = [torch.tensor([*step, 0.0]).double() for step in x]
    end, start = torch.tensor([0.0, 0.0, 1.0]).double(), torch.zeros(3).double()
    there, nothing = torch.ones(1).double(), torch.zeros(4).double()
    ways = []
    for mark in range(len(x) + 1):
        sides, total = ([*steps[mark:], end], [*steps[:mark][::-1], end]), 0.0
        networks, begun = (body.right, body.left), torch.cat([nothing, start])
        read, before = ([begun], [begun]), torch.cat([start, there])
        for turn in range(2 * max(map(len, sides))):
            own, place = turn % 2, turn // 2
            if place >= len(sides[own]):
                before = nothing
                continue
            with torch.no_grad():
                last = [
                    network.steps(torch.stack(known)[None], NOTHING)[0, -1]
                    for network, known in zip(networks, read, strict=True)
                ]
                both = torch.cat([last[own], last[1 - own]])[None, None]
                joined = torch.nn.functional.gelu(body.join(both))
                scores = head(torch.cat([both, joined], dim=-1))
                total += head.log_likelihood(scores, sides[own][place][None, None]).item()
            read[own].append(torch.cat([before, sides[own][place]]))
            before = torch.cat([sides[own][place], there])
        ways.append(total)
    assert model.score_samples([x])[0] == pytest.approx(logsumexp(ways), abs=1e-9)


@pytest.mark.parametrize("n_members", [1, 2])
def test_densities_of_numbers_integrate_to_their_share(n_members):
    """The density of all sequences of one step, and the probability of none, are their shares."""
    X = [x[:, :1] for x in strokes(60)]
    model = small(n_members=n_members, n_components=3).fit(X)
    grid = np.linspace(-3, 9, 6001)
    share = np.exp(model.score_samples(list(grid[:, np.newaxis, np.newaxis]))).sum() * 0.002
    found = model.sample(2000, random_state=0)
    assert share == pytest.approx(np.mean([len(row) == 1 for row in found]), abs=0.04)


def test_steps_with_gaps_count_by_their_existence():
    X = [np.array([[1.0], [np.nan], [2.0]]), np.array([[0.5], [1.5]])] * 20
    model = small().fit(X)
    assert np.isfinite(model.score_samples(X)).all()
    assert np.isfinite(np.concatenate(model.sample(5, random_state=0))).all()


# Fits that go on, and other uses.


def test_a_fit_goes_on_from_another():
    model = small().fit(WORDS)
    frozen = FrozenEstimator(model)
    start = small(pretrained=frozen, learning_rate_init=1e-12, max_iter=1, dropout=0)
    start.fit(["ba", "zb"] * 10)
    assert start.vocabulary_ == model.vocabulary_
    np.testing.assert_allclose(start.score_samples(WORDS), model.score_samples(WORDS), rtol=1e-5)
    focused = small(pretrained=frozen, learning_rate_init=0.1, start="random").fit(["bbb"] * 20)
    assert focused.score(["bbb"]) > model.score(["bbb"]) + 0.1
    # The vectors of tokens, and the first layer of both sides.
    kept = small(pretrained=frozen, freeze=2).fit(["bbb"] * 20).body_.bodies[0].state_dict()
    for name, value in model.body_.bodies[0].state_dict().items():
        assert torch.equal(kept[name], value) == (not name.startswith("join")), name


@pytest.mark.parametrize("direction", ["forward", "both"])
def test_another_direction_is_refused(direction):
    other = "forward" if direction == "both" else "both"
    frozen = FrozenEstimator(small(direction=other, max_iter=1).fit(WORDS))
    match = f"direction='{direction}', but pretrained has direction='{other}'"
    with pytest.raises(ValueError, match=match):
        small(direction=direction, pretrained=frozen).fit(WORDS)


def test_a_classifier_reads_forward_only():
    frozen = FrozenEstimator(small(max_iter=1).fit(WORDS))
    y = [word.startswith("a") for word in WORDS]
    with pytest.raises(ValueError, match="pass one with direction='forward'"):
        RNNClassifier(bidirectional=False, pretrained=frozen, **SMALL).fit(WORDS, y)


def test_as_a_bare_module_it_says_the_same():
    model = small(n_members=2).fit(WORDS)
    codes = torch.tensor([[2, 3, 0], [3, 3, 2], [0, 0, 0]])
    names = {code: token for token, code in model.vocabulary_.items()} | {0: ""}
    texts = ["".join(names[code] for code in row) for row in codes.tolist()]
    found = model.to_torch()(codes).detach()
    np.testing.assert_allclose(found, model.next_proba(texts), atol=1e-6)


@pytest.mark.parametrize(
    ("settings", "match"),
    [
        ({"direction": "left"}, "direction"),
        ({"start": "end"}, "start"),
        ({"direction": "forward", "start": "random"}, "start='random' has no effect"),
        ({"start": "random", "solver": "lbfgs"}, "start='random' draws other marks"),
    ],
)
def test_bad_parameters_are_refused(settings, match):
    with pytest.raises(ValueError, match=match):
        small(**settings).fit(WORDS)
