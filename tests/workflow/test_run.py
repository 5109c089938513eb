"""What a finished run of the small study ``tiny`` leaves behind, and whether it is true."""

import json
import re
import xml.etree.ElementTree as ElementTree
from itertools import product
from pathlib import Path
from urllib.parse import unquote

import nbformat
import numpy as np
import pandas as pd
import pytest

import toys
from projects import Project, small_study
from proxsweep import studies
from proxsweep.dms.data.encoding import Encoding
from proxsweep.dms.summaries.table import SUMMARIES
from proxsweep.io import digests
from proxsweep.io.digests import sha256
from proxsweep.report.summary import of_study, outputs

FITS = [
    f"difference~equivariant/lasso~{lasso}/replicate~{replicate}"
    for lasso, replicate in product(["0", "0.001"], ["1", "2"])
]
PATHS = [f"difference~equivariant/lasso~0.001..0/replicate~{replicate}" for replicate in "12"]
FIT_FILES = {"fit.ipynb", "record.json", "parameters.npz", "mutations.csv", "trace.csv"}
SWEEP_SUMMARIES = ("convergence", "replicate_correlation", "sparsity", "recovery")
DECLARED = of_study(SUMMARIES, studies.from_config({"studies": {"tiny": small_study()}}, [], {})[0])
NAMES = [summary.name for summary in DECLARED]
OUTPUTS = [file.path.removeprefix("results/{study}/") for summary in DECLARED for file in outputs(summary)]
TABLES = ("cross_validation", "replicate_signs", "shifts_by_reference")
PAGES = ("fits", "status", "chosen", "shifts", "data/report")
JOBS = (
    *("simulate", "preprocess", "data_report", "plan", "lasso_max", "collect", "notebook_index"),
    *("choose", "replicate_signs", "shifts", "shifts_by_reference", "effects", "page", "reproducibility"),
    "write_config",
)
ROWS = ["b-minus-a", "c-minus-a", "c-minus-b"]
MATRIX = np.array([[-1.0, 1, 0], [-1, 0, 1], [0, -1, 1]])
COLUMNS = (
    "study,family,difference,lasso,replicate,fold,resample,status,relative_residual,residual,objective,smooth,penalty,"
    "iterations,start,solve_seconds,compile_seconds,job_seconds,max_rss_mb,path"
)


def files_below(folder: Path) -> set[str]:
    """Paths of files; those of digests aside, which stand beside what they are of."""
    files = [path for path in folder.rglob("*") if path.is_file() and path.parent.name != digests.FOLDER]
    return {path.relative_to(folder).as_posix() for path in files}


def results(project: Project) -> Path:
    return project.folder / "results/tiny"


def table(project: Project, name: str) -> pd.DataFrame:
    return pd.read_csv(results(project) / name, dtype={"replicate": str, "lasso": str}, keep_default_na=False)


def swept(fit: str) -> dict[str, str]:
    return dict(part.split("~") for part in fit.split("/"))


def test_results_hold_exactly_what_the_layout_names(finished):
    encodings = {f"encodings/replicate~{replicate}.{end}" for replicate in "12" for end in ("npz", "report.csv")}
    jobs = [*JOBS, *NAMES, *(f"fits/{path}" for path in PATHS), *(f"pages/{table}" for table in PAGES)]
    jobs += [f"encode/replicate~{replicate}" for replicate in "12"]
    expected = {f"fits/{fit}/{file}" for fit in FITS for file in FIT_FILES}
    expected |= {"fits.csv", "lasso_max.csv", "status.csv", "strays.csv", "plan.json"} | encodings
    expected |= {"chosen.csv", "shifts.csv", "effects.csv.gz", "page.html", "config.yaml"}
    expected |= {"reproducibility.csv", "reproducibility.html"} | {f"pages/{table}.html" for table in PAGES}
    expected |= {f"data/{name}.csv" for name in ("func_scores", "truth", "variants", "wildtypes", "report")}
    expected |= {"data/preprocess.report.csv"}
    expected |= {f"tables/{name}.csv" for name in TABLES} | set(OUTPUTS)
    expected |= {f"notebooks/html/{name}.html" for name in ("index", *NAMES, *(f"{fit}/fit" for fit in FITS))}
    expected |= {f"benchmarks/{job}.tsv" for job in jobs} | {"notebooks/html/.snakemake_timestamp"}
    assert files_below(results(finished)) == expected
    assert [path.name for path in (finished.folder / "results").iterdir()] == ["tiny"]


