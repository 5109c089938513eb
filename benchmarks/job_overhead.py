"""What a fit job of full size costs beyond its solve, by phase, with a warm compilation cache on one core.

Runs `proxsweep notebook` on the fit notebook (encoding of about 131,000 variants, difference matrix `equivariant`,
lasso weight 4e-5) in a work folder, first once to fill the cache, and prints one table; written to --output, too.

    python benchmarks/job_overhead.py [--encoding FILE] [--runs 5] [--limit-seconds 5] [--output FILE]

Without --encoding the workflow simulates and encodes config/manuscript.yaml first. An encoding given must lie beside
its report, as in the results of a study (`results/STUDY/encodings/replicate~1.npz`).

Phases come from clocks in both processes (job_probe/sitecustomize.py); the solve's seconds from `record.json`, its
processor seconds are its share of those of the whole fit. All numbers are medians over the runs. Exits 1 if the
median of job less solve is above the limit.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pandas as pd
import yaml

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "scripts"))

from proxsweep import studies  # noqa: E402
from proxsweep.io.files import write_csv  # noqa: E402
from proxsweep.sweep import grid  # noqa: E402

CONFIG = ROOT / "config" / "manuscript.yaml"
FIT = {"difference": "equivariant", "lasso": 4e-5, "replicate": "1"}
PHASES = (
    "parent imports",
    "kernel start",
    "imports",
    "reading",
    "compile and trace",
    "solve",
    "figures",
    "writing",
    "rest",
    "shutdown",
)


def encode(folder: Path) -> Path:
    """Simulate and encode the study of the config below ``folder``; the encoding."""
    targets = ["results/manuscript/encodings/replicate~1.npz"]
    command = [sys.executable, "-m", "snakemake", "--snakefile", ROOT / "Snakefile", "--configfile", CONFIG]
    subprocess.run([*command, "--directory", folder, "--cores", "1", "--quiet", "all", "--", *targets], check=True)
    return folder / targets[0]


def parameters(encoding: Path, folder: Path) -> dict:
    """What the job of a path hands to the notebook (:func:`proxsweep.planning.fit_parameters`)."""
    (study,) = studies.from_config(yaml.safe_load(CONFIG.read_text()), [str(CONFIG)], {}, ROOT)
    (fit,) = (fit for fit in grid.table(study) if all(_plain(fit.spec()["fit"][key]) == FIT[key] for key in FIT))
    return {
        "spec": fit.spec(),
        "encoding": str(encoding),
        "folder": str(folder / "fit"),
    }


def _plain(value):
    return value["name"] if isinstance(value, dict) else value


def job(encoding: Path, folder: Path) -> dict[str, tuple[float, float]]:
    """Run the job once on one core: (seconds, processor seconds) by phase and of the whole ``job``."""
    scripts = os.pathsep.join([str(ROOT / "benchmarks" / "job_probe"), str(ROOT / "scripts")])
    own = {"PYTHONPATH": scripts, "JOB_PROBE": str(folder), "JAX_COMPILATION_CACHE_DIR": str(folder / "cache")}
    command = [sys.executable, "-m", "proxsweep", "notebook", ROOT / "notebooks/dms/fit.ipynb", "--threads", "1"]
    command += ["--output", folder / "fit.ipynb", "--kept", folder / "kept.ipynb"]
    command += ["--parameters", json.dumps(parameters(encoding, folder))]
    log = folder / "log"
    with open(log, "wb") as stream:
        began = time.time()
        process = subprocess.Popen(
            command,
            env=os.environ | own | {"JOB_PROBE_BEGAN": repr(began)},
            stdout=stream,
            stderr=stream,
        )
        _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    total = time.time() - began, usage.ru_utime + usage.ru_stime
    if process.returncode:
        sys.exit(f"the job failed:\n{log.read_text()}")
    seconds = json.loads((folder / "fit" / "record.json").read_text())["seconds"]
    parent, kernel = (json.loads((folder / f"{name}.json").read_text())["phases"] for name in ("parent", "kernel"))
    return _by_phase(parent, kernel, seconds["solve"], total) | {"job": total}


def _by_phase(parent: dict, kernel: dict, solve: float, total: tuple[float, float]) -> dict[str, tuple[float, float]]:
    """The two processes on one time line: wall seconds of the parent's cells are those of the kernel's phases."""
    fit = kernel.pop("fit")
    start = kernel.pop("interpreter and kernel")
    share = solve / fit[0]
    phases = {
        "parent imports": tuple(parent["parent imports"]),
        "kernel start": (parent["kernel start"][0], parent["kernel start"][1] + start[1]),
        "compile and trace": (fit[0] - solve, fit[1] * (1 - share)),
        "solve": (solve, fit[1] * share),
    }
    phases |= {name: tuple(kernel.pop(name)) for name in ("imports", "reading", "figures", "writing")}
    in_cells = fit[0] + sum(phases[name][0] for name in ("imports", "reading", "figures", "writing"))
    own = sum(seconds[1] for seconds in kernel.values())  # in cells and between them, under no other name
    phases["rest"] = (parent["cells"][0] - in_cells, parent["cells"][1] + own)
    phases["shutdown"] = tuple(total[k] - sum(one[k] for one in phases.values()) for k in range(2))
    return {name: phases[name] for name in PHASES}


def table(runs: list[dict[str, tuple[float, float]]]) -> pd.DataFrame:
    """Medians over the runs, a row a phase, then the whole job and the job less its solve."""
    for run in runs:
        run["job less solve"] = tuple(run["job"][k] - run["solve"][k] for k in range(2))
    rows = [
        {
            "phase": name,
            "seconds": statistics.median(run[name][0] for run in runs),
            "processor_seconds": statistics.median(run[name][1] for run in runs),
        }
        for name in (*PHASES, "job", "job less solve")
    ]
    return pd.DataFrame(rows)


def measure(encoding: Path | None, runs: int, folder: Path) -> pd.DataFrame:
    encoding = encode(folder) if encoding is None else encoding.resolve()
    job(encoding, folder)  # fills the compilation cache
    return table([job(encoding, folder) for _ in range(runs)])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--encoding", type=Path)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--limit-seconds", type=float, default=5)
    parser.add_argument("--output", type=Path, default=ROOT / "benchmarks" / "results" / "job_overhead.csv")
    arguments = parser.parse_args()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    with tempfile.TemporaryDirectory() as folder:
        measured = measure(arguments.encoding, arguments.runs, Path(folder))
    beyond = measured.set_index("phase").loc["job less solve"]
    measured["limit_seconds"], measured["runs"] = arguments.limit_seconds, arguments.runs
    measured["ratio"] = (measured["seconds"] / arguments.limit_seconds).where(measured["phase"] == "job less solve")
    write_csv(arguments.output, measured.round(3))
    print(measured[["phase", "seconds", "processor_seconds"]].round(2).to_string(index=False))
    wall, processor = (beyond[name] / arguments.limit_seconds for name in ("seconds", "processor_seconds"))
    print(f"(job - solve) / {arguments.limit_seconds:g} s = {wall:.2f}; of processor seconds {processor:.2f}")
    print(f"medians of {arguments.runs} runs; load average of the machine {os.getloadavg()[0]:.1f}")
    return int(beyond["seconds"] > arguments.limit_seconds)


if __name__ == "__main__":
    sys.exit(main())
