"""Tables of a study against its records: what the workflow wrote agrees, whatever is changed in a table is named."""

import contextlib
import csv
import gzip
import json
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TextIO

import pytest
import yaml

from projects import simulated
from proxsweep import check_tables, planning, studies
from proxsweep.__main__ import main
from proxsweep.check import check
from proxsweep.dms.check import check as per_fit
from proxsweep.dms.jobs import ENCODE_KEYS, PREPROCESS_KEYS, data_spec
from proxsweep.dms.model import fit_files
from proxsweep.sweep import grid
from proxsweep.sweep.discrepancies import Discrepancies
from proxsweep.sweep.study import Study, outline

pytestmark = pytest.mark.slow

TREE = {"name": "clade", "tree": {"a": "root", "inner": "root", "b": "inner", "c": "inner"}}
CONFIG = {
    "family": "dms",
    "data": simulated(variants=150, differences=2, stop_share=0.1),
    "reference": "a",
    "model": {"ridge": 1.0e-4},
    "solver": {"tolerance": 1.0e-4, "max_iterations": 60},
    "sweep": {"difference": ["equivariant", TREE], "lasso": [0, 1.0e-3], "replicate": ["1", "2"]},
    "cross_validation": {"folds": 2, "replicates": ["1"]},
    "resamples": {"count": 2, "replicates": ["2"]},
    "chosen": {"lasso": 1.0e-3, "difference": "clade"},
}
STUDY = "results/s"
OF_FITS = ("fits.csv", "status.csv")
MUTATIONS = "fits/difference~clade/lasso~0.001/replicate~1/mutations.csv"
OF_ALL = (
    *("chosen.csv", "shifts.csv", "tables/cross_validation.csv", "tables/replicate_signs.csv"),
    *("tables/shifts_by_reference.csv", "effects.csv.gz"),
)


def run(*arguments: object) -> None:
    assert main(list(map(str, arguments))) == 0, arguments


def make_fits(study: Study) -> None:
    """The data and the fits, as the rules of the workflow make them."""
    place = Path(STUDY)
    run("simulate", "--spec", json.dumps(study.data["simulate"]), "--table", "t.csv", "--truth", "truth.csv")
    data = ("--variants", "v.csv", "--wildtypes", "w.csv")
    run("preprocess", "t.csv", "--spec", json.dumps(data_spec(study, PREPROCESS_KEYS)), *data, "--report", "r.csv")
    for label in study.sweep["replicate"]:
        spec = json.dumps(data_spec(study, ENCODE_KEYS))
        encoding = place / f"encodings/replicate~{label}.npz"
        run("encode", "--spec", spec, *data, "--replicate", label, "--encoding", encoding, "--report", "r.csv")
    for fit in grid.table(study):
        fit_files.run(fit.spec(), planning.encoding(fit), planning.folder(fit), lambda line: None)


def make_tables(study: Study) -> None:
    """The tables, as the rules of the workflow make them."""
    place = Path(STUDY)
    run("list-fits", "--outline", json.dumps(outline(study)), "--output", place / "plan.json")
    run("write-config", "--config", json.dumps(planning.resolved(study)), "--output", place / "config.yaml")
    tables = {"fits": place / "fits.csv", "status": place / "status.csv", "strays": place / "strays.csv"}
    run("collect", "--plan", place / "plan.json", *options(tables))
    signs = place / "tables/replicate_signs.csv"
    least = study.summaries["min_times_seen"]
    run("replicate-signs", "--fits", tables["fits"], "--min-times-seen", least, "--output", signs)
    chosen = {"fits": tables["fits"], "evidence": signs, "validated": place / "tables/cross_validation.csv"}
    chosen = options({**chosen, "chosen": json.dumps(study.chosen)})
    run("choose", *chosen, "--output", place / "chosen.csv")
    selected = ("--fits", tables["fits"], "--chosen", place / "chosen.csv", "--output")
    run("shifts", *selected, place / "shifts.csv")
    run("shifts-by-reference", *selected, place / "tables/shifts_by_reference.csv")
    run("effects", "--fits", tables["fits"], "--output", place / "effects.csv.gz")


