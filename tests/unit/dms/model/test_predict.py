"""Scores of new variants: by hand, against the fit's own predictions, and against whole sequences."""

import gzip
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import toys
from projects import PROJECT
from proxsweep.__main__ import main
from proxsweep.dms.data.encode import encode
from proxsweep.dms.data.encoding import Encoding
from proxsweep.dms.data.preprocess import preprocess
from proxsweep.dms.data.simulate import simulate
from proxsweep.dms.model import fit, fit_files
from proxsweep.dms.model.predict import load, score
from proxsweep.io.errors import UserError
from proxsweep.io.files import write_csv, write_json, write_npz

CLOSE = {"rtol": 1e-12, "atol": 1e-12}
# a has G at site 3, b has P; both have A at 1 and, in the named numbering, K at 214a
HAND = {
    "conditions": np.array(["a", "b"]),
    "mutations": np.array(["A1C", "A1D", "G3P", "G3R", "K214aQ"]),
    "b": np.array([[1.0, 2.0, 4.0, 8.0, 16.0], [100.0, 200.0, 400.0, 800.0, 1600.0]]),
    "b0": np.array([0.5, 0.25]),
    "bundle": np.array([[False] * 5, [False, False, True, False, False]]),
    "scale": np.float64(np.nan),
    "bias": np.float64(np.nan),
}


def write_fit(folder: Path, kind: str = "linear", status: str = "converged", **arrays) -> Path:
    write_npz(folder / "parameters.npz", **{**HAND, **arrays})
    write_json(folder / "record.json", {"status": status, "model": {"global_epistasis": kind}})
    return folder


def scored(folder: Path, rows: list[tuple[str, str]]) -> pd.DataFrame:
    write_csv(folder / "variants.csv", pd.DataFrame(rows, columns=["condition", "aa_substitutions"]))
    return score(load(folder), folder / "variants.csv")


@pytest.mark.parametrize(
    ("condition", "text", "latent"),
    [
        ("a", "", 0.5),
        ("a", "A1C", 1.5),
        ("a", "G3R A1D", 10.5),
        ("a", "G3P", 4.5),
        ("b", "", 400.25),  # G3P untouched
        ("b", "A1C", 500.25),
        ("b", "P3G", 0.25),  # reversion
        ("b", "P3R", 800.25),  # third letter
        ("b", "A1D P3G", 200.25),
        ("b", "K214aQ P3R", 2400.25),
    ],
)
def test_latent_phenotypes_by_hand(tmp_path, condition, text, latent):
    row = scored(write_fit(tmp_path), [(condition, text)]).iloc[0]
    assert row["latent"] == row["predicted"] == pytest.approx(latent, rel=1e-15)
    assert row["unknown"] == ""


@pytest.mark.filterwarnings("error")
def test_sigmoid_by_hand_far_out_and_unknown(tmp_path):
    folder = write_fit(tmp_path, "sigmoid", b=HAND["b"] * [[1], [-10]], scale=np.float64(6), bias=np.float64(-4))
    table = scored(folder, [("a", "A1C"), ("b", "K214aQ"), ("a", "K9Q")])
    assert table["predicted"][0] == pytest.approx(6 / (1 + np.exp(-1.5)) - 4, rel=1e-14)
    assert table["latent"][1] < -19000 and table["predicted"][1] == -4
    assert np.isnan(table["predicted"][2])


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("p.Ala1Cys", "A1C"),
        ("p.[Pro3Arg;Ala1Asp]", "P3R A1D"),
        ("p.(=)", ""),
        ("NP_1.2:p.P3R", "P3R"),
        ("Pro3Gly", "P3G"),
        ("p.Ala1Cys, p.Leu9Gln", "A1C L9Q"),
    ],
)
def test_variants_in_the_notation_of_hgvs_are_scored_as_plain_ones(tmp_path, text, plain):
    table = scored(write_fit(tmp_path), [("b", text), ("b", plain)])
    assert table["aa_substitutions"].fillna("").tolist() == [text, plain]
    pd.testing.assert_series_equal(
        *(table.loc[row, ["latent", "predicted", "unknown"]] for row in (0, 1)), check_names=False
    )


