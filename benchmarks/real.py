"""Solve seconds on real data: 10,000 spike variants, the published lasso weights, linear and sigmoid, two ridges.

From `zeros` to a relative residual of 1e-6, one thread, compiled before; beside each the same with accelerated proximal
gradient steps alone. The encoding is made by the workflow from --data, or the table in the folder $PROXSWEEP_DATA.

    python benchmarks/real.py [--data FILE] [--output FOLDER]

Writes real.csv.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "scripts"), str(ROOT / "benchmarks")]

import pandas as pd  # noqa: E402
import solve  # noqa: E402  (holds the threads down, so before anything else that computes)
import yaml  # noqa: E402

from proxsweep import studies  # noqa: E402
from proxsweep.dms.data.encoding import Encoding  # noqa: E402
from proxsweep.io.files import write_csv  # noqa: E402

LASSO = [0, 5e-6, 1e-5, 2e-5, 4e-5, 8e-5, 1.6e-4, 3.2e-4, 6.4e-4]
ALLOWED = {1e-4: 1.0, 1e-6: 6.0}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    default = Path(os.environ.get("PROXSWEEP_DATA", ".")) / "spike_delta_ba1_10k.csv"
    parser.add_argument("--data", type=Path, default=default)
    parser.add_argument("--output", type=Path, default=ROOT / "benchmarks" / "results")
    options = parser.parse_args()
    study = {
        "family": "dms",
        "data": {"func_scores": str(options.data.resolve()), "clip": [-3.5, 2.5]},
        "reference": "Omicron_BA1-2",
        "sweep": {"lasso": LASSO, "difference": ["reference"]},
    }
    with tempfile.TemporaryDirectory() as work:
        path, target = Path(work) / "config.yaml", "results/spike/encodings/replicate~1.npz"
        path.write_text(yaml.safe_dump({"studies": {"spike": study}}))
        command = [sys.executable, "-m", "snakemake", "--snakefile", ROOT / "Snakefile", "--configfile", path]
        subprocess.run([*command, "--directory", work, "--cores", "1", "--quiet", "all", "--", target], check=True)
        encoding = Encoding.load(Path(work) / target)
        (checked,) = studies.from_config({"studies": {"spike": study}}, [], {}, work)
    designs, rows = solve.matrices(encoding), []
    for epistasis in ("linear", "sigmoid"):
        for ridge in ALLOWED:
            model = {**checked.model, "ridge": ridge, "global_epistasis": epistasis}
            for lasso in LASSO:
                values = {"global_epistasis": epistasis, "ridge": ridge, "difference": "reference", "lasso": lasso}
                row, _ = solve.run(encoding, designs, values, model, checked.solver)
                alone, _ = solve.run(encoding, designs, values, model, checked.solver, solve.Plain)
                row |= {
                    f"{key}_alone": alone[key] for key in ("status", "proximal_steps", "solve_seconds", "objective")
                }
                rows.append({**row, "allowed_seconds": ALLOWED[ridge], "ratio": row["solve_seconds"] / ALLOWED[ridge]})
    table = pd.DataFrame(rows)
    columns = ["global_epistasis", "ridge", "lasso", "status", "proximal_steps", "hessian_products", "solve_seconds"]
    columns += ["ratio", "proximal_steps_alone", "solve_seconds_alone", "status_alone", "objective", "objective_alone"]
    print(table[columns].to_string(index=False, float_format=lambda value: f"{value:.4g}"))
    write_csv(options.output / "real.csv", table)
    return 0


if __name__ == "__main__":
    sys.exit(main())
