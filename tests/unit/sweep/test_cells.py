"""Tables compared cell by cell."""

import numpy as np
import pandas as pd
import pytest

from proxsweep.io.errors import UserError
from proxsweep.io.files import write_csv
from proxsweep.sweep import cells
from proxsweep.sweep.cells import Expected
from proxsweep.sweep.discrepancies import Discrepancies

TABLE = pd.DataFrame(
    {
        "name": ["a", "b", "c"],
        "size": [0.1 + 0.2, np.nan, -1e-300],
        "count": [1, 0, 12],
        "is": [True, False, True],
        "mixed": pd.Series([2.5, "2x", None], dtype=object),
    }
)
LINES = ["name,size,count,is,mixed", "a,0.30000000000000004,1,True,2.5", "b,,0,False,2x", "c,-1e-300,12,True,"]


def differences(path, lines: list[str], **more) -> dict[str, tuple[object, object]]:
    path.write_text("\n".join(lines) + "\n")
    found = Discrepancies()
    cells.compare("t.csv", cells.read(path), Expected(TABLE, ("name",), **more), found)
    assert {item.file for item in found.disagreements} <= {"t.csv"}
    return {item.quantity: (item.written, item.recomputed) for item in found.disagreements}


def test_a_table_as_it_was_written_agrees(tmp_path):
    write_csv(tmp_path / "t.csv", TABLE)
    assert (tmp_path / "t.csv").read_text().splitlines() == LINES
    assert differences(tmp_path / "t.csv", LINES) == {}
    assert differences(tmp_path / "t.csv", [*LINES[:2], "b,,0.0,False,2x", LINES[3]]) == {}


@pytest.mark.parametrize(
    ("line", "changed", "quantity", "values"),
    [
        (1, "A,0.30000000000000004,1,True,2.5", "name, row 2 (a)", ("A", "a")),
        (1, "a,0.3,1,True,2.5", "size, row 2 (a)", ("0.3", "0.30000000000000004")),
        (2, "b,0,0,False,2x", "size, row 3 (b)", ("0", "")),
        (2, "b,nan,0,False,2x", "size, row 3 (b)", ("nan", "")),
        (3, "c,,12,True,", "size, row 4 (c)", ("", "-1e-300")),
        (3, "c,none,12,True,", "size, row 4 (c)", ("none", "-1e-300")),
        (2, "b,,1,False,2x", "count, row 3 (b)", ("1", "0")),
        (2, "b,,0,True,2x", "is, row 3 (b)", ("True", "False")),
        (3, "c,-1e-300,12,1,", "is, row 4 (c)", ("1", "True")),
        (1, "a,0.30000000000000004,1,True,2.51", "mixed, row 2 (a)", ("2.51", "2.5")),
        (2, "b,,0,False,2", "mixed, row 3 (b)", ("2", "2x")),
        (3, "c,-1e-300,12,True,0", "mixed, row 4 (c)", ("0", "")),
    ],
)
def test_a_cell_that_differs_is_named(tmp_path, line, changed, quantity, values):
    lines = [*LINES[:line], changed, *LINES[line + 1 :]]
    assert differences(tmp_path / "t.csv", lines) == {quantity: values}


def test_cells_that_differ_are_counted(tmp_path):
    lines = [LINES[0], *(line.replace("True", "False") for line in LINES[1:])]
    assert differences(tmp_path / "t.csv", lines) == {"is, row 2 (a) and 1 other": ("False", "True")}


def test_numbers_may_differ_by_what_summing_does(tmp_path):
    lines = [LINES[0], "a,0.3,1,True,2.5", *LINES[2:]]
    assert differences(tmp_path / "t.csv", lines, relative=1e-15) == {}
    assert len(differences(tmp_path / "t.csv", lines, relative=1e-17)) == 1
    lines = [*LINES[:3], "c,1e-13,12,True,"]
    assert len(differences(tmp_path / "t.csv", lines, relative=1e-12)) == 1
    assert differences(tmp_path / "t.csv", lines, relative=1e-12, sizes={"size": np.ones(3)}) == {}


def test_rows_are_those_of_the_table_in_their_order(tmp_path):
    path, (head, a, b, c) = tmp_path / "t.csv", LINES
    assert differences(path, [head, a, c]) == {"row (b)": ("absent", "a row of this table")}
    assert differences(path, [head]) == {"row (a) and 2 others": ("absent", "a row of this table")}
    assert differences(path, [head, a, b, b, c]) == {"row (b)": ("there", "no row of this table")}
    assert differences(path, [head, b, a, c]) == {"order of the rows, row 2": ("b", "a")}
    # a row beside one that is missing is compared all the same
    wrong = differences(path, [head, a, c.replace("12", "13")])
    assert set(wrong) == {"row (b)", "count, row 3 (c)"}


def test_columns_are_those_of_the_table_in_their_order(tmp_path):
    path, frame = tmp_path / "t.csv", pd.DataFrame([line.split(",") for line in LINES])

    def lines(table: pd.DataFrame) -> list[str]:
        return table.agg(",".join, axis=1).tolist()

    for k, name in enumerate(TABLE):
        assert differences(path, lines(frame.drop(columns=k))) == {
            f"column {name}": ("absent", "a column of this table")
        }
    frame[5] = ["more", "1", "2", "3"]
    assert differences(path, lines(frame)) == {"column more": ("there", "no column of this table")}
    assert differences(path, lines(frame[[0, 1, 3, 2, 4]])) == {"order of the columns, column 3": ("is", "count")}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "no header"),
        (b"a,a\n", "the column 'a' twice"),
        (b"a,b\n1,2\n1\n", "1 cells in row 3; expected 2"),
        (b"a\n\xff\n", "cannot be read"),
        (b'a\n"1\n', "cannot be read"),
    ],
)
def test_what_is_no_table_is_refused(tmp_path, content, message):
    (tmp_path / "t.csv").write_bytes(content)
    with pytest.raises(UserError, match=rf"t\.csv: found .*{message}"):
        cells.read(tmp_path / "t.csv")
    with pytest.raises(UserError, match="cannot be read"):
        cells.read(tmp_path / "none.csv")
