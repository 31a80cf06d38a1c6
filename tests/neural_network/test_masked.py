"""Pretraining by masks, and what starts from it."""

import pickle

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.base import clone
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import GridSearchCV

from sklearn_modern.neural_network import (
    MaskedTransformer,
    TransformerClassifier,
    TransformerRegressor,
)

SMALL = {
    "width": 8,
    "depth": 1,
    "n_heads": 2,
    "max_iter": 3,
    "device": "cpu",
    "random_state": 0,
}
RNG = np.random.default_rng(0)
WORDS = [f"w{i}" for i in range(12)]
# A text counts on from where it starts, so that all is known of what is hidden.
TEXTS = [" ".join(np.roll(WORDS, -i)[: 5 + i % 5]) for i in range(36)]
LABELS = np.arange(36) % 2
TIMES = np.arange(24) / 4
WAVES = np.array([np.sin(TIMES + phase) for phase in RNG.uniform(0, 6, 80)])
NUMBERS = [np.c_[wave[: 6 + i % 9], 10 + wave[: 6 + i % 9]] for i, wave in enumerate(WAVES)]


@pytest.fixture(scope="module")
def counting():
    settings = SMALL | {"width": 32, "max_iter": 120, "early_stopping": False, "mask_fraction": 0.3}
    return MaskedTransformer(**settings, learning_rate_init=0.01).fit(TEXTS)


def test_what_a_text_says_is_filled_in_and_the_rest_stays(counting):
    rows = ["W1   [MASK] w3, w4!", "w5 w6", "w7 [MASK] w9 [MASK] w11"]
    assert counting.fill(rows) == ["W1   w2 w3, w4!", "w5 w6", "w7 w8 w9 w10 w11"]
    assert np.mean(counting.loss_curve_[-10:]) < 1.5 < 2.2 < counting.loss_curve_[0]
    assert counting.score(TEXTS) > -1


def test_probabilities_are_those_of_each_mask(counting):
    rows = ["w7 [MASK] w9 [MASK] w11", "w5", "[MASK] w4 w5"]
    found = counting.fill_proba(rows)
    assert [one.shape for one in found] == [(2, 12), (0, 12), (1, 12)]
    np.testing.assert_allclose(np.concatenate(found).sum(1), 1, rtol=1e-5)
    names = np.array(list(counting.vocabulary_))
    assert [names[one.argmax(1)].tolist() for one in found] == [["w8", "w10"], [], ["w3"]]
    for row, probabilities in zip(rows[::2], found[::2], strict=True):
        np.testing.assert_allclose(counting.fill_proba([row])[0], probabilities, atol=1e-5)


def test_lists_of_tokens_and_lengths():
    rows = [text.split() for text in TEXTS]
    masked = MaskedTransformer(**SMALL, max_length=3).fit(rows)
    (found,) = masked.fill([["w1", "[MASK]", "w3", "[MASK]"]])
    assert found[1] in WORDS
    assert found[3] == "[MASK]"
    assert [one.shape for one in masked.fill_proba([found[:1] + ["[MASK]"] * 5])] == [(2, 12)]


@pytest.mark.parametrize("n_members", [1, 2])
@pytest.mark.parametrize("X", [TEXTS, NUMBERS], ids=["texts", "numbers"])
def test_the_score_is_that_of_what_is_filled_in(X, n_members, monkeypatch):
    """What is hidden is known from inside; its likelihood comes from the public methods."""
    masked = MaskedTransformer(**SMALL, n_members=n_members).fit(X)
    objective, chosen = masked.net_.objective, []
    pick = objective._chosen
    monkeypatch.setattr(
        objective, "_chosen", lambda *a, **k: chosen.append(pick(*a, **k)) or chosen[-1]
    )
    found = []
    for row in X[:8]:
        chosen.clear()
        masked.score([row])
        (hidden,) = chosen[0].numpy()
        assert hidden.any()
        if X is TEXTS:
            tokens = np.array(row.split())
            holes = " ".join(np.where(hidden, "[MASK]", tokens))
            codes = [masked.vocabulary_[token] - 2 for token in tokens[hidden]]
            found += [
                np.log(p[code])
                for p, code in zip(masked.fill_proba([holes])[0], codes, strict=False)
            ]
        else:
            # A missing step after them, which is no hole, keeps the end of the row.
            holes = np.where(hidden, np.nan, row)
            if np.isnan(holes[-1]).all():
                continue
            filled = masked.fill([holes])[0]
            scale = masked._inputs.scaler.scale
            found += (-(((filled - row) / scale)[hidden] ** 2)).tolist()
            assert masked.score([row]) == pytest.approx(np.mean(found[-hidden.sum() :]), rel=1e-4)
    if X is TEXTS:
        assert masked.score(X[:8]) == pytest.approx(np.mean(found), rel=1e-4)


