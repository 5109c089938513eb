"""The consensus as tables and figures: top features, labels by cluster, what the foot counts, why there is none."""

import numpy as np
import pandas as pd
import pytest
from nmf_tables import choice, foot, no_choice, words

from proxsweep.io.files import write_csv, write_npz
from proxsweep.nmf.summaries import consensus, consensus_figures
from proxsweep.nmf.summaries.consensus import Consensus

SAMPLES = [f"s{k}" for k in range(6)]


def made(features=30, samples=SAMPLES, **summary):
    """Two factors whose shares follow the number of the feature; two kinds of samples, one in the other's cluster."""
    numbers = np.arange(1, features + 1, dtype=float)
    shares = {"factor_1": numbers / numbers.sum(), "factor_2": numbers[::-1] / numbers.sum()}
    names = [f"g{k}" for k in range(1, features + 1)]
    own = pd.DataFrame({"sample": samples, "kind": ["a", "a", "a", "b", "b", "b"]})
    own["factor_1"], own["factor_2"] = [3.0, 3.0, 3.0, 0.0, 0.0, 1.0], [0.0, 0.0, 0.0, 1.0, 1.0, 0.0]
    own["share_factor_1"], own["share_factor_2"] = own["factor_1"] > 1, own["factor_2"] > 0
    own["largest_factor"], own["cluster"] = "factor_1", [1, 1, 1, 2, 2, 1]
    factors = pd.DataFrame(
        {
            **{"start": np.repeat(["random-1", "random-2"], 2), "factor": [1, 2, 1, 2], "status": "converged"},
            **{"local_density": [0.01, 0.02, 0.02, 0.7], "outlier": [False, False, False, True]},
            **{"group": [1, 2, 1, None], "cosine": [1.0, 1.0, 0.9, np.nan]},
        }
    )
    row = {
        **{"study": "s", "algorithm": "hals", "rank": 2, "replicate": "1", "status": "converged", "starts": 3},
        **{
            "starts_used": 2,
            "not_converged": 1,
            "diverged": 0,
            "density_threshold": 0.5,
            "neighbours": 1,
            "factors": 4,
        },
        **{
            "outliers": 1,
            "loss": 1.0,
            "loss_of_fit": 0.9,
            "cophenetic": 0.987,
            "consensus_samples": 6,
            "reason": np.nan,
        },
        **summary,
    }
    together = (own["cluster"].to_numpy()[:, None] == own["cluster"].to_numpy()).astype(np.float32)
    order = np.argsort(own["cluster"], kind="stable")
    arrays = {
        "consensus": together[np.ix_(order, order)],
        "samples": own["sample"].to_numpy(dtype="U")[order],
        "clusters": own["cluster"].to_numpy(dtype=np.int32)[order],
    }
    return Consensus(pd.DataFrame({"feature": names, **shares}), own, factors, pd.DataFrame([row]), arrays)


def nothing(reason):
    """As it is written where there is no consensus; without a row of the summary if there is no setting."""
    whole = made(reason=reason)
    arrays = {
        "consensus": np.zeros((0, 0), np.float32),
        "samples": np.zeros(0, "U1"),
        "clusters": np.zeros(0, np.int32),
    }
    summary = whole.summary if reason else whole.summary.iloc[:0]
    features, columns = pd.DataFrame(columns=["feature"]), ["sample", "kind", "largest_factor", "cluster"]
    return Consensus(features, pd.DataFrame(columns=columns), whole.factors.iloc[:0], summary, arrays)


def saved(folder, found):
    names = ("features", "samples", "factors", "summary")
    for name in names:
        write_csv(folder / f"{name}.csv", getattr(found, name))
    write_npz(folder / "samples.npz", **found.arrays)
    return consensus.read(*(folder / f"{name}.csv" for name in names), folder / "samples.npz")


def test_files_are_read_as_they_were_written(tmp_path):
    found = saved(tmp_path, made())
    assert found.factor_names == ["factor_1", "factor_2"] and found.nothing == ""
    assert consensus.label_column(found, None) == "kind"
    np.testing.assert_array_equal(found.arrays["consensus"], made().arrays["consensus"])


def test_top_features_are_the_largest_in_order():
    top = consensus.top_features(made())
    assert len(top) == 2 * consensus.MOST_FEATURES
    assert top.loc[top["factor"] == "factor_1", "feature"].tolist()[:3] == ["g30", "g29", "g28"]
    assert top.loc[top["factor"] == "factor_2", "feature"].tolist()[:2] == ["g1", "g2"]
    assert top["share"].iloc[0] == 30 / 465 and top["place"].tolist()[:2] == [1, 2]
    assert len(consensus.top_features(made(3))) == 6


