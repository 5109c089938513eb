"""`proxsweep init`: a config that runs, for tables as the programs of the field write them."""

import json
import re
import sys

import numpy as np
import pandas as pd
import pytest
import yaml

from init_tables import (
    FORMS,
    both,
    count_table,
    enrich2,
    libraries,
    mavedb,
    nameless,
    other_labels,
    packed,
    proteingym,
    scan,
    score_columns,
    three_columns,
    written,
)
from proxsweep import studies
from proxsweep.__main__ import main
from proxsweep.dms import jobs
from proxsweep.dms.data.encode import encode
from proxsweep.dms.data.preprocess import preprocess
from proxsweep.dms.init import commands, run, sheet, text, weights


def initialised(folder, monkeypatch, *arguments: str) -> dict:
    """The study of the config that init writes, without the fit behind its weights."""
    monkeypatch.chdir(folder)
    monkeypatch.setattr(weights, "_smallest", lambda encoding, spec: 1e-3)
    assert main(["init", *arguments, "--output", "mine.yaml"]) == 0
    (study,) = yaml.safe_load((folder / "mine.yaml").read_text())["studies"].values()
    return study


@pytest.mark.parametrize("form", FORMS)
def test_a_config_for_each_form_passes_the_checks_and_its_data_encode(tmp_path, monkeypatch, form):
    config = initialised(tmp_path, monkeypatch, *form(tmp_path))
    (study,) = studies.from_config(studies.load(["mine.yaml"]), ["mine.yaml"], {})
    spec = jobs.data_spec(study, (*jobs.PREPROCESS_KEYS, *jobs.ENCODE_KEYS))
    done = preprocess(spec, jobs.table_paths(study))
    for label in study.sweep["replicate"]:
        encoding, _ = encode(spec, done.variants, done.wildtypes, label)
        assert len(encoding.conditions) == 2 and np.diff(encoding.offsets).min() > 40
    assert len(config["sweep"]["lasso"]) == 13 and config["sweep"]["difference"] == ["reference"]


WANTED = {
    libraries: {
        "columns": {"condition": "target", "substitutions": "aa_substitutions", "score": "func_score"},
        "replicates": {"column": "library"},
        "clip": ["median_stop", None],
    },
    proteingym: {"columns": {"substitutions": "mutant", "score": "DMS_score"}, "separator": ":"},
    mavedb: {"columns": {"substitutions": "hgvs_pro", "score": "score"}, "replicates": None},
    enrich2: {"columns": {"substitutions": "hgvs", "score": "score"}, "wildtype_names": ["_wt", "_sy"]},
    three_columns: {
        "columns": {
            "condition": "homolog",
            "wildtype": "wt_aa",
            "site": "position",
            "mutant": "mut_aa",
            "score": "log2_enrichment",
        }
    },
    count_table: {
        "columns": {
            "condition": "strain",
            "substitutions": "substitutions",
            "pre_count": "count_input",
            "post_count": "count_selected",
        },
        "wildtype_names": ["WT"],
        "replicates": {"split": 2, "seed": 1},
    },
    score_columns: {
        "columns": {"condition": "background", "substitutions": "mutation"},
        "replicates": {"score_columns": {1: "bind_rep1", 2: "bind_rep2"}},
        "self_substitution": "wildtype",
    },
    nameless: {
        "columns": {"condition": "condition", "substitutions": "", "score": "score"},
        "separator": ";",
        "stop_letter": "X",
    },
    packed: {"columns": {"condition": "condition", "substitutions": "aa_mutations", "score": "fitness"}},
}


@pytest.mark.parametrize("form", WANTED)
def test_what_is_taken_for_what(tmp_path, monkeypatch, form):
    data = initialised(tmp_path, monkeypatch, *form(tmp_path))["data"]
    assert {key: data.get(key) for key in WANTED[form]} == WANTED[form]


