"""Where the data of a ``dms`` study come from: tables, replicates, columns and conditions that its config names."""

from collections.abc import Callable, Iterator
from pathlib import Path
from string import Formatter
from typing import Any
from urllib.parse import urlsplit

from proxsweep.config.source import Fault, KeyPath
from proxsweep.io.downloads import is_address
from proxsweep.optimize.tree import leaves
from proxsweep.sweep.study import Study

OWN_COLUMNS = ("condition", "substitutions", "score", "pre_count", "post_count")


def tables(study: Study) -> list[dict[str, str | None]]:
    """Tables of the study: ``func_scores``, ``condition``, ``replicate``, ``sha256``; none if simulated.

    A condition or replicate of None is the business of the table's columns.
    """
    scores = study.data["func_scores"]
    if isinstance(scores, str):
        return [{"func_scores": scores, "condition": None, "replicate": None, "sha256": study.data["sha256"]}]
    return [dict(table) for table in scores or []]


def faults(written: dict[str, Any], study: dict[str, Any], base: Path) -> Iterator[Fault]:
    """Faults of the section ``data`` that need no table to be read."""
    data = study["data"]
    yield from _source_faults(data, base)
    yield from _replicate_faults(written["data"], data, study["sweep"])
    yield from _column_faults(written["data"], data)


def expand(name: str, study: dict[str, Any], base: Path) -> Iterator[Fault]:
    """Replace the entries of ``func_scores`` that name selections by the tables of these.

    Faults are as those of :func:`faults`. An address is read once: its copy is kept below the study's results. Raises
    UserError for what is no list of selections, or names tables that are not there.
    """
    listed = study["data"]["func_scores"]
    if not isinstance(listed, list):
        return
    expanded = []
    for i, entry in enumerate(listed):
        found, tables = _expanded(name, entry, base)
        yield from (fault._replace(path=("data", "func_scores", i, *fault.path)) for fault in found)
        expanded += [{**table, "entry": i} for table in tables]
    study["data"]["func_scores"] = expanded


def _expanded(name: str, entry: dict[str, Any], base: Path) -> tuple[list[Fault], list[dict[str, Any]]]:
    """Faults of an entry of ``func_scores``, their paths relative to it, and its tables where it has none."""
    if "selections" not in entry:
        return [], [entry]
    faults = list(_selection_faults(entry, base))
    if faults:
        return faults, []
    from proxsweep.dms.data.selections import Selections  # pandas is slow to import

    selections = Selections(entry, name, base)
    faults = selections.faults()
    return faults, [] if faults else selections.tables()


def _selection_faults(entry: dict[str, Any], base: Path) -> Iterator[Fault]:
    """What is wrong with an entry before its selections are read; paths are relative to it."""
    yield from _file_faults(("selections",), entry["selections"], base)
    folder = entry["folder"]
    if folder is not None and _is_local(folder):
        if not _is_there(base / folder, Path.is_dir):
            # message: There is no such folder. | Correct `folder`, or leave it out where tables lie beside the list of
            # selections.
            yield Fault(("folder",), f"no folder at {folder}", f"a folder (paths are relative to {base.resolve()})")
    elif folder is not None:
        yield from _file_faults(("folder",), folder, base)
    if not _is_template(entry["table"]):
        # message: `scores_{library.csv` | a file name with columns in braces, as {library}_scores.csv | Every brace
        # holds the name of a column of the list, and nothing else. | Correct `table`.
        yield Fault(("table",), f"`{entry['table']}`", "a file name with columns in braces, as {library}_scores.csv")


def _is_template(text: str) -> bool:
    """Whether a text has braces, with nothing but a name in each."""
    try:
        parts = [part[1:] for part in Formatter().parse(text) if part[1] is not None]
    except ValueError:
        return False
    return bool(parts) and all(name.isidentifier() and not kind and not form for name, kind, form in parts)


def conditions(data: dict[str, Any]) -> list[str] | None:
    """Conditions in order, where the config knows them; None where only the table does."""
    return data["conditions"] or source_conditions(data)


def known_conditions(study: dict[str, Any], base: Path) -> list[str] | None:
    """The data's conditions; None where they stand in a table that is not on this machine."""
    return conditions(study["data"]) or table_conditions(study["data"], base)


def replicates(study: dict[str, Any], base: Path) -> tuple[KeyPath, list[str] | None]:
    """The key that names the data's replicates, and all their labels; None where they are taken as listed.

    A replicate column is read where all tables are local.
    """
    data = study["data"]
    chosen = data["replicates"] or {}
    if data["simulate"]:
        return ("data", "simulate"), _counted(data["simulate"]["replicates"])
    if "split" in chosen:
        return ("data", "replicates", "split"), _counted(chosen["split"])
    if "score_columns" in chosen:
        return ("data", "replicates", "score_columns"), list(chosen["score_columns"])
    if "column" in chosen:
        path = ("data", "replicates", "column")
        return path, _read_labels(data, "replicate", chosen["column"], base) if all_local(data) else None
    tables = data["func_scores"] if isinstance(data["func_scores"], list) else []
    named = [str(table["replicate"]) for table in tables if table["replicate"] is not None]
    return ("data", "func_scores"), list(dict.fromkeys(named)) or ["1"]


