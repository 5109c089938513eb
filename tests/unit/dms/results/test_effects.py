"""The table of all effects: what its lines say, and that every digit is that of the fits."""

import gzip
import io
import re

import numpy as np
import pandas as pd
import pytest

from projects import PROJECT
from proxsweep.__main__ import main
from proxsweep.dms.results import effects, fitted
from proxsweep.io import digests
from proxsweep.io.files import write_csv, write_npz

MUTATIONS = ["A1C", "A1*", "G214aP"]
PARTS = {"wildtype": ["A", "A", "G"], "site": ["1", "1", "214a"], "mutant": ["C", "*", "P"]}
CONDITIONS = ["a", "b", 'c, "c"']
SEEN = [[3, 9, 2], [1, 9, 0], [5, 0, 4]]


def fit(folder, rows: dict[str, list[float]], seed: int = 0) -> None:
    """A fit of three conditions; ``rows`` have a coefficient for each, and for inner nodes."""
    b = np.random.default_rng(seed).normal(size=(3, 3))
    matrix = np.array(list(rows.values()) or np.zeros((0, 3)))
    shifts = matrix[:, :3] @ b
    names = np.array(CONDITIONS)
    write_npz(
        folder / "parameters.npz", conditions=names, difference=matrix, difference_rows=np.array(list(rows), np.str_)
    )
    table = {"mutation": MUTATIONS, **PARTS}
    table |= {f"beta_{name}": values for name, values in zip(CONDITIONS, b, strict=True)}
    table |= {f"shift_{name}": values for name, values in zip(rows, shifts, strict=True)}
    table |= {f"times_seen_{name}": values for name, values in zip(CONDITIONS, SEEN, strict=True)}
    write_csv(folder / "mutations.csv", pd.DataFrame(table))


def fits(*rows: tuple) -> pd.DataFrame:
    """A table of fits: difference, lasso, replicate, scale_bound, fold, status, path."""
    columns = ["difference", "lasso", "replicate", "scale_bound", "fold", "status", "path"]
    table = pd.DataFrame(rows, columns=columns).assign(study="s", family="dms", resample=np.nan)
    return table[["study", "family", *columns[:4], "fold", "resample", *columns[5:]]]


def text(table: pd.DataFrame) -> list[list[str]]:
    """All cells of the table as text."""
    found = io.StringIO("".join(effects.parts(table)))
    return pd.read_csv(found, header=None, dtype=str, keep_default_na=False).to_numpy().tolist()


def test_a_line_for_each_effect_and_each_shift(tmp_path):
    fit(tmp_path, {"b-minus-a": [-1, 1, 0]})
    header, *lines = text(fits(("reference", 1e-5, "1", "2x_score_range", np.nan, "max_seconds", str(tmp_path))))
    first = ["difference", "lasso", "replicate", "scale_bound", "status", "mutation", "wildtype", "site", "mutant"]
    assert header == [*first, "quantity", "of", "value", "times_seen"]
    written = pd.read_csv(tmp_path / "mutations.csv", dtype=str)
    expected = []
    for row, name in zip(written.to_dict("records"), MUTATIONS, strict=True):
        own = ["reference", "1e-05", "1", "2x_score_range", "max_seconds", name]
        own += [row[part] for part in ("wildtype", "site", "mutant")]
        for of in CONDITIONS:
            expected.append([*own, "effect", of, row[f"beta_{of}"], row[f"times_seen_{of}"]])
        least = min(int(row["times_seen_a"]), int(row["times_seen_b"]))
        expected.append([*own, "shift", "b-minus-a", row["shift_b-minus-a"], str(least)])
    assert lines == expected


def test_a_shift_is_seen_where_all_that_it_compares_are(tmp_path):
    """An inner node of a tree is known through all conditions."""
    fit(tmp_path, {"c-minus-a": [-1, 0, 1, 0], "b-minus-inner": [0, 1, 0, -1]})
    lines = text(fits(("clade", 0.0, "1", 5.0, np.nan, "converged", str(tmp_path))))
    seen = {(line[5], line[10]): line[12] for line in lines if line[9] == "shift"}
    assert [seen[name, "c-minus-a"] for name in MUTATIONS] == ["3", "0", "2"]
    assert [seen[name, "b-minus-inner"] for name in MUTATIONS] == ["1", "0", "0"]


