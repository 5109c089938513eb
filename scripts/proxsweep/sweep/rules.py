"""The rules that select a strength: what each needs, what it selects, and why, in words.

By cross-validation: the strength of the smallest held-out loss (`minimum`), or the simplest whose loss is within one
standard error of it (`one_standard_error`, which families of factors call `held_out`). By replicates: the least simple
strength from which on the estimated share of false findings stays within a limit (`replicate_signs`). By starts: the
least simple strength at which they agree (`stability`). A family offers some of these; `auto` is the first of
:data:`PREFERRED` that it offers and the study has the fits for. Where a rule finds no strength, or none can be applied,
findings are shown at the least simple strength above 0, and none is selected.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from proxsweep.sweep.grid import label
from proxsweep.sweep.study import Roles

AUTO, SIGNS, MINIMUM, ONE_ERROR = "auto", "replicate_signs", "minimum", "one_standard_error"
HELD_OUT, STABILITY = "held_out", "stability"
RULES = (ONE_ERROR, MINIMUM, SIGNS)  # of a family that names none
ALL = (*RULES, HELD_OUT, STABILITY)
PREFERRED = (SIGNS, HELD_OUT, ONE_ERROR, STABILITY)
GIVEN, RANKING = "given", "ranking"  # a strength of the config; none, but an order of the findings
NEAREST = "held-out loss within one standard error of the smallest"
BY_LOSS = {ONE_ERROR: NEAREST, MINIMUM: "smallest held-out loss", HELD_OUT: NEAREST}
MARKS = {HELD_OUT: ONE_ERROR}  # columns of the table of cross-validation, where they have another name
EVIDENCE = {SIGNS: ("row", "estimate", "unconverged"), STABILITY: ("stable", "reason")}
"""Columns of the family's table that rules read which do not go by held-out loss."""
NEEDED = {SIGNS: "two replicates", STABILITY: "two starts"}


class Selection(NamedTuple):
    """A strength (NaN where there is none), and why."""

    strength: float
    reason: str


def of_evidence(offered: Sequence[str]) -> str | None:
    """The rule among those offered that reads a table of the family's own."""
    return next((rule for rule in offered if rule in EVIDENCE), None)


def applied(rule: str, offered: Sequence[str], evidence: bool, folds: bool) -> str:
    """The rule that is applied where ``rule`` is asked for.

    Parameters
    ----------
    rule
        One of :data:`ALL`, or `auto`.
    offered
        The rules of the family.
    evidence
        Whether the study has what the family's own table is made from: pairs of replicates, or several starts.
    folds
        Whether the study is cross-validated.
    """
    if rule != AUTO:
        return rule
    able = (name for name in PREFERRED if name in offered and not lacking(name, evidence, folds))
    return next(able, RANKING)


def lacking(rule: str, evidence: bool, folds: bool) -> str:
    """What a rule needs and the study does not have; empty where it can be applied."""
    if rule in BY_LOSS and not folds:
        return "cross-validation (`cross_validation: {folds: 5}`)"
    return NEEDED[rule] if rule in NEEDED and not evidence else ""


def nothing(offered: Sequence[str]) -> str:
    """Why no rule can be applied."""
    rule = of_evidence(offered)
    return f"neither {NEEDED[rule]} nor cross-validation to choose by" if rule else "no cross-validation to choose by"


def announced(
    rule: str,
    offered: Sequence[str],
    evidence: bool,
    folds: bool,
    level: float | None,
    strengths: list[float],
    roles: Roles,
) -> str:
    """What will be chosen, and how, before anything is fitted; ``level`` is the limit of `replicate_signs`."""
    noun, which = roles.strength_noun, applied(rule, offered, evidence, folds)
    fallback = f"{shown(offered)} at {roles.strength} {label(least_simple(strengths, roles))}, none selected"
    if which == RANKING:
        return f"no {noun} can be chosen, with {nothing(offered)}; {fallback}"
    return f"the {noun} is chosen by {_how(which, level)}; where none is found, {fallback}"


def shown(offered: Sequence[str]) -> str:
    """What is said of a strength that was not selected, before its value."""
    return "findings are ranked by size" if SIGNS in offered else "tables and figures are those"


