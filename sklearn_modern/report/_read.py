"""Read the table of a command line."""

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sklearn_modern._core.optional import import_optional

__all__ = ["File", "bundled", "read_file"]

# Cells that are missing. pandas takes more: "NA" and "None" may be names of something.
_MISSING = ["", "#N/A", "#NA", "<NA>", "NULL", "NaN", "nan", "null"]
# These are missing among numbers, and texts among texts.
_WORDS = ["N/A", "NA", "None", "n/a"]
_OPTIONS = {"keep_default_na": False, "na_values": _MISSING, "low_memory": False}

_LIKE_NUMBER = re.compile(
    r"\s*[-+]?[$€£]?\s*(\d{1,3}([,' .]\d{3})+([.,]\d+)?|\d+([.,]\d+)?([eE][-+]?\d+)?)\s*[%$€£]?\s*"
)
_MOST = 0.9


@dataclass(frozen=True)
class File:
    """What was read of a file.

    Parameters
    ----------
    table : DataFrame
        The table.
    load : str
        Python code that reads it.
    notes : dict of str to str, default={}
        By column, what is odd in how its cells are read.
    """

    table: Any
    load: str
    notes: dict[str, str] = field(default_factory=dict)


def read_file(path: str, categories: Sequence[str] = ()) -> File:
    """Read a CSV or Parquet file.

    Parameters
    ----------
    path : str
        The file.
    categories : sequence of str, default=()
        Columns whose cells are names, also where they look like numbers.
    """
    pandas = import_optional("pandas", extra="report", feature="A report")
    file = Path(path)
    if not file.is_file():
        what = "is a folder" if file.is_dir() else "is not there"
        raise ValueError(f"{path} {what}; give the path of a CSV or Parquet file.")
    if file.suffix.lower() in (".parquet", ".pq"):
        import_optional("pyarrow", extra="report", feature="Parquet")
        try:
            # On a command line all names are text; those of Parquet may be numbers.
            table = pandas.read_parquet(file).rename(columns=str)
        except (ValueError, OSError) as error:
            raise ValueError(f"{path} cannot be read as Parquet: {_first_line(error)}") from None
        return File(table, f"data = pandas.read_parquet({path!r}).rename(columns=str)")
    return _read_csv(pandas, path, file, categories)


def _read_csv(pandas, path, file, categories):
    """Read a CSV file."""
    try:
        padded = _check_lines(file)
        options = _OPTIONS | ({"dtype": dict.fromkeys(categories, "str")} if categories else {})
        table = pandas.read_csv(file, encoding="utf-8-sig", **options)
    except UnicodeDecodeError as error:
        raise ValueError(
            f"{path} is not UTF-8 (byte {error.start} of it); save it as CSV UTF-8."
        ) from None
    except (csv.Error, pandas.errors.ParserError) as error:
        raise ValueError(f"{path} cannot be read as CSV: {_first_line(error)}") from None
    if table.shape[1] == 1 and (";" in table.columns[0] or "\t" in table.columns[0]):
        raise ValueError(f"{path} has one column only; columns must be separated by commas.")
    if len(table) == 0:
        raise ValueError(f"{path} has names of columns, but no rows.")
    gaps = _words_for_gaps(pandas, table.drop(columns=categories, errors="ignore"))
    for name in gaps:
        table[name] = pandas.to_numeric(table[name].mask(table[name].isin(_WORDS)))
    arguments = "".join(f", {name}={value!r}" for name, value in options.items())
    load = f"data = pandas.read_csv({path!r}{arguments})"
    if gaps:
        known = f"data[name].mask(data[name].isin({_WORDS!r}))"
        load += f"\nfor name in {gaps!r}:\n    data[name] = pandas.to_numeric({known})"
    padded = [table.columns[i] for i in padded]
    return File(table, load, _notes(pandas, table, padded, categories))


def _words_for_gaps(pandas, table):
    """Return the columns that are numbers but for words that stand for a missing value."""
    found = []
    for name in table.columns:
        words = table[name].isin(_WORDS)
        if words.any():
            numbers = pandas.to_numeric(table[name].mask(words), errors="coerce")
            if numbers.notna().eq(table[name].notna() & ~words).all():
                found.append(name)
    return found


def _notes(pandas, table, padded, categories):
    """Say by column which cells may mean something else than what they are read as."""
    notes = {}
    for name in table.columns:
        column = table[name]
        if pandas.api.types.is_numeric_dtype(column.dtype):
            if name in padded:
                notes[name] = (
                    f"Column {name!r} has leading zeros, which are lost, as it is taken as "
                    "numbers. If it has codes rather than numbers, make it a category "
                    f"(--categorical {name})."
                )
            continue
        texts = column.dropna().astype(str)
        like = texts[texts.map(lambda text: _LIKE_NUMBER.fullmatch(text) is not None)]
        words = texts[texts.isin(_WORDS)]
        odd = texts[pandas.to_numeric(texts, errors="coerce").isna()]
        if name not in categories and len(odd) and len(like) >= _MOST * len(texts):
            notes[name] = (
                f"Column {name!r} is taken as text, but nearly all of it reads like numbers. "
                f"What is no plain number, such as {odd.iloc[0]!r}, is to be written as 1037.5 "
                "is, or left empty where it is missing."
            )
        elif len(words):
            notes[name] = (
                f"Column {name!r} has the text {words.iloc[0]!r} (rows: {len(words)}), which is "
                "taken as any other text. If it means a missing value, leave the cell empty."
            )
    return notes


def bundled() -> tuple[Any, str]:
    """Return scikit-learn's diabetes data as a table, and the name of the target."""
    from sklearn.datasets import load_diabetes

    table = load_diabetes(as_frame=True, scaled=False).frame
    table["sex"] = table["sex"].map({1.0: "one", 2.0: "two"}).astype("category")
    return table, "target"


def _check_lines(file):
    """Refuse rows that differ in length, and names that occur twice, which pandas would mend.

    Returns the positions of columns with leading zeros, which pandas drops.
    """
    padded: set[int] = set()
    with file.open(encoding="utf-8-sig", newline="") as text:
        reader = csv.reader(text)
        names = next(reader, [])
        if not names:
            raise ValueError(f"{file} is empty; it must have a line of names, and rows.")
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(
                f"{file} has several columns called {twice[0]!r}; give each a name of its own."
            )
        for row in reader:
            if row and len(row) != len(names):
                raise ValueError(
                    f"{file} is ragged: line {reader.line_num} has {len(row)} cells, and the first "
                    f"line {len(names)}. Mend that line; text with commas belongs into quotes."
                )
            padded.update(i for i, one in enumerate(row) if one[:1] == "0" and one[1:].isdigit())
    return sorted(padded)


def _first_line(error):
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[0].rstrip(".") + "."
