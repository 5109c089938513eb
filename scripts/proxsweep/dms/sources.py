"""Where the data of a ``dms`` study come from: tables, replicates, columns and conditions that its config names."""

from collections.abc import Iterator
from pathlib import Path
from string import Formatter
from typing import Any

from proxsweep.config.source import Fault, KeyPath
from proxsweep.dms.source_faults import all_local, entries, file_faults, is_local, is_there
from proxsweep.io.names import natural
from proxsweep.optimize.tree import leaves
from proxsweep.sweep.study import Study

REPLICATE_COLUMNS = ("replicate", "library", "rep")  # in any case: names of columns that tell replicates apart


def tables(study: Study) -> list[dict[str, Any]]:
    """Tables of the study: ``func_scores``, ``condition``, ``replicate``, ``columns``, ``replicates``, ``where``,
    ``sha256``; none if simulated.

    A condition or replicate of None is the business of the table's columns.
    """
    scores = study.data["func_scores"]
    if isinstance(scores, str):
        nothing = dict.fromkeys(("condition", "replicate", "columns", "replicates", "where"))
        return [{"func_scores": scores, **nothing, "sha256": study.data["sha256"]}]
    return [dict(table) for table in scores or []]


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
    yield from file_faults(("selections",), entry["selections"], base)
    folder = entry["folder"]
    if folder is not None and is_local(folder):
        if not is_there(base / folder, Path.is_dir):
            # message: There is no such folder. | Correct `folder`, or leave it out where tables lie beside the list of
            # selections.
            yield Fault(("folder",), f"no folder at {folder}", f"a folder (paths are relative to {base.resolve()})")
    elif folder is not None:
        yield from file_faults(("folder",), folder, base)
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

    A replicate column is read where tables are local and do not say by themselves which replicates they have.
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
        known = [_labels(data, table, base, 1) for _, table in entries(data)]
        labels = None if None in known else [label for some in known for label in some]
        return ("data", "replicates", "column"), labels and list(dict.fromkeys(labels))
    tables = data["func_scores"] if isinstance(data["func_scores"], list) else []
    named = [str(table["replicate"]) for table in tables if table["replicate"] is not None]
    return ("data", "func_scores"), list(dict.fromkeys(named)) or ["1"]


def _counted(number: int) -> list[str]:
    return [str(i) for i in range(1, number + 1)]


def _labels(data: dict[str, Any], table: dict[str, Any], base: Path, which: int) -> list[str] | None:
    """Conditions (0) or replicates (1) of a table in natural order, those that its entry names as there; else None."""
    pairs = _pairs(data, table, base)
    if pairs is not None:
        return sorted({pair[which] for pair in pairs}, key=natural)
    return list(table["replicates"]) if which and table.get("replicates") else None


def _pairs(data: dict[str, Any], table: dict[str, Any], base: Path) -> list[tuple[str, str]] | None:
    """Conditions of a table with their replicates; None where it has to be read for them and is not local."""
    if table.get("condition") is not None and table.get("replicate") is not None:
        return [(str(table["condition"]), str(table["replicate"]))]
    if not is_local(table["func_scores"]):
        return None
    from proxsweep.dms.data import columns, rows_kept  # pandas is slow to import

    return rows_kept.labels(columns.complete(data), table, base / table["func_scores"])


def check_headers(data: dict[str, Any], base: Path) -> None:
    """Refuse local tables that lack a column that will be read, as reading them would."""
    local = [table for _, table in entries(data) if is_local(table["func_scores"])]
    if not local:
        return
    from proxsweep.dms.data import columns, tables  # pandas is slow to import

    for table in local:
        tables.check_header(columns.complete(data), table, base / table["func_scores"])


def entry_faults(data: dict[str, Any], base: Path) -> Iterator[Fault]:
    """What entries of the list of tables ask for, by ``where`` and ``replicates``, and a local table does not have."""
    asking = [(path, table) for path, table in entries(data) if table.get("where") or table.get("replicates")]
    for path, table in asking:
        if is_local(table["func_scores"]):
            from proxsweep.dms.data import columns, rows_kept

            for one in rows_kept.faults(columns.complete(data), table, base / table["func_scores"]):
                # message: passed on
                yield Fault((*path, *one.key), f"{one.found} of {table['func_scores']}", one.expected)


