"""Tables of scores that lists of selections name, from addresses: from a config to fits, and what goes wrong."""

import pandas as pd
import pytest

import scans
from projects import Project, assert_refused, counts, small_study
from serving import Server

CONFIG = ("--configfile", "scans.yaml")
VARIANTS = "results/scans/data/variants.csv"
FITS = "results/scans/fits.csv"
REPORT = "results/scans/data/report.csv"
POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n"
REPLICATES = {"early": {"1": "Lib-1", "2": "Lib-3"}, "late": {"1": "Lib-2", "2": "Lib-1"}}
EARLY, LATE = f"/early/{scans.LIST}", f"/late/{scans.LIST}"
TABLE = f"/early/{scans.name('Lib-1', '1')}"


@pytest.fixture
def server(server: Server) -> Server:
    server.files |= {f"/{path}": text.encode() for path, text in scans.files().items()}
    return server


def configure(project: Project, server: Server, lasso=(0, 1.0e-3), early: dict | None = None, **data) -> None:
    entries = [
        {"selections": server.address(EARLY), "condition": "early", "replicates": REPLICATES["early"], **(early or {})},
        {"selections": server.address(LATE), "condition": "late", "replicates": REPLICATES["late"]},
    ]
    data = {
        "func_scores": entries,
        "columns": {"substitutions": "aa_substitutions_reference"},
        "drop": ["suffixed_sites", "stop_wildtypes"],
        "min_pre_count": 100,
        "clip": [-3.5, 2.5],
        **data,
    }
    study = small_study(data=data, reference="early", sweep={"difference": ["reference"], "lasso": list(lasso)})
    project.config("scans.yaml", {"scans": study})


def published(condition: str, library: str) -> list[tuple[str, float]]:
    """Variants of a library by the rules of the published study, from the rows that were made."""
    kept = []
    for sample in scans.SAMPLES:
        for substitutions, score, count in scans.rows(condition, library, sample):
            tokens = substitutions.split()
            if count >= 100 and not any(token[0] == "*" or not token[-2].isdigit() for token in tokens):
                kept.append((substitutions, min(max(score, -3.5), 2.5)))
    return sorted(kept)


@pytest.mark.slow
def test_from_addresses_to_fits(project, server):
    configure(project, server, lasso=[1.0e-3])
    planned = counts(project.jobs(FITS, REPORT, *CONFIG))
    assert planned["fetch"] == 8 and planned["fit"] == 2
    done = project.snakemake(FITS, REPORT, *CONFIG)
    assert done.returncode == 0, done.stdout

    variants = pd.read_csv(project.folder / VARIANTS, keep_default_na=False, dtype={"replicate": str})
    for condition, libraries in REPLICATES.items():
        for replicate, library in libraries.items():
            chosen = variants[(variants["condition"] == condition) & (variants["replicate"] == replicate)]
            found = sorted(zip(chosen["aa_substitutions"], chosen["func_score"], strict=True))
            assert found == published(condition, library)
    report = pd.read_csv(project.folder / REPORT)
    for kind in ("suffixed_sites", "stop_wildtypes"):
        assert (report.loc[report["step"] == f"drop_{kind}", "dropped"] == 2).all()  # one in each of two tables
    fits = pd.read_csv(project.folder / FITS)
    assert len(fits) == 2 and (fits["status"] == "converged").all()
    fetched = [path for command, path in server.asked if command == "GET"]
    assert len(fetched) == len(set(fetched)) == 10
    assert not any("Lib-3" in path for path in fetched if path.startswith("/late/"))

    # what is there needs no network: not for the same config, not for another weight
    server.leave()
    again = project.snakemake(FITS, REPORT, *CONFIG)
    assert again.returncode == 0 and "Nothing to be done" in again.stdout
    configure(project, server, lasso=[1.0e-3, 2.0e-3])
    planned = counts(project.jobs(FITS, *CONFIG))
    assert planned["fit"] == 2 and not {"fetch", "preprocess", "encode"} & set(planned)


def test_where_leaves_selections_out(project, server):
    configure(project, server, early={"where": {"replicate": 2}})
    planned = project.jobs(VARIANTS, *CONFIG)
    fetched = sorted(job.wildcards["download"].rsplit("-", 1)[0] for job in planned if job.rule == "fetch")
    early = [scans.name(library, "2") for library in ("Lib-1", "Lib-3")]
    late = [scans.name(library, sample) for library in ("Lib-1", "Lib-2") for sample in scans.SAMPLES]
    assert fetched == sorted(name.removesuffix(".csv") for name in early + late)


@pytest.mark.slow
def test_an_interrupted_fetch_goes_on_where_it_stopped(project, server):
    text = server.files.pop(TABLE)
    configure(project, server)
    first = project.snakemake(VARIANTS, *CONFIG)
    assert_refused(first, server.address(TABLE))
    server.files[TABLE] = text
    done = project.snakemake(VARIANTS, *CONFIG)
    assert done.returncode == 0, done.stdout


def test_a_list_that_is_none_is_refused_before_any_job(project, server):
    server.files[EARLY] = b"library,preselection_sample\nLib-1,a\n"
    configure(project, server)
    done = project.snakemake("--dry-run", *CONFIG)
    assert_refused(done, "proxsweep: ", server.address(EARLY), "no column 'postselection_sample'")
    assert done.stdout.count("expected") == 1


@pytest.mark.slow
def test_tables_that_are_none_are_refused_by_name(project, server):
    server.files[TABLE] = POINTER
    configure(project, server)
    done = project.snakemake(VARIANTS, *CONFIG)
    assert_refused(done, "Lib-1_pre_1_vs_post_1_func_scores", "a Git LFS pointer")
    assert not (project.folder / VARIANTS).exists()