def test_what_the_fit_does_not_know_is_named_and_not_guessed(tmp_path):
    rows = [("a", "A1C G3W"), ("b", "P3W K9Q"), ("a", "A1C"), ("b", "P3G L9Q A1C")]
    table = scored(write_fit(tmp_path), rows)
    assert list(table["unknown"]) == ["G3W", "P3W K9Q", "", "L9Q"]
    np.testing.assert_array_equal(table["latent"], [np.nan, np.nan, 1.5, np.nan])
    np.testing.assert_array_equal(table["predicted"], table["latent"])


def own_substitutions(encoding: Encoding) -> list[tuple[str, frozenset[str]]]:
    """Each row's condition and its substitutions relative to the condition's own wildtype."""
    found = []
    names = zip(encoding.wildtypes, encoding.sites, encoding.mutants, strict=True)
    parts = [tuple(map(str, name)) for name in names]
    for d, name in enumerate(encoding.conditions):
        own = {parts[m][1]: parts[m][2] for m in np.flatnonzero(encoding.bundle[d])}
        for row in range(encoding.offsets[d], encoding.offsets[d + 1]):
            letters = {}
            for m in encoding.indices[encoding.indptr[row] : encoding.indptr[row + 1]]:
                wildtype, site, mutant = parts[m]
                third = mutant != own.get(site)
                letters[site] = mutant if third else letters.get(site, wildtype)
            wildtypes = {site: wildtype for wildtype, site, _ in parts} | own
            found.append((str(name), frozenset(f"{wildtypes[s]}{s}{a}" for s, a in letters.items())))
    return found


def made() -> tuple[dict, pd.DataFrame]:
    """Settings and table of a simulated scan with differing sites."""
    tree = {"a": "root", "b": "root", "c": "root"}
    settings = {"seed": 5, "tree": tree, "sites": 8, "differences": 2, "variants": 120, "replicates": 1}
    data = {"simulate": settings}
    spec = {"study": "s", "data": data, "reference": "a"}
    return spec, simulate(data["simulate"])[0]


@pytest.fixture(scope="module")
def encodings(tmp_path_factory) -> dict[str, Encoding]:
    spec, table = made()
    path = tmp_path_factory.mktemp("made") / "table.csv"
    write_csv(path, table)
    done = preprocess(spec, [path])
    return {"toy": toys.toy(3), "made": encode(spec, done.variants, done.wildtypes, "1")[0]}


@pytest.mark.parametrize("kind", ["linear", "sigmoid"])
@pytest.mark.parametrize("name", [pytest.param("toy", marks=pytest.mark.slow), "made"])
def test_training_variants_get_the_predictions_of_the_fit(encodings, tmp_path, name, kind):
    encoding = encodings[name]
    model, lasso = {**toys.MODEL, "global_epistasis": kind, "ridge": 1e-3}, 1e-4
    done = fit.fit(encoding, lasso, "equivariant", model, toys.SOLVER, lambda line: None)
    spec = {"fit": {"lasso": lasso}, "model": model, "solver": toys.SOLVER}
    fit_files.write(done, spec, tmp_path)
    variants = own_substitutions(encoding)
    table = scored(tmp_path, [(condition, " ".join(sorted(tokens))) for condition, tokens in variants])
    expected = fit_files.predictions(done)
    for column in ("latent", "predicted"):
        np.testing.assert_allclose(table[column], expected[column], **CLOSE)
    assert (table["unknown"] == "").all() and len(set(variants)) > 100


def test_made_data_hold_reversions_and_third_letters(encodings):
    """Else the comparison of training variants would say less than it seems to."""
    encoding = encodings["made"]
    reverted, third = 0, 0
    for condition, tokens in own_substitutions(encoding):
        d = list(encoding.conditions).index(condition)
        forward = {f"{m[-1]}{m[1:-1]}": m[0] for m in map(str, encoding.mutations[encoding.bundle[d]])}
        back = [forward[token[:-1]] == token[-1] for token in tokens if token[:-1] in forward]
        reverted, third = reverted + sum(back), third + len(back) - sum(back)
    assert reverted > 20 and third > 20


