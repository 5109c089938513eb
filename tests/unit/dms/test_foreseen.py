"""A study whose variants are mostly dropped is told so before the run, and after it."""

import pandas as pd
import pytest

from proxsweep.__main__ import main
from proxsweep.dms.family import FAMILY
from proxsweep.io.files import write_csv

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
    assert code == 0 and told in said.splitlines() and said.count("warning") == 1


def test_sequences_keep_them(tmp_path, monkeypatch, capsys):
    (tmp_path / "w.fasta").write_text(">a\nKAAF\n>b\nKAAF\n")
    more = ", wildtypes: {fasta: w.fasta, first_site: 9}"
    code, said = planned(tmp_path, monkeypatch, capsys, more)
    assert code == 0 and "warning" not in said


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


def test_a_run_that_dropped_many_says_so_at_its_end(tmp_path, monkeypatch):
    from proxsweep import studies

    monkeypatch.chdir(tmp_path)
    (tmp_path / "t.csv").write_text(TABLE)
    (tmp_path / "c.yaml").write_text(CONFIG.format(more=""))
    (study,) = studies.from_config(studies.load([tmp_path / "c.yaml"]), [], {}, tmp_path)
    assert FAMILY.warnings(study) == []
    rows = [("1", "read", "a", 5, 5, 4, 0, ""), ("1", "unknown_wildtype", "a", 3, 3, 2, 2, "unknown in b (1 sites)")]
    columns = ["replicate", "step", "condition", "rows", "variants", "mutations", "dropped", "reason"]
    write_csv("results/one/data/report.csv", pd.DataFrame(rows, columns=columns))
    (warning,) = FAMILY.warnings(study)
    assert warning.startswith("40 % of the variants of condition a, replicate 1")
    (tmp_path / "results/one/data/report.csv").write_text("cut")
    assert FAMILY.warnings(study) == []
