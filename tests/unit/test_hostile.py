"""Input that was made to do harm, or that only looks sound: what the fuzzer found, one plain case each."""

import gzip
import re

import numpy as np
import pytest
import yaml

from projects import PROJECT
from proxsweep import studies
from proxsweep.config import source
from proxsweep.dms.data import read, simulate
from proxsweep.dms.data.encoding import Encoding
from proxsweep.dms.data.simulation import complete
from proxsweep.dms.data.substitutions import parse
from proxsweep.dms.model import predict
from proxsweep.dms.results import fits_table
from proxsweep.io import downloads, names, opening, reading
from proxsweep.io.errors import LONGEST, UserError
from proxsweep.jobs import notebook
from proxsweep.report import table_page
from proxsweep.sweep import chosen, fits

SHELL = re.compile(r'shell:\n((?:\s+"[^\n]*"\n)+)')
# numbers, an option with 64 hexadecimal digits, and options whose values are quoted where they are made
UNQUOTED = {"threads", "resources.attempt", "params.least", "params.ranks", "params.sha256", "params.evidence"}
UNQUOTED |= {"params.samples", "params.unconverged"}


def test_every_value_reaches_the_shell_as_one_quoted_argument():
    texts = [path.read_text() for path in sorted((PROJECT / "workflow/rules").glob("*.smk"))]
    commands = [command for text in texts for command in SHELL.findall(text)]
    commands += re.findall(r"RUN_NOTEBOOK = \((.*?)\n\)", "".join(texts), flags=re.DOTALL)
    assert len(commands) > 15
    bare = {name for command in commands for name in re.findall(r"\{([^{}]*)\}", command) if not name.endswith(":q")}
    assert bare <= UNQUOTED


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"   \nx,y\n1,2\n", None),
        (b"x,y\r1,2\r", None),
        (b'"x\n",y\n1,2\n', None),
        (b'x,"y\n1,2\n', "a row that is none"),
        (b"x,y\n1,2\0\n", "a NUL character"),
        ("x,y\n1,١٢\n".encode(), "'١٢'"),
        (b"x,y\n1,1_0\n", "'1_0'"),
        (b"x,y\n" + b"a" * 200_000 + b",1\n", "field larger"),
    ],
)
def test_odd_tables(tmp_path, content, found):
    path = tmp_path / "t.csv"
    path.write_bytes(content)
    if found is None:
        assert read.read_table(path, ["x"], ["y"]).to_numpy().tolist() == [["1", 2.0]]
        return
    with pytest.raises(UserError) as caught:
        read.read_table(path, ["x"], ["y"])
    assert "t.csv" in caught.value.place and found in caught.value.found


def test_a_table_without_a_name_for_its_first_column_is_read(tmp_path):
    path = tmp_path / "t.tsv"
    path.write_text("\tx\n0\ta\n")
    assert read.header(path) == ["", "x"] and read.read_table(path, ["x"])["x"].tolist() == ["a"]


@pytest.mark.slow
def test_a_bomb_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(opening, "LARGEST", 2**20)
    path = tmp_path / "t.csv.gz"
    path.write_bytes(gzip.compress(b"x,y\n" + b"1,2\n" * 2**19, mtime=0))
    with pytest.raises(UserError, match="unpacks to more than 1 MiB"):
        read.read_table(path, ["x"])
    monkeypatch.setattr(opening, "LARGEST", 2**22)
    assert len(read.read_table(path, ["x"])) == 2**19


