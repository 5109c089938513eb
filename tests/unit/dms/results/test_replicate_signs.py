"""Shares of false shifts from signs in pairs of replicates and from stop codons, and the table of shifts."""

import numpy as np
import pandas as pd
import pytest

from proxsweep.dms.results import replicate_signs, shifts
from proxsweep.dms.results.fitted import Fitted
from proxsweep.dms.summaries import false_discovery
from proxsweep.dms.summaries.recovery import Estimate
from proxsweep.io.errors import UserError

ROW = "b-minus-a"


def fitted(values: dict[str, float], seen: dict[str, int] | None = None) -> Fitted:
    names = list(values)
    times = [(seen or {}).get(name, 5) for name in names]
    table = pd.DataFrame({"mutation": names, "wildtype": "A", "site": [name[1:-1] for name in names]})
    table = table.assign(mutant=[name[-1] for name in names], **{f"shift_{ROW}": list(values.values())})
    return Fitted(["a", "b"], {ROW: ["a", "b"]}, table.assign(times_seen_a=times, times_seen_b=9))


def fits(paths: list[tuple], **more) -> pd.DataFrame:
    table = pd.DataFrame(paths, columns=["lasso", "replicate", "fold", "resample", "path"])
    table.insert(0, "study", "s")
    table.insert(1, "family", "dms")
    table.insert(2, "difference", "reference")
    return table.assign(status="converged", **more)


ONE = {"A1C": 1.0, "A2C": -2.0, "A3C": 0.5, "A4C": 0.0, "A5C": 0.7, "A6*": -0.1}
TWO = {"A1C": 0.8, "A2C": 1.5, "A3C": 0.9, "A4C": 2.0, "A5C": 0.2, "A7C": 3.0}


def test_mirrors_of_a_pair():
    found = replicate_signs.mirrors([fitted(ONE), fitted(TWO, {"A5C": 0})]).set_index("mutation")["mirror"]
    assert found.to_dict() == {"A1C": 0.8, "A2C": -1.5, "A3C": 0.5, "A4C": 0.0}
    assert replicate_signs.mirrors([fitted(ONE)]).empty


def test_agreements_are_counted_over_all_pairs():
    folders = {"p": fitted(ONE), "q": fitted(TWO), "r": fitted(ONE)}
    table = fits([(1e-5, "1", np.nan, np.nan, "p"), (1e-5, "2", np.nan, np.nan, "q"), (1e-5, "3", np.nan, np.nan, "r")])
    found = replicate_signs.table(table, load=folders.get).set_index("row")
    assert list(found.index) == [ROW, "all"]
    # p, r: five agree (the stop, too); p, q and q, r: three agree, one disagrees
    assert found.loc["all", ["pairs", "agree", "disagree"]].tolist() == [3, 11, 2]
    assert found.loc["all", "estimate"] == pytest.approx(2 / 11)


def test_the_estimate_is_right_for_shifts_whose_truth_is_known():
    rng = np.random.default_rng(3)
    names = [f"A{k}C" for k in range(6000)]
    truth = np.where(np.arange(6000) < 600, rng.choice([-1, 1], 6000) * rng.uniform(1, 3, 6000), 0.0)

    def replicate() -> np.ndarray:
        values = truth + rng.normal(0, 0.6, 6000)
        return np.sign(values) * np.maximum(np.abs(values) - 0.5, 0)  # as the lasso leaves them

    one, two = replicate(), replicate()
    pair = [fitted(dict(zip(names, values, strict=True))) for values in (one, two)]
    found = replicate_signs.mirrors(pair)
    mirror = found["mirror"].to_numpy()
    truth = pd.Series(truth, index=names)[found["mutation"]].to_numpy()
    for threshold in (1e-9, 0.2, 0.5):
        both = mirror >= threshold
        false = np.mean(truth[both] == 0)
        rate = replicate_signs.false_discovery_rates(np.array([threshold]), mirror)[0]
        assert rate == pytest.approx(false, abs=0.04)
    assert np.mean(truth[mirror > 0] == 0) > 0.3


def test_rates_fall_with_the_size():
    mirror = np.array([3.0, 2.0, -1.5, 1.0, 0.9, -0.5, 0.4])
    rates = replicate_signs.false_discovery_rates(np.array([0.4, 0.9, 1.0, 2.0, 3.0, np.nan]), mirror)
    # disagree / agree at least so large: 2/5, 1/4, 1/3 (then the smaller 1/4 holds), 0, 0
    np.testing.assert_allclose(rates, [2 / 5, 1 / 4, 1 / 4, 0, 0, np.nan])


