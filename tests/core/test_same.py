"""What is the same, and what is not."""

import datetime
import functools
import pickle
import re
import subprocess
import sys
import threading
from copy import deepcopy
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
import torch
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as drawn_arrays
from sklearn.base import clone
from sklearn.compose import make_column_selector
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from sklearn_modern._core.same import fingerprint, key, setting


class Settings:
    """An object whose repr is its address."""

    def __init__(self, **values):
        vars(self).update(values)


class Cells(list):
    """A list of another class."""


def adding(number):
    return lambda x: x + number


def around(value):
    """A circle."""
    circle = [value]
    circle.append(circle)
    return circle


FRAME = pd.DataFrame({"a": [1.0, np.nan], "b": ["x", None]})
LONG = np.arange(5000.0)

# In each line no two are the same; nor are any of two lines.
DIFFERENT = [
    [1, True, 1.0, 1 + 0j, "1", b"1", np.int64(1), np.int32(1), np.float64(1), np.str_("1"), [1]],
    [0.0, -0.0, 0, False, None, "", b"", (), [], {}, set(), frozenset(), ..., complex(0, -0.0)],
    [np.nan, "nan", pd.NA, pd.NaT, np.datetime64("NaT"), np.inf, -np.inf],
    [[1, 2], (1, 2), [2, 1], [[1], 2], [[1, 2]], Cells([1, 2])],
    [{1, 2}, frozenset({1, 2}), range(3), {1: 2}, {2: 1}],
    [{"a": 1, "b": 2}, {"b": 2, "a": 1}, {"a": 2, "b": 1}, [("a", 1), ("b", 2)]],
    [np.zeros(4), np.zeros(4, int), np.zeros(4, ">f8"), np.zeros((2, 2)), np.zeros(4, np.float32)],
    [LONG, LONG + (LONG == 2500), [*LONG], [LONG], {"by": LONG}, {"by": LONG + (LONG == 2500)}],
    [np.array(["a", None], object), np.array(["a", "b"], object), np.array(["a", "b"])],
    [np.array([(1, 2.0)], "i8,f8"), np.array([(1, 2.0)], [("a", "i8"), ("f1", "f8")])],
    [np.ma.array([1, 2], mask=[0, 1]), np.ma.array([1, 2], mask=[1, 0]), np.array([1, 2])],
    [np.array(["2020"], "M8[D]"), np.array(["2020"], "M8[ns]"), np.array([3], "m8[ns]")],
    [scipy.sparse.csr_matrix(np.eye(2)), scipy.sparse.csc_matrix(np.eye(2)), np.eye(2)],
    [scipy.sparse.csr_matrix(2 * np.eye(2)), scipy.sparse.csr_matrix((2, 2))],
    [FRAME, FRAME[["b", "a"]], FRAME.rename(columns=str.upper), FRAME[::-1], FRAME.head(1)],
    [FRAME["a"], FRAME["a"].rename("c"), FRAME["a"].astype("float32"), FRAME[["a"]], FRAME.index],
    [FRAME["b"].astype("category"), FRAME["b"], pd.Series([1, None], dtype="Int64")],
    [slice(1, 2), slice(1, 2, 1), functools.partial(max, 1), functools.partial(min, 1), max, min],
    [adding(1), adding(2), lambda: None, np.log, np.exp, str.upper, "a".upper, "b".upper],
    [int, float, Settings, Settings(), Settings(a=1), Settings(a=2), Settings(b=1)],
    [datetime.date(2020, 1, 1), datetime.datetime(2020, 1, 1), pd.Timestamp("2020")],
    [Decimal(1), Decimal("1.0"), re.compile("a"), re.compile("b")],
    [np.random.RandomState(0), np.random.RandomState(1), np.random.default_rng(0)],
    [make_column_selector("a"), make_column_selector("b"), make_column_selector(dtype_include="a")],
    [Ridge(), Ridge(2.0), Ridge(1), Ridge(np.float64(1)), Ridge().fit([[1], [2]], [1, 2])],
    [Ridge().fit([[1], [2]], [1, 3]), make_pipeline(Ridge()), StandardScaler()],
    [StandardScaler(copy=False), StandardScaler(copy=False).set_output(transform="pandas")],
    [FunctionTransformer(np.log), FunctionTransformer(kw_args={"by": LONG}), FunctionTransformer()],
    [torch.zeros(2), torch.zeros(2, 1), -torch.zeros(2), torch.zeros(2, dtype=torch.bfloat16)],
    [torch.nn.ReLU(), torch.nn.Parameter(torch.zeros(2)), torch.float32, torch.device("cpu")],
    [around(1), around(2), [1, around(1)], [1, [1, around(1)]], object(), object()],
]
VALUES = [value for line in DIFFERENT for value in line]
UNREADABLE = [threading.Lock(), (x for x in "a"), np, sys.stdout, Settings(lock=threading.Lock())]


