"""Faults, each once, at a moment of chance: the next run ends with the same tables and redoes nothing.

`make soak` has all faults and more rounds.
"""

import shutil
from pathlib import Path

import pytest

from faults.faults import FAULTS, NEED_MOUNT, can_mount, false_clock
from faults.rounds import bases, one_round
from projects import once


@pytest.fixture(scope="session")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return once(tmp_path_factory, "faults", bases)


# others come close to these, and unit tests guard their own part: signals, dates, starts of kernels, sizes of files
LEFT_TO_SOAK = {
    *("SIGINT", "SIGHUP", "clock jumps", "record cut off", "mutations cut off", "compilation cache damaged"),
    *("kernel killed at its start", "kernel killed between notebooks"),
    *("kernel killed before a file is in place", "kernel killed after a file is in place"),
}


@pytest.mark.parametrize("fault", [fault for fault in FAULTS if fault not in LEFT_TO_SOAK])
def test_the_next_run_goes_to_the_same_end(base, tmp_path, fault):
    if fault in NEED_MOUNT and not can_mount(tmp_path):
        pytest.skip("nothing can be mounted here")
    if fault == "clock jumps" and false_clock() is None:
        pytest.skip("libfaketime is not installed")
    outcome = one_round(fault, 1, base, tmp_path / "project")
    assert outcome.faults == [], "\n".join(outcome.faults)
    shutil.rmtree(tmp_path / "project")