@pytest.mark.parametrize(
    ("row", "found", "expected"),
    [
        ("a,Q1C", "wildtype Q at site 1", "A, the wildtype of condition a"),
        ("b,G3R", "wildtype G at site 3", "P, the wildtype of condition b"),
        ("b,A1B", "'A1B'", "a mutant among the letters"),
        ("b,A1a", "'A1a'", "a mutant among the letters"),
        ("b,A1C A1D", "two substitutions at site 1", "one a site"),
        ("b,A1C A1C", "two substitutions at site 1", "one a site"),
        ("b,P3P", "P3P, a substitution to itself", "an empty string"),
        ("b,K9K", "K9K, a substitution to itself", "an empty string"),
        ("b,AA1C", "'AA1C'", "a number"),
        ("b,P3=", "P3P, a substitution to itself", "an empty string"),
        ("b,p.Pro3=", "P3P, a substitution to itself", "an empty string"),
        ("b,p.Pro3fs", "'p.Pro3fs'", "no insertion, duplication, frame shift"),
        ("b,WT", "'WT'", "an empty cell for the wildtype"),
        ("b,A1C:P3R", "'A1C:P3R'", "separated by blanks (as N501Y E484K)"),
        ("b,NA", "'NA'", "a substitution"),
        ("bb,A1C", "'bb'", "a condition of the fit: 'a', 'b'"),
        (",A1C", "''", "a condition of the fit: 'a', 'b'"),
    ],
)
def test_faults_of_a_table_are_named(tmp_path, row, found, expected):
    (tmp_path / "variants.csv").write_text(f"condition,aa_substitutions\na,\na,A1C\n{row}\n")
    with pytest.raises(UserError) as caught:
        score(load(write_fit(tmp_path)), tmp_path / "variants.csv")
    assert f"{tmp_path / 'variants.csv'}, row 4, column" in caught.value.place
    assert found in caught.value.found and expected in caught.value.expected


@pytest.mark.parametrize(
    ("header", "found"),
    [
        ("strain,aa_substitutions", "no column 'condition'"),
        ("condition,substitutions", "no column 'aa_substitutions'"),
        ("condition,aa_substitutions,latent", "a column 'latent'"),
        (",condition,aa_substitutions,", "several columns without a name"),
    ],
)
def test_faults_of_a_header_are_named(tmp_path, header, found):
    (tmp_path / "variants.csv").write_text(f"{header}\n")
    with pytest.raises(UserError) as caught:
        score(load(write_fit(tmp_path)), tmp_path / "variants.csv")
    assert caught.value.place == f"{tmp_path / 'variants.csv'}, header" and found in caught.value.found


def test_sites_of_a_site_map_may_be_any_text(tmp_path):
    write_fit(tmp_path, mutations=np.array(["A1C", "A1D", "Gloop3P", "Gloop3R", "K214aQ"]))
    table = scored(tmp_path, [("b", "Ploop3R"), ("b", "Ploop4R A1C")])
    assert table["latent"][0] == 800.25 and list(table["unknown"]) == ["", "Ploop4R"]
    for text in ("P9PEPE", "P9DEL", "P-9delinsA"):
        with pytest.raises(UserError, match=f"'{text}'; expected a site that the site map or the fit lists"):
            scored(tmp_path, [("b", "Ploop3R"), ("b", text)])


def test_command_keeps_rows_and_columns_and_counts(tmp_path, capsys):
    write_fit(tmp_path, status="max_iterations")
    text = 'note\tstrain\tvariant\n"x, y"\tb\tP3R\n007\ta\tG3W\n\ta\t\n'
    (tmp_path / "new.tsv.gz").write_bytes(gzip.compress(text.encode()))
    columns = ["--condition-column", "strain", "--substitutions-column", "variant"]
    output = tmp_path / "out" / "predictions.csv"
    assert main(["predict", str(tmp_path), str(tmp_path / "new.tsv.gz"), *columns, "--output", str(output)]) == 0
    assert output.read_text() == (
        'note,strain,variant,latent,predicted,unknown\n"x, y",b,P3R,800.25,800.25,\n007,a,G3W,,,G3W\n,a,,0.5,0.5,\n'
    )
    printed = capsys.readouterr()
    assert printed.out == "" and printed.err.count("\n") == 1
    assert "2 of 3 rows scored, 1 not" in printed.err and "max_iterations" in printed.err


def test_command_refuses_another_suffix_and_writes_nothing(tmp_path, capsys):
    write_fit(tmp_path)
    (tmp_path / "new.csv").write_text("condition,aa_substitutions\na,A1C\n")
    output = tmp_path / "predictions.tsv"
    assert main(["predict", str(tmp_path), str(tmp_path / "new.csv"), "--output", str(output)]) == 2
    assert "predictions.tsv" in capsys.readouterr().err and not output.exists()


