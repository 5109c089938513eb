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
from proxsweep.dms.init import commands, names, scores, settings, sheet, sites, text, variants, weights
from proxsweep.dms.init.choice import Choice, listed, nested
from proxsweep.dms.init.grouping import Grouping, group
from proxsweep.dms.init.recognise import Found, recognise
from proxsweep.io.errors import UserError
from proxsweep.io.files import write_text
from proxsweep.sweep.study import Study

_LEAST, _LONGEST = 3, 64  # characters of a study's name that init finds
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_RULE = "at most 64 letters, digits, dots, underscores and hyphens, the first a letter or digit"
_STUDY = "study"
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
    if name is not None and not _NAME.fullmatch(name):
        # message: 'my study' | at most 64 letters, digits, dots, underscores and hyphens, the first a letter or digit |
        # The name becomes a folder. | Give `--name` another one.
        raise UserError("--name", repr(name), _RULE)
    if name is None:
        name = _name(paths) if output is None else output.stem if _NAME.fullmatch(output.stem) else _plain(output.stem)
    output = output or Path("config") / f"{name}.yaml"
    _refuse_existing(output, force)
    found = list(_choices(paths, name, output, reference, check, say))
    quoted = shlex.quote(str(output))
    made = shlex.join([commands.typed("proxsweep"), "init", *paths])
    snakemake = shlex.quote(commands.typed("snakemake"))
    content = text.config(name, found, made, snakemake, quoted)
    write_text(output, content)
    check(yaml.safe_load(content), [output])
    for choice in found:
        if choice.ask:
            say(f"please check {_short(choice.key)}: {choice.ask}")
    say(f"written: {output}, study {name}")
    say(f"next: {snakemake} --cores 2 --configfile {quoted}")
    return output


def _name(paths: Sequence[str]) -> str:
    """A name for a study: the words by which the names of its tables begin, else all of what tells these apart."""
    stems = [names.stem(path) for path in paths]
    if len(stems) == 1:
        return _plain(stems[0])
    words = [re.split(r"([_.\- ]+)", one) for one in stems]
    shared = "".join(os.path.commonprefix(words))
    named = _plain(shared)
    return named if named != _STUDY else _plain("_".join(names.apart(stems)))


def _plain(text: str) -> str:
    """A text as the name of a study; one that would say nothing, with fewer than three characters or no letter, not."""
    plain = re.sub(r"[^A-Za-z0-9._-]+", "_", text).strip("._-")
    while len(plain) > _LONGEST and re.search(r"[._-]", plain):
        plain = re.sub(r"[._-]+[^._-]*$", "", plain)
    said = len(plain) >= _LEAST and re.search("[A-Za-z]", plain)
    return plain[:_LONGEST] if said else _STUDY


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
        free = [column for column in table.sheet.columns if column not in settings.named(found, table.sheet.path)]
        say(f"{table.sheet.path}: not used: {listed(map(repr, free), 20) or 'nothing'}")
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
