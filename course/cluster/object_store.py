"""An S3-compatible object store on the loopback interface, which remembers what it was asked for.

It is the server of the package moto: real HTTP requests and real answers, objects kept in the memory of this process.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

from course.shipped import require

CREDENTIALS = {"AWS_ACCESS_KEY_ID": "course", "AWS_SECRET_ACCESS_KEY": "course", "AWS_DEFAULT_REGION": "us-east-1"}
"""What every client of S3 wants to know; the server accepts anyone."""

SLOW_DOWN = b'<?xml version="1.0"?><Error><Code>SlowDown</Code><Message>Reduce your request rate.</Message></Error>'
SLOW_DOWN_HEADERS = [("Content-Type", "application/xml"), ("Content-Length", str(len(SLOW_DOWN)))]

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


@dataclass(frozen=True)
class StoreRequest:
    """One HTTP request that the store answered; bytes are those of the bodies."""

    method: str
    path: str  # bucket and key, such as ``/damir/month.parquet``
    range: str  # the header, empty when the whole object was asked for
    status: int
    received_bytes: int  # 0 if the client did not say how many
    sent_bytes: int


class ObjectStore(AbstractContextManager["ObjectStore"]):
    """The server at ``url``, from its making to ``close()``; a context manager.

    The environment of this process names it (``AWS_ENDPOINT_URL`` and credentials), and is restored by ``close``:
    s3fs, dask, Arrow and zarr find it without an option. Processes that run already, such as workers, must be given
    ``environment``. What it answered is in ``requests``, in order; may be cleared.

    Raises:
        MissingDependencyError: moto or s3fs is not installed.
    """

    def __init__(self) -> None:
        require("cluster", "moto", "flask_cors", "s3fs", needed_for="the object store")
        self.requests: list[StoreRequest] = []
        self._to_refuse = 0
        self._lock = threading.Lock()
        self._server = _server(self._application())
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self.environment = {**CREDENTIALS, "AWS_ENDPOINT_URL": self.url, "AWS_EC2_METADATA_DISABLED": "true"}
        self._before = {name: os.environ.get(name) for name in self.environment}
        _set_environment(self.environment)

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Stop the server, forget its objects, restore the environment."""
        import requests

        requests.post(f"{self.url}/moto-api/reset", timeout=10)
        self._server.shutdown()
        self._server.server_close()
        _set_environment(self._before)

    def refuse(self, count: int) -> None:
        """Answer 503 Slow Down to the next ``count`` requests, as S3 does under load."""
        with self._lock:
            self._to_refuse = count

    def _application(self) -> Application:
        from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

        answer: Application = DomainDispatcherApplication(create_backend_app)

        def remembered(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterator[bytes]:
            said: list[str] = []

            def start(status: str, headers: list[tuple[str, str]], error: Any = None) -> Any:
                said.append(status)
                return start_response(status, headers, error)

            # one at a time: a PUT of S3 is atomic, and moto's is not
            with self._lock:
                refused = self._to_refuse > 0
                self._to_refuse -= refused
                if refused:
                    start("503 Slow Down", SLOW_DOWN_HEADERS)
                    body = b"" if environ["REQUEST_METHOD"] == "HEAD" else SLOW_DOWN
                else:
                    body = b"".join(answer(environ, start))
                # remembered before the client has its answer: it may count at once
                self.requests.append(
                    StoreRequest(
                        method=environ["REQUEST_METHOD"],
                        path=environ["PATH_INFO"],
                        range=environ.get("HTTP_RANGE", ""),
                        status=int(said[-1].partition(" ")[0]),
                        received_bytes=int(environ.get("CONTENT_LENGTH") or 0),
                        sent_bytes=len(body),
                    )
                )
            yield body

        return remembered


def _server(application: Application) -> Any:
    from moto.moto_server.werkzeug_app import MotoRequestHandler
    from werkzeug.serving import make_server

    class Handler(MotoRequestHandler):
        """Keeps a connection for several requests, as S3 does, and writes no log."""

        protocol_version = "HTTP/1.1"

        def log(self, *_: object) -> None:
            """Write nothing."""

    return make_server("127.0.0.1", 0, application, threaded=True, request_handler=Handler)


def _set_environment(variables: Mapping[str, str | None]) -> None:
    for name, value in variables.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
    forget_clients()


def forget_clients() -> None:
    """Close the clients that s3fs keeps: they know the address they were made with."""
    if "s3fs" not in sys.modules:
        return
    kind = sys.modules["s3fs"].S3FileSystem
    for client in list(kind._cache.values()):  # noqa: SLF001 no public way to list them
        # those of zarr live in its own event loop, and nobody else closes them
        if client.asynchronous and client._s3 is not None and "zarr.core.sync" in sys.modules:  # noqa: SLF001
            sys.modules["zarr.core.sync"].sync(client._s3.close())  # noqa: SLF001
    kind.clear_instance_cache()
