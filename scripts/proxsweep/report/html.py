"""The skeleton and the one stylesheet of the pages of tables, checks and notebooks; they need no network."""

import html

STYLE = """
:root { color-scheme: light; }
body { font: 15px/1.5 system-ui, sans-serif; color: #222; background: #fff; margin: 1.5rem; }
p, .cell { max-width: 72rem; }
a { color: #0b5394; }
table { border-collapse: collapse; font-size: 13px; font-variant-numeric: tabular-nums; margin: .6rem 0; }
th, td { border-bottom: 1px solid #ddd; padding: .25rem .6rem; text-align: left; vertical-align: top; }
thead th { border-bottom: 2px solid #888; }
tr.marked td { background: #fdf0e3; }
tr.marked td.mark { font-weight: 600; color: #a33b00; }
td.number { text-align: right; }
.sortable { overflow-x: auto; }
.sortable td { white-space: nowrap; }
.sortable td.prose { white-space: normal; min-width: 24rem; max-width: 40rem; overflow-wrap: anywhere; }
.sortable thead th { padding: 0; }
.sortable button { font: inherit; font-weight: 600; background: none; border: 0; padding: .25rem .6rem; cursor: pointer;
  text-align: left; width: 100%; }
.sortable button:focus-visible { outline: 2px solid #0b5394; }
th[aria-sort=ascending] button::after { content: " \\25B2"; }
th[aria-sort=descending] button::after { content: " \\25BC"; }
pre { font: 12.5px/1.4 ui-monospace, monospace; margin: 0; white-space: pre-wrap; overflow-wrap: anywhere; }
img, svg { max-width: 100%; height: auto; }
.prompt, .anchor-link { display: none; }
.cell { margin: .8rem 0; }
.input_area { background: #f6f6f6; border-left: 3px solid #ccc; padding: .4rem .7rem; }
.output_subarea { padding: .3rem .7rem; overflow-x: auto; }
.output_stderr { background: #fdf6e3; }
.output_error { background: #fdecea; border-left: 3px solid #b3261e; }
.ansi-red-fg { color: #b3261e; } .ansi-green-fg { color: #1b6e2e; } .ansi-yellow-fg { color: #7a5b00; }
.ansi-blue-fg { color: #1a4fa3; } .ansi-cyan-fg { color: #0b6b75; } .ansi-bold { font-weight: 600; }
"""


def document(title: str, body: str, style: str = "") -> str:
    """A document: ``title`` is text, ``body`` is HTML; ``style`` is CSS beside the common one."""
    head = f'<meta charset="utf-8">\n<title>{html.escape(title)}</title>\n<style>{STYLE}{style}</style>'
    return f'<!DOCTYPE html>\n<html lang="en">\n<head>\n{head}\n</head>\n<body>\n{body}\n</body>\n</html>\n'
