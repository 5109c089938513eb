"""What a finished fit left in its folder, as the summaries read it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pandas as pd

from proxsweep.io import reading
from proxsweep.io.errors import UserError
from proxsweep.sweep.fits import usable

NAMES = ("mutation", "wildtype", "site", "mutant")
EXPECTED = "what a fit wrote"

F = TypeVar("F")


@dataclass(frozen=True)
class Fitted:
    """Effects and shifts of one fit.

    Attributes
    ----------
    conditions
        Names of the D conditions.
    rows
        For each row of the difference matrix the conditions in which a mutation has to be seen for its shift
        to say anything: those with a nonzero coefficient. A row that touches an inner node of a tree asks for
        every condition, because the node's effect is known only through them.
    mutations
        One row a mutation: ``mutation``, ``mutant``, ``beta_<condition>``, ``shift_<row>`` (both in units of
        the latent phenotype), ``times_seen_<condition>`` (variants).
    inner_rows
        Rows that touch an inner node of a tree. Without a penalty nothing says where such a node is.
    """

    conditions: list[str]
    rows: Mapping[str, list[str]]
    mutations: pd.DataFrame
    inner_rows: frozenset[str] = frozenset()

    def seen(self, conditions: list[str], min_times_seen: int) -> np.ndarray:
        """Mutations seen at least so often in each of ``conditions``: (M,) bool."""
        columns = [f"times_seen_{name}" for name in conditions]
        return (self.mutations[columns] >= max(min_times_seen, 1)).all(axis=1).to_numpy()


def compared(matrix: np.ndarray, rows: list[str], conditions: list[str]) -> dict[str, list[str]]:
    """The conditions that each row of a difference matrix compares (see :class:`Fitted`).

    Parameters
    ----------
    matrix : (R, P)
        Difference matrix; columns are the D conditions, then inner nodes of a tree if any.
    rows, conditions
        The R names of the rows and the D names of the conditions.
    """
    count = len(conditions)
    nonzero = np.asarray(matrix) != 0
    nonzero[:, :count] |= nonzero[:, count:].any(axis=1, keepdims=True)
    return {
        row: [name for name, used in zip(conditions, flags[:count], strict=True) if used]
        for row, flags in zip(rows, nonzero, strict=True)
    }


def load(path: str | Path) -> Fitted:
    """Read ``parameters.npz`` and ``mutations.csv`` from the folder of a fit.

    Raises
    ------
    UserError
        For a file that is missing, damaged, or does not go with the other.
    """
    folder = Path(path)
    place = folder / "parameters.npz"
    arrays = reading.arrays(place, ("conditions", "difference_rows", "difference"), EXPECTED)
    conditions, rows = (_names(place, arrays[name]) for name in ("conditions", "difference_rows"))
    matrix = arrays["difference"]
    if matrix.dtype.kind not in "iuf" or matrix.ndim != 2 or not _fits(matrix, rows, conditions):
        raise UserError(str(place), f"a difference matrix of shape {matrix.shape}", EXPECTED)
    matrix = matrix if rows else np.zeros((0, len(conditions)))
    involved = compared(matrix, rows, conditions)
    inner = frozenset(row for row, touched in zip(rows, matrix[:, len(conditions) :], strict=True) if touched.any())
    numbers = [f"beta_{name}" for name in conditions] + [f"shift_{name}" for name in rows]
    numbers += [f"times_seen_{name}" for name in conditions]
    mutations = reading.table(folder / "mutations.csv", NAMES, [*NAMES, *numbers], EXPECTED)
    twice = mutations["mutation"].duplicated() | mutations["mutation"].isna()
    if twice.any():
        found = f"the mutation {mutations['mutation'][twice].iloc[0]} twice, or none"
        raise UserError(str(folder / "mutations.csv"), found, "each mutation once")
    return Fitted(conditions, involved, mutations, inner)


def _names(path: Path, names: np.ndarray) -> list[str]:
    if names.ndim != 1 or (names.size and names.dtype.kind != "U") or len(set(names.tolist())) < names.size:
        raise UserError(str(path), f"names {names.tolist()!r}", EXPECTED)
    return [str(name) for name in names]


def _fits(matrix: np.ndarray, rows: list[str], conditions: list[str]) -> bool:
    return not rows or (len(matrix) == len(rows) and matrix.shape[1] >= len(conditions) > 0)


def blank_diverged(
    fits: pd.DataFrame, load: Callable[[str], F], blank: Callable[[F], F] | None = None
) -> Callable[[str], F]:
    """``load``, but without any number (NaN) in what it gives of fits that diverged.

    Parameters
    ----------
    fits
        A table of fits with ``path`` and ``status``.
    load
        Reads the fit in a folder.
    blank
        Takes the numbers out of what ``load`` gives; by default out of its ``mutations``.
    """
    gone = set(fits.loc[~usable(fits), "path"])
    empty = blank or without_numbers
    return lambda path: empty(load(path)) if path in gone else load(path)


def without_numbers(found: Any) -> Any:
    """A :class:`Fitted`, or another dataclass with ``mutations``, whose effects and shifts are NaN."""
    columns = [name for name in found.mutations if name.startswith(("beta_", "shift_"))]
    return replace(found, mutations=found.mutations.assign(**dict.fromkeys(columns, np.nan)))


def paired(a: Fitted, b: Fitted, column: str, conditions: list[str], min_times_seen: int) -> pd.DataFrame:
    """Values of a column of ``mutations`` in two fits: columns ``a`` and ``b``, indexed by mutation, in its order.

    Of mutations seen at least ``min_times_seen`` times in each of ``conditions``, in both fits.
    """
    one, two = (
        fit.mutations.loc[fit.seen(conditions, min_times_seen), ["mutation", column]].set_index("mutation")[column]
        for fit in (a, b)
    )
    both = one.index.intersection(two.index).sort_values()
    return pd.DataFrame({"a": one.loc[both].astype(float), "b": two.loc[both].astype(float)})


def kinds(mutants: pd.Series) -> np.ndarray:
    """``stop`` for ``*``, ``deletion`` for ``-``, ``nonsynonymous`` for any letter."""
    return np.select([mutants == "*", mutants == "-"], ["stop", "deletion"], "nonsynonymous")