def replicate_faults(study: dict[str, Any], known: list[str] | None, base: Path) -> Iterator[Fault]:
    """Conditions, of those known, that lack a replicate which is fitted, as far as local tables and the config say."""
    data, asked = study["data"], study["sweep"].get("replicate")
    chosen = data["replicates"] or {}
    if data["simulate"] or "split" in chosen:
        return
    read = [(path, table, _pairs(data, table, base)) for path, table in entries(data)]
    if not all(pairs for _, _, pairs in read):  # an address, which is not read before the run
        return
    of = {name: [one for one in read if name in dict(one[2])] for name in data["conditions"] or known or []}
    has = {name: {label for _, _, pairs in some for one, label in pairs if one == name} for name, some in of.items()}
    every = sorted({label for _, _, pairs in read for _, label in pairs}, key=natural)
    shared = [label for label in every if all(label in labels for labels in has.values() if labels)]
    path = ("data", "replicates", "column") if "column" in chosen else ("data", "func_scores")
    alike = list(_case_faults(path, every)) if asked is None and "score_columns" not in chosen else []
    yield from alike
    if alike:
        return
    for name, labels in has.items():
        lacking = [label for label in asked or every if label in every and label not in labels]
        if labels and lacking:
            own = sorted(labels, key=natural)
            tables = ", ".join(dict.fromkeys(table["func_scores"] for _, table, _ in of[name]))
            path = of[name][0][0] if of[name][0][1].get("condition") else ("data", "replicates")
            found = f"no replicate `{lacking[0]}` of condition `{name}`: {tables} has {', '.join(own)}"
            # message: no replicate `Rep3` of condition `a`: a.csv has Rep1, Rep2 | rows of every condition in every
            # replicate that is fitted. `replicates: {1: Rep1, 2: Rep2}` beside each table in the list `func_scores`
            # gives its replicates labels; `sweep: {replicate: [Rep2]}` fits those that all conditions have
            # | A fit needs all conditions. Perhaps the tables call their replicates differently, or one was cut off:
            # compare its number of rows with that of its source. | Copy the table again, or use one of the two keys.
            yield Fault(path, found, _way_out(own, shared, "column" in chosen))


def _case_faults(path: KeyPath, labels: list[str]) -> Iterator[Fault]:
    seen: dict[str, str] = {}
    for label in labels:
        first = seen.setdefault(label.casefold(), label)
        if first != label:
            found = f"the replicates `{first}` and `{label}`, which differ by case only"
            way_out = f"labels beside a table: `replicates: {{1: {label}}}`"
            # message: the replicates `lib-A` and `lib-a`, which differ by case only | one spelling in all tables; or
            # labels beside a table: `replicates: {1: lib-a}` | Folders are named after replicates, and some file
            # systems do not tell case. | Correct the table, or give labels in the list `func_scores`.
            yield Fault(path, found, f"one spelling in all tables; or {way_out}")


def _way_out(labels: list[str], shared: list[str], by_column: bool) -> str:
    ways = ["rows of every condition in every replicate that is fitted"]
    if by_column:
        own = ", ".join(f"{number}: {label}" for number, label in enumerate(labels, start=1))
        ways.append(f"`replicates: {{{own}}}` beside each table in the list `func_scores` gives its replicates labels")
    if shared:
        ways.append(f"`sweep: {{replicate: [{', '.join(shared)}]}}` fits those that all conditions have")
    return f"{ways[0]}. {'; '.join(ways[1:])}" if ways[1:] else ways[0]


def unused_replicate_columns(data: dict[str, Any], base: Path) -> list[str]:
    """A sentence for each column of a local table that seems to tell replicates apart, where the study has only one."""
    named = {table.get("replicate") for _, table in entries(data)}
    if data["simulate"] or data["replicates"] or len(named) > 1:
        return []
    local = [table for _, table in entries(data) if is_local(table["func_scores"])]
    return [sentence for table in local for sentence in _unused_columns(data, table, base)]


def _unused_columns(data: dict[str, Any], table: dict[str, Any], base: Path) -> Iterator[str]:
    from proxsweep.dms.data import columns, read, rows_kept  # pandas is slow to import

    path = base / table["func_scores"]
    names = read.header(path)
    used = columns.used(columns.complete(data), table, names, path).columns()
    for name in names:
        if name.lower() not in REPLICATE_COLUMNS or name in used:
            continue
        values = sorted(rows_kept.distinct(path, (name,))[name], key=natural)
        if len(values) > 1:
            shown = ", ".join(values[:5]) + (f" and {len(values) - 5} more" if len(values) > 5 else "")
            # message: The study has one replicate, and the table a column that seems to tell several apart. | Name it:
            # `replicates: {column: replicate}` in the study's data; the fits of replicates can then be compared. Do
            # nothing if the rows belong together.
            yield (
                f"{table['func_scores']}: no key uses the column {name!r} ({shown}), and all rows count as one "
                f"replicate; `replicates: {{column: {name}}}` in the study's data would tell them apart"
            )


def table_conditions(data: dict[str, Any], base: Path) -> list[str] | None:
    """Conditions of all tables, where those are local."""
    if not data["func_scores"] or not all_local(data):
        return None
    found = [label for _, table in entries(data) for label in _labels(data, table, base, 0)]
    return list(dict.fromkeys(found))


def check_wildtypes(data: dict[str, Any], conditions: list[str], base: Path) -> None:
    """Refuse wildtype sequences that are none, or lack one of the conditions that are known."""
    if data["wildtypes"]:
        from proxsweep.dms.data import wildtypes  # pandas is slow to import

        wildtypes.given(data["wildtypes"], data["site_map"], conditions, base)


def source_conditions(data: dict[str, Any]) -> list[str] | None:
    if data["simulate"]:
        return data["simulate"]["conditions"] or leaves(data["simulate"]["tree"]) or None
    named = [table.get("condition") for _, table in entries(data)]
    return list(dict.fromkeys(named)) if named and None not in named else None
