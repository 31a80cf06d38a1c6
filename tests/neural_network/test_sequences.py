"""What all networks over sequences promise."""

import copy
import pickle
import warnings

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import GridSearchCV, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from torch import nn

from sklearn_modern.networks.given import Given
from sklearn_modern.neural_network import (
    RNNClassifier,
    RNNRegressor,
    SequenceCNNClassifier,
    TransformerClassifier,
)

RNG = np.random.default_rng(0)
N_ROWS = 40
NUMBERS = [RNG.normal(size=(length, 2)) for length in RNG.integers(1, 9, N_ROWS)]
Y = np.array(["up" if row[:, 0].mean() > 0 else "down" for row in NUMBERS])
WORDS = np.array(["good", "bad", "so", "very", "not", "much", "?"])
TEXTS = [" ".join(WORDS[RNG.integers(0, 7, length)]) for length in RNG.integers(1, 9, N_ROWS)]
TEXTS[3] = ""
SMALL = {"max_iter": 2, "device": "cpu", "random_state": 0}

_TRANSFORMER = {"width": 4, "depth": 2, "n_heads": 2}

# Each kind of body, in all that changes what it computes.
KINDS = {
    "lstm": (RNNClassifier, {"hidden_layer_sizes": (3,)}),
    "gru, deep": (RNNClassifier, {"hidden_layer_sizes": (3, 2), "cell": "gru"}),
    "rnn, forward": (
        RNNClassifier,
        {"hidden_layer_sizes": 3, "cell": "rnn", "bidirectional": False},
    ),
    "full attention": (TransformerClassifier, _TRANSFORMER),
    "cascade": (TransformerClassifier, _TRANSFORMER | {"attention": "cascade", "window": 1}),
    "dilated, learned places": (
        TransformerClassifier,
        _TRANSFORMER | {"attention": "dilated", "positions": "learned", "pooling": "attention"},
    ),
}
each_kind = pytest.mark.parametrize("kind", KINDS)
each_X = pytest.mark.parametrize("X", [NUMBERS, TEXTS], ids=["numbers", "texts"])


def make(kind, **more):
    cls, own = KINDS[kind]
    return cls(**SMALL | own | more)


@pytest.fixture(scope="module")
def exact():
    """Fitted networks in float64."""
    return {
        (kind, name): make(kind, precision="float64", n_members=2).fit(X, Y)
        for kind in KINDS
        for name, X in (("numbers", NUMBERS), ("texts", TEXTS))
    }


@each_kind
@pytest.mark.parametrize("name", ["numbers", "texts"])
@settings(max_examples=10, deadline=None)
@given(data=st.data())
def test_a_prediction_is_that_of_the_row_alone(exact, kind, name, data):
    model, X = exact[kind, name], {"numbers": NUMBERS, "texts": TEXTS}[name]
    rows = data.draw(st.lists(st.integers(0, N_ROWS - 1), min_size=1, max_size=8))
    together = model.transform([X[row] for row in rows])
    alone = np.concatenate([model.transform([X[row]]) for row in rows])
    np.testing.assert_allclose(together, alone, rtol=1e-12, atol=1e-12)


@each_kind
@each_X
def test_predictions_are_alike_in_single_precision(kind, X):
    model = make(kind).fit(X, Y)
    alone = np.concatenate([model.predict_proba([row]) for row in X])
    np.testing.assert_allclose(model.predict_proba(X), alone, atol=1e-5)
    np.testing.assert_allclose(model.predict_proba(X[::-1])[::-1], alone, atol=1e-5)


