"""Files are whole or not there, and read back to what was written."""

import errno
import json
import os
import re
import stat

import numpy as np
import pandas as pd
import pytest

from proxsweep.io import digests, files, marks


def test_a_file_whose_writing_fails_is_as_it_was_and_nothing_stays_beside_it(tmp_path):
    path = tmp_path / "below" / "a.txt"

    def fail(stream):
        stream.write(b"half")
        raise RuntimeError("no room")

    with pytest.raises(RuntimeError, match="no room"):
        files.write_stream(path, fail)
    assert list(path.parent.iterdir()) == []
    files.write_text(path, "earlier")
    with pytest.raises(RuntimeError, match="no room"):
        files.write_stream(path, fail)
    assert path.read_text() == "earlier" and list(path.parent.iterdir()) == [path]


def test_a_file_is_in_place_only_when_all_of_it_is_written(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("earlier")

    def write(stream):
        stream.write(b"lat")
        stream.flush()
        assert path.read_text() == "earlier"
        stream.write(b"er")

    files.write_stream(path, write)
    assert path.read_text() == "later"
    plain = tmp_path / "b.txt"
    plain.touch()
    assert stat.S_IMODE(path.stat().st_mode) == stat.S_IMODE(plain.stat().st_mode)


def test_content_then_name_then_folder_are_on_the_disk(tmp_path, monkeypatch):
    done, fsync, replace = [], os.fsync, os.replace

    def synced(descriptor):
        done.append("folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "content")
        fsync(descriptor)

    def replaced(*paths):
        done.append("name")
        replace(*paths)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(os, "replace", replaced)
    files.write_text(tmp_path / "a.txt", "a")
    assert done == ["content", "name", "folder"]


def test_a_file_system_that_cannot_sync_folders_will_do(tmp_path, monkeypatch):
    fsync = os.fsync

    def synced(descriptor):
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "Invalid argument")
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", synced)
    files.write_text(tmp_path / "a.txt", "a")
    assert (tmp_path / "a.txt").read_text() == "a"


@pytest.mark.parametrize("name", ["a.txt", "ä" * 120])
def test_a_file_that_is_being_written_names_its_process(tmp_path, name):
    def write(stream):
        (written,) = tmp_path.iterdir()
        mark = re.search(rf"\.({marks.PATTERN})\.\w+$", written.name)[1]
        assert written.name.startswith(f".{name[:40]}.") and mark == marks.mark()

    files.write_stream(tmp_path / name, write)
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_numbers_read_back_to_the_last_digit(tmp_path):
    numbers = [0.1 + 0.2, 1e-300, 4e-5, -1 / 3, np.nan]
    files.write_csv(tmp_path / "a.csv", pd.DataFrame({"x": numbers}, index=list("edcba")))
    assert (tmp_path / "a.csv").read_bytes().startswith(b"x\n0.30000000000000004\n")
    found = pd.read_csv(tmp_path / "a.csv")["x"]
    np.testing.assert_array_equal(found, numbers)
    files.write_json(tmp_path / "a.json", {"x": numbers[:4]})
    assert json.loads((tmp_path / "a.json").read_text()) == {"x": numbers[:4]}
    files.write_npz(tmp_path / "a.npz", x=np.array(numbers))
    with np.load(tmp_path / "a.npz", allow_pickle=False) as arrays:
        np.testing.assert_array_equal(arrays["x"], numbers)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_json_has_no_numbers_that_are_none(tmp_path, value):
    with pytest.raises(ValueError):
        files.write_json(tmp_path / "a.json", {"x": value})
    assert list(tmp_path.iterdir()) == []


def test_arrays_of_python_objects_are_not_written(tmp_path):
    with pytest.raises(TypeError, match="array x holds Python objects"):
        files.write_npz(tmp_path / "a.npz", x=np.array([{}], dtype=object))
    assert list(tmp_path.iterdir()) == []


def test_a_digest_is_that_of_the_bytes(tmp_path):
    (tmp_path / "a.txt").write_bytes(b"abc")
    assert digests.sha256(tmp_path / "a.txt") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
