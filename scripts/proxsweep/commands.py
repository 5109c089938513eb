"""Commands that every family has. Each rule of the workflow runs one command; others are for users.

Imports stand inside: a command loads what it needs and no more.
"""

import argparse
import sys
from pathlib import Path

from proxsweep.command import Command, json_option
from proxsweep.families import DEFAULT, FAMILIES
from proxsweep.io.errors import UserError


def _plan_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("configs", type=Path, nargs="+", help="config files, later ones on top")
    parser.add_argument("--cores", type=int, default=1)


def _plan(arguments: argparse.Namespace) -> None:
    from proxsweep import cost, planning, studies, tally

    found = studies.from_config(studies.load(arguments.configs), arguments.configs, {})
    print(cost.show({study.name: cost.cost(study) for study in found}, arguments.cores))
    for line in tally.Tally(planning.with_refits(found).values()).counts():
        print(line)
    for line in planning.foreseen(found):
        print(line)


def _check_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", type=Path, help="results/{study}, or the folder of one fit")
    parser.add_argument("--encoding", type=Path, help="of one fit: the encoding that was fitted")
    parser.add_argument("--output", type=Path, help="the table as CSV")


def _check(arguments: argparse.Namespace) -> None:
    from proxsweep.check import check, show
    from proxsweep.io.files import write_csv

    report = check(arguments.folder, arguments.encoding)
    print(show(report))
    if arguments.output:
        write_csv(arguments.output, report.table)
    if report.disagreements:
        plural = "s" if report.wrong_tables > 1 else ""
        tables = f" and in {report.wrong_tables} table{plural} of all fits" if report.wrong_tables else ""
        wrong = f"{report.wrong_fits} of {len(report.table)} fits{tables}"
        found = f"{len(report.disagreements)} disagreements in {wrong}, listed above"
        # message: `proxsweep check` computed something else than the files say: they were edited or mixed, or a run is
        # replacing them. | Make the fits listed again, or remove the tables listed and run the workflow; if it stays,
        # it is a fault of the program. What is compared is in [certificate.md](certificate.md).
        raise UserError(str(arguments.folder), found, "files that agree with each other and with what they claim")


def _strays_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--plan", type=Path, required=True)
    parser.add_argument("--remove", action="store_true", help="delete them")


def _strays(arguments: argparse.Namespace) -> None:
    import shutil

    from proxsweep.io import reading
    from proxsweep.sweep import collect

    fits = reading.plan(arguments.plan)["fits"]
    for path in collect.orphaned_fits(arguments.plan.parent, [fit["path"] for fit in fits]):
        print(path)
        if arguments.remove and Path(path).is_dir():
            shutil.rmtree(path)
        elif arguments.remove:
            Path(path).unlink()


def _efficiency_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", type=Path, help="results/{study}")
    parser.add_argument("--output", type=Path, help="the table as CSV")


def _efficiency(arguments: argparse.Namespace) -> None:
    from proxsweep.io.files import write_csv
    from proxsweep.jobs import efficiency

    table = efficiency.table(arguments.folder)
    print(efficiency.show(table))
    if arguments.output:
        write_csv(arguments.output, table)


def _reproducibility_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", type=Path, help="results/{study}, from where the workflow ran")
    parser.add_argument("--table", type=Path, help="the checks as CSV")
    parser.add_argument("--page", type=Path, help="the checks as HTML")
    parser.add_argument(
        "--family", choices=FAMILIES, default=DEFAULT, help="family of the study (default: %(default)s)"
    )


def _reproducibility(arguments: argparse.Namespace) -> None:
    from proxsweep.families import family
    from proxsweep.io.files import write_csv
    from proxsweep.report import reproducibility

    table = reproducibility.check(arguments.folder, family(arguments.family))
    for row in table.itertuples():
        print(f"{'passed' if row.passed == 'yes' else 'FAILED'}: {row.check} ({row.found})")
    if arguments.table:
        write_csv(arguments.table, table)
    if arguments.page:
        reproducibility.write_page(table, arguments.folder.name, arguments.page)


def _notebook_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("notebook", type=Path)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--kept", type=Path, required=True, help="where a notebook that failed stays")
    parser.add_argument("--parameters", type=json_option, default={}, help="as JSON")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--attempt", type=int, default=1)


