"""What must hold between the keys of a ``dms`` study, beyond the schema."""

from collections.abc import Callable, Iterator
from pathlib import Path
from string import Formatter
from typing import Any
from urllib.parse import urlsplit

from proxsweep.config.source import Fault, KeyPath
from proxsweep.io.downloads import is_address
from proxsweep.io.errors import UserError
from proxsweep.io.names import RULE, is_name
from proxsweep.optimize.tree import faults as tree_faults
from proxsweep.optimize.tree import leaves
from proxsweep.sweep.grid import Study

OWN_COLUMNS = ("condition", "substitutions", "score", "pre_count", "post_count")


def faults(written: dict[str, Any], study: dict[str, Any], base: Path) -> Iterator[Fault]:
    """Faults of one study, their paths relative to it.

    ``written`` is the study as it stands in the config, ``study`` has every default filled in and its
    difference matrices as dicts; both are valid by the schema. Local paths are relative to ``base``.

    Local tables are looked into once the keys are without faults: their headers, and their conditions where
    the config does not know them. Raises UserError for what is no table or lacks a column.
    """
    data = study["data"]
    keys = [
        *_source_faults(data, base),
        *_replicate_faults(written["data"], data, study["sweep"]),
        *_column_faults(written["data"], data),
        *_limit_faults(study),
        *_combination_faults(study),
    ]
    yield from keys
    source = _source_conditions(data)
    if not keys:
        _check_headers(data, base)
        source = source or _table_conditions(data, base)
    upstream = [*_condition_faults(study, source), *_simulation_faults(study)]
    yield from upstream
    if not upstream:
        yield from _matrix_faults(study, data["conditions"] or source)


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
            yield Fault(("folder",), f"no folder at {folder}", f"a folder (paths are relative to {base.resolve()})")
    elif folder is not None:
        yield from _file_faults(("folder",), folder, base)
    if not _is_template(entry["table"]):
        yield Fault(("table",), f"`{entry['table']}`", "a file name with columns in braces, as {library}_scores.csv")


def _is_template(text: str) -> bool:
    """Whether a text has braces, with nothing but a name in each."""
    try:
        parts = [part[1:] for part in Formatter().parse(text) if part[1] is not None]
    except ValueError:
        return False
    return bool(parts) and all(name.isidentifier() and not kind and not form for name, kind, form in parts)


def settle(study: dict[str, Any]) -> None:
    """Fill in what follows from other keys of a study without faults.

    Its conditions where the config knows them, labels of replicates as text, and for a simulation the
    reference and the replicate column that the simulated table has. A seed that no start uses is taken away.
    """
    data = study["data"]
    data["conditions"] = conditions(data)
    lists = study["sweep"].get("starts", [study["solver"]["starts"]])
    if not any(start.endswith("x_random") for starts in lists for start in starts):
        study["solver"]["seed"] = None  # no fit uses it, so none depends on it
    if data["simulate"]:
        data["simulate"]["reference"] = study["reference"]
        data["replicates"] = {"column": "replicate"}
    if data["replicates"] and "split" not in data["replicates"]:
        data["replicates"].pop("seed", None)
    for _, table in _tables(data):
        table.pop("entry", None)
        if table.get("replicate") is not None:
            table["replicate"] = str(table["replicate"])


def summaries(study: Study) -> list[str]:
    """Names of the summaries that a study gets, each a notebook with a table and a figure."""
    if study.refit_of:
        return []
    names = ["convergence", "replicate_correlation", "sparsity", "patterns", "false_discovery"]
    names += ["shrinkage", "replicate_scatter", "shift_paths", "shift_heatmap", "shift_sizes", "predictions"]
    lists = study.sweep.get("starts", [study.solver["starts"]])
    if any(len(starts) > 1 or starts[0].endswith("x_random") for starts in lists):
        names.append("starts")
    if len(study.sweep.get("scale_bound", [])) > 1:
        names.append("scale_bound")
    if study.references:
        names.append("references")
    return [*names, "recovery"] if study.data["simulate"] is not None else names


def conditions(data: dict[str, Any]) -> list[str] | None:
    """Conditions in order, where the config knows them; None where only the table does."""
    return data["conditions"] or _source_conditions(data)


