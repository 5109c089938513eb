"""What must hold between the keys of a ``dms`` study, beyond the schema, and what follows from them."""

import math
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from proxsweep.config import labels
from proxsweep.config.source import Fault
from proxsweep.dms import matrices, source_faults, sources
from proxsweep.io.errors import UserError
from proxsweep.io.names import RULE, is_name
from proxsweep.sweep.grid import label
from proxsweep.sweep.study import Study

COLD_STARTS = "tables/cold_starts.csv"  # below the study's folder; made where fits start from their neighbours


def normalise(study: dict[str, Any]) -> Iterator[Fault]:
    """One form for local paths, bounds of the scale and difference matrices; faults of the bounds."""
    _expand_homes(study["data"])
    faults = list(_bound_faults(study))
    yield from faults
    if faults:
        return
    model, swept = study["model"], study["sweep"]
    model["scale_bound"] = _scale_bound(model["scale_bound"])
    if "scale_bound" in swept:
        swept["scale_bound"] = [_scale_bound(value) for value in swept["scale_bound"]]
    swept["difference"] = [matrices.normalise(value) for value in swept["difference"]]


def _expand_homes(data: dict[str, Any]) -> None:
    """Put homes in place of `~` and `~user` where local paths begin so; `~nobody` stays, and is a file like any."""
    tables = data["func_scores"] if isinstance(data["func_scores"], list) else []
    places = [(data, ("func_scores", "site_map")), (data["wildtypes"] or {}, ("fasta",))]
    places += [(table, ("func_scores", "selections", "folder")) for table in tables]
    for section, keys in places:
        section.update({key: _at_home(section[key]) for key in keys if isinstance(section.get(key), str)})


def _at_home(path: str) -> str:
    try:
        return os.path.expanduser(path)
    except ValueError:  # a NUL in the name of a user
        return path


def _scale_bound(value: float | str) -> float | str:
    if not isinstance(value, str):
        return value
    return f"{label(float(value.removesuffix('x_score_range')))}x_score_range"


def _bound_faults(study: dict[str, Any]) -> Iterator[Fault]:
    """Multiples of the score range that are no number above 0 as a float."""
    values = [(("model", "scale_bound"), study["model"]["scale_bound"])]
    values += [(("sweep", "scale_bound", i), value) for i, value in enumerate(study["sweep"].get("scale_bound", []))]
    for path, value in values:
        if isinstance(value, str) and not 0 < float(value.removesuffix("x_score_range")) < math.inf:
            # message: `0x_score_range` | a finite multiple above 0, such as 2x_score_range | No scale can have this
            # bound. | Correct `scale_bound`.
            yield Fault(path, f"`{value}`", "a finite multiple above 0, such as 2x_score_range")


def faults(written: dict[str, Any], study: dict[str, Any], base: Path) -> Iterator[Fault]:
    """Faults of one study, their paths relative to it.

    ``written`` is the study as it stands in the config, ``study`` has every default filled in and its
    difference matrices as dicts; both are valid by the schema. Local paths are relative to ``base``.

    Local tables are looked into once the keys are without faults: their headers, and their conditions where
    the config does not know them. Raises UserError for what is no table or lacks a column.
    """
    data = study["data"]
    yield from matrices.name_faults(written["sweep"].get("difference", []))
    keys = [
        *source_faults.faults(written, study, base),
        *_limit_faults(study),
        *matrices.combination_faults(study),
    ]
    yield from keys
    known = sources.source_conditions(data)
    if not keys:
        sources.check_headers(data, base)
        asked = list(sources.entry_faults(data, base))
        yield from asked
        if asked:
            return
        known = known or sources.table_conditions(data, base)
        yield from sources.replicate_faults(study, known, base)
        sources.check_wildtypes(data, data["conditions"] or known or [], base)
    upstream = [*_condition_faults(study, known), *_simulation_faults(study)]
    yield from upstream
    if not upstream:
        yield from matrices.faults(study, data["conditions"] or known)


def settle(study: dict[str, Any], base: Path) -> Iterator[Fault]:
    """Fill in what follows from other keys of a study without faults.

    Its conditions where the config knows them, labels of replicates as text, and for a simulation the reference and the
    replicate column that the simulated table has. A seed that no start uses is taken away. Faults are those of refits.
    """
    data = study["data"]
    data["conditions"] = sources.conditions(data)
    if not has_random_starts(study["sweep"], study["solver"]):
        study["solver"]["seed"] = None  # no fit uses it, so none depends on it
    if data["simulate"]:
        data["simulate"]["reference"] = study["reference"]
        data["replicates"] = {"column": "replicate"}
    if data["replicates"] and "split" not in data["replicates"]:
        data["replicates"].pop("seed", None)
    for _, table in sources.entries(data):
        table.pop("entry", None)
        if table.get("replicate") is not None:
            table["replicate"] = str(table["replicate"])
    yield from _settle_references(study, base)


def checks_chosen_starts(study: Study) -> bool:
    """Whether fits at the chosen weight are compared with a start from zeros after the choice."""
    lists = study.sweep.get("starts", [study.solver["starts"]])
    checks = study.sweep.get("check_starts", [study.solver["check_starts"]])
    return "chosen" in checks and any("neighbour" in starts and "zeros" not in starts for starts in lists)


