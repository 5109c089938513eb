"""Labels of samples as tables over all fits have them, a second time (:mod:`proxsweep.nmf.results.sample_labels`)."""

from pathlib import Path

from proxsweep.io.errors import UserError
from proxsweep.nmf.data import labels

LABELS = "data/samples.csv"
SAMPLE = labels.SAMPLE
OTHERS = ("factor_", "share_factor_", "rank_")  # beginnings of other columns


class Labels:
    """Labels of a study's samples; names of their columns beside the columns that are ``taken``.

    Raises
    ------
    UserError
        If there is no table of the samples.
    """

    def __init__(self, folder: Path, taken: set[str]) -> None:
        self.path = folder / LABELS
        table = labels.load(self.path)
        self._rows = {row[SAMPLE]: row for row in table.to_dict("records")}
        known = [str(name) for name in table.columns if name != SAMPLE]
        self._names = {name: _beside(name, taken | {SAMPLE}, known) for name in known}

    @property
    def columns(self) -> list[str]:
        return list(self._names.values())

    def of(self, sample: str) -> dict[str, str]:
        """The labels of a sample by column.

        Raises
        ------
        UserError
            For a sample that has no row.
        """
        if sample not in self._rows:
            # message: no row for the sample 'S1' of a fit | every sample of the fits | The table was edited, or is of
            # other data. | Run the workflow again.
            raise UserError(str(self.path), f"no row for the sample {sample!r} of a fit", "every sample of the fits")
        return {own: self._rows[sample][name] for name, own in self._names.items()}


def _beside(name: str, taken: set[str], known: list[str]) -> str:
    """The name itself, or with ``label_`` in front as often as it takes."""
    own = name
    while own in taken or own.startswith(OTHERS) or (own != name and own in known):
        own = f"label_{own}"
    return own
