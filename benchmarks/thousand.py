"""What many fits cost where those of a path share one job: before and after, from neighbours, by the thousand.

    python benchmarks/thousand.py [--before 13a5071] [--cores 2] [--part NAME ...] [--data FILE] [--output FOLDER]

Parts, each in work folders of its own with empty compilation caches; data and encodings are made first and not timed:

sweep     the 36 fits of config/manuscript.yaml to their table, by the revision BEFORE and by this tree in turn, both
          from `zeros`, then by this tree from `neighbour`: wall seconds, processor seconds of Snakemake with all its
          jobs, of the solves, iterations
starts    how far objectives from `neighbour` lie above those from `zeros`: all full fits of the demo, of
          config/manuscript.yaml and, with --data, of config/spike_10k.yaml, at ridges 1e-6 and 1e-4
demo      all of config/config.yaml as it stands in BEFORE, data included, by both
thousand  1,008 fits: the same sweep with five folds and 22 resamples, from `neighbour`
worker    1,000 small fits in one kernel: its memory at the start and at the end

Writes thousand.csv (one row per run), thousand_starts.csv and thousand_worker.csv. Run it on a quiet machine.
"""

import argparse
import copy
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "scripts"))

from proxsweep import studies  # noqa: E402
from proxsweep.io.files import write_csv  # noqa: E402

MANUSCRIPT = yaml.safe_load((ROOT / "config/manuscript.yaml").read_text())
STUDY = "results/manuscript"
PARTS = ("sweep", "starts", "demo", "thousand", "worker")
ENCODINGS = [f"{STUDY}/encodings/replicate~{replicate}.npz" for replicate in "12"]


def sweep(**changes: Any) -> dict:
    """The manuscript's config with changed sections."""
    config = copy.deepcopy(MANUSCRIPT)
    config["studies"]["manuscript"] |= changes
    return config


def starts(name: str) -> dict[str, Any]:
    return {**MANUSCRIPT["studies"]["manuscript"]["solver"], "starts": [name]}


def checked_out(revision: str, folder: Path) -> Path:
    """The files of a revision; this tree for ``.``."""
    if revision == ".":
        return ROOT
    archive = subprocess.run(["git", "-C", ROOT, "archive", revision], check=True, capture_output=True).stdout
    folder.mkdir(exist_ok=True)
    subprocess.run(["tar", "-x", "-C", folder], input=archive, check=True)
    return folder


