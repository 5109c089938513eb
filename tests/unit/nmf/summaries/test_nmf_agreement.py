"""Clusters against labels: Hubert and Arabie's index against scikit-learn's, and which column is taken."""

import numpy as np
import pandas as pd
import pytest
from nmf_tables import clusters
from sklearn.metrics import adjusted_rand_score

from proxsweep.io.errors import UserError
from proxsweep.io.files import write_csv
from proxsweep.nmf.summaries import agreement


def series(values):
    return pd.Series(list(values), name="kind")


@pytest.mark.parametrize("seed", range(5))
def test_the_index_is_that_of_scikit_learn(seed):
    rng = np.random.default_rng(seed)
    a, b = rng.integers(0, 4, 60), rng.integers(0, 3 + seed, 60)
    b[:30] = a[:30]
    assert agreement.adjusted_rand_index(series(a), series(b)) == pytest.approx(adjusted_rand_score(a, b), rel=1e-12)


@pytest.mark.parametrize(("a", "b"), [("aabb", "xxyy"), ("aaaa", "xxxx"), ("abcd", "wxyz"), ("aabb", "xxxx")])
def test_the_index_of_trivial_partitions_is_that_of_scikit_learn(a, b):
    assert agreement.adjusted_rand_index(series(a), series(b)) == adjusted_rand_score(list(a), list(b))


def test_samples_without_label_or_cluster_do_not_count():
    labels, found = series(["a", "a", "b", "b", "", None, "a"]), pd.Series([1, 1, 2, 2, 1, 2, pd.NA], dtype="Int64")
    assert agreement.adjusted_rand_index(labels, found) == 1.0
    assert agreement.contingency(labels, found).to_numpy().tolist() == [[2, 0], [0, 2]]
    assert np.isnan(agreement.adjusted_rand_index(labels.iloc[4:6], found.iloc[4:6]))


def test_label_columns_stand_between_the_sample_and_the_ranks():
    columns = ["study", "algorithm", "replicate", "sample", "kind", "donor", "rank_2", "rank_10"]
    assert agreement.label_columns(columns) == ["kind", "donor"]
    assert agreement.label_columns(["sample", "kind", "factor_1", "cluster"], "factor_1") == ["kind"]
    assert agreement.label_columns(["study"]) == []


def test_the_first_column_with_few_labels_is_taken():
    table = clusters().assign(rank_2=1)
    table.insert(4, "donor", [f"d{k}" for k in range(6)])
    table.insert(4, "batch", "all")
    assert agreement.label_column(table, None) == "donor"
    many = pd.concat([table] * 6, ignore_index=True)
    many["donor"] = [f"d{k}" for k in range(36)]
    assert agreement.label_column(many, None) == "kind"
    assert agreement.label_column(many, "donor") == "donor"
    assert agreement.label_column(table[["study", "sample", "rank_2"]], None) == ""


def test_a_column_that_was_renamed_is_found():
    table = clusters().rename(columns={"kind": "label_rank_2"})
    assert agreement.label_column(table, "rank_2") == "label_rank_2"


def test_a_column_that_is_not_there_is_refused():
    with pytest.raises(UserError, match="no column 'tissue'.*'kind'"):
        agreement.label_column(clusters(), "tissue")
    with pytest.raises(UserError, match="no column of labels"):
        agreement.label_column(clusters().drop(columns="kind"), "kind")


def test_labels_are_read_as_text(tmp_path):
    table = clusters().assign(kind=["1", "1", "2", "2", "", "2"])
    write_csv(tmp_path / "clusters.csv", table)
    found = agreement.read(tmp_path / "clusters.csv")
    assert found["kind"].tolist()[:4] == ["1", "1", "2", "2"] and found["rank_2"].tolist() == [1, 1, 1, 2, 2, 2]
    assert agreement.label_column(found, None) == "kind"
    with pytest.raises(UserError, match="no such file"):
        agreement.read(tmp_path / "other.csv")