def without_bundle(folder: Path) -> None:
    write_npz(folder / "parameters.npz", **{name: array for name, array in HAND.items() if name != "bundle"})


@pytest.mark.parametrize(
    ("spoil", "file", "found"),
    [
        (lambda folder: (folder / "record.json").unlink(), "record.json", "no such file"),
        (lambda folder: (folder / "parameters.npz").unlink(), "parameters.npz", "no such file"),
        (lambda folder: (folder / "record.json").write_text("{"), "record.json", "cannot be read"),
        (lambda folder: (folder / "record.json").write_text("[]"), "record.json", "no mapping"),
        (lambda folder: (folder / "parameters.npz").write_text("text"), "parameters.npz", "cannot be read"),
        (lambda folder: write_fit(folder, status="diverged"), "record.json", "diverged"),
        (without_bundle, "parameters.npz", "no array 'bundle'"),
    ],
)
def test_faults_of_a_folder_are_named(tmp_path, spoil, file, found):
    spoil(write_fit(tmp_path))
    with pytest.raises(UserError) as caught:
        load(tmp_path)
    assert caught.value.place == str(tmp_path / file) and found in caught.value.found


def test_the_command_works_without_a_solver(tmp_path):
    write_fit(tmp_path)
    (tmp_path / "new.csv").write_text("condition,aa_substitutions\na,A1C\n")
    code = "import sys; sys.modules['jax'] = None; from proxsweep.__main__ import main; sys.exit(main(sys.argv[1:]))"
    command = [sys.executable, "-c", code, "predict", ".", "new.csv", "--output", "out.csv"]
    environment = {**os.environ, "PYTHONPATH": str(PROJECT / "scripts")}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out.csv").read_text().endswith("a,A1C,1.5,1.5,\n")


def test_from_simulation_to_predictions_by_command(tmp_path):
    """Every variant of the table, by whole sequences in the reference's coordinates."""
    spec, _ = made()
    names = ("table.csv", "truth.csv", "variants.csv", "wildtypes.csv", "report.csv", "encoding.npz", "predictions.csv")
    table, truth, variants, wildtypes, report, encoding, output = (str(tmp_path / name) for name in names)
    written = json.dumps(spec)
    simulation = json.dumps(spec["data"]["simulate"])
    tables = ["--variants", variants, "--wildtypes", wildtypes, "--report", report]
    assert main(["simulate", "--spec", simulation, "--table", table, "--truth", truth]) == 0
    assert main(["preprocess", table, "--spec", written, *tables]) == 0
    assert main(["encode", "--spec", written, *tables, "--replicate", "1", "--encoding", encoding]) == 0
    options = ["--lasso", "1e-4", "--ridge", "1e-3", "--difference", "equivariant"]
    assert main(["fit", encoding, *options, "--output", str(tmp_path / "fit")]) == 0
    assert main(["predict", str(tmp_path / "fit"), variants, "--output", output]) == 0

    asked = pd.read_csv(variants, keep_default_na=False)
    given = pd.read_csv(output, keep_default_na=False, na_values={"latent": "", "predicted": ""})
    pd.testing.assert_frame_equal(given[asked.columns], asked)
    own = pd.read_csv(wildtypes, dtype=str).set_index("site")
    with np.load(tmp_path / "fit" / "parameters.npz") as at:
        conditions, mutations = list(at["conditions"]), list(at["mutations"])
        b, b0, scale, bias = at["b"], at["b0"], float(at["scale"]), float(at["bias"])
    for row in given.itertuples():
        letters = own[row.condition].copy()
        for token in row.aa_substitutions.split():
            letters[token[1:-1]] = token[-1]
        carried = [f"{own['a'][site]}{site}{letter}" for site, letter in letters.items() if letter != own["a"][site]]
        d = conditions.index(row.condition)
        latent = b0[d] + sum(b[d, mutations.index(name)] for name in carried)
        assert row.unknown == ""
        assert row.latent == pytest.approx(latent, rel=1e-12, abs=1e-12)
        assert row.predicted == pytest.approx(scale / (1 + np.exp(-latent)) + bias, rel=1e-12, abs=1e-12)
