"""Lists of selections: the tables that they name, and how a list or an entry that does not fit is refused."""

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

import scans
from projects import PROJECT
from proxsweep import studies
from proxsweep.dms import sources
from proxsweep.io import downloads
from proxsweep.io.errors import UserError
from serving import Server, serving

LOCAL = {"selections": f"early/{scans.LIST}", "condition": "early", "replicates": {1: "Lib-1", 2: "Lib-3"}}
LATE = {"selections": f"late/{scans.LIST}", "condition": "late", "replicates": {1: "Lib-2", 2: "Lib-1"}}
POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n"
HEADER = "library,preselection_sample,postselection_sample"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A working directory with two small scans."""
    for path, text in scans.files().items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text(text)
    return tmp_path


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(downloads, "PAUSES", (0, 0))
    with serving({f"/{path}": text.encode() for path, text in scans.files().items()}) as started:
        yield started


def read(folder: Path, *entries: dict, **data: object) -> studies.Study:
    """The one study of a config with these entries of ``func_scores``."""
    columns = {"substitutions": "aa_substitutions_reference"}
    study = {
        "data": {"func_scores": list(entries), "columns": columns, **data},
        "reference": entries[0].get("condition", "early"),
        "sweep": {"lasso": [0]},
    }
    path = folder / "config.yaml"
    path.write_text(yaml.safe_dump({"studies": {"scans": study}}, sort_keys=False))
    (found,) = studies.from_config(studies.load([path]), [path], {}, folder)
    return found


def refusal(folder: Path, *entries: dict, **data: object) -> UserError:
    with pytest.raises(UserError) as caught:
        read(folder, *entries, **data)
    return caught.value


def named(study: studies.Study) -> list[tuple[str, str, str]]:
    return [(table["func_scores"], table["condition"], table["replicate"]) for table in sources.tables(study)]


def test_tables_by_replicate_in_the_order_of_the_list(folder):
    study = read(folder, LOCAL, LATE)
    assert named(study) == [
        ("early/Lib-1_pre_1_vs_post_1_func_scores.csv", "early", "1"),
        ("early/Lib-1_pre_2_vs_post_2_func_scores.csv", "early", "1"),
        ("early/Lib-3_pre_1_vs_post_1_func_scores.csv", "early", "2"),
        ("early/Lib-3_pre_2_vs_post_2_func_scores.csv", "early", "2"),
        ("late/Lib-2_pre_1_vs_post_1_func_scores.csv", "late", "1"),
        ("late/Lib-2_pre_2_vs_post_2_func_scores.csv", "late", "1"),
        ("late/Lib-1_pre_1_vs_post_1_func_scores.csv", "late", "2"),
        ("late/Lib-1_pre_2_vs_post_2_func_scores.csv", "late", "2"),
    ]
    assert study.data["conditions"] == ["early", "late"]
    assert study.sweep["replicate"] == ["1", "2"]
    # the same as the list of tables written out, so that what follows cannot tell the two apart
    entries = [{"func_scores": path, "condition": c, "replicate": r} for path, c, r in named(study)]
    assert read(folder, *entries) == study


def test_lists_of_selections_stand_beside_tables(folder):
    table = {"func_scores": "late/Lib-2_pre_1_vs_post_1_func_scores.csv", "condition": "late", "replicate": 1}
    other = "late/Lib-2_again.csv"
    (folder / other).write_bytes((folder / table["func_scores"]).read_bytes())
    assert len(named(read(folder, LOCAL, table, {**table, "func_scores": other, "replicate": 2}))) == 6
    with pytest.raises(UserError, match="the same rows of the same condition as"):
        read(folder, LOCAL, table, {**table, "func_scores": f"./{table['func_scores']}", "replicate": 2})


@pytest.mark.parametrize(
    ("where", "samples"),
    [
        ({"replicate": 2}, "2"),
        ({"replicate": "2"}, "2"),
        ({"replicate": [1, 2]}, "12"),
        ({"virus_batch": "thaw-1"}, "12"),
    ],
)
def test_where_chooses_selections(folder, where, samples):
    study = read(folder, {**LOCAL, "where": where})
    names = [f"early/{scans.name(library, sample)}" for library in ("Lib-1", "Lib-3") for sample in samples]
    assert [path for path, _, _ in named(study)] == names


def test_selections_of_one_library_as_replicates(folder):
    """Two entries of one list, apart by ``where``."""
    first = {**LOCAL, "replicates": {1: "Lib-1"}, "where": {"replicate": 1}}
    second = {**LOCAL, "replicates": {2: "Lib-1"}, "where": {"replicate": 2}}
    found = [(Path(path).name, replicate) for path, _, replicate in named(read(folder, first, second))]
    assert found == [(scans.name("Lib-1", "1"), "1"), (scans.name("Lib-1", "2"), "2")]


def test_tables_in_another_folder_under_another_name(folder):
    (folder / "scores").mkdir()
    for library in ("Lib-1", "Lib-3"):
        (folder / "scores" / f"thaw-1 {library}.csv").write_text(scans.table("early", library, "1"))
    entry = {**LOCAL, "table": "{virus_batch} {library}.csv", "folder": "scores", "where": {"replicate": 1}}
    found = [path for path, _, _ in named(read(folder, entry))]
    assert found == ["scores/thaw-1 Lib-1.csv", "scores/thaw-1 Lib-3.csv"]


def test_an_address_is_read_once_and_its_tables_are_addresses(folder, server):
    address = server.address(f"/early/{scans.LIST}")
    digest = hashlib.sha256(scans.selections().encode()).hexdigest()
    study = read(folder, {**LOCAL, "selections": address, "sha256": digest})
    names = [scans.name(library, sample) for library in ("Lib-1", "Lib-3") for sample in scans.SAMPLES]
    assert [path for path, _, _ in named(study)] == [server.address(f"/early/{name}") for name in names]
    assert server.asked == [("GET", f"/early/{scans.LIST}")]
    server.leave()
    assert read(folder, {**LOCAL, "selections": address, "sha256": digest}) == study


def test_an_address_whose_copy_is_deleted_is_read_again(folder, server):
    entry = {**LOCAL, "selections": server.address(f"/early/{scans.LIST}")}
    study = read(folder, entry)
    server.files[f"/early/{scans.LIST}"] = f"{HEADER}\nLib-1,a,b\nLib-3,a,b\n".encode()
    assert read(folder, entry) == study
    (copy,) = (folder / "results/scans/data/downloads").iterdir()
    copy.unlink()
    again = [Path(path).name for path, _, _ in named(read(folder, entry))]
    assert again == ["Lib-1_a_vs_b_func_scores.csv", "Lib-3_a_vs_b_func_scores.csv"]


def test_addresses_of_tables_are_quoted_and_take_the_folder_that_is_named(folder, server):
    address = server.address(f"/early/{scans.LIST}")
    entry = {**LOCAL, "selections": address, "table": "{virus_batch} {library}.csv", "where": {"replicate": 1}}
    tables = [path for path, _, _ in named(read(folder, entry))]
    assert tables == [server.address(f"/early/thaw-1%20{library}.csv") for library in ("Lib-1", "Lib-3")]
    tables = [path for path, _, _ in named(read(folder, {**entry, "folder": "https://example.org/scores"}))]
    assert tables == [f"https://example.org/scores/thaw-1%20{library}.csv" for library in ("Lib-1", "Lib-3")]


# library, dates before and after selection, thaw, sample: the selections of the public repository
PUBLISHED = {
    "Delta": [
        *(("Lib-1", "2021-10-28", "2021-12-14", "thaw-1", sample) for sample in "12"),
        *(("Lib-3", "2021-10-28", "2021-12-14", "thaw-1", sample) for sample in "12"),
        *(("Lib-4", "2021-10-28", "2021-12-14", "thaw-1", sample) for sample in "12"),
        *(("Lib-2", "2021-10-28", "2021-11-28", "thaw-1", sample) for sample in "12"),
    ],
    "Omicron_BA1": [
        *(("Lib-1", "2022-03-25", "2022-04-13", "thaw-1", sample) for sample in "12"),
        ("Lib-2", "2022-06-22", "2022-06-22", "thaw-1", "1"),
        ("Lib-3", "2022-06-22", "2022-06-22", "thaw-1", "1"),
    ],
    "Omicron_BA2": [
        (library, "2022-10-22", "2022-10-22", thaw, "1")
        for thaw in ("thaw-1", "thaw-2")
        for library in ("Lib-1", "Lib-2")
    ],
}


def test_the_config_of_the_published_study_names_its_ten_tables(tmp_path, server):
    """Against a server of this machine in place of the repository's."""
    server.files.clear()
    for condition, selections in PUBLISHED.items():
        lines = ["preselection_sample,library,virus_batch,replicate,postselection_sample"]
        for library, before, after, thaw, sample in selections:
            samples = f"{before}_{thaw}_VSVG_control_{sample}", f"{after}_{thaw}_no-antibody_control_{sample}"
            lines.append(f"{samples[0]},{library},{thaw},{sample},{samples[1]}")
        server.files[f"/data/{condition}/{scans.LIST}"] = "\n".join(lines).encode()
    text = (PROJECT / "config" / "spike.yaml").read_text()
    moved, count = re.subn(
        r"https://raw\.githubusercontent\.com/matsengrp/\w[\w.-]*/[0-9a-f]{40}", server.address(""), text
    )
    assert count == 3
    (tmp_path / "spike.yaml").write_text(moved)
    (study,) = studies.from_config(studies.load([tmp_path / "spike.yaml"]), [tmp_path / "spike.yaml"], {}, tmp_path)
    found = [(r, path.removeprefix(server.address("/data/"))) for path, _, r in named(study)]
    ba2 = "2022-10-22_thaw-{0}_VSVG_control_1_vs_2022-10-22_thaw-{0}_no-antibody_control_1_func_scores.csv"
    delta = "2021-10-28_thaw-1_VSVG_control_{0}_vs_{1}_thaw-1_no-antibody_control_{0}_func_scores.csv"
    ba1 = "2022-06-22_thaw-1_VSVG_control_1_vs_2022-06-22_thaw-1_no-antibody_control_1_func_scores.csv"
    assert found == [
        ("1", "Delta/Lib-2_" + delta.format(1, "2021-11-28")),
        ("1", "Delta/Lib-2_" + delta.format(2, "2021-11-28")),
        ("2", "Delta/Lib-4_" + delta.format(1, "2021-12-14")),
        ("2", "Delta/Lib-4_" + delta.format(2, "2021-12-14")),
        ("1", "Omicron_BA1/Lib-2_" + ba1),
        ("2", "Omicron_BA1/Lib-3_" + ba1),
        ("1", "Omicron_BA2/Lib-1_" + ba2.format(1)),
        ("1", "Omicron_BA2/Lib-1_" + ba2.format(2)),
        ("2", "Omicron_BA2/Lib-2_" + ba2.format(1)),
        ("2", "Omicron_BA2/Lib-2_" + ba2.format(2)),
    ]
    manuscript = studies.load([PROJECT / "config" / "manuscript.yaml"])["studies"]["manuscript"]
    swept = studies.load([PROJECT / "config" / "spike.yaml"])["studies"]["spike"]
    for section in ("sweep", "model", "solver", "reference"):
        assert swept[section] == manuscript[section]


