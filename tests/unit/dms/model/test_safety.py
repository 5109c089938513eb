"""Numbers at the edge of floats: every fit ends with a status and with files that hold numbers, or is refused."""

import json
import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import toys
from proxsweep.check import check
from proxsweep.dms.model import fit_files
from proxsweep.dms.model.fit import fit
from proxsweep.io.errors import UserError
from proxsweep.optimize.solve import Limits, Solve
from proxsweep.optimize.status import Status

TOY = toys.toy(3)
SEPARABLE = replace(TOY, scores=(TOY.scores > np.median(TOY.scores)).astype(float))
FREE = {"ridge": 0.0, "effect_bounds": [-1e308, 1e308], "scale_bound": 1e300}


def written(folder, encoding, lasso=1e-3, difference="equivariant", model=None, starts=("zeros",)):
    """Fit, look whether every file holds numbers and agrees with a check; the record."""
    encoding.save(folder / "encoding.npz")
    spec = {
        "study": "s",
        "fit": {"lasso": lasso, "difference": difference},
        "labels": {},
        "rows": None,
        "model": {**toys.MODEL, **(model or {})},
        "solver": {**toys.SOLVER, "max_iterations": 300, "starts": list(starts)},
    }
    fit_files.run(spec, folder / "encoding.npz", folder / "fit", lambda line: None)
    record = json.loads((folder / "fit/record.json").read_text())
    assert record["status"] in ("converged", "max_iterations", "diverged")
    assert record["status"] == "diverged" or record["objective"] is not None
    with np.load(folder / "fit/parameters.npz") as arrays:
        names = ["b", "b0", "b_inner", "shifts"]
        names += ["scale", "bias"] if record["dms"]["scale"] is not None else []
        assert all(np.isfinite(arrays[name]).all() for name in names)
    table = pd.read_csv(folder / "fit/mutations.csv").filter(regex="^(beta|shift)_")
    assert np.isfinite(table.to_numpy()).all()
    report = check(folder / "fit", folder / "encoding.npz")
    assert report.disagreements == []
    return record


@pytest.mark.parametrize(
    ("case", "status"),
    [
        ({"model": {"scale_bound": 1e300, "ridge": 0.0}}, "diverged"),
        ({"model": {"scale_bound": "2x_score_range"}, "starts": ["linear"]}, "diverged"),
        ({"model": {"global_epistasis": "linear"}}, "max_iterations"),
        ({"model": {"huber_delta": 1e308, "scale_bound": 1e300}}, "diverged"),
    ],
)
def test_scores_whose_squares_are_no_numbers(tmp_path, case, status):
    assert written(tmp_path, replace(TOY, scores=TOY.scores * 1e200), **case)["status"] == status


@pytest.mark.parametrize("lasso", [0.0, 1e-3])
def test_a_saturated_sigmoid_is_no_divergence(tmp_path, lasso):
    record = written(tmp_path, SEPARABLE, lasso, model=FREE)
    assert record["status"] in ("converged", "max_iterations") and record["objective"] < 0.05


@pytest.mark.parametrize("far", [40.0, 1e4, 1e300])
def test_a_start_deep_in_saturation_stays_finite(far):
    done = fit(TOY, 1e-3, "reference", toys.MODEL, {**toys.SOLVER, "max_iterations": 1}, lambda line: None)
    running = replace(done.best, b=done.best.b + far, b0=done.best.b0 - far)
    phi = fit_files.latent(TOY, running.b[:3], running.b0)
    predicted = np.asarray(fit_files.predict(phi, 1.0, 0.0, True))
    assert np.isfinite(phi).all() and (predicted >= 0).all() and (predicted <= 1).all()


