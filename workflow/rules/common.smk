import _thread
import contextlib
import functools
import json
import os
import re
import shlex
import signal
import sys
from math import ceil
from pathlib import Path, PurePosixPath

from snakemake.exceptions import WorkflowError

ROOT = Path(str(workflow.current_basedir)).resolve().parents[1]
if str(ROOT / "scripts") not in sys.path:
    sys.path.insert(0, str(ROOT / "scripts"))

from proxsweep.jobs import timestamps, closure, integrity
from proxsweep import studies as configuration
from proxsweep.io import downloads, files
from proxsweep.report import summary as summaries
from proxsweep.sweep import limits, grid
from proxsweep.config import resolved
from proxsweep.io.errors import UserError
from proxsweep.dms.summaries.table import encodings

# relative where possible, so that a moved or copied project does not look changed
HERE = Path() if ROOT == Path.cwd().resolve() else ROOT
SCRIPTS = HERE / "scripts"
CONDA = "conda" in str(workflow.deployment_settings.deployment_method).lower()
PYTHON = "python" if CONDA else sys.executable
# The command of every rule, `proxsweep`, is this tree's: whatever is installed, whatever the environment is called.
# XLA takes its number of threads from NPROC; Snakemake sets the variables that other libraries read.
COMMAND = (
    f'NPROC="${{OMP_NUM_THREADS:-1}}" PYTHONPATH={shlex.quote(str(ROOT / "scripts"))}'
    f" {shlex.quote(PYTHON)} -m proxsweep"
)
shell.prefix(f'proxsweep() {{ {COMMAND} "$@"; }}; '.replace("{", "{{").replace("}", "}}"))
RUN_NOTEBOOK = (
    "proxsweep notebook {input.notebook:q} --output {output.notebook:q} --kept {params.kept:q}"
    " --parameters {params.parameters:q} --threads {threads} --attempt {resources.attempt} > {log:q} 2>&1"
)


def end(number, frame):
    sys.exit(128 + number)


# Snakemake has no handler of SIGTERM until its first job, and none of SIGHUP, which comes when a terminal is closed: a
# process that simply ended would leave the folder locked. What is ignored, as under nohup, stays ignored.
if workflow.is_main_process:
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) == signal.SIG_DFL:
            signal.signal(number, end)


def hear_beside():
    """Let Snakemake's handler of SIGTERM wait for its lock in a thread of its own.

    In the main thread, where Python calls it, it waits for ever if a signal comes while that thread holds the lock.
    """
    handler = signal.getsignal(signal.SIGTERM)
    if callable(handler):
        with contextlib.suppress(ValueError):  # not in the main thread: then there is no handler of Snakemake's either
            signal.signal(signal.SIGTERM, lambda *arguments: _thread.start_new_thread(handler, arguments))


def read_studies():
    try:
        return configuration.from_config(
            config,
            files=[str(path) for path in workflow.configfiles],
            command_line=workflow.config_settings.config or {},
            base=Path(),
        )
    except UserError as error:
        # not an exception: Snakemake would print where in this file it was raised
        sys.exit(f"proxsweep: {error}")


# with the same studies under other references, each below the folder of its own
STUDIES = {one.name: one for study in read_studies() for one in (study, *grid.refits(study))}
REPLICATES = sorted({label for study in STUDIES.values() for label in study.sweep["replicate"]})


# ---- tables of a study -------------------------------------------------------------------------------


def source(study):
    """The study whose tables it reads: a refit has those of the study that it refits."""
    return study.refit_of or study.name


def table_path(study, table):
    address = table["func_scores"]
    return downloads.path(source(study), address, table["sha256"]) if downloads.is_address(address) else address


def wanted_downloads():
    """Downloads that are not there yet, by path below the study's downloads folder."""
    wanted = {}
    for study in STUDIES.values():
        for table in study.tables:
            path = table_path(study, table)
            if downloads.is_address(table["func_scores"]) and not os.path.exists(path):
                wanted[path] = table
    return wanted


# A file that is there is a plain input: looking at an address again would need the network at every run.
WANTED = wanted_downloads()
FOUND = set()
DOWNLOADS = sorted(PurePosixPath(path).name for path in WANTED)


def download(wildcards):
    return WANTED[f"results/{wildcards.study}/data/downloads/{wildcards.download}"]


def there(wildcards):
    """No file; refuses an address without one before anything is run. Each is asked once, and not again by jobs."""
    address = download(wildcards)["func_scores"]
    if workflow.is_main_process and address not in FOUND:
        try:
            downloads.look(address)
        except UserError as error:
            sys.exit(f"proxsweep: {error}")
        FOUND.add(address)
    return []


