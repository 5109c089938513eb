"""Predicted scores of new variants, from the files of a fit alone (NumPy only: it starts at once).

A variant of condition d is written relative to the wildtype of d. That is the reference's letter, except where a
bundle mutation of d says otherwise: with G3P in the bundle of d, its letter at site 3 is P. In own coordinates
(:func:`proxsweep.dms.model.model.change_coordinates`) the latent phenotype is

    phi = b0_d + sum of b_d over the bundle + sum over the substitutions of what each changes,

where A1C changes b_d[A1C] away from the bundle; at site 3 ``P3R`` changes b_d[G3R] - b_d[G3P], and the reversion
``P3G`` -b_d[G3P].
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from proxsweep.dms.data import notations, read
from proxsweep.dms.data.notations import Notation
from proxsweep.dms.data.substitutions import LETTERS, UNKNOWN, Substitutions, numbered, parse_tokens, refuse_silent
from proxsweep.dms.model import parameters
from proxsweep.io.errors import UserError
from proxsweep.optimize.status import Status
from proxsweep.sweep import fit_folder

ADDED = ("latent", "predicted", "unknown")
RECORD = {
    "required": ["status", "model"],
    "properties": {
        "status": {"enum": list(map(str, Status))},
        "model": {
            "type": "object",
            "required": ["global_epistasis"],
            "properties": {"global_epistasis": {"enum": ["sigmoid", "linear"]}},
        },
    },
}
_ARRAYS = ("conditions", "mutations", "b", "b0", "bundle", "scale", "bias")


@dataclass(frozen=True)
class FittedParameters:
    """What a fit wrote of its parameters, in the reference's coordinates.

    Attributes
    ----------
    conditions : (D,) str
    mutations : (M,) str
        Relative to the reference's wildtype, e.g. ``G3P``.
    b : (D, M), b0 : (D,)
        Effects and the latent phenotype of the reference's wildtype.
    bundle : (D, M) bool
        Mutations that separate the condition's wildtype from the reference's.
    scale, bias
        Of the sigmoid (units of the score); NaN without one.
    sigmoid
    status
        How the fit ended.
    """

    conditions: np.ndarray
    mutations: np.ndarray
    b: np.ndarray
    b0: np.ndarray
    bundle: np.ndarray
    scale: float
    bias: float
    sigmoid: bool
    status: str

    def sites(self) -> list[str]:
        """The site of each mutation, (M,)."""
        return [str(name)[1:-1] for name in self.mutations]


@dataclass(frozen=True)
class _Letters:
    """What a fit knows of S sites, all -1 where it knows nothing.

    ``own`` (D, S) are the conditions' wildtypes and ``reference`` (S,) the reference's, indices into LETTERS;
    ``column`` (S, letters) is the mutation to a letter, ``bundled`` (D, S) the condition's bundle mutation.
    """

    reference: np.ndarray
    own: np.ndarray
    column: np.ndarray
    bundled: np.ndarray


def load(folder: str | Path) -> FittedParameters:
    """Read ``parameters.npz`` and ``record.json`` from the folder of a fit.

    Raises
    ------
    UserError
        If a file is missing, cannot be read or lacks something, and for a fit that diverged.
    """
    folder = Path(folder)
    record = fit_folder.record(folder, RECORD)
    if record["status"] == Status.DIVERGED:
        # message: Its parameters mean nothing. | Predict from another fit.
        raise UserError(str(folder / fit_folder.RECORD), "a fit that diverged", "a fit whose parameters mean something")
    path = folder / fit_folder.PARAMETERS
    arrays = parameters.read(path, _ARRAYS)
    arrays |= {name: float(arrays[name]) for name in ("scale", "bias")}
    sigmoid = record["model"]["global_epistasis"] == "sigmoid"
    written = FittedParameters(**arrays, sigmoid=sigmoid, status=record["status"])
    fault = _fault(written)
    if fault:
        # message: passed on
        raise UserError(str(path), fault, fit_folder.THE_PARAMETERS)
    return written


# message: numbers that are not finite / the mutation 'A' | a fit's parameters (.npz) | The file was not written by a
# fit, as `proxsweep predict` finds. | Make the fit again.
def _fault(fit: FittedParameters) -> str:
    """What does not hold together; empty where everything does."""
    if not np.isfinite([*fit.b.ravel(), *fit.b0, *([fit.scale, fit.bias] if fit.sigmoid else [])]).all():
        return "numbers that are not finite"
    odd = [name for name in fit.mutations.tolist() if len(name) < 3 or not {name[0], name[-1]} <= set(LETTERS)]
    return f"the mutation {odd[0]!r}" if odd else ""


def score(
    fit: FittedParameters,
    variants: str | Path,
    condition_column: str = "condition",
    substitutions_column: str = "aa_substitutions",
) -> pd.DataFrame:
    """Score the variants of a table with a fit.

    Parameters
    ----------
    fit
    variants
        Table (any that :func:`proxsweep.dms.data.read.read_table` reads) of N variants.
    condition_column
        Column that names a condition of the fit.
    substitutions_column
        Column of substitutions relative to that condition's own wildtype, one-letter forms separated by blanks or HGVS;
        empty for the wildtype.

    Returns
    -------
    DataFrame
        N rows in the table's order: its columns as text, then ``latent`` and ``predicted`` (units of the score) and
        ``unknown``: the variant's substitutions that the fit has no effect for, separated by blanks. Where there are
        any, the two numbers are NaN.

    Raises
    ------
    UserError
        As :func:`proxsweep.dms.data.read.read_table`, :func:`proxsweep.dms.data.notations.read` and
        :func:`proxsweep.dms.data.substitutions.parse`; for a condition that the fit has not, a substitution to itself,
        a letter that is not the condition's wildtype where the fit knows that, and for a table that has one of the
        added columns.
    """
    names = read.header(variants)
    _check_header(variants, names, [condition_column, substitutions_column])
    table = read.read_table(variants, names)
    condition = _conditions(fit, table[condition_column], variants)

    def where(row: int) -> str:
        return f"{variants}, row {table.index[row]}, column {substitutions_column!r}"

    strings = table[substitutions_column].to_numpy(object)
    sites = _site_order(fit, strings)
    tokens, _ = notations.read(strings, Notation(), where, frozenset(sites or ()), keys=False)
    substitutions = parse_tokens(tokens, where, sites)
    refuse_silent(substitutions, where, "an empty string for the wildtype")
    letters = _letters(fit, substitutions.sites)
    _check_wildtypes(fit, letters, condition, substitutions, where)
    latent, known = _latent(fit, letters, condition, substitutions)
    added = (latent, predicted(fit, latent), substitutions.keep(~known).texts())
    return table.assign(**dict(zip(ADDED, added, strict=True))).reset_index(drop=True)


def summary(fit: FittedParameters, table: pd.DataFrame) -> str:
    """One line on what :func:`score` gave: rows scored and not, and a fit that did not converge."""
    unknown = int((table["unknown"] != "").sum())
    line = f"{len(table) - unknown} of {len(table)} rows scored, {unknown} not (the fit lacks a substitution)"
    return line if fit.status == "converged" else f"{line}; the fit has not converged ({fit.status})"


def _latent(
    fit: FittedParameters, letters: _Letters, condition: np.ndarray, substitutions: Substitutions
) -> tuple[np.ndarray, np.ndarray]:
    """Latent phenotypes (N,), NaN with an unknown substitution; and which of the K substitutions are known."""
    own, site = condition[substitutions.row], substitutions.site
    to, back = letters.column[site, substitutions.mutant], letters.bundled[own, site]
    known = (to >= 0) | (substitutions.mutant == letters.reference[site])
    # the column -1 stands for no mutation, with effect 0
    effects = np.pad(fit.b, ((0, 0), (0, 1)))
    change = np.where(known, effects[own, to] - effects[own, back], np.nan)
    wildtype = fit.b0 + np.where(fit.bundle, fit.b, 0.0).sum(axis=1)
    return wildtype[condition] + np.bincount(substitutions.row, change, substitutions.count), known


def predicted(fit: FittedParameters, latent: np.ndarray) -> np.ndarray:
    """Scores at latent phenotypes, same shape: the sigmoid, or the latent phenotype itself in a linear model."""
    # (1 + tanh(phi / 2)) / 2 is 1 / (1 + exp(-phi)) without overflow
    return fit.scale * (1 + np.tanh(latent / 2)) / 2 + fit.bias if fit.sigmoid else latent


def _check_header(path: str | Path, names: list[str], wanted: list[str]) -> None:
    read.check_columns(path, names, wanted)
    for name in ADDED:
        if name in names:
            # message: Your table has a column of that name. | Rename it.
            raise UserError(f"{path}, header", f"a column {name!r}", "another name, since predictions add that one")
    if names.count("") > 1:
        # message: They cannot be told apart. | Give the columns of your table names.
        raise UserError(f"{path}, header", "several columns without a name", "a name for each")


def _conditions(fit: FittedParameters, labels: pd.Series, path: str | Path) -> np.ndarray:
    """Index of each row's condition, (N,)."""
    known = [str(name) for name in fit.conditions]
    condition = pd.Index(known).get_indexer(labels)
    wrong = np.flatnonzero(condition < 0)
    if len(wrong):
        place = f"{path}, row {labels.index[wrong[0]]}, column {labels.name!r}"
        label = labels.iat[wrong[0]]
        # message: 'Alpa' (place: a row of your table) | a condition of the fit: Alpha, Beta | The fit does not know
        # this condition. | Correct the cell, or name another column (`--condition-column`).
        raise UserError(place, repr(label), f"a condition of the fit: {read.nearest(label, known)}")
    return condition


