"""The fits that a study goes on with: one strength for every other setting, and one of the settings.

`chosen.csv` is one small table that all summaries read. A strength is given by the config or selected by a rule
(:mod:`proxsweep.sweep.rules`). Where none is selected, the table has the one at which findings are ranked, says so
(``selected`` is False), and nothing is marked.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from proxsweep.io import reading
from proxsweep.io.errors import UserError
from proxsweep.sweep import cross_validation, rules
from proxsweep.sweep import fits as fits_table
from proxsweep.sweep.fits import full, sweep_columns, usable
from proxsweep.sweep.rules import GIVEN, RANKING, RULES, SIGNS, Selection
from proxsweep.sweep.study import Roles

WANTED = {"rule": str}
DECISION = ("rule", "by", "selected", "reason")
LOSS = ("validation_loss", "standard_error")
RATE = "false_discovery_rate"
COLUMNS = {*DECISION, *rules.ALL, *LOSS, RATE, "chosen"}


def resolve(
    fits: pd.DataFrame,
    validated: pd.DataFrame,
    evidence: pd.DataFrame,
    wanted: Mapping[str, Any],
    roles: Roles,
    offered: Sequence[str] = RULES,
) -> pd.DataFrame:
    """One row for each setting of what is swept but strength and replicate.

    Parameters
    ----------
    fits
        The study's table of fits.
    validated
        The table of :func:`proxsweep.sweep.cross_validation.table`; without rows where nothing was cross-validated.
    evidence
        The table that the family's own rule reads, without rows where there is none: swept parameters and, for
        `replicate_signs`, ``row`` (``all`` is read), ``estimate`` (of the share of false findings) and
        ``unconverged``; for `stability` a row per fit with ``stable`` and ``reason``.
    wanted
        The config's section: the strength by its name (None: by the rule), ``rule``, ``false_discovery_rate`` (for
        `replicate_signs`), labels of other swept parameters.
    roles, offered
        The family's; ``offered`` are its rules.

    Returns
    -------
    DataFrame
        ``study``, the swept parameters but strength and replicate, the strength, then the ``rule``
        that was asked for (``given``, ``auto`` or one of those offered), what the strength is ``by`` (``given``, a
        rule, or ``ranking``), whether it was ``selected`` by these and not only taken to rank findings, and the
        ``reason`` in words; the strengths that each rule selects (NaN: none); held-out loss with its standard error at
        the strength, where they are known, and for `replicate_signs` the ``false_discovery_rate``, the estimated share
        of false findings; and whether this row is the one that
        the study goes on with: that of the wanted labels, of several the first. The strength is NaN where none of the
        fits can be used.
    """
    fits = full(fits)
    by = ["study", *(name for name in sweep_columns(fits) if name not in (roles.strength, roles.replicate))]
    found = fits[by].drop_duplicates().reset_index(drop=True)
    evidence = evidence[evidence["row"] == "all"] if "row" in evidence else evidence
    rows = [
        _choice(*(agreeing(one, row) for one in (fits, validated, evidence)), wanted, roles, offered)
        for row in found.to_dict("records")
    ]
    found = pd.concat([found, pd.DataFrame(rows, columns=_columns(roles, offered))], axis=1)
    labels = [name for name in by if name in wanted]
    is_wanted = np.all([np.ones(len(found), bool), *(found[name] == wanted[name] for name in labels)], axis=0)
    return found.assign(chosen=is_wanted & (np.cumsum(is_wanted) == 1))


def _columns(roles: Roles, offered: Sequence[str]) -> list[str]:
    return [roles.strength, *DECISION, *offered, *LOSS, *([RATE] if SIGNS in offered else [])]


def load(path: str | Path) -> pd.DataFrame:
    """Read `chosen.csv`; labels stay text.

    Raises
    ------
    UserError
        For a file that is no such table, a strength below 0, or more than one selected row.
    """
    expected = "the table of a study's selected fits"
    found = reading.table(path, (*fits_table.TEXT, "rule", "by", "reason"), ["study", *DECISION, "chosen"], expected)
    name = strength(found)
    if name == "study" or not pd.api.types.is_numeric_dtype(found[name]):
        # message: `chosen.csv` was edited. | Make it again.
        raise UserError(f"{path}, header", f"no column of numbers before 'rule' ({name!r})", expected)
    if len(found) and found["selected"].dtype != bool:
        # message: ['yes'] | True or False in every row | The column `selected` of `chosen.csv` was edited. | Make it
        # again; the section `chosen` of the config is how to choose.
        raise UserError(f"{path}, column 'selected'", f"{found['selected'].tolist()!r}", "True or False in every row")
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
    """The strength selected in the row that agrees with ``setting`` in all swept parameters that both name.

    NaN if no row agrees, or none was selected.
    """
    own = strength(chosen)
    rows = agreeing(chosen, {name: setting[name] for name in chosen.columns if name in setting and name != own})
    return float(rows[own].iloc[0]) if len(rows) and rows["selected"].iloc[0] else float("nan")


def main(chosen: pd.DataFrame) -> dict[str, Any] | None:
    """The setting that the study goes on with, its strength included: selected, or that of the ranking.

    None where there is no strength.
    """
    rows = _main_rows(chosen)
    if rows.empty or not np.isfinite(rows[strength(chosen)].iloc[0]):
        return None
    return {name: rows[name].iloc[0] for name in chosen.columns if name not in COLUMNS}


def setting(chosen: pd.DataFrame) -> dict[str, Any] | None:
    """What :func:`main` gives without the strength, whether there is one or not; None where no fit finished."""
    rows, left_out = _main_rows(chosen), (strength(chosen), *COLUMNS)
    return None if rows.empty else {name: rows[name].iloc[0] for name in chosen.columns if name not in left_out}


def is_selected(chosen: pd.DataFrame) -> bool:
    """Whether the study goes on with a selected strength, not with one at which findings are only ranked."""
    return bool(_main_rows(chosen)["selected"].any())


def reason(chosen: pd.DataFrame) -> str:
    """Why the study goes on with its strength; empty where no fit finished."""
    return "".join(_main_rows(chosen)["reason"])


def _main_rows(chosen: pd.DataFrame) -> pd.DataFrame:
    return chosen[chosen["chosen"].astype(bool)]


def agreeing(table: pd.DataFrame, values: Mapping[str, Any]) -> pd.DataFrame:
    """Rows of a table that have these values in all the columns that it shares with them; nothing equals nothing."""
    agrees = np.ones(len(table), bool)
    for name, value in values.items():
        if name in table.columns:
            column = table[name].astype(object)
            agrees &= ((column == value) | (column.isna() & pd.isna(value))).to_numpy()
    return table[agrees]


def _choice(
    fits: pd.DataFrame,
    validated: pd.DataFrame,
    evidence: pd.DataFrame,
    wanted: Mapping[str, Any],
    roles: Roles,
    offered: Sequence[str],
) -> dict[str, Any]:
    found = {rule: rules.by_loss(validated, rule, roles) for rule in offered if rule in rules.BY_LOSS}
    if own := rules.of_evidence(offered):
        found[own] = rules.by_evidence(evidence, own, wanted.get(RATE), roles)
    rule, by, selection = _decision(fits, len(evidence) > 0, len(validated) > 0, found, wanted, roles)
    at = {name: _at(validated, roles.strength, selection.strength, name) for name in LOSS}
    if own == SIGNS:
        at[RATE] = _at(evidence, roles.strength, selection.strength, "estimate")
    decision = dict(zip(DECISION, (rule, by, by != RANKING, selection.reason), strict=True))
    strengths = {rule: one.strength for rule, one in found.items()}
    return {roles.strength: selection.strength, **decision, **strengths, **at}


def _decision(
    fits: pd.DataFrame,
    evidence: bool,
    folds: bool,
    found: Mapping[str, Selection],
    wanted: Mapping[str, Any],
    roles: Roles,
) -> tuple[str, str, Selection]:
    """The rule that was asked for, what decided, and the strength with its reason."""
    if wanted[roles.strength] is not None:
        return GIVEN, GIVEN, Selection(wanted[roles.strength], "given in the config")
    rule, offered = wanted["rule"], list(found)
    applied = rules.applied(rule, offered, evidence and has_evidence(offered, fits, roles), folds)
    if applied == RANKING:
        return rule, RANKING, Selection(_ranking(fits, roles), f"no {roles.strength_noun}: {rules.nothing(offered)}")
    if np.isfinite(found[applied].strength):
        return rule, applied, found[applied]
    return rule, RANKING, found[applied]._replace(strength=_ranking(fits, roles))


def has_evidence(offered: Sequence[str], fits: pd.DataFrame, roles: Roles) -> bool:
    """Whether the fits are those that the family's own rule needs: for `replicate_signs`, to several replicates."""
    return SIGNS not in offered or (roles.replicate is not None and fits[roles.replicate].nunique() > 1)


