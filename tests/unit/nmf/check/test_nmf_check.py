"""Fits that were just made agree with their check; whatever is changed in their files is named."""

import csv
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pytest
from scipy.optimize import minimize

import factorisations as made
from projects import PROJECT
from proxsweep.io.errors import UserError
from proxsweep.nmf.check import matching, recompute, starts
from proxsweep.nmf.check.check import check
from proxsweep.nmf.model import certificate, problem
from proxsweep.sweep.discrepancies import Checked

PENALTIES = {"l1_h": 0.3, "l2_h": 0.1, "l1_w": 0.1, "l2_w": 0.2}
KINDS = {
    "squared": {},
    "penalised": PENALTIES,
    "simplex": {"w_columns": "sum_to_one", "l1_h": 0.3, "l2_h": 0.1, "l2_w": 0.2},
    "poisson": {"loss": "poisson"},
    "poisson_penalised": {"loss": "poisson", **PENALTIES},
    "poisson_simplex": {"loss": "poisson", "w_columns": "sum_to_one", "l1_h": 0.3},
}
FITS = {
    "plain": ("hals", False, {}),
    "sparse": ("hals", True, {"normalise": "log1p"}),
    "penalised": ("hals", False, {**PENALTIES, "normalise": "column_sums"}),
    "simplex": ("hals", False, KINDS["simplex"]),
    "short": ("mu", False, {"normalise": "square_root"}),
    "deviations": ("pgd_all", False, {"normalise": "feature_sd"}),
    "poisson": ("scd", False, KINDS["poisson"]),
    "poisson_simplex": ("scd", False, KINDS["poisson_simplex"]),
    "poisson_mu": ("mu", False, {**KINDS["poisson_penalised"], "normalise": "column_sums"}),
}


def matrix() -> np.ndarray:
    """Counts with a row and a column of zeros."""
    found = made.counts(3, (10, 8))
    found[4], found[:, 5] = 0, 0
    return found


