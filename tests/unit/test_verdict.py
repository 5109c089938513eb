"""The verdict at the end of a run: every line against the tables it is computed from."""

import pandas as pd
import pytest

from proxsweep import studies, verdict
from proxsweep.io.files import write_csv

CONFIG = """
studies:
  one:
    data: {simulate: {tree: {a: root, b: root, c: root}, replicates: 2}}
    reference: a
    sweep: {lasso: [0, 1.0e-5, 4.0e-5], difference: [reference]}
"""
CHOICE = {"study": "one", "difference": "reference", "lasso": 4e-5, "rule": "auto", "by": "replicate_signs"}
CHOICE |= {"selected": True, "reason": "estimated 8 % false, limit 10 %", "false_discovery_rate": 0.08, "chosen": True}
RANKED = CHOICE | {"lasso": 1e-5, "by": "ranking", "selected": False}
RANKED |= {"reason": "no weight: estimated 91.3 % false at best, limit 10 %", "false_discovery_rate": 0.95}


@pytest.fixture
def study(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "c.yaml").write_text(CONFIG)
    return studies.from_config(studies.load(["c.yaml"]), ["c.yaml"], {})[0]


def write(statuses=("converged",) * 6, at_bound=(False,) * 6, choice=CHOICE, selected=3, dropped=0):
    lassos = [lasso for lasso in (0.0, 1e-5, 4e-5) for _ in range(2)]
    fits = {"study": "one", "family": "dms", "difference": "reference", "lasso": lassos, "replicate": ["1", "2"] * 3}
    fits |= {"fold": None, "resample": None, "path": [f"results/one/fits/{k}" for k in range(6)]}
    table = pd.DataFrame(fits).assign(status=pd.Series(statuses), scale_at_bound=pd.Series(at_bound))
    write_csv("results/one/fits.csv", table[: len(statuses)])
    write_csv("results/one/chosen.csv", pd.DataFrame([choice]))
    names = [f"A{site}C" for site in range(1, 1301)]
    shifts = pd.DataFrame({"row": "b-minus-a", "mutation": names, "site": range(1, 1301)})
    shifts["shift"] = [site * (-1) ** site for site in range(1, 1301)]
    write_csv("results/one/shifts.csv", shifts.assign(selected=[k < selected for k in range(1300)]))
    steps = [("1", "read", "a", 10, 0, ""), ("1", "min_times_seen", "a", 10 - dropped, dropped, "seen too seldom")]
    report = pd.DataFrame(steps, columns=["replicate", "step", "condition", "rows", "dropped", "reason"])
    write_csv("results/one/data/report.csv", report)


def test_a_study_with_a_chosen_weight(study):
    write()
    assert list(verdict.lines(study)) == [
        "study one",
        "  fits      6 of 6 converged",
        "  data      no condition lost more than 10 % of its variants (results/one/data/report.csv)",
        "  weight    lasso 4e-05 (difference reference), by replicate_signs: estimated 8 % false, limit 10 %",
        "  found     3 of 1,300 shifts are nonzero with one sign in the replicates; estimated 8 % false by their signs",
        "            largest: A3C -3 (b-minus-a), A2C +2 (b-minus-a), A1C -1 (b-minus-a) (latent units)",
        "  open      results/one/shifts.csv",
    ]


def test_a_study_that_chooses_nothing_counts_nothing_as_found(study):
    write(choice=RANKED, selected=0)
    said = list(verdict.lines(study))
    assert "  weight    no weight: estimated 91.3 % false at best, limit 10 %" in said
    assert "            findings are ranked by size at lasso 1e-05 (difference reference)" in said
    assert (
        "  found     no shift counts as found; 1,300 are in shifts.csv, the largest first (docs/selection.md)" in said
    )


def test_a_study_with_unconverged_fits_scales_at_their_bound_and_dropped_variants(study):
    statuses = ("converged", "max_iterations", "diverged", "max_iterations", "converged")
    write(statuses, (True, True, False, True, False), dropped=4)
    said = list(verdict.lines(study))
    assert "  fits      2 of 6 converged, 2 max_iterations, 1 diverged, 1 without a result" in said
    lost = "40 % of the variants of condition a, replicate 1, are dropped, most for: seen too seldom (40 %)"
    assert f"  data      {lost}" in said
    bound = "the scale of the sigmoid is at its bound in 3 of 5 full fits; sweep `scale_bound`"
    assert f"  warning   {bound} to see what depends on it (docs/starts.md)" in said


def test_many_warnings_are_shortened(study):
    texts = list(verdict._shortened("warning", [f"number {k}" for k in range(9)]))
    assert [line.text for line in texts] == ["number 0", "number 1", "number 2", "and 6 more like these"]


def test_what_is_missing_or_damaged_has_no_line(study, tmp_path):
    assert list(verdict.lines(study)) == ["study one", "  fits      0 of 6 converged, 6 without a result"]
    write()
    (tmp_path / "results/one/chosen.csv").write_text("cut")
    said = list(verdict.lines(study))
    assert not any(line.startswith(("  weight", "  found")) for line in said) and "  fits      6 of 6 converged" in said


def test_fits_of_another_reference_are_counted_by_themselves(tmp_path, monkeypatch):
    from proxsweep import planning

    monkeypatch.chdir(tmp_path)
    (tmp_path / "c.yaml").write_text(CONFIG + "    references: {conditions: [b]}\n")
    one, refit = planning.with_refits(studies.from_config(studies.load(["c.yaml"]), ["c.yaml"], {})).values()
    assert "  refits    0 of 6 converged, 6 without a result" in list(verdict.lines(one, [refit]))


def test_a_run_ends_with_the_warnings_of_its_dry_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "t.csv").write_text("condition,rep,aa_substitutions,func_score\na,1,,0\nb,2,A1C,1\n")
    (tmp_path / "c.yaml").write_text(
        "studies: {one: {data: {func_scores: t.csv}, reference: a, sweep: {lasso: [0], "
        "difference: [reference, equivariant]}}}"
    )
    (study,) = studies.from_config(studies.load(["c.yaml"]), ["c.yaml"], {})
    assert not any("warning" in line for line in verdict.lines(study))
    write_csv("results/one/data/wildtypes.csv", pd.DataFrame({"site": ["1"], "a": ["A"], "b": ["A"]}))
    variants = pd.DataFrame({"condition": ["a", "b"], "aa_substitutions": ["", "A1C"], "func_score": [0.0, 1.0]})
    write_csv("results/one/data/variants.csv", variants)
    said = "\n".join(verdict.lines(study))
    for told in ("which is fitted twice", "no sigmoid can be learnt", "condition b has single mutants only"):
        assert told in said
    assert "and 1 more like these" in said, "the column `rep`"


def test_one_replicate_has_no_estimate(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "c.yaml").write_text(CONFIG.replace("replicates: 2", "replicates: 1"))
    (study,) = studies.from_config(studies.load(["c.yaml"]), ["c.yaml"], {})
    write(choice=CHOICE | {"false_discovery_rate": None})
    told = "3 of 1,300 shifts are nonzero in the one replicate; false ones not estimated"
    assert f"  found     {told}" in list(verdict.lines(study))
