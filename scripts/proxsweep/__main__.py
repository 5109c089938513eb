"""The command line: ``python -m proxsweep COMMAND``. Each rule of the workflow runs one of these commands."""

import argparse
import errno
import json
import sys
from pathlib import Path

from proxsweep.errors import UserError

UNWRITABLE = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM)


def _simulate(arguments: argparse.Namespace) -> None:
    from proxsweep.dms.simulate import simulate
    from proxsweep.files import write_csv

    table, truth = simulate(arguments.spec)
    write_csv(arguments.truth, truth)
    write_csv(arguments.table, table)


def _fetch(arguments: argparse.Namespace) -> None:
    from proxsweep import downloads
    from proxsweep.dms.read import check_table

    downloads.fetch(arguments.address, arguments.output, lambda copy: check_table(copy, sha256=arguments.sha256))


def _preprocess(arguments: argparse.Namespace) -> None:
    from proxsweep.dms.preprocess import preprocess
    from proxsweep.files import write_csv

    done = preprocess(arguments.spec, arguments.tables)
    write_csv(arguments.report, done.report)
    write_csv(arguments.wildtypes, done.wildtypes)
    write_csv(arguments.variants, done.variants)


def _encode(arguments: argparse.Namespace) -> None:
    from proxsweep.dms.encode import encode_files
    from proxsweep.files import write_csv

    tables = arguments.variants, arguments.wildtypes
    encoding, report = encode_files(arguments.spec, *tables, arguments.replicate)
    write_csv(arguments.report, report)
    encoding.save(arguments.encoding)


def _stack(arguments: argparse.Namespace) -> None:
    import pandas as pd

    from proxsweep.dms import read
    from proxsweep.files import write_csv

    tables = [read.read_table(path, read.header(path)) for path in arguments.tables]
    for path, table in zip(arguments.tables, tables, strict=True):
        if list(table.columns) != list(tables[0].columns):
            raise UserError(f"{path}, header", "other columns", f"those of {arguments.tables[0]}")
    write_csv(arguments.output, pd.concat(tables, ignore_index=True))


def _notebook(arguments: argparse.Namespace) -> None:
    import gc

    gc.disable()  # a tenth of the time that its imports take; what it makes later is little
    from proxsweep.notebook import run

    run(
        arguments.notebook,
        arguments.output,
        arguments.kept,
        arguments.parameters,
        arguments.threads,
        arguments.attempt,
    )


def _list_fits(arguments: argparse.Namespace) -> None:
    from proxsweep import sweep
    from proxsweep.files import write_json

    study = sweep.from_outline(arguments.outline)
    fits = sweep.plan(sweep.table(study))
    write_json(arguments.output, {"study": study.name, "fits": fits})
    print(f"{len(fits)} fits planned")


def _collect(arguments: argparse.Namespace) -> None:
    import pandas as pd

    from proxsweep import collect, reading
    from proxsweep.files import write_csv

    fits = reading.plan(arguments.plan)["fits"]
    write_csv(arguments.status, collect.status_table(fits))
    strays = collect.strays(arguments.plan.parent, [fit["path"] for fit in fits])
    write_csv(arguments.strays, pd.DataFrame({"path": strays}))
    write_csv(arguments.fits, collect.collect(fits))


def _replicate_signs(arguments: argparse.Namespace) -> None:
    from proxsweep import fits
    from proxsweep.dms import replicate_signs
    from proxsweep.files import write_csv

    write_csv(arguments.output, replicate_signs.table(fits.finished(arguments.fits), arguments.min_times_seen))


def _choose(arguments: argparse.Namespace) -> None:
    from proxsweep import chosen
    from proxsweep.files import write_csv

    validated, found = chosen.make(arguments.fits, arguments.signs, arguments.chosen)
    write_csv(arguments.validated, validated)
    write_csv(arguments.output, found)


