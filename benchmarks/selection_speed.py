"""Sequential feature selection beside scikit-learn's and mlxtend's, on simulated data.

Both sides run in turn in this process with one thread per fit, and select the same features::

    OMP_NUM_THREADS=1 python benchmarks/selection_speed.py
"""

import numpy as np
from command_line import command_line, few, installed, small
from own_process import in_own_process, peak_memory
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


def correlated(n_rows, n_features, rng):
    X = rng.standard_normal((small(n_rows, 100), small(n_features, 8)))
    return X + 0.5 * X[:, [0]]


def numbers(n_rows, n_features, seed):
    rng = np.random.default_rng(seed)
    X = correlated(n_rows, n_features, rng)
    n_rows, n_features = X.shape
    weights = rng.standard_normal(n_features) / np.arange(1, n_features + 1)
    return X, X @ rng.permutation(weights) + rng.standard_normal(n_rows)


def classes(n_rows, n_features, seed):
    rng = np.random.default_rng(seed)
    X = correlated(n_rows, n_features, rng)
    n_rows, n_features = X.shape
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


def report(name, ours, theirs, X, y, repeats):
    ratio = compare(lambda: ours.fit(X, y), lambda: theirs.fit(X, y), repeats=repeats)
    print(f"{name}: theirs / ours {ratio}, {agreement(ours, theirs, X, y)}", flush=True)


# Name, estimator, data, features to select, direction.
FAST = {
    "linear": (LinearRegression(), numbers, (2000, 60), 20, "forward"),
    "linear, wide": (LinearRegression(), numbers, (500, 1000), 20, "forward"),
    "linear, backward": (LinearRegression(), numbers, (2000, 60), 40, "backward"),
    "logistic": (LogisticRegression(), classes, (2000, 40), 10, "forward"),
    "logistic, backward": (LogisticRegression(), classes, (2000, 40), 30, "backward"),
    "discriminant": (LinearDiscriminantAnalysis(), classes, (2000, 40), 10, "forward"),
    "naive Bayes": (GaussianNB(), classes, (2000, 40), 10, "forward"),
    "neighbours": (KNeighborsClassifier(), classes, (2000, 40), 10, "forward"),
}
SLOW = {
    "random forest": (RandomForestClassifier(20, random_state=0), classes, (400, 12), 4),
    "SVC": (SVC(), classes, (400, 12), 6),
}


def memory(name):
    """Compare the peak memory of two fresh processes: exact arithmetic and separate fits."""
    calls = (f"peak({name!r}, {fast!r})" for fast in ("auto", False))
    exact, fits = (in_own_process("selection_speed", call) for call in calls)
    print(f"{name}, peak memory, exact / separate fits: {exact / fits:.2f}", flush=True)


def peak(name, fast):
    model, make, *_ = FAST[name]
    X, y = make(5000 if name == "neighbours" else 100_000, 50, 0)
    selector = SequentialFeatureSelector(model, n_features_to_select=2, cv=5, fast=fast)
    selector.fit(X, y)
    return peak_memory()


def main(arguments):
    for name, (model, make, shape, n_features, direction) in FAST.items():
        if arguments.only and name not in arguments.only:
            continue
        X, y = make(*shape, arguments.seed)
        settings = {"n_features_to_select": small(n_features, 2), "direction": direction, "cv": 5}
        ours = SequentialFeatureSelector(model, **settings)
        theirs = OfScikitLearn(model, **settings)
        repeats = 1 if n_features * shape[1] > 10_000 else arguments.repeats  # minutes
        report(name, ours, theirs, X, y, repeats)
    if (not arguments.only or "floating" in arguments.only) and installed("mlxtend", "floating"):
        X, y = classes(2000, 40, arguments.seed)
        model, n_features = LogisticRegression(), small(10, 2)
        ours = SequentialFeatureSelector(
            model, n_features_to_select=n_features, floating=True, scoring="accuracy", cv=5
        )
        theirs = floating_of_mlxtend(model, n_features)
        report("logistic, floating, mlxtend's", ours, theirs, X, y, arguments.repeats)
    for name, (model, make, shape, n_features) in SLOW.items():
        if arguments.only and name not in arguments.only:
            continue
        X, y = make(*shape, arguments.seed)
        settings = {"n_features_to_select": small(n_features, 1), "cv": 5, "n_jobs": small(2, 1)}
        ours = SequentialFeatureSelector(model, **settings)
        theirs = OfScikitLearn(model, **settings)
        report(f"{name}, n_jobs=2", ours, theirs, X, y, arguments.repeats)
    for name in few(("linear", "logistic", "discriminant", "naive Bayes", "neighbours")):
        if arguments.memory and (not arguments.only or name in arguments.only):
            memory(name)


if __name__ == "__main__":
    parser = command_line(__doc__, seed=0, repeats=3)
    parser.add_argument("--no-memory", dest="memory", action="store_false")
    parser.add_argument("--only", action="append", help="a row, such as 'logistic'")
    with threadpool_limits(1):
        main(parser.parse_args())
