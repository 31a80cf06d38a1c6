"""The models of a report, each with a small grid, in the order of their cost.

Linear models and forests get numbers that are imputed and standardised, and categories as
indicators; all others take the table as it is.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

from joblib import effective_n_jobs
from sklearn.dummy import DummyClassifier, DummyRegressor

from sklearn_modern.report._tables import is_category, plain_categories

__all__ = ["BASELINE", "Context", "labels_of", "models_for"]

BASELINE = "dummy"
"""What all models are measured by."""

# Networks and forests are not searched over: they depend little on it, and cost most.
_C, _ALPHA = [0.01, 0.1, 1.0, 10.0], [0.1, 1.0, 10.0, 100.0]
# Shorter boosters are taken from the longest, so that all cost as much as that. At twice the
# default rate half as many trees are as far.
_RATE, _TREES = 0.1, [25, 50, 100, 200]
# Half of the default, which is as much of what an ensemble gains as twice the time would bring.
_NETWORKS = 4
_LEAF = 3

_LABELS = {
    "dummy": "constant prediction",
    "linear": "linear model",
    "logit": "ordinal logit",
    "boosting": "gradient boosting",
    "forest": "random forest",
    "mlp": "network (MLP)",
    "coral": "network (CORAL)",
    "corn": "network (CORN)",
    "xgboost": "XGBoost",
    "lightgbm": "LightGBM",
    "catboost": "CatBoost",
    "hist": "histogram boosting",
}


@dataclass(frozen=True)
class Context:
    """What models depend on.

    Parameters
    ----------
    kind : {"classification", "regression", "ordinal"}
        What there is to predict.
    X : array-like or DataFrame
        The table.
    device : str
        Where networks and boosters are trained.
    n_jobs : int or None
        Number of processes; of several, each has one thread.
    random_state : int or None
        Seeds the models.
    """

    kind: str
    X: Any
    device: Any
    n_jobs: int | None
    random_state: int | None

    @property
    def threads(self) -> int | None:
        """How many threads a model has; None is as many as there are."""
        return None if effective_n_jobs(self.n_jobs) == 1 else 1

    def of_kind(self, stem: str) -> str:
        """Return the name of the class for numbers or labels."""
        return stem + ("Regressor" if self.kind == "regression" else "Classifier")


def models_for(models: Any, context: Context) -> dict[str, Any]:
    """Return models by name as a nested cross-validation takes them, the dummy first.

    Parameters
    ----------
    models : str, sequence of str or mapping
        "fast", "default", "all", names, or a mapping of models of one's own.
    context : Context
        What they depend on.
    """
    if isinstance(models, Mapping):
        own = dict(models)
        if not own:
            raise ValueError("models is empty; it must have at least one model.")
        return own if BASELINE in own else {BASELINE: _dummy(context)} | own
    known = _known(context.kind)
    names = _names(models, known, context.kind)
    return {name: known[name](context) for name in known if name in {BASELINE, *names}}


def labels_of(models: Any, names: Sequence[str], kind: str) -> dict[str, str]:
    """Return what people call those models that are ours, and not in a mapping of the user's."""
    own = models if isinstance(models, Mapping) else ()
    return {name: _label(name, kind) for name in names if name not in own}


def _label(name, kind):
    if name == "linear" and kind == "classification":
        return "logistic regression"
    if name == "linear":
        return "ridge regression"
    return _LABELS.get(name, name)


def _known(kind) -> dict[str, Callable[[Context], Any]]:
    """Return what there is for a kind of target, in the order of cost."""
    if kind == "ordinal":
        known = {"dummy": _dummy, "logit": _logit, "boosting": _boosting, "forest": _forest}
        return known | {"coral": _ordinal_network("coral"), "corn": _ordinal_network("corn")}
    known = {"dummy": _dummy, "linear": _linear, "boosting": _boosting, "forest": _forest}
    known |= {name: _backend(name) for name in ("lightgbm", "xgboost", "hist")}
    if find_spec("catboost") is not None:
        known["catboost"] = _backend("catboost")
    return known | {"mlp": _mlp}


