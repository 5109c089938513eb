"""Files at an address: where their copies lie, whether there is one, and how it is copied."""

import http.client
import re
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, wait
from hashlib import sha256
from pathlib import Path, PurePosixPath
from typing import IO, NoReturn, TypeVar
from urllib.parse import unquote, urlsplit

from proxsweep.io import files, marks
from proxsweep.io.errors import UserError

TIMEOUT = 60  # seconds without a byte
ANSWER = 120  # seconds until an answer has begun, redirects included
TOTAL = 1800  # seconds for a file, all tries together
SLOWEST = 1000  # bytes a second, of each minute
MINUTE = 60  # seconds
LARGEST = 4 * 2**30  # bytes
PIECE = 2**16  # bytes
PAUSES = (1, 3)  # seconds before the second and the third try
_PASSING = (429, 500, 502, 503, 504)  # statuses that another try may not meet
_ABSENT = (404, 410)
_REDIRECTS = range(300, 400)
_COPY = "a copy of it can be named by its path instead"
_EXPECTED = f"a file at an address that can be reached; {_COPY}"
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
    suffix = re.search(r"(\.(csv|tsv|tab)(\.(gz|xz|bz2|zip))?|\.(xz|bz2|zip|parquet))?$", name)[0]
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
        _with_retries(address, lambda: _answer(address, "HEAD").close())
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
        If there is no such file, no answer, only a part of one, more than was announced, or a trickle, in each of three
        tries; if the file is larger than :data:`LARGEST` or takes longer than :data:`TOTAL`; and what ``check``
        raises, with the address in place of the copy's path.
    """
    path, end = Path(path), time.monotonic() + TOTAL
    copy = path.with_name(f".unchecked-{marks.mark()}-{path.name}")
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with open(copy, "wb") as stream:
            _with_retries(address, lambda: _copy(address, stream, end))
        check(copy)
        files.put_in_place(copy, path)
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


def _answer(address: str, method: str = "GET") -> http.client.HTTPResponse:
    """The answer as soon as it has begun: asked in a thread, since a server may send its first lines byte by byte."""
    asked: Future[http.client.HTTPResponse] = Future()

    def ask() -> None:
        try:
            asked.set_result(_open(address, method))
        except Exception as error:
            asked.set_exception(error)

    threading.Thread(target=ask, daemon=True).start()
    if not wait([asked], ANSWER).done:
        raise TimeoutError(f"none within {ANSWER} s")
    return asked.result()


def _copy(address: str, stream: IO[bytes], end: float) -> None:
    stream.seek(0)
    stream.truncate()
    with _answer(address) as answer:
        lengths = {int(text) for text in answer.headers.get_all("Content-Length", [])}
        if lengths and max(lengths) > LARGEST:
            _refuse_size(address)
        copied = _pour(_pieces(answer, lengths), stream, address, end)
    if lengths and copied < min(lengths):
        raise http.client.IncompleteRead(b"", min(lengths) - copied)
    if lengths - {copied}:
        raise http.client.HTTPException(f"{copied} bytes where {min(lengths)} were announced")


def _pieces(answer: http.client.HTTPResponse, lengths: set[int]) -> Iterator[bytes]:
    """What is sent, as it comes, also beyond the length that was announced."""
    answer.length, read = None, 0
    while True:
        try:
            piece = answer.read1(PIECE)
        except OSError:
            if read in lengths:  # all is there; the server did not close the connection as it was asked to
                return
            raise
        if not piece:
            return
        read += len(piece)
        yield piece


def _pour(pieces: Iterable[bytes], stream: IO[bytes], address: str, end: float) -> int:
    """Write pieces; how many bytes that were."""
    copied, before, look = 0, 0, time.monotonic() + MINUTE
    for piece in pieces:
        stream.write(piece)
        copied, now = copied + len(piece), time.monotonic()
        if copied > LARGEST:
            _refuse_size(address)
        if now > end:
            found = f"no whole file within {TOTAL / 60:g} minutes"
            # message: no whole file within 30 minutes | a file that arrives within that time; a copy of it can be named
            # by its path instead | The server or the network is slow, or the file is large. | Download the file
            # yourself, and name its path in place of the address.
            raise UserError(address, found, f"a file that arrives within that time; {_COPY}")
        if now > look:
            if copied - before < SLOWEST * MINUTE:
                raise TimeoutError(f"less than {SLOWEST} bytes a second for a minute")
            before, look = copied, now + MINUTE
    return copied


def _refuse_size(address: str) -> NoReturn:
    # message: a file of more than 4 GiB | at most that; a copy of it can be named by its path instead | The address
    # leads to something else than a table, or to a table larger than is downloaded. | Correct the address, or download
    # the file yourself and name its path.
    raise UserError(address, f"a file of more than {LARGEST / 2**30:g} GiB", f"at most that; {_COPY}")


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
            # no network, a connection that broke, fewer or more bytes than were announced, or less than 1000 a
            # second. | Try again; nodes of a cluster often have no network, but downloads run where you started
            # Snakemake.
            refused, final = _Refused(address, f"no whole answer ({getattr(error, 'reason', error)})"), False
        if final or pause is None:
            raise refused from None
        time.sleep(pause)