@each_kind
@pytest.mark.parametrize("name", ["numbers", "texts"])
def test_what_fills_a_row_up_has_no_influence(exact, kind, name):
    """Not on features, and not on gradients."""
    network = copy.deepcopy(exact[kind, name].net_.module_)
    body = network.body.bodies[0].eval()
    mask = torch.arange(6) < torch.tensor([[6], [2], [4], [1]])
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(4, 6, body.n_in, dtype=torch.float64, generator=generator)
    x = x.masked_fill(~mask.unsqueeze(-1), 0).requires_grad_()
    longer = torch.cat([x, torch.zeros(4, 3, body.n_in, dtype=x.dtype)], dim=1)
    longer_mask = torch.cat([mask, torch.zeros(4, 3, dtype=torch.bool)], dim=1)
    features = body.trunk(x, Given(mask=mask))
    torch.testing.assert_close(features, body.trunk(longer, Given(mask=longer_mask)))
    for row, length in enumerate(mask.sum(1).tolist()):
        alone = body.trunk(x[row : row + 1, :length])
        torch.testing.assert_close(features[row : row + 1], alone)
    gradient = torch.autograd.grad(features.square().sum(), x)[0]
    assert not gradient[~mask].any()
    assert (gradient[mask] != 0).any(1).all()


@each_kind
@each_X
def test_every_weight_is_trained(kind, X):
    model = make(kind, max_iter=1, batch_size=7, dropout=0.0, alpha=0.0).fit(X, Y)
    before = make(kind, max_iter=1, learning_rate_init=1e-12, batch_size=7, alpha=0.0).fit(X, Y)
    for (name, ours), start in zip(
        model.net_.module_.named_parameters(), before.net_.module_.parameters(), strict=True
    ):
        assert (ours != start).any(), name


@each_kind
def test_a_member_is_what_it_is_alone(kind):
    """Whatever lengths the rows of its neighbours have."""
    among = make(kind, n_members=3, batch_size=4).fit(TEXTS, Y)
    alone = make(kind, batch_size=4).fit(TEXTS, Y)
    for name, value in alone.body_.bodies[0].state_dict().items():
        ours = among.body_.bodies[0].state_dict()[name]
        np.testing.assert_allclose(ours, value, rtol=1e-4, atol=1e-6)


@each_kind
@each_X
def test_a_fitted_network_can_be_stored(kind, X):
    model = make(kind).fit(X, Y)
    again = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(model.predict_proba(X), again.predict_proba(X))
    skops = pytest.importorskip("skops.io")
    blob = skops.dumps(model)
    found = skops.loads(blob, trusted=skops.get_untrusted_types(data=blob))
    np.testing.assert_array_equal(model.predict_proba(X), found.predict_proba(X))


@each_kind
@pytest.mark.parametrize("scaling", ["standard", "per_sequence", None])
def test_the_bare_module_predicts_the_same_of_numbers(kind, scaling):
    X = [row.copy() for row in NUMBERS]
    X[0] = np.array([[1.0, np.nan], [2.0, 3.0]])
    model = make(kind, input_scaling=scaling, precision="float64").fit(X, Y)
    steps = [torch.from_numpy(row) for row in X]
    filled = nn.utils.rnn.pad_sequence(steps, batch_first=True, padding_value=np.nan)
    found = model.to_torch()(filled).detach().numpy()
    np.testing.assert_allclose(found, model.predict_proba(X), atol=1e-9)


@each_kind
def test_the_bare_module_predicts_the_same_of_texts(kind):
    model = make(kind, analyzer="word", token_pattern=r"\S+", precision="float64").fit(TEXTS, Y)
    codes = [
        torch.tensor([model.vocabulary_.get(token, 1) for token in text.split()], dtype=torch.int64)
        for text in TEXTS
    ]
    filled = nn.utils.rnn.pad_sequence(codes, batch_first=True)
    found = model.to_torch()(filled).detach().numpy()
    np.testing.assert_allclose(found, model.predict_proba(TEXTS), atol=1e-9)