def _shifts(arguments: argparse.Namespace) -> None:
    from proxsweep import chosen, fits
    from proxsweep.dms import shifts
    from proxsweep.files import write_csv

    write_csv(arguments.output, shifts.table(fits.finished(arguments.fits), chosen.load(arguments.chosen)))


def _reread(arguments: argparse.Namespace) -> None:
    from proxsweep.dms import reread
    from proxsweep.files import write_csv

    done = reread.load(arguments.fit, arguments.reference)
    write_csv(arguments.output, done.fitted.mutations)
    for condition, intercept in done.intercepts.items():
        print(f"{condition}: latent phenotype {intercept:.10g} of the wildtype of {done.reference}")


def _shifts_by_reference(arguments: argparse.Namespace) -> None:
    from proxsweep import chosen, fits
    from proxsweep.dms import shifts_by_reference
    from proxsweep.files import write_csv

    found = shifts_by_reference.table(fits.finished(arguments.fits), chosen.load(arguments.chosen))
    write_csv(arguments.output, found)


def _page(arguments: argparse.Namespace) -> None:
    from proxsweep import chosen, fits
    from proxsweep.dms.page import page
    from proxsweep.files import write_text

    write_text(arguments.output, page.make(fits.finished(arguments.fits), chosen.load(arguments.chosen)))


def _index(arguments: argparse.Namespace) -> None:
    from proxsweep import fits, notebook_index, reading
    from proxsweep.sweep import PARTIAL

    plan = reading.plan(arguments.plan)
    table = fits.read(arguments.fits, ["path", "status", "relative_residual"]).set_index("path")
    entries = [{"path": path, "labels": {}} for path in arguments.summaries]
    for fit in plan["fits"]:
        if set(PARTIAL) & set(fit["labels"]):
            continue
        if list(table.index).count(fit["path"]) != 1:
            raise UserError(str(arguments.fits), f"not one row of {fit['path']}", "a row for each fit of the plan")
        row = table.loc[fit["path"]]
        entry = {"path": Path(fit["path"]) / "fit.ipynb", "labels": fit["labels"], "status": row["status"]}
        entries.append({**entry, "relative_residual": row["relative_residual"]})
    notebook_index.build(entries, arguments.output, f"Study {plan['study']}")


def _lasso_max(arguments: argparse.Namespace) -> None:
    from proxsweep.dms.lasso_max import lasso_max
    from proxsweep.files import write_csv

    spec = arguments.spec
    write_csv(arguments.output, lasso_max(spec["fits"], spec["encodings"]))


def _strict(arguments: argparse.Namespace) -> None:
    from proxsweep import fits

    table = fits.read(arguments.fits, ["status", "relative_residual", "path"])
    bad = table[table["status"] != "converged"]
    for row in bad.to_dict("records"):
        print(
            f"{row['status']}: {row['path']} (relative residual {row['relative_residual']:.2e})",
            file=sys.stderr,
        )
    if len(bad):
        found = f"{len(bad)} of {len(table)} fits that did not converge, listed above"
        raise UserError(str(arguments.fits), found, "only converged fits, as `strict` asks")
    print(f"all {len(table)} fits converged")


def _plan(arguments: argparse.Namespace) -> None:
    from proxsweep import config, plan

    studies = config.studies(config.load(arguments.configs), arguments.configs, {})
    print(plan.show({study.name: plan.cost(study) for study in studies}, arguments.cores))


def _efficiency(arguments: argparse.Namespace) -> None:
    from proxsweep import efficiency
    from proxsweep.files import write_csv

    table = efficiency.table(arguments.folder)
    print(efficiency.show(table))
    if arguments.output:
        write_csv(arguments.output, table)


def _write_config(arguments: argparse.Namespace) -> None:
    from proxsweep import resolved
    from proxsweep.files import write_text

    write_text(arguments.output, resolved.text(arguments.config))


def _table_page(arguments: argparse.Namespace) -> None:
    from proxsweep import table_page

    table_page.write(arguments.table, arguments.output)


