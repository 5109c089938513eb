"""The fits that a study goes on with: one lasso weight for every difference matrix, and one of the matrices.

`chosen.csv` is one small table that all summaries read. A weight is given by the config or chosen by a rule: from
cross-validation, or from the signs of shifts in pairs of replicates. Where a rule has nothing to go by there is none
(NaN), and nothing is marked.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from proxsweep.io import reading
from proxsweep.io.errors import UserError
from proxsweep.sweep import cross_validation
from proxsweep.sweep import fits as fits_table
from proxsweep.sweep.fits import full, read, sweep_columns

GIVEN, NONE = "given", "none"
RULES = ("one_standard_error", "minimum", "replicate_signs")
NO_WEIGHT = (
    "No lasso weight was chosen. Set in the study\n`chosen: {lasso: ...}`, `chosen: {rule: replicate_signs}`\n"
    "or `cross_validation: {folds: ...}`."
)
SIGNS = ("difference", "lasso", "row", "estimate", "unconverged")
WANTED = {
    "lasso": (int, float, type(None)),
    "rule": str,
    "false_discovery_rate": (int, float),
    "difference": str,
}
COLUMNS = ("lasso", "rule", *RULES, "validation_loss", "standard_error", "false_discovery_rate", "chosen")


def resolve(
    fits: pd.DataFrame, validated: pd.DataFrame, signs: pd.DataFrame, wanted: Mapping[str, Any]
) -> pd.DataFrame:
    """One row for each setting of what is swept but lasso weight and replicate.

    Parameters
    ----------
    fits
        The study's table of fits.
    validated
        The table of :func:`proxsweep.sweep.cross_validation.table`; without rows where nothing was cross-validated.
    signs
        The table of the signs of shifts in pairs of replicates: swept parameters, ``row`` (``all`` is read),
        ``estimate`` (of the share of false shifts), ``unconverged``; without estimates where there is one replicate.
    wanted
        ``lasso`` (None: by the rule), ``rule``, ``false_discovery_rate``, ``difference``.

    Returns
    -------
    DataFrame
        ``study``, the swept parameters but ``lasso`` and ``replicate``, then :data:`COLUMNS`: the weight and how it was
        found (``given``, a rule of the config, ``none``); the weights that each rule speaks for (NaN: none);
        held-out loss with its standard error and estimated share of false shifts at the weight, where they are known;
        and whether the study goes on with this row: the wanted matrix, of several settings the first.
    """
    fits = full(fits)
    by = ["study", *(name for name in sweep_columns(fits) if name not in ("lasso", "replicate"))]
    found = fits[by].drop_duplicates().reset_index(drop=True)
    signs = signs[signs["row"] == "all"]
    rows = [_choice(agreeing(validated, row), agreeing(signs, row), wanted) for row in found.to_dict("records")]
    found = pd.concat([found, pd.DataFrame(rows, columns=list(COLUMNS[:-1]))], axis=1)
    is_wanted = (found["difference"] == wanted["difference"]).to_numpy()
    return found.assign(chosen=is_wanted & (np.cumsum(is_wanted) == 1))


def load(path: str | Path) -> pd.DataFrame:
    """Read `chosen.csv`; labels stay text.

    Raises
    ------
    UserError
        For a file that is no such table, a weight below 0, or more than one row that is chosen.
    """
    expected = "the table of a study's chosen weights"
    found = reading.table(path, fits_table.TEXT, ["study", "difference", "lasso", "chosen"], expected)
    if len(found) and (found["chosen"].dtype != bool or found["chosen"].sum() > 1):
        raise UserError(f"{path}, column 'chosen'", f"{found['chosen'].tolist()!r}", "True in one row, False in others")
    if (found["lasso"] < 0).any() or np.isinf(found["lasso"].astype(float)).any():
        raise UserError(f"{path}, column 'lasso'", f"{found['lasso'].tolist()!r}", "weights of at least 0, or none")
    return found


def weight(chosen: pd.DataFrame, setting: Mapping[str, Any]) -> float:
    """The weight of the row that agrees with ``setting`` in all swept parameters that both name; NaN if none does."""
    rows = agreeing(chosen, {name: setting[name] for name in chosen.columns if name in setting and name != "lasso"})
    return float(rows["lasso"].iloc[0]) if len(rows) else float("nan")


def main(chosen: pd.DataFrame) -> dict[str, Any] | None:
    """Difference matrix, weight and other settings that the study goes on with; None where no weight was chosen."""
    rows = chosen[chosen["chosen"].astype(bool)]
    if rows.empty or not np.isfinite(rows["lasso"].iloc[0]):
        return None
    return {name: rows[name].iloc[0] for name in chosen.columns if name not in COLUMNS or name == "lasso"}


def setting(chosen: pd.DataFrame) -> dict[str, Any] | None:
    """What :func:`main` gives without the weight, whether one was chosen or not; None where no fit finished."""
    rows = chosen[chosen["chosen"].astype(bool)]
    return None if rows.empty else {name: rows[name].iloc[0] for name in chosen.columns if name not in COLUMNS}


def agreeing(table: pd.DataFrame, values: Mapping[str, Any]) -> pd.DataFrame:
    """Rows of a table that have these values in all the columns that it shares with them; nothing equals nothing."""
    agrees = np.ones(len(table), bool)
    for name, value in values.items():
        if name in table.columns:
            column = table[name].astype(object)
            agrees &= ((column == value) | (column.isna() & pd.isna(value))).to_numpy()
    return table[agrees]


def _choice(validated: pd.DataFrame, signs: pd.DataFrame, wanted: Mapping[str, Any]) -> dict[str, Any]:
    rules = {rule: _marked(validated, rule) for rule in ("one_standard_error", "minimum")}
    rules["replicate_signs"] = _by_signs(signs, wanted["false_discovery_rate"])
    lasso, rule = wanted["lasso"], GIVEN
    if lasso is None:
        lasso = rules[wanted["rule"]]
        rule = wanted["rule"] if np.isfinite(lasso) else NONE
    known = {name: _at(validated, lasso, name) for name in ("validation_loss", "standard_error")}
    return {"lasso": lasso, "rule": rule, **rules, **known, "false_discovery_rate": _at(signs, lasso, "estimate")}


def _marked(validated: pd.DataFrame, rule: str) -> float:
    weights = validated.loc[validated[rule].astype(bool), "lasso"]
    return float(weights.iloc[0]) if len(weights) else np.nan


def _by_signs(signs: pd.DataFrame, level: float) -> float:
    """The smallest weight from which on the estimated share of false shifts stays at or below ``level``."""
    known = signs[signs["estimate"].notna()]
    good = known[(known["estimate"] <= level) & (known["unconverged"] == 0)]["lasso"].astype(float)
    bad = known[(known["estimate"] > level)]["lasso"].astype(float)
    after = good[good > bad.max()] if len(bad) else good
    return float(after.min()) if len(after) else np.nan


def _at(table: pd.DataFrame, lasso: float, name: str) -> float:
    values = table.loc[table["lasso"].astype(float) == lasso, name]
    return float(values.iloc[0]) if len(values) else np.nan


def make(fits_csv: str | Path, signs_csv: str | Path, wanted: Mapping[str, Any]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The tables `cross_validation.csv` and `chosen.csv` of a study."""
    fits, signs = fits_table.finished(fits_csv), read(signs_csv, SIGNS)
    reading.require("--chosen", wanted, WANTED, "the config's section `chosen`, as JSON")
    validated = cross_validation.table(fits)
    return validated, resolve(fits, validated, signs, wanted)
