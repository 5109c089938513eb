"""Small tables as the programs of the field write them, one function for each form, for tests of `proxsweep init`.

Each function writes into a folder and returns the names of the tables.
"""

import gzip
import lzma
import re
import zipfile

import numpy as np
import pandas as pd

LETTERS = "ACDEFGHIKLMNPQRSTVWY"
NAMES = re.findall("...", "AlaCysAspGluPheGlyHisIleLysLeuMetAsnProGlnArgSerThrValTrpTyr")
THREE = dict(zip(LETTERS, NAMES, strict=True)) | {"*": "Ter"}


def scan(seed: int, doubles: bool = True, sites: int = 12, copies: int = 1) -> pd.DataFrame:
    """Variants of one condition: ``variant`` (tuples of wildtype, site, mutant) and ``score``."""
    random = np.random.default_rng(seed)
    own = np.random.default_rng(7).choice(list(LETTERS), sites)
    effects = {(own[s], s + 5, m): random.normal(-1, 0.7) for s in range(sites) for m in "ADKRY" if m != own[s]}
    effects |= {(own[s], s + 5, "*"): -5.0 for s in range(0, sites, 2)}
    keys = list(effects)
    variants = [(key,) for key in keys] + [()] * 6
    for first in range(2 * len(keys) if doubles else 0):
        pair = {keys[first % len(keys)], keys[random.integers(len(keys))]}
        if len({site for _, site, _ in pair}) == 2:
            variants.append(tuple(sorted(pair, key=lambda key: key[1])))
    variants = variants * copies
    scores = [max(-4.0, sum(effects[key] for key in variant)) + random.normal(0, 0.2) for variant in variants]
    return pd.DataFrame({"variant": variants, "score": np.round(scores, 4)})


def written(variants: pd.Series, separator: str = " ", wildtype: str = "", stop: str = "*") -> list[str]:
    texts = [separator.join(f"{a}{site}{stop if b == '*' else b}" for a, site, b in variant) for variant in variants]
    return [text or wildtype for text in texts]


def hgvs(variants: pd.Series) -> list[str]:
    """As MaveDB's `hgvs_pro`."""
    each = [";".join(f"{THREE[a]}{site}{THREE[b]}" for a, site, b in variant) for variant in variants]
    return [f"p.[{text}]" if ";" in text else f"p.{text or '='}" for text in each]


def both(**options) -> pd.DataFrame:
    """Two conditions below each other."""
    return pd.concat([scan(i, **options).assign(condition=name) for i, name in enumerate(("alpha", "wuhan"), 1)])


def libraries(folder) -> list[str]:
    """Scores of barcoded variants of two libraries, as dms_variants writes them."""
    parts = [both().assign(library=name) for name in ("lib1", "lib2")]
    table = pd.concat(parts, ignore_index=True)
    random = np.random.default_rng(3)
    pd.DataFrame(
        {
            "target": table["condition"],
            "library": table["library"],
            "pre_sample": "plasmid",
            "post_sample": "cells",
            "barcode": ["".join(random.choice(list("ACGT"), 12)) for _ in range(len(table))],
            "func_score": table["score"],
            "func_score_var": random.uniform(0.01, 0.1, len(table)).round(4),
            "pre_count": random.integers(50, 500, len(table)),
            "post_count": random.integers(50, 500, len(table)),
            "codon_substitutions": [" ".join(f"GCT{s}AAA" for _, s, _ in v) for v in table["variant"]],
            "aa_substitutions": written(table["variant"]),
            "variant_class": [["wildtype", "1 nonsynonymous", ">1 nonsynonymous"][len(v)] for v in table["variant"]],
            "n_aa_substitutions": table["variant"].map(len),
        }
    ).to_csv(folder / "func_scores.csv", index=False)
    return ["func_scores.csv"]


def proteingym(folder) -> list[str]:
    for i, name in enumerate(("BLAT_alpha", "BLAT_beta")):
        one = scan(i)
        table = {"mutant": written(one["variant"], ":"), "mutated_sequence": "MKV" * 5, "DMS_score": one["score"]}
        table["DMS_score_bin"] = (one["score"] > -1).astype(int)
        pd.DataFrame(table)[one["variant"].map(bool)].to_csv(folder / f"{name}.csv", index=False)
    return ["BLAT_alpha.csv", "BLAT_beta.csv"]


