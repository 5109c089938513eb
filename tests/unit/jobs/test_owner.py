"""A job that is killed leaves no kernel, none of its children, and, after the next kernel, no folder."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import psutil
import pytest

from proxsweep.io import marks
from proxsweep.jobs import leftovers, notebook
from proxsweep.jobs.kernels import Kernel

JOB = """
import sys
from pathlib import Path
import nbformat
from proxsweep.jobs import notebook
from proxsweep.jobs.kernels import Kernel
cells = [nbformat.v4.new_code_cell(source) for source in sys.argv[1:]]
nbformat.write(nbformat.v4.new_notebook(cells=cells), "n.ipynb")
with Kernel() as kernel:
    notebook.execute(kernel, "n.ipynb", "kept.ipynb", {})
"""
FIRST = """
import os, subprocess
child = subprocess.Popen(["sleep", "300"])
subprocess.run(["cat"], check=True)  # the kernel's standard input is empty
with open("begun.tmp", "w") as stream:
    stream.write(f"{os.getpid()} {child.pid}")
os.rename("begun.tmp", "begun")
"""
BUSY = {
    "compiled code that lets no thread run": "import re; re.match('(a+)+$', 'a' * 60 + 'b')",
    "a sleep": "import time; time.sleep(300)",
    "a product": "import numpy as np; a = np.ones((4000, 4000)); [a @ a for _ in range(1000)]",
}
QUICK = {"compiled code that lets no thread run": ()}


def until(reached, seconds: float) -> bool:
    end = time.monotonic() + seconds
    while not reached() and time.monotonic() < end:
        time.sleep(0.05)
    return reached()


def is_gone(pid: int) -> bool:
    """Whether a process has ended, also where nobody has asked for its exit status."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def killed_job(folder: Path, cell: str) -> list[int]:
    """Processes of the kernel of a job that was killed in a cell."""
    (folder / "tmp").mkdir()
    variables = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "TMPDIR": str(folder / "tmp")}
    job = subprocess.Popen([sys.executable, "-c", JOB, FIRST, cell], cwd=folder, env=variables)
    try:
        assert until((folder / "begun").exists, 120)
        time.sleep(1)
        processes = list(map(int, (folder / "begun").read_text().split()))
        assert not any(map(is_gone, processes))
    finally:
        job.kill()
        job.wait()
    return processes


@pytest.mark.parametrize(
    "cell", [pytest.param(cell, id=name, marks=QUICK.get(name, pytest.mark.slow)) for name, cell in BUSY.items()]
)
def test_a_kernel_ends_with_its_job_whatever_it_does(tmp_path, monkeypatch, cell):
    processes = killed_job(tmp_path, cell)
    try:
        assert until(lambda: all(map(is_gone, processes)), 5)
    finally:
        for pid in [pid for pid in processes if not is_gone(pid)]:
            os.kill(pid, signal.SIGKILL)
    left = [path.name for path in (tmp_path / "tmp").iterdir() if path.name.startswith("proxsweep-")]
    monkeypatch.setattr(leftovers.tempfile, "tempdir", str(tmp_path / "tmp"))
    with leftovers.private_folder() as mine, Kernel():
        assert len(left) > 0 and mine.exists()
        assert [path.name for path in (tmp_path / "tmp").glob("proxsweep-????????")] == [mine.name]


def test_a_kernel_that_is_killed_leaves_no_child(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    kill = "import signal; os.kill(os.getpid(), signal.SIGKILL)"
    cells = [nbformat.v4.new_code_cell(source) for source in (FIRST, kill)]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), "n.ipynb")
    with Kernel() as kernel, pytest.raises(notebook.NotebookError, match="killed by signal 9"):
        notebook.execute(kernel, "n.ipynb", "kept.ipynb", {})
    assert until(lambda: all(map(is_gone, map(int, Path("begun").read_text().split()))), 5)


def test_folders_of_others_stay(tmp_path, monkeypatch):
    monkeypatch.setattr(leftovers.tempfile, "tempdir", str(tmp_path))
    ended = subprocess.Popen(["true"])
    ended.wait()
    machine = marks.mark().partition("-")[0]
    owners = {
        "proxsweep-aaaaaaaa": f"{machine}-{ended.pid}",  # ended
        "proxsweep-bbbbbbbb": marks.mark(),
        "proxsweep-cccccccc": f"00000000-{ended.pid}",  # on another machine
        "proxsweep-dddddddd": "",
        "proxsweep-1000": f"{machine}-{ended.pid}",  # where compiled code is kept
        "elsewhere-aaaaaaaa": f"{machine}-{ended.pid}",
    }
    for name, owner in owners.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "owner").write_text(owner)
    (tmp_path / "proxsweep-eeeeeeee").mkdir()
    (tmp_path / "proxsweep-ffffffff").symlink_to("elsewhere-aaaaaaaa")
    before = set(tmp_path.iterdir())
    leftovers.remove_private_folders()
    assert before - set(tmp_path.iterdir()) == {tmp_path / "proxsweep-aaaaaaaa"}
    assert (tmp_path / "elsewhere-aaaaaaaa/owner").exists()
