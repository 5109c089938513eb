"""What killed processes left is removed; what another process may be writing is not."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from proxsweep.io import files, marks
from proxsweep.jobs import leftovers

OLD = time.time() - 2 * leftovers.DAY
FIT = "results/s/fits/difference~reference/lasso~0"
KILLED = """
import os, signal, sys
from pathlib import Path
from proxsweep.io import files
from proxsweep.jobs import leftovers
leftovers.making(Path(sys.argv[1])).joinpath("trace.csv").touch()
def die(*paths):
    os.kill(os.getpid(), signal.SIGKILL)
if len(sys.argv) > 2:  # when the digest is written, before it is in place
    os.replace = die
files.write_stream(f"{sys.argv[1]}/fits.csv", lambda stream: len(sys.argv) > 2 or die())
"""


@pytest.fixture
def study(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for folder in (FIT, "logs/s", "results/other", "results/s/checkpoints"):
        Path(folder).mkdir(parents=True)
    return tmp_path


@pytest.fixture
def ended():
    """The mark of a process of this machine that has ended."""
    process = subprocess.Popen(["true"])
    process.wait()
    return f"{marks.mark().partition('-')[0]}-{process.pid}"


def put(path: str, changed: float | None = None) -> Path:
    made = Path(path)
    if made.name.startswith(".making-"):
        made.mkdir(parents=True)
        (made / "trace.csv").touch()
        os.utime(made / "trace.csv", changed and (changed, changed))
    else:
        made.parent.mkdir(parents=True, exist_ok=True)
        made.touch()
    os.utime(made, changed and (changed, changed))
    return made


def test_what_a_killed_writer_leaves_goes_and_what_a_living_one_writes_stays(study):
    Path(FIT, "fits.csv").write_text("earlier")
    done = subprocess.run(
        [sys.executable, "-c", KILLED, FIT], env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    )
    left = {path.name for path in Path(FIT).iterdir()}
    assert done.returncode == -9 and len(left) == 3
    mine = leftovers.making(Path(FIT))

    def write(stream):
        assert list(leftovers.remove(["s"])) == ["results/s: removed 2 unfinished files that killed processes had left"]
        stream.write(b"now")

    files.write_stream("results/s/a.txt", write)
    assert Path("results/s/a.txt").read_text() == "now"
    assert set(Path(FIT).iterdir()) == {mine, Path(FIT, "fits.csv")}
    assert list(leftovers.remove(["s"])) == []


def test_what_stays_of_a_digest_goes_too(study):
    variables = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    assert subprocess.run([sys.executable, "-c", KILLED, "results/s", "digest"], env=variables).returncode == -9
    left = [path for path in Path("results/s").rglob("*") if path.name.endswith(".digested")]
    assert len(left) == 1 and len(list(leftovers.remove(["s"]))) == 1
    assert [path for path in Path("results/s").rglob("*") if path.is_file()] == []


def test_the_process_of_the_mark_decides_on_this_machine(study, ended):
    names = [f".fits.csv.{ended}.abcdefgh", f".unchecked-{ended}-scores.csv.gz", f"fits/x~1/.making-{ended}.a_c4efgh"]
    gone = [put(f"results/s/{name}") for name in names] + [put(f"logs/s/.a.ipynb.{ended}.abcdefgh")]
    stay = [put(f"results/s/{name.replace(ended, marks.mark())}", OLD) for name in names]
    stay += [put(f"results/other/{names[0]}"), put(f"./{names[0]}")]
    assert [line.partition(" un")[0] for line in leftovers.remove(["s"])] == [
        "results/s: removed 3",
        "logs/s: removed 1",
    ]
    assert not any(path.exists() for path in gone) and all(path.exists() for path in stay)


@pytest.mark.parametrize("mark", ["", "00000000-1."], ids=["no mark", "another machine"])
def test_otherwise_a_day_decides(study, mark):
    names = [f"results/s/.fits.csv.{mark}abcdefgh", f"{FIT}/.making-{mark}abcdefgh"]
    fresh = [put(name) for name in names]
    old = [put(name.replace("abcdefgh", "ijklmnop"), OLD) for name in names]
    kept = put("results/s/fits/difference~reference/lasso~1/.making-abcdefgh", OLD)
    checkpoint = put("results/s/checkpoints/difference~reference/lasso~1.npz")
    assert len(list(leftovers.remove(["s"]))) == 1
    assert not any(path.exists() for path in old) and all(path.exists() for path in [*fresh, kept])
    os.utime(checkpoint, (OLD, OLD))
    assert len(list(leftovers.remove(["s"]))) == 1 and not kept.exists()


@pytest.mark.parametrize(
    "name",
    [
        *("fits.csv", ".record.json", ".digests/fits.csv", ".snakemake_timestamp", "a.abcdefgh", ".abcdefgh"),
        *("unchecked-scores-0123456789ab.csv", ".making", "making-abcdefgh", ".fits.csv.ABCDEFGH"),
    ],
)
def test_other_names_stay(study, name):
    path = put(f"results/s/{name}", OLD)
    assert list(leftovers.remove(["s"])) == [] and path.exists()


def test_a_link_and_what_it_leads_to_stay(study, ended):
    target = study / "elsewhere"
    target.mkdir()
    (target / "mine").touch()
    link = Path(f"results/s/.making-{ended}.abcdefgh")
    link.symlink_to(target)
    assert list(leftovers.remove(["s"])) == [] and link.is_symlink() and (target / "mine").exists()


def test_a_study_may_have_nothing_yet(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert list(leftovers.remove(["s"])) == []


def test_a_mark_is_that_of_a_process(ended):
    assert marks.has_ended(ended) is True
    assert marks.has_ended(marks.mark()) is False and marks.has_ended(f"{ended.partition('-')[0]}-1") is False
    assert marks.has_ended("00000000-1") is None
