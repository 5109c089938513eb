"""What a fit left in its folder, read back: its record, its arrays, its tables, its trace. For any family.

A file that is missing, cut off, edited or another program's is refused by its name, with the key, array or column. What
a reader needs it hands in: a JSON schema of the record, types and shapes of arrays, columns of a table. NumPy, pandas
and jsonschema are imported where they are used: planning a run reads many records, and needs none of them.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from proxsweep.io import digests, reading
from proxsweep.io.errors import UserError
from proxsweep.sweep.record import SCHEMA_VERSION

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

RECORD, PARAMETERS, TRACE, NOTEBOOK = "record.json", "parameters.npz", "trace.csv", "fit.ipynb"
TRACE_TEXT = ("start", "phase")
DIGEST, DIGESTS = "sha256", "file_sha256"  # keys of a record: its own digest, those of the fit's other files by name
THE_PARAMETERS = "a fit's parameters (.npz)"

# By name of an array: letters of the kinds of types that it may have (those of NumPy), and the names of its dimensions
# ("conditions mutations"; None: any shape), each of one size in all arrays.
Arrays = Mapping[str, tuple[str, str | None]]


def record(folder: str | Path, *schemas: Mapping[str, Any]) -> dict[str, Any]:
    """The record of a fit.

    Parameters
    ----------
    folder
    schemas
        JSON schemas that it has to keep to. Without one, nothing is known of it but that it is a mapping.

    Raises
    ------
    UserError
        If there is none; if it is no JSON mapping, not as it was written, of another version, or does not keep to a
        schema: with the key.
    """
    path = Path(folder) / RECORD
    found = reading.mapping(path, "a fit's record (JSON)")
    if DIGEST in found and found[DIGEST] != digest(found):
        # message: A fit's record was edited or overwritten after the fit was made. | Run the workflow again: it makes
        # the fit anew.
        raise UserError(str(path), "other content than was written", "a fit's record (JSON) as its job wrote it")
    version = found.get("schema_version", SCHEMA_VERSION)
    if schemas and version != SCHEMA_VERSION:
        # message: Another version of the program wrote the record. | Go back to that version, or make the fit again.
        raise UserError(str(path), f"schema_version {version}", f"{SCHEMA_VERSION}, the version this program reads")
    for schema in schemas:
        _validate(path, found, schema)
    return found


def digest(record: Mapping[str, Any]) -> str:
    """The digest of a record, that entry left out."""
    content = {key: value for key, value in record.items() if key != DIGEST}
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def file_digests(folder: str | Path) -> dict[str, str]:
    """Digests of the files of a fit, by name; the record is not one of them, nor is what is hidden."""
    files = sorted(Path(folder).iterdir())
    return {file.name: digests.sha256(file) for file in files if file.is_file() and _is_of_fit(file.name)}


def _is_of_fit(name: str) -> bool:
    return name != RECORD and not name.startswith(".")


def verify(folder: str | Path, name: str) -> None:
    """Refuse a file of a fit that is not as its job wrote it; a record that knows of no digest says nothing.

    Raises
    ------
    UserError
        For such a file, and as :func:`record`.
    """
    path = Path(folder) / name
    if not path.is_file() or not (Path(folder) / RECORD).is_file():
        return
    known = record(folder).get(DIGESTS)
    expected = known.get(name) if isinstance(known, dict) else None
    if expected is not None and digests.sha256(path) != expected:
        # message: A file of a fit was cut off, edited or overwritten after the fit was made. | Run the workflow again:
        # it makes the fit anew.
        raise UserError(str(path), "other bytes than the fit's job wrote", f"the file of which {RECORD} has the digest")


def record_if_any(folder: str | Path, *schemas: Mapping[str, Any]) -> dict[str, Any] | None:
    """:func:`record`, None where there is no such file."""
    return record(folder, *schemas) if (Path(folder) / RECORD).exists() else None


def _validate(path: Path, found: dict[str, Any], schema: Mapping[str, Any]) -> None:
    """Refuse a record for the first key that does not keep to a schema."""
    import jsonschema

    error = next(jsonschema.Draft202012Validator(schema).iter_errors(found), None)
    if error is None:
        return
    keys = [str(key) for key in error.absolute_path]
    if error.validator == "required":
        missing = [".".join([*keys, key]) for key in error.validator_value if key not in error.instance]
        # message: A key was removed, or another version wrote the record. | Make the fit again.
        raise UserError(str(path), f"no {', '.join(missing)}", "a fit's record with these keys")
    value = f"{'.'.join(keys)} {error.instance!r}"
    if error.validator == "enum":
        # message: status 'done' | one of converged, max_iterations, max_seconds, diverged, failed | The record was
        # edited. | Make the fit again.
        raise UserError(str(path), value, f"one of {', '.join(map(str, error.validator_value))}")
    # message: tolerance 'abc' (a key of the record and its value) | a fit's record as it was written (type) | The
    # record was edited. | Make the fit again.
    raise UserError(str(path), value, f"a fit's record as it was written ({error.validator})")


def parameters(folder: str | Path, wanted: Arrays, optional: Sequence[str] = ()) -> dict[str, np.ndarray]:
    """Arrays of a fit's ``parameters.npz``, as :func:`arrays` reads them."""
    return arrays(Path(folder) / PARAMETERS, wanted, optional)