def test_validation_rows_are_scored_by_the_same_masks_in_each_epoch():
    settings = SMALL | {"learning_rate_init": 1e-12, "alpha": 0.0}
    masked = MaskedTransformer(**settings).fit(TEXTS, X_val=TEXTS[:9])
    assert np.ptp(masked.validation_scores_) < 1e-6
    assert masked.validation_scores_[0] == pytest.approx(masked.score(TEXTS[:9]), rel=1e-5)
    assert len(set(np.round(masked.loss_curve_, 4))) == 3  # training has others


def test_a_score_weights_rows_and_searches_follow_it():
    masked = MaskedTransformer(**SMALL).fit(TEXTS)
    weight = 1 + np.arange(36) % 3
    repeated = masked.score(np.repeat(TEXTS, weight))
    assert masked.score(TEXTS, sample_weight=weight) == pytest.approx(repeated, rel=1e-5)
    search = GridSearchCV(clone(masked), {"depth": [1, 2]}, cv=2, error_score="raise").fit(TEXTS)
    assert search.best_score_ < 0


@pytest.mark.parametrize("X", [TEXTS, NUMBERS[:36]], ids=["texts", "numbers"])
def test_a_row_of_weight_two_counts_as_two(X):
    settings = SMALL | {"precision": "float64", "batch_size": 1000, "dropout": 0.0}
    masked = MaskedTransformer(**settings, token_dropout=0.0, mask_fraction=0.4)
    weight = np.arange(36) % 3
    repeated = [row for row, n in zip(X, weight, strict=True) for _ in range(n)]
    one = clone(masked).fit(X, sample_weight=weight).transform(X)
    np.testing.assert_allclose(one, clone(masked).fit(repeated).transform(X), rtol=1e-7)
    assert np.abs(one - clone(masked).fit(X).transform(X)).max() > 1e-3


@pytest.mark.parametrize(
    ("n_rows", "rows", "epochs"), [(100, 8, 100), (34_000, 64, 12), (1_000_000, 64, 5)]
)
def test_batches_and_epochs_by_themselves(n_rows, rows, epochs):
    masked = MaskedTransformer(**SMALL).fit(TEXTS).set_params(max_iter="auto")
    assert masked._rows_in_a_batch(n_rows) == rows
    assert masked._n_epochs(n_rows) == epochs


def test_guesses_start_from_how_frequent_tokens_are():
    settings = SMALL | {"learning_rate_init": 1e-12, "alpha": 0.0, "early_stopping": False}
    weight = [2, 1, 0.5, 0]
    texts = ["a b a", "c b never a", "c", "d d d"]
    masked = MaskedTransformer(**settings, max_features=3).fit(texts, sample_weight=weight)
    assert list(masked.vocabulary_) == ["a", "b", "c"]
    bias = masked.net_.module_.guesser.bias.detach().numpy().ravel()
    np.testing.assert_allclose(np.exp(bias), np.array([5, 3, 1.5]) / 9.5, rtol=1e-5)


@pytest.mark.parametrize("X", [TEXTS, NUMBERS], ids=["texts", "numbers"])
def test_a_member_does_not_know_its_neighbours(X):
    settings = SMALL | {"early_stopping": False}
    one, two = (MaskedTransformer(**settings, n_members=n).fit(X) for n in (1, 2))
    features = two.transform(X)
    np.testing.assert_allclose(features[:, :8], one.transform(X), rtol=1e-4, atol=1e-5)
    assert np.abs(features[:, 8:] - features[:, :8]).max() > 0.1


