"""Accuracy of densities: log-densities of test rows, and posteriors of a simulator.

Two moons: 2000 rows with noise 0.1, and 2000 others, of which the true density is known. Breast
cancer: three quarters of the rows, split with seed 0, in the units of the data. Peers choose their
bandwidth, or their number of components and regularisation, by cross-validation. The simulator
gives two moons, too (Lueckmann et al. 2021, "Benchmarking Simulation-Based Inference"); samples of
the posterior at two observations are compared with exact ones by a classifier, whose best accuracy
is 0.5. Where sbi is installed, its neural posterior estimation with a masked autoregressive flow
learns from the same simulations. ``--seeds`` says how often each is fitted::

    pip install sbi
    OMP_NUM_THREADS=1 python benchmarks/density_accuracy.py
"""

import tempfile
import time

import numpy as np
import torch
from command_line import command_line, few, installed, is_quick, small
from sklearn.datasets import load_breast_cancer, make_moons
from sklearn.mixture import GaussianMixture
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.neighbors import KernelDensity
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_modern.density import NormalizingFlow, PosteriorEstimator
from sklearn_modern.metrics import classifier_two_sample_test

NOISE, N_ROWS, N_SAMPLES = 0.1, 2000, 4000


def settings(seed):
    brief = {"max_iter": 2, "n_members": 1} if is_quick() else {}
    return {"device": "cpu", "random_state": seed} | brief


def fitted(model, *data):
    """Fit, and return the seconds of the processor that it took."""
    start = time.process_time()
    model.fit(*data)
    return time.process_time() - start


def log_density_of_moons(X):
    """Return the true log-density: two half circles of normal noise."""
    angle = np.linspace(0, np.pi, 2000)
    first, second = np.cos(angle), np.sin(angle)
    circles = np.concatenate(
        [np.column_stack([first, second]), np.column_stack([1 - first, 0.5 - second])]
    )
    squares = ((X[:, np.newaxis] - circles) ** 2).sum(2)
    kernels = np.exp(-squares / (2 * NOISE**2)) / (2 * np.pi * NOISE**2)
    return np.log(kernels.mean(1))


def moons(seed):
    n_rows = small(N_ROWS, 100)
    X, _ = make_moons(2 * n_rows, noise=NOISE, random_state=seed)
    X, X_test = X[:n_rows], X[n_rows:]
    kernels = GridSearchCV(KernelDensity(), {"bandwidth": np.linspace(0.04, 0.14, 11)}).fit(X)
    flow = NormalizingFlow(**settings(seed))
    seconds = fitted(flow, X)
    return {
        "truth": log_density_of_moons(X_test).mean(),
        "kernel density": kernels.best_estimator_.score(X_test) / n_rows,
        "NormalizingFlow": flow.score(X_test),
        "seconds": seconds,
    }


def cancer(seed):
    X, X_test = train_test_split(load_breast_cancer().data, test_size=0.25, random_state=0)
    grid = {
        "gaussianmixture__n_components": few([1, 2, 3, 5]),
        "gaussianmixture__reg_covar": few([1e-4, 1e-3, 1e-2]),
    }
    mixture = make_pipeline(StandardScaler(), GaussianMixture(random_state=seed))
    search = GridSearchCV(mixture, grid).fit(X)
    scale = search.best_estimator_["standardscaler"].scale_
    flow = NormalizingFlow(**settings(seed))
    seconds = fitted(flow, X)
    return {
        "Gaussian mixture": search.score(X_test) - np.log(scale).sum(),
        "NormalizingFlow": flow.score(X_test),
        "seconds": seconds,
    }


def crescent(n, rng):
    angle, radius = rng.uniform(-np.pi / 2, np.pi / 2, n), rng.normal(0.1, 0.01, n)
    return np.column_stack([radius * np.cos(angle) + 0.25, radius * np.sin(angle)])


