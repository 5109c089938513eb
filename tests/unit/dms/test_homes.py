"""`~` in local paths of a config is the home."""

import getpass
from pathlib import Path

import pytest
import yaml

from proxsweep import planning, studies
from proxsweep.io.errors import UserError

TABLE = "condition,aa_substitutions,func_score\na,N1K,0.5\na,,0\nb,N1K,0.2\nb,,0\n"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home with a table, a site map and sequences."""
    home = tmp_path / "me"
    (home / "scores").mkdir(parents=True)
    (home / "scores/all.csv").write_text(TABLE)
    (home / "scores/A_x.csv").write_text(TABLE)
    (home / "scores/B_x.csv").write_text(TABLE)
    (home / "selections.csv").write_text("library,preselection_sample,postselection_sample\nA,w,x\nB,w,x\n")
    (home / "sites.csv").write_text("sequential_site,reference_site\n1,1\n")
    (home / "wildtypes.fasta").write_text(">a\nN\n>b\nN\n")
    monkeypatch.setenv("HOME", str(home))
    return home


def study(folder: Path, **data: object) -> studies.Study:
    """The only study of a config with this section ``data``."""
    one = {"family": "dms", "data": data, "reference": "a", "sweep": {"lasso": [0]}}
    config = {"studies": {"s": one}}
    (folder / "c.yaml").write_text(yaml.safe_dump(config))
    (checked,) = studies.from_config(config, [folder / "c.yaml"], {}, folder)
    return checked


def test_a_table_by_itself(home, tmp_path):
    found = study(tmp_path, func_scores="~/scores/all.csv")
    assert found.data["func_scores"] == str(home / "scores/all.csv")
    assert planning.resolved(found)["studies"]["s"]["data"]["func_scores"] == str(home / "scores/all.csv")


def test_tables_of_a_list_and_files_beside_them(home, tmp_path):
    (tmp_path / "here.csv").write_text(TABLE)
    found = study(
        tmp_path,
        func_scores=[
            {"func_scores": "~/scores/all.csv", "replicate": "1"},
            {"func_scores": "here.csv", "replicate": "2"},
        ],
        site_map="~/sites.csv",
        wildtypes={"fasta": "~/wildtypes.fasta"},
    )
    assert [table["func_scores"] for table in found.data["func_scores"]] == [str(home / "scores/all.csv"), "here.csv"]
    assert found.data["site_map"] == str(home / "sites.csv")
    assert found.data["wildtypes"]["fasta"] == str(home / "wildtypes.fasta")


def test_a_list_of_selections_and_its_folder(home, tmp_path):
    entry = {"selections": "~/selections.csv", "folder": "~/scores", "table": "{library}_{postselection_sample}.csv"}
    found = study(tmp_path, func_scores=[{**entry, "condition": "a", "replicates": {"1": "A", "2": "B"}}])
    paths = [table["func_scores"] for table in found.data["func_scores"]]
    assert paths == [str(home / f"scores/{library}_x.csv") for library in "AB"]


def test_a_table_that_is_named_twice_in_two_ways_is_one(home, tmp_path):
    twice = [{"func_scores": "~/scores/all.csv"}, {"func_scores": str(home / "scores/all.csv")}]
    with pytest.raises(UserError, match="the same rows"):
        study(tmp_path, func_scores=twice)


def test_the_home_of_a_user(tmp_path):
    with pytest.raises(UserError) as caught:
        study(tmp_path, func_scores=f"~{getpass.getuser()}/no_such_table.csv")
    assert f"no file at {Path.home()}/no_such_table.csv" in caught.value.found


@pytest.mark.parametrize("path", ["~nobody-of-this-name/scores.csv", "~a\0b/scores.csv", "~"])
def test_what_is_no_file_in_a_home_is_refused(home, tmp_path, path):
    with pytest.raises(UserError) as caught:
        study(tmp_path, func_scores=path)
    assert caught.value.place == "c.yaml:4: studies.s.data.func_scores"
    assert caught.value.found.startswith(("no file at ~", f"a folder at {home}"))


def test_a_file_whose_name_begins_with_a_tilde(home, tmp_path):
    (tmp_path / "~scores of nobody.csv").write_text(TABLE)
    assert study(tmp_path, func_scores="~scores of nobody.csv").data["func_scores"] == "~scores of nobody.csv"


@pytest.mark.parametrize("key", ["site_map", "fasta"])
def test_other_files_that_are_not_there_are_named_in_full(home, tmp_path, key):
    more = {"wildtypes": {"fasta": "~/no.fasta"}} if key == "fasta" else {"site_map": "~/no.csv"}
    with pytest.raises(UserError) as caught:
        study(tmp_path, func_scores="~/scores/all.csv", **more)
    assert f"no file at {home}/no." in caught.value.found and key in caught.value.place


def test_addresses_are_left_alone(home, tmp_path):
    address = "https://example.org/~me/scores.csv"
    found = study(tmp_path, func_scores=address, conditions=["a", "b"])
    assert found.data["func_scores"] == address
