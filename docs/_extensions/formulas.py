"""Formulas as pictures in the page, drawn by matplotlib: no network, and no LaTeX, is needed."""

from html import escape
from typing import Any

from docutils import nodes
from matplotlib.font_manager import FontProperties
from matplotlib.path import Path
from matplotlib.textpath import TextToPath
from sphinx.application import Sphinx

SIZE = 100.0  # units of an em
FONT = FontProperties(size=SIZE)
COMMANDS = {Path.MOVETO: "M", Path.LINETO: "L", Path.CURVE3: "Q", Path.CURVE4: "C"}
# What matplotlib calls otherwise than LaTeX, or lacks.
NAMES = {r"\Big/": "/", r"\Big(": r"\left(", r"\Big)": r"\right)", r"\tfrac 1 5": r"\frac{1}{5}"}
NAMES |= {r"\frac 1 n": r"\frac{1}{n}", r"\text": r"\mathrm", r"\ge ": r"\geq ", r"\le ": r"\leq "}
NAMES |= {r"\dots": r"\ldots"}


def svg(latex: str) -> str:
    """Draw a formula in the colour and the size of the text around it, standing on its line."""
    text = " ".join(latex.split())
    for name, ours in NAMES.items():
        text = text.replace(name, ours)
    draw = TextToPath()
    width, height, depth = draw.get_text_width_height_descent(f"${text}$", FONT, ismath=True)
    path = Path(*draw.get_text_path(FONT, f"${text}$", ismath=True))
    pieces = []
    for points, code in path.iter_segments(curves=True, simplify=False):
        numbers = " ".join(
            f"{-value if axis % 2 else value:.1f}" for axis, value in enumerate(points)
        )
        pieces.append("Z" if code == Path.CLOSEPOLY else COMMANDS[code] + numbers)
    box = f"0 {depth - height:.1f} {width:.1f} {height:.1f}"
    style = f"height:{height / SIZE:.3f}em;vertical-align:{-depth / SIZE:.3f}em"
    return (
        f'<svg class="formula" role="img" aria-label="{escape(latex)}" viewBox="{box}" '
        f'style="{style}"><path fill="currentColor" d="{"".join(pieces)}"/></svg>'
    )


def visit_inline(translator: Any, node: nodes.math) -> None:
    """Write a formula in a line."""
    translator.body.append(svg(node.astext()))
    raise nodes.SkipNode


def visit_block(translator: Any, node: nodes.math_block) -> None:
    """Write a formula in a paragraph of its own."""
    translator.body.append(f'<p class="formula">{svg(node.astext())}</p>')
    raise nodes.SkipNode


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the renderer, which html_math_renderer names."""
    app.add_html_math_renderer("formulas", (visit_inline, None), (visit_block, None))
    return {"parallel_read_safe": True}