ENTRIES = {
    "unknown library": (
        {"replicates": {1: "Lib-1", 2: "Lib-9"}},
        "replicates.2",
        "`Lib-9`",
        "'Lib-1', 'Lib-2', 'Lib-3'",
    ),
    "library twice": ({"replicates": {1: "Lib-1", 2: "Lib-1"}}, "replicates.2", "also replicate 1", "of its own"),
    "unknown value": ({"where": {"replicate": 3}}, "where.replicate", "`3`", "'1', '2'"),
    "no list": ({"selections": "early/no.csv"}, "selections", "no file at early/no.csv", "a file"),
    "no folder": ({"folder": "nowhere"}, "folder", "no folder at nowhere", "a folder"),
    "other address": ({"selections": "ftp://a.b/c.csv"}, "selections", "ftp://a.b/c.csv", "http://"),
    "no braces": ({"table": "scores.csv"}, "table", "scores.csv", "columns in braces"),
    "open brace": ({"table": "{library.csv"}, "table", "{library.csv", "columns in braces"),
    "more than a column": ({"table": "{library.x}.csv"}, "table", "{library.x}.csv", "columns in braces"),
    "no replicates": ({"replicates": {}}, "replicates", "empty mapping", "{label: library}"),
    "label of a path": ({"replicates": {"a/b": "Lib-1"}}, "replicates.a/b", "a/b", "letters, digits"),
    "labels alike": (
        {"replicates": {3: "Lib-1", "a": "Lib-2", "A": "Lib-3"}},
        None,
        "`A` and `a`, which differ by case",
        "one spelling",
    ),
    "both kinds": ({"func_scores": "a.csv"}, "func_scores", "unknown key", "selections, condition, replicates"),
    "null condition": ({"condition": None}, "condition", "null", "text"),
}


