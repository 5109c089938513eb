"""Entry points that read what the workflow wrote: fits, records, tables of fits, notebooks, and the command line."""

import contextlib
import functools
import io
import json
import math
import shutil
import tempfile
from pathlib import Path
from random import Random

import numpy as np
import pandas as pd
import yaml

from proxsweep import studies
from proxsweep.__main__ import main
from proxsweep.check import check
from proxsweep.dms.data import encode as encoding
from proxsweep.dms.data import preprocess
from proxsweep.dms.data.encoding import Encoding
from proxsweep.dms.model import fit_files, predict
from proxsweep.dms.results import fitted, reread
from proxsweep.io.errors import UserError
from proxsweep.io.files import write_json
from proxsweep.jobs import notebook
from proxsweep.sweep import chosen, collect, fits, grid

from . import hostile, oracles, tables
from .core import Case, Entry

KEPT = tempfile.TemporaryDirectory(prefix="fuzz-study-")
LIBRARY = {"a": "MKTAYIA", "b": "MKTCYIA"}


@functools.cache
def study() -> Path:
    """The working directory of a finished small study: two weights, two replicates."""
    base = Path(KEPT.name)
    rows = [["condition", "aa_substitutions", "func_score", "replicate"]]
    for replicate in "12":
        rows += [[*row[:3], replicate] for row in tables.scores(Random(replicate), 60)[1:]]
    (base / "t.csv").write_text("\n".join(map(",".join, rows)) + "\n")
    data = {"func_scores": "t.csv", "replicates": {"column": "replicate"}}
    one = {"data": data, "reference": "a", "sweep": {"lasso": [0.0, 0.01]}, "solver": {"max_iterations": 300}}
    (base / "c.yaml").write_text(yaml.safe_dump({"studies": {"one": one}}))
    (found,) = studies.from_config(studies.load([base / "c.yaml"]), [base / "c.yaml"], {}, base)
    spec = {"study": "one", "reference": "a", "data": found.data}
    done = preprocess.preprocess(spec, [base / "t.csv"])
    folder = base / "results/one"
    for label in found.sweep["replicate"]:
        made, _ = encoding.encode(spec, done.variants, done.wildtypes, label)
        made.save(folder / f"encodings/replicate~{label}.npz")
    for fit in grid.table(found):
        path = folder / f"encodings/replicate~{fit.labels['replicate']}.npz"
        fit_files.run(fit.spec(), path, base / f"results/one/fits/{fit.parts}", report=lambda line: None)
    write_json(folder / "plan.json", {"study": "one", "fits": grid.plan(grid.table(found))})
    with contextlib.chdir(base), contextlib.redirect_stdout(io.StringIO()):
        assert not main(_argv("collect"))
        assert not main(_argv("replicate-signs"))
        assert not main(_argv("choose"))
    return base


def _argv(command: str) -> list[str]:
    one = "results/one"
    wanted = {"lasso": 0.01, "rule": "minimum", "false_discovery_rate": 0.1, "difference": "reference"}
    fit = f"{one}/fits/difference~reference/lasso~0.01/replicate~1"
    tables_ = ["--fits", f"{one}/fits.csv"]
    picked = [*tables_, "--chosen", f"{one}/chosen.csv"]
    return {
        "collect": [
            "collect",
            "--plan",
            f"{one}/plan.json",
            *tables_,
            "--status",
            "status.csv",
            "--strays",
            "strays.csv",
        ],
        "replicate-signs": ["replicate-signs", *tables_, "--output", f"{one}/signs.csv"],
        "choose": [
            *("choose", *tables_, "--signs", f"{one}/signs.csv", "--chosen", json.dumps(wanted)),
            *("--validated", "validated.csv", "--output", f"{one}/chosen.csv"),
        ],
        "shifts": ["shifts", *picked, "--output", "shifts.csv"],
        "shifts-by-reference": ["shifts-by-reference", *picked, "--output", "by_reference.csv"],
        "page": ["page", *picked, "--output", "page.html"],
        "strict": ["strict", f"{one}/fits.csv"],
        "table-page": ["table-page", f"{one}/fits.csv", "--output", "t.html"],
        "strays": ["strays", "--plan", f"{one}/plan.json"],
        "check": ["check", one],
        "reread": ["reread", fit, "--reference", "b", "--output", "reread.csv"],
        "predict": ["predict", fit, "t.csv", "--output", "predicted.csv"],
        "preprocess": [
            *("preprocess", "t.csv", "--spec", json.dumps({"study": "s", "reference": "a", "data": {}})),
            *("--variants", "v.csv", "--wildtypes", "w.csv", "--report", "r.csv"),
        ],
        "plan": ["plan", "c.yaml"],
        "stack": ["stack", "t.csv", f"{one}/fits.csv", "--output", "stacked.csv"],
    }[command]