@pytest.mark.parametrize("X", [TEXTS, NUMBERS], ids=["texts", "numbers"])
def test_a_pickled_training_goes_on_as_if_nothing_had_happened(X):
    masked = MaskedTransformer(**SMALL, warm_start=True, learning_rate="constant").fit(X)
    copied = pickle.loads(pickle.dumps(masked))
    for one in (masked, copied):
        one.fit(X)
    assert masked.n_iter_ == 6
    assert masked.loss_curve_ == copied.loss_curve_
    assert masked.score(X) == copied.score(X)


@pytest.mark.parametrize("kind", [TransformerClassifier, TransformerRegressor])
@pytest.mark.parametrize("X", [TEXTS, NUMBERS[:36]], ids=["texts", "numbers"])
def test_others_start_from_its_features(X, kind):
    masked = MaskedTransformer(**SMALL, n_members=2).fit(X)
    settings = {"n_members": 2, "max_iter": 2, "device": "cpu", "random_state": 1}
    frozen = kind(pretrained=FrozenEstimator(masked), **settings).fit(X, LABELS)
    strange = [X[0]]
    if X is TEXTS:
        strange = ["w1 [MASK] never", "", "[MASK]"]
        assert frozen.vocabulary_ == masked.vocabulary_
    for rows in (X, strange):
        np.testing.assert_array_equal(frozen.transform(rows), masked.transform(rows))
    free = kind(pretrained=FrozenEstimator(masked), freeze="none", **settings).fit(X, LABELS)
    slow = clone(free).set_params(body_learning_rate_factor=1e-3).fit(X, LABELS)
    moves = [np.abs(one.transform(X) - masked.transform(X)).mean() for one in (slow, free)]
    assert 0 < moves[0] < 0.1 * moves[1]


def test_waves_are_completed():
    settings = {"width": 32, "max_iter": 100, "learning_rate_init": 0.01, "mask_fraction": 0.3}
    masked = MaskedTransformer(**SMALL | settings).fit(WAVES)
    holes = WAVES.copy()
    holes[:, 7:9] = np.nan
    holes[0, 20:] = np.nan  # its end, which stays
    filled = masked.fill(holes)
    assert np.isnan(filled[0, 20:]).all()
    assert not np.isnan(filled[1:]).any()
    kept = ~np.isnan(holes)
    np.testing.assert_array_equal(filled[kept], holes[kept])
    error = np.abs(filled[:, 7:9] - WAVES[:, 7:9]).mean()
    assert error < 0.4 * np.abs(WAVES[:, 7:9]).mean()
    frame = pd.DataFrame(holes)
    np.testing.assert_array_equal(masked.fill(frame), filled)
    for as_given in (holes.astype(np.float32), list(holes.astype(np.float32)[:, :, np.newaxis])):
        assert {row.dtype for row in masked.fill(as_given)} == {np.dtype("float32")}
    assert {row.dtype for row in masked.fill(holes.tolist())} == {np.dtype("float64")}


@pytest.mark.parametrize("scaling", ["standard", "per_sequence", None])
def test_numbers_come_back_as_they_were_given(scaling):
    """In units of X, whatever the scaling and the order of axes."""
    arrays = np.stack([WAVES, 1000 + 50 * WAVES], axis=2)[:30]
    arrays = arrays.astype(np.float32)
    holes = arrays.copy()
    holes[:, 3, 1] = holes[:5, 4:6] = np.nan
    settings = SMALL | {"max_iter": 20, "learning_rate_init": 0.01, "input_scaling": scaling}
    masked = MaskedTransformer(**settings).fit(holes)
    filled = masked.fill(holes)
    kept = ~np.isnan(holes)
    np.testing.assert_array_equal(filled[kept], holes[kept])
    assert np.abs(filled - arrays)[:, 3:6, 1].max() < 300
    for row, alone in zip(masked.fill(list(holes)), filled, strict=True):
        np.testing.assert_array_equal(row, alone)
    first = clone(masked).set_params(channels="first").fit(holes.swapaxes(1, 2))
    np.testing.assert_array_equal(first.fill(holes.swapaxes(1, 2)), filled.swapaxes(1, 2))
    for row, alone in zip(first.fill(list(holes.swapaxes(1, 2))), filled, strict=True):
        np.testing.assert_array_equal(row.T, alone)


