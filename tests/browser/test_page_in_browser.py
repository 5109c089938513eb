"""The interactive page as people use it: what every control shows, held against the tables of the fits."""

import re
from itertools import product

import numpy as np
import pandas as pd
import pytest

import pages
from proxsweep.dms.page import page
from proxsweep.sweep import chosen, fits

ROUNDING = 3e-4  # the page rounds to that, and prints four digits behind the point
GREY = [201, 197, 189]
START = ("equivariant", 1e-5, 10.0)


def value(text):
    """A number of the page, whatever stands behind it."""
    return float(re.match(r"-?[\d.e-]+", text)[0])


def tables(study, difference, lasso, bound):
    """Tables of the replicates that have a fit at a setting."""
    keys = [(difference, lasso, bound, label) for label in pages.REPLICATES]
    return {key[-1]: pages.read(study, *key) for key in keys if key != pages.ABSENT}


def expected(study, setting, column, conditions, least=1):
    """Values by mutation and replicate: all, and those that count."""
    values, counted = {}, {}
    for label, table in tables(study, *setting).items():
        seen = (table[[f"times_seen_{name}" for name in conditions]] >= least).all(axis=1)
        values[label], counted[label] = table[column], table[column].where(seen)
    return pd.DataFrame(values), pd.DataFrame(counted)


def shift(study, setting, row, least=1):
    return expected(study, setting, f"shift_{row}", pages.compared(row), least)


def some(values):
    """A few mutations: seen everywhere, with the largest values, not in all replicates."""
    complete = values.dropna()
    largest = complete.abs().max(axis=1).sort_values().index
    partial = values[values.isna().any(axis=1)].index
    return [complete.index[0], complete.index[-1], largest[-1], *partial[:1]]


def compare(opened, values, counted):
    """The table of some mutations in the page against these values."""
    for mutation in some(values):
        opened.find(mutation)
        found = opened.details()
        assert list(found) == [*values.columns, "sum"]
        for label in values.columns:
            text, truth = found[label][0], values.loc[mutation, label]
            if np.isnan(truth):
                assert text == "not in its data"
                continue
            assert value(text) == pytest.approx(truth, abs=ROUNDING)
            assert (text.split(" ")[0] == "0") == (truth == 0)
            assert ("seen too rarely" in text) == np.isnan(counted.loc[mutation, label])
        mean = counted.loc[mutation].mean()
        assert (found["sum"][0] == "") == np.isnan(mean)
        assert np.isnan(mean) or value(found["sum"][0]) == pytest.approx(mean, abs=ROUNDING)


def compare_counts(opened, values, counted):
    """Numbers of mutations shown, not zero and seen too rarely."""
    means = counted.mean(axis=1)
    shown = int(means.notna().sum())
    assert opened.counts() == [shown, int((means.fillna(0) != 0).sum()), len(values) - shown]


def test_it_opens_without_network_at_the_chosen_weight(opened, study):
    assert opened.tab.title() == "Effects and shifts: made"
    assert "23 fits. 1 of them did not converge." in opened.text("#opening")
    status = opened.text("#status")
    at = "equivariant, lasso weight 1e-5 (chosen), scale bound 10"
    assert status == f"Shift b - a, mean of 2 replicates; {at}. All 2 fits converged."
    assert opened.tab.locator("#lasso option:checked").inner_text() == "1e-5 (chosen)"
    compare_counts(opened, *shift(study, START, "b-minus-a"))
    marks = opened.tab.evaluate("performance.getEntriesByType('mark').map(mark => [mark.name, mark.startTime])")
    print("milliseconds:", dict(marks))


def test_rounding_is_said(opened, study):
    text = page.payload_of((study / "page.html").read_text())
    said = f"{page.unpack(text)[0]['error']:.1e}".replace("e-0", "e-")
    assert f"by more than {said} latent units" in opened.text("#reading")


@pytest.mark.parametrize("row", ["b-minus-a", "c-minus-a", "c-minus-b"])
def test_rows_of_the_matrix(opened, study, row):
    opened.select("of", row.replace("-minus-", " \N{MINUS SIGN} "))
    found = shift(study, START, row)
    compare_counts(opened, *found)
    compare(opened, *found)