def _reproducibility(arguments: argparse.Namespace) -> None:
    from proxsweep import reproducibility
    from proxsweep.files import write_csv

    table = reproducibility.check(arguments.folder)
    for row in table.itertuples():
        print(f"{'passed' if row.passed == 'yes' else 'FAILED'}: {row.check} ({row.found})")
    if arguments.table:
        write_csv(arguments.table, table)
    if arguments.page:
        reproducibility.write_page(table, arguments.folder.name, arguments.page)


def _strays(arguments: argparse.Namespace) -> None:
    import shutil

    from proxsweep import collect, reading

    fits = reading.plan(arguments.plan)["fits"]
    for path in collect.strays(arguments.plan.parent, [fit["path"] for fit in fits]):
        print(path)
        if arguments.remove and Path(path).is_dir():
            shutil.rmtree(path)
        elif arguments.remove:
            Path(path).unlink()


def _check(arguments: argparse.Namespace) -> None:
    from proxsweep.check import check, show
    from proxsweep.files import write_csv

    report = check(arguments.folder, arguments.encoding)
    print(show(report))
    if arguments.output:
        write_csv(arguments.output, report.table)
    if report.disagreements:
        wrong = len({path for path, _ in report.disagreements})
        found = f"{len(report.disagreements)} disagreements in {wrong} of {len(report.table)} fits, listed above"
        raise UserError(str(arguments.folder), found, "files that agree with each other and with what they claim")


def _fit(arguments: argparse.Namespace) -> None:
    from proxsweep.dms import fit_files
    from proxsweep.fit_options import spec_from_options

    spec = spec_from_options(arguments)
    checkpoint = arguments.output / "checkpoint.npz"
    done = fit_files.run(
        spec, arguments.encoding, arguments.output, neighbour=arguments.neighbour, checkpoint=checkpoint
    )
    best = done.best
    print(
        f"{best.status}: objective {best.objective:.10g}, relative residual {done.relative_residual:.2e}, "
        f"{best.iterations} iterations; files in {arguments.output}"
    )


def _predict(arguments: argparse.Namespace) -> None:
    from proxsweep.dms import predict
    from proxsweep.files import write_csv

    if arguments.output.suffix != ".csv":
        raise UserError("--output", repr(str(arguments.output)), "a name that ends in .csv")
    fit = predict.load(arguments.fit)
    columns = arguments.condition_column, arguments.substitutions_column
    table = predict.score(fit, arguments.variants, *columns)
    write_csv(arguments.output, table)
    print(predict.summary(fit, table), file=sys.stderr)