def test_no_two_values_are_the_same():
    assert len({key(value) for value in VALUES}) == len(VALUES)


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
def test_a_value_is_the_same_again_and_as_its_copy(value):
    assert key(value) == key(value)
    assert hash(key(value)) == hash(key(value))
    assert setting(value) == setting(value)
    assert hash(setting(value)) == hash(setting(value))
    if type(value) is not object:
        copied = deepcopy(value)
        assert key(copied) == key(value)
        assert setting(copied) == setting(value)


scalars = st.one_of(
    *(st.none(), st.booleans(), st.integers(), st.floats()),
    *(st.complex_numbers(), st.text(), st.binary()),
)
arrays = drawn_arrays.arrays(
    st.one_of(drawn_arrays.scalar_dtypes(), drawn_arrays.array_dtypes()),
    drawn_arrays.array_shapes(min_dims=0, min_side=0, max_side=3),
)
nested = st.recursive(
    scalars | arrays | st.frozensets(scalars, max_size=3),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.lists(inner, max_size=3).map(tuple),
        st.dictionaries(st.text(max_size=2), inner, max_size=3),
        st.dictionaries(st.sampled_from(["a", "b"]), inner).map(lambda values: Settings(**values)),
        st.lists(inner, max_size=3).map(lambda items: FunctionTransformer(kw_args={"by": items})),
    ),
    max_leaves=8,
)


def places(value, path=()):
    """The ways to all that is inside of a value."""
    yield path
    inner = vars(value) if hasattr(value, "__dict__") else value
    if isinstance(inner, dict):
        items = inner.items()
    else:
        items = enumerate(inner) if isinstance(inner, list | tuple) else ()
    for name, part in items:
        yield from places(part, (*path, name))


def replaced(value, path, new):
    """A copy with something else in a place."""
    if not path:
        return new
    name, *rest = path
    if isinstance(value, tuple):
        return (*value[:name], replaced(value[name], rest, new), *value[name + 1 :])
    parts = vars(value) if hasattr(value, "__dict__") else value
    parts[name] = replaced(parts[name], rest, new)
    return value


@given(value=nested, data=st.data())
def test_copies_are_the_same_and_any_change_makes_a_difference(value, data):
    before = key(value), setting(value), fingerprint(value)
    copied = deepcopy(value)
    assert (key(copied), setting(copied), fingerprint(copied)) == before
    through_pickle = pickle.loads(pickle.dumps((value, before[1])))
    assert setting(through_pickle[0]) == through_pickle[1]
    path = data.draw(st.sampled_from([*places(copied)]))
    changed = replaced(copied, path, Settings(new=True))
    now = key(changed), setting(changed), fingerprint(changed)
    assert all(one != other for one, other in zip(now, before, strict=True))


@pytest.mark.parametrize("dtype", [float, int, "f4", ">f8", "U2", object, "M8[ns]"])
@given(place=st.integers(0, 4999))
@hypothesis_settings(max_examples=5, deadline=None)
def test_one_cell_of_an_array_makes_a_difference(dtype, place):
    values = np.zeros(5000, int).astype(dtype)
    other = values.copy()
    other[place] = 7
    for hold in (np.array, list, pd.Series, lambda values: Settings(of=values)):
        for function in (key, setting, fingerprint):
            assert function(hold(values)) != function(hold(other))


def test_a_key_keeps_what_was_there():
    value = {"weights": np.zeros(3), "names": ["a"], "object": Settings(a=1)}
    before, settings = key(value), setting({"names": ["a"], "weights": np.zeros(3)})
    value["weights"][1] = 1
    assert key(value) != before
    value["weights"][1] = 0
    assert key(value) == before
    value["object"].a = 2
    assert key(value) != before
    assert setting({"names": ["b"], "weights": np.zeros(3)}) != settings


