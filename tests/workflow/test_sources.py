"""Tables from a local file or from an address, fetched by a server on this machine."""

import gzip
import hashlib

import pandas as pd
import pytest

from projects import Project, assert_refused, counts, small_study
from serving import Server

TABLE = b"""library,condition,aa_substitutions,func_score
1,a,,0.1
1,a,M1A,-1.0
1,a,K2R M1A,-2.0
1,b,,0.0
1,b,K2R,-0.5
2,a,,-0.1
2,a,K2R,-1.5
2,b,M1A,0.5
"""
VARIANTS = "results/remote/data/variants.csv"
REMOTE = ("--configfile", "remote.yaml")


@pytest.fixture
def server(server: Server) -> Server:
    server.files["/scores.csv"] = TABLE
    return server


def remote(project: Project, address: str, sha256: str | None = None, **changes: object) -> None:
    data = {"func_scores": address, "sha256": sha256, "replicates": {"column": "library"}}
    sweep = {"difference": ["reference"], "lasso": [1.0e-3], "replicate": [1, 2]}
    project.config("remote.yaml", {"remote": small_study(data=data, **{"sweep": sweep, **changes})})


@pytest.mark.slow
def test_an_address_is_fetched_once(project, server):
    address = server.address("/scores.csv")
    remote(project, address, hashlib.sha256(TABLE).hexdigest())
    done = project.snakemake(VARIANTS, *REMOTE)
    assert done.returncode == 0, done.stdout
    variants = pd.read_csv(project.folder / VARIANTS, dtype=str, keep_default_na=False)
    assert variants["replicate"].value_counts().to_dict() == {"1": 5, "2": 3}
    assert [*variants["aa_substitutions"]].count("") == 3
    assert server.asked.count(("GET", "/scores.csv")) == 1
    (kept,) = (project.folder / "results/remote/data/downloads").glob("[!.]*")
    assert kept.read_bytes() == TABLE

    # what is there needs no network: not for the same config, not for another weight
    server.leave()
    again = project.snakemake(VARIANTS, *REMOTE)
    assert again.returncode == 0 and "Nothing to be done" in again.stdout
    sweep = {"difference": ["reference"], "lasso": [1.0e-3, 2.0e-3], "replicate": [1, 2]}
    remote(project, address, hashlib.sha256(TABLE).hexdigest(), sweep=sweep)
    planned = counts(project.jobs(*REMOTE))
    assert planned["fit"] == 2 and not {"fetch", "preprocess"} & set(planned)


def test_what_is_no_such_table_is_refused_by_its_address(project, server):
    remote(project, server.address("/scores.csv"), "0" * 64)
    done = project.snakemake(VARIANTS, *REMOTE)
    digest = hashlib.sha256(TABLE).hexdigest()
    assert_refused(done, server.address("/scores.csv"), f"a file with sha256 {digest}", "expected")
    assert not (project.folder / VARIANTS).exists()
    assert not list(project.folder.glob("results/remote/data/downloads/*"))


@pytest.mark.slow
def test_an_address_without_a_file_is_told_in_one_line_before_any_job(project, server):
    address = server.address("/nothing.csv")
    remote(project, address)
    for arguments in ((), ("--dry-run",)):  # the second finds no lock of the first
        done = project.snakemake(*arguments, *REMOTE)
        assert_refused(done, f"proxsweep: {address}: found no file: the server answers 404 Not Found; expected a file")
        assert done.stdout.count(address) == 1, done.stdout
        assert not (project.folder / "results").exists() and not (project.folder / "logs").exists()
    server.leave()
    done = project.snakemake(*REMOTE)
    assert_refused(done, f"proxsweep: {address}: found no whole answer (", "refused")
    assert not (project.folder / "results").exists()


@pytest.mark.slow
def test_a_file_that_is_cut_off_is_named_and_fetched_by_the_next_run(project, server):
    address = server.address("/scores.csv")
    server.cut["/scores.csv"] = [20] * 3
    remote(project, address)
    done = project.snakemake(VARIANTS, *REMOTE)
    assert_refused(done, f"proxsweep: {address}: found no whole answer (", "more expected")
    assert not list(project.folder.glob("results/remote/data/downloads/*"))
    done = project.snakemake(VARIANTS, *REMOTE)
    assert done.returncode == 0, done.stdout


@pytest.mark.slow
def test_a_compressed_local_table_reads_like_a_plain_one(project):
    (project.folder / "scores.csv.gz").write_bytes(gzip.compress(TABLE))
    remote(project, "scores.csv.gz")
    done = project.snakemake(VARIANTS, *REMOTE)
    assert done.returncode == 0, done.stdout
    variants = pd.read_csv(project.folder / VARIANTS, dtype=str, keep_default_na=False)
    written = [line.split(",") for line in TABLE.decode().splitlines()[1:]]
    found = variants[["replicate", "condition", "aa_substitutions"]].to_numpy().tolist()
    assert sorted(map(in_order, found)) == sorted(in_order(row[:3]) for row in written)


def in_order(row: list[str]) -> list[str]:
    return [*row[:2], " ".join(sorted(row[2].split()))]
