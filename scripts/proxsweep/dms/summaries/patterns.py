"""Which conditions share a mutation's effect? Fusion patterns, counted in every fit.

The pattern of a mutation is the partition of the conditions into groups of exactly equal effects. Effects tie exactly,
because the proximal operators make them one and the same float, so a pattern is read off and needs no threshold. Only
mutations seen in every condition have one: where a condition never saw the mutation the penalty alone places it there.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.optimize import linprog

from proxsweep.dms.results import fitted
from proxsweep.dms.results.fits_table import in_order
from proxsweep.dms.results.fitted import kinds
from proxsweep.sweep import chosen
from proxsweep.sweep.fits import full, sweep_columns

Groups = tuple[tuple[int, ...], ...]

ALL_EQUAL, ALL_DIFFERENT = "all equal", "all different"
ENOUGH_EQUAL = 0.95
CHOSEN, ENOUGH, LARGEST = "chosen", f"{100 * ENOUGH_EQUAL:.0f} % equal", "largest"  # why a fit is shown
NAMES = ("mutation", "wildtype", "site", "mutant")
RESULTS = (
    *("pattern", "groups", "mutations", "stops", "at_differing_sites", "of", "share", "price"),
    *("shown", "status", "converged", "note"),
)


@dataclass(frozen=True)
class Effects:
    """Effects of one fit.

    Attributes
    ----------
    conditions
        Names of the D conditions.
    matrix : (R, P)
        Difference matrix; columns are the conditions, then inner nodes of a tree if any.
    b : (D, M)
        Effects in the reference's coordinates, latent units.
    mutations
        M rows: ``mutation``, ``wildtype``, ``site``, ``mutant``, ``times_seen_<condition>`` (variants).
    differing : (M,) bool
        Mutations at sites where the conditions' wildtypes differ.
    """

    conditions: list[str]
    matrix: np.ndarray
    b: np.ndarray
    mutations: pd.DataFrame
    differing: np.ndarray

    def seen(self, min_times_seen: int = 1) -> np.ndarray:
        """Mutations seen at least so often in every condition: (M,) bool."""
        columns = [f"times_seen_{name}" for name in self.conditions]
        return (self.mutations[columns] >= max(min_times_seen, 1)).all(axis=1).to_numpy()


def load(path: str | Path) -> Effects:
    """Read ``parameters.npz`` and ``mutations.csv`` from the folder of a fit."""
    names, _, matrix = fitted.difference(path)
    mutations = fitted.mutations(path, names)
    b, bundle = fitted.effects(path, mutations, "b", "bundle")
    sites = mutations["site"]
    return Effects(names, matrix, b, mutations, sites.isin(sites[bundle.any(axis=0)]).to_numpy())


def _without_numbers(effects: Effects) -> Effects:
    return replace(effects, b=np.full(effects.b.shape, np.nan))


def conditions(fits: pd.DataFrame, load: Callable[[str], Effects] = load) -> list[str]:
    """Names of the conditions, in the study's order; none without a full fit."""
    paths = full(fits)["path"]
    return load(paths.iloc[0]).conditions if len(paths) else []


def fusion_groups(b: np.ndarray) -> list[Groups]:
    """The groups of exactly equal values in every column of ``b`` (D, M).

    Groups, and the places within them, ascend; groups stand in the order of their first place.
    """
    first = (b[:, None, :] == b[None, :, :]).argmax(axis=1)
    kinds_of, which = np.unique(first, axis=1, return_inverse=True)
    known = [_groups(column) for column in kinds_of.T]
    return [known[place] for place in which.ravel()]


def _groups(first: np.ndarray) -> Groups:
    return tuple(tuple(np.flatnonzero(first == place).tolist()) for place in dict.fromkeys(first.tolist()))


def name(groups: Groups, conditions: Sequence[str]) -> str:
    """A pattern in words: ``all equal``, ``all different``, or its groups, the largest of them called ``rest``.

    Of several groups of the largest size the one with the earliest condition is the rest: ``{Alpha, Beta} | rest``.
    """
    if len(groups) == 1:
        return ALL_EQUAL
    if len(groups) == len(conditions):
        return ALL_DIFFERENT
    rest = max(groups, key=len)
    others = ["{" + ", ".join(conditions[place] for place in group) + "}" for group in groups if group is not rest]
    return " | ".join([*others, "rest"])


