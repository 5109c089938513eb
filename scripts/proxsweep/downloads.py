"""Files at an address: where their copies lie, and how one is read while a run is planned."""

import http.client
import re
import urllib.error
import urllib.request
from hashlib import sha256
from pathlib import PurePosixPath
from urllib.parse import unquote, urlsplit

from proxsweep.errors import UserError

TIMEOUT = 60  # seconds without an answer


def is_address(text: str) -> bool:
    """Whether a file is named by address and not by path."""
    return text.startswith(("http://", "https://"))


def path(study: str, address: str, digest: str | None) -> str:
    """Where the copy lies, relative to the working directory: another address or digest is another file."""
    name = PurePosixPath(unquote(urlsplit(address).path)).name
    suffix = re.search(r"(\.(csv|tsv)(\.gz)?)?$", name)[0]
    stem = re.sub(r"[^A-Za-z0-9._-]", "_", name.removesuffix(suffix))[:120].lstrip(".")
    key = sha256(f"{address} {digest}".encode()).hexdigest()[:12]
    return f"results/{study}/data/downloads/{stem}-{key}{suffix or '.csv'}"


def content(address: str) -> bytes:
    """The bytes at an address.

    Raises
    ------
    UserError
        If there is no such file, or no answer.
    """
    expected = "a file at an address that can be reached; a copy of it can be named by its path instead"
    try:
        with urllib.request.urlopen(address, timeout=TIMEOUT) as answer:
            return answer.read()
    except urllib.error.HTTPError as error:
        raise UserError(address, f"no file: the server answers {error.code} {error.reason}", expected) from None
    except (OSError, ValueError, http.client.HTTPException) as error:
        raise UserError(address, f"no whole answer ({getattr(error, 'reason', error)})", expected) from None