@pytest.mark.parametrize("condition", pages.CONDITIONS)
def test_effects_of_conditions(opened, study, condition):
    opened.tab.check("[value=effect]")
    opened.select("of", condition)
    assert opened.text("#status").startswith(f"Effect in {condition},")
    found = expected(study, START, f"beta_{condition}", [condition])
    compare_counts(opened, *found)
    compare(opened, *found)


SETTINGS = list(product(pages.MATRICES, pages.WEIGHTS, pages.BOUNDS))


@pytest.mark.parametrize("setting", SETTINGS)
def test_matrix_weight_and_other_settings(opened, study, setting):
    difference, lasso, bound = setting
    opened.select("matrix", difference)
    opened.select("lasso", {0: "0", 1e-5: "1e-5", 4e-5: "4e-5"}[lasso])
    opened.select("other-scale_bound", f"{bound:g}")
    found = shift(study, setting, "b-minus-a")
    compare_counts(opened, *found)
    compare(opened, *found)
    assert f"lasso weight {'0' if lasso == 0 else f'{lasso:.0e}'.replace('e-0', 'e-')}" in opened.text("#status")
    bad = setting in (pages.UNCONVERGED[:3], pages.ABSENT[:3])
    for mark in ("#status", "#chart"):
        assert ("unconverged" in (opened.tab.get_attribute(mark, "class") or "")) == bad


def test_the_row_stays_where_both_matrices_have_it(opened):
    opened.select("of", "c \N{MINUS SIGN} a")
    opened.select("matrix", "reference")
    assert opened.text("#status").startswith("Shift c - a,")
    opened.select("matrix", "equivariant")
    opened.select("of", "c \N{MINUS SIGN} b")
    opened.select("matrix", "reference")
    assert opened.text("#status").startswith("Shift b - a,")


@pytest.mark.parametrize("label", pages.REPLICATES)
def test_one_replicate(opened, study, label):
    opened.select("replicate", f"replicate {label}")
    values, counted = shift(study, START, "b-minus-a")
    there = values[label].notna()
    compare_counts(opened, values.loc[there, [label]], counted.loc[there, [label]])
    assert f"replicate {label}; equivariant" in opened.text("#status")
    largest = counted[label].abs().idxmax()
    found = rows_of_largest(opened)
    assert next(iter(found)) == largest
    assert value(found[largest][0]) == pytest.approx(counted.loc[largest, label], abs=ROUNDING)


def rows_of_largest(opened):
    """The table of largest values, once it is drawn anew."""
    opened.tab.wait_for_timeout(150)
    return opened.rows("#largest tbody tr")


@pytest.mark.parametrize("least", [0, 3, 6])
def test_rarely_seen_mutations_turn_grey_and_do_not_count(opened, study, least):
    opened.tab.fill("#minimum", str(least))
    values, counted = shift(study, START, "b-minus-a", least)
    compare_counts(opened, values, counted)
    compare(opened, values, counted)
    means = counted.mean(axis=1)
    for mutation in [*means[means.isna()].index[:3], *means.abs().sort_values().index[:3], means.abs().idxmax()]:
        opened.find(mutation)
        assert (opened.colour(mutation) == GREY) == np.isnan(means[mutation])


def test_colours_say_sign_and_size_and_white_is_zero(opened, study):
    means = shift(study, START, "b-minus-a")[1].mean(axis=1).dropna()
    for mutation in (means.idxmin(), means.idxmax(), means[means == 0].index[0], means[means != 0].abs().idxmin()):
        opened.find(mutation)
        red, _, blue = opened.colour(mutation)
        assert np.sign(blue - red) == np.sign(means[mutation])
        assert (opened.colour(mutation) == [255, 255, 255]) == (means[mutation] == 0)


def test_the_end_of_the_colours(opened, study):
    means = shift(study, START, "b-minus-a")[1].mean(axis=1)
    mutation = ((means - 1).abs()).idxmin()
    opened.find(mutation)
    before = opened.colour(mutation)
    opened.tab.fill("#limit", "0.5")
    opened.tab.press("#limit", "Enter")
    opened.tab.locator("#limit").blur()
    assert sum(opened.colour(mutation)) < sum(before)
    assert opened.text("#high") == "≥ 0.5"


