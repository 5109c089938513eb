"""Could somebody else get these results again? Checks of a study's folder, each passed or failed with the reason."""

from __future__ import annotations

import importlib.metadata
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pandas as pd
import yaml
from packaging.requirements import Requirement

from proxsweep.io.digests import sha256
from proxsweep.io.downloads import is_address
from proxsweep.io.errors import UserError
from proxsweep.io.files import write_text
from proxsweep.jobs.closure import closure
from proxsweep.report import table_page
from proxsweep.sweep import collect, fit_folder, record
from proxsweep.sweep.study import refit_folders

if TYPE_CHECKING:
    from proxsweep.family import Family

TREE = Path(__file__).resolve().parents[3]
LOCK = TREE / "envs" / "requirements.lock"
WATCHED = ("notebooks", "scripts", "workflow", "envs")


TEXT = {"type": ["string", "null"]}
RECORD = {
    "required": ["encoding_sha256", "revision", "versions"],
    "properties": {
        "encoding_sha256": TEXT,
        "versions": {"type": "object", "additionalProperties": {"type": "string"}},
        "revision": {
            "type": "object",
            "required": ["commit", "uncommitted_changes"],
            "properties": {"commit": TEXT, "uncommitted_changes": {"type": ["boolean", "null"]}},
        },
    },
}


class Check(NamedTuple):
    """One check: what was asked, whether it holds (yes or no), and what was found."""

    check: str
    passed: str
    found: str


def check(folder: str | Path, family: Family) -> pd.DataFrame:
    """Check ``results/{study}``, a study of ``family``, in the working directory in which the workflow ran.

    Returns
    -------
    DataFrame
        check, passed (``yes`` or ``no``), found.

    Raises
    ------
    UserError
        If the folder has no ``plan.json`` or no ``config.yaml``, or a record cannot be read.
    """
    folder = Path(folder)
    refits = [path for _, path in refit_folders(folder)]
    plans = {part: json.loads(_text(part / "plan.json"))["fits"] for part in (folder, *refits)}
    config = yaml.safe_load(_text(folder / "config.yaml"))["studies"][folder.name]
    records = read_records(fit for plan in plans.values() for fit in plan)
    sources = family.provenance(config)
    found = [
        _finished(plans, records),
        _collected(plans),
        _encodings(plans, records, family),
        _committed(),
        *_revisions(family, records),
        _environment(LOCK.read_text(encoding="utf-8")),
        _versions(records),
        _seeds(config, sources.seeds),
        _paths(folder, sources.files),
        _downloads(sources.files),
    ]
    return pd.DataFrame(found)


