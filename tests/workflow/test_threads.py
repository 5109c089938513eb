"""A job keeps to its threads, and to the processor unless a graphics card is asked for."""

import os
import re
import subprocess
import sys

import pytest

from projects import PROJECT, insert_cell, simulated, small_study

SCRIPTS = PROJECT / "scripts"
WATCHES = """
import os
import time
from pathlib import Path
import jax
import jax.numpy as jnp
x = jnp.ones((1500, 1500))
(x @ x).block_until_ready()
wall, used = time.perf_counter(), time.process_time()
for _ in range(12):
    (x @ x).block_until_ready()
wall, used = time.perf_counter() - wall, time.process_time() - used
names = [Path(f"/proc/self/task/{task}/comm").read_text().strip() for task in os.listdir("/proc/self/task")]
Path("watched.txt").write_text(f"{used / wall:.3f} {jax.default_backend()} {os.environ['JAX_PLATFORMS']}\\n{names}")
"""


def run(project):
    insert_cell(project.folder / "notebooks/dms/fit.ipynb", WATCHES)
    sweep = {"difference": ["reference"], "lasso": [1.0e-3]}
    project.config("one.yaml", {"one": small_study(data=simulated(replicates=1), sweep=sweep)})
    done = project.snakemake("fits", "--configfile", "one.yaml", cores=2)
    assert done.returncode == 0, done.stdout
    return (project.folder / "watched.txt").read_text()


@pytest.mark.slow
def test_a_fit_of_one_thread_uses_one_core_and_no_graphics_card(project, monkeypatch):
    monkeypatch.delenv("JAX_PLATFORMS", raising=False)
    text = run(project)
    share, backend, platforms = text.splitlines()[0].split()
    assert float(share) < 1.2, text  # on two cores or more, two threads would use nearly 2
    assert (backend, platforms) == ("cpu", "cpu")
    assert len(re.findall("tf_XLAEigen", text)) <= 1, text


def test_the_platform_asked_for_is_kept():
    command = [sys.executable, "-c", "import os, proxsweep; print(os.environ['JAX_PLATFORMS'])"]
    for asked, found in ((None, "cpu"), ("cuda", "cuda")):
        environment = {name: value for name, value in os.environ.items() if name != "JAX_PLATFORMS"}
        environment |= {"PYTHONPATH": str(SCRIPTS)} | ({"JAX_PLATFORMS": asked} if asked else {})
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        assert done.stdout.strip() == found
