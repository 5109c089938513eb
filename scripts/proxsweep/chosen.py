"""The fits that a study goes on with: one lasso weight for every difference matrix, and one of the matrices.

`chosen.csv` is one small table that all summaries read. A weight is given by the config or chosen by cross-validation;
without either there is none (NaN), and nothing is marked.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from proxsweep import cross_validation
from proxsweep.fits import full, read, sweep_columns

GIVEN, NONE = "given", "none"
COLUMNS = ("lasso", "rule", "validation_loss", "standard_error", "chosen")


def resolve(fits: pd.DataFrame, validated: pd.DataFrame, wanted: Mapping[str, Any]) -> pd.DataFrame:
    """One row for each setting of what is swept but lasso weight and replicate.

    Parameters
    ----------
    fits
        The study's table of fits.
    validated
        The table of :func:`proxsweep.cross_validation.table`; without rows where nothing was cross-validated.
    wanted
        ``lasso`` (None: by the rule), ``rule``, ``difference``.

    Returns
    -------
    DataFrame
        ``study``, the swept parameters but ``lasso`` and ``replicate``, then :data:`COLUMNS`: the weight, how it was
        found (``given``, a rule of the config, ``none``), its held-out loss and standard error where there are some,
        and whether the study goes on with this row: the wanted matrix, of several settings the first.
    """
    fits = full(fits)
    by = ["study", *(name for name in sweep_columns(fits) if name not in ("lasso", "replicate"))]
    found = fits[by].drop_duplicates().reset_index(drop=True)
    rows = [_choice(_matching(validated, row), wanted) for row in found.to_dict("records")]
    found = pd.concat([found, pd.DataFrame(rows, columns=list(COLUMNS[:-1]))], axis=1)
    is_wanted = (found["difference"] == wanted["difference"]).to_numpy()
    return found.assign(chosen=is_wanted & (np.cumsum(is_wanted) == 1))


def load(path: str | Path) -> pd.DataFrame:
    """Read `chosen.csv`; labels stay text."""
    return read(path)


def weight(chosen: pd.DataFrame, setting: Mapping[str, Any]) -> float:
    """The weight of the row that agrees with ``setting`` in all swept parameters that both name; NaN if none does."""
    rows = _matching(chosen, {name: setting[name] for name in chosen.columns if name in setting and name != "lasso"})
    return float(rows["lasso"].iloc[0]) if len(rows) else float("nan")


def main(chosen: pd.DataFrame) -> dict[str, Any] | None:
    """Difference matrix, weight and other settings that the study goes on with; None where no weight was chosen."""
    rows = chosen[chosen["chosen"].astype(bool)]
    if rows.empty or not np.isfinite(rows["lasso"].iloc[0]):
        return None
    return {name: rows[name].iloc[0] for name in chosen.columns if name not in COLUMNS or name == "lasso"}


def _matching(table: pd.DataFrame, row: Mapping[str, Any]) -> pd.DataFrame:
    shared = [name for name in row if name in table.columns]
    agrees = np.ones(len(table), bool)
    for name in shared:
        agrees &= (table[name].astype(object) == row[name]).to_numpy() | (
            table[name].isna() & pd.isna(row[name])
        ).to_numpy()
    return table[agrees]


def _choice(validated: pd.DataFrame, wanted: Mapping[str, Any]) -> dict[str, Any]:
    marked = validated[validated[wanted["rule"]].astype(bool)] if len(validated) else validated
    lasso, rule = wanted["lasso"], GIVEN
    if lasso is None:
        lasso, rule = (float(marked["lasso"].iloc[0]), wanted["rule"]) if len(marked) else (np.nan, NONE)
    row = validated[validated["lasso"].astype(float) == lasso] if len(validated) else validated
    known = {name: float(row[name].iloc[0]) if len(row) else np.nan for name in ("validation_loss", "standard_error")}
    return {"lasso": lasso, "rule": rule, **known}


def make(fits_csv: str | Path, wanted: Mapping[str, Any]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The tables `cross_validation.csv` and `chosen.csv` of a study."""
    fits = read(fits_csv)
    validated = cross_validation.table(fits)
    return validated, resolve(fits, validated, wanted)
