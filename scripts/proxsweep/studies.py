"""From a config to studies: every value checked before any job is planned, every default filled in.

Keys, types and defaults are the schema's (:mod:`proxsweep.config.schema`). This module adds what holds between the
keys of any study; what holds within a family is asked of the family.
"""

import difflib
import functools
import math
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

from proxsweep.config import schema, source
from proxsweep.config.schema import properties
from proxsweep.config.source import Fault, KeyPath
from proxsweep.dms import settings as dms
from proxsweep.io.errors import UserError
from proxsweep.sweep.grid import LABEL, Study, label, path_order

__all__ = ["from_config", "load", "properties"]

FAMILIES: dict[str, ModuleType] = {"dms": dms}
PARTS = {"cross_validation": ["replicates"], "resamples": ["replicates", "lasso"], "references": ["lasso"]}
RESERVED_STUDIES = {"readme.md"}
RESERVED_DIFFERENCES = ("reference", "equivariant")
LABEL_RULE = "letters, digits and . _ + - (the first a letter or digit, at most 64)"


def load(files: Iterable[str | Path]) -> dict[str, Any]:
    """Read and merge config files, later ones on top.

    Raises
    ------
    UserError
        With file and line: no YAML mapping, a key that stands twice or is no text, a YAML tag.
    """
    return functools.reduce(source.overlay, (source.read(file).values for file in files), {})


def from_config(
    config: dict[str, Any], files: Iterable[str | Path], command_line: dict[str, Any], base: str | Path = "."
) -> list[Study]:
    """Check a config and return its studies.

    Parameters
    ----------
    config
        All values, as merged by Snakemake from ``files`` and ``command_line``.
    files
        Config files, in the order in which they were merged; read again for lines and keys that stand twice.
    command_line
        What ``--config`` gave, scalars still as text.
    base
        Folder that local paths are relative to.

    Raises
    ------
    UserError
        For the first fault in the order of the config; the message says how many more there are. For a file or
        address that is read while a config is checked and is not what it should be.
    """
    base = Path(base)
    sources = [source.read(file, _short(file, base)) for file in files]
    values = source.plain(config)
    overrides = source.retype(source.concerning(values, command_line))
    values = source.overlay(values, overrides)

    def refuse(faults: Iterable[Fault]) -> None:
        ordered = sorted(faults, key=lambda fault: _position(values, fault.path))
        if not ordered:
            return
        first = ordered[0]
        more = f" ({len(ordered) - 1} more after this one)" if len(ordered) > 1 else ""
        place = source.place(first.path, sources, overrides)
        raise UserError(place, first.found, first.expected + more)

    refuse(schema.faults(values))
    refuse(_name_faults(values))
    filled = schema.fill(values)
    chosen = {name: filled["studies"][name] for name in _chosen(values)}
    refuse(
        fault._replace(path=("studies", name, *fault.path))
        for name, study in chosen.items()
        for fault in _bound_faults(study)
    )
    for study in chosen.values():
        _normalise(study)
    refuse(fault for name, study in chosen.items() for fault in _expand(name, study, base))
    refuse(
        fault for name, study in chosen.items() for fault in _study_faults(name, values["studies"][name], study, base)
    )
    for study in chosen.values():
        FAMILIES[study["family"]].settle(study)
    refuse(fault for name, study in chosen.items() for fault in _settle_replicates(name, study, base))
    refuse(fault for name, study in chosen.items() for fault in _settle_parts(name, study))
    refuse(fault for name, study in chosen.items() for fault in _settle_references(name, study, base))
    refuse(fault for name, study in chosen.items() for fault in _settle_chosen(name, study))
    return [_study(name, study) for name, study in chosen.items()]


def _short(file: str | Path, base: Path) -> str:
    """A file's name as a user would write it: relative where it lies below the working directory."""
    file, base = Path(file), base.resolve()
    return str(file.relative_to(base)) if file.is_relative_to(base) else str(file)


def _chosen(values: dict[str, Any]) -> list[str]:
    run = values.get("run")
    return list(values["studies"]) if run is None else [run] if isinstance(run, str) else run


def _study(name: str, values: dict[str, Any]) -> Study:
    sweep = {parameter: values["sweep"][parameter] for parameter in path_order(list(values["sweep"]))}
    return Study(name=name, **{**values, "sweep": sweep})


