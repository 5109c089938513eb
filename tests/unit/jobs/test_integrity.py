"""Files that something cut short or overwrote."""

import json

import numpy as np
import pytest

from proxsweep.io.files import write_npz
from proxsweep.jobs import integrity


@pytest.fixture
def fit(tmp_path):
    (tmp_path / "mutations.csv").write_text("mutation\nA1C\n")
    (tmp_path / "record.json").write_text(json.dumps({"status": "converged", "file_bytes": {"mutations.csv": 13}}))
    return tmp_path


def test_whole_files_and_none_are_no_damage(fit, tmp_path):
    assert integrity.check_fit(fit) is None
    assert integrity.check_fit(tmp_path / "absent") is None and integrity.check_archive(tmp_path / "absent.npz") is None


def test_a_file_that_is_missing(fit):
    (fit / "mutations.csv").unlink()
    assert integrity.check_fit(fit) == "mutations.csv is missing"


def test_a_file_of_another_length(fit):
    (fit / "mutations.csv").write_text("mutation\nA")
    assert integrity.check_fit(fit) == "mutations.csv has 10 bytes instead of 13"


@pytest.mark.parametrize("text", ["", '{"status": "conv', "[1]", "null", "{}", '{"file_bytes": 3}', "\0\0\0", "\xff"])
def test_a_record_that_is_none(fit, text):
    (fit / "record.json").write_bytes(text.encode("latin-1"))
    assert integrity.check_fit(fit).startswith("record.json cannot be read")


def test_an_encoding_cut_off_at_any_byte_or_with_a_wrong_one(tmp_path):
    path = tmp_path / "replicate~1.npz"
    write_npz(path, indices=np.arange(400), scores=np.linspace(0, 1, 50))
    assert integrity.check_archive(path) is None
    whole = path.read_bytes()
    for length in range(0, len(whole), 7):
        path.write_bytes(whole[:length])
        assert "cannot be read" in integrity.check_archive(path)
    place = whole.index(b"NUMPY") if b"NUMPY" in whole else len(whole) // 3
    path.write_bytes(whole[:place] + bytes([whole[place] ^ 255]) + whole[place + 1 :])
    assert integrity.check_archive(path) is not None
