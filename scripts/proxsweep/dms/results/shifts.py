"""The shifts a study reports: at the chosen weight, over replicates, with what speaks for and against each.

Where no weight was chosen the same table ranks shifts by size, at the smallest weight above 0.

Replicates are fits of their own. A shift is reproduced where it is nonzero with one sign in every replicate that saw
the mutation in all conditions the row compares; how often refits to resamples and to folds select it says how much it
hangs on single variants; and how many of the shifts at least as large are false is estimated from the signs in pairs of
replicates (:mod:`proxsweep.dms.results.replicate_signs`) and from stop codons (:func:`stop_rates`).
"""

from collections.abc import Callable

import numpy as np
import pandas as pd

from proxsweep.dms.results import fitted, replicate_signs
from proxsweep.dms.results.fitted import kinds
from proxsweep.io.errors import UserError
from proxsweep.sweep import chosen
from proxsweep.sweep.fits import folds, full, ordered, resamples

NAMES = ("mutation", "wildtype", "site", "mutant")
TIE = 9  # decimals (latent units): differences beyond are rounding
_FIXED = (
    *("row", *NAMES, "kind", "selected", "replicates", "shift", "shift_sd", "nonzero", "reproduced"),
    *("false_discovery_rate", "false_discovery_rate_stops"),
    *("resamples", "selection_frequency", "folds", "fold_selection_frequency"),
)
_LAST = ("unconverged", "unconverged_refits")


def table(fits: pd.DataFrame, choice: pd.DataFrame, load: Callable[[str], fitted.Fitted] = fitted.load) -> pd.DataFrame:
    """One row for each row of the chosen difference matrix and mutation seen in all conditions that the row compares.

    Parameters
    ----------
    fits
        The study's table of fits.
    choice
        The study's `chosen.csv`.
    load
        Reads the fit in a folder (column ``path``).

    Returns
    -------
    DataFrame
        ``row``; ``mutation``, ``wildtype``, ``site``, ``mutant``, ``kind``; ``selected``: whether the shift is
        reproduced, by two replicates or more if the study has these, at a weight that was chosen, never in a ranking;
        ``replicates`` that saw the mutation in every compared condition; ``shift`` (mean over them, latent units) and
        ``shift_sd`` (standard deviation between them); ``nonzero`` (in how many the shift is not zero);
        ``reproduced``; ``false_discovery_rate`` by signs (NaN with one replicate) and
        ``false_discovery_rate_stops``; ``resamples`` that saw the mutation and
        ``selection_frequency``, the share of them in which the shift is not zero; the same of folds;
        ``shift_replicate_<label>``; ``times_seen_<condition>`` (variants, summed over replicates); ``unconverged`` and
        ``unconverged_refits``: how many fits of the replicates, and to resamples and folds, did not converge. Mutations
        stand in the order of the protein; in a ranking by the size of the shift, the largest first. No rows where there
        is one condition.
    """
    main = chosen.main(choice)
    if main is None:
        return pd.DataFrame(columns=[*_FIXED, *_LAST])
    here = chosen.agreeing(fits, main)
    load = fitted.blank_diverged(here, load)
    replicates = {label: load(path) for label, path in full(here)[["replicate", "path"]].itertuples(index=False)}
    if not replicates:
        found = f"no full fit of {main}"
        # message: `chosen.csv` is older than the sweep, or was edited. | Make it again.
        raise UserError("chosen.csv", found, "a weight and a difference matrix among the fits of fits.csv")
    wrong = here["status"] != "converged"
    whole = here.index.isin(full(here).index)
    unconverged = {"unconverged": int((wrong & whole).sum()), "unconverged_refits": int((wrong & ~whole).sum())}
    parts = [over_replicates(row, replicates) for row in next(iter(replicates.values())).rows]
    if not parts:  # one condition
        return pd.DataFrame(columns=[*_FIXED, *_LAST])
    found = pd.concat(parts, ignore_index=True)
    mirrors = replicate_signs.mirrors(list(replicates.values()))
    found["false_discovery_rate"] = np.concatenate([_sign_rates(part, mirrors) for part in parts])
    found["false_discovery_rate_stops"] = np.concatenate([stop_rates(part) for part in parts])
    for name, some in (("resamples", resamples(here)), ("folds", folds(here))):
        found = _selected(found, name, [load(path) for path in some["path"]])
    labels = [f"shift_replicate_{label}" for label in ordered(replicates)]
    seen = [name for name in found.columns if name.startswith("times_seen_")]
    # of several replicates one alone reproduces nothing
    found["selected"] = found["reproduced"] & (found["replicates"] >= min(2, len(replicates)))
    found["selected"] &= chosen.is_selected(choice)
    found = found[[*_FIXED, *labels, *seen]].assign(**unconverged)
    return found if chosen.is_selected(choice) else ranked(found)


def ranked(found: pd.DataFrame) -> pd.DataFrame:
    """The largest shifts first; those that are equal to :data:`TIE` decimals stay in their order."""
    by_size = found["shift"].abs().round(TIE).sort_values(ascending=False, kind="stable", na_position="last")
    return found.loc[by_size.index].reset_index(drop=True)


