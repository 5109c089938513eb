"""What each step of reading and encoding kept and dropped, and why: the rows of the data report."""

from collections.abc import Iterable

import pandas as pd

from proxsweep.nmf.data.encoding import Encoding

COLUMNS = ["replicate", "step", "features", "samples", "entries", "dropped_features", "dropped_samples", "reason"]
"""What is left after a step, entries above 0 among it, what the step dropped, and why."""

WHOLE = "all"  # in place of a replicate: steps before the samples are parted


def row(replicate: str, step: str, matrix, dropped: tuple[int, int] = (0, 0), reason: str = "") -> tuple:
    """One row.

    Parameters
    ----------
    matrix : (m, n)
        What is left.
    dropped
        Numbers of features and samples.
    reason
        Why, or what else is to be known.
    """
    entries = matrix.nnz if hasattr(matrix, "nnz") else int((matrix > 0).sum())
    return replicate, step, *matrix.shape, entries, *dropped, reason


def zeros(encoding: Encoding) -> tuple:
    """The row of the step that leaves out features and samples of the whole without an entry above 0."""
    dropped = int((~encoding.kept_features).sum()), int((~encoding.kept_samples).sum())
    return row(WHOLE, "zeros", encoding.matrix, dropped, "no entry above 0; tables have zeros there" * any(dropped))


def table(rows: Iterable[tuple]) -> pd.DataFrame:
    """The rows as a data report."""
    return pd.DataFrame(rows, columns=COLUMNS)