def _ranking(fits: pd.DataFrame, roles: Roles) -> float:
    """The strength at which findings are ranked: the least simple one at which every fit can be used."""
    good = usable(fits).groupby(fits[roles.strength].astype(float)).all()
    strengths = list(good.index[good])
    return rules.least_simple(strengths, roles) if strengths else np.nan


def _at(table: pd.DataFrame, strength: str, value: float, name: str) -> float:
    values = table.loc[table[strength].astype(float) == value, name]
    return float(values.iloc[0]) if len(values) else np.nan


def make(
    fits_csv: str | Path,
    evidence_csv: str | Path | None,
    wanted: Mapping[str, Any],
    roles: Roles,
    offered: Sequence[str],
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The tables `cross_validation.csv` and `chosen.csv` of a study."""
    fits = fits_table.finished(fits_csv, roles)
    parameters = [name for name in roles.order if name != roles.replicate]
    evidence = no_evidence(offered, roles)
    if evidence_csv:
        text = (*fits_table.TEXT, "reason", *(name for name in parameters if name != roles.strength))
        needed = [*parameters, *(name for name in evidence if name != roles.strength)]
        evidence = reading.table(evidence_csv, text, needed, "the table that a rule of the family's own reads")
    reading.require("--chosen", wanted, types(roles, offered), "the config's section `chosen`, as JSON")
    validated = cross_validation.table(fits, roles)
    return validated, resolve(fits, validated, evidence, wanted, roles, offered)


def no_evidence(offered: Sequence[str], roles: Roles) -> pd.DataFrame:
    """The table that the family's own rule reads, without rows."""
    own = rules.of_evidence(offered)
    return pd.DataFrame(columns=[roles.strength, *(rules.EVIDENCE[own] if own else ())])


def types(roles: Roles, offered: Sequence[str]) -> dict[str, Any]:
    """Types of the keys that a section `chosen` has to have."""
    rate = {RATE: (int, float)} if SIGNS in offered else {}
    return {**WANTED, **rate, roles.strength: (int, float, type(None))}