def test_a_diverged_fit_keeps_its_lines_but_no_number(tmp_path):
    fit(tmp_path, {"b-minus-a": [-1, 1, 0]})
    lines = text(fits(("reference", 0.1, "1", 5.0, np.nan, "diverged", str(tmp_path))))[1:]
    assert len(lines) == 12 and {line[11] for line in lines} == {""} and {line[4] for line in lines} == {"diverged"}
    assert [line[12] for line in lines[:3]] == ["3", "1", "5"]


def test_columns_are_the_same_whatever_matrices_compare(tmp_path):
    rows = [("reference", {"b-minus-a": [-1, 1, 0]}), ("own", {"trend, a": [-1, 0, 1]}), ("none", {})]
    for k, (name, matrix) in enumerate(rows):
        (tmp_path / name).mkdir()
        fit(tmp_path / name, matrix, k)
    table = fits(*((name, 0.1, "1", 5.0, np.nan, "converged", str(tmp_path / name)) for name, _ in rows))
    found = pd.DataFrame(text(table)[1:])
    assert found.groupby([0, 9])[10].unique().map(list).to_dict() == {
        **{(name, "effect"): CONDITIONS for name, _ in rows},
        ("reference", "shift"): ["b-minus-a"],
        ("own", "shift"): ["trend, a"],
    }


def test_fits_to_a_part_are_left_aside_and_one_fit_is_held_at_a_time(tmp_path, monkeypatch):
    fit(tmp_path, {})
    read = []
    load = fitted.load
    monkeypatch.setattr(fitted, "load", lambda path: read.append(path) or load(path))
    full = ("reference", 0.1, "1", 5.0, np.nan, "converged", str(tmp_path))
    parts = effects.parts(fits(full, (*full[:4], 1.0, "converged", "a fold"), full))
    lengths = [(len(part.splitlines()), len(read)) for part in parts]
    assert lengths == [(1, 0), (9, 1), (9, 2)]


def test_the_command_writes_the_same_bytes_and_notes_their_digest(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "one").mkdir()
    fit(tmp_path / "one", {"b-minus-a": [-1, 1, 0]})
    write_csv("results/s/fits.csv", fits(("reference", 0.1, "1", 5.0, np.nan, "converged", "one")))
    contents = []
    for _ in range(2):
        assert main(["effects", "--fits", "results/s/fits.csv", "--output", "results/s/effects.csv.gz"]) == 0
        contents.append((tmp_path / "results/s/effects.csv.gz").read_bytes())
    assert contents[0] == contents[1]
    assert list(digests.noted_below("results/s")).count("results/s/effects.csv.gz") == 1
    assert digests.fault("results/s/effects.csv.gz") is None
    assert len(gzip.decompress(contents[0]).splitlines()) == 13


def test_pandas_reads_it_back_as_the_page_says(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        fit(tmp_path / name, {"b-minus-a": [-1, 1, 0]})
    rows = [("reference", 0.1, label, 5.0, np.nan, "converged", path) for label, path in (("1", "one"), ("2", "two"))]
    effects.write("results/demo/effects.csv.gz", fits(*rows))
    page = (PROJECT / "docs/effects.md").read_text()
    (code,) = re.findall(r"^```python\n(import pandas.*?)^```", page, re.DOTALL | re.MULTILINE)
    assert len(code.splitlines()) == 5
    found: dict = {}
    exec(code, found)
    table = found["effects"]
    assert table["site"].tolist()[-1] == "214a" and table["replicate"].unique().tolist() == ["1", "2"]
    shifts = pd.read_csv(tmp_path / "one/mutations.csv")["shift_b-minus-a"]
    assert table.loc[(table["quantity"] == "shift") & (table["replicate"] == "2"), "value"].tolist() == shifts.tolist()
    seen = found["found"]
    assert seen.loc["reference", 0.1, "1", "b-minus-a"] == pytest.approx(1.0) and len(seen) == 2
