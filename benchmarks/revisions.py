"""Do two revisions give the same results? Runs both on three configs and compares every table and parameter file.

    python benchmarks/revisions.py BEFORE AFTER --data FOLDER --output differences.csv

BEFORE and AFTER are git revisions, or folders in which the configs have been run. FOLDER holds copies of the tables
that ``config/spike_10k.yaml`` and the ``rbd_local`` studies of ``config/rbd.yaml`` name. Tables are compared as text
without the columns that hold measured times and memory; ``reproducibility.csv``, which is about versions and revisions,
is left out; ``parameters.npz`` is compared byte for byte. Columns of the output: file, difference.
"""

import argparse
import csv
import io
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
MEASURED = {"solve_seconds", "compile_seconds", "job_seconds", "max_rss_mb", "seconds"}
LEFT_OUT = {"reproducibility.csv"}
SPIKE, RBD = "spike_delta_ba1_10k.csv", "rbd_five_variants.csv"


def configs(data: Path) -> list[list[str]]:
    """Options of Snakemake for the three runs."""
    spike = f"studies={{spike_10k: {{data: {{func_scores: {data.resolve() / SPIKE}}}}}}}"
    studies = "run=[rbd_local, rbd_local_equal, rbd_local_expression]"
    return [
        [],
        ["--configfile", "config/spike_10k.yaml", "--config", spike],
        ["--configfile", "config/rbd.yaml", "--config", studies],
    ]


def run(revision: str, folder: Path, data: Path, cores: int) -> Path:
    """Check out a revision into ``folder`` and run the three configs there."""
    archive = subprocess.run(["git", "-C", ROOT, "archive", revision], check=True, capture_output=True).stdout
    folder.mkdir()
    subprocess.run(["tar", "-x", "-C", folder], input=archive, check=True)
    shutil.copy(data / RBD, folder)
    for options in configs(data):
        command = [sys.executable, "-m", "snakemake", "--cores", str(cores), "--quiet", "all", *options]
        subprocess.run(command, cwd=folder, check=True)
    return folder


def results(folder: Path) -> dict[str, Path]:
    """Tables and parameter files below ``results``, by their path there."""
    found = {path for pattern in ("*.csv", "parameters.npz") for path in (folder / "results").rglob(pattern)}
    return {str(path.relative_to(folder / "results")): path for path in sorted(found) if path.name not in LEFT_OUT}


def content(path: Path) -> bytes | list[list[str]]:
    """What of a file is compared."""
    if path.suffix == ".npz":
        return path.read_bytes()
    rows = list(csv.reader(io.StringIO(path.read_text(encoding="utf-8"))))
    kept = [k for k, name in enumerate(rows[0] if rows else []) if name not in MEASURED]
    return [[row[k] for k in kept] for row in rows]


def differences(before: dict[str, Path], after: dict[str, Path]) -> Iterator[tuple[str, str]]:
    """Every file that is not the same on both sides, and why."""
    for name in sorted(before.keys() | after.keys()):
        if name not in after or name not in before:
            yield name, "only before" if name in before else "only after"
        elif content(before[name]) != content(after[name]):
            yield name, "differs"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("before", help="a git revision, or a folder with its results")
    parser.add_argument("after", help="likewise")
    parser.add_argument("--data", type=Path, help="folder with the tables (only to run a revision)")
    parser.add_argument("--cores", type=int, default=2)
    parser.add_argument("--output", type=Path, help="the differences as CSV")
    options = parser.parse_args()
    csv.field_size_limit(2**30)
    with tempfile.TemporaryDirectory() as temporary:
        sides = []
        for side in ("before", "after"):
            named = getattr(options, side)
            done = Path(named, "results").is_dir()
            sides.append(Path(named) if done else run(named, Path(temporary, side), options.data, options.cores))
        before, after = map(results, sides)
        found = list(differences(before, after))
    for name, difference in found:
        print(f"{difference}: {name}")
    counted = sum(difference == "differs" for _, difference in found)
    print(f"files compared: {len(before.keys() & after.keys())}, files different: {counted}")
    if options.output:
        with options.output.open("w", encoding="utf-8", newline="") as stream:
            csv.writer(stream, lineterminator="\n").writerows([("file", "difference"), *found])
    sys.exit(bool(counted))


if __name__ == "__main__":
    main()
