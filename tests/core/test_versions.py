"""What the package says of itself, at a prompt."""

from email.message import Message
from importlib import metadata

import torch

import sklearn_modern
from sklearn_modern._core.versions import page_of_estimator
from sklearn_modern.device import available_devices
from sklearn_modern.ensemble import GradientBoostingClassifier


def test_show_versions(capsys):
    sklearn_modern.show_versions()
    said = dict(line.split(": ", 1) for line in capsys.readouterr().out.splitlines())
    assert said["sklearn-modern"] == sklearn_modern.__version__
    assert said["torch"] == torch.__version__
    assert said["devices"].split(", ") == available_devices()


def test_dir_shows_what_users_need():
    shown = [name for name in dir(sklearn_modern) if not name.startswith("__")]
    assert shown == sklearn_modern.__all__


def test_diagrams_lead_to_our_pages_once_their_address_is_declared(monkeypatch):
    declared = Message()
    declared["Project-URL"] = "Documentation, https://docs.example.org/"
    monkeypatch.setattr(metadata, "metadata", lambda name: declared)
    page_of_estimator.cache_clear()
    try:
        link = "https://docs.example.org/generated/sklearn_modern.ensemble"
        link += ".GradientBoostingClassifier.html"
        assert f'href="{link}"' in GradientBoostingClassifier()._repr_html_()
    finally:
        page_of_estimator.cache_clear()
    monkeypatch.undo()
    assert GradientBoostingClassifier()._get_doc_link() == ""
    page_of_estimator.cache_clear()
