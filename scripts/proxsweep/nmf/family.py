"""What the family ``nmf`` is to the rest of the program. What takes long to import is imported when it is called."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from proxsweep.family import Family, FitCost, Provenance
from proxsweep.nmf import record_schema, settings, sources
from proxsweep.nmf.commands import COMMANDS
from proxsweep.nmf.roles import ROLES
from proxsweep.report.summary import CONVERGENCE
from proxsweep.sweep.study import Study

if TYPE_CHECKING:
    from proxsweep.sweep.discrepancies import Checked


def encoding(labels: Mapping[str, str]) -> str:
    """The encoding that a fit reads: that of its replicate."""
    return f"encodings/replicate~{labels['replicate']}.npz"


def _uses_neighbour(spec: dict[str, Any]) -> bool:
    return "neighbour" in spec["solver"]["starts"]


def _check(folder: Path, record: Mapping[str, Any], encoding: Path) -> Checked:
    from proxsweep.nmf.check.check import check

    return check(folder, record, encoding)


def _cost(study: Study, base: Path) -> FitCost:
    from proxsweep.nmf.cost import cost

    return cost(study, base)


def _provenance(config: dict[str, Any]) -> Provenance:
    data = config["data"]
    files = [(data[key], None) for key in ("matrix", "samples") if data.get(key)]
    replicates = data.get("replicates") or {}
    random = {"data.simulate": data.get("simulate"), "data.replicates": replicates if "split" in replicates else None}
    if settings.has_random_starts(config["sweep"], config["solver"]):
        random["solver"] = config["solver"]
    return Provenance(files, {name: section.get("seed") for name, section in random.items() if section})


def _targets(study: Study) -> list[str]:
    encodings = [f"encodings/replicate~{label}.npz" for label in study.sweep["replicate"]]
    return [*encodings, "data/samples.csv", "data/report.csv"]


def _foreseen(study: Study, base: Path) -> list[str]:
    from proxsweep.nmf.foreseen import warnings

    return warnings(study, base)


def _findings(study: Study) -> list[str]:
    from proxsweep.nmf import outcome

    return outcome.findings(study)


FAMILY = Family(
    name="nmf",
    roles=ROLES,
    encoding=encoding,
    drawing=("proxsweep.nmf.model.fit_figures",),
    megabytes=(700, 60),
    minutes=(10, 5),
    uses_neighbour=_uses_neighbour,
    normalise=settings.normalise,
    faults=settings.faults,
    settle=settings.settle,
    replicates=sources.replicates,
    as_written=settings.as_written,
    provenance=_provenance,
    record_schema=record_schema.RECORD,
    check=_check,
    cost=_cost,
    targets=_targets,
    foreseen=_foreseen,
    findings=_findings,
    tables={"data/report": ("Data", "what happened to the data, sortable")},
    summaries=(CONVERGENCE,),
    commands=COMMANDS,
)
