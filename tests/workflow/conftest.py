"""Real runs of small studies in a copy of the project."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from projects import Project, copy_project, once, small_study
from serving import Server, serving


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with these long tests, so that no process is left alone with one at the end."""
    here = Path(__file__).parent
    items.sort(key=lambda item: here not in item.path.parents)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A fresh copy of the project."""
    return copy_project(tmp_path / "project")


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A copy in which the small study ``tiny`` (config ``tiny.yaml``) has run to its end. Read only.

    What the run printed is in ``said.txt``.
    """

    def make(folder: Path) -> None:
        made = copy_project(folder)
        made.config("tiny.yaml", {"tiny": small_study()})
        done = made.snakemake("--configfile", "tiny.yaml", cores=2)
        assert done.returncode == 0, done.stdout
        (folder / "said.txt").write_text(done.stdout)

    return Project(once(tmp_path_factory, "a finished project", make))


@pytest.fixture
def edited(finished: Project, tmp_path: Path) -> Project:
    """A copy of the finished project, to change something in it."""
    ignore = shutil.ignore_patterns("locks", "*.pyc.*")  # what another process may just be writing there
    shutil.copytree(finished.folder, tmp_path / "copy", symlinks=True, ignore=ignore)
    return Project(tmp_path / "copy")


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """A server on this machine, without files yet, that is asked directly."""
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with serving({}) as started:
        yield started