def _site_order(fit: FittedParameters, strings: np.ndarray) -> list[str] | None:
    """None where the fit's sites are numbers, which those of the table then have to be; else both's sites.

    A site that the fit has not is not one that begins as a number and goes on otherwise: 9PEP is an insertion's.
    """
    sites = set(fit.sites())
    if numbered(sites):
        return None
    written = {token[1:-1] for string in strings for token in string.split()}
    return sorted(sites | {site for site in written if numbered([site]) or not site.lstrip("-")[:1].isdigit()})


def _letters(fit: FittedParameters, sites: np.ndarray) -> _Letters:
    """What the fit knows of ``sites`` (S,), which need not be its own."""
    place = pd.Index(sites).get_indexer(fit.sites())
    used = np.flatnonzero(place >= 0)
    place, count = place[used], len(fit.conditions)
    wildtype = np.array([LETTERS.index(str(name)[0]) for name in fit.mutations], dtype=np.int64)[used]
    mutant = np.array([LETTERS.index(str(name)[-1]) for name in fit.mutations], dtype=np.int64)[used]
    reference = np.full(len(sites), UNKNOWN)
    reference[place] = wildtype
    column = np.full((len(sites), len(LETTERS)), -1)
    column[place, mutant] = used
    own, bundled = np.tile(reference, (count, 1)), np.full((count, len(sites)), -1)
    of, entry = np.nonzero(fit.bundle[:, used])
    own[of, place[entry]] = mutant[entry]
    bundled[of, place[entry]] = used[entry]
    return _Letters(reference, own, column, bundled)


def _check_wildtypes(
    fit: FittedParameters,
    letters: _Letters,
    condition: np.ndarray,
    substitutions: Substitutions,
    where: Callable[[int], str],
) -> None:
    own = letters.own[condition[substitutions.row], substitutions.site]
    wrong = np.flatnonzero((own != UNKNOWN) & (own != substitutions.wildtype))
    if len(wrong) == 0:
        return
    entry = wrong[0]
    row, site = substitutions.row[entry], substitutions.sites[substitutions.site[entry]]
    # message: The row's substitution starts from another letter than the condition has. | Correct it: substitutions are
    # relative to the condition's own wildtype.
    raise UserError(
        where(row),
        f"wildtype {LETTERS[substitutions.wildtype[entry]]} at site {site}",
        f"{LETTERS[own[entry]]}, the wildtype of condition {fit.conditions[condition[row]]} there",
    )