def members(pattern: str, conditions: Sequence[str]) -> Groups:
    """The groups that :func:`name` put in words; those named come first, the rest last."""
    if pattern == ALL_EQUAL:
        return (tuple(range(len(conditions))),)
    if pattern == ALL_DIFFERENT:
        return tuple((place,) for place in range(len(conditions)))
    place = {condition: k for k, condition in enumerate(conditions)}
    texts = [part.removeprefix("{").removesuffix("}") for part in pattern.split(" | ")[:-1]]
    named = tuple(tuple(place[condition] for condition in text.split(", ")) for text in texts)
    taken = {k for group in named for k in group}
    return (*named, tuple(k for k in range(len(conditions)) if k not in taken))


def pattern_penalty(matrix: np.ndarray, groups: Groups) -> float:
    """Penalty, per unit of lasso weight, of two groups whose effects are 1 apart; NaN for any other number of groups.

    The smallest of ``||A y||_1`` over the inner nodes of a tree, y being 1 on the first group and 0 on the second
    (a linear program). 0 for one group.
    """
    if len(groups) == 1:
        return 0.0
    if len(groups) != 2:
        return float("nan")
    count = sum(len(group) for group in groups)
    effects = np.isin(np.arange(count), groups[0]).astype(float)
    fixed, free = matrix[:, :count] @ effects, matrix[:, count:]
    if not free.size:
        return float(np.abs(fixed).sum())
    rows, inner = free.shape
    cost = np.concatenate([np.zeros(inner), np.ones(rows)])
    sides = np.block([[free, -np.eye(rows)], [-free, -np.eye(rows)]])
    bounds = [(None, None)] * inner + [(0, None)] * rows
    return float(linprog(cost, sides, np.concatenate([-fixed, fixed]), bounds=bounds).fun)


def counts(
    fits: pd.DataFrame,
    choice: pd.DataFrame,
    load: Callable[[str], Effects] = load,
    min_times_seen: int = 1,
) -> pd.DataFrame:
    """Count the mutations of every pattern in every fit.

    Parameters
    ----------
    fits
        The study's table of fits; fits to folds and resamples are left aside.
    choice
        The study's `chosen.csv`.
    load
        Reads the fit in a folder (column ``path``).
    min_times_seen
        A mutation counts where at least so many variants carry it, in every condition.

    Returns
    -------
    DataFrame
        One row for each fit and pattern found in it (``all equal`` always): the swept parameters, then :data:`RESULTS`.
        ``mutations`` of the ``of`` mutations seen in every condition have the pattern, ``stops`` of them stop codons,
        ``at_differing_sites`` at sites where wildtypes differ; ``share`` is their ratio; ``price`` is that of
        :func:`pattern_penalty`; ``shown`` says why further tables and figures look at the fit (:func:`shown`). A fit
        that diverged, or without any mutation to count, has one row without a pattern and says why in ``note``.
    """
    fits = full(fits)
    swept, load = sweep_columns(fits), fitted.blank_diverged(fits, load, _without_numbers)
    records = []
    for fit in fits.to_dict("records"):
        setting = {column: fit[column] for column in ["study", *swept]}
        status = {"status": fit["status"], "converged": fit["status"] == "converged"}
        records += [setting | found | status for found in _counts(load(fit["path"]), min_times_seen)]
    table = in_order(pd.DataFrame(records, columns=["study", *swept, *(x for x in RESULTS if x != "shown")]), swept)
    return table.assign(shown=shown(table, choice))[["study", *swept, *RESULTS]]


