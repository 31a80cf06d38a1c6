"""
Is this model really better? The right test for the question
============================================================

One model scores 0.95 and another 0.94. Is the first better? A paired t test of the scores of all
folds is the first thing that comes to mind, and it is wrong: folds share rows, so that their scores
are not independent. Here we see how often it cries wolf, compare models by tests that do not, and
end with many data sets.
"""

# %%
# How often is a difference found that is not there?
# --------------------------------------------------
# Each model gets five of ten features that are all equally useful, so that on average both are
# equally good. Each table is split 20 times at random, and both models are fitted and scored on the
# same splits. A test at the 5 % level should find a difference in 5 % of the tables.
# ``SKLEARN_MODERN_QUICK=1`` draws fewer tables, as the checks of this project do.

import os

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import (
    load_breast_cancer,
    make_blobs,
    make_circles,
    make_classification,
    make_gaussian_quantiles,
    make_hastie_10_2,
    make_moons,
)
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import ShuffleSplit, cross_val_score
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from sklearn_modern.model_selection import (
    CriticalDifferenceDisplay,
    NestedCV,
    OuterScoresDisplay,
    PairedDifferencesDisplay,
    benchmark,
    compare_models,
    corrected_resampled_t_test,
    paired_t_test_resampled,
)
from sklearn_modern.utils.figures import show_figures

QUICK = os.environ.get("SKLEARN_MODERN_QUICK") == "1"

n_tables = 60 if QUICK else 300
rng = np.random.default_rng(0)
found = {"naive": [], "corrected": []}
for table in range(n_tables):
    y = np.arange(100) % 2
    X = rng.normal(size=(100, 10)) + 0.3 * y[:, np.newaxis]
    splits = ShuffleSplit(20, test_size=0.2, random_state=table)
    first = cross_val_score(GaussianNB(), X[:, :5], y, cv=splits)
    second = cross_val_score(GaussianNB(), X[:, 5:], y, cv=splits)
    found["naive"].append(paired_t_test_resampled(first, second).p_value)
    found["corrected"].append(corrected_resampled_t_test(first, second, test_size=0.2).p_value)
wrong = {name: np.mean(np.array(values) < 0.05) for name, values in found.items()}
for name, share in wrong.items():
    print(f"{name}: a difference in {share:.0%} of the tables")

fig, ax = plt.subplots(figsize=(6, 4), layout="constrained")
for (name, values), style in zip(found.items(), ("--", "-"), strict=True):
    ax.plot(np.sort(values), np.arange(1, n_tables + 1) / n_tables, style, label=name)
ax.plot([0, 1], [0, 1], color="0.6", linewidth=1, label="as it should be")
ax.set(xlabel="p-value", ylabel="share of tables with a smaller one")
ax.legend()
show_figures("comparing_models_1")

# %%
# The naive test finds a difference far too often, and more splits make it worse: they add no rows.
# The corrected test of Nadeau and Bengio [1]_ allows for the rows that splits share. It comes far
# nearer to 5 %, although it is still above it on tables as small as these.
#
# Tuned models on the same splits
# -------------------------------
# ``NestedCV`` tunes and scores all models on the same outer splits, which makes their differences
# more certain than their scores. ``compare_models`` picks the test that Raschka [2]_ recommends,
# says which it is and why, and adjusts p-values for the number of pairs.

X, y = load_breast_cancer(return_X_y=True)
models = {
    "logistic": (
        make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000)),
        {"logisticregression__C": [0.01, 0.1, 1.0, 10.0]},
    ),
    "svm": (make_pipeline(StandardScaler(), SVC()), {"svc__C": [0.1, 1.0, 10.0]}),
    "tree": (DecisionTreeClassifier(random_state=0), {"max_depth": [2, 4, 8]}),
}
nested = NestedCV(models, repeats=2 if QUICK else 10, inner_cv=3, random_state=0).fit(X, y)
print(compare_models(nested))

display = OuterScoresDisplay.from_estimator(nested)

# %%
# A large p-value does not say that two models are equally good: there may be too few rows to tell.
# The Bayesian test [3]_ says how probable it is that one of them is better by more than ``rope``,
# the difference that does not matter in practice, or that neither is.

display = PairedDifferencesDisplay.from_estimator(nested, "svm", "logistic", rope=0.01)

# %%
# For the tree the answer is another one.

display = PairedDifferencesDisplay.from_estimator(nested, "svm", "tree", rope=0.01)

# %%
# Several data sets
# -----------------
# Which of six algorithms is better *in general*? Accuracies of different data sets cannot be
# averaged, but ranks can. Friedman's test says whether mean ranks differ by more than chance, and
# the critical difference by how much two of them must differ [4]_. Here are twelve small data sets
# of different shapes.

n = 200
data_sets = [
    make_moons(n, noise=0.3, random_state=0),
    make_circles(n, noise=0.2, factor=0.5, random_state=0),
    make_blobs(n, centers=4, cluster_std=3.0, random_state=0),
    make_gaussian_quantiles(n_samples=n, n_features=4, random_state=0),
    make_hastie_10_2(n, random_state=0),
    *(
        make_classification(
            n, 10, n_informative=informative, flip_y=0.1, class_sep=apart, random_state=seed
        )
        for seed, (informative, apart) in enumerate([(3, 0.5), (4, 0.7), (5, 1.0), (6, 0.5)])
    ),
    *(
        make_classification(
            n,
            20,
            n_informative=6,
            n_classes=3,
            n_clusters_per_class=clusters,
            random_state=clusters,
        )
        for clusters in (1, 2, 3)
    ),
]
algorithms = {
    "logistic regression": LogisticRegression(),
    "support vector machine": SVC(),
    "naive Bayes": GaussianNB(),
    "nearest neighbours": KNeighborsClassifier(),
    "decision tree": DecisionTreeClassifier(random_state=0),
    "random forest": RandomForestClassifier(25 if QUICK else 100, random_state=0),
}
pipelines = {
    name: make_pipeline(StandardScaler(), algorithm) for name, algorithm in algorithms.items()
}
tables = {f"table {number}": data for number, data in enumerate(data_sets, start=1)}
result = benchmark(tables, pipelines, random_state=0).friedman_test()
print(f"p = {result.p_value:.4f}, critical difference {result.critical_difference:.2f}")

display = CriticalDifferenceDisplay.from_test(result)
show_figures("comparing_models_2")

# %%
# A bar joins algorithms of which none is significantly better. Twelve data sets tell the best from
# the worst, and hardly more than that.
#
# References
# ----------
# .. [1] Nadeau, Bengio (2003). Inference for the generalization error. Machine Learning 52.
# .. [2] Raschka (2018). Model evaluation, model selection, and algorithm selection in machine
#    learning. arXiv:1811.12808.
# .. [3] Corani, Benavoli (2015). A Bayesian approach for comparing cross-validated algorithms on
#    multiple data sets. Machine Learning 100, 285-304.
# .. [4] Demšar (2006). Statistical comparisons of classifiers over multiple data sets. JMLR 7.