def test_rates_by_stop_codons():
    kinds = ["stop"] * 4 + ["nonsynonymous"] * 5
    sizes = [0.5, 0.3, 0.0, 0.0, 2.0, 0.4, -0.6, 0.0, 0.35]
    found = pd.DataFrame({"kind": kinds, "shift": sizes, "reproduced": [size != 0 for size in sizes]})
    stops, others = np.abs(sizes[:4]), np.abs(sizes[4:])

    def estimate(threshold: float) -> float:
        return min(1.0, np.mean(stops >= threshold) / np.mean(others >= threshold))

    known = sorted(abs(size) for size in sizes if size)
    expected = [
        min(estimate(threshold) for threshold in known if threshold <= abs(size)) if size else np.nan for size in sizes
    ]
    assert len(set(expected[:2] + expected[4:7])) > 2
    np.testing.assert_allclose(shifts.stop_rates(found), expected)


CHOICE = pd.DataFrame(
    {"study": ["s"], "difference": "reference", "lasso": 1e-5, "rule": "given", "minimum": np.nan}
).assign(
    by="given",
    selected=True,
    reason="given in the config",
    one_standard_error=np.nan,
    replicate_signs=np.nan,
    validation_loss=np.nan,
    standard_error=np.nan,
    false_discovery_rate=np.nan,
    chosen=True,
)


def test_the_table_of_shifts():
    folders = {"p": fitted(ONE), "q": fitted(TWO), "other": fitted(ONE), "f": fitted(ONE), "g": fitted(TWO)}
    table = fits(
        [
            *[(1e-5, "1", np.nan, np.nan, "p"), (1e-5, "2", np.nan, np.nan, "q"), (2e-5, "1", np.nan, np.nan, "other")],
            *[(1e-5, "1", np.nan, "1", "f"), (1e-5, "1", np.nan, "2", "g"), (1e-5, "1", "1", np.nan, "g")],
        ]
    )
    found = shifts.table(table, CHOICE, folders.get).set_index("mutation")
    assert list(found.index) == ["A1C", "A2C", "A3C", "A4C", "A5C", "A6*", "A7C"]
    assert found["replicates"].tolist() == [2, 2, 2, 2, 2, 1, 1]
    assert found.loc["A1C", "shift"] == pytest.approx(0.9)
    assert found.loc["A1C", "shift_sd"] == pytest.approx(np.std([1.0, 0.8], ddof=1))
    assert found["reproduced"].tolist() == [True, False, True, False, True, True, True]
    assert found["selected"].tolist() == [True, False, True, False, True, False, False], "two replicates, if there are"
    assert found["nonzero"].tolist() == [2, 2, 2, 1, 2, 1, 1]
    assert found.loc["A4C", ["resamples", "selection_frequency"]].tolist() == [2, 0.5]
    assert found.loc["A6*", ["resamples", "selection_frequency", "folds"]].tolist() == [1, 1.0, 0]
    assert found.loc["A1C", "times_seen_a"] == 10 and found.loc["A7C", "times_seen_a"] == 5
    # signs: A2C disagrees at 1.5; sizes 0.8, 0.5, 0.2 have 1 against 1, 2 and 3
    rates = found["false_discovery_rate"]
    np.testing.assert_allclose(rates[["A1C", "A3C", "A5C"]], [1 / 3, 1 / 3, 1 / 3])
    assert rates[["A2C", "A4C", "A6*", "A7C"]].isna().all()
    ranked = shifts.table(table, CHOICE.assign(selected=False), folders.get)
    assert not ranked["selected"].any() and ranked["shift"].abs().is_monotonic_decreasing
    assert sorted(ranked["mutation"]) == sorted(found.index)
    alone = shifts.table(table[table["path"] != "q"], CHOICE, folders.get)
    assert (alone["selected"] == alone["reproduced"]).all() and alone["selected"].any()
    assert shifts.table(table, CHOICE.assign(lasso=np.nan), folders.get).empty


