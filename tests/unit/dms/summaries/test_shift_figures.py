"""Shift figures: tables counted by hand, figures that show what their tables hold, words where nothing can be shown."""

import numpy as np
import pandas as pd
import pytest
import scipy.stats
from matplotlib.colors import to_hex

from proxsweep.dms.model import predict
from proxsweep.dms.results.fitted import Fitted
from proxsweep.dms.summaries import looks, predictions, replicate_scatter, shift_heatmap, shift_paths, shift_sizes
from proxsweep.io.errors import UserError
from proxsweep.sweep import chosen
from toys import dense, toy

MUTATIONS = ["A1C", "A1*", "A2D", "A3E", "A4F"]


def fitted(shifts, seen_b=(1, 1, 1, 1, 1)):
    table = pd.DataFrame(
        {
            "mutation": MUTATIONS,
            "mutant": [name[-1] for name in MUTATIONS],
            "shift_b-minus-a": np.asarray(shifts, float),
            "times_seen_a": 1,
            "times_seen_b": seen_b,
        }
    )
    return Fitted(["a", "b"], {"b-minus-a": ["a", "b"]}, table)


FOLDERS = {
    "zero1": fitted([3, 1, -2, 0.1, 0.2]),
    "zero2": fitted([1, -1, -2, 0.3, 0.2]),
    "small1": fitted([2, 0, -1, 0, 0]),
    "small2": fitted([1, 0, -3, 0, 0.5], seen_b=(1, 1, 1, 1, 0)),
}


def fits(status="converged"):
    rows = [(0.0, "1", "zero1"), (0.0, "2", "zero2"), (1e-5, "1", "small1"), (1e-5, "2", "small2")]
    table = pd.DataFrame(rows, columns=["lasso", "replicate", "path"])
    table = table.assign(
        study="s", family="dms", difference="reference", fold=np.nan, resample=np.nan, status="converged"
    )
    table.loc[3, "status"] = status
    return table[["study", "family", "difference", "lasso", "replicate", "fold", "resample", "status", "path"]]


def choice(lasso=1e-5, selected=True, reason="given in the config"):
    one = {"study": "s", "difference": "reference", "lasso": lasso, "rule": "auto"}
    by = "replicate_signs" if selected else "ranking"
    return pd.DataFrame([{**one, "by": by, "selected": selected, "reason": reason, "chosen": True}])


def words(figure):
    texts = [text.get_text() for ax in figure.axes for text in ax.texts] + [text.get_text() for text in figure.texts]
    foot = figure._supxlabel.get_text() if figure._supxlabel else ""
    return " ".join([*texts, foot]).replace("\n", " ")


# ---- scatter -------------------------------------------------------------------------------------------------


def test_scatter_pairs_what_both_replicates_saw_and_leaves_out_what_is_zero_in_both():
    table = replicate_scatter.table(fits(), choice(), FOLDERS.get)
    here = table[table["lasso"] == 1e-5].set_index("mutation")
    assert here[["shift_a", "shift_b"]].to_dict("index") == {
        "A1C": {"shift_a": 2.0, "shift_b": 1.0},
        "A2D": {"shift_a": -1.0, "shift_b": -3.0},
    }
    assert (table["lasso"] == 0).sum() == 5
    assert table.loc[table["mutation"] == "A1*", "kind"].unique().tolist() == ["stop"]


def correlations(pearson=(0.875, 0.625), converged=True):
    return pd.DataFrame(
        {
            "study": "s",
            "difference": "reference",
            "lasso": [0.0, 1e-5],
            "quantity": "shift",
            "row": "b-minus-a",
            "replicate_a": "1",
            "replicate_b": "2",
            "nonzero": [5, 2],
            "pearson": pearson,
            "status_b": "converged",
            "converged": converged,
        }
    )


def test_scatter_prints_the_correlations_of_the_table_and_draws_its_points():
    points = replicate_scatter.table(fits(), choice(), FOLDERS.get)
    figure = replicate_scatter.figure(points, correlations(), choice())
    zero, small = figure.axes
    assert zero.texts[0].get_text() == "r = 0.88" and small.texts[0].get_text() == "r = 0.62"
    assert [ax.texts[1].get_text() for ax in (zero, small)] == ["5", "2"]
    assert [ax.get_title() for ax in (zero, small)] == ["0", "1e-5"]
    assert [ax.title.get_fontweight() for ax in (zero, small)] == ["normal", "bold"]
    assert {tuple(point) for point in small.collections[0].get_offsets()} == {(2.0, 1.0), (-1.0, -3.0)}