def _counted(number: int) -> list[str]:
    return [str(i) for i in range(1, number + 1)]


def _is_local(text: str) -> bool:
    return "://" not in text


def all_local(data: dict[str, Any]) -> bool:
    return all(_is_local(table["func_scores"]) for _, table in entries(data))


def _read_labels(data: dict[str, Any], noun: str, column: str, base: Path) -> list[str]:
    """Labels of the conditions or replicates (``noun``) of all tables, of those that have one as a whole too."""
    from proxsweep.dms.data import read  # pandas is slow to import

    labels: dict[str, None] = {}
    seen: dict[str, list[str]] = {}
    for _, table in entries(data):
        path = table["func_scores"]
        if table.get(noun) is not None:
            found = [str(table[noun])]
        else:
            found = seen[path] = seen.get(path) or read.labels(base / path, column, noun)
        labels |= dict.fromkeys(found)
    return list(labels)


def check_headers(data: dict[str, Any], base: Path) -> None:
    """Refuse local tables that lack a column that will be read, as reading them would."""
    local = [table for _, table in entries(data) if _is_local(table["func_scores"])]
    if not local:
        return
    from proxsweep.dms.data import tables  # pandas is slow to import

    for table in local:
        tables.check_header(tables.complete(data), table, base / table["func_scores"])


def check_wildtypes(data: dict[str, Any], conditions: list[str], base: Path) -> None:
    """Refuse wildtype sequences that are none, or lack one of the conditions that are known."""
    if data["wildtypes"]:
        from proxsweep.dms.data import wildtypes  # pandas is slow to import

        wildtypes.given(data["wildtypes"], data["site_map"], conditions, base)


def table_conditions(data: dict[str, Any], base: Path) -> list[str] | None:
    """Conditions of all tables, where those are local."""
    if not data["func_scores"] or not all_local(data):
        return None
    return _read_labels(data, "condition", data["columns"]["condition"], base)


def entries(data: dict[str, Any]) -> list[tuple[KeyPath, dict[str, Any]]]:
    """Tables, each with the key path of the entry that names it."""
    scores = data["func_scores"]
    if isinstance(scores, str):
        return [(("data",), {"func_scores": scores})]
    return [(("data", "func_scores", table.get("entry", i)), table) for i, table in enumerate(scores or [])]


def source_conditions(data: dict[str, Any]) -> list[str] | None:
    if data["simulate"]:
        return data["simulate"]["conditions"] or leaves(data["simulate"]["tree"]) or None
    named = [table.get("condition") for _, table in entries(data)]
    return list(dict.fromkeys(named)) if named and None not in named else None


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
        yield from _file_faults((*path, "func_scores"), table["func_scores"], base)
        key = (table["func_scores"], table.get("condition"), str(table.get("replicate")))
        if key in seen:
            # message: Its rows would be read twice. | Remove one entry; where they are different replicates, say so by
            # `replicate`.
            yield Fault(path, f"the same table, condition and replicate as [{seen[key]}]", "every table once")
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


def _file_faults(path: KeyPath, text: str, base: Path) -> Iterator[Fault]:
    if _is_local(text):
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


def _is_there(file: Path, kind: Callable[[Path], bool]) -> bool:
    try:
        return kind(file)
    except (OSError, ValueError):  # a name too long, a NUL in it, a folder that is closed
        return False


def _local_faults(path: KeyPath, text: str, base: Path) -> Iterator[Fault]:
    file = base / text
    if "{" in text or "}" in text:
        # message: Snakemake takes braces in a path for wildcards. | Rename the file or its folder.
        yield Fault(path, f"braces in {text}", "a path without { and }")
    elif not _is_there(file, Path.is_file):
        what = "a folder" if _is_there(file, Path.is_dir) else "no file"
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
        remote = [table["func_scores"] for _, table in tables if not _is_local(table["func_scores"])]
        if remote:
            # message: A table at an address is not read while the run is planned. | Add `sweep: {replicate: [1, 2]}`
            # with your labels.
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
    seen: dict[str, str] = {}
    for role in OWN_COLUMNS:
        column = data["columns"][role]
        if column in seen:
            found = f"the column `{column}`, which is also `{seen[column]}`"
            # message: Two keys under `columns` name one column. | Correct one.
            yield Fault(("data", "columns", role), found, "a column of its own")
        seen[column] = role
    yield from _score_column_faults(data)


def _score_column_faults(data: dict[str, Any]) -> Iterator[Fault]:
    seen = {data["columns"][role]: f"`columns: {role}`" for role in ("condition", "substitutions")}
    for label, column in (data["replicates"] or {}).get("score_columns", {}).items():
        if column in seen:
            found = f"the column `{column}`, which is also {seen[column]}"
            # message: the column `rep1`, which is also that of replicate 1 / which is also `columns: condition` | a
            # column of its own | Two score columns are the same, or one is another column. | Correct `replicates:
            # score_columns`.
            yield Fault(("data", "replicates", "score_columns", label), found, "a column of its own")
        seen.setdefault(column, f"that of replicate {label}")