def simulator(parameters, rng):
    first, second = parameters.T
    shift = np.column_stack([-np.abs(first + second), second - first]) / np.sqrt(2)
    return crescent(len(parameters), rng) + shift


def exact_samples(observed, n, rng):
    """Draw from the posterior: each point of the crescent leaves two parameters."""
    found, n_found = [], 0
    while n_found < n:
        shift = np.sqrt(2) * (observed - crescent(20_000, rng))
        shift = shift[shift[:, 0] <= 0]
        total, difference = shift[:, 0] * rng.choice([-1, 1], len(shift)), shift[:, 1]
        parameters = np.column_stack([total - difference, total + difference]) / 2
        found.append(parameters[(np.abs(parameters) < 1).all(1)])
        n_found += len(found[-1])
    return np.concatenate(found)[:n]


def simulated(seed, n_simulations, with_sbi):
    rng = np.random.default_rng(seed)
    parameters = rng.uniform(-1, 1, size=(small(n_simulations, 200), 2))
    seen = simulator(parameters, rng)
    observations = simulator(np.array([[0.3, -0.5], [-0.6, 0.2]]), np.random.default_rng(0))
    n_samples = small(N_SAMPLES, 100)
    exact = [exact_samples(observed, n_samples, rng) for observed in observations]

    def told_apart(sample):
        pairs = zip(map(sample, observations), exact, strict=True)
        found = [classifier_two_sample_test(*pair, cv=2, random_state=seed) for pair in pairs]
        return np.mean([test.accuracy for test in found])

    results = {}
    for name, one in (("ours", {}), ("ours, one member", {"n_members": 1})):
        posterior = PosteriorEstimator(prior=(-1, 1), **settings(seed) | one)
        results[f"{name}, seconds"] = fitted(posterior, seen, parameters)
        results[f"{name}, accuracy of the classifier"] = told_apart(
            lambda observed, by=posterior: by.sample(observed[np.newaxis], n_samples, seed)[0]
        )
    if with_sbi:
        torch.manual_seed(seed)
        start = time.process_time()
        theirs = posterior_of_sbi(parameters, seen)
        results["sbi, seconds"] = time.process_time() - start
        results["sbi, accuracy of the classifier"] = told_apart(
            lambda observed: theirs(observed, n_samples)
        )
    return results


def posterior_of_sbi(parameters, seen):
    """Return a function that draws samples given an observation."""
    from sbi.inference import NPE
    from sbi.utils import BoxUniform
    from torch.utils.tensorboard import SummaryWriter

    with tempfile.TemporaryDirectory() as folder:
        inference = NPE(
            prior=BoxUniform(-torch.ones(2), torch.ones(2)),
            density_estimator="maf",
            summary_writer=SummaryWriter(folder),
            show_progress_bars=False,
        )
        inference.append_simulations(*map(torch.Tensor, (parameters, seen)))
        inference.train(max_num_epochs=small(2**31 - 1, 2))
    posterior = inference.build_posterior()

    def sample(observed, n_samples):
        x = torch.Tensor(observed)
        return posterior.sample((n_samples,), x=x, show_progress_bars=False).numpy()

    return sample


def show(name, results):
    print(name)
    for key in results[0]:
        values = [result[key] for result in results]
        listed = ", ".join(f"{value:.3f}" for value in values)
        print(f"    {key}: {np.mean(values):.3f} ({listed})", flush=True)


def main():
    arguments = command_line(__doc__, seeds=3).parse_args()
    torch.set_num_threads(1)
    seeds = range(small(arguments.seeds, 1))
    show("two moons", [moons(seed) for seed in seeds])
    show("breast cancer", [cancer(seed) for seed in seeds])
    with_sbi = installed("sbi", "the posteriors beside ours")
    for n_simulations in (1_000, 10_000):
        name = f"simulated two moons, {n_simulations} simulations"
        show(name, [simulated(seed, n_simulations, with_sbi) for seed in seeds])


if __name__ == "__main__":
    main()
