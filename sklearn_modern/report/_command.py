"""The command line of the report."""

import argparse
import sys
import warnings
from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from sklearn.metrics import get_scorer_names

from sklearn_modern.metrics._scorers import SCORERS
from sklearn_modern.report._baselines import Settings, make_report
from sklearn_modern.report._files import Folder
from sklearn_modern.report._read import bundled, read_file
from sklearn_modern.report._source import Source
from sklearn_modern.report._tasks import TASKS

__all__ = ["main"]

_BAD_INPUT, _LEAKS, _INTERRUPTED = 2, 3, 130
_TOLD = (ValueError, TypeError, OSError, ModuleNotFoundError, LookupError, RuntimeError)


def main(words: Sequence[str] | None = None) -> int:
    """Run the command line, and return its exit code.

    Parameters
    ----------
    words : sequence of str or None, default=None
        The words after the name of the program; None takes them from the system.
    """
    words = list(sys.argv[1:] if words is None else words)
    options = _parser().parse_args(words)
    try:
        return _report(options, words)
    except KeyboardInterrupt:
        again = "; the same command goes on from the checkpoint" if options.checkpoint else ""
        print(f"interrupted: nothing was written{again}", file=sys.stderr)
        return _INTERRUPTED
    except _TOLD as error:
        print(f"error: {_in_one_line(error)}", file=sys.stderr)
        return _BAD_INPUT


def _report(options, words):
    _check(options)
    table, source, target, notes = _data(options, words)
    X, y, groups = _parts(table, target, options)
    settings = Settings(
        task="ordinal" if options.levels and options.task == "auto" else options.task,
        models=",".join(_names(options.models)),
        outer_cv=options.outer,
        inner_cv=options.inner,
        scoring=options.scoring,
        time_budget=options.time_budget,
        n_jobs=options.n_jobs,
        device=options.device,
        checkpoint=options.checkpoint,
    )
    for text in notes.values():
        print(f"! {text}", file=sys.stderr)
    with Folder(options.out) as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what matters is among the findings
        report = make_report(
            X,
            y,
            settings,
            source,
            groups=groups,
            warn=lambda text: print(f"! {text}", file=sys.stderr),
        )
        _add(notes, report)
        page = folder.write(report)
    print(f"\n{report}\n\nThe page is {page.resolve()}")
    if report.results["reproduce"]["model"] is None:
        print("interrupted: the report is written without the fitted model", file=sys.stderr)
    leaks = [one for one in report.results["findings"] if one["severity"] == "leak"]
    if options.strict and leaks:
        print(f"--strict was given, and leaks found: {len(leaks)}.", file=sys.stderr)
        return _LEAKS
    return 0


def _check(options):
    """Refuse what can be seen to be wrong before the table is read."""
    if options.n_jobs == 0:
        raise ValueError("--n-jobs is 0; 1 is one process, and -1 one for each core.")
    if not _names(options.models):
        raise ValueError("--models is empty; give fast, default, all, or names with commas.")
    for what, path in (("DATA", options.data), ("--checkpoint", options.checkpoint)):
        if path is not None and Folder(options.out).replaces(path):
            raise ValueError(
                f"{what} is {path}, which the report would replace by a file of its own; give "
                "another folder by --out, or move the file."
            )
    known = {*get_scorer_names(), *SCORERS}
    if options.scoring is not None and options.scoring not in known:
        hint = _meant(options.scoring, sorted(known)) or "such as r2, accuracy or neg_log_loss."
        raise ValueError(f"--scoring names {options.scoring!r}, which is no scorer; {hint}")


def _add(notes, report):
    """Add what is odd in columns of the file to the findings of a report."""
    report.findings.extend(notes.values())
    report.results["findings"].extend(
        {
            "kind": "column",
            "severity": "warning",
            "columns": [name],
            "message": text,
            "evidence": {},
        }
        for name, text in notes.items()
    )


def _data(options, words):
    """Read the table, and say where it comes from and what is odd in its columns."""
    dropped, notes = list(options.drop), {}
    if options.data is None:
        table, target = bundled()
        print("No DATA was given: this is scikit-learn's diabetes data, disease progression.")
        load = _LOAD_BUNDLED
        name = "diabetes, bundled with scikit-learn"
        if options.target not in (None, target):
            raise ValueError(f"Without DATA the target is {target!r}; leave --target out.")
    else:
        if options.target is None:
            raise ValueError("--target COLUMN is missing: name the column that is to be predicted.")
        file, target = read_file(options.data, options.categorical), options.target
        table, load, name = file.table, file.load, Path(options.data).name
        notes = {one: text for one, text in file.notes.items() if one not in dropped}
    for option, names in (
        ("--target", [target]),
        ("--drop", options.drop),
        ("--categorical", options.categorical),
        ("--groups", [options.groups] if options.groups else []),
    ):
        for one in names:
            _check_column(table, option, one)
    return table, Source(name, _load(load, target, options), words, dropped), target, notes