def options(values: dict[str, object]) -> list[object]:
    return [word for name, value in values.items() for word in (f"--{name}", value)]


def configured(**changes: object) -> Study:
    config = {"studies": {"s": {**CONFIG, **changes}}}
    Path("s.yaml").write_text(yaml.safe_dump(config))
    return studies.from_config(config, ["s.yaml"], {})[0]


@pytest.fixture(scope="module")
def finished(tmp_path_factory) -> Path:
    """A working directory with a study that has run: 8 fits, 16 to folds and resamples, and all tables."""
    root = tmp_path_factory.mktemp("finished")
    with contextlib.chdir(root):
        study = configured()
        make_fits(study)
        for fit in grid.full(study):
            Path(planning.log(fit)).parent.mkdir(parents=True, exist_ok=True)
            Path(planning.log(fit)).touch()
        make_tables(study)
    return root


@pytest.fixture
def place(finished, tmp_path, monkeypatch) -> Path:
    """A copy of the study, relative to the working directory."""
    shutil.copytree(finished, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    return Path(STUDY)


def named(place: Path, encoding: Path | None = None) -> list[tuple[str, str]]:
    """Files and what is wrong with them: a column, with `column` if it is not there, `row`, or `order`.

    Digests are left out: they tell of any change, but not of which.
    """
    found = [item for _, item in check(place, encoding).disagreements if item.quantity != "digest"]
    return [(item.file, re.split(r",| of | \(", item.quantity)[0]) for item in found]


def opened(path: Path, mode: str) -> TextIO:
    return (gzip.open if path.suffix == ".gz" else open)(path, mode, newline="", encoding="utf-8")


def read(path: Path) -> list[list[str]]:
    with opened(path, "rt") as stream:
        return list(csv.reader(stream))


def rewrite(path: Path, changed: list[list[str]]) -> None:
    with opened(path, "wt") as stream:
        csv.writer(stream, lineterminator="\n").writerows(changed)


def other(cell: str) -> str:
    """Another value of the same type."""
    if cell in ("True", "False", ""):
        return {"True": "False", "False": "True", "": "0.5"}[cell]
    try:
        return repr(1.001 * float(cell) or 0.001)
    except ValueError:
        return f"{cell}x"


def test_what_was_written_agrees_from_anywhere_with_and_without_settings(place, tmp_path):
    assert named(place) == []
    assert named(tmp_path / place) == []
    (place / "config.yaml").unlink()
    shutil.copytree(place, "elsewhere")
    assert named(Path("elsewhere")) == []


def test_tables_of_a_study_with_a_fit_that_diverged(place):
    """Its shifts say nothing: neither of signs nor of what was reproduced."""
    study, path = configured(), place / "fits/difference~clade/lasso~0.001/replicate~2/record.json"
    before = read(place / "shifts.csv")
    record = json.loads(path.read_text())
    record["status"] = record["starts"][0]["status"] = "diverged"
    path.write_text(json.dumps(record))
    assert {"fits.csv", "shifts.csv", "chosen.csv"} <= {file for file, _ in named(place)}
    make_tables(study)
    assert named(place) == [] and read(place / "shifts.csv") != before


def test_a_study_that_goes_on_after_a_failure(place):
    """The status table of a run that failed; fits of the present run have records that are not collected yet."""
    fits = [place / f"fits/difference~clade/lasso~{lasso}/replicate~1" for lasso in ("0", "0.001")]
    kept = {fit: (fit / "record.json").read_text() for fit in fits}
    record = json.loads(kept[fits[0]])
    failed = {"status": "failed", "reason": "no", **{name: record[name] for name in ("schema_version", "fit", "study")}}
    (fits[0] / "record.json").write_text(json.dumps({**failed, "fold": None, "resample": None}))
    (fits[1] / "record.json").unlink()
    shutil.rmtree("logs")
    for file in ("fits.csv", *OF_ALL):
        (place / file).unlink()
    list(planning.write_status_tables([configured()]))
    assert named(place) == []
    rewrite(
        place / "status.csv",
        [[cell.replace("failed", "converged") for cell in row] for row in read(place / "status.csv")],
    )
    assert named(place) == [("status.csv", "status")] * 2
    list(planning.write_status_tables([configured()]))
    (fits[0] / "record.json").write_text(kept[fits[0]])
    assert named(place) == []


def test_tables_of_a_ranking(place):
    """The largest shifts stand first, none is selected; two rows that change places are told."""
    make_tables(configured(chosen={"false_discovery_rate": 1.0e-9, "difference": "clade"}))
    chosen, shifts = read(place / "chosen.csv"), read(place / "shifts.csv")
    row = dict(zip(chosen[0], next(row for row in chosen if row[-1] == "True"), strict=True))
    assert (row["by"], row["selected"], row["lasso"]) == ("ranking", "False", "0.001")
    sizes = [abs(float(row[shifts[0].index("shift")])) for row in shifts[1:]]
    assert sizes == sorted(sizes, reverse=True) and sizes[0] > sizes[1] > sizes[2]
    assert named(place) == []
    rewrite(place / "shifts.csv", [shifts[0], shifts[2], shifts[1], *shifts[3:]])
    assert ("shifts.csv", "order") in named(place)


@pytest.fixture(params=[*OF_FITS, *OF_ALL, MUTATIONS])
def table(request, place, monkeypatch) -> tuple[Path, Callable[[], list[str]]]:
    """A table, and what is wrong with it; of what is not changed no more is computed than once."""
    path, name = place / request.param, request.param
    if name == MUTATIONS:
        encoding = place / "encodings/replicate~1.npz"
        return path, lambda: [what for file, what in named(path.parent, encoding) if file == path.name]
    recompute, kept = per_fit.check, {}

    def recall(folder: Path, *arguments: object):
        if folder not in kept:
            kept[folder] = recompute(folder, *arguments)
        return kept[folder]._replace(discrepancies=Discrepancies())

    monkeypatch.setattr(per_fit, "check", recall)
    if name in OF_FITS:
        monkeypatch.setattr(check_tables, "derived", lambda *arguments: None)
    return path, lambda: [what for file, what in named(place) if file == name]


def changes(rows: list[list[str]], k: int) -> Iterator[list[list[str]]]:
    """Tables of which one cell of a column is another: in the middle, one emptied, one filled."""
    full, empty = ([n for n in range(1, len(rows)) if bool(rows[n][k]) == is_full] for is_full in (True, False))
    cells = [(len(rows) // 2, other(rows[len(rows) // 2][k]))]
    cells += [(full[-1], "")] if full else []
    cells += [(empty[0], "0.5")] if empty else []
    for row, cell in cells:
        yield [[cell if (n, m) == (row, k) else old for m, old in enumerate(one)] for n, one in enumerate(rows)]


def test_a_change_in_any_column_is_named(table):
    path, wrong = table
    written = read(path)
    for k, column in enumerate(written[0]):
        for changed in changes(written, k):
            rewrite(path, changed)
            assert column in wrong(), column
    rewrite(path, written)
    assert wrong() == []


def test_rows_and_columns_are_those_of_the_table(table):
    path, wrong = table
    written = read(path)
    assert len(written) > 2
    for changed, what in (
        (written[:-1], "row"),
        ([*written, written[-1]], "row"),
        ([written[0], written[2], written[1], *written[3:]], "mutation" if path.name == "mutations.csv" else "order"),
        ([row[:-1] for row in written], f"column {written[0][-1]}"),
        ([[*row, "x"] for row in written], "column x"),
        ([[row[1], row[0], *row[2:]] for row in written], "order"),
    ):
        rewrite(path, changed)
        assert what in wrong(), what
