"""The page of a report: what is on it, and what a browser makes of it."""

import copy
import itertools
import re
from html.parser import HTMLParser

import pytest
from support.report_results import HOSTILE, make_results

from sklearn_modern._core.versions import versions
from sklearn_modern.report._page import render_fragment, render_page
from sklearn_modern.report._scores import comparison_table

VOID = {"meta", "link", "br"}
MEGABYTE = 2**20

CASES = {
    "classification": {"kind": "classification"},
    "regression": {"kind": "regression", "unfinished": 3},
    "ordinal": {"kind": "ordinal", "n_models": 6},
    "one model": {"kind": "regression", "n_models": 1, "findings": False},
    "many classes": {"classes": [f"class {i}" for i in range(12)], "n_models": 3},
    "hostile": {"kind": "ordinal", "names": HOSTILE, "classes": HOSTILE[:6], "n_columns": 12},
}


class Tree(HTMLParser):
    """Reads a page, and refuses one whose tags are not balanced."""

    def __init__(self, page):
        super().__init__()
        self.open, self.elements, self.texts = [], [], []
        self.feed(page)
        self.close()
        assert self.open == []

    def handle_starttag(self, element, attributes):
        assert len({key for key, _ in attributes}) == len(attributes)
        self.elements.append((element, dict(attributes), [e for e, _ in self.open]))
        if element not in VOID:
            self.open.append((element, []))

    def handle_startendtag(self, element, attributes):
        self.elements.append((element, dict(attributes), [e for e, _ in self.open]))

    def handle_endtag(self, element):
        opened, texts = self.open.pop()
        assert opened == element
        text = "".join(texts)
        self.texts.append((element, text))
        if self.open:  # cells stand apart
            self.open[-1][1].append(f"{text}\n" if element in {"td", "th"} else text)

    def handle_data(self, text):
        if self.open:
            self.open[-1][1].append(text)

    def named(self, *elements):
        return [(e, attributes) for e, attributes, _ in self.elements if e in elements]

    def text_of(self, *elements):
        return [text for element, text in self.texts if element in elements]


@pytest.fixture(scope="module", params=CASES)
def page(request):
    return render_page(make_results(**CASES[request.param]))


def ids(tree):
    return [attributes["id"] for _, attributes, _ in tree.elements if "id" in attributes]


def test_a_page_is_one_balanced_file_that_loads_and_runs_nothing(page):
    tree = Tree(page)
    assert page.startswith("<!DOCTYPE html>\n<html lang=")
    assert page.encode()  # no halves of surrogate pairs
    assert not re.search("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]", page)
    allowed = {"href", "http-equiv", "content"}
    for element, attributes, _ in tree.elements:
        assert element not in {"script", "img", "iframe", "object", "embed", "base", "form"}
        assert not any(key.startswith("on") or key in {"src", "srcset"} for key in attributes)
        for key in allowed & set(attributes):
            assert "//" not in attributes[key]
        if "href" in attributes:
            assert attributes["href"].startswith(("#", "data:,"))
        assert "url(" not in attributes.get("style", "")
    (style,) = tree.text_of("style")
    assert "url(" not in style
    assert "@import" not in style
    assert len(ids(tree)) == len(set(ids(tree)))
    assert {a["href"][1:] for _, a in tree.named("a")} <= set(ids(tree))


def test_people_who_do_not_see_the_page_find_their_way(page):
    tree = Tree(page)
    headings = [int(element[1]) for element, _ in tree.named("h1", "h2", "h3", "h4")]
    assert headings.count(1) == 1
    assert headings[0] == 1
    assert all(after - before <= 1 for before, after in itertools.pairwise(headings))
    assert all(text.strip() for text in tree.text_of("h1", "h2"))
    assert [element for element, _ in tree.named("header", "nav", "main", "footer")] == [
        "header",
        "nav",
        "main",
        "footer",
    ]
    for element, attributes, above in tree.elements:
        if element == "svg" and "svg" not in above:
            assert attributes["role"] == "img"
            assert len(attributes["aria-label"]) > 20
        if element == "th":
            assert attributes["scope"] in {"col", "row"}
        if element in {"table", "pre"}:  # what may be wide scrolls, also by keys
            assert element == "pre" or "div" in above
    tables = tree.named("table")
    assert len(tree.named("caption")) == len(tables) > 0
    boxes = [a for _, a, _ in tree.elements if "smr-scroll" in a.get("class", "")]
    assert len(boxes) == len(tables) + len(tree.named("pre"))
    assert all(box["tabindex"] == "0" and box["aria-label"] for box in boxes)
    labelled = [a["aria-labelledby"] for _, a in tree.named("section")]
    assert set(labelled) <= set(ids(tree))


def test_sections_stand_in_their_order():
    results = make_results("ordinal", unfinished=1)
    results["diagnostics"]["mlp"]["residuals"] = make_results("regression")["diagnostics"]["mlp"][
        "residuals"
    ]
    sections = [a["id"] for _, a in Tree(render_page(results)).named("section")]
    assert sections == [
        "answer",
        "findings",
        "comparison",
        "tests",
        "optimism",
        "calibration",
        "residuals",
        "confusion",
        "stability",
        "importance",
        "profile",
        "timings",
        "versions",
        "reproduce",
    ]


