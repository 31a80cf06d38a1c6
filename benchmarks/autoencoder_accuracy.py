"""How well autoencoders make digits again, beside PCA with codes of the same width.

Mean squared error of test rows, after both were fitted to standardised training rows, by defaults;
the mean of three seeds, which split the rows and start the network::

    OMP_NUM_THREADS=2 python benchmarks/autoencoder_accuracy.py
"""

import numpy as np
from command_line import command_line, is_quick, small
from sklearn.datasets import load_digits, load_wine
from sklearn.decomposition import PCA
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

from sklearn_modern.decomposition import Autoencoder

# A pixel of digits that is nearly always empty has a huge standardised value where it is not.
FARTHEST = 10


def ratio(X, n_components, seed):
    train, test = train_test_split(X, random_state=seed)
    scaler = StandardScaler().fit(train)
    train, test = (np.clip(scaler.transform(part), -FARTHEST, FARTHEST) for part in (train, test))
    settings = {"max_iter": 2} if is_quick() else {}
    ours = Autoencoder(n_components, device="cpu", random_state=seed, **settings).fit(train)
    pca = PCA(n_components).fit(train)
    again = pca.inverse_transform(pca.transform(test))
    return ((ours.reconstruct(test) - test) ** 2).mean() / ((again - test) ** 2).mean()


def main():
    command_line(__doc__).parse_args()
    for name, X, widths in (
        ("digits", load_digits().data, (2, 8)),
        ("wine", load_wine().data, (2, 4)),
    ):
        for width in widths:
            found = [ratio(X, width, seed) for seed in range(small(3, 1))]
            shown = " ".join(f"{one:.3f}" for one in found)
            print(
                f"{name}, codes of {width}: ours / PCA {np.mean(found):.3f} ({shown})", flush=True
            )


if __name__ == "__main__":
    main()
