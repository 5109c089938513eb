"""Files of a fit are those that its job wrote, or are refused."""

import json

import numpy as np
import pytest

from proxsweep.io.errors import UserError
from proxsweep.io.files import write_npz, write_text
from proxsweep.sweep import fit_folder

WANTED = {"b": ("f", "mutations")}


@pytest.fixture
def fit(tmp_path):
    write_npz(tmp_path / "parameters.npz", b=np.arange(3.0))
    write_text(tmp_path / "trace.csv", "start,iteration,objective\nzeros,0,1.5\n")
    record = {"status": "converged", fit_folder.DIGESTS: fit_folder.file_digests(tmp_path)}
    write_text(tmp_path / "record.json", json.dumps({**record, fit_folder.DIGEST: fit_folder.digest(record)}))
    return tmp_path


def test_what_the_job_wrote_is_read(fit):
    assert fit_folder.parameters(fit, WANTED)["b"].tolist() == [0, 1, 2]
    assert fit_folder.trace(fit)["objective"].tolist() == [1.5]
    assert fit_folder.record(fit)["status"] == "converged"


def test_other_files_that_are_whole_are_refused(fit):
    write_npz(fit / "parameters.npz", b=np.arange(1.0, 4.0))
    write_text(fit / "trace.csv", "start,iteration,objective\nzeros,0,2.5\n")
    for name, read in (
        ("parameters.npz", lambda: fit_folder.parameters(fit, WANTED)),
        ("trace.csv", lambda: fit_folder.trace(fit)),
    ):
        with pytest.raises(UserError, match="other bytes than the fit's job wrote") as caught:
            read()
        assert caught.value.place == str(fit / name)


def test_a_record_of_other_content_is_refused_and_one_without_digests_says_nothing(fit):
    record = json.loads((fit / "record.json").read_text())
    write_text(fit / "record.json", json.dumps({**record, "status": "diverged"}))
    with pytest.raises(UserError, match="other content than was written"):
        fit_folder.record(fit)
    write_text(fit / "record.json", json.dumps({"status": "converged"}))
    write_npz(fit / "parameters.npz", b=np.arange(1.0, 4.0))
    assert fit_folder.parameters(fit, WANTED)["b"].tolist() == [1, 2, 3]
