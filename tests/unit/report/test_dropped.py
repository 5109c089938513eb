"""Conditions that lost many variants are named, with the share and the main reason."""

import re

import pandas as pd
import pytest

from proxsweep.io.errors import UserError
from proxsweep.io.files import write_csv
from proxsweep.report import dropped, style

COLUMNS = ["replicate", "step", "condition", "rows", "variants", "mutations", "dropped", "reason"]


def report(*rows):
    """Rows of (step, condition, rows left, dropped, reason), of replicate 1."""
    return pd.DataFrame(
        [("1", step, name, left, left, 0, lost, why) for step, name, left, lost, why in rows], columns=COLUMNS
    )


STEPS = [
    ("read", "a", 100, 0, ""),
    ("read", "b", 100, 0, ""),
    ("count_filter", "a", 80, 20, "few reads"),
    ("count_filter", "b", 95, 5, "few reads"),
    ("collapse", "a", 40, 40, "merged"),
    ("collapse", "b", 50, 45, "merged"),
    ("unknown_wildtype", "a", 10, 30, "unknown in b (3 sites)"),
    ("unknown_wildtype", "b", 48, 2, "unknown in a (1 sites)"),
]


def test_shares_of_steps_are_multiplied_and_merged_rows_are_not_lost():
    (loss,) = dropped.losses(report(*STEPS))
    assert loss == ("1", "a", pytest.approx(1 - 0.8 * 0.25), "unknown in b (3 sites)", pytest.approx(0.75))
    (text,) = dropped.sentences(report(*STEPS))
    assert text.startswith(
        "80 % of the variants of condition a, replicate 1, are dropped, most for: unknown in b (3 sites) (75 %)"
    )


@pytest.mark.parametrize(("lost", "named"), [(10, False), (11, True), (100, True)])
def test_a_tenth_is_not_yet_many(lost, named):
    found = dropped.losses(report(("read", "a", 100, 0, ""), ("times_seen", "a", 100 - lost, lost, "rare")))
    assert bool(found) == named


def test_conditions_that_the_study_does_not_use_are_not_lost():
    table = pd.concat(
        [report(*STEPS[1:2]), report(("read", "z", 0, 500, "condition not used")).assign(replicate="all")]
    )
    assert dropped.losses(table) == []


def test_every_figure_says_it_under_its_own_note(tmp_path):
    write_csv(tmp_path / "report.csv", report(*STEPS))
    write_csv(tmp_path / "none.csv", report(*STEPS[:2]))

    def drawn(path: str) -> str:
        figure = style.new_figure(style.TWO_COLUMNS)
        figure.subplots().plot([1, 2])
        style.note(figure, "All 3 fits converged.")
        style.save_figure(figure, tmp_path / "x", data_report=path)
        return " ".join(re.findall(r">([^<>]+)</t", (tmp_path / "x.svg").read_text()))

    note = "Over 10 % of variants dropped before fitting: a 80 % (unknown in b (3 sites))."
    assert dropped.note(tmp_path / "report.csv") == note
    assert f"All 3 fits converged. {note}" in drawn(str(tmp_path / "report.csv"))
    for path in (str(tmp_path / "none.csv"), "", "absent.csv"):
        assert "All 3 fits converged." in drawn(path) and "dropped" not in drawn(path)


def test_reports_are_stacked_cell_by_cell(tmp_path):
    (tmp_path / "a.csv").write_text("replicate,step,rows\nall,read,007\n1,NA,\n")
    (tmp_path / "b.csv").write_text("replicate,step,rows\n2,zeros,1e3\n")
    write_csv(tmp_path / "c.csv", dropped.stacked([tmp_path / "a.csv", tmp_path / "b.csv"]))
    assert (tmp_path / "c.csv").read_text() == "replicate,step,rows\nall,read,007\n1,NA,\n2,zeros,1e3\n"


def test_reports_with_other_columns_are_not_stacked(tmp_path):
    (tmp_path / "a.csv").write_text("replicate,rows\n1,2\n")
    (tmp_path / "b.csv").write_text("rows,replicate\n1,2\n")
    with pytest.raises(UserError, match=r"b\.csv, header: found other columns; expected those of .*a\.csv"):
        dropped.stacked([tmp_path / "a.csv", tmp_path / "b.csv"])


def test_a_report_of_other_columns_has_no_losses():
    other = report(*STEPS).drop(columns="condition")
    assert not dropped.has_losses(other) and dropped.losses(other) == []
    assert dropped.has_losses(report(*STEPS))
