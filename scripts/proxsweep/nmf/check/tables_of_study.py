"""Tables over all fits of a study a second time: how starts agree, clusters of samples, the consensus."""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from proxsweep.io import reading
from proxsweep.io.errors import UserError
from proxsweep.nmf.check import consensus_tables, stability
from proxsweep.nmf.check.consensus_tables import ConsensusTables
from proxsweep.nmf.check.stability_labels import Labels
from proxsweep.nmf.roles import ROLES
from proxsweep.sweep.cells import Expected
from proxsweep.sweep.collected import Collected
from proxsweep.sweep.fits import full, sweep_columns

SETTINGS = "the config that the study ran with"
NEEDED = {"unconverged_starts": bool, "density": (int, float)}
CLUSTERS = "tables/clusters.csv"


def check_tables(study: Collected) -> dict[str, Callable[[pd.DataFrame], Expected]]:
    """By path what each table has to say, a function of what `chosen.csv` says.

    Nothing without the settings in `config.yaml`; `stability.csv`, which the choice goes by, is that of
    :func:`from_study`.
    """
    settings = _settings(study)
    if settings is None or study.fits.empty:
        return {}
    made = ConsensusTables(study, _folder(study), settings)
    return {
        CLUSTERS: lambda choice: clusters(study, settings["unconverged_starts"]),
        **{path: partial(made.table, path) for path in consensus_tables.PATHS},
    }


def from_study(study: Collected, config: Mapping[str, Any]) -> pd.DataFrame:
    """What `stability.csv` has to say, with the settings of a resolved config.

    Raises
    ------
    UserError
        If that has none for summaries.
    """
    reading.require("config.yaml", config.get("summaries"), {"unconverged_starts": bool}, SETTINGS)
    whole, unconverged = full(study.fits), config["summaries"]["unconverged_starts"]
    swept = sweep_columns(whole)
    rows = []
    for fit in whole.to_dict("records"):
        found = stability.row(fit, stability.load(study.folders[fit["path"]]), unconverged)
        rows.append(found | {"study": fit["study"]} | {name: fit[name] for name in swept})
    own = [name for name in (rows[0] if rows else {}) if name not in ("study", *swept)]
    return pd.DataFrame(rows, columns=["study", *swept, *own])


def clusters(study: Collected, unconverged: bool) -> Expected:
    """What `clusters.csv` has to say."""
    whole = full(study.fits)
    by = ["study", *sweep_columns(whole, without=(ROLES.strength,))]
    ranks = sorted({int(rank) for rank in whole[ROLES.strength]})
    labels, rows = Labels(_folder(study), set(by)), []
    for values, part in whole.groupby(by, sort=False, dropna=False):
        found = {fit["rank"]: stability.load(study.folders[fit["path"]]) for fit in part.to_dict("records")}
        groups = {f"rank_{rank}": stability.groups(starts, unconverged) for rank, starts in found.items()}
        for place, sample in enumerate(next(iter(found.values())).samples.tolist()):
            numbers = {name: clusters[place] or None for name, clusters in groups.items()}
            setting = dict(zip(by, values, strict=True))
            rows.append(setting | {"sample": sample} | labels.of(sample) | numbers)
    columns = [*by, "sample", *labels.columns, *(f"rank_{rank}" for rank in ranks)]
    table = pd.DataFrame(rows, columns=columns, dtype=object)
    return Expected(table.where(table.notna(), None), (*by, "sample"))


def _folder(study: Collected) -> Path:
    return next(iter(study.encodings.values())).parent.parent


def _settings(study: Collected) -> dict[str, Any] | None:
    """The section `summaries` of `config.yaml`; None where there is none to be read, which is told elsewhere."""
    if study.fits.empty:
        return None
    try:
        text = (_folder(study) / "config.yaml").read_text(encoding="utf-8")
        found = yaml.safe_load(text)["studies"][study.fits["study"].iloc[0]]["summaries"]
        reading.require("config.yaml", found, NEEDED, SETTINGS)
    except (OSError, ValueError, LookupError, TypeError, RecursionError, yaml.YAMLError, UserError):
        return None
    return found
