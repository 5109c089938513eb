"""How the fits of a path ended: a table for the notebook of a path."""

import html as text
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from IPython.display import HTML

from proxsweep.sweep import fit_folder


def rows(folders: Iterable[str]) -> list[dict[str, Any]]:
    """A row per fit that has a record: its folder's name, status and figures."""
    records = ((folder, fit_folder.record_if_any(folder)) for folder in folders)
    return [_row(folder, record) for folder, record in records if record is not None]


def _row(folder: str, record: dict[str, Any]) -> dict[str, Any]:
    taken = record.get("made", {})
    return {
        "fit": "/".join(part for part in Path(folder).parts if "~" in part),
        **{name: record.get(name) for name in ("status", "relative_residual", "iterations", "start")},
        **{name: taken.get(name) for name in ("seconds", "processor_seconds", "max_rss_mb")},
        "reason": record.get("reason", ""),
    }


def html(folders: Iterable[str]) -> HTML:
    """The table as HTML."""
    found = rows(folders)
    names = list(found[0]) if found else []
    head = "".join(f"<th>{name}</th>" for name in names)
    cells = ("".join(f"<td>{text.escape(_shown(row[name]))}</td>" for name in names) for row in found)
    body = "".join(f"<tr>{row}</tr>" for row in cells)
    return HTML(f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>")


def _shown(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else "" if value is None else str(value)