def test_every_job_has_a_log_and_no_notebook_is_kept(finished):
    jobs = [*JOBS, *NAMES, *(f"pages/{table}" for table in PAGES)]
    jobs += [f"encode/replicate~{replicate}" for replicate in "12"] + [f"fits/{fit}" for fit in FITS]
    jobs += [f"paths/{path}" for path in PATHS]
    assert files_below(finished.folder / "logs/tiny") == {f"{job}.log" for job in jobs}
    log = (finished.folder / "logs/tiny/fits" / f"{FITS[0]}.log").read_text()
    assert re.search(r"iteration 10, objective [\d.]+, relative residual", log)


def test_table_of_fits(finished):
    fits = table(finished, "fits.csv")
    assert ",".join(fits.columns).startswith(f"{COLUMNS},")
    assert {"scale", "bias", "scale_at_bound", "zero_shift_share"} < set(fits.columns)
    assert {f"zero_shift_share_{row}" for row in ROWS} < set(fits.columns)
    assert list(fits["path"]) == [f"results/tiny/fits/{fit}" for fit in FITS]
    for row, fit in zip(fits.to_dict("records"), FITS, strict=True):
        assert (row["study"], row["family"], row["fold"], row["start"]) == ("tiny", "dms", "", "zeros")
        assert (row["difference"], row["replicate"]) == (swept(fit)["difference"], swept(fit)["replicate"])
        assert float(row["lasso"]) == float(swept(fit)["lasso"])
    numbers = fits[["objective", "smooth", "penalty", "solve_seconds", "job_seconds", "max_rss_mb"]].astype(float)
    np.testing.assert_allclose(numbers["objective"], numbers["smooth"] + numbers["penalty"], rtol=1e-14)
    assert (numbers["solve_seconds"] < numbers["job_seconds"]).all() and (numbers["max_rss_mb"] > 50).all()


def test_table_of_statuses(finished):
    status = table(finished, "status.csv")
    assert list(status["path"]) == [f"results/tiny/fits/{fit}" for fit in FITS]
    assert list(status["status"]) == ["converged"] * len(FITS)
    assert (status["relative_residual"] <= status["tolerance"]).all()
    assert list(status["log"]) == [f"logs/tiny/fits/{fit}.log" for fit in FITS]
    assert list(status["kept_notebook"]) == [""] * len(FITS)
    assert table(finished, "strays.csv").empty


