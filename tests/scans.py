"""Small scans in the layout of the published spike study: a list of selections, and a table of scores for each."""

import csv
import io

import numpy as np

WILDTYPES = {"early": {"1": "M", "2": "K", "3": "G", "4": "A"}, "late": {"1": "M", "2": "K", "3": "R", "4": "A"}}
LIBRARIES = ("Lib-1", "Lib-2", "Lib-3")
SAMPLES = ("1", "2")  # each library is selected twice
LIST = "functional_selections.csv"
COLUMNS = "library,pre_sample,post_sample,barcode,func_score,pre_count,post_count,aa_substitutions_sequential"
Row = tuple[str, float, int]  # substitutions, score, count before selection


def name(library: str, sample: str) -> str:
    """The file name of a selection's table."""
    return f"{library}_pre_{sample}_vs_post_{sample}_func_scores.csv"


def selections() -> str:
    """The list of selections of a condition."""
    header = "preselection_sample,library,virus_batch,replicate,postselection_sample"
    rows = [f"pre_{sample},{library},thaw-1,{sample},post_{sample}" for sample in SAMPLES for library in LIBRARIES]
    return "\n".join([header, *rows]) + "\n"


def rows(condition: str, library: str, sample: str, number: int = 60) -> list[Row]:
    """Rows of a table; the last three have a gap, a suffixed site and a stop codon that is substituted."""
    rng = np.random.default_rng([list(WILDTYPES).index(condition), LIBRARIES.index(library), int(sample)])
    made = []
    for _ in range(number):
        sites = [site for site in WILDTYPES[condition] if rng.random() < 0.4]
        letters = [(WILDTYPES[condition][site], site, "CDE*"[rng.integers(4)]) for site in sites]
        score = round(float(rng.normal(0.5 - len(sites), 2)), 4)
        made.append((" ".join(map("".join, letters)), score, int(rng.integers(50, 200))))
    return [*made, ("M1-", -1.0, 150), ("K2C E3aQ", -1.5, 150), ("*9Q", -2.0, 150)]


def table(condition: str, library: str, sample: str) -> str:
    """The table of a selection, with further columns as the published ones have."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*COLUMNS.split(","), "aa_substitutions_reference"])
    for number, (substitutions, score, count) in enumerate(rows(condition, library, sample)):
        samples = [library, f"pre_{sample}", f"post_{sample}"]
        writer.writerow([*samples, f"ACGT{number}", score, count, 7, substitutions, substitutions])
    return text.getvalue()


def files() -> dict[str, str]:
    """All files by path."""
    found = {f"{condition}/{LIST}": selections() for condition in WILDTYPES}
    keys = [(condition, library, sample) for condition in WILDTYPES for library in LIBRARIES for sample in SAMPLES]
    return found | {f"{c}/{name(library, sample)}": table(c, library, sample) for c, library, sample in keys}
