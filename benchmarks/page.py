"""The interactive page at the size of the manuscript's sweep: seconds to make it, its size, and what a browser needs.

Without --study the page is one of made fits of that size (two matrices, nine weights, two replicates, about 10,700
mutations in each) whose values are all different: nothing ties, so it compresses worse than any sweep. With --study it
is that of a finished study. Chromium opens the file five times, without network; medians, in milliseconds: from the
beginning of the navigation until the payload is unpacked and until the first drawing answers; then, with the page open,
from a change of the weight and from a zoom to the next frame. Writes page.csv.

    python benchmarks/page.py [--study results/manuscript] [--output FOLDER]
"""

import argparse
import shutil
import sys
import tempfile
import time
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
from playwright.sync_api import sync_playwright

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "scripts"))

from proxsweep.dms.page import page  # noqa: E402
from proxsweep.io.files import write_csv  # noqa: E402
from proxsweep.sweep import chosen, fits  # noqa: E402

CONDITIONS = ["Delta", "Omicron_BA1", "Omicron_BA2"]
ROWS = {"reference": [(1, 0), (1, 2)], "equivariant": [(0, 1), (0, 2), (1, 2)]}
WEIGHTS = [0.0, 5e-6, 1e-5, 2e-5, 4e-5, 8e-5, 1.6e-4, 3.2e-4, 6.4e-4]
SITES, MUTANTS = 1250, 9
REPEATS = 5
CHANGED = """async change => {
  const begun = performance.now();
  const [id, value, kind] = change, element = document.querySelector(id);
  if (value === null) element.click();
  else { element.value = value; element.dispatchEvent(new Event(kind)); }
  await new Promise(done => requestAnimationFrame(() => setTimeout(done)));
  return performance.now() - begun;
}"""


def made(folder: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Fits of random values at the manuscript's size, written below ``folder``: table of fits, chosen weights."""
    random = np.random.default_rng(1)
    letters = np.array(list("ACDEFGHIKLMNPQRSTVWY*"))
    names = []
    for site in range(1, SITES + 1):
        wildtype, *mutants = random.choice(letters[:20], MUTANTS + 1, replace=False)
        names += [(f"{wildtype}{site}{mutant}", wildtype, str(site), mutant) for mutant in sorted(mutants)]
    table = pd.DataFrame(names, columns=["mutation", "wildtype", "site", "mutant"])
    rows = []
    for difference, weight, replicate in product(ROWS, WEIGHTS, ("1", "2")):
        kept = np.random.default_rng(int(replicate)).random(len(table)) < 0.95
        seen = np.random.default_rng(int(replicate)).geometric(0.05, (3, int(kept.sum())))
        path = folder / f"{difference}-{weight}-{replicate}"
        write(
            path, table[kept].reset_index(drop=True), random.normal(0, 1, (3, int(kept.sum()))), seen, ROWS[difference]
        )
        rows.append(("made", "dms", difference, weight, replicate, None, None, "converged", 5e-7, str(path)))
    columns = ["study", "family", "difference", "lasso", "replicate", "fold", "resample", "status"]
    choice = pd.DataFrame({"study": "made", "difference": list(ROWS), "lasso": 4e-5, "chosen": [True, False]})
    return pd.DataFrame(rows, columns=[*columns, "relative_residual", "path"]), choice


def write(path: Path, table: pd.DataFrame, effects: np.ndarray, seen: np.ndarray, pairs: list[tuple[int, int]]) -> None:
    """The files of one fit that the page reads."""
    path.mkdir()
    rows = [f"{CONDITIONS[b]}-minus-{CONDITIONS[a]}" for a, b in pairs]
    matrix = np.array([[float(d == b) - float(d == a) for d in range(3)] for a, b in pairs])
    values = {f"beta_{name}": effects[d] for d, name in enumerate(CONDITIONS)}
    values |= {f"shift_{row}": matrix[r] @ effects for r, row in enumerate(rows)}
    values |= {f"times_seen_{name}": seen[d] for d, name in enumerate(CONDITIONS)}
    table.assign(**values).to_csv(path / "mutations.csv", index=False)
    arrays = {"conditions": CONDITIONS, "mutations": table["mutation"].to_numpy(str), "difference": matrix}
    np.savez(path / "parameters.npz", **arrays, difference_rows=rows, bundle=np.zeros(effects.shape, bool))


def opened(path: Path) -> dict[str, float]:
    """Medians of what the browser needs, in milliseconds."""
    rows = []
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=shutil.which("chromium"))
        for _ in range(REPEATS):
            context = browser.new_context(viewport={"width": 1280, "height": 900}, offline=True)
            tab = context.new_page()
            tab.goto(path.as_uri())
            tab.wait_for_selector("html[data-ready]")
            marks = dict(tab.evaluate("performance.getEntriesByType('mark').map(mark => [mark.name, mark.startTime])"))
            weight = tab.evaluate(CHANGED, ["#lasso", "1", "change"])
            zoom = tab.evaluate(CHANGED, ["[data-zoom=in]", None, ""])
            rows.append({"unpacked": marks["unpacked"], "ready": marks["ready"], "weight": weight, "zoom": zoom})
            context.close()
        browser.close()
    return {f"{name}_ms": value for name, value in pd.DataFrame(rows).median().items()}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--study", type=Path, help="results/{study} of a finished run, from its working directory")
    parser.add_argument("--output", type=Path, default=ROOT / "benchmarks" / "results")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        if options.study:
            tables = fits.read(options.study / "fits.csv"), chosen.load(options.study / "chosen.csv")
        else:
            tables = made(Path(folder))
        begun = time.perf_counter()
        text = page.make(*tables)
        seconds = time.perf_counter() - begun
        header, _ = page.unpack(page.payload_of(text))
        path = Path(folder) / "page.html"
        path.write_text(text)
        row = {"study": header["study"], "mutations": header["mutations"]["site"]["shape"][0]}
        row |= {"fits": len(header["fits"]), "largest_error": header["error"], "make_seconds": seconds}
        row |= {"megabytes": path.stat().st_size / 1e6, **opened(path)}
    table = pd.DataFrame([row])
    print(table.to_string(index=False, float_format=lambda value: f"{value:.3g}"))
    write_csv(options.output / ("page_study.csv" if options.study else "page.csv"), table)
    return 0


if __name__ == "__main__":
    sys.exit(main())
