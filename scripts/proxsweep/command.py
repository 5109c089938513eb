"""What a command of ``proxsweep`` is."""

import argparse
import json
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Command:
    """A command: for users, or for the rules of the workflow."""

    name: str
    help: str
    options: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace], None]
    for_users: bool = False


def json_option(text: str) -> dict:
    """An option that is JSON; argparse names the option where it is not."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        # message: The option takes JSON. | Write it in single quotes for the shell: `--spec '{"seed": 1}'`.
        raise argparse.ArgumentTypeError(f"found no JSON ({error}); expected a mapping") from None
    if not isinstance(found, dict):
        # message: The option takes a mapping. | Write it in single quotes for the shell: `--spec '{"seed": 1}'`.
        raise argparse.ArgumentTypeError(f"found JSON that is a {type(found).__name__}; expected a mapping")
    return found
