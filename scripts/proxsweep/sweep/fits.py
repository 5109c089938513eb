"""Reading a study's table of fits (`fits.csv`): what was swept, which rows are full fits, in what order."""

from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from proxsweep.io import reading
from proxsweep.io.errors import UserError
from proxsweep.io.names import natural
from proxsweep.optimize.status import Status
from proxsweep.sweep.study import Roles

LABELS = ("difference", "replicate")  # swept parameters whose values are names, also where these look like numbers
TEXT = ("study", "family", *LABELS, "fold", "resample", "status", "start", "path", "row")
EXPECTED = "the table of a study's fits"
NEEDED = ("study", "family", "fold", "resample", "status", "path")


def read(path: str | Path, needed: Sequence[str] = ()) -> pd.DataFrame:
    """Read `fits.csv` (or `status.csv`); labels stay text.

    Raises
    ------
    UserError
        For a file that is no table, or lacks a column ``needed`` or has no numbers where they belong.
    """
    return reading.table(path, TEXT, needed, EXPECTED)


def finished(path: str | Path, roles: Roles) -> pd.DataFrame:
    """Read the whole `fits.csv` of a study, after a look at what may have been edited.

    Raises
    ------
    UserError
        As :func:`read`, and for a fit without study, path or one of the parameters that come first in it, a strength
        below 0, an unknown status, or a path that stands twice.
    """
    named = [name for name in roles.order if name != roles.strength]
    table = reading.table(path, (*TEXT, *named), [*NEEDED, *roles.order], EXPECTED)
    columns = list(table.columns)
    if columns.index("family") > columns.index("fold"):
        # message: A spreadsheet or script moved columns of `fits.csv`. | Make it again.
        raise UserError(str(path), "columns in another order", EXPECTED)
    wrong = {
        "study": table["study"].isna(),
        "path": table["path"].isna() | table["path"].duplicated(),
        **{name: table[name].isna() for name in reversed(named)},
        **({roles.strength: ~(table[roles.strength].astype(float) >= 0)} if roles.strength else {}),
        "status": ~table["status"].isin(list(Status)),
    }
    for name, rows in wrong.items():
        if rows.any():
            row = int(rows.to_numpy().argmax())
            # message: nan (place: a row and column of `fits.csv`) | the table of a study's fits | A cell was emptied,
            # or a path stands twice. | Make it again.
            raise UserError(f"{path}, row {row + 2}, column {name!r}", f"{table[name].iloc[row]!r}", EXPECTED)
    return table


def sweep_columns(table: pd.DataFrame, before: str = "fold", without: Collection[str | None] = ()) -> list[str]:
    """Names of the swept parameters: a table's columns between ``study`` (and ``family``) and its first result.

    Parameters
    ----------
    table
        The table of fits, or a summary's table.
    before
        The first column that is no setting.
    without
        Names of swept parameters that are left out.

    Raises
    ------
    ValueError
        If the table has no column ``before``.
    """
    columns = list(table.columns)
    return [name for name in columns[: columns.index(before)] if name not in ("study", "family", *without)]


def full(fits: pd.DataFrame) -> pd.DataFrame:
    """Fits to all observations of a replicate."""
    return fits[_whole(fits, "fold") & _whole(fits, "resample")]


def folds(fits: pd.DataFrame) -> pd.DataFrame:
    """Fits to all but one fold of a replicate's observations."""
    return fits[~_whole(fits, "fold")]


def resamples(fits: pd.DataFrame) -> pd.DataFrame:
    """Fits to resamples of a replicate's observations."""
    return fits[~_whole(fits, "resample")]


def _whole(fits: pd.DataFrame, name: str) -> pd.Series:
    """Which fits are not to a part of that kind; a table as written in memory has '' for none."""
    found = fits[name] if name in fits else pd.Series(index=fits.index, dtype=object)
    return found.isna() | (found.astype(str) == "")


def usable(fits: pd.DataFrame) -> pd.Series:
    """Fits whose numbers mean something: those that diverged wrote the last finite ones, wherever these were."""
    return fits["status"] != "diverged"


def ordered(labels: Iterable[Any]) -> list[Any]:
    """The distinct labels in natural order."""
    return sorted(pd.unique(pd.Series(list(labels), dtype=object)), key=natural)


def in_order(table: pd.DataFrame, settings: list[str], roles: Roles) -> pd.DataFrame:
    """Sort rows by study and settings, the strength and then the replicate last; ties stay as they are.

    These two stand in natural order, other settings in their order of appearance (that of the config).
    """
    last = [name for name in (roles.strength, roles.replicate) if name]
    by = ["study", *sorted(settings, key=lambda name: last.index(name) if name in last else -1)]
    labels = {name: ordered(table[name]) if name in last else list(table[name].unique()) for name in by}
    places = {name: {label: k for k, label in enumerate(found)} for name, found in labels.items()}
    ranked = table.sort_values(by, key=lambda column: column.map(places[column.name]), kind="stable")
    return ranked.reset_index(drop=True)
