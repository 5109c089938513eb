"""Where the data of an ``nmf`` study come from: what its section ``data`` says that cannot hold, and its replicates."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from proxsweep.config.source import Fault, KeyPath

FILES = ("matrix", "samples")
OF_FILES = ("features_in", "layer", "samples")  # keys that a simulated matrix has no use for


def expand_homes(data: dict[str, Any]) -> None:
    """Put homes in place of `~` and `~user` where paths begin so; `~nobody` stays, and is a file like any."""
    data.update({key: _at_home(data[key]) for key in FILES if data[key] is not None})


def _at_home(path: str) -> str:
    try:
        return os.path.expanduser(path)
    except ValueError:  # a NUL in the name of a user
        return path


def is_h5ad(data: dict[str, Any]) -> bool:
    """Whether the matrix is an ``.h5ad``, by its name."""
    return (data["matrix"] or "").lower().endswith(".h5ad")


def faults(written: dict[str, Any], study: dict[str, Any], base: Path) -> Iterator[Fault]:
    """Faults of the section ``data`` that need no file to be read; local paths are relative to ``base``."""
    data = study["data"]
    yield from _source_faults(data)
    if data["matrix"]:
        yield from _file_faults("matrix", data["matrix"], base)
    if data["samples"]:
        yield from _file_faults("samples", data["samples"], base)
    if data["layer"] and data["matrix"] and not is_h5ad(data):
        # message: the layer `raw` of genomes.tsv | a layer of an .h5ad only | Other files hold one matrix. | Remove
        # `layer`.
        yield Fault(("data", "layer"), f"the layer `{data['layer']}` of {data['matrix']}", "a layer of an .h5ad only")
    yield from _feature_faults(data)
    yield from _replicate_faults(written["data"], data)


def _source_faults(data: dict[str, Any]) -> Iterator[Fault]:
    if data["matrix"] and data["simulate"] is not None:
        # message: The data come from one of the two. | Remove one; where it comes from another config file, write
        # `matrix: null` or `simulate: null`.
        yield Fault(("data", "simulate"), "`simulate` beside `matrix`", "one of the two; null takes back the other")
    if not data["matrix"] and data["simulate"] is None:
        # message: The study has no data. | Name your matrix: `matrix: genomes.tsv`.
        yield Fault(("data",), "neither `matrix` nor `simulate`", "one of the two")
    for key in OF_FILES:
        if data["simulate"] is not None and data[key] is not None:
            # message: A simulated matrix has features in rows, one layer and no table of samples. | Remove the key.
            yield Fault(("data", key), f"`{key}` beside `simulate`", f"no `{key}`, which belongs to a file")


def _file_faults(key: str, text: str, base: Path) -> Iterator[Fault]:
    path, place = ("data", key), base / text
    if "://" in text:
        # message: Only local files are read. | Download the file, and name its path.
        yield Fault(path, f"the address {text}", "the path of a file on this machine")
    elif "{" in text or "}" in text:
        # message: Snakemake takes braces in a path for wildcards. | Rename the file or its folder.
        yield Fault(path, f"braces in {text}", "a path without { and }")
    elif key == "matrix" and not is_there(place, Path.exists):
        # message: no file at genomes.tsv | a file, or a folder with a matrix (paths are relative to /home/me/project) |
        # The path starts where you run, not where the config lies. | Correct it.
        yield Fault(
            path, f"no file at {text}", f"a file, or a folder with a matrix (paths are relative to {base.resolve()})"
        )
    elif key == "samples" and not is_there(place, Path.is_file):
        # message: no file at samples.csv | a table (paths are relative to /home/me/project) | The same. | Correct it.
        yield Fault(path, f"no file at {text}", f"a table (paths are relative to {base.resolve()})")


def is_there(file: Path, kind: Callable[[Path], bool]) -> bool:
    """Whether there is a file or folder of a kind; a name that cannot be one, or is closed to us, is none."""
    try:
        return kind(file)
    except (OSError, ValueError):  # a name too long, a NUL in it, a folder that is closed
        return False


def look_into(data: dict[str, Any], base: Path) -> None:
    """Refuse a folder without a matrix, and what is no table of samples by its header, as the run would."""
    if data["matrix"]:
        files(base / data["matrix"])
    if data["samples"]:
        from proxsweep.nmf.data import labels  # pandas is slow to import

        labels.columns(base / data["samples"])


def label_faults(study: dict[str, Any], base: Path) -> Iterator[Fault]:
    """A column of labels that the table of the samples does not have."""
    here, name = ("summaries", "labels"), study["summaries"]["labels"]
    if not study["data"]["samples"]:
        # message: the column `kind` without `data: samples` | the table that has it | Labels stand in the table of the
        # samples. | Name that table.
        yield Fault(here, f"the column `{name}` without `data: samples`", "the table that has it")
        return
    from proxsweep.nmf.data import labels  # pandas is slow to import

    known = [column for column in labels.columns(base / study["data"]["samples"]) if column != labels.SAMPLE]
    if name not in known:
        # message: the column `knd` | a column of samples.csv (kind, age) | The table has no such column. | Correct it.
        yield Fault(here, f"the column `{name}`", f"a column of {study['data']['samples']} ({', '.join(known)})")


def files(matrix: Path) -> list[Path]:
    """The files that are read for a matrix: of Matrix Market also those of its names.

    Raises
    ------
    UserError
        For a folder without a matrix or without names.
    """
    market = ".mtx" in (suffix.lower() for suffix in matrix.suffixes[-2:])
    if not (market or matrix.is_dir()):
        return [matrix]
    from proxsweep.nmf.data import read  # SciPy is slow to import

    return read.files(matrix)


def _feature_faults(data: dict[str, Any]) -> Iterator[Fault]:
    names = data["features"] if isinstance(data["features"], list) else []
    seen: set[str] = set()
    for i, name in enumerate(names):
        if name in seen:
            # message: The list names it twice. | Remove one.
            yield Fault(("data", "features", i), f"the feature `{name}` again", "every feature once")
        seen.add(name)


def _replicate_faults(written: dict[str, Any], data: dict[str, Any]) -> Iterator[Fault]:
    chosen, here = written.get("replicates"), ("data", "replicates")
    if chosen is None:
        return
    kinds = [kind for kind in ("split", "column") if kind in chosen]
    if len(kinds) != 1:
        # message: `split` beside `column` / neither `split` nor `column` | one of the two | Replicates are told apart
        # in one way. | Keep one under `replicates`; for a single replicate remove the section.
        yield Fault(here, "`split` beside `column`" if kinds else "neither `split` nor `column`", "one of the two")
    elif "seed" in chosen and kinds == ["column"]:
        # message: Nothing is drawn. | Remove `seed`.
        yield Fault((*here, "seed"), "a seed beside `column`", "a seed beside `split` only")
    elif kinds == ["column"] and data["simulate"] is not None:
        # message: A simulated matrix has no table of samples. | Write `replicates: {split: 2}`.
        yield Fault((*here, "column"), "a column beside `simulate`", "`split` beside `simulate`")
    elif kinds == ["column"] and not data["samples"]:
        # message: The column stands in the table of the samples. | Name that table: `samples: samples.csv`.
        yield Fault((*here, "column"), "a column without `samples`", "`samples`, the table that has it")


def replicates(study: dict[str, Any], base: Path) -> tuple[KeyPath, list[str] | None]:
    """The key that names the replicates, and all their labels; those of a column are read."""
    chosen = study["data"]["replicates"] or {}
    if "split" in chosen:
        return ("data", "replicates", "split"), [str(i) for i in range(1, chosen["split"] + 1)]
    if "column" not in chosen:
        return ("data",), ["1"]
    from proxsweep.nmf.data import replicates as of_table  # pandas is slow to import

    return ("data", "replicates", "column"), of_table.labels(study["data"], base)
