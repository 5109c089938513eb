"""Studies of the family `nmf`, alone and beside one of `dms`, from their files to tables, figures and pages."""

import gzip
import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pandas as pd
import pytest

from faults.harness import compare, records
from projects import assert_refused, copy_project, counts, small_study
from proxsweep.nmf.data import parts
from proxsweep.nmf.data.encoding import Encoding

pytestmark = pytest.mark.slow

FEATURES, SAMPLES = 14, 16


def matrix() -> np.ndarray:
    """Counts (features x samples) of two factors, and one feature without any."""
    draw = np.random.default_rng(1)
    means = draw.gamma(0.5, size=(FEATURES, 2)) @ draw.gamma(1.0, 40.0, size=(2, SAMPLES))
    means[3] = 0
    return draw.poisson(means)


def write_cells(folder) -> None:
    """The matrix as 10x Genomics writes it, and the table of its samples."""
    counts, names = matrix(), [f"cell{k}" for k in range(SAMPLES)]
    rows, columns = np.nonzero(counts)
    lines = [f"{i + 1} {j + 1} {counts[i, j]}" for i, j in zip(rows, columns, strict=True)]
    head = f"%%MatrixMarket matrix coordinate integer general\n{FEATURES} {SAMPLES} {len(lines)}\n"
    (folder / "cells").mkdir()
    with gzip.open(folder / "cells/matrix.mtx.gz", "wt") as stream:
        stream.write(head + "\n".join(lines) + "\n")
    (folder / "cells/barcodes.tsv").write_text("\n".join(names) + "\n")
    (folder / "cells/features.tsv").write_text("".join(f"id{k}\tgene{k}\tGene Expression\n" for k in range(FEATURES)))
    donors = pd.DataFrame({"sample": names[::-1], "donor": ["one", "two"] * (SAMPLES // 2)})
    donors.to_csv(folder / "samples.csv", index=False)


def study(**changes: object) -> dict:
    data = {"matrix": "cells", "samples": "samples.csv", "replicates": {"column": "donor"}}
    solver = {"starts": ["2x_random", "nndsvd"]}
    return {"family": "nmf", "data": data, "solver": solver, "sweep": {"rank": [1, 2]}, **changes}


PARTS = {
    "cross_validation": {"folds": 3, "starts": ["2x_random"]},
    "resamples": {"count": 1, "rank": [2], "starts": ["random"]},
}
FIGURES = ("ranks", "starts", "consensus_of_starts", "neighbouring_ranks", "replicates", "resamples", "convergence")


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A project in which a study of each family has run from one config."""
    made = copy_project(tmp_path_factory.mktemp("nmf"))
    write_cells(made.folder)
    scan = small_study(sweep={"difference": ["reference"], "lasso": [1.0e-3], "replicate": ["1"]})
    made.config("both.yaml", {"cells": study(**PARTS), "scan": scan})
    done = made.snakemake("--configfile", "both.yaml", cores=2)
    assert done.returncode == 0, done.stdout
    made.said = done.stdout
    return made


def test_both_families_run_from_one_config(project):
    for name, number in (("cells", 4 + 12 + 2), ("scan", 1)):
        fits = pd.read_csv(project.folder / f"results/{name}/fits.csv")
        assert len(fits) == number and (fits.loc[fits["fold"].isna(), "status"] == "converged").all()
        for path in ("figures/convergence.svg", "notebooks/html/index.html", "pages/data/report.html", "config.yaml"):
            assert (project.folder / f"results/{name}" / path).stat().st_size > 0
        plan = json.loads((project.folder / f"results/{name}/plan.json").read_text())
        assert len(plan["fits"]) == number
        checks = pd.read_csv(project.folder / f"results/{name}/reproducibility.csv").set_index("check")["passed"]
        assert checks["every fit is to the encoding on disk"] == "yes"
    assert "study cells: the rank is chosen by held-out loss within one standard error" in project.said
    assert "lowest objective by rank (replicate one)" in project.said  # the first in the table of the samples
    assert "of its variants" not in project.said.partition("study cells\n")[2].partition("study scan\n")[0]


def test_every_figure_of_the_family_is_there_with_its_table(project):
    folder = project.folder / "results/cells"
    for name in FIGURES:
        assert (folder / f"figures/{name}.svg").stat().st_size > 0
    ranks = pd.read_csv(folder / "tables/ranks.csv").set_index("rank")
    chosen = pd.read_csv(folder / "chosen.csv")
    assert ranks["chosen"].sum() == 1 and chosen["rank"].tolist() == [ranks.index[ranks["chosen"]][0]]
    assert ranks["validation_loss"].notna().all() and (ranks["starts"] == 6).all()
    kinds = ranks[["same", "same_product_other_factors", "other_optimum", "not_converged"]].sum(axis=1)
    assert (kinds == ranks["starts"]).all()
    features = pd.read_csv(folder / "consensus/features.csv").set_index("feature")
    assert features.shape == (FEATURES, chosen["rank"].iloc[0])
    np.testing.assert_allclose(features.sum(), 1, rtol=1e-9)


def test_a_fold_s_error_is_that_of_its_held_out_entries(project):
    """By hand: V - W H at the entries that the fold left out, relative to V there."""
    folder = project.folder / "results/cells"
    fits = pd.read_csv(folder / "fits.csv", dtype={"fold": str})
    for row in fits[fits["fold"].notna()].itertuples():
        encoding = Encoding.load(folder / f"encodings/replicate~{row.replicate}.npz")
        v = encoding.matrix.toarray()
        rows = json.loads((project.folder / row.path / "record.json").read_text())["rows"]
        seen, _ = parts.entries(v.shape, row.rank, rows)
        with np.load(project.folder / row.path / "parameters.npz") as arrays:
            w, h = arrays["W"][encoding.kept_features], arrays["H"][:, encoding.kept_samples]
        error = ((v - w @ h)[~seen] ** 2).sum() / (v[~seen] ** 2).sum()
        assert row.validation_loss == pytest.approx(error, rel=1e-9)


def test_a_fit_is_to_the_samples_of_its_donor(project):
    counts, folder = matrix(), project.folder / "results/cells"
    fits = pd.read_csv(folder / "fits.csv")
    fits = fits[fits["fold"].isna() & fits["resample"].isna()]
    for row in fits.itertuples():
        donor = np.arange(SAMPLES)[::-1] % 2 == ["one", "two"].index(row.replicate)
        encoding = Encoding.load(folder / f"encodings/replicate~{row.replicate}.npz")
        assert [name for name, kept in zip(encoding.samples, encoding.kept_samples, strict=True) if kept] == [
            f"cell{k}" for k in np.flatnonzero(donor)
        ]
        assert encoding.features[3] == "gene3" and not encoding.kept_features[3]
        with np.load(project.folder / row.path / "parameters.npz") as arrays:
            w, h = arrays["W"], arrays["H"]
        assert min(w.min(), h.min()) >= 0 and w.shape[1] == row.rank
        kept = counts[encoding.kept_features][:, donor]
        w, h = w[encoding.kept_features], h[:, encoding.kept_samples]
        assert ((kept - w @ h) ** 2).sum() / 2 == pytest.approx(row.objective, rel=1e-9)


def test_the_check_agrees(project):
    for name in ("cells", "scan"):
        done = project.proxsweep("check", f"results/{name}")
        assert done.returncode == 0 and "agrees" in done.stdout, done.stdout


def test_nothing_is_left_to_do_and_the_resolved_config_is_the_same_study(project):
    assert project.jobs("--configfile", "both.yaml") == []
    assert project.jobs("--configfile", "results/cells/config.yaml") == []


def test_one_more_rank_runs_its_own_fits_and_reads_nothing_anew(project):
    project.config("more.yaml", {"cells": study(sweep={"rank": {"from": 1, "to": 3}}, **PARTS)})
    assert project.to_make("--configfile", "more.yaml") == {"cells": 2 + 6}
    planned = counts(project.jobs("--configfile", "more.yaml"))
    assert planned["nmf_fit_cells"] == 2  # a path for each donor
    assert not {"nmf_read", "nmf_encode", "nmf_data_report"} & set(planned)


def test_other_features_are_read_anew(project):
    named = study(data={**study()["data"], "features": ["gene0", "gene1", "gene2"]})
    project.config("named.yaml", {"cells": named})
    planned = counts(project.jobs("--configfile", "named.yaml"))
    assert planned["nmf_read"] == 1 and planned["nmf_encode"] == 2


def test_another_choice_and_another_look_fit_nothing(project):
    given = {**study(**PARTS), "chosen": {"rank": 1}, "summaries": {"density": 0.3}, "figures": {"dpi": 100}}
    project.config("given.yaml", {"cells": given})
    planned = counts(project.jobs("--configfile", "given.yaml"))
    assert {"choose", "nmf_consensus", "nmf_ranks", "nmf_convergence"} <= set(planned)
    assert not [rule for rule in planned if rule.startswith(("nmf_fit", "nmf_read", "nmf_encode", "nmf_stability"))]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"sweep": {"rank": [20]}}, ("cells, sweep.rank", "rank 20 for a matrix of 13 features")),
        ({"sweep": {"rank": [2], "algorithm": ["scd"]}}, ("studies.cells.sweep.algorithm[0]", "the algorithm `scd`")),
        ({"model": {"l1_h": 1}}, ("studies.cells.model.l1_h", "a penalty on H alone", "no minimum exists")),
        ({"data": {"matrix": "results"}}, ("results", "a folder without matrix.mtx")),
    ],
    ids=["rank", "pair", "penalty", "folder"],
)
def test_what_a_run_would_refuse_is_refused_at_the_dry_run(project, changes, words):
    project.config("wrong.yaml", {"cells": study(**changes)})
    assert_refused(project.snakemake("--dry-run", "--configfile", "wrong.yaml"), *words)


def test_commands_of_the_rules_are_listed(project):
    said = project.proxsweep("--help").stdout
    assert all(f"nmf-{name}" in said for name in ("simulate", "read", "encode", "stability", "consensus"))


def test_a_run_that_was_killed_is_finished_by_the_next(tmp_path):
    """Snakemake and all of its jobs, the moment one fit is finished; the next run makes the others, to the same end."""
    whole, killed = (copy_project(tmp_path / name) for name in ("whole", "killed"))
    for made in (whole, killed):
        write_cells(made.folder)
        made.config("s.yaml", {"s": study(data={"matrix": "cells"}, sweep={"rank": [1, 2, 3]})})
    assert whole.snakemake("fits", "--configfile", "s.yaml").returncode == 0
    command = [sys.executable, "-m", "snakemake", "fits", "--cores", "1", "--configfile", "s.yaml"]
    running = subprocess.Popen(
        command, cwd=killed.folder, env=killed.environment(), stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT,
        start_new_session=True,
    )  # fmt: skip
    end = time.monotonic() + 300
    while not any("/." not in fit for fit in records(killed)) and running.poll() is None and time.monotonic() < end:
        time.sleep(0.02)
    os.killpg(running.pid, signal.SIGKILL)
    running.wait()
    before = {fit: record for fit, record in records(killed).items() if "/." not in fit}  # what is in place
    assert 0 < len(before) < 3
    assert killed.snakemake("--configfile", "s.yaml", "--unlock").returncode == 0
    done = killed.snakemake("fits", "--configfile", "s.yaml")
    assert done.returncode == 0, done.stdout
    after = records(killed)
    assert len(after) == 3 and {fit: after[fit] for fit in before} == before
    assert compare(killed, whole) == []
