"""Commands of the family. Imports stand inside: a command loads what it needs and no more."""

import argparse
import sys
from pathlib import Path

from proxsweep.command import Command, json_option
from proxsweep.io.errors import UserError


def _init_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("tables", nargs="+", metavar="TABLE", help="table of scores or counts; several for one study")
    parser.add_argument("--output", type=Path, help="config to write; by default config/NAME.yaml")
    parser.add_argument("--name", help="name of the study; by default that of the table")
    parser.add_argument("--reference", help="condition that others are compared with")
    parser.add_argument("--force", action="store_true", help="replace a config that is there")


def _init(arguments: argparse.Namespace) -> None:
    from proxsweep import studies
    from proxsweep.dms.init.run import init

    options = arguments.output, arguments.name, arguments.reference, arguments.force
    init(arguments.tables, *options, lambda values, files: studies.from_config(values, files, {})[0])


def _fit_options(parser: argparse.ArgumentParser) -> None:
    from proxsweep.dms.fit_options import add_options

    add_options(parser)


def _fit(arguments: argparse.Namespace) -> None:
    from proxsweep.dms.fit_options import spec_from_options
    from proxsweep.dms.model import fit_files

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


def _predict_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("fit", type=Path, help="folder of a fit")
    parser.add_argument("variants", type=Path, help="table of variants (.csv or .tsv, perhaps packed, or Parquet)")
    parser.add_argument("--condition-column", default="condition")
    parser.add_argument("--substitutions-column", default="aa_substitutions", help="relative to the condition's own")
    parser.add_argument("--output", type=Path, required=True, help="table to write (.csv)")


def _predict(arguments: argparse.Namespace) -> None:
    from proxsweep.dms.model import predict
    from proxsweep.io.files import write_csv

    if arguments.output.suffix != ".csv":
        # message: 'predictions.tsv' | a name that ends in .csv | Only CSV is written. | Give `--output` a name that
        # ends so.
        raise UserError("--output", repr(str(arguments.output)), "a name that ends in .csv")
    fit = predict.load(arguments.fit)
    columns = arguments.condition_column, arguments.substitutions_column
    table = predict.score(fit, arguments.variants, *columns)
    write_csv(arguments.output, table)
    print(predict.summary(fit, table), file=sys.stderr)


def _reread_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("fit", type=Path, help="folder of a fit")
    parser.add_argument("--reference", required=True, help="one of its conditions")
    parser.add_argument("--output", type=Path, required=True, help="table to write (.csv)")


def _reread(arguments: argparse.Namespace) -> None:
    from proxsweep.dms.results import reread
    from proxsweep.io.files import write_csv

    done = reread.load(arguments.fit, arguments.reference)
    write_csv(arguments.output, done.fitted.mutations)
    for condition, intercept in done.intercepts.items():
        print(f"{condition}: latent phenotype {intercept:.10g} of the wildtype of {done.reference}")


def _simulate_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--spec", type=json_option, required=True, help="the config's simulate section, as JSON")
    parser.add_argument("--table", type=Path, required=True)
    parser.add_argument("--truth", type=Path, required=True)


def _simulate(arguments: argparse.Namespace) -> None:
    from proxsweep.dms.data.simulate import simulate
    from proxsweep.io.files import write_csv

    table, truth = simulate(arguments.spec)
    write_csv(arguments.truth, truth)
    write_csv(arguments.table, table)


def _fetch_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("address", help="with http or https")
    parser.add_argument("--sha256")
    parser.add_argument("--output", type=Path, required=True)


def _fetch(arguments: argparse.Namespace) -> None:
    from proxsweep.dms.data.read import check_table
    from proxsweep.io import downloads

    downloads.fetch(arguments.address, arguments.output, lambda copy: check_table(copy, sha256=arguments.sha256))


def _preprocess_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("tables", type=Path, nargs="+")
    parser.add_argument("--spec", type=json_option, required=True, help="study, data and reference, as JSON")
    parser.add_argument("--variants", type=Path, required=True)
    parser.add_argument("--wildtypes", type=Path, required=True)
    parser.add_argument("--report", type=Path, required=True)


def _preprocess(arguments: argparse.Namespace) -> None:
    from proxsweep.dms.data.preprocess import preprocess
    from proxsweep.io.files import write_csv

    done = preprocess(arguments.spec, arguments.tables)
    write_csv(arguments.report, done.report)
    write_csv(arguments.wildtypes, done.wildtypes)
    write_csv(arguments.variants, done.variants)


def _encode_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--spec", type=json_option, required=True, help="study, data and reference, as JSON")
    parser.add_argument("--variants", type=Path, required=True)
    parser.add_argument("--wildtypes", type=Path, required=True)
    parser.add_argument("--replicate", required=True)
    parser.add_argument("--encoding", type=Path, required=True)
    parser.add_argument("--report", type=Path, required=True)


def _encode(arguments: argparse.Namespace) -> None:
    from proxsweep.dms.data.encode import encode_files
    from proxsweep.io.files import write_csv

    tables = arguments.variants, arguments.wildtypes
    encoding, report = encode_files(arguments.spec, *tables, arguments.replicate)
    write_csv(arguments.report, report)
    encoding.save(arguments.encoding)


