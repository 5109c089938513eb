"""Executed notebooks as HTML pages that need no network, and one page that lists them all.

The pages take their body from nbconvert and their style from :mod:`proxsweep.html`: nbconvert's own full pages load
scripts from the network. Formulas in Markdown stay as they are written, since nothing is there to typeset them.
"""

import html
import logging
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from nbconvert import HTMLExporter
from pygments.formatters import HtmlFormatter

from proxsweep.io.errors import UserError
from proxsweep.io.files import write_text
from proxsweep.jobs.notebook import read
from proxsweep.report.html import document

GOOD = "converged"


def build(entries: Sequence[Mapping[str, Any]], output_dir: str | Path, title: str) -> Path:
    """Convert notebooks to HTML under ``output_dir`` and write its ``index.html``.

    Fits that did not converge come first and are marked; otherwise the order is that of ``entries``.

    Parameters
    ----------
    entries
        One mapping a notebook: ``path`` (None, or a file that is missing or cut off, gives a row without a
        page), ``labels`` (parameters and their labels, empty for a summary), ``status`` (absent for a
        summary and for a path of folds or resamples, which has ``statuses`` of its fits) and, optionally,
        ``relative_residual``.
    output_dir
        Pages go to ``parameter~label/.../NAME.html`` below it.
    title
        Heading of the index.

    Returns
    -------
    Path
        The index.

    Raises
    ------
    ValueError
        If two entries would have the same page.
    """
    output_dir = Path(output_dir)
    exporter = _exporter()
    pages = [_page(entry) for entry in entries]
    doubled = {page for page in pages if page is not None and pages.count(page) > 1}
    if doubled:
        raise ValueError(f"several notebooks for the page {sorted(map(str, doubled))[0]}")
    made = [_convert(exporter, entry, page, output_dir, title) for entry, page in zip(entries, pages, strict=True)]
    index = output_dir / "index.html"
    write_text(index, document(title, _index_body(list(zip(entries, made, strict=True)), title)))
    return index


def _exporter() -> HTMLExporter:
    """Bodies of pages, without prompts; quiet about pictures that have no alternative text."""
    log = logging.getLogger(f"{__name__}.nbconvert")
    log.setLevel(logging.ERROR)
    return HTMLExporter(template_name="basic", exclude_input_prompt=True, exclude_output_prompt=True, log=log)


def _page(entry: Mapping[str, Any]) -> Path | None:
    """Where a notebook's page goes, relative to the index; None without a notebook."""
    if entry["path"] is None:
        return None
    folders = [_file_name(f"{name}~{label}") for name, label in _labels(entry).items()]
    return Path(*folders, _file_name(Path(entry["path"]).stem) + ".html")


def _file_name(text: str) -> str:
    return re.sub(r"[^\w.+~-]", "_", text)


def _labels(entry: Mapping[str, Any]) -> Mapping[str, Any]:
    return entry.get("labels") or {}


def _words(entry: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {label}" for name, label in _labels(entry).items())


def _convert(
    exporter: HTMLExporter, entry: Mapping[str, Any], page: Path | None, output_dir: Path, title: str
) -> Path | None:
    """Write one notebook's page; None where there is no notebook, or none that can be read."""
    if page is None:
        return None
    try:
        notebook = read(entry["path"])
    except UserError:
        return None
    body, _ = exporter.from_notebook_node(notebook)
    index = quote("/".join([".."] * (len(page.parts) - 1) + ["index.html"]))
    words = _words(entry) or Path(entry["path"]).stem
    status = f": {entry['status']}" if entry.get("status") else ""
    heading = f'<p><a href="{index}">{html.escape(title)}</a> / {html.escape(words + status)}</p>'
    style = HtmlFormatter(style="default").get_style_defs(".highlight")
    write_text(output_dir / page, document(words, heading + body, style))
    return page


def _index_body(rows: list[tuple[Mapping[str, Any], Path | None]], title: str) -> str:
    fits = [row for row in rows if row[0].get("status")]
    others = [row for row in rows if not row[0].get("status")]
    summaries, paths = ([row for row in others if bool(_labels(row[0])) is wanted] for wanted in (False, True))
    fits.sort(key=lambda row: row[0]["status"] == GOOD)  # stable: the order given, within each kind
    parts = [f"<h1>{html.escape(title)}</h1>"]
    if summaries:
        items = [f"<li>{_link(page, Path(entry['path'] or 'missing').stem)}</li>" for entry, page in summaries]
        parts.append("<h2>Summaries</h2>\n<ul>\n" + "\n".join(items) + "\n</ul>")
    if fits:
        parts.append(f"<h2>Fits</h2>\n<p>{_count(fits)}</p>\n{_table(fits)}")
    if paths:
        items = [f"<li>{_link(page, _words(entry))}: {_counted(entry['statuses'])}</li>" for entry, page in paths]
        parts.append("<h2>Fits to folds and resamples, by path</h2>\n<ul>\n" + "\n".join(items) + "\n</ul>")
    return "\n".join(parts)


def _count(fits: list[tuple[Mapping[str, Any], Path | None]]) -> str:
    counted = _counted([entry["status"] for entry, _ in fits])
    return f"{counted}." if counted.endswith("all converged") else f"{counted} (listed first)."


def _counted(statuses: Sequence[str]) -> str:
    marked = sum(status != GOOD for status in statuses)
    total = f"{len(statuses)} fit{'s' * (len(statuses) != 1)}"
    return f"{total}, {marked} of them not converged" if marked else f"{total}, all converged"


def _table(fits: list[tuple[Mapping[str, Any], Path | None]]) -> str:
    names = list(dict.fromkeys(name for entry, _ in fits for name in _labels(entry)))
    head = "".join(f"<th>{html.escape(name)}</th>" for name in [*names, "status", "relative residual", "notebook"])
    body = "\n".join(_table_row(entry, page, names) for entry, page in fits)
    return f"<table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody>\n</table>"


def _table_row(entry: Mapping[str, Any], page: Path | None, names: list[str]) -> str:
    good = entry["status"] == GOOD
    status = entry["status"] if good else f"not converged: {entry['status']}"
    residual = entry.get("relative_residual")
    shown = f"{residual:.2e}" if residual is not None and residual == residual else ""
    cells = "".join(f"<td>{html.escape(str(_labels(entry).get(name, '')))}</td>" for name in names)
    mark = "" if good else ' class="marked"'
    return (
        f'<tr{mark}>{cells}<td class="mark">{html.escape(status)}</td><td>{shown}</td>'
        f"<td>{_link(page, 'notebook')}</td></tr>"
    )


def _link(page: Path | None, text: str) -> str:
    if page is None:
        return f"{html.escape(text)}: missing"
    return f'<a href="{html.escape(quote(page.as_posix()))}">{html.escape(text)}</a>'
