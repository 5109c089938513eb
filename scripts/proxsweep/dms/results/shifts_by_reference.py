"""The shifts of the chosen fits under every reference in turn, without a refit (see ``reread``)."""

import pandas as pd

from proxsweep.dms.results import fitted, reread, shifts
from proxsweep.sweep import chosen
from proxsweep.sweep.fits import full

COLUMNS = ("reference", "row", *shifts.NAMES, "kind", "replicates", "shift", "shift_sd", "nonzero", "reproduced")


def table(fits: pd.DataFrame, choice: pd.DataFrame) -> pd.DataFrame:
    """One row for each reference, other condition and mutation that some replicate saw in both.

    Parameters
    ----------
    fits
        The study's table of fits.
    choice
        The study's `chosen.csv`.

    Returns
    -------
    DataFrame
        ``reference``; ``row``, the condition minus the reference; ``mutation``, ``wildtype``, ``site``, ``mutant``
        relative to the reference's wildtype; ``kind``, ``replicates``, ``shift`` (latent units, mean over replicates),
        ``shift_sd``, ``nonzero``, ``reproduced`` as in `shifts.csv`; ``unconverged`` fits among the replicates. No rows
        where there is one condition.
    """
    main = chosen.main(choice)
    parts = []
    if main is not None:
        here = full(chosen.agreeing(fits, main))
        conditions = fitted.load(here["path"].iloc[0]).conditions
        parts = [part for reference in conditions for part in _under(reference, here)]
    if not parts:
        return pd.DataFrame(columns=[*COLUMNS, "unconverged"])
    unconverged = int((here["status"] != "converged").sum())
    return pd.concat(parts, ignore_index=True)[list(COLUMNS)].assign(unconverged=unconverged)


def _under(reference: str, fits: pd.DataFrame) -> list[pd.DataFrame]:
    """Every row against one reference, over the replicates that these fits are to."""
    load = fitted.blank_diverged(fits, lambda path: reread.load(path, reference).fitted)
    replicates = {label: load(path) for label, path in fits[["replicate", "path"]].itertuples(index=False)}
    rows = next(iter(replicates.values())).rows
    return [shifts.over_replicates(row, replicates).assign(reference=reference) for row in rows]
