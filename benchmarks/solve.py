"""What a fit of full size costs, in passes over the data: 9 lasso weights x 2 replicates x 2 matrices x 2 ridges.

One pass is `X @ b` and `X.T @ r` for all conditions with SciPy's CSR matrices in float64, timed beside every fit. Fits
run from `zeros` to a relative residual of 1e-6 in this process, one thread, compiled before; with --plain, those of the
first replicate are repeated with accelerated proximal gradient steps alone. Encodings come from config/manuscript.yaml,
simulated through the workflow, unless --encodings names them.

    python benchmarks/solve.py [--encodings FILE FILE] [--plain] [--output FOLDER]

Writes solve.csv (every fit) and solve_summary.csv, with --plain also solve_plain.csv, and the convergence curves.
"""

import os

for _name in ("NPROC", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[_name] = "1"  # before anything starts its threads

import argparse  # noqa: E402
import resource  # noqa: E402
import subprocess  # noqa: E402
import sys  # noqa: E402
import tempfile  # noqa: E402
import time  # noqa: E402
from pathlib import Path  # noqa: E402

import jax  # noqa: E402
import jax.numpy as jnp  # noqa: E402
import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402
import yaml  # noqa: E402
from scipy.sparse import csr_array  # noqa: E402

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "scripts"))

from proxsweep import studies  # noqa: E402
from proxsweep.dms.data.encoding import Encoding  # noqa: E402
from proxsweep.dms.model import fit  # noqa: E402
from proxsweep.dms.model.problem import FitProblem, build_difference  # noqa: E402
from proxsweep.io.files import write_csv  # noqa: E402
from proxsweep.optimize import fista  # noqa: E402
from proxsweep.optimize.solve import Solve  # noqa: E402

CONFIG = ROOT / "config" / "manuscript.yaml"
RIDGES = {1e-4: 1000, 1e-6: 2000}  # and the passes that a fit may cost
AIMS = {1e-4: 400, 1e-6: 800}


def encodings(folder: Path) -> list[Path]:
    """Simulate and encode both replicates of the study below ``folder``."""
    targets = [f"results/manuscript/encodings/replicate~{k}.npz" for k in (1, 2)]
    command = [sys.executable, "-m", "snakemake", "--snakefile", ROOT / "Snakefile", "--configfile", CONFIG]
    subprocess.run([*command, "--directory", folder, "--cores", "1", "--quiet", "all", "--", *targets], check=True)
    return [folder / target for target in targets]


def matrices(encoding: Encoding) -> list[csr_array]:
    """The (N_d, M) matrices of an encoding."""
    found, width = [], len(encoding.mutations)
    for first, last in zip(encoding.offsets[:-1], encoding.offsets[1:], strict=True):
        pointers = encoding.indptr[first : last + 1]
        indices = encoding.indices[pointers[0] : pointers[-1]]
        found.append(csr_array((np.ones(len(indices)), indices, pointers - pointers[0]), shape=(last - first, width)))
    return found


def pass_seconds(designs: list[csr_array], repeats: int = 9) -> float:
    """Median seconds of one pass."""
    rng = np.random.default_rng(0)
    pairs = [(x, x.T, rng.normal(size=x.shape[1]), rng.normal(size=x.shape[0])) for x in designs]
    taken = []
    for _ in range(repeats):
        began = time.perf_counter()
        for x, transposed, b, r in pairs:
            x @ b
            transposed @ r
        taken.append(time.perf_counter() - began)
    return float(np.median(taken))


class Plain(Solve):
    """Accelerated proximal gradient steps alone."""

    def _newton(self):
        return 0.0, None


def run(
    encoding: Encoding, designs, values: dict, model: dict, solver: dict, solve: type = Solve
) -> tuple[dict, pd.DataFrame]:
    """One fit beside its passes, as a row and its trace."""
    fit.Solve = solve
    one_pass = pass_seconds(designs)
    done = fit.fit(encoding, values["lasso"], values["difference"], model, solver, lambda line: None)
    one_pass = (one_pass + pass_seconds(designs)) / 2
    best = done.best
    row = {
        **values,
        "status": str(best.status),
        "relative_residual": done.relative_residual,
        "objective": best.objective,
        "proximal_steps": best.iterations - best.products,
        "hessian_products": best.products,
        "solve_seconds": best.seconds,
        "pass_seconds": one_pass,
        "passes": best.seconds / one_pass,
        "compile_seconds": done.compile_seconds,
    }
    trace = best.trace.assign(**values, passes=best.trace["seconds"] / one_pass)
    return row, trace


