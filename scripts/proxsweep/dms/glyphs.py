"""Names of a study that its figures cannot show, told before it runs."""

from collections.abc import Iterator, Sequence

from proxsweep.report import fonts
from proxsweep.sweep.study import Study


def warnings(study: Study, conditions: Sequence[str]) -> list[str]:
    """A sentence for each name with characters that no font of figures on this machine has."""
    names = dict.fromkeys(_names(study, conditions))
    return [_sentence(*name, lost) for name in names if (lost := fonts.missing([name[1]]))]


def _names(study: Study, conditions: Sequence[str]) -> Iterator[tuple[str, str]]:
    """What stands in figures and may have any characters: what it is, and its name. Labels are of Latin letters."""
    yield from (("condition", name) for name in conditions)
    for matrix in study.sweep["difference"]:
        nodes = [name for edge in matrix.get("tree", {}).items() for name in edge]
        yield from (("node", name) for name in nodes if name not in conditions)
        yield from (("row", name) for name in matrix.get("rows", {}))
    yield from (("region", name) for name in study.figures["regions"])


def _sentence(kind: str, name: str, lost: str) -> str:
    # message: A font with these characters is looked for on the machine where figures are made; DejaVu Sans has those
    # of Latin, Greek and Cyrillic. | Install one (Debian: `fonts-noto-cjk`), or give the condition, region or row a
    # name in Latin letters. Numbers and tables are right all the same.
    return (
        f"{kind} {name!r}: PNG and PDF figures show boxes for {lost}, which no font on this machine has (SVG figures"
        " and pages leave it to the browser). Install a font such as Noto Sans CJK, or take a name in Latin letters"
    )
