"""From a file to a study's matrix: what is selected and left out, and what the data report says of it."""

import numpy as np
import pytest
from scipy import sparse

from proxsweep.io.errors import UserError
from proxsweep.io.files import write_csv
from proxsweep.nmf.data import report
from proxsweep.nmf.data.prepare import prepare
from proxsweep.nmf.data.read import read
from proxsweep.nmf.data.select import select
from proxsweep.report import dropped

TABLE = "gene,s1,s2,s3,s4\nA,1,2,0,4\nB,0,0,0,0\nC,5,5,0,5\nD,9,0,0,1\nE,2,3,0,2\n"


@pytest.fixture
def path(tmp_path):
    (tmp_path / "v.csv").write_text(TABLE)
    return tmp_path / "v.csv"


def spec(**changes):
    data = {"features_in": None, "layer": None, "samples": None, "replicates": None, "features": None}
    made = {"study": "mine", "normalise": ["none"], "ranks": [1, 2], "data": {**data, **changes.pop("data", {})}}
    return {**made, **changes}


def refusal(path, *samples, **changes):
    with pytest.raises(UserError) as caught:
        prepare(spec(**changes), path, *(samples or [None]))
    return caught.value


def test_zeros_are_left_out_and_counted(path):
    whole, told, labels = prepare(spec(), path, None)
    assert whole.features.tolist() == list("ABCDE") and whole.features[whole.kept_features].tolist() == list("ACDE")
    assert whole.samples[whole.kept_samples].tolist() == ["s1", "s2", "s4"] and whole.matrix.shape == (4, 3)
    assert labels["sample"].tolist() == ["s1", "s2", "s3", "s4"] and labels.columns.tolist() == ["sample"]
    counts = ["features", "samples", "entries", "dropped_features", "dropped_samples"]
    assert told["step"].tolist() == ["read", "zeros"] and told.columns.tolist() == report.COLUMNS
    assert told[counts].to_numpy().tolist() == [[5, 4, 11, 0, 0], [4, 3, 11, 1, 1]]
    assert told["reason"].tolist() == ["", "no entry above 0; tables have zeros there"]


def test_the_data_report_is_read_by_the_shared_code(path, tmp_path):
    write_csv(tmp_path / "report.csv", prepare(spec(), path, None)[1])
    found = dropped.read(tmp_path / "report.csv")
    assert found.columns.tolist() == report.COLUMNS and list(dropped.sentences(found)) == []
    assert dropped.note(tmp_path / "report.csv") == ""


def test_a_sparse_matrix_is_prepared_alike(path, tmp_path):
    dense = prepare(spec(), path, None)
    sparse.save_npz(tmp_path / "v.npz", sparse.csr_array(read(path).matrix))
    found = prepare(spec(), tmp_path / "v.npz", None)
    np.testing.assert_array_equal(found[0].matrix.toarray(), dense[0].matrix)
    assert found[1].drop(columns="reason").equals(dense[1].drop(columns="reason"))


def test_the_most_variable_features_in_the_order_of_the_file(path):
    variances = dict(zip("ABCDE", read(path).matrix.var(axis=1, ddof=1), strict=True))
    assert sorted(variances, key=variances.get)[-3:] == ["A", "C", "D"]
    whole, told, _ = prepare(spec(data={"features": {"most_variable": 3}}), path, None)
    assert whole.features.tolist() == ["A", "C", "D"]
    assert told.loc[1, ["step", "features", "dropped_features"]].tolist() == ["features", 3, 2]


def test_of_equal_variances_the_first(tmp_path):
    (tmp_path / "v.csv").write_text("g,a,b\nA,1,1\nB,0,3\nC,3,0\nD,5,2\n")
    for kept, expected in ((1, ["B"]), (2, ["B", "C"]), (4, list("ABCD"))):
        assert select(read(tmp_path / "v.csv"), {"most_variable": kept}, "mine")[0].features.tolist() == expected


def test_a_list_of_features_keeps_the_order_of_the_file(path):
    assert prepare(spec(data={"features": ["E", "A", "E"]}), path, None)[0].features.tolist() == ["A", "E"]


def test_features_that_are_not_there(path):
    error = refusal(path, data={"features": {"most_variable": 6}})
    assert error.place == "mine, data.features.most_variable" and "6 of the 5 features" in error.found
    error = refusal(path, data={"features": ["A", "HLA-A", "F"]})
    assert error.place == "mine, data.features" and error.found.endswith("(the first: 'HLA-A'), 2 in all")
    error = refusal(path, data={"features": ["A"]})
    assert error.place == "mine, data.features" and error.found == "1 feature and 4 samples"


def test_ranks_count_what_is_not_zero(path):
    error = refusal(path, ranks=[2, 4])
    assert "rank 4 for a matrix of 4 features and 3 samples that are not all zero" in error.found
    prepare(spec(ranks=[3]), path, None)


def test_constant_rows_among_the_samples_that_are_kept(path):
    assert "(the first: 'C')" in refusal(path, normalise=["feature_sd"]).found
    prepare(spec(normalise=["feature_sd"], data={"features": ["A", "D", "E"]}), path, None)


def test_entries_below_0_are_refused(path):
    path.write_text(TABLE.replace("9,0", "9,-1"))
    assert "1 entries below 0 (the first: -1, feature 'D', sample 's2')" in refusal(path).found


def test_labels_and_rows_of_no_sample(path, tmp_path):
    table = tmp_path / "samples.csv"
    table.write_text("sample,donor\nx,d1\ns4,d2\ns3,\ns2,d1\ns1,d1\n")
    changes = {"samples": "samples.csv", "replicates": {"column": "donor"}}
    _, told, labels = prepare(spec(data=changes), path, table)
    assert labels["donor"].tolist() == ["d1", "d1", "", "d2"]
    assert told["step"].tolist() == ["read", "zeros", "labels"]
    assert (
        told["reason"].iloc[-1] == "the table of samples has 1 row of none in the matrix; 1 sample without a replicate"
    )
    table.write_text("sample\ns1\n")
    assert "no row for 3 of 4 samples" in refusal(path, table).found
