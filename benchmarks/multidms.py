"""Fits against multidms 1.2.0 (`Model.fit`, its defaults, 1,000 iterations): same objective, start, machine and run.

Objective: mean Huber loss (delta 1) of a condition, averaged over conditions, and the lasso weight times the sum of
|shifts| of the difference matrix `reference`; no ridge, scale at most twice the range of the scores. The peer's weight
means the same. Both start from no effects, scale 5 and bias -5. Two data sets: the 10,000 spike variants (--data, or in
the folder $PROXSWEEP_DATA), with `bundle_sites: observed_both_ways` under which both programs have the same encoding,
and a replicate of the demo's simulated scan of three conditions. The peer's solution is judged by this program's
objective and certificate at its parameters; the objective is checked against a plain one in NumPy.

    taskset -c 1 python benchmarks/multidms.py [--data FILE] [--lasso WEIGHT ...] [--output FOLDER]

Neither side's imports, reading of data or compilation count in the solves: the peer's set-up and compilation is what a
fit of ten iterations takes beyond ten thousandths of a whole one (`peer_setup_seconds`, subtracted in `solve_ratio`).
Our solves are medians of some runs. `job_seconds` is a whole fit job with a warm compilation cache, Python's start to
files, from the start `zeros` that jobs have; `job_ratio` is to the whole of the peer's fit. One thread each.
The peer runs in an environment of its own (envs/multidms.lock, which pins JAX 0.4 for jaxopt and pyproximal):
$PROXSWEEP_MULTIDMS_PYTHON, or .peers/multidms, made if absent. Writes multidms.csv.
"""

import os

for _name in ("NPROC", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[_name] = "1"  # before anything starts its threads

import argparse  # noqa: E402
import json  # noqa: E402
import shutil  # noqa: E402
import subprocess  # noqa: E402
import sys  # noqa: E402
import tempfile  # noqa: E402
import time  # noqa: E402
from dataclasses import replace  # noqa: E402
from pathlib import Path  # noqa: E402

import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402
import yaml  # noqa: E402
from scipy.sparse import csr_matrix  # noqa: E402
from scipy.special import expit  # noqa: E402

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "scripts"))

from proxsweep import studies  # noqa: E402
from proxsweep.dms.data.encoding import Encoding  # noqa: E402
from proxsweep.dms.model import solution  # noqa: E402
from proxsweep.dms.model.problem import FitProblem, build_difference  # noqa: E402
from proxsweep.io.files import write_csv  # noqa: E402
from proxsweep.sweep import grid  # noqa: E402
from proxsweep.sweep.study import Study  # noqa: E402

WEIGHTS = [1e-6, 5e-6, 1e-5, 4e-5, 1.6e-4]
START = {"scale": 5.0, "bias": -5.0}
REPEATS = 5
AGREE = 1e-10  # relative difference of objectives of the same function in two programs
PEER = """
import json, sys, time
import multidms, numpy as np, pandas as pd
table, reference, output, weights = sys.argv[1:]
assert multidms.__version__ == "1.2.0", multidms.__version__
scores = pd.read_csv(table).fillna({"aa_substitutions": ""})
data = multidms.Data(
    scores, reference=reference, alphabet=multidms.AAS_WITHSTOP_WITHGAP, collapse_identical_variants="mean",
    assert_site_integrity=True,
)
arrays = {"mutations": np.array(data.mutations), "conditions": np.array(data.conditions)}
began = time.perf_counter()
multidms.Model(data).fit(maxiter=10, warn_unconverged=False)
arrays["ten_seconds"] = time.perf_counter() - began
for k, weight in enumerate(json.loads(weights)):
    model = multidms.Model(data)
    began, busy = time.perf_counter(), time.process_time()
    model.fit(scale_coeff_lasso_shift=weight, warn_unconverged=False)
    arrays[f"seconds_{k}"] = time.perf_counter() - began
    arrays[f"busy_{k}"] = time.process_time() - busy
    arrays[f"iterations_{k}"] = int(model.state.iter_num)
    params = model.params
    arrays[f"b_{k}"] = np.array([params["beta"][name] for name in data.conditions], dtype=float)
    arrays[f"b0_{k}"] = np.array([np.ravel(params["beta0"][name])[0] for name in data.conditions], dtype=float)
    for name in ("scale", "bias"):
        arrays[f"{name}_{k}"] = float(np.ravel(params["theta"][f"ge_{name}"])[0])
    arrays[f"reported_{k}"] = float(model.convergence_trajectory_df["loss"].dropna().iloc[-1])
    print(weight, arrays[f"seconds_{k}"], arrays[f"reported_{k}"], flush=True)
    np.savez(output, **arrays)
"""


def peer_python() -> str:
    """The interpreter that has multidms."""
    if os.environ.get("PROXSWEEP_MULTIDMS_PYTHON"):
        return os.environ["PROXSWEEP_MULTIDMS_PYTHON"]
    folder = ROOT / ".peers" / "multidms"
    python = folder / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        install = [python, "-m", "pip", "install", "--quiet", "--require-hashes", "-r", ROOT / "envs" / "multidms.lock"]
        subprocess.run(install, check=True)
    return str(python)


