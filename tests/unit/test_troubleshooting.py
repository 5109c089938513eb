"""docs/troubleshooting.md has the words of every message of the library, and says of each what to do."""

import html
import importlib.resources
import re

import pytest

import messages
from projects import PROJECT

# made of what another place says, which is in the page by itself
PASSED_ON = {
    "config.py": 2,
    "configfile.py": 1,
    "dms/settings.py": 1,
    "dms/simulate.py": 3,
    "dms/substitutions.py": 1,
    "downloads.py": 1,
    "fit_options.py": 1,
    "reading.py": 2,
    "schema.py": 1,
}
HEADERS = (["found", "expected"], ["message", "what it means"], ["status", "what it means"])
SNAKEMAKE = (
    "Directory cannot be locked. Please make sure that no other Snakemake process is trying to create",
    "The files below seem to be incomplete.",
    "completed successfully, but some output files are missing.",
    "This might be due to filesystem latency.",
    "No rule to produce",
    "Terminating processes on user request, this might take some time.",
    "Cancelling snakemake on user request.",
    "Exiting because a job execution failed",
    "Trying to restart job",
    "file is not valid JSON or YAML.",
    "--rerun-incomplete",
    "--cleanup-metadata",
    "--latency-wait",
    "--unlock",
)
SLURM = ("SLURM-job '", "SLURM status is: '", "OUT_OF_MEMORY", "TIMEOUT", "SLURM sbatch failed. The error message was ")


def flat(text: str) -> str:
    return " ".join(html.unescape(text).replace("\\|", "|").split())


def page() -> str:
    return (PROJECT / "docs/troubleshooting.md").read_text()


def rows() -> list[list[str]]:
    """Cells of all rows of all tables but their headers."""
    lines = [line for line in page().splitlines() if line.startswith("|")]
    split = [[flat(cell) for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]
    return [cells for cells in split if cells[:2] not in HEADERS and set("".join(cells)) != {"-"}]


def holds(cell: str, text: str) -> bool:
    return all(flat(piece) in cell for piece in messages.pieces(text))


def test_every_row_says_what_to_do():
    wrong = [cells for cells in rows() if len(cells) != 3 or not all(cells)]
    assert not wrong
    assert not [cells for cells in rows() if set(cells[0]) <= set("`./ ")]
    assert not [cells for cells in rows() if not cells[2].endswith((".", ")."))]


def test_no_row_stands_twice():
    told = [tuple(cells) for cells in rows()]
    assert len(told) == len(set(told))


def test_every_refusal_has_a_row():
    """Both of its parts, in the cells that are theirs."""
    known = rows()
    absent = [
        one
        for one in messages.messages()
        if one.marker() and not any(holds(cells[0], one.found) and holds(cells[1], one.expected) for cells in known)
    ]
    assert not absent


def test_every_other_message_has_a_row():
    known = [" | ".join(cells) for cells in rows()] + [flat(part) for part in page().split("\n\n")]
    absent = [
        one for one in messages.others() if not any(holds(row, one.found) and holds(row, one.expected) for row in known)
    ]
    assert not absent


def test_few_refusals_have_no_words_of_their_own():
    bare: dict[str, int] = {}
    for one in messages.messages():
        if not one.marker():
            name = one.place.split(":")[0]
            bare[name] = bare.get(name, 0) + 1
    assert all(count <= PASSED_ON.get(name, 0) for name, count in bare.items()), bare


def test_words_are_found_through_assigned_names():
    known = {one.found for one in messages.messages() if one.place.startswith("dms/read.py")}
    assert "a Git LFS pointer, not the table it stands for" in known
    assert "a gzipped file that unpacks to more than ... MiB" in known


def test_messages_that_are_no_refusals_are_found():
    """What is read from the source; another wording, or another way to make it, is told here."""
    known = {(one.place.split(":")[0], one.found) for one in messages.others()}
    for place, text in (
        ("notebook.py", "the kernel was killed by signal ... (out of memory, perhaps)"),
        ("notebook.py", "the kernel died with exit status ..."),
        ("notebook.py", "the kernel died before it answered"),
        ("notebook.py", "the kernel did not answer in ... s"),
        ("notebook.py", "...: kernel start ... of ... failed: ..."),
        ("notebook.py", "...: the kernel failed to start ... times\nkept notebook: ..."),
        ("notebook.py", "attempt ... is not started, since an earlier one ended so:\n..."),
        ("notebook.py", "...: cell [...] raised ...:\n...\n...\nkept notebook: ..."),
        ("damage.py", "... has ... bytes instead of ..."),
        ("damage.py", "record.json cannot be read (...: ...)"),
        ("damage.py", "... in ... does not have its checksum"),
        ("workflow/rules/common.smk", "proxsweep: ...: ...; it is made again"),
        ("workflow/rules/common.smk", "How every fit of study ... ended: ..."),
        ("dms/checkpoint.py", "...: not a checkpoint (...): the fit begins anew"),
        ("dms/encoding.py", "a variant whose mutations do not increase"),
        ("dms/substitutions.py", "a wildtype that is no stop codon"),
    ):
        assert (place, text) in known


@pytest.mark.parametrize(("package", "texts"), [("snakemake", SNAKEMAKE), ("snakemake_executor_plugin_slurm", SLURM)])
def test_messages_of_snakemake_are_as_it_prints_them(package, texts):
    folder = importlib.resources.files(package)
    source = "\n".join(path.read_text() for path in sorted(folder.rglob("*.py")))
    source = re.sub(r'"\s*\n\s*f?"', "", source)  # literals that are joined
    for text in texts:
        assert text in source, text
        assert flat(text) in flat(page()), text


def test_every_status_of_a_fit_has_a_row():
    from proxsweep.record import Status

    told = {cells[0].strip("`") for cells in rows()}
    assert {str(status) for status in Status} <= told


def test_links_lead_somewhere():
    headings = {}
    for path in (PROJECT / "docs/troubleshooting.md", *(PROJECT / "docs").glob("*.md"), PROJECT / "config/README.md"):
        titles = re.findall(r"^#+ (.+)$", path.read_text(), flags=re.MULTILINE)
        headings[path] = {re.sub(r"[^a-z0-9 _-]", "", title.lower()).replace(" ", "-") for title in titles}
    for target, anchor in re.findall(r"\]\(([^)#]*)#?([^)]*)\)", page()):
        path = (PROJECT / "docs" / (target or "troubleshooting.md")).resolve()
        assert path.exists(), target
        assert not anchor or anchor in headings[path], (target, anchor)
