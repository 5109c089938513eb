"""The one exception that means: the user can put this right."""


class UserError(Exception):
    """A wrong config key, value, column, substitution or file.

    The message names the place, what was found there and what is expected; the command line prints it
    without a traceback.

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
        self.place, self.found, self.expected = place, found, expected
        super().__init__(f"{place}: found {found}; expected {expected}")