@pytest.mark.parametrize(("summary", "kinds"), list(product(["sum", "mean", "max"], ["substitutions", "all"])))
def test_site_profile(opened, study, summary, kinds):
    opened.tab.select_option("#summary", summary)
    opened.tab.select_option("#kinds", kinds)
    counted = shift(study, START, "b-minus-a")[1]
    site, mutant = counted.index.str[1:-1], counted.index.str[-1]
    sizes = counted.mean(axis=1).abs()[(kinds == "all") | ~mutant.isin(["*", "-"])]
    profile = sizes.groupby(sizes.index.str[1:-1]).agg(summary).reindex(pages.SITES).fillna(0)
    assert set(site) <= set(pages.SITES)
    for place in (0, 12, 30, len(pages.SITES) - 1):
        opened.tab.mouse.move(*opened.place(place + 0.5, -1))
        name, found = opened.text("#tip").split(": ")
        assert name == f"Site {pages.SITES[place]}"
        assert value(found) == pytest.approx(profile.iloc[place], abs=10 * ROUNDING)


def test_tooltips_show_what_is_below_the_pointer(opened, study):
    values, counted = shift(study, START, "b-minus-a")
    mutation = counted.dropna().abs().max(axis=1).idxmax()
    opened.find(mutation)
    place = opened.tab.evaluate("[page.state.cursor[0] + 0.5, page.state.cursor[1] + 0.5]")
    opened.tab.mouse.move(*opened.place(*place))
    tip = opened.text("#tip")
    assert tip.startswith(f"{mutation}. Shift b - a, latent units")
    found = opened.columns("#tip tr")
    for label in pages.REPLICATES:
        table = pages.read(study, *START, label)
        assert [int(cell) for cell in found[label][1:4]] == list(
            table.loc[mutation, [f"times_seen_{c}" for c in "abc"]]
        )
        assert found[label][4] == "converged"
        assert value(found[label][0]) == pytest.approx(values.loc[mutation, label], abs=ROUNDING)
    assert value(found["sum"][0]) == pytest.approx(counted.loc[mutation].mean(), abs=ROUNDING)
    box = opened.tab.locator("#tip").bounding_box()
    assert box["x"] >= 0 and box["x"] + box["width"] <= 1280
    opened.tab.mouse.move(5, 5)
    assert opened.tab.locator("#tip").is_hidden()


def test_fits_that_did_not_converge_are_named(opened):
    opened.select("lasso", "4e-5")
    assert "Replicate 2 did not converge (max_iterations, relative residual 3.0e-4)." in opened.text("#status")
    assert opened.tab.locator("#lasso option:checked").inner_text() == "4e-5: not converged"
    opened.find("14a")
    opened.find(pages.mutations("2")["mutation"].iloc[0])
    assert opened.details()["2"][-1] == "max iterations" and opened.details()["1"][-1] == "converged"
    opened.select("replicate", "replicate 1")
    assert "unconverged" not in (opened.tab.get_attribute("#chart", "class") or "")
    assert opened.tab.locator("#lasso option:checked").inner_text() == "4e-5"


def test_values_of_a_fit_that_diverged_are_not_called_absent(open_page, study, tmp_path):
    def diverge(table, choice):
        lost = (table[["difference", "lasso", "scale_bound", "replicate"]] == [*START, "1"]).all(axis=1)
        return table.assign(status=table["status"].mask(lost, "diverged")), choice

    opened = open_page(rewritten(study, tmp_path / "page.html", diverge))
    values, _ = shift(study, START, "b-minus-a")
    for mutation, said in (
        (values.dropna().index[0], "the fit diverged"),
        (values[values["1"].isna()].index[0], "not in its data"),
    ):
        opened.find(mutation)
        assert opened.details()["1"][0] == said


def test_fits_that_are_missing_are_named(opened):
    opened.select("matrix", "reference")
    opened.select("other-scale_bound", "5")
    opened.select("lasso", "4e-5")
    assert opened.tab.locator("#lasso option:checked").inner_text() == "4e-5: a fit is missing"
    assert "No fit of replicate 2 at this setting." in opened.text("#status")
    opened.select("replicate", "replicate 2")
    assert opened.counts() == [0, 0, 0]
    assert opened.tab.locator("#lasso option:checked").inner_text() == "4e-5: no fit"


