"""Checking the tables of a study against the records: every fit's row, what was chosen, the family's own."""

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from proxsweep.families import family
from proxsweep.family import Family
from proxsweep.io import digests, reading
from proxsweep.io.errors import UserError
from proxsweep.optimize.status import Status
from proxsweep.sweep import cells, chosen, collected, cross_validation, long_tables, rules
from proxsweep.sweep.cells import Expected
from proxsweep.sweep.collected import Collected, Planned
from proxsweep.sweep.discrepancies import Discrepancies
from proxsweep.sweep.fits import sweep_columns

FITS, STATUS, CONFIG, CHOSEN = "fits.csv", "status.csv", "config.yaml", "chosen.csv"
VALIDATED = "tables/cross_validation.csv"
SETTINGS = "the config that the study ran with"

Rows = Mapping[str, list[dict[str, str]]]  # rows of a table by the path of their fit


def fit_rows(
    folder: Path, planned: Sequence[Planned], base: Path | None, told: Discrepancies
) -> dict[str, Discrepancies]:
    """What `fits.csv` and `status.csv` say of each fit against its record, by the fit's path.

    Parameters
    ----------
    folder
        Of the study.
    planned
        All fits of its plan.
    base
        Where the workflow ran; None where that is not known.
    told
        Gets what is wrong with a table as a whole: its columns, rows of no fit, the order.
    """
    found = {fit.plan["path"]: Discrepancies() for fit in planned}
    finished = [fit for fit in planned if fit.finished]
    rows = _compare_fits(folder / FITS, collected.fits_table(finished), finished, found, told)
    for fit in planned:
        if not fit.finished and rows.get(fit.plan["path"]):
            status = rows[fit.plan["path"]][0].get("status", "")
            found[fit.plan["path"]].add(FITS, "status", status, "no record of this fit")
    rows = _compare_fits(folder / STATUS, collected.status_table(planned), planned, found, told)
    for fit in planned:
        for row in rows.get(fit.plan["path"], []):
            collected.check_files(fit, row, base, found[fit.plan["path"]])
    return found


def _compare_fits(
    path: Path, expected: pd.DataFrame, fits: Sequence[Planned], found: Mapping[str, Discrepancies], told: Discrepancies
) -> Rows:
    """Compare a table that has a row a fit; its rows, none where there is no such table."""
    written = _read(path, path.name, told)
    if written is None:
        return {}
    # columns of a fit without a record are not known
    whole = path.name == STATUS or len(fits) == len(found)
    cells.header(path.name, written.header, list(expected), told, whole)
    if "path" not in written.header:
        return {}
    rows: dict[str, list[dict[str, str]]] = {}
    for row in written.rows():
        rows.setdefault(row["path"], []).append(row)
    for name in rows:
        if name not in found:
            told.add(path.name, "path", name, "a fit of the plan")
    order, right = ([name for name in names if name in rows and name in found] for names in (rows, expected["path"]))
    if order != right and set(order) == set(right):
        one, other = next(pair for pair in zip(order, right, strict=True) if pair[0] != pair[1])
        told.add(path.name, "order of the rows", one, other)
    for fit, values in zip(fits, expected.to_dict("records"), strict=True):
        name = fit.plan["path"]
        if not _is_of_an_earlier_run(path, fit, rows.get(name, [])):
            _compare_rows(path.name, values, rows.get(name, []), found[name])
    return rows


def _is_of_an_earlier_run(path: Path, fit: Planned, rows: list[dict[str, str]]) -> bool:
    """Whether a run that failed told of a fit that the present one has made since, and has not collected yet."""
    failed = bool(rows) and all(row.get("status") == Status.FAILED for row in rows)
    return path.name == STATUS and fit.finished and failed and not path.with_name(FITS).exists()


def _compare_rows(
    file: str, expected: Mapping[str, Any], rows: list[dict[str, str]], discrepancies: Discrepancies
) -> None:
    if len(rows) != 1:
        discrepancies.add(file, "row", f"there {len(rows)} times" if rows else cells.ABSENT, "a row of this fit")
    for row in rows:
        for name, value in expected.items():
            if name in row and name not in collected.FILES and not cells.agrees(row[name], value):
                discrepancies.add(file, name, row[name], cells.text(value))


def noted(folder: Path, told: Discrepancies) -> None:
    """Compare the files of a study, those of its fits apart, with the digests noted when they were written."""
    for path in digests.noted_below(folder):
        if fault := digests.fault(path):
            told.add(str(Path(path).relative_to(folder)), "digest", fault, "the file as it was written")


