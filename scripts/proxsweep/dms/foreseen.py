"""What can be said of a study's data before it runs, where its tables are on this machine."""

from pathlib import Path

import pandas as pd

from proxsweep.dms import jobs
from proxsweep.dms.data.encode import encode
from proxsweep.dms.data.preprocess import preprocess
from proxsweep.io.errors import UserError
from proxsweep.report import dropped
from proxsweep.sweep.study import Study


def warnings(study: Study, base: Path) -> list[str]:
    """Conditions that will lose many of their variants; nothing where the run will refuse the data, and say why."""
    paths = [base / path for path in jobs.table_paths(study)]
    if study.data["simulate"] or not all(path.is_file() for path in paths):
        return []
    try:
        return list(dropped.sentences(_report(study, paths)))
    except UserError:
        return []


def _report(study: Study, paths: list[Path]) -> pd.DataFrame:
    """The data report that a run would write."""
    spec = jobs.data_spec(study, (*jobs.PREPROCESS_KEYS, *jobs.ENCODE_KEYS))
    done = preprocess(spec, paths)
    encoded = [encode(spec, done.variants, done.wildtypes, label)[1] for label in jobs.encodings(study)]
    return pd.concat([done.report, *encoded], ignore_index=True)
