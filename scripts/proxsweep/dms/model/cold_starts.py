"""At the chosen weight: fits that started from their neighbour against a start from zeros."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from proxsweep.dms.data.encoding import Encoding
from proxsweep.dms.model.fit import fit
from proxsweep.sweep import chosen, fit_folder
from proxsweep.sweep.fits import full

WORSE = 1e-6
"""A fit is worse than one from zeros if its objective is above by this share."""

RECORD = {"required": ["fit", "labels", "model", "solver", "start", "objective", "status"]}


def table(fits: pd.DataFrame, choice: pd.DataFrame, encodings: Mapping[str, str]) -> pd.DataFrame:
    """One row per full fit at a chosen weight that started from its neighbour.

    Parameters
    ----------
    fits, choice
        The study's `fits.csv` and `chosen.csv`.
    encodings
        Path of the encoding of every replicate, by label.

    Returns
    -------
    DataFrame
        ``path``; ``objective`` and ``status`` of the fit; ``objective_from_zeros`` and ``status_from_zeros``;
        ``excess``, the relative difference of the objectives, above 0 where the start from zeros is better; ``worse``,
        whether it is above :data:`WORSE`.
    """
    rows = [_row(path, encodings) for path in _started_from_neighbours(fits, choice)]
    columns = ["path", "status", "objective", "status_from_zeros", "objective_from_zeros", "excess", "worse"]
    return pd.DataFrame(rows, columns=columns)


def _started_from_neighbours(fits: pd.DataFrame, choice: pd.DataFrame) -> list[str]:
    at = pd.concat([chosen.agreeing(full(fits), row) for row in _settings(choice)] or [fits.iloc[:0]])
    return list(at.loc[at["start"] == "neighbour", "path"])


def _settings(choice: pd.DataFrame) -> list[dict[str, Any]]:
    """Settings with their chosen weight."""
    own = chosen.strength(choice)
    names = [name for name in choice.columns if name not in chosen.COLUMNS]
    return choice.loc[choice[own].notna(), names].to_dict("records")


def _row(path: str, encodings: Mapping[str, str]) -> dict[str, Any]:
    record = fit_folder.record(path, RECORD)
    encoding = Encoding.load(encodings[record["labels"]["replicate"]])
    solver = {**record["solver"], "starts": ["zeros"]}
    values = record["fit"]
    cold = fit(encoding, float(values["lasso"]), values["difference"], record["model"], solver, lambda line: None).best
    excess = (record["objective"] - cold.objective) / abs(cold.objective)
    return {
        "path": path,
        **{name: record[name] for name in ("status", "objective")},
        "status_from_zeros": str(cold.status),
        "objective_from_zeros": cold.objective,
        "excess": excess,
        "worse": excess > WORSE,
    }
