"""Scripts leave their figures where there is no display."""

import sys

import matplotlib.pyplot as plt
import pytest

from sklearn_modern.utils.figures import show_figures


@pytest.mark.parametrize(
    ("n_figures", "names"), [(0, []), (1, ["losses.png"]), (2, ["losses_1.png", "losses_2.png"])]
)
def test_figures_are_saved_without_a_display(n_figures, names, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    plt.close("all")
    for _ in range(n_figures):
        plt.figure(figsize=(1, 1))
    show_figures("losses")
    assert capsys.readouterr().out.split("\n")[:-1] == [f"figure: {tmp_path / n}" for n in names]
    assert all((tmp_path / name).stat().st_size for name in names)
    assert plt.get_fignums() == []


@pytest.mark.parametrize("module", [None, "sphinx_gallery"])
def test_displays_and_galleries_show_figures(module, tmp_path, monkeypatch):
    shown = []
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(plt, "show", lambda: shown.append(plt.get_fignums()))
    if module is None:
        monkeypatch.setattr(plt, "get_backend", lambda: "QtAgg")
    else:
        monkeypatch.setitem(sys.modules, module, sys)
    figure = plt.figure(figsize=(1, 1))
    show_figures("losses")
    assert shown == [[figure.number]]
    assert list(tmp_path.iterdir()) == []
    plt.close(figure)
