"""Optional libraries: imported, or explained."""

import pytest

from sklearn_modern._core.optional import import_optional


def test_an_installed_library_is_returned():
    import scipy.sparse

    assert import_optional("scipy.sparse", extra="search", feature="This test") is scipy.sparse


def test_a_missing_library_is_explained():
    message = (
        "OptunaSearchCV needs no_such_library, which is not installed. "
        'Install it with: python -m pip install "sklearn-modern[search]"'
    )
    with pytest.raises(ModuleNotFoundError) as caught:
        import_optional("no_such_library.part", extra="search", feature="OptunaSearchCV")
    assert str(caught.value) == message
    assert caught.value.name == "no_such_library"


def test_a_broken_library_raises_its_own_error(tmp_path, monkeypatch):
    (tmp_path / "broken_library.py").write_text("import no_such_dependency\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ModuleNotFoundError, match="No module named 'no_such_dependency'"):
        import_optional("broken_library", extra="search", feature="This test")