@pytest.mark.filterwarnings("ignore:Solution may be inaccurate")  # the tolerances below say how accurate it has to be
@pytest.mark.parametrize("fit", FITS)
def test_record_is_confirmed_by_recomputing_it(finished, fit):
    folder, values = results(finished) / "fits" / fit, swept(fit)
    record = json.loads((folder / "record.json").read_text())
    source = results(finished) / f"encodings/replicate~{values['replicate']}.npz"
    encoding, model, lasso = Encoding.load(source), record["model"], float(values["lasso"])
    with np.load(folder / "parameters.npz", allow_pickle=False) as found:
        at = {name: found[name] for name in found.files}
    assert [*at["difference_rows"]] == ROWS
    np.testing.assert_array_equal(at["difference"], MATRIX)
    np.testing.assert_allclose(at["shifts"], MATRIX @ at["b"], atol=1e-12)

    point = at["b"], at["b0"], float(at["scale"]), float(at["bias"])
    residual = toys.residual(encoding, model, lasso, MATRIX, *point, bound=10.0)
    lowest, extent = encoding.scores.min(), np.ptp(encoding.scores)
    zeros = np.zeros_like(at["b"]), np.zeros_like(at["b0"]), min(extent, 10.0), lowest
    yardstick = toys.residual(encoding, model, lasso, MATRIX, *zeros, bound=10.0)
    assert record["yardstick"] == pytest.approx(yardstick, rel=1e-6)
    assert record["residual"] == pytest.approx(residual, rel=1e-3, abs=1e-8)
    assert residual <= record["tolerance"] * yardstick
    assert (record["status"], record["tolerance"]) == ("converged", 1e-6)

    assert record["smooth"] == pytest.approx(toys.smooth(encoding, model, *point), rel=1e-10)
    assert record["penalty"] == pytest.approx(lasso * np.abs(MATRIX @ at["b"]).sum(), rel=1e-10)
    assert record["encoding_sha256"] == sha256(source)
    assert (record["study"], record["family"], record["labels"]) == ("tiny", "dms", values)


@pytest.mark.parametrize("fit", FITS)
def test_mutations_table_holds_the_parameters(finished, fit):
    folder = results(finished) / "fits" / fit
    mutations = pd.read_csv(folder / "mutations.csv", dtype={"site": str})
    with np.load(folder / "parameters.npz", allow_pickle=False) as at:
        assert [*mutations["mutation"]] == [*at["mutations"]]
        for d, condition in enumerate("abc"):
            np.testing.assert_array_equal(mutations[f"beta_{condition}"], at["b"][d])
        for k, row in enumerate(ROWS):
            np.testing.assert_array_equal(mutations[f"shift_{row}"], at["shifts"][k])
    written = mutations["wildtype"] + mutations["site"] + mutations["mutant"]
    assert [*written] == [*mutations["mutation"]]

    shares = table(finished, "fits.csv").set_index("path").loc[f"results/tiny/fits/{fit}"]
    zero = {row: mutations[f"shift_{row}"] == 0 for row in ROWS}
    seen = {condition: mutations[f"times_seen_{condition}"] > 0 for condition in "abc"}
    everywhere = seen["a"] & seen["b"] & seen["c"]
    in_all_rows = np.logical_and.reduce(list(zero.values()))
    assert float(shares["zero_shift_share"]) == pytest.approx(in_all_rows[everywhere].mean())
    for row in ROWS:
        in_both = seen[row[0]] & seen[row[-1]]
        assert float(shares[f"zero_shift_share_{row}"]) == pytest.approx(zero[row][in_both].mean())
    assert in_all_rows[everywhere].mean() < 0.1 if swept(fit)["lasso"] == "0" else in_all_rows[everywhere].any()


def test_trace_ends_where_the_record_does(finished):
    for fit in FITS:
        folder = results(finished) / "fits" / fit
        record, trace = json.loads((folder / "record.json").read_text()), pd.read_csv(folder / "trace.csv")
        last = trace.iloc[-1]
        assert (last["iteration"], trace["iteration"].iloc[0]) == (record["iterations"], 0)
        assert last["objective"] == pytest.approx(record["objective"], rel=1e-9)
        assert trace["relative_residual"].iloc[0] == pytest.approx(1.0)
        assert trace["iteration"].is_monotonic_increasing and trace["seconds"].is_monotonic_increasing


def shown(notebook: Path) -> tuple[str, int]:
    """All text that the outputs of an executed notebook show, and the number of pictures."""
    cells = nbformat.read(notebook, as_version=4).cells
    outputs = [output for cell in cells for output in cell.get("outputs", [])]
    assert not [output for output in outputs if output.output_type == "error"]
    data = [output.get("data", {}) for output in outputs]
    texts = [part[kind] for part in data for kind in ("text/html", "text/markdown", "text/plain") if kind in part]
    return "\n".join(texts), sum("image/png" in part for part in data)


