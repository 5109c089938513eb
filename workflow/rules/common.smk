import functools
import json
import re
import shlex
from math import ceil
from pathlib import PurePosixPath

from snakemake.exceptions import WorkflowError

from proxsweep import planning, studies, tally
from proxsweep.families import DEFAULT, family
from proxsweep.io.errors import UserError
from proxsweep.jobs import closure, leftovers, places, progress, shell as user_shell, signals
from proxsweep.report import summary as summaries
from proxsweep.sweep import grid, study as outlines

# relative where possible, so that a moved or copied project does not look changed
HERE = Path() if ROOT == Path.cwd().resolve() else ROOT
SCRIPTS = HERE / "scripts"
CONDA = "conda" in str(workflow.deployment_settings.deployment_method).lower()
PYTHON = "python" if CONDA else sys.executable
# The command of every rule, `proxsweep`, is this tree's: whatever is installed, whatever the environment is called.
# XLA takes its number of threads from NPROC; Snakemake sets the variables that other libraries read.
COMMAND = (
    f'NPROC="${{OMP_NUM_THREADS:-1}}" PYTHONPATH={shlex.quote(str(ROOT / "scripts"))}'
    f" {shlex.quote(PYTHON)} -P -m proxsweep"
)
shell.prefix(f'proxsweep() {{ {COMMAND} "$@"; }}; '.replace("{", "{{").replace("}", "}}"))
RUN_NOTEBOOK = (
    "proxsweep notebook {input.notebook:q} --output {output.notebook:q} --kept {params.kept:q}"
    " --parameters {params.parameters:q} --threads {threads} --attempt {resources.attempt} > {log:q} 2>&1"
)

if workflow.is_main_process:
    signals.exit_on_termination()


def or_refuse(function, *arguments):
    """What a function returns; its refusal ends the run, without a traceback of this file."""
    try:
        return function(*arguments)
    except UserError as error:
        sys.exit(f"proxsweep: {error}")


# ---- studies ---------------------------------------------------------------------------------------------

if workflow.is_main_process:
    or_refuse(places.check_project, ROOT)
    or_refuse(user_shell.check_platforms, os.environ)
CHECKED = or_refuse(
    studies.from_config, config, list(map(str, workflow.configfiles)), workflow.config_settings.config or {}, Path()
)
STUDIES = planning.with_refits(CHECKED)
FAMILIES = {name: family(name) for name in dict.fromkeys(study.family for study in CHECKED)}
# rules of the first family have bare names; those of a later one begin with its name
PREFIXES = {name: "" if name == DEFAULT else f"{name}_" for name in FAMILIES}
# where jobs go to nodes, these have to find the same rules, whatever cores they have
LOCAL = workflow.is_main_process and workflow.resource_settings.nodes is None
FITS = planning.job_pieces(STUDIES.values(), (workflow.resource_settings.cores or 1) if LOCAL else 1)

if workflow.is_main_process:
    for study in STUDIES.values():
        for message in [] if workflow.output_settings.dryrun else planning.clamp_dates(study):
            logger.warning(f"proxsweep: {message}")
    for message in [] if workflow.output_settings.dryrun else leftovers.remove(study.name for study in CHECKED):
        logger.info(f"proxsweep: {message}")
    TALLY = or_refuse(tally.Tally, STUDIES.values())


def one_of(names):
    return "|".join(re.escape(name) for name in names) or "(?!)"


def studies_of(name):
    """Constraint on the wildcard `study`: studies of one family, whose rules match no other's."""
    return one_of(study.name for study in STUDIES.values() if study.family == name)


def study_of(wildcards):
    return STUDIES[wildcards.study]


def family_of(wildcards):
    return FAMILIES[study_of(wildcards).family]


def as_json(function, *arguments):
    """A parameter of a rule: what a function of the study returns, as JSON."""
    return lambda wildcards: json.dumps(function(study_of(wildcards), *arguments))


# ---- fits ------------------------------------------------------------------------------------------------


@functools.cache
def fits_by_parts(study):
    """All fits of a study by their part of a path: looked up for every job, of which there may be thousands."""
    return {fit.parts: fit for fit in grid.table(STUDIES[study])}


def fits_of(piece, wildcards):
    """The fits that a job of a piece makes; those of a path that is not planned are refused."""
    parts = [pattern.format(**dict(wildcards.items())) for pattern in piece.patterns]
    known = fits_by_parts(piece.study.name)
    try:
        return [known.get(part) or grid.find(piece.study, part) for part in parts]
    except UserError as error:
        raise WorkflowError(str(error)) from None


