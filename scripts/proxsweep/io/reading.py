"""Reading back what the workflow wrote: a file that was edited, cut or damaged is refused by its name.

NumPy and pandas are imported where they are used: a command that reads JSON needs neither.
"""

from __future__ import annotations

import json
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from proxsweep.io import digests
from proxsweep.io.errors import UserError

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

LARGEST = 2**34  # bytes that one array may take
_DAMAGED = (OSError, EOFError, ValueError, KeyError, RuntimeError, OverflowError, zipfile.BadZipFile, zlib.error)


def mapping(path: str | Path, expected: str) -> dict[str, Any]:
    """A JSON file that holds a mapping.

    Raises
    ------
    UserError
        For a file that is missing, is not as it was written, is no JSON or holds something else.
    """
    digests.verify(path)
    try:
        found = json.loads(Path(path).read_text(encoding="utf-8"), parse_int=_whole)
    except FileNotFoundError:
        # message: no such file | a fit's record (JSON) / a study's plan, as `list-fits` writes it | The fit or the
        # study has not run, or the folder is none of its. | Run it, or correct the folder: fits are those that
        # `status.csv` lists under `path`, a study is `results/{study}`.
        raise UserError(str(path), "no such file", expected) from None
    except (OSError, ValueError, RecursionError) as error:
        # message: a file that cannot be read (...) | a fit's record (JSON) / a study's plan, as `list-fits` writes it |
        # It was cut off or edited. | Make it again.
        raise UserError(str(path), f"a file that cannot be read ({error})", expected) from error
    if not isinstance(found, dict):
        # message: JSON that is no mapping | a fit's record (JSON) / a study's plan, as `list-fits` writes it | The
        # same. | Make it again.
        raise UserError(str(path), "JSON that is no mapping", expected)
    return found


def _whole(text: str) -> int:
    if len(text) > 300:
        raise ValueError(f"a number of {len(text)} digits")
    return int(text)


def require(path: str | Path, found: Any, keys: Mapping[str, type | tuple[type, ...]], expected: str) -> None:
    """Refuse a value read from ``path`` that is no mapping, lacks one of ``keys``, or has one of another type."""
    if not isinstance(found, dict):
        # message: 'abc' in place of a mapping | a fit's record as it was written / a study's plan, as `list-fits`
        # writes it | It was edited, or another version wrote it. | Make it again.
        raise UserError(str(path), f"{found!r} in place of a mapping", expected)
    for key, types in keys.items():
        if key not in found:
            # message: no seconds / no fits | a fit's record as it was written / a study's plan, as `list-fits` writes
            # it | The same. | Make it again.
            raise UserError(str(path), f"no {key}", expected)
        if not isinstance(found[key], types):
            # message: tolerance 'abc' (a key and its value) | a fit's record as it was written / a study's plan, as
            # `list-fits` writes it | The same: the value is of another type. | Make it again.
            raise UserError(str(path), f"{key} {found[key]!r}", expected)


def plan(path: str | Path) -> dict[str, Any]:
    """A study's plan (``plan.json``): ``study`` and ``fits``, each with ``path`` and ``labels``.

    Raises
    ------
    UserError
        For a file that is no such plan.
    """
    expected = "a study's plan, as `list-fits` writes it"
    found = mapping(path, expected)
    require(path, found, {"study": str, "fits": list}, expected)
    for fit in found["fits"]:
        require(path, fit, {"path": str, "labels": dict}, expected)
        if "\0" in fit["path"]:
            # message: A path of the plan was edited. | Make the plan again.
            raise UserError(str(path), f"path {fit['path']!r}", expected)
    return found


