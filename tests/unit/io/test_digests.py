"""What a run leaves is noted as it is written, and refused when it is read in another state."""

import os

import numpy as np
import pandas as pd
import pytest

from proxsweep.dms.data import read
from proxsweep.io import digests, files, reading
from proxsweep.io.errors import UserError

TABLE = pd.DataFrame({"path": ["a", "b"], "number": [0.5, 1.5]})
WRITTEN = {
    "fits.csv": lambda path: files.write_csv(path, TABLE),
    "replicate~1.npz": lambda path: files.write_npz(path, scores=np.arange(9.0)),
    "plan.json": lambda path: files.write_json(path, {"study": "s", "fits": []}),
    "variants.csv": lambda path: files.write_csv(path, TABLE),
}
READERS = {
    "fits.csv": lambda path: reading.table(path, ("path",), ["number"], "a table"),
    "replicate~1.npz": lambda path: reading.arrays(path, ["scores"], "an encoding"),
    "plan.json": reading.plan,
    "variants.csv": lambda path: read.read_table(path, ["path"], ["number"]),
}
DAMAGE = {
    "one byte": lambda whole: whole[:-3] + bytes([whole[-3] ^ 1]) + whole[-2:],
    "cut by a tenth": lambda whole: whole[: len(whole) * 9 // 10],
    "a row less": lambda whole: whole[: whole.rstrip().rfind(b"\n") + 1],
    "empty": lambda whole: b"",
}


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(digests.MAKER, "proxsweep collect")


@pytest.mark.parametrize("dates", ["old", "new"])
@pytest.mark.parametrize("damage", DAMAGE)
@pytest.mark.parametrize("name", WRITTEN)
def test_every_reader_refuses_damage_and_names_the_maker(tmp_path, name, damage, dates):
    path = f"results/s/data/{name}"
    WRITTEN[name](path)
    READERS[name](path)
    READERS[name](tmp_path / path)
    before = os.stat(path)
    whole = (tmp_path / path).read_bytes()
    (tmp_path / path).write_bytes(DAMAGE[damage](whole))
    if dates == "old":
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    for place in (path, str(tmp_path / path)):
        with pytest.raises(UserError, match="were written by proxsweep collect") as caught:
            READERS[name](place)
        assert caught.value.place == place
    (tmp_path / path).write_bytes(whole)
    READERS[name](path)


def test_a_file_that_is_written_again_has_the_new_digest():
    for number in (1, 2):
        files.write_text("results/s/a.txt", f"{number}")
        assert digests.fault("results/s/a.txt") is None
    assert list(digests.noted_below("results/s")) == ["results/s/a.txt"]


def test_a_damaged_note_is_damage_and_a_missing_one_says_nothing(tmp_path):
    files.write_text("results/s/a.txt", "a")
    note = tmp_path / "results/s/.digests/a.txt"
    for content in ("", "[]", "{", '{"sha256": 3}'):
        note.write_text(content)
        assert digests.fault("results/s/a.txt")
    note.unlink()
    assert digests.fault("results/s/a.txt") is None


@pytest.mark.parametrize(
    "path", ["a.txt", "mine/a.txt", "results/a.txt", "results/s/fits/x~1/trace.csv", "{here}/results/s/a"]
)
def test_only_files_of_runs_are_noted_and_those_of_fits_in_their_records(tmp_path, path):
    files.write_text(path.format(here=tmp_path), "a")
    assert not list(tmp_path.rglob(digests.FOLDER))
