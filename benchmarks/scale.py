"""Thousands of fits: planning them, starting them, collecting them.

1. A dry run of a study of ``--planned`` fits: seconds and peak memory.
2. ``--started`` tiny fits through Snakemake: fits a second, starts of kernels that failed, databases that were locked,
   files a fit below results/ and logs/.
3. Collecting ``--collected`` records (copies of those): seconds.

    python benchmarks/scale.py [--planned 10000] [--started 500] [--collected 10000] [--cores 2] [--output FOLDER]

Writes scale.csv, one row a measure with its limit, and exits with 1 if one is exceeded.
"""

import argparse
import json
import os
import re
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "scripts"))

import pandas as pd  # noqa: E402
import yaml  # noqa: E402

from proxsweep import studies  # noqa: E402
from proxsweep.io.files import write_csv  # noqa: E402
from proxsweep.sweep import grid  # noqa: E402

LIMITS = {
    "plan seconds": 60,
    "plan peak MB": 2000,
    "fits that did not converge": 0,
    "kernel starts that failed": 0,
    "locked databases": 0,
    "files a fit": 10,
    "collect seconds": 20,
}
REPLICATES = 10


def study(fits: int) -> dict:
    """A config of one study of so many tiny fits: two matrices, ten replicates, the rest lasso weights."""
    weights = [round(1e-5 * 1.01**k, 12) for k in range(fits // (2 * REPLICATES))]
    simulate = {"seed": 1, "tree": {"a": "root", "b": "root"}, "sites": 12, "differences": 1, "shifts": 0.1}
    simulate |= {"variants": 60, "replicates": REPLICATES}
    return {
        "data": {"simulate": simulate},
        "reference": "a",
        "model": {"ridge": 1e-4},
        "sweep": {"difference": ["reference", "equivariant"], "lasso": weights},
        "chosen": {"lasso": weights[0]},
    }


def snakemake(folder: Path, name: str, fits: int, cores: int, *more: str) -> tuple[float, str]:
    """Run Snakemake on a study of so many fits; seconds, and all that it printed."""
    path = folder / f"{name}.yaml"
    path.write_text(yaml.safe_dump({"studies": {name: study(fits)}}))
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "Snakefile"), "--directory", str(folder)]
    command += ["--cores", str(cores), *more, "--configfile", str(path)]
    began = time.perf_counter()
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode:
        sys.exit(done.stdout[-5000:])
    return time.perf_counter() - began, done.stdout


def planned(folder: Path, fits: int, cores: int) -> dict[str, float]:
    seconds, _ = snakemake(folder, "planned", fits, cores, "--dry-run", "--quiet", "all")
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    return {"plan seconds": seconds, "plan peak MB": peak}


def started(folder: Path, fits: int, cores: int) -> dict[str, float]:
    encodings = [f"results/started/encodings/replicate~{k}.npz" for k in range(1, REPLICATES + 1)]
    snakemake(folder, "started", fits, cores, *encodings)
    seconds, text = snakemake(folder, "started", fits, cores, "results/started/fits.csv")
    table = pd.read_csv(folder / "results/started/fits.csv")
    logs = [path.read_text() for path in (folder / "logs").rglob("*.log")]
    parts = [folder / top / "started" for top in ("results", "logs")]
    below = [path for part in parts for path in part.rglob("*") if path.is_file() and "~" in str(path)]
    return {
        "fits started": len(table),
        "fits a second": len(table) / seconds,
        "fits that did not converge": int((table["status"] != "converged").sum()),
        "kernel starts that failed": sum(len(re.findall(r"kernel start \d of \d failed", log)) for log in logs),
        "locked databases": sum("database is locked" in log for log in (*logs, text)),
        "files a fit": len([path for path in below if "difference~" in str(path)]) / len(table),
    }


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT / "scripts")}


def collected(folder: Path, records: int) -> dict[str, float]:
    record = next((folder / "results/started/fits").rglob("record.json")).read_text()
    (one,) = studies.from_config({"studies": {"collected": study(records)}}, [], {})
    fits = grid.plan(grid.table(one))
    for fit in fits:
        path = folder / fit["path"] / "record.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(record)
    (folder / "plan.json").write_text(json.dumps({"study": "collected", "fits": fits}))
    names = [word for name in ("fits", "status", "strays") for word in (f"--{name}", f"{name}.csv")]
    command = [sys.executable, "-m", "proxsweep", "collect", "--plan", "plan.json", *names]
    began = time.perf_counter()
    subprocess.run(command, cwd=folder, check=True, env=environment())
    assert len(pd.read_csv(folder / "fits.csv")) == len(fits)
    return {"records collected": len(fits), "collect seconds": time.perf_counter() - began}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--planned", type=int, default=10_000)
    parser.add_argument("--started", type=int, default=500)
    parser.add_argument("--collected", type=int, default=10_000)
    parser.add_argument("--cores", type=int, default=2)
    parser.add_argument("--output", type=Path, default=ROOT / "benchmarks" / "results")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as work:
        folder = Path(work)
        found = {"fits planned": options.planned, **planned(folder, options.planned, options.cores)}
        found |= started(folder, options.started, options.cores)
        found |= collected(folder, options.collected)
    table = pd.DataFrame({"measure": list(found), "value": list(found.values())})
    table["limit"] = table["measure"].map(LIMITS)
    write_csv(options.output.resolve() / "scale.csv", table)
    print(table.to_string(index=False))
    return int((table["value"] > table["limit"]).any())


if __name__ == "__main__":
    sys.exit(main())
