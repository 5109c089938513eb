"""The one exception that means: the user can put this right."""

LONGEST = 800  # characters of each part of a message


class UserError(Exception):
    """A wrong config key, value, column, substitution or file.

    The message names the place, what was found there and what is expected; the command line prints it
    without a traceback. It is one line, whatever the file holds: what cannot be printed stands as its escape, what is
    very long is cut.

    Parameters
    ----------
    place
        File and position (key path, row, column) of the fault.
    found
        What stands there.
    expected
        What should stand there.
    """

    def __init__(self, place: str, found: str, expected: str):
        self.place, self.found, self.expected = map(one_line, (place, found, expected))
        super().__init__(f"{self.place}: found {self.found}; expected {self.expected}")


def one_line(text: str) -> str:
    """Text as a message can show it."""
    cut = text if len(text) <= LONGEST else f"{text[: LONGEST // 2]} ... {text[-LONGEST // 2 :]}"
    if cut.isprintable():
        return cut
    return "".join(c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode() for c in cut)
