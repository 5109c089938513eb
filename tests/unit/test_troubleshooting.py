"""docs/troubleshooting.md has the words of every refusal in the library."""

import html

import messages
from projects import PROJECT

# made of what another place says, which is in the page by itself
PASSED_ON = {
    "config.py": 2,
    "configfile.py": 1,
    "dms/settings.py": 1,
    "dms/simulate.py": 3,
    "dms/substitutions.py": 1,
    "downloads.py": 1,
    "fit_options.py": 1,
    "reading.py": 2,
    "schema.py": 1,
}


def flat(text: str) -> str:
    return " ".join(html.unescape(text).replace("\\|", "|").split())


def test_every_refusal_stands_in_the_page():
    page = flat((PROJECT / "docs/troubleshooting.md").read_text())
    absent = [one for one in messages.messages() if one.marker() and flat(one.marker()) not in page]
    assert not absent


def test_few_refusals_have_no_words_of_their_own():
    bare: dict[str, int] = {}
    for one in messages.messages():
        if not one.marker():
            name = one.place.split(":")[0]
            bare[name] = bare.get(name, 0) + 1
    assert all(count <= PASSED_ON.get(name, 0) for name, count in bare.items()), bare


def test_words_are_found_through_assigned_names():
    known = {one.found for one in messages.messages() if one.place.startswith("dms/read.py")}
    assert "a Git LFS pointer, not the table it stands for" in known
    assert "a gzipped file that unpacks to more than ... MiB" in known
