"""One SLURM cluster for all tests of this folder, whichever processes run them; copies of the project on it."""

import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import cluster
import pytest

from projects import Project, copy_project, hear_interrupts

FAST = ("--slurm-status-command", "squeue", "--slurm-init-seconds-before-status-checks", "1", "--latency-wait", "10")


@pytest.fixture(scope="session")
def slurm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The cluster: started by the first process that asks for it, ended by the last that leaves."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    users = shared / "users of SLURM"
    with _locked(shared):
        folder = _entered(users)
    yield
    with _locked(shared):
        (users / str(os.getpid())).unlink()
        if not any(users.iterdir()):
            cluster.stop(folder)


@contextmanager
def _locked(shared: Path) -> Iterator[None]:
    with open(shared / "SLURM.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _entered(users: Path) -> Path:
    """The folder of the cluster, which is running."""
    users.mkdir(exist_ok=True)
    where = users.with_name("folder of SLURM")
    if not any(users.iterdir()):
        _refuse_without_cluster()
        folder = Path(tempfile.mkdtemp(prefix="proxsweep-slurm-"))  # a short path: it holds sockets
        where.write_text(str(folder))
        cluster.start(folder)
    (users / str(os.getpid())).touch()
    return Path(where.read_text())


def _refuse_without_cluster() -> None:
    reason = cluster.unavailable()
    if reason and os.environ.get("CI") == "true":
        pytest.fail(reason)
    if reason:
        pytest.skip(reason)


class OnCluster(Project):
    """A copy of the project whose runs go through SLURM."""

    def command(self, *arguments: object) -> list[str]:
        """Snakemake as docs/cluster.md has it, but that it looks at its jobs every second, and lists them."""
        snakemake = (self.folder.parent / "environment/bin/python", Path(__file__).with_name("fast_polling.py"))
        options = ("--workflow-profile", "profiles/slurm", "--printshellcmds", *FAST)
        return list(map(str, [*snakemake, *options, *arguments]))

    def through_slurm(self, *arguments: object, timeout: int = 240) -> subprocess.CompletedProcess:
        """Run Snakemake to its end."""
        return self.run(*self.command(*arguments), timeout=timeout)

    def begin(self, log: Path, *arguments: object) -> subprocess.Popen:
        """Start Snakemake in a session of its own, with what it says in ``log``."""
        environment = os.environ | {"PYTHONPATH": str(self.folder / "scripts")}
        with open(log, "w") as stream:
            return subprocess.Popen(
                self.command(*arguments),
                cwd=self.folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=hear_interrupts,
            )


@pytest.fixture
def project(slurm: None, tmp_path: Path) -> Iterator[OnCluster]:
    """A fresh copy of the project, on the cluster; gone after a test that passed."""
    # Snakemake's executors do not quote the path of Python, which may have a blank in it
    (tmp_path / "environment").symlink_to(sys.prefix)
    yield OnCluster(copy_project(tmp_path / "project").folder)
    shutil.rmtree(tmp_path / "project" / ".snakemake", ignore_errors=True)
