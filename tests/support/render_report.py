"""Look at pages of reports as Chromium shows them.

``PYTHONPATH=tests python -m support.render_report FOLDER [PAGE.html ...]`` writes a wide, a narrow
and a dark picture of each example and page, and a PDF. What is wider than its page is an error.
"""

import html
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

from support.report_results import HOSTILE, make_results

from sklearn_modern.report._page import render_page

EXAMPLES = {
    "classification": {"unfinished": 3},
    "regression": {"kind": "regression"},
    "ordinal": {"kind": "ordinal", "n_models": 6, "findings": False},
    "one_model": {"kind": "regression", "n_models": 1, "findings": False},
    "many": {"n_models": 24, "n_columns": 400, "n_splits": 10, "classes": [*"abcdefghijkl"]},
    "hostile": {"kind": "ordinal", "names": HOSTILE, "classes": HOSTILE[:6], "n_columns": 12},
}
WIDE, NARROW, LONGEST = 1280, 390, 16000

# The page stands in a frame, as it runs no scripts itself.
MEASURE = """<!DOCTYPE html><body style="margin:0"><iframe style="border:0;width:{width}px;
height:{height}px" srcdoc="{page}" onload="
const page = this.contentDocument, inside = this.contentWindow.innerWidth;
const outside = [...page.querySelectorAll('svg text')].filter(text => {{
  const box = text.getBoundingClientRect();
  return box.width && (box.left < -1 || box.right > inside + 1);
}});
document.title = JSON.stringify({{
  width: page.documentElement.scrollWidth, height: page.documentElement.scrollHeight,
  outside: outside.map(text => text.textContent)}})"></iframe>"""


def chromium():
    """Find the browser."""
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
    return found or sys.exit("Chromium is not on the PATH.")


def run(*arguments):
    command = [chromium(), "--headless", "--no-sandbox", "--hide-scrollbars", *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=120).stdout


def in_frame(page, width, height, folder):
    framed = folder / "frame.html"
    text = MEASURE.format(width=width, height=height, page=html.escape(page))
    framed.write_text(text, encoding="utf-8")
    return framed


def measure(page, width, folder):
    """Return how large the page is, and which texts of plots lie outside."""
    framed = in_frame(page, width, 900, folder)
    dumped = run("--virtual-time-budget=5000", "--dump-dom", framed.as_uri())
    return json.loads(html.unescape(re.search("<title>(.*?)</title>", dumped, re.DOTALL)[1]))


def picture(page, to, width, height, *settings):
    """Take a picture; windows are 500 pixels wide at least."""
    size = f"--window-size={max(width, 500)},{min(height, LONGEST)}"
    run(f"--screenshot={to}", size, *settings, page.as_uri())


def main(folder, *pages):
    folder = Path(folder).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    named = {name: render_page(make_results(**how)) for name, how in EXAMPLES.items()}
    named |= {Path(page).stem: Path(page).read_text(encoding="utf-8") for page in pages}
    errors = 0
    for name, page in named.items():
        whole = folder / f"{name}.html"
        whole.write_text(page, encoding="utf-8")
        for kind, width in {"wide": WIDE, "narrow": NARROW}.items():
            found = measure(page, width, folder)
            wrong = found["width"] > width or found["outside"]
            errors += bool(wrong)
            print(name, kind, found, "TOO WIDE" if wrong else "")
            framed = in_frame(page, width, min(found["height"], LONGEST), folder)
            picture(framed, folder / f"{name}_{kind}.png", width, found["height"])
            if kind == "wide":
                dark = "--blink-settings=preferredColorScheme=0"
                picture(framed, folder / f"{name}_dark.png", width, found["height"], dark)
        run(f"--print-to-pdf={folder / f'{name}.pdf'}", "--no-pdf-header-footer", whole.as_uri())
    (folder / "frame.html").unlink()
    sys.exit(errors > 0)


if __name__ == "__main__":
    main(*sys.argv[1:])
