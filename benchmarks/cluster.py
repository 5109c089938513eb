"""The demo through SLURM beside the demo without it, and what a node spends on a fit that goes alone or in a group.

Starts the one-node cluster of the tests (tests/slurm; root, and Debian's munge, slurmctld, slurmd and slurm-client)
with as many processors as the run without it has cores. Both runs are those of docs/cluster.md, with the executor's
own pace.

1. A sweep of 16 fits of the demo's data in jobs of 1, 4, 8 and 16: node seconds a fit (SLURM's own, from start to end
   of its jobs) and the wall time, over those of a fit alone.
2. The demo: wall time of either; tables and parameters of fits that differ, measured times, memory and places of logs
   apart.

    python benchmarks/cluster.py [--cores 2] [--skip-demo] [--output FOLDER]

Writes cluster_demo.csv and cluster_groups.csv, and exits with 1 if a table differs.
"""

import argparse
import re
import subprocess
import sys
import tempfile
import time
from datetime import datetime
from pathlib import Path

import pandas as pd
import yaml

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / part) for part in ("scripts", "tests", "tests/slurm")]

import cluster  # noqa: E402

from projects import Project, copy_project  # noqa: E402
from proxsweep.io.files import write_csv  # noqa: E402

THROUGH_SLURM = ("--workflow-profile", "profiles/slurm", "--slurm-status-command", "squeue")
MEASURED = ["solve_seconds", "compile_seconds", "job_seconds", "max_rss_mb", "seconds", "log", "kept_notebook"]
GROUPS = (1, 4, 8, 16)  # two paths of eight fits: the last is a group of both
WEIGHTS = [0, 2e-5, 4e-5, 8e-5, 1.6e-4, 3.2e-4, 6.4e-4, 1.28e-3]


def timed(project: Project, *command: object) -> tuple[float, str]:
    """Seconds of a run, and what it said; ends here if it failed."""
    began = time.perf_counter()
    done = project.run(sys.executable, "-m", "snakemake", *command, timeout=7200)
    if done.returncode:
        sys.exit(done.stdout[-5000:])
    return time.perf_counter() - began, done.stdout


def demo(folder: Path, cores: int) -> pd.DataFrame:
    """Both runs of the demo: wall seconds, and what is not the same."""
    local, through = copy_project(folder / "local"), copy_project(folder / "slurm")
    here, _ = timed(local, "--cores", cores)
    there, _ = timed(through, *THROUGH_SLURM)
    ours, theirs = (written(project.folder / "results/demo") for project in (through, local))
    differ = [name for name in sorted({*ours, *theirs}) if ours.get(name) != theirs.get(name)]
    print("\n".join(differ), file=sys.stderr)
    return pd.DataFrame(
        {
            "local_seconds": [here],
            "slurm_seconds": there,
            "ratio": there / here,
            "files_compared": len(theirs),
            "files_that_differ": len(differ),
        }
    )


def written(folder: Path) -> dict[str, object]:
    """Tables and parameters of fits below a folder, without what is measured and where logs lie."""
    found: dict[str, object] = {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*.npz")}
    for path in folder.rglob("*.csv"):
        table = pd.read_csv(path, dtype=str, keep_default_na=False).drop(columns=MEASURED, errors="ignore")
        found[str(path.relative_to(folder))] = table.to_csv(index=False)
    return found


def groups(folder: Path) -> pd.DataFrame:
    """Sixteen fits in jobs of several sizes."""
    data = yaml.safe_load((ROOT / "config/config.yaml").read_text())["studies"]["demo"]["data"]
    study = {"data": data, "reference": "strain_a", "sweep": {"difference": ["equivariant"], "lasso": WEIGHTS}}
    rows = []
    for size in GROUPS:
        project = copy_project(folder / f"groups-{size}")
        project.config("s.yaml", {"s": {**study, "chosen": {"lasso": 8e-5}, "fits_per_job": min(size, 8)}})
        encodings = [f"results/s/encodings/replicate~{k}.npz" for k in (1, 2)]
        timed(project, "--cores", 1, *encodings, "--configfile", "s.yaml")
        options = ("--group-components", f"fits={max(1, size // 8)}", "--configfile", "s.yaml")
        wall, text = timed(project, "fits", *THROUGH_SLURM, *options)
        jobs = re.findall(r"submitted with SLURM jobid (\d+) \(log: \S*slurm_logs/group_fits", text)
        node = sum(map(node_seconds, jobs))
        rows.append({"fits_a_job": size, "jobs": len(jobs), "node_seconds_a_fit": node / 16, "wall_seconds": wall})
    table = pd.DataFrame(rows)
    table["node_ratio"] = table["node_seconds_a_fit"] / table["node_seconds_a_fit"][0]
    table["wall_ratio"] = table["wall_seconds"] / table["wall_seconds"][0]
    return table


def node_seconds(job: str) -> float:
    """Seconds from start to end of a SLURM job."""
    said = subprocess.run(["scontrol", "show", "job", job], capture_output=True, text=True, check=True).stdout
    start, end = (datetime.fromisoformat(re.search(rf"{name}=(\S+)", said)[1]) for name in ("StartTime", "EndTime"))
    return (end - start).total_seconds()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cores", type=int, default=2)
    parser.add_argument("--skip-demo", action="store_true")
    parser.add_argument("--output", type=Path, default=ROOT / "benchmarks" / "results")
    options = parser.parse_args()
    if reason := cluster.unavailable():
        sys.exit(reason)
    cluster.CPUS = options.cores
    state = Path(tempfile.mkdtemp(prefix="proxsweep-slurm-"))
    cluster.start(state)
    differ = 0
    try:
        with tempfile.TemporaryDirectory() as work:
            grouped = groups(Path(work))
            write_csv(options.output.resolve() / "cluster_groups.csv", grouped)
            print(grouped.to_string(index=False), flush=True)
            if not options.skip_demo:
                both = demo(Path(work), options.cores)
                write_csv(options.output.resolve() / "cluster_demo.csv", both)
                print(both.to_string(index=False))
                differ = int(both["files_that_differ"][0])
    finally:
        cluster.stop(state)
    return int(differ > 0)


if __name__ == "__main__":
    sys.exit(main())