@pytest.mark.parametrize("case", ENTRIES)
def test_entries_that_do_not_fit_are_refused_at_their_place(folder, case):
    changes, key, found, expected = ENTRIES[case]
    error = refusal(folder, LATE, {**LOCAL, **changes})
    place = "data.func_scores" if key is None else f"data.func_scores[1].{key}"
    assert re.fullmatch(rf"config\.yaml:[0-9]+: studies\.scans\.{re.escape(place)}(\[[0-9]+\])?", error.place)
    assert found in error.found
    assert expected in error.expected


@pytest.mark.parametrize("key", ["condition", "replicates"])
def test_keys_that_an_entry_lacks_are_named(folder, key):
    error = refusal(folder, {name: value for name, value in LOCAL.items() if name != key})
    assert error.place.endswith(f"func_scores[0].{key}")
    assert f"the key `{key}`" in error.expected


def test_a_library_that_where_leaves_out(folder):
    (folder / "early" / scans.LIST).write_text(f"{HEADER},kind\nLib-1,a,b,x\nLib-3,a,b,y\n")
    error = refusal(folder, {**LOCAL, "where": {"kind": "x"}})
    assert error.place.endswith("func_scores[0].replicates.2")
    assert "no selection of the library `Lib-3` that passes `where`" in error.found