def test_stops_stand_out_in_the_scatter():
    points = replicate_scatter.table(fits(), choice(), FOLDERS.get)
    points.loc[points["lasso"] > 0, "kind"] = ["stop", "nonsynonymous"]
    _, small = replicate_scatter.figure(points, correlations(), choice()).axes
    (dots,) = small.collections
    assert sorted(dots.get_sizes()) == pytest.approx([1.6**2, 2.4**2])
    assert dots.get_sizes()[-1] == max(dots.get_sizes()), "drawn last, on top"
    assert [to_hex(colour) for colour in dots.get_facecolor()] == [
        looks.KIND_COLOURS[kind].lower() for kind in ("nonsynonymous", "stop")
    ]


def test_scatter_says_where_a_fit_has_not_converged_and_where_there_is_no_pair():
    points = replicate_scatter.table(fits(), choice(), FOLDERS.get)
    assert "not converged" in words(replicate_scatter.figure(points, correlations(converged=False), choice()))
    alone = correlations().assign(status_b="")
    assert "One replicate:" in words(replicate_scatter.figure(points.iloc[:0], alone, choice()))
    effects = correlations().assign(quantity="effect")
    assert "One condition:" in words(replicate_scatter.figure(points.iloc[:0], effects, choice()))


def test_scatter_says_what_lies_beyond_the_frame_and_how_many_weights_are_shown(monkeypatch):
    points = replicate_scatter.table(fits(), choice(), FOLDERS.get)
    texts = words(replicate_scatter.figure(points, correlations(), choice()))
    assert "(chosen: bold)" in texts and "beyond the frame" not in texts and "weights are shown" not in texts
    far = points.assign(shift_a=points["shift_a"].where(points["lasso"] > 0, 9.0))
    assert "Points beyond the frame, at weight 0, are drawn on it." in words(
        replicate_scatter.figure(far, correlations(), choice())
    )
    monkeypatch.setattr(replicate_scatter, "MOST_WEIGHTS", 1)
    texts = words(replicate_scatter.figure(far, correlations(), choice(2e-5)))
    assert "1 of 2 weights are shown." in texts and "bold" not in texts


@pytest.mark.parametrize("kept", [np.nan, 0.0, 3.0, 7.0, 19.0])
def test_weights_are_thinned_to_eight_with_the_chosen_one_among_them(kept):
    weights = np.arange(20.0)
    found = replicate_scatter.some_weights(weights, kept)
    assert len(found) == 8 and found == sorted(found) and found[0] == 0 and found[-1] == 19
    assert np.isnan(kept) or kept in found
    assert replicate_scatter.some_weights(weights[:5], 2.0) == [0, 1, 2, 3, 4]


# ---- paths -----------------------------------------------------------------------------------------------------


def test_paths_are_means_over_the_replicates_that_saw_the_mutation():
    table = shift_paths.table(fits("max_iterations"), choice(), FOLDERS.get)
    path = table.set_index(["mutation", "lasso"])
    assert path.loc[("A1C", 0.0), "shift"] == 2.0 and path.loc[("A1C", 1e-5), "shift"] == 1.5
    assert path.loc[("A2D", 1e-5), "shift"] == -2.0
    assert path["converged"].groupby(level="lasso").all().to_dict() == {0.0: True, 1e-5: False}
    assert table.groupby("mutation")["rank"].first().to_dict() == {"A2D": 1, "A1C": 2}, "nothing else has a shift there"


def test_paths_without_a_chosen_weight_are_ranked_over_the_positive_ones_and_say_why():
    none = choice(selected=False, reason="no weight: for a reason")
    table = shift_paths.table(fits(), none, FOLDERS.get)
    assert table.loc[table["rank"] == 1, "mutation"].unique().tolist() == ["A2D"]
    text = words(shift_paths.figure(table, none))
    assert "No weight is chosen (no weight: for a reason)." in text and "A2D" in text


def foot_of_paths(table, selected=True):
    return shift_paths.figure(table, choice(selected=selected))._supxlabel.get_text().replace("\n", " ")