def test_fit_notebook_shows_data_report_convergence_and_shifts(finished):
    fit = "difference~equivariant/lasso~0.001/replicate~2"
    text, pictures = shown(results(finished) / "fits" / fit / "fit.ipynb")
    assert pictures == 2
    report = pd.read_csv(results(finished) / "encodings/replicate~2.report.csv", dtype=str)
    for step in report["step"].unique():
        assert step.replace("_", " ") in text or step in text
    assert "rows merged with others of the same substitutions" in text and "differing sites" in text
    assert "converged" in text
    mutations = pd.read_csv(results(finished) / "fits" / fit / "mutations.csv")
    largest = mutations.filter(like="shift_").abs().max(axis=1).idxmax()
    assert mutations["mutation"][largest] in text


def test_summary_notebooks_show_their_figure_and_the_data_report(finished):
    for summary in DECLARED:
        text, pictures = shown(results(finished) / f"notebooks/{summary.name}.ipynb")
        assert pictures == len(summary.figures)
        assert "rows merged with others of the same substitutions" in text


def test_data_report_counts_the_encoded_variants(finished):
    report = table(finished, "data/report.csv")
    for replicate in "12":
        encoding = Encoding.load(results(finished) / f"encodings/replicate~{replicate}.npz")
        last = report[(report["step"] == "encode") & (report["replicate"] == replicate)]
        assert list(last["condition"]) == list("abc")
        np.testing.assert_array_equal(last["rows"], np.diff(encoding.offsets))


def test_figures_are_whole(finished):
    for name in NAMES:
        stem = results(finished) / "figures" / name
        drawing = ElementTree.parse(stem.with_suffix(".svg"))
        assert drawing.getroot().tag == "{http://www.w3.org/2000/svg}svg"
        assert len(list(drawing.iter("{http://www.w3.org/2000/svg}text"))) > 3
        picture = stem.with_suffix(".png").read_bytes()
        assert picture.startswith(b"\x89PNG\r\n\x1a\n") and picture[-8:-4] == b"IEND"


def test_tables_of_summaries_cover_the_sweep(finished):
    settings = {(swept(fit)["difference"], float(swept(fit)["lasso"])) for fit in FITS}
    for name in (*SWEEP_SUMMARIES, "false_discovery", "statuses"):
        found = table(finished, f"tables/{name}.csv")
        found = found[found["lasso"] != ""]  # recovery also counts over all weights
        assert set(zip(found["difference"], found["lasso"].astype(float), strict=True)) == settings
    correlation = table(finished, "tables/replicate_correlation.csv")
    shifts = correlation[(correlation["quantity"] == "shift") & (correlation["lasso"].astype(float) == 0)]
    for row in shifts.to_dict("records"):
        folder = results(finished) / "fits" / f"difference~{row['difference']}" / "lasso~0"
        one, two = (pd.read_csv(folder / f"replicate~{k}" / "mutations.csv").set_index("mutation") for k in "12")
        both = one.add_suffix("_1").join(two.add_suffix("_2"), how="inner")
        names = [f"times_seen_{condition}_{k}" for condition in (row["row"][0], row["row"][-1]) for k in "12"]
        both = both[(both[names] > 0).all(axis=1)]
        pearson = np.corrcoef(both[f"shift_{row['row']}_1"], both[f"shift_{row['row']}_2"])[0, 1]
        assert int(row["mutations"]) == len(both)
        assert float(row["pearson"]) == pytest.approx(pearson, rel=1e-9)
        assert float(row["lower"]) < pearson < float(row["upper"])