def tables(wildcards):
    study = STUDIES[wildcards.study]
    if study.data["simulate"] is not None:
        return [f"results/{source(study)}/data/func_scores.csv"]
    return [table_path(study, table) for table in study.tables]


def site_map(wildcards):
    path = STUDIES[wildcards.study].data["site_map"]
    return [] if path is None else [path]


PREPROCESS_KEYS = (
    "func_scores sha256 conditions columns replicates drop min_pre_count pseudocount subtract_wildtype clip"
    " self_substitution variant_weights collapse unknown_wildtype site_map"
).split()
ENCODE_KEYS = "conditions collapse variant_weights min_times_seen unknown_wildtype bundle_sites".split()


def data_spec(study, keys):
    data = {key: study.data[key] for key in keys if key in study.data}
    return json.dumps({"study": study.name, "reference": study.reference, "data": data})


def simulate_spec(wildcards):
    return json.dumps(STUDIES[wildcards.study].data["simulate"])


# ---- fits ------------------------------------------------------------------------------------------------


@functools.cache
def fits_by_parts(study):
    """All fits of a study by their part of a path: looked up for every job, of which there may be thousands."""
    return {fit.parts: fit for fit in grid.table(STUDIES[study])}


def remove_damaged():
    """Take damaged outputs away before anything is planned, so that their jobs run again; a dry run only tells.

    The table of fits goes with a record: Snakemake makes what is missing only for something else that is missing.
    """
    for study in STUDIES.values():
        fits = [f"results/{study.name}/fits/{fit.parts}" for fit in grid.table(study)]
        encodings = [f"results/{study.name}/encodings/replicate~{label}.npz" for label in study.sweep["replicate"]]
        damaged = {f"{folder}/record.json": integrity.of_fit(folder) for folder in fits}
        damaged |= {path: integrity.of_encoding(path) for path in encodings}
        for path in [path for path, fault in damaged.items() if fault]:
            logger.warning(f"proxsweep: {path}: {damaged[path]}; it is made again")
            if not workflow.output_settings.dryrun:
                Path(path).unlink(missing_ok=True)
                Path(f"results/{study.name}/fits.csv").unlink(missing_ok=True)


def settle_dates():
    """Date what is dated in the future as of now, before anything is planned."""
    for study in STUDIES.values():
        if number := timestamps.settle(f"results/{study.name}"):
            logger.warning(
                f"proxsweep: results/{study.name}: {number} files are dated in the future, by a clock that was wrong; now"
                " they are dated as of now. What was changed since then is not noticed: see docs/troubleshooting.md"
            )


if workflow.is_main_process:
    remove_damaged()
if workflow.is_main_process and not workflow.output_settings.dryrun:
    settle_dates()


def find_fit(wildcards):
    known = fits_by_parts(wildcards.study)
    try:
        return known.get(wildcards.fit) or grid.find(STUDIES[wildcards.study], wildcards.fit)
    except UserError as error:
        raise WorkflowError(str(error)) from None


def encoding_of(wildcards):
    return f"results/{wildcards.study}/encodings/replicate~{find_fit(wildcards).labels['replicate']}.npz"


def report_of(wildcards):
    return f"results/{wildcards.study}/encodings/replicate~{find_fit(wildcards).labels['replicate']}.report.csv"


def neighbour_of(wildcards):
    """Parameters of the fit that this one starts from; none unless the study asks for the start `neighbour`."""
    other = grid.neighbour(find_fit(wildcards))
    return [] if other is None else [f"results/{wildcards.study}/fits/{other.parts}/parameters.npz"]


def fit_parameters(wildcards):
    fit = find_fit(wildcards)
    spec, folder = fit.spec(), f"results/{wildcards.study}/fits/{fit.parts}"
    spec["solver"] = limits.solver(f"{folder}/record.json", spec)
    return json.dumps(
        {
            "spec": spec,
            "encoding": encoding_of(wildcards),
            "preprocess_report": f"results/{wildcards.study}/data/preprocess.report.csv",
            "encoding_report": report_of(wildcards),
            "folder": folder,
            "checkpoint": f"results/{wildcards.study}/checkpoints/{fit.parts}.npz",
            "neighbour": next(iter(neighbour_of(wildcards)), None),
        }
    )


def records(wildcards):
    study = STUDIES[wildcards.study]
    return [f"results/{study.name}/fits/{fit.parts}/record.json" for fit in grid.table(study)]


def without_lasso(study):
    """One fit for every combination of what is swept but the lasso weight."""
    return [fit for fit in grid.full(study) if fit.values["lasso"] == study.sweep["lasso"][0]]


def encodings_of(wildcards):
    return encodings(STUDIES[wildcards.study])