def known_conditions(study: dict[str, Any], base: Path) -> list[str] | None:
    """The data's conditions; None where they stand in a table that is not on this machine."""
    return conditions(study["data"]) or _table_conditions(study["data"], base)


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
        return path, _read_labels(data, "replicate", chosen["column"], base) if _all_local(data) else None
    tables = data["func_scores"] if isinstance(data["func_scores"], list) else []
    named = [str(table["replicate"]) for table in tables if table["replicate"] is not None]
    return ("data", "func_scores"), list(dict.fromkeys(named)) or ["1"]


def _counted(number: int) -> list[str]:
    return [str(i) for i in range(1, number + 1)]


# Local tables


def _is_local(text: str) -> bool:
    return "://" not in text


def _all_local(data: dict[str, Any]) -> bool:
    return all(_is_local(table["func_scores"]) for _, table in _tables(data))


def _read_labels(data: dict[str, Any], noun: str, column: str, base: Path) -> list[str]:
    """Labels of the conditions or replicates (``noun``) of all tables, of those that have one as a whole too."""
    from proxsweep.dms.data import read  # pandas is slow to import

    labels: dict[str, None] = {}
    seen: dict[str, list[str]] = {}
    for _, table in _tables(data):
        path = table["func_scores"]
        if table.get(noun) is not None:
            found = [str(table[noun])]
        else:
            found = seen[path] = seen.get(path) or read.labels(base / path, column, noun)
        labels |= dict.fromkeys(found)
    return list(labels)


def _check_headers(data: dict[str, Any], base: Path) -> None:
    """Refuse local tables that lack a column that will be read, as reading them would."""
    local = [table for _, table in _tables(data) if _is_local(table["func_scores"])]
    if not local:
        return
    from proxsweep.dms.data import tables  # pandas is slow to import

    for table in local:
        tables.check_header(tables.complete(data), table, base / table["func_scores"])


def _table_conditions(data: dict[str, Any], base: Path) -> list[str] | None:
    """Conditions of all tables, where those are local."""
    if not data["func_scores"] or not _all_local(data):
        return None
    return _read_labels(data, "condition", data["columns"]["condition"], base)


# Where the data come from


def _tables(data: dict[str, Any]) -> list[tuple[KeyPath, dict[str, Any]]]:
    """Tables, each with the key path of the entry that names it."""
    scores = data["func_scores"]
    if isinstance(scores, str):
        return [(("data",), {"func_scores": scores})]
    return [(("data", "func_scores", table.get("entry", i)), table) for i, table in enumerate(scores or [])]


def _source_faults(data: dict[str, Any], base: Path) -> Iterator[Fault]:
    if data["func_scores"] and data["simulate"]:
        found = "`simulate` beside `func_scores`"
        yield Fault(("data", "simulate"), found, "one of the two; null takes back the other")
    if not data["func_scores"] and data["simulate"] is None:
        yield Fault(("data",), "neither `func_scores` nor `simulate`", "one of the two")
    if data["sha256"] and not isinstance(data["func_scores"], str):
        yield Fault(("data", "sha256"), "a digest without a single table", "`sha256` beside each table of the list")
    seen: dict[tuple, str | int] = {}
    for path, table in _tables(data):
        yield from _file_faults((*path, "func_scores"), table["func_scores"], base)
        key = (table["func_scores"], table.get("condition"), str(table.get("replicate")))
        if key in seen:
            yield Fault(path, f"the same table, condition and replicate as [{seen[key]}]", "every table once")
        seen.setdefault(key, path[-1])
    if data["site_map"]:
        yield from _local_faults(("data", "site_map"), data["site_map"], base)


def _file_faults(path: KeyPath, text: str, base: Path) -> Iterator[Fault]:
    if _is_local(text):
        yield from _local_faults(path, text, base)
        return
    if not _is_whole_address(text):
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
    if not _is_there(file, Path.is_file):
        what = "a folder" if _is_there(file, Path.is_dir) else "no file"
        yield Fault(path, f"{what} at {text}", f"a file (paths are relative to {base.resolve()})")


# Replicates and columns


