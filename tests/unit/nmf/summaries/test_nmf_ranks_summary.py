"""The table and the figure of the ranks: numbers by hand, the chosen rank shaded, words for what is missing."""

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from nmf_tables import choice, clusters, errors, fits, foot, hollow, no_choice, stability, validated, words

from proxsweep.nmf.summaries import ranks, ranks_figure
from proxsweep.report import strength_axis

GREY = mpl.colors.to_rgba(strength_axis.CHOSEN_COLOUR)


def made(replicates=("1",), algorithms=("hals",), found=None, label="kind", chosen=None, **more):
    table = fits(replicates, algorithms, folds=3) if found is None else found
    parts = {
        "errors": errors(table),
        "validated": validated(algorithms),
        "stability": stability(replicates, algorithms),
        "clusters": clusters(replicates, algorithms),
        "choice": choice(algorithms=algorithms) if chosen is None else chosen,
        **more,
    }
    return ranks.table(table, **parts, label_column=label)


def bands(figure):
    return [patch for ax in figure.axes for patch in ax.patches if patch.get_facecolor() == GREY]


def curves(ax):
    return [
        np.asarray(line.get_ydata(), float).round(9).tolist() for line in ax.lines if line.get_linestyle() != "None"
    ]


def test_values_are_those_of_the_tables():
    table = made()
    assert list(table.columns) == ["study", "algorithm", "rank", *ranks.RESULTS]
    assert table["rank"].tolist() == [2, 3, 4]
    assert table["relative_error"].tolist() == [1 / 2, 1 / 3, 1 / 4]
    assert table["validation_loss"].tolist() == [0.25, 0.5 / 3, 0.125] and set(table["standard_error"]) == {0.01}
    assert table["validation_median"].tolist() == [4.0, 5.0, 6.0]
    assert table["cophenetic"].tolist() == [0.98, 0.97, 0.96]
    assert table["starts"].tolist() == [10, 10, 10] and table["other_optimum"].tolist() == [2, 3, 4]
    assert table["at_best"].tolist() == [6, 5, 4] and set(table["not_converged"]) == {1}
    assert table["unconverged"].tolist() == [0, 0, 0] and set(table["label_column"]) == {"kind"}


def test_the_index_compares_clusters_with_labels():
    # rank 2 has the labels' groups, rank 3 each of them once in every cluster: (0 - e) / ((3 + 6) / 2 - e), e = 18 / 15
    table = made()
    np.testing.assert_allclose(table["adjusted_rand_index"].iloc[:2], [1.0, -1.2 / 3.3], rtol=1e-12)
    assert made(label="")["adjusted_rand_index"].isna().all()


def test_the_median_leaves_out_what_a_single_fold_spoils():
    table = fits(folds=3)
    table.loc[(table["fold"] == "3") & (table["rank"] == 4), "validation_loss"] = 1e6
    assert made(found=table)["validation_median"].iloc[2] == 6.0
    table.loc[(table["fold"] == "2") & (table["rank"] == 4), "status"] = "diverged"
    assert made(found=table)["validation_median"].iloc[2] == (5.0 + 1e6) / 2


def test_errors_are_means_and_stability_is_the_least_over_replicates():
    table = made(replicates=("1", "2"))
    assert table["replicates"].tolist() == [2, 2, 2]
    np.testing.assert_allclose(table["relative_error"], [1.5 / 2, 1.5 / 3, 1.5 / 4])
    np.testing.assert_allclose(table["mean_silhouette"], [0.81, 0.71, 0.61])
    assert table["starts"].tolist() == [20, 20, 20] and table["other_optimum"].tolist() == [4, 6, 8]
    one = stability(("1", "2"))
    one.loc[0, "mean_silhouette"] = np.nan
    assert np.isnan(made(replicates=("1", "2"), stability=one)["mean_silhouette"].iloc[0])


@pytest.mark.parametrize(
    ("chosen", "held_out", "stable", "marked"),
    [
        (choice(), 3, 2, 3),
        (choice(rank=2.0, by="stability"), 3, 2, 2),
        (choice(rank=4.0, held_out=np.nan, by="ranking", selected=False), None, 2, None),
    ],
)
def test_rules_mark_their_ranks(chosen, held_out, stable, marked):
    table = made(chosen=chosen).set_index("rank")
    for name, rank in (("held_out", held_out), ("stability", stable), ("chosen", marked)):
        assert table.index[table[name]].tolist() == ([] if rank is None else [rank])


def test_the_figure_draws_the_main_setting_and_counts_the_others():
    both = ("hals", "mu")
    table = made(algorithms=both)
    assert len(table) == 6 and table.loc[table["chosen"], "algorithm"].tolist() == ["hals"]
    figure = ranks_figure.figure(table, choice(algorithms=both))
    assert curves(figure.axes[0]) == [[0.5, round(1 / 3, 9), 0.25]]
    assert "This figure shows algorithm hals; one other setting is in the table." in foot(figure)


def test_every_panel_draws_its_columns():
    figure = ranks_figure.figure(made(), choice())
    labels = [ax.get_ylabel().replace("\n", " ") for ax in figure.axes]
    assert labels[:4] == [
        "Relative error",
        "Share of variance explained",
        "Held-out error",
        "Adjusted Rand index of kind",
    ]
    assert labels[4:] == ["Silhouette of matched factors", "Cophenetic correlation of samples", "Starts"]
    assert [0.25, round(0.5 / 3, 9), 0.125] in curves(figure.axes[2])
    heights = sorted(patch.get_height() for patch in figure.axes[6].patches if patch.get_facecolor() != GREY)
    assert heights == [1, 1, 1, 1, 1, 1, 2, 3, 4, 4, 5, 6]