def test_the_foot_of_paths_says_what_is_drawn(monkeypatch):
    table = shift_paths.table(fits(), choice(), FOLDERS.get)
    table["shift"] = table["shift"].where(table["lasso"] > 0, 0.5)
    named = "Difference matrix reference. Means over up to 2 replicates. Named: the largest by"
    assert foot_of_paths(table) == f"{named} size at the chosen weight, 1e-5."
    assert foot_of_paths(table, False).startswith(f"{named} mean size over the positive weights. No weight is chosen")
    zero = table[table["lasso"] == 0]
    assert f"{named} mean size over weight 0. No weight is chosen" in foot_of_paths(zero, False)
    assert "Means" not in foot_of_paths(table.assign(replicates=1))
    far = table.assign(shift=table["shift"].where(table["lasso"] > 0, 9.0))
    assert foot_of_paths(far).endswith("At weight 0 paths leave the frame.")
    assert foot_of_paths(table.assign(converged=False)).endswith("Hollow: a replicate's fit did not converge.")
    monkeypatch.setattr(shift_paths, "LABELLED", 1)
    assert f"1e-5; grey: the next, at most {shift_paths.MOST_PATHS} a row in all (here 2)." in foot_of_paths(table)


@pytest.mark.parametrize(("weight", "where"), [(1e-5, "the chosen lasso weight, 1e-5"), (np.nan, "any positive lasso")])
def test_paths_without_a_shift_say_where_there_is_none(weight, where):
    none = shift_paths.table(fits(), choice(weight, np.isfinite(weight)), dict.fromkeys(FOLDERS, fitted([0.0] * 5)).get)
    text = words(shift_paths.figure(none, choice(weight, np.isfinite(weight))))
    assert f"No shifts to follow: none of the mutations counted has a shift at {where}" in text
    assert "No fit finished" in words(shift_paths.figure(none, choice().iloc[:0]))


def test_paths_drawn_are_those_of_the_table_and_unconverged_points_hollow():
    table = shift_paths.table(fits("max_iterations"), choice(), FOLDERS.get)
    ax = shift_paths.figure(table, choice()).axes[0]
    curves = [list(line.get_ydata()) for line in ax.lines if line.get_linestyle() == "-" and len(line.get_xdata()) == 2]
    assert sorted(curves)[0] == [-2.0, -2.0] and [2.0, 1.5] in curves
    hollow = [line for line in ax.lines if line.get_marker() == "o" and line.get_markerfacecolor() == "white"]
    assert sum(len(line.get_xdata()) for line in hollow) == 2


# ---- sizes -----------------------------------------------------------------------------------------------------

SHIFTS = pd.DataFrame(
    {
        "row": "b-minus-a",
        "mutation": ["A1C", "A1D", "A2C", "A2D", "A1*", "A2*"],
        "wildtype": "A",
        "site": ["1", "1", "2", "2", "1", "2"],
        "mutant": ["C", "D", "C", "D", "*", "*"],
        "kind": ["nonsynonymous"] * 4 + ["stop"] * 2,
        "shift": [0.5, -2.0, 0.0, -0.5, -0.25, 0.0],
        "replicates": [1, 2, 2, 2, 2, 2],
        "unconverged": 0,
    }
)


def test_sizes_are_counted_by_hand():
    steps = shift_sizes.table(SHIFTS)
    found = {(kind, size): share for kind, size, share in steps[["kind", "size", "share_at_least"]].to_numpy()}
    assert found == {
        ("nonsynonymous", 0.0): 1.0,
        ("nonsynonymous", 0.5): 0.75,
        ("nonsynonymous", 2.0): 0.25,
        ("stop", 0.0): 1.0,
        ("stop", 0.25): 0.5,
    }
    figure = shift_sizes.figure(steps, choice())
    assert "nonsynonymous: 3 of 4 stop: 1 of 2" in words(figure)
    curves = {line.get_color(): line for line in figure.axes[0].lines}
    for kind, sizes, shares in (
        ("nonsynonymous", [0, 0.5, 2], [0.75, 0.25, 0]),
        ("stop", [0, 0.25], [0.5, 0]),
    ):
        curve = curves[looks.KIND_COLOURS[kind]]
        assert list(curve.get_xdata())[1:] == sizes and list(curve.get_ydata())[1:] == pytest.approx(shares)
        assert curve.get_drawstyle() == "steps-post", "from a size on, the share of larger ones"
    assert figure.axes[0].get_xlim()[0] > 0, "at the left end a curve shows the share of those with any shift"


