"""The table of all effects a second time, from the arrays of the fits and the times seen in their encodings.

What it has to say: :mod:`proxsweep.dms.results.effects`, with which this shares no code.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd

from proxsweep.dms.check.effects import Effects, Fits
from proxsweep.sweep.cells import Expected
from proxsweep.sweep.fits import full, sweep_columns
from proxsweep.sweep.long_tables import LongTable

KEY = ("mutation", "quantity", "of")


def table(fits: Fits) -> LongTable:
    """What `effects.csv.gz` has to say, a part for each full fit."""
    by = tuple(sweep_columns(fits.study.fits))
    return LongTable(by, _parts(fits, by))


def _parts(fits: Fits, by: tuple[str, ...]) -> Iterator[Expected]:
    for fit in full(fits.study.fits).to_dict("records"):
        yield Expected(_of_fit({name: fit[name] for name in (*by, "status")}, fits.effects(fit["path"])), KEY)


def _of_fit(setting: Mapping[str, Any], found: Effects) -> pd.DataFrame:
    rows = list(found.shifts)
    values = np.vstack([found.b, *found.shifts.values()])
    least = [found.times_seen[found.compared[row]].min(axis=0) for row in rows]
    seen = np.vstack([found.times_seen, *least])
    each, count = len(values), len(found.mutations)
    names = np.repeat(np.array(found.mutations, object).reshape(count, 4), each, axis=0)
    quantities = ["effect"] * len(found.b) + ["shift"] * len(rows)
    return pd.DataFrame(
        {
            **{name: [value] * (each * count) for name, value in setting.items()},
            **dict(zip(("mutation", "wildtype", "site", "mutant"), names.T, strict=True)),
            "quantity": quantities * count,
            "of": [*found.conditions, *rows] * count,
            "value": values.T.ravel(),
            "times_seen": seen.T.ravel(),
        }
    )
