"""Mean absolute error of ranks, of our ordinal methods and of others.

Two studies::

    python benchmarks/ordinal_accuracy.py --data cement_strength.csv

fits all methods with two hidden layers of 300 units to a table whose column "response" has the
levels, on 80 % of the rows, ten times; and ::

    python -m pip install --no-deps skordinal mord && python -m pip install statsmodels
    python benchmarks/ordinal_accuracy.py

compares the coefficients of ordered logit and probit with statsmodels', and the methods with those
of other packages, on the tables that skordinal ships, by nested cross-validation: each model
chooses among a few settings in three inner folds, in each of five outer ones. With ``--quick`` a
generated table takes their place.
"""

import time
import warnings

import numpy as np
import pandas as pd
from command_line import command_line, installed, is_quick, small
from datasets import load_ordinal
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, StratifiedKFold, cross_val_score, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_modern.metrics import mean_absolute_rank_error
from sklearn_modern.ordinal import OrdinalMLPClassifier

METHODS = ("coral", "corn", "niu", "cumulative_link", "cross_entropy")


def one_table(table, y, n_seeds):
    median = np.full(len(y), np.median(y))
    print(f"always the median: {np.abs(median - y).mean():.3f}")
    for method in METHODS:
        errors, start = [], time.perf_counter()
        for seed in range(n_seeds):
            X_train, X_test, y_train, y_test = train_test_split(
                table, y, test_size=0.2, stratify=y, random_state=seed
            )
            clf = OrdinalMLPClassifier(
                (300, 300), method=method, device="cpu", random_state=seed
            ).fit(X_train, y_train)
            errors.append(mean_absolute_rank_error(y_test, clf.predict(X_test)))
        seconds = (time.perf_counter() - start) / n_seeds
        print(
            f"{method}: MAE {np.mean(errors):.3f} (sd {np.std(errors, ddof=1):.3f}), "
            f"{seconds:.1f} s a fit",
            flush=True,
        )


class OrderedLogit(ClassifierMixin, BaseEstimator):
    """statsmodels' OrderedModel, which predicts the median level as ours do."""

    def __init__(self, distr="logit"):
        self.distr = distr

    def fit(self, X, y):
        from statsmodels.miscmodels.ordinal_model import OrderedModel

        self.classes_, codes = np.unique(y, return_inverse=True)
        self.result_ = OrderedModel(codes, X, distr=self.distr).fit(method="bfgs", disp=0)
        return self

    def predict(self, X):
        beyond = 1 - np.asarray(self.result_.predict(X)).cumsum(axis=1)[:, :-1]
        return self.classes_[(beyond > 0.5).sum(axis=1)]


def models():
    """Name to estimator and the settings that it chooses among."""
    wide = [0.01, 0.1, 1.0, 10.0]
    found = {"scikit-learn LogisticRegression": (LogisticRegression(max_iter=1000), {"C": wide})}
    if installed("mord", "its LogisticAT"):
        import mord

        found["mord LogisticAT"] = mord.LogisticAT(), {"alpha": wide}
    if installed("statsmodels", "its OrderedModel"):
        found["statsmodels OrderedModel"] = OrderedLogit(), {"distr": ["logit", "probit"]}
    if installed("skordinal", "its models"):
        found |= of_skordinal(wide)
    for method in METHODS:
        clf = OrdinalMLPClassifier(method=method, device="cpu", random_state=0)
        found[f"ours, {method}"] = clf, {"hidden_layer_sizes": [(), (64,), (128, 128)]}
    return found


def of_skordinal(wide):
    from skordinal import classifiers as skordinal

    return {
        "skordinal POM": (skordinal.POM(), {"alpha": [0.0, *wide], "link": ["logit", "probit"]}),
        "skordinal LogisticAT": (skordinal.LogisticAT(), {"alpha": wide}),
        "skordinal LogisticIT": (skordinal.LogisticIT(), {"alpha": wide}),
        "skordinal KDLOR": (skordinal.KDLOR(), {"C": wide}),
        "skordinal SVOR": (skordinal.SVOR(), {"C": [0.1, 1.0, 10.0], "gamma": ["scale", 0.03]}),
        "skordinal REDSVM": (skordinal.REDSVM(), {"C": [0.1, 1.0, 10.0], "gamma": ["scale", 0.03]}),
        "skordinal NNPOM": (skordinal.NNPOM(random_state=0), {"alpha": [0.01, 0.1]}),
        "skordinal NNOP": (skordinal.NNOP(random_state=0), {"alpha": [0.01, 0.1]}),
        "skordinal ELMOP": (skordinal.ELMOP(random_state=0), {"n_hidden": [20, 50]}),
    }


def tables():
    if not is_quick():
        yield from load_ordinal()
        return
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 3))
    yield "generated", X, np.digitize(X[:, 0] + rng.normal(size=60) / 2, [-0.5, 0.5])


def agreement():
    """Print how far our linear models are from statsmodels'."""
    for table, X, y in tables():
        Z = StandardScaler().fit_transform(X)
        for link in ("logit", "probit"):
            ours = OrdinalMLPClassifier(
                (),
                method="cumulative_link",
                link=link,
                solver="lbfgs",
                alpha=0,
                input_scaling=None,
                precision="float64",
                max_iter=500,
                tol=1e-10,
                device="cpu",
            ).fit(Z, y)
            theirs = OrderedLogit(link).fit(Z, y).result_.params[: Z.shape[1]]
            difference = np.abs(ours.coef_ - theirs).max()
            print(f"{table}, {link}: coefficients differ by at most {difference:.1e}", flush=True)


def nested_study():
    scoring = "neg_mean_absolute_error"  # the levels are 0, 1, 2, ...
    inner = StratifiedKFold(small(3, 2), shuffle=True, random_state=0)
    outer = StratifiedKFold(small(5, 2), shuffle=True, random_state=1)
    errors, compared = {}, models()
    for table, X, y in tables():
        for name, (clf, grid) in compared.items():
            pipeline = make_pipeline(StandardScaler(), clf)
            step = pipeline.steps[-1][0]
            search = GridSearchCV(
                pipeline, {f"{step}__{key}": grid[key] for key in grid}, scoring=scoring, cv=inner
            )
            start = time.perf_counter()
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # the others' convergence
                scores = cross_val_score(search, X, y, cv=outer, scoring=scoring)
            errors[name, table] = -scores.mean()
            seconds = time.perf_counter() - start
            print(f"{table}, {name}: {-scores.mean():.3f}, {seconds:.0f} s", flush=True)
    study = pd.Series(errors).unstack()
    study["mean rank"] = study.rank().mean(axis=1)
    print(study.sort_values("mean rank").round(3).to_string())


if __name__ == "__main__":
    parser = command_line(__doc__, seeds=10)
    parser.add_argument("--data", help="a CSV file with a column 'response'")
    arguments = parser.parse_args()
    if arguments.data:
        table = pd.read_csv(arguments.data)
        one_table(table, table.pop("response").to_numpy(), arguments.seeds)
    else:
        if installed("statsmodels", "the comparison of coefficients"):
            agreement()
        nested_study()