def _lasso_max_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--spec", type=json_option, required=True, help="fits and encodings, as JSON")
    parser.add_argument("--output", type=Path, required=True)


def _lasso_max(arguments: argparse.Namespace) -> None:
    from proxsweep.dms.model.lasso_max import lasso_max
    from proxsweep.io.files import write_csv

    spec = arguments.spec
    write_csv(arguments.output, lasso_max(spec["fits"], spec["encodings"]))


def _cold_starts_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--fits", type=Path, required=True, help="fits.csv")
    parser.add_argument("--chosen", type=Path, required=True, help="chosen.csv")
    parser.add_argument("--encodings", type=json_option, required=True, help="by the label of the replicate, as JSON")
    parser.add_argument("--output", type=Path, required=True)


def _cold_starts(arguments: argparse.Namespace) -> None:
    from proxsweep.dms.model import cold_starts
    from proxsweep.dms.results import fits_table
    from proxsweep.io.files import write_csv
    from proxsweep.sweep import chosen

    fits, choice = fits_table.finished(arguments.fits), chosen.load(arguments.chosen)
    write_csv(arguments.output, cold_starts.table(fits, choice, arguments.encodings))


def _replicate_signs_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--fits", type=Path, required=True, help="fits.csv")
    parser.add_argument("--min-times-seen", type=int, default=1)
    parser.add_argument("--output", type=Path, required=True)


def _replicate_signs(arguments: argparse.Namespace) -> None:
    from proxsweep.dms.results import fits_table, replicate_signs
    from proxsweep.io.files import write_csv

    write_csv(arguments.output, replicate_signs.table(fits_table.finished(arguments.fits), arguments.min_times_seen))


def _selected_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--fits", type=Path, required=True, help="fits.csv")
    parser.add_argument("--chosen", type=Path, required=True, help="chosen.csv")
    parser.add_argument("--output", type=Path, required=True)


def _shifts(arguments: argparse.Namespace) -> None:
    from proxsweep.dms.results import fits_table, shifts
    from proxsweep.io.files import write_csv
    from proxsweep.sweep import chosen

    write_csv(arguments.output, shifts.table(fits_table.finished(arguments.fits), chosen.load(arguments.chosen)))


def _shifts_by_reference(arguments: argparse.Namespace) -> None:
    from proxsweep.dms.results import fits_table, shifts_by_reference
    from proxsweep.io.files import write_csv
    from proxsweep.sweep import chosen

    found = shifts_by_reference.table(fits_table.finished(arguments.fits), chosen.load(arguments.chosen))
    write_csv(arguments.output, found)


def _effects_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--fits", type=Path, required=True, help="fits.csv")
    parser.add_argument("--output", type=Path, required=True, help="table to write (.csv.gz)")


def _effects(arguments: argparse.Namespace) -> None:
    from proxsweep.dms.results import effects, fits_table

    effects.write(arguments.output, fits_table.finished(arguments.fits))


def _page(arguments: argparse.Namespace) -> None:
    from proxsweep.dms.page import page
    from proxsweep.dms.results import fits_table
    from proxsweep.io.files import write_text
    from proxsweep.sweep import chosen

    write_text(arguments.output, page.make(fits_table.finished(arguments.fits), chosen.load(arguments.chosen)))


COMMANDS = (
    Command("init", "Look at tables and write a config for them.", _init_options, _init, for_users=True),
    Command("fit", "Fit one encoding, without a notebook.", _fit_options, _fit, for_users=True),
    Command(
        "predict",
        "Score variants with a fit, from the files in its folder.",
        _predict_options,
        _predict,
        for_users=True,
    ),
    Command(
        "reread",
        "Effects and shifts of a fit under another reference, without a refit.",
        _reread_options,
        _reread,
        for_users=True,
    ),
    Command("simulate", "Simulate a deep mutational scan with known truth.", _simulate_options, _simulate),
    Command("fetch", "Copy a table from an address, and check it.", _fetch_options, _fetch),
    Command("preprocess", "Tables of functional scores or counts to variants.", _preprocess_options, _preprocess),
    Command("encode", "Variants of one replicate to an encoding.", _encode_options, _encode),
    Command("lasso-max", "The smallest lasso weights that make every shift zero.", _lasso_max_options, _lasso_max),
    Command(
        "cold-starts",
        "Fits at the chosen weight against a start from zeros.",
        _cold_starts_options,
        _cold_starts,
    ),
    Command("replicate-signs", "Signs of shifts in pairs of replicates.", _replicate_signs_options, _replicate_signs),
    Command(
        "shifts", "The shifts of a study at the chosen weight, over replicates and refits.", _selected_options, _shifts
    ),
    Command(
        "shifts-by-reference",
        "The chosen shifts under every reference.",
        _selected_options,
        _shifts_by_reference,
    ),
    Command("effects", "Effects and shifts of all full fits in one long table.", _effects_options, _effects),
    Command(
        "page",
        "The interactive page of a study: effects and shifts by site, in one HTML file.",
        _selected_options,
        _page,
    ),
)