def test_the_chosen_rank_is_shaded_and_the_rule_named():
    figure = ranks_figure.figure(made(), choice())
    assert len(bands(figure)) == len(figure.axes) == 7
    assert "Rank 3 is chosen by held-out error (because)." in foot(figure)
    assert "The rules disagree: held-out error: 3; stability: 2." in foot(figure)


@pytest.mark.parametrize(
    ("chosen", "said"),
    [
        (choice(stable=3.0), "Both rules, held-out error and stability, select rank 3."),
        (
            choice(held_out=np.nan, by="given"),
            "Rank 3 is given in the config. By rule: held-out error: no rank; stability: 2.",
        ),
        (
            choice(4.0, np.nan, np.nan, "ranking", False, reason="no rank: starts agree at none"),
            "No rank is chosen: starts agree at none.",
        ),
    ],
)
def test_the_foot_says_what_the_rules_say(chosen, said):
    figure = ranks_figure.figure(made(chosen=chosen), chosen)
    assert said in foot(figure)
    assert len(bands(figure)) == (7 if chosen["selected"].all() else 0)


def test_without_cross_validation_the_panel_says_so():
    table = made(found=fits(), validated=validated().iloc[:0])
    assert table["validation_loss"].isna().all() and table["validation_median"].isna().all()
    figure = ranks_figure.figure(table, choice(held_out=np.nan, by="stability"))
    assert "`cross_validation: {folds: 10}`" in words(figure) and "standard error" not in foot(figure)


def test_an_unconverged_fit_is_hollow_and_so_is_a_mean_over_unconverged_folds():
    table = fits(folds=3)
    table.loc[(table["rank"] == 4) & (table["fold"] == ""), "status"] = "max_iterations"
    held_out = validated()
    held_out.loc[held_out["rank"] == 2, "unconverged"] = 2
    figure = ranks_figure.figure(made(found=table, validated=held_out), choice())
    assert [hollow(figure.axes[k]) for k in (0, 2, 4)] == [[4.0], [2.0], [4.0]]
    assert "Hollow: 1 of 3 fits and 2 fits to folds did not converge." in foot(figure)


def test_agreement_that_counts_unconverged_starts_is_hollow():
    all_used = stability()
    all_used.loc[all_used["rank"] == 3, "starts_used"] = 10
    figure = ranks_figure.figure(made(stability=all_used), choice())
    assert [hollow(ax) for ax in figure.axes[:6]] == [[], [], [], [3.0], [3.0], [3.0]]
    assert "counts 1 start that did not converge, as asked for." in foot(figure)


def test_one_rank_and_one_start_can_be_drawn():
    kept = {"mean_silhouette": np.nan, "least_silhouette": np.nan, "cophenetic": np.nan}
    lonely = stability(ranks=(2,)).assign(**kept)
    table = made(found=fits(ranks=(2,)), stability=lonely, validated=validated().iloc[:0])
    figure = ranks_figure.figure(table, choice(rank=2.0))
    assert "Fewer than two starts" in words(figure) and "Dotted" not in foot(figure)


def test_nothing_finished_gives_words():
    empty = fits().iloc[:0]
    table = ranks.table(
        empty, errors(empty), validated().iloc[:0], stability().iloc[:0], clusters().iloc[:0], no_choice()
    )
    assert "No fit finished" in words(ranks_figure.figure(table, no_choice()))


def test_large_differences_of_held_out_errors_get_a_log_axis():
    spoiled = validated()
    assert ranks_figure.figure(made(), choice()).axes[2].get_yscale() == "log"  # the median is 20 times the mean
    table = made(validated=spoiled).assign(validation_median=spoiled["validation_loss"])
    assert ranks_figure.figure(table, choice()).axes[2].get_yscale() == "linear"


def test_what_one_fold_spoils_does_not_squeeze_the_others():
    table = made().assign(validation_median=[0.5, 0.25, 0.125])
    assert "Beyond the frame" not in foot(ranks_figure.figure(table, choice()))
    table.loc[2, "validation_loss"] = 1.76e8
    figure = ranks_figure.figure(table, choice())
    assert "Beyond the frame: held-out errors at rank 4, up to 1.76e8." in foot(figure)
    assert figure.axes[2].get_ylim()[1] == 125.0


def test_a_swept_list_of_starts_keeps_its_column():
    found = {
        name: one.assign(starts="random") for name, one in (("errors", errors(fits())), ("stability", stability()))
    }
    table = fits()
    table.insert(4, "starts", "random")
    chosen = choice()
    chosen.insert(2, "starts", "random")
    result = made(found=table, validated=validated().iloc[:0], chosen=chosen, **found)
    assert result["starts"].tolist() == ["random"] * 3 and list(result.columns).count("starts") == 1
    assert "Rank 3" in foot(ranks_figure.figure(result, chosen))


def test_figures_are_saved_whole(tmp_path):
    from proxsweep.report import style

    style.save_figure(ranks_figure.figure(made(), choice()), tmp_path / "ranks", dpi=50)
    assert pd.Series([(tmp_path / f"ranks{end}").stat().st_size for end in (".svg", ".png")]).gt(1000).all()