@each_kind
def test_another_fit_may_start_from_a_fitted_network(kind):
    source = make(kind).fit(TEXTS, Y)
    other = [text.replace("bad", "unseen") for text in TEXTS[:20]]
    model = make(kind, pretrained=FrozenEstimator(source)).fit(other, np.arange(20) % 3)
    assert model.vocabulary_ == source.vocabulary_
    np.testing.assert_allclose(model.transform(other), source.transform(other), atol=1e-6)
    for parts in (0, 1, "none"):
        tuned = clone(model).set_params(freeze=parts).fit(other, np.arange(20) % 3)
        assert np.abs(tuned.transform(other) - source.transform(other)).max() > 1e-4
    with pytest.raises(ValueError, match="X holds sequences of numbers, but texts in fit"):
        clone(model).fit(NUMBERS, Y)
    scaled = make(kind).fit([10 * row for row in NUMBERS], Y)
    model = make(kind, pretrained=FrozenEstimator(scaled)).fit(NUMBERS[:20], Y[:20])
    np.testing.assert_allclose(model.transform(NUMBERS), scaled.transform(NUMBERS), atol=1e-6)
    with pytest.raises(ValueError, match=r"X has 1 channel\(s\), but 2 in fit"):
        clone(model).fit([row[:, :1] for row in NUMBERS], Y)


class MeanOfSteps(nn.Module):
    def __init__(self, n_in=2):
        super().__init__()
        self.linear = nn.Linear(n_in, 3)

    def forward(self, x, mask):
        return self.linear((x * mask.unsqueeze(-1)).sum(1) / mask.sum(1, keepdim=True)).relu()


def test_another_fit_may_start_from_a_module():
    module = MeanOfSteps()
    model = RNNClassifier(pretrained=module, **SMALL).fit(NUMBERS, Y)
    assert model.transform(NUMBERS).shape == (N_ROWS, 3)
    alone = np.concatenate([model.predict_proba([row]) for row in NUMBERS])
    np.testing.assert_allclose(model.predict_proba(NUMBERS), alone, atol=1e-6)
    assert torch.equal(model.body_.bodies[0].module.linear.weight, module.linear.weight)
    tuned = clone(model).set_params(freeze="none").fit(NUMBERS, Y)
    assert not torch.equal(tuned.body_.bodies[0].module.linear.weight, module.linear.weight)
    with pytest.raises(ValueError, match=r"pretrained takes no steps \(2, 3, 2\) with a mask"):
        RNNClassifier(pretrained=MeanOfSteps(5), **SMALL).fit(NUMBERS, Y)


class NormalizedMean(MeanOfSteps):
    def __init__(self):
        super().__init__()
        self.norm, self.gain = nn.BatchNorm1d(3), nn.Parameter(torch.ones(3))

    def forward(self, x, mask):
        return self.norm(super().forward(x, mask)) * self.gain


def test_a_module_stays_as_a_whole_and_learns_of_single_rows():
    module = NormalizedMean()
    kept = RNNClassifier(pretrained=module, **SMALL).fit(NUMBERS, Y).body_.bodies[0].module
    for name, value in module.state_dict().items():
        assert torch.equal(kept.state_dict()[name], value), name
    # The last batch has one row, of which torch's batch normalisation would refuse to learn.
    tuned = RNNClassifier(pretrained=module, freeze="none", batch_size=N_ROWS - 1, **SMALL)
    tuned.fit(NUMBERS, Y)
    assert not torch.equal(tuned.body_.bodies[0].module.gain, module.gain)
    assert tuned.body_.bodies[0].module.norm.num_batches_tracked == SMALL["max_iter"]


@each_kind
@each_X
def test_mixtures_have_the_longer_length(kind, X):
    model = make(kind, mixup=0.4, batch_size=8, max_iter=3).fit(X, Y)
    assert np.isfinite(model.loss_curve_).all()
    body = model.body_.bodies[0]
    x, mask = torch.ones(1, 2, 3, body.n_in), torch.tensor([[[True, False, False], [True] * 3]])
    _, known, proportion = body.mix(x, Given(mask=mask), _Halves())
    assert known.mask.all()
    assert proportion == 0.5


