"""The labels of a study's samples as columns of tables that have columns of their own."""

from collections.abc import Collection, Sequence

import numpy as np
import pandas as pd

from proxsweep.io.errors import UserError
from proxsweep.nmf.data.labels import SAMPLE


def columns(table: pd.DataFrame, samples: Sequence[str] | np.ndarray, taken: Collection[str]) -> dict[str, list[str]]:
    """Labels of samples by the name of their column, in the order of the table's.

    Parameters
    ----------
    table
        ``data/samples.csv`` as :func:`proxsweep.nmf.data.labels.load` reads it.
    samples
        Names; each has to be in the table.
    taken
        Names of the columns that the other table has: a column of labels with such a name, or with that of a factor, a
        share or a rank, gets ``label_`` in front.

    Raises
    ------
    UserError
        For a sample that the table does not have.
    """
    places = {name: k for k, name in enumerate(table[SAMPLE])}
    unknown = [str(name) for name in samples if str(name) not in places]
    if unknown:
        # message: no row for the sample 'S1' of a fit | every sample of the fits | The table and the fits are of
        # different data. | Run the workflow again.
        raise UserError(
            "data/samples.csv", f"no row for the sample {unknown[0]!r} of a fit", "every sample of the fits"
        )
    rows = table.iloc[[places[str(name)] for name in samples]]
    names = [name for name in table.columns if name != SAMPLE]
    return {_own_name(name, {*taken, SAMPLE}, names): rows[name].tolist() for name in names}


def _own_name(name: str, taken: Collection[str], others: Collection[str]) -> str:
    own = name
    while own in taken or own.startswith(("factor_", "share_factor_", "rank_")) or (own != name and own in others):
        own = f"label_{own}"
    return own
