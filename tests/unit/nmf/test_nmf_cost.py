"""What a study is expected to cost, from the size of its matrix."""

from pathlib import Path

import pytest

from proxsweep import studies
from proxsweep.cost import cost
from proxsweep.nmf import cost as own
from proxsweep.sweep.study import Study


def study(folder: Path, data: dict, **sections: dict) -> Study:
    values = {"family": "nmf", "data": data, "sweep": {"rank": [2, 4]}, **sections}
    return studies.from_config({"studies": {"s": values}}, [], {}, folder)[0]


def simulated(folder: Path, **sizes: int) -> Study:
    return study(folder, {"simulate": {"features": 100, "samples": 50, **sizes}})


def test_fits_and_basis_are_those_of_the_study(tmp_path):
    found = cost(simulated(tmp_path), tmp_path)
    assert (found.fits, found.full) == (2, 2) and found.basis == "by 100 features x 50 samples of the simulate section"


def test_a_fit_costs_more_with_its_starts_ranks_and_entries(tmp_path):
    plain = own.cost(simulated(tmp_path), tmp_path)
    data = {"simulate": {"features": 100, "samples": 50}}
    for other in (
        simulated(tmp_path, features=1000),
        study(tmp_path, data, sweep={"rank": [2, 40]}),
        study(tmp_path, data, solver={"starts": ["100x_random"]}),
    ):
        found = own.cost(other, tmp_path)
        assert found.fit_seconds > plain.fit_seconds and found.fit_bytes > plain.fit_bytes


@pytest.mark.parametrize(("starts", "number"), [(["random"], 1), (["12x_random", "nndsvd"], 13), (["neighbour"], 1)])
def test_starts_are_counted(tmp_path, starts, number):
    assert own.starts(study(tmp_path, {"simulate": {}}, solver={"starts": starts})) == number


def test_a_part_of_the_samples_is_smaller_and_everything_is_stored_twice(tmp_path):
    whole = own.cost(simulated(tmp_path), tmp_path)
    halves = own.cost(
        study(tmp_path, {"simulate": {"features": 100, "samples": 50}, "replicates": {"split": 2}}), tmp_path
    )
    assert (
        halves.fit_seconds < whole.fit_seconds and halves.study_bytes == whole.study_bytes == 2 * 5000 * own.ENTRY_BYTES
    )


def test_the_size_of_a_file_stands_for_its_entries(tmp_path):
    (tmp_path / "m.csv").write_text("feature,a,b\n" + "x,1,2\n" * 100)
    (tmp_path / "m.npy").write_bytes(bytes(8 * 300))
    (tmp_path / "m").mkdir()
    for name in ("matrix.mtx.gz", "barcodes.tsv", "features.tsv"):
        (tmp_path / "m" / name).write_bytes(bytes(500))
    assert own.data_size(study(tmp_path, {"matrix": "m.csv"}), tmp_path).entries == 612 / own.TEXT_BYTES
    assert own.data_size(study(tmp_path, {"matrix": "m.npy"}), tmp_path).entries == 300
    assert own.data_size(study(tmp_path, {"matrix": "m"}), tmp_path).entries == 500 / own.PACKED_BYTES


def test_fits_to_folds_have_starts_of_their_own(tmp_path):
    folds = study(tmp_path, {"simulate": {}}, solver={"starts": ["9x_random"]}, cross_validation={"folds": 3})
    assert own.starts(folds) == pytest.approx((2 * 9 + 6 * 5) / 8)
