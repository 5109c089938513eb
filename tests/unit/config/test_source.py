"""Config files as YAML: merge keys, with the lines of what they bring, and files that are no config."""

import gzip
import json
import random
from pathlib import Path

import pytest
import yaml

from proxsweep.config import source
from proxsweep.config.source import Source
from proxsweep.io.errors import UserError

# every case: a text, and lines of key paths in it
MERGED = {
    "one mapping": ("a: &a {x: 1, y: 2}\nb:\n  <<: *a\n  z: 3\n", {"b.x": 1, "b.y": 1, "b.z": 4}),
    "an own key wins, wherever it stands": ("a: &a {x: 1, y: 2}\nb:\n  x: 5\n  <<: *a\n", {"b.x": 3, "b.y": 1}),
    "an own key wins over all below it": (
        "a: &a\n  data: {clip: 1, columns: {c: d}}\nb:\n  <<: *a\n  data: {clip: 2}\n",
        {"b.data": 5, "b.data.clip": 5, "b.data.columns": None, "b.data.columns.c": None},
    ),
    "of a list the first wins": (
        "a: &a {x: 1}\nb: &b\n  x: 2\n  y: 2\nc:\n  <<: [*a, *b]\n",
        {"c.x": 1, "c.y": 4},
    ),
    "a merge of a merge": ("a: &a {x: 1}\nb: &b\n  <<: *a\n  y: 2\nc:\n  <<: *b\n", {"c.x": 1, "c.y": 4}),
    "a mapping written in place": ("a:\n  <<: {x: 1,\n       y: 2}\n  z: 3\n", {"a.x": 2, "a.y": 3, "a.z": 4}),
    "lists and mappings below": (
        "a: &a\n  s:\n    - 1\n    - {k: 2}\nb: {<<: *a}\n",
        {"b.s": 2, "b.s[0]": 3, "b.s[1].k": 4},
    ),
    "an empty mapping": ("a: &a {}\nb: {<<: *a, x: 1}\n", {"b.x": 2}),
    "an empty list": ("b: {<<: [], x: 1}\n", {"b.x": 1}),
    "a quoted key is a text": ('b: {"<<": 1, x: 1}\n', {"b.<<": 1}),
    "numbers as keys": ("a: &a {1: x, 2: y}\nb: {<<: *a, 2: z}\n", {"b.1": 1, "b.2": 2}),
}


def read(folder: Path, text: str) -> Source:
    (folder / "c.yaml").write_text(text)
    return source.read(folder / "c.yaml")


def refusal(folder: Path, text: str) -> UserError:
    with pytest.raises(UserError) as caught:
        read(folder, text)
    return caught.value


@pytest.mark.parametrize("case", MERGED)
def test_merged_values_are_those_of_yaml_and_have_the_lines_where_they_stand(tmp_path, case):
    text, lines = MERGED[case]
    found = read(tmp_path, text)
    expected = source.plain(yaml.load(text, Loader=yaml.FullLoader))  # the reader that Snakemake uses
    assert found.values == expected
    assert [list(found.values[key]) for key in found.values] == [list(expected[key]) for key in expected]
    shown = {source.show(path): line for path, line in found.lines.items()}
    assert {path: shown.get(path) for path in lines} == lines


def random_mapping(rng: random.Random, depth: int, marked: list[str]) -> str:
    """A mapping in one line, in which some of the marked ones are merged."""
    items = [f"{key}: {rng.randint(0, 9)}" for key in rng.sample("abcd", rng.randint(0, 3))]
    if depth:
        items += [f"{key}: {random_mapping(rng, depth - 1, marked)}" for key in rng.sample("ef", rng.randint(0, 2))]
    if marked and rng.random() < 0.6:
        several = f"[{', '.join(f'*{name}' for name in rng.choices(marked, k=rng.randint(0, 3)))}]"
        items.append(f"<<: {rng.choice([several, f'*{rng.choice(marked)}'])}")
    rng.shuffle(items)
    return "{" + ", ".join(items) + "}"


@pytest.mark.parametrize("seed", range(5))
def test_random_merges_are_those_of_yaml(tmp_path, seed):
    rng = random.Random(seed)
    for _ in range(40):
        rows = [f"k{i}: &k{i} {random_mapping(rng, 2, [f'k{j}' for j in range(i)])}" for i in range(4)]
        found, expected = read(tmp_path, "\n".join(rows)), yaml.load("\n".join(rows), Loader=yaml.FullLoader)
        assert json.dumps(found.values) == json.dumps(expected), rows  # with the order of keys
        assert all(f"{path[-1]}: " in rows[line - 1] for path, line in found.lines.items() if path), rows


