"""Which fits one job makes."""

import pytest

from proxsweep.sweep import grid, pieces
from proxsweep.sweep.study import Roles, Study

ROLES = Roles(order=("difference", "lasso", "replicate"), strength="lasso", replicate="replicate", path="lasso")
SWEEP = {"difference": ["reference", "equivariant"], "lasso": [0.0, 1e-3, 2e-3], "replicate": ["1", "2"]}


def study(**changes) -> Study:
    return Study(**{"name": "s", "family": "dms", "roles": ROLES, "sweep": SWEEP, **changes})


def made(found: list[pieces.Piece]) -> list[str]:
    """Paths of all fits that jobs of the pieces make, over all values of the wildcards."""
    values = {"difference": SWEEP["difference"], "replicate": SWEEP["replicate"], "fold": ["1", "2"], "resample": ["1"]}
    parts = []
    for piece in found:
        some = [{}]
        for name in piece.wildcards:
            some = [{**one, name: value} for one in some for value in values[name]]
        parts += [pattern.format(**one) for pattern in piece.patterns for one in some]
    return parts


@pytest.mark.parametrize("size", [None, 1, 2, 3, 9])
def test_pieces_make_every_fit_once(size):
    folds = {"folds": 2, "seed": 1, "replicates": ["1", "2"], "stratify": None}
    resamples = {"count": 1, "seed": 1, "method": "bootstrap", "lasso": [1e-3]}
    one = study(cross_validation=folds, resamples=resamples)
    found = pieces.pieces(one, size)
    assert sorted(made(found)) == sorted(fit.parts for fit in grid.table(one))
    assert max(len(piece.labels) for piece in found) == min(size or 3, 3)
    assert len({piece.name for piece in found}) == len(found)


def test_a_path_runs_towards_the_neighbour_s_other_side():
    assert pieces.pieces(study())[0].labels == ("0.002", "0.001", "0")
    up = study(roles=Roles(order=ROLES.order, path="lasso", path_descends=False))
    assert pieces.pieces(up)[0].labels == ("0", "0.001", "0.002")


def test_without_a_path_every_fit_is_one():
    alone = study(roles=Roles(order=ROLES.order))
    (piece,) = pieces.pieces(alone)
    assert piece.labels == ("",) and piece.wildcards == ("difference", "lasso", "replicate")
    assert pieces.count([alone]) == 12 and pieces.count([study()]) == 4
    assert len({pieces.key(fit) for fit in grid.table(alone)}) == 12


def test_jobs_are_no_fewer_than_cores():
    one = study()
    assert pieces.size(one, paths=4, cores=4) is None
    assert pieces.size(one, paths=4, cores=8) == 1  # of three fits: two jobs would be 2 and 1
    assert pieces.size(one, paths=1, cores=2) == 1
    many = study(sweep={**SWEEP, "lasso": [k * 1e-3 for k in range(8)]})
    assert pieces.size(many, paths=1, cores=2) == 4 and len(pieces.pieces(many, 4)) == 2
    assert pieces.size(many, paths=1, cores=100) == 1


def test_a_job_has_no_more_fits_than_its_command_can_name():
    many = study(sweep={**SWEEP, "lasso": [k * 1e-5 for k in range(pieces.MOST + 1)]})
    assert [len(piece.labels) for piece in pieces.pieces(many)] == [pieces.MOST, 1]
