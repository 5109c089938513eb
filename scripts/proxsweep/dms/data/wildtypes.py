"""Wildtype sequences that the study gives: a site need not be mutated in a condition for its wildtype to be known.

They come from aligned sequences (FASTA, Pearson and Lipman 1988), or from columns of the site map.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from proxsweep.dms.data import read
from proxsweep.dms.data.substitutions import LETTERS, UNKNOWN, Substitutions
from proxsweep.io.errors import UserError


def given(settings: Mapping[str, Any], site_map: str | Path | None, names: Sequence[str], base: Path) -> pd.DataFrame:
    """Letters of the conditions ``names`` by site: index the site's name, a column for each condition.

    Parameters
    ----------
    settings
        ``data: wildtypes`` of a study: ``fasta`` with ``first_site``, or ``columns``.
    site_map
        Names the sites of the alignment in order; required for ``columns``.
    names
        Conditions; without any, only the file itself is looked at.
    base
        The folder that paths are relative to.

    Raises
    ------
    UserError
        For a file that is none, a condition without a sequence, sequences of several lengths, and unknown letters.
    """
    if settings.get("columns"):
        return _of_columns(settings["columns"], base / site_map, names)
    path = base / settings["fasta"]
    sequences = read_fasta(path)
    for name in names:
        if name not in sequences:
            # message: no sequence named 'Beta' | a sequence of every condition: there are 'Alpha', 'Delta' | The
            # name of a sequence is its first word behind `>`. | Rename it, or add the sequence.
            raise UserError(
                str(path),
                f"no sequence named {name!r}",
                f"a sequence of every condition: there are {read.nearest(name, list(sequences))}",
            )
    length = len(next(iter(sequences.values())))
    sites = _sites(site_map and base / site_map, settings["first_site"], length, path)
    return pd.DataFrame({name: list(sequences[name]) for name in names or sequences}, index=sites)


def fill(
    wildtypes: np.ndarray,
    sequences: pd.DataFrame,
    written: Substitutions,
    condition: np.ndarray,
    where: Callable[[int], str],
) -> np.ndarray:
    """Wildtypes of conditions at sites, those that the substitutions do not say taken from sequences.

    Parameters
    ----------
    wildtypes : (D, S) int64
        As :func:`proxsweep.dms.data.substitutions.infer_wildtypes` found them; sites that no condition mutates stay
        unknown.
    sequences
        What :func:`given` returned.
    written
        Substitutions of N variants.
    condition : (N,) int
    where
        Names the place of a row in a message.

    Raises
    ------
    UserError
        For a substitution that starts from another letter than the sequence has.
    """
    rank = {letter: number for number, letter in enumerate(LETTERS)}
    letters = sequences.map(rank.get).reindex(written.sites, fill_value=UNKNOWN).to_numpy(np.int64).T
    own = letters[condition[written.row], written.site]
    wrong = np.flatnonzero((own != UNKNOWN) & (own != written.wildtype))
    if len(wrong):
        entry = wrong[0]
        name, site = sequences.columns[condition[written.row[entry]]], written.sites[written.site[entry]]
        # message: wildtype A at site 9 | G, as the sequence of condition Alpha has it (`data: wildtypes`) | The row or
        # the sequence is wrong, or they are numbered differently. | Correct it, set `first_site`, or give a `site_map`.
        raise UserError(
            where(written.row[entry]),
            f"wildtype {LETTERS[written.wildtype[entry]]} at site {site}",
            f"{LETTERS[own[entry]]}, as the sequence of condition {name} has it (`data: wildtypes`)",
        )
    mutated = (wildtypes != UNKNOWN).any(axis=0)
    return np.where((wildtypes == UNKNOWN) & mutated, letters, wildtypes)


def read_fasta(path: str | Path) -> dict[str, str]:
    """Aligned sequences by name, the first word of a line that begins with ``>``; ``-`` is a gap.

    Raises
    ------
    UserError
        For text that is no FASTA, a name that stands twice, a letter that is none, and sequences of several lengths.
    """
    sequences: dict[str, str] = {}
    name = None
    for number, line in enumerate(_lines(path), start=1):
        place, line = f"{path}, line {number}", line.strip()
        if line.startswith(">"):
            name = (line[1:].split() or [""])[0]
            if not name or name in sequences:
                # message: no name / the name 'Alpha' again | a name of its own behind > | Two sequences cannot be
                # told apart. | Correct the line.
                raise UserError(place, f"the name {name!r} again" if name else "no name", "a name of its own behind >")
            sequences[name] = ""
            continue
        wrong = next((letter for letter in line if letter not in LETTERS), None)
        if wrong is not None or (line and name is None):
            # message: 'a' | a line with > and a name, then letters among ACDEFGHIKLMNPQRSTVWY*- | Sequences are amino
            # acids in capitals, `*` and `-`. | Translate or correct it.
            raise UserError(place, repr(wrong or line[:20]), f"a line with > and a name, then letters among {LETTERS}")
        if name is not None:
            sequences[name] += line
    _refuse_lengths(path, sequences)
    return sequences


def _lines(path: str | Path) -> list[str]:
    try:
        return Path(path).read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        # message: a file that cannot be read (...) | aligned sequences (FASTA) | It is missing, closed to you, or no
        # text. | Correct the path, or export the sequences as text.
        raise UserError(str(path), f"a file that cannot be read ({error})", "aligned sequences (FASTA)") from error


def _refuse_lengths(path: str | Path, sequences: dict[str, str]) -> None:
    lengths = {name: len(sequence) for name, sequence in sequences.items()}
    if not lengths or not all(lengths.values()):
        found = next((f"no letters of {name}" for name, length in lengths.items() if not length), "no sequence")
        # message: no sequence / no letters of Alpha | aligned sequences (FASTA) | The file was cut off, or is another.
        # | Correct it.
        raise UserError(str(path), found, "aligned sequences (FASTA)")
    if len(set(lengths.values())) > 1:
        found = ", ".join(f"{name} of {length}" for name, length in list(lengths.items())[: read.SHOWN])
        # message: sequences of several lengths: Alpha of 201, Beta of 199 | aligned sequences, of one length | Sites
        # are numbered along the alignment. | Align them, with - for gaps.
        raise UserError(str(path), f"sequences of several lengths: {found}", "aligned sequences, of one length")


def _sites(site_map: Path | None, first: int, length: int, path: Path) -> list[str]:
    if site_map is None:
        return [str(first + k) for k in range(length)]
    sites = read.read_site_map(site_map)
    if len(sites) != length:
        # message: sequences of 200 letters | 201, the number of sites of the site map | They are not of one protein, or
        # one was cut off. | Make both cover the same sites.
        raise UserError(str(path), f"sequences of {length} letters", f"{len(sites)}, the number of sites of {site_map}")
    return sites


def _of_columns(columns: Mapping[str, str], site_map: Path, names: Sequence[str]) -> pd.DataFrame:
    for name in names:
        if name not in columns:
            # message: no column for the condition 'Beta' | the column of every condition, as {Alpha: wt_alpha} | The
            # site map's letters of a condition stand in the column that is named here. | Name it.
            raise UserError(
                "data.wildtypes.columns", f"no column for the condition {name!r}", "the column of every condition"
            )
    wanted = {name: str(columns[name]) for name in names or columns}
    read.read_site_map(site_map)
    table = read.read_table(site_map, ["reference_site", *wanted.values()])
    for column in wanted.values():
        wrong = ~table[column].isin([*LETTERS])
        if wrong.any():
            place = f"{site_map}, row {wrong.idxmax()}, column {column!r}"
            # message: 'x' | a letter among ACDEFGHIKLMNPQRSTVWY*- | A wildtype is one of the amino acids in capitals,
            # `*` or `-`. | Correct the cell.
            raise UserError(place, repr(table[column][wrong.idxmax()]), f"a letter among {LETTERS}")
    letters = {name: table[column].tolist() for name, column in wanted.items()}
    return pd.DataFrame(letters, index=table["reference_site"].tolist())