def _how(rule: str, level: float | None) -> str:
    if rule == SIGNS:
        return f"replicate signs: at most {percent(level)} estimated to be false"
    return BY_LOSS.get(rule, "the agreement of starts")


def least_simple(strengths: list[float], roles: Roles) -> float:
    """The strength at which findings are ranked: of those above 0, if there are such, the least simple."""
    positive = [value for value in strengths if value > 0] or strengths
    return min(positive) if roles.larger_is_simpler else max(positive)


def by_loss(validated: pd.DataFrame, rule: str, roles: Roles) -> Selection:
    """What a rule of :data:`BY_LOSS` selects, by the table of cross-validation."""
    values = validated.loc[validated[MARKS.get(rule, rule)].astype(bool), roles.strength]
    if len(values):
        return Selection(float(values.iloc[0]), BY_LOSS[rule])
    why = "at each, a fold did not converge or has no held-out loss" if len(validated) else "no cross-validation"
    return Selection(np.nan, f"no {roles.strength_noun}: {why}")


def by_evidence(table: pd.DataFrame, rule: str, level: float | None, roles: Roles) -> Selection:
    """What `replicate_signs` or `stability` selects, by the family's table; ``level`` is the limit of the former."""
    return by_signs(table, level, roles) if rule == SIGNS else by_stability(table, roles)


def by_stability(table: pd.DataFrame, roles: Roles) -> Selection:
    """The least simple strength at which starts agree in every replicate, by a table with ``stable`` and ``reason``."""
    if table.empty:
        return Selection(np.nan, f"no {roles.strength_noun}: no table of how starts agree")
    everywhere = table["stable"].astype(bool).groupby(table[roles.strength].astype(float)).all()
    stable = list(everywhere.index[everywhere])
    if not stable:
        reasons = set(map(str, table["reason"]))
        why = reasons.pop() if len(reasons) == 1 else "starts agree at none"
        return Selection(np.nan, f"no {roles.strength_noun}: {why}")
    found = min(stable) if roles.larger_is_simpler else max(stable)
    reasons = table.loc[table[roles.strength].astype(float) == found, "reason"]
    return Selection(float(found), "; ".join(dict.fromkeys(map(str, reasons))))


def by_signs(signs: pd.DataFrame, level: float, roles: Roles) -> Selection:
    """What `replicate_signs` selects, by the table of signs in pairs of replicates; ``level`` is the limit."""
    known = signs[signs["estimate"].notna()].reset_index(drop=True)
    if known.empty:
        why = "no finding agrees between replicates" if len(signs) else "no pairs of replicates"
        return Selection(np.nan, f"no {roles.strength_noun}: {why}")
    simplicity = known[roles.strength].astype(float) * (1.0 if roles.larger_is_simpler else -1.0)
    within = known["estimate"] <= level
    good, bad = simplicity[within & (known["unconverged"] == 0)], simplicity[~within]
    after = good[good > bad.max()] if len(bad) else good
    if after.empty:
        return Selection(np.nan, f"no {roles.strength_noun}: {_why_not(known, simplicity, level, roles)}")
    row = known.loc[after.idxmin()]
    return Selection(float(row[roles.strength]), f"estimated {percent(row['estimate'])} false, {_limit(level)}")


def _why_not(known: pd.DataFrame, simplicity: pd.Series, level: float, roles: Roles) -> str:
    """Why no strength is good from itself on: all above the limit, not converged, or above it again later."""
    within = known["estimate"] <= level
    if not within.any():
        return f"estimated {percent(known['estimate'].min())} false at best, {_limit(level)}"
    if not (within & (known["unconverged"] == 0)).any():
        return f"where the estimate is within the limit, {percent(level)} false, a fit did not converge"
    last = known.loc[simplicity[~within].idxmax()]
    where = f"{roles.strength} {label(last[roles.strength])}"
    return f"above the limit again at {where}, estimated {percent(last['estimate'])} false, {_limit(level)}"


def _limit(level: float) -> str:
    return f"limit {percent(level)}"


def percent(share: float) -> str:
    """A share in per cent, three digits at most: ``9.64 %``, ``91.3 %``."""
    return f"{float(f'{100 * share:.3g}'):g} %"
