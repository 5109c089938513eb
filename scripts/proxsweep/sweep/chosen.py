"""The selected fits of a study: one strength for every other setting, and one of the settings.

`chosen.csv` is one small table that all summaries read. A strength is given by the config or selected by a rule: from
cross-validation, or from the signs of estimates in pairs of replicates. Where a rule cannot select one there is none
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
from proxsweep.sweep.study import Roles

GIVEN, NONE = "given", "none"
RULES = ("one_standard_error", "minimum", "replicate_signs")
SIGNS = ("row", "estimate", "unconverged")
WANTED = {"rule": str, "false_discovery_rate": (int, float)}
COLUMNS = ("rule", *RULES, "validation_loss", "standard_error", "false_discovery_rate", "chosen")


def resolve(
    fits: pd.DataFrame, validated: pd.DataFrame, signs: pd.DataFrame, wanted: Mapping[str, Any], roles: Roles
) -> pd.DataFrame:
    """One row for each setting of what is swept but strength and replicate.

    Parameters
    ----------
    fits
        The study's table of fits.
    validated
        The table of :func:`proxsweep.sweep.cross_validation.table`; without rows where nothing was cross-validated.
    signs
        The table of signs in pairs of replicates: swept parameters, ``row`` (``all`` is read), ``estimate`` (of the
        share of false findings), ``unconverged``; without estimates where there is one replicate.
    wanted
        The config's section: the strength by its name (None: by the rule), ``rule``, ``false_discovery_rate``, labels
        of other swept parameters.
    roles
        The family's.

    Returns
    -------
    DataFrame
        ``study``, the swept parameters but strength and replicate, the strength, then :data:`COLUMNS`: how the strength
        was found (``given``, a rule of the config, ``none``); the strengths that each rule selects (NaN: none);
        held-out loss with its standard error and estimated share of false findings at the strength, where they are
        known; and whether this row is the selected one: that of the wanted labels, of several the first.
    """
    fits = full(fits)
    by = ["study", *(name for name in sweep_columns(fits) if name not in (roles.strength, roles.replicate))]
    found = fits[by].drop_duplicates().reset_index(drop=True)
    signs = signs[signs["row"] == "all"]
    rows = [_choice(agreeing(validated, row), agreeing(signs, row), wanted, roles) for row in found.to_dict("records")]
    found = pd.concat([found, pd.DataFrame(rows, columns=[roles.strength, *COLUMNS[:-1]])], axis=1)
    labels = [name for name in by if name in wanted]
    is_wanted = np.all([np.ones(len(found), bool), *(found[name] == wanted[name] for name in labels)], axis=0)
    return found.assign(chosen=is_wanted & (np.cumsum(is_wanted) == 1))


def load(path: str | Path) -> pd.DataFrame:
    """Read `chosen.csv`; labels stay text.

    Raises
    ------
    UserError
        For a file that is no such table, a strength below 0, or more than one selected row.
    """
    expected = "the table of a study's selected fits"
    found = reading.table(path, (*fits_table.TEXT, "rule"), ["study", "rule", "chosen"], expected)
    name = strength(found)
    if name == "study" or not pd.api.types.is_numeric_dtype(found[name]):
        # message: `chosen.csv` was edited. | Make it again.
        raise UserError(f"{path}, header", f"no column of numbers before 'rule' ({name!r})", expected)
    if len(found) and (found["chosen"].dtype != bool or found["chosen"].sum() > 1):
        # message: [True, True] | True in one row, False in others | The column `chosen` of `chosen.csv` was edited. |
        # Make it again; the section `chosen` of the config is how to choose.
        raise UserError(f"{path}, column 'chosen'", f"{found['chosen'].tolist()!r}", "True in one row, False in others")
    if (found[name] < 0).any() or np.isinf(found[name].astype(float)).any():
        # message: [-1.0] | numbers of at least 0, or none | A column of `chosen.csv` was edited. | Make it again; the
        # section `chosen` of the config is how to choose.
        raise UserError(f"{path}, column {name!r}", f"{found[name].tolist()!r}", "numbers of at least 0, or none")
    return found


def strength(chosen: pd.DataFrame) -> str:
    """The column of the strength, which is the one before ``rule``."""
    columns = list(chosen.columns)
    return columns[max(columns.index("rule") - 1, 0)]


def weight(chosen: pd.DataFrame, setting: Mapping[str, Any]) -> float:
    """The strength of the row that agrees with ``setting`` in all swept parameters that both name; NaN if none does."""
    own = strength(chosen)
    rows = agreeing(chosen, {name: setting[name] for name in chosen.columns if name in setting and name != own})
    return float(rows[own].iloc[0]) if len(rows) else float("nan")


def main(chosen: pd.DataFrame) -> dict[str, Any] | None:
    """The selected setting, its strength included; None where no strength was selected."""
    rows = chosen[chosen["chosen"].astype(bool)]
    if rows.empty or not np.isfinite(rows[strength(chosen)].iloc[0]):
        return None
    return {name: rows[name].iloc[0] for name in chosen.columns if name not in COLUMNS}


def setting(chosen: pd.DataFrame) -> dict[str, Any] | None:
    """What :func:`main` gives without the strength, whether one was selected or not; None where no fit finished."""
    rows, left_out = chosen[chosen["chosen"].astype(bool)], (strength(chosen), *COLUMNS)
    return None if rows.empty else {name: rows[name].iloc[0] for name in chosen.columns if name not in left_out}


def agreeing(table: pd.DataFrame, values: Mapping[str, Any]) -> pd.DataFrame:
    """Rows of a table that have these values in all the columns that it shares with them; nothing equals nothing."""
    agrees = np.ones(len(table), bool)
    for name, value in values.items():
        if name in table.columns:
            column = table[name].astype(object)
            agrees &= ((column == value) | (column.isna() & pd.isna(value))).to_numpy()
    return table[agrees]


def _choice(validated: pd.DataFrame, signs: pd.DataFrame, wanted: Mapping[str, Any], roles: Roles) -> dict[str, Any]:
    rules = {rule: _marked(validated, rule, roles.strength) for rule in ("one_standard_error", "minimum")}
    rules["replicate_signs"] = _by_signs(signs, wanted["false_discovery_rate"], roles)
    value, rule = wanted[roles.strength], GIVEN
    if value is None:
        value = rules[wanted["rule"]]
        rule = wanted["rule"] if np.isfinite(value) else NONE
    at = {
        **{name: _at(validated, roles.strength, value, name) for name in ("validation_loss", "standard_error")},
        "false_discovery_rate": _at(signs, roles.strength, value, "estimate"),
    }
    return {roles.strength: value, "rule": rule, **rules, **at}


def _marked(validated: pd.DataFrame, rule: str, strength: str) -> float:
    values = validated.loc[validated[rule].astype(bool), strength]
    return float(values.iloc[0]) if len(values) else np.nan


def _by_signs(signs: pd.DataFrame, level: float, roles: Roles) -> float:
    """The least simple strength from which on the estimated share of false findings stays at or below ``level``."""
    known = signs[signs["estimate"].notna()]
    direction = 1.0 if roles.larger_is_simpler else -1.0
    strengths = direction * known[roles.strength].astype(float)
    good = strengths[(known["estimate"] <= level) & (known["unconverged"] == 0)]
    bad = strengths[known["estimate"] > level]
    after = good[good > bad.max()] if len(bad) else good
    return direction * float(after.min()) if len(after) else np.nan


def _at(table: pd.DataFrame, strength: str, value: float, name: str) -> float:
    values = table.loc[table[strength].astype(float) == value, name]
    return float(values.iloc[0]) if len(values) else np.nan


def make(
    fits_csv: str | Path, signs_csv: str | Path | None, wanted: Mapping[str, Any], roles: Roles
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The tables `cross_validation.csv` and `chosen.csv` of a study."""
    fits = fits_table.finished(fits_csv, roles)
    parameters = [name for name in roles.order if name != roles.replicate]
    signs = read(signs_csv, [*parameters, *SIGNS]) if signs_csv else pd.DataFrame(columns=[roles.strength, *SIGNS])
    types = {**WANTED, roles.strength: (int, float, type(None))}
    reading.require("--chosen", wanted, types, "the config's section `chosen`, as JSON")
    validated = cross_validation.table(fits, roles)
    return validated, resolve(fits, validated, signs, wanted, roles)