COMMANDS = [
    *("collect", "replicate-signs", "choose", "shifts", "shifts-by-reference", "page", "strict", "table-page"),
    *("strays", "check", "reread", "predict", "preprocess", "plan", "stack"),
]
FIT = "results/one/fits/difference~reference/lasso~0.01/replicate~1"
HURT = [
    *(
        "results/one/plan.json",
        "results/one/fits.csv",
        "results/one/chosen.csv",
        "results/one/signs.csv",
        "t.csv",
        "c.yaml",
    ),
    *(f"{FIT}/record.json", f"{FIT}/parameters.npz", f"{FIT}/mutations.csv", f"{FIT}/trace.csv"),
    "results/one/encodings/replicate~1.npz",
]


def _hurt(rng: Random, path: Path) -> None:
    """Change a file in a way that its kind invites."""
    kind = rng.random()
    if kind < 0.05:
        path.unlink()
    elif kind < 0.25:
        path.write_bytes(hostile.damaged(rng, path.read_bytes()))
    elif path.suffix == ".json":
        path.write_text(json.dumps(hostile.mutated(rng, json.loads(path.read_text()))), encoding="utf-8")
    elif path.suffix == ".npz":
        _hurt_arrays(rng, path)
    elif path.suffix == ".csv":
        rows = [line.split(",") for line in path.read_text().splitlines()]
        tables._change_rows(rng, rows)
        text = "\n".join(",".join(tables._cell(rng, cell, ",") for cell in row) for row in rows) + "\n"
        path.write_bytes(text.encode("utf-8", "surrogatepass"))


def _hurt_arrays(rng: Random, path: Path) -> None:
    with np.load(path) as file:
        arrays = {name: file[name] for name in file}
    name = rng.choice(list(arrays))
    values = arrays[name]
    kind = rng.randrange(10)
    if kind == 0:
        del arrays[name]
    elif kind == 1:
        arrays[name] = np.array([{"x": 1}, None], dtype=object)
    elif kind == 2:
        arrays[name] = values[..., None]
    elif kind == 3:
        arrays[name] = values.astype(rng.choice([str, complex, bool]) if values.dtype.kind != "U" else bytes)
    elif kind == 4:
        arrays[name] = np.concatenate([values, values]) if values.ndim else np.array([values, values])
    elif kind == 5:
        arrays[name] = values[:-1] if values.ndim else values
    elif kind == 6:
        arrays[name] = values.ravel()[:0]
    elif kind == 7 and values.size:
        flat = values.copy().ravel()
        odd = {
            "f": [math.nan, math.inf, -1.0, 1e300],
            "i": [-1, 2**30],
            "u": [0],
            "b": [True],
            "U": ["", "é", "=1", "a"],
        }
        flat[rng.randrange(flat.size)] = rng.choice(odd[values.dtype.kind])
        arrays[name] = flat.reshape(values.shape)
    elif kind == 8:
        arrays[name] = arrays[rng.choice(list(arrays))]
    else:
        arrays["more"] = np.zeros(3)
    np.savez(path, **arrays)


def _copy(folder: Path, *parts: str) -> Path:
    for part in parts:
        source, target = study() / part, folder / part
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copytree(source, target) if source.is_dir() else shutil.copy(source, target)
    return folder


def load_encoding(rng: Random, folder: Path) -> Case:
    path = _copy(folder, HURT[-1]) / HURT[-1]
    _hurt(rng, path)
    return Case(lambda: Encoding.load(path), tables.sound_encoding, [path.name])


def load_fit(rng: Random, folder: Path) -> Case:
    path = _copy(folder, FIT) / FIT
    _hurt(rng, path / rng.choice(["record.json", "parameters.npz", "mutations.csv"]))
    kind = rng.randrange(3)
    if kind == 0:
        return Case(lambda: fitted.load(path), _sound_fitted, ["parameters.npz", "mutations.csv"])
    if kind == 1:
        good = lambda found: _sound_fitted(found.fitted) and len(found.intercepts) == 2  # noqa: E731
        return Case(lambda: reread.load(path, "b"), good, ["parameters.npz", "mutations.csv", "record.json", FIT])
    return Case(lambda: predict.load(path), _sound_written, ["parameters.npz", "record.json"])


def _sound_fitted(found: fitted.Fitted) -> bool:
    table = found.mutations
    wanted = [f"beta_{name}" for name in found.conditions] + [f"shift_{row}" for row in found.rows]
    numbers = all(table[name].dtype.kind in "iufb" for name in wanted)
    return numbers and table["mutation"].is_unique and all(set(r) <= set(found.conditions) for r in found.rows.values())


def _sound_written(found: predict.FittedParameters) -> bool:
    shape = len(found.conditions), len(found.mutations)
    return found.b.shape == found.bundle.shape == shape and bool(
        np.isfinite(found.b).all() & np.isfinite(found.b0).all()
    )


def scored(rng: Random, folder: Path) -> Case:
    """New variants scored with a sound fit, and each score computed from the effects of its substitutions."""
    path, content = tables._saved(rng, folder, tables.scores(rng, 8))
    fit = predict.load(study() / FIT)

    def sound(found: pd.DataFrame) -> bool:
        raw = tables._columns(content, path, ["condition", "aa_substitutions"], [])
        for condition, text, latent in zip(raw["condition"], raw["aa_substitutions"], found["latent"], strict=True):
            expected = _latent(fit, condition, oracles.substitutions(text))
            if not (math.isnan(latent) and expected is None) and not math.isclose(latent, expected, abs_tol=1e-9):
                return False
        return True

    run = lambda: predict.score(fit, path)  # noqa: E731
    return Case(run, lambda found: tables._valid(lambda: sound(found)), [path.name])


