"""What the workflow plans for checked studies: inputs and parameters of fits, files to make, files to mend first.

Paths are relative to the working directory. No Snakemake here: rules ask these functions.
"""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from proxsweep.config import resolved as resolved_config
from proxsweep.families import family
from proxsweep.family import Family
from proxsweep.io.errors import UserError
from proxsweep.jobs import integrity, timestamps
from proxsweep.sweep import grid, limits
from proxsweep.sweep.grid import Fit
from proxsweep.sweep.study import Study


def with_refits(studies: Iterable[Study]) -> dict[str, Study]:
    """Studies by name, each followed by its refits, whose names are paths below its own."""
    return {one.name: one for study in studies for one in (study, *family(study.family).refits(study))}


def fit_outputs(own: Family) -> dict[str, str]:
    """Files that every fit of a family writes into its folder, by the name that its rule gives them."""
    names = ("fit.ipynb", "record.json", "parameters.npz", *own.fit_outputs, "trace.csv")
    return {"notebook" if name == "fit.ipynb" else Path(name).stem: name for name in names}


def folder(fit: Fit) -> str:
    """Where the files of a fit lie."""
    return f"results/{fit.study.name}/fits/{fit.parts}"


def encoding(fit: Fit) -> str:
    """The file of data that a fit reads."""
    return f"results/{fit.study.name}/{family(fit.study.family).encoding(fit.labels)}"


def encodings(study: Study) -> list[str]:
    """The files of data that the fits of a study read, each once."""
    return list(dict.fromkeys(encoding(fit) for fit in grid.full(study)))


def neighbour(fit: Fit) -> str | None:
    """Parameters of the fit that this one starts from, where it does."""
    other = grid.neighbour(fit) if family(fit.study.family).uses_neighbour(fit.spec()) else None
    return None if other is None else f"{folder(other)}/parameters.npz"


def fit_inputs(fit: Fit) -> dict[str, str]:
    """Files that the numbers of a fit depend on, by the name of the notebook's parameter."""
    own = family(fit.study.family).fit_inputs(fit)
    started = neighbour(fit)
    return {
        "encoding": encoding(fit),
        **{name: f"results/{fit.study.name}/{path}" for name, path in own.items()},
        **({"neighbour": started} if started else {}),
    }


def fit_parameters(fit: Fit) -> dict[str, Any]:
    """Parameters of the notebook of a fit."""
    spec = fit.spec()
    spec["solver"] = limits.solver(f"{folder(fit)}/record.json", spec)
    return {
        "spec": spec,
        "folder": folder(fit),
        "checkpoint": f"results/{fit.study.name}/checkpoints/{fit.parts}.npz",
        **fit_inputs(fit),
    }


def unchanged_inputs(study: Study) -> set[str]:
    """Inputs of finished fits that will be the same bytes again, though their jobs are run again for changed data.

    Raises
    ------
    UserError
        For what the data of today have wrong.
    """
    return {f"results/{study.name}/{path}" for path in family(study.family).unchanged_files(study)}


def signs(study: Study) -> list[str]:
    """The table that estimates the share of false findings, where the family has one."""
    path = family(study.family).signs
    return [] if path is None else [f"results/{study.name}/{path}"]


def records(study: Study) -> list[str]:
    """Records of all fits of a study."""
    return [f"{folder(fit)}/record.json" for fit in grid.table(study)]


def targets(study: Study) -> list[str]:
    """Files that a run of a study makes."""
    own = family(study.family)
    wanted = ["fits.csv", "status.csv", "notebooks/html", *own.targets(study)]
    wanted += ["strict.txt"] if study.strict else []
    if not study.refit_of:
        wanted += ["config.yaml", "reproducibility.html", *(f"pages/{name}.html" for name in tables(study))]
        wanted += [f"figures/{summary.name}.svg" for summary in own.summaries if summary.wanted(study)]
    return [f"results/{study.name}/{path}" for path in wanted]


def resolved(study: Study) -> dict[str, Any]:
    """The config of a study as it runs, every default filled in."""
    return resolved_config.values(study, family(study.family).as_written)


def tables(study: Study) -> dict[str, tuple[str, str]]:
    """Tables that the report shows as pages: category and label by the table's path without its suffix."""
    common = {
        "fits": ("Convergence", "every fit, sortable"),
        "status": ("Convergence", "how every job ended, sortable"),
    }
    return {**common, **family(study.family).tables}


def remove_damaged(study: Study, dry_run: bool) -> Iterator[str]:
    """Take damaged outputs away before anything is planned, so that their jobs run again; a dry run only tells.

    The table of fits goes with a record: Snakemake makes what is missing only for something else that is missing.
    """
    damaged = {f"{folder(fit)}/record.json": integrity.check_fit(folder(fit)) for fit in grid.table(study)}
    damaged |= {path: integrity.check_archive(path) for path in encodings(study)}
    for path in [path for path, fault in damaged.items() if fault]:
        # message: A file of a finished fit, or an encoding, was cut off or overwritten after it was written, as the
        # lines below say. It is removed with the study's `fits.csv`, and made again; a dry run only tells. | Nothing
        # now. If it comes again, look for the cause: a full disk, a copy that stopped, a program that synchronises
        # folders.
        yield f"{path}: {damaged[path]}; it is made again"
        if not dry_run:
            Path(path).unlink(missing_ok=True)
            Path(f"results/{study.name}/fits.csv").unlink(missing_ok=True)


def clamp_dates(study: Study) -> Iterator[str]:
    """Date what is dated in the future as of now, before anything is planned."""
    if number := timestamps.clamp_future_mtimes(f"results/{study.name}"):
        # message: The clock of the machine that made them was ahead, and has been put right. | Nothing, unless you
        # changed a table since then: the change may not be noticed. Then run once with `--forcerun preprocess`.
        yield (
            f"results/{study.name}: {number} files are dated in the future, by a clock that was wrong; now"
            " they are dated as of now. What was changed since then is not noticed: see docs/troubleshooting.md"
        )


def write_status_tables(studies: Iterable[Study]) -> Iterator[str]:
    """After a failed run: the status table of every study that has begun, with what failed and where it is kept."""
    from proxsweep.io import files
    from proxsweep.sweep import collect

    for study in studies:
        if not os.path.isdir(f"results/{study.name}"):
            continue
        path = f"results/{study.name}/status.csv"
        try:
            files.write_csv(path, collect.status_table(grid.plan(grid.table(study))))
        except (OSError, UserError) as error:  # the disk that ended the run is full still
            # message: The disk that ended the run is full still. | Make room, then run again.
            yield f"no table of how every fit of study {study.name} ended: {error}"
            continue
        # message: Not an error: said after any run that failed. | Open the table. Fits without a record are `failed`,
        # also those that had not begun.
        yield f"How every fit of study {study.name} ended: {path}"
