"""Files at an address: where their copies lie, whether there is one, and how it is copied."""

import http.client
import re
import shutil
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path, PurePosixPath
from typing import IO, TypeVar
from urllib.parse import unquote, urlsplit

from proxsweep.io import files
from proxsweep.io.errors import UserError

TIMEOUT = 60  # seconds without an answer
PAUSES = (1, 3)  # seconds before the second and the third try
_PASSING = (429, 500, 502, 503, 504)  # statuses that another try may not meet
_ABSENT = (404, 410)
_REDIRECTS = range(300, 400)
_EXPECTED = "a file at an address that can be reached; a copy of it can be named by its path instead"
Answer = TypeVar("Answer")


def is_address(text: str) -> bool:
    """Whether a file is named by address and not by path."""
    return text.startswith(("http://", "https://"))


def path(study: str, address: str, digest: str | None) -> str:
    """Where the copy lies, relative to the working directory: another address or digest is another file."""
    try:
        name = PurePosixPath(unquote(urlsplit(address).path)).name
    except ValueError as error:
        # message: The text is no address. | Correct it; blanks and brackets have to be escaped.
        raise UserError(f"the address {address}", f"what is none ({error})", _EXPECTED) from error
    suffix = re.search(r"(\.(csv|tsv)(\.gz)?)?$", name)[0]
    stem = re.sub(r"[^A-Za-z0-9._-]", "_", name.removesuffix(suffix))[:120].lstrip(".")
    key = sha256(f"{address} {digest}".encode()).hexdigest()[:12]
    return f"results/{study}/data/downloads/{stem}-{key}{suffix or '.csv'}"


def head(address: str) -> None:
    """Ask whether there is a file, without reading it.

    Only what is certain is refused: a server may not answer such a question as it answers a download.

    Raises
    ------
    UserError
        If there is no such file, or no answer at all.
    """
    try:
        _with_retries(address, lambda: _open(address, "HEAD").close())
    except _Refused as error:
        if error.status is None or error.status in _ABSENT or error.status in _REDIRECTS:
            raise


def fetch(address: str, path: str | Path, check: Callable[[Path], None]) -> None:
    """Copy the file at an address to ``path``, piece by piece; nothing cut off or refused ever comes to lie there.

    Parameters
    ----------
    address
        With http or https; redirects to other kinds of addresses are not followed.
    path
        Where the copy goes. Until it is checked it lies beside it, under a name that ends in the same suffix.
    check
        Called with the path of the copy; raises UserError if it is not what was wanted.

    Raises
    ------
    UserError
        If there is no such file, no answer, or only a part of one, in each of three tries; and what ``check`` raises,
        with the address in place of the copy's path.
    """
    path = Path(path)
    copy = path.with_name(f"unchecked-{path.name}")
    try:
        files.write_stream(copy, lambda stream: _with_retries(address, lambda: _copy(address, stream)))
        check(copy)
        copy.replace(path)
    except UserError as error:
        # message: passed on
        raise UserError(error.place.replace(str(copy), address), error.found, error.expected) from None
    finally:
        copy.unlink(missing_ok=True)


class _Refused(UserError):
    """What a server, or none, answered in the end; ``status`` is None where it was no HTTP answer."""

    def __init__(self, address: str, found: str, status: int | None = None):
        super().__init__(address, found, _EXPECTED)
        self.status = status


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follow redirects to http and https only, and keep asking what was asked."""

    def redirect_request(self, request, stream, code, message, headers, address):
        if not is_address(address):
            message = f"{message} - Redirection to url '{address}' is not allowed"
            raise urllib.error.HTTPError(request.full_url, code, message, headers, stream)
        new = super().redirect_request(request, stream, code, message, headers, address)
        new.method = request.get_method()
        return new


def _open(address: str, method: str = "GET") -> http.client.HTTPResponse:
    request = urllib.request.Request(address, headers={"User-Agent": "proxsweep"}, method=method)
    return urllib.request.build_opener(_Redirects).open(request, timeout=TIMEOUT)


def _copy(address: str, stream: IO[bytes]) -> None:
    stream.seek(0)
    stream.truncate()
    with _open(address) as answer:
        shutil.copyfileobj(answer, stream)
        if answer.length:  # reading in pieces ends in silence where the connection does
            raise http.client.IncompleteRead(b"", answer.length)


def _with_retries(address: str, ask: Callable[[], Answer]) -> Answer:
    """Ask up to three times; failures that will not pass are final at once."""
    for pause in (*PAUSES, None):
        try:
            return ask()
        except urllib.error.HTTPError as error:
            found = f"no file: the server answers {error.code} {error.reason}"
            # message: no file: the server answers 404 Not Found | a file at an address that can be reached; ... | 404
            # or 410: there is none at this address. 401 or 403: it is not public. 429 or 500 to 504: the server is
            # busy. | Correct the address, or get the file yourself; of a busy server, run again later.
            refused, final = _Refused(address, found, error.code), error.code not in _PASSING
            error.close()
        except (ValueError, http.client.InvalidURL) as error:
            # message: no whole answer (...) | a file at an address that can be reached; ... | The address is none that
            # can be asked, or it was answered with something else than a file. | Correct it; blanks have to be escaped.
            refused, final = _Refused(address, f"no whole answer ({error})"), True
        except (OSError, http.client.HTTPException) as error:
            # message: no whole answer (...) | a file at an address that can be reached; ... | No server of that name,
            # no network, or a connection that broke. | Try again; nodes of a cluster often have no network, but
            # downloads run where you started Snakemake.
            refused, final = _Refused(address, f"no whole answer ({getattr(error, 'reason', error)})"), False
        if final or pause is None:
            raise refused from None
        time.sleep(pause)