def fit_inputs(piece):
    """Function for the inputs of a piece's jobs; dates of the fit that has to be made before do not matter."""

    def inputs(wildcards):
        fits = fits_of(piece, wildcards)
        before = planning.job_before(fits)
        return planning.job_inputs(fits) | ({"before": [ancient(path) for path in before]} if before else {})

    return inputs


def take_over(common, name):
    """What the command line or a profile says of threads and resources of ``common`` counts for ``name``, too."""
    settings = workflow.resource_settings
    for said in (settings._parsed_overwrite_threads, settings._parsed_overwrite_resources):
        if common in said:
            said[name] = said[common]


def group_of(common):
    """Function for the group of jobs: that of ``common``, where a profile groups jobs."""
    return lambda wildcards: workflow.group_settings.overwrite_groups.get(common)


def code_of(entry, without=()):
    """The library files that a notebook or module imports, transitively."""
    path = ROOT / entry if entry.endswith(".ipynb") else entry
    files = closure.closure(path, ROOT / "scripts", without)
    return [str(SCRIPTS / Path(file).relative_to(ROOT / "scripts")) for file in files]


def made_as(path):
    """The file or the folder above it that a rule makes; None where none does."""
    paths = [path, *map(str, PurePosixPath(path).parents)]
    return next((one for one in paths if any(rule.is_producer(one) for rule in workflow.rules)), None)


def results():
    """What a run makes, and what it makes again: that may be what nothing missing asks for."""
    again = TALLY.again if workflow.is_main_process else []
    return list(dict.fromkeys([*(path for study in STUDIES.values() for path in planning.targets(study)), *again]))


# ---- the report ------------------------------------------------------------------------------------------

# tables of every study that the report shows as pages, since it only offers a bare CSV for download
PAGES = {name: page for study in CHECKED for name, page in planning.tables(study).items()}


def summary_files(summary):
    """Outputs of a summary's rule; the report shows those that have a label."""
    return {
        file.name: in_report(file.path, summary.category, "summary", **file.labels) if file.labels else file.path
        for file in summaries.outputs(summary)
    }


def in_report(path, category, caption=None, **labels):
    """An output that the report shows, with its caption in workflow/report: by default that of the file's name."""
    caption = f"../report/{caption or PurePosixPath(path).stem}.rst"
    return report(path, caption=caption, category=category, labels={"study": "{study}", **labels})


# The captions of summaries stand in their declarations: report/summary.rst finds them here, by notebook.
config = {
    **config,
    "captions": {
        str(HERE / summaries.notebook(summary, name)): summaries.caption(summary)
        for name, own in FAMILIES.items()
        for summary in own.summaries
    },
}


# ---- resources: what a cluster is asked for; docs/cluster.md has the measurements behind them --------------------

# a job on a node stands beside two Snakemake processes of about 95 MB each
SNAKEMAKE_MB = 200
# a table is about so many times the size of its packed file
UNPACKED = 8
PACKED = (".gz", ".xz", ".bz2", ".zip", ".parquet")


def scaled(amount):
    """A resource that grows with every attempt."""
    return lambda wildcards, attempt: amount * attempt


def memory(floor, each=0, of=None):
    """MB of a job: ``floor``, ``each`` MB more for every MB of the input ``of``, and what Snakemake takes beside it."""
    return lambda wildcards, input, attempt: attempt * (SNAKEMAKE_MB + floor + ceil(each * megabytes(input, of)))


def minutes(floor, each, of):
    """Minutes of a job: ``floor``, and ``each`` more for every MB of the input ``of``."""
    return lambda wildcards, input, attempt: attempt * (floor + ceil(each * megabytes(input, of)))


def megabytes(input, name):
    """Size of an input's files, as if unpacked; one that is not there yet counts nothing until it is there."""
    paths = input.get(name, [])
    paths = [paths] if isinstance(paths, str) else paths
    there = [path for path in paths if os.path.exists(path)]
    return sum(os.path.getsize(path) * (UNPACKED if path.endswith(PACKED) else 1) for path in there) / 1e6


def retried(times):
    """Retries of a rule; none on a node, where another attempt would get the memory and time of the one that failed."""
    return times if workflow.is_main_process else 0


def this_attempt(wildcards, attempt):
    return attempt