def snakemake(tree: Path, folder: Path, config: dict, cores: int, targets: list[str]) -> tuple[float, float]:
    """Make targets below ``folder``; wall seconds, and processor seconds with all jobs."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    command = [sys.executable, "-m", "snakemake", "--snakefile", tree / "Snakefile", "--configfile", "config.yaml"]
    environment = {
        **os.environ,
        "JAX_COMPILATION_CACHE_DIR": str(folder / "cache"),
        "PYTHONPATH": str(tree / "scripts"),
    }
    before, began = _processor_seconds(), time.perf_counter()
    with open(folder / "log.txt", "w") as log:
        subprocess.run(
            [*command, "--cores", str(cores), *targets], cwd=folder, env=environment, check=True, stdout=log, stderr=log
        )
    return time.perf_counter() - began, _processor_seconds() - before


def _processor_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def timed(name: str, tree: Path, folder: Path, config: dict, cores: int, targets: list[str]) -> dict[str, Any]:
    """A row of the table: one run after its data and encodings are there."""
    study = next(iter(config["studies"]))
    if targets:
        snakemake(tree, folder, config, cores, ENCODINGS)
    wall, processor = snakemake(tree, folder, config, cores, targets)
    fits = pd.read_csv(folder / f"results/{study}/fits.csv")
    row = {
        "run": name,
        "fits": len(fits),
        "converged": int((fits["status"] == "converged").sum()),
        "wall_seconds": wall,
        "processor_seconds": processor,
        "solve_seconds": fits["solve_seconds"].sum(),
        "beyond_solve_a_fit": (processor - fits["solve_seconds"].sum()) / len(fits),
        "iterations": int(fits["iterations"].sum()),
        "max_rss_mb": fits["max_rss_mb"].max(),
    }
    print(json.dumps(row), file=sys.stderr, flush=True)
    return row


def sweeps(before: Path, work: Path, cores: int) -> list[dict[str, Any]]:
    """The same 36 fits by both revisions, and from neighbours."""
    table = [f"{STUDY}/fits.csv"]
    return [
        timed("sweep, before", before, work / "sweep_before", sweep(), cores, table),
        timed("sweep, zeros", ROOT, work / "sweep_zeros", sweep(), cores, table),
        timed("sweep, neighbour", ROOT, work / "sweep_neighbour", sweep(solver=starts("neighbour")), cores, table),
    ]


def objectives(work: Path, output: Path, data: Path | None) -> None:
    """Every full fit from zeros, and along its path from its neighbour."""
    rows = []
    for name in ("config", "manuscript", *(["spike_10k"] if data else [])):
        for ridge in (1e-6, 1e-4):
            config = yaml.safe_load((ROOT / f"config/{name}.yaml").read_text())
            (study,) = config["studies"].values()
            study["model"] |= {"ridge": ridge}
            if name == "spike_10k":
                study["data"]["func_scores"] = str(data)
            folder = work / f"starts_{name}_{ridge:g}"
            rows += [{"config": name, "ridge": ridge, **row} for row in _along_paths(config, folder)]
    table = pd.DataFrame(rows)
    table["excess"] = (table["objective_neighbour"] - table["objective_zeros"]) / table["objective_zeros"].abs()
    write_csv(output / "thousand_starts.csv", table)
    table = table[table["from_neighbour"]].assign(
        level=table["excess"].abs() <= 1e-6, worse=table["excess"] > 1e-6, better=table["excess"] < -1e-6
    )
    counted = table.groupby(["config", "ridge"]).agg(
        fits=("excess", "size"),
        level=("level", "sum"),
        worse=("worse", "sum"),
        largest=("excess", "max"),
        better=("better", "sum"),
        iterations_zeros=("iterations_zeros", "sum"),
        iterations_neighbour=("iterations_neighbour", "sum"),
    )
    print(counted.to_string())


def _along_paths(config: dict, folder: Path) -> list[dict[str, Any]]:
    from proxsweep.dms.model import fit_files
    from proxsweep.sweep import grid, pieces

    (name,) = config["studies"]
    (study,) = studies.from_config(config, [], {}, ROOT)
    encodings = {
        fit.labels["replicate"]: f"results/{name}/encodings/replicate~{fit.labels['replicate']}.npz"
        for fit in grid.full(study)
    }
    snakemake(ROOT, folder, config, 1, list(encodings.values()))
    rows, earlier = [], {}
    for fit in sorted(grid.full(study), key=lambda fit: -fit.values["lasso"]):
        path, ended = pieces.key(fit), {}
        for start in ("zeros", "neighbour"):
            spec = fit.spec()
            spec["solver"]["starts"] = [start]
            encoding, place = folder / encodings[fit.labels["replicate"]], folder / start / fit.parts
            done = fit_files.run(spec, encoding, place, lambda line: None, earlier.get(path))
            ended |= {f"objective_{start}": done.best.objective, f"iterations_{start}": done.best.iterations}
        rows.append({**fit.labels, **ended, "from_neighbour": path in earlier})
        earlier[path] = folder / "neighbour" / fit.parts / "parameters.npz"
    return rows


def demo(before: Path, work: Path, cores: int) -> list[dict[str, Any]]:
    """All of the demo as the earlier revision has it."""
    config = yaml.safe_load((before / "config/config.yaml").read_text())
    runs = [("demo, before", before), ("demo", ROOT)]
    return [timed(name, tree, work / name.replace(", ", "_"), config, cores, []) for name, tree in runs]


def thousand(work: Path, cores: int) -> list[dict[str, Any]]:
    """1,008 fits of full size from their neighbours."""
    more = {"cross_validation": {"folds": 5, "seed": 1}, "resamples": {"count": 22, "seed": 1}}
    config = sweep(solver=starts("neighbour"), **more)
    return [timed("thousand", ROOT, work / "thousand", config, cores, [f"{STUDY}/fits.csv"])]


def worker(work: Path, output: Path) -> None:
    """Memory of one kernel over 1,000 fits of the demo's size."""
    config = yaml.safe_load((ROOT / "config/config.yaml").read_text())
    weights = [1e-5 * 1.005**k for k in range(1000)]
    study = config["studies"]["demo"] | {
        "references": None,
        "cross_validation": None,
        "chosen": {"difference": "equivariant"},
    }
    study["sweep"] = {"difference": ["equivariant"], "lasso": weights, "replicate": [1]}
    config = {"studies": {"worker": study}}
    snakemake(ROOT, work / "worker", config, 1, ["results/worker/encodings/replicate~1.npz"])
    (checked,) = studies.from_config(config, [], {}, work / "worker")
    from proxsweep import fit_job
    from proxsweep.sweep import grid, pieces

    os.chdir(work / "worker")
    fits = {fit.labels["lasso"]: fit for fit in grid.full(checked)}
    labels = [label for piece in pieces.pieces(checked) for label in piece.labels]
    began = time.perf_counter()
    fit_job.run([fits[label] for label in labels])
    records = [json.loads(Path(f"results/worker/fits/{fits[label].parts}/record.json").read_text()) for label in labels]
    made = pd.DataFrame([record["made"] for record in records])[["seconds", "processor_seconds", "max_rss_mb"]]
    write_csv(output / "thousand_worker.csv", made)
    first, last = made["max_rss_mb"].iloc[1:21].mean(), made["max_rss_mb"].iloc[-20:].mean()
    seconds = time.perf_counter() - began
    print(f"{len(made)} fits in {seconds:.0f} s; MB of fits 2 to 21: {first:.0f}, of the last 20: {last:.0f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--before", default="13a5071", help="git revision, or a folder with its files")
    parser.add_argument("--cores", type=int, default=2)
    parser.add_argument("--part", choices=PARTS, action="append")
    parser.add_argument("--data", type=Path, help="the table of config/spike_10k.yaml")
    parser.add_argument("--output", type=Path, default=ROOT / "benchmarks" / "results")
    options = parser.parse_args()
    parts, output = options.part or PARTS, options.output.resolve()
    with tempfile.TemporaryDirectory() as name:
        work, rows = Path(name), []
        given = Path(options.before)
        before = given.resolve() if given.is_dir() else checked_out(options.before, work / "before")
        if "sweep" in parts:
            rows += sweeps(before, work, options.cores)
        if "starts" in parts:
            objectives(work, output, options.data and options.data.resolve())
        if "demo" in parts:
            rows += demo(before, work, options.cores)
        if "thousand" in parts:
            rows += thousand(work, options.cores)
        if "worker" in parts:
            worker(work, output)
        if rows:
            table = pd.DataFrame(rows)
            write_csv(output / "thousand.csv", table)
            print(table.round(2).to_string(index=False))


if __name__ == "__main__":
    main()
