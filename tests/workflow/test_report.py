"""The HTML report, its pages and the checks of reproducibility, on a study that has run."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pandas as pd
import pytest
import yaml
from docutils.core import publish_parts

from projects import small_study
from proxsweep import studies
from proxsweep.dms.summaries.table import SUMMARIES
from proxsweep.report.summary import caption, of_study, outputs
from proxsweep.sweep import fit_folder

CHROMIUM = shutil.which("chromium")
needs_browser = pytest.mark.skipif(
    CHROMIUM is None and os.environ.get("CI") != "true", reason="needs Chromium (Debian package chromium)"
)


def opened(page, script, tmp_path):
    """A page after ``script`` has run behind it, without network: its DOM, and what the console said."""
    copied = tmp_path / "page.html"
    text = page.read_text(encoding="utf-8")
    before, _, after = text.rpartition("</body>")
    copied.write_text(f"{before}<script>{script}</script>\n</body>{after}", encoding="utf-8")
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--host-resolver-rules=MAP * ~NOTFOUND"]
    options += [f"--user-data-dir={tmp_path / 'profile'}", "--virtual-time-budget=20000", "--enable-logging=stderr"]
    command = [CHROMIUM, *options, "--dump-dom", copied.as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    said = [line for line in done.stderr.splitlines() if "CONSOLE" in line]
    return done.stdout, [line for line in said if re.search("Uncaught|Error|Failed|ERR_", line)]


def checks(project):
    done = project.proxsweep("reproducibility", "results/tiny", "--table", "checks.csv")
    assert done.returncode == 0, done.stdout
    return pd.read_csv(project.folder / "checks.csv", index_col="check")


@pytest.fixture(scope="module")
def report(finished, tmp_path_factory):
    """The report of the finished study."""
    page = tmp_path_factory.mktemp("report") / "report.html"
    done = finished.snakemake("--configfile", "tiny.yaml", "--report", page)
    assert done.returncode == 0, done.stdout
    return page


def test_the_report_has_the_caption_of_every_summary_beside_its_figures(report):
    text = report.read_text(encoding="utf-8")
    (study,) = studies.from_config({"studies": {"tiny": small_study()}}, [], {})
    entries = json.loads(re.search(r"^ *var results = (\{.*\});?$", text, flags=re.MULTILINE)[1])
    captions = {entry["name"]: words(entry["caption"]) for entry in entries.values()}
    for summary in of_study(SUMMARIES, study):
        expected = words(publish_parts(caption(summary), writer_name="html")["body"])
        shown = [Path(file.path).name for file in outputs(summary) if file.labels]
        assert len(expected) > 100 and len(shown) > 1
        assert all(captions[name].startswith(expected) for name in shown), summary.name


def words(html):
    return " ".join(re.sub("<[^>]+>", " ", html).split())


@pytest.mark.slow
@needs_browser
def test_the_report_opens_without_network_and_every_image_loads(report, finished, tmp_path):
    count = """
      addEventListener("load", async () => {
        const images = Object.values(results).filter(found => (found.mime_type || "").startsWith("image/"));
        const load = async found => { const i = new Image(); i.src = found.data_uri; await i.decode(); };
        const ended = await Promise.allSettled(images.map(load));
        const loaded = ended.filter(one => one.status === "fulfilled").length;
        document.documentElement.dataset.images = `${loaded} of ${images.length}`;
      });
    """
    dom, errors = opened(report, count, tmp_path)
    assert errors == []
    figures = len(list((finished.folder / "results/tiny/figures").glob("*.svg")))
    assert f'data-images="{figures} of {figures}"' in dom and figures > 3
    for category in ("What was run", "Convergence", "Sparsity", "Data"):
        assert category in dom


@pytest.mark.slow
@needs_browser
def test_a_click_on_a_heading_sorts_rows_by_its_numbers(finished, tmp_path):
    table = pd.read_csv(finished.folder / "results/tiny/fits.csv")
    column = list(table.columns).index("objective")
    click = f'document.querySelectorAll("thead button")[{column}].click();'
    for number, ascending in ((1, True), (2, False)):
        folder = tmp_path / str(number)
        folder.mkdir()
        dom, errors = opened(finished.folder / "results/tiny/pages/fits.html", click * number, folder)
        rows = re.findall(r"<tr>(.*?)</tr>", dom.partition("<tbody>")[2])
        cells = [re.findall("<td[^>]*>", row)[column] for row in rows]
        shown = [float(re.search('data-value="(.*?)"', cell)[1]) for cell in cells]
        assert errors == []
        assert shown == sorted(table["objective"], reverse=not ascending)


def test_the_config_that_ran_lies_beside_the_results_and_can_be_given_again(edited):
    written = edited.folder / "results/tiny/config.yaml"
    assert yaml.safe_load(written.read_text())["studies"]["tiny"]["solver"]["tolerance"] == 1e-6
    shutil.copy(written, edited.folder / "again.yaml")
    assert edited.jobs("--configfile", "again.yaml") == []


def test_an_untouched_study_fails_only_for_want_of_a_repository(finished, edited):
    table = checks(edited)
    failed = set(table.index[table["passed"] != "yes"])
    assert failed <= {
        "notebooks and code are committed",
        "code was committed when fits ran",
        "fits are of one revision",
        "code of the fits is unchanged since",
    }
    assert "no git repository" in table.loc["notebooks and code are committed", "found"]
    written = pd.read_csv(finished.folder / "results/tiny/reproducibility.csv", index_col="check")
    pd.testing.assert_frame_equal(table, written)
    page = (finished.folder / "results/tiny/reproducibility.html").read_text()
    assert all(name in page for name in table.index) and page.count('<tr class="marked">') == len(failed)


def test_what_was_changed_afterwards_is_found(edited):
    folder = edited.folder / "results/tiny"
    paths = sorted(folder.rglob("record.json"))
    first, second = (json.loads(path.read_text()) for path in paths[:2])
    first["objective"] *= 1.001
    second["versions"]["numpy"] = "0.1"
    for path, record in zip(paths, (first, second), strict=False):
        path.write_text(json.dumps({**record, "sha256": fit_folder.digest(record)}))
    paths[2].unlink()
    with (folder / "encodings/replicate~1.npz").open("ab") as stream:
        stream.write(b"more")
    config = yaml.safe_load((folder / "config.yaml").read_text())
    config["studies"]["tiny"]["data"]["func_scores"] = "/somewhere/table.csv"
    config["studies"]["tiny"]["data"]["simulate"]["seed"] = None
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    table = checks(edited)
    for name, word in (
        ("every planned fit has a record", "no record in"),
        ("fits.csv is that of the records", "differs"),
        ("every fit is to the encoding on disk", "replicate~1"),
        ("fits ran under the versions that are here now", "numpy 0.1"),
        ("all that is random has a seed", "data.simulate"),
        ("paths are relative", "/somewhere/table.csv"),
    ):
        assert table.loc[name, "passed"] == "no", name
        assert word in table.loc[name, "found"]