def _counts(fit: Effects, min_times_seen: int) -> list[dict[str, Any]]:
    seen = fit.seen(min_times_seen)
    nothing = {"pattern": "", "groups": 0, "mutations": 0, "stops": 0, "at_differing_sites": 0, "of": int(seen.sum())}
    if len(fit.conditions) < 2:
        return [nothing | {"share": np.nan, "price": np.nan, "note": "one condition"}]
    if not np.isfinite(fit.b).all():
        return [nothing | {"share": np.nan, "price": np.nan, "note": "the fit diverged"}]
    if not seen.any():
        return [nothing | {"share": np.nan, "price": np.nan, "note": "no mutation to count"}]
    patterns = np.array([name(groups, fit.conditions) for groups in fusion_groups(fit.b[:, seen])])
    stops = kinds(fit.mutations["mutant"][seen]) == "stop"
    found = []
    for pattern in dict.fromkeys([ALL_EQUAL, *patterns]):
        has = patterns == pattern
        groups = members(pattern, fit.conditions)
        found.append(
            {
                "pattern": pattern,
                "groups": len(groups),
                "mutations": int(has.sum()),
                "stops": int((has & stops).sum()),
                "at_differing_sites": int((has & fit.differing[seen]).sum()),
                "of": len(patterns),
                "share": float(has.mean()),
                "price": pattern_penalty(fit.matrix, groups),
                "note": "",
            }
        )
    return sorted(found, key=lambda row: (row["groups"] > 1, -row["mutations"], row["pattern"]))


def shown(table: pd.DataFrame, choice: pd.DataFrame) -> list[str]:
    """Why each row's fit is looked at closely: ``chosen``, ``95 % equal``, ``largest`` or, if it is not, nothing.

    A setting (what is swept but lasso weight and replicate) is looked at where its weight was chosen. Where none was,
    at the smallest weight with at least 95 % of mutations all equal (mean over replicates), so that matrices are
    compared at equal sparsity, not at equal weights; or at the largest weight if there is no such weight.
    """
    by = sweep_columns(table, "pattern", without=("lasso", "replicate"))
    weights, reasons = np.full(len(table), np.nan), np.full(len(table), "", dtype=object)
    for places in _parts(table, by):
        part = table.iloc[places]
        weight = chosen.weight(choice, part.iloc[0].to_dict())
        weights[places], reasons[places] = (weight, CHOSEN) if np.isfinite(weight) else _sparse(part)
    near = (table["lasso"].astype(float) == weights).to_numpy() if len(table) else np.zeros(0, bool)
    return np.where(near, reasons, "").tolist()


def _sparse(part: pd.DataFrame) -> tuple[float, str]:
    """The weight at which a setting is shown where none was chosen (NaN without any pattern), and why."""
    equal = part[part["pattern"] == ALL_EQUAL].groupby("lasso")["share"].mean()
    enough = equal[equal >= ENOUGH_EQUAL]
    return (float(enough.index.min()), ENOUGH) if len(enough) else (float(equal.index.max()), LARGEST)


def _parts(table: pd.DataFrame, by: list[str]) -> list[np.ndarray]:
    if not by:
        return [np.arange(len(table))]
    return list(table.groupby(by, sort=False, dropna=False).indices.values())


def mutations(
    fits: pd.DataFrame,
    table: pd.DataFrame,
    load: Callable[[str], Effects] = load,
    min_times_seen: int = 1,
) -> pd.DataFrame:
    """The mutations behind the counts of the fits that are shown, those without any shift left out.

    Parameters
    ----------
    fits, load, min_times_seen
        As in :func:`counts`.
    table
        What :func:`counts` returned.

    Returns
    -------
    DataFrame
        The swept parameters; ``shown``; ``pattern``; ``mutation``, ``wildtype``, ``site``, ``mutant``, ``kind``;
        ``differing_site``; ``beta_<condition>`` (latent units, the reference's coordinates); ``converged``.
    """
    swept, load = sweep_columns(fits), fitted.blank_diverged(fits, load, _without_numbers)
    looked = table.loc[table["shown"] != "", [*swept, "shown", "converged"]].drop_duplicates()
    parts = []
    for row in looked.merge(full(fits)[[*swept, "path"]], on=swept, how="left").to_dict("records"):
        fit = load(row["path"])
        if len(fit.conditions) < 2 or not np.isfinite(fit.b).all():
            continue
        found = _listed(fit, min_times_seen)
        setting = found.assign(**{column: row[column] for column in [*swept, "shown", "converged"]})
        parts.append(setting[[*swept, "shown", *found.columns, "converged"]])
    if not parts:
        return pd.DataFrame(columns=[*swept, "shown", "pattern", *NAMES, "kind", "differing_site", "converged"])
    return pd.concat(parts, ignore_index=True)


