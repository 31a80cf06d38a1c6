"""Networks that map sequences to sequences."""

from itertools import product

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.exceptions import DataConversionWarning
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import cross_val_score

from sklearn_modern.neural_network import RNNSeq2Seq, TransformerSeq2Seq
from sklearn_modern.training.seq2seq import TargetWriter

SMALL = {"device": "cpu", "random_state": 0, "max_iter": 3, "precision": "float64"}
MODELS = {
    "additive": RNNSeq2Seq((6, 5), **SMALL),
    "dot": RNNSeq2Seq(6, attention="dot", n_members=2, **SMALL),
    "without attention": RNNSeq2Seq(6, attention=None, **SMALL),
    "reversed": RNNSeq2Seq(6, attention=None, reverse_source=True, **SMALL),
    "transformer": TransformerSeq2Seq(8, 2, 2, n_members=2, **SMALL),
}
X = ["ab", "b", "aab", "bbaba", "aba", "ba"] * 4
Y = [text[::-1] for text in X]


@pytest.fixture(scope="module", params=MODELS)
def model(request):
    return MODELS[request.param].fit(X, Y)


def test_likelihoods_are_those_of_the_steps_one_by_one(model):
    objective, codes = model.net_.objective, model._targets.encode(Y)

    def step_by_step(objective, batch):
        for module in objective.modules.values():
            module.eval()
        with torch.inference_mode():
            writer = TargetWriter(objective.modules["module"], batch, codes.shape[1])
            state, total = writer.begin(len(batch)), 0.0
            before = torch.full((len(batch),), writer.n_tokens - 1)
            for tokens in batch.y[0].T:
                log_proba, state = writer.advance(before, state)
                found = log_proba.gather(1, tokens.clamp(min=2).unsqueeze(1))[:, 0]
                total, before = total + found.masked_fill(tokens == 0, 0.0), tokens
            return total.numpy()

    expected = model._in_chunks(X, step_by_step, codes)
    np.testing.assert_allclose(model.score_samples(X, Y), expected, atol=1e-10)
    alone = [model.score_samples([x], [y])[0] for x, y in zip(X[:6], Y[:6], strict=True)]
    np.testing.assert_allclose(alone, expected[:6], atol=1e-10)
    assert objective.mean_length == np.mean([len(y) + 1 for y in Y])


def test_a_wide_beam_finds_the_likeliest_of_all_strings(model):
    every = ["".join(t) for n in range(1, 6) for t in product("ab", repeat=n)]
    likelihoods = np.stack([model.score_samples(X[:6], [y] * 6) for y in every])
    model.set_params(beam_size=2**6)
    best = model.predict(X[:6])
    assert best.tolist() == [every[place] for place in likelihoods.argmax(axis=0)]
    model.set_params(beam_size=1)
    assert (model.score_samples(X[:6]) <= likelihoods.max(axis=0) + 1e-12).all()
    assert (np.exp(likelihoods).sum(axis=0) < 1).all()


def test_frequencies_of_samples_agree_with_likelihoods(model):
    drawn = model.sample(["ab"] * 4000, random_state=0, max_length=2)
    one = list("ab")
    shares = np.exp(model.score_samples(["ab"] * 2, one))
    found = np.array([(drawn == token).mean() for token in one])
    np.testing.assert_allclose(found, shares, atol=4 * np.sqrt(0.25 / 4000))
    assert max(map(len, drawn)) == 2
    again = model.sample(["ab"] * 4000, random_state=0, max_length=2)
    assert drawn.tolist() == again.tolist()
    assert model.sample(X, temperature=0).tolist() == model.predict(X).tolist()


def test_likelihoods_are_probabilities():
    """Of all targets, which have one token at least, and of which few are long."""
    model = RNNSeq2Seq(6, **SMALL | {"max_iter": 60, "learning_rate_init": 0.03})
    model.fit(["a", "b"] * 20, ["a", "ab", "b", "b"] * 10)
    every = ["".join(t) for n in range(1, 11) for t in product("ab", repeat=n)]
    found = np.exp(model.score_samples(["a"] * len(every), every))
    assert 1 - 1e-3 < found.sum() <= 1 + 1e-12
    assert model.net_.objective.mean_length == pytest.approx(2.25)
    loss = -model.score_samples(["a", "b"] * 20, ["a", "ab", "b", "b"] * 10).mean() / 2.25
    still = {"learning_rate_init": 1e-12, "dropout": 0.0, "max_iter": 1}
    again = RNNSeq2Seq(6, pretrained=FrozenEstimator(model), **SMALL | still)
    again.fit(["a", "b"] * 20, ["a", "ab", "b", "b"] * 10)
    assert again.loss_curve_[0] == pytest.approx(loss)


