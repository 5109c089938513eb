"""The command line, in this process."""

import json

import pytest

import toys
from proxsweep.__main__ import main


@pytest.fixture
def encoding(tmp_path):
    path = tmp_path / "encoding.npz"
    toys.toy(3).save(path)
    return str(path)


@pytest.mark.slow
def test_fit_takes_scientific_notation_and_writes_a_fit(encoding, tmp_path, capsys):
    tree = "{name: clade, tree: {c0: root, inner: root, c1: inner, c2: inner}}"
    options = ["--lasso", "1e-3", "--ridge", "1e-3", "--difference", tree, "--starts", "[zeros, linear]"]
    assert main(["fit", encoding, *options, "--output", str(tmp_path / "out")]) == 0
    record = json.loads((tmp_path / "out" / "record.json").read_text())
    assert record["status"] == "converged"
    assert record["fit"]["lasso"] == 1e-3 and record["model"]["ridge"] == 1e-3
    assert record["fit"]["difference"]["name"] == "clade"
    assert [one["start"] for one in record["starts"]] == ["zeros", "linear"]
    assert "converged" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "place", "found"),
    [
        (["--lasso", "-1"], "--lasso", "-1"),
        (["--lasso", "small"], "--lasso", "small"),
        (["--lasso", "1", "--scale-bound", "0"], "--scale-bound", "0"),
        (["--lasso", "1", "--starts", "[ones]"], "--starts", "ones"),
        (["--lasso", "1", "--difference", "everyone"], "--difference", "everyone"),
        (["--lasso", "1", "--difference", "{name: t, rows: {r: {c0: 1, c9: -1}}}"], "--difference", "c9"),
        (["--lasso", "1", "--effect-bounds", "[1"], "--effect-bounds", "[1"),
    ],
)
def test_fit_refuses_what_a_config_would(encoding, tmp_path, capsys, options, place, found):
    assert main(["fit", encoding, *options, "--output", str(tmp_path / "out")]) == 2
    message = capsys.readouterr().err
    assert message.startswith(f"proxsweep: {place}: ") and found in message and "expected" in message
    assert message.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_fit_refuses_what_is_no_encoding(tmp_path, capsys):
    (tmp_path / "no.npz").write_text("nothing")
    assert main(["fit", str(tmp_path / "no.npz"), "--lasso", "0"]) == 2
    assert "no.npz" in capsys.readouterr().err


def test_strict_names_what_did_not_converge(tmp_path, capsys):
    table = tmp_path / "fits.csv"
    table.write_text("status,relative_residual,path\nconverged,1e-7,a\nmax_iterations,1e-3,b\n")
    assert main(["strict", str(table)]) == 2
    message = capsys.readouterr().err
    assert "max_iterations: b (relative residual 1.00e-03)" in message and "1 of 2 fits" in message
    table.write_text("status,relative_residual,path\nconverged,1e-7,a\n")
    assert main(["strict", str(table)]) == 0
