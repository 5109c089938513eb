"""Conditions that lost many of their variants on the way to the fits, and why: from a study's data report.

A data report has a row for each replicate, step and condition: ``rows`` left after the step, ``dropped`` by it, and the
``reason``. Rows that a step merges are not lost.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from proxsweep.io import reading
from proxsweep.io.errors import UserError

MANY = 0.1
"""A condition that loses a larger share of its variants is named."""

REPORT = "data/report.csv"  # below a study's folder

MERGING = "collapse"  # the step that merges rows with the same substitutions


class Loss(NamedTuple):
    """The share of a condition's variants that was dropped, and of those the main reason with its share."""

    replicate: str
    condition: str
    share: float
    reason: str
    main: float


TEXT, NUMBERS = ("replicate", "step", "condition", "reason"), ("rows", "dropped")


def read(path: str | Path) -> pd.DataFrame:
    """A data report; raises as :func:`proxsweep.io.reading.table`. That of a family may have columns of its own."""
    return reading.table(path, TEXT, (), "a data report (.csv)")


def stacked(paths: Sequence[str | Path]) -> pd.DataFrame:
    """Reports of several steps below each other, every cell as it stands.

    Raises
    ------
    UserError
        For a file that is no table, and for one that has other columns than the first.
    """
    tables = [_as_text(path) for path in paths]
    for path, table in zip(paths, tables, strict=True):
        if list(table.columns) != list(tables[0].columns):
            # message: The reports of the steps that make `data/report.csv` differ. | Remove the folder `encodings` and
            # the study's `data/*.report.csv`, and run again.
            raise UserError(f"{path}, header", "other columns", f"those of {paths[0]}")
    return pd.concat(tables, ignore_index=True)


def _as_text(path: str | Path) -> pd.DataFrame:
    columns = read(path).columns
    return reading.table(path, list(columns), (), "a data report (.csv)")


def has_losses(report: pd.DataFrame) -> bool:
    """Whether a report has the columns by which losses are counted; that of a family may have others."""
    return {*TEXT, *NUMBERS} <= set(report.columns)


def losses(report: pd.DataFrame) -> list[Loss]:
    """Conditions and replicates that lost more than :data:`MANY`, in the order of the report.

    Shares of successive steps are multiplied: what is left of what was left. A report without the columns says nothing.
    """
    if not has_losses(report):
        return []
    steps = report[(report["step"] != MERGING) & (report["replicate"] != "all")]
    found = [_loss(*key, part) for key, part in steps.groupby(["replicate", "condition"], sort=False)]
    return [loss for loss in found if loss.share > MANY]


def _loss(replicate: str, condition: str, part: pd.DataFrame) -> Loss:
    before = part["rows"] + part["dropped"]
    lost = (part["dropped"] / before.where(before > 0)).fillna(0.0)
    share = 1.0 - (1.0 - lost).prod()
    main = part.loc[lost.idxmax()]
    return Loss(replicate, condition, float(share), str(main["reason"]), float(lost.max()))


def sentences(report: pd.DataFrame) -> Iterator[str]:
    """One for each of :func:`losses`."""
    for loss in losses(report):
        # message: More than a tenth of a condition's variants are not in the fits. | Look into the data report for the
        # step. Where wildtypes are unknown, give them under `data: wildtypes`.
        yield (
            f"{100 * loss.share:.0f} % of the variants of condition {loss.condition}, replicate {loss.replicate}, are "
            f"dropped, most for: {loss.reason} ({100 * loss.main:.0f} %)"
        )


def note(path: str | Path) -> str:
    """A sentence for figures; empty where no condition lost many variants, or there is no report."""
    if not path or not Path(path).is_file():
        return ""
    found = losses(read(path))
    if not found:
        return ""
    worst: dict[str, Loss] = {}
    for loss in sorted(found, key=lambda loss: loss.share):
        worst[loss.condition] = loss
    named = "; ".join(f"{name} {100 * loss.share:.0f} % ({loss.reason})" for name, loss in sorted(worst.items()))
    return f"Over {100 * MANY:.0f} % of variants dropped before fitting: {named}."
