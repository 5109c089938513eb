"""From a file to the matrix of a study: read, checked, features selected, rows and columns of zeros left out."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from proxsweep.nmf.data import checks, labels, report
from proxsweep.nmf.data.encoding import Encoding
from proxsweep.nmf.data.read import read
from proxsweep.nmf.data.select import select
from proxsweep.nmf.data.table import counted


def prepare(
    spec: Mapping[str, Any], path: str | Path, samples_path: str | Path | None
) -> tuple[Encoding, pd.DataFrame, pd.DataFrame]:
    """Make a study's matrix.

    Parameters
    ----------
    spec
        ``study`` (name), ``data`` (its section: ``features_in``, ``layer``, ``features`` and ``replicates`` are used),
        ``normalise`` (list of the ways that are used), ``ranks`` (list).
    path
        The matrix.
    samples_path
        The table of the samples; None if there is none.

    Returns
    -------
    Encoding
        The whole matrix.
    DataFrame
        Data report (:data:`proxsweep.nmf.data.report.COLUMNS`).
    DataFrame
        Samples in the matrix's order, with their labels as text.

    Raises
    ------
    UserError
        As :func:`proxsweep.nmf.data.read.read`, :func:`proxsweep.nmf.data.checks.check`,
        :func:`proxsweep.nmf.data.select.select` and :func:`proxsweep.nmf.data.labels.read_labels`, and for ranks that
        the matrix is too small for and features that ``feature_sd`` cannot divide.
    """
    data, study = spec["data"], spec["study"]
    table = read(path, data["features_in"], data["layer"])
    checks.check(table)
    rows = [report.row(report.WHOLE, "read", table.matrix, reason=table.note)]
    known = len(table.features)
    table, reason = select(table, data["features"], study)
    if reason:
        rows.append(report.row(report.WHOLE, "features", table.matrix, (known - len(table.features), 0), reason))
        checks.refuse_small(f"{study}, data.features", table.matrix)
    whole = Encoding.of(table.features, table.samples, table.matrix)
    rows.append(report.zeros(whole))
    checks.refuse_rank(spec, whole.matrix)
    checks.refuse_constant(spec, whole.matrix, whole.features[whole.kept_features])
    if samples_path is None:
        return whole, report.table(rows), labels.only_samples(table.samples)
    found, others = labels.read_labels(samples_path, table.samples)
    notes = [f"the table of samples has {counted(others, 'row')} of none in the matrix"] if others else []
    unlabelled = _unlabelled(data["replicates"] or {}, found)
    notes += [f"{counted(unlabelled, 'sample')} without a replicate"] if unlabelled else []
    rows.append(report.row(report.WHOLE, "labels", whole.matrix, reason="; ".join(notes)))
    return whole, report.table(rows), found


def _unlabelled(chosen: Mapping[str, Any], table: pd.DataFrame) -> int:
    """Samples whose cell in the column of replicates is empty."""
    return int((table[chosen["column"]] == "").sum()) if chosen.get("column") in table else 0
