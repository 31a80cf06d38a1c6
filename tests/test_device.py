"""Names of devices, and which one a fit takes."""

import subprocess
import sys

import pytest
import torch

from sklearn_modern import device as device_module
from sklearn_modern.device import available_devices, resolve_device


@pytest.fixture(autouse=True)
def no_environment_variable(monkeypatch):
    monkeypatch.delenv("SKLEARN_MODERN_DEVICE", raising=False)


@pytest.fixture
def two_gpus(monkeypatch):
    """A machine that seems to have two CUDA devices."""
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)


@pytest.fixture
def only_cpu(monkeypatch):
    """A machine that seems to have no accelerator."""
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)


@pytest.fixture
def apple(monkeypatch):
    """A machine that seems to have Apple's accelerator."""
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)


def test_available(two_gpus):
    assert available_devices() == ["cpu", "cuda:0", "cuda:1"]


def test_apple(apple):
    assert available_devices() == ["cpu", "mps"]
    assert resolve_device("mps") == resolve_device("auto") == "mps"
    with pytest.raises(ValueError, match=r"device='cuda' is not available here.*'cpu', 'mps'"):
        resolve_device("cuda")


@pytest.mark.parametrize(
    ("spelled", "canonical"),
    [
        ("cpu", "cpu"),
        ("cuda", "cuda:0"),
        ("cuda:1", "cuda:1"),
        ("auto", "cuda:0"),
        (torch.device("cpu"), "cpu"),
        (torch.device("cpu", 0), "cpu"),
        (torch.device("cuda"), "cuda:0"),
        (torch.device("cuda:1"), "cuda:1"),
    ],
)
def test_canonical_names(two_gpus, spelled, canonical):
    assert resolve_device(spelled) == canonical


@pytest.mark.parametrize("absent", ["cuda", "cuda:0", "mps", torch.device("cuda:3")])
def test_a_device_that_is_not_there_raises_and_lists_what_is(only_cpu, absent):
    with pytest.raises(ValueError, match=r"not available here; there is \['cpu'\]"):
        resolve_device(absent)


@pytest.mark.parametrize(
    ("built_for", "reason"), [(None, "for CPUs only"), ("12.8", "no GPU or no driver")]
)
def test_a_build_for_cpus_is_told_from_an_absent_driver(only_cpu, monkeypatch, built_for, reason):
    monkeypatch.setattr(torch.version, "cuda", built_for)
    monkeypatch.setattr(torch.version, "hip", None)
    with pytest.raises(ValueError, match=rf"there is \['cpu'\]\. .*{reason}"):
        resolve_device("cuda")
    with pytest.raises(ValueError, match=r"there is \['cpu'\]\.$"):
        resolve_device("mps")


def test_a_number_beyond_the_last_raises(two_gpus):
    with pytest.raises(ValueError, match=r"'cuda:2' is not available.*'cuda:0', 'cuda:1'"):
        resolve_device("cuda:2")


@pytest.mark.parametrize("wrong", ["gpu", "CUDA", "cuda:", "cuda:-1", "cuda:x", "cpu:1", "", 0])
def test_an_unknown_name_raises_and_lists_the_forms(wrong):
    with pytest.raises(ValueError, match=r'"auto", "cpu", "cuda", "cuda:N", "mps"'):
        resolve_device(wrong)


def test_auto_weighs_the_cost(two_gpus):
    assert resolve_device("auto", cost=device_module.AUTO_THRESHOLD * 0.9) == "cpu"
    assert resolve_device("auto", cost=device_module.AUTO_THRESHOLD * 1.1) == "cuda:0"
    assert resolve_device("cuda", cost=1.0) == "cuda:0"


def test_auto_without_an_accelerator(only_cpu):
    assert resolve_device("auto") == resolve_device("auto", cost=1e20) == "cpu"


def test_the_environment_variable_replaces_only_auto(two_gpus, monkeypatch):
    monkeypatch.setenv("SKLEARN_MODERN_DEVICE", "cuda:1")
    assert resolve_device("auto", cost=0.0) == "cuda:1"
    assert resolve_device("cpu") == "cpu"
    monkeypatch.setenv("SKLEARN_MODERN_DEVICE", "auto")
    assert resolve_device("auto", cost=0.0) == "cpu"


@pytest.mark.parametrize("value", ["cuda", "gpu"])
def test_a_wrong_environment_variable_is_named(only_cpu, monkeypatch, value):
    monkeypatch.setenv("SKLEARN_MODERN_DEVICE", value)
    with pytest.raises(ValueError, match=f"SKLEARN_MODERN_DEVICE='{value}'"):
        resolve_device()


def test_a_small_fit_resolves_without_torch():
    code = (
        "import sys; from sklearn_modern.device import resolve_device; "
        "assert resolve_device('auto', cost=1e6) == resolve_device('cpu') == 'cpu'; "
        "assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