def read_records(fits: Iterable[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Records of planned fits by the fit's path, of those that have one."""
    found = {fit["path"]: fit_folder.record_if_any(fit["path"], RECORD) for fit in fits}
    return {path: record for path, record in found.items() if record is not None}


def write_page(table: pd.DataFrame, study: str, output: Path) -> None:
    """The checks as a page."""
    write_text(output, table_page.page(f"Reproducibility of {study}", [_summary(table), table_page.table(table)]))


def _summary(table: pd.DataFrame) -> str:
    failed = int((table["passed"] != "yes").sum())
    end = f"{failed} failed, listed first" if failed else "all passed"
    return table_page.paragraph(
        f"{len(table)} checks, {end}. They tell the state of files and environment when this was written."
    )


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        # message: `proxsweep reproducibility` needs `results/{study}` of a finished run. | Run it first, or correct the
        # folder.
        raise UserError(str(path), f"no readable file ({error.strerror})", "a study that has run") from error


def _result(name: str, faults: Iterable[str], good: str) -> Check:
    """Passed without faults; otherwise the first three of them are told."""
    faults = list(faults)
    if not faults:
        return Check(name, "yes", good)
    more = f" (and {len(faults) - 3} more)" if len(faults) > 3 else ""
    return Check(name, "no", "; ".join(faults[:3]) + more)


Plans = dict[Path, list[dict[str, Any]]]


def _finished(plans: Plans, records: dict[str, Any]) -> Check:
    paths = [fit["path"] for plan in plans.values() for fit in plan]
    missing = [f"no record in {path}" for path in paths if path not in records]
    return _result("every planned fit has a record", missing, f"{len(paths)} fits")


def _collected(plans: Plans) -> Check:
    """Whether fits.csv says what the records say, times of jobs and all."""
    faults = [fault for folder, plan in plans.items() for fault in _collected_part(folder / "fits.csv", plan)]
    return _result("fits.csv is that of the records", faults, "equal")


def _collected_part(path: Path, plan: list[dict[str, Any]]) -> list[str]:
    if not path.exists():
        return [f"{path} is missing"]
    same = path.read_text(encoding="utf-8") == collect.collect(plan).to_csv(index=False, lineterminator="\n")
    return [] if same else [f"{path}, collected anew, differs: run the workflow again"]


def _encodings(plans: Plans, records: dict[str, Any], family: Family) -> Check:
    """Whether every fit read the data that are on disk."""
    paths = {fit["path"]: folder / family.encoding(fit["labels"]) for folder, plan in plans.items() for fit in plan}
    digests = {path: sha256(path) for path in sorted(set(paths.values())) if path.exists()}
    stale = [
        f"{fit} was fitted to another encoding than that on disk"
        for fit, path in paths.items()
        if fit in records and records[fit]["encoding_sha256"] != digests.get(path)
    ]
    return _result("every fit is to the encoding on disk", stale, f"{len(digests)} encodings")


def _committed() -> Check:
    """Whether notebooks and code of the tree are committed, now."""
    name = "notebooks and code are committed"
    top, listed = record.git(TREE, "rev-parse", "HEAD"), record.git(TREE, "status", "--porcelain", "--", *WATCHED)
    if top is None or listed is None or not record.git(TREE, "ls-files", "--", *WATCHED):
        return Check(name, "no", "the project's folder is no git repository with a commit")
    return _result(name, [f"{line[3:]} is not committed" for line in listed.splitlines()], f"revision {top[:12]}")


def _revisions(family: Family, records: dict[str, Any]) -> Iterator[Check]:
    commits = Counter(written["revision"]["commit"] for written in records.values())
    unsure = [path for path, written in records.items() if written["revision"]["uncommitted_changes"] is not False]
    yield _result(
        "code was committed when fits ran",
        [f"{path} ran with uncommitted changes, or outside of git" for path in unsure],
        f"{len(records)} fits",
    )
    shown = ", ".join(f"{str(commit)[:12]} ({count} fits)" for commit, count in commits.items())
    yield _result("fits are of one revision", [shown] if len(commits) != 1 or None in commits else [], shown)
    yield _result(
        "code of the fits is unchanged since",
        _changed(family, commits),
        "the fit notebook and the modules that its numbers depend on",
    )


def _changed(family: Family, commits: Iterable[str | None]) -> Iterator[str]:
    notebook = TREE / "notebooks" / family.name / "fit.ipynb"
    code = closure(notebook, TREE / "scripts", without=family.drawing)
    files = [str(path.relative_to(TREE)) for path in (notebook, *code)]
    for commit in commits:
        changed = None if commit is None else record.git(TREE, "diff", "--name-only", commit, "--", *files)
        if changed is None:
            yield f"revision {str(commit)[:12]} is not in the repository"
        else:
            yield from (f"{file} changed since revision {commit[:12]}" for file in changed.splitlines())


def _environment(lock: str) -> Check:
    pins = [Requirement(line.partition(" \\")[0]) for line in lock.splitlines() if line[:1].isalnum()]
    wanted = [pin for pin in pins if pin.marker is None or pin.marker.evaluate()]
    faults = []
    for pin in wanted:
        try:
            installed = importlib.metadata.version(pin.name)
        except importlib.metadata.PackageNotFoundError:
            faults.append(f"{pin} is not installed")
            continue
        if not pin.specifier.contains(installed, prereleases=True):
            faults.append(f"{pin.name} {installed} instead of {pin.specifier}")
    return _result("the environment is that of the lock", faults, f"{len(wanted)} packages of {LOCK.relative_to(TREE)}")


def _versions(records: dict[str, Any]) -> Check:
    now = record.versions()
    faults = []
    for path, written in records.items():
        other = [f"{name} {version}" for name, version in written["versions"].items() if now.get(name) != version]
        if other or set(now) - set(written["versions"]):
            faults.append(f"{path}: {', '.join(other) or 'versions missing'}, now another")
    shown = ", ".join(f"{name} {version}" for name, version in now.items())
    return _result("fits ran under the versions that are here now", faults, shown)


def _seeds(config: dict[str, Any], own: Mapping[str, int | None]) -> Check:
    """``own`` are the seeds of the family's sections."""
    sections = {name: config.get(name) for name in ("cross_validation", "resamples", "summaries")}
    used = {**own, **{name: section["seed"] for name, section in sections.items() if section and "seed" in section}}
    unset = [f"no seed in {name}" for name, seed in used.items() if seed is None]
    return _result("all that is random has a seed", unset, ", ".join(f"{name} {seed}" for name, seed in used.items()))


def _paths(folder: Path, sources: list[tuple[str, str | None]]) -> Check:
    faults = [f"the config names {path}" for path, _ in sources if Path(path).is_absolute()]
    for name in ("fits.csv", "status.csv"):
        if (folder / name).exists():
            paths = pd.read_csv(folder / name, usecols=["path"])["path"]
            faults += [f"{name} names {path}" for path in paths if Path(path).is_absolute()]
    return _result("paths are relative", faults, "in the config, fits.csv and status.csv")


def _downloads(sources: list[tuple[str, str | None]]) -> Check:
    addresses = [(path, digest) for path, digest in sources if is_address(path)]
    loose = [f"{path} has no sha256" for path, digest in addresses if not digest]
    return _result("downloads are pinned by a checksum", loose, f"{len(addresses)} downloads")
