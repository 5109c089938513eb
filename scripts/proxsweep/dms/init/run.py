"""`proxsweep init`: from tables to a config that runs, said line by line."""

import os
import re
import shlex
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import yaml

from proxsweep.dms import jobs
from proxsweep.dms.data.encode import encode
from proxsweep.dms.data.preprocess import preprocess
from proxsweep.dms.init import names, scores, settings, sheet, sites, text, variants, weights
from proxsweep.dms.init.choice import Choice, listed, nested
from proxsweep.dms.init.grouping import Grouping, group
from proxsweep.dms.init.recognise import Found, recognise
from proxsweep.io.errors import UserError
from proxsweep.io.files import write_text
from proxsweep.sweep.study import Study

Check = Callable[[dict[str, Any], list[Path]], Study]


def init(
    paths: Sequence[str],
    output: Path | None,
    name: str | None,
    reference: str | None,
    force: bool,
    check: Check,
    say: Callable[[str], None] = print,
) -> Path:
    """Look at tables and write a config for them.

    Parameters
    ----------
    paths
        Local tables.
    output
        Where the config goes; by default ``config/{name}.yaml``.
    name
        Of the study; by default that of the config, or of the first table.
    reference
        Condition to compare with; by default one is chosen.
    force
        Whether an existing config is replaced.
    check
        Checks the values of a config, of these files, and returns its study.
    say
        Receives lines for the screen.

    Returns
    -------
    Path of the config

    Raises
    ------
    UserError
        For tables that cannot be read, and for those without substitutions or scores.
    """
    name = name or (names.stem(output.name).removesuffix(".yaml").removesuffix(".yml") if output else _name(paths))
    output = output or Path("config") / f"{name}.yaml"
    _refuse_existing(output, force)
    found = list(_choices(paths, name, output, reference, check, say))
    quoted = shlex.quote(str(output))
    content = text.config(name, found, shlex.join(["proxsweep", "init", *paths]), quoted)
    write_text(output, content)
    check(yaml.safe_load(content), [output])
    for choice in found:
        if choice.ask:
            say(f"please check {_short(choice.key)}: {choice.ask}")
    say(f"written: {output}, study {name}")
    say(f"next: snakemake --cores 2 --configfile {quoted}")
    return output


def _name(paths: Sequence[str]) -> str:
    """A name for a study by those of its tables."""
    stems = [names.stem(path) for path in paths]
    shared = os.path.commonprefix(stems) if len(stems) > 1 else stems[0]
    plain = re.sub(r"[^A-Za-z0-9._-]+", "_", shared).strip("._-")[:64]
    return plain or "study"


def _refuse_existing(output: Path, force: bool) -> None:
    if output.exists() and not force:
        # message: The config is there, and may have been edited. | Give another name by `--output`, or `--force` to
        # replace it.
        raise UserError(str(output), "a file that is there", "a new name, or `--force`")
    if output.suffix not in (".yaml", ".yml"):
        # message: 'mine.txt' | a name that ends in .yaml | A config is YAML. | Give `--output` a name that ends so.
        raise UserError("--output", repr(str(output)), "a name that ends in .yaml")


def _choices(
    paths: Sequence[str],
    name: str,
    output: Path,
    reference: str | None,
    check: Check,
    say: Callable[[str], None],
) -> Iterator[Choice]:
    """All that is decided, in three steps: by columns, by the scores that they give, by a fit without shifts."""
    tables = [recognise(sheet.load(path)) for path in paths]
    guess = settings.read_together(tables)
    grouping = group(tables)
    found = settings.choices(tables, grouping, guess, variants.describe(grouping.rows), reference)
    found += _site_map(tables, grouping, output)
    yield from _told(found, say)
    for table in tables:
        say(f"{table.sheet.path}: not used: {listed(map(repr, table.free()), 20) or 'nothing'}")
    study = _study(name, found, check)
    scored = preprocess(_spec(study), _files(study)).variants
    later = scores.choices(scored, study.model["global_epistasis"] == "linear")
    yield from _told(later, say)
    study = _study(name, [*found, *later], check)
    done, label = preprocess(_spec(study), _files(study)), study.sweep["replicate"][0]
    encoding, _ = encode(_spec(study), done.variants, done.wildtypes, label)
    fits = [fit for fit in jobs.lasso_max_spec(study)["fits"] if fit["labels"]["replicate"] == label]
    yield from _told([weights.choice(encoding, fits)], say)


def _site_map(tables: list[Found], grouping: Grouping, output: Path) -> list[Choice]:
    """A map of the sites beside the config, where sites have names."""
    names = dict.fromkeys(site for table in tables for site in table.sites)
    if not names:
        return []
    path = output.with_name(f"{output.stem}.site_map.csv")
    sites.write_map(path, grouping.rows["read"])
    why = f"{len(names)} sites have names in place of numbers ({listed(names)}); written in the order of the names"
    return [Choice("data.site_map", str(path), why, "is this their order along the protein?")]


def _told(choices: list[Choice], say: Callable[[str], None]) -> list[Choice]:
    for choice in choices:
        value = "" if choice.off and choice.value is None else f" = {text.scalar(choice.value)}"
        say(f"{'not used: ' if choice.off else ''}{_short(choice.key)}{value} ({choice.why})")
    return choices


def _short(key: str) -> str:
    """The last parts of a key: what a reader of the config looks for."""
    return key.removeprefix("data.").removeprefix("model.").removeprefix("sweep.")


def _study(name: str, choices: list[Choice], check: Check) -> Study:
    """The study of a config with these choices."""
    return check({"studies": {name: nested([*choices, Choice(weights.KEY, [0], "")])}}, [])


def _spec(study: Study) -> dict[str, Any]:
    return jobs.data_spec(study, (*jobs.PREPROCESS_KEYS, *jobs.ENCODE_KEYS))


def _files(study: Study) -> list[Path]:
    return [Path(path) for path in jobs.table_paths(study)]
