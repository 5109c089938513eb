"""What the section ``data`` of a ``dms`` study says that cannot hold, before any table is read."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from proxsweep.config.source import Fault, KeyPath
from proxsweep.dms.data import columns
from proxsweep.dms.data.columns import PARTS
from proxsweep.io.downloads import is_address

OWN_COLUMNS = ("condition", "substitutions", "wildtype", "site", "mutant", "score", "pre_count", "post_count")


def faults(written: dict[str, Any], study: dict[str, Any], base: Path) -> Iterator[Fault]:
    """Faults of the section ``data`` that need no table to be read."""
    data = study["data"]
    yield from _source_faults(data, base)
    yield from _replicate_faults(written["data"], data, study["sweep"])
    yield from _column_faults(written["data"], data)
    # the tables of a list of selections have one entry
    yield from dict.fromkeys(fault for path, table in entries(data) for fault in _entry_faults(path, table, data))


def entries(data: dict[str, Any]) -> list[tuple[KeyPath, dict[str, Any]]]:
    """Tables, each with the key path of the entry that names it."""
    scores = data["func_scores"]
    if isinstance(scores, str):
        return [(("data",), {"func_scores": scores})]
    return [(("data", "func_scores", table.get("entry", i)), table) for i, table in enumerate(scores or [])]


def is_local(text: str) -> bool:
    return "://" not in text


def all_local(data: dict[str, Any]) -> bool:
    return all(is_local(table["func_scores"]) for _, table in entries(data))


def _resolved(text: str, base: Path) -> str:
    """One name of a file, however it is written; an address as it stands."""
    try:
        return os.path.realpath(base / text) if is_local(text) else text
    except (OSError, ValueError):  # a NUL in it: refused as no file
        return text


def _source_faults(data: dict[str, Any], base: Path) -> Iterator[Fault]:
    if data["func_scores"] and data["simulate"]:
        found = "`simulate` beside `func_scores`"
        # message: The data come from one of the two. | Remove one; where it comes from another config file, write
        # `func_scores: null` or `simulate: null`.
        yield Fault(("data", "simulate"), found, "one of the two; null takes back the other")
    if not data["func_scores"] and data["simulate"] is None:
        # message: The study has no data. | Name your table: `func_scores: scores.csv`.
        yield Fault(("data",), "neither `func_scores` nor `simulate`", "one of the two")
    if data["sha256"] and not isinstance(data["func_scores"], str):
        # message: The digest is that of one file. | Move `sha256` into the entries of `func_scores`.
        yield Fault(("data", "sha256"), "a digest without a single table", "`sha256` beside each table of the list")
    seen: dict[tuple, str | int] = {}
    for path, table in entries(data):
        yield from file_faults((*path, "func_scores"), table["func_scores"], base)
        own = [repr(table.get(key)) for key in ("columns", "replicates", "where")]
        key = (_resolved(table["func_scores"], base), table.get("condition"), *own)
        if key in seen:
            # message: Rows would be read twice, or be two replicates that agree in everything. | Remove one entry;
            # where they are different rows, say so by `where`; where other columns have the other scores, by `columns`.
            yield Fault(path, f"the same rows of the same condition as [{seen[key]}]", "every row once")
        seen.setdefault(key, path[-1])
    if data["site_map"]:
        yield from _local_faults(("data", "site_map"), data["site_map"], base)
    if data["wildtypes"]:
        yield from _wildtype_faults(data, base)


def _wildtype_faults(data: dict[str, Any], base: Path) -> Iterator[Fault]:
    given, path = data["wildtypes"], ("data", "wildtypes")
    kinds = [kind for kind in ("fasta", "columns") if given.get(kind)]
    if len(kinds) != 1:
        found = "`fasta` beside `columns`" if kinds else "neither `fasta` nor `columns`"
        # message: `fasta` beside `columns` / neither `fasta` nor `columns` | one of the two | Wildtypes come from one
        # file. | Keep one under `wildtypes`.
        yield Fault(path, found, "one of the two")
    elif kinds == ["columns"] and not data["site_map"]:
        # message: columns without a site map | `site_map`, the table that has them | The columns are those of the site
        # map. | Name it under `site_map`.
        yield Fault((*path, "columns"), "columns without a site map", "`site_map`, the table that has them")
    if given.get("fasta"):
        yield from _local_faults((*path, "fasta"), given["fasta"], base)


def file_faults(path: KeyPath, text: str, base: Path) -> Iterator[Fault]:
    if is_local(text):
        yield from _local_faults(path, text, base)
        return
    if not _is_whole_address(text):
        # message: The text is no whole address (no blanks, ASCII only). | Correct it, or download the file and name its
        # path.
        yield Fault(path, f"the address {text}", "a path, or an address that starts with http:// or https://")


def _is_whole_address(text: str) -> bool:
    try:
        address = urlsplit(text)
        return is_address(text) and bool(address.hostname) and text.isascii() and text.isprintable() and " " not in text
    except ValueError:
        return False


def is_there(file: Path, kind: Callable[[Path], bool]) -> bool:
    try:
        return kind(file)
    except (OSError, ValueError):  # a name too long, a NUL in it, a folder that is closed
        return False


def _local_faults(path: KeyPath, text: str, base: Path) -> Iterator[Fault]:
    file = base / text
    if "{" in text or "}" in text:
        # message: Snakemake takes braces in a path for wildcards. | Rename the file or its folder.
        yield Fault(path, f"braces in {text}", "a path without { and }")
    elif not is_there(file, Path.is_file):
        what = "a folder" if is_there(file, Path.is_dir) else "no file"
        # message: no file at scores.csv / a folder at scores.csv | a file (paths are relative to /home/me/project) |
        # The path starts where you run, not where the config lies. | Correct it.
        yield Fault(path, f"{what} at {text}", f"a file (paths are relative to {base.resolve()})")


def _replicate_faults(written: dict[str, Any], data: dict[str, Any], sweep: dict[str, Any]) -> Iterator[Fault]:
    chosen = written.get("replicates")
    here: KeyPath = ("data", "replicates")
    tables = entries(data)
    named = [i for i, (_, table) in enumerate(tables) if table.get("replicate") is not None]
    if named and len(named) < len(tables):
        absent = next(i for i in range(len(tables)) if i not in named)
        # message: Some tables name their replicate. | Give this one a `replicate` too.
        yield Fault(tables[absent][0], "no `replicate`", "one for every table of the list, or for none")
    if chosen is None:
        return
    kinds = [kind for kind in ("split", "column", "score_columns") if kind in chosen]
    if len(kinds) != 1:
        found = "`" + "` beside `".join(kinds) + "`" if kinds else "none of split, column and score_columns"
        # message: `split` beside `column` / none of split, column and score_columns | exactly one of split, column and
        # score_columns | Replicates are told apart in one way. | Keep one under `replicates`; for a single replicate
        # remove the section.
        yield Fault(here, found, "exactly one of split, column and score_columns")
        return
    if "seed" in chosen and kinds != ["split"]:
        # message: Nothing is drawn. | Remove `seed`.
        yield Fault((*here, "seed"), f"a seed beside `{kinds[0]}`", "a seed beside `split` only")
    if data["simulate"]:
        # message: A simulation makes its own replicates. | Move the number there.
        yield Fault(here, "`replicates` beside `simulate`", "the number of replicates as `simulate: replicates`")
    if named:
        # message: Replicates are told apart in one way. | Remove `replicates`, or `replicate` of every table.
        yield Fault(here, "`replicates` beside tables that name their replicate", "one of the two")
    if kinds == ["column"] and "replicate" not in sweep:
        unread = [table["func_scores"] for _, table in tables if not table.get("replicates")]
        remote = [table for table in unread if not is_local(table)]
        if remote:
            # message: A table at an address is not read while the run is planned. | Add `sweep: {replicate: [1, 2]}`
            # with your labels, or `replicates: {1: Rep1, 2: Rep2}` beside the table in the list `func_scores`.
            yield Fault(
                (*here, "column"),
                f"a column of {remote[0]}, which is not read before the run",
                "the replicates' labels listed under `sweep: replicate`",
            )


def _column_faults(written: dict[str, Any], data: dict[str, Any]) -> Iterator[Fault]:
    if data["simulate"] and written.get("columns"):
        # message: Nothing else can be named there. | Remove `columns`.
        yield Fault(
            ("data", "columns"),
            "`columns` beside `simulate`",
            "no `columns`: simulated tables have the default names",
        )
        return
    own = written.get("columns") or {}
    yield from _either_faults(("data", "columns"), own)
    yield from _part_faults(("data", "columns"), data["columns"])
    yield from _same_faults(("data", "columns"), data["columns"])
    yield from _score_column_faults(data)


def _either_faults(path: KeyPath, written: dict[str, Any]) -> Iterator[Fault]:
    """Columns written beside others whose place they take."""
    for one, others in (("substitutions", PARTS), ("variance", ("standard_error",))):
        beside = [name for name in others if written.get(name) is not None]
        if written.get(one) is not None and beside:
            # message: `substitutions` beside `site` / `variance` beside `standard_error` | one of the two | Three
            # columns take the place of the one with substitutions, the standard error that of the variance. | Remove
            # one.
            yield Fault((*path, one), f"`{one}` beside `{beside[0]}`", "one of the two")


def _part_faults(path: KeyPath, names: dict[str, Any]) -> Iterator[Fault]:
    """Some of the three columns of a substitution without the others."""
    given = [name for name in PARTS if names[name] is not None]
    for name in PARTS:
        if given and name not in given:
            # message: `site` without `mutant` | `wildtype`, `site` and `mutant`, or none of them | The three together
            # make a substitution. | Name the others, or use `substitutions`.
            yield Fault(path, f"`{given[0]}` without `{name}`", "`wildtype`, `site` and `mutant`, or none of them")


def _same_faults(path: KeyPath, names: dict[str, Any]) -> Iterator[Fault]:
    """Two roles that name one column."""
    seen: dict[str, str] = {}
    unused = ("substitutions",) if columns.in_parts(names) else PARTS
    for role in (*OWN_COLUMNS, "replicate"):
        column = names.get(role)
        if column is None or role in unused:
            continue
        if column in seen:
            found = f"the column `{column}`, which is also `{seen[column]}`"
            # message: Two keys under `columns` name one column. | Correct one.
            yield Fault((*path, role), found, "a column of its own")
        seen[column] = role


def _entry_faults(path: KeyPath, table: dict[str, Any], data: dict[str, Any]) -> Iterator[Fault]:
    """What an entry of the list of tables says of its columns and replicates that cannot hold."""
    own, chosen = table.get("columns") or {}, data["replicates"] or {}
    if own:
        names = columns.of_table(data, table)
        yield from _either_faults((*path, "columns"), own)
        yield from _part_faults((*path, "columns"), names)
        yield from _same_faults((*path, "columns"), {**names, "condition": _named(table, names)})
    if own.get("replicate") is not None and "column" not in chosen:
        # message: The study does not tell its replicates apart by a column. | Add `replicates: {column: ...}` to the
        # study's data, or remove the key.
        yield Fault(
            (*path, "columns", "replicate"),
            "the table's own column of replicates where the study names none",
            "`replicates: {column: ...}` in the study's data",
        )
    if table.get("replicates"):
        yield from _own_replicate_faults((*path, "replicates"), table, chosen)


def _named(table: dict[str, Any], names: dict[str, Any]) -> str | None:
    """The table's column of conditions, if it is read."""
    return names["condition"] if table.get("condition") is None else None


