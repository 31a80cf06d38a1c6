import os
import sys
from importlib import import_module
from inspect import getdoc, ismodule
from pathlib import Path

os.environ.setdefault("MPLBACKEND", "Agg")

import sklearn_modern

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE / "_extensions"))  # what is cached must lie in a module
crosslinks = import_module("crosslinks")

project = "sklearn_modern"
author = "The sklearn_modern developers"
copyright = "The sklearn_modern developers"
version = release = sklearn_modern.__version__

extensions = [
    "myst_parser",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.viewcode",
    "sphinx_gallery.gen_gallery",
    "crosslinks",
    "formulas",
]
exclude_patterns = ["_build", "gallery/*.ipynb", "gallery/*.py"]
templates_path = ["_templates"]

html_theme = "furo"
html_title = "sklearn_modern"
html_static_path = ["_static"]
html_css_files = ["style.css"]
html_math_renderer = "formulas"
html_copy_source = False
html_show_sphinx = False

myst_enable_extensions = ["colon_fence", "dollarmath"]
myst_heading_anchors = 3

autodoc_typehints = "none"  # numpydoc's Parameters say the types, in words
autosummary_generate = True
autosummary_context = {
    "guides": crosslinks.guides(HERE),
    "parameters": crosslinks.grouped_parameters(),
}
numpydoc_show_class_members = False
numpydoc_validation_checks = {"PR01", "PR02"}  # every parameter is described, none unknown

sphinx_gallery_conf = {
    "examples_dirs": "../examples",
    "gallery_dirs": "gallery",
    "abort_on_example_error": True,
    "backreferences_dir": "generated/backreferences",
    "doc_module": ("sklearn_modern",),
    "reference_url": {"sklearn_modern": None},
    "download_all_examples": False,
    "min_reported_time": float("inf"),
    "reset_modules": ("matplotlib", "gallery_style.let_figures_read_on_any_page"),
    "show_memory": False,
    "show_signature": False,
    "write_computation_times": False,
}


def write_reference(path: Path) -> None:
    """List what the public modules hold: what is public is in the reference, and nothing else."""
    lines = ["API reference", "=============", ""]
    lines += ["Estimators also have what scikit-learn gives to all: ``get_params``, ``score``,"]
    lines += ["``set_params``, metadata routing and, for transformers, ``set_output``.", ""]
    for name in crosslinks.public_modules("sklearn_modern"):
        module = import_module(name)
        lines += [name, "-" * len(name), "", getdoc(module), ""]
        lines += [".. autosummary::", "   :toctree:", ""]
        public = [one for one in module.__all__ if not ismodule(getattr(module, one))]
        lines += [f"   ~{name}.{one}" for one in public]
        lines += [""]
    path.parent.mkdir(exist_ok=True)
    path.write_text("\n".join(lines))


def is_from_scikit_learn(app, what, name, value, skip, options) -> bool | None:
    return True if (getattr(value, "__module__", None) or "").startswith("sklearn.") else None


def setup(app) -> None:
    # Before autosummary looks for what to generate.
    write_reference(HERE / "generated" / "api.rst")
    app.connect("autodoc-skip-member", is_from_scikit_learn)