def has_random_starts(sweep: dict[str, Any], solver: dict[str, Any]) -> bool:
    """Whether some fit starts at random points."""
    lists = sweep.get("starts", [solver.get("starts", [])])
    return any(start.endswith("x_random") for starts in lists for start in starts)


def _settle_references(study: dict[str, Any], base: Path) -> Iterator[Fault]:
    """Fill in the conditions that are the reference of a refit, or check them against the data's."""
    wanted, path = study["references"], ("references", "conditions")
    if not wanted:
        return
    known = sources.known_conditions(study, base)
    others = None if known is None else [label for label in known if label != study["reference"]]
    if wanted["conditions"] == "all" and not others:
        unread = "`all`, but a table not read before the run", "the names of conditions"
        single = "`all`, but no condition beside the reference", "at least two conditions"
        # message: `all`, but a table not read before the run / `all`, but no condition beside the reference | the names
        # of conditions / at least two conditions | A table at an address is not read while the run is planned; or there
        # is nothing to refit. | List the conditions under `references: conditions`; or remove `references`.
        yield Fault(path, *(single if known else unread))
        return
    wanted["conditions"] = others if wanted["conditions"] == "all" else wanted["conditions"]
    for i, value in enumerate(wanted["conditions"]):
        if value == study["reference"]:
            # message: The study itself has that reference. | Remove it from `references: conditions`.
            yield Fault((*path, i), f"the study's own reference `{value}`", "other conditions")
        elif others is not None and value not in others:
            # message: `Gamma` | one of Beta, Delta | `references: conditions` names a condition that the data do not
            # have. | Correct it.
            yield Fault((*path, i), f"`{value}`", f"one of {', '.join(others)}")
    yield from labels.faults(path, wanted["conditions"], wanted["conditions"])
    yield from labels.named_faults(("references", "lasso"), wanted["lasso"], study["sweep"]["lasso"])
    wanted["lasso"] = wanted["lasso"] or study["sweep"]["lasso"]


def _limit_faults(study: dict[str, Any]) -> Iterator[Fault]:
    lower, upper = study["data"]["clip"] or (None, None)
    if isinstance(lower, float) and upper is not None and lower >= upper:
        # message: The limits of `clip` are in the wrong order. | Exchange the two numbers.
        yield Fault(("data", "clip"), f"the lower limit {lower:g} and the upper limit {upper:g}", "lower < upper")
    boxes = [(("model", "effect_bounds"), study["model"]["effect_bounds"])]
    boxes += [(("sweep", "effect_bounds", i), box) for i, box in enumerate(study["sweep"].get("effect_bounds", []))]
    for path, box in boxes:
        if box and not (box[0] <= 0 <= box[1] and box[0] < box[1]):
            # message: An effect of 0 must stay possible. | Correct `effect_bounds`.
            yield Fault(path, f"the bounds {box[0]:g} and {box[1]:g}", "lower <= 0 <= upper, and lower < upper")


def _condition_faults(study: dict[str, Any], source: list[str] | None) -> Iterator[Fault]:
    """Faults of ``conditions`` and ``reference``, given the data's conditions where they are known."""
    data, wanted = study["data"], study["data"]["conditions"] or []
    for i, name in enumerate(wanted):
        if name in wanted[:i]:
            # message: `conditions` names it twice. | Remove one.
            yield Fault(("data", "conditions", i), f"the condition `{name}` again", "every condition once")
    for i, name in enumerate(wanted):
        if source is not None and name not in source:
            # message: `conditions` names one that the data do not have. | Correct it, as the tables write it.
            yield Fault(
                ("data", "conditions", i),
                f"the condition `{name}`",
                f"one of the data's: {', '.join(source)}",
            )
    known = data["conditions"] or source
    for name in known or []:
        if not is_name(name):
            path = ("data", "conditions", wanted.index(name)) if name in wanted else ("data",)
            # message: A spreadsheet could run such a name, or it cannot be printed. | Rename the condition in the
            # tables (or the list of tables) and in the config.
            yield Fault(path, f"the condition `{name}`", RULE)
    if "site" in (known or []):
        path = ("data", "conditions") if data["conditions"] else ("data",)
        # message: That column has its own meaning. | Rename the condition.
        yield Fault(path, "a condition called `site`", "another name: it is a column of the wildtype table")
    if known is not None and study["reference"] not in known:
        # message: `Alpa` | one of the conditions Alpha, Beta | `reference` is no condition of the data. | Correct it.
        yield Fault(("reference",), f"`{study['reference']}`", f"one of the conditions {', '.join(known)}")


def _simulation_faults(study: dict[str, Any]) -> Iterator[Fault]:
    simulation, reference = study["data"]["simulate"], study["reference"]
    if not simulation:
        return
    if simulation["reference"] not in (None, reference):
        found = f"`{simulation['reference']}`"
        # message: `Beta` | the study's reference `Alpha`, or nothing | A simulation has the study's reference. | Remove
        # `simulate: reference`.
        yield Fault(("data", "simulate", "reference"), found, f"the study's reference `{reference}`, or nothing")
    from proxsweep.dms.data.simulation import complete

    try:
        complete({**simulation, "reference": None})
    except UserError as error:
        keys = tuple(error.place.split(": "))
        # message: passed on
        yield Fault(("data", "simulate", *keys[1:]), error.found, error.expected)
