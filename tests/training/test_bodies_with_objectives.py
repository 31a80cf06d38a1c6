"""Every body trains with every objective that takes one."""

import pytest
import torch

from sklearn_modern.heads.categorical import Softmax
from sklearn_modern.heads.cells import Cells
from sklearn_modern.heads.likelihoods import LikelyCells
from sklearn_modern.networks.convnet import ConvNet
from sklearn_modern.networks.corruption import Corruption
from sklearn_modern.networks.density import DensityNetwork
from sklearn_modern.networks.flows import make_flow
from sklearn_modern.networks.members import make_members
from sklearn_modern.networks.mlp import MLP
from sklearn_modern.networks.random import MemberRandom
from sklearn_modern.networks.recurrent import Recurrent
from sklearn_modern.networks.sequence_convolution import Parallel
from sklearn_modern.networks.squeeze import Squeeze
from sklearn_modern.networks.transformer import Transformer
from sklearn_modern.networks.vision import VisionTransformer
from sklearn_modern.training.callbacks import Progress
from sklearn_modern.training.density import Density
from sklearn_modern.training.ragged import RaggedRows
from sklearn_modern.training.reconstruction import Autoencoder, Reconstruction
from sklearn_modern.training.sources import Arrays, Part
from sklearn_modern.training.supervised import Supervised
from sklearn_modern.training.trainer import Trainer
from sklearn_modern.training.variational import EvidenceBound, VariationalNetwork

N_ROWS, IMAGE, N_CHANNELS = 24, (1, 5, 4), 3
STEPS = {"embedding": None, "n_channels": N_CHANNELS, "n_steps": 4.0, "dropout": 0.2}
ATTENTION = {"width": 8, "depth": 1, "n_heads": 2}
OVER_STEPS = {
    "feedforward_factor": 2,
    "attention": "full",
    "window": 1,
    "positions": "sinusoidal",
    "longest": 6,
    "pooling": "mean",
}


def normal(*shape):
    return torch.randn(shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def table(**rest):
    codes = torch.arange(N_ROWS).remainder(3).unsqueeze(1)
    return Arrays((normal(N_ROWS, 4), codes), **rest)


def images(**rest):
    return Arrays(normal(N_ROWS, *IMAGE), **rest)


def sequences(**rest):
    lengths = torch.arange(N_ROWS).remainder(5) + 2
    return RaggedRows(normal(int(lengths.sum()), N_CHANNELS), lengths, **rest)


BODIES = {
    "MLP": (table, lambda random: MLP(4, [3], (8,), random, dropout=0.2)),
    "ConvNet": (images, lambda random: ConvNet(IMAGE, random, width=4, depth=1)),
    "VisionTransformer": (images, lambda random: VisionTransformer(IMAGE, random, **ATTENTION)),
    "Recurrent": (
        sequences,
        lambda random: Recurrent(
            random, widths=(6,), cell="gru", bidirectional=True, pooling=("mean",), **STEPS
        ),
    ),
    "Parallel": (
        sequences,
        lambda random: Parallel(random, width=4, depth=1, kernel_sizes=(2,), **STEPS),
    ),
    "Transformer": (
        sequences,
        lambda random: Transformer(random, **ATTENTION, **OVER_STEPS, **STEPS),
    ),
}


def supervised(body, random):
    return Supervised(body, Softmax(body.n_features_out, 3, random))


def reconstruction(body, random):
    decoder = MLP(2, [], (8,), random)
    head = Cells(decoder.n_features_out, 2, [3], random)
    squeeze = Squeeze(body.n_features_out, 0, 2, random)
    network = Autoencoder(Corruption(0.0, 0.0, random), body, squeeze, decoder, head)
    return Reconstruction(network, random)


def evidence_bound(body, random):
    decoder = MLP(2, [], (8,), random)
    head = LikelyCells(decoder.n_features_out, 2, [3], random)
    squeeze = Squeeze(body.n_features_out, 0, 4, random)
    return EvidenceBound(VariationalNetwork(body, None, squeeze, decoder, head), random)


def density(body, random):
    n_context = body.n_features_out
    flow = make_flow("spline_coupling", 2, 2, [6], random, n_context=n_context, n_bins=4)
    return Density(DensityNetwork(flow, body))


LABELS = torch.arange(N_ROWS).remainder(3)
CELLS = torch.cat([normal(N_ROWS, 2), LABELS.double().unsqueeze(1)], dim=1)
SCALED = torch.cat([normal(N_ROWS, 2), torch.zeros(N_ROWS, 1).double()], dim=1)
OBJECTIVES = {
    "supervised": (supervised, LABELS),
    "reconstruction": (reconstruction, CELLS),
    "evidence bound": (evidence_bound, CELLS),
    "density": (density, SCALED),
}


def trained(kind, name, seeds):
    """Return the losses of the epochs, and the outputs of all rows in the end."""
    make_source, make_body = BODIES[kind]
    make_objective, y = OBJECTIVES[name]
    random, source = MemberRandom(seeds), make_source(y=y)
    objective = make_objective(make_members(make_body, random), random)
    for module in objective.modules.values():
        module.double()
    net = Trainer(
        objective,
        random=random,
        solver="adam",
        lr=0.01,
        max_epochs=4,
        batch_size=8,
        verbose=0,
        callbacks=[("progress", Progress(patience=100))],
        train_split=None,
    )
    net.initialize().train_on(Part(source, torch.arange(N_ROWS)))
    for module in objective.modules.values():
        module.eval()
    with torch.no_grad():
        return net.history[:, "train_loss"], objective.outputs(objective.modules, source.whole())


@pytest.mark.parametrize("kind", BODIES)
@pytest.mark.parametrize("name", OBJECTIVES)
def test_a_pair_trains_and_members_do_not_depend_on_their_neighbours(kind, name):
    losses, outputs = trained(kind, name, [0, 1])
    assert losses[-1] < losses[0]
    for member in (0, 1):
        _, alone = trained(kind, name, [member])
        torch.testing.assert_close(outputs[member : member + 1], alone, rtol=1e-7, atol=1e-9)
