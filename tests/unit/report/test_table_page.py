import re

import pandas as pd

from proxsweep.report import table_page


def rows_of(page):
    body = page.partition("<tbody>")[2]
    return [re.findall(r"<td[^>]*>(.*?)</td>", row) for row in re.findall(r"<tr.*?</tr>", body)]


def written(tmp_path, table):
    table.to_csv(tmp_path / "table.csv", index=False)
    table_page.write(tmp_path / "table.csv", tmp_path / "page.html")
    return (tmp_path / "page.html").read_text()


def test_fits_that_did_not_converge_stand_first_and_are_marked(tmp_path):
    table = pd.DataFrame({"name": list("abcd"), "status": ["converged", "diverged", "converged", "max_iterations"]})
    page = written(tmp_path, table)
    assert [row[0] for row in rows_of(page)] == ["b", "d", "a", "c"]
    assert page.count('<tr class="marked">') == 2


def test_all_columns_and_values_are_there(tmp_path):
    page = written(tmp_path, pd.DataFrame({"text": ["a<b", None], "value": [1 / 3, None], "count": [7, 8]}))
    assert rows_of(page) == [["a&lt;b", "0.3333", "7"], ["", "", "8"]]
    assert f'data-value="{1 / 3!r}"' in page
    assert page.count("<button>") == 3


def test_the_largest_shifts_of_a_long_table_are_kept(tmp_path):
    shifts = [(-1) ** k * k / 1000 for k in range(3000)]
    page = written(tmp_path, pd.DataFrame({"mutation": range(3000), "shift": shifts}))
    found = [int(row[0]) for row in rows_of(page)]
    assert found == list(range(2999, 999, -1))
    assert "The 2000 rows with the largest absolute shift, of 3000" in page


def test_a_page_needs_nothing_from_elsewhere(tmp_path):
    page = written(tmp_path, pd.DataFrame({"a": [1]}))
    assert not re.search(r"https?:|src=|<link", page)