def _notebook(arguments: argparse.Namespace) -> None:
    import gc

    gc.disable()  # a tenth of the time that its imports take; what it makes later is little
    from proxsweep.jobs.notebook import run

    run(
        arguments.notebook,
        arguments.output,
        arguments.kept,
        arguments.parameters,
        arguments.threads,
        arguments.attempt,
    )


def _make_fits_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("job", type=json_option, help="outline of the study, and the fits by their paths, as JSON")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--attempt", type=int, default=1)


def _make_fits(arguments: argparse.Namespace) -> None:
    import gc

    gc.disable()  # as for a notebook
    from proxsweep import fit_job
    from proxsweep.sweep import grid, study

    found = study.from_outline(arguments.job["study"])
    fits = [grid.find(found, parts) for parts in arguments.job["fits"]]
    fit_job.run(fits, arguments.threads, arguments.attempt)


def _list_fits_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--outline", type=json_option, required=True, help="what names its fits, as JSON")
    parser.add_argument("--output", type=Path, required=True)


def _list_fits(arguments: argparse.Namespace) -> None:
    from proxsweep.io.files import write_json
    from proxsweep.sweep import grid, study

    found = study.from_outline(arguments.outline)
    fits = grid.plan(grid.table(found))
    write_json(arguments.output, {"study": found.name, "fits": fits})
    print(f"{len(fits)} fits planned")


def _collect_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--plan", type=Path, required=True)
    parser.add_argument("--fits", type=Path, required=True)
    parser.add_argument("--status", type=Path, required=True)
    parser.add_argument("--strays", type=Path, required=True)


def _collect(arguments: argparse.Namespace) -> None:
    import pandas as pd

    from proxsweep.io import reading
    from proxsweep.io.files import write_csv
    from proxsweep.sweep import collect

    fits = reading.plan(arguments.plan)["fits"]
    write_csv(arguments.status, collect.status_table(fits))
    strays = collect.orphaned_fits(arguments.plan.parent, [fit["path"] for fit in fits])
    write_csv(arguments.strays, pd.DataFrame({"path": strays}))
    for path, reason in collect.failures(fits).items():
        # message: passed on
        print(f"{path}: {reason}", file=sys.stderr)
    write_csv(arguments.fits, collect.collect(fits))


def _choose_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--fits", type=Path, required=True, help="fits.csv")
    parser.add_argument("--evidence", type=Path, help="table that a rule of the family's own reads, as CSV")
    parser.add_argument("--chosen", type=json_option, required=True, help="the config's section, as JSON")
    parser.add_argument(
        "--family", choices=FAMILIES, default=DEFAULT, help="family of the study (default: %(default)s)"
    )
    parser.add_argument("--validated", type=Path, required=True, help="held-out losses, as CSV")
    parser.add_argument("--output", type=Path, required=True)


def _choose(arguments: argparse.Namespace) -> None:
    from proxsweep.families import family
    from proxsweep.io.files import write_csv
    from proxsweep.sweep import chosen

    own = family(arguments.family)
    validated, found = chosen.make(arguments.fits, arguments.evidence, arguments.chosen, own.roles, own.rules)
    write_csv(arguments.validated, validated)
    write_csv(arguments.output, found)


def _strict_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("fits", type=Path, help="fits.csv of a study")


def _strict(arguments: argparse.Namespace) -> None:
    from proxsweep.sweep import fits

    table = fits.read(arguments.fits, ["status", "relative_residual", "path"])
    bad = table[table["status"] != "converged"]
    for row in bad.to_dict("records"):
        # message: passed on
        print(
            f"{row['status']}: {row['path']} (relative residual {row['relative_residual']:.2e})",
            file=sys.stderr,
        )
    if len(bad):
        found = f"{len(bad)} of {len(table)} fits that did not converge, listed above"
        # message: `strict` was asked for, in the config or as the target `snakemake strict`. All results are there. |
        # Raise the limits of the fits listed in `logs/mine/strict.log` ([how a fit ended](#how-a-fit-ended)), or take
        # `strict` back.
        raise UserError(str(arguments.fits), found, "only converged fits, as `strict` asks")
    print(f"all {len(table)} fits converged")


def _stack_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("tables", type=Path, nargs="+")
    parser.add_argument("--output", type=Path, required=True)


