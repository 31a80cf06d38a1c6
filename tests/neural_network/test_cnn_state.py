"""How the shape of images is kept, from one fit to the next."""

import numpy as np
import pytest
from sklearn.exceptions import NotFittedError
from support.neural_instances import KINDS

INSTANCE = KINDS["CNNClassifier"]


@pytest.fixture
def X():
    return INSTANCE.data(60)[0]


@pytest.fixture
def y():
    return INSTANCE.data(60)[1]


@pytest.mark.parametrize("other", [[1, 8, 8], (1, 8, 8), np.array([1, 8, 8])], ids=type)
def test_a_warm_start_takes_the_same_shape_in_any_sequence(X, y, other):
    clf = INSTANCE.make(warm_start=True, input_shape=(1, 8, 8)).fit(X.reshape(60, -1), y)
    clf.set_params(input_shape=other).fit(X.reshape(60, -1), y)
    clf.set_params(input_shape=[1, 8, 8]).fit(X.reshape(60, -1), y)
    assert clf.n_iter_ == 9
    with pytest.raises(ValueError, match=r"input_shape=\(1, 4, 16\) was \(1, 8, 8\) when"):
        clf.set_params(input_shape=np.array([1, 4, 16])).fit(X.reshape(60, -1), y)


def test_a_fit_that_fails_leaves_no_network_for_other_images(X, y):
    clf = INSTANCE.make().fit(X, y)
    with pytest.raises(ValueError, match="kernel_size=4"):
        clf.set_params(kernel_size=4).fit(X[:, :5], y)
    with pytest.raises(NotFittedError):
        clf.predict(X)
    assert clf.set_params(kernel_size=3).fit(X, y).predict(X).shape == (60,)


def test_a_new_fit_takes_images_of_another_shape(X, y):
    clf = INSTANCE.make().fit(X[:, :5], y)
    colours = np.stack([X] * 3, axis=1)
    assert clf.fit(colours, y).input_shape_ == (3, 8, 8)
    assert clf.n_features_in_ == 192
