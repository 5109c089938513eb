"""Tables compared part by part: what is changed, missing or too much is told, of the part that it is in."""

import gzip
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from proxsweep.io.errors import UserError
from proxsweep.sweep import long_tables
from proxsweep.sweep.cells import Expected
from proxsweep.sweep.discrepancies import Discrepancies

FILE = "long.csv.gz"


def part(lasso: float, replicate: str) -> pd.DataFrame:
    values = [0.1, np.nan, -3e-17, lasso]
    return pd.DataFrame({"lasso": lasso, "replicate": replicate, "name": list("wxyz"), "value": values})


PARTS = [part(lasso, replicate) for lasso in (0.0, 1e-5) for replicate in ("1", "2", "wide, b")]
WHOLE = pd.concat(PARTS).to_csv(index=False).splitlines()


def wrong(folder: Path, lines: list[str]) -> list[str]:
    """What is told of a table of these lines."""
    (folder / FILE).write_bytes(gzip.compress("\n".join([*lines, ""]).encode()))
    told = Discrepancies()
    parts = (Expected(one, ("name",)) for one in PARTS)
    long_tables.compare(folder / FILE, FILE, long_tables.LongTable(("lasso", "replicate"), parts), told)
    assert all(item.file == FILE for item in told.disagreements)
    return [item.quantity for item in told.disagreements]


def changed(number: int, old: str, new: str) -> list[str]:
    """The table with another text in one line, counted from 1 as an editor does."""
    assert old in WHOLE[number - 1]
    return [line.replace(old, new) if k == number else line for k, line in enumerate(WHOLE, 1)]


def test_the_table_itself_is_right(tmp_path):
    assert wrong(tmp_path, WHOLE) == []
    assert wrong(tmp_path, [line.replace("1e-05", "0.00001") for line in WHOLE]) == []


@pytest.mark.parametrize(
    ("number", "old", "new", "told"),
    [
        (2, "0.1", "0.10000000000000002", "value, row 2 (0.0, 1, w)"),
        (12, "-3e-17", "-3.1e-17", "value, row 12 (0.0, wide, b, y)"),
        (11, ",x,", ",x,0", "value, row 11 (0.0, wide, b, x)"),
        (25, "z", "z ", "name, row 25 (1e-05, wide, b, z)"),
        (7, "0.0,2", "0.0,3", "replicate, row 7 (0.0, 2, x)"),
        (14, "1e-05,", "1e-5x,", "lasso, row 14 (1e-05, 1, w)"),
    ],
)
def test_a_changed_cell_is_told_with_its_line(tmp_path, number, old, new, told):
    assert wrong(tmp_path, changed(number, old, new)) == [told]


def test_rows_that_are_missing_or_too_many_are_told_once(tmp_path):
    assert wrong(tmp_path, WHOLE[:6] + WHOLE[7:]) == ["row (0.0, 2, x)"]
    assert wrong(tmp_path, WHOLE[:-1]) == ["row (1e-05, wide, b, z)"]
    assert wrong(tmp_path, WHOLE[:5] + WHOLE[9:]) == ["row (0.0, 2, w) and 3 others"]  # a whole part
    assert wrong(tmp_path, [*WHOLE[:7], WHOLE[6], *WHOLE[7:]]) == ["row (0.0, 2, x)"]
    assert wrong(tmp_path, [*WHOLE, *WHOLE[1:]]) == ["row 26, the first of 24"]
    assert len(wrong(tmp_path, WHOLE[:1])) == len(PARTS)


def test_rows_and_columns_in_another_order_are_told(tmp_path):
    assert wrong(tmp_path, [*WHOLE[:5], WHOLE[6], WHOLE[5], *WHOLE[7:]]) == ["order of the rows, row 6"]
    assert wrong(tmp_path, [*WHOLE[:5], *WHOLE[9:13], *WHOLE[5:9], *WHOLE[13:]])[0] == "row (0.0, 2, w) and 3 others"
    turned = [",".join(line.rsplit(",", 2)[k] for k in (0, 2, 1)) for line in WHOLE]
    assert wrong(tmp_path, turned) == ["order of the columns, column 3"]
    assert wrong(tmp_path, [line.rsplit(",", 1)[0] for line in WHOLE]) == ["column value"]
    assert wrong(tmp_path, [line.split(",", 1)[1] for line in WHOLE]) == ["column lasso"]


def test_a_table_that_cannot_be_read_is_refused(tmp_path):
    whole = gzip.compress("\n".join(WHOLE).encode())
    path = tmp_path / FILE
    for content in (whole[:-20], whole[:40], b"PK\3\4", gzip.compress(b"a,b\n\xff\xfe,1\n"), b"", gzip.compress(b"")):
        path.write_bytes(content)
        with pytest.raises(UserError) as caught:
            long_tables.compare(
                path, FILE, long_tables.LongTable(("lasso",), [Expected(PARTS[0], ())]), Discrepancies()
            )
        assert caught.value.place == str(path)
    with pytest.raises(UserError, match="3 cells in row 2; expected 4"):
        wrong(tmp_path, [WHOLE[0], "1,2,3"])