def test_tables_of_different_columns_and_labels_say_their_own(tmp_path, monkeypatch):
    data = initialised(tmp_path, monkeypatch, *other_labels(tmp_path))["data"]
    first, second = data["func_scores"]
    assert first["condition"] == "a" and second["condition"] == "b"
    assert first["replicates"] == {1: "Rep1", 2: "Rep2"} and second["replicates"] == {1: "Rep 2", 2: "Rep 3"}
    assert first["columns"] == {"substitutions": "variant_a"}
    assert second["columns"] == {"substitutions": "variant_b", "replicate": "rep"}
    assert data["replicates"] == {"column": "replicate"} and data["columns"] == {"score": "score"}


@pytest.mark.parametrize(("form", "model"), [(mavedb, "linear"), (three_columns, "linear"), (libraries, "sigmoid")])
def test_single_mutants_get_no_sigmoid_and_no_random_halves(tmp_path, monkeypatch, form, model):
    study = initialised(tmp_path, monkeypatch, *form(tmp_path))
    assert study["model"]["global_epistasis"] == model
    assert study["model"].get("ridge") == (1e-9 if model == "linear" else None)
    assert "split" not in json.dumps(study["data"])


def test_the_reference_is_the_condition_named_so_or_the_one_asked_for(tmp_path, monkeypatch, capsys):
    (table,) = libraries(tmp_path)
    assert initialised(tmp_path, monkeypatch, table)["reference"] == "wuhan"
    assert initialised(tmp_path, monkeypatch, table, "--force", "--reference", "alpha")["reference"] == "alpha"
    assert main(["init", table, "--output", "new.yaml", "--reference", "beta"]) == 2
    assert "--reference: found 'beta'; expected one of the conditions alpha, wuhan" in capsys.readouterr().err
    assert not (tmp_path / "new.yaml").exists()


def asked(folder) -> list[str]:
    """Questions in a config, each on one line."""
    text = re.sub(r"\n +# ", " ", (folder / "mine.yaml").read_text())
    return re.findall(r"PLEASE CHECK: (.*)", text)


def test_every_line_of_a_config_has_a_comment_above_it(tmp_path, monkeypatch):
    for form in (libraries, other_labels, score_columns):
        initialised(tmp_path, monkeypatch, *form(tmp_path), "--force")
        lines = (tmp_path / "mine.yaml").read_text().splitlines()
        keys = [i for i, line in enumerate(lines) if re.match(r" +#?\w+:( |$)", line)]
        assert len(keys) > 12
        assert [lines[i] for i in keys if not lines[i - 1].lstrip().startswith("# ")] == []
        assert "snakemake --cores 2 --configfile mine.yaml" in lines[2]


def test_a_line_that_is_off_can_be_switched_on(tmp_path, monkeypatch):
    initialised(tmp_path, monkeypatch, *mavedb(tmp_path))
    text = (tmp_path / "mine.yaml").read_text()
    for key in ("variant_weights: inverse_variance", "standard_error: se", "missing_variance: drop"):
        assert f"#{key}\n" in text
        text = text.replace(f"#{key}", key)
    (tmp_path / "mine.yaml").write_text(text)
    (study,) = studies.from_config(studies.load(["mine.yaml"]), ["mine.yaml"], {})
    done = preprocess(jobs.data_spec(study, jobs.PREPROCESS_KEYS), jobs.table_paths(study))
    assert np.allclose(done.variants["variance"], 0.01)


def with_odd_rows(folder) -> list[str]:
    """Deletions, and what is no substitution, beside errors and barcodes."""
    table = both().assign(aa_substitutions=lambda t: written(t["variant"])).drop(columns="variant")
    odd = pd.DataFrame({"condition": "alpha", "aa_substitutions": ["W5-", "P9PEPE", "W5-"], "score": -1.0})
    pd.concat([table, odd]).assign(n_barcodes=3, std_error=0.1).to_csv(folder / "odd.csv", index=False)
    return ["odd.csv"]


def with_deletions(folder) -> list[str]:
    with_odd_rows(folder)
    table = pd.read_csv(folder / "odd.csv", keep_default_na=False).drop(columns="std_error")
    table[table["aa_substitutions"] != "P9PEPE"].to_csv(folder / "odd.csv", index=False)
    return ["odd.csv"]


