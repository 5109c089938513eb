"""docs/troubleshooting.md has the words of every message of the workflow, and in each row what to do."""

import html
import importlib.util
import re
from pathlib import Path

import pytest

import messages
from projects import PROJECT

PAGE = PROJECT / "docs/troubleshooting.md"
# made of what another place says, which is in the page by itself
PASSED_ON = {
    "studies.py": 2,
    "config/source.py": 1,
    "dms/settings.py": 1,
    "dms/data/simulation.py": 3,
    "dms/data/substitutions.py": 1,
    "io/downloads.py": 1,
    "dms/fit_options.py": 1,
    "io/reading.py": 2,
    "dms/model/predict.py": 1,
    "config/schema.py": 1,
}
# what is no Python that can be taken apart, or not ours: where it stands, and its words there
ELSEWHERE = [
    ("workflow/rules/common.smk", "it is made again"),
    ("workflow/rules/common.smk", "How every fit of study"),
    ("workflow/rules/common.smk", "files are dated in the future, by a clock that was wrong; now"),
    ("scripts/proxsweep/sweep/chosen.py", "No lasso weight was chosen."),
    ("scripts/proxsweep/dms/model/checkpoint.py", "the checkpoint of another fit: this one begins anew"),
    ("scripts/proxsweep/dms/model/checkpoint.py", "the fit begins anew"),
    ("scripts/proxsweep/dms/model/checkpoint.py", "going on from"),
    ("scripts/proxsweep/__main__.py", "found no JSON"),
    ("scripts/proxsweep/__main__.py", "found JSON that is a"),
    ("scripts/proxsweep/dms/data/substitutions.py", "a substitution: wildtype letter, site, mutant letter (as N501Y)"),
    ("scripts/proxsweep/dms/data/substitutions.py", "a wildtype that is no stop codon"),
    ("scripts/proxsweep/dms/data/substitutions.py", "a number with an optional suffix (as 214a) in place of site"),
    ("scripts/proxsweep/dms/data/substitutions.py", "a site of the site map or of the table of wildtypes, not"),
    ("scripts/proxsweep/io/names.py", "printable characters, no blanks at its ends, that begins with none of = + - @"),
    ("scripts/proxsweep/config/schema.py", "the nearest known key"),
    ("scripts/proxsweep/config/schema.py", "nothing (null)"),
    ("scripts/proxsweep/config/schema.py", "text that YAML takes for a number or boolean needs quotes"),
    ("scripts/proxsweep/config/schema.py", "also where there is one:"),
    ("scripts/proxsweep/config/schema.py", "as text)"),
    ("workflow/schemas/config.schema.yaml", "at most 64 letters, digits, dots, underscores and hyphens"),
    ("snakemake/exceptions.py", "class LockException"),
    ("snakemake/exceptions.py", "Directory cannot be locked"),
    ("snakemake/exceptions.py", "class IncompleteFilesException"),
    ("snakemake/exceptions.py", "The files below seem to be incomplete"),
    ("snakemake/exceptions.py", "class MissingOutputException"),
    ("snakemake/exceptions.py", "completed successfully, but some output files are missing"),
    ("snakemake/exceptions.py", "No rule to produce"),
    ("snakemake/exceptions.py", "Write-protected output files"),
    ("snakemake/io/__init__.py", "Missing files after"),
    ("snakemake/io/__init__.py", "seconds for missing files:"),
    ("snakemake/io/__init__.py", "Failed to create output directory"),
    ("snakemake/jobs.py", "Removing output files of failed job"),
    ("snakemake/jobs.py", "since they might be corrupted"),
    ("snakemake/scheduling/job_scheduler.py", "Exiting because a job execution failed"),
    ("snakemake/logging.py", "Error in rule"),
    ("snakemake_executor_plugin_slurm/__init__.py", "SLURM status is: "),
    ("snakemake_executor_plugin_slurm/__init__.py", "OUT_OF_MEMORY"),
    ("snakemake_executor_plugin_slurm/__init__.py", "TIMEOUT"),
    ("snakemake_executor_plugin_slurm/__init__.py", "node failure"),
    ("snakemake_executor_plugin_slurm/__init__.py", "SLURM sbatch failed"),
    ("snakemake_executor_plugin_slurm/__init__.py", "SLURM job submission failed"),
]


def flat(text: str) -> str:
    return " ".join(html.unescape(text).replace("\\|", "|").split())


def rows() -> list[list[str]]:
    """Cells of every row of every table, the rule below a header left out."""
    lines = [line for line in PAGE.read_text().splitlines() if line.startswith("|")]
    cells = [[flat(cell) for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]
    return [row for row in cells if not all(re.fullmatch(":?-+:?", cell) for cell in row)]


def test_every_row_has_three_cells_that_say_something():
    assert not [row for row in rows() if len(row) != 3 or any(re.fullmatch(r"[`.\s/]*", cell) for cell in row)]


def test_every_refusal_stands_in_one_row():
    """What is found in its first cell, what is expected in its second."""
    found = rows()
    absent = [
        one
        for one in messages.messages()
        if not any(
            all(flat(piece) in row[0] for piece in messages.pieces(one.found))
            and all(flat(piece) in row[1] for piece in messages.pieces(one.expected))
            for row in found
        )
    ]
    assert not absent, "\n".join(map(str, absent))


def test_few_refusals_have_no_words_of_their_own():
    bare: dict[str, int] = {}
    for one in messages.messages():
        if not one.marker():
            name = one.place.split(":")[0]
            bare[name] = bare.get(name, 0) + 1
    assert all(count <= PASSED_ON.get(name, 0) for name, count in bare.items()), bare


def test_words_are_found_through_assigned_names():
    known = {one.found for one in messages.messages() if one.place.startswith("dms/data/read.py")}
    assert "a Git LFS pointer, not the table it stands for" in known
    assert "a gzipped file that unpacks to more than ... MiB" in known


def test_messages_on_notebooks_and_damaged_files_stand_in_the_page():
    page = flat(PAGE.read_text())
    told = messages.told()
    absent = [(place, piece) for place, text in told for piece in messages.pieces(text) if flat(piece) not in page]
    assert not absent
    words = " ".join(text for _, text in told)
    for known in ("is not started", "the kernel died", "failed to start", "cannot be read", "bytes instead of"):
        assert known in words


@pytest.mark.parametrize(("place", "words"), ELSEWHERE)
def test_words_of_other_places_stand_there_and_in_the_page(place: str, words: str):
    package = place.partition("/")[0]
    if package.startswith("snakemake"):
        found = importlib.util.find_spec(package)
        if found is None:
            pytest.skip(f"no {package}")
        path = Path(found.origin).parents[1] / place
    else:
        path = PROJECT / place
    assert words in path.read_text()
    assert flat(words).removeprefix("class ").removeprefix("found ") in flat(PAGE.read_text())


def test_links_lead_somewhere():
    """Files, and headings of the page itself."""
    text = PAGE.read_text()
    headings = {re.sub("[^a-z0-9 -]", "", one.lower()).replace(" ", "-") for one in re.findall("^#+ (.*)", text, re.M)}
    for target in re.findall(r"\]\(([^)]+)\)", text):
        path, _, heading = target.partition("#")
        assert (PAGE.parent / path).exists() if path else heading in headings, target
