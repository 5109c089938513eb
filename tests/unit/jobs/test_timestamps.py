"""Files dated in the future are dated as of now, and no others."""

import os
import time

from proxsweep.jobs import timestamps


def test_only_what_is_dated_in_the_future_is_dated_anew(tmp_path):
    (tmp_path / "below").mkdir()
    month = 30 * 86400
    dates = {"old": -month, "now": 0.0, "next week": month / 4, "below/next month": month}
    before = {name: time.time() + later for name, later in dates.items()}
    for name, date in before.items():
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (date, date))
    began = time.time()
    assert timestamps.clamp_future_mtimes(tmp_path) == 2
    after = {name: (tmp_path / name).stat().st_mtime for name in dates}
    assert after["old"] == before["old"] and after["now"] == before["now"]
    assert began - 1 < after["next week"] == after["below/next month"] < time.time() + 1
    assert timestamps.clamp_future_mtimes(tmp_path) == 0


def test_a_folder_that_is_not_there_has_no_files(tmp_path):
    assert timestamps.clamp_future_mtimes(tmp_path / "none") == 0