def _replicate_faults(written: dict[str, Any], data: dict[str, Any], sweep: dict[str, Any]) -> Iterator[Fault]:
    chosen = written.get("replicates")
    here: KeyPath = ("data", "replicates")
    tables = _tables(data)
    named = [i for i, (_, table) in enumerate(tables) if table.get("replicate") is not None]
    if named and len(named) < len(tables):
        absent = next(i for i in range(len(tables)) if i not in named)
        yield Fault(tables[absent][0], "no `replicate`", "one for every table of the list, or for none")
    if chosen is None:
        return
    kinds = [kind for kind in ("split", "column", "score_columns") if kind in chosen]
    if len(kinds) != 1:
        found = "`" + "` beside `".join(kinds) + "`" if kinds else "none of split, column and score_columns"
        yield Fault(here, found, "exactly one of split, column and score_columns")
        return
    if "seed" in chosen and kinds != ["split"]:
        yield Fault((*here, "seed"), f"a seed beside `{kinds[0]}`", "a seed beside `split` only")
    if data["simulate"]:
        yield Fault(here, "`replicates` beside `simulate`", "the number of replicates as `simulate: replicates`")
    if named:
        yield Fault(here, "`replicates` beside tables that name their replicate", "one of the two")
    if kinds == ["column"] and "replicate" not in sweep:
        remote = [table["func_scores"] for _, table in tables if not _is_local(table["func_scores"])]
        if remote:
            yield Fault(
                (*here, "column"),
                f"a column of {remote[0]}, which is not read before the run",
                "the replicates' labels listed under `sweep: replicate`",
            )


def _column_faults(written: dict[str, Any], data: dict[str, Any]) -> Iterator[Fault]:
    if data["simulate"] and written.get("columns"):
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
            yield Fault(("data", "columns", role), found, "a column of its own")
        seen[column] = role
    yield from _score_column_faults(data)


def _score_column_faults(data: dict[str, Any]) -> Iterator[Fault]:
    seen = {data["columns"][role]: f"`columns: {role}`" for role in ("condition", "substitutions")}
    for label, column in (data["replicates"] or {}).get("score_columns", {}).items():
        if column in seen:
            found = f"the column `{column}`, which is also {seen[column]}"
            yield Fault(("data", "replicates", "score_columns", label), found, "a column of its own")
        seen.setdefault(column, f"that of replicate {label}")


# Limits


def _limit_faults(study: dict[str, Any]) -> Iterator[Fault]:
    lower, upper = study["data"]["clip"] or (None, None)
    if isinstance(lower, float) and upper is not None and lower >= upper:
        yield Fault(("data", "clip"), f"the lower limit {lower:g} and the upper limit {upper:g}", "lower < upper")
    boxes = [(("model", "effect_bounds"), study["model"]["effect_bounds"])]
    boxes += [(("sweep", "effect_bounds", i), box) for i, box in enumerate(study["sweep"].get("effect_bounds", []))]
    for path, box in boxes:
        if box and not (box[0] <= 0 <= box[1] and box[0] < box[1]):
            yield Fault(path, f"the bounds {box[0]:g} and {box[1]:g}", "lower <= 0 <= upper, and lower < upper")


# Conditions


def _source_conditions(data: dict[str, Any]) -> list[str] | None:
    if data["simulate"]:
        return data["simulate"]["conditions"] or leaves(data["simulate"]["tree"]) or None
    named = [table.get("condition") for _, table in _tables(data)]
    return list(dict.fromkeys(named)) if named and None not in named else None


def _condition_faults(study: dict[str, Any], source: list[str] | None) -> Iterator[Fault]:
    """Faults of ``conditions`` and ``reference``, given the data's conditions where they are known."""
    data, wanted = study["data"], study["data"]["conditions"] or []
    for i, name in enumerate(wanted):
        if name in wanted[:i]:
            yield Fault(("data", "conditions", i), f"the condition `{name}` again", "every condition once")
    for i, name in enumerate(wanted):
        if source is not None and name not in source:
            yield Fault(
                ("data", "conditions", i),
                f"the condition `{name}`",
                f"one of the data's: {', '.join(source)}",
            )
    known = data["conditions"] or source
    for name in known or []:
        if not is_name(name):
            path = ("data", "conditions", wanted.index(name)) if name in wanted else ("data",)
            yield Fault(path, f"the condition `{name}`", RULE)
    if "site" in (known or []):
        path = ("data", "conditions") if data["conditions"] else ("data",)
        yield Fault(path, "a condition called `site`", "another name: it is a column of the wildtype table")
    if known is not None and study["reference"] not in known:
        yield Fault(("reference",), f"`{study['reference']}`", f"one of the conditions {', '.join(known)}")


