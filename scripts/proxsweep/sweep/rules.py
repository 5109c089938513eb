"""The rules that select a strength: what each needs, what it selects, and why, in words.

By cross-validation: the strength of the smallest held-out loss (`minimum`), or the simplest whose loss is within one
standard error of it (`one_standard_error`). By replicates: the least simple strength from which on the estimated share
of false findings stays within a limit (`replicate_signs`). `auto` is the one of these that the study has the fits for.
Where a rule finds no strength, or none can be applied, findings are ranked at the least simple strength above 0, and
none is selected.
"""

from typing import NamedTuple

import numpy as np
import pandas as pd

from proxsweep.sweep.grid import label
from proxsweep.sweep.study import Roles

AUTO, SIGNS, MINIMUM, ONE_ERROR = "auto", "replicate_signs", "minimum", "one_standard_error"
RULES = (ONE_ERROR, MINIMUM, SIGNS)
GIVEN, RANKING = "given", "ranking"  # a strength of the config; none, but an order of the findings
NOTHING = "neither two replicates nor cross-validation to choose by"
BY_LOSS = {ONE_ERROR: "held-out loss within one standard error of the smallest", MINIMUM: "smallest held-out loss"}


class Selection(NamedTuple):
    """A strength (NaN where there is none), and why."""

    strength: float
    reason: str


def applied(rule: str, pairs: bool, folds: bool) -> str:
    """The rule that is applied where ``rule`` is asked for.

    Parameters
    ----------
    rule
        One of :data:`RULES`, or `auto`.
    pairs
        Whether the share of false findings is estimated in pairs of replicates.
    folds
        Whether the study is cross-validated.
    """
    if rule != AUTO:
        return rule
    if pairs:
        return SIGNS
    return ONE_ERROR if folds else RANKING


def lacking(rule: str, pairs: bool, folds: bool) -> str:
    """What a rule needs and the study does not have; empty where it can be applied."""
    if rule in BY_LOSS and not folds:
        return "cross-validation (`cross_validation: {folds: 5}`)"
    return "two replicates" if rule == SIGNS and not pairs else ""


def announced(rule: str, pairs: bool, folds: bool, level: float, strengths: list[float], roles: Roles) -> str:
    """What will be chosen, and how, before anything is fitted."""
    noun, which = roles.strength_noun, applied(rule, pairs, folds)
    ranked = f"ranked by size at {roles.strength} {label(least_simple(strengths, roles))}, none selected"
    if which == RANKING:
        return f"no {noun} can be chosen, with {NOTHING}; findings are {ranked}"
    how = f"replicate signs: at most {percent(level)} estimated to be false" if which == SIGNS else BY_LOSS[which]
    return f"the {noun} is chosen by {how}; where none is found, findings are {ranked}"


def least_simple(strengths: list[float], roles: Roles) -> float:
    """The strength at which findings are ranked: of those above 0, if there are such, the least simple."""
    positive = [value for value in strengths if value > 0] or strengths
    return min(positive) if roles.larger_is_simpler else max(positive)


def by_loss(validated: pd.DataFrame, rule: str, roles: Roles) -> Selection:
    """What `minimum` or `one_standard_error` selects, by the table of cross-validation."""
    values = validated.loc[validated[rule].astype(bool), roles.strength]
    if len(values):
        return Selection(float(values.iloc[0]), BY_LOSS[rule])
    why = "at each, a fold did not converge or has no held-out loss" if len(validated) else "no cross-validation"
    return Selection(np.nan, f"no {roles.strength_noun}: {why}")


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
