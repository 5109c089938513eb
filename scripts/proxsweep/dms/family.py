"""What the family ``dms`` is to the rest of the program. What takes long to import is imported when it is called."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from proxsweep.dms import matrices, record_schema, settings, sources
from proxsweep.dms.commands import COMMANDS
from proxsweep.dms.refits import refits
from proxsweep.dms.roles import ROLES
from proxsweep.dms.summaries.table import SUMMARIES
from proxsweep.family import Family, FitCost, Provenance
from proxsweep.sweep.study import Study

if TYPE_CHECKING:
    from pandas import DataFrame

    from proxsweep.sweep.cells import Expected
    from proxsweep.sweep.collected import Collected
    from proxsweep.sweep.discrepancies import Checked
    from proxsweep.sweep.long_tables import LongTable


EFFECTS = "effects.csv.gz"
SHIFTS_BY_REFERENCE = "tables/shifts_by_reference.csv"


def encoding(labels: Mapping[str, str]) -> str:
    """The encoding that a fit reads: that of its replicate."""
    return f"encodings/replicate~{labels['replicate']}.npz"


def _uses_neighbour(spec: dict[str, Any]) -> bool:
    return "neighbour" in spec["solver"]["starts"]


def _check(folder: Path, record: Mapping[str, Any], encoding: Path) -> Checked:
    from proxsweep.dms.check.check import check

    return check(folder, record, encoding)


def _check_evidence(study: Collected, config: dict[str, Any]) -> DataFrame:
    from proxsweep.dms.check import signs

    return signs.from_config(study, config)


def _check_tables(study: Collected) -> dict[str, Callable[[DataFrame], Expected]]:
    from proxsweep.dms.check import shifts
    from proxsweep.dms.check.effects import Fits

    fits = Fits(study)
    return {"shifts.csv": partial(shifts.table, fits), SHIFTS_BY_REFERENCE: partial(shifts.by_reference, fits)}


def _check_long_tables(study: Collected) -> dict[str, LongTable]:
    from proxsweep.dms.check import all_effects
    from proxsweep.dms.check.effects import Fits

    return {EFFECTS: all_effects.table(Fits(study))}


def _cost(study: Study, base: Path) -> FitCost:
    from proxsweep.dms.cost import cost

    return cost(study, base)


def _as_written(values: dict[str, Any]) -> None:
    """What follows from a simulation is left out; matrices as a config writes them."""
    if values["data"]["simulate"]:
        del values["data"]["replicates"], values["data"]["columns"], values["data"]["simulate"]["reference"]
    values["sweep"]["difference"] = [matrices.as_written(matrix) for matrix in values["sweep"]["difference"]]


def _provenance(config: dict[str, Any]) -> Provenance:
    data = config["data"]
    scores = data.get("func_scores")
    listed = scores if isinstance(scores, list) else [{"func_scores": scores, "sha256": data.get("sha256")}]
    files = [(table["func_scores"], table.get("sha256")) for table in listed if table["func_scores"]]
    files += [(data["site_map"], None)] if data.get("site_map") else []
    sequences = (data.get("wildtypes") or {}).get("fasta")
    files += [(sequences, None)] if sequences else []
    replicates = data.get("replicates") or {}
    random = {"data.simulate": data.get("simulate"), "data.replicates": replicates if "split" in replicates else None}
    if settings.has_random_starts(config["sweep"], config["solver"]):
        random["solver"] = config["solver"]
    return Provenance(files, {name: section.get("seed") for name, section in random.items() if section})


def _targets(study: Study) -> list[str]:
    encodings = [f"encodings/replicate~{label}.npz" for label in study.sweep["replicate"]]
    if study.refit_of:
        return encodings
    checked = [settings.COLD_STARTS] if settings.checks_chosen_starts(study) else []
    tables = ["chosen.csv", "shifts.csv", "page.html", "lasso_max.csv", EFFECTS, SHIFTS_BY_REFERENCE]
    return [*encodings, *checked, *tables]


def _foreseen(study: Study, base: Path) -> list[str]:
    from proxsweep.dms.foreseen import warnings

    return warnings(study, base)


def _findings(study: Study) -> list[str]:
    from proxsweep.dms import outcome

    return outcome.findings(study)


def _warnings(study: Study) -> list[str]:
    from proxsweep.dms import outcome

    return outcome.warnings(study)


FAMILY = Family(
    name="dms",
    roles=ROLES,
    encoding=encoding,
    drawing=("proxsweep.dms.model.fit_figures",),
    megabytes=(600, 100),
    minutes=(10, 10),
    uses_neighbour=_uses_neighbour,
    normalise=settings.normalise,
    expand=sources.expand,
    faults=settings.faults,
    settle=settings.settle,
    replicates=sources.replicates,
    as_written=_as_written,
    provenance=_provenance,
    refits=refits,
    record_schema=record_schema.RECORD,
    check=_check,
    cost=_cost,
    evidence="tables/replicate_signs.csv",
    has_evidence=lambda sweep, solver: len(sweep.get("replicate") or []) > 1,
    check_evidence=_check_evidence,
    check_tables=_check_tables,
    check_long_tables=_check_long_tables,
    targets=_targets,
    foreseen=_foreseen,
    findings=_findings,
    warnings=_warnings,
    first=("figures/shift_heatmap.svg", "shifts.csv", "page.html"),
    tables={
        "chosen": ("Selection", "the weights chosen, sortable"),
        "shifts": ("Confidence", "shifts at the chosen weight, sortable"),
        "data/report": ("Data", "what happened to the data, sortable"),
    },
    summaries=SUMMARIES,
    commands=COMMANDS,
)