def _listed(fit: Effects, min_times_seen: int) -> pd.DataFrame:
    patterns = pd.Series([name(groups, fit.conditions) for groups in fusion_groups(fit.b)], fit.mutations.index)
    found = fit.mutations[list(NAMES)].assign(kind=kinds(fit.mutations["mutant"]), differing_site=fit.differing)
    found.insert(0, "pattern", patterns)
    effects = {f"beta_{condition}": fit.b[d] for d, condition in enumerate(fit.conditions)}
    return found.assign(**effects)[fit.seen(min_times_seen) & (patterns != ALL_EQUAL).to_numpy()]


def disagreements(
    fits: pd.DataFrame,
    table: pd.DataFrame,
    load: Callable[[str], Effects] = load,
    min_times_seen: int = 1,
    pair: tuple[str, str] = ("reference", "equivariant"),
) -> pd.DataFrame:
    """Mutations to which two difference matrices give different patterns, each matrix at the weight shown.

    Parameters
    ----------
    fits, table, load, min_times_seen
        As in :func:`mutations`.
    pair
        Names of the two matrices; without fits of both the table has no rows.

    Returns
    -------
    DataFrame
        What is swept but difference and lasso; ``mutation``, ``wildtype``, ``site``, ``mutant``, ``kind``; for each
        matrix ``lasso_<matrix>`` and ``pattern_<matrix>``; ``price_<matrix>_of_<other>``, what the pattern found under
        the other matrix costs under this one (:func:`pattern_penalty`), for all four pairs; ``converged``: both fits.
    """
    swept, load = sweep_columns(fits), fitted.blank_diverged(fits, load, _without_numbers)
    same = sweep_columns(fits, without=("difference", "lasso"))
    columns = [*same, *NAMES, "kind", *(f"lasso_{one}" for one in pair), *(f"pattern_{one}" for one in pair)]
    columns += [f"price_{one}_of_{other}" for one in pair for other in pair] + ["converged"]
    if "difference" not in swept:
        return pd.DataFrame(columns=columns)
    looked = table.loc[table["shown"] != "", [*swept, "converged"]].drop_duplicates()
    looked = looked.merge(full(fits)[[*swept, "path"]], on=swept, how="left")
    first, second = (looked[looked["difference"] == one].drop(columns="difference") for one in pair)
    both = first.merge(second, on=same, suffixes=tuple(f"_{one}" for one in pair))
    parts = [_disagreeing(row, same, pair, load, min_times_seen) for row in both.to_dict("records")]
    return pd.concat(parts, ignore_index=True)[columns] if parts else pd.DataFrame(columns=columns)


def _disagreeing(
    row: Mapping, same: list[str], pair: tuple[str, str], load: Callable, min_times_seen: int
) -> pd.DataFrame:
    one, two = (load(row[f"path_{matrix}"]) for matrix in pair)
    patterns = {matrix: fusion_groups(fit.b) for matrix, fit in zip(pair, (one, two), strict=True)}
    unlike = np.array([a != b for a, b in zip(*patterns.values(), strict=True)], bool)
    kept = np.flatnonzero(unlike & one.seen(min_times_seen) & two.seen(min_times_seen))
    if not (np.isfinite(one.b).all() and np.isfinite(two.b).all()):
        kept = kept[:0]
    found = one.mutations.iloc[kept][list(NAMES)].reset_index(drop=True)
    found = found.assign(kind=kinds(found["mutant"]), **{column: row[column] for column in same})
    for matrix, fit in zip(pair, (one, two), strict=True):
        found[f"lasso_{matrix}"] = row[f"lasso_{matrix}"]
        found[f"pattern_{matrix}"] = [name(patterns[matrix][k], fit.conditions) for k in kept]
        for other in pair:
            found[f"price_{matrix}_of_{other}"] = [pattern_penalty(fit.matrix, patterns[other][k]) for k in kept]
    return found.assign(converged=all(row[f"converged_{matrix}"] for matrix in pair))
