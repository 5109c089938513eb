"""What a run would refuse in the data of a study, and say of them, where they are on this machine."""

from pathlib import Path

from proxsweep.nmf import jobs
from proxsweep.nmf.data import replicates
from proxsweep.nmf.data.prepare import prepare
from proxsweep.sweep.study import Study


def warnings(study: Study, base: Path) -> list[str]:
    """Read the matrix and make the parts that are fitted, as the run would; nothing is written.

    Raises
    ------
    UserError
        For data that the run would refuse, with file, row and column, and for a rank that a part is too small for.
    """
    if study.data["simulate"] is not None:
        return []
    spec, table = jobs.full_spec(study), study.data["samples"]
    whole, _, labels = prepare(spec, base / study.data["matrix"], base / table if table else None)
    for label in jobs.encodings(study):
        replicates.encode(spec, whole, labels, label)
    return []