def arrays(path: str | Path, wanted: Arrays, optional: Sequence[str] = ()) -> dict[str, np.ndarray]:
    """Arrays of a file such as ``parameters.npz``, by name.

    Parameters
    ----------
    path
    wanted
        Their types and shapes. Text of one dimension has to be names, each once.
    optional
        Which of ``wanted`` may be absent.

    Raises
    ------
    UserError
        If the file is missing, damaged or not as it was written, or an array absent, of another type or of another
        shape.
    """
    verify(Path(path).parent, Path(path).name)
    needed = [name for name in wanted if name not in optional]
    found = reading.arrays(path, needed, THE_PARAMETERS, optional)
    sizes: dict[str, int] = {}
    for name, values in found.items():
        kinds, dimensions = wanted[name]
        if values.size and values.dtype.kind not in kinds:
            # message: The file was not written by a fit. | Make the fit again.
            raise UserError(str(path), f"the array {name!r} of type {values.dtype}", THE_PARAMETERS)
        if dimensions is None:
            continue
        named = dimensions.split()
        known = zip(named, values.shape, strict=False)
        if values.ndim != len(named) or any(sizes.setdefault(one, size) != size for one, size in known):
            shape = ", ".join(f"{sizes[one]} {one}" if one in sizes else one for one in named) or "a single number"
            # message: the array 'b' of shape (2, 80) | a fit's parameters (.npz): 2 conditions, ... | The arrays are
            # not of one fit. | Make the fit again.
            raise UserError(str(path), f"the array {name!r} of shape {values.shape}", f"{THE_PARAMETERS}: {shape}")
        if kinds == "U" and len(named) == 1 and len(set(values.tolist())) < values.size:
            # message: The file was not written by a fit. | Make the fit again.
            raise UserError(str(path), f"the array {name!r} with a name that stands twice", THE_PARAMETERS)
    return found


def table(folder: str | Path, name: str, text: Sequence[str], needed: Sequence[str]) -> pd.DataFrame:
    """A table of a fit: columns ``text`` as text, others as numbers where they are.

    Raises
    ------
    UserError
        If it is missing, no table or not as it was written, lacks one of ``needed``, or has no numbers in one of these
        that is no text.
    """
    verify(folder, name)
    return reading.table(Path(folder) / name, text, needed, "a table of the fit (.csv)")


def trace(folder: str | Path, needed: Sequence[str] = ("start", "iteration", "objective")) -> pd.DataFrame:
    """A fit's ``trace.csv``: one row a look at the running solve; raises as :func:`table`."""
    return table(folder, TRACE, TRACE_TEXT, needed)