def _position(values: Any, path: KeyPath) -> tuple[int, ...]:
    """Where a path stands in the order of the document; what is missing comes after what is there."""
    position = []
    for key in path:
        if isinstance(values, dict):
            keys = list(values)
            position.append(keys.index(key) if key in keys else len(keys))
            values = values.get(key)
        else:
            position.append(key if isinstance(key, int) else 0)
            known = isinstance(values, list) and isinstance(key, int) and key < len(values)
            values = values[key] if known else None
    return tuple(position)


# Rules between keys, whatever the family


def _name_faults(values: dict[str, Any]) -> Iterator[Fault]:
    names = list(values["studies"])
    seen: dict[str, str] = {}
    for name in names:
        path, folded = ("studies", name), name.casefold()
        if folded in RESERVED_STUDIES:
            yield Fault(path, f"the reserved name `{name}`", "another name: it is a folder under results/")
        if folded in seen:
            found = f"the name `{name}` beside `{seen[folded]}`"
            yield Fault(path, found, "names that differ by more than case, as some file systems do not tell it")
        seen[folded] = name
    run = _chosen(values)
    for i, name in enumerate(run):
        path = ("run", i) if isinstance(values.get("run"), list) else ("run",)
        if name not in names:
            near = difflib.get_close_matches(name, names, 1, 0.5)
            yield Fault(path, f"`{name}`", f"the study `{near[0]}`" if near else f"one of {', '.join(names)}")
        if name in run[:i]:
            yield Fault(path, f"the study `{name}` again", "every study once")


def _normalise(study: dict[str, Any]) -> None:
    """One form for values that can be written in several."""
    model, swept = study["model"], study["sweep"]
    model["scale_bound"] = _scale_bound(model["scale_bound"])
    if "scale_bound" in swept:
        swept["scale_bound"] = [_scale_bound(value) for value in swept["scale_bound"]]
    if "replicate" in swept:
        swept["replicate"] = [str(value) for value in swept["replicate"]]
    swept["difference"] = [_difference(value) for value in swept["difference"]]
    if isinstance(study["resamples"], int):
        study["resamples"] = schema.fill_section("resamples", {"count": study["resamples"]})
    for section in ("cross_validation", "resamples"):
        if study[section] and study[section]["replicates"]:
            study[section]["replicates"] = [str(value) for value in study[section]["replicates"]]


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
            yield Fault(path, f"`{value}`", "a finite multiple above 0, such as 2x_score_range")


def _difference(value: str | dict[str, Any]) -> dict[str, Any]:
    if isinstance(value, str):
        return {"name": value, "kind": value}
    kind = next((kind for kind in ("tree", "rows") if kind in value), "")
    return {
        "name": value["name"],
        "kind": kind,
        **{key: value[key] for key in ("tree", "rows") if key in value},
    }


def _study_faults(name: str, written: dict[str, Any], study: dict[str, Any], base: Path) -> Iterator[Fault]:
    here: KeyPath = ("studies", name)
    for section in ("model", "solver"):
        for key in written.get(section, {}):
            if key in written["sweep"]:
                yield Fault(
                    (*here, "sweep", key),
                    f"`{key}` under `sweep` and under `{section}`",
                    f"it in one place: under `sweep` to vary it, under `{section}` to fix it",
                )
    for key, values in study["sweep"].items():
        yield from _value_faults((*here, "sweep", key), values, written["sweep"].get(key, values))
    for i, value in enumerate(written["sweep"].get("difference", [])):
        if isinstance(value, dict) and value["name"].casefold() in RESERVED_DIFFERENCES:
            yield Fault(
                (*here, "sweep", "difference", i, "name"),
                f"the reserved name `{value['name']}`",
                "another name for a matrix that is given",
            )
    for fault in FAMILIES[study["family"]].faults(written, study, base):
        yield fault._replace(path=(*here, *fault.path))


def _expand(name: str, study: dict[str, Any], base: Path) -> Iterator[Fault]:
    for fault in FAMILIES[study["family"]].expand(name, study, base):
        yield fault._replace(path=("studies", name, *fault.path))


