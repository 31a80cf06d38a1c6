"""Generators: likelihoods are those of what is sampled, whatever the network."""

import copy
from itertools import product

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import GridSearchCV

from sklearn_modern.neural_network import RNNClassifier, RNNGenerator, TransformerGenerator

SMALL = {"max_iter": 8, "learning_rate_init": 0.03, "device": "cpu", "random_state": 0}
WORDS = ["abab", "ab", "ababab", "", "b", "aab", "ba", "abb"] * 6
LONGEST = 4
STRINGS = ["".join(letters) for n in range(LONGEST + 1) for letters in product("ab", repeat=n)]

GENERATORS = {
    "lstm": (RNNGenerator, {"hidden_layer_sizes": 6}),
    "gru, members": (RNNGenerator, {"hidden_layer_sizes": (5, 4), "cell": "gru", "n_members": 2}),
    "rnn, pieces": (RNNGenerator, {"hidden_layer_sizes": 6, "cell": "rnn", "bptt": 2}),
    "transformer": (TransformerGenerator, {"width": 8, "depth": 1}),
    "windows": (TransformerGenerator, {"width": 8, "depth": 2, "context": 3, "n_members": 2}),
    "cascade": (TransformerGenerator, {"width": 8, "depth": 2, "attention": "cascade"}),
    "dilated": (TransformerGenerator, {"width": 8, "depth": 2, "attention": "dilated"}),
}
each_generator = pytest.mark.parametrize("name", GENERATORS)


def made(name, **settings):
    kind, own = GENERATORS[name]
    return kind(**own | SMALL | settings)


def small(**settings):
    return RNNGenerator(8, **SMALL | settings)


# Likelihoods and samples.


@each_generator
def test_likelihoods_are_probabilities_and_samples_have_them(name):
    """Of all strings up to a length, and of being longer."""
    model = made(name, precision="float64").fit(WORDS)
    log_proba, longest = model.score_samples(STRINGS), STRINGS[-(2**LONGEST) :]
    ends = model.next_proba(longest)[:, -1]
    probability = np.exp(log_proba)
    alive = (probability[-len(longest) :] / ends * (1 - ends)).sum()
    assert probability.sum() + alive == pytest.approx(1, abs=1e-6)

    n = 4000
    found = model.sample(n, max_length=LONGEST + 1, random_state=0)
    counts = np.array([found.count(text) for text in STRINGS] + [0])
    counts[-1] = n - counts.sum()
    expected = n * np.append(probability, alive)
    rare = expected < 5
    counts = np.append(counts[~rare], counts[rare].sum())
    expected = np.append(expected[~rare], expected[rare].sum())
    there = expected > 0
    statistic = ((counts - expected)[there] ** 2 / expected[there]).sum()
    assert statistic < there.sum() - 1 + 4 * np.sqrt(2 * there.sum())


@each_generator
def test_a_likelihood_is_the_product_of_next_probabilities(name):
    model = made(name, precision="float64").fit(WORDS)
    text = "abbaabab"
    codes = {token: code - 2 for token, code in model.vocabulary_.items()}
    steps = model.next_proba([text[:n] for n in range(len(text) + 1)])
    columns = [codes[token] for token in text] + [len(codes)]
    expected = np.log(steps[np.arange(len(steps)), columns]).sum()
    assert model.score_samples([text]) == pytest.approx(expected, abs=1e-8)
    np.testing.assert_allclose(steps.sum(1), 1)


def test_perplexity_is_per_token_and_score_per_sequence():
    model = small().fit(WORDS)
    likelihood, n = model.score_samples(WORDS), sum(len(word) + 1 for word in WORDS)
    assert model.score(WORDS) == pytest.approx(likelihood.mean())
    assert model.perplexity(WORDS) == pytest.approx(np.exp(-likelihood.sum() / n))
    assert model.bits_per_token(WORDS) == pytest.approx(-likelihood.sum() / n / np.log(2))


