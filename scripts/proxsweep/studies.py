"""From a config to studies: every value checked before any job is planned, every default filled in.

Keys, types and defaults are the schema's (:mod:`proxsweep.config.schema`). This module adds what holds between the keys
of any study; what holds within a family is asked of the family.
"""

import difflib
import functools
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from proxsweep.config import labels, refusals, schema, source
from proxsweep.config.source import Fault, KeyPath
from proxsweep.families import DEFAULT, FAMILIES, family
from proxsweep.family import Family
from proxsweep.io.errors import UserError
from proxsweep.sweep import rules
from proxsweep.sweep.grid import label, path_order
from proxsweep.sweep.study import Study

RESERVED = {"readme.md"}  # names of studies
PARTS = ("cross_validation", "resamples")


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

    def validate(faults: Iterable[Fault]) -> None:
        ordered = sorted(faults, key=lambda fault: _position(values, fault.path))
        if not ordered:
            return
        first = ordered[0]
        more = f" ({len(ordered) - 1} more after this one)" if len(ordered) > 1 else ""
        place = source.place(first.path, sources, overrides)
        # message: the number 0, say | a finite number above 0 (2 more after this one) | The config has three faults,
        # and this is the first. | Put it right; the next is told when you run again.
        raise UserError(place, first.found, first.expected + more)

    validate(_schema_faults(values))
    validate(_name_faults(values))
    chosen = {name: schema.fill(_family(values["studies"][name]), values["studies"][name]) for name in _chosen(values)}
    studies = [_Checked(name, values["studies"][name], study, base) for name, study in chosen.items()]
    for step in (_Checked.normalise, _Checked.expand, _Checked.check, _Checked.settle, _Checked.settle_sweep):
        validate(fault._replace(path=("studies", one.name, *fault.path)) for one in studies for fault in step(one))
    return [one.study() for one in studies]


def _short(file: str | Path, base: Path) -> str:
    """A file's name as a user would write it: relative where it lies below the working directory."""
    file, base = Path(file), base.resolve()
    return str(file.relative_to(base)) if file.is_relative_to(base) else str(file)


def _chosen(values: dict[str, Any]) -> list[str]:
    run = values.get("run")
    return list(values["studies"]) if run is None else [run] if isinstance(run, str) else run


def _family(study: Any) -> str:
    """The family that a study names; that of a study without one, or with one that is none, is the first."""
    named = study.get("family", DEFAULT) if isinstance(study, dict) else DEFAULT
    return named if isinstance(named, str) and named in FAMILIES else DEFAULT


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


def _schema_faults(values: dict[str, Any]) -> Iterator[Fault]:
    """What the schemas do not allow: of the config, then of every study, also those that do not run."""
    studies = values.get("studies")
    studies = studies if isinstance(studies, dict) else {}
    yield from refusals.config_faults(values, next(map(_family, studies.values()), DEFAULT))
    for name, study in studies.items():
        faults = refusals.study_faults(_family(study), study)
        if isinstance(study, dict) and "family" in study:
            wrong = refusals.family_faults(study["family"], FAMILIES)
            faults = [fault._replace(path=("family",)) for fault in wrong] or faults
        yield from (fault._replace(path=("studies", name, *fault.path)) for fault in faults)


def _name_faults(values: dict[str, Any]) -> Iterator[Fault]:
    names = list(values["studies"])
    seen: dict[str, str] = {}
    for name in names:
        path, folded = ("studies", name), name.casefold()
        if folded in RESERVED:
            # message: `results/` has something else of this name. | Rename the study.
            yield Fault(path, f"the reserved name `{name}`", "another name: it is a folder under results/")
        if folded in seen:
            found = f"the name `{name}` beside `{seen[folded]}`"
            # message: Both would have the same folder there. | Rename one of the two studies.
            yield Fault(path, found, "names that differ by more than case, as some file systems do not tell it")
        seen[folded] = name
    run = _chosen(values)
    for i, name in enumerate(run):
        path = ("run", i) if isinstance(values.get("run"), list) else ("run",)
        if name not in names:
            near = difflib.get_close_matches(name, names, 1, 0.5)
            # message: `dmeo` | the study `demo` / one of demo, spike | `run:` (or `--config run=...`) names no study of
            # the config. | Correct it.
            yield Fault(path, f"`{name}`", f"the study `{near[0]}`" if near else f"one of {', '.join(names)}")
        if name in run[:i]:
            # message: `run:` names it twice. | Remove it from `run:`.
            yield Fault(path, f"the study `{name}` again", "every study once")


