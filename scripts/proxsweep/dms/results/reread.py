"""A fit's effects and shifts read under another reference: exact algebra, nothing is fitted again.

Let the old reference have the letter G at a site and the new one P. In latent units, with b_d(G) = 0, letter x has

    b'_d(P -> x) = b_d(G -> x) - b_d(G -> P),    b0'_d = b0_d + sum of b_d(G -> P) over the sites where the two differ,

so that no prediction changes; at sites where they do not differ nothing does. The shift of condition d against the new
reference is b'_d - b' of the reference. docs/model.md derives it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from proxsweep.dms.data.substitutions import LETTERS
from proxsweep.dms.results import fitted
from proxsweep.io.errors import UserError
from proxsweep.sweep import fit_folder

NAMES = ("mutation", "wildtype", "site", "mutant")


@dataclass(frozen=True)
class Reading:
    """A fit under a reference of one's choice.

    Attributes
    ----------
    reference : str
    intercepts : dict of float
        By condition, the latent phenotype of the reference's wildtype.
    differing : set of str
        Sites at which the conditions' wildtypes are not all the same.
    fitted : Fitted
        ``rows`` are every other condition minus the reference (``<condition>-minus-<reference>``), whatever the matrix
        of the fit; the columns of ``mutations`` are those of ``mutations.csv``.
    """

    reference: str
    intercepts: dict[str, float]
    differing: set[str]
    fitted: fitted.Fitted


def load(folder: str | Path, reference: str) -> Reading:
    """Read a fit's ``parameters.npz``, ``mutations.csv`` and ``record.json`` under ``reference``.

    Raises
    ------
    UserError
        If the fit has no such condition, or the folder no finished fit.
    """
    folder = Path(folder)
    old, done = fitted.figures(folder, "reference")["reference"], fitted.load(folder)
    if reference not in done.conditions:
        # message: `--reference` of `proxsweep reread` has to be a condition of the fit. | Name one of those.
        raise UserError(str(folder), f"no condition {reference!r}", f"one of {', '.join(done.conditions)}")
    if old not in done.conditions:
        place = str(folder / fit_folder.RECORD)
        # message: The record was edited. | Make the fit again.
        raise UserError(place, f"the reference {old!r}", f"one of {', '.join(done.conditions)}")
    bundle, b, b0 = fitted.effects(folder, done.mutations, "bundle", "b", "b0")
    _refuse_letters(folder / fitted.TABLE, done.mutations, bundle)
    moved = bundle[done.conditions.index(reference)]
    letters = {
        name: done.mutations.loc[flags, ["site", "mutant"]].set_index("site")["mutant"].to_dict()
        for name, flags in zip(done.conditions, bundle, strict=True)
    }
    mutations = with_shifts(reread(done.mutations, letters, reference), done.conditions, reference)
    rows = {_row(name, reference): sorted({name, reference}) for name in done.conditions if name != reference}
    intercepts = b0 + b[:, moved].sum(axis=1) if reference != old else b0
    found = dict(zip(done.conditions, map(float, intercepts), strict=True))
    differing = set().union(*letters.values())
    return Reading(reference, found, differing, fitted.Fitted(done.conditions, rows, mutations))


def _refuse_letters(path: Path, mutations: pd.DataFrame, bundle: np.ndarray) -> None:
    """Refuse mutations that are not their three parts, a site with two wildtypes, and a condition with two letters."""
    parts = mutations["wildtype"].str.cat([mutations["site"], mutations["mutant"]])
    wrong = (parts != mutations["mutation"]) | ~mutations["mutant"].isin(list(LETTERS))
    wrong |= ~mutations["wildtype"].isin(list(LETTERS)) | (mutations["wildtype"] == mutations["mutant"])
    wrong |= mutations.groupby("site")["wildtype"].transform("nunique") != 1
    for flags in bundle:
        wrong |= mutations["site"][flags].duplicated(keep=False).reindex(mutations.index, fill_value=False)
    if wrong.any():
        row = int(wrong.to_numpy().argmax())
        found = f"the mutation {mutations['mutation'].iloc[row]!r}"
        # message: `mutations.csv` was edited, as `proxsweep reread` finds. | Make the fit again.
        raise UserError(f"{path}, row {row + 2}", found, "wildtype, site and mutant, with one wildtype a site")


def reread(mutations: pd.DataFrame, letters: Mapping[str, Mapping[str, str]], reference: str) -> pd.DataFrame:
    """A fit's mutations in the coordinates of another reference.

    Parameters
    ----------
    mutations
        One row a mutation: :data:`NAMES`, then for every condition ``beta_<condition>`` (latent units) and
        ``times_seen_<condition>`` (variants; of the mutation to the condition's own wildtype, how many carry another
        letter at the site). Other columns are left out.
    letters
        For every condition its wildtype at the sites where that is not the old reference's.
    reference
        The new reference.

    Returns
    -------
    DataFrame
        The same columns, sites in the same order; the letters of a site that changed in the order of LETTERS.
    """
    kept = [name for name in mutations.columns if name in NAMES or name.startswith(("beta_", "times_seen_"))]
    mutations, moved = mutations[kept], letters[reference]
    if not moved:
        return mutations
    here = mutations["site"].isin(list(moved))
    parts = [
        _site(part, site, {name: own.get(site) for name, own in letters.items()}, moved[site])
        for site, part in mutations[here].groupby("site", sort=False)
    ]
    order = {site: place for place, site in enumerate(dict.fromkeys(mutations["site"]))}
    found = pd.concat([mutations[~here], *parts])
    return found.sort_values("site", key=lambda sites: sites.map(order), kind="stable").reset_index(drop=True)


def _site(part: pd.DataFrame, site: str, own: Mapping[str, str | None], wildtype: str) -> pd.DataFrame:
    """One site whose reference letter becomes ``wildtype``; ``own`` are the conditions' letters, None for the old."""
    old = part["wildtype"].iloc[0]
    part = part.set_index("mutant")
    mutants = sorted({old, *part.index} - {wildtype}, key=LETTERS.index)
    columns = {}
    for name in (column for column in part.columns if column not in NAMES):
        kind, condition = ("beta", name[5:]) if name.startswith("beta_") else ("times_seen", name[11:])
        values = {**part[name].to_dict()}
        if kind == "beta":
            values[old] = 0.0
            columns[name] = [values[mutant] - values[wildtype] for mutant in mutants]
        else:
            counted = _seen(values, old, own[condition] or old)
            columns[name] = [counted[mutant] for mutant in mutants]
    names = [f"{wildtype}{site}{mutant}" for mutant in mutants]
    return pd.DataFrame({"mutation": names, "wildtype": wildtype, "site": site, "mutant": mutants, **columns})


def _seen(counts: dict[str, int], old: str, own: str) -> dict[str, int]:
    """Variants by letter; under the condition's own letter those with any other."""
    others = {letter: count for letter, count in counts.items() if letter not in (own, old)}
    mutated = sum(others.values()) if own == old else counts[own]
    return {**others, old: mutated - sum(others.values()), own: mutated}


def _row(condition: str, reference: str) -> str:
    return f"{condition}-minus-{reference}"


def with_shifts(mutations: pd.DataFrame, conditions: list[str], reference: str) -> pd.DataFrame:
    """Add ``shift_<condition>-minus-<reference>`` (latent units) of every other condition."""
    base = mutations[f"beta_{reference}"]
    shifts = {
        f"shift_{_row(name, reference)}": mutations[f"beta_{name}"] - base for name in conditions if name != reference
    }
    return mutations.assign(**shifts)
