"""Tables over all fits agree with their second computation; whatever is changed in them is named."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from scipy.optimize import nnls

import factorisations
import factorised_studies as studies
from proxsweep.io.errors import UserError
from proxsweep.nmf.check import consensus as again
from proxsweep.nmf.check import consensus_tables, matching, recompute, tables_of_study
from proxsweep.nmf.check import stability as stability_again
from proxsweep.nmf.model import matching as first
from proxsweep.nmf.results import consensus, stability
from proxsweep.sweep import cells
from proxsweep.sweep.cells import ROUNDING, Expected
from proxsweep.sweep.discrepancies import Discrepancies

PATHS = ("tables/stability.csv", "tables/clusters.csv", *consensus_tables.PATHS)
STUDIES = {
    "squared": {},
    "poisson": {"loss": "poisson", "w_columns": "sum_to_one", "l1_h": 0.1},
    "unconverged": {},
}
ALGORITHMS = {"squared": "hals", "poisson": "scd", "unconverged": "hals"}


def made(folder: Path, name: str) -> studies.Made:
    """A study with two ranks and a column of labels whose name stands for something else, too."""
    solver = studies.SOLVER | ({"max_iterations": 4} if name == "unconverged" else {})
    values = np.round(20 * studies.blocks())
    columns = {"kind": [f"k{j // 7}" for j in range(21)], "rank_2": [str(j) for j in range(21)]}
    fits = [{"algorithm": ALGORITHMS[name], "rank": rank} for rank in (2, 3)]
    found = studies.study(folder, fits, {"1": values}, solver, columns, **STUDIES[name])
    settings = studies.SUMMARIES | {"unconverged_starts": name == "unconverged"}
    config = {"studies": {studies.NAME: {"summaries": settings}}}
    (found.folder / "config.yaml").write_text(yaml.safe_dump(config))
    return found


def choice(name: str = "squared", rank: float = 3) -> pd.DataFrame:
    return studies.choice(rank, algorithm=ALGORITHMS[name])


def write(study: studies.Made, choice: pd.DataFrame, unconverged: bool, density: float = 0.5) -> None:
    """All tables, as the commands write them."""
    found, clusters = stability.tables(study.fits, study.labels, unconverged)
    options = choice, {"1": study.encoding()}, study.labels, density, unconverged
    whole = consensus.tables(study.fits, *options)
    written = dict(
        zip(PATHS, (found, clusters, whole.features, whole.samples, whole.factors, whole.summary), strict=True)
    )
    for path, table in written.items():
        (study.folder / path).parent.mkdir(exist_ok=True)
        table.to_csv(study.folder / path, index=False)


def told(study: studies.Made, choice: pd.DataFrame) -> list[str]:
    found = Discrepancies()
    config = yaml.safe_load((study.folder / "config.yaml").read_text())["studies"][studies.NAME]
    evidence = tables_of_study.from_study(study.collected, config)
    by = ("study", "algorithm", "rank", "replicate")
    cells.compare(PATHS[0], cells.read(study.folder / PATHS[0]), Expected(evidence, by, ROUNDING), found)
    for path, expected in tables_of_study.check_tables(study.collected).items():
        cells.compare(path, cells.read(study.folder / path), expected(choice), found)
    return [str(one) for one in found.disagreements]


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], studies.Made]:
    """Studies by name, each made once, with their tables."""
    known: dict[str, studies.Made] = {}

    def of(name: str) -> studies.Made:
        if name not in known:
            known[name] = made(tmp_path_factory.mktemp(name), name)
        write(known[name], choice(name), name == "unconverged")
        return known[name]

    return of


@pytest.mark.parametrize("name", STUDIES)
def test_tables_agree_with_their_second_computation(study, name):
    found = study(name)
    assert set(tables_of_study.check_tables(found.collected)) == set(PATHS[1:])
    assert told(found, choice(name)) == []
    assert len(pd.read_csv(found.folder / "consensus/features.csv")) == 18


@pytest.mark.parametrize(("rank", "density"), [(np.nan, 0.5), (9, 0.5), (3, 1e-9)])
def test_tables_without_a_consensus_agree_too(study, rank, density):
    found = study("squared")
    config = found.folder / "config.yaml"
    before = config.read_text()
    config.write_text(before.replace("density: 0.5", f"density: {density!r}"))
    write(found, choice(rank=rank), False, density)
    try:
        assert told(found, choice(rank=rank)) == []
        assert pd.read_csv(found.folder / "consensus/samples.csv").empty
    finally:
        config.write_text(before)


def other(cell: str) -> str:
    """Another number, or another word."""
    try:
        return repr(float(cell) * (1 + 1e-5) + 1e-5)
    except ValueError:
        return {"True": "False", "False": "True"}.get(cell, f"{cell}x")


@pytest.mark.parametrize("path", PATHS)
def test_what_is_changed_in_a_table_is_told(study, path):
    found = study("squared")
    written = pd.read_csv(found.folder / path, dtype=str, keep_default_na=False)
    for column in written.columns:
        changed = written.copy()
        changed.loc[0, column] = other(changed.loc[0, column])
        changed.to_csv(found.folder / path, index=False)
        assert any(line.startswith(f"{path}: ") for line in told(found, choice())), column
    written.iloc[:-1].to_csv(found.folder / path, index=False)
    if len(written) > 1:
        assert any(line.startswith(f"{path}: ") for line in told(found, choice()))


def test_exposures_in_another_order_and_wrong_ones_are_told(study):
    found = study("squared")
    for path in (consensus_tables.FEATURES, consensus_tables.SAMPLES):
        table = pd.read_csv(found.folder / path)
        swapped = {"factor_1": "factor_2", "factor_2": "factor_1"}
        table.rename(columns=swapped)[list(table.columns)].to_csv(found.folder / path, index=False)
    assert any("consensus/features.csv: factor_1" in line for line in told(found, choice()))


def test_a_study_without_readable_settings_or_fits_has_nothing_to_compare(study, tmp_path):
    found = study("squared")
    config = found.folder / "config.yaml"
    before = config.read_text()
    try:
        for text in ("studies: {}", "studies: {mine: {summaries: {density: 1}}}", "[", None):
            config.write_text(text) if text else config.unlink()
            assert tables_of_study.check_tables(found.collected) == {}
    finally:
        config.write_text(before)
    with pytest.raises(UserError, match="no unconverged_starts"):
        tables_of_study.from_study(found.collected, {"summaries": {}})


def test_a_sample_without_labels_is_told(study):
    found = study("squared")
    labels = found.folder / "data/samples.csv"
    before = labels.read_text()
    labels.write_text("".join(before.splitlines(keepends=True)[:-1]))
    try:
        with pytest.raises(UserError, match="no row for the sample 's1_20'"):
            tables_of_study.clusters(found.collected, False)
    finally:
        labels.write_text(before)


def test_second_computations_load_neither_jax_nor_the_first():
    code = "import sys, proxsweep.nmf.check.tables_of_study; print(*sys.modules)"
    scripts = str(Path(tables_of_study.__file__).parents[3])
    environment = {"PYTHONPATH": scripts, "PATH": "/usr/bin"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    loaded = [name for name in done.stdout.split() if name.startswith(("jax", "proxsweep.nmf."))]
    assert not [name for name in loaded if name.startswith(("jax", "proxsweep.nmf.model", "proxsweep.nmf.results"))]


# ---- starts ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rank", [1, 2, 4, 8])
def test_agreement_of_starts_is_that_of_the_first_computation(rank):
    rng = np.random.default_rng(rank)
    best = rng.gamma(0.5, 1, (30, rank)), rng.gamma(0.5, 1, (rank, 20))
    for size in (0.0, 1e-3, 0.3, 3.0):
        way = rng.permutation(rank)
        pair = [part + size * rng.gamma(0.5, 1, part.shape) for part in best]
        w, h = pair[0][:, way].astype(np.float32), pair[1][way].astype(np.float32)
        expected = first.agreement(pair[0][:, way], pair[1][way], *best)
        found = matching.evaluate((w.astype(float), h.astype(float)), best)
        assert abs(found.product - expected.product_difference) <= found.product_slack
        assert min(abs(one - expected.least_cosine) for one in found.least_cosines) <= matching.ROUNDED
        assert any(few <= expected.samples_changed <= most for few, most in found.changed)


def test_near_a_threshold_both_kinds_are_right():
    record = {"objective": 1.0, "tolerance": 1e-6}
    one = {"status": "converged", "objective": 1.0}

    def of(product: float, cosine: float) -> list[str]:
        return matching.kinds(matching.Found(product, 1e-7, [cosine], [(0, 0)]), one, record)

    assert of(0.0, 1.0) == ["same"]
    assert of(0.0, 0.5) == ["same_product_other_factors"]
    assert of(0.0, 0.99 + 1e-8) == ["same_product_other_factors", "same"]
    assert of(0.01 + 5e-8, 1.0) == ["other_optimum", "same"]
    assert of(0.02, 1.0) == ["other_optimum"]
    one["objective"] = 1.1
    assert of(0.0, 1.0) == ["other_optimum"]
    one["status"] = "max_iterations"
    assert of(0.0, 1.0) == ["not_converged"]


def test_equal_exposures_leave_open_which_is_the_largest():
    w, h = np.eye(2), np.array([[1.0, 1.0, 0.0], [1.0, 0.0, 0.0]])
    other = w, h[::-1]
    assert matching.evaluate((w, h), other).changed[0] == (1, 2)


# ---- exposures -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("is_sparse", [False, True])
@pytest.mark.parametrize("kind", ["squared", "penalised", "poisson"])
def test_wrong_exposures_are_solved_for(kind, is_sparse):
    values = factorisations.counts(4, (12, 7))
    w = np.random.default_rng(1).gamma(0.5, 1, (12, 3))
    w /= w.sum(axis=0)
    penalties = {"w_columns": "sum_to_one", "l1_h": 0.3, "l2_h": 0.2} if kind == "penalised" else {}
    model = factorisations.MODEL | penalties | {"loss": "poisson" if kind == "poisson" else "squared"}
    problem = recompute.problem(factorisations.sparsely(values) if is_sparse else values, model)
    right = again.exposures(problem, model, w, None)
    slopes = again._slopes(problem.poisson, values, w, right, *again.refit_penalties(model))
    assert slopes.max() < 1e-4
    if kind == "squared":
        np.testing.assert_allclose(
            right, np.array([nnls(w, column)[0] for column in values.T]).T, rtol=1e-9, atol=1e-12
        )
    from proxsweep.nmf.model import given  # the first computation

    exact = given.exposures(values, w, model)
    np.testing.assert_allclose(right, exact, rtol=1e-3, atol=1e-3)
    assert again._slopes(problem.poisson, values, w, exact, *again.refit_penalties(model)).max() < again.RIGHT
    np.testing.assert_array_equal(again.exposures(problem, model, w, exact), exact)


def test_clusters_of_few_points_are_filled():
    points = np.array([[0.0, 0], [0.1, 0], [0.2, 0], [5, 0]])
    begin = np.array([[0.0, 0], [100, 100], [200, 200]])
    from proxsweep.nmf.results import factor_groups

    np.testing.assert_array_equal(again._means(points, begin), factor_groups.groups(points, begin))


def test_samples_beyond_those_drawn_follow(monkeypatch):
    from proxsweep.nmf.results import co_clustering

    rng = np.random.default_rng(6)
    truth = rng.integers(0, 3, 90)
    labels = np.array([np.where(rng.random(90) < 0.1, rng.integers(0, 3, 90), truth) for _ in range(7)])
    for module in (co_clustering, stability_again):
        monkeypatch.setattr(module, "MOST_SAMPLES", 40)
    h = np.array([(one == np.arange(3)[:, None]).astype(float) for one in labels])
    starts = stability_again.Starts([], np.ones((7, 4, 3)), h, np.arange(4).astype(str), np.arange(90).astype(str))
    found, expected = stability_again.consensus(starts, list(range(7))), co_clustering.consensus(labels, 3)
    for name in ("drawn", "leaves", "clusters"):
        np.testing.assert_array_equal(getattr(found, name), getattr(expected, name))
    assert found.cophenetic == expected.cophenetic
