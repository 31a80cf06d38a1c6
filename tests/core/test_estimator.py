"""The decorator: an estimator is a dataclass of its hyperparameters."""

import inspect
import pickle
import pydoc
import re
from dataclasses import KW_ONLY

import pytest
from numpydoc.docscrape import ClassDoc
from sklearn.base import BaseEstimator, clone
from support.instances import all_instances
from support.plain_estimators import PlainRidge

from sklearn_modern._core.estimator import estimator
from sklearn_modern.ensemble import GradientBoostingClassifier
from sklearn_modern.feature_selection import SequentialFeatureSelector
from sklearn_modern.neural_network import MLPClassifier
from sklearn_modern.utils.discovery import all_estimators


@estimator
class Base(BaseEstimator):
    """A base.

    Parameters
    ----------
    tol : float, default=0.1
        Where to stop.

        With a second paragraph.
    seed : int, default=0
        A seed.

    Attributes
    ----------
    n_iter_ : int
        Rounds.
    """

    _: KW_ONLY
    tol: float = 0.1
    seed: int = 0


@estimator
class Child(Base):
    """A child.

    More of it.

    Parameters
    ----------
    width : int, default=3
        How wide.
    seed : int, default=7
        Another seed, described anew.

    Attributes
    ----------
    width_ : int
        What came out.

    Examples
    --------
    >>> 1 + 1
    2
    """

    width: int = 3
    _: KW_ONLY
    seed: int = 7


@estimator
class Undescribed(Base):
    """No parameters of its own.

    Notes
    -----
    None.
    """


def test_init_takes_own_fields_first_and_only_assigns():
    signature = inspect.signature(Child)
    assert list(signature.parameters) == ["width", "tol", "seed"]
    kinds = {name: parameter.kind for name, parameter in signature.parameters.items()}
    assert kinds["width"] == inspect.Parameter.POSITIONAL_OR_KEYWORD
    assert kinds["tol"] == kinds["seed"] == inspect.Parameter.KEYWORD_ONLY
    assert vars(Child(5, tol="anything")) == {"width": 5, "tol": "anything", "seed": 7}


def test_fields_are_those_of_the_closest_class():
    """A dataclass alone would take all fields from the first base, and forget Child's seed."""

    @estimator
    class Both(Undescribed, Child):
        """Of two bases."""

    @estimator
    class Younger(Child):
        """A child of the child."""

        _: KW_ONLY
        seed: int = 9

    @estimator
    class Deeper(Both, Younger):
        """Of a class that has declared Child's seed again."""

    assert Both().seed == 7
    assert Deeper().seed == 9
    parameters = inspect.signature(Deeper).parameters
    assert list(parameters) == ["width", "tol", "seed"]
    assert parameters["seed"].kind is inspect.Parameter.KEYWORD_ONLY


def test_unknown_parameter_raises():
    with pytest.raises(TypeError, match="unknown"):
        Child(unknown=1)


ADVICE = [
    (GradientBoostingClassifier(), "num_leaves", "Did you mean 'max_leaf_nodes'"),
    (GradientBoostingClassifier(), "early_stopping_rounds", "Did you mean 'n_iter_no_change'"),
    (GradientBoostingClassifier(), "eval_set", "X_val and y_val"),
    (GradientBoostingClassifier(), "nthread", "Did you mean 'n_jobs'"),
    (GradientBoostingClassifier(), "tree_method", "of the library go into backend_params"),
    (MLPClassifier(), "power_t", "learning_rate='cosine'"),
    (SequentialFeatureSelector(None), "k_features", "Did you mean 'n_features_to_select'"),
    (MLPClassifier(), "hiden_layer_sizes", "Did you mean 'hidden_layer_sizes'"),
    (MLPClassifier(), "lr", "Did you mean 'learning_rate_init'"),
    (MLPClassifier(), "shuffle", "always shuffled"),
    (Child(), "sed", "Did you mean 'seed'"),
]


@pytest.mark.parametrize(("instance", "name", "advice"), ADVICE, ids=lambda value: str(value)[:20])
def test_what_an_unknown_parameter_may_mean(instance, name, advice):
    with pytest.raises(TypeError, match=re.escape(f"has no parameter {name!r}") + f".*{advice}"):
        type(instance)(**{name: 1})
    with pytest.raises(ValueError, match=f"Invalid parameter {name!r} .*{advice}"):
        instance.set_params(**{name: 1})


