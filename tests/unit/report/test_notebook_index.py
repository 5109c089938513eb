"""Pages of executed notebooks, read back with an HTML parser."""

import base64
import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import nbformat
import pytest

from proxsweep.report.notebook_index import build

PIXEL = base64.b64encode(b"not really a picture").decode()
SVG = '<svg xmlns="http://www.w3.org/2000/svg"><text>label</text></svg>'


class Page(HTMLParser):
    """Everything that a page loads or links to, its text, and its table's rows."""

    def __init__(self, path: Path):
        super().__init__()
        self.loads, self.links, self.rows, self.text, self.tags = [], [], [], "", []
        self.in_cell = False
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        self.tags.append(tag)
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")
            self.in_cell = True
        if tag == "a":
            self.links.append(attrs["href"])
        self.loads += [attrs[key] for key in ("src", "srcset", "data") if key in attrs]
        if tag == "link":
            self.loads.append(attrs["href"])

    def handle_endtag(self, tag):
        if tag in ("td", "th"):
            self.in_cell = False

    def handle_data(self, data):
        self.text += data
        if self.in_cell:
            self.rows[-1][-1] += data


def notebook(path: Path, *outputs) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    cells = [
        nbformat.v4.new_markdown_cell("# Heading\n\nA sum $x^2$ and a [link](#there)."),
        nbformat.v4.new_code_cell("total = 1 + 1", execution_count=1, outputs=list(outputs)),
    ]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), path)
    return path


def fit(tmp_path: Path, lasso: str, status: str, **more) -> dict:
    path = notebook(tmp_path / "fits" / f"lasso~{lasso}" / "fit.ipynb")
    return {"path": path, "labels": {"lasso": lasso, "replicate": "1"}, "status": status} | more


def test_unconverged_fits_come_first_and_are_marked(tmp_path):
    entries = [
        fit(tmp_path, "0", "converged", relative_residual=5e-7),
        fit(tmp_path, "1", "max_iterations", relative_residual=2e-3),
        fit(tmp_path, "2", "converged"),
        {"path": None, "labels": {"lasso": "3", "replicate": "1"}, "status": "failed"},
    ]
    index = build(entries, tmp_path / "html", "demo")
    rows = Page(index).rows
    assert rows[0] == ["lasso", "replicate", "status", "relative residual", "notebook"]
    assert [row[:4] for row in rows[1:]] == [
        ["1", "1", "not converged: max_iterations", "2.00e-03"],
        ["3", "1", "not converged: failed", ""],
        ["0", "1", "converged", "5.00e-07"],
        ["2", "1", "converged", ""],
    ]
    assert index.read_text().count('<tr class="marked">') == 2
    assert "4 fits, 2 of them not converged" in Page(index).text


def test_links_lead_there_and_back(tmp_path):
    entries = [fit(tmp_path, "4e-05", "converged"), {"path": notebook(tmp_path / "convergence.ipynb")}]
    index = build(entries, tmp_path / "html", "demo")
    links = Page(index).links
    assert len(links) == 2
    for link in links:
        page = index.parent / unquote(link)
        back = Page(page).links[0]
        assert (page.parent / back).resolve() == index.resolve()
        assert "total = 1 + 1" in Page(page).text


def test_paths_of_folds_are_listed_apart(tmp_path):
    path = {"path": notebook(tmp_path / "path.ipynb"), "labels": {"replicate": "1", "fold": "2"}}
    path["statuses"] = ["converged", "max_iterations"]
    index = build([fit(tmp_path, "0", "converged"), path], tmp_path / "html", "demo")
    page = Page(index)
    assert "Fits to folds and resamples, by path" in page.text
    assert "replicate 1, fold 2: 2 fits, 1 of them not converged" in page.text
    assert page.links[-1] == "replicate~1/fold~2/path.html" and "1 fit, all converged" in page.text


def test_pages_load_nothing(tmp_path, caplog):
    outputs = [
        nbformat.v4.new_output("display_data", {"image/png": PIXEL, "text/plain": "figure"}),
        nbformat.v4.new_output("display_data", {"image/svg+xml": SVG}),
        nbformat.v4.new_output("display_data", {"text/html": "<table><tr><td>7</td></tr></table>"}),
        nbformat.v4.new_output("stream", name="stdout", text="iteration 10 <1e-3>\n"),
    ]
    path = notebook(tmp_path / "n.ipynb", *outputs)
    build([{"path": path}], tmp_path / "html", "demo")
    page = Page(tmp_path / "html" / "n.html")
    assert len(page.loads) == 2
    assert all(load.startswith("data:image/") for load in page.loads)
    assert not {"script", "link", "iframe"} & set(page.tags)
    style = re.search(r"<style>(.*?)</style>", (tmp_path / "html" / "n.html").read_text(), re.DOTALL)[1]
    assert "url(" not in style and "@import" not in style
    assert "iteration 10 <1e-3>" in page.text
    assert page.rows == [["7"]]
    assert not caplog.records


def test_a_failed_notebook_shows_its_error(tmp_path):
    error = nbformat.v4.new_output(
        "error", ename="ValueError", evalue="x", traceback=["\x1b[31mValueError\x1b[0m: x<y"]
    )
    entry = fit(tmp_path, "1", "failed")
    notebook(entry["path"], error)
    build([entry], tmp_path / "html", "demo")
    text = Page(tmp_path / "html" / "lasso~1" / "replicate~1" / "fit.html").text
    assert "ValueError: x<y" in text
    assert "\x1b" not in text


@pytest.mark.parametrize("content", [None, "", '{"cells": [', "{}"])
def test_a_notebook_that_cannot_be_read_is_listed_without_a_page(tmp_path, content):
    path = tmp_path / "kept.ipynb"
    if content is not None:
        path.write_text(content)
    index = build([{"path": path, "labels": {"lasso": "1"}, "status": "failed"}], tmp_path / "html", "demo")
    assert Page(index).rows[1] == ["1", "not converged: failed", "", "notebook: missing"]
    assert Page(index).links == []


def test_text_from_a_config_is_text(tmp_path):
    nasty = '<script>alert("1")</script>&amp;/../x'
    entry = {"path": notebook(tmp_path / "n.ipynb"), "labels": {nasty: nasty}, "status": "converged"}
    index = build([entry], tmp_path / "html", nasty)
    pages = list((tmp_path / "html").rglob("*.html"))
    assert len(pages) == 2
    for path in pages:
        assert "script" not in Page(path).tags
        assert nasty in Page(path).text
    assert Page(index).rows[1][0] == nasty
    assert (index.parent / unquote(Page(index).links[0])).resolve() in [path.resolve() for path in pages]


def test_two_notebooks_for_one_page_are_refused(tmp_path):
    entries = [fit(tmp_path, "1", "converged"), fit(tmp_path, "1", "converged")]
    with pytest.raises(ValueError, match="several notebooks"):
        build(entries, tmp_path / "html", "demo")
    assert not (tmp_path / "html").exists()


def test_all_converged_says_so(tmp_path):
    index = build([fit(tmp_path, "1", "converged")], tmp_path / "html", "demo")
    assert "1 fit, all converged" in Page(index).text
