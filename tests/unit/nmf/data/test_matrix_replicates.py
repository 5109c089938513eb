"""Replicates: random parts of the samples, or those with one label; what is too small is refused."""

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from proxsweep.io.errors import UserError
from proxsweep.nmf.data import replicates
from proxsweep.nmf.data.encoding import Encoding
from proxsweep.nmf.data.table import counted

V = np.random.default_rng(5).poisson(1.0, (6, 11)).astype(float) + 0.0
V[:, 4], V[5] = 0, 0
V[5, 0] = 8  # this feature is in the first sample only
FEATURES, SAMPLES = np.array(list("ABCDEF")), np.array([f"s{k}" for k in range(11)])
DONORS = ["d1", "d2", "d1", "d1", "d2", "", "d2", "d1", "d2", "7", "7"]
TABLE = pd.DataFrame({"sample": SAMPLES.astype(object), "donor": DONORS})


def spec(chosen=None, ranks=(1, 2), normalise=("none",)):
    return {"study": "mine", "data": {"replicates": chosen}, "ranks": list(ranks), "normalise": list(normalise)}


@pytest.fixture(params=[np.asarray, sparse.csr_array])
def whole(request):
    return Encoding.of(FEATURES, SAMPLES, request.param(V))


def dense(encoding):
    """The matrix with its zeros, in all features and the replicate's samples."""
    matrix = encoding.matrix.toarray() if sparse.issparse(encoding.matrix) else encoding.matrix
    return encoding.embed(encoding.embed(matrix, 0, "features"), 1, "samples")


def test_without_replicates_there_is_one_of_all_samples(whole):
    found, told = replicates.encode(spec(), whole, TABLE, "1")
    np.testing.assert_array_equal(dense(found), V)
    assert told[["replicate", "step", "dropped_features", "reason"]].to_numpy().tolist() == [
        ["1", "replicate", 0, "all samples"]
    ]


@pytest.mark.parametrize("count", [2, 3])
def test_random_parts_share_out_the_samples_that_are_not_zero(whole, count):
    chosen = {"split": count, "seed": 1}
    parts = [replicates.encode(spec(chosen), whole, TABLE, str(k + 1))[0] for k in range(count)]
    dealt = [name for part in parts for name in part.samples]
    assert sorted(dealt) == sorted(set(SAMPLES) - {"s4"})
    sizes = [len(part.samples) for part in parts]
    assert max(sizes) - min(sizes) <= 1
    for part in parts:
        places = [SAMPLES.tolist().index(name) for name in part.samples]
        assert places == sorted(places) and part.features.tolist() == FEATURES.tolist()
        np.testing.assert_array_equal(dense(part), V[:, places])


def test_parts_depend_on_the_seed_alone(whole):
    def names(seed):
        return replicates.encode(spec({"split": 2, "seed": seed}), whole, TABLE, "1")[0].samples.tolist()

    assert names(1) == names(1) and len({tuple(names(seed)) for seed in range(1, 6)}) > 1


def test_a_feature_of_other_samples_is_left_out_and_counted(whole):
    both = [replicates.encode(spec({"split": 2, "seed": 1}), whole, TABLE, label) for label in "12"]
    without = next((found, told) for found, told in both if "s0" not in found.samples)
    assert not without[0].kept_features[5] and np.isfinite(without[0].matrix.sum())
    row = without[1].iloc[0]
    lost = int((~without[0].kept_features).sum())
    assert (
        row["dropped_features"] == lost >= 1 and f"{counted(lost, 'feature')} without an entry above 0" in row["reason"]
    )
    assert "random part" in row["reason"] and "seed 1" in row["reason"]


def test_samples_with_one_label(whole):
    for label, members in (("d1", [0, 2, 3, 7]), ("d2", [1, 4, 6, 8]), ("7", [9, 10])):
        found, told = replicates.encode(spec({"column": "donor"}), whole, TABLE, label)
        assert found.samples.tolist() == SAMPLES[members].tolist()
        np.testing.assert_array_equal(dense(found), V[:, members])
        assert f"`donor` is {label}" in told["reason"].iloc[0]
    assert found.kept_samples.all()


def refusal(*arguments):
    with pytest.raises(UserError) as caught:
        replicates.encode(*arguments)
    return caught.value


def test_replicates_that_are_too_small(whole):
    donors = {"column": "donor"}
    assert "no sample of the matrix" in refusal(spec(donors), whole, TABLE, "d9").found
    error = refusal(spec(donors, [3]), whole, TABLE, "7")
    assert "of replicate 7 of" in error.found and error.expected == "ranks of at most 2"
    alone = TABLE.assign(donor=["only", *DONORS[1:]])
    assert "and 1 sample" in refusal(spec(donors, [1]), whole, alone, "only").found
    assert refusal(spec({"split": 10, "seed": 1}, [1]), whole, TABLE, "3").place == "mine, replicate 3"


def test_a_feature_that_varies_between_replicates_only():
    matrix = np.array([[1.0, 1, 2, 3], [5, 5, 7, 7], [1, 2, 3, 4]])
    whole = Encoding.of(np.array(list("ABC")), np.array(list("wxyz")), matrix)
    table = pd.DataFrame({"sample": list("wxyz"), "donor": ["1", "1", "2", "2"]})
    error = refusal(spec({"column": "donor"}, normalise=["feature_sd"]), whole, table, "2")
    assert "1 feature whose entries are all equal of replicate 2 (the first: 'B')" in error.found


def test_labels_of_another_matrix_are_refused(whole):
    assert "other samples" in refusal(spec(), whole, TABLE.iloc[::-1], "1").found


def test_labels_known_at_planning(tmp_path):
    assert replicates.labels({"replicates": None}, tmp_path) == ["1"]
    assert replicates.labels({"replicates": {"split": 3, "seed": 1}}, tmp_path) == ["1", "2", "3"]
    TABLE.to_csv(tmp_path / "s.csv", index=False)
    data = {"replicates": {"column": "donor"}, "samples": "s.csv"}
    assert replicates.labels(data, tmp_path) == ["d1", "d2", "7"]


@pytest.mark.parametrize(("label", "found"), [("a b", "'a b'"), ("x/y", "'x/y'"), ("y" * 65, "y" * 65)])
def test_labels_that_name_no_folder(tmp_path, label, found):
    TABLE.assign(donor=[label, *DONORS[1:]]).to_csv(tmp_path / "s.csv", index=False)
    with pytest.raises(UserError) as caught:
        replicates.labels({"replicates": {"column": "donor"}, "samples": "s.csv"}, tmp_path)
    assert found in caught.value.found and "column 'donor'" in caught.value.place


def test_an_empty_column_has_no_replicates(tmp_path):
    TABLE.assign(donor="").to_csv(tmp_path / "s.csv", index=False)
    with pytest.raises(UserError, match="no label"):
        replicates.labels({"replicates": {"column": "donor"}, "samples": "s.csv"}, tmp_path)
