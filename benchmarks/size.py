"""Cost of a fit against the size of the data: 0.1, 1 and 10 times the manuscript's 131,000 variants.

Simulates and encodes config/manuscript.yaml with scaled numbers of variants through the workflow, then fits each in a
process of its own (equivariant, lasso weight 4e-5, ridge 1e-4, one thread): seconds, seconds a nonzero and iteration,
passes over the data (see solve.py), peak memory. Writes size.csv.

    python benchmarks/size.py [--sizes 0.1 1 10] [--output FOLDER]
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import pandas as pd
import yaml

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "scripts"), str(ROOT / "benchmarks")]

from proxsweep.io.files import write_csv  # noqa: E402

FIT = """
import json, resource, sys
import solve
from proxsweep.dms.data.encoding import Encoding
encoding = Encoding.load(sys.argv[1])
values = {"ridge": 1e-4, "difference": "equivariant", "lasso": 4e-5}
settings = json.loads(sys.argv[2])
row, _ = solve.run(encoding, solve.matrices(encoding), values, settings["model"], settings["solver"])
row |= {"variants": len(encoding.scores), "mutations": len(encoding.mutations), "nonzeros": len(encoding.indices)}
row["peak_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
print(json.dumps(row))
"""


def encode(size: float, folder: Path) -> tuple[Path, dict]:
    """Simulate and encode one replicate of a study ``size`` times as large; its encoding and settings."""
    values = yaml.safe_load((ROOT / "config" / "manuscript.yaml").read_text())
    study = values["studies"]["manuscript"]
    counts = study["data"]["simulate"]["variants"]
    study["data"]["simulate"] |= {
        "variants": {name: round(size * count) for name, count in counts.items()},
        "replicates": 1,
    }
    study["sweep"] = {"difference": ["equivariant"], "lasso": [4.0e-5]}
    study["model"]["ridge"] = 1.0e-4
    path, target = folder / "config.yaml", "results/manuscript/encodings/replicate~1.npz"
    path.write_text(yaml.safe_dump(values))
    command = [sys.executable, "-m", "snakemake", "--snakefile", ROOT / "Snakefile", "--configfile", path]
    subprocess.run([*command, "--directory", folder, "--cores", "1", "--quiet", "all", "--", target], check=True)
    from proxsweep import studies

    (checked,) = studies.from_config(values, [], {}, ROOT)
    return folder / target, {"model": checked.model, "solver": checked.solver}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", type=float, nargs="+", default=[0.1, 1, 10])
    parser.add_argument("--output", type=Path, default=ROOT / "benchmarks" / "results")
    options = parser.parse_args()
    rows = []
    for size in options.sizes:
        with tempfile.TemporaryDirectory() as folder:
            encoding, settings = encode(size, Path(folder))
            command = [sys.executable, "-c", FIT, str(encoding), json.dumps(settings)]
            path = f"{ROOT / 'scripts'}:{ROOT / 'benchmarks'}"
            done = subprocess.run(command, check=True, capture_output=True, text=True, env={"PYTHONPATH": path})
        rows.append({"size": size, **json.loads(done.stdout.splitlines()[-1])})
    table = pd.DataFrame(rows)
    steps = table["proximal_steps"] + table["hessian_products"]
    table["nanoseconds_a_nonzero_and_iteration"] = 1e9 * table["solve_seconds"] / steps / table["nonzeros"]
    columns = ["size", "variants", "mutations", "nonzeros", "status", "relative_residual", "proximal_steps"]
    columns += ["hessian_products", "solve_seconds", "passes", "nanoseconds_a_nonzero_and_iteration", "peak_mb"]
    print(table[columns].to_string(index=False, float_format=lambda value: f"{value:.3g}"))
    write_csv(options.output / "size.csv", table[columns])
    return 0


if __name__ == "__main__":
    sys.exit(main())