def test_false_discovery_against_a_truth():
    truth = pd.DataFrame({"mutation": [*ONE, "A7C"], "beta_a": 0.0, "beta_b": [1.0, 0, 0, 0, 0, 0, 1.0]})
    folders = {"p": fitted(ONE), "q": fitted(TWO)}
    table = fits([(1e-5, "1", np.nan, np.nan, "p"), (1e-5, "2", np.nan, np.nan, "q")])

    def estimate(path: str) -> Estimate:
        return Estimate("a", {ROW: {"a": -1.0, "b": 1.0}}, folders[path].mutations)

    found = false_discovery.table(table, truth, load=estimate).set_index("replicate")
    assert found.loc["1", ["stops", "stops_shifted", "mutations", "shifted", "false"]].tolist() == [1, 1, 5, 4, 3]
    assert found.loc["1", "estimate"] == 1.0 and found.loc["1", "true_share"] == 3 / 4
    assert np.isnan(found.loc["2", "estimate"]) and found.loc["2", "true_share"] == 4 / 6
    signs = replicate_signs.table(table, load=folders.get)
    pairs = false_discovery.pairs_table(table, signs, truth, 1, folders.get, estimate)
    assert pairs[["agree", "disagree", "false"]].iloc[0].tolist() == [3, 1, 2]
    assert pairs["true_share"].iloc[0] == pytest.approx(2 / 3)
    figure = false_discovery.figure(found.reset_index(), pairs, CHOICE)
    drawn = sorted(value for ax in figure.axes for line in ax.lines for value in np.atleast_1d(line.get_ydata()))
    for value in (1.0, 3 / 4, 4 / 6, 1 / 3, 2 / 3):
        assert any(abs(value - y) < 1e-12 for y in drawn)


def test_a_fit_that_diverged_has_no_shifts_to_count():
    gone = fitted(dict.fromkeys(ONE, np.nan))
    folders = {"p": fitted(ONE), "q": gone, "f": gone}
    table = fits(
        [(1e-5, "1", np.nan, np.nan, "p"), (1e-5, "2", np.nan, np.nan, "q"), (1e-5, "1", np.nan, "1", "f")],
    )
    table["status"] = ["converged", "diverged", "diverged"]
    found = shifts.table(table, CHOICE, folders.get)
    assert found[["replicates", "resamples"]].to_numpy().tolist() == [[1, 0]] * 6
    assert (found["unconverged"] == 1).all() and (found["unconverged_refits"] == 1).all()
    signs = replicate_signs.table(table, load=folders.get)
    assert signs[["agree", "disagree", "unconverged"]].to_numpy().tolist() == [[0, 0, 1]] * 2

    def estimate(path: str) -> Estimate:
        return Estimate("a", {ROW: {"a": -1.0, "b": 1.0}}, folders[path].mutations)

    counted = false_discovery.table(table, load=estimate).set_index("replicate")
    assert counted.loc["2", ["stops", "mutations", "shifted"]].tolist() == [0, 0, 0]
    assert np.isnan(counted.loc["2", "estimate"])


def test_the_truth_of_an_inner_node_is_not_known():
    truth = pd.DataFrame({"mutation": [*ONE, "A7C"], "beta_a": 0.0, "beta_b": 0.0})
    folders = {"p": fitted(ONE), "q": fitted(TWO)}
    table = fits([(1e-5, "1", np.nan, np.nan, "p"), (1e-5, "2", np.nan, np.nan, "q")])

    def estimate(path: str) -> Estimate:
        return Estimate("a", {ROW: None}, folders[path].mutations)

    assert (false_discovery.table(table, truth, load=estimate)["mutations"] == 0).all()
    signs = replicate_signs.table(table, load=folders.get)
    pairs = false_discovery.pairs_table(table, signs, truth, 1, folders.get, estimate)
    assert pairs["agree"].tolist() == [3] and pairs[["false", "true_share"]].isna().all(axis=None)


def test_a_mutation_that_the_truth_lacks_is_an_error():
    truth = pd.DataFrame({"mutation": ["A1C"], "beta_a": 0.0, "beta_b": 0.0})
    table = fits([(1e-5, "1", np.nan, np.nan, "p")])
    with pytest.raises(UserError, match=r"no mutation A2C \(5 absent\)"):
        false_discovery.table(
            table, truth, load=lambda path: Estimate("a", {ROW: {"a": -1.0, "b": 1.0}}, fitted(ONE).mutations)
        )


def test_shifts_far_below_any_product_of_floats_keep_their_signs():
    tiny = {name: value * 1e-200 for name, value in ONE.items()}
    counted = [replicate_signs.mirrors([fitted(one), fitted(TWO)])["mirror"] for one in (ONE, tiny)]
    assert np.sign(counted[0]).tolist() == np.sign(counted[1]).tolist() and (counted[1] != 0).sum() > 3
    both = replicate_signs.mirrors([fitted(tiny), fitted(tiny)])["mirror"]
    assert (both[both != 0] > 0).all() and (both != 0).any()