def test_a_parameter_like_no_other_gets_no_advice():
    with pytest.raises(ValueError, match="Invalid parameter 'xyz'.*Valid parameters are"):
        Child().set_params(xyz=1)
    with pytest.raises(TypeError, match="unexpected keyword argument 'xyz'"):
        Child(xyz=1)


def test_clone_params_repr_pickle_identity():
    child = Child(4, tol=0.5)
    assert clone(child).get_params() == {"width": 4, "tol": 0.5, "seed": 7}
    assert repr(child) == "Child(tol=0.5, width=4)"
    assert vars(pickle.loads(pickle.dumps(child))) == vars(child)
    assert child != Child(4, tol=0.5)
    assert len({child, Child(4)}) == 2


def test_parameters_are_those_of_the_signature():
    by_signature = BaseEstimator._get_param_names.__func__
    for _, cls in all_estimators():
        assert cls._get_param_names() == by_signature(cls)

    class Own(Base):
        def __init__(self, other=1):
            self.other = other

    assert Own._get_param_names() == ["other"]
    assert clone(Own(2)).other == 2


def test_docstring_is_completed_own_parameters_first():
    doc = ClassDoc(Child)
    parameters = {parameter.name: " ".join(parameter.desc) for parameter in doc["Parameters"]}
    assert list(parameters) == ["width", "seed", "tol"]
    assert parameters["seed"] == "Another seed, described anew."
    assert "With a second paragraph." in parameters["tol"]
    assert [attribute.name for attribute in doc["Attributes"]] == ["width_", "n_iter_"]
    assert doc["Extended Summary"] == ["More of it."]
    assert doc["Examples"] == [">>> 1 + 1", "2"]


def test_a_section_is_added_where_there_is_none():
    doc = ClassDoc(Undescribed)
    assert [parameter.name for parameter in doc["Parameters"]] == ["tol", "seed"]
    assert doc["Notes"] == ["None."]
    text = inspect.getdoc(Undescribed)
    assert text.index("Parameters") < text.index("Attributes") < text.index("Notes")


def test_without_docstrings():
    cls = estimator(type("Bare", (Base,), {"__doc__": None, "__annotations__": {}}))
    assert "Parameters" not in (cls.__doc__ or "")
    assert cls().get_params() == Base().get_params()


@pytest.mark.parametrize(
    "cls", [PlainRidge, *(cls for _, cls in all_estimators())], ids=lambda cls: cls.__name__
)
def test_help_describes_every_parameter_once(cls):
    doc = ClassDoc(cls)
    names = [parameter.name for parameter in doc["Parameters"]]
    assert sorted(names) == sorted(inspect.signature(cls).parameters)
    assert all(parameter.type and parameter.desc for parameter in doc["Parameters"])
    text = pydoc.render_doc(cls)
    assert all(f"{name} : " in text for name in names)


@pytest.mark.parametrize("instance", all_instances(), ids=lambda e: type(e).__name__)
def test_few_parameters_are_positional(instance):
    parameters = inspect.signature(type(instance)).parameters.values()
    positional = [p.name for p in parameters if p.kind is inspect.Parameter.POSITIONAL_OR_KEYWORD]
    assert len(positional) <= 2 or positional == ["width", "depth", "n_heads"]


def test_constraints_are_inherited_like_fields():
    @estimator
    class First(Base):
        """A first.

        Parameters
        ----------
        kind : str, default="a"
            A kind.
        """

        kind: str = "a"
        _parameter_constraints = {"tol": ["first"], "kind": [str]}

    @estimator
    class Second(Base):
        """A second."""

        _parameter_constraints = {"tol": ["second"], "seed": [int]}

    @estimator
    class Both(First, Second):
        """Both."""

    assert Both._parameter_constraints == {"tol": ["first"], "seed": [int], "kind": [str]}
    assert Second._parameter_constraints == {"tol": ["second"], "seed": [int]}
    assert Base._parameter_constraints == {}
