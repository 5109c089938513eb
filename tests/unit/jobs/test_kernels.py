"""One kernel for several notebooks: each finds it as new, or gets a new one."""

import ast
import textwrap
from pathlib import Path

import nbformat
import pytest

from proxsweep.jobs import isolation, notebook
from proxsweep.jobs.kernels import Kernel

SHOW = """
import os, random, sys, threading, warnings
import jax, matplotlib, numpy as np, pandas as pd
from proxsweep.optimize import status
left = sorted(name for name in globals() if name in ("mine", "held", "work"))
known = {
    "pid": os.getpid(), "left": left, "cwd": os.getcwd(), "variable": os.environ.get("MINE"),
    "path": "/mine" in sys.path, "filters": [entry[0] for entry in warnings.filters].count("error"), 
    "recursion": sys.getrecursionlimit(),
    "invalid": np.geterr()["invalid"], "rows": pd.get_option("display.max_rows"),
    "width": matplotlib.rcParams["lines.linewidth"], "x64": jax.config.jax_enable_x64,
    "nans": jax.config.jax_debug_nans, "good": str(status.Status.CONVERGED), "mode": os.umask(0o022),
    "threads": sorted(one.name for one in threading.enumerate() if one.name == "mine"),
}
print("known", known)
"""
PUT_BACK = """
mine = 1
os.chdir("/"); os.environ["MINE"] = "1"; sys.path.insert(0, "/mine"); sys.setrecursionlimit(2500); os.umask(0o077)
warnings.simplefilter("error")
np.seterr(invalid="raise"); pd.set_option("display.max_rows", 3); matplotlib.rcParams["lines.linewidth"] = 7
jax.config.update("jax_enable_x64", not jax.config.jax_enable_x64); jax.config.update("jax_debug_nans", True)
random.seed(1); np.random.seed(1)
held = open("/dev/null")
import matplotlib.pyplot as plt
plt.plot([1, 2])
"""
REPLACED = {
    "a thread": "import time; threading.Thread(target=time.sleep, args=(60,), name='mine', daemon=True).start()",
    "a file that something else holds": f"sys.held = open({__file__!r})",
    "a child": "import subprocess; sys.held = subprocess.Popen(['sleep', '60'])",
    "the package": "status.Status = None",
    "memory": "sys.held = np.ones(80_000_000)",
}
QUICK = {"a thread": ()}  # the others take the same way


def write(path: Path, *cells: str) -> Path:
    parameters = nbformat.v4.new_code_cell("value = 1", metadata={"tags": ["parameters"]})
    code = [nbformat.v4.new_code_cell(textwrap.dedent(cell).strip()) for cell in cells]
    nbformat.write(nbformat.v4.new_notebook(cells=[parameters, *code]), path)
    return path


def known(kernel: Kernel, folder: Path, *cells: str) -> dict:
    """What a notebook knows before it executes further cells."""
    kept = folder / "kept.ipynb"
    notebook.execute(kernel, write(folder / "n.ipynb", SHOW, *cells), kept, {})
    executed = nbformat.read(kept, as_version=4)
    assert [cell.execution_count for cell in executed.cells] == list(range(1, len(cells) + 3))
    text = "".join(output.get("text", "") for cell in executed.cells for output in cell.outputs)
    return ast.literal_eval(text.partition("known ")[2].partition("\n")[0])


def test_what_cells_change_is_put_back(tmp_path):
    with Kernel() as kernel:
        first = known(kernel, tmp_path, PUT_BACK)
        assert known(kernel, tmp_path) == first
    with Kernel() as fresh:
        assert known(fresh, tmp_path) | {"pid": first["pid"]} == first


@pytest.mark.parametrize(
    "left", [pytest.param(cell, id=name, marks=QUICK.get(name, pytest.mark.slow)) for name, cell in REPLACED.items()]
)
def test_what_cannot_be_put_back_gets_the_next_notebook_a_new_kernel(tmp_path, capfd, left):
    with Kernel() as kernel:
        first = known(kernel, tmp_path)
        known(kernel, tmp_path, left)
        after = known(kernel, tmp_path)
        assert after["pid"] != first["pid"] and after | {"pid": first["pid"]} == first
    assert capfd.readouterr().err.count("the kernel is replaced: ") == 1


def test_a_fault_gets_the_next_notebook_a_new_kernel(tmp_path):
    with Kernel() as kernel:
        first = known(kernel, tmp_path)
        for fault in ("1 / 0", "import signal; os.kill(os.getpid(), signal.SIGKILL)"):
            with pytest.raises(notebook.NotebookError):
                known(kernel, tmp_path, fault)
        assert known(kernel, tmp_path)["pid"] != first["pid"]


@pytest.mark.slow
def test_seconds_and_memory_are_those_of_one_notebook(tmp_path):
    with Kernel() as kernel:
        known(kernel, tmp_path, "import time; large = np.ones(40_000_000); del large; time.sleep(0.5)")
        first = kernel.usage()
        known(kernel, tmp_path)
        second = kernel.usage()
    assert first["max_rss_mb"] > second["max_rss_mb"] + 200
    assert first["seconds"] > second["seconds"] + 0.4 and 0 < second["processor_seconds"] < second["seconds"] + 1


def test_cells_of_a_tag_are_left_out(tmp_path):
    path = write(tmp_path / "n.ipynb", "print('always')", "print('sometimes')")
    made = nbformat.read(path, as_version=4)
    made.cells[-1].metadata["tags"] = ["full"]
    nbformat.write(made, path)
    with Kernel() as kernel, open(tmp_path / "log", "w+") as log:
        notebook.execute(kernel, path, tmp_path / "kept.ipynb", {}, "full", log)
        log.seek(0)
        assert log.read() == "always\n"


def test_files_of_an_environment_that_is_reached_by_a_link_are_known(tmp_path, monkeypatch):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    font = tmp_path / "real/font.ttf"
    assert not isolation._is_installed(str(font))
    monkeypatch.setattr(isolation.sys, "prefix", str(tmp_path / "link"))
    assert isolation._is_installed(str(font)) and not isolation._is_installed(str(tmp_path / "really.ttf"))
