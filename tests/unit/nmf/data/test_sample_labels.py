"""The table of the samples: labels in the matrix's order, and what is refused."""

import gzip

import numpy as np
import pytest

from proxsweep.io.errors import UserError
from proxsweep.io.files import write_csv
from proxsweep.nmf.data import labels

TABLE = "donor,sample,status\nd2,s2,+\nd1,s1,-\nd1,s3,01\nd9,other,x\n"
SAMPLES = np.array(["s1", "s2", "s3"])


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "samples.csv"
    path.write_text(TABLE)
    return path


def refusal(path, content, samples=SAMPLES):
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(UserError) as caught:
        labels.read_labels(path, samples)
    assert str(path) in caught.value.place
    return caught.value


def test_labels_are_text_in_the_order_of_the_matrix(path):
    found, others = labels.read_labels(path, SAMPLES)
    assert found.columns.tolist() == ["donor", "sample", "status"] and others == 1
    assert found["sample"].tolist() == ["s1", "s2", "s3"] and found["status"].tolist() == ["-", "+", "01"]


def test_what_was_written_reads_back(path, tmp_path):
    found, _ = labels.read_labels(path, SAMPLES)
    write_csv(tmp_path / "again.csv", found)
    assert labels.load(tmp_path / "again.csv").equals(found)
    write_csv(tmp_path / "again.csv", labels.only_samples(SAMPLES))
    assert labels.load(tmp_path / "again.csv")["sample"].tolist() == SAMPLES.tolist()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("s.tsv", TABLE.replace(",", "\t").encode()),
        ("s.csv.gz", gzip.compress(TABLE.encode(), mtime=0)),
        ("s.csv", b"\xef\xbb\xbf" + TABLE.replace("\n", "\r\n").encode()),
        (
            "pandas.csv",
            "".join(f"{k},{line}\n" for k, line in enumerate(TABLE.split())).replace("0,", ",", 1).encode(),
        ),
    ],
)
def test_every_kind_of_table_reads_alike(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    found, others = labels.read_labels(tmp_path / name, SAMPLES)
    assert found["donor"].tolist() == ["d1", "d2", "d1"] and others == 1
    assert labels.columns(tmp_path / name) == ["donor", "status"]


def test_labels_for_planning(path):
    assert labels.columns(path) == ["donor", "status"]
    assert labels.values(path, "donor") == ["d2", "d1", "d9"]
    with pytest.raises(UserError, match="no column 'doner'; expected the column 'donor'"):
        labels.values(path, "doner")


def test_empty_cells_are_no_label(path):
    path.write_text(TABLE.replace("d1,s1", ",s1"))
    assert labels.values(path, "donor") == ["d2", "d1", "d9"]
    assert labels.read_labels(path, SAMPLES)[0]["donor"].tolist() == ["", "d2", "d1"]


@pytest.mark.parametrize(
    ("content", "place", "found"),
    [
        (TABLE.replace("sample", "Sample"), "header", "no column 'sample' ('donor', 'Sample', 'status')"),
        (TABLE.replace("status", "donor"), "header", "column 'donor' twice"),
        (TABLE.replace("status", "=status"), "header", "the column '=status'"),
        (TABLE.replace("other", "s1"), "row 5, column 'sample'", "the sample 's1' a second time (first in row 3)"),
        (TABLE.replace("other", ""), "row 5, column 'sample'", "no name"),
        (TABLE.replace("s1", "s_1"), "column 'sample'", "no row for 1 of 3 samples of the matrix (the first: 's1')"),
        ("sample\nx\n", "column 'sample'", "no row for 3 of 3 samples"),
        (TABLE.replace("s1,-", "s1"), "row 3", "2 fields"),
        (TABLE.replace("s1,-", "s1,=cmd()"), "row 3, column 'status'", "the label '=cmd()'"),
        (TABLE.replace("s1,-", 's1,"a\nb"'), "row 4, column 'status'", r"the label 'a\nb'"),
        (TABLE + "\0" * 20, "samples.csv", "20 NUL bytes at the end of the file"),
        (TABLE.replace("s1", "s\x001"), "row 3", "a NUL character"),
        (TABLE.replace(",", ";"), "header", "one column whose name holds ';'"),
        ("", "samples.csv", "an empty file"),
    ],
)
def test_what_is_refused(path, content, place, found):
    error = refusal(path, content)
    assert place in error.place and found in error.found


def test_a_table_with_a_header_only(path):
    assert "a header without rows" in refusal(path, "sample,donor\n").found


def test_the_nearest_name_is_shown(path):
    assert "this table has 's_1'" in refusal(path, TABLE.replace("s1", "s_1"), np.array(["s1", "s2", "s3"])).expected