def derived(folder: Path, name: str, planned: Sequence[Planned], told: Discrepancies) -> None:
    """Compare the tables that are made from all fits of a study, where they are on disk.

    What was chosen, and the table that the family's own rule reads, follow from settings in `config.yaml`: without this
    file they are not compared, and tables of the selected fits are made from `chosen.csv` as it stands.

    Parameters
    ----------
    folder, name
        Of the study.
    planned
        All fits of its plan, each with a result that agrees with its files.
    told
        Gets what is wrong.
    """
    own = family(planned[0].plan["family"])
    study = Collected(
        collected.read_back(collected.fits_table(planned)),
        {fit.plan["path"]: fit.folder for fit in planned},
        {fit.plan["path"]: folder / own.encoding(fit.plan["labels"]) for fit in planned},
    )
    tables, long = own.check_tables(study), own.check_long_tables(study)
    unknown = [name for name in own.roles.order if name not in study.fits]
    if not any((folder / file).exists() for file in (VALIDATED, CHOSEN, *filter(None, [own.evidence]), *tables, *long)):
        return
    if unknown:
        told.add("record.json", f"fit.{unknown[0]}", cells.ABSENT, "a value in the record of every fit")
        return
    validated = cross_validation.table(study.fits, own.roles)
    by = ("study", *(name for name in sweep_columns(study.fits) if name != own.roles.replicate))
    _compare(folder, VALIDATED, lambda: Expected(validated, by, cells.ROUNDING), told)
    choice = None
    with unreadable_is_told(told):
        choice = _chosen(folder, _config(folder / CONFIG, name), study, own, validated, told)
    for file, expected in tables.items():
        if choice is not None:
            _compare(folder, file, lambda choice=choice, expected=expected: expected(choice), told)
    for file, table in long.items():
        if (folder / file).exists():
            with unreadable_is_told(told, file):
                long_tables.compare(folder / file, file, table, told)


def _chosen(
    folder: Path,
    config: dict[str, Any] | None,
    study: Collected,
    own: Family,
    validated: pd.DataFrame,
    told: Discrepancies,
) -> pd.DataFrame | None:
    """What `chosen.csv` has to say, compared with it; without settings what it says, None where it is not there."""
    roles, swept = own.roles, sweep_columns(study.fits)
    if config is None or (own.evidence and own.check_evidence is None):
        return _as_written(folder / CHOSEN, [name for name in swept if name != roles.replicate], told)
    evidence = chosen.no_evidence(own.rules, roles)
    if own.evidence and own.check_evidence:
        evidence = own.check_evidence(study, config)
        by = tuple(name for name in evidence if name in ("study", *swept, "row"))
        _compare(folder, own.evidence, lambda: Expected(evidence, by, cells.ROUNDING), told)
    wanted = _wanted(folder / CONFIG, config, own)
    found = chosen.resolve(study.fits, validated, evidence, wanted, roles, own.rules)
    by = tuple(name for name in found if name in ("study", *swept) and name != roles.strength)
    _compare(folder, CHOSEN, lambda: Expected(found, by, cells.ROUNDING), told)
    return found


def _as_written(path: Path, settings: list[str], told: Discrepancies) -> pd.DataFrame | None:
    found = chosen.load(path) if path.exists() else None
    missing = [] if found is None else [name for name in settings if name not in found]
    for name in missing:
        told.add(CHOSEN, f"column {name}", cells.ABSENT, "a column of this table")
    return None if missing else found


def _wanted(path: Path, config: dict[str, Any], own: Family) -> dict[str, Any]:
    """The config's section `chosen`."""
    reading.require(path, config.get("chosen", {}), {}, SETTINGS)
    wanted = {own.roles.strength: None, **config.get("chosen", {})}
    reading.require(path, wanted, chosen.types(own.roles, own.rules), SETTINGS)
    known = (rules.AUTO, *own.rules)
    if wanted["rule"] not in known or any(isinstance(value, dict | list) for value in wanted.values()):
        # message: chosen {'rule': 'mine', ...} | the config that the study ran with | `config.yaml` was edited. | Run
        # the workflow again.
        raise UserError(str(path), f"chosen {wanted!r}", SETTINGS)
    return wanted


def _config(path: Path, study: str) -> dict[str, Any] | None:
    """The settings of a study, every default filled in; None where they are not on disk."""
    if not path.exists():
        return None
    try:
        found = yaml.safe_load(path.read_text(encoding="utf-8"))["studies"][study]
    except (OSError, ValueError, LookupError, TypeError, RecursionError, yaml.YAMLError) as error:
        # message: no settings of study demo | the config that the study ran with | `config.yaml` was edited, or is that
        # of another study. | Run the workflow again.
        raise UserError(str(path), f"no settings of study {study}", SETTINGS) from error
    reading.require(path, found, {}, SETTINGS)
    return found


def _compare(folder: Path, file: str, expected: Callable[[], Expected], told: Discrepancies) -> None:
    written = _read(folder / file, file, told)
    if written is not None:
        cells.compare(file, written, expected(), told)


def _read(path: Path, file: str, told: Discrepancies) -> cells.Written | None:
    """A table; None where there is none, or where it cannot be read."""
    if not path.exists():
        return None
    with unreadable_is_told(told, file):
        return cells.read(path)
    return None


@contextlib.contextmanager
def unreadable_is_told(discrepancies: Discrepancies, file: str = "") -> Iterator[None]:
    """A file that cannot be read is a disagreement."""
    try:
        yield
    except UserError as error:
        discrepancies.add(file or Path(error.place).name, "the file", error.found, error.expected)
