"""What came out of a study, for the verdict at the end of a run."""

import pandas as pd

from proxsweep.io import digests
from proxsweep.sweep import chosen, fits
from proxsweep.sweep.grid import label
from proxsweep.sweep.rules import HELD_OUT, STABILITY
from proxsweep.sweep.study import Study

KINDS = {
    "not_converged": "did not converge",
    "other_optimum": "ended in another optimum",
    "same_product_other_factors": "have the same product with other factors",
}
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


def warnings(study: Study) -> list[str]:
    """Where the rules disagree on the rank, and how the starts of the fits that are shown differ."""
    path = digests.undamaged(f"results/{study.name}/chosen.csv")
    choice = None if path is None else chosen.load(path)
    main = None if choice is None else chosen.main(choice)
    if main is None:
        return []
    row = choice[choice["chosen"]].iloc[0]
    ranks = {"held-out error": row[HELD_OUT], "stability": row[STABILITY]}
    said = [f"{name} selects rank {rank:.0f}" for name, rank in ranks.items() if rank == rank]
    found = [", ".join(said)] if len(set(ranks.values())) == 2 and len(said) == 2 else []
    return found + _of_starts(study, main)


def _of_starts(study: Study, main: dict) -> list[str]:
    path = digests.undamaged(f"results/{study.name}/tables/stability.csv")
    if path is None:
        return []
    rows = chosen.agreeing(fits.read(path, [*KINDS, "rank", "replicate", "starts"]), main)
    return [text for row in rows.to_dict("records") for text in _kinds(row)]


def _kinds(row: dict) -> list[str]:
    told = [f"{row[kind]:.0f} of {row['starts']:.0f} starts {what}" for kind, what in KINDS.items() if row[kind] > 0]
    return [f"rank {row['rank']}, replicate {row['replicate']}: {', '.join(told)}"] if told else []