def _check_column(table, option, name):
    known = [str(one) for one in table.columns]
    if name in known:
        return
    hint = _meant(name, known) or f"there are {', '.join(known[:20])}."
    raise ValueError(f"{option} names {name!r}, which is no column; {hint}")


def _meant(name, known):
    meant = get_close_matches(name, known, n=1)
    return f"did you mean {meant[0]!r}?" if meant else None


def _parts(table, target, options):
    """Divide the table into X, y and groups."""
    if target in options.drop or target == options.groups:
        raise ValueError(f"The target {target!r} cannot be dropped, or be the groups.")
    for one in options.categorical:
        if one in (target, options.groups, *options.drop):
            raise ValueError(
                f"--categorical names {one!r}, which is no column that models are fitted to: it is "
                "the target, the groups, or dropped."
            )
    y = table[target]
    if options.levels:
        import pandas

        levels = options.levels
        unknown = sorted(set(y.dropna().astype(str)) - set(levels))
        if unknown:
            raise ValueError(f"--levels lacks {unknown[0]!r}, which the target {target!r} has.")
        y = pandas.Series(pandas.Categorical(y.astype(str).where(y.notna()), levels, ordered=True))
        y.name = target
    groups = None if options.groups is None else table[options.groups]
    if groups is not None and (missing := int(groups.isna().sum())):
        raise ValueError(
            f"The groups {options.groups!r} are missing in {missing} of {len(groups)} rows; leave "
            "these rows out, or give each a group of its own."
        )
    X = table.drop(columns=[target, *options.drop, *([options.groups] if options.groups else [])])
    return X.astype(dict.fromkeys(options.categorical, "category")), y, groups


_LOAD_BUNDLED = """from sklearn.datasets import load_diabetes

data = load_diabetes(as_frame=True, scaled=False).frame
data["sex"] = data["sex"].map({1.0: "one", 2.0: "two"}).astype("category")
"""


def _load(load, target, options):
    """Return the code that makes X, y and groups."""
    taken = [target, *options.drop, *([options.groups] if options.groups else [])]
    lines = [load.rstrip("\n"), f"y, X = data[{target!r}], data.drop(columns={taken!r})"]
    if options.levels:
        levels = f"pandas.Categorical(y.astype(str), {options.levels!r}, ordered=True)"
        lines.append(f"y = pandas.Series({levels}, name={target!r})")
    if options.groups:
        lines.append(f"groups = data[{options.groups!r}]")
    if options.categorical:
        lines.append(f"X = X.astype(dict.fromkeys({options.categorical!r}, 'category'))")
    text = "\n".join(lines)
    return f"import pandas\n\n{text}" if "pandas." in text else text


def _parser():
    parser = argparse.ArgumentParser(
        prog="sklearn-modern", description="Modern machine learning as scikit-learn estimators."
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="report")
    report = commands.add_parser(
        "report",
        help="compare tuned baselines on a table",
        description="Compare tuned baselines on a table, and write a page about it. Without DATA "
        "it runs on a set that scikit-learn bundles.",
    )
    add = report.add_argument
    add("data", nargs="?", metavar="DATA", help="a CSV or Parquet file")
    add("--target", metavar="COLUMN", help="the column that is to be predicted")
    add("--task", choices=TASKS, default="auto", help="what the target is")
    add("--levels", type=_names, default=[], metavar="LOW,...,HIGH", help="levels of the target")
    add("--models", default="default", help="fast, default, all, or names with commas")
    add("--outer", type=int, default=5, metavar="FOLDS", help="outer folds (5)")
    add("--inner", type=int, default=3, metavar="FOLDS", help="inner folds (3)")
    add("--scoring", help="the name of a scorer")
    add("--groups", metavar="COLUMN", help="rows with the same value stay together")
    add("--drop", type=_names, default=[], metavar="COLUMN,...", help="columns to leave out")
    add(
        "--categorical",
        type=_names,
        default=[],
        metavar="COLUMN,...",
        help="numbers that are names",
    )
    add("--time-budget", type=float, metavar="MINUTES", help="how long it may take")
    add("--device", default="auto", help="where networks and boosters are trained")
    add("--n-jobs", type=int, metavar="N", help="number of processes")
    add("--checkpoint", metavar="FILE", help="records each fit; the same command goes on from it")
    add("--out", default="report", metavar="FOLDER", help="where to write (report)")
    add("--strict", action="store_true", help="exit with code 3 if there are leaks")
    return parser


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


def _in_one_line(error: Any) -> str:
    if isinstance(error, OSError) and error.strerror:
        return " ".join(error.strerror.split())
    text = " ".join(str(error).split())
    # Of a key that is missing, the text is the key alone.
    return f"{type(error).__name__}: {text}" if isinstance(error, KeyError) else text