def prox_share(encoding: Encoding, difference: str, model: dict, solver: dict, lasso: float) -> float:
    """Seconds of the proximal operator over those of one iteration."""
    matrix = build_difference(difference, [str(name) for name in encoding.conditions], str(encoding.reference))
    problem = FitProblem(encoding, lasso, matrix, model, solver, print)
    state, _ = fista.begin(problem.model, problem.data, problem.zeros, problem.prox_state)
    state, _ = fista.advance(problem.model, problem.data, state, jnp.int32(50), jnp.float64(0.0))
    operator = jax.jit(lambda data, x, metric: problem.model.prox(data, x, metric, problem.prox_state)[0])

    def seconds(action, count: int) -> float:
        jax.block_until_ready(action())
        taken = []
        for _ in range(9):
            began = time.perf_counter()
            jax.block_until_ready(action())
            taken.append(time.perf_counter() - began)
        return float(np.median(taken)) / count

    step = seconds(lambda: fista.advance(problem.model, problem.data, state, jnp.int32(100), jnp.float64(0.0)), 50)
    return seconds(lambda: operator(problem.data, state.x, state.metric), 1) / step


def curves(traces: pd.DataFrame, path: Path) -> None:
    """Relative residual against passes, a panel a ridge, both kinds of solve."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(1, len(RIDGES), figsize=(7.2, 2.9), sharey=True, layout="constrained")
    colours = {"with Newton steps": "#0072B2", "proximal steps alone": "#D55E00"}
    for axis, ridge in zip(axes, RIDGES, strict=True):
        for (kind, *_), trace in traces[traces["ridge"] == ridge].groupby(["kind", "replicate", "difference", "lasso"]):
            axis.plot(trace["passes"], trace["relative_residual"], color=colours[kind], lw=0.8, alpha=0.7)
        axis.set(yscale="log", xlabel="cost (passes over the data)", title=f"ridge {style_number(ridge)}")
        axis.axhline(1e-6, color="0.5", lw=0.8, ls=":")
    axes[0].set_ylabel("relative residual")
    for kind, colour in colours.items():
        axes[0].plot([], [], color=colour, label=kind)
    axes[0].legend(frameon=False, fontsize=8)
    figure.savefig(path, dpi=150)


def style_number(value: float) -> str:
    return f"{value:g}".replace("e-0", "e-")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--encodings", type=Path, nargs="+")
    parser.add_argument("--plain", action="store_true", help="also proximal gradient steps alone")
    parser.add_argument("--output", type=Path, default=ROOT / "benchmarks" / "results")
    options = parser.parse_args()
    (study,) = studies.from_config(yaml.safe_load(CONFIG.read_text()), [str(CONFIG)], {}, ROOT)
    with tempfile.TemporaryDirectory() as work:
        loaded = [Encoding.load(path) for path in options.encodings or encodings(Path(work))]
    rows, plain, traces = [], [], []
    for replicate, encoding in enumerate(loaded, 1):
        designs = matrices(encoding)
        for difference in ("reference", "equivariant"):
            for ridge in RIDGES:
                for lasso in study.sweep["lasso"]:
                    values = {"ridge": ridge, "difference": difference, "lasso": lasso, "replicate": replicate}
                    model = {**study.model, "ridge": ridge}
                    row, trace = run(encoding, designs, values, model, study.solver)
                    rows.append(row)
                    traces.append(trace.assign(kind="with Newton steps"))
                    if options.plain and replicate == 1:
                        row, trace = run(encoding, designs, values, model, study.solver, Plain)
                        plain.append(row)
                        traces.append(trace.assign(kind="proximal steps alone"))
    table = pd.DataFrame(rows)
    summary = table.groupby(["ridge", "difference"], sort=False).agg(
        fits=("passes", "size"),
        converged=("status", lambda status: int((status == "converged").sum())),
        passes_median=("passes", "median"),
        passes_max=("passes", "max"),
        seconds_median=("solve_seconds", "median"),
        seconds_max=("solve_seconds", "max"),
        worst_residual=("relative_residual", "max"),
    )
    summary["passes_allowed"] = [RIDGES[ridge] for ridge, _ in summary.index]
    summary["passes_aimed_at"] = [AIMS[ridge] for ridge, _ in summary.index]
    summary["ratio_to_allowed"] = summary["passes_max"] / summary["passes_allowed"]
    summary = summary.reset_index()
    shares = {
        name: prox_share(loaded[0], name, study.model, study.solver, 4e-5) for name in ("reference", "equivariant")
    }
    summary["prox_share_of_iteration"] = summary["difference"].map(shares)
    print(summary.to_string(index=False, float_format=lambda value: f"{value:.3g}"))
    cold = table["compile_seconds"].max()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
    print(f"\nfirst compilation {cold:.2f} s, peak memory {peak:.0f} MB")
    write_csv(options.output / "solve.csv", table)
    write_csv(options.output / "solve_summary.csv", summary)
    if plain:
        alone = pd.DataFrame(plain)
        write_csv(options.output / "solve_plain.csv", alone)
        both = table.merge(alone, on=["ridge", "difference", "lasso", "replicate"], suffixes=("", "_alone"))
        both["ratio"] = both["passes_alone"] / both["passes"]
        columns = ["ridge", "difference", "lasso", "passes", "passes_alone", "status_alone", "ratio"]
        print(
            "\nproximal steps alone\n" + both[columns].to_string(index=False, float_format=lambda value: f"{value:.3g}")
        )
        curves(pd.concat(traces), ROOT / "docs" / "images" / "solver_convergence.png")
    return 0


if __name__ == "__main__":
    sys.exit(main())