def test_links_of_the_index_resolve(finished):
    folder = results(finished) / "notebooks/html"
    linked = set()
    pages = [path for path in folder.rglob("*.html") if path.parent.name != digests.FOLDER]
    for page in pages:
        text = page.read_text()
        assert not re.search(r"""(src|href)=["']https?:""", text), f"{page} needs the network"
        for target in re.findall(r'href="([^"#]+)"', text):
            aim = (page.parent / unquote(target)).resolve()
            assert aim.is_file(), f"{page}: {target}"
            linked |= {aim} if page.name == "index.html" else set()
    assert linked == {path.resolve() for path in pages} - {(folder / "index.html").resolve()}


def test_the_run_printed_a_line_per_job_and_snakemakes_log_has_the_rest(finished):
    said = (finished.folder / "said.txt").read_text()
    log = Path(re.search(r"(?m)^Complete log\(s\): (.+)$", said)[1]).read_text()  # other tests add dry runs' logs
    total = int(re.search(r"(?m)^proxsweep: (\d+) jobs to do", said)[1])
    lines = re.findall(r"(?m)^\[ *(\d+) of (\d+)(?:, about \S+ \w+ left)?\] \w+", said)
    assert lines == [(str(k), str(total)) for k in range(1, total + 1)] and total > 25
    assert re.search(r"(?m) left\] fit_tiny: study tiny, difference equivariant, replicate [12] \(\S+ \w+\)$", said)
    assert re.search(r"(?m)^\[ *\d+ of \d+\] preprocess: study tiny \(", said), "no estimate before a fit is done"
    assert said.count("\n") < total + 30 and "reason:" not in said and "Job stats:" not in said
    assert len(re.findall(r"(?m)^Finished jobid: ", log)) == total
    assert len(re.findall(r"(?m)^(?:local)?rule \w+:", log)) == total and "Job stats:" in log
    assert "proxsweep: study tiny: 0 of 4 fits are there, 4 to make" in said and "Complete log(s): " in said
    assert "\nstudy tiny\n  fits      4 of 4 converged\n" in said and "\n  open      results/tiny/" in said


def test_a_dry_run_lists_rules_and_no_job_unless_asked_to(finished):
    options = ("--dry-run", "--configfile", "tiny.yaml", "--forceall")
    short, full = finished.snakemake(*options).stdout, finished.snakemake(*options, "-p").stdout
    assert "fit_tiny  " in short and short.count("Job stats:") == 1 and short.count("\n") < 70
    assert "--printshellcmds" in short and "rule fit_tiny:" not in short
    assert "rule fit_tiny:" in full and "Shell command: proxsweep make-fits" in full and full.count("Job stats:") == 2


def test_second_run_does_nothing(edited):
    done = edited.snakemake("--configfile", "tiny.yaml")
    assert done.returncode == 0
    assert "Nothing to be done" in done.stdout


def test_script_writes_what_the_notebook_wrote(finished, tmp_path):
    options = ["--lasso", "1.0e-3", "--difference", "equivariant", "--ridge", "1.0e-4", "--output", tmp_path]
    done = finished.proxsweep("fit", "results/tiny/encodings/replicate~1.npz", *options)
    assert done.returncode == 0, done.stdout
    assert "converged" in done.stdout
    folder = results(finished) / "fits/difference~equivariant/lasso~0.001/replicate~1"
    assert files_below(tmp_path) == FIT_FILES - {"fit.ipynb"}
    assert (tmp_path / "mutations.csv").read_bytes() == (folder / "mutations.csv").read_bytes()
    with np.load(tmp_path / "parameters.npz") as script, np.load(folder / "parameters.npz") as notebook:
        assert script.files == notebook.files
        for name in script.files:
            np.testing.assert_array_equal(script[name], notebook[name])
    traces = [pd.read_csv(path / "trace.csv").drop(columns="seconds") for path in (tmp_path, folder)]
    pd.testing.assert_frame_equal(*traces, check_exact=True)
    records = [json.loads((path / "record.json").read_text()) for path in (tmp_path, folder)]
    for name in ("status", "objective", "residual", "yardstick", "iterations", "model", "solver", "encoding_sha256"):
        assert records[0][name] == records[1][name]
