"""Files that something cut short or overwrote."""

import json

import pytest

from proxsweep.jobs import integrity
from proxsweep.sweep import fit_folder


@pytest.fixture
def fit(tmp_path):
    (tmp_path / "mutations.csv").write_text("mutation\nA1C\n")
    record = {"status": "converged", "file_sha256": fit_folder.file_digests(tmp_path)}
    (tmp_path / "record.json").write_text(json.dumps({**record, "sha256": fit_folder.digest(record)}))
    return tmp_path


def test_whole_files_and_none_are_no_damage(fit, tmp_path):
    assert integrity.check_fit(fit) is None
    assert integrity.check_fit(tmp_path / "absent") is None


def test_a_file_that_is_missing(fit):
    (fit / "mutations.csv").unlink()
    assert integrity.check_fit(fit) == "mutations.csv is missing"


@pytest.mark.parametrize("text", ["mutation\nA", "mutation\nA1D\n", ""])
def test_a_file_of_other_bytes(fit, text):
    (fit / "mutations.csv").write_text(text)
    assert integrity.check_fit(fit) == "mutations.csv does not hold what was written"


@pytest.mark.parametrize("text", ["", '{"status": "conv', "[1]", "null", '{"file_sha256": 3}', "\0\0\0", "\xff"])
def test_a_record_that_is_none(fit, text):
    (fit / "record.json").write_bytes(text.encode("latin-1"))
    assert integrity.check_fit(fit).startswith("record.json cannot be read")


def test_a_record_with_any_byte_changed_is_damaged_or_says_the_same(fit):
    whole = (fit / "record.json").read_bytes()
    for place in range(len(whole)):
        (fit / "record.json").write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        if integrity.check_fit(fit) is None:
            read = json.loads((fit / "record.json").read_text())
            assert {"status": "converged", "file_sha256": json.loads(whole)["file_sha256"]}.items() <= read.items()
