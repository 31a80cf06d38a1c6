"""What the package says of itself, at a prompt."""

import torch

import sklearn_modern
from sklearn_modern.device import available_devices


def test_show_versions(capsys):
    sklearn_modern.show_versions()
    said = dict(line.split(": ", 1) for line in capsys.readouterr().out.splitlines())
    assert said["sklearn-modern"] == sklearn_modern.__version__
    assert said["torch"] == torch.__version__
    assert said["devices"].split(", ") == available_devices()


def test_dir_shows_what_users_need():
    shown = [name for name in dir(sklearn_modern) if not name.startswith("__")]
    assert shown == sklearn_modern.__all__