@pytest.mark.parametrize("form", [libraries, mavedb, enrich2, three_columns, with_odd_rows, with_deletions])
def test_every_line_that_is_offered_can_be_taken(tmp_path, monkeypatch, form):
    initialised(tmp_path, monkeypatch, *form(tmp_path))
    lines = (tmp_path / "mine.yaml").read_text().splitlines()
    offered = {i: re.sub("#", "", line, count=1) for i, line in enumerate(lines) if re.match(r" +#\w", line)}
    above = {i: " ".join(lines[max(0, i - 3) : i]).replace(" # ", " ") for i in offered}
    together = [i for i in offered if "together" in " ".join(above[i].split())]
    assert len(together) in (0, 2, 3)
    steps = [[i] for i in offered if i not in together] + [together] * bool(together)
    assert steps or form is three_columns
    for step in steps:
        taken = [offered[i] if i in step else line for i, line in enumerate(lines)]
        keys = [line.split(":")[0] for line in taken if re.match(r" {4,6}\w+:", line)]
        assert len(set(keys)) == len(keys)
        (tmp_path / "mine.yaml").write_text("\n".join(taken))
        (study,) = studies.from_config(studies.load(["mine.yaml"]), ["mine.yaml"], {})
        preprocess(jobs.data_spec(study, jobs.PREPROCESS_KEYS), jobs.table_paths(study))


def test_one_condition_runs_without_a_sweep_and_says_what_is_lacking(tmp_path, monkeypatch, capsys):
    study = initialised(tmp_path, monkeypatch, mavedb(tmp_path)[0])
    assert study["sweep"]["lasso"] == [0] and study["reference"] == "early"
    assert "please check conditions: what are the conditions?" in capsys.readouterr().out


def test_score_columns_may_be_conditions(tmp_path, monkeypatch):
    table = scan(1)
    columns = {"mutation": written(table["variant"]), "log2fc_drugA": table["score"], "log2fc_none": table["score"] + 1}
    pd.DataFrame(columns).to_csv(tmp_path / "wide.csv", index=False)
    study = initialised(tmp_path, monkeypatch, "wide.csv")
    first, second = study["data"]["func_scores"]
    assert first == {"func_scores": "wide.csv", "condition": "drugA", "columns": {"score": "log2fc_drugA"}}
    assert second["condition"] == "none" and second["columns"] == {"score": "log2fc_none"}
    assert study["data"]["subtract_wildtype"] is True
    assert "are these columns the conditions?" in asked(tmp_path)


WIDE = {
    ("no drug rep{}", "amoxicillin rep{}", "+ctx rep{}"): ["no drug", "amoxicillin", "ctx"],
    ("score_nodrug_rep{}", "score_amox_rep{}"): ["nodrug", "amox"],
    ("nodrug_{}", "amox_{}"): ["nodrug", "amox"],
    ("rep{}_@none", "rep{}_=amox"): ["none", "amox"],
}


@pytest.mark.parametrize("headers", WIDE)
def test_groups_of_score_columns_may_be_conditions_with_replicates(tmp_path, monkeypatch, headers):
    table = scan(1)
    columns = [[header.format(i) for i in (1, 2)] for header in headers]
    scores = {name: table["score"] + 10 * i + j for i, own in enumerate(columns) for j, name in enumerate(own)}
    errors = {f"SE {name}": 0.1 for own in columns for name in own}
    pd.DataFrame({"mutation": written(table["variant"]), **scores, **errors}).to_csv(tmp_path / "w.csv", index=False)
    data = initialised(tmp_path, monkeypatch, "w.csv")["data"]
    assert data["func_scores"] == [
        {"func_scores": "w.csv", "condition": condition, "replicates": dict(enumerate(own, 1))}
        for condition, own in zip(WIDE[headers], columns, strict=True)
    ]
    (study,) = studies.from_config(studies.load(["mine.yaml"]), ["mine.yaml"], {})
    spec = jobs.data_spec(study, jobs.PREPROCESS_KEYS) | {"data": {**study.data, "clip": None}}
    done = preprocess(spec, jobs.table_paths(study)).variants
    found = done[done["aa_substitutions"] == ""].groupby(["condition", "replicate"])["func_score"].mean()
    whole = done.groupby(["condition", "replicate"])["func_score"].mean()
    assert len(found) == 2 * len(headers) and (done["func_score"].notna()).all()
    for condition in WIDE[headers]:
        assert whole[condition, "2"] - whole[condition, "1"] == pytest.approx(0 if data.get("subtract_wildtype") else 1)