def test_largest_in_view(opened, study):
    counted = shift(study, START, "b-minus-a")[1]
    means = counted.mean(axis=1).dropna()
    means = means[means != 0]
    found = rows_of_largest(opened)
    sizes = [abs(value(cells[0])) for cells in found.values()]
    np.testing.assert_allclose(sizes, means.abs().sort_values(ascending=False).iloc[:20], atol=ROUNDING)
    assert f"The 20 largest of {len(means)} in view" in opened.text("#top")
    mutation = list(found)[3]
    opened.tab.get_by_role("button", name=mutation, exact=True).click()
    assert opened.text("#details caption").startswith(f"{mutation}.")


def view(opened):
    """First and last site in view, once it is drawn."""
    opened.tab.wait_for_timeout(150)
    return re.match(r"Sites (\w+) to (\w+) ", opened.text("#view")).groups()


def test_zoom_by_buttons(opened):
    everything = ("3", "59")
    assert view(opened) == everything
    opened.tab.get_by_role("button", name="Zoom in").click()
    near = view(opened)
    assert 25 <= int(near[1]) - int(near[0]) <= 30
    opened.tab.get_by_role("button", name="Right").click()
    assert int(view(opened)[0]) > int(near[0])
    opened.tab.get_by_role("button", name="Left").click()
    opened.tab.get_by_role("button", name="Left").click()
    assert view(opened)[0] == "3"
    opened.tab.get_by_role("button", name="Zoom out").click()
    opened.tab.get_by_role("button", name="Zoom out").click()
    assert view(opened) == everything
    opened.find("14a")
    assert view(opened) != everything
    assert "wildtype at site 14a" in opened.text("#details")
    opened.tab.get_by_role("button", name="All sites").click()
    assert view(opened) == everything


def test_zoom_by_pointer(opened):
    mouse = opened.tab.mouse
    mouse.move(*opened.place(10.2, -1))
    mouse.down()
    mouse.move(*opened.place(20.4, -1), steps=4)
    mouse.up()
    brushed = view(opened)
    assert brushed == (pages.SITES[10], pages.SITES[19])
    start, end = opened.place(15, 5), opened.place(12, 5)
    mouse.move(*start)
    mouse.down()
    mouse.move(*end, steps=4)
    mouse.up()
    assert view(opened) == (pages.SITES[13], pages.SITES[22])
    mouse.dblclick(*opened.place(16, -1))
    assert view(opened) == ("3", "59")
    mouse.move(*opened.place(30, -1))
    mouse.wheel(0, -300)
    near = view(opened)
    assert near != ("3", "59")
    assert opened.tab.evaluate("scrollY") == 0
    box = opened.tab.locator("#overview").bounding_box()
    mouse.click(box["x"] + box["width"] - 15, box["y"] + 20)
    assert view(opened)[1] == "59"
    mouse.move(*opened.place(40, 5))
    mouse.wheel(0, 100)
    opened.tab.wait_for_timeout(300)
    assert opened.tab.evaluate("scrollY") > 0


def test_everything_by_keyboard(opened, study):
    opened.tab.locator("#plot").focus()
    opened.tab.keyboard.press("+")
    assert view(opened) != ("3", "59")
    opened.tab.keyboard.press("0")
    assert view(opened) == ("3", "59")
    opened.find(pages.mutations("1")["mutation"].iloc[0])
    opened.tab.locator("#plot").focus()
    for name, step in {"ArrowRight": (1, 0), "ArrowDown": (0, 1), "ArrowLeft": (-1, 0), "ArrowUp": (0, -1)}.items():
        before = opened.tab.evaluate("[...page.state.cursor]")
        opened.tab.keyboard.press(name)
        limits = len(pages.SITES) - 1, len(pages.LETTERS) - 1
        moved = [min(max(a + b, 0), most) for a, b, most in zip(before, step, limits, strict=True)]
        assert opened.tab.evaluate("[...page.state.cursor]") == moved
        assert opened.text("#details")
    opened.tab.locator("#lasso").focus()
    before = opened.tab.locator("#lasso").input_value()
    opened.tab.keyboard.press("ArrowDown")
    assert opened.tab.locator("#lasso").input_value() != before
    assert "lasso weight 4e-5" in opened.text("#status")