LISTS = {
    "no such column": (f"{HEADER[:-1]}\nLib-1,a,b\n", "header", "no column 'postselection_sample'"),
    "empty field": (
        f"{HEADER}\nLib-1,pre_1,post_1\nLib-3,,b\n",
        "row 3, column 'preselection_sample'",
        "an empty field",
    ),
    "a table twice": (f"{HEADER}\nLib-1,pre_1,post_1\nLib-1,pre_1,post_1\nLib-3,a,b\n", "row 3", "a second time"),
    "no table": (f"{HEADER}\nLib-1,pre_9,post_9\nLib-3,a,b\n", "row 2", "no file at early/Lib-1_pre_9_vs_post_9_func"),
    "no rows": (f"{HEADER}\n", "", "a header without rows"),
    "a pointer": (POINTER, "", "a Git LFS pointer"),
    "a page": ("<!DOCTYPE html>\n<html></html>\n", "", "an HTML page"),
}


@pytest.mark.parametrize("case", LISTS)
def test_lists_that_are_none_are_refused_by_their_path(folder, case):
    text, place, found = LISTS[case]
    (folder / "early" / scans.LIST).write_text(text)
    error = refusal(folder, LOCAL)
    assert f"early/{scans.LIST}" in error.place and place in error.place
    assert found in error.found


@pytest.mark.parametrize("case", ["no such column", "no rows", "a pointer", "a page"])
def test_lists_that_are_none_are_refused_by_their_address_and_not_kept(folder, server, case):
    text, place, found = LISTS[case]
    server.files[f"/early/{scans.LIST}"] = text.encode()
    address = server.address(f"/early/{scans.LIST}")
    error = refusal(folder, {**LOCAL, "selections": address})
    assert error.place.startswith(address) and place in error.place
    assert found in error.found
    assert not list((folder / "results/scans/data/downloads").iterdir())


def test_an_address_without_a_list_or_a_server(folder, server):
    entry = {**LOCAL, "selections": server.address("/nothing.csv")}
    error = refusal(folder, entry)
    assert error.place == server.address("/nothing.csv")
    assert "404 Not Found" in error.found
    server.leave()
    error = refusal(folder, entry)
    assert error.place == server.address("/nothing.csv")
    assert "no whole answer" in error.found
    assert "path instead" in error.expected
    error = refusal(folder, {**entry, "selections": f"{entry['selections']} and more"})
    assert error.found.startswith("the address ")


@pytest.mark.parametrize("kind", ["address", "path"])
def test_another_digest_is_refused(folder, server, kind):
    selections = server.address(f"/early/{scans.LIST}") if kind == "address" else LOCAL["selections"]
    error = refusal(folder, {**LOCAL, "selections": selections, "sha256": "0" * 64})
    assert selections in error.place
    assert hashlib.sha256(scans.selections().encode()).hexdigest() in error.found


def test_a_local_table_without_a_column_is_refused_by_name(folder):
    (folder / "early" / scans.name("Lib-3", "2")).write_text("aa_substitutions,func_score\n,0\n")
    error = refusal(folder, LOCAL)
    assert scans.name("Lib-3", "2") in error.place
    assert "no column 'aa_substitutions_reference'" in error.found


@pytest.mark.parametrize(
    ("address", "stem", "suffix"),
    [
        ("https://example.org/a/b.csv", "b-", ".csv"),
        ("https://example.org/a/b.tsv.gz?raw=true", "b-", ".tsv.gz"),
        ("https://example.org/a%20b/c%20d.csv", "c_d-", ".csv"),
        ("https://example.org/table", "table-", ".csv"),
        ("https://example.org/", "-", ".csv"),
        ("https://example.org/..csv", "-", ".csv"),
        (f"https://example.org/{'x' * 300}.csv", f"{'x' * 120}-", ".csv"),
    ],
)
def test_a_download_has_the_name_of_its_file_and_a_key_of_its_address(address, stem, suffix):
    path = Path(downloads.path("s", address, None))
    assert path.parent == Path("results/s/data/downloads")
    assert path.name.startswith(stem) and path.name.endswith(suffix)
    assert len(path.name) == len(stem) + 12 + len(suffix)
    others = [downloads.path("s", address, "0" * 64), downloads.path("s", f"{address}#", None)]
    assert len({str(path), *others}) == 3