@pytest.mark.parametrize(("replicates", "means"), [(2, "Means over up to 2 replicates. "), (1, "")])
def test_sizes_and_maps_say_where_and_over_what_they_are_means(replicates, means):
    found = SHIFTS.assign(replicates=replicates)
    where = "Difference matrix reference, lasso weight 1e-5."
    text = words(shift_sizes.figure(shift_sizes.table(found), choice()))
    assert f"{where} {means}Numbers, and the left end of a curve: mutations with any shift." in text
    text = words(shift_heatmap.figure(shift_heatmap.table(found, WILDTYPES, "a"), choice()))
    assert f"{where} {means}Colours end at the 99th percentile of all sizes." in text


def test_without_a_shift_no_size_and_no_end_of_the_colours_is_claimed(monkeypatch):
    none = SHIFTS.assign(shift=0.0)
    text = words(shift_sizes.figure(shift_sizes.table(none), choice()))
    assert "No sizes to show: none of the mutations counted has a shift at the chosen lasso weight, 1e-5." in text
    assert "percentile" not in words(shift_heatmap.figure(shift_heatmap.table(none, WILDTYPES, "a"), choice()))
    monkeypatch.setattr(shift_heatmap, "QUANTILE", 0.5)
    figure = shift_heatmap.figure(shift_heatmap.table(SHIFTS, WILDTYPES, "a"), choice())
    assert "at the 50th percentile" in words(figure)
    assert max(ax.get_xlim()[1] for ax in figure.axes if ax.get_xlabel() == looks.SHIFT_LABEL) == 0.5


def test_shifts_of_a_diverged_fit_have_no_size():
    steps = shift_sizes.table(SHIFTS.assign(shift=SHIFTS["shift"].where(SHIFTS["mutation"] != "A1D")))
    assert steps.groupby("kind")["mutations"].first().to_dict() == {"nonsynonymous": 3, "stop": 2}
    assert shift_sizes.table(SHIFTS.assign(shift=np.nan)).empty


def test_paths_of_diverged_fits_are_drawn_as_far_as_they_are_numbers():
    broken = {**FOLDERS, "small1": fitted([np.nan] * 5), "small2": fitted([np.nan] * 5)}
    table = shift_paths.table(fits("diverged"), choice(), broken.get)
    assert "No shifts to follow" in words(shift_paths.figure(table, choice()))
    points = replicate_scatter.table(fits("diverged"), choice(), broken.get)
    undefined = correlations(pearson=(0.875, np.nan), converged=False)
    assert "r undefined" in words(replicate_scatter.figure(points, undefined, choice()))


def test_figures_of_a_ranking_draw_it_and_say_so():
    ranked = choice(selected=False, reason="no weight: for a reason")
    cells = shift_heatmap.table(SHIFTS, WILDTYPES, "a")
    for figure in (
        shift_sizes.figure(shift_sizes.table(SHIFTS), ranked),
        shift_heatmap.figure(cells, ranked),
        shift_heatmap.regions_figure(cells, {"all": ["1", "2", "3"]}, ranked),
    ):
        assert "A ranking, no selection (no weight: for a reason)." in words(figure)
        assert len(figure.axes) > 1 or figure.axes[0].lines
    none = shift_sizes.table(SHIFTS.assign(shift=0.0))
    assert "at the lasso weight, 1e-5" in words(shift_sizes.figure(none, ranked))


def test_without_any_weight_figures_say_that_there_is_nothing_to_show():
    none = choice(np.nan, selected=False)
    agreement, counts = predictions.tables(fits(), none, {})
    for figure in (
        shift_sizes.figure(shift_sizes.table(SHIFTS.iloc[:0]), none),
        shift_heatmap.figure(shift_heatmap.table(SHIFTS.iloc[:0], WILDTYPES, "a"), none),
        predictions.figure(agreement, counts, none),
    ):
        assert "No lasso weight at which every fit" in words(figure)


# ---- heatmap ---------------------------------------------------------------------------------------------------

WILDTYPES = pd.DataFrame({"site": ["1", "2", "3"], "a": ["A", "A", "G"], "b": ["A", "V", "G"]})


def test_cells_of_four_states_are_kept_apart():
    cells = shift_heatmap.table(SHIFTS, WILDTYPES, "a").set_index(["site", "mutant"])
    assert len(cells) == 3 * 21, "20 letters and the stop"
    states = {("1", "A"): "wildtype", ("1", "C"): "shift", ("2", "C"): "zero", ("2", "*"): "zero", ("3", "C"): "unseen"}
    assert {place: cells.loc[place, "state"] for place in states} == states
    assert cells.loc[("1", "D"), "shift"] == -2.0 and np.isnan(cells.loc[("3", "C"), "shift"])


