"""Every parameter of a neural estimator says whether it steers a training or shapes a network."""

import re
from dataclasses import fields

import pytest
from skorch.callbacks import EpochScoring
from support.neural_instances import KINDS, each
from support.pixels import PixelClassifier
from support.single_networks import MLPClassifier

from sklearn_modern._core.estimator import estimator, roles, steers
from sklearn_modern._neural.estimator import NeuralEstimator
from sklearn_modern.neural_network import CNNClassifier
from sklearn_modern.utils.discovery import all_estimators

# A value of each parameter with which a fit starts, and another that is as good.
OTHERS = {
    # The training.
    "solver": ("adamw", "sgd"),
    "alpha": (0.5, 0.1),
    "learning_rate": ("constant", "cosine"),
    "learning_rate_init": (0.01, 0.02),
    "batch_size": (16, 8),
    "max_iter": (3, 2),
    "momentum": (0.9, 0.5),
    "early_stopping": (False, True),
    "validation_fraction": (0.1, 0.2),
    "n_iter_no_change": (10, 20),
    "tol": (1e-4, 1e-5),
    "gradient_clip": (None, 1.0),
    "n_members": (1, 2),
    "precision": ("float32", "float64"),
    "callbacks": (None, [EpochScoring("accuracy")]),
    "device": ("cpu", "auto"),
    "random_state": (0, 1),
    "verbose": (False, 0),
    "warm_start": (True, True),
    # What is predicted.
    "mixup": (0.0, 0.5),
    "scoring": ("loss", "accuracy"),
    "label_smoothing": (0.0, 0.1),
    "class_weight": (None, "balanced"),
    "loss": ("squared_error", "huber"),
    "quantiles": ((0.5,), (0.1, 0.5)),
    "scale_target": (True, False),
    "method": ("coral", "corn"),
    "class_order": (["low", "mid", "high"], ["high", "mid", "low"]),
    "decision": ("median", "mode"),
    "link": ("logit", "probit"),
    "importance_weights": (None, "sqrt"),
    "threshold_learning_rate_factor": (10.0, 1.0),
    # Tables.
    "hidden_layer_sizes": ((8,), (8, 4)),
    "activation": ("relu", "tanh"),
    "dropout": (0.1, 0.2),
    "normalization": (None, "batch"),
    "numerical_embedding": (None, "periodic"),
    "n_bins": (16, 8),
    "members": ("shared", "independent"),
    "categorical_features": ("from_dtype", None),
    "input_scaling": ("robust", "standard"),
    # Arrays.
    "architecture": ("vgg", "resnet"),
    "width": (4, 5),
    "depth": ((1, 1), (1, 2)),
    "kernel_size": (None, 5),
    "stem": ("auto", "large"),
    "bottleneck": (False, True),
    "input_shape": (None, (1, 8, 8)),
    "spatial_dims": ("auto", 2),
    "channels": ("first", "last"),
    "augment": (None, "flip"),
    "cutmix": (0.0, 0.5),
    "pretrained": (None, CNNClassifier()),
    "freeze": ("body", "none"),
    "body_learning_rate_factor": (0.1, 1.0),
    # Patches and attention.
    "patch_size": ("auto", 4),
    "patches": ("linear", "convolution"),
    "n_heads": (2, 1),
    "feedforward_factor": (4, 2),
    "attention": ("cascade", "dilated"),
    "window": (16, 8),
    "positions": ("sinusoidal", "learned"),
    "pooling": ("mean", "max"),
    # Sequences.
    "cell": ("lstm", "gru"),
    "bidirectional": (True, False),
    "kernel_sizes": ((3,), (5,)),
    "max_length": (None, 4),
    "analyzer": ("auto", "char"),
    "token_pattern": (r"\w+", "."),
    "lowercase": ("auto", True),
    "max_features": (None, 5),
    "min_df": (1, 2),
    "embedding_size": (None, 3),
    "token_vectors": (None, {}),
    "token_dropout": (0.1, 0.2),
    "bptt": (100, 3),
    "direction": ("both", "forward"),
    "start": ("middle", "random"),
    "context": (256, 8),
    "beam_size": (1, 2),
    "length_penalty": (0.0, 1.0),
    "max_output_length": (None, 2),
    "target_analyzer": ("auto", "char"),
    "reverse_source": (False, True),
    "mask_fraction": (0.15, 0.5),
    # Codes.
    "noise": (0.0, 0.1),
    "masking": (0.0, 0.1),
    "sparsity": (0.0, 0.1),
    "contraction": (0.0, 0.1),
    "trim": (0.0, 0.1),
    "beta": (1.0, 0.5),
    "n_importance": (64, 8),
    "n_transforms": (2, 1),
    "kind": ("spline_coupling", "spline_autoregressive"),
    "bounds": (None, (-9.0, 9.0)),
    "conditional": (False, True),
    "prior": (None, (-9.0, 9.0)),
    # The tests' own methods.
    "n_components": (2, 3),
    "n_latent": (2, 3),
    "gradient_penalty": (10.0, 1.0),
    "n_critic": (3, 1),
    "n_steps": (20, 5),
}


