"""The tables of shifts a second time, from the arrays of the selected fits.

Formulas and sources: :mod:`proxsweep.dms.results.shifts` and :mod:`proxsweep.dms.results.shifts_by_reference`, with
which this shares no code.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from proxsweep.dms.check import signs
from proxsweep.dms.check.effects import Effects, Fits, under
from proxsweep.sweep import chosen
from proxsweep.sweep.cells import ROUNDING, Expected
from proxsweep.sweep.fits import folds, full, ordered, resamples

NAMES = ("mutation", "wildtype", "site", "mutant")
KINDS = {"*": "stop", "-": "deletion"}
KEY = ("row", "mutation")
OVER = ("shift", "shift_sd")  # what sums over replicates may move, relative to the largest of these
FIXED = (
    *("row", *NAMES, "kind", "selected", "replicates", *OVER, "nonzero", "reproduced"),
    *("false_discovery_rate", "false_discovery_rate_stops"),
    *("resamples", "selection_frequency", "folds", "fold_selection_frequency"),
)
LAST = ("unconverged", "unconverged_refits")


def table(fits: Fits, choice: pd.DataFrame) -> Expected:
    """What `shifts.csv` has to say with these weights chosen."""
    here = _selected(fits, choice)
    replicates = _replicates(fits, here)
    parts = [over_replicates(row, replicates) for row in _rows(replicates)]
    if not parts:
        return Expected(pd.DataFrame(columns=[*FIXED, *LAST]), KEY)
    found, sizes = pd.concat(parts, ignore_index=True), np.concatenate([_sizes(part) for part in parts])
    found["false_discovery_rate"] = np.concatenate([_sign_rates(part, replicates) for part in parts])
    found["false_discovery_rate_stops"] = np.concatenate([_stop_rates(part) for part in parts])
    for name, share, some in (
        ("resamples", "selection_frequency", resamples(here)),
        ("folds", "fold_selection_frequency", folds(here)),
    ):
        refits = [fits.effects(path) for path in some["path"]]
        times = [_selections(row, part, refits) for row, part in zip(_rows(replicates), parts, strict=True)]
        seen, shifted = np.concatenate(times, axis=1)
        found[name], found[share] = seen, np.divide(shifted, seen, out=np.full(len(seen), np.nan), where=seen > 0)
    wrong, whole = here["status"] != "converged", here.index.isin(full(here).index)
    found["unconverged"], found["unconverged_refits"] = int((wrong & whole).sum()), int((wrong & ~whole).sum())
    enough = found["replicates"] > (1 if len(replicates) > 1 else 0)
    found["selected"] = (found["reproduced"] & enough) if chosen.is_selected(choice) else False
    own = [name for name in found if name.startswith(("shift_replicate_", "times_seen_"))]
    found = found[[*FIXED, *own, *LAST]]
    if not chosen.is_selected(choice):
        order = np.argsort(-np.nan_to_num(abs(found["shift"].to_numpy(float)), nan=-1.0).round(9), kind="stable")
        found, sizes = found.iloc[order].reset_index(drop=True), sizes[order]
    # shares of few among many are differences of shares of most
    stops = {"false_discovery_rate_stops": len(found) * found["false_discovery_rate_stops"].to_numpy()}
    return Expected(found, KEY, ROUNDING, {**dict.fromkeys(OVER, sizes), **stops})


def by_reference(fits: Fits, choice: pd.DataFrame) -> Expected:
    """What `shifts_by_reference.csv` has to say with these weights chosen."""
    here = full(_selected(fits, choice))
    columns = ["reference", "row", *NAMES, "kind", "replicates", *OVER, "nonzero", "reproduced", "unconverged"]
    fitted = {path: fits.effects(path) for path in here["path"]}
    parts, sizes = [], [np.zeros(0)]
    for reference in next(iter(fitted.values())).conditions if fitted else []:
        read = {path: under(found, fits.encoding(path).bundle, reference) for path, found in fitted.items()}
        replicates = dict(zip(here["replicate"], read.values(), strict=True))
        for row in _rows(replicates):
            parts.append(over_replicates(row, replicates).assign(reference=reference))
            sizes.append(_sizes(parts[-1]))
    key = ("reference", *KEY)
    if not parts:
        return Expected(pd.DataFrame(columns=columns), key)
    found = pd.concat(parts, ignore_index=True)
    found["unconverged"] = int((here["status"] != "converged").sum())
    return Expected(found[columns], key, ROUNDING, dict.fromkeys(OVER, np.concatenate(sizes)))


def _selected(fits: Fits, choice: pd.DataFrame) -> pd.DataFrame:
    """Fits of the selected setting, none where no weight was selected."""
    main = chosen.main(choice)
    return fits.study.fits.iloc[:0] if main is None else chosen.agreeing(fits.study.fits, main)


def _replicates(fits: Fits, here: pd.DataFrame) -> dict[str, Effects]:
    return {one.replicate: fits.effects(one.path) for one in full(here).itertuples()}


def _rows(replicates: Mapping[str, Effects]) -> list[str]:
    return list(next(iter(replicates.values())).shifts) if replicates else []


def over_replicates(row: str, replicates: Mapping[str, Effects]) -> pd.DataFrame:
    """What replicates say of the mutations that any of them saw in all conditions that a row compares."""
    names = list(dict.fromkeys(names for one in replicates.values() for names in one.mutations))
    place = {parts: k for k, parts in enumerate(names)}
    labels, conditions = ordered(replicates), next(iter(replicates.values())).conditions
    shifts, seen = np.full((len(labels), len(names)), np.nan), np.zeros(len(names), bool)
    times = np.zeros((len(conditions), len(names)), int)
    for r, label in enumerate(labels):
        one, known = replicates[label], replicates[label].seen(row)
        at = np.array([place[parts] for parts in one.mutations], int)[known]
        shifts[r, at], seen[at] = one.shifts[row][known], True
        times[:, at] += one.times_seen[:, known]
    shifts, times, names = shifts[:, seen], times[:, seen], [names[k] for k in np.flatnonzero(seen)]
    known = np.isfinite(shifts)
    count, zero = known.sum(axis=0), np.where(known, shifts, 0.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = zero.sum(axis=0) / count
        away = np.where(known, shifts - mean, 0.0)
        spread = np.sqrt((away**2).sum(axis=0) / np.maximum(count - 1, 0))
    found = {
        "row": row,
        **dict(zip(NAMES, (list(part) for part in zip(*names, strict=True)) if names else [[]] * 4, strict=True)),
        "kind": [KINDS.get(parts[3], "nonsynonymous") for parts in names],
        "replicates": count,
        "shift": mean,
        "shift_sd": spread,
        "nonzero": (zero != 0).sum(axis=0),
        "reproduced": known.any(axis=0) & ((~known | (shifts > 0)).all(axis=0) | (~known | (shifts < 0)).all(axis=0)),
        **{f"shift_replicate_{label}": values for label, values in zip(labels, shifts, strict=True)},
        **{f"times_seen_{name}": counts for name, counts in zip(conditions, times, strict=True)},
    }
    return pd.DataFrame(found)


def _of_replicates(part: pd.DataFrame) -> np.ndarray:
    """Sizes of the shifts in each replicate: (mutations, replicates)."""
    return abs(part[[name for name in part if name.startswith("shift_replicate_")]].to_numpy(float))


def _sizes(part: pd.DataFrame) -> np.ndarray:
    """The largest size that a shift has in any replicate."""
    sizes = _of_replicates(part)
    return np.where(np.isfinite(sizes), sizes, 0.0).max(axis=1, initial=0.0)


def _sign_rates(part: pd.DataFrame, replicates: Mapping[str, Effects]) -> np.ndarray:
    """Estimated share of false shifts among reproduced ones of at least the same size, by the signs in pairs."""
    sizes = _of_replicates(part)
    size = np.where(np.isfinite(sizes), sizes, np.inf).min(axis=1, initial=np.inf)
    called = part["reproduced"].to_numpy(bool) & (part["replicates"] > 1).to_numpy() & (size > 0)
    mirror = signs.mirrors(list(replicates.values()), part["row"].iloc[0]) if len(part) else np.zeros(0)
    agree = mirror[mirror > 0]
    if not len(agree):
        return np.full(len(part), np.nan)
    thresholds = np.unique(np.concatenate([agree, size[called]]))
    rates = _falling(_at_least(-mirror[mirror < 0], thresholds), _at_least(agree, thresholds))
    return _looked_up(size, called, thresholds, rates)


def _stop_rates(part: pd.DataFrame) -> np.ndarray:
    """The same by stop codons, whose shifts are false: their share that is as large over that of the others."""
    kind, size = part["kind"].to_numpy(), abs(part["shift"].to_numpy(float))
    size = np.where(part["reproduced"], size, 0.0)
    called = size > 0
    stops, others = size[kind == "stop"], size[kind == "nonsynonymous"]
    if not len(stops) or not len(others) or not called.any():
        return np.full(len(part), np.nan)
    thresholds = np.unique(size[called])
    among = _at_least(stops, thresholds) / len(stops), _at_least(others, thresholds) / len(others)
    return _looked_up(size, called, thresholds, _falling(*among))


def _at_least(sizes: np.ndarray, thresholds: np.ndarray) -> np.ndarray:
    """How many sizes are at least each of the thresholds, which increase."""
    return len(sizes) - np.searchsorted(np.sort(sizes), thresholds)


def _falling(false: np.ndarray, found: np.ndarray) -> np.ndarray:
    """The share of false ones, at most 1, and the smallest over smaller thresholds."""
    share = np.divide(false, found, out=np.ones(len(found)), where=found > 0)
    return np.minimum.accumulate(np.minimum(share, 1.0))


def _looked_up(size: np.ndarray, called: np.ndarray, thresholds: np.ndarray, rates: np.ndarray) -> np.ndarray:
    found = np.full(len(size), np.nan)
    found[called] = rates[np.searchsorted(thresholds, size[called])]
    return found


def _selections(row: str, part: pd.DataFrame, refits: Sequence[Effects]) -> np.ndarray:
    """In how many refits each mutation was seen, and in how many of these its shift is not zero: (2, mutations)."""
    found, names = np.zeros((2, len(part)), int), pd.Index(part["mutation"])
    for one in refits:
        at = names.get_indexer(list(one.places))
        known = one.seen(row) & np.isfinite(one.shifts[row]) & (at >= 0)
        found[0, at[known]] += 1
        found[1, at[known]] += one.shifts[row][known] != 0
    return found