def lasso_max_spec(wildcards):
    fits = [fit.spec() for fit in without_lasso(STUDIES[wildcards.study])]
    for spec in fits:  # which weights are swept changes nothing here, nor how long their fits may take
        del spec["fit"]["lasso"], spec["labels"]["lasso"]
        spec["solver"]["max_seconds"] = None
    return json.dumps({"fits": fits, "encodings": encodings_of(wildcards)})


def outline(wildcards):
    return json.dumps(grid.outline(STUDIES[wildcards.study]))


# ---- summaries ---------------------------------------------------------------------------------------------

# declarations by family, and what the names of its rules begin with: those of the first family are bare
SUMMARIES = {name: family.SUMMARIES for name, family in configuration.FAMILIES.items()}
PREFIXES = {name: f"{name}_" if number else "" for number, name in enumerate(SUMMARIES)}


def summaries_of(study):
    """Names of the summaries that a study gets."""
    return [summary.name for summary in summaries.of_study(SUMMARIES[study.family], study)]


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
        str(HERE / summaries.notebook(summary, family)): summaries.caption(summary)
        for family, declared in SUMMARIES.items()
        for summary in declared
    },
}


def code_of(entry):
    """The library files that a notebook or module imports, transitively."""
    path = ROOT / entry if entry.endswith(".ipynb") else entry
    return [str(SCRIPTS / Path(file).relative_to(ROOT / "scripts")) for file in closure.closure(path, ROOT / "scripts")]


def results():
    wanted = []
    for study in STUDIES.values():
        folder = f"results/{study.name}"
        wanted += [f"{folder}/fits.csv", f"{folder}/status.csv", f"{folder}/notebooks/html"]
        wanted += [f"{folder}/encodings/replicate~{label}.npz" for label in study.sweep["replicate"]]
        wanted += [f"{folder}/strict.txt"] if study.strict else []
        if study.refit_of:
            continue
        wanted += [f"{folder}/chosen.csv", f"{folder}/shifts.csv", f"{folder}/page.html", f"{folder}/lasso_max.csv"]
        wanted += [f"{folder}/tables/shifts_by_reference.csv"]
        wanted += [f"{folder}/config.yaml", f"{folder}/reproducibility.html"]
        wanted += [f"{folder}/pages/{table}.html" for table in PAGES]
        wanted += [f"{folder}/figures/{name}.svg" for name in summaries_of(study)]
    return wanted


# tables of every study that the report shows as pages, since it only offers a bare CSV for download
PAGES = {
    "fits": ("Convergence", "every fit, sortable"),
    "status": ("Convergence", "how every job ended, sortable"),
    "chosen": ("Choice of the lasso weight", "the weights chosen, sortable"),
    "shifts": ("Confidence", "shifts at the chosen weight, sortable"),
    "data/report": ("Data", "what happened to the data, sortable"),
}


# ---- resources: what a cluster is asked for; docs/cluster.md has the measurements behind them --------------------

# a job on a node stands beside two Snakemake processes of about 95 MB each
SNAKEMAKE_MB = 200
# a table of variants is about so many times the size of its compressed file
GZIP = 8


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
    sizes = [os.path.getsize(path) * (GZIP if path.endswith(".gz") else 1) for path in paths if os.path.exists(path)]
    return sum(sizes) / 1e6


def retried(times):
    """Retries of a rule; none on a node, where another attempt would get the memory and time of the one that failed."""
    return times if workflow.is_main_process else 0


def this_attempt(wildcards, attempt):
    return attempt


# ---- small helpers -------------------------------------------------------------------------------------------


def one_of(names):
    return "|".join(re.escape(name) for name in names) or "(?!)"


def tell_status():
    """After a failed run: the status table of every study that has begun, with what failed and where it is kept."""
    from proxsweep.sweep import collect

    for study in STUDIES.values():
        if os.path.isdir(f"results/{study.name}"):
            path = f"results/{study.name}/status.csv"
            try:
                files.write_csv(path, collect.status_table(grid.plan(grid.table(study))))
            except (OSError, UserError) as error:  # the disk that ended the run is full still
                logger.warning(f"proxsweep: no table of how every fit of study {study.name} ended: {error}")
                continue
            logger.info(f"How every fit of study {study.name} ended: {path}")


def fit_notebook(wildcards):
    return str(HERE / f"notebooks/{STUDIES[wildcards.study].family}/fit.ipynb")


FIT_CODE = {family: code_of(f"notebooks/{family}/fit.ipynb") for family in {study.family for study in STUDIES.values()}}


def fit_code(wildcards):
    return FIT_CODE[STUDIES[wildcards.study].family]