@pytest.mark.parametrize(
    ("columns", "conditions"),
    [
        (["a_rep1", "a_rep2", "b_rep1", "b_rep2", "b_rep3"], 2),
        (["score_1", "score_2", "pc_1", "pc_2"], 1),
        (["none_1", "none_2", "amox_1", "amox_2", "pc_1", "pc_2", "pc_3"], 2),
    ],
)
def test_groups_of_columns_are_conditions_by_the_replicates_that_they_share(tmp_path, monkeypatch, columns, conditions):
    table = scan(1)
    scores = {column: table["score"] for column in columns}
    pd.DataFrame({"mutation": written(table["variant"]), **scores}).to_csv(tmp_path / "w.csv", index=False)
    data = initialised(tmp_path, monkeypatch, "w.csv")["data"]
    assert len(data["conditions"]) == conditions and len(data["replicates"]["score_columns"]) == 2
    assert all(len(one.get("replicates", "12")) == 2 for one in data["func_scores"])


def test_tables_may_be_replicates(tmp_path, monkeypatch):
    for name in ("x_rep1", "x_rep2"):
        table = both().assign(aa_substitutions=lambda t: written(t["variant"])).drop(columns="variant")
        table.to_csv(tmp_path / f"{name}.csv", index=False)
    data = initialised(tmp_path, monkeypatch, "x_rep1.csv", "x_rep2.csv")["data"]
    assert [(one["func_scores"], str(one["replicate"])) for one in data["func_scores"]] == [
        ("x_rep1.csv", "1"),
        ("x_rep2.csv", "2"),
    ]
    assert data["columns"]["condition"] == "condition" and "replicates" not in data


def test_files_may_name_condition_and_replicate(tmp_path, monkeypatch):
    names = [f"dms_{condition}_lib{label}.csv" for condition in ("alpha", "beta") for label in "AB"]
    for name in names:
        table = scan(len(name))
        pd.DataFrame({"variant": written(table["variant"]), "score": table["score"]}).to_csv(
            tmp_path / name, index=False
        )
    data = initialised(tmp_path, monkeypatch, *names)["data"]
    found = [(one["condition"], one["replicate"]) for one in data["func_scores"]]
    assert found == [("alpha", "A"), ("alpha", "B"), ("beta", "A"), ("beta", "B")]


def test_a_condition_without_a_usual_name_is_found_by_its_rows_and_asked_for(tmp_path, monkeypatch):
    table = (
        both().rename(columns={"condition": "arm"}).assign(kind="missense", mutation=lambda t: written(t["variant"]))
    )
    table["kind"] = [
        "none" if not variant else "single" if len(variant) == 1 else "several" for variant in table["variant"]
    ]
    table.drop(columns="variant").to_csv(tmp_path / "t.csv", index=False)
    data = initialised(tmp_path, monkeypatch, "t.csv")["data"]
    assert data["columns"]["condition"] == "arm"
    assert "does this column name the conditions?" in asked(tmp_path)


def test_another_column_that_tells_measurements_apart_is_asked_for(tmp_path, monkeypatch):
    parts = [both().assign(readout=readout) for readout in ("binding", "expression")]
    table = pd.concat(parts).assign(aa_substitutions=lambda t: written(t["variant"])).drop(columns="variant")
    table.to_csv(tmp_path / "t.csv", index=False)
    data = initialised(tmp_path, monkeypatch, "t.csv")["data"]
    assert data["func_scores"] == "t.csv" and data["columns"]["condition"] == "condition"
    assert "Column 'readout' has 2 values (binding, expression)" in asked(tmp_path)[0]