@pytest.mark.parametrize(
    ("text", "line", "found"),
    [
        ("a: &a {x: 1}\nb:\n  <<: *a\n  <<: *a\n", 4, "the key `<<` again (first in line 3)"),
        ("a: &a\n  x: 1\n  x: 2\nb: {<<: *a}\n", 3, "the key `x` again (first in line 2)"),
        ("a: &a {x: 1}\nb:\n  y: 1\n  <<: *a\n  y: 2\n", 5, "the key `y` again (first in line 3)"),
        ("a: &a\n  x: 1\n  b: {<<: *a}\n", 1, "a merge key that brings what contains it"),
        ("a: &a\n  b: &b\n    <<: [*a]\n", 1, "a merge key that brings what contains it"),
        ("a: &a {x: *a}\nb: {<<: *a}\n", 1, "an alias of something that contains it"),
        ("a: &a 1\nb:\n  <<: *a\n", 1, "no mapping after `<<`"),
        ("b:\n  <<: text\n", 2, "no mapping after `<<`"),
        ("a: &a [1]\nb:\n  <<: *a\n", 1, "no mapping after `<<`"),
        ("b:\n  <<:\n", 2, "no mapping after `<<`"),
        ("a: &a {no: 1}\nb: {<<: *a}\n", 1, "`no` as a key"),
        ("a: &a {x: 010}\nb: {<<: *a}\n", 1, "`010`"),
    ],
)
def test_merges_that_are_refused(tmp_path, text, line, found):
    error = refusal(tmp_path, text)
    assert error.place.endswith(f"c.yaml:{line}") and error.found.startswith(found)


def test_merges_that_multiply_are_refused_soon(tmp_path):
    text = "a0: &a0 {x: 1}\n" + "".join(
        f"a{k}: &a{k} {{<<: [{', '.join(9 * [f'*a{k - 1}'])}]}}\n" for k in range(1, 12)
    )
    assert refusal(tmp_path, text).found.startswith("more than 100000 values")
    deep = "a0: &a0 {x: 1}\n" + "".join(f"a{k}: &a{k} {{<<: *a{k - 1}}}\n" for k in range(1, 2000))
    assert "levels" in refusal(tmp_path, deep).found


@pytest.mark.parametrize(
    ("name", "content", "found"),
    [
        ("scores.csv", b"condition,aa,score\na,N1K,0.5\n", "a table (columns condition, aa, score)"),
        ("scores.TSV", b"condition\taa\na\tN1K\n", "a table (columns condition, aa)"),
        ("scores", b'"condition","aa"\n"a","N1K"\n', "a table (columns condition, aa)"),
        ("scores.txt", b"\xef\xbb\xbfcondition;aa\r\na;N1K\r\n", "a table (columns condition, aa)"),
        ("scores.csv", b"score: of all\n1\n", "a table"),
        ("scores.csv", b"", "a table"),
        ("scores.csv", b"\xff\xfe", "a table"),
        ("scores.gz", gzip.compress(b"condition,aa\n", mtime=0), "a packed file"),
        ("scores.xlsx", b"PK\x03\x04\x00", "a packed file"),
        ("wide.dat", ",".join(f"c{k}" for k in range(12)).encode() + b"\n" + b"," * 11, "a table (columns c0, c1, c2,"),
    ],
)
def test_a_table_in_the_place_of_a_config(tmp_path, name, content, found):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UserError) as caught:
        source.read(tmp_path / name, name)
    assert caught.value.place == name and caught.value.found.startswith(found)
    assert "names the table in its section `data`" in caught.value.expected


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("- studies\n", "a list"),
        ("[a, b]\n", "a list"),
        ("strict\n", "a text without keys"),
        ("1.5\n", "a text without keys"),
        ("some words, and more\n", "a text without keys"),
        ("# only a remark\n", "an empty file"),
    ],
)
def test_yaml_that_is_no_config(tmp_path, text, found):
    error = refusal(tmp_path, text)
    assert error.found == found and error.expected.endswith("a mapping with the key `studies`")


@pytest.mark.parametrize(
    "text",
    [
        "studies: {a: 1,\n b: 2}\n",
        "{studies: 1, run: a,\n x: 1, y: 2}\n",
        "# one, two\n# three, four\nstudies: 1\n",
        "---\nstudies: {a, b}\n",
        '"studies": {a: 1, b: 2}\n',
        "? a, b\n: c, d\n",
    ],
)
def test_configs_with_commas_are_no_tables(tmp_path, text):
    assert read(tmp_path, text).values
