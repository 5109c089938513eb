"""The folder of compiled code."""

import os
import tempfile

import pytest

from proxsweep.jobs.cache import VARIABLE, compilation_cache


@pytest.fixture
def temporary(monkeypatch, tmp_path):
    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.setattr(tempfile, "gettempdir", lambda: str(tmp_path))
    return tmp_path


def test_a_private_folder_is_made(temporary):
    folder = compilation_cache()[VARIABLE]
    assert folder == str(temporary / f"proxsweep-{os.getuid()}")
    assert os.stat(folder).st_mode & 0o777 == 0o700
    assert compilation_cache()[VARIABLE] == folder


def test_a_folder_open_to_others_is_not_trusted(temporary):
    folder = temporary / f"proxsweep-{os.getuid()}"
    folder.mkdir()
    folder.chmod(0o770)
    assert compilation_cache() == {}


def test_a_link_is_not_trusted(temporary):
    (temporary / "elsewhere").mkdir(mode=0o700)
    (temporary / f"proxsweep-{os.getuid()}").symlink_to(temporary / "elsewhere")
    assert compilation_cache() == {}


def test_the_users_choice_is_kept(monkeypatch, temporary):
    monkeypatch.setenv(VARIABLE, "/somewhere/else")
    assert compilation_cache()[VARIABLE] == "/somewhere/else"
    assert not list(temporary.iterdir())
