"""Links between guides and reference: names of ours in guides, and guides on pages of ours."""

import re
from collections import Counter
from collections.abc import Iterator
from importlib import import_module
from inspect import ismodule, signature
from pathlib import Path

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx

# Pages that name everything, and explain nothing.
NO_GUIDES = {"adding_a_method", "architecture", "benchmarks", "changelog", "index"}
MOST_GUIDES = 4

# How the parameters of the long estimators are read: a line each, above their descriptions.
GROUPS = {
    "Network": "hidden_layer_sizes activation normalization n_members members architecture width "
    "depth kernel_size stem bottleneck patch_size patches n_heads pooling pretrained freeze "
    "body_learning_rate_factor cell bidirectional kernel_sizes feedforward_factor attention window "
    "positions direction start bptt context n_components mask_fraction reverse_source beam_size "
    "length_penalty max_output_length n_transforms kind n_latent n_steps",
    "Levels": "class_order method decision link importance_weights threshold_learning_rate_factor",
    "Trees": "backend n_estimators max_leaf_nodes max_depth min_samples_leaf max_bins "
    "monotonic_cst interaction_cst backend_params",
    "Loss": "loss gradient_penalty n_critic quantile quantiles class_weight label_smoothing",
    "Training": "solver learning_rate learning_rate_init batch_size max_iter momentum "
    "gradient_clip warm_start callbacks",
    "Regularisation": "alpha dropout noise masking sparsity contraction trim beta "
    "l2_regularization subsample max_features augment mixup cutmix",
    "Early stopping": "early_stopping validation_fraction n_iter_no_change tol scoring",
    "Data": "categorical_features numerical_embedding n_bins input_scaling scale_target "
    "input_shape spatial_dims channels max_length bounds conditional n_importance prior",
    "Text": "analyzer target_analyzer token_pattern lowercase min_df embedding_size token_vectors "
    "token_dropout",
    "Where and how": "device precision n_jobs random_state verbose",
}
LONG = 20

INSIDE = (nodes.reference, nodes.title, addnodes.pending_xref)  # where no link is put


def public_modules(name: str) -> Iterator[str]:
    """Yield the modules whose public names are not just modules."""
    module = import_module(name)
    values = [getattr(module, public) for public in module.__all__]
    if not all(map(ismodule, values)):
        yield name
    for value in filter(ismodule, values):
        yield from public_modules(value.__name__)


def public_names() -> dict[str, str]:
    """Return the full names of all that is public, by the last part of the name."""
    full = {}
    for name in public_modules("sklearn_modern"):
        module = import_module(name)
        full |= {
            one: f"{name}.{one}" for one in module.__all__ if not ismodule(getattr(module, one))
        }
    return full


def guides(folder: Path) -> dict[str, list[str]]:
    """Return the pages that say most of each public name."""
    counts: dict[str, Counter] = {name: Counter() for name in public_names()}
    for page in sorted(folder.glob("*.md")):
        if page.stem not in NO_GUIDES:
            for word in re.findall(r"\w+", page.read_text()):
                if word in counts:
                    counts[word][page.stem] += 1
    return {
        name: [page for page, _ in found.most_common(MOST_GUIDES)] for name, found in counts.items()
    }


def grouped_parameters() -> dict[str, list[tuple[str, list[str]]]]:
    """Return the parameters of the long estimators in groups; each has its place."""
    from sklearn_modern.utils.discovery import all_estimators

    result = {}
    for name, cls in all_estimators():
        parameters = list(signature(cls).parameters)
        if len(parameters) < LONG:
            continue
        groups = [
            (group, [one for one in names.split() if one in parameters])
            for group, names in GROUPS.items()
        ]
        if lost := set(parameters) - {one for _, names in groups for one in names}:
            raise ValueError(f"GROUPS in {__file__} lack parameters of {name}: {sorted(lost)}.")
        result[name] = [(group, names) for group, names in groups if names]
    return result


def link_names(app: Sphinx, doctree: nodes.document) -> None:
    """Let each literal in a guide that is a public name lead to its page in the reference."""
    page = app.env.docname
    if "/" in page or page in {"changelog", "adding_a_method"}:
        return
    for literal in list(doctree.findall(nodes.literal)):
        name = literal.astext().removesuffix("()").rpartition(".")[2]
        target = app.env.crosslinks.get(name)
        if target and not isinstance(literal.parent, INSIDE):
            link = addnodes.pending_xref(
                "", refdomain="py", reftype="obj", reftarget=target, refdoc=page, refexplicit=True
            )
            literal.replace_self(link)
            link += literal


def setup(app: Sphinx) -> dict[str, bool]:
    """Put the links in when a page has been read."""
    app.connect("builder-inited", lambda app: setattr(app.env, "crosslinks", public_names()))
    app.connect("doctree-read", link_names)
    return {"parallel_read_safe": True}
