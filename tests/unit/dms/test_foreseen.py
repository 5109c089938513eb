"""A study whose variants are mostly dropped is told so before the run, and after it."""

import pytest

from proxsweep.__main__ import main

TABLE = """condition,aa_substitutions,func_score
a,,0
b,,0
a,F12Y,-0.1
a,F12A,-0.2
a,K9R,0.1
b,K9R,0.2
a,K9E,0.1
"""
CONFIG = "studies:\n  one:\n    data: {{func_scores: t.csv{more}}}\n    reference: a\n    sweep: {{lasso: [0]}}\n"


def planned(folder, monkeypatch, capsys, more="") -> tuple[int, str]:
    monkeypatch.chdir(folder)
    (folder / "t.csv").write_text(TABLE)
    (folder / "c.yaml").write_text(CONFIG.format(more=more))
    code = main(["plan", "c.yaml"])
    said = capsys.readouterr()
    return code, said.out + said.err


def test_a_plan_names_the_condition_its_share_and_the_reason(tmp_path, monkeypatch, capsys):
    code, said = planned(tmp_path, monkeypatch, capsys)
    reason = "substitution at a site whose wildtype is unknown in b (1 sites) (40 %)"
    told = f"study one: warning: 40 % of the variants of condition a, replicate 1, are dropped, most for: {reason}"
    assert code == 0 and told in said.splitlines() and said.count("warning") == 2


def test_sequences_keep_them(tmp_path, monkeypatch, capsys):
    (tmp_path / "w.fasta").write_text(">a\nKAAF\n>b\nKAAF\n")
    more = ", wildtypes: {fasta: w.fasta, first_site: 9}"
    code, said = planned(tmp_path, monkeypatch, capsys, more)
    assert code == 0 and "dropped" not in said


@pytest.mark.parametrize(
    ("more", "place", "found"),
    [
        ("wildtypes: {fasta: w.fasta}", "w.fasta", "no sequence named 'b'"),
        ("wildtypes: {fasta: absent.fasta}", "studies.one.data.wildtypes.fasta", "no file at absent.fasta"),
        ("wildtypes: {fasta: w.fasta, columns: {a: x}}", "studies.one.data.wildtypes", "`fasta` beside `columns`"),
        ("wildtypes: {}", "studies.one.data.wildtypes", "neither `fasta` nor `columns`"),
        ("wildtypes: {columns: {a: x, b: y}}", "studies.one.data.wildtypes.columns", "columns without a site map"),
        ("site_map: m.csv, wildtypes: {columns: {a: x}}", "data.wildtypes.columns", "no column for the condition 'b'"),
    ],
)
def test_faults_of_sequences_are_told_before_a_run(tmp_path, monkeypatch, capsys, more, place, found):
    (tmp_path / "w.fasta").write_text(">a\nKAAF\n")
    (tmp_path / "m.csv").write_text("sequential_site,reference_site,x\n1,9,K\n2,12,F\n")
    code, said = planned(tmp_path, monkeypatch, capsys, f", {more}")
    assert code == 2 and said.count("\n") == 1
    assert place in said and f"found {found}" in said


def test_single_mutants_under_a_sigmoid_are_named_and_under_a_linear_model_are_not(tmp_path, monkeypatch, capsys):
    told = "study one: warning: 100 % of the variants have one mutation, from which no sigmoid can be learnt"
    code, said = planned(tmp_path, monkeypatch, capsys)
    assert code == 0 and told in said.splitlines()
    (tmp_path / "linear.yaml").write_text("studies: {one: {model: {global_epistasis: linear}}}")
    assert main(["plan", "c.yaml", "linear.yaml"]) == 0
    assert "sigmoid" not in capsys.readouterr().out


def test_single_mutants_without_a_wildtype_are_named(tmp_path, monkeypatch, capsys):
    told = "has single mutants only and no row of the wildtype"
    _, said = planned(tmp_path, monkeypatch, capsys)
    assert told not in said
    whole = TABLE
    monkeypatch.setattr("test_foreseen.TABLE", whole.replace("b,,0\n", ""))
    _, said = planned(tmp_path, monkeypatch, capsys)
    assert f"study one: warning: condition b {told}: its effects are known up to a constant" in said
    assert said.count(told) == 1
    monkeypatch.setattr("test_foreseen.TABLE", whole.replace("b,,0\n", "b,K9R F12Y,0\n"))
    _, said = planned(tmp_path, monkeypatch, capsys)
    assert told not in said, "variants with several mutations tell the intercept"


@pytest.mark.parametrize(("name", "count"), [("SE", 1), ("score_sd", 1), ("variance", 0), ("v", 0), ("dose", 0)])
def test_a_column_of_variances_that_is_called_an_error_is_named(tmp_path, monkeypatch, capsys, name, count):
    lines = TABLE.splitlines()
    monkeypatch.setattr("test_foreseen.TABLE", "\n".join([f"{lines[0]},{name}", *(f"{line},1" for line in lines[1:])]))
    more = f", variant_weights: inverse_variance, columns: {{variance: {name}}}"
    code, said = planned(tmp_path, monkeypatch, capsys, more)
    assert code == 0 and said.count("standard errors belong under `columns: standard_error`") == count


@pytest.mark.parametrize(("matrices", "count"), [("reference, equivariant", 1), ("reference", 0), ("equivariant", 0)])
def test_two_conditions_under_both_matrices_are_one_problem(tmp_path, monkeypatch, capsys, matrices, count):
    (tmp_path / "more.yaml").write_text(f"studies: {{one: {{sweep: {{difference: [{matrices}]}}}}}}")
    planned(tmp_path, monkeypatch, capsys)
    assert main(["plan", "c.yaml", "more.yaml"]) == 0
    assert capsys.readouterr().out.count("are one problem, which is fitted twice") == count


@pytest.mark.parametrize(
    ("line", "place"),
    [
        ("a,F12,0", "t.csv, row 9, column 'aa_substitutions'"),
        ("a,F12Y K9R K9E,0", "t.csv, row 9, column 'aa_substitutions'"),
        ("b,P9A,0", "t.csv, row 7, column 'aa_substitutions'"),
        ("b,K9E,much", "t.csv, row 9, column 'func_score'"),
    ],
)
def test_a_row_that_the_run_would_refuse_is_refused_by_the_plan(tmp_path, monkeypatch, capsys, line, place):
    monkeypatch.setattr("test_foreseen.TABLE", f"{TABLE}{line}\n")
    code, said = planned(tmp_path, monkeypatch, capsys)
    assert code == 2 and f"proxsweep: {place}: found" in said


@pytest.mark.parametrize(("folds", "code"), [(2, 0), (3, 2)])
def test_more_folds_than_variants_are_refused_before_the_run(tmp_path, monkeypatch, capsys, folds, code):
    (tmp_path / "folds.yaml").write_text(f"studies: {{one: {{cross_validation: {{folds: {folds}}}}}}}")
    planned(tmp_path, monkeypatch, capsys)
    assert main(["plan", "c.yaml", "folds.yaml"]) == code
    said = capsys.readouterr()
    assert ("found 2 variants of condition b" in said.err) == bool(code)
