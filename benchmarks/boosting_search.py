"""What ``fit_many`` saves where a search fits many settings of boosted trees to one fold.

Both sides run in turn in this process, and give the same predictions::

    python benchmarks/boosting_search.py --threads 2
"""

import numpy as np
from boosted_trees import make_data
from command_line import command_line, few, small
from many_fits import apart, together
from ratio import compare

from sklearn_modern._fits.fit import Fit
from sklearn_modern.ensemble import GradientBoostingClassifier


def report(name, model, grid, X, y, repeats):
    fits = [Fit(params, X, y) for params in grid]
    for one, other in zip(apart(model, fits), together(model, fits), strict=True):
        assert np.array_equal(one.predict_proba(X[:1000]), other.predict_proba(X[:1000]))
    ratio = compare(lambda: together(model, fits), lambda: apart(model, fits), repeats=repeats)
    print(f"{name}: apart / together {ratio}", flush=True)


if __name__ == "__main__":
    parser = command_line(__doc__, threads=2, repeats=3)
    backends = ["xgboost", "lightgbm", "catboost", "hist"]
    parser.add_argument("--backend", choices=backends, action="append")
    arguments = parser.parse_args()
    of_trees = [
        {"max_leaf_nodes": leaves, "learning_rate": rate}
        for leaves in (15, 31)
        for rate in (0.1, 0.2)
    ]
    of_counts = [
        {"n_estimators": small(n, n // 20), "learning_rate": rate}
        for n in (50, 100, 200, 400)
        for rate in (0.1, 0.2)
    ]
    for backend in arguments.backend or ("xgboost", "lightgbm", "hist"):
        model = GradientBoostingClassifier(
            backend=backend,
            max_leaf_nodes=31,
            min_samples_leaf=20,
            subsample=1.0,
            max_features=1.0,
            n_jobs=arguments.threads,
            early_stopping=False,
            device="cpu",
            random_state=0,
        )
        X, y = make_data(100_000)
        for n_trees in few((30, 100, 300)):
            model.set_params(n_estimators=n_trees)
            name = f"{backend}, four settings of {n_trees} trees, 100,000 rows"
            report(name, model, of_trees, X, y, arguments.repeats)
        X, y = make_data(20_000)
        name = f"{backend}, four counts of trees and two rates, 20,000 rows"
        report(name, model, of_counts, X, y, arguments.repeats)