def _names(models, known, kind):
    backends = ("lightgbm", "xgboost", "hist", "catboost")
    sets = {
        "fast": [name for name in known if name in ("linear", "logit", "boosting")],
        "default": [name for name in known if name not in backends],
        # "boosting" is one of the libraries, which are all there by name.
        "all": [name for name in known if kind == "ordinal" or name != "boosting"],
    }
    if isinstance(models, str):
        models = sets.get(models) or [name.strip() for name in models.split(",")]
    if not isinstance(models, Sequence) or not all(isinstance(name, str) for name in models):
        raise TypeError(
            f"models={models!r} must be 'fast', 'default', 'all', a list of names, or a mapping "
            "from names to models."
        )
    if not models:
        raise ValueError("models is empty; it must have at least one name.")
    for name in models:
        if name not in known:
            raise ValueError(
                f"models has {name!r}, which there is not for {kind}; there are 'fast', 'default' "
                f"and 'all', and the names {', '.join(known)}."
            )
    return models


def _dummy(context):
    if context.kind == "regression":
        return DummyRegressor()
    prior = DummyClassifier(strategy="prior")
    if context.kind == "classification":
        return prior
    from sklearn_modern.ordinal._decomposition import OrdinalClassifier

    return OrdinalClassifier(prior)  # which predicts the median level


def _linear(context):
    from sklearn.linear_model import LogisticRegression, Ridge

    if context.kind == "regression":
        return _encoded(context, Ridge()), {"model__alpha": _ALPHA}
    return _encoded(context, LogisticRegression(max_iter=1000)), {"model__C": _C}


def _forest(context):
    from sklearn import ensemble

    kind = getattr(ensemble, context.of_kind("RandomForest"))
    n_jobs = -1 if context.threads is None else 1
    return _encoded(
        context, kind(min_samples_leaf=_LEAF, n_jobs=n_jobs, random_state=context.random_state)
    )


def _boosting(context, backend="auto"):
    if context.kind == "ordinal":
        from sklearn_modern.ordinal._gradient_boosting import OrdinalGradientBoostingClassifier

        kind = OrdinalGradientBoostingClassifier
    else:
        from sklearn_modern.ensemble import _gradient_boosting

        kind = getattr(_gradient_boosting, context.of_kind("GradientBoosting"))
    model = kind(
        backend=backend,
        learning_rate=_RATE,
        early_stopping=False,
        device=context.device,
        n_jobs=context.threads,
        random_state=context.random_state,
    )
    return model, {"n_estimators": _TREES}


def _backend(name):
    return lambda context: _boosting(context, name)


def _mlp(context):
    from sklearn_modern.neural_network import _mlp as networks

    kind = getattr(networks, context.of_kind("MLP"))
    return kind(n_members=_NETWORKS, device=context.device, random_state=context.random_state)


def _logit(context):
    from sklearn_modern.ordinal._networks import OrdinalMLPClassifier

    model = OrdinalMLPClassifier(
        (), method="cumulative_link", solver="lbfgs", device=context.device, max_iter=200
    )
    return model.set_params(random_state=context.random_state), {"alpha": [1e-4, 1e-2]}


def _ordinal_network(method):
    def make(context):
        from sklearn_modern.ordinal._networks import OrdinalMLPClassifier

        return OrdinalMLPClassifier(
            method=method, device=context.device, random_state=context.random_state
        )

    return make


def _encoded(context, model):
    """Return a Pipeline that makes numbers without gaps of a table."""
    from sklearn.compose import ColumnTransformer
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import Pipeline, make_pipeline
    from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

    numbers = make_pipeline(SimpleImputer(strategy="median", add_indicator=True), StandardScaler())
    if not hasattr(context.X, "columns"):
        return Pipeline([("encoder", numbers), ("model", model)])
    # By position, as not all names are names to scikit-learn.
    columns = range(context.X.shape[1])
    categories = [index for index in columns if is_category(context.X.iloc[:, index])]
    others = [index for index in columns if index not in set(categories)]
    indicators = make_pipeline(
        # None, NaN and NA are the same, here and in later tables.
        FunctionTransformer(plain_categories, feature_names_out="one-to-one"),
        OneHotEncoder(handle_unknown="infrequent_if_exist", max_categories=50, sparse_output=False),
    )
    encoder = ColumnTransformer(
        [("numbers", numbers, others), ("categories", indicators, categories)]
    )
    return Pipeline([("encoder", encoder), ("model", model)])
