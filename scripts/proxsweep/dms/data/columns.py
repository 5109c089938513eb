"""Which columns of a table are read, and as what: the names of the study, with those of the table laid over them."""

import functools
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from proxsweep.config import schema
from proxsweep.io.errors import UserError

PARTS = ("wildtype", "site", "mutant")
"""Columns of a substitution in three parts, which take the place of ``substitutions``."""


def complete(data: dict) -> dict:
    """A study's data section with the schema's defaults for absent keys."""
    columns = {key: value for key, value in (data.get("columns") or {}).items() if value is not None}
    return {**_defaults(), **data, "columns": {**_defaults()["columns"], **columns}}


@functools.cache
def _defaults() -> dict[str, Any]:
    return schema.fill_section("dms", "data", {})


def of_table(data: dict, item: dict) -> dict[str, str | None]:
    """Names of a table's columns by role; ``replicate`` among them, where the study tells replicates by a column.

    Parameters
    ----------
    data
        Data section, see :func:`complete`.
    item
        The table's entry in a list of tables; empty for a single one.
    """
    own = item.get("columns") or {}
    found = {**data["columns"], "replicate": (data["replicates"] or {}).get("column"), **own}
    # of two that exclude each other the table's own holds
    if own.get("substitutions") is not None:
        found |= dict.fromkeys(PARTS)
    if own.get("variance") is not None:
        found["standard_error"] = None
    return found


def in_parts(columns: dict[str, str | None]) -> bool:
    """Whether substitutions stand in three columns."""
    return any(columns[name] is not None for name in PARTS)


def of_substitutions(columns: dict[str, str | None]) -> list[str]:
    """The column of substitutions, or the three of their parts."""
    return [columns[name] for name in (PARTS if in_parts(columns) else ("substitutions",))]


def wanted(item: dict) -> dict[str, list[str]]:
    """Texts of the rows to keep, by column, of a table's ``where``."""
    return {column: texts(values) for column, values in (item.get("where") or {}).items()}


def texts(values: Any) -> list[str]:
    """One value or a list of them as text."""
    return [str(value) for value in (values if isinstance(values, list) else [values])]


def own_labels(item: dict) -> dict[str, str]:
    """The study's label of a replicate by the text that the table has for it; empty where the two are the same."""
    return {str(text): str(label) for label, text in (item.get("replicates") or {}).items()}


def used_columns(data: dict) -> list[str]:
    """Which of ``n_barcodes``, ``weight`` and ``variance`` the settings use."""
    used = {
        "n_barcodes": data["collapse"] == "barcode_mean" or data["variant_weights"] == "barcodes",
        "weight": data["variant_weights"] == "column",
        "variance": data["variant_weights"] == "inverse_variance",
    }
    return [name for name, wanted in used.items() if wanted]


@dataclass(frozen=True)
class Used:
    """How a table says its replicates, and its columns to read.

    ``text`` and ``numbers`` are columns by name (a standard error is one of the numbers, in place of the variance),
    ``scores`` by the label of the replicate ('' for the one column), ``where`` the texts of rows to keep by column, and
    ``labels`` the study's labels by the table's (empty where these are the same).
    """

    replicates: dict
    text: dict[str, str]
    scores: dict[str, str]
    numbers: dict[str, str]
    where: dict[str, list[str]]
    labels: dict[str, str]

    def columns(self) -> list[str]:
        """All columns to read, each once."""
        found = [*self.text.values(), *self.scores.values(), *self.numbers.values(), *self.where]
        return list(dict.fromkeys(found))


def used(data: dict, item: dict, names: list[str], path: Path) -> Used:
    """What is read of a table with the columns ``names``.

    Raises
    ------
    UserError
        For a table that has neither scores nor counts.
    """
    columns, replicates = of_table(data, item), _replicates(data, item, names)
    scores = _score_columns(columns, replicates, names, path)
    text = {name: columns[name] for name in PARTS} if in_parts(columns) else {}
    text = text or {"aa_substitutions": columns["substitutions"]}
    if item.get("condition") is None:
        text["condition"] = columns["condition"]
    if "column" in replicates:
        text["replicate"] = replicates["column"]
    labels = own_labels(item) if "column" in replicates else {}
    numbers = _number_columns(data, columns, names, counts=not scores)
    return Used(replicates, text, scores, numbers, wanted(item), labels)


def _replicates(data: dict, item: dict, names: list[str]) -> dict:
    """How the rows of a table get their replicate: by the table, else as configured, else one replicate."""
    if item.get("replicate") is not None:
        return {"label": str(item["replicate"])}
    configured = data["replicates"] or {}
    if "column" in configured:
        return {"column": of_table(data, item)["replicate"]}
    if "score_columns" in configured:
        return {"score_columns": item.get("replicates") or configured["score_columns"]}
    if configured:
        return configured
    if data.get("simulate") and "replicate" in names:
        return {"column": "replicate"}
    return {"label": "1"}


def _score_columns(columns: dict, replicates: dict, names: list[str], path: Path) -> dict[str, str]:
    """Score columns by replicate label ('' for the one column); none where scores come from counts."""
    if "score_columns" in replicates:
        return {str(label): str(column) for label, column in replicates["score_columns"].items()}
    if columns["score"] in names:
        return {"": columns["score"]}
    counts = [columns["pre_count"], columns["post_count"]]
    # a name given by the user and not found is a mistake, not a wish for counts
    if columns["score"] == _defaults()["columns"]["score"] and all(count in names for count in counts):
        return {}
    from proxsweep.dms.data import read  # pandas is slow to import

    found = f"no column {columns['score']!r}"
    expected = f"scores in one of {read.nearest(columns['score'], names)}, or counts in {' and '.join(counts)}"
    # message: The table has neither. | Name your score column (`columns: {score: ...}`), or those of counts.
    raise UserError(f"{path}, header", found, expected)


def _number_columns(data: dict, columns: dict, names: list[str], counts: bool) -> dict[str, str]:
    wanted = {}
    if counts or data["min_pre_count"]:
        wanted["pre_count"] = columns["pre_count"]
    if counts:
        wanted["post_count"] = columns["post_count"]
    for name, key in (("n_barcodes", "barcodes"), ("weight", "weight"), ("variance", "variance")):
        if name in used_columns(data):
            wanted[name] = columns[key]
    one_a_row = data["collapse"] != "barcode_mean" and columns["barcodes"] == _defaults()["columns"]["barcodes"]
    if "n_barcodes" in wanted and wanted["n_barcodes"] not in names and one_a_row:
        del wanted["n_barcodes"]
    if "variance" in wanted and columns["standard_error"] is not None:
        del wanted["variance"]
        wanted["standard_error"] = columns["standard_error"]
    unnamed = columns["variance"] == _defaults()["columns"]["variance"]
    if counts and unnamed and columns["variance"] not in names:
        wanted.pop("variance", None)  # it follows from the counts
    return wanted
