"""What the family ``nmf`` is to the rest of the program. What takes long to import is imported when it is called."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from proxsweep.family import Family, FitCost, Provenance
from proxsweep.nmf import record_schema, settings, sources
from proxsweep.nmf.commands import COMMANDS
from proxsweep.nmf.roles import ROLES
from proxsweep.nmf.summaries.table import SUMMARIES
from proxsweep.sweep.rules import HELD_OUT, STABILITY
from proxsweep.sweep.study import Study

if TYPE_CHECKING:
    from pandas import DataFrame

    from proxsweep.sweep.cells import Expected
    from proxsweep.sweep.collected import Collected
    from proxsweep.sweep.discrepancies import Checked


def encoding(labels: Mapping[str, str]) -> str:
    """The encoding that a fit reads: that of its replicate."""
    return f"encodings/replicate~{labels['replicate']}.npz"


def _uses_neighbour(spec: dict[str, Any]) -> bool:
    return "neighbour" in ((spec["rows"] or {}).get("starts") or spec["solver"]["starts"])


def _check(folder: Path, record: Mapping[str, Any], encoding: Path) -> Checked:
    from proxsweep.nmf.check.check import check

    return check(folder, record, encoding)


def _check_evidence(study: Collected, config: dict[str, Any]) -> DataFrame:
    from proxsweep.nmf.check import tables_of_study

    return tables_of_study.from_study(study, config)


def _check_tables(study: Collected) -> dict[str, Callable[[DataFrame], Expected]]:
    from proxsweep.nmf.check import tables_of_study

    return tables_of_study.check_tables(study)


def _cost(study: Study, base: Path) -> FitCost:
    from proxsweep.nmf.cost import cost

    return cost(study, base)


def _provenance(config: dict[str, Any]) -> Provenance:
    data = config["data"]
    files = [(data[key], None) for key in ("matrix", "samples") if data.get(key)]
    replicates = data.get("replicates") or {}
    random = {"data.simulate": data.get("simulate"), "data.replicates": replicates if "split" in replicates else None}
    if settings.uses_seed(config):
        random["solver"] = config["solver"]
    return Provenance(files, {name: section.get("seed") for name, section in random.items() if section})


def _targets(study: Study) -> list[str]:
    encodings = [f"encodings/replicate~{label}.npz" for label in study.sweep["replicate"]]
    consensus = [f"consensus/{name}" for name in ("features.csv", "samples.csv")]
    tables = ["chosen.csv", "tables/stability.csv", "tables/clusters.csv"]
    return [*encodings, "data/samples.csv", "data/report.csv", *tables, *consensus]


def _foreseen(study: Study, base: Path) -> list[str]:
    from proxsweep.nmf.foreseen import warnings

    return warnings(study, base)


def _findings(study: Study) -> list[str]:
    from proxsweep.nmf import outcome

    return outcome.findings(study)


def _warnings(study: Study) -> list[str]:
    from proxsweep.nmf import outcome

    return outcome.warnings(study)


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
    rules=(HELD_OUT, STABILITY),
    evidence="tables/stability.csv",
    has_evidence=settings.has_several_starts,
    check_evidence=_check_evidence,
    check_tables=_check_tables,
    check=_check,
    cost=_cost,
    targets=_targets,
    foreseen=_foreseen,
    findings=_findings,
    warnings=_warnings,
    first=("figures/ranks.svg", "tables/ranks.csv", "consensus/features.csv", "fits.csv"),
    tables={
        "chosen": ("Selection", "the rank chosen, sortable"),
        "tables/stability": ("Stability", "how starts agree, sortable"),
        "data/report": ("Data", "what happened to the data, sortable"),
    },
    summaries=SUMMARIES,
    commands=COMMANDS,
)
