"""A family that is added by what docs/families.md says and nothing else: its files, and one line in one dictionary."""

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from projects import assert_refused, copy_project, counts

TOY = Path(__file__).parents[1] / "toy_family"
STUDY = {"family": "ridge", "data": {"table": "t.csv", "response": "y"}, "sweep": {"ridge": [0.1, 1.0]}}


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    made = copy_project(tmp_path_factory.mktemp("family"))
    shutil.copytree(TOY, made.folder, dirs_exist_ok=True)
    families = made.folder / "scripts/proxsweep/families.py"
    text = families.read_text()
    (line,) = (one for one in text.splitlines() if one.startswith("FAMILIES = {") and one.endswith("}"))
    families.write_text(text.replace(line, line.replace("}", ', "ridge": "proxsweep.ridge.family"}')))
    draw = np.random.default_rng(1)
    x = draw.normal(size=(60, 3))
    frame = pd.DataFrame(x, columns=list("abc")).assign(y=x @ [1.0, -2.0, 0.5] + draw.normal(scale=0.1, size=60))
    frame.to_csv(made.folder / "t.csv", index=False)
    return made


def write(project, **changes):
    (project.folder / "ridge.yaml").write_text(yaml.safe_dump({"studies": {"toy": {**STUDY, **changes}}}))


def test_a_sweep_runs_to_its_tables_and_figures(project):
    write(project)
    done = project.snakemake("--configfile", "ridge.yaml", cores=2)
    assert done.returncode == 0, done.stdout
    results = project.folder / "results/toy"
    fits = pd.read_csv(results / "fits.csv")
    assert fits["ridge"].tolist() == [0.1, 1.0] and (fits["status"] == "converged").all()
    for name in ("figures/convergence.svg", "notebooks/html/index.html", "config.yaml", "pages/fits.html"):
        assert (results / name).stat().st_size > 0
    table = pd.read_csv(project.folder / "t.csv")
    x, y = table[list("abc")].to_numpy(), table["y"].to_numpy()
    for row in fits.itertuples():
        exact = np.linalg.solve(x.T @ x / len(y) + row.ridge * np.eye(3), x.T @ y / len(y))
        with np.load(project.folder / row.path / "parameters.npz") as arrays:
            np.testing.assert_allclose(arrays["b"], exact, rtol=1e-5)
    checked = project.proxsweep("check", "results/toy")
    assert checked.returncode == 0 and "agrees" in checked.stdout, checked.stdout
    planned = project.proxsweep("plan", "ridge.yaml")
    assert planned.returncode == 0 and "a small table" in planned.stdout, planned.stdout
    assert "ridge-encode" in project.proxsweep("--help").stdout


@pytest.mark.parametrize(
    ("changes", "parts"),
    [
        (
            {"data": {"table": "t.csv", "respons": "y"}},
            ("studies.toy.data.respons", "`response`, the nearest known key"),
        ),
        ({"sweep": {"ridge": [-1.0]}}, ("studies.toy.sweep.ridge[0]", "a finite number above 0")),
        ({"data": {"table": "none.csv", "response": "y"}}, ("studies.toy.data.table", "no file at none.csv")),
        ({"family": "rigde"}, ("studies.toy.family", "`ridge` is nearest")),
    ],
    ids=["key", "value", "file", "family"],
)
def test_a_wrong_config_is_refused_at_the_dry_run(project, changes, parts):
    write(project, **changes)
    assert_refused(project.snakemake("--dry-run", "--configfile", "ridge.yaml"), *parts)


def test_a_study_has_the_jobs_of_its_family_alone(project):
    """Each by its own rules; a fit of one imports nothing of the other."""
    write(project)
    jobs = project.jobs("--configfile", "ridge.yaml", "--forceall")
    planned = {job.rule for job in jobs}
    assert counts(jobs)["ridge_fit"] == 1  # both fits are one path: the family names its parameter, and nothing else
    shared = {"plan", "collect", "notebook_index", "table_page", "write_config", "reproducibility"}
    assert planned == {"ridge_encode", "ridge_fit", "ridge_convergence", *shared}
    from proxsweep.jobs.closure import closure

    code = closure(project.folder / "notebooks/ridge/fit.ipynb", project.folder / "scripts")
    assert code and not [path for path in code if "dms" in path.parts or path.name.startswith("famil")]