def test_attention_is_shown_by_rows_that_sum_to_one():
    model = RNNSeq2Seq(6, **SMALL).fit(X, Y)
    for found, predicted, source in zip(model.align(X), model.predict(X), X, strict=True):
        assert found.shape == (len(predicted), len(source))
        np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-12)
    assert [own.shape for own in model.align(["ab"], ["bbb"])] == [(3, 2)]
    for other in (RNNSeq2Seq(6, attention=None), TransformerSeq2Seq(8)):
        assert not hasattr(other, "align")
    with pytest.raises(AttributeError, match="attention=None"):
        _ = RNNSeq2Seq(6, attention=None).align


@pytest.mark.parametrize(
    "kind",
    [RNNSeq2Seq(16, attention="dot"), RNNSeq2Seq(16), TransformerSeq2Seq(16, 1, 2)],
    ids=["dot", "additive", "transformer"],
)
def test_letters_are_turned_round(kind):
    rng = np.random.default_rng(0)
    sources = ["".join(rng.choice(list("abc"), n)) for n in rng.integers(1, 5, 300)]
    targets = [text[::-1] for text in sources]
    kind.set_params(max_iter=40, learning_rate_init=0.01, random_state=0, device="cpu")
    assert kind.fit(sources, targets).score(sources, targets) > 0.95


def test_targets_come_back_as_they_were():
    few = {"max_iter": 1, "device": "cpu", "random_state": 0}
    for y, expected in [
        (["one two", "two  one"], "char"),
        (["one two", "two one"], "word"),
        (np.array(["one", "two"], dtype=object), "char"),
        (pd.Series(["one", "two"]), "char"),
    ]:
        model = RNNSeq2Seq(4, **few).fit(["a", "b"] * 2, [*y, *y])
        assert isinstance(model.predict(["a"])[0], str)
        assert set(model.target_vocabulary_) == {
            token for text in y for token in (text.split() if expected == "word" else text)
        }
    tokens = RNNSeq2Seq(4, **few).fit(["a", "b"], [["AH", "B"], ["B"]])
    assert set(tokens.predict(["a", "b"])[0]) <= {"AH", "B"}
    labels = RNNSeq2Seq(4, **few).fit(["a", "b"], [3, 5])
    assert set(labels.predict(["a", "b", "ab"])) <= {3, 5}
    assert labels.predict(["a"]).dtype == np.int64
    whole = RNNSeq2Seq(4, target_analyzer="word", **few).fit(["a", "b"], ["x  y", "yes"])
    assert set(whole.target_vocabulary_) == {"x", "y", "yes"}


def test_outputs_are_cut_at_their_limit():
    model = RNNSeq2Seq(4, max_output_length=2, **SMALL).fit(X, Y)
    assert max(map(len, model.predict(X))) <= 2
    assert max(map(len, model.sample(X, random_state=0))) <= 2


def test_a_fitted_network_goes_on_with_its_vocabularies():
    first = RNNSeq2Seq(6, **SMALL).fit(X, Y)
    second = RNNSeq2Seq(6, pretrained=FrozenEstimator(first), freeze="body", **SMALL)
    second.fit(["ab", "ba"], ["a", "a"])
    assert second.target_vocabulary_ == first.target_vocabulary_
    states = first.body_.state_dict()
    assert all(torch.equal(v, states[name]) for name, v in second.body_.state_dict().items())
    with pytest.raises(ValueError, match=r"attention='dot', but pretrained has .*'additive'"):
        second.set_params(attention="dot").fit(X, Y)
    with pytest.raises(ValueError, match=r"tokens that were not in fit: \['c'\]"):
        second.set_params(attention="additive").fit(["ab"], ["c"])


def test_whole_outputs_are_scored():
    model = RNNSeq2Seq(6, **SMALL).fit(X, Y)
    predicted = model.predict(X)
    assert model.score(X, predicted) == 1
    truth = [*predicted[:6], *(text + "a" for text in predicted[6:])]
    assert model.score(X, truth) == 6 / len(X)
    assert model.score(X, truth, sample_weight=[1] * 6 + [0] * (len(X) - 6)) == 1
    assert model.score_samples(["ab"], ["ac"])[0] == -np.inf
    assert len(cross_val_score(RNNSeq2Seq(4, **SMALL), X, Y, cv=2)) == 2


