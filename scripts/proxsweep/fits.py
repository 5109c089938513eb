"""Reading a study's table of fits (`fits.csv`): what was swept, which rows are full fits, in what order."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pandas as pd

TEXT = ("study", "family", "difference", "replicate", "fold", "resample", "status", "start", "path")


def read(path: str | Path) -> pd.DataFrame:
    """Read `fits.csv` (or `status.csv`); labels stay text."""
    return pd.read_csv(path, dtype=dict.fromkeys(TEXT, "str"), keep_default_na=False, na_values=[""])


def sweep_columns(fits: pd.DataFrame) -> list[str]:
    """Names of the swept parameters: the columns between ``family`` and ``fold``, in the table's order."""
    columns = list(fits.columns)
    return columns[columns.index("family") + 1 : columns.index("fold")]


def full(fits: pd.DataFrame) -> pd.DataFrame:
    """Fits to all of a replicate's variants."""
    return fits[_whole(fits, "fold") & _whole(fits, "resample")]


def folds(fits: pd.DataFrame) -> pd.DataFrame:
    """Fits to all but one fold of a replicate's variants."""
    return fits[~_whole(fits, "fold")]


def resamples(fits: pd.DataFrame) -> pd.DataFrame:
    """Fits to resamples of a replicate's variants."""
    return fits[~_whole(fits, "resample")]


def _whole(fits: pd.DataFrame, name: str) -> pd.Series:
    """Which fits are not to a part of that kind; a table as written in memory has '' for none."""
    found = fits[name] if name in fits else pd.Series(index=fits.index, dtype=object)
    return found.isna() | (found.astype(str) == "")


def usable(fits: pd.DataFrame) -> pd.Series:
    """Fits whose numbers mean something: those that diverged wrote the last finite ones, wherever these were."""
    return fits["status"] != "diverged"


def natural(label: Any) -> tuple[int, float, str]:
    """Key that sorts labels as people do: numbers by size, before texts by letter."""
    try:
        return 0, float(label), str(label)
    except (TypeError, ValueError):
        return 1, 0.0, str(label)


def ordered(labels: Iterable[Any]) -> list[Any]:
    """The distinct labels in natural order."""
    return sorted(pd.unique(pd.Series(list(labels), dtype=object)), key=natural)


def in_order(table: pd.DataFrame, settings: list[str]) -> pd.DataFrame:
    """Sort rows by study and settings, ``lasso`` and then ``replicate`` last; ties stay as they are.

    These two stand in natural order, other settings in their order of appearance (that of the config).
    """
    last = ("lasso", "replicate")
    by = ["study", *sorted(settings, key=lambda name: last.index(name) if name in last else -1)]
    labels = {name: ordered(table[name]) if name in last else list(table[name].unique()) for name in by}
    places = {name: {label: k for k, label in enumerate(found)} for name, found in labels.items()}
    ranked = table.sort_values(by, key=lambda column: column.map(places[column.name]), kind="stable")
    return ranked.reset_index(drop=True)
