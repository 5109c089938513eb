"""A SIGTERM at the worst moment: while Snakemake holds the lock that its own handler waits for."""

import signal

import pytest

from projects import copy_project, simulated, small_study

# every "Finished jobid" is logged by the main thread, with that lock held
STRUCK = f"""
import logging, os, signal

class Strike(logging.Filter):
    def filter(self, record):
        if str(record.msg).startswith("Finished jobid") and workflow.is_main_process:
            assert workflow.scheduler._lock.locked()
            os.kill(os.getpid(), {int(signal.SIGTERM)})
        return True

logging.getLogger("snakemake.logging").addFilter(Strike())
"""
TARGET = ("results/s/fits.csv", "--configfile", "s.yaml")


@pytest.mark.slow
def test_snakemake_ends_after_the_running_jobs_and_goes_on_later(tmp_path):
    project = copy_project(tmp_path / "project")
    sweep = {"difference": ["equivariant"], "lasso": [0, 1.0e-3]}
    project.config("s.yaml", {"s": small_study(data=simulated(replicates=1), sweep=sweep)})
    snakefile = project.folder / "Snakefile"
    whole = snakefile.read_text()
    snakefile.write_text(whole + STRUCK)
    ended = project.snakemake(*TARGET, timeout=120)
    assert ended.returncode != 0 and "Will exit after finishing currently running jobs" in ended.stdout, ended.stdout
    assert not (project.folder / TARGET[0]).exists()
    snakefile.write_text(whole)
    done = project.snakemake(*TARGET)
    assert done.returncode == 0, done.stdout
