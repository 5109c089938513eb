"""Files at an address: whole or not there, from a server on this machine."""

import bz2
import gzip
import hashlib
import lzma
import os
import re
import tracemalloc

import pytest

from proxsweep.__main__ import main
from proxsweep.dms.data.read import check_table
from proxsweep.io import downloads, marks
from proxsweep.io.errors import UserError
from serving import serving

TABLE = b"condition,aa_substitutions,func_score\na,,0.1\na,M1A,-1.0\n"
PLACE = "/scores.csv"


@pytest.fixture
def server(monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(downloads, "PAUSES", (0, 0))
    with serving({PLACE: TABLE}) as started:
        yield started


def fetched(address, path, sha256=None):
    downloads.fetch(address, path, lambda copy: check_table(copy, sha256))
    return path.read_bytes()


def refusal(address, path, sha256=None):
    with pytest.raises(UserError) as caught:
        fetched(address, path, sha256)
    assert not list(path.parent.iterdir()), "nothing stays behind"
    return caught.value


def test_the_copy_has_every_byte(server, tmp_path):
    assert fetched(server.address(PLACE), tmp_path / "copy.csv") == TABLE
    assert [path.name for path in tmp_path.iterdir()] == ["copy.csv"]
    server.files["/scores.csv.gz"] = gzip.compress(TABLE)
    assert gzip.decompress(fetched(server.address("/scores.csv.gz"), tmp_path / "copy.csv.gz")) == TABLE


@pytest.mark.parametrize(
    ("name", "suffix"),
    [
        *((f"scores{suffix}", suffix) for suffix in (".csv", ".tsv", ".csv.gz", ".tsv.xz", ".tab.bz2", ".csv.zip")),
        *((f"scores{suffix}", suffix) for suffix in (".xz", ".zip", ".parquet")),
        *((name, ".csv") for name in ("scores", "scores.txt", "scores.gz", "scores.php?x=.zip")),
    ],
)
def test_a_copy_keeps_the_suffixes_that_say_what_it_is(name, suffix):
    copy = downloads.path("one", f"https://example.org/a/{name}", None)
    assert re.fullmatch(rf"results/one/data/downloads/scores[\w.]*-[0-9a-f]{{12}}{re.escape(suffix)}", copy)


@pytest.mark.parametrize(("name", "pack"), [("/t.tsv.xz", lzma.compress), ("/t.csv.bz2", bz2.compress)])
def test_packed_tables_of_other_kinds_are_fetched(server, tmp_path, name, pack):
    content = pack(TABLE.replace(b",", b"\t") if "tsv" in name else TABLE)
    server.files[name] = content
    copy = tmp_path / downloads.path("one", server.address(name), None)
    assert fetched(server.address(name), copy, hashlib.sha256(content).hexdigest()) == content
    server.files[name] = content[:-9]
    assert "cannot be read" in refusal(server.address(name), tmp_path / "other" / copy.name).found
    server.files[name] = b"PK\5\6" + bytes(18)
    assert "a zip file without a table" in refusal(server.address(name), tmp_path / "third" / copy.name).found


def test_no_such_file_is_asked_for_once(server, tmp_path):
    error = refusal(server.address("/nothing.csv"), tmp_path / "copy.csv")
    assert error.place == server.address("/nothing.csv")
    assert error.found == "no file: the server answers 404 Not Found"
    assert server.asked == [("GET", "/nothing.csv")]


def test_a_refused_connection_is_tried_three_times(server, tmp_path, monkeypatch):
    address, waited = server.address(PLACE), []
    server.leave()
    monkeypatch.setattr(downloads, "PAUSES", (1, 3))
    monkeypatch.setattr(downloads.time, "sleep", waited.append)
    error = refusal(address, tmp_path / "copy.csv")
    assert error.place == address and "no whole answer" in error.found and "refused" in error.found
    assert waited == [1, 3]


@pytest.mark.parametrize("sent", [0, 1, len(TABLE) - 1])
def test_a_copy_that_is_cut_off_is_begun_anew(server, tmp_path, sent):
    server.cut[PLACE] = [sent, sent]
    assert fetched(server.address(PLACE), tmp_path / "copy.csv") == TABLE
    assert len(server.asked) == 3
    server.cut[PLACE] = [sent] * 3
    (tmp_path / "copy.csv").unlink()
    error = refusal(server.address(PLACE), tmp_path / "copy.csv")
    assert f"{len(TABLE) - sent} more expected" in error.found


def test_a_copy_that_was_cut_off_leaves_the_earlier_file(server, tmp_path):
    path = tmp_path / "copy.csv"
    path.write_bytes(b"earlier")
    server.cut[PLACE] = [5] * 3
    with pytest.raises(UserError):
        fetched(server.address(PLACE), path)
    assert path.read_bytes() == b"earlier" and len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize("status", [429, 500, 503])
def test_an_overloaded_server_is_asked_again(server, tmp_path, status):
    server.statuses[PLACE] = [status, status]
    assert fetched(server.address(PLACE), tmp_path / "copy.csv") == TABLE
    (tmp_path / "copy.csv").unlink()
    server.statuses[PLACE] = [status] * 3
    assert f"the server answers {status}" in refusal(server.address(PLACE), tmp_path / "copy.csv").found


@pytest.mark.parametrize("announced", ["7", "1000", "7, 8", "some"])
def test_a_length_that_does_not_match_is_refused(server, tmp_path, announced):
    server.lengths[PLACE] = announced
    error = refusal(server.address(PLACE), tmp_path / "copy.csv")
    words = {"7": f"{len(TABLE)} bytes where 7 were announced", "1000": f"{1000 - len(TABLE)} more expected"}
    assert "no whole answer" in error.found and words.get(announced, announced) in error.found


def test_a_connection_that_is_left_open_is_no_fault(server, tmp_path, monkeypatch):
    monkeypatch.setattr(downloads, "TIMEOUT", 0.3)
    server.stay = 1.5
    assert fetched(server.address(PLACE), tmp_path / "copy.csv") == TABLE
    assert len(server.asked) == 1


def test_a_trickle_is_refused(server, tmp_path, monkeypatch):
    monkeypatch.setattr(downloads, "MINUTE", 0.2)
    server.pause = 0.02
    error = refusal(server.address(PLACE), tmp_path / "copy.csv")
    assert "less than 1000 bytes a second" in error.found and len(server.asked) == 3
    monkeypatch.setattr(downloads, "SLOWEST", 1)
    assert fetched(server.address(PLACE), tmp_path / "copy.csv") == TABLE


def test_a_file_has_a_total_time(server, tmp_path, monkeypatch):
    monkeypatch.setattr(downloads, "TOTAL", 0.3)
    server.pause = 0.02
    error = refusal(server.address(PLACE), tmp_path / "copy.csv")
    assert "no whole file within" in error.found and "named by its path" in error.expected
    assert len(server.asked) == 1


def test_an_answer_that_does_not_begin_is_refused(server, tmp_path, monkeypatch):
    monkeypatch.setattr(downloads, "ANSWER", 0.1)
    server.late = 0.5
    assert "none within 0.1 s" in refusal(server.address(PLACE), tmp_path / "copy.csv").found
    with pytest.raises(UserError, match="none within"):
        downloads.head(server.address(PLACE))


@pytest.mark.parametrize("announced", [True, False])
def test_a_file_has_a_largest_size(server, tmp_path, monkeypatch, announced):
    monkeypatch.setattr(downloads, "LARGEST", len(TABLE))
    assert fetched(server.address(PLACE), tmp_path / "copy.csv") == TABLE
    (tmp_path / "copy.csv").unlink()
    monkeypatch.setattr(downloads, "LARGEST", len(TABLE) - 1)
    if not announced:
        server.lengths[PLACE] = "1"
    error = refusal(server.address(PLACE), tmp_path / "copy.csv")
    assert error.found.startswith("a file of more than") and len(server.asked) == 2


def test_a_copy_is_unchecked_until_it_is_checked(server, tmp_path):
    def check(copy):
        assert [path.name for path in tmp_path.iterdir()] == [copy.name]
        assert re.fullmatch(rf"\.unchecked-{marks.mark()}-copy\.csv", copy.name)

    downloads.fetch(server.address(PLACE), tmp_path / "copy.csv", check)
    assert [path.name for path in tmp_path.iterdir()] == ["copy.csv"]


def test_a_redirect_is_followed(server, tmp_path):
    server.moved = {"/old.csv": server.address("/older.csv"), "/older.csv": PLACE}
    downloads.head(server.address("/old.csv"))
    assert [how for how, _ in server.asked] == ["HEAD"] * 3
    assert fetched(server.address("/old.csv"), tmp_path / "copy.csv") == TABLE


@pytest.mark.parametrize("kind", ["file", "ftp", "data"])
def test_a_redirect_to_another_kind_of_address_is_not_followed(server, tmp_path, kind):
    secret = tmp_path / "secret.csv"
    secret.write_bytes(TABLE)
    targets = {
        "file": secret.as_uri(),
        "ftp": f"ftp://127.0.0.1:{server.server_port}/scores.csv",
        "data": "data:text/csv,condition,func_score",
    }
    server.moved["/old.csv"] = targets[kind]
    (tmp_path / "copies").mkdir()
    error = refusal(server.address("/old.csv"), tmp_path / "copies/copy.csv")
    assert "302" in error.found and targets[kind] in error.found and "not allowed" in error.found
    with pytest.raises(UserError, match="not allowed"):
        downloads.head(server.address("/old.csv"))
    assert {path for _, path in server.asked} == {"/old.csv"}


def test_redirects_in_a_circle_end(server, tmp_path):
    server.moved = {"/a.csv": "/b.csv", "/b.csv": "/a.csv"}
    assert "302" in refusal(server.address("/a.csv"), tmp_path / "copy.csv").found


def test_the_digest_is_that_of_the_copy(server, tmp_path):
    digest = hashlib.sha256(TABLE).hexdigest()
    assert fetched(server.address(PLACE), tmp_path / "copy.csv", digest) == TABLE
    (tmp_path / "copy.csv").unlink()
    error = refusal(server.address(PLACE), tmp_path / "copy.csv", "0" * 64)
    assert error.place == server.address(PLACE)
    assert error.found == f"a file with sha256 {digest}" and "0" * 64 in error.expected


def test_a_large_file_does_not_pass_through_memory(server, tmp_path):
    body = b"condition,func_score\n" + os.urandom(1 << 16) * 512  # 32 MiB
    server.files["/large.csv"] = body
    tracemalloc.start()
    try:
        downloads.fetch(server.address("/large.csv"), tmp_path / "copy.csv", lambda copy: None)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert (tmp_path / "copy.csv").stat().st_size == len(body)
    assert peak < len(body) / 4


def test_looking_reads_nothing_and_refuses_only_what_is_certain(server):
    downloads.head(server.address(PLACE))
    assert server.asked == [("HEAD", PLACE)]
    for status in (403, 405, 501):  # a server may give out a file and refuse to be asked about it
        server.statuses[PLACE] = [status]
        downloads.head(server.address(PLACE))
    with pytest.raises(UserError, match=r"/nothing\.csv: found no file: the server answers 404 Not Found; expected"):
        downloads.head(server.address("/nothing.csv"))
    address = server.address(PLACE)
    server.leave()
    with pytest.raises(UserError, match="no whole answer"):
        downloads.head(address)


def test_the_command_says_what_is_wrong_without_a_traceback(server, tmp_path, capsys):
    path = tmp_path / "copy.csv"
    assert main(["fetch", server.address("/nothing.csv"), "--output", str(path)]) == 2
    assert capsys.readouterr().err.startswith(f"proxsweep: {server.address('/nothing.csv')}: found no file: ")
    assert main(["fetch", server.address(PLACE), "--output", str(path)]) == 0 and path.read_bytes() == TABLE