def test_what_cannot_be_fitted_is_dropped_and_counted(tmp_path, monkeypatch):
    table = both().assign(aa_substitutions=lambda t: written(t["variant"])).drop(columns="variant")
    odd = ["*17A", "P9PEPE", "R6fs", "K214aR", "W5-"]
    extra = pd.DataFrame({"condition": "alpha", "aa_substitutions": odd, "score": -1.0})
    pd.concat([table, extra]).to_csv(tmp_path / "t.csv", index=False)
    data = initialised(tmp_path, monkeypatch, "t.csv")["data"]
    assert data["drop"] == ["not_substitutions", "stop_wildtypes", "suffixed_sites"]
    told = " ".join((tmp_path / "mine.yaml").read_text().replace("#", "").split())
    assert "2 of 382 rows are no substitutions (P9PEPE, R6fs)" in told
    assert "a stop codon is replaced in 1 row," in told and "deletions (-) in 1 row" in told


def test_sites_with_names_get_a_map(tmp_path, monkeypatch):
    table = both()
    texts = [re.sub(r"(\d+)", lambda site: f"(HA2){site[1]}" if int(site[1]) > 10 else site[1], text)
             for text in written(table["variant"])]  # fmt: skip
    table.assign(aa_substitutions=texts).drop(columns="variant").to_csv(tmp_path / "t.csv", index=False)
    data = initialised(tmp_path, monkeypatch, "t.csv")["data"]
    assert data["site_map"] == "mine.site_map.csv" and "drop" not in data
    sites = pd.read_csv(tmp_path / "mine.site_map.csv", dtype=str)["reference_site"].tolist()
    assert sites == [*map(str, range(5, 11)), *(f"(HA2){site}" for site in range(11, 17))]


def test_a_sorted_table_is_looked_at_in_all_its_parts(tmp_path, monkeypatch):
    monkeypatch.setattr(sheet, "LOOKED_AT", 300)
    table = both().assign(aa_substitutions=lambda t: written(t["variant"])).drop(columns="variant")
    table.sort_values("condition").to_csv(tmp_path / "t.csv", index=False)
    assert initialised(tmp_path, monkeypatch, "t.csv")["reference"] == "wuhan"
    assert "377 rows; of a longer table" in (tmp_path / "mine.yaml").read_text()


def test_three_columns_are_told_apart_by_their_values(tmp_path, monkeypatch):
    (name,) = three_columns(tmp_path)
    table = pd.read_csv(tmp_path / name).rename(columns={"wt_aa": "mutant", "mut_aa": "wildtype"})
    table.to_csv(tmp_path / name, index=False)
    columns = initialised(tmp_path, monkeypatch, name)["data"]["columns"]
    assert columns["wildtype"] == "mutant" and columns["mutant"] == "wildtype"


def csv(**columns) -> str:
    return pd.DataFrame(columns).to_csv(index=False)


