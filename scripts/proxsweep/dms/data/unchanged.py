"""Encodings that changed tables leave as they are: known before a run is planned, so that their fits are left alone.

Rows of a new library, say, are read with those of the others, and all are encoded again; but the fits of the others
need not run again if their encodings come out the same, byte for byte. Whether they do is found by making them, in a
temporary folder; only for studies that have run, and whose tables have changed since.
"""

import csv
import tempfile
from pathlib import Path

from proxsweep.dms import jobs
from proxsweep.io.files import sha256, write_csv
from proxsweep.sweep.study import Study

SOURCES = "data/sources.csv"  # what `preprocess` read, with digests


def unchanged_files(study: Study) -> set[str]:
    """Encodings and their reports, below the study's folder, that will be the same bytes again.

    Raises
    ------
    UserError
        For what the tables of today have wrong.
    """
    folder, tables = Path("results", study.name), [Path(path) for path in jobs.table_paths(study)]
    if study.data["simulate"] is not None or not all(path.exists() for path in tables):
        return set()
    if not (folder / SOURCES).exists() or _read(folder / SOURCES) == [(str(path), sha256(path)) for path in tables]:
        return set()
    made = {label: folder / path for label, path in _names(study).items() if (folder / path).exists()}
    with tempfile.TemporaryDirectory() as temporary:
        again = _encode_again(study, tables, list(made), Path(temporary))
        same = [label for label in made if all(_is_same(*pair) for pair in _pairs(made[label], again[label]))]
    return {str(path.relative_to(folder)) for label in same for path in _files(made[label])}


def _names(study: Study) -> dict[str, str]:
    prefix = f"results/{study.name}/"
    return {label: path.removeprefix(prefix) for label, path in jobs.encodings(study).items()}


def _read(path: Path) -> list[tuple[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return [(row["path"], row["sha256"]) for row in csv.DictReader(stream)]


def _encode_again(study: Study, tables: list[Path], labels: list[str], folder: Path) -> dict[str, Path]:
    from proxsweep.dms.data.encode import encode_files
    from proxsweep.dms.data.preprocess import preprocess

    done = preprocess(jobs.data_spec(study, jobs.PREPROCESS_KEYS), tables)
    variants, wildtypes = folder / "variants.csv", folder / "wildtypes.csv"
    write_csv(variants, done.variants)
    write_csv(wildtypes, done.wildtypes)
    found = {}
    for label in labels:
        found[label] = folder / f"replicate~{label}.npz"
        encoding, report = encode_files(jobs.data_spec(study, jobs.ENCODE_KEYS), variants, wildtypes, label)
        encoding.save(found[label])
        write_csv(_files(found[label])[1], report)
    return found


def _files(encoding: Path) -> tuple[Path, Path]:
    return encoding, encoding.with_suffix(".report.csv")


def _pairs(before: Path, after: Path) -> list[tuple[Path, Path]]:
    return list(zip(_files(before), _files(after), strict=True))


def _is_same(before: Path, after: Path) -> bool:
    return before.exists() and before.read_bytes() == after.read_bytes()