def _value_faults(path: KeyPath, values: list[Any], written: list[Any]) -> Iterator[Fault]:
    """Values that cannot be labels, and values that share one."""
    seen: dict[str, int] = {}
    for i, value in enumerate(values):
        shown = written[i]["name"] if isinstance(written[i], dict) else written[i]
        try:
            text = label(value)
        except ValueError:
            text = ""
        if not text or len(text) > 64 or not LABEL.fullmatch(text.lstrip("-")):
            yield Fault((*path, i), f"`{shown}`, which becomes part of a path", LABEL_RULE)
            continue
        folded = text.casefold()
        if folded in seen:
            first = written[seen[folded]]
            first = first["name"] if isinstance(first, dict) else first
            yield Fault(
                (*path, i),
                f"`{shown}`, which has the label {text} like `{first}` at [{seen[folded]}]",
                "every value once",
            )
        seen.setdefault(folded, i)


def _settle_replicates(name: str, study: dict[str, Any], base: Path) -> Iterator[Fault]:
    """Fill ``sweep: replicate`` with all of the data's replicates, or check it against them."""
    path, origin, labels = ("studies", name), *FAMILIES[study["family"]].replicates(study, base)
    asked = study["sweep"].get("replicate")
    if labels is None:
        return
    if asked is None:
        study["sweep"]["replicate"] = labels
        yield from _value_faults((*path, *origin), labels, labels)
        return
    for i, value in enumerate(asked):
        if value not in labels:
            yield Fault((*path, "sweep", "replicate", i), f"the replicate `{value}`", f"one of {', '.join(labels)}")


def _settle_parts(name: str, study: dict[str, Any]) -> Iterator[Fault]:
    """Fill in which replicates and lasso weights are cross-validated, resampled and refitted, or check them."""
    for section, keys in PARTS.items():
        for key in keys if study[section] else ():
            swept = study["sweep"]["lasso" if key == "lasso" else "replicate"]
            for i, value in enumerate(study[section][key] or []):
                if value not in swept:
                    expected = f"one of those fitted ({', '.join(map(label, swept))})"
                    yield Fault(("studies", name, section, key, i), f"`{label(value)}`", expected)
            study[section][key] = study[section][key] or swept


def _settle_references(name: str, study: dict[str, Any], base: Path) -> Iterator[Fault]:
    """Fill in the conditions that are the reference of a refit, or check them against the data's."""
    wanted, path = study["references"], ("studies", name, "references", "conditions")
    if not wanted:
        return
    known = FAMILIES[study["family"]].known_conditions(study, base)
    others = None if known is None else [label for label in known if label != study["reference"]]
    if wanted["conditions"] == "all" and not others:
        unread = "`all`, but a table not read before the run", "the names of conditions"
        single = "`all`, but no condition beside the reference", "at least two conditions"
        yield Fault(path, *(single if known else unread))
        return
    wanted["conditions"] = others if wanted["conditions"] == "all" else wanted["conditions"]
    for i, value in enumerate(wanted["conditions"]):
        if value == study["reference"]:
            yield Fault((*path, i), f"the study's own reference `{value}`", "other conditions")
        elif others is not None and value not in others:
            yield Fault((*path, i), f"`{value}`", f"one of {', '.join(others)}")
    yield from _value_faults(path, wanted["conditions"], wanted["conditions"])


def _settle_chosen(name: str, study: dict[str, Any]) -> Iterator[Fault]:
    """Fill in the chosen difference matrix, or check it and the lasso weight against the sweep."""
    chosen, swept = study["chosen"], study["sweep"]
    names = [label(value) for value in swept["difference"]]
    chosen["lasso"] = None if chosen["lasso"] == "auto" else chosen["lasso"]
    chosen["difference"] = chosen["difference"] or names[0]
    if chosen["difference"] not in names:
        path = ("studies", name, "chosen", "difference")
        yield Fault(path, f"`{chosen['difference']}`", f"a swept matrix ({', '.join(names)})")
    if chosen["lasso"] is not None and chosen["lasso"] not in swept["lasso"]:
        path = ("studies", name, "chosen", "lasso")
        weights = ", ".join(map(label, swept["lasso"]))
        yield Fault(path, f"`{label(chosen['lasso'])}`", f"auto, or a swept weight ({weights})")