def test_unknown_tokens_are_left_out():
    model = small().fit(WORDS)
    assert model.perplexity(["ab", "z"]) > 0
    steps = model.next_proba(["", "z"])
    codes = model.vocabulary_
    assert model.score_samples(["z"]) == pytest.approx(np.log(steps[1, -1]), abs=1e-5)
    assert model.score_samples(["a"]) == pytest.approx(
        np.log(steps[0, codes["a"] - 2]) + np.log(model.next_proba(["a"])[0, -1]), abs=1e-5
    )


def test_a_search_finds_the_likelier_model():
    search = GridSearchCV(small(), {"learning_rate_init": [1e-9, 0.03]}, cv=2)
    assert search.fit(WORDS).best_params_ == {"learning_rate_init": 0.03}


# Long texts.


@pytest.mark.parametrize("n_members", [1, 2])
def test_the_likelihood_of_a_long_text_does_not_depend_on_bptt(n_members):
    model = small(n_members=n_members, precision="float64", bptt=7).fit(WORDS)
    text = "".join(WORDS * 40)
    expected = model.score_samples([text])
    model.set_params(bptt=1000)
    model.net_.objective.n_steps = 1000
    np.testing.assert_allclose(model.score_samples([text]), expected, rtol=1e-12)
    halves = [text[: len(text) // 2], text]
    np.testing.assert_allclose(model.score_samples(halves)[1], expected, rtol=1e-9)


def recorded(model):
    """Return the pieces of one epoch: outcomes, and whether they go on."""
    seen, objective = [], model.net_.objective
    part = model._part(*model._check(TEXTS, None, None, reset=False), np.arange(len(TEXTS)))
    batches = objective.batches(part, 2, model.net_.random)
    for batch in batches:
        lengths = batch.index.shape, batch.x.shape
        seen.append((batch.index[0].tolist(), batch.x[0], batch.continues, batch.followed, lengths))
    assert len(seen) == len(batches)
    return seen


TEXTS = ["ab" * 4, "b", "a" * 5, "ba" * 7, "aab", "b" * 13]


def test_pieces_follow_one_another():
    model = small(bptt=4, batch_size=2, max_iter=1).fit(TEXTS)
    for _ in range(3):
        rows: dict[int, list] = {}
        before = []
        for index, x, continues, followed, _ in recorded(model):
            assert x.shape[1] <= 4
            assert continues == bool(before)
            assert not before or index == before[: len(index)]
            for row, codes in zip(index, x, strict=True):
                rows.setdefault(row, []).extend(codes[codes > 0].tolist())
            before = index if followed else []
        assert not before
        names = {code: token for token, code in model.vocabulary_.items()}
        assert ["".join(names.get(c, ".") for c in rows[row]) for row in range(len(TEXTS))] == [
            text + "." for text in TEXTS
        ]


def losses_of_pieces(model, text):
    objective = model.net_.objective
    model.net_.module_.eval()
    part = model._part(*model._check([text], None, None, reset=False), np.arange(1))
    with torch.no_grad():
        found = [
            next(objective.steps(objective.modules, batch))[1].sum().item()
            for batch in objective.batches(part, 1, model.net_.random)
        ]
    return np.array(found) * objective.mean_piece


def test_the_state_is_handed_on_and_dropped_at_the_end():
    model = small(bptt=5, precision="float64").fit(["ab" * 30])
    text = "abba" * 6
    found = losses_of_pieces(model, text)
    assert len(found) == 5
    assert -found.sum() == pytest.approx(model.score_samples([text])[0])
    assert model.net_.objective._handed_on is None


def test_windows_of_a_transformer_begin_anew_while_training():
    model = made("windows", n_members=1, precision="float64").fit(WORDS)
    text = "abbaba"
    found = losses_of_pieces(model, text)
    assert len(found) == 3  # the end is one of seven outcomes
    assert -found[0] == pytest.approx(
        model.score_samples([text[:3]])[0] - np.log(model.next_proba([text[:3]])[0, -1])
    )


def test_every_token_weighs_the_same_however_rows_are_cut():
    model = small(bptt=4, batch_size=2, max_iter=1, learning_rate_init=1e-12, dropout=0)
    total = sum(len(text) + 1 for text in TEXTS)
    model.fit(TEXTS)
    assert model.loss_curve_[0] == pytest.approx(-model.score_samples(TEXTS).sum() / total)


def moved(texts, weight=None, **settings):
    """Return how far one small step of gradient descent moves what says of itself which token."""

    def bias(rate):
        still = {"solver": "sgd", "momentum": 0.0, "alpha": 0.0, "learning_rate": "constant"}
        model = RNNGenerator(
            4, learning_rate_init=rate, dropout=0.0, batch_size=64, precision="float64",
            max_iter=1, device="cpu", random_state=0, **still, **settings,
        ).fit(texts, sample_weight=weight)  # fmt: skip
        moved.length = model.net_.objective.mean_piece
        return model.net_.module_.head.linear.bias.detach().numpy().ravel()

    return (bias(1e-6) - bias(1e-13)) * moved.length


@pytest.mark.parametrize("direction", ["forward", "both"])
def test_the_ends_of_long_rows_weigh_as_much_as_others(direction):
    texts = ["a" * 8 + "bb", *["ccc"] * 7]
    whole, cut = (moved(texts, bptt=n, direction=direction) for n in (100, 2))
    np.testing.assert_allclose(cut, whole, rtol=1e-3)
    weights = np.arange(8) % 3
    repeated = np.repeat(texts, weights).tolist()
    for n in (100, 2):
        given = {"bptt": n, "direction": direction}
        expected = moved(repeated, **given)
        np.testing.assert_allclose(moved(texts, weights, **given), expected, rtol=1e-3)


@pytest.mark.parametrize("n_members", [1, 2])
def test_validation_and_training_losses_are_per_token(n_members):
    model = small(max_iter=1, learning_rate_init=1e-12, dropout=0, n_members=n_members, bptt=3)
    model.fit(TEXTS, X_val=TEXTS)
    assert -model.validation_scores_[0] == pytest.approx(model.loss_curve_[0], rel=1e-5)


@pytest.mark.parametrize("name", ["lstm", "transformer"])
def test_a_member_does_not_depend_on_its_neighbours(name):
    settings = {"precision": "float64", "dropout": 0.5, "token_dropout": 0.3}
    texts = ["a" * n + "b" for n in range(20)] * 4
    alone, among = (made(name, n_members=n, **settings).fit(texts) for n in (1, 3))
    found = among.body_.bodies[0].state_dict()
    for name, value in alone.body_.bodies[0].state_dict().items():
        np.testing.assert_allclose(found[name], value, rtol=0, atol=1e-10, err_msg=name)


def test_validation_rows_of_members_are_their_own():
    model = small(n_members=2, early_stopping=True, bptt=3).fit(WORDS)
    assert model.early_stopping_
    assert np.isfinite(model.validation_scores_).all()


# What samples look like.


def test_samples_are_what_x_was():
    words = ["the cat sat", "the dog sat .", "a cat ran"] * 10
    found = small().fit(words).sample(5, random_state=0)
    assert all(isinstance(text, str) and "  " not in text for text in found)
    tokens = small().fit([word.split() for word in words]).sample(5, random_state=0)
    assert all(isinstance(token, str) for row in tokens for token in row)
    pairs = small(analyzer=lambda text: [text[i : i + 2] for i in range(0, len(text), 2)])
    assert set("".join(pairs.fit(WORDS).sample(5, random_state=0))) <= set("ab")
    assert " " in "".join(small().fit(words).sample(9, random_state=0))


def test_samples_do_not_need_the_global_generator():
    model = small().fit(WORDS)
    again = copy.deepcopy(model).sample(20, random_state=3)
    assert again == model.sample(20, random_state=3)
    assert again != model.sample(20, random_state=4)


def test_prompts_are_kept():
    model = small().fit(WORDS)
    assert all(text.startswith("bba") for text in model.sample(9, prompt="bba", random_state=0))
    prompts = ["", "a", "bb", "bab"]
    found = model.sample(4, prompt=prompts, random_state=0)
    assert all(text.startswith(p) for text, p in zip(found, prompts, strict=True))
    assert model.sample(prompt="ab" * 3, max_length=6) == ["ababab"]
    lists = small().fit([list(word) for word in WORDS])
    assert lists.sample(2, prompt=["b", "a"], random_state=0)[1][:2] == ["b", "a"]
    found = lists.sample(2, prompt=[["b"], []], random_state=0)
    assert found[0][:1] == ["b"]
    assert lists.sample(prompt=iter(["b", "a"]), random_state=0)[0][:2] == ["b", "a"]
    for wrong in ("ba", [["a"], "ba"], ["a", 5], [5, 6], [["a"], 5]):
        with pytest.raises(ValueError, match="which are strings"):
            lists.sample(2, prompt=wrong)


def test_samples_are_no_longer_than_those_of_the_fit():
    model = small().fit(["ab" * 3] * 20)
    assert max(map(len, model.sample(50, temperature=5.0, random_state=0))) <= 6
    assert max(map(len, model.sample(50, temperature=5.0, max_length=2, random_state=0))) == 2


def test_unknown_tokens_are_never_written():
    model = small(max_features=1, token_dropout=0.5).fit(["ab", "aab", "aac"] * 10)
    assert set("".join(model.sample(50, temperature=3.0, random_state=0))) == {"a"}


def test_what_is_cut_by_max_length_does_not_end_there():
    model = small(max_length=3, max_iter=30).fit(["ababab"] * 40)
    assert model.next_proba(["aba"])[0, -1] < 0.1
    assert model.sample(3, max_length=8, temperature=0) == ["abababab"] * 3


# Numbers.


def strokes(n, seed=0):
    rng = np.random.default_rng(seed)
    return [rng.normal([3, -50], [0.1, 20], (length, 2)) for length in rng.integers(1, 4, n)]


@pytest.mark.parametrize("scaling", ["standard", None])
def test_likelihoods_of_numbers_are_in_their_units(scaling):
    X = strokes(100)
    if scaling is None:
        X = [x / [1, 20] - [3, 0] for x in X]
    model = small(input_scaling=scaling, n_components=2, max_iter=40).fit(X)
    units = np.array([0.1, 20.0 if scaling else 1.0])
    per_step = -0.5 * np.log(2 * np.pi * np.e) * 2 - np.log(units).sum()
    n_steps = sum(map(len, X))
    # The entropy of steps, and that of one, two or three of them.
    expected = (n_steps * per_step - len(X) * np.log(3)) / len(X)
    assert model.score(X) == pytest.approx(expected, abs=0.5)


def test_samples_of_numbers_are_like_those_of_the_fit():
    X = strokes(100)
    model = small(max_iter=50).fit(X)
    found = model.sample(500, random_state=0)
    steps = np.concatenate(found)
    np.testing.assert_allclose(steps.mean(0), [3, -50], atol=2)
    np.testing.assert_allclose(steps.std(0), [0.1, 20], rtol=0.25)
    lengths = np.bincount([len(x) for x in found], minlength=4)
    assert (lengths[1:] > 100).all()
    calm = np.concatenate(model.sample(500, temperature=0.05, random_state=0))
    assert (calm.std(0) < 0.95 * steps.std(0)).all()


@pytest.mark.parametrize("n_members", [1, 2])
def test_densities_of_numbers_integrate_to_their_share(n_members):
    """The density of all sequences of one step is the probability of being one."""
    X = [x[:, :1] for x in strokes(60)]
    model = small(n_members=n_members, n_components=3).fit(X)
    grid = np.linspace(0, 6, 6001)
    share = np.exp(model.score_samples(list(grid[:, np.newaxis, np.newaxis]))).sum() * 0.001
    found = model.sample(2000, random_state=0)
    assert share == pytest.approx(np.mean([len(row) == 1 for row in found]), abs=0.04)


def test_members_draw_steps_as_they_expect_them():
    """One expects low numbers, and the end; the other one high numbers, and no end."""
    model = small(n_members=2, n_components=1).fit([x[:, 0] for x in strokes(40)])
    layer = model.net_.module_.head.linear
    with torch.no_grad():
        layer.weight.zero_(), layer.bias.zero_()
        layer.bias[:, 0, 0], layer.bias[:, 2, 0] = torch.tensor([[3.0, -3.0], [-2.0, 2.0]])
    scaler = model._inputs.scaler
    grid = scaler.mean[0] + scaler.scale[0] * np.linspace(-8, 8, 2001)
    density = np.exp(model.score_samples([np.array([[x]]) for x in grid]))
    high = density[grid > scaler.mean[0]].sum() / density.sum()
    drawn = model.sample(4000, max_length=1, random_state=0)
    drawn = np.concatenate([np.ravel(row) for row in drawn])
    assert (drawn > scaler.mean[0]).mean() == pytest.approx(high, abs=0.03)
    first = [np.ravel(row) for row in model.sample(4, temperature=0, max_length=1)]
    assert np.ptp(first) == 0


def test_steps_with_gaps_count_by_their_existence():
    X = [np.array([[1.0], [np.nan], [2.0]]), np.array([[0.5], [1.5]])] * 20
    model = small().fit(X)
    assert np.isfinite(model.score_samples(X)).all()
    assert np.isfinite(np.concatenate(model.sample(5, random_state=0))).all()


def test_prompts_of_numbers_are_kept():
    table = np.random.default_rng(0).normal(size=(40, 3))
    model = small().fit(table)
    found = model.sample(4, prompt=table[0, :2], random_state=0)
    assert all(row.ndim == 1 for row in found)
    np.testing.assert_allclose([row[:2] for row in found], [table[0, :2]] * 4, rtol=1e-5)
    for n in (1, 2):
        for prompts in (table[:4, :n], table[:4, :n].tolist(), pd.DataFrame(table[:4, :n])):
            found = model.sample(4, prompt=prompts, random_state=0)
            np.testing.assert_allclose([row[:n] for row in found], table[:4, :n], rtol=1e-5)
    model = small(channels="first").fit([x.T for x in strokes(40)])
    prompt = np.array([[3.0], [-40.0]])
    found = model.sample(2, prompt=prompt, max_length=4, random_state=0)
    np.testing.assert_allclose([row[:, :1] for row in found], [prompt] * 2, rtol=1e-5)


def test_one_channel_of_numbers_may_come_first():
    model = small(channels="first").fit([x.T[:1] for x in strokes(40)])
    prompt = np.array([[3.0, 4.0]])
    for found in model.sample(2, prompt=prompt, random_state=0):
        np.testing.assert_allclose(found[:, :2], prompt, rtol=1e-5)


# Fits that go on.


def test_a_fit_that_goes_on_joins_tokens_as_before():
    words = small().fit(["one two", "three four", "two one"] * 5)
    again = small(pretrained=FrozenEstimator(words)).fit(["one", "two", "three"] * 4)
    assert " " in again.sample(prompt="one two", max_length=2)[0]


@each_generator
def test_a_fit_goes_on_from_another(name):
    model = made(name).fit(WORDS)
    start = made(
        name, pretrained=FrozenEstimator(model), learning_rate_init=1e-12, max_iter=1, dropout=0
    ).fit(["ba", "zb"] * 10)
    assert start.vocabulary_ == model.vocabulary_
    np.testing.assert_allclose(start.score_samples(WORDS), model.score_samples(WORDS), rtol=1e-5)
    focused = made(name, pretrained=FrozenEstimator(model), learning_rate_init=0.1)
    focused.fit(["bbb"] * 20)
    assert focused.score(["bbb"]) > model.score(["bbb"]) + 0.1


def test_a_classifier_reads_by_a_generator():
    generator = small().fit(WORDS)
    y = [word.startswith("a") for word in WORDS]
    model = RNNClassifier(
        bidirectional=False, pretrained=FrozenEstimator(generator), freeze="none", **SMALL
    ).set_params(max_iter=40)
    model.fit(WORDS, y)
    assert model.vocabulary_ == generator.vocabulary_
    assert model.body_.bodies[0].n_features_out == 8
    assert model.score(WORDS, y) > 0.9


@pytest.mark.parametrize(
    ("settings", "match"),
    [
        ({"hidden_layer_sizes": 9}, "hidden_layer_sizes=9, but pretrained has .*=8"),
        ({"cell": "gru"}, "cell='gru', but pretrained has cell='lstm'"),
    ],
)
def test_another_shape_is_refused(settings, match):
    frozen = FrozenEstimator(small().fit(WORDS))
    with pytest.raises(ValueError, match=match):
        small().set_params(pretrained=frozen, **settings).fit(WORDS)


def test_only_generators_of_the_kind_go_on():
    fitted = small().fit(WORDS)
    for given in (fitted, FrozenEstimator(RNNClassifier(8)), torch.nn.Linear(2, 2)):
        with pytest.raises(ValueError, match="FrozenEstimator of a fitted RNNGenerator"):
            small(pretrained=given).fit(WORDS)
    with pytest.raises(ValueError, match="FrozenEstimator of a fitted TransformerGenerator"):
        made("transformer", pretrained=FrozenEstimator(fitted)).fit(WORDS)


def test_as_a_bare_module_it_says_the_same():
    model = made("gru, members").fit(WORDS)
    codes = torch.tensor([[2, 3, 0], [3, 3, 2], [0, 0, 0]])
    names = {code: token for token, code in model.vocabulary_.items()} | {0: ""}
    texts = ["".join(names[code] for code in row) for row in codes.tolist()]
    found = model.to_torch()(codes).detach()
    np.testing.assert_allclose(found, model.next_proba(texts), atol=1e-6)


# Bad input.


@pytest.mark.parametrize(
    ("how", "match"),
    [
        ({"prompt": "azq"}, r"'q', 'z'"),
        ({"prompt": "ababa", "max_length": 3}, "prompt has 5 steps, but max_length=3"),
        ({"prompt": ["a", "b"]}, "prompt has 2 sequences, but n_samples=1"),
        ({"top_p": 0.0}, r"top_p=0.0 must be a probability in \(0, 1\]"),
        ({"top_p": 1.1}, "top_p=1.1"),
        ({"top_k": 4}, "top_k=4 must be from 1 to 3"),
        ({"top_k": 0}, "top_k=0"),
        ({"temperature": -1}, "temperature=-1"),
        ({"temperature": np.nan}, "temperature=nan"),
        ({"max_length": 0}, "max_length=0"),
        ({"n_samples": 0}, "n_samples=0"),
    ],
)
def test_bad_arguments_of_sample_are_refused(how, match):
    model = small(max_iter=1).fit(WORDS)
    with pytest.raises(ValueError, match=match):
        model.sample(**how)


@pytest.mark.parametrize("prompt", [{"a", "b"}, {"a": 1}, 5])
def test_prompts_without_an_order_are_refused(prompt):
    for X in (WORDS, [list(word) for word in WORDS]):
        model = small(max_iter=1).fit(X)
        with pytest.raises(TypeError, match="must be a sequence like those of the fit"):
            model.sample(2, prompt=prompt)


def test_the_smallest_temperature_takes_the_likeliest():
    model = small().fit(WORDS)
    assert model.sample(3, temperature=1e-310) == model.sample(3, temperature=0)


@pytest.mark.parametrize(
    ("model", "match"),
    [
        (small(solver="lbfgs", bptt=5), "longest has 6 steps and bptt=5; raise it"),
        (
            made("windows", n_members=1, solver="lbfgs"),
            "longest has 6 steps and context=3; raise it",
        ),
    ],
    ids=["rnn", "transformer"],
)
def test_lbfgs_needs_whole_rows(model, match):
    with pytest.raises(ValueError, match=match):
        model.fit(WORDS)


def test_tokens_need_a_name():
    with pytest.raises(ValueError, match="Row 1 of X is a list with '', but tokens must be"):
        small().fit([["a"], ["a", ""]])


def test_texts_and_numbers_are_not_confused():
    model = small(max_iter=1).fit(strokes(10))
    with pytest.raises(ValueError, match="X holds texts, but sequences of numbers in fit"):
        model.score_samples(WORDS)
    with pytest.raises(ValueError, match="prompt='ab' must be numbers"):
        model.sample(prompt="ab")
    with pytest.raises(ValueError, match="top_k=2 is about tokens"):
        model.sample(top_k=2)
    assert not hasattr(model, "next_proba")
    with pytest.raises(ValueError, match="Found 0 sample"):
        small().fit([])
    with pytest.raises(TypeError, match="bptt"):
        TransformerGenerator(bptt=3)
