"""Reading the table of fits: labels stay text, order is the one people expect."""

import pandas as pd
import pytest

from proxsweep.dms.roles import ROLES
from proxsweep.sweep import fits

CSV = """study,family,difference,lasso,replicate,scale_bound,fold,status,path
s,dms,reference,4e-05,01,10,,converged,p
s,dms,reference,4e-05,2,10,1,converged,q
"""


def test_labels_stay_text_and_swept_columns_are_found(tmp_path):
    (tmp_path / "fits.csv").write_text(CSV)
    table = fits.read(tmp_path / "fits.csv")
    assert table["replicate"].tolist() == ["01", "2"]
    assert table["lasso"].tolist() == [4e-5, 4e-5]
    assert fits.sweep_columns(table) == ["difference", "lasso", "replicate", "scale_bound"]
    assert fits.full(table)["path"].tolist() == ["p"]


def test_a_table_without_fits_is_read(tmp_path):
    (tmp_path / "fits.csv").write_text(CSV.splitlines()[0] + "\n")
    table = fits.read(tmp_path / "fits.csv")
    assert fits.full(table).empty and fits.sweep_columns(table)[0] == "difference"


def test_numbers_come_by_size_and_before_words():
    assert fits.ordered(["10", "lib2", "2", "1", "lib1", "2"]) == ["1", "2", "10", "lib1", "lib2"]
    assert fits.ordered([1e-4, 0.0, 1e-5]) == [0.0, 1e-5, 1e-4]


def test_rows_come_by_matrix_as_met_then_weight_then_replicate():
    table = pd.DataFrame(
        [
            ("reference", 1e-4, "10"),
            ("reference", 0.0, "2"),
            ("equivariant", 0.0, "1"),
            ("reference", 1e-4, "2"),
        ],
        columns=["difference", "lasso", "replicate"],
    ).assign(study="s")
    found = fits.in_order(table, ["difference", "lasso", "replicate"], ROLES)
    assert list(zip(found["difference"], found["lasso"], found["replicate"], strict=True)) == [
        ("reference", 0.0, "2"),
        ("reference", 1e-4, "2"),
        ("reference", 1e-4, "10"),
        ("equivariant", 0.0, "1"),
    ]


@pytest.mark.parametrize("first", [["study", "family"], ["study"]])
def test_settings_are_what_stands_before_the_first_result(first):
    """In the table of fits and in those of summaries alike; a result may have any name, also that of a setting."""
    table = pd.DataFrame(columns=[*first, "difference", "lasso", "replicate", "row", "status", "ridge"])
    assert fits.sweep_columns(table, "row") == ["difference", "lasso", "replicate"]
    assert fits.sweep_columns(table, "row", without=("replicate", "lasso", None)) == ["difference"]
    assert fits.sweep_columns(pd.DataFrame(columns=[*first, "row"]), "row") == []
    with pytest.raises(ValueError, match="fold"):
        fits.sweep_columns(table)
