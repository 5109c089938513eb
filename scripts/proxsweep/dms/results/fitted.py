"""What a finished fit left in its folder, as the summaries read it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pandas as pd

from proxsweep.dms.model import parameters
from proxsweep.io.errors import UserError
from proxsweep.optimize.difference import compared
from proxsweep.sweep import fit_folder
from proxsweep.sweep.fits import usable

NAMES = ("mutation", "wildtype", "site", "mutant")
TABLE = "mutations.csv"
NUMBER = {"type": ["number", "null"]}
# what summaries read of the record's figures of this family
FIGURES = {
    "reference": {"type": "string"},
    "scale": NUMBER,
    "scale_bound": NUMBER,
    "scale_at_bound": {"type": ["boolean", "null"]},
}
STARTS = {
    "required": ["start", "starts"],
    "properties": {
        "start": {"type": "string"},
        "starts": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["start", "status", "objective", "relative_residual", "iterations", "seconds"],
                "properties": {
                    **dict.fromkeys(("start", "status"), {"type": "string"}),
                    **dict.fromkeys(("objective", "relative_residual", "shift_distance"), NUMBER),
                },
            },
        },
    },
}

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


def load(path: str | Path) -> Fitted:
    """Read ``parameters.npz`` and, of a fit to all observations, ``mutations.csv`` from the folder of a fit.

    Raises
    ------
    UserError
        For a file that is missing, damaged, or does not go with the other.
    """
    conditions, rows, matrix = difference(path)
    inner = frozenset(row for row, touched in zip(rows, matrix[:, len(conditions) :], strict=True) if touched.any())
    numbers = [f"beta_{name}" for name in conditions] + [f"shift_{name}" for name in rows]
    found = _of_part(path, numbers, conditions)
    found = mutations(path, conditions, numbers) if found is None else found
    return Fitted(conditions, compared(matrix, rows, conditions), found, inner)


def _of_part(path: str | Path, numbers: list[str], conditions: list[str]) -> pd.DataFrame | None:
    """The mutations of a fit to a fold or a resample, from its arrays; None of any other fit."""
    if "times_seen" not in arrays(path, "times_seen"):
        return None
    found = arrays(path, "mutations", "b", "shifts", "conditions", "difference_rows", "times_seen")
    columns = dict(zip(numbers, [*found["b"], *found["shifts"]], strict=True))
    seen = {f"times_seen_{name}": times for name, times in zip(conditions, found["times_seen"], strict=True)}
    return pd.DataFrame({"mutation": found["mutations"], **columns, **seen})


def arrays(path: str | Path, *names: str) -> dict[str, np.ndarray]:
    """Arrays of ``parameters.npz`` from the folder of a fit (:data:`proxsweep.dms.model.parameters.ARRAYS`)."""
    return parameters.read(Path(path) / fit_folder.PARAMETERS, names)


def difference(path: str | Path) -> tuple[list[str], list[str], np.ndarray]:
    """Names of the conditions, and of the rows of the difference matrix, and the matrix itself: (R, P)."""
    found = arrays(path, "conditions", "difference_rows", "difference")
    conditions, rows = ([str(name) for name in found[key]] for key in ("conditions", "difference_rows"))
    matrix = found["difference"] if rows else np.zeros((0, len(conditions)))
    if not len(conditions) <= matrix.shape[1]:
        place, expected = str(Path(path) / fit_folder.PARAMETERS), f"a column for each of {len(conditions)} conditions"
        # message: The arrays are not of one fit. | Make the fit again.
        raise UserError(place, f"a difference matrix of shape {matrix.shape}", expected)
    return conditions, rows, matrix


def mutations(path: str | Path, conditions: list[str], numbers: Sequence[str] = ()) -> pd.DataFrame:
    """The table ``mutations.csv`` from the folder of a fit: each mutation once.

    Besides the columns ``numbers`` it has to have how often a mutation was seen in every condition.
    """
    seen = [f"times_seen_{name}" for name in conditions]
    found = fit_folder.table(path, TABLE, NAMES, [*NAMES, *numbers, *seen])
    twice = found["mutation"].duplicated() | found["mutation"].isna()
    if twice.any():
        text = f"the mutation {found['mutation'][twice].iloc[0]} twice, or none"
        # message: `mutations.csv` was edited. | Make the fit again.
        raise UserError(str(Path(path) / TABLE), text, "each mutation once")
    return found


def effects(path: str | Path, found: pd.DataFrame, *names: str) -> list[np.ndarray]:
    """Arrays of ``parameters.npz``, after a look whether its mutations are those of the table ``found``."""
    values = arrays(path, "mutations", *names)
    if values["mutations"].tolist() != found["mutation"].tolist():
        place, width = str(Path(path) / fit_folder.PARAMETERS), len(values["mutations"])
        # message: `parameters.npz` and `mutations.csv` are not of one fit. | Make the fit again.
        raise UserError(place, f"effects of {width} mutations", f"those of the {len(found)} in {TABLE}, in their order")
    return [values[name] for name in names]


def figures(path: str | Path, *names: str) -> dict[str, Any]:
    """Figures of this family (:data:`FIGURES`) from the record in the folder of a fit."""
    inside = {"type": "object", "required": list(names), "properties": {name: FIGURES[name] for name in names}}
    return fit_folder.record(path, {"required": ["dms"], "properties": {"dms": inside}})["dms"]


def starts(path: str | Path) -> dict[str, Any]:
    """The record in the folder of a fit, as far as it tells how each of the ``starts`` ended and which was kept."""
    return fit_folder.record(path, STARTS)


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