class _Checked:
    """One study on its way from a config: every step changes it in place and tells its faults, paths relative to it."""

    def __init__(self, name: str, written: dict[str, Any], values: dict[str, Any], base: Path):
        self.name, self.written, self.values, self.base = name, written, values, base
        self.family: Family = family(values["family"])
        self.roles = self.family.roles

    def normalise(self) -> Iterator[Fault]:
        """One form for values that can be written in several."""
        swept = self.values["sweep"]
        if self.roles.replicate in swept:
            swept[self.roles.replicate] = [str(value) for value in swept[self.roles.replicate]]
        if isinstance(self.values.get("resamples"), int):
            count = {"count": self.values["resamples"]}
            self.values["resamples"] = schema.fill_section(self.family.name, "resamples", count)
        for part in self._parts():
            part["replicates"] = part["replicates"] and [str(value) for value in part["replicates"]]
        yield from self.family.normalise(self.values)

    def _parts(self) -> list[dict[str, Any]]:
        return [self.values[section] for section in PARTS if self.values.get(section)]

    def expand(self) -> Iterator[Fault]:
        """Entries that stand for several, such as lists of files, give way to these."""
        yield from self.family.expand(self.name, self.values, self.base)

    def check(self) -> Iterator[Fault]:
        swept = self.written["sweep"]
        for section in schema.SWEPT:
            for key in self.written.get(section, {}):
                if key in swept:
                    found = f"`{key}` under `sweep` and under `{section}`"
                    expected = f"it in one place: under `sweep` to vary it, under `{section}` to fix it"
                    # message: One key cannot be both varied and fixed. | Remove one of the two.
                    yield Fault(("sweep", key), found, expected)
        for key, values in self.values["sweep"].items():
            shown = swept.get(key)
            yield from labels.faults(("sweep", key), values, shown if isinstance(shown, list) else values)
        yield from self.family.faults(self.written, self.values, self.base)

    def settle(self) -> Iterator[Fault]:
        """What follows from other keys of a study without faults."""
        yield from self.family.settle(self.values, self.base)

    def settle_sweep(self) -> Iterator[Fault]:
        """Replicates of the data, parts of the sweep, the selected setting: filled in, or checked against the sweep."""
        yield from self._settle_replicates()
        for section in PARTS:
            yield from self._settle_part(section)
        if "chosen" in self.values:
            yield from self._settle_chosen(self.values["chosen"])

    def _settle_replicates(self) -> Iterator[Fault]:
        if self.roles.replicate is None:
            return
        origin, known = self.family.replicates(self.values, self.base)
        asked = self.values["sweep"].get(self.roles.replicate)
        if known is None:
            return
        if asked is None:
            self.values["sweep"][self.roles.replicate] = known
            yield from labels.faults(origin, known, known)
            return
        for i, value in enumerate(asked):
            if value not in known:
                path = ("sweep", self.roles.replicate, i)
                # message: The data have no such replicate. | Correct `sweep: replicate`, or leave it out to get all.
                yield Fault(path, f"the replicate `{value}`", f"one of {', '.join(known)}")

    def _settle_part(self, section: str) -> Iterator[Fault]:
        """Which replicates and strengths are cross-validated or resampled: all, unless the config names some."""
        part = self.values.get(section)
        for key, parameter in (("replicates", self.roles.replicate), (self.roles.strength, self.roles.strength)):
            if part and parameter and key in part:
                yield from labels.named_faults((section, key), part[key], self.values["sweep"][parameter])
                part[key] = part[key] or self.values["sweep"][parameter]

    def _settle_chosen(self, chosen: dict[str, Any]) -> Iterator[Fault]:
        """The strength is a swept one or left to the rule; another swept parameter is named by a label."""
        for name in [key for key in chosen if key in self.values["sweep"]]:
            swept, path = self.values["sweep"][name], ("chosen", name)
            known = [label(value) for value in swept]
            if name != self.roles.strength:
                chosen[name] = chosen[name] or known[0]
                if chosen[name] not in known:
                    # message: `clade` | a swept difference (reference, equivariant) | `chosen` can only name a value
                    # under `sweep`. | Correct it, or add it there.
                    yield Fault(path, f"`{chosen[name]}`", f"a swept {name} ({', '.join(known)})")
                continue
            chosen[name] = None if chosen[name] == "auto" else chosen[name]
            if chosen[name] is not None and chosen[name] not in swept:
                # message: `0.5` | auto, or a swept ... (0, 1e-05) | `chosen` can only name a value under `sweep`, or
                # `auto`. | Correct it, or add it there.
                yield Fault(path, f"`{label(chosen[name])}`", f"auto, or a swept {name} ({', '.join(known)})")
        yield from self._rule_faults(chosen)

    def _rule_faults(self, chosen: dict[str, Any]) -> Iterator[Fault]:
        """A rule that chooses by what the study does not have."""
        if self.roles.strength is None or chosen[self.roles.strength] is not None:
            return
        has = self.family.has_evidence(self.values["sweep"], self.values["solver"])
        if lacking := rules.lacking(chosen["rule"], has, bool(self.values.get("cross_validation"))):
            # message: the rule `one_standard_error` | cross-validation (`cross_validation: {folds: 5}`), which it
            # chooses by, or the rule auto | The study has no folds, or no two replicates, to choose by. | Add them, or
            # leave `rule` out.
            yield Fault(
                ("chosen", "rule"), f"the rule `{chosen['rule']}`", f"{lacking}, which it chooses by, or the rule auto"
            )

    def study(self) -> Study:
        swept = self.values["sweep"]
        sweep = {name: swept[name] for name in path_order(list(swept), self.roles.order)}
        common = {key: self.values[key] for key in Study.SECTIONS if key in self.values}
        own = {key: value for key, value in self.values.items() if key not in (*Study.SECTIONS, "family", "sweep")}
        return Study(name=self.name, family=self.values["family"], roles=self.roles, sweep=sweep, own=own, **common)
