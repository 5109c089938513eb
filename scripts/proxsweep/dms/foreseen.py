"""What can be said of a study before it runs, where its tables are on this machine."""

import re
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from proxsweep.dms import glyphs, jobs, sources
from proxsweep.dms.data import subsets
from proxsweep.dms.data.encode import encode
from proxsweep.dms.data.preprocess import Preprocessed, preprocess
from proxsweep.report import dropped
from proxsweep.sweep.study import Study

ERROR = re.compile(r"(score|func_score)?[._ ]?(se|sem|sd|sigma|std|stderr|std[._ ]?err(or)?|standard[._ ]?error)", re.I)
"""Names that columns of standard errors or deviations have."""

SINGLES = 0.95
"""With a larger share of single mutants among the mutated variants, the shape of a sigmoid is hardly known."""


def warnings(study: Study, base: Path) -> list[str]:
    """What to think about before the run: of the settings and, where the tables are local, of the data.

    Raises
    ------
    UserError
        For data that the run would refuse, with file, row and column.
    """
    paths = [base / path for path in jobs.table_paths(study)]
    if study.data["simulate"] or not all(path.is_file() for path in paths):
        return list(_of_settings(study, study.data["conditions"] or []))
    spec = jobs.data_spec(study, (*jobs.PREPROCESS_KEYS, *jobs.ENCODE_KEYS))
    done = preprocess(spec, paths)
    conditions = list(done.wildtypes.columns.drop("site"))
    lost = dropped.sentences(_report(study, spec, done))
    return [*of_data(study, conditions, done.variants, base), *lost]


def of_data(study: Study, conditions: list[str], variants: pd.DataFrame, base: Path) -> list[str]:
    """What to think about, given a study's conditions and its variants (``condition``, ``aa_substitutions``)."""
    unused = sources.unused_replicate_columns(study.data, base)
    return [*_of_settings(study, conditions), *_shape(study, variants), *_wildtypes(variants), *unused]


def _of_settings(study: Study, conditions: list[str]) -> Iterator[str]:
    yield from _matrices(study, conditions)
    yield from _precision(study)
    yield from glyphs.warnings(study, conditions)


def _matrices(study: Study, conditions: list[str]) -> Iterator[str]:
    names = [matrix["name"] for matrix in study.sweep["difference"]]
    if len(conditions) == 2 and {"reference", "equivariant"} <= set(names):
        # message: With two conditions the difference of a pair is that from the reference: every fit is made twice. |
        # Leave out one under `sweep: difference`.
        yield "with two conditions `reference` and `equivariant` are one problem, which is fitted twice"


def _precision(study: Study) -> Iterator[str]:
    name = study.data["columns"]["variance"]
    if study.data["variant_weights"] == "inverse_variance" and ERROR.fullmatch(name):
        # message: By its name the column has standard errors or deviations. Taken for variances they make weights of
        # one over the error, which is not squared. | If so, name it under `columns: standard_error`.
        yield f"the column {name!r} is read as variances; standard errors belong under `columns: standard_error`"


def _shape(study: Study, variants: pd.DataFrame) -> Iterator[str]:
    shapes = study.sweep.get("global_epistasis", [study.model["global_epistasis"]])
    sizes = variants["aa_substitutions"].str.split().str.len()
    mutated = sizes[sizes > 0]
    single = float((mutated == 1).mean()) if len(mutated) else 0.0
    if "sigmoid" in shapes and single > SINGLES:
        # message: A sigmoid is learnt from variants with several mutations; single mutants say nothing of its shape,
        # and its scale ends at its bound. | Set `model: {global_epistasis: linear}`; [rbd.md](rbd.md).
        yield f"{100 * single:.0f} % of the variants have one mutation, from which no sigmoid can be learnt"


def _wildtypes(variants: pd.DataFrame) -> Iterator[str]:
    """Conditions of single mutants without a wildtype: their intercept is told from all effects by nothing."""
    for condition, part in variants.groupby("condition", sort=False):
        sizes = part["aa_substitutions"].str.split().str.len()
        if sizes.max() == 1 and not (sizes == 0).any():
            # message: With one mutation in each variant and no wildtype, adding a constant to all effects and taking it
            # from the intercept changes no score. The ridge then sets the constant, and shifts contain it. | Add rows
            # of the wildtype (an empty cell), or scores relative to the wildtype with one row of score 0.
            yield (
                f"condition {condition} has single mutants only and no row of the wildtype: its effects are known up to"
                " a constant"
            )


def _report(study: Study, spec: dict, done: Preprocessed) -> pd.DataFrame:
    """The data report that a run would write; refuses folds that the variants are too few for."""
    parts, validated = [done.report], study.cross_validation
    for label in jobs.encodings(study):
        encoding, report = encode(spec, done.variants, done.wildtypes, label)
        parts.append(report)
        if validated and label in validated["replicates"]:
            subsets.folds(encoding, validated["folds"], validated["seed"], validated["stratify"])
    return pd.concat(parts, ignore_index=True)
