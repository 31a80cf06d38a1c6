"""Sequential feature selection beside scikit-learn's and mlxtend's, on simulated data.

Both sides run in turn in this process with one thread per fit, and select the same features::

    OMP_NUM_THREADS=1 python benchmarks/selection_speed.py
"""

import argparse
import resource
import subprocess
import sys

import numpy as np
from ratio import compare
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.ensemble import RandomForestClassifier
from sklearn.feature_selection import SequentialFeatureSelector as OfScikitLearn
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.svm import SVC
from threadpoolctl import threadpool_limits

from sklearn_modern.feature_selection import SequentialFeatureSelector


def numbers(n_rows, n_features, seed):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n_rows, n_features))
    X = X + 0.5 * X[:, [0]]
    weights = rng.standard_normal(n_features) / np.arange(1, n_features + 1)
    return X, X @ rng.permutation(weights) + rng.standard_normal(n_rows)


def classes(n_rows, n_features, seed):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n_rows, n_features))
    X = X + 0.5 * X[:, [0]]
    weights = 2 * 0.8 ** rng.permutation(n_features)
    return X, (X @ weights + rng.logistic(size=n_rows) > 0).astype(int)


def floating_of_mlxtend(estimator, n_features):
    from mlxtend.feature_selection import SequentialFeatureSelector as OfMlxtend

    return OfMlxtend(
        estimator, k_features=n_features, floating=True, scoring="accuracy", cv=5, n_jobs=1
    )


def chosen(selector):
    if hasattr(selector, "k_feature_idx_"):
        return sorted(selector.k_feature_idx_)
    return selector.get_support(indices=True).tolist()


def agreement(ours, theirs, X, y):
    """Compare the selected features; fits with the default ``tol`` stop before the minimum."""
    if chosen(ours) == chosen(theirs):
        return "the same features"
    if isinstance(theirs.estimator, LogisticRegression):
        exact = LogisticRegression(solver="newton-cholesky", tol=1e-10, max_iter=10_000)
        # The selector of mlxtend ignores an estimator that is set later.
        converged = type(theirs)(**(theirs.get_params(deep=False) | {"estimator": exact}))
        if chosen(ours) == chosen(converged.fit(X, y)):
            return "the same features as by fits that have converged"
    return f"OTHER FEATURES: {chosen(ours)} / {chosen(theirs)}"


def report(name, bar, ours, theirs, X, y, repeats, inverse=False):
    ratio = compare(lambda: ours.fit(X, y), lambda: theirs.fit(X, y), repeats=repeats)
    what = (
        f"ours / theirs {ratio.median:.2f}" if inverse else f"theirs / ours {1 / ratio.median:.0f}"
    )
    print(f"{name} (bar {bar}): {what}, {agreement(ours, theirs, X, y)}; {ratio}", flush=True)


# Name, estimator, data, features to select, direction, bar.
FAST = {
    "linear": (LinearRegression(), numbers, (2000, 60), 20, "forward", ">= 100"),
    "linear, wide": (LinearRegression(), numbers, (500, 1000), 20, "forward", ">= 300"),
    "linear, backward": (LinearRegression(), numbers, (2000, 60), 40, "backward", ""),
    "logistic": (LogisticRegression(), classes, (2000, 40), 10, "forward", ">= 25"),
    "logistic, backward": (LogisticRegression(), classes, (2000, 40), 30, "backward", ""),
    "discriminant": (LinearDiscriminantAnalysis(), classes, (2000, 40), 10, "forward", ">= 30"),
    "naive Bayes": (GaussianNB(), classes, (2000, 40), 10, "forward", ">= 50"),
    "neighbours": (KNeighborsClassifier(), classes, (2000, 40), 10, "forward", ">= 5"),
}
SLOW = {
    "random forest": (RandomForestClassifier(20, random_state=0), classes, (400, 12), 4),
    "SVC": (SVC(), classes, (400, 12), 6),
}


def memory(name):
    """Compare the peak memory of two fresh processes: exact arithmetic and separate fits."""
    peaks = []
    for fast in ("auto", False):
        code = f"import selection_speed; selection_speed.peak_memory({name!r}, {fast!r})"
        command = [sys.executable, "-c", code]
        done = subprocess.run(command, check=True, cwd=sys.path[0], capture_output=True, text=True)
        peaks.append(int(done.stdout))
    print(f"{name}, peak memory, exact / separate fits (bar <= 2): {peaks[0] / peaks[1]:.2f}")


def peak_memory(name, fast):
    model, make, *_ = FAST[name]
    X, y = make(5000 if name == "neighbours" else 100_000, 50, 0)
    selector = SequentialFeatureSelector(model, n_features_to_select=2, cv=5, fast=fast)
    selector.fit(X, y)
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)


def main(arguments):
    for name, (model, make, shape, n_features, direction, bar) in FAST.items():
        if arguments.only and name not in arguments.only:
            continue
        X, y = make(*shape, arguments.seed)
        settings = {"n_features_to_select": n_features, "direction": direction, "cv": 5}
        ours = SequentialFeatureSelector(model, **settings)
        theirs = OfScikitLearn(model, **settings)
        repeats = 1 if n_features * shape[1] > 10_000 else arguments.repeats  # minutes
        report(name, bar, ours, theirs, X, y, repeats)
    if not arguments.only or "floating" in arguments.only:
        X, y = classes(2000, 40, arguments.seed)
        model = LogisticRegression()
        ours = SequentialFeatureSelector(
            model, n_features_to_select=10, floating=True, scoring="accuracy", cv=5
        )
        theirs = floating_of_mlxtend(model, 10)
        report("logistic, floating", ">= 25, mlxtend", ours, theirs, X, y, arguments.repeats)
    for name, (model, make, shape, n_features) in SLOW.items():
        if arguments.only and name not in arguments.only:
            continue
        X, y = make(*shape, arguments.seed)
        settings = {"n_features_to_select": n_features, "cv": 5, "n_jobs": 2}
        ours = SequentialFeatureSelector(model, **settings)
        theirs = OfScikitLearn(model, **settings)
        report(name, "<= 1.0", ours, theirs, X, y, arguments.repeats, inverse=True)
    for name in ("linear", "logistic", "discriminant", "naive Bayes", "neighbours"):
        if arguments.memory and (not arguments.only or name in arguments.only):
            memory(name)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--no-memory", dest="memory", action="store_false")
    parser.add_argument("--only", action="append", help="a row, such as 'logistic'")
    with threadpool_limits(1):
        main(parser.parse_args())