@pytest.mark.parametrize("X", [TEXTS, NUMBERS], ids=["texts", "numbers"])
def test_the_bare_module_gives_the_features(X):
    masked = MaskedTransformer(**SMALL, n_members=2).fit(X)
    module = masked.to_torch()
    if X is TEXTS:
        codes = [[masked.vocabulary_[token] for token in text.split()] for text in X]
        codes[0][1], X = 14, [X[0].replace("w1", "[MASK]"), *X[1:]]
        steps = torch.zeros(36, 9, dtype=torch.int64)
        for row, own in zip(steps, codes, strict=True):
            row[: len(own)] = torch.tensor(own)
    else:
        steps = torch.full((80, 14, 2), torch.nan, dtype=torch.float64)
        for row, own in zip(steps, X, strict=True):
            row[: len(own)] = torch.from_numpy(own)
    found = module(steps).detach().numpy()
    np.testing.assert_allclose(found, masked.transform(X), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    "settings",
    [
        {"precision": "bfloat16"},
        # It hides the same in every step, and learns it by heart in more of them.
        {"solver": "lbfgs", "max_iter": 15, "dropout": 0.1, "token_dropout": 0.1},
        {"embedding_size": 8},
        {"attention": "cascade", "positions": "learned"},
        {"token_vectors": {"w1": [1.0, 0.0, 2.0]}},
    ],
)
def test_other_settings_learn_too(settings):
    settings = SMALL | {"max_iter": 60, "learning_rate_init": 0.01} | settings
    masked = MaskedTransformer(**settings, mask_fraction=0.3).fit(TEXTS)
    start = clone(masked).set_params(max_iter=1).fit(TEXTS)
    assert masked.score(TEXTS) > start.score(TEXTS)


def test_bad_input():
    texts, numbers = (MaskedTransformer(**SMALL).fit(X) for X in (TEXTS, NUMBERS))
    for X in (TEXTS, ["one mask", "[mask]"]):
        for method in (texts.fill, texts.fill_proba):
            with pytest.raises(ValueError, match=r'X has no "\[MASK\]" in any of its'):
                method(X)
    short = MaskedTransformer(**SMALL, max_length=2).fit(TEXTS)
    with pytest.raises(ValueError, match=r"in any of its 1 rows up to step 2 \(max_length\)"):
        short.fill(["w1 w2 [MASK]"])
    with pytest.raises(ValueError, match="X has no missing number"):
        numbers.fill(NUMBERS)
    with pytest.raises(AttributeError, match="fill gives numbers"):
        numbers.fill_proba(NUMBERS)
    with pytest.raises(ValueError, match="X holds texts, but sequences of numbers in fit"):
        numbers.fill(TEXTS)
    with pytest.raises(ValueError, match="X has no known token that could be hidden"):
        texts.score(["never seen", "[MASK]"])
    with pytest.raises(ValueError, match="The validation rows have no known token"):
        clone(texts).fit(TEXTS, X_val=["never seen", "[MASK]"])
    with pytest.raises(ValueError, match="Found 0 sample"):
        clone(texts).fit([])
    with pytest.raises(ValueError, match="min_df=1 leaves no token"):
        MaskedTransformer(**SMALL).fit(["[MASK]", "[MASK] [MASK]"])
    for share in (0, 1, "many"):
        with pytest.raises(ValueError, match="'mask_fraction' parameter"):
            MaskedTransformer(**SMALL, mask_fraction=share).fit(TEXTS)
    with pytest.raises(TypeError, match="pretrained"):
        MaskedTransformer(pretrained=FrozenEstimator(texts))
    clf = TransformerClassifier(pretrained=FrozenEstimator(texts), n_members=2)
    with pytest.raises(ValueError, match="n_members=2, but pretrained has 1"):
        clf.fit(TEXTS, LABELS)
    clf = TransformerClassifier(pretrained=FrozenEstimator(MaskedTransformer()))
    with pytest.raises(ValueError, match="not fitted yet"):
        clf.fit(TEXTS, LABELS)
