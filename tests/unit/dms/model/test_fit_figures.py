"""Tables of the fit notebook."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import toys
from proxsweep.dms.model import fit, fit_figures
from proxsweep.dms.model.fit_files import predictions
from proxsweep.dms.model.losses import agreement
from proxsweep.jobs.closure import closure
from proxsweep.report import style


def fitted(encoding):
    return fit.fit(encoding, 1e-6, "reference", toys.MODEL, toys.SOLVER, lambda line: None)


def with_shifts(done, shifts, times_seen):
    """The fit with other shifts and numbers of variants: (rows, mutations) and (conditions, mutations)."""
    encoding = replace(done.encoding, times_seen=np.array(times_seen))
    return replace(done, encoding=encoding, best=replace(done.best, shifts=np.array(shifts)))


def test_largest_shifts_are_among_mutations_seen_where_they_are_compared():
    done = with_shifts(
        fitted(toys.toy(mutations=4, bundle=0)),
        [[9.0, 1.0, 0.0, 0.5], [2.0, -3.0, 0.0, 8.0]],
        [[1, 1, 1, 1], [0, 1, 1, 1], [1, 1, 1, 0]],  # c1 never saw A1C, c2 never saw A4C
    )
    found = fit_figures.largest_shifts(done)
    assert found["mutation"].tolist() == ["A2C", "A1C", "A4C"], "by 3, 2 and 0.5; all shifts of A3C are zero"
    assert fit_figures.largest_shifts(done, count=1)["mutation"].tolist() == ["A2C"]
    unseen = with_shifts(done, done.best.shifts, [[0] * 4, [1] * 4, [1] * 4])
    assert fit_figures.largest_shifts(unseen).empty


def test_one_condition_has_no_largest_shifts():
    assert fit_figures.largest_shifts(fitted(toys.toy(conditions=1))).empty


@pytest.mark.slow
def test_figures_of_many_conditions_and_of_a_diverged_fit(tmp_path):
    """Panels that stay empty are taken away; a fit with nothing finite to show is drawn nonetheless."""
    done = fitted(toys.toy(conditions=5))
    figure = fit_figures.observed_against_predicted(done)
    assert len(figure.axes) == 2 * 5
    assert [ax.get_title() for ax in figure.axes if ax.get_title()] == list(done.encoding.conditions)
    assert len(style.image(figure).data) > 1000
    lost = replace(done, best=replace(done.best, b=np.full_like(done.best.b, np.nan)))
    assert len(style.image(fit_figures.observed_against_predicted(lost)).data) > 1000


def test_every_variant_is_counted_in_a_cell():
    done = fitted(toys.toy(conditions=2))
    figure = fit_figures.observed_against_predicted(done)
    drawn = [float(np.ma.sum(ax.images[0].get_array())) for ax in figure.axes]
    sizes = np.diff(done.encoding.offsets)
    assert drawn == [*sizes, *sizes]
    table = predictions(done)
    for ax, condition in zip(figure.axes, done.encoding.conditions, strict=False):
        part = table[(table["condition"] == condition) & (table["weight"] > 0)]
        correlation, error = agreement(part)
        assert ax.texts[0].get_text() == f"r = {correlation:.3f}\nRMSE = {error:.3g}\nn = {len(part)}"


def test_every_start_is_drawn_and_told_apart():
    done = fitted(toys.toy(conditions=1))
    many = replace(done, solutions=[replace(done.best, start=f"random-{k}") for k in range(9)])
    figure = fit_figures.convergence(many)
    for ax in figure.axes:
        looks = {line.get_label(): (line.get_color(), line.get_linestyle()) for line in ax.lines}
        assert sorted(looks) == [f"start random-{k}" for k in range(9)] and len(set(looks.values())) == 9


def test_figures_reach_the_fit_notebook_through_this_module_alone():
    """So an edit of what only draws need not refit; and no fit waits for the import of seaborn."""
    notebook = Path(__file__).resolve().parents[4] / "notebooks/dms/fit.ipynb"
    cells = json.loads(notebook.read_text())["cells"]
    code = [line for cell in cells if cell["cell_type"] == "code" for line in cell["source"]]
    imported = [line.strip() for line in code if "import" in line and "proxsweep" in line]
    assert imported == [f"from proxsweep.dms.model import {name}" for name in ("fit_figures", "fit_files")]
    numbers = {path.stem for path in closure("proxsweep.dms.model.fit_files")}
    assert "fit" in numbers and not numbers & {"style", "wording", "looks", "strength_axis", "fit_figures"}
    assert not any("seaborn" in path.read_text() for path in closure(notebook))