def test_cells_of_diverged_fits_are_grey_and_not_called_unseen():
    lost = SHIFTS.assign(shift=SHIFTS["shift"].where(SHIFTS["mutation"] != "A1C"))
    cells = shift_heatmap.table(lost, WILDTYPES, "a")
    assert cells.set_index(["site", "mutant"])["state"][[("1", "C"), ("3", "C")]].tolist() == ["diverged", "unseen"]
    figure = shift_heatmap.figure(cells, choice())
    letters = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    grey = pytest.approx((200 / 255,) * 3)
    assert tuple(figure.axes[0].images[0].get_array()[letters.index("C"), 0]) == grey
    assert "not seen where compared, or diverged" in words(figure)
    whole = shift_heatmap.figure(shift_heatmap.table(SHIFTS, WILDTYPES, "a"), choice())
    assert "not seen in all compared conditions" in words(whole) and "diverged" not in words(whole)
    empty = shift_heatmap.table(SHIFTS.iloc[:0], WILDTYPES, "a")
    assert "No mutation is compared between conditions" in words(shift_heatmap.figure(empty, choice()))


def test_the_picture_shows_zero_white_unseen_grey_and_every_shift_in_colour():
    tiny = SHIFTS.assign(shift=SHIFTS["shift"].where(SHIFTS["shift"] != 0.5, 1e-9))
    figure = shift_heatmap.figure(shift_heatmap.table(tiny, WILDTYPES, "a"), choice())
    ax = figure.axes[0]
    letters = [label.get_text() for label in ax.get_yticklabels()]
    picture = ax.images[0].get_array()
    colour = {
        (site, letter): tuple(picture[letters.index(letter), site - 1]) for site in (1, 2, 3) for letter in "ACD*"
    }
    assert colour[2, "C"] == (1, 1, 1) and colour[2, "*"] == (1, 1, 1)
    assert colour[3, "C"] == pytest.approx((200 / 255,) * 3)
    assert len(set(colour[1, "C"])) > 1, "a shift near zero is not white"
    red, _, blue = colour[1, "D"]
    assert red > blue, "below zero is red"
    dots = [line for line in ax.lines if line.get_marker() == "o"][0]
    places = {(int(x) + 1, letters[int(y)]) for x, y in zip(dots.get_xdata(), dots.get_ydata(), strict=True)}
    assert places == {(1, "A"), (2, "A"), (3, "G")}


def test_maps_and_sizes_say_that_a_fit_has_not_converged():
    found = SHIFTS.assign(unconverged=1)
    cells, steps = shift_heatmap.table(found, WILDTYPES, "a"), shift_sizes.table(found)
    for figure in (shift_heatmap.figure(cells, choice()), shift_sizes.figure(steps, choice())):
        assert "1 of the replicates' fits did not converge" in words(figure)
    assert "not converge" not in words(shift_heatmap.figure(shift_heatmap.table(SHIFTS, WILDTYPES, "a"), choice()))


@pytest.mark.slow
def test_long_proteins_are_wrapped_and_every_site_is_drawn_once():
    sites = [str(k) for k in range(1, 602)]
    wildtypes = pd.DataFrame({"site": sites, "a": "A"})
    figure = shift_heatmap.figure(shift_heatmap.table(SHIFTS, wildtypes, "a"), choice())
    widths = [ax.images[0].get_array().shape[1] for ax in figure.axes if ax.images]
    assert widths == [201, 201, 199]


def test_regions_name_their_sites_and_refuse_what_is_not_there():
    sites = ["9", "10", "10a", "11"]
    assert shift_heatmap.region_sites({"loop": [10, "11"]}, sites) == {"loop": ["10", "10a", "11"]}
    for ends, text in (([10, 12], "site 12"), ([11, 9], r"\[11, 9\]")):
        with pytest.raises(UserError, match=text):
            shift_heatmap.region_sites({"loop": ends}, sites)


def test_regions_of_a_site_map(tmp_path):
    path = tmp_path / "map.csv"
    path.write_text("sequential_site,reference_site,region\n1,5,\n2,6,NTD\n3,7,NTD\n4,7a,RBD\n")
    assert shift_heatmap.site_map_regions(path) == {"NTD": ["6", "7"], "RBD": ["7a", "7a"]}
    path.write_text("sequential_site,reference_site\n1,5\n")
    assert shift_heatmap.site_map_regions(path) == {}


