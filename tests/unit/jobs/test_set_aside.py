"""What a dry run hides while it lasts."""

import re

from proxsweep.jobs import leftovers, set_aside


def hidden(folder) -> list[str]:
    return [path.name for path in folder.iterdir() if path.name.startswith(".")]


def test_what_is_hidden_comes_back_as_it_was(tmp_path, monkeypatch):
    ends = []
    monkeypatch.setattr(set_aside.atexit, "register", lambda *call: ends.append(call))
    (tmp_path / "html").mkdir()
    for name in ("fits.csv", "made meanwhile", "html/index.html"):
        (tmp_path / name).write_text(name)
    paths = [tmp_path / name for name in ("fits.csv", "made meanwhile", "html", "absent")]
    set_aside.hide(paths)
    assert not any(path.exists() for path in paths)
    # where the process is killed, the next run removes them
    assert len(hidden(tmp_path)) == 3
    assert all(re.fullmatch(leftovers._NAME, name) for name in hidden(tmp_path))
    (tmp_path / "made meanwhile").write_text("new")
    for function, *arguments in ends:
        function(*arguments)
    assert hidden(tmp_path) == []
    found = {path.relative_to(tmp_path).as_posix(): path.read_text() for path in tmp_path.rglob("*") if path.is_file()}
    assert found == {"fits.csv": "fits.csv", "made meanwhile": "new", "html/index.html": "html/index.html"}