@pytest.fixture(scope="module")
def fits(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Folders of fits by name, each made once."""
    known: dict[str, Path] = {}

    def of(name: str) -> Path:
        if name not in known:
            algorithm, is_sparse, model = FITS[name]
            folder = tmp_path_factory.mktemp(name) / "fit"
            encoding = made.encoding(matrix(), is_sparse)
            few = {"max_iterations": 500}
            known[name] = made.fitted(folder, encoding, algorithm, 2, few, **model)
        return known[name]

    return of


@pytest.fixture
def fit(fits: Callable[[str], Path], tmp_path: Path) -> Path:
    """A fit to be edited."""
    return Path(shutil.copytree(fits("plain").parent, tmp_path / "study")) / "fit"


def checked(folder: Path) -> Checked:
    return check(folder, made.record(folder), folder.parent / "encoding.npz")


def told(folder: Path) -> list[str]:
    return [str(item) for item in checked(folder).discrepancies.disagreements]


@pytest.mark.parametrize("name", FITS)
def test_a_fit_agrees_with_its_check(fits, name):
    folder = fits(name)
    found, record = checked(folder), made.record(folder)
    assert not told(folder)
    assert found.confirmed and found.objective_difference < 1e-12
    assert found.relative_residual == pytest.approx(record["residual"], rel=1e-6, abs=1e-13)


def test_among_the_fits_are_starts_that_have_not_converged(fits):
    ends = {name: {one["status"] for one in made.record(fits(name))["starts"]} for name in ("plain", "short")}
    assert ends == {"plain": {"converged"}, "short": {"max_iterations"}}


# ---- edits -----------------------------------------------------------------------------------------------------


def arrays(name: str, change: Callable[[dict[str, np.ndarray]], None]) -> Callable[[Path], None]:
    def edit(folder: Path) -> None:
        with np.load(folder / name) as file:
            found = dict(file)
        change(found)
        np.savez(folder / name, **found)

    return edit


def put(array: str, at, value: Callable) -> Callable[[dict[str, np.ndarray]], None]:
    def change(found: dict[str, np.ndarray]) -> None:
        found[array] = found[array].copy()
        found[array][at] = value(found[array][at])

    return change


def whole(array: str, value: Callable) -> Callable[[dict[str, np.ndarray]], None]:
    return lambda found: found.update({array: value(found[array])})


def swap_factors(found: dict[str, np.ndarray]) -> None:
    found["W"], found["H"] = found["W"][:, ::-1], found["H"][::-1]


PARAMETERS = {
    "an entry of W": (put("W", (0, 0), lambda x: x * (1 + 1e-6) + 1e-6), "residual"),
    "an entry of H": (put("H", (0, 0), lambda x: x * (1 + 1e-6) + 1e-6), "residual"),
    "an entry below 0": (put("W", (0, 0), lambda x: -0.01), "nothing below 0"),
    "an entry that is no number": (put("H", (1, 1), lambda x: np.nan), "not finite"),
    "a row of zeros": (put("W", (4, 0), lambda x: 1e-9), "an entry above 0"),
    "a column of zeros": (put("H", (0, 5), lambda x: 1e-9), "an entry above 0"),
    "the order": (swap_factors, "exposures of factor_1 and factor_2"),
    "a feature": (put("features", 2, lambda x: "x"), "features, entry 3 is x, recomputed g2"),
    "the samples": (whole("samples", lambda x: x[:-1]), "shape of samples"),
    "the rank": (whole("W", lambda x: x[:, :1]), "type and shape of W"),
    "the precision": (whole("H", lambda x: x.astype(np.float32)), "type and shape of H is float32"),
    "the dimensions": (whole("H", lambda x: x[0]), "type and shape of H"),
    "the type": (whole("W", lambda x: x.astype(str)), "the file"),
    "an array": (lambda found: found.pop("W"), "no array 'W'"),
}


@pytest.mark.parametrize("edit", PARAMETERS)
def test_what_is_changed_in_the_parameters_is_told(fit, edit):
    change, words = PARAMETERS[edit]
    arrays("parameters.npz", change)(fit)
    assert any(line.startswith("parameters.npz: ") or words == "residual" for line in told(fit))
    assert any(words in line for line in told(fit))


def test_columns_that_have_to_sum_to_one_do(fits, tmp_path):
    folder = Path(shutil.copytree(fits("simplex").parent, tmp_path / "study")) / "fit"
    arrays("parameters.npz", whole("W", lambda x: x * (1 + 1e-9)))(folder)
    assert any("sum of W of factor_1" in line for line in told(folder))


def nudged(value) -> float:
    return value * (1 + 1e-8) + 1e-11


RECORD = {
    **{(name,): nudged for name in ("objective", "smooth", "residual", "relative_residual", "penalty")},
    ("status",): lambda _: "max_iterations",
    ("start",): lambda _: "random-7",
    ("encoding_sha256",): lambda text: text[::-1],
    **{("nmf", name): lambda count: count + 1 for name in ("starts", "starts_converged", "at_best", "zeros")},
    **{("nmf", name): lambda count: count + 1 for name in ("dead_factors", "features", "samples")},
    **{("nmf", name): lambda count: count + 1 for name in matching.COUNTED},
    ("nmf", "start_spread"): lambda value: value * 1.01 + 1e-9,
    **{("starts", place, "start"): lambda _: "random-7" for place in range(3)},
    **{("starts", place, "status"): lambda _: "max_iterations" for place in range(3)},
    **{("starts", place, "objective"): lambda value: value * (1 + 1e-6) for place in range(3)},
    **{("starts", place, "residual"): nudged for place in range(3)},
    **{("starts", place, "relative_residual"): nudged for place in range(3)},
    **{("starts", place, "iterations"): lambda count: count + 1 for place in range(3)},
    ("starts", 1, "seconds"): lambda value: value + 1,
    ("model", "loss"): lambda _: "poisson",
    ("model", "w_columns"): lambda _: "sum_to_one",
    ("model", "l1_h"): lambda _: 1e-3,
    ("model", "l2_w"): lambda _: 1e-3,
    ("model", "normalise"): lambda _: "square_root",
    ("fit", "rank"): lambda _: 3,
    ("tolerance",): lambda _: 1e-5,
    ("solver", "tolerance"): lambda _: 1e-5,
}


def change_record(folder: Path, keys: tuple, value: Callable) -> None:
    record = made.record(folder)
    inner = record
    for key in keys[:-1]:
        inner = inner[key]
    inner[keys[-1]] = value(inner[keys[-1]])
    (folder / "record.json").write_text(json.dumps(record))


@pytest.mark.parametrize("keys", RECORD, ids=lambda keys: ".".join(map(str, keys)))
def test_what_is_changed_in_the_record_is_told(fit, keys):
    change_record(fit, keys, RECORD[keys])
    assert told(fit)


def test_a_status_that_the_residual_does_not_bear_out_is_not_confirmed(fits, tmp_path):
    folder = Path(shutil.copytree(fits("short").parent, tmp_path / "study")) / "fit"
    change_record(folder, ("status",), lambda _: "converged")
    assert not checked(folder).confirmed
    assert any("status is converged, recomputed not converged: residual" in line for line in told(folder))
    for place in range(3):
        change_record(folder, ("starts", place, "status"), lambda _: "converged")
    assert sum(line.startswith("record.json: status of start") for line in told(folder)) == 3


def test_another_start_than_the_best_is_no_winner(fit):
    record = made.record(fit)
    others = [one for one in record["starts"] if one["start"] != record["start"]]
    spread = 1e-7 * record["objective"]
    for one in others:
        one["objective"] += spread
    record["starts"] = [*others, next(one for one in record["starts"] if one["start"] == record["start"])]
    record["start"] = others[0]["start"]
    (fit / "record.json").write_text(json.dumps(record))
    assert any(line.startswith(f"record.json: start is {others[0]['start']}") for line in told(fit))


def test_of_equal_objectives_a_converged_start_wins():
    rows = [{"start": name, "objective": value, "status": status} for name, value, status in (
        ("a", 1.0, "max_iterations"), ("b", 1.0 + 5e-9, "converged"), ("c", 1.1, "converged"), ("d", 0.5, "diverged"),
    )]  # fmt: skip
    assert starts._best(rows) == "b"
    assert starts._best([rows[0], rows[2]]) == "a"
    assert starts._best(rows[3:]) is None
    assert starts._best([{**rows[3], "status": "converged", "objective": None}, rows[2]]) == "c"


@pytest.mark.parametrize("key", ["starts", "at_best", "start_spread", "dead_factors"])
def test_a_record_without_a_figure_is_refused(fit, key):
    record = made.record(fit)
    del record["nmf"][key]
    with pytest.raises(UserError, match=f"nmf.{key}"):
        check(fit, record, fit.parent / "encoding.npz")


def change_table(path: Path, row: int, column: int, value: Callable[[str], str]) -> None:
    with open(path, newline="") as stream:
        rows = list(csv.reader(stream))
    rows[row][column] = value(rows[row][column])
    with open(path, "w", newline="") as stream:
        csv.writer(stream).writerows(rows)


def other(cell: str) -> str:
    """Another number, or another word."""
    try:
        return repr(float(cell) * (1 + 1e-6) + 1e-6)
    except ValueError:
        return {"True": "False", "False": "True"}.get(cell, f"{cell}x")


CELLS = [
    *[("features.csv", column) for column in range(3)],
    *[("samples.csv", column) for column in range(6)],
    *[("starts.csv", column) for column in (*range(11), *range(12, 17))],
]


@pytest.mark.parametrize("row", [0, 2])
@pytest.mark.parametrize(("name", "column"), CELLS, ids=str)
def test_what_is_changed_in_a_table_is_told(fit, name, column, row):
    change_table(fit / name, row, column, other)
    assert any(line.startswith(f"{name}: ") for line in told(fit))


def test_the_largest_factor_is_told_where_it_is_another(fit):
    change_table(fit / "samples.csv", 1, 5, lambda cell: {"factor_1": "factor_2", "factor_2": "factor_1"}[cell])
    assert any("samples.csv: largest_factor, row 2 (s0)" in line for line in told(fit))


FACTORS = {
    "names": (put("start_names", 0, lambda x: "x"), "start_names"),
    "every W": (whole("W", lambda x: x * np.float32(1 + 1e-5)), "objective of start"),
    "an entry": (put("W", (0, 0, 0), lambda x: x + np.float32(0.01)), "residual of start random-1"),
    "an entry below 0": (put("H", (1, 0, 0), lambda x: -x - 1), "W and H of start random-2"),
    "double precision": (whole("W", lambda x: x.astype(float)), "type and shape of W is float64"),
    "a start": (whole("H", lambda x: x[:2]), "the file"),
}


@pytest.mark.parametrize("edit", FACTORS)
def test_what_is_changed_in_the_factors_of_all_starts_is_told(fit, edit):
    change, words = FACTORS[edit]
    arrays("starts.npz", change)(fit)
    assert any(words in line for line in told(fit))


def test_the_best_start_has_the_numbers_of_the_parameters(fit):
    record = made.record(fit)
    place = [one["start"] for one in record["starts"]].index(record["start"])
    arrays("starts.npz", put("W", (place, 0, 0), lambda x: np.nextafter(x, np.float32(np.inf))))(fit)
    assert told(fit) == [
        f"starts.npz: W of start {record['start']} is other numbers, recomputed those of parameters.npz (to be equal)"
    ]


def test_a_trace_lacks_no_start_and_no_last_row(fit):
    lines = (fit / "trace.csv").read_text().splitlines(keepends=True)
    (fit / "trace.csv").write_text("".join(lines[:-1]))
    assert any("trace.csv: last iteration of start nndsvd" in line for line in told(fit))
    (fit / "trace.csv").write_text("".join(line for line in lines if not line.startswith("nndsvd")))
    assert any("trace.csv: starts is" in line for line in told(fit))


FILES = ("parameters.npz", "starts.npz", "starts.csv", "features.csv", "samples.csv", "trace.csv")


@pytest.mark.parametrize("damage", ["missing", "cut", "other"])
@pytest.mark.parametrize("name", [*FILES, "../encoding.npz"])
def test_damaged_files_are_told(fit, name, damage):
    content = (fit / name).read_bytes()
    if damage == "missing":
        (fit / name).unlink()
    else:
        (fit / name).write_bytes(content[: len(content) // 2] if damage == "cut" else b"\x00\xffno table")
    assert any(line.startswith(f"{Path(name).name}: ") or name.startswith("..") for line in told(fit))


def test_a_fit_to_another_matrix_is_told(fit):
    values = matrix()
    values[0, 0] += 1
    made.encoding(values).save(fit.parent / "encoding.npz")
    assert any("encoding_sha256" in line for line in told(fit))
    change_record(fit, ("encoding_sha256",), lambda _: None)
    assert any(line.startswith("record.json: residual is") for line in told(fit))


def test_a_row_that_does_not_vary_has_no_deviation(fit):
    values = matrix()
    values[0] = np.where(values.any(axis=0), 2.0, 0.0)
    made.encoding(values).save(fit.parent / "encoding.npz")
    change_record(fit, ("encoding_sha256",), lambda _: None)
    change_record(fit, ("model", "normalise"), lambda _: "feature_sd")
    assert any("model.normalise is feature_sd" in line for line in told(fit))


def test_a_diverged_fit_claims_nothing_of_its_residual(fit):
    for keys in (("status",), *[("starts", place, "status") for place in range(3)]):
        change_record(fit, keys, lambda _: "diverged")
    assert checked(fit).confirmed
    assert not any("status is" in line for line in told(fit))


def test_a_check_loads_neither_jax_nor_a_solver():
    code = "import sys, proxsweep.nmf.check.check; print(*sys.modules)"
    environment = {**os.environ, "PYTHONPATH": str(PROJECT / "scripts")}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    assert not [name for name in done.stdout.split() if name in ("jax", "proxsweep.nmf.model")]
    assert "proxsweep.nmf.check.recompute" in done.stdout


# ---- what is recomputed ----------------------------------------------------------------------------------------


def points(kind: str) -> tuple[recompute.Problem, np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(2)
    values = made.counts(1, (7, 6))
    w, h = rng.gamma(1, 1, (7, 2)) * (rng.random((7, 2)) < 0.8), rng.gamma(1, 2, (2, 6)) * (rng.random((2, 6)) < 0.8)
    w[:, 0], h[0] = w[:, 0] + 0.1, h[0] + 0.1  # so that W H is above 0
    if "simplex" in kind:
        w = w / w.sum(axis=0)
    return recompute.problem(values, made.MODEL | KINDS[kind]), values, w, h


def plain_objective(kind: str, values: np.ndarray, w: np.ndarray, h: np.ndarray) -> float:
    """F term by term."""
    model, fitted = made.MODEL | KINDS[kind], w @ h
    total = model["l1_h"] * h.sum() + model["l2_h"] / 2 * np.linalg.norm(h) ** 2
    total += model["l1_w"] * w.sum() + model["l2_w"] / 2 * np.linalg.norm(w) ** 2
    if model["loss"] == "squared":
        return total + np.linalg.norm(values - fitted) ** 2 / 2
    for place, v in np.ndenumerate(values):
        total += fitted[place] - v + (v * np.log(v / fitted[place]) if v > 0 else 0.0)
    return total


@pytest.mark.parametrize("kind", KINDS)
def test_objective_and_slopes_are_those_of_its_definition(kind):
    stated, values, w, h = points(kind)
    found = recompute.evaluate(stated, w, h)
    assert found.objective == pytest.approx(plain_objective(kind, values, w, h), rel=1e-12)
    seen = (recompute._pass_poisson if stated.poisson else recompute._pass_squared)(values, w, h)
    slope_w, slope_h = recompute._slopes(stated, seen, w, h)
    step = 1e-6
    for place in np.ndindex(w.shape):
        moved = np.zeros_like(w)
        moved[place] = step
        rise = plain_objective(kind, values, w + moved, h) - plain_objective(kind, values, w - moved, h)
        assert slope_w[place] == pytest.approx(rise / (2 * step), rel=1e-6, abs=1e-6)
    for place in np.ndindex(h.shape):
        moved = np.zeros_like(h)
        moved[place] = step
        rise = plain_objective(kind, values, w, h + moved) - plain_objective(kind, values, w, h - moved)
        assert slope_h[place] == pytest.approx(rise / (2 * step), rel=1e-6, abs=1e-6)


@pytest.mark.parametrize("is_sparse", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_residuals_are_those_of_the_solver(monkeypatch, kind, is_sparse):
    monkeypatch.setattr(recompute, "BLOCK", 13)  # two rows at a time
    _, values, w, h = points(kind)
    values = made.sparsely(values) if is_sparse else values
    model = made.MODEL | KINDS[kind]
    built = problem.build(values, model)
    solved = certificate.residual(*built, jnp.asarray(w.T[None]), jnp.asarray(h[None]))
    found = recompute.evaluate(recompute.problem(values, model), w, h)
    assert found.residual == pytest.approx(float(solved[0]), rel=1e-12)
    assert found.residual > 0.01


@pytest.mark.parametrize("kind", KINDS)
def test_rounding_changes_no_more_than_is_allowed(kind):
    stated, _, w, h = points(kind)
    exact = recompute.evaluate(stated, w, h)
    share = 2.0**-24
    rng = np.random.default_rng(0)
    for _ in range(20):
        near = [x * (1 + share * rng.choice([-1, 1], x.shape)) for x in (w, h)]
        found = recompute.evaluate(stated, *near)
        assert abs(found.residual - exact.residual) <= share * exact.residual_rounding
        allowed = share * exact.objective_rounding + share**2 * exact.curvature
        assert abs(found.objective - exact.objective) <= allowed
    assert share * exact.residual_rounding < 1e-4


def test_the_nearest_point_of_the_simplex_is_that_of_a_quadratic_program():
    rng = np.random.default_rng(4)
    for size in (1, 3, 6):
        x = rng.normal(size=size)
        sums = {"type": "eq", "fun": lambda y: y.sum() - 1}
        solved = minimize(
            lambda y, x=x: ((y - x) ** 2).sum(), np.full(size, 1 / size), bounds=[(0, None)] * size, constraints=sums
        )
        np.testing.assert_allclose(recompute.nearest_on_simplex(x), solved.x, atol=1e-6)


@pytest.mark.parametrize(("penalties", "could"), [({}, True), ({"l2_h": 2.0, "l2_w": 3.0}, True), (PENALTIES, False)])
def test_a_vanished_factor_that_could_lower_the_objective_is_no_convergence(penalties, could):
    values = np.diag([3.0, 2.0])
    stated = recompute.problem(values, made.MODEL | {"normalise": "none"} | penalties)
    found = recompute.evaluate(stated, np.zeros((2, 1)), np.zeros((1, 2)))
    assert (found.residual, found.vanished, found.zeros) == (0.0, 1, 4)
    said = starts.disagreement(found, "converged", 1e-6, 0.0, 1e-13)
    assert bool(said) == could
    # "not converged" is then what the residual does not say
    assert bool(starts.disagreement(found, "max_iterations", 1e-6, 0.0, 1e-13)) != could


def test_every_way_to_normalise_is_its_definition():
    values = made.counts(6, (7, 6))
    ways = {
        "column_sums": values / values.sum(axis=0),
        "square_root": values**0.5,
        "log1p": np.log(1 + values),
        "feature_sd": values / np.array([np.std(row, ddof=1) for row in values])[:, None],
    }
    for way, expected in ways.items():
        np.testing.assert_allclose(recompute.normalised(values, way), expected, rtol=1e-14)
        found = recompute.normalised(made.sparsely(values), way)
        np.testing.assert_allclose(found.toarray(), expected, rtol=1e-14)