# ---- predictions -------------------------------------------------------------------------------------------------


def written(encoding, sigmoid):
    rng = np.random.default_rng(2)
    count = len(encoding.conditions)
    return predict.FittedParameters(
        conditions=encoding.conditions,
        mutations=encoding.mutations,
        b=rng.normal(size=(count, len(encoding.mutations))),
        b0=rng.normal(size=count),
        bundle=encoding.bundle,
        scale=6.0 if sigmoid else np.nan,
        bias=-4.0 if sigmoid else np.nan,
        sigmoid=sigmoid,
        status="converged",
    )


@pytest.mark.parametrize("sigmoid", [True, False])
def test_variants_are_predicted_as_the_dense_model_does(sigmoid):
    encoding = toy()
    fit = written(encoding, sigmoid)
    table = predictions.variants(fit, encoding)
    phi = np.concatenate([fit.b0[d] + x @ fit.b[d] for d, x in enumerate(dense(encoding))])
    assert table["latent"].to_numpy() == pytest.approx(phi)
    expected = 6 / (1 + np.exp(-phi)) - 4 if sigmoid else phi
    assert table["predicted"].to_numpy() == pytest.approx(expected)


def described(tmp_path, sigmoid):
    encoding = toy(weighted=False)
    encoding.save(tmp_path / "one.npz")
    table = fits()
    table = table[table["replicate"] == "1"]
    paths = {"small1": written(encoding, sigmoid)}
    return encoding, paths, predictions.tables(table, choice(), {"1": tmp_path / "one.npz"}, paths.get)


def test_agreement_is_that_of_scipy_and_cells_count_every_variant(tmp_path):
    encoding, paths, (agreement, cells) = described(tmp_path, True)
    table = predictions.variants(paths["small1"], encoding)
    for condition, part in table.groupby("condition"):
        row = agreement.set_index("condition").loc[condition]
        assert row["pearson"] == pytest.approx(scipy.stats.pearsonr(part["observed"], part["predicted"])[0])
        assert row["rmse"] == pytest.approx(np.sqrt(np.mean((part["observed"] - part["predicted"]) ** 2)))
        assert row["variants"] == 60
    assert (cells.groupby(["condition", "axis"])["variants"].sum() == 60).all()
    assert set(cells["axis"]) == {"predicted", "latent"}


def test_panels_print_the_table_and_draw_its_cells(tmp_path):
    _, _, (agreement, cells) = described(tmp_path, True)
    figure = predictions.figure(agreement, cells, choice())
    upper = [ax for ax in figure.axes if ax.get_xlabel() == "Predicted score"]
    assert [ax.get_title() for ax in upper] == ["c0", "c1", "c2"]
    for ax, row in zip(upper, agreement.to_dict("records"), strict=True):
        assert ax.texts[0].get_text() == f"r = {row['pearson']:.3f}\nRMSE = {row['rmse']:.3f}\nn = 60"
        assert ax.collections[0].get_array().sum() == 60
    assert sum(ax.get_xlabel() == "Latent phenotype" for ax in figure.axes) == 3
    where = "Difference matrix reference, lasso weight 1e-5. Darker: more variants (log scale)."
    assert f"{where} Lines: equality, and the fitted sigmoid. The fit drawn converged." in words(figure)
    two = pd.concat([agreement, agreement.assign(replicate="2", converged=False)])
    figure = predictions.figure(two, pd.concat([cells, cells.assign(replicate="2")]), choice())
    assert "1 of 2 fits drawn not converged." in words(figure)
    assert sum("\nnot converged" in text.get_text() for ax in figure.axes for text in ax.texts) == 3
    nothing = predictions.figure(agreement.iloc[:0], cells.iloc[:0], choice())
    assert "No fit at the weight shown, or each diverged" in words(nothing)


def test_a_linear_model_has_no_latent_panels(tmp_path):
    _, _, (agreement, cells) = described(tmp_path, False)
    figure = predictions.figure(agreement, cells, choice())
    assert [ax.get_xlabel() for ax in figure.axes] == ["Predicted score"] * 3
    assert "Line: equality. The model is linear: the latent phenotype is the score." in words(figure)