def both(data: Path) -> dict[str, dict]:
    """Both data sets as studies of a config."""
    demo = yaml.safe_load((ROOT / "config" / "config.yaml").read_text())["studies"]["demo"]
    simulated = {"simulate": {**demo["data"]["simulate"], "replicates": 1}, "bundle_sites": "observed_both_ways"}
    real = {"func_scores": str(data.resolve()), "bundle_sites": "observed_both_ways"}
    common = {
        "family": "dms",
        "model": {"ridge": 0.0, "scale_bound": "2x_score_range"},
        "sweep": {"lasso": WEIGHTS, "difference": ["reference"]},
    }
    return {
        "spike_10k": {**common, "data": real, "reference": "Omicron_BA1-2"},
        "simulated": {**common, "data": simulated, "reference": demo["reference"]},
    }


def prepare(name: str, study: dict, folder: Path) -> tuple[Encoding, Path, Study]:
    """The encoding, the table that the peer reads, and the checked study."""
    values = {"studies": {name: study}}
    (folder / "config.yaml").write_text(yaml.safe_dump(values))
    command = [sys.executable, "-m", "snakemake", "--snakefile", ROOT / "Snakefile", "--cores", "1", "--quiet", "all"]
    targets = [f"results/{name}/encodings/replicate~1.npz"]
    command += ["--configfile", folder / "config.yaml", "--directory", folder, "--", *targets]
    subprocess.run(command, check=True)
    (checked,) = studies.from_config(values, [], {}, folder)
    table = study["data"].get("func_scores") or folder / f"results/{name}/data/func_scores.csv"
    return Encoding.load(folder / targets[0]), Path(table), checked


def run_peer(table: Path, reference: str, weights: list[float], folder: Path) -> dict[str, np.ndarray]:
    """Solutions and seconds of the peer, one after another in one process."""
    output = folder / "peer.npz"
    command = [peer_python(), "-c", PEER, str(table), reference, str(output), json.dumps(weights)]
    environment = {**os.environ, "PYTHONPATH": "", "MPLBACKEND": "Agg", "JAX_PLATFORMS": "cpu"}
    subprocess.run(command, env=environment, check=True)
    with np.load(output) as arrays:
        return dict(arrays)


def in_our_order(peer: dict[str, np.ndarray], k: int, encoding: Encoding) -> dict[str, np.ndarray]:
    """The peer's solution in our order of conditions and mutations; both encodings have the same."""
    assert set(peer["mutations"]) == set(encoding.mutations), "the encodings differ"
    place = {name: i for i, name in enumerate(peer["mutations"])}
    columns = [place[name] for name in encoding.mutations]
    rows = [list(peer["conditions"]).index(name) for name in encoding.conditions]
    return {
        "b": peer[f"b_{k}"][rows][:, columns],
        "b0": peer[f"b0_{k}"][rows],
        "scale": float(peer[f"scale_{k}"]),
        "bias": float(peer[f"bias_{k}"]),
    }


def plain_objective(encoding: Encoding, point: dict, lasso: float) -> float:
    """The objective of the difference matrix `reference` in NumPy and SciPy, from the text of the module alone."""
    size, bundle, b = len(encoding.mutations), encoding.bundle, point["b"]
    X = csr_matrix(
        (np.ones(len(encoding.indices)), encoding.indices, encoding.indptr), shape=(encoding.offsets[-1], size)
    )
    losses = []
    for d in range(len(encoding.conditions)):
        rows = slice(encoding.offsets[d], encoding.offsets[d + 1])
        latent = point["b0"][d] + b[d, bundle[d]].sum() + X[rows] @ np.where(bundle[d], -b[d], b[d])
        error = np.abs(point["scale"] * expit(latent) + point["bias"] - encoding.scores[rows])
        losses.append(np.where(error <= 1, error**2 / 2, error - 0.5).mean())
    shifts = b - b[list(encoding.conditions).index(encoding.reference)]
    return float(np.mean(losses) + lasso * np.abs(shifts).sum())


def run_job(encoding: Encoding, spec: dict, folder: Path) -> dict[str, float]:
    """A whole fit job, kernel start to files, with a warm compilation cache."""
    path = folder / "encoding.npz"
    encoding.save(path)
    (study,) = (folder / "results").iterdir()
    shutil.copy(study / "encodings/replicate~1.report.csv", path.with_suffix(".report.csv"))
    parameters = {"spec": spec, "encoding": str(path), "folder": str(folder / "fit")}
    command = [sys.executable, "-m", "proxsweep", "notebook", ROOT / "notebooks/dms/fit.ipynb"]
    command += ["--output", folder / "fit.ipynb", "--kept", folder / "kept.ipynb", "--threads", "1"]
    command += ["--parameters", json.dumps(parameters)]
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT / "scripts"),
        "JAX_COMPILATION_CACHE_DIR": str(folder / "cache"),
    }
    for _ in range(2):  # the first fills the cache
        began = time.perf_counter()
        subprocess.run(command, env=environment, check=True, capture_output=True)
        seconds = time.perf_counter() - began
    return {"seconds": seconds, "objective": json.loads((folder / "fit" / "record.json").read_text())["objective"]}