def emptied(results):
    """Take everything away that a report may lack."""
    results = copy.deepcopy(results)
    results |= {"findings": [], "comparisons": [], "diagnostics": {}, "importance": None}
    results |= {"created_with": {}, "timings": {}, "reproduce": {"command": None, "code": ""}}
    results["data"] |= {"columns": [], "target": {}}
    for model in results["models"]:
        model |= {"optimism": None, "optimism_interval": None, "chosen": [], "interval": None}
        model |= {"inner_scores": [], "fit_seconds": None, "n_candidates": None}
    return results


@pytest.mark.parametrize("kind", ["classification", "regression", "ordinal"])
def test_sections_without_data_are_left_out(kind):
    tree = Tree(render_page(emptied(make_results(kind))))
    assert [a["id"] for _, a in tree.named("section")] == ["answer", "comparison"]
    assert "None" not in "".join(tree.text_of("main"))


def test_a_report_without_a_finished_model_lists_what_was_not_finished():
    results = emptied(make_results(n_models=1, unfinished=3))
    del results["models"][0]
    results["models"][0]["why"] = "the budget of 60 s was over"
    tree = Tree(render_page(results))
    (text,) = tree.text_of("main")
    assert "the budget of 60 s was over" in text
    assert tree.named("svg") == []
    assert len(tree.named("table")) == 1
    for left in results["models"]:
        assert left["label"] in text
    assert "about 4\xa0min 7\xa0s" in text


def number(written):
    return float(written.replace("\N{MINUS SIGN}", "-").replace(",", ""))


def stands_in(value, text):
    """Tell whether a text has this number, rounded to the digits that it is written with."""
    for written in re.findall("[+\N{MINUS SIGN}]?\\d[\\d,]*(?:\\.\\d+)?", text):
        decimals = len(written.partition(".")[2])
        if abs(number(written) - value) <= 0.5001 * 10.0**-decimals and (
            decimals or abs(value) > 1
        ):
            return True
    return False


@pytest.mark.parametrize("kind", ["classification", "regression"])
def test_every_number_of_the_models_is_on_the_page(kind):
    results = make_results(kind, seed=7)
    rows = Tree(render_page(results)).text_of("tr")
    for model in results["models"]:
        text = "\n".join(row for row in rows if row.startswith(model["label"]))
        numbers = [model["score"], *model["interval"], model["optimism"]]
        numbers += [*model["optimism_interval"], *model["outer_scores"], *model["inner_scores"]]
        assert [n for n in numbers if not stands_in(n, text)] == []
        assert not stands_in(model["score"] * 1.2 + 0.1, text)
        assert f"{model['n_candidates']}" in text
    for pair in results["comparisons"]:
        text = "\n".join(row for row in rows if pair["sentence"] in row)
        assert all(stands_in(n, text) for n in [pair["difference"], *pair["interval"]])


def test_texts_from_data_are_texts():
    results = make_results("ordinal", names=HOSTILE, classes=HOSTILE[:6], n_columns=12, n_models=6)
    results["answer"] = results["task"]["reason"] = results["reproduce"]["code"] = HOSTILE[3]
    results["findings"][0]["message"] = "".join(HOSTILE[:5])
    plain = make_results("ordinal", classes=list("abcdef"), n_columns=12, n_models=6)
    tree, expected = Tree(render_page(results)), Tree(render_page(plain))
    allowed = {element for element, *_ in expected.elements}
    assert {element for element, *_ in tree.elements} == allowed
    texts = "".join(tree.text_of("html"))
    for name in HOSTILE[:5]:
        assert name in texts
    assert "nul\ufffd and half \ufffd" in texts
    isolated = tree.text_of("bdi")  # whatever the direction of their script is
    assert HOSTILE[8] in isolated
    assert "\ufffdgnp.exe" in isolated  # and not turned around
    assert "(empty)" in isolated


def test_names_are_cut_and_not_left_out():
    results = make_results(n_columns=3, classes=["no", "z" * 5000])
    results["data"]["columns"][0]["name"] = results["task"]["target"] = "x" * 5000
    results["importance"]["features"][0]["name"] = results["models"][0]["label"] = "y" * 5000
    page = render_page(results)
    for letter in "xyz":
        assert letter * 20 in page
        assert letter * 100 not in page


def test_a_page_of_much_stays_small():
    classes = [f"a class with a longer name {i}" for i in range(30)]
    results = make_results("ordinal", n_models=15, n_columns=800, classes=classes, n_splits=10)
    page = render_page(results)
    assert len(page.encode()) < 1.5 * MEGABYTE
    assert "Left out to keep the page small, but in results.json: " in page
    assert "Not shown, but in results.json: 18 of 30 classes." in page
    assert "the first 300 of" in page


def test_a_page_is_the_same_for_the_same_results():
    results = make_results("ordinal")
    before = copy.deepcopy(results)
    assert render_page(results) == render_page(make_results("ordinal"))
    assert results == before
    assert type(render_page(results)) is type(render_fragment(results)) is str


