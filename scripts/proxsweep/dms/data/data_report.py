"""What each step of reading and encoding kept and dropped, and why: the rows of the data report."""

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd

from proxsweep.dms.data.substitutions import Substitutions
from proxsweep.io.names import is_name

COLUMNS = ["replicate", "step", "condition", "rows", "variants", "mutations", "dropped", "reason"]


class Ledger:
    """Counts a step at a time, per replicate and condition.

    Parameters
    ----------
    labels : R replicates
    conditions : D names
    replicate, condition : (N,) int
        Index of each row into ``labels`` and ``conditions``.
    variant : (N,) int
        Equal for rows with the same set of substitutions.
    substitutions
        Of the N rows, as written (relative to the condition's own wildtype).
    """

    def __init__(
        self,
        labels: Sequence[str],
        conditions: Sequence[str],
        replicate: np.ndarray,
        condition: np.ndarray,
        variant: np.ndarray,
        substitutions: Substitutions,
    ):
        self.labels, self.conditions = list(labels), list(conditions)
        self.group = np.asarray(replicate) * len(self.conditions) + np.asarray(condition)
        self.size = len(self.labels) * len(self.conditions)
        self.variant = np.asarray(variant)
        self.substitutions, self.code = substitutions, substitutions.codes()
        self.before: np.ndarray | None = None
        self.records: list[tuple] = []

    def note(
        self,
        step: str,
        keep: np.ndarray,
        reason: str | Sequence[str] = "",
        dropped: np.ndarray | None = None,
    ) -> None:
        """Add the rows of a step.

        Parameters
        ----------
        step
            Name of the step.
        keep : (N,) bool
            Rows left after it.
        reason
            Why rows were dropped (shown where some were), or a note a group (shown always), groups ordered by
            replicate, then condition.
        dropped : (R * D,), optional
            Rows dropped; by default those of the previous step that are left no more.
        """
        rows = self.count(keep)
        variants = self._distinct(self.group[keep], self.variant[keep])
        entries = keep[self.substitutions.row]
        mutations = self._distinct(self.group[self.substitutions.row[entries]], self.code[entries])
        if dropped is None:
            dropped = np.zeros_like(rows) if self.before is None else self.before - rows
        self.before = rows
        for group in range(self.size):
            replicate, condition = divmod(group, len(self.conditions))
            note = (reason if dropped[group] else "") if isinstance(reason, str) else reason[group]
            counts = (rows[group], variants[group], mutations[group], dropped[group])
            self.records.append((self.labels[replicate], step, self.conditions[condition], *counts, note))

    def note_unused(self, step: str, left_out: Iterable[tuple[str, int, str]]) -> None:
        """Add rows that the study does not use: their condition, where it can be one, how many, and why."""
        for condition, number, reason in left_out:
            name = condition if is_name(condition) else ""
            self.records.append(("all", step, name, 0, 0, 0, number, reason))

    def count(self, rows: np.ndarray) -> np.ndarray:
        """Number of the marked rows a group, (R * D,)."""
        return np.bincount(self.group[rows], minlength=self.size)

    def _distinct(self, group: np.ndarray, value: np.ndarray) -> np.ndarray:
        span = int(value.max(initial=0)) + 1
        pairs = np.unique(group * span + value)
        return np.bincount(pairs // span, minlength=self.size)

    def table(self) -> pd.DataFrame:
        """One row per replicate, step and condition."""
        return pd.DataFrame(self.records, columns=COLUMNS)
