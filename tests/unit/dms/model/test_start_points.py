"""Starting points: their names, what they depend on, and what is refused."""

import numpy as np
import pytest

import toys
from proxsweep.dms.model import fit, fit_files, start_points
from proxsweep.dms.model.arrays import row_offsets
from proxsweep.dms.model.model import Model
from proxsweep.io.errors import UserError
from proxsweep.optimize.difference import equivariant


def model(encoding, sigmoid=True) -> Model:
    matrix = equivariant([str(name) for name in encoding.conditions])
    return Model(sigmoid=sigmoid, difference=matrix, offsets=row_offsets(encoding))


def test_names():
    def names(starts, sigmoid=True, has_neighbour=True, check="chosen"):
        return start_points.names({"starts": starts, "check_starts": check}, sigmoid, has_neighbour)

    assert names(["zeros", "3x_random", "neighbour"]) == ["zeros", "random-1", "random-2", "random-3", "neighbour"]
    assert names(["linear", "neighbour"], has_neighbour=False) == ["linear", "zeros"]
    assert names(["zeros", "neighbour"], has_neighbour=False) == ["zeros"]
    # a cold start is compared with one from the neighbour, where it is asked for and there is one
    assert names(["neighbour"], check="all") == ["neighbour", "zeros"]
    assert names(["zeros", "neighbour"], check="all") == ["zeros", "neighbour"]
    assert names(["linear"], check="all") == ["linear"]
    # one optimum: one start will do
    assert names(["3x_random", "neighbour"], sigmoid=False, check="all") == ["neighbour"]
    assert names(["3x_random", "neighbour"], sigmoid=False, has_neighbour=False) == ["zeros"]


def test_a_random_start_depends_on_its_seed_and_number_alone():
    encoding = toys.toy(3)
    zeros = start_points.zeros(model(encoding), encoding, 4.0)
    one, again, other, number = (
        start_points.random(zeros, encoding, 4.0, seed, k) for seed, k in ((1, 2), (1, 2), (2, 2), (1, 3))
    )
    for name in ("b", "b0", "scale"):
        assert np.array_equal(one[name], again[name])
    assert not np.array_equal(one["b"], other["b"]) and not np.array_equal(one["b"], number["b"])
    assert all(0 < float(point["scale"]) <= 4.0 for point in (one, other, number))


@pytest.fixture(scope="module")
def solution(tmp_path_factory):
    encoding, folder = toys.toy(3), tmp_path_factory.mktemp("solution")
    spec = {"study": "s", "fit": {"lasso": 2e-3, "difference": "equivariant"}, "labels": {}}
    spec |= {"model": toys.MODEL, "solver": toys.SOLVER}
    done = fit.fit(encoding, 2e-3, "equivariant", toys.MODEL, toys.SOLVER, lambda line: None)
    fit_files.write(done, spec, folder)
    return encoding, done, folder / "parameters.npz"


def test_a_neighbours_solution_is_where_its_own_fit_ends(solution):
    encoding, done, path = solution
    solver = {**toys.SOLVER, "starts": ["neighbour"]}
    again = fit.fit(encoding, 2e-3, "equivariant", toys.MODEL, solver, lambda line: None, path)
    assert again.best.start == "neighbour" and again.best.iterations == 0
    assert again.best.objective == pytest.approx(done.best.objective, rel=1e-12)
    np.testing.assert_array_equal(again.best.b, done.best.b)


def test_solutions_of_other_problems_are_refused(solution, tmp_path):
    encoding, _, path = solution
    fewer = toys.toy(2)
    with pytest.raises(UserError, match="another fit's parameters"):
        start_points.from_fit(path, model(fewer), fewer)
    with pytest.raises(UserError, match="another fit's parameters"):
        start_points.from_fit(path, model(encoding, sigmoid=False), encoding)
    (tmp_path / "broken.npz").write_bytes(path.read_bytes()[:50])
    with pytest.raises(UserError, match="cannot be read"):
        start_points.from_fit(tmp_path / "broken.npz", model(encoding), encoding)
