"""Rows of several tables as conditions and replicates: from columns, from the names of files, or from both."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from proxsweep.dms.data import rows_kept
from proxsweep.dms.init import names
from proxsweep.dms.init.choice import listed
from proxsweep.dms.init.recognise import Found
from proxsweep.io.names import LONGEST, natural

_LABEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]*")  # of a replicate, as `data: replicates` takes it
_REPLICATE = re.compile(r"[_.\- ]*(?:rep|replicate|lib|library)[_.\- ]*(\d+|[A-Za-z])(?![A-Za-z])", re.IGNORECASE)
SINGLE = "what are the conditions? Shifts are differences between two or more: give `proxsweep init` a table of each."


@dataclass
class Grouping:
    """Which rows are of which condition and replicate, and how a config says so.

    Attributes
    ----------
    entries
        The tables as entries of ``func_scores``, without ``columns``; a table may have several.
    tables
        Index of each entry's table.
    replicates
        ``data: replicates``; None where the entries say, or where there is one.
    rows
        For each row looked at its ``table``, ``condition``, ``replicate`` (as written, empty where there is none), and
        ``read``, its substitutions.
    condition_why, replicate_why
        How conditions and replicates were found.
    condition_ask, replicate_ask
        What is to be checked of them.
    conditions, variants
        Rows and distinct variants by condition.
    """

    entries: list[dict[str, Any]]
    tables: list[int]
    replicates: dict[str, Any] | None
    rows: pd.DataFrame
    condition_why: str
    replicate_why: str = ""
    condition_ask: str = ""
    replicate_ask: str = ""
    conditions: dict[str, int] = field(default_factory=dict)
    variants: dict[str, int] = field(default_factory=dict)

    def plain(self) -> bool:
        """Whether the tables need no list: one table whose column names the conditions."""
        return len(self.entries) == 1 and list(self.entries[0]) == ["func_scores"]


def group(tables: Sequence[Found]) -> Grouping:
    """Conditions and replicates of tables."""
    if wide := _of_crossed(tables) or _of_scores(tables):
        return wide
    conditions, replicates, why, ask = _of_files(tables)
    rows = pd.concat([_rows(i, table, conditions[i]) for i, table in enumerate(tables)], ignore_index=True)
    entries = []
    for table, condition, replicate in zip(tables, conditions, replicates, strict=True):
        said = {"func_scores": table.sheet.path, "condition": condition, "replicate": replicate}
        entries.append({key: value for key, value in said.items() if value is not None})
    found = Grouping(entries, list(range(len(tables))), None, rows, why, condition_ask=ask)
    _count(found)
    if any(replicates):
        found.replicate_why = "a table each, by the names of the files"
    elif all(len(table.scores) > 1 for table in tables):
        _score_columns(found, tables)
    elif all(table.replicate is not None for table in tables):
        _replicate_column(found, tables)
    return found


def _of_crossed(tables: Sequence[Found]) -> Grouping | None:
    """A condition for each group of score columns with the same replicates, of a single table."""
    table, *others = tables
    if others or not table.crossed:
        return None
    columns = [dict(enumerate(own.values(), 1)) for own in table.crossed.values()]
    entries = [
        {"func_scores": table.sheet.path, "condition": condition, "replicates": own}
        for condition, own in zip(_conditions(list(table.crossed)), columns, strict=True)
    ]
    rows = pd.concat([_rows(0, table, entry["condition"]) for entry in entries], ignore_index=True)
    found = Grouping(entries, [0] * len(entries), {"score_columns": columns[0]}, rows, "a group of score columns each")
    found.condition_ask = "are these groups of columns the conditions?"
    found.replicate_why = f"columns {listed(map(repr, columns[0].values()))}; each condition names its own above"
    _count(found)
    return found


def _of_scores(tables: Sequence[Found]) -> Grouping | None:
    """A condition for each score column, where one table has several that share a part of their name, and no other."""
    table, *others = tables
    columns = [*table.scores.values(), *table.other_scores]
    if others or table.condition is not None or "" not in table.scores or len(columns) < 2:
        return None
    labels = names.apart(columns)
    if labels == columns:
        return None
    entries = [
        {"func_scores": table.sheet.path, "condition": condition, "columns": {"score": column}}
        for condition, column in zip(_conditions(labels), columns, strict=True)
    ]
    rows = pd.concat([_rows(0, table, entry["condition"]) for entry in entries], ignore_index=True)
    why = f"a column of scores each: {listed(columns)}"
    found = Grouping(entries, [0] * len(entries), None, rows, why, condition_ask="are these columns the conditions?")
    _count(found)
    if table.replicate is not None:
        _replicate_column(found, tables)
    return found


def _count(found: Grouping) -> None:
    found.conditions = dict(found.rows["condition"].value_counts(sort=False))
    found.variants = dict(found.rows.groupby("condition", sort=False)["read"].nunique())


def _refuse_empty(table: Found, column: str) -> None:
    empty = table.sheet.frame.index[table.sheet.texts(column) == ""]
    if len(empty):
        rows_kept.refuse_empty(table.sheet.path, empty[0], column, "condition")


def _rows(number: int, table: Found, condition: str | None) -> pd.DataFrame:
    size = len(table.texts)
    if condition is None:
        _refuse_empty(table, table.condition)
    conditions = [condition] * size if condition is not None else table.sheet.texts(table.condition)
    labels = [""] * size if table.replicate is None else table.sheet.texts(table.replicate)
    return pd.DataFrame({"table": number, "condition": conditions, "replicate": labels, "read": table.read})


def _of_files(tables: Sequence[Found]) -> tuple[list[str | None], list[str | None], str, str]:
    """The condition and the replicate of each table as a whole, None where its columns say; why, and what to check."""
    nothing: list[str | None] = [None] * len(tables)
    paths = [table.sheet.path for table in tables]
    columns = [table.condition for table in tables]
    if None not in columns:
        why = f"column {listed(dict.fromkeys(map(repr, columns)))}"
        ask = "" if all(table.named for table in tables) else "does this column name the conditions?"
        sets = {frozenset(table.sheet.distinct(table.condition)) for table in tables}
        several = len(tables) > 1 and len(sets) == 1 and not any(_has_replicates(table) for table in tables)
        if not several:
            return nothing, nothing, why, ask
        labels = [_REPLICATE.search(names.stem(path)) for path in paths]
        own = [found[1] for found in labels if found]
        numbered = own if len(set(own)) == len(paths) else [str(i + 1) for i in range(len(paths))]
        return nothing, numbered, why, ask or "is each table a replicate? All have the same conditions."
    bases = [_REPLICATE.sub("", names.stem(path)) for path in paths]
    shared = dict.fromkeys(bases)
    replicates = nothing
    if len(shared) < len(paths) and all(_REPLICATE.search(names.stem(path)) for path in paths):
        replicates = [_REPLICATE.search(names.stem(path))[1] for path in paths]
        labels = dict(zip(shared, names.of_files(list(shared)), strict=True))
        files = [labels[base] for base in bases]
    else:
        files = names.of_files(paths)
    whole = [None if column is not None else _condition(name) for column, name in zip(columns, files, strict=True)]
    if len(set(whole)) > 1 or None in whole:
        return whole, replicates, "one for each table, by the name of its file", ""
    return whole, replicates, "named by the file, as no column names conditions", SINGLE


def _condition(name: str) -> str:
    """A name that a condition may have."""
    printable = "".join(letter if letter.isprintable() else " " for letter in name)
    plain = printable.strip().lstrip("=+-@ ")[:LONGEST].strip() or "condition"
    return "site_" if plain == "site" else plain


def _conditions(texts: Sequence[str]) -> list[str]:
    """Names that conditions may have, a different one for each text."""
    plain = [_condition(text) for text in texts]
    return [name if plain.count(name) == 1 else f"{name[: LONGEST - 4]}_{i}" for i, name in enumerate(plain, 1)]


def _has_replicates(table: Found) -> bool:
    return len(table.scores) > 1 or (table.replicate is not None and len(table.sheet.distinct(table.replicate)) > 1)


def _score_columns(found: Grouping, tables: Sequence[Found]) -> None:
    """A replicate for each score column; tables with other columns name their own."""
    number = min(len(table.scores) for table in tables)
    columns = [dict(zip(range(1, number + 1), table.scores.values(), strict=False)) for table in tables]
    found.replicates = {"score_columns": columns[0]}
    for entry, own in zip(found.entries, columns, strict=True):
        if own != columns[0]:
            entry["replicates"] = own
    found.replicate_why = f"a score column each: {listed(columns[0].values())}"


def _replicate_column(found: Grouping, tables: Sequence[Found]) -> None:
    """The labels of a column; where conditions have different ones, each says which are the study's 1, 2, ..."""
    groups = found.rows.groupby(["table", "condition"], sort=False)["replicate"]
    labels = {key: sorted(values.unique(), key=natural) for key, values in groups}
    column = next(iter(dict.fromkeys(table.replicate for table in tables)))
    lists = list(labels.values())
    if min(map(len, lists)) < 2:
        single = next(key[1] for key, own in labels.items() if len(own) < 2)
        if max(map(len, lists)) > 1:
            found.replicate_ask = (
                f"is condition {single} whole? It has one value in column {column!r}, others have several."
            )
        return
    found.replicates = {"column": column}
    found.replicate_why = f"column {column!r}: {listed(lists[0])}"
    if all(own == lists[0] for own in lists) and all(_LABEL.fullmatch(label) for label in lists[0]):
        return
    shared = [label for label in lists[0] if all(label in own for own in lists)]
    _map_labels(found, tables, labels, shared if len(shared) > 1 else [])


def _map_labels(found: Grouping, tables: Sequence[Found], labels: dict, shared: list[str]) -> None:
    """An entry for each condition of a table, with the table's label of every replicate."""
    number = min(map(len, labels.values()))
    entries, of_table = [], []
    for (table, condition), own in labels.items():
        at = [i for i, number in enumerate(found.tables) if number == table]
        entry = dict(next(one for i in at if (one := found.entries[i]).get("condition", condition) == condition))
        if "condition" not in entry:
            entry |= {"condition": condition}
            if sum(key[0] == table for key in labels) > 1:
                entry["where"] = {tables[table].condition: condition}
        entry["replicates"] = dict(zip(range(1, number + 1), shared or own, strict=False))
        entries.append(entry)
        of_table.append(table)
    found.entries, found.tables = entries, of_table
    same = "labels that all conditions have" if shared else "labels in their order, as conditions have different ones"
    found.replicate_why += f"; {same}"
    found.replicate_ask = "do these labels belong together?"
