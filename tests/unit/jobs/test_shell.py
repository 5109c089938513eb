"""The user's shell: what reaches kernels, and what is refused before any fit."""

import sys

import nbformat
import pytest

from proxsweep.io.errors import UserError
from proxsweep.jobs import notebook, shell
from proxsweep.jobs.kernels import Kernel

DRAW = """
import hashlib, warnings
import jax
import numpy as np
from proxsweep.report import style
with warnings.catch_warnings():
    warnings.simplefilter("error")
    figure = style.new_figure()
    axes = figure.subplots()
    axes.plot([1, 2], label="one")
    axes.set(title="a_b $x$", xlabel="score")
    axes.legend()
    drawn = hashlib.sha256(style.image(figure).data).hexdigest()
print("drew", drawn, jax.numpy.add(np.int32(1), np.float32(1.5)))
"""
SETTINGS = {
    "LaTeX": b"text.usetex: True\n",
    "sizes": b"figure.dpi: 37\nsavefig.dpi: 41\nfont.size: 30\nlines.linewidth: 9\nsavefig.bbox: tight\n",
    "a font that is not there": b"font.family: Nowhere Sans\nmathtext.fontset: cm\n",
    "a backend": b"backend: TkAgg\ninteractive: True\n",
    "faulty": b"no such setting: 1\nlines.linewidth: thick\n\n::\n",
    "not UTF-8": b"font.family: \xff\xfe\n",
}


def drawn(folder, monkeypatch, variables=()) -> str:
    """What a kernel started in ``folder`` draws and adds up."""
    monkeypatch.chdir(folder)
    for name, value in dict(variables).items():
        monkeypatch.setenv(name, value)
    path = folder / "n.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(DRAW)]), path)
    with Kernel() as kernel, open(folder / "log", "w+") as log:
        notebook.execute(kernel, path, folder / "kept.ipynb", {}, "", log)
        log.seek(0)
        return next(line for line in log if line.startswith("drew"))


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        return drawn(tmp_path_factory.mktemp("undisturbed"), patch)


@pytest.mark.parametrize("settings", SETTINGS)
def test_settings_of_matplotlib_change_no_figure(tmp_path, monkeypatch, undisturbed, settings):
    (tmp_path / "matplotlibrc").write_bytes(SETTINGS[settings])
    assert drawn(tmp_path, monkeypatch) == undisturbed


@pytest.mark.slow
@pytest.mark.parametrize("where", ["MATPLOTLIBRC", "MPLCONFIGDIR", "HOME"])
def test_nor_from_elsewhere(tmp_path, monkeypatch, undisturbed, where):
    place = tmp_path / "elsewhere"
    file = place / {"HOME": ".config/matplotlib/matplotlibrc"}.get(where, "matplotlibrc")
    file.parent.mkdir(parents=True)
    file.write_bytes(SETTINGS["LaTeX"])
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    named = {where: str(file if where == "MATPLOTLIBRC" else place)}
    assert drawn(tmp_path, monkeypatch, named) == undisturbed


@pytest.mark.slow
def test_a_platform_that_the_machine_lacks_is_named(tmp_path, monkeypatch, capfd):
    with pytest.raises(notebook.NotebookError, match="failed to start 3 times"):
        drawn(tmp_path, monkeypatch, {"JAX_PLATFORMS": "tpu"})
    told = capfd.readouterr().err.splitlines()
    assert len(told) == 3
    assert all("JAX_PLATFORMS=tpu: this machine has no such device" in line for line in told)


def test_switches_of_jax_are_taken_out():
    variables = {
        "JAX_NUMPY_DTYPE_PROMOTION": "strict",
        "JAX_ENABLE_X64": "0",
        "JAX_DISABLE_JIT": "1",
        "JAX_DEBUG_NANS": "1",
        "JAX_COMPILATION_CACHE_DIR": "/somewhere",
        "JAX_PLATFORM_NAME": "cpu",
        "HOME": "/home",
    }
    shell.only_what_is_safe(variables)
    assert variables == {"JAX_COMPILATION_CACHE_DIR": "/somewhere", "JAX_PLATFORMS": "cpu", "HOME": "/home"}


@pytest.mark.parametrize("name", ["JAX_PLATFORMS", "JAX_PLATFORM_NAME"])
@pytest.mark.parametrize("asked", ["cuda", "gpu", "tpu", "rocm", "METAL", "cpu,cuda", "nonsense"])
def test_a_platform_that_jax_does_not_have_is_refused(name, asked):
    with pytest.raises(UserError) as caught:
        shell.check_platforms({name: asked})
    assert caught.value.place == f"{name}, in the environment" and caught.value.found == repr(asked)
    assert "unset the variable" in caught.value.expected


@pytest.mark.parametrize("asked", ["", "cpu", "CPU", "cpu,"])
def test_the_processor_is_always_there(asked):
    shell.check_platforms({"JAX_PLATFORMS": asked})


def test_platforms_of_plugins_are_known(tmp_path, monkeypatch):
    (tmp_path / "jax_plugins/xla_cuda12").mkdir(parents=True)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "jax_plugins", raising=False)
    for asked in ("cuda", "gpu", "cuda,cpu"):
        shell.check_platforms({"JAX_PLATFORMS": asked})
    with pytest.raises(UserError, match="cpu or cuda12"):
        shell.check_platforms({"JAX_PLATFORMS": "tpu"})