def test_one_number_is_one_site():
    with pytest.raises(UserError, match="site 01, which stands elsewhere as 1"):
        parse(["A1C", "A01C"], str)
    with pytest.raises(UserError, match="A99999999999C"):
        parse(["A99999999999C"], str)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("studies: " + "[" * 2000 + "]" * 2000, "levels"),
        (
            "a: &a [x, x]\n"
            + "".join(f"{chr(98 + k)}: &{chr(98 + k)} [{', '.join(9 * [f'*{chr(97 + k)}'])}]\n" for k in range(8)),
            "100000 values",
        ),
        ("studies: {a: {strict: 010}}", "`010`"),
        ("studies: {a: {strict: 1:30}}", "`1:30`"),
        ("studies: {a: {strict: 1_000.5}}", "`1_000.5`"),
        ("studies: \0", "not YAML"),
    ],
)
def test_odd_yaml(tmp_path, text, found):
    (tmp_path / "c.yaml").write_text(text)
    with pytest.raises(UserError) as caught:
        source.read(tmp_path / "c.yaml")
    assert found in caught.value.found and "c.yaml" in caught.value.place and "\n" not in str(caught.value)


def study(**changes):
    base = {"data": {"simulate": {"tree": {"a": "r", "b": "r"}}}, "reference": "a", "sweep": {"lasso": [0.1]}}
    return {**base, **changes}


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("demo\n", {}),
        ("demo", {"model": {"scale_bound": "9" * 400 + "x_score_range"}}),
        ("demo", {"solver": {"max_iterations": 1e300}}),
        ("demo", {"data": {"simulate": {"tree": {"a": "r", "=1+1": "r"}}}}),
        ("demo", {"data": {"simulate": {"tree": {"a": "r", "b\nc": "r"}}}}),
        ("demo", {"data": {"simulate": {"tree": {"a": "r", "b": "r"}, "replicates": 10**9}}}),
        ("demo", {"sweep": {"lasso": [0.1], "difference": [{"name": "m", "rows": {"@x": {"a": -1, "b": 1}}}]}}),
        *(
            ("demo", {"data": {"func_scores": text}})
            for text in ("x" * 300, "a\0b", "http://[", "HTTP://a/t.csv", "http://a b/")
        ),
    ],
)
def test_odd_configs(tmp_path, name, changes):
    path = tmp_path / "c.yaml"
    path.write_text(yaml.safe_dump({"studies": {name: study(**changes)}}))
    with pytest.raises(UserError, match=r"c\.yaml:[0-9]+: studies"):
        studies.from_config(studies.load([path]), [path], {}, tmp_path)
    path.write_text(yaml.safe_dump({"studies": {"demo": study()}}))
    assert len(studies.from_config(studies.load([path]), [path], {}, tmp_path)) == 1


@pytest.mark.parametrize("text", ["Omicron BA.1", "a, b", "a/b", 'a "b"', "Δ", "a-minus-b"])
def test_names(text):
    assert names.is_name(text)
    for odd in (
        f"={text}",
        f"+{text}",
        f"-{text}",
        f"@{text}",
        f" {text}",
        f"{text}\n",
        f"{text}\u202e",
        text * 101,
        "",
    ):
        assert not names.is_name(odd)


def test_messages_are_one_line_and_not_endless():
    error = UserError("a\nb", "\x1b[31m", "x" * 10_000)
    assert str(error).isprintable() and "\\x1b" in error.found and len(error.expected) < LONGEST + 10


@pytest.mark.parametrize("load", [Encoding.load, lambda path: reading.arrays(path, ["b"], "arrays")])
def test_arrays_that_are_none(tmp_path, load):
    path = tmp_path / "x.npz"
    for content in (b"", b"PK\3\4", b"nothing"):
        path.write_bytes(content)
        with pytest.raises(UserError, match="cannot be read"):
            load(path)
    np.savez(path, b=np.array([{}], dtype=object))
    with pytest.raises(UserError, match=r"x\.npz"):
        load(path)


@pytest.mark.parametrize(
    ("row", "place"),
    [
        ("one,dms,reference,0.1,1,,,fine,p", "row 2, column 'status'"),
        ("one,dms,reference,-1,1,,,converged,p", "row 2, column 'lasso'"),
        ("one,dms,reference,much,1,,,converged,p", "column 'lasso'"),
        ("one,dms,reference,0.1,1,,,converged,p\none,dms,reference,0.2,1,,,converged,p", "row 3, column 'path'"),
    ],
)
def test_a_table_of_fits_that_was_edited(tmp_path, row, place):
    path = tmp_path / "fits.csv"
    path.write_text(f"{','.join(fits.NEEDED[:2])},difference,lasso,replicate,fold,resample,status,path\n{row}\n")
    with pytest.raises(UserError) as caught:
        fits_table.finished(path)
    assert place in caught.value.place


