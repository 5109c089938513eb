"""What came out of a study, for the verdict at the end of a run."""

import pandas as pd

from proxsweep.io import digests
from proxsweep.sweep import fits
from proxsweep.sweep.grid import label
from proxsweep.sweep.study import Study

MOST = 8  # ranks that are named
OTHER_OBJECTIVES = ("loss", "w_columns", "l1_h", "l2_h", "l1_w", "l2_w", "normalise")
"""Keys under which objectives cannot be compared."""


def findings(study: Study) -> list[str]:
    """The lowest objective of every rank, and where starts have other optima; nothing without the table of fits."""
    path = digests.undamaged(f"results/{study.name}/fits.csv")
    table = pd.DataFrame() if path is None else fits.read(path, ["rank", "replicate", "objective", "status"])
    table = table[table["status"] == "converged"] if len(table) else table
    if table.empty or any(name in study.sweep for name in OTHER_OBJECTIVES):
        return []
    first = label(study.sweep["replicate"][0])
    best = table[table["replicate"].astype(str) == first].groupby("rank")["objective"].min()
    if best.empty:
        return []
    named = ", ".join(f"{value:.5g} at {rank}" for rank, value in best.iloc[:MOST].items())
    more = f", and {len(best) - MOST} more ranks" if len(best) > MOST else ""
    return [f"lowest objective by rank (replicate {first}): {named}{more}"]
