"""skops writes fitted networks without pickle, and says which types have to be trusted."""

import pickle

import numpy as np
import pytest
import skops.io
from support.neural_instances import INSTANCES, assert_same

from sklearn_modern.neural_network import MLPClassifier

# What a reader has to trust that is not ours. The optimiser and what follows it are settings of
# skorch's net that are never used.
NOT_OURS = {
    "builtins.print",
    "functools.partial",
    "numpy.random._pcg64.PCG64",
    "skorch.callbacks.logging.EpochTimer",
    "skorch.callbacks.scoring.PassthroughScoring",
    "skorch.dataset.Dataset",
    "skorch.history.History",
    "torch.nn.functional.relu",
    "torch.nn.modules.container.ModuleList",
    "torch.nn.modules.module.Module",
    "torch.optim.sgd.SGD",
    "torch.utils.data.dataloader.DataLoader",
}

CASES = [
    "MLPClassifier",
    "MLPRegressor members",
    "CNNClassifier transforms",
    "CNNRegressor",
    "OrdinalMLPClassifier coral",
    "OrdinalCNNClassifier cumulative_link",
    "ViTClassifier members",
    "ViTRegressor",
]


def reloaded(estimator):
    written = skops.io.dumps(estimator)
    untrusted = skops.io.get_untrusted_types(data=written)
    ours = {name for name in untrusted if name.startswith("sklearn_modern.")}
    assert set(untrusted) - ours <= NOT_OURS
    return skops.io.loads(written, trusted=untrusted)


@pytest.mark.parametrize("name", CASES)
def test_networks_are_the_same_to_the_bit(name):
    instance = INSTANCES[name]
    estimator, (X, y) = instance.fitted(), instance.data(40)
    loaded = reloaded(estimator)
    assert loaded.get_params().keys() == estimator.get_params().keys()
    assert loaded.net_.module_ is loaded.net_.objective.modules["module"]
    assert_same(loaded, estimator, X)
    # What a pickle keeps of random streams and scales, skops keeps, too.
    pickled = pickle.loads(pickle.dumps(estimator))
    for other in (loaded, pickled):
        other.set_params(warm_start=True).fit(X, y)
    assert_same(loaded, pickled, X)


def test_no_type_is_made_without_trust():
    written = skops.io.dumps(INSTANCES["MLPClassifier"].fitted())
    with pytest.raises(skops.io.exceptions.UntrustedTypesFoundException):
        skops.io.loads(written, trusted=[])


def test_what_is_not_fitted_is_written_too():
    loaded = reloaded(MLPClassifier((5,), random_state=np.random.RandomState(3)))
    assert loaded.hidden_layer_sizes == (5,)
    assert loaded.random_state.randint(99) == np.random.RandomState(3).randint(99)
