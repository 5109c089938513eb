"""Which fits an attempt of a job makes."""

import json
from pathlib import Path

import pytest

from projects import small_study
from proxsweep import fit_job, planning, studies
from proxsweep.jobs import set_aside
from proxsweep.sweep import grid


@pytest.fixture
def fits(tmp_path, monkeypatch):
    """Two fits in an empty folder, of which the first has failed."""
    monkeypatch.chdir(tmp_path)
    (study,) = studies.from_config({"studies": {"small": small_study()}}, [], {})
    found = grid.full(study)[:2]
    folder = Path(planning.folder(found[0]))
    folder.mkdir(parents=True)
    (folder / "record.json").write_text(json.dumps({"status": "failed", "file_sha256": {}, "reason": "it raised"}))
    set_aside.put(folder)
    return found


@pytest.mark.parametrize(("attempt", "made"), [(1, [0, 1]), (2, [1])])
def test_a_fit_that_failed_is_made_by_the_next_run_and_not_by_the_next_attempt(fits, monkeypatch, attempt, made):
    asked = []
    monkeypatch.setattr(fit_job, "_make_all", lambda some, *others: asked.extend(some) or [])
    fit_job.run(fits, attempt=attempt)
    assert [fit.parts for fit in asked] == [fits[k].parts for k in made]


def test_a_failure_of_an_earlier_run_is_not_taken_for_one_of_this_run(fits, monkeypatch):
    """The job is killed before it has come to the fit: the next attempt makes it."""

    def killed(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(fit_job, "_make_all", killed)
    with pytest.raises(KeyboardInterrupt):
        fit_job.run(fits, attempt=1)
    asked = []
    monkeypatch.setattr(fit_job, "_make_all", lambda some, *others: asked.extend(some) or [])
    fit_job.run(fits, attempt=2)
    assert asked == fits
