"""A server on this machine that gives out a few files, and fails where it is told to."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Server(ThreadingHTTPServer):
    """Gives out ``files`` by path and remembers what was asked for.

    ``moved`` sends on to another address; ``cut`` says after how many bytes the connection ends, request by request;
    ``statuses`` are answered in place of the file, request by request; ``lengths`` are announced in place of its
    length. ``pause`` are seconds before each byte, and ``late`` seconds before the first line of the answer. With
    ``stay`` the connection is left open for so many seconds, whatever was asked.
    """

    daemon_threads = True

    def __init__(self, files: dict[str, bytes]):
        super().__init__(("127.0.0.1", 0), Handler)
        self.files = dict(files)
        self.moved: dict[str, str] = {}
        self.cut: dict[str, list[int]] = {}
        self.statuses: dict[str, list[int]] = {}
        self.lengths: dict[str, str] = {}
        self.pause = self.late = self.stay = 0.0
        self.asked: list[tuple[str, str]] = []

    def address(self, path: str) -> str:
        return f"http://127.0.0.1:{self.server_port}{path}"

    def leave(self) -> None:
        """Answer no more."""
        self.shutdown()
        self.server_close()


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_HEAD(self) -> None:
        self.answer(b"")

    def do_GET(self) -> None:
        body = self.server.files.get(self.path, b"")
        cuts = self.server.cut.get(self.path)
        self.answer(body[: cuts.pop(0)] if cuts else body)

    def answer(self, body: bytes) -> None:
        self.server.asked.append((self.command, self.path))
        statuses = self.server.statuses.get(self.path)
        if statuses:
            self.send_error(statuses.pop(0))
            return
        moved = self.server.moved.get(self.path)
        known = self.path in self.server.files
        time.sleep(self.server.late)
        self.send_response(302 if moved else 200 if known else 404)
        if moved:
            self.send_header("Location", moved)
        length = str(len(self.server.files.get(self.path, b"")))
        self.send_header("Content-Length", self.server.lengths.get(self.path, length))
        self.send_header("Last-Modified", "Sat, 01 Jan 2022 00:00:00 GMT")
        self.end_headers()
        with suppress(OSError):  # whoever asked may have left
            for piece in [body[k : k + 1] for k in range(len(body))] if self.server.pause else [body]:
                time.sleep(self.server.pause)
                self.wfile.write(piece)
        time.sleep(self.server.stay)

    def log_message(self, format: str, *arguments: object) -> None:
        """Not onto the screen."""


@contextmanager
def serving(files: dict[str, bytes]) -> Iterator[Server]:
    """A server for as long as the block runs."""
    server = Server(files)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server
    finally:
        server.leave()
