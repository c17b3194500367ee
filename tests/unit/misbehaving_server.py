"""A real local HTTP server that fails on command: each path has a script, one behaviour per request."""

from __future__ import annotations

import hashlib
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from course.downloads.resuming import RetryPolicy

Behaviour = Callable[["Handler"], None]
# waits short enough for tests, in seconds
IMPATIENT = RetryPolicy(attempts=3, read=1.0, stall=0.3, backoff=0.002, longest_wait=0.5)


class Handler(BaseHTTPRequestHandler):
    """Answers a request with the next behaviour of its path."""

    server: Server

    def do_GET(self) -> None:
        self.server.requests.append((self.path, dict(self.headers)))
        script = self.server.scripts.get(self.path)
        behaviour = status(404) if not script else script.pop(0) if len(script) > 1 else script[0]
        behaviour(self)

    def answer(
        self, code: int, body: bytes = b"", headers: dict[str, str] | None = None, length: int | None = None
    ) -> None:
        """Send a status, headers, and a body whose announced length may be wrong."""
        self.send_response(code)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class Server(ThreadingHTTPServer):
    """The server, its scripts by path, and the requests it got: (path, headers)."""

    daemon_threads = True
    block_on_close = False

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.scripts: dict[str, list[Behaviour]] = {}
        self.requests: list[tuple[str, dict[str, str]]] = []
        self.closing = threading.Event()
        self.url = f"http://127.0.0.1:{self.server_address[1]}"

    def script(self, path: str, *behaviours: Behaviour) -> str:
        """Set what a path answers, request after request, the last behaviour for ever; return its address."""
        self.scripts[path] = list(behaviours)
        return self.url + path

    def ranges(self) -> list[str | None]:
        """Return the ``Range`` of every request."""
        return [headers.get("Range") for _, headers in self.requests]

    def handle_error(self, *_: Any) -> None:
        """Let a client that hangs up go; anything else is a fault of the test."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(*_)


@contextmanager
def running() -> Iterator[Server]:
    """Run a server in a thread."""
    server = Server()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.closing.set()
        server.shutdown()
        server.server_close()
        thread.join()


@dataclass(frozen=True)
class Content:
    """A file on the server."""

    body: bytes
    ranges: bool = True  # whether parts can be asked for
    validators: dict[str, str] | None = None  # of its version; by default, an entity tag made from the bytes
    honest: bool = True  # whether If-Range is understood
    encoding: dict[str, str] = field(default_factory=dict)

    @property
    def headers(self) -> dict[str, str]:
        tag = {"ETag": f'"{hashlib.sha256(self.body).hexdigest()[:8]}"'}
        return {**self.encoding, **(tag if self.validators is None else self.validators)}

    def offset(self, request: Handler) -> int:
        """Return where the answer starts."""
        changed = self.honest and request.headers.get("If-Range") not in {None, *self.headers.values()}
        asked = request.headers.get("Range", "bytes=0-") if self.ranges and not changed else "bytes=0-"
        return int(asked.removeprefix("bytes=").removesuffix("-"))

    def send(self, request: Handler, stop: int | None = None) -> None:
        """Answer with the file or the part asked for, the connection being closed at position ``stop``."""
        offset, size = self.offset(request), len(self.body)
        part = {"Content-Range": f"bytes {offset}-{size - 1}/{size}"}
        if offset >= size > 0:
            request.answer(416, b"", {"Content-Range": f"bytes */{size}"})
        elif offset:
            request.answer(206, self.body[offset:stop], {**self.headers, **part}, length=size - offset)
        else:
            request.answer(200, self.body[:stop], self.headers, length=size)


def serve(content: Content, stop: int | None = None) -> Behaviour:
    """Behave well, or close the connection at a position of the file, the whole length having been announced."""
    return lambda request: content.send(request, stop)


def status(code: int, headers: dict[str, str] | None = None) -> Behaviour:
    """Answer with a status and a short text."""
    return lambda request: request.answer(code, b"no", headers)


def page(title: str) -> Behaviour:
    """Answer 200 with a web page in place of a file."""
    body = f"<!DOCTYPE html>\n<html><head><title>{title}</title></head><body>{'no ' * 5000}</body></html>"
    return lambda request: request.answer(200, body.encode(), {"Content-Type": "text/html; charset=utf-8"})


def drip(content: Content, pause: float = 0.02, amount: int = 1) -> Behaviour:
    """Send a few bytes at a time, silent for some seconds between them; with ``amount`` 0, send headers only."""

    def behave(request: Handler) -> None:
        request.answer(200, b"", content.headers, len(content.body))
        start = 0
        while start < len(content.body):
            request.wfile.write(content.body[start : (start := start + amount)])
            if request.server.closing.wait(pause):
                return

    return behave


def hang_up(request: Handler) -> None:
    """Close the connection without a word."""
    request.close_connection = True


def wrong_part(content: Content, start: int) -> Behaviour:
    """Answer to a request for a part with another part, as long as the one that was asked for."""
    return lambda request: _send_part(request, content, start, start + len(content.body) - content.offset(request))


def short_part(content: Content, amount: int) -> Behaviour:
    """Answer with less than what was asked for, as a server may."""
    return lambda request: _send_part(request, content, start := content.offset(request), start + amount)


def _send_part(request: Handler, content: Content, start: int, stop: int) -> None:
    position = f"bytes {start}-{stop - 1}/{len(content.body)}"
    request.answer(206, content.body[start:stop], {**content.headers, "Content-Range": position})


def chunked(content: Content, stop: int | None = None) -> Behaviour:
    """Send by chunks without a length; with ``stop``, hang up before the last chunk."""

    def behave(request: Handler) -> None:
        request.protocol_version = "HTTP/1.1"
        request.send_response(200)
        request.send_header("Transfer-Encoding", "chunked")
        request.send_header("Connection", "close")
        request.end_headers()
        body = content.body[:stop]
        request.wfile.write(b"%x\r\n%s\r\n" % (len(body), body) + (b"0\r\n\r\n" if stop is None else b""))
        request.close_connection = True

    return behave
