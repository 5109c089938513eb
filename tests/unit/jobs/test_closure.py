"""Import closures of hand-made packages whose answer is plain to see, and of what Python itself loads."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from proxsweep.io.errors import UserError
from proxsweep.jobs.closure import ROOT, closure


def package(root: Path, **sources: str) -> Path:
    """A package proxsweep under ``root``; keys are dotted names with __ for a dot."""
    for name, source in sources.items():
        path = root / "proxsweep" / (name.replace("__", "/") + ".py")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(source)
    for folder in [root / "proxsweep", *(p for p in (root / "proxsweep").rglob("*") if p.is_dir())]:
        (folder / "__init__.py").touch()
    return root


def notebook(path: Path, *cells: str) -> Path:
    code = [{"cell_type": "code", "source": cell.splitlines(keepends=True), "metadata": {}} for cell in cells]
    text = [{"cell_type": "markdown", "source": "import proxsweep.never", "metadata": {}}]
    path.write_text(json.dumps({"cells": text + code, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}))
    return path


def names(files: list[Path], root: Path) -> list[str]:
    return [file.relative_to(root / "proxsweep").as_posix() for file in files]


def test_submodule_taken_by_from_import(tmp_path):
    root = package(tmp_path, dms__fit="", dms__model="", errors="")
    entry = notebook(tmp_path / "n.ipynb", "from proxsweep.dms import fit")
    assert names(closure(entry, root), root) == ["__init__.py", "dms/__init__.py", "dms/fit.py"]


def test_name_inside_a_module_is_no_submodule(tmp_path):
    root = package(tmp_path, files="def write(): ...", write="")
    entry = notebook(tmp_path / "n.ipynb", "from proxsweep.files import write")
    assert names(closure(entry, root), root) == ["__init__.py", "files.py"]


def test_followed_through_functions_relative_imports_and_circles(tmp_path):
    root = package(
        tmp_path,
        dms__fit="from . import model\ndef late():\n    from ..optimize.fista import solve",
        dms__model="from .. import errors\nfrom .fit import late",
        optimize__fista="import numpy, os.path",
        optimize__unused="",
        errors="",
    )
    dms = ["dms/__init__.py", "dms/fit.py", "dms/model.py"]
    expected = ["__init__.py", *dms, "errors.py", "optimize/__init__.py", "optimize/fista.py"]
    assert names(closure("proxsweep.dms.fit", root), root) == expected


def test_an_init_file_s_own_imports_count(tmp_path):
    root = package(tmp_path, dms__fit="", errors="")
    (root / "proxsweep" / "dms" / "__init__.py").write_text("from ..errors import UserError")
    entry = notebook(tmp_path / "n.ipynb", "import proxsweep.dms.fit as f")
    assert names(closure(entry, root), root) == ["__init__.py", "dms/__init__.py", "dms/fit.py", "errors.py"]


def test_relative_import_in_an_init_file_starts_at_its_own_package(tmp_path):
    root = package(tmp_path, dms__model="", model="")
    (root / "proxsweep" / "dms" / "__init__.py").write_text("from . import model")
    assert names(closure("proxsweep.dms", root), root) == ["__init__.py", "dms/__init__.py", "dms/model.py"]


@pytest.mark.parametrize(
    "cell",
    [
        "%matplotlib inline\nimport proxsweep.style",
        "%%time\nimport proxsweep.style",
        "!ls\nif True:\n    %time x\n    import proxsweep.style",
        "files = !ls\nproxsweep?\nimport proxsweep.style",
        "import importlib\nimportlib.import_module('proxsweep.style')",
        "x = 7 \\\n  %3\ntext = '''\n%d\n'''\nimport proxsweep.style",
        "try:\n    pass\nexcept OSError:\n    import proxsweep.style",
        "try:\n    pass\nfinally:\n    with x:\n        import proxsweep.style",
        "for y in x:\n    pass\nelse:\n    import proxsweep.style",
        "match x:\n    case 1:\n        import proxsweep.style",
        "class A:\n    async def f(self):\n        from proxsweep import style",
    ],
)
def test_magics_and_named_imports(tmp_path, cell):
    root = package(tmp_path, style="", other="")
    entry = notebook(tmp_path / "n.ipynb", "%%bash\nimport proxsweep.other", cell)
    assert names(closure(entry, root), root) == ["__init__.py", "style.py"]


def test_a_file_outside_the_package_is_not_in_its_own_closure(tmp_path):
    root = package(tmp_path, style="")
    script = tmp_path / "script.py"
    script.write_text("import proxsweep.style\nimport json\n")
    assert names(closure(script, root), root) == ["__init__.py", "style.py"]
    assert names(closure(root / "proxsweep" / "style.py", root), root) == ["__init__.py", "style.py"]


def test_an_edit_is_seen(tmp_path):
    root = package(tmp_path, style="", errors="")
    before = closure("proxsweep.style", root)
    (root / "proxsweep" / "style.py").write_text("import proxsweep.errors\n")
    assert names(before, root) == ["__init__.py", "style.py"]
    assert names(closure("proxsweep.style", root), root) == ["__init__.py", "errors.py", "style.py"]


@pytest.mark.parametrize(
    ("cell", "found"),
    [
        ("import proxsweep.nothing", "an import of proxsweep.nothing"),
        ("def broken(:", "no Python"),
        ("from . import fit", "leaves the package"),
    ],
)
def test_faults_are_named(tmp_path, cell, found):
    entry = notebook(tmp_path / "n.ipynb", cell)
    with pytest.raises(UserError, match=found) as error:
        closure(entry, package(tmp_path, style=""))
    assert "n.ipynb" in error.value.place


@pytest.mark.parametrize("text", ["{", "[]", '{"cells": 1}'])
def test_no_notebook(tmp_path, text):
    (tmp_path / "n.ipynb").write_text(text)
    with pytest.raises(UserError, match=r"n\.ipynb"):
        closure(tmp_path / "n.ipynb", tmp_path)


def test_missing_file(tmp_path):
    with pytest.raises(UserError, match="no such file"):
        closure(tmp_path / "none.ipynb", tmp_path)


def test_holds_all_that_python_loads():
    """The interpreter's own answer for a module of this package."""
    listing = (
        "import sys, proxsweep.dms.data.encoding; "
        "print(*[m.__file__ for n, m in sys.modules.items() if n.split('.')[0] == 'proxsweep'], sep='\\n')"
    )
    done = subprocess.run(
        [sys.executable, "-c", listing],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        env={"PATH": ""},
    )
    loaded = {Path(line).resolve() for line in done.stdout.splitlines()}
    assert loaded == {file.resolve() for file in closure("proxsweep.dms.data.encoding")}