class _Halves:
    def mix(self, values):
        return (values + self.partner(values)) / 2, torch.tensor(0.5)

    def partner(self, values):
        return values.roll(1, dims=1)


@each_kind
def test_searches_and_pipelines_take_sequences(kind):
    model = make(kind, max_iter=1)
    search = GridSearchCV(model, {"dropout": [0.0, 0.2]}, cv=2).fit(TEXTS, Y)
    assert search.predict(TEXTS[:2]).shape == (2,)
    pipeline = make_pipeline(FunctionTransformer(list), model)
    assert cross_val_predict(pipeline, np.array(TEXTS), Y, cv=2).shape == (N_ROWS,)
    assert (
        model.fit(NUMBERS, Y).set_output(transform="pandas").transform(NUMBERS).shape[0] == N_ROWS
    )


@each_kind
def test_validation_scores_are_those_of_the_estimator(kind):
    model = make(kind, early_stopping=True, scoring="accuracy", max_iter=1)
    model.fit(TEXTS, Y, X_val=TEXTS[::-1], y_val=Y[::-1])
    assert model.validation_scores_[-1] == pytest.approx(model.score(TEXTS, Y))


def test_recurrent_layers_are_those_of_torch():
    """Row by row, in float64, with the same weights."""
    for cell, kind in (("lstm", nn.LSTM), ("gru", nn.GRU), ("rnn", nn.RNN)):
        for both in (False, True):
            model = RNNClassifier(
                (3, 4), cell=cell, bidirectional=both, precision="float64", **SMALL
            ).fit(NUMBERS, Y)
            body = model.body_.bodies[0]
            layers, n_in = [], 2
            for ours in body.layers:
                theirs = kind(n_in, ours[0].n_out, bidirectional=both, batch_first=True).double()
                state = {}
                for direction, suffix in zip(ours, ("", "_reverse"), strict=False):
                    for name, value in direction.named_parameters():
                        name = name.replace("_in", "_ih_l0").replace("_state", "_hh_l0")
                        state[name + suffix] = value
                theirs.load_state_dict(state)
                layers.append(theirs)
                n_in = ours[0].n_out * (1 + both)
            scaled = model._inputs.scaler.transform(model._inputs.reader.transform(model, NUMBERS))
            ends = np.cumsum([len(row) for row in NUMBERS])[:-1]
            for row, expected in zip(np.split(scaled, ends), model.transform(NUMBERS), strict=True):
                states = torch.from_numpy(row).unsqueeze(0)
                for layer in layers:
                    states, last = layer(states)
                last = last[0] if cell == "lstm" else last
                parts = torch.cat(list(last[:, 0])), states[0].mean(0), states[0].amax(0)
                np.testing.assert_allclose(torch.cat(parts).detach(), expected, atol=1e-12)


@pytest.mark.parametrize("scaling", ["standard", "per_sequence"])
def test_numbers_keep_their_precision_until_they_are_scaled(scaling):
    """Such as times in seconds since 1970."""
    plain = [np.round(64 * row) for row in NUMBERS]
    model = RNNClassifier(3, input_scaling=scaling, **SMALL)
    expected = model.fit(plain, Y).predict_proba(plain)
    shifted = [row + 2.0**40 for row in plain]
    np.testing.assert_allclose(model.fit(shifted, Y).predict_proba(shifted), expected, atol=1e-5)


@each_X
def test_the_bare_module_cuts_what_is_longer_off(X):
    model = SequenceCNNClassifier(max_length=3, token_pattern=r"\S+", width=3, **SMALL).fit(X, Y)
    if X is TEXTS:
        rows = [[model.vocabulary_.get(token, 1) for token in text.split()] or [1] for text in X]
        value = 0
    else:
        rows, value = X, np.nan
    filled = nn.utils.rnn.pad_sequence([torch.tensor(row) for row in rows], True, value)
    found = model.to_torch()(filled).detach().numpy()
    np.testing.assert_allclose(found, model.predict_proba(X), atol=1e-6)


