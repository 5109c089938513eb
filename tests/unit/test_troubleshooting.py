"""docs/troubleshooting.md is made of the remarks beside the messages, and every message has one."""

import importlib.util
import re
import runpy
from pathlib import Path
from types import SimpleNamespace

import pytest

from projects import PROJECT

GENERATOR = SimpleNamespace(**runpy.run_path(str(PROJECT / "docs/troubleshooting.py")))
PAGE = GENERATOR.PAGE
# words that rows of the template quote, and where they are said
QUOTED = {
    "proxsweep/dms/summaries/looks.py": "A ranking, no selection",
    "snakemake/exceptions.py": "LockException / Directory cannot be locked / IncompleteFilesException / The files below"
    " seem to be incomplete / MissingOutputException / completed successfully, but some output files are missing"
    " / No rule to produce / Write-protected output files",
    "snakemake/io/__init__.py": "Missing files after / seconds for missing files: / Failed to create output directory",
    "snakemake/jobs.py": "Removing output files of failed job / since they might be corrupted",
    "snakemake/scheduling/job_scheduler.py": "Exiting because a job execution failed",
    "snakemake/logging.py": "Error in rule",
    "snakemake/common/configfile.py": "Config file must be given as JSON or YAML with keys at top level"
    " / file is not valid JSON or YAML",
    "snakemake_executor_plugin_slurm/__init__.py": "SLURM status is: / OUT_OF_MEMORY / TIMEOUT / node failure"
    " / SLURM sbatch failed / SLURM job submission failed",
}


def test_page_is_the_generated_one():
    assert PAGE.read_text() == GENERATOR.page(), "run python docs/troubleshooting.py"


def test_every_message_has_a_remark():
    assert len(GENERATOR.messages()) > 250
    assert not GENERATOR.faults()


@pytest.mark.parametrize(
    ("remark", "wrong"),
    [
        ("", "no remark above it"),
        ("# message: Too large.", "no remark above it"),
        ("# message: Too large. | ", "no remark above it"),
        ("# message: 5 fields | 6 | Too large. | Write less.", "examples that do not fit"),
        ("# message: Too large. | Write less.", ""),
        ("# message: 5 rows | at most 4 | Too large. |\n# Write less.", ""),
        ("# message: passed on", ""),
    ],
)
def test_remarks_that_say_too_little_are_named(remark: str, wrong: str):
    code = f'{remark}\nraise UserError(path, f"{{count}} rows", f"at most {{most}}")'
    (message,) = GENERATOR.read(code, "made.py")
    fault = GENERATOR.fault(message, [("refused", "made.py")], "")
    assert fault.startswith(wrong) and bool(fault) == bool(wrong)


def test_words_are_read_from_names_and_constants():
    code = (
        'MOST = 3\ndef f():\n    found = f"{n} rows" if n else "none"\n    raise UserError(p, found, f"at most {MOST}")'
    )
    (message,) = GENERATOR.read(code, "made.py")
    assert (message.line, message.found, message.expected) == (4, "... rows / none", "at most 3")


@pytest.mark.parametrize("place", QUOTED)
def test_quoted_words_are_said_there_and_stand_in_the_page(place: str):
    found = importlib.util.find_spec(place.partition("/")[0])
    if found is None:
        pytest.skip(f"no {place}")
    said, page = (Path(found.origin).parents[1] / place).read_text(), PAGE.read_text()
    assert not [words for words in QUOTED[place].split(" / ") if words not in said or words not in page]


def test_links_lead_somewhere():
    """Files, and headings of the page itself."""
    text = PAGE.read_text()
    headings = {re.sub("[^a-z0-9 -]", "", one.lower()).replace(" ", "-") for one in re.findall("^#+ (.*)", text, re.M)}
    for target in re.findall(r"\]\(([^)]+)\)", text):
        path, _, heading = target.partition("#")
        assert (PAGE.parent / path).exists() if path else heading in headings, target