def over_replicates(row: str, replicates: dict[str, fitted.Fitted]) -> pd.DataFrame:
    """What the replicates say about one row: a table with a line for each mutation that any of them saw.

    ``row``, :data:`NAMES`, ``kind``, ``replicates``, ``shift`` (latent units), ``shift_sd``, ``nonzero``,
    ``reproduced``, ``shift_replicate_<label>``, ``times_seen_<condition>`` as :func:`table` describes them.
    """
    shifts, times = {}, []
    for label in ordered(replicates):
        fit = replicates[label]
        seen = fit.mutations[fit.seen(fit.rows[row], 1)].set_index(list(NAMES))
        shifts[f"shift_replicate_{label}"] = seen[f"shift_{row}"].astype(float)
        times.append(seen[[name for name in seen.columns if name.startswith("times_seen_")]])
    values = pd.DataFrame(shifts)
    counts = pd.concat(times).groupby(level=list(NAMES)).sum()
    found = pd.DataFrame(
        {
            "replicates": values.notna().sum(axis=1),
            "shift": values.mean(axis=1),
            "shift_sd": values.std(axis=1),
            "nonzero": (values.fillna(0) != 0).sum(axis=1),
            "reproduced": _reproduced(values),
        }
    )
    names = dict.fromkeys(name for fit in replicates.values() for name in fit.mutations["mutation"])
    order = {name: place for place, name in enumerate(names)}
    found = found.join(values).join(counts).reset_index()
    found = found.sort_values("mutation", key=lambda names: names.map(order), kind="stable").reset_index(drop=True)
    return found.assign(row=row, kind=kinds(found["mutant"]))


def _reproduced(values: pd.DataFrame) -> np.ndarray:
    """Nonzero with one sign wherever a fit that saw it has a shift, and one does: (M,) bool."""
    same = [((values * sign > 0) | values.isna()).all(axis=1) for sign in (1, -1)]
    return ((same[0] | same[1]) & values.notna().any(axis=1)).to_numpy()


def _sign_rates(found: pd.DataFrame, mirrors: pd.DataFrame) -> np.ndarray:
    """Rates by the smallest size that a reproduced shift has in any replicate."""
    replicates = found[[name for name in found.columns if name.startswith("shift_replicate_")]]
    sizes = replicates.abs().min(axis=1).where(found["reproduced"] & (found["replicates"] > 1))
    row = mirrors[mirrors["row"] == found["row"].iloc[0]]
    return replicate_signs.false_discovery_rates(sizes.to_numpy(float), row["mirror"].to_numpy(float))


def stop_rates(found: pd.DataFrame) -> np.ndarray:
    """Estimated share of false shifts among reproduced ones of at least the same size, by stop codons: (M,).

    A stop codon does the same harm in every condition, so its shift is false. With F_stop(t) and F(t) the shares of
    stop codons and of nonsynonymous mutations whose reproduced shift is at least t in size, the estimate is F_stop(t) /
    F(t), at most 1, as if every nonsynonymous shift could be false (a proportion of true nulls of 1; Storey 2002, J. R.
    Stat. Soc. B 64, 479, with stops in place of a known null distribution); then the smallest over all smaller t, so
    that it falls with the size. NaN without stop codons, and for shifts that are not reproduced.
    """
    size = np.where(found["reproduced"], found["shift"].abs(), 0.0)
    stops = np.sort(size[(found["kind"] == "stop").to_numpy()])
    others = np.sort(size[(found["kind"] == "nonsynonymous").to_numpy()])
    rates = np.full(len(size), np.nan)
    called = size > 0
    if not len(stops) or not len(others) or not called.any():
        return rates
    thresholds = np.unique(size[called])
    above_stops = 1 - np.searchsorted(stops, thresholds) / len(stops)
    above = 1 - np.searchsorted(others, thresholds) / len(others)
    estimate = np.divide(above_stops, above, out=np.ones_like(above), where=above > 0)
    falling = np.minimum.accumulate(np.minimum(estimate, 1.0))
    rates[called] = falling[np.searchsorted(thresholds, size[called])]
    return rates


def _selected(found: pd.DataFrame, name: str, fits: list[fitted.Fitted]) -> pd.DataFrame:
    """Add in how many of ``fits`` every mutation was seen in the compared conditions, and the share with a shift."""
    counts = []
    for fit in fits:
        for row, conditions in fit.rows.items():
            known = np.isfinite(fit.mutations[f"shift_{row}"].to_numpy(float))  # not of a fit that diverged
            seen = fit.mutations[fit.seen(conditions, 1) & known]
            shifted = seen[f"shift_{row}"].to_numpy(float) != 0
            counts.append(pd.DataFrame({"row": row, "mutation": seen["mutation"], "seen": 1, "shifted": shifted}))
    share = "selection_frequency" if name == "resamples" else "fold_selection_frequency"
    if not counts:
        return found.assign(**{name: 0, share: np.nan})
    total = pd.concat(counts).groupby(["row", "mutation"])[["seen", "shifted"]].sum()
    joined = found.join(total, on=["row", "mutation"])
    seen = joined.pop("seen").fillna(0).astype(int)
    return joined.assign(**{name: seen, share: joined["shifted"] / seen.where(seen > 0)}).drop(columns="shifted")
