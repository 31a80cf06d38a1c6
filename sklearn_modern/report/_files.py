"""The folder of a report: everything is written beside its place, then moved there."""

import json
import os
import shutil
import tempfile
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from time import perf_counter
from typing import Any

import joblib

from sklearn_modern._core.warning import warn_user

__all__ = ["Folder"]

# The page comes last: when it is new, so is what it speaks of.
_OURS = ("model.skops", "model.joblib", "predictions.csv", "results.json", "index.html")
# Code that reads a model.
_LOADING = {
    "model.skops": """from skops.io import get_untrusted_types, load

names = get_untrusted_types(file="model.skops")  # what it is made of, besides scikit-learn
model = load("model.skops", trusted=names)  # look at the names before
""",
    "model.joblib": """import joblib

model = joblib.load("model.joblib")  # runs code of the file: trust where it comes from
""",
}
# With these, a spreadsheet takes a text for a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


class Folder:
    """A folder with a report that appears when it is complete, and not at all otherwise.

    Parameters
    ----------
    path : path-like
        Where it is to be. In a folder that is there, the files of a report are replaced, and all
        others are left alone. Files of the same names that are no report are refused.
    """

    def __init__(self, path: str | os.PathLike) -> None:
        # Of the place that a link leads to, now: later the working directory may be another one.
        self.path = Path(path).resolve()

    def __enter__(self) -> "Folder":
        path = self.path
        if path.exists() and not path.is_dir():
            raise FileExistsError(f"{path} is a file; give another folder.")
        theirs = [name for name in _OURS if os.path.lexists(path / name)]
        if theirs and not _is_report(path):
            raise FileExistsError(
                f"{path} has files that are no report, and would be replaced: "
                f"{', '.join(theirs)}; give another folder."
            )
        # In a folder that is there, or it would take the right to write to its parent.
        parent = path if path.is_dir() else path.parent
        try:
            parent.mkdir(parents=True, exist_ok=True)
            self._beside = Path(tempfile.mkdtemp(prefix=".report-", dir=parent))
        except OSError as error:
            raise type(error)(
                error.errno, f"A report cannot be written to {parent}: {error.strerror}"
            ) from error
        return self

    def __exit__(self, *error: Any) -> None:
        shutil.rmtree(self._beside, ignore_errors=True)

    def replaces(self, path: str | os.PathLike) -> bool:
        """Tell whether a file would be replaced by one of the report, or a link to it would."""
        file = Path(path)
        places = {file.resolve(), file.parent.resolve() / file.name}
        return not places.isdisjoint(self.path / name for name in _OURS)

    def write(self, report: Any, model: Any = None) -> Path:
        """Write everything, move it to its place, and return the page.

        After Ctrl-C during the fit of the model everything else is written.

        Parameters
        ----------
        report : TabularReport
            The report.
        model : estimator or None, default=None
            The model to store; None is the best one, which is fitted to all rows.
        """
        folder = self._beside
        self._store_model(report, model)
        page = report.to_html()
        (folder / "index.html").write_text(page, encoding="utf-8")
        text = json.dumps(report.results, indent=1, allow_nan=False, ensure_ascii=False)
        (folder / "results.json").write_text(text + "\n", encoding="utf-8")
        _safe(report.predictions()).to_csv(folder / "predictions.csv", index=False)
        self._move()
        return self.path / "index.html"

    def _store_model(self, report, model):
        """Store the model, and tell in the results how to read it and how long it took."""
        results, began, name = report.results, perf_counter(), None
        try:
            name = _store(report.final_estimator() if model is None else model, self._beside)
        except KeyboardInterrupt:
            for half in _LOADING:
                (self._beside / half).unlink(missing_ok=True)
            warn_user(
                "The work was interrupted while the best model was fitted to all rows. The report "
                "is written without it; final_estimator() fits it."
            )
        seconds, timings = perf_counter() - began, results["timings"]
        others = timings["total_seconds"] - timings.get("model_seconds", 0.0)
        timings["model_seconds"] = round(seconds, 3)
        timings["total_seconds"] = round(others + seconds, 3)
        results["reproduce"]["model"] = None if name is None else _LOADING[name]

    def _move(self):
        """Move what is written to its place, file by file where there may be other files."""
        folder = self._beside
        if not self.path.exists():
            folder.chmod(0o777 & ~_umask())
            folder.rename(self.path)
            return
        for name in _OURS:
            if (folder / name).exists():
                (folder / name).replace(self.path / name)
            else:  # a model of the report before, which this one does not speak of
                (self.path / name).unlink(missing_ok=True)


def _is_report(folder):
    """Tell whether a report lies in a folder, and nothing else has the names of its files."""
    if any((folder / name).is_dir() for name in _OURS) or not (folder / "index.html").is_file():
        return False
    try:
        results = json.loads((folder / "results.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(results, dict) and "schema_version" in results


def _store(model, folder):
    """Store a model by skops, which runs no code when it is read, or else by joblib.

    Returns the name of the file.
    """
    if find_spec("skops") is not None:
        skops, path = import_module("skops.io"), folder / "model.skops"
        try:
            skops.dump(model, path)
            skops.load(path, trusted=skops.get_untrusted_types(file=path))
            return path.name
        except Exception:  # it has something that skops does not know, or writes and cannot read
            path.unlink(missing_ok=True)
    joblib.dump(model, folder / "model.joblib")
    return "model.joblib"


def _safe(table):
    """Return the table without texts that a spreadsheet would run."""
    table = table.rename(columns=_quoted)
    for name in table.columns:
        if table[name].dtype.kind not in "biufc":
            table[name] = table[name].map(_quoted)
    return table


def _quoted(value):
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value


def _umask():
    mask = os.umask(0)
    os.umask(mask)
    return mask
