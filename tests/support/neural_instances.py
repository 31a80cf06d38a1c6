"""Small neural estimators of every kind, with data: the table that the suites of their state read.

An instance has everything that is random in its kind, or a solver with a memory, or a precision.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from support.adversarial import WassersteinGAN
from support.generated_images import stripes
from support.pixels import PixelClassifier
from support.recurrent import GRUClassifier

from sklearn_modern._neural.adversarial import AdversarialEstimator
from sklearn_modern._neural.seq2seq import Seq2SeqEstimator
from sklearn_modern.augmentation import RandomErasing
from sklearn_modern.decomposition import (
    Autoencoder,
    CNNAutoencoder,
    CNNVariationalAutoencoder,
    VariationalAutoencoder,
)
from sklearn_modern.density import FlowRegressor, NormalizingFlow, PosteriorEstimator
from sklearn_modern.generation import DCGAN, GAN, CNNFlowMatching, FlowMatching
from sklearn_modern.neural_network import (
    CNNClassifier,
    CNNRegressor,
    MaskedTransformer,
    MLPClassifier,
    MLPRegressor,
    RNNClassifier,
    RNNGenerator,
    RNNRegressor,
    RNNSeq2Seq,
    SequenceCNNClassifier,
    SequenceCNNRegressor,
    TransformerClassifier,
    TransformerGenerator,
    TransformerRegressor,
    TransformerSeq2Seq,
    ViTClassifier,
    ViTRegressor,
)
from sklearn_modern.ordinal import OrdinalCNNClassifier, OrdinalMLPClassifier

COMMON = {
    "learning_rate": "constant",
    "learning_rate_init": 0.01,
    "batch_size": 16,
    "max_iter": 3,
    "device": "cpu",
    "random_state": 0,
}


def numbers(n):
    X = np.random.default_rng(0).normal(size=(n, 4))
    return X, (X[:, 0] + X[:, 1] > 0).astype(int) + (X[:, 2] > 1)


def continuous(n):
    X, _ = numbers(n)
    return X, np.tanh(X[:, 0]) + 0.3 * X[:, 1]


def levels(n):
    X, y = numbers(n)
    return X, np.array(["low", "mid", "high"])[y]


def mixed(n):
    """Numbers, a category that becomes indicators, one that becomes vectors, and gaps."""
    X, y = numbers(n)
    frame = pd.DataFrame(X, columns=list("abcd"))
    frame["town"] = [f"town {i % 15}" for i in range(n)]
    frame["colour"] = np.random.default_rng(2).choice(["red", "green", "blue"], n)
    frame.loc[::5, "a"] = np.nan
    frame.loc[::9, "colour"] = None
    return frame, y


def images(n):
    X, y = stripes(n)
    return X[:, 0], y


def graded_images(n):
    X, y = images(n)
    return X, np.array(["low", "mid", "high"])[y + (X[:, 0, 0] > 180)]


def pixels(n):
    X = np.random.default_rng(0).normal(size=(n, 2, 5, 4))
    return X, (X[:, 0] > 0).astype(int)


def sequences(n):
    rng = np.random.default_rng(0)
    X = [rng.normal(size=(length, 3)) for length in rng.integers(1, 6, size=n)]
    return X, np.array([x[:, 0].sum() > 0 for x in X])


def recordings(n):
    return sequences(n)[0], None


def spelled(n):
    X, y = sequences(n)
    return X, np.where(y, "yes", "no")


def unlabelled(n):
    return numbers(n)[0], None


def unlabelled_mixed(n):
    return mixed(n)[0], None


def unlabelled_sequences(n):
    return sequences(n)[0], None


def narrower(X):
    """Return rows of another shape."""
    if isinstance(X, pd.DataFrame):
        return X.iloc[:, :-1]
    return [x[:, :-1] for x in X] if isinstance(X, list) else X[:, :-1]


def slightly_noisy(batch, generator):
    return batch + 0.1 * torch.randn(batch.shape, generator=generator)


class SlightlyNoisy:
    """Its repr is its address, which no pickle keeps."""

    def __call__(self, batch, generator):
        return slightly_noisy(batch, generator)


@dataclass(frozen=True)
class Instance:
    """A kind of estimator, settings that make it small, and what it is fitted to."""

    kind: type
    data: Callable[[int], tuple[Any, Any]]
    settings: dict
    wide: dict  # settings with which the weights are most of what there is

    def make(self, **settings):
        return self.kind(**COMMON | self.settings | settings)

    def fitted(self, **settings):
        return self.make(**settings).fit(*self.data(40))


# The first of each kind is the plain one.
_MLP = {"hidden_layer_sizes": (8,), "n_members": 1, "numerical_embedding": None}
_MLPS = {
    "": {"solver": "adam", "dropout": 0.0},
    "mixup": {"solver": "adam", "dropout": 0.3, "mixup": 0.4},
    "sgd": {"solver": "sgd", "normalization": "batch"},
    "members": {"numerical_embedding": "periodic", "n_members": 2, "early_stopping": False},
}
_CNN = {"architecture": "vgg", "width": 4, "depth": (1, 1), "dropout": 0.0}
_CNNS = {
    "": {},
    "transforms": {
        "architecture": "resnet",
        "dropout": 0.3,
        "augment": ["standard", "flip", "erase", "noise"],
    },
    "mixtures": {"architecture": "resnet", "mixup": 0.4, "cutmix": 1.0, "solver": "sgd"},
    "members": {
        "architecture": "efficientnetv2",
        "depth": (2, 2),
        "n_members": 2,
        "augment": "shift",
    },
    "own transforms": {
        "architecture": "lenet",
        "augment": [slightly_noisy, SlightlyNoisy(), RandomErasing(0.3)],
        "mixup": 0.2,
    },
    "bfloat16": {"precision": "bfloat16", "augment": "rotate"},
}
_VIT = {"patches": "linear", "width": 8, "depth": 1, "n_heads": 2, "dropout": 0.0}
_VITS = {
    "": {},
    "members": {
        "patches": "convolution",
        "pooling": "mean",
        "dropout": 0.3,
        "n_members": 2,
        "augment": "shift",
        "cutmix": 1.0,
    },
}
_RNN = {"hidden_layer_sizes": (4,), "dropout": 0.0}
_RNNS = {
    "": {},
    "members": {"cell": "gru", "dropout": 0.3, "mixup": 0.4, "n_members": 2},
}
_SEQUENCE_CNN = {"width": 4, "depth": 1, "kernel_sizes": (3,), "dropout": 0.0}
_TRANSFORMER = {"width": 4, "depth": 1, "n_heads": 2, "dropout": 0.0}
_GENERATORS = {
    "": {},
    "members": {"dropout": 0.3, "n_members": 2, "n_components": 2},
}
_SEQ2SEQS = {"": {}, "members": {"dropout": 0.3, "n_members": 2, "beam_size": 2}}
_CUT = {"cell": "gru", "bptt": 2}
_ANYWHERE = {"direction": "both", "start": "random", "bptt": 2}
_MASKED = {
    "": {},
    "members": {"dropout": 0.3, "mask_fraction": 0.4, "n_members": 2, "solver": "sgd"},
}
_ORDINAL = {"class_order": ("low", "mid", "high")}
_RANDOM = {"dropout": 0.2, "mixup": 0.2, "n_members": 2}
_ORDINALS = {"": {}} | {
    method: _RANDOM | {"method": method}
    for method in ("coral", "corn", "niu", "cumulative_link", "cross_entropy")
}
_FLOW = {"n_transforms": 2, "hidden_layer_sizes": (8,), "n_members": 1, "early_stopping": False}
_FLOWS = {
    "": {},
    "members": {"n_members": 2, "precision": "float64", "conditional": True},
    "autoregressive": {"kind": "affine_autoregressive", "bounds": (-9.0, None)},
}
_MEMBERS = {"n_members": 2, "precision": "float64", "conditional": True}
_MATCHINGS = {"": {}, "members": _MEMBERS}
_PLAYERS = {"": {}, "members": _MEMBERS | {"loss": "standard", "solver": "sgd"}}
_SMALL_IMAGES = {"width": 4, "depth": 2}
_OTHERS = {"": {}, "members": {"n_members": 2, "solver": "sgd", "precision": "float64"}}


def some(variants, *names):
    return {name: variants[name] for name in names}


_WIDE_MLP, _WIDE = {"hidden_layer_sizes": (200, 200)}, {"width": 100}
_WIDE_RNN = {"hidden_layer_sizes": (100,)}
_CODES = {"n_components": 2, "hidden_layer_sizes": (4,)}
_AUTOENCODERS = {
    "": {"noise": 0.1, "masking": 0.2, "dropout": 0.1, "contraction": 0.01},
    "lbfgs": {"solver": "lbfgs", "batch_size": "auto"},
    "members": {"n_members": 2, "precision": "float64", "trim": 0.1, "sparsity": 0.1},
}
_CNN_CODES = {"n_components": 2, "width": 4, "depth": (1, 1)}
_CNN_AUTOENCODERS = {
    "": {"noise": 0.1, "masking": 0.2, "dropout": 0.1, "architecture": "resnet"},
    "members": {"n_members": 2, "precision": "float64", "trim": 0.1, "contraction": 0.01},
}
_VARIATIONAL = {
    "": {"dropout": 0.1},
    "lbfgs": {"solver": "lbfgs", "batch_size": "auto"},
    "members": {"n_members": 2, "precision": "float64", "conditional": True},
}
_KINDS = [
    (MLPClassifier, mixed, _MLP, _MLPS, _WIDE_MLP),
    (MLPRegressor, numbers, _MLP, some(_MLPS, "", "sgd", "members"), _WIDE_MLP),
    (CNNClassifier, images, _CNN, _CNNS, _WIDE),
    (CNNRegressor, images, _CNN, some(_CNNS, "", "mixtures", "own transforms"), _WIDE),
    (ViTClassifier, images, _VIT, _VITS, _WIDE),
    (ViTRegressor, images, _VIT, some(_VITS, ""), _WIDE),
    (OrdinalMLPClassifier, levels, _MLP | _ORDINAL, _ORDINALS, _WIDE_MLP),
    (OrdinalCNNClassifier, graded_images, _CNN | _ORDINAL, _ORDINALS, _WIDE),
    (RNNClassifier, sequences, _RNN, _RNNS, _WIDE_RNN),
    (RNNRegressor, sequences, _RNN, some(_RNNS, ""), _WIDE_RNN),
    (SequenceCNNClassifier, sequences, _SEQUENCE_CNN, some(_RNNS, ""), _WIDE),
    (SequenceCNNRegressor, sequences, _SEQUENCE_CNN, some(_RNNS, ""), _WIDE),
    (TransformerClassifier, sequences, _TRANSFORMER, some(_RNNS, ""), _WIDE),
    (TransformerRegressor, sequences, _TRANSFORMER, some(_RNNS, ""), _WIDE),
    (RNNGenerator, recordings, _RNN, {**_GENERATORS, "cut": _CUT, "both": _ANYWHERE}, _WIDE_RNN),
    (TransformerGenerator, recordings, _TRANSFORMER, _GENERATORS, _WIDE),
    (RNNSeq2Seq, spelled, _RNN, _SEQ2SEQS, _WIDE_RNN),
    (TransformerSeq2Seq, spelled, _TRANSFORMER, _SEQ2SEQS, _WIDE),
    (MaskedTransformer, unlabelled_sequences, _TRANSFORMER, _MASKED, _WIDE),
    (Autoencoder, unlabelled_mixed, _CODES, _AUTOENCODERS, _WIDE_MLP),
    (CNNAutoencoder, images, _CNN_CODES, _CNN_AUTOENCODERS, _WIDE),
    (VariationalAutoencoder, mixed, _CODES, _VARIATIONAL, _WIDE_MLP),
    (CNNVariationalAutoencoder, images, _CNN_CODES, some(_VARIATIONAL, "", "members"), _WIDE),
    (NormalizingFlow, numbers, _FLOW, _FLOWS, _WIDE_MLP),
    (FlowRegressor, continuous, _FLOW, some(_FLOWS, "", "autoregressive"), _WIDE_MLP),
    (PosteriorEstimator, continuous, _FLOW, {"": {}, "prior": {"prior": (-9.0, 9.0)}}, _WIDE_MLP),
    (FlowMatching, mixed, {"hidden_layer_sizes": (8,)}, _MATCHINGS, _WIDE_MLP),
    (CNNFlowMatching, images, _SMALL_IMAGES, _MATCHINGS, {"width": 32}),
    (GAN, mixed, {"hidden_layer_sizes": (8,), "n_latent": 2}, _PLAYERS, _WIDE_MLP),
    (DCGAN, images, _SMALL_IMAGES | {"n_latent": 2}, _PLAYERS, {"width": 32}),
    (GRUClassifier, sequences, {"width": 4}, _OTHERS, _WIDE),
    (PixelClassifier, pixels, {"width": 4}, _OTHERS, _WIDE),
    (WassersteinGAN, unlabelled, {"width": 8}, _OTHERS, _WIDE),
]
INSTANCES = {
    f"{kind.__name__} {name}".rstrip(): Instance(kind, data, small | settings, wide)
    for kind, data, small, variants, wide in _KINDS
    for name, settings in variants.items()
}
KINDS = {name: instance for name, instance in INSTANCES.items() if " " not in name}

# Two players have no score that could tell when to stop.
STOPPING = {n: i for n, i in KINDS.items() if not issubclass(i.kind, AdversarialEstimator)}


def each(instances, *, having=""):
    """Parametrise a test by instances, those that have an attribute."""
    chosen = {name: i for name, i in instances.items() if not having or hasattr(i.kind, having)}
    return pytest.mark.parametrize("instance", chosen.values(), ids=list(chosen))


# What is compared.

_SEEDED = {"random_state": 0}


def state_of(estimator):
    """Return all that the networks save, by name."""
    modules = estimator.net_.objective.modules.items()
    return {f"{m}.{name}": v for m, module in modules for name, v in module.state_dict().items()}


def predictions(estimator, X):
    """Return what the estimator says of rows, by each method that it has."""
    names = ("predict", "predict_proba", "predict_cumulative", "transform", "score_samples")
    said = {
        name: getattr(estimator, name)(X, **_label_of(estimator, name))
        for name in names
        if hasattr(estimator, name)
    }
    if hasattr(estimator, "predict_cumulative"):
        said["as they are"] = estimator.predict_cumulative(X, repair=False)
    if hasattr(estimator, "sample"):
        seed = {} if isinstance(estimator, WassersteinGAN) else _SEEDED
        n_or_rows = X if isinstance(estimator, (Seq2SeqEstimator, FlowRegressor)) else 9
        drawn = estimator.sample(n_or_rows, **seed)
        drawn = drawn[0] if isinstance(drawn, tuple) else drawn  # labels are beside
        if isinstance(drawn, pd.DataFrame):  # whose gaps are not equal to each other
            drawn = drawn.astype(object).where(drawn.notna(), "gap").to_numpy()
        said["sample"] = np.concatenate(drawn) if isinstance(drawn, list) else drawn
    return said


def _label_of(estimator, method):
    """Return the label that codes of rows may depend on."""
    depends = method == "transform" and getattr(estimator, "conditional", False)
    return {"y": estimator.classes_[0]} if depends else {}


def assert_same(estimator, other, X=None):
    """Compare weights, losses, and what is said of rows, to the bit."""
    pairs = [(state_of(estimator), state_of(other))]
    if X is not None:
        pairs.append((predictions(estimator, X), predictions(other, X)))
    for found, expected in pairs:
        assert found.keys() == expected.keys()
        for name in found:
            np.testing.assert_array_equal(found[name], expected[name], err_msg=name)
    assert estimator.loss_curve_ == other.loss_curve_
    assert estimator.n_iter_ == other.n_iter_