def test_controls_have_names_and_are_reached_by_tab(opened):
    names = opened.tab.evaluate("""() => [...document.querySelectorAll("select, input, button, canvas")].map(one =>
      one.labels && one.labels.length ? one.labels[0].innerText : one.ariaLabel || one.innerText)""")
    assert all(names) and len(names) > 15
    reached = set()
    for _ in range(60):
        opened.tab.keyboard.press("Tab")
        reached.add(opened.tab.evaluate("document.activeElement.id || document.activeElement.dataset.zoom || ''"))
    assert reached >= {"of", "matrix", "lasso", "replicate", "other-scale_bound", "minimum", "find", "summary", "plot"}
    assert reached >= {"kinds", "limit", "in", "out", "left", "right", "all"}


def test_what_is_not_there_is_said(opened):
    opened.find("Q9999Q")
    assert opened.text("#details") == "Neither a site nor a mutation of these data: Q9999Q"


@pytest.mark.parametrize("width", [1280, 700, 360])
def test_it_fits_its_window(open_page, study, width):
    opened = open_page(study / "page.html", width=width)
    opened.find(pages.mutations("1")["mutation"].iloc[0])
    assert opened.tab.evaluate("document.documentElement.scrollWidth") <= width
    for box in [one.bounding_box() for one in opened.tab.locator("select, input, canvas").all()]:
        assert box["x"] >= 0 and box["x"] + box["width"] <= width
    opened.tab.set_viewport_size({"width": width + 100, "height": 900})
    opened.tab.wait_for_timeout(200)
    canvas = opened.tab.evaluate("[plot.width, plot.getBoundingClientRect().width * devicePixelRatio]")
    assert canvas[0] == pytest.approx(canvas[1], abs=1)


def test_it_prints(opened):
    opened.tab.emulate_media(media="print")
    assert opened.tab.locator("#zoom button").first.is_hidden()
    assert opened.tab.locator("#plot").is_visible() and opened.tab.locator("#status").is_visible()
    assert opened.tab.locator("form").is_hidden()
    assert len(opened.tab.pdf(format="A4")) > 20_000
    assert "printing" not in opened.tab.locator("body").get_attribute("class")


def rewritten(study, path, change):
    """The page of the study after ``change`` of its tables."""
    path.write_text(page.make(*change(fits.read(study / "fits.csv"), chosen.load(study / "chosen.csv"))))
    return path


def test_without_a_chosen_weight_it_opens_in_the_middle(open_page, study, tmp_path):
    path = rewritten(study, tmp_path / "page.html", lambda table, choice: (table, choice.assign(lasso=np.nan)))
    opened = open_page(path)
    assert "No lasso weight was chosen for this study" in opened.text("#opening")
    assert opened.tab.locator("#lasso option:checked").inner_text() == "1e-5"
    assert "chosen" not in opened.text("#status")


def test_without_fits_it_says_so(open_page, study, tmp_path):
    path = rewritten(study, tmp_path / "page.html", lambda table, choice: (table.iloc[:0], choice.iloc[:0]))
    opened = open_page(path, ready="#opening:has-text('No fit finished')")
    assert opened.tab.locator("#main").is_hidden()


def test_one_condition_has_effects_only(open_page, study, tmp_path):
    def load(path):
        found = page.fitted.load(path)
        return page.fitted.Fitted(["a"], {}, found.mutations)

    table, choice = fits.read(study / "fits.csv").iloc[:1], chosen.load(study / "chosen.csv").iloc[:1]
    folder = tmp_path / "fit"
    folder.mkdir()
    names = pages.mutations("1")["mutation"].to_numpy(str)
    np.savez(folder / "parameters.npz", mutations=names, bundle=np.zeros((1, len(names)), bool))
    source = table["path"].iloc[0]
    table = table.assign(path=str(folder))
    (tmp_path / "page.html").write_text(page.make(table, choice, lambda path: load(source)))
    opened = open_page(tmp_path / "page.html")
    assert opened.text("#status").startswith("Effect in a,")
    assert opened.tab.locator("[value=shift]").is_disabled()


def test_an_old_browser_is_told(open_page, study):
    opened = open_page(study / "page.html", before="delete window.DecompressionStream", ready="#opening.warn")
    assert "could not be unpacked" in opened.text("#opening")