VARIANTS = ["K5A", "K5D", "K5R", "P9A", "P9D", "P9R"]
REFUSED = {
    "no substitutions": (csv(name=["a", "b"], score=[0.1, 0.2]), "no column of substitutions among 'name', 'score'"),
    "no scores": (csv(mutation=VARIANTS, comment=list("abcdef")), "no column of scores among 'mutation', 'comment'"),
    "semicolons": ("mutation;score\nK5A;0.1\n", "one column whose name holds ';'"),
    "header of several lines": ("condition,c1,c1\nvalue,SE,score\n_wt,0.1,0\n", "a header of several lines"),
    "decimal commas": ('mutation,score\nK5A,"-0,43"\n', "'-0,43'"),
    "nothing": ("", "an empty file"),
    "two wildtypes": (csv(mutation=["K5A", "R5D", *VARIANTS], score=np.arange(8) / 7), "wildtype"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_has_no_config_is_refused_in_one_line_and_nothing_is_written(tmp_path, monkeypatch, capsys, case):
    text, found = REFUSED[case]
    (tmp_path / "t.csv").write_text(text)
    monkeypatch.chdir(tmp_path)
    assert main(["init", "t.csv"]) == 2
    said = capsys.readouterr().err
    assert said.startswith("proxsweep: t.csv") and found in said and said.count("\n") == 1
    assert not (tmp_path / "config").exists()


@pytest.mark.parametrize(
    ("arguments", "place", "found"),
    [
        (["https://x.org/t.csv"], "https://x.org/t.csv", "an address"),
        (["none.csv"], "none.csv", "no such file"),
        (["t.csv", "--output", "here.yaml"], "here.yaml", "a file that is there"),
        (["t.csv", "--output", "mine.txt"], "--output", "'mine.txt'"),
        (["t.csv", "--name", "no name"], "--name", "'no name'"),
    ],
)
def test_a_mistake_on_the_command_line(tmp_path, monkeypatch, capsys, arguments, place, found):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "here.yaml").write_text("mine\n")
    (tmp_path / "t.csv").write_text(
        csv(mutation=VARIANTS * 2, condition=["a"] * 6 + ["b"] * 6, score=np.arange(12) / 7)
    )
    assert main(["init", *arguments]) == 2
    said = capsys.readouterr().err
    assert said.startswith(f"proxsweep: {place}") and f"found {found}" in said
    assert (tmp_path / "here.yaml").read_text() == "mine\n"


@pytest.mark.parametrize(
    ("paths", "name"),
    [
        (["a/BLAT_alpha.csv", "a/BLAT_alps.csv"], "BLAT"),
        (["alpha.csv", "alps.csv"], "alpha_alps"),
        (["1.csv", "2.csv"], "study"),
        (["d1.csv", "d2.csv"], "d1_d2"),
        (["x.csv"], "study"),
        (["2024.csv"], "study"),
        (["my table (1).csv"], "my_table_1"),
        (["word_" * 20 + "end.csv"], "_".join(["word"] * 13)[:64].rstrip("_")),
    ],
)
def test_names_of_studies_are_whole_words_that_say_something(paths, name):
    assert run._name(paths) == name


def test_the_config_names_the_study_where_no_name_is_given(tmp_path, monkeypatch):
    (table,) = count_table(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(weights, "_smallest", lambda encoding, spec: 1e-3)
    for output, name in (("w.yaml", "w"), ("my config.yaml", "my_config")):
        assert main(["init", table, "--output", output]) == 0
        assert list(yaml.safe_load((tmp_path / output).read_text())["studies"]) == [name]


@pytest.mark.parametrize(("place", "path", "typed"), [
    ("here/.venv/bin", "", ".venv/bin/snakemake"),
    ("here/.venv/bin", "here/.venv/bin", "snakemake"),
    ("there/bin", "", "{}/there/bin/snakemake"),
    ("there/bin", "here/.venv/bin", "{}/there/bin/snakemake"),
    ("none", "", "snakemake"),
])  # fmt: skip
def test_commands_can_be_typed_as_they_stand(tmp_path, monkeypatch, place, path, typed):
    for folder in ("here/.venv/bin", "there/bin"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "snakemake").write_text("")
        (tmp_path / folder / "snakemake").chmod(0o755)
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setenv("PATH", str(tmp_path / path) if path else "")
    monkeypatch.setattr(sys, "executable", str(tmp_path / place / "python"))
    assert commands.typed("snakemake") == typed.format(tmp_path)


def test_the_example_of_a_substitution_is_of_a_row_that_is_read(tmp_path, monkeypatch):
    initialised(tmp_path, monkeypatch, *with_odd_rows(tmp_path))
    (told,) = re.findall(r"Here: such as (.*)\.\n +substitutions:", (tmp_path / "mine.yaml").read_text())
    assert re.fullmatch(r"[A-Z]\d+[A-Z*]( [A-Z]\d+[A-Z*])*", told)


def test_columns_not_used_are_those_that_no_line_names(tmp_path, monkeypatch, capsys):
    table = scan(1)
    scores = {f"{drug} rep{i}": table["score"] for drug in ("none", "amox") for i in (1, 2)}
    errors = {f"SE_{i}": 0.1 for i in (1, 2)}
    pd.DataFrame({"mutation": written(table["variant"]), **scores, **errors}).to_csv(tmp_path / "w.csv", index=False)
    initialised(tmp_path, monkeypatch, "w.csv")
    assert "w.csv: not used: 'SE_1', 'SE_2'\n" in capsys.readouterr().out
    for form in (libraries, other_labels, score_columns):
        initialised(tmp_path, monkeypatch, *form(tmp_path), "--force")
        unused = " ".join(re.findall("not used: ('.*)", capsys.readouterr().out))
        config = (tmp_path / "mine.yaml").read_text()
        assert not [column for column in re.findall("'(.*?)'", unused) if f": {column}\n" in config]


@pytest.mark.parametrize(("more", "reference"), [(0, "beta"), (8, "beta"), (60, "zeta")])
def test_the_most_variants_make_a_reference_where_they_are_many_more(tmp_path, monkeypatch, more, reference):
    one = scan(1).assign(mutation=lambda t: written(t["variant"]))[["mutation", "score"]]
    extra = pd.DataFrame({"mutation": [f"A{40 + i}C" for i in range(more)], "score": -1.0})
    parts = [pd.concat([one, extra]).assign(condition="zeta"), one.assign(condition="beta")]
    pd.concat(parts).to_csv(tmp_path / "t.csv", index=False)
    assert initialised(tmp_path, monkeypatch, "t.csv")["reference"] == reference
    text = (tmp_path / "mine.yaml").read_text()
    assert ("the first one by name" in text) == (reference == "beta")


def test_tables_that_separate_substitutions_in_two_ways_are_refused(tmp_path, monkeypatch, capsys):
    for name, separator in (("a", ":"), ("b", " ")):
        table = scan(1)
        texts = written(table["variant"], separator)
        pd.DataFrame({"mutant": texts, "score": table["score"]}).to_csv(tmp_path / f"{name}.csv", index=False)
    monkeypatch.chdir(tmp_path)
    assert main(["init", "a.csv", "b.csv"]) == 2
    assert "found substitutions separated by" in capsys.readouterr().err


def test_values_are_read_back_as_they_are():
    values = [
        0,
        4e-5,
        1.5e-12,
        2.5,
        -3.5,
        1e7,
        None,
        True,
        "1",
        "yes",
        "",
        "a: b",
        "x, y",
        "[z]",
        "#",
        "ä",
        "*",
        "4.0e-5",
    ]
    for value in [*values, values, {"a b": values, 1: {"x, y": None}}]:
        assert yaml.safe_load(f"key: {text.scalar(value)}") == {"key": value}
    assert text.scalar(4e-5) == "4.0e-5" and text.scalar(1.28e-4) == "1.28e-4" and text.scalar(0.5) == "0.5"


def test_the_weights_end_just_below_the_one_that_leaves_no_shift(tmp_path, monkeypatch):
    from proxsweep.dms.model.fit import fit

    monkeypatch.chdir(tmp_path)
    assert main(["init", *score_columns(tmp_path), "--output", "mine.yaml"]) == 0
    (study,) = studies.from_config(studies.load(["mine.yaml"]), ["mine.yaml"], {})
    spec = jobs.data_spec(study, (*jobs.PREPROCESS_KEYS, *jobs.ENCODE_KEYS))
    done = preprocess(spec, jobs.table_paths(study))
    encoding, _ = encode(spec, done.variants, done.wildtypes, "1")
    none, *swept = study.sweep["lasso"]
    assert none == 0 and len(swept) == weights.NUMBER and swept == sorted(swept)
    (difference,) = study.sweep["difference"]
    for weight, shifted in ((swept[-1], True), (swept[-1] / weights.MOST * 1.05, False)):
        assert bool(fit(encoding, weight, difference, study.model, study.solver).best.shifts.any()) == shifted
    assert swept[0] == pytest.approx(weights.LEAST / weights.MOST * swept[-1], rel=0.1)


def test_an_output_that_cannot_be_written_is_one_line(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    rows = [f"{condition},A{site}C,0.5" for condition in "ab" for site in range(1, 40)]
    (tmp_path / "t.csv").write_text("\n".join(["condition,aa_substitutions,func_score", *rows]) + "\n")
    assert main(["init", "t.csv", "--output", "t.csv/c.yaml"]) == 2
    assert capsys.readouterr().err.startswith("proxsweep: t.csv")


def test_a_row_without_a_condition_is_refused_with_its_place(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    rows = [f"{condition},A{site}C,0.5" for condition in "ab" for site in range(1, 40)]
    (tmp_path / "t.csv").write_text("\n".join(["condition,aa_substitutions,func_score", *rows, ",A1D,1.5"]) + "\n")
    assert main(["init", "t.csv"]) == 2
    assert "t.csv, row 80, column 'condition': found no condition" in capsys.readouterr().err
    assert not (tmp_path / "config").exists()
