"""Sixteen fits at one time, as on a large machine or a full node: every kernel starts at once, nothing is shared."""

import pandas as pd
import pytest

from projects import copy_project, insert_cell, simulated, small_study

FITS = 16
WEIGHTS = [1.0e-3 * 0.9**k for k in range(FITS + 1)]
# but for the first, no fit goes on before all are here, each in a kernel of its own
MEETS = f"""
import time
from pathlib import Path
if spec["fit"]["lasso"] != {WEIGHTS[0]}:
    Path("here").mkdir(exist_ok=True)
    (Path("here") / str(time.time_ns())).touch(exist_ok=False)
end = time.monotonic() + 600
while Path("here").exists() and len(list(Path("here").iterdir())) < {FITS}:
    assert time.monotonic() < end, "the others did not come"
    time.sleep(0.5)
"""


@pytest.mark.slow
def test_sixteen_fits_run_at_the_same_time(tmp_path):
    project = copy_project(tmp_path / "project")
    insert_cell(project.folder / "notebooks/dms/fit.ipynb", MEETS)
    sweep = {"difference": ["equivariant"], "lasso": WEIGHTS}
    project.config("s.yaml", {"s": small_study(data=simulated(replicates=1), sweep=sweep, fits_per_job=1)})
    # one alone, so that what it compiles is there for all
    first = "results/s/fits/difference~equivariant/lasso~0.001/replicate~1/record.json"
    alone = project.snakemake(first, "--configfile", "s.yaml")
    assert alone.returncode == 0, alone.stdout
    done = project.snakemake("fits", "--configfile", "s.yaml", cores=FITS)
    assert done.returncode == 0, done.stdout
    assert list(pd.read_csv(project.folder / "results/s/fits.csv")["status"]) == ["converged"] * (FITS + 1)
    assert len(list((project.folder / "here").iterdir())) == FITS  # none of them twice
    logs = [path.read_text() for path in (project.folder / "logs/s").rglob("*~*.log")]
    assert len(logs) > 2 * FITS
    said = [text for text in (*logs, done.stdout) if "locked" in text or "in use" in text or "kernel start" in text]
    assert not said