def _stack(arguments: argparse.Namespace) -> None:
    from proxsweep.io.files import write_csv
    from proxsweep.report import dropped

    write_csv(arguments.output, dropped.stacked(arguments.tables))


def _index_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--plan", type=Path, required=True)
    parser.add_argument("--fits", type=Path, required=True, help="fits.csv of the study")
    parser.add_argument("--summaries", type=Path, nargs="*", default=[])
    parser.add_argument("--output", type=Path, required=True)


def _index(arguments: argparse.Namespace) -> None:
    from proxsweep.families import family
    from proxsweep.io import reading
    from proxsweep.report import notebook_index
    from proxsweep.sweep import fits
    from proxsweep.sweep.grid import PARTIAL, path_folder
    from proxsweep.sweep.pieces import off_path

    plan = reading.plan(arguments.plan)
    table = fits.read(arguments.fits, ["path", "status", "relative_residual"]).set_index("path")
    entries = [{"path": path, "labels": {}} for path in arguments.summaries]
    parts = [fit for fit in plan["fits"] if set(PARTIAL) & set(fit["labels"])]
    paths: dict[str, dict] = {}
    for fit in parts:
        labels = off_path(fit["labels"], family(fit["family"]).roles)
        folder = path_folder(labels)
        path = {"path": arguments.plan.parent / "paths" / folder / "path.ipynb", "labels": labels, "statuses": []}
        paths.setdefault(folder, path)["statuses"] += table.loc[table.index == fit["path"], "status"].tolist()
    entries += paths.values()
    for fit in plan["fits"]:
        if set(PARTIAL) & set(fit["labels"]):
            continue
        if list(table.index).count(fit["path"]) != 1:
            # message: `fits.csv` and `plan.json` are not of one run. | Remove both, and run again.
            raise UserError(str(arguments.fits), f"not one row of {fit['path']}", "a row for each fit of the plan")
        row = table.loc[fit["path"]]
        entry = {"path": Path(fit["path"]) / "fit.ipynb", "labels": fit["labels"], "status": row["status"]}
        entries.append({**entry, "relative_residual": row["relative_residual"]})
    notebook_index.build(entries, arguments.output, f"Study {plan['study']}")


def _table_page_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("table", type=Path)
    parser.add_argument("--output", type=Path, required=True)


def _table_page(arguments: argparse.Namespace) -> None:
    from proxsweep.report import table_page

    table_page.write(arguments.table, arguments.output)


def _write_config_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--config", type=json_option, required=True, help="as JSON")
    parser.add_argument("--output", type=Path, required=True)


def _write_config(arguments: argparse.Namespace) -> None:
    from proxsweep.config import resolved
    from proxsweep.io.files import write_text

    write_text(arguments.output, resolved.text(arguments.config))


COMMANDS = (
    Command("plan", "What a sweep will cost: fits, core-hours, hours and disk.", _plan_options, _plan, for_users=True),
    Command("check", "Recompute what fits claim, from their files alone.", _check_options, _check, for_users=True),
    Command("strays", "List fits that left the config.", _strays_options, _strays, for_users=True),
    Command(
        "efficiency",
        "Memory and time that jobs asked for and used, by rule.",
        _efficiency_options,
        _efficiency,
        for_users=True,
    ),
    Command(
        "reproducibility",
        "Check whether others could get a study's results again.",
        _reproducibility_options,
        _reproducibility,
        for_users=True,
    ),
    Command("notebook", "Execute one parameterized notebook in a kernel of its own.", _notebook_options, _notebook),
    Command("make-fits", "Make the fits of a path, in one kernel.", _make_fits_options, _make_fits),
    Command("list-fits", "The fits that a study asks for.", _list_fits_options, _list_fits),
    Command("collect", "Records of all fits of a study to one table.", _collect_options, _collect),
    Command("choose", "The fits that a study goes on with.", _choose_options, _choose),
    Command("strict", "Fail if any fit has not converged.", _strict_options, _strict),
    Command("stack", "Several tables with the same columns below each other.", _stack_options, _stack),
    Command("index", "Executed notebooks of a study as HTML, with an index.", _index_options, _index),
    Command("table-page", "A CSV table as a page whose rows sort by a click.", _table_page_options, _table_page),
    Command("write-config", "A study's config, all defaults filled in, as YAML.", _write_config_options, _write_config),
)