def test_how_values_lie_in_memory_does_not_count():
    values = np.arange(12.0).reshape(3, 4)
    frame = pd.DataFrame(values, columns=[*"abcd"])
    by_column = pd.DataFrame({name: frame[name].copy() for name in "abcd"})
    for function in (key, setting, fingerprint):
        assert function(np.asfortranarray(values)) == function(values)
        assert function(np.repeat(values, 2, axis=1)[:, ::2]) == function(values)
        assert function(by_column) == function(frame)
    sparse = scipy.sparse.csr_matrix(values)
    assert fingerprint(sparse) == fingerprint(sparse.tocsc())


def test_what_is_shared_inside_does_not_count():
    part = [1]
    assert key([part, part]) == key([[1], [1]])
    doubled, copied = [0], [0]
    for _ in range(60):
        doubled, copied = [doubled, doubled], [copied, list(copied)]
    assert key(doubled) == key(copied)


def test_circles_are_told_apart_by_where_they_lead():
    def pair():
        first = []
        second = [first]
        first.append(second)
        return first, second

    back = [pair()[0]]
    back.append([back])
    assert key([*pair()]) == key([*pair()])
    assert key([*pair()]) != key(back)


def test_objects_of_equal_content_are_the_same():
    assert key(clone(FunctionTransformer(adding, kw_args={"number": LONG}))) == key(
        FunctionTransformer(adding, kw_args={"number": LONG.copy()})
    )
    backwards = Settings(b=2, a=1)
    assert key(backwards) == key(Settings(a=1, b=2))


@pytest.mark.parametrize("thing", UNREADABLE, ids=lambda thing: type(thing).__name__)
def test_what_cannot_be_compared_is_like_nothing(thing):
    assert key(thing) != key(thing)
    assert key([1, thing]) != key([1, thing])
    assert setting(thing) == setting(thing)
    assert setting([1, thing]) == setting((1, thing))
    assert setting(thing) != setting(threading.Lock())
    with pytest.raises(ValueError, match="needs data and settings that can be pickled, but: "):
        fingerprint(1, [thing])


class Raising:
    """Raises whatever is asked of it."""

    def __getattr__(self, name):
        raise RuntimeError(name)

    def __reduce_ex__(self, protocol):
        raise KeyError(protocol)


def tangled():
    """Objects that all hold each other: the ways through them are more than can be gone."""
    parts = [Settings() for _ in range(30)]
    for i, part in enumerate(parts):
        part.others = [part for part in parts[::-1] if part is not parts[i]]
    return parts


def deep():
    value = []
    for _ in range(100_000):
        value = [value]
    return value


@pytest.mark.parametrize("make", [Raising, tangled, deep, lambda: 10**5000, lambda: [10**5000]])
def test_odd_objects_raise_nothing(make):
    value = make()
    key(value)
    assert setting(value) == setting(value)


@pytest.mark.parametrize(
    ("value", "spelled"),
    [
        ([8], (8,)),
        ((8, 4), np.array([8, 4])),
        ([[1, 2], [3, 4]], np.array([[1, 2], [3, 4]])),
        ([8], [np.int64(8)]),
        ([0.5, np.nan], np.array([0.5, np.nan])),
        (["a", "b"], np.array(["a", "b"], dtype=object)),
        ({"a": [1]}, {"a": (1,)}),
    ],
)
def test_a_setting_may_be_spelled_in_several_ways(value, spelled):
    assert setting(value) == setting(spelled)
    assert key(value) != key(spelled)


def test_a_setting_is_itself_though_it_changes():
    calls = Settings(n=0)
    before = setting([calls])
    calls.n += 1
    assert setting([calls]) == before
    assert setting([Settings(n=0)]) == before
    assert setting([Settings(n=1)]) != before
    same, kept = pickle.loads(pickle.dumps(([calls], before)))
    assert setting(same) == kept


def test_fingerprints_are_those_of_other_processes():
    code = (
        "import numpy as np, pandas as pd\n"
        "from sklearn.compose import make_column_selector\n"
        "from sklearn.preprocessing import FunctionTransformer\n"
        "from sklearn_modern._core.same import fingerprint\n"
        "print(fingerprint({'a', 'b', 'c', 'd'}, pd.DataFrame({'a': ['x', None]}), 1.5,\n"
        "    FunctionTransformer(np.log), make_column_selector('a'), np.random.RandomState(0)))"
    )
    found = {
        subprocess.run(
            [sys.executable, "-c", code],
            check=True,
            capture_output=True,
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(filter(None, sys.path))},
        ).stdout
        for seed in ("1", "2")
    }
    assert len(found) == 1
