"""The floors: what each module may import, read from the source."""

import ast
import subprocess
import sys
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import sklearn_modern

ROOT = Path(sklearn_modern.__file__).parent

# A module imports only from floors below its own, from its own package, and on the ground floor
# from its neighbours. Packages on one floor do not know each other.
FLOORS = [
    {"_core", "_inputs", "device", "utils"},
    {"metrics"},
    {"_fits"},
    {"shared_fits"},
    {"networks"},
    {"heads", "augmentation"},
    {"training"},
    {"_neural"},
    {"ensemble"},
    {"decomposition", "density", "generation", "neural_network", "ordinal"},
    {"calibration", "feature_selection", "model_selection", "outlier_detection"},
    {"report"},
    {"__main__"},
]

# Packages that use no torch: importing all of their modules must load none.
TORCH_FREE = [
    "_core",
    "_inputs",
    "_fits",
    "shared_fits",
    "device",
    "utils",
    "calibration",
    "ensemble",
    "feature_selection",
    "model_selection",
    "metrics",
    "outlier_detection",
    "report",
    "__main__",
]


def module_name(path):
    parts = path.relative_to(ROOT.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def package_sources():
    return {module_name(path): path.read_text() for path in sorted(ROOT.rglob("*.py"))}


def imports(source):
    """Every module of ours that a source imports, with the names that it takes from it."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, None
        elif isinstance(node, ast.ImportFrom):
            if node.level:
                yield "." * node.level, None
            else:
                for alias in node.names:
                    yield node.module, alias.name


def part(module):
    """The file or folder directly below the package that a module belongs to."""
    return module.split(".")[1]


def floor(module):
    return next((i for i, parts in enumerate(FLOORS) if part(module) in parts), None)


def import_violations(sources):
    packages = {module for module in sources if any(m.startswith(f"{module}.") for m in sources)}
    for module, source in sources.items():
        for target, name in imports(source):
            if target.startswith("."):
                yield f"{module} imports relatively"
            if target.partition(".")[0] != "sklearn_modern":
                continue
            if target in packages:  # `from package import submodule` names its defining module
                submodule = f"{target}.{name}"
                if submodule not in sources and target != "sklearn_modern":
                    yield f"{module} imports {name} from {target}, which does not define it"
                target = submodule if submodule in sources else target
            if target == "sklearn_modern" or module == "sklearn_modern":
                continue
            ours, theirs = floor(module), floor(target)
            if ours is None or theirs is None:
                yield f"{module} or {target} has no floor"
            elif part(module) == part(target):
                continue
            elif theirs > ours or (theirs == ours and ours > 0):
                yield f"{module} (floor {ours}) imports {target} (floor {theirs})"


def circle(sources):
    """A circle of imports, if there is one."""
    graph = {}
    for module, source in sources.items():
        targets = {t if f"{t}.{n}" not in sources else f"{t}.{n}" for t, n in imports(source)}
        # A package's own __init__ names its modules for type checkers, and imports none.
        is_package = any(m.startswith(f"{module}.") for m in sources)
        graph[module] = set() if is_package else targets & set(sources) - {"sklearn_modern"}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return error.args[1]
    return None


def private_names_of_scikit_learn(source):
    for target, name in imports(source):
        names = [*target.split("."), name or ""]
        if names[0] == "sklearn" and any(n.startswith("_") for n in names):
            yield ".".join(filter(None, names))


def text_violations(sources):
    for module, source in sources.items():
        tree = ast.parse(source)
        if module != "sklearn_modern._core.scikit_learn":
            for name in private_names_of_scikit_learn(source):
                yield f"{module} imports {name}, which scikit-learn keeps to itself"
        documentation = {
            id(node.value)
            for node in ast.walk(tree)
            if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        }
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and id(node) not in documentation:
                named = str(node.value).partition(":")[0] in {"cuda", "mps"}
                if isinstance(node.value, str) and named and module != "sklearn_modern.device":
                    yield f"{module} spells the device {node.value!r}"
            names = (getattr(node, "id", None), getattr(node, "attr", None))
            imported = [
                alias.name for alias in getattr(node, "names", []) if hasattr(alias, "name")
            ]
            nets = {"NeuralNet", "NeuralNetClassifier", "NeuralNetRegressor"}
            if nets & {*names, *imported} and module != "sklearn_modern.training.trainer":
                yield f"{module} names skorch's NeuralNet"


def test_the_package_keeps_its_floors():
    sources = package_sources()
    assert list(import_violations(sources)) == []
    assert list(text_violations(sources)) == []
    assert circle(sources) is None


@pytest.mark.parametrize(
    ("module", "source", "complaint"),
    [
        ("device", "from sklearn_modern.networks.mlp import MLP", "floor 0"),
        ("networks.mlp", "from sklearn_modern.heads.base import Head", "floor 4"),
        ("heads.base", "def f():\n    import sklearn_modern.training.trainer", "floor 5"),
        ("augmentation.mixup", "from sklearn_modern.heads.base import Head", "floor 5"),
        ("ensemble.x", "from sklearn_modern.neural_network._mlp import MLP", "floor 9"),
        ("ordinal.x", "from sklearn_modern.neural_network._mlp import MLP", "floor 9"),
        ("metrics.x", "from sklearn_modern.model_selection.y import z", "floor 10"),
        ("training.trainer", "from sklearn_modern.networks import MLP", "does not define it"),
        ("networks.mlp", "from .base import Body", "relatively"),
        ("surprise", "import sklearn_modern.device", "no floor"),
    ],
)
def test_a_forbidden_import_is_seen(module, source, complaint):
    sources = package_sources()
    for name in ("networks.mlp", "heads.base", "training.trainer", "neural_network._mlp"):
        package = f"sklearn_modern.{name.rpartition('.')[0]}"
        sources |= {package: "", f"sklearn_modern.{name}": ""}
    sources |= {"sklearn_modern.model_selection.y": "", f"sklearn_modern.{module}": source}
    found = list(import_violations(sources))
    assert len(found) == 1
    assert complaint in found[0]


def test_a_circle_is_seen():
    sources = {
        "sklearn_modern.device": "from sklearn_modern._core.lazy import x",
        "sklearn_modern._core.lazy": "def f():\n    from sklearn_modern._core.optional import y",
        "sklearn_modern._core.optional": "import sklearn_modern.device",
    }
    assert set(circle(sources)) == set(sources)


@pytest.mark.parametrize(
    ("source", "complaint"),
    [
        ("x = 'cuda:0'", "spells the device"),
        ("if device == 'mps': pass", "spells the device"),
        ("import skorch\nclass Net(skorch.NeuralNet): pass", "NeuralNet"),
        ("from skorch import NeuralNetClassifier", "NeuralNet"),
        ("from sklearn.base import _fit_context", "keeps to itself"),
        ("from sklearn.utils._tags import Tags", "keeps to itself"),
    ],
)
def test_forbidden_text_is_seen(source, complaint):
    found = list(text_violations({"sklearn_modern.networks.mlp": source}))
    assert len(found) == 1
    assert complaint in found[0]
    allowed = {"sklearn_modern.device": "x = 'cuda'", "sklearn_modern.networks": "'''cuda'''"}
    assert list(text_violations(allowed)) == []


def test_torch_stays_out_where_it_is_not_needed():
    modules = ["sklearn_modern"] + [
        name for name in package_sources() if name.count(".") and part(name) in TORCH_FREE
    ]
    modules += [
        f"sklearn_modern.ordinal._{name}" for name in ("decomposition", "gradient_boosting")
    ]
    engines = [name for name in modules if ".engines." in name]  # each imports its own library
    modules = [name for name in modules if name not in engines]
    code = (
        f"import importlib, sys\nfor name in {modules}: importlib.import_module(name)\n"
        "loaded = {'torch', 'skorch', 'xgboost', 'lightgbm', 'catboost', 'matplotlib'}\n"
        "loaded &= set(sys.modules)\n"
        "assert not loaded, loaded\n"
        f"for name in {engines}: importlib.import_module(name)\n"
        "assert not {'torch', 'skorch'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