def first(trace: pd.DataFrame, column: str, goal: float) -> float:
    """Seconds of the first look at which the column is at most the goal."""
    reached = trace.loc[trace[column] <= goal, "seconds"]
    return float(reached.iloc[0]) if len(reached) else np.inf


def compare(name: str, encoding: Encoding, study: Study, lasso: float, peer: dict, k: int, job: dict) -> dict:
    """One row: both programs at one lasso weight."""
    theirs = in_our_order(peer, k, encoding)
    matrix = build_difference("reference", [str(one) for one in encoding.conditions], str(encoding.reference))
    problem = FitProblem(encoding, lasso, matrix, study.model, study.solver, lambda line: None)
    there = solution.certify(problem, theirs["b"], theirs["b0"], theirs["scale"], theirs["bias"], problem.prox_state)
    their_objective = there["smooth"] + there["penalty"]
    assert np.isclose(plain_objective(encoding, theirs, lasso), their_objective, rtol=AGREE, atol=0)
    start = {**problem.zeros, **{key: np.float64(value) for key, value in START.items()}}
    solves = [solution.solve(problem, "multidms", start) for _ in range(1 + REPEATS)][1:]  # the first warms up
    ours = solves[0]
    point = {"b": ours.b, "b0": ours.b0, "scale": ours.scale, "bias": ours.bias}
    assert np.isclose(plain_objective(encoding, point, lasso), ours.objective, rtol=AGREE, atol=0)
    to_theirs = float(np.median([first(one.trace, "objective", their_objective) for one in solves]))
    their_seconds = float(peer[f"seconds_{k}"])
    iterations = int(peer[f"iterations_{k}"])
    ten = float(peer["ten_seconds"])
    setup = max(ten - 10 * (their_seconds - ten) / max(iterations - 10, 1), 0.0)
    return {
        "data": name,
        "lasso": lasso,
        "peer_iterations": iterations,
        "peer_seconds": their_seconds,
        "peer_cpu_seconds": float(peer[f"busy_{k}"]),
        "peer_setup_seconds": setup,
        "peer_reported": float(peer[f"reported_{k}"]),
        "peer_objective": their_objective,
        "peer_relative_residual": there["residual"] / problem.initial_residual,
        "peer_fusion_gap": there["fusion_gap"],
        "seconds_to_peer_objective": to_theirs,
        "seconds_to_residual_1e-6": float(np.median([first(one.trace, "relative_residual", 1e-6) for one in solves])),
        "seconds": float(np.median([one.seconds for one in solves])),
        "status": str(ours.status),
        "objective": ours.objective,
        "relative_residual": ours.residual / problem.initial_residual,
        "fusion_gap": ours.fusion_gap,
        "job_seconds": job["seconds"],
        "job_objective": job["objective"],
        "solve_ratio": (their_seconds - setup) / to_theirs,
        "job_ratio": their_seconds / job["seconds"],
        "objective_lower_percent": 100 * (1 - ours.objective / their_objective),
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    default = Path(os.environ.get("PROXSWEEP_DATA", ".")) / "spike_delta_ba1_10k.csv"
    parser.add_argument("--data", type=Path, default=default)
    parser.add_argument("--lasso", type=float, nargs="+", default=WEIGHTS)
    parser.add_argument("--output", type=Path, default=ROOT / "benchmarks" / "results")
    options = parser.parse_args()
    rows = []
    for name, study in both(options.data).items():
        with tempfile.TemporaryDirectory() as work:
            folder = Path(work)
            encoding, table, checked = prepare(name, study, folder)
            checked = replace(checked, sweep={**checked.sweep, "lasso": options.lasso})
            peer = run_peer(table, checked.own["reference"], options.lasso, folder)
            jobs = {one.values["lasso"]: run_job(encoding, one.spec(), folder) for one in grid.table(checked)}
            rows += [compare(name, encoding, checked, w, peer, k, jobs[w]) for k, w in enumerate(options.lasso)]
        write_csv(options.output / "multidms.csv", pd.DataFrame(rows))
    columns = ["data", "lasso", "peer_seconds", "seconds_to_peer_objective", "seconds_to_residual_1e-6", "solve_ratio"]
    columns += ["job_seconds", "job_ratio", "peer_objective", "peer_reported", "objective", "objective_lower_percent"]
    columns += ["peer_relative_residual", "relative_residual", "peer_fusion_gap", "fusion_gap", "status"]
    print(pd.DataFrame(rows)[columns].to_string(index=False, float_format=lambda value: f"{value:.4g}"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