def _latent(fit: predict.FittedParameters, condition: str, tokens: dict) -> float | None:
    """The latent phenotype of a variant, from its whole sequence in the reference's coordinates."""
    d = fit.conditions.tolist().index(condition)
    effects = dict(zip(fit.mutations.tolist(), fit.b[d].tolist(), strict=True))
    bundle = [name for name, flag in zip(fit.mutations.tolist(), fit.bundle[d], strict=True) if flag]
    letters = {name[1:-1]: (name[0], name[-1]) for name in bundle}
    for (site, suffix), (wild, mutant) in tokens.items():
        name = f"{site}{suffix}"
        first = letters.get(name, (wild, wild))[0]
        letters[name] = first, mutant
    total = fit.b0[d]
    for site, (first, last) in letters.items():
        if first != last and f"{first}{site}{last}" not in effects:
            return None
        total += effects.get(f"{first}{site}{last}", 0.0)
    return float(total)


def record(rng: Random, folder: Path) -> Case:
    path = _copy(folder, FIT) / FIT
    _hurt(rng, path / "record.json")
    (folder / "b.tsv").write_bytes(hostile.damaged(rng, b"s\tmax_rss\n1.5\t200\n") if rng.random() < 0.2 else b"")
    fit = {"path": path, "study": "one", "benchmark": folder / "b.tsv"}

    def sound(table: pd.DataFrame) -> bool:
        kinds = all(table[name].dtype == float for name in ("objective", "residual", "relative_residual"))
        return len(table) == (path / "record.json").exists() and kinds

    return Case(lambda: collect.collect([fit]), sound, ["record.json", "b.tsv"])


def edited(rng: Random, folder: Path) -> Case:
    name = rng.choice(["fits.csv", "chosen.csv"])
    path = _copy(folder, f"results/one/{name}") / f"results/one/{name}"
    _hurt(rng, path)
    read = fits.finished if name == "fits.csv" else chosen.load

    def sound(table: pd.DataFrame) -> bool:
        weights = table["lasso"].astype(float)
        if name == "chosen.csv":
            return not (weights < 0).any() and table["chosen"].astype(bool).sum() <= 1
        known = {"converged", "max_iterations", "max_seconds", "diverged", "failed"}
        return bool((weights >= 0).all()) and set(table["status"]) <= known and table["path"].is_unique

    return Case(lambda: read(path), sound, [name])


def checked(rng: Random, folder: Path) -> Case:
    base = _copy(folder, "results/one")
    path = base / rng.choice([name for name in HURT if name.startswith("results") and "signs" not in name])
    before = path.read_bytes()
    _hurt(rng, path)

    def sound(report) -> bool:
        same = path.exists() and path.read_bytes() == before
        return not (same and report.disagreements)

    return Case(lambda: check(base / "results/one"), sound, ["results", "--"])


def notebooks(rng: Random, folder: Path) -> Case:
    cells = [{"cell_type": "code", "id": "a", "metadata": {"tags": ["parameters"]}, "source": "x = 1", "outputs": []}]
    cells[0]["execution_count"] = None
    text = json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5})
    path = folder / "n.ipynb"
    content = json.dumps(hostile.mutated(rng, json.loads(text))).encode()
    path.write_bytes(hostile.damaged(rng, content) if rng.random() < 0.3 else content)
    run = lambda: notebook._check_parameters(path, {"x": 2})  # noqa: E731
    return Case(run, lambda found: True, ["n.ipynb"])


def command(rng: Random, folder: Path) -> Case:
    """A command of the program over a study of which one file is not what it was."""
    base = _copy(folder, "results", "t.csv", "c.yaml")
    hurt = base / rng.choice(HURT)
    _hurt(rng, hurt)
    arguments = _argv(rng.choice(COMMANDS))

    def run() -> int:
        said = io.StringIO()
        with contextlib.chdir(base), contextlib.redirect_stderr(said):
            code = main(arguments)
        if code == 2:
            lines = [line for line in said.getvalue().splitlines() if line.startswith("proxsweep: ")]
            place, _, rest = lines[0].removeprefix("proxsweep: ").partition(": found ")
            found, _, expected = rest.partition("; expected ")
            raise UserError(place, found if len(lines) == 1 else "", expected)
        return code

    places = ["results", "t.csv", "c.yaml", "study s", "chosen", "conditions", "--"]
    return Case(run, lambda code: code == 0, [*places, "parameters.npz"])  # where an edited fits.csv says it is


ENTRIES = [
    Entry("Encoding.load", 10, load_encoding),
    Entry("fitted, reread, predict.load", 8, load_fit),
    Entry("dms.predict.score", 5, scored),
    Entry("collect", 6, record),
    Entry("fits.csv, chosen.csv", 5, edited),
    Entry("check", 0.6, checked),
    Entry("notebook.read", 2, notebooks),
    Entry("proxsweep COMMAND", 2, command),
]
