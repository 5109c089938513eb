"""What came out of a study, for the verdict at the end of a run: shifts that were found, and what to look at again."""

from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from proxsweep.dms import foreseen, settings
from proxsweep.io import digests, reading
from proxsweep.sweep import chosen, rules
from proxsweep.sweep.fits import full, read
from proxsweep.sweep.study import Study

MOST = 3  # shifts that are named


def findings(study: Study) -> list[str]:
    """How many shifts were found, and how many of them are false by the estimate; nothing where tables are missing."""
    shifts_path, choice_path = (_file(study, name) for name in ("shifts.csv", "chosen.csv"))
    if shifts_path is None or choice_path is None:
        return []
    choice = chosen.load(choice_path)
    shifts = reading.table(shifts_path, ("row", "mutation", "site"), ["selected"], "the table of a study's shifts")
    if shifts.empty:
        return ["no shifts: no mutation is compared between conditions"]
    if not chosen.is_selected(choice):
        return [f"no shift counts as found; {len(shifts):,} are in shifts.csv, the largest first (docs/selection.md)"]
    found = shifts[shifts["selected"].astype(bool)]
    rate = choice.loc[choice["chosen"], "false_discovery_rate"].iloc[0]
    false = f"estimated {rules.percent(rate)} false by their signs" if rate == rate else "false ones not estimated"
    agree = "with one sign in the replicates" if len(study.sweep["replicate"]) > 1 else "in the one replicate"
    return [f"{len(found):,} of {len(shifts):,} shifts are nonzero {agree}; {false}", *_largest(found)]


def _largest(found: pd.DataFrame) -> Iterator[str]:
    """The largest shifts, by name, row of the difference matrix and size."""
    if found.empty:
        return
    by_size = found.loc[found["shift"].abs().sort_values(ascending=False, kind="stable").index[:MOST]]
    named = (f"{one.mutation} {one.shift:+.2g} ({one.row})" for one in by_size.itertuples())
    yield f"largest: {', '.join(named)} (latent units)"


def warnings(study: Study) -> list[str]:
    """What to look at again: of the settings and data, scales at their bound, starts that were better than the fits."""
    return [*_settings(study), *_scales(study), *_cold_starts(study)]


def _settings(study: Study) -> list[str]:
    """What a dry run says of settings and data, where these were tables."""
    paths = [_file(study, f"data/{name}.csv") for name in ("wildtypes", "variants")]
    if study.data["simulate"] or None in paths:
        return []
    conditions = list(pd.read_csv(paths[0], nrows=0).columns.drop("site", errors="ignore"))
    wanted = ["condition", "aa_substitutions"]
    variants = pd.read_csv(paths[1], usecols=lambda name: name in wanted, dtype=str, keep_default_na=False)
    return foreseen.of_data(study, conditions, variants, Path()) if set(wanted) <= set(variants) else []


def _scales(study: Study) -> Iterator[str]:
    path = _file(study, "fits.csv")
    table = pd.DataFrame() if path is None else full(read(path))
    at_bound = table["scale_at_bound"].dropna().astype(str) == "True" if "scale_at_bound" in table else pd.Series()
    if at_bound.any():
        # message: The scale of the sigmoid ended at its bound: the data do not determine it, and results depend on the
        # bound. | Sweep `scale_bound` and look at the figure `scale_bound`; [starts.md](starts.md).
        yield (
            f"the scale of the sigmoid is at its bound in {at_bound.sum()} of {len(at_bound)} full fits; sweep "
            "`scale_bound` to see what depends on it (docs/starts.md)"
        )


def _cold_starts(study: Study) -> list[str]:
    path = _file(study, settings.COLD_STARTS)
    if path is None or not settings.checks_chosen_starts(study):
        return []
    found = reading.table(path, ("path",), ["path", "excess", "worse"], "a table of starts (.csv)")
    worse = found[found["worse"].astype(str) == "True"]
    # message: A start from zeros found a lower objective than the fit, which started from its neighbour's solution. |
    # Look at the shifts of the fit again with `starts: [zeros, neighbour]`; [starts.md](starts.md).
    return [f"{row.path}: a start from zeros ends {row.excess:.2g} lower (relative)" for row in worse.itertuples()]


def _file(study: Study, name: str) -> Path | None:
    return digests.undamaged(Path("results", study.name, name))