def test_weights_of_all_sizes(tmp_path):
    rng = np.random.default_rng(0)
    weights = np.where(rng.random(len(TOY.weights)) < 0.5, 1e300, 1e-300)
    assert written(tmp_path, replace(TOY, weights=weights))["status"] in ("converged", "max_iterations")


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ({"weights": np.full(len(TOY.weights), 1e308)}, "weights that sum to inf"),
        ({"weights": np.full(len(TOY.weights), 5e-324)}, "weights that sum to 2.96"),
        ({"scores": np.where(TOY.scores > 0, 1.7e308, -1.7e308)}, "scores from -1.7e+308 to 1.7e+308"),
    ],
)
def test_sums_that_are_no_numbers_are_refused(tmp_path, change, found):
    with pytest.raises(UserError, match=found.replace("+", r"\+")):
        written(tmp_path, replace(TOY, **change))


def test_a_fit_that_diverges_on_its_way_writes_the_last_finite_point(tmp_path, monkeypatch):
    whole, block = written(tmp_path, TOY), Solve._proximal

    def proximal(solve, count):
        if int(solve.state.iteration) >= 20:
            solve.data = {**solve.data, "scores": solve.data["scores"] * np.nan}
        return block(solve, count)

    monkeypatch.setattr(Solve, "_proximal", proximal)
    record = written(tmp_path, TOY)
    assert record["status"] == "diverged" and record["iterations"] > 20
    trace = pd.read_csv(tmp_path / "fit/trace.csv")
    at = trace[trace["iteration"] == record["written_iteration"]]["objective"].iloc[-1]
    assert record["objective"] == pytest.approx(at, rel=1e-12)
    assert whole["objective"] < record["objective"] < trace["objective"].iloc[0]
    assert record["certificate"]["fusion_gap"] > 0 and record["residual"] > 0


def test_the_last_finite_point_is_kept_and_the_lowest_at_a_limit():
    class Scripted(Solve):
        def __init__(self, objectives):
            super().__init__(None, None, Limits(0.0, 10, math.inf), lambda progress: None)
            self._last = self._lowest = None
            for place, objective in enumerate(objectives):
                self.state = type("State", (), {"x": place, "prox_state": None})
                self.progress = type("Progress", (), {"objective": objective})
                self._keep(None)

    path = [3.0, 1.0, 2.0, math.nan, math.inf]
    for end, kept in ((None, 1), (Status.MAX_SECONDS, 1), (Status.DIVERGED, 2)):
        run = Scripted(path[:3])
        run._keep(end)
        assert run.point.x == kept
    assert Scripted(path).point.x == 2
    assert Scripted([math.nan, math.inf]).point.x == 1


SIZES = st.sampled_from([1e-300, 1e-160, 1e-8, 1.0, 1e8, 1e154, 1e160, 1e300, 1e307])


@settings(max_examples=12, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(
    score=SIZES,
    weight=SIZES,
    mixed=st.booleans(),
    lasso=st.sampled_from([0.0, 1e-300, 1e-3, 1e308]),
    ridge=st.sampled_from([0.0, 1e-300, 1e-4, 1e300]),
    delta=st.sampled_from([1e-300, 1.0, 1e308]),
    bound=st.sampled_from(["2x_score_range", 1e-300, 10.0, 1e308]),
    kind=st.sampled_from(["linear", "sigmoid"]),
    boxed=st.sampled_from([None, [-1e308, 1e308], [-1e-300, 1e-300]]),
    starts=st.sampled_from([("zeros",), ("zeros", "linear", "1x_random")]),
)
@pytest.mark.slow
def test_every_fit_ends_with_a_status_and_finite_files(
    tmp_path_factory, score, weight, mixed, lasso, ridge, delta, bound, kind, boxed, starts
):
    weights = np.where(np.arange(len(TOY.weights)) % 2, weight, 1.0 if mixed else weight)
    encoding = replace(TOY, scores=TOY.scores * score, weights=weights)
    model = {"ridge": ridge, "huber_delta": delta, "scale_bound": bound, "global_epistasis": kind}
    try:
        folder = tmp_path_factory.mktemp("fit")
        written(folder, encoding, lasso, model={**model, "effect_bounds": boxed}, starts=starts)
    except UserError as error:
        assert "weights that sum" in str(error) or "scores from" in str(error)