def test_labels_stand_in_the_order_that_was_given():
    tree = Tree(render_page(make_results("ordinal")))
    heads = [text for text in tree.text_of("tr") if text.startswith("true")]
    assert heads
    assert all("low\nmiddle\nhigh\nvery high" in text for text in heads)


@pytest.mark.parametrize(("lower", "side"), [(True, "left"), (False, "right")])
def test_readers_are_told_which_side_is_better(lower, side):
    results = make_results()
    results["evaluation"]["lower_is_better"] = lower
    (text,) = Tree(render_page(results)).text_of("main")
    assert f"{'lower' if lower else 'higher'} is better" in text
    assert f"{side} of the dashed line MLP is better" in text
    assert f"{'higher' if lower else 'lower'} is better" not in text


def test_an_interval_that_does_not_cross_the_line_is_no_test():
    results = make_results("classification", n_models=3)
    first = results["comparisons"][0]
    first |= {"difference": -0.292, "interval": [-0.575, -0.008], "p_value": 0.095}
    (text,) = Tree(render_page(results)).text_of("body")
    text = " ".join(text.split())
    assert "interval is of each pair alone" in text
    assert "where it does not, that is for the p-value to say" in text
    assert "p-values are adjusted for that, intervals are not" in text


def test_the_best_model_decides_how_many_digits_there_are():
    results = make_results("regression", n_models=3)
    for model, width in zip(results["models"], (0.002, 3.0, 4.0), strict=True):
        model |= {"score": 1.23456, "interval": [1.23456 - width, 1.23456 + width]}
    cells = Tree(comparison_table(results)).text_of("td")
    assert cells.count("1.2346") == 3
    results["models"][0]["interval"] = None
    assert Tree(comparison_table(results)).text_of("td").count("1.2") == 3


def test_without_a_baseline_there_is_no_zero_line():
    results = make_results()
    for model in results["models"]:
        model["is_baseline"] = False
    (plot, *_) = re.findall(r"<svg role=.*?</svg>", render_page(results))
    assert plot.count('class="dot') == 5
    assert "reference" not in plot
    assert "bar" not in plot


def test_a_model_that_went_astray_does_not_hide_the_others():
    results = make_results()
    others = [m["label"] for m in results["models"] if m["name"] in {"mlp", "boosting"}]
    results["models"][3] |= {"score": 1.3e6, "interval": [-5e5, 3e6], "outer_scores": [1e6] * 5}
    (plot, *_) = re.findall(r"<svg role=.*?</svg>", render_page(results))
    dots = [float(x) for x in re.findall(r'<circle cx="([\d.]+)%"', plot)]
    assert len(others) == 2
    assert len(dots) == 4  # the one that went astray has an arrow
    assert max(dots) - min(dots) > 50
    assert "\N{BLACK RIGHT-POINTING TRIANGLE}" in plot
    assert "1,300,000" in plot


@pytest.mark.parametrize("value", [0.0, 1e-300, 5e-324, -3.0, 1e12, 1e308, float("inf")])
def test_plots_take_any_number(value):
    results = make_results("regression", n_points=5)
    for model in results["models"]:
        model |= {"score": value, "interval": [value, value], "outer_scores": [value, None]}
        model |= {"optimism": value, "optimism_interval": [None, value]}
    for diagnostics in results["diagnostics"].values():
        residuals = diagnostics["residuals"]
        residuals |= {"predicted": [value, None, 1.0], "residual": [1.0, 2.0, value]}
        residuals["histogram"] = {"edges": [0.0, 0.0, 0.0], "counts": [0, 0]}
    for feature in results["importance"]["features"]:
        feature |= {"mean": value, "sd": None}
    page = render_page(results)
    assert "nan" not in re.sub(r"[a-z-]*nan[a-z-]+", "", page)
    places = re.findall(r'(?:cx|x|x1|x2|width)="(-?[\d.e+-]+)%"', page)
    assert places
    assert all(0 <= float(place) <= 100 for place in places)


def test_a_fragment_keeps_its_styles_to_itself():
    results = make_results(names=HOSTILE)
    fragment = render_fragment(results)
    tree = Tree(fragment)
    assert ids(tree) == []  # several may stand in one notebook
    assert tree.named("h1", "h2", "h3") == []
    (style,) = tree.text_of("style")
    selectors = re.findall(r"([^{}]+)\{", re.sub(r"@media[^{]+\{", "", style))
    parts = [part.strip() for selector in selectors for part in selector.split(",")]
    assert parts
    assert all(re.search(r"(^|\s)\.smr( |$)", part) for part in parts)
    text = "".join(tree.text_of("div"))
    assert results["answer"] in text
    assert results["findings"][0]["message"] in text
    assert len(tree.named("svg")) == len(tree.named("table")) == 1
    assert len(fragment) < 50_000


def test_the_footer_names_the_version_that_made_the_page():
    made_with = versions()
    page = render_page(make_results() | {"created_with": made_with})
    assert f"Made by sklearn_modern {made_with['sklearn-modern']}. " in page
