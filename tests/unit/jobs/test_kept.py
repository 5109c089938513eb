"""Whether a fit on disk is the one that is asked for."""

import json

import pytest

from proxsweep.jobs import kept, set_aside
from proxsweep.sweep import fit_folder

SPEC = {"fit": {"lasso": 1e-3}, "solver": {"tolerance": 1e-6}}


@pytest.fixture
def made(tmp_path):
    """A fit's folder, with what the fit was made of."""
    (tmp_path / "encoding.npz").write_text("data")
    (tmp_path / "fit").mkdir()
    (tmp_path / "fit/parameters.npz").write_text("12345")
    how = kept.how_made(SPEC, {"encoding": str(tmp_path / "encoding.npz")}, "code")
    digests = fit_folder.file_digests(tmp_path / "fit")
    record = {"status": "converged", "file_sha256": digests, "made": {**how, "seconds": 1.0}}
    (tmp_path / "fit/record.json").write_text(json.dumps(record))
    return tmp_path / "fit", how


def test_what_is_there_as_it_is_asked_for_is_kept(made):
    folder, how = made
    assert kept.why_made(folder, how) is None
    assert kept.why_made(folder.parent / "absent", how) == kept.MISSING


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"spec_sha256": "x"}, "settings changed"),
        ({"inputs_sha256": {"encoding": "x"}}, "data changed"),
        ({"code_sha256": "x"}, "code changed"),
        ({"code_sha256": "x", "spec_sha256": "x"}, "settings, code changed"),
    ],
)
def test_what_is_of_something_else_is_made_again(made, changes, reason):
    folder, how = made
    assert kept.why_made(folder, how | changes) == reason and not kept.is_damage(reason)


def test_a_changed_value_changes_the_digest_and_another_order_does_not(made):
    _, how = made
    again = kept.how_made(dict(reversed(SPEC.items())), {}, "code")
    other = kept.how_made({**SPEC, "fit": {"lasso": 2e-3}}, {}, "code")
    assert again["spec_sha256"] == how["spec_sha256"] != other["spec_sha256"]


def test_damage_failure_and_records_of_earlier_versions(made):
    folder, how = made
    record = json.loads((folder / "record.json").read_text())
    for edited in (None, [1], {}):
        (folder / "record.json").write_text(json.dumps({**record, "made": edited}))
        assert kept.why_made(folder, how) == "settings, data, code changed"
    (folder / "record.json").write_text(json.dumps({**record, "status": "failed", "file_sha256": {}}))
    assert kept.why_made(folder, how) == kept.FAILED and kept.is_failed(folder / "record.json")
    (folder / "record.json").write_text(json.dumps(record))
    (folder / "parameters.npz").unlink()
    assert kept.is_damage(kept.why_made(folder, how))


def test_a_record_that_is_put_aside_comes_back_in_place_of_any_other(made):
    folder, _ = made
    before = (folder / "record.json").read_text()
    set_aside.put(folder)
    assert not (folder / "record.json").exists()
    (folder / "record.json").write_text("{}")
    set_aside.bring_back(folder)
    assert (folder / "record.json").read_text() == before
    set_aside.copy(folder)
    (folder / "record.json").unlink()  # as Snakemake does when a job has failed
    set_aside.bring_back(folder)
    assert (folder / "record.json").read_text() == before and not (folder / set_aside.ASIDE).exists()
    set_aside.bring_back(folder)
    assert (folder / "record.json").read_text() == before