def _mapping(text: str) -> dict:
    """An option that is JSON; argparse names the option where it is not."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise argparse.ArgumentTypeError(f"found no JSON ({error}); expected a mapping") from None
    if not isinstance(found, dict):
        raise argparse.ArgumentTypeError(f"found JSON that is a {type(found).__name__}; expected a mapping")
    return found


def _parser(wanted: str) -> argparse.ArgumentParser:
    """All commands; the options of ``fit`` only where they are wanted, since they take a schema to list."""
    parser = argparse.ArgumentParser(prog="proxsweep", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(name: str, action, text: str) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=text, description=text)
        added.set_defaults(action=action)
        return added

    fit = command("fit", _fit, "Fit one encoding, without a notebook.")
    if wanted == "fit":
        from proxsweep.fit_options import add_options

        add_options(fit)

    predict = command("predict", _predict, "Score variants with a fit, from the files in its folder.")
    predict.add_argument("fit", type=Path, help="folder of a fit")
    predict.add_argument("variants", type=Path, help="table of variants (.csv, .tsv, or either with .gz)")
    predict.add_argument("--condition-column", default="condition")
    predict.add_argument("--substitutions-column", default="aa_substitutions", help="relative to the condition's own")
    predict.add_argument("--output", type=Path, required=True, help="table to write (.csv)")

    simulate = command("simulate", _simulate, "Simulate a deep mutational scan with known truth.")
    simulate.add_argument("--spec", type=_mapping, required=True, help="the config's simulate section, as JSON")
    simulate.add_argument("--table", type=Path, required=True)
    simulate.add_argument("--truth", type=Path, required=True)

    fetch = command("fetch", _fetch, "Copy a table from an address, and check it.")
    fetch.add_argument("address", help="with http or https")
    fetch.add_argument("--sha256")
    fetch.add_argument("--output", type=Path, required=True)

    preprocess = command("preprocess", _preprocess, "Tables of functional scores or counts to variants.")
    preprocess.add_argument("tables", type=Path, nargs="+")
    preprocess.add_argument("--spec", type=_mapping, required=True, help="study, data and reference, as JSON")
    preprocess.add_argument("--variants", type=Path, required=True)
    preprocess.add_argument("--wildtypes", type=Path, required=True)
    preprocess.add_argument("--report", type=Path, required=True)

    encode = command("encode", _encode, "Variants of one replicate to an encoding.")
    encode.add_argument("--spec", type=_mapping, required=True, help="study, data and reference, as JSON")
    encode.add_argument("--variants", type=Path, required=True)
    encode.add_argument("--wildtypes", type=Path, required=True)
    encode.add_argument("--replicate", required=True)
    encode.add_argument("--encoding", type=Path, required=True)
    encode.add_argument("--report", type=Path, required=True)

    stack = command("stack", _stack, "Several tables with the same columns below each other.")
    stack.add_argument("tables", type=Path, nargs="+")
    stack.add_argument("--output", type=Path, required=True)

    notebook = command("notebook", _notebook, "Execute one parameterized notebook in a kernel of its own.")
    notebook.add_argument("notebook", type=Path)
    notebook.add_argument("--output", type=Path, required=True)
    notebook.add_argument("--kept", type=Path, required=True, help="where a notebook that failed stays")
    notebook.add_argument("--parameters", type=_mapping, default={}, help="as JSON")
    notebook.add_argument("--threads", type=int, default=1)
    notebook.add_argument("--attempt", type=int, default=1)

    list_fits = command("list-fits", _list_fits, "The fits that a study asks for.")
    list_fits.add_argument("--outline", type=_mapping, required=True, help="what names its fits, as JSON")
    list_fits.add_argument("--output", type=Path, required=True)

    collect = command("collect", _collect, "Records of all fits of a study to one table.")
    collect.add_argument("--plan", type=Path, required=True)
    collect.add_argument("--fits", type=Path, required=True)
    collect.add_argument("--status", type=Path, required=True)
    collect.add_argument("--strays", type=Path, required=True)

    signs = command("replicate-signs", _replicate_signs, "Signs of shifts in pairs of replicates.")
    signs.add_argument("--fits", type=Path, required=True, help="fits.csv")
    signs.add_argument("--min-times-seen", type=int, default=1)
    signs.add_argument("--output", type=Path, required=True)

    choose = command("choose", _choose, "The fits that a study goes on with.")
    choose.add_argument("--fits", type=Path, required=True, help="fits.csv")
    choose.add_argument("--signs", type=Path, required=True, help="signs of shifts in pairs of replicates, CSV")
    choose.add_argument("--chosen", type=_mapping, required=True, help="the config's section, as JSON")
    choose.add_argument("--validated", type=Path, required=True, help="held-out losses, as CSV")
    choose.add_argument("--output", type=Path, required=True)

    shifts = command("shifts", _shifts, "The shifts of a study at the chosen weight, over replicates and refits.")
    shifts.add_argument("--fits", type=Path, required=True, help="fits.csv")
    shifts.add_argument("--chosen", type=Path, required=True, help="chosen.csv")
    shifts.add_argument("--output", type=Path, required=True)

    reread = command("reread", _reread, "Effects and shifts of a fit under another reference, without a refit.")
    reread.add_argument("fit", type=Path, help="folder of a fit")
    reread.add_argument("--reference", required=True, help="one of its conditions")
    reread.add_argument("--output", type=Path, required=True, help="table to write (.csv)")

    by_reference = command("shifts-by-reference", _shifts_by_reference, "The chosen shifts under every reference.")
    by_reference.add_argument("--fits", type=Path, required=True, help="fits.csv")
    by_reference.add_argument("--chosen", type=Path, required=True, help="chosen.csv")
    by_reference.add_argument("--output", type=Path, required=True)

    page = command("page", _page, "The interactive page of a study: effects and shifts by site, in one HTML file.")
    page.add_argument("--fits", type=Path, required=True, help="fits.csv")
    page.add_argument("--chosen", type=Path, required=True, help="chosen.csv")
    page.add_argument("--output", type=Path, required=True)

    index = command("index", _index, "Executed notebooks of a study as HTML, with an index.")
    index.add_argument("--plan", type=Path, required=True)
    index.add_argument("--fits", type=Path, required=True, help="fits.csv of the study")
    index.add_argument("--summaries", type=Path, nargs="*", default=[])
    index.add_argument("--output", type=Path, required=True)

    lasso_max = command("lasso-max", _lasso_max, "The smallest lasso weights that make every shift zero.")
    lasso_max.add_argument("--spec", type=_mapping, required=True, help="fits and encodings, as JSON")
    lasso_max.add_argument("--output", type=Path, required=True)

    strict = command("strict", _strict, "Fail if any fit has not converged.")
    strict.add_argument("fits", type=Path, help="fits.csv of a study")

    check = command("check", _check, "Recompute what fits claim, from their files alone.")
    check.add_argument("folder", type=Path, help="results/{study}, or the folder of one fit")
    check.add_argument("--encoding", type=Path, help="of one fit: the encoding that was fitted")
    check.add_argument("--output", type=Path, help="the table as CSV")

    plan = command("plan", _plan, "What a sweep will cost: fits, core-hours, hours and disk.")
    plan.add_argument("configs", type=Path, nargs="+", help="config files, later ones on top")
    plan.add_argument("--cores", type=int, default=1)

    efficiency = command("efficiency", _efficiency, "Memory and time that jobs asked for and used, by rule.")
    efficiency.add_argument("folder", type=Path, help="results/{study}")
    efficiency.add_argument("--output", type=Path, help="the table as CSV")

    write_config = command("write-config", _write_config, "A study's config, all defaults filled in, as YAML.")
    write_config.add_argument("--config", type=_mapping, required=True, help="as JSON")
    write_config.add_argument("--output", type=Path, required=True)

    table_page = command("table-page", _table_page, "A CSV table as a page whose rows sort by a click.")
    table_page.add_argument("table", type=Path)
    table_page.add_argument("--output", type=Path, required=True)

    again = command("reproducibility", _reproducibility, "Check whether others could get a study's results again.")
    again.add_argument("folder", type=Path, help="results/{study}, from where the workflow ran")
    again.add_argument("--table", type=Path, help="the checks as CSV")
    again.add_argument("--page", type=Path, help="the checks as HTML")

    strays = command("strays", _strays, "List fits that left the config.")
    strays.add_argument("--plan", type=Path, required=True)
    strays.add_argument("--remove", action="store_true", help="delete them")
    return parser


def main(arguments: list[str] | None = None) -> int:
    """Run one command; the exit code is 0, 1 for a notebook that failed, 2 for something the user can put right."""
    arguments = sys.argv[1:] if arguments is None else arguments
    parsed = _parser(arguments[0] if arguments else "").parse_args(arguments)
    try:
        parsed.action(parsed)
    except UserError as error:
        print(f"proxsweep: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        if error.errno not in UNWRITABLE:
            raise
        place = error.filename or "the file system"
        print(f"proxsweep: {place}: found {error.strerror}; expected room, and the right to write", file=sys.stderr)
        return 2
    except Exception as error:
        if type(error).__name__ != "NotebookError":
            raise
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