def _own_replicate_faults(path: KeyPath, table: dict[str, Any], chosen: dict[str, Any]) -> Iterator[Fault]:
    if table.get("replicate") is not None:
        # message: The whole table is one replicate, or it has several. | Remove one of the two.
        yield Fault(path, "`replicates` beside `replicate`", "one of the two")
        return
    if not {"column", "score_columns"} & set(chosen):
        # message: The study does not say where a table has its replicates. | Add `replicates: {column: ...}` (or
        # `score_columns`) to the study's data.
        yield Fault(
            path,
            "`replicates` of a table where the study does not say how replicates are told apart",
            "`replicates: {column: ...}` or `replicates: {score_columns: ...}` in the study's data",
        )
        return
    seen: dict[str, str] = {}
    for label, text in table["replicates"].items():
        if str(text) in seen:
            found = f"`{text}`, which is also replicate {seen[str(text)]}"
            # message: Two replicates have the same rows or scores. | Correct `replicates` of the table.
            yield Fault((*path, label), found, "a replicate of the table for each of the study's")
        seen.setdefault(str(text), label)
        if label not in chosen.get("score_columns", [label]):
            known = ", ".join(chosen["score_columns"])
            # message: the replicate `3`, which the study does not have | one of 1, 2 | Replicates are those under
            # `replicates: score_columns`. | Add it there, or correct the label.
            yield Fault((*path, label), f"the replicate `{label}`, which the study does not have", f"one of {known}")


def _score_column_faults(data: dict[str, Any]) -> Iterator[Fault]:
    named = columns.of_substitutions(data["columns"])
    seen = {column: "`columns: substitutions`" for column in named} | {
        data["columns"]["condition"]: "`columns: condition`"
    }
    for label, column in (data["replicates"] or {}).get("score_columns", {}).items():
        if column in seen:
            found = f"the column `{column}`, which is also {seen[column]}"
            # message: the column `rep1`, which is also that of replicate 1 / which is also `columns: condition` | a
            # column of its own | Two score columns are the same, or one is another column. | Correct `replicates:
            # score_columns`.
            yield Fault(("data", "replicates", "score_columns", label), found, "a column of its own")
        seen.setdefault(column, f"that of replicate {label}")