def _simulation_faults(study: dict[str, Any]) -> Iterator[Fault]:
    simulation, reference = study["data"]["simulate"], study["reference"]
    if not simulation:
        return
    if simulation["reference"] not in (None, reference):
        found = f"`{simulation['reference']}`"
        yield Fault(("data", "simulate", "reference"), found, f"the study's reference `{reference}`, or nothing")
    from proxsweep.dms.data.simulation import complete

    try:
        complete({**simulation, "reference": None})
    except UserError as error:
        keys = tuple(error.place.split(": "))
        yield Fault(("data", "simulate", *keys[1:]), error.found, error.expected)


# Difference matrices


def _matrix_faults(study: dict[str, Any], known: list[str] | None) -> Iterator[Fault]:
    for i, matrix in enumerate(study["sweep"]["difference"]):
        here: KeyPath = ("sweep", "difference", i)
        if ("tree" in matrix) == ("rows" in matrix) and matrix["kind"] not in ("reference", "equivariant"):
            found = "both `tree` and `rows`" if "tree" in matrix else "neither `tree` nor `rows`"
            yield Fault(here, f"{found} in matrix `{matrix['name']}`", "one of the two")
        elif "tree" in matrix:
            yield from _tree_faults((*here, "tree"), matrix["tree"], known, study["reference"])
        elif "rows" in matrix:
            yield from _row_faults((*here, "rows"), matrix["rows"], known)


def _tree_faults(path: KeyPath, tree: dict[str, str], known: list[str] | None, reference: str) -> Iterator[Fault]:
    for child, parent in tree.items():
        for node in (child, parent):
            if not is_name(node):
                yield Fault((*path, child), f"the node `{node}`", RULE)
    for kind, nodes in tree_faults(tree, known or [reference]):
        node = nodes[0]
        if kind == "circle":
            yield Fault(path, f"the circle {' -> '.join(nodes)}", "parents that lead up to one root")
        elif kind == "roots":
            yield Fault(path, f"the roots {', '.join(nodes)}", "one root above all nodes")
        elif kind == "leaf" and known is not None:
            yield Fault((*path, node), f"the leaf `{node}`", f"a condition at every leaf: {', '.join(known)}")
        elif kind in ("inner", "absent"):
            found = f"the condition `{node}` as an inner node" if kind == "inner" else f"no leaf `{node}`"
            yield Fault(path, found, "every condition at a leaf")
        elif kind == "single":
            yield Fault(path, f"one child below `{node}`", "at least two below every inner node")


def _row_faults(path: KeyPath, rows: dict[str, dict[str, float]], known: list[str] | None) -> Iterator[Fault]:
    for row, coefficients in rows.items():
        if not is_name(row):
            yield Fault((*path, row), f"the row `{row}`", RULE)
        for name in coefficients:
            if known is not None and name not in known:
                yield Fault((*path, row, name), f"the condition `{name}`", f"one of {', '.join(known)}")
        if not any(coefficients.values()):
            yield Fault((*path, row), "coefficients that are all 0", "at least one that is not 0")


# Settings that exclude each other


def _choices(study: dict[str, Any], section: str, key: str) -> list[tuple[KeyPath, Any]]:
    """Every value that a model key takes in the study, with its path."""
    if key in study["sweep"]:
        return [(("sweep", key, i), value) for i, value in enumerate(study["sweep"][key])]
    return [((section, key), study[section][key])]


def _combination_faults(study: dict[str, Any]) -> Iterator[Fault]:
    matrices = study["sweep"]["difference"]
    for path, fixed in _choices(study, "model", "fix_reference_intercept"):
        if fixed and any(matrix["kind"] == "equivariant" for matrix in matrices):
            yield Fault(
                path,
                "fix_reference_intercept with `equivariant` among the swept difference matrices",
                "false, or `sweep: difference` without equivariant, which singles out no condition",
            )
    for path, box in _choices(study, "model", "effect_bounds"):
        for matrix in matrices:
            row = next((row for row, values in matrix.get("rows", {}).items() if not _is_pair(values)), None)
            if box and row is not None:
                yield Fault(
                    path,
                    f"effect_bounds with the difference matrix `{matrix['name']}`, whose row `{row}` is no "
                    "multiple of one condition minus another",
                    "null, or a sweep without that matrix: the constrained step is exact for such rows only",
                )


def _is_pair(coefficients: dict[str, float]) -> bool:
    nonzero = [value for value in coefficients.values() if value != 0]
    return len(nonzero) == 2 and nonzero[0] == -nonzero[1]