def mavedb(folder) -> list[str]:
    for i, name in enumerate(("early", "late")):
        one = scan(i, doubles=False)
        table = pd.DataFrame({"accession": [f"urn:mavedb:0000001-a-1#{k}" for k in range(len(one))]})
        table = table.assign(hgvs_nt="NA", hgvs_splice="NA", hgvs_pro=hgvs(one["variant"]))
        table.assign(score=one["score"], se=0.1).to_csv(folder / f"{name}.csv", index=False)
    return ["early.csv", "late.csv"]


def enrich2(folder) -> list[str]:
    for i, name in enumerate(("c1", "c2")):
        one = scan(i)
        texts = [text.removeprefix("p.").strip("[]").replace(";", ", p.") for text in hgvs(one["variant"])]
        texts = ["_wt" if text == "=" else f"p.{text}" for text in texts]
        table = pd.DataFrame({"hgvs": texts, "SE": 0.2, "epsilon": 0.01, "score": one["score"]})
        table.loc[len(table)] = ["_sy", 0.1, 0.0, 0.01]
        table.to_csv(folder / f"enrich_{name}.tsv", sep="\t", index=False)
    return ["enrich_c1.tsv", "enrich_c2.tsv"]


def three_columns(folder) -> list[str]:
    table = both(doubles=False)
    table = table[table["variant"].map(bool)]
    first = table["variant"].str[0]
    parts = {"position": first.str[1], "mut_aa": first.str[2], "wt_aa": first.str[0]}
    pd.DataFrame({"homolog": table["condition"], **parts, "log2_enrichment": table["score"]}).to_csv(
        folder / "parts.csv", index=False
    )
    return ["parts.csv"]


def count_table(folder) -> list[str]:
    table = both(copies=2)
    random = np.random.default_rng(5)
    before = random.integers(80, 400, len(table))
    after = random.poisson(before * 2.0 ** table["score"])
    columns = {"strain": table["condition"], "substitutions": written(table["variant"], wildtype="WT")}
    pd.DataFrame({**columns, "count_input": before, "count_selected": after}).to_csv(folder / "counts.csv", index=False)
    return ["counts.csv"]


def score_columns(folder) -> list[str]:
    table = both(doubles=False)
    noise = np.random.default_rng(2).normal(0, 0.1, (2, len(table)))
    columns = {"background": table["condition"], "mutation": [t or "M1=" for t in written(table["variant"])]}
    columns |= {"bind_rep1": table["score"] + noise[0], "bind_rep2": table["score"] + noise[1], "bind_sem": 0.1}
    pd.DataFrame(columns).round(4).to_csv(folder / "bind.csv", index=False)
    return ["bind.csv"]


def nameless(folder) -> list[str]:
    """The index of a data frame holds the variants; a stop is X."""
    table = both()
    frame = table[["condition", "score"]].set_index(pd.Index(written(table["variant"], "; ", stop="X")))
    frame.to_csv(folder / "indexed.csv")
    return ["indexed.csv"]


def other_labels(folder) -> list[str]:
    for i, (name, column, labels) in enumerate(
        (("a", "replicate", ("Rep1", "Rep2")), ("b", "rep", ("Rep 2", "Rep 3", "Rep 4")))
    ):
        parts = [scan(i).assign(**{column: label}) for label in labels]
        table = pd.concat(parts, ignore_index=True)
        table[f"variant_{name}"] = written(table.pop("variant"))
        table.to_csv(folder / f"scan_{name}.csv", index=False)
    return ["scan_a.csv", "scan_b.csv"]


def packed(folder) -> list[str]:
    table = both()
    scores = table["score"].astype(str).to_numpy(object)
    scores[:40] = np.tile(["NULL", "NaN", "inf", "N/A", "-inf"], 8)
    frame = pd.DataFrame(
        {"condition": table["condition"], "aa_mutations": written(table["variant"]), "fitness": scores}
    )
    text = frame.to_csv(index=False).encode()
    (folder / "packed.csv.xz").write_bytes(lzma.compress(text))
    (folder / "other.csv.gz").write_bytes(gzip.compress(text))
    with zipfile.ZipFile(folder / "packed.zip", "w") as archive:
        archive.writestr("packed.csv", text)
    return ["packed.csv.xz"]


FORMS = [
    libraries,
    proteingym,
    mavedb,
    enrich2,
    three_columns,
    count_table,
    score_columns,
    nameless,
    other_labels,
    packed,
]