# Where the kind of estimator says which values there are.
_OF_SEQUENCES = {
    "channels": ("last", "first"),
    "depth": (1, 2),
    "input_scaling": ("standard", None),
}
# Nothing tells them when to stop.
_OF_PLAYERS = {
    "loss": ("wasserstein", "standard"),
    "early_stopping": (False, False),
    "validation_fraction": (0.1, 0.1),
    "n_iter_no_change": (10, 10),
    "tol": (1e-4, 1e-4),
}
OTHERS_OF = {
    "ViT": {"depth": (1, 2), "pooling": ("attention", "mean")},
    "RNN": _OF_SEQUENCES,
    "SequenceCNN": _OF_SEQUENCES | {"architecture": ("auto", "parallel")},
    "Transformer": _OF_SEQUENCES | {"pooling": ("attention", "mean")},
    "RNNSeq2Seq": _OF_SEQUENCES | {"attention": (None, "dot")},
    "TransformerSeq2Seq": _OF_SEQUENCES,
    "MaskedTransformer": _OF_SEQUENCES,
    "VariationalAutoencoder": {"input_scaling": ("standard", None)},
    "GAN": _OF_PLAYERS,
    "DCGAN": _OF_PLAYERS | {"depth": (2, 1)},
    "CNNFlowMatching": {"depth": (2, 1)},
}


def others_of(kind):
    stem = re.sub("(Classifier|Regressor|Generator)$", "", kind.__name__)
    return OTHERS | OTHERS_OF.get(stem, {})


def without_a_role(cls):
    return [f.name for f in fields(cls) if f.init and f.name not in roles(cls)]


def test_the_table_has_every_neural_estimator():
    public = {cls for _, cls in all_estimators() if issubclass(cls, NeuralEstimator)}
    assert public <= {instance.kind for instance in KINDS.values()}
    assert len(public) == 30


def silent_on_packs(cls):
    """Return parameters that do not say whether members of one network may differ in them."""
    if not hasattr(cls, "fit_many"):
        return []
    known = roles(cls).items()
    return [name for name, role in known if role.differs is None and role.packs_with is None]


@each(KINDS)
def test_every_parameter_has_a_role(instance):
    assert without_a_role(instance.kind) == []
    assert silent_on_packs(instance.kind) == []


def test_a_parameter_that_says_nothing_is_found():
    @estimator
    class Careless(MLPClassifier):
        patience: int = 3
        courage: float = steers(default=0.5)
        temperance: float = steers(default=0.5, differs=False)

    assert without_a_role(Careless) == ["patience"]
    assert silent_on_packs(Careless) == ["courage"]


@each(KINDS)
def test_what_steers_may_change_between_two_trainings_and_what_shapes_is_refused(instance):
    X, y = instance.data(40)
    names = set(roles(instance.kind))
    if instance.kind is PixelClassifier:
        names.remove("class_weight")  # it weights rows, but a row has many labels
    others = others_of(instance.kind)
    model = instance.make(**{name: others[name][0] for name in names}).fit(X, y)
    for name in names:
        first, other = others[name]
        before = model.n_iter_
        model.set_params(**{name: other})
        if roles(instance.kind)[name].steers:
            assert model.fit(X, y).n_iter_ > before, name
        else:
            with pytest.raises(ValueError, match=f"{name}=.* when this network was made"):
                model.fit(X, y)
        model.set_params(**{name: first})
    assert model.fit(X, y).n_iter_ > before