# ---- what is chosen ------------------------------------------------------------------------------------------------


def test_the_setting_is_known_without_a_weight():
    assert chosen.setting(choice(np.nan)) == {"study": "s", "difference": "reference"}
    assert chosen.setting(choice().iloc[:0]) is None
    table = pd.DataFrame({"study": ["s", "s"], "difference": ["reference", "equivariant"]})
    assert chosen.agreeing(table, chosen.setting(choice()))["difference"].tolist() == ["reference"]


def whole_protein(sites, rows, letters="ACDEFGHIKLMNPQRSTVWY*"):
    """Cells of a protein without shifts but one."""
    names = pd.MultiIndex.from_product(
        [[f"{chr(98 + k)}-minus-a" for k in range(rows)], [str(k + 1) for k in range(sites)], list(letters)],
        names=["row", "site", "mutant"],
    )
    cells = names.to_frame(index=False).assign(wildtype="A", shift=0.0, state="zero", replicates=2, unconverged=0)
    cells.loc[5, ["shift", "state"]] = [1.0, "shift"]
    return cells


def maps(figure):
    """Axes that hold a picture of cells, with the sizes of a cell in millimetres."""
    wide, high = figure.get_size_inches() * 25.4
    found = []
    for ax in figure.axes:
        if ax.images and ax.images[0].get_array().ndim == 3:
            place, (rows, columns) = ax.get_position(), ax.images[0].get_array().shape[:2]
            found.append((ax, place.width * wide / columns, place.height * high / rows, columns))
    return found


@pytest.mark.parametrize(
    ("sites", "rows"),
    [(150, 3), (201, 10), (1219, 1), *(pytest.param(*size, marks=pytest.mark.slow) for size in [(1273, 2), (1250, 3)])],
)
def test_the_whole_protein_fits_on_a_page(sites, rows):
    figure = shift_heatmap.figure(whole_protein(sites, rows), choice())
    assert figure.get_size_inches()[1] * 25.4 <= 240 + 1e-6
    bands = maps(figure)
    assert sum(columns for *_, columns in bands) == sites * rows, "every site once for each row"
    assert min(min(wide, high) for _, wide, high, _ in bands) >= 0.5 - 1e-6
    boxes = sorted((ax.get_position().y0, ax.get_position().y1) for ax, *_ in bands)
    assert all(upper <= lower for (_, upper), (lower, _) in zip(boxes, boxes[1:], strict=False)), "no overlap"


@pytest.mark.slow
def test_what_does_not_fit_with_the_smallest_cells_is_taller():
    figure = shift_heatmap.figure(whole_protein(1273, 4), choice())
    assert figure.get_size_inches()[1] * 25.4 > 240
    assert [high for _, _, high, _ in maps(figure)] == pytest.approx([0.5] * len(maps(figure)))
    assert min(wide for _, wide, *_ in maps(figure)) >= 0.5


@pytest.mark.parametrize(
    ("sites", "rows", "names"), [(150, 1, None), (1250, 3, ["RKH", "DE", "QNSTY", "WFAILMV", "GPC*"])]
)
def test_narrow_rows_are_named_by_group(sites, rows, names):
    letters = "RKHDEQNSTYWFAILMVGPC*"
    figure = shift_heatmap.figure(whole_protein(sites, rows, letters), choice())
    for ax, *_ in maps(figure):
        shown = [label.get_text() for label in ax.get_yticklabels()]
        assert shown == (names or list(letters))
        places = dict(zip(shown, ax.get_yticks(), strict=True))
        assert places["DE"] == 3.5 if names else places["E"] == 4


@pytest.mark.parametrize(
    ("regions", "rows", "widest"),
    [({"loop": (1, 150)}, 1, 50), ({"loop": (1, 201)}, 3, 101), ({"loop": (1, 201), "tip": (300, 340)}, 3, 201)],
)
def test_regions_fit_on_a_page(regions, rows, widest):
    named = {name: [str(site) for site in range(first, last + 1)] for name, (first, last) in regions.items()}
    figure = shift_heatmap.regions_figure(whole_protein(400, rows), named, choice())
    bands = maps(figure)
    assert figure.get_size_inches()[1] * 25.4 <= 240 + 1e-6
    assert sum(columns for *_, columns in bands) == rows * sum(map(len, named.values()))
    assert max(columns for *_, columns in bands) == widest
    assert min(min(wide, high) for _, wide, high, _ in bands) > 0.8
