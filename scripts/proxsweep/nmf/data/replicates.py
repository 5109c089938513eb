"""Replicates of a study: random parts of its samples, or the samples that have a label in common."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from proxsweep.config.labels import RULE
from proxsweep.io.errors import UserError
from proxsweep.nmf.data import checks, parts, report, resamples
from proxsweep.nmf.data.encoding import Encoding
from proxsweep.nmf.data.labels import SAMPLE, values
from proxsweep.nmf.data.table import counted
from proxsweep.sweep.grid import LABEL

LONGEST = 64  # characters of a label, which names folders


def labels(data: Mapping[str, Any], base: str | Path) -> list[str]:
    """The labels of all replicates.

    Parameters
    ----------
    data
        Section of a study; ``replicates`` and ``samples`` are used.
    base
        Folder that the path of the table of samples is relative to.

    Raises
    ------
    UserError
        For a table of samples that cannot be read, lacks the column or has no label in it, and for a label that cannot
        name a folder.
    """
    chosen = data["replicates"] or {}
    if "split" in chosen:
        return [str(number) for number in range(1, chosen["split"] + 1)]
    if "column" not in chosen:
        return ["1"]
    path = Path(base) / data["samples"]
    found = values(path, chosen["column"])
    place = f"{path}, column {chosen['column']!r}"
    if not found:
        # message: The column is empty. | Name another, or fill it.
        raise UserError(place, "no label", "a label for each sample, the same for those of one replicate")
    for label in found:
        if len(label) > LONGEST or not LABEL.fullmatch(label):
            # message: Labels of replicates name folders. | Rename the label in the table of the samples.
            raise UserError(place, f"the replicate {label!r}, which names a folder", RULE)
    return found


def encode(
    spec: Mapping[str, Any], whole: Encoding, table: pd.DataFrame, replicate: str
) -> tuple[Encoding, pd.DataFrame]:
    """The samples of one replicate.

    Parameters
    ----------
    spec
        As of :func:`proxsweep.nmf.data.prepare.prepare`; of ``data`` the key ``replicates`` is used. Where the study
        has sections ``cross_validation`` and ``resamples``, they are looked at for what this replicate does not allow.
    whole
        The matrix of all samples.
    table
        Samples with their labels, in the order of ``whole.samples``.
    replicate
        Its label.

    Returns
    -------
    Encoding
        Its features are all of ``whole``, those without an entry in this replicate not kept; its samples are those of
        the replicate. Samples that are all zero are in no random part.
    DataFrame
        Data report.

    Raises
    ------
    UserError
        For a table of other samples, a replicate without samples or too small for the largest rank, features that
        ``feature_sd`` cannot divide, folds that the replicate is too small or too large for, and resamples of what are
        no counts.
    """
    if table[SAMPLE].astype(str).tolist() != whole.samples.tolist():
        # message: The table was edited, or belongs to another matrix. | Make it again.
        raise UserError(f"{spec['study']}, samples", "other samples than the matrix has", "the table as it was written")
    members, reason = _members(spec["data"]["replicates"] or {}, whole, table, replicate)
    place = f"{spec['study']}, replicate {replicate}"
    if not members.any():
        # message: The matrix has no sample with this label. | Remove it from `sweep: replicate`, or name the replicates
        # that the table of the samples has.
        raise UserError(place, "no sample of the matrix", "samples that have this label")
    found = whole if members.all() else whole.among(members)
    checks.refuse_small(place, found.matrix)
    part = f" of replicate {replicate}" if reason else ""
    checks.refuse_rank(spec, found.matrix, part)
    checks.refuse_constant(spec, found.matrix, found.features[found.kept_features], part)
    _refuse_parts(spec, found, replicate)
    lost = whole.matrix.shape[0] - found.matrix.shape[0]
    notes = [reason or "all samples", *([f"{counted(lost, 'feature')} without an entry above 0 in it"] if lost else [])]
    return found, report.table([report.row(replicate, "replicate", found.matrix, (lost, 0), "; ".join(notes))])


def _refuse_parts(spec: Mapping[str, Any], found: Encoding, replicate: str) -> None:
    for section, refuse in (("cross_validation", _refuse_folds), ("resamples", _refuse_resamples)):
        settings = spec.get(section)
        if settings and replicate in settings.get("replicates", [replicate]):
            refuse(f"{spec['study']}, {section}, replicate {replicate}", found, max(spec["ranks"]), settings)


def _refuse_folds(place: str, found: Encoding, rank: int, settings: Mapping[str, Any]) -> None:
    parts.refuse(found.matrix, rank, settings, place)


def _refuse_resamples(place: str, found: Encoding, rank: int, settings: Mapping[str, Any]) -> None:
    resamples.refuse(found.matrix, settings, place)


def _members(chosen: Mapping[str, Any], whole: Encoding, table: pd.DataFrame, replicate: str) -> tuple[np.ndarray, str]:
    """Which samples (N,) are of a replicate, and how they were chosen; nothing where all are."""
    if "column" in chosen:
        return (table[chosen["column"]].astype(str) == replicate).to_numpy(), f"`{chosen['column']}` is {replicate}"
    if "split" not in chosen:
        return np.ones(len(whole.samples), dtype=bool), ""
    drawn = np.random.default_rng(chosen["seed"]).permutation(np.flatnonzero(whole.kept_samples))
    parts = np.array_split(drawn, chosen["split"])
    members = np.zeros(len(whole.samples), dtype=bool)
    members[parts[int(replicate) - 1]] = True
    return members, f"random part {replicate} of {chosen['split']}, seed {chosen['seed']}"
