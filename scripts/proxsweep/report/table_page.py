"""Tables as HTML pages that need no network: rows sort by a click on a heading, what went wrong stands first."""

import html
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from proxsweep.io import reading
from proxsweep.io.files import write_text
from proxsweep.report.html import document

ROWS = 2000  # a browser sorts these without a pause
GOOD = {"status": "converged", "passed": "yes"}  # what these columns say where all is well

SCRIPT = """
for (const button of document.querySelectorAll("thead button")) {
  button.addEventListener("click", () => {
    const heading = button.parentElement, table = heading.closest("table"), column = heading.cellIndex;
    const down = heading.getAttribute("aria-sort") === "ascending";
    for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
    heading.setAttribute("aria-sort", down ? "descending" : "ascending");
    const value = row => row.cells[column].dataset.value ?? row.cells[column].textContent;
    const rows = [...table.tBodies[0].rows];
    const numeric = rows.every(row => value(row) === "" || !isNaN(value(row)));
    const order = (a, b) => numeric ? a - b : a.localeCompare(b, undefined, {numeric: true});
    rows.sort((a, b) => {
      const [x, y] = [value(a), value(b)];
      if (x === "" || y === "") return (x === "") - (y === "");
      return down ? order(y, x) : order(x, y);
    });
    table.tBodies[0].append(...rows);
  });
}
"""


def page(title: str, parts: Sequence[str]) -> str:
    """A document of HTML ``parts``, with the script that sortable tables need."""
    return document(title, "\n".join([f"<h1>{html.escape(title)}</h1>", *parts, f"<script>{SCRIPT}</script>"]))


def paragraph(text: str) -> str:
    """Plain text as a paragraph."""
    return f"<p>{html.escape(text)}</p>"


def table(rows: pd.DataFrame) -> str:
    """A sortable table; empty cells sort last.

    Rows whose ``status`` is not ``converged``, or whose ``passed`` is not ``yes``, stand first and are marked. Floats
    are shown with four significant digits; they sort by their full value, which is the tooltip.
    """
    marks = [name for name in GOOD if name in rows]
    bad = pd.Series(False, index=rows.index)
    for name in marks:
        bad |= rows[name] != GOOD[name]
    order = bad.sort_values(ascending=False, kind="stable").index
    head = "".join(f'<th scope="col"><button>{html.escape(str(name))}</button></th>' for name in rows.columns)
    body = "\n".join(
        _row(row, flag, marks) for row, flag in zip(_records(rows.loc[order]), bad.loc[order], strict=True)
    )
    return f'<div class="sortable"><table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody>\n</table></div>'


def _records(rows: pd.DataFrame) -> list[dict[str, object]]:
    return rows.astype(object).where(rows.notna(), "").to_dict("records")


def _row(row: dict[str, object], bad: bool, marks: list[str]) -> str:
    cells = "".join(_cell(value, bad and name in marks) for name, value in row.items())
    return f'<tr class="marked">{cells}</tr>' if bad else f"<tr>{cells}</tr>"


def _cell(value: object, mark: bool) -> str:
    if isinstance(value, float):
        return f'<td class="number" data-value="{value!r}" title="{value!r}">{value:.4g}</td>'
    prose = isinstance(value, str) and len(value) > 40 and " " in value
    kind = ' class="mark"' if mark else ' class="number"' if type(value) is int else ' class="prose"' if prose else ""
    return f"<td{kind}>{html.escape(str(value))}</td>"


def write(source: str | Path, output: str | Path) -> None:
    """Write the page of a CSV table; of more than ``ROWS`` rows, the largest shifts or else the first, and say so."""
    rows = reading.table(source, (), (), "a table (.csv)")
    said = f"{len(rows)} rows of {source}."
    if len(rows) > ROWS and "shift" in rows:
        said = f"The {ROWS} rows with the largest absolute shift, of {len(rows)} in {source}."
        rows = rows.sort_values("shift", key=abs, ascending=False, kind="stable").head(ROWS)
    elif len(rows) > ROWS:
        said = f"The first {ROWS} of {len(rows)} rows of {source}."
        rows = rows.head(ROWS)
    title = Path(source).stem.replace("_", " ")
    write_text(output, page(title, [paragraph(f"{said} A click on a heading sorts."), table(rows)]))
