"""What a family of models is to the rest of the program: one record of values and plain functions (docs/families.md).

Nothing that a fit's numbers depend on may import this module or :mod:`proxsweep.families`: an edit of a summary would
refit every study.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from proxsweep.command import Command
from proxsweep.config.source import Fault, KeyPath
from proxsweep.sweep.grid import Fit
from proxsweep.sweep.rules import RULES
from proxsweep.sweep.study import Roles, Study

if TYPE_CHECKING:
    from pandas import DataFrame

    from proxsweep.report.summary import Summary
    from proxsweep.sweep.cells import Expected
    from proxsweep.sweep.collected import Collected
    from proxsweep.sweep.discrepancies import Checked
    from proxsweep.sweep.long_tables import LongTable

Values = dict[str, Any]  # a study on its way from a config


@dataclass(frozen=True)
class FitCost:
    """What a study costs as far as its family knows, before it runs.

    ``fit_seconds`` and ``fit_bytes`` are of one fit, its code compiled; ``compilations`` of the study and of each of
    its refits; ``study_seconds`` and ``study_bytes`` of the data and the family's own jobs, ``refit_seconds`` and
    ``refit_bytes`` those of one refit; ``basis`` is what the estimate rests on.
    """

    fit_seconds: float
    fit_bytes: float
    compilations: int
    study_seconds: float
    study_bytes: float
    basis: str
    refit_seconds: float = 0.0
    refit_bytes: float = 0.0


@dataclass(frozen=True)
class Provenance:
    """What results depend on beside code, by a resolved config: files, and seeds by the section they stand in."""

    files: list[tuple[str, str | None]]  # path or address, SHA-256 digest
    seeds: dict[str, int | None]


def _nothing(*_arguments: Any) -> list[Any]:
    return []


@dataclass(frozen=True)
class Family:
    """A family of models. Functions that have a default may be left out.

    Attributes
    ----------
    name
        As a study names it; also that of its schema, its notebooks' folder and its rules' file.
    roles
        The part that its swept parameters play.

    encoding
        Labels of a fit -> path, below the study's folder, of the one file of data that the fit reads.
    fit_inputs
        A fit -> further files that its numbers depend on: the name of the notebook's parameter, and the path below the
        study's folder.
    drawing
        Modules that only draw in the fit notebook: an edit of one refits nothing.
    threads
        Of a fit's job.
    megabytes, minutes
        Of a fit's job: an amount, and how much more for every MB of its encoding.
    uses_neighbour
        A fit's spec -> whether it starts from its neighbour on the path.

    normalise, expand, faults, settle
        A study on its way from a config (:mod:`proxsweep.studies`): changed in place, faults returned, paths relative
        to it. ``faults`` gets it as written, too.
    replicates
        A study -> the key that names the data's replicates, and their labels (None: taken as listed).
    as_written
        Turns a resolved study back into what a config may say, in place.
    provenance
        A resolved study -> files and seeds that its results depend on.

    refits
        A study -> studies with changed settings, below its folder, that it asks for.
    record_schema
        JSON schema of a record, beside that of every family (:mod:`proxsweep.sweep.record_schema`); what `check` needs.
    check
        Folder of a fit, its record, its encoding -> what was recomputed, and what did not agree.
    cost
        A study, working directory -> what it costs.
    rules
        Names of the rules that the section `chosen` offers (:mod:`proxsweep.sweep.rules`).
    evidence
        Table, below the study's folder, that the rule among these reads which does not go by held-out loss.
    has_evidence
        Sections `sweep` and `solver` of a study -> whether it has what that table is made from.
    check_evidence
        The fits of a study that has run, its resolved config -> what that table has to say, computed a second time.
    check_tables
        The fits of a study that has run -> by the path of a table of the family below the study's folder: what the
        table has to say, a function of what `chosen.csv` does.
    check_long_tables
        The same of tables too long to be held, which depend on no choice.
    targets
        A study -> files that a run makes beside those of every family, below the study's folder.
    foreseen
        A study, and the folder that its local tables are relative to -> what a user should know of it beforehand.
        Raises UserError for data that the run would refuse.
    findings
        A study that has run -> what was found, in a sentence or two, for the verdict at the end of a run.
    warnings
        A study that has run -> what its user should look at again, for the verdict.
    first
        Files that the verdict says to open first, below the study's folder.
    tables
        Tables that the report shows as pages: category and label by the table's path without its suffix.
    summaries
        Tables and figures over all fits.
    commands
        Commands of its own.
    """

    name: str
    roles: Roles

    encoding: Callable[[Mapping[str, str]], str]
    check: Callable[[Path, Mapping[str, Any], Path], Checked]
    cost: Callable[[Study, Path], FitCost]
    replicates: Callable[[Values, Path], tuple[KeyPath, list[str] | None]] = lambda study, base: ((), None)

    fit_inputs: Callable[[Fit], dict[str, str]] = lambda fit: {}
    drawing: tuple[str, ...] = ()
    threads: int = 1
    megabytes: tuple[float, float] = (600, 100)
    minutes: tuple[float, float] = (10, 10)
    uses_neighbour: Callable[[Values], bool] = lambda spec: False

    normalise: Callable[[Values], Iterable[Fault]] = _nothing
    expand: Callable[[str, Values, Path], Iterable[Fault]] = _nothing
    faults: Callable[[Values, Values, Path], Iterable[Fault]] = _nothing
    settle: Callable[[Values, Path], Iterable[Fault]] = _nothing
    as_written: Callable[[Values], None] = _nothing
    provenance: Callable[[Values], Provenance] = lambda config: Provenance([], {})

    refits: Callable[[Study], list[Study]] = _nothing
    record_schema: Mapping[str, Any] = field(default_factory=dict)
    rules: tuple[str, ...] = RULES
    evidence: str | None = None
    has_evidence: Callable[[Values, Values], bool] = lambda sweep, solver: False
    check_evidence: Callable[[Collected, Values], DataFrame] | None = None
    check_tables: Callable[[Collected], dict[str, Callable[[DataFrame], Expected]]] = lambda study: {}
    check_long_tables: Callable[[Collected], dict[str, LongTable]] = lambda study: {}
    targets: Callable[[Study], list[str]] = _nothing
    foreseen: Callable[[Study, Path], list[str]] = _nothing
    findings: Callable[[Study], list[str]] = _nothing
    warnings: Callable[[Study], list[str]] = _nothing
    first: tuple[str, ...] = ("fits.csv",)
    tables: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    summaries: tuple[Summary, ...] = ()
    commands: tuple[Command, ...] = ()
