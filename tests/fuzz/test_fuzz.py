"""A small share of the fuzzing (``python -m tests.fuzz`` does more), and its own oracles put to the test."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxsweep.dms.data.substitutions import parse
from proxsweep.io.errors import LONGEST, UserError, one_line

from . import core, entries, oracles


@pytest.mark.parametrize("entry", entries.ENTRIES, ids=lambda entry: entry.name)
def test_made_input_is_read_as_it_says_or_refused_in_one_line(entry):
    shares = sum(one.share for one in entries.ENTRIES)
    tally = core.run([entry], max(1, round(2000 * entry.share / shares)), 20)[entry.name]
    assert not tally.bad, core.show({entry.name: tally})


@pytest.mark.parametrize(
    ("run", "sound", "kind"),
    [
        (lambda: 1 / 0, True, "tracebacks"),
        (lambda: 3, False, "wrong"),
        (lambda: 3, True, "accepted"),
        (lambda: (_ for _ in ()).throw(UserError("elsewhere", "x", "y")), True, "unnamed"),
        (lambda: (_ for _ in ()).throw(UserError("t.csv, row 3", "x", "y")), True, "refused"),
    ],
)
def test_every_way_to_end_is_counted(tmp_path, run, sound, kind):
    tally = core.Tally()
    made = core.Case(lambda: next(run()) if kind in ("unnamed", "refused") else run(), lambda found: sound, ["t.csv"])
    core.one(core.Entry("x", 1, lambda rng, folder: made), "k", tmp_path / "case", tally)
    assert getattr(tally, kind) == 1 and tally.bad == (kind in ("tracebacks", "wrong", "unnamed"))


TOKENS = st.from_regex(r"[ACDEFGHIKLMNPQRSTVWY-][1-9][0-9]{0,3}[a-z]?[ACDEFGHIKLMNPQRSTVWY*-]", fullmatch=True)
STRINGS = st.lists(st.one_of(TOKENS, st.text(max_size=4)), max_size=4).map(" ".join)


@settings(max_examples=300, deadline=None)
@given(st.lists(STRINGS, min_size=1, max_size=5))
def test_substitutions_are_what_the_strict_parser_says(strings):
    try:
        expected = [oracles.substitutions(string) for string in strings]
    except oracles.Invalid:
        with pytest.raises(UserError):
            parse(strings, lambda row: f"row {row}")
        return
    written = {token[1:-1] for string in strings for token in string.split()}
    if len({site for row in expected for site in row}) < len(written):  # 1 and 01
        with pytest.raises(UserError):
            parse(strings, lambda row: f"row {row}")
        return
    assert parse(strings, lambda row: f"row {row}").texts().tolist() == [_sorted(string) for string in strings]


def _sorted(string: str) -> str:
    tokens = {next(iter(oracles.substitutions(token))): token for token in string.split()}
    return " ".join(tokens[site] for site in sorted(tokens))


@given(st.text())
def test_a_message_is_one_printable_line(text):
    line = one_line(text)
    assert line.isprintable() and len(line) <= 10 * (LONGEST + 5)
    assert line == text or not text.isprintable() or len(text) > LONGEST