def arrays(
    path: str | Path, names: Sequence[str], expected: str, optional: Sequence[str] = ()
) -> dict[str, np.ndarray]:
    """Arrays of these names from an ``.npz``, and of the ``optional`` ones that it has; nothing is ever unpickled.

    Raises
    ------
    UserError
        For a file that is missing, damaged or no ``.npz``, and for an array that is absent or holds Python objects.
    """
    import numpy as np

    digests.verify(path)
    try:
        with np.load(path, allow_pickle=False) as file:
            if isinstance(file, np.ndarray):
                # message: a single array (.npy) | a fit's parameters (.npz) / an encoding (.npz) | Another file stands
                # under this name. | Make it again.
                raise UserError(str(path), "a single array (.npy)", expected)
            absent = [name for name in names if name not in file]
            if absent:
                found = f"no array {absent[0]!r}"
                # message: no array 'b0' | a fit's parameters (.npz) with the arrays ...: make it again | An array is
                # missing: another version, or another file under this name. | Make the fit (or the encoding) again.
                raise UserError(str(path), found, f"{expected} with the arrays {', '.join(names)}: make it again")
            wanted = [*names, *(name for name in optional if name in file)]
            _refuse_large(path, file, wanted, expected)
            return {name: file[name] for name in wanted}
    except FileNotFoundError:
        # message: no such file | a fit's parameters (.npz) / an encoding (.npz) | The file is missing. | Make it again.
        raise UserError(str(path), "no such file", expected) from None
    except (*_DAMAGED, MemoryError, SyntaxError, AttributeError) as error:
        # message: a file that cannot be read (...) | a fit's parameters (.npz) / an encoding (.npz) | It was cut off. |
        # Make it again.
        raise UserError(str(path), f"a file that cannot be read ({error})", expected) from error


def _refuse_large(path: str | Path, file: np.lib.npyio.NpzFile, names: Sequence[str], expected: str) -> None:
    sizes = {info.filename: info.file_size for info in file.zip.infolist()}
    for name in names:
        if sizes.get(f"{name}.npy", 0) > LARGEST:
            # message: an array 'b' of more than 16 GiB | a fit's parameters (.npz) / an encoding (.npz) | No such file
            # is as large. | Make it again.
            raise UserError(str(path), f"an array {name!r} of more than {LARGEST / 2**30:g} GiB", expected)


def table(path: str | Path, text: Sequence[str], needed: Sequence[str], expected: str) -> pd.DataFrame:
    """A CSV table with the columns ``text`` as text, others as numbers where they are.

    Raises
    ------
    UserError
        For a file that is no table, has a column without a name, lacks one of ``needed``, or has no numbers in one of
        these that is no text, and for one that is not as it was written.
    """
    import pandas as pd

    digests.verify(path)
    try:
        found = pd.read_csv(path, dtype=dict.fromkeys(text, "str"), keep_default_na=False, na_values=[""])
    except FileNotFoundError:
        # message: no such file | the table of a study's fits / the table of a study's selected fits | The study has not
        # run, or the table was removed. | Make it again.
        raise UserError(str(path), "no such file", expected) from None
    except (OSError, ValueError, OverflowError, MemoryError) as error:
        # message: a file that cannot be read (...) | the table of a study's fits / the table of a study's selected fits
        # | It was cut off, or is no CSV. | Make it again.
        raise UserError(str(path), f"a file that cannot be read ({error})", expected) from error
    if any(name.startswith("Unnamed: ") for name in found):  # pandas' name for a column without one
        # message: a column without a name (place: header) | the table of a study's fits / the table of a study's
        # selected fits | The table was edited. | Make it again.
        raise UserError(f"{path}, header", "a column without a name", expected)
    for name in needed:
        if name not in found:
            # message: no column 'status' | the table of a study's fits / the table of a study's selected fits | The
            # table was edited. | Make it again.
            raise UserError(str(path), f"no column {name!r}", expected)
        if name not in text and len(found) and found[name].dtype.kind not in "iufb":
            # message: 'abc' (place: a column) | a number, as in the table of a study's fits | A cell of a column of
            # numbers was edited. | Make the table again.
            raise UserError(f"{path}, column {name!r}", f"{_no_number(found[name])!r}", f"a number, as in {expected}")
    return found


def _no_number(column: pd.Series) -> Any:
    """The first value that is none: where whole numbers are too large for any column, the first of all."""
    return next((value for value in column if isinstance(value, str) and not _is_number(value)), column.iloc[0])


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