@pytest.mark.parametrize(
    ("sources", "targets", "message"),
    [
        (["a", "b"], ["a"], "X has 2 samples, y has 1"),
        (["a", "b"], ["a", ""], r"y has 1 rows without tokens, at the positions \[1\]"),
        (["a", "b"], [["a"], []], "y has 1 rows without tokens"),
        (["a", "b"], ["a", None], r"y contains NaN or other missing values.* in 1 of 2 rows"),
        (["a", "b"], [[], []], r"y has 2 rows without tokens, at the positions \[0, 1\]"),
        (["a", "b"], [["a"], [1]], "tokens must be strings, but row 1 has 1"),
        (
            ["a", "b"],
            [[1, 2], [3]],
            "values of type list, whose tokens must be strings, but row 0 has 1",
        ),
        (
            ["a", "b"],
            [np.array([1, 2]), np.array([3])],
            "values of type ndarray, whose tokens must be strings",
        ),
        (["a", "b"], [[["a"]], [["b"]]], r"tokens must be strings, but row 0 has \['a'\]"),
        (["a", "b"], np.array([["a", "b"], ["b", "a"]]), r"y is a table of shape \(2, 2\)"),
        (["a", "b"], pd.DataFrame({"y": ["a", "b"], "z": [1, 2]}), r"y is a table of shape"),
        (["a", "b"], None, "requires y"),
    ],
)
def test_bad_targets_are_refused(sources, targets, message):
    with pytest.raises(ValueError, match=message):
        RNNSeq2Seq(4, **SMALL).fit(sources, targets)


@pytest.mark.parametrize(
    ("targets", "message"),
    [
        ("ab", "y is one text"),
        ({"a", "b"}, "y is a set, whose entries belong to no rows of X"),
        ({"a": 1, "b": 2}, "y is a dict, whose entries belong to no rows of X"),
        ([b"a", b"b"], "y holds bytes; decode them"),
    ],
    ids=["text", "set", "dict", "bytes"],
)
def test_what_is_no_list_of_targets_is_refused(targets, message):
    with pytest.raises(TypeError, match=message):
        RNNSeq2Seq(4, **SMALL).fit(["a", "b"], targets)


def test_a_table_of_one_column_is_read_as_that_column():
    with pytest.warns(DataConversionWarning, match="column-vector y"):
        model = RNNSeq2Seq(4, **SMALL).fit(["a", "b"], np.array([["xy"], ["yz"]]))
    assert set(model.target_vocabulary_) == {"x", "y", "z"}


def test_what_is_set_after_the_fit_is_checked():
    model = RNNSeq2Seq(4, **SMALL).fit(X, Y)
    for name, value in [("beam_size", 0), ("length_penalty", -1.0), ("max_output_length", 0)]:
        default = getattr(model, name)
        model.set_params(**{name: value})
        for method in (model.predict, lambda X: model.score(X, Y), model.align):
            with pytest.raises(ValueError, match=f"'{name}' parameter of RNNSeq2Seq"):
                method(X)
        model.set_params(**{name: default})
    model.set_params(max_output_length=0)
    with pytest.raises(ValueError, match="'max_output_length' parameter"):
        model.sample(X)


def test_no_rows_are_refused():
    model = RNNSeq2Seq(4, **SMALL).fit(X, Y)
    for method in (model.score, model.score_samples, model.align):
        with pytest.raises(ValueError, match="y has no rows"):
            method([], [])
    with pytest.raises(ValueError, match="Found 0 sample"):
        model.predict([])


def test_there_is_no_single_module():
    model = RNNSeq2Seq(4, **SMALL).fit(X, Y)
    assert not hasattr(model, "to_torch")
    with pytest.raises(AttributeError, match="token by token is no single module"):
        model.to_torch()


def test_long_or_many_targets_are_evaluated_a_few_rows_at_a_time():
    few = {"device": "cpu", "random_state": 0, "max_iter": 1}
    together = RNNSeq2Seq(4, **few).fit(X, Y)._rows_together(None)
    longer = RNNSeq2Seq(4, **few).fit(X, [text * 10 for text in Y])._rows_together(None)
    mean = np.mean([len(text) for text in Y])
    assert together / longer == pytest.approx((10 * mean + 1) / (mean + 1), rel=0.01)
    tokens = [[f"token {i} of {row}" for i in range(200)] for row in range(len(X))]
    more = RNNSeq2Seq(4, **few).fit([text * 100 for text in X], tokens)._rows_together(None)
    assert more == pytest.approx(2**23 / (200 * len(X)), rel=0.1)


@pytest.mark.parametrize(
    "how",
    [
        {"temperature": -1.0},
        {"temperature": np.inf},
        {"top_k": 4},
        {"top_p": 0.0},
        {"max_length": 0},
    ],
    ids=str,
)
def test_bad_choices_are_refused(how):
    model = RNNSeq2Seq(4, **SMALL).fit(X, Y)
    (name,) = how
    with pytest.raises(ValueError, match=name):
        model.sample(X, **how)


def test_targets_of_another_kind_are_refused():
    model = RNNSeq2Seq(4, **SMALL).fit(X, Y)
    with pytest.raises(ValueError, match="y holds one label a row, but strings in fit"):
        model.score(X, np.arange(len(X)))
    with pytest.raises(ValueError, match="reverse_source=True has no effect with attention="):
        RNNSeq2Seq(4, reverse_source=True, **SMALL).fit(X, Y)