def test_weights_of_classes_do_not_change_the_vocabulary():
    texts = [f"{text} only{row}" for row, text in enumerate(TEXTS)]
    y = np.arange(N_ROWS) < 5
    model = RNNClassifier(3, class_weight="balanced", **SMALL).fit(texts, y)
    assert all(f"only{row}" in model.vocabulary_ for row in range(N_ROWS))


def test_there_must_be_a_layer():
    with pytest.raises(ValueError, match=r"hidden_layer_sizes=\(\) must have one layer"):
        RNNClassifier((), **SMALL).fit(NUMBERS, Y)


def test_poolings_may_be_chosen():
    for pooling in ("last", "mean", ["max"], ("last", "max")):
        n = 1 if isinstance(pooling, str) else len(pooling)
        model = RNNRegressor(3, pooling=pooling, **SMALL).fit(NUMBERS, np.arange(N_ROWS))
        assert model.transform(NUMBERS).shape[1] == 6 * n
    for pooling in ((), ("last", "last"), ("sum",), [["last"]]):
        with pytest.raises(ValueError, match="must be one or several of"):
            RNNRegressor(3, pooling=pooling, **SMALL).fit(NUMBERS, np.arange(N_ROWS))


def test_unknown_tokens_are_learned():
    y = np.array(["bad" in text for text in TEXTS])
    model = RNNClassifier(4, token_dropout=0.5, **SMALL).fit(TEXTS, y)
    without = RNNClassifier(4, token_dropout=0.0, **SMALL).fit(TEXTS[4:], y[4:])
    start = RNNClassifier(4, token_dropout=0.0, **SMALL | {"learning_rate_init": 1e-12})
    start.fit(TEXTS[4:], y[4:])
    table = [one.body_.bodies[0].embedding.table for one in (model, without, start)]
    assert not any(one[0].any() for one in table)
    assert torch.equal(table[1][1], table[2][1])  # no empty text, nothing replaced
    assert not torch.equal(table[0][1], table[2][1])
    state = torch.random.get_rng_state()
    RNNClassifier(4, **SMALL).fit(TEXTS, y)
    assert torch.equal(torch.random.get_rng_state(), state)


def test_given_vectors_are_where_tokens_start():
    vectors = {"good": np.full(5, 7.0), "elsewhere": np.zeros(5)}
    model = RNNClassifier(4, token_vectors=vectors, **SMALL | {"learning_rate_init": 1e-12})
    model.fit(TEXTS, Y)
    table = model.body_.bodies[0].embedding.table
    assert table.shape[1] == 5
    np.testing.assert_allclose(table[model.vocabulary_["good"]].detach(), 7.0, rtol=1e-6)
    with pytest.raises(ValueError, match="vectors of length 5, but embedding_size=6"):
        model.set_params(embedding_size=6).fit(TEXTS, Y)


def test_there_is_a_vocabulary_of_texts_only():
    model = RNNClassifier(3, **SMALL).fit(TEXTS, Y)
    assert model.analyzer_ == "word"
    assert model.n_channels_ is None
    assert not hasattr(model, "n_features_in_")
    model.fit(NUMBERS, Y)
    assert model.n_channels_ == model.n_features_in_ == 2
    with pytest.raises(AttributeError, match="RNNClassifier was fitted to numbers"):
        model.vocabulary_  # noqa: B018


def test_validation_rows_teach_no_tokens():
    texts = [*TEXTS, *["new words only"] * 8]
    y = [*Y, *["up", "down"] * 4]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = RNNClassifier(3, early_stopping=True, **SMALL).fit(
            texts[:N_ROWS], y[:N_ROWS], X_val=texts[N_ROWS:], y_val=y[N_ROWS:]
        )
    assert "new" not in model.vocabulary_
