"""Which fits a run finds done, which it makes, and what it says of them before and after."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator

from proxsweep import planning, verdict
from proxsweep.jobs import kept
from proxsweep.sweep import grid
from proxsweep.sweep.study import Study


class Tally:
    """The fits of studies as they are when a run is planned; paths are relative to the working directory."""

    def __init__(self, studies: Iterable[Study]):
        self._studies, self.again = list(studies), []
        self._records = {study.name: planning.records(study) for study in self._studies}
        self._found = self._digests()
        self._reasons = {study.name: planning.to_make(grid.table(study)) for study in self._studies}

    def before(self, dry_run: bool, made_as: Callable[[str], str | None]) -> Iterator[str]:
        """Put aside what Snakemake would not make again; says which files these are, and lists them in ``again``.

        ``made_as`` says as what a rule makes a file: as itself, as part of a folder, or, where it is of settings that
        are no more, not at all. Then it stays as it is.
        """
        for study in self._studies:
            found = planning.unseen(study, self._reasons[study.name])
            made = {path: made_as(path) for path in found}
            for path, reason in found.items():
                if made[path] is None:
                    continue
                # message: A file that a run had finished was cut off, edited, overwritten or removed since then, as the
                # line says, or the fit had failed. It is made again. | Nothing now. If damage comes again, look for the
                # cause: a full disk, a copy that stopped, a program that synchronises folders.
                yield f"{path}: {reason}; it is made again"
            gone = list(dict.fromkeys(place for place in made.values() if place))
            planning.put_aside(study, gone, dry_run)
            self.again += gone

    def counts(self) -> Iterator[str]:
        """How many fits of every study are there, and how many are to be made, of the data that are there."""
        for study, reasons in self._reasons.items():
            again = Counter(reason for reason in reasons.values() if reason.endswith(kept.CHANGED))
            words = "".join(f"; {count} since {reason}" for reason, count in again.items())
            total = len(self._records[study])
            yield f"study {study}: {total - len(reasons)} of {total} fits are there, {len(reasons)} to make{words}"
        for study in self._studies:
            if not study.refit_of and (what := planning.announced(study)):
                yield f"study {study.name}: {what}"

    def after(self) -> Iterator[str]:
        """How many fits of every study were kept, made and failed, by what is on disk now."""
        now = self._digests()
        for study, records in self._records.items():
            kinds = Counter(self._kind(path, now.get(path)) for path in records)
            told = ", ".join(f"{kinds[kind]} {kind}" for kind in ("failed", "not made") if kinds[kind])
            yield f"study {study}: {kinds['kept']} fits kept, {kinds['made']} made" + (f", {told}" if told else "")

    def verdicts(self) -> Iterator[str]:
        """What came out of every study, in about ten lines each."""
        for study in self._studies:
            if not study.refit_of:
                yield from verdict.lines(study, [one for one in self._studies if one.refit_of == study.name])

    def _kind(self, path: str, digest: str | None) -> str:
        if digest is None:
            return "not made"
        if digest == self._found.get(path):
            return "kept"
        return "failed" if kept.is_failed(path) else "made"

    def _digests(self) -> dict[str, str]:
        found = {path: kept.file_digest(path) for records in self._records.values() for path in records}
        return {path: digest for path, digest in found.items() if digest}
