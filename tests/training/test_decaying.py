"""Layers say which of their parameters penalties and weight decay shrink."""

import numpy as np
import pytest
import torch
from support.recurrent import GRUClassifier
from torch import nn

from sklearn_modern.heads.ordinal import Coral
from sklearn_modern.networks.convnet import ARCHITECTURES, ConvNet
from sklearn_modern.networks.layers import Layer
from sklearn_modern.networks.mlp import MLP
from sklearn_modern.networks.random import MemberRandom
from sklearn_modern.training.optimizers import decaying

RANDOM = MemberRandom([0, 1])
EDGES = [[0.0, 1.0, 2.0]] * 2
NETWORKS = {
    "batch": MLP(2, [3, 20], [4], RANDOM, normalization="batch"),
    "layer": MLP(2, [], [4], RANDOM, normalization="layer", numerical_embedding="periodic"),
    "edges": MLP(2, [], [4], RANDOM, numerical_embedding="piecewise_linear", bin_edges=EDGES),
    "coral": Coral(3, torch.ones(4), RANDOM, columns=np.arange(4), decision="median"),
    **{name: ConvNet((1, 8, 8), RANDOM, architecture=name) for name in ARCHITECTURES},
}


@pytest.mark.parametrize("name", NETWORKS)
def test_every_layer_with_parameters_says_which_decay(name):
    network = NETWORKS[name]
    owning = [m for m in network.modules() if any(True for _ in m.parameters(recurse=False))]
    assert owning
    assert all(isinstance(module, Layer) for module in owning)
    names = {parameter: name for name, parameter in network.named_parameters()}
    found = [names[parameter] for parameter in decaying(network)]
    assert len(set(found)) == len(found)
    # The weights of maps; neither biases, gains, learned vectors of categories, nor thresholds.
    expected = [name for name in names.values() if name.endswith(".weight")]
    assert sorted(found) == sorted(expected)
    assert all(set(layer.decays) <= {n for n, _ in layer.named_parameters()} for layer in owning)


def test_matrices_of_modules_made_elsewhere_decay_whatever_their_names():
    module = nn.ModuleDict({
        "gru": nn.GRU(3, 4),
        "norm": nn.LayerNorm(4),
        "attention": nn.MultiheadAttention(4, 2),
        "conv": nn.Conv1d(2, 3, 3),
    })  # fmt: skip
    module["conv"].weight.requires_grad_(False)
    names = {parameter: name for name, parameter in module.named_parameters()}
    assert {names[parameter] for parameter in decaying(module)} == {
        "gru.weight_ih_l0",
        "gru.weight_hh_l0",
        "attention.in_proj_weight",
        "attention.out_proj.weight",
    }


def test_a_shared_weight_decays_once():
    first, second = nn.Linear(3, 3), nn.Linear(3, 3)
    second.weight = first.weight
    assert len(decaying(nn.Sequential(first, second))) == 1


def test_recurrent_weights_shrink():
    X = [np.random.default_rng(i).normal(size=(2 + i % 3, 2)) for i in range(20)]
    y = np.arange(20) % 2
    settings = {"width": 4, "device": "cpu", "random_state": 0, "learning_rate": "constant"}
    norms = {
        alpha: GRUClassifier(**settings, alpha=alpha, max_iter=20)
        .fit(X, y)
        .net_.module_.body.bodies[0]
        .gru.weight_hh_l0.norm()
        for alpha in (0.0, 20.0)
    }
    assert norms[20.0] < 0.7 * norms[0.0]