def test_labels_are_counted_by_cluster():
    counts = consensus.label_counts(made(), "kind")
    found = {(row.label, row.cluster): row.samples for row in counts.itertuples()}
    assert found == {("a", 1): 3, ("a", 2): 0, ("b", 1): 1, ("b", 2): 2}
    sizes = consensus.label_counts(made(), "")
    assert sizes["samples"].tolist() == [4, 2] and list(sizes.columns) == list(consensus.LABELS)


def test_shares_of_exposures():
    assert consensus.exposure_shares(made()).tolist() == [10 / 12, 2 / 12]


def test_the_heatmap_has_the_samples_in_the_order_of_the_leaves():
    figure = consensus_figures.figure(made(), choice(rank=2.0), "kind")
    pictures = [ax for ax in figure.axes if ax.images]
    np.testing.assert_array_equal(np.asarray(pictures[0].images[0].get_array()), made().arrays["consensus"])
    strip = np.asarray(pictures[2].images[0].get_array())
    colours = consensus_figures.label_colours(["a", "b"])
    assert [tuple(cell) for cell in strip[0]] == [colours[one] for one in "aaabbb"]


def test_the_foot_says_what_went_into_it():
    said = foot(consensus_figures.figure(made(), choice(rank=2.0), "kind", replicates=2))
    assert "Rank 2, the chosen one. 2 of 3 starts are used (left out: 1 not converged)." in said
    assert "1 of 4 factors of starts are left out as outliers (mean distance of 0.5 or more)." in said
    # 3 + 1 and 2 samples: (4 - e) / ((6 + 7) / 2 - e) with e = 6 * 7 / 15
    assert "Cophenetic correlation 0.987. Adjusted Rand index of clusters against kind: 0.32." in said
    assert "Replicate 1, the first of 2." in said


@pytest.mark.parametrize(
    ("summary", "said"),
    [
        ({"starts_used": 3}, "3 of 3 starts are used, 1 of them not converged, as asked for."),
        ({"starts_used": 1, "diverged": 1}, "(left out: 1 not converged, 1 diverged)"),
        ({"cophenetic": np.nan}, "The cophenetic correlation is undefined"),
        ({"consensus_samples": 2000}, "0.987."),
        ({"status": "max_iterations"}, "The fit itself did not converge."),
    ],
)
def test_the_foot_follows_the_summary(summary, said):
    assert said in foot(consensus_figures.figure(made(**summary), choice(rank=2.0), "kind"))


def test_labels_by_cluster_and_the_threshold_are_drawn():
    figure = consensus_figures.figure(made(), choice(rank=2.0), "kind")
    assert "samples by kind and cluster" in words(figure) and "left out" in words(figure)
    table = next(ax for ax in figure.axes if ax.get_title() == "samples by kind and cluster")
    assert sorted(text.get_text() for text in table.texts) == ["1", "2", "3"]
    bare = consensus_figures.figure(made(), choice(rank=2.0), "")
    assert "no labels to compare" in foot(bare) and "samples by" not in words(bare)
    sizes = next(ax for ax in bare.axes if ax.get_ylabel() == "Samples")
    assert [patch.get_height() for patch in sizes.patches] == [4, 2]


def test_the_features_are_drawn_by_falling_share():
    figure = consensus_figures.features_figure(made(), choice(rank=2.0))
    assert [ax.get_title() for ax in figure.axes] == ["factor 1 (83 %)", "factor 2 (17 %)"]
    widths = [patch.get_width() for patch in figure.axes[0].patches]
    assert widths == [k / 465 for k in range(30, 20, -1)]
    assert "The features drawn are 55 % of a factor." in foot(figure)


def test_many_labels_have_colours_of_their_own():
    labels = [str(k) for k in range(30)]
    assert len(set(consensus_figures.label_colours(labels).values())) >= 28


@pytest.mark.parametrize(
    ("reason", "chosen", "said"),
    [
        ("1 start of 3 converged: two are needed", choice(), "No consensus: 1 start of 3 converged: two are needed."),
        ("", no_choice(), "no consensus"),
    ],
)
def test_without_a_consensus_figures_say_why(tmp_path, reason, chosen, said):
    found = saved(tmp_path, nothing(reason))
    for figure in (consensus_figures.figure(found, chosen, ""), consensus_figures.features_figure(found, chosen)):
        assert said in words(figure)
    assert consensus.top_features(found).empty and consensus.label_counts(found, "").empty
    assert consensus.label_column(found, None) == ""