def test_chosen_rows_that_were_edited(tmp_path):
    path = tmp_path / "chosen.csv"
    good = "given,given,True,given in the config,True"
    for cells in (
        f"0.1,{good.removesuffix('True')}maybe",
        f"0.1,{good}\none,reference,0.2,{good}",
        f"0.1,{good.replace(',True,', ',yes,')}",
        f"-1,{good}",
        f"much,{good}",
    ):
        path.write_text(f"study,difference,lasso,rule,by,selected,reason,chosen\none,reference,{cells}\n")
        with pytest.raises(UserError, match=r"chosen\.csv, (column|header)"):
            chosen.load(path)
    path.write_text(f"study,difference,,rule,by,selected,reason,chosen\none,reference,0.01,{good}\n")
    with pytest.raises(UserError, match=r"chosen\.csv, header: found a column without a name"):
        chosen.load(path)


def test_a_record_that_is_no_mapping_or_too_deep(tmp_path):
    for text in ("[]", "[" * 100_000, '{"status": 1, "model": {}}'):
        (tmp_path / "record.json").write_text(text)
        with pytest.raises(UserError, match=r"record\.json"):
            predict.load(tmp_path)


@pytest.mark.parametrize("change", [{"sites": 10**18}, {"barcodes": 1e300}, {"variants": 10**18}, {"noise": 10**400}])
def test_simulations_beyond_sense(change):
    with pytest.raises(UserError, match=f"simulate: {next(iter(change))}"):
        complete({"tree": {"a": "r", "b": "r"}, **change})


def test_an_address_that_is_none():
    with pytest.raises(UserError, match="what is none"):
        downloads.path("one", "http://[", None)


def test_a_notebook_of_an_odd_version(tmp_path):
    (tmp_path / "n.ipynb").write_text('{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": "x"}')
    with pytest.raises(UserError, match=r"n\.ipynb"):
        notebook.read(tmp_path / "n.ipynb")


def test_minus_zero_is_zero():
    spec = {"tree": {"a": "r", "b": "r"}, "sites": 5, "differences": 0, "variants": 5, "noise": {"1": -0.0, "2": -0.0}}
    table, _ = simulate.simulate({**spec, "stop_sd": -0.0})
    assert len(table)


def test_a_node_that_a_spreadsheet_would_run_is_refused_by_the_command_too():
    with pytest.raises(UserError, match="simulate: tree: found the node '=1'"):
        complete({"tree": {"a": "r", "=1": "r"}})


def test_a_number_too_large_for_a_record(tmp_path):
    (tmp_path / "x.json").write_text(f'{{"residual": 1{"0" * 400}}}')
    with pytest.raises(UserError, match="401 digits"):
        reading.mapping(tmp_path / "x.json", "a record")


def test_a_parameters_cell_without_text(tmp_path):
    cell = '{"cell_type": "code", "metadata": {"tags": ["parameters"]}, "outputs": [], "execution_count": null}'
    path = tmp_path / "n.ipynb"
    path.write_text(f'{{"cells": [{cell}], "metadata": {{}}, "nbformat": 4, "nbformat_minor": 5}}')
    with pytest.raises(UserError, match=r"n\.ipynb"):
        notebook.run(path, tmp_path / "o.ipynb", tmp_path / "k.ipynb", {"x": 1})


def test_a_page_of_a_table_that_is_not_there(tmp_path):
    with pytest.raises(UserError, match=r"no\.csv: found no such file"):
        table_page.write(tmp_path / "no.csv", tmp_path / "no.html")
