"""Fetch one address into one file over HTTP, taking up again where a broken transfer stopped."""

from __future__ import annotations

import email.utils
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit, urlunsplit

from course.downloads.partial import PartialFile, Version
from course.downloads.patience import Patience, StallWatch, TransferFaultError, with_attempts
from course.downloads.signatures import LONGEST_PAGE, LONGEST_SIGNATURE, check_first_bytes
from course.errors import DownloadError, OutputError
from course.progress import progress_bar

if TYPE_CHECKING:
    from requests import Response

CHUNK = 2**18
# answers that may not last: RFC 9110 and RFC 6585
PASSING_STATUSES = frozenset({408, 425, 429, 500, 502, 503, 504})


@cache
def user_agent() -> str:
    """Return the name under which the course asks for files."""
    try:
        return f"bigdata-course/{version('bigdata-course')}"
    except PackageNotFoundError:
        return "bigdata-course"


def without_credentials(url: str) -> str:
    """Return an address without the user name and password it may hold."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


@contextmanager
def response_of(url: str, patience: Patience, headers: dict[str, str] | None = None) -> Iterator[Response]:
    """Ask for an address and yield the answer, its body not read yet; proxies are those of the environment.

    Raises:
        DownloadError: the address is wrong, redirects without end, or is refused for good.
        TransferFaultError: the server cannot be reached or is in trouble: worth another attempt.
    """
    import requests

    with requests.Session() as session:
        session.max_redirects = patience.redirects
        # identity: lengths and ranges must count the bytes of the file itself
        session.headers.update({"User-Agent": user_agent(), "Accept-Encoding": "identity"})
        try:
            response = session.get(url, headers=headers, stream=True, timeout=(patience.connect, patience.read))
        except requests.TooManyRedirects as error:
            raise DownloadError(f"{without_credentials(url)} redirects more than {patience.redirects} times") from error
        except requests.exceptions.SSLError as error:
            raise DownloadError(f"{without_credentials(url)} has no valid certificate: {error}") from error
        except (requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError) as error:
            raise TransferFaultError(_reason(error)) from error
        except (requests.RequestException, ValueError) as error:
            raise DownloadError(f"{without_credentials(url)} is not an address that can be fetched: {error}") from error
        with response:
            _check_status(response, url)
            yield response


def _reason(error: Exception) -> str:
    cause = getattr(error.args[0], "reason", error.args[0]) if error.args else error
    return str(cause) or type(error).__name__


def _check_status(response: Response, url: str) -> None:
    status = f"the server answered {response.status_code} {response.reason}"
    if response.status_code in PASSING_STATUSES:
        raise TransferFaultError(status, asked=_retry_after(response))
    if response.status_code not in {200, 206, 416}:
        raise DownloadError(f"{without_credentials(url)} cannot be fetched: {status}; check the address")


def _retry_after(response: Response) -> float | None:
    asked = response.headers.get("Retry-After", "").strip()
    if asked.isdecimal():
        return float(asked)
    try:
        return max(0.0, email.utils.parsedate_to_datetime(asked).timestamp() - time.time())
    except ValueError:
        return None


def chunks_of(response: Response, patience: Patience, *, decode: bool) -> Iterator[bytes]:
    """Yield the body as it comes, never more than 256 KiB at a time.

    Args:
        response: an answer whose body has not been read.
        patience: says when a transfer has stalled.
        decode: undo the content encoding, if there is one.

    Raises:
        TransferFaultError: the transfer broke, fell silent, stalled, or ended before its announced length.
    """
    from urllib3.exceptions import HTTPError

    watch = StallWatch(patience)
    while True:
        try:
            chunk = response.raw.read1(CHUNK, decode_content=decode)
        except HTTPError as error:
            raise TransferFaultError(f"the transfer broke: {_reason(error)}") from error
        if not chunk:
            return
        watch.add(len(chunk))
        yield chunk


def page_of(url: str, patience: Patience) -> tuple[str, str]:
    """Return the text of a web page of at most 1 MiB and its address after redirections.

    Raises:
        DownloadError: the page cannot be fetched or is too long.
    """

    def attempt() -> tuple[str, str]:
        with response_of(url, patience) as response:
            page = bytearray()
            for chunk in chunks_of(response, patience, decode=True):
                page += chunk
                if len(page) > 16 * LONGEST_PAGE:
                    raise DownloadError(f"{without_credentials(url)} is not a list of files: it is longer than 1 MiB")
            return page.decode("utf-8", errors="replace"), response.url

    return with_attempts(attempt, patience, without_credentials(url))


@dataclass
class ResumingDownloader:
    """A downloader for ``pooch.retrieve``: resumes, retries, checks first bytes and length.

    Attributes:
        partial: where the bytes received so far are kept between attempts and between calls.
        patience: time-outs and number of attempts.
        verifiable: the whole file can be checked afterwards (hash, checksum of a compressed format), so that a
            transfer may be taken up again even from a server that tells no version.
        resumed: whether the file that was obtained came in more than one piece.
    """

    partial: PartialFile
    patience: Patience
    verifiable: bool = False
    resumed: bool = False

    def __call__(self, url: str, output_file: str, pooch: object, check_only: bool = False) -> bool:  # noqa: ARG002
        """Fetch ``url`` into ``output_file``, the signature being the one pooch calls.

        Raises:
            DownloadError: the file cannot be fetched.
            OutputError: the disk is full; what was received is given up.
        """
        shown = without_credentials(url)
        if not check_only:
            with_attempts(lambda: self._attempt(url), self.patience, shown, self.partial.size)
            self.partial.finish(Path(output_file))
        return True

    def _attempt(self, url: str) -> None:
        offset = self._resumable()
        headers = {}
        if offset:
            headers["Range"] = f"bytes={offset}-"
            validator = self.partial.version().validator
            if validator:
                headers["If-Range"] = validator
        with response_of(url, self.patience, headers) as response:
            if response.status_code == 416:
                self._check_complete(response, offset)
            else:
                self._receive(response, self._start_of(response, offset))

    def _resumable(self) -> int:
        """Return how many bytes can be kept."""
        held = self.partial.size()
        return held if self.verifiable or self.partial.version().validator else 0

    def _check_complete(self, response: Response, offset: int) -> None:
        if offset and response.headers.get("Content-Range", "") == f"bytes */{offset}":
            self.resumed = True
            return
        self.partial.discard()
        raise TransferFaultError("the server refused to go on where the transfer stopped")

    def _start_of(self, response: Response, offset: int) -> int:
        """Return the position in the file of the first byte of the answer, the part being made ready for it."""
        if response.status_code == 200:
            self.resumed = False
            self.partial.start(Version.of_headers(response.headers, _length(response)))
            return 0
        start, total = _content_range(response)
        if start != offset or self.partial.version().contradicts(Version.of_headers(response.headers, total)):
            self.partial.discard()
            raise TransferFaultError("the server sent another part of the file, or of another version of it")
        self.resumed = True
        return start

    def _receive(self, response: Response, start: int) -> None:
        length = _length(response)
        total = None if length is None else start + length
        self._check_room(length)
        chunks = chunks_of(response, self.patience, decode=_is_encoded(response, self.partial.target.name))
        if start == 0:
            first, chunks = _first_bytes(chunks)
            check_first_bytes(self.partial.target.name, first, chunks, without_credentials(response.url))
            chunks = chain([first], chunks)
        with self.partial.appending() as stream, progress_bar(total, description=self.partial.target.name) as bar:
            bar.update(start)
            for chunk in chunks:
                stream.write(chunk)
                bar.update(len(chunk))
        self._check_length()

    def _check_length(self) -> None:
        held, total = self.partial.size(), self.partial.version().total
        if total is not None and held != total:
            if held > total:
                self.partial.discard()
            raise TransferFaultError(f"{held} bytes came and {total} were announced")

    def _check_room(self, length: int | None) -> None:
        folder = self.partial.target.parent
        free = shutil.disk_usage(folder).free
        if length is not None and length > free:
            raise OutputError(
                f"{self.partial.target.name} needs {length / 2**20:,.0f} MiB and {folder} has {free / 2**20:,.0f} MiB "
                "free; free some space or set BIGDATA_COURSE_DATA to another folder"
            )


def _first_bytes(chunks: Iterator[bytes]) -> tuple[bytes, Iterator[bytes]]:
    first = bytearray()
    for chunk in chunks:
        first += chunk
        if len(first) >= LONGEST_SIGNATURE:
            break
    return bytes(first), chunks


def _is_encoded(response: Response, name: str) -> bool:
    """Tell whether the body must be decoded; many servers call a ``.gz`` file an encoded one, it is wanted as it is."""
    return bool(response.headers.get("Content-Encoding")) and not name.lower().endswith((".gz", ".tgz"))


def _length(response: Response) -> int | None:
    length = response.headers.get("Content-Length", "")
    return int(length) if length.isdecimal() and not response.headers.get("Content-Encoding") else None


def _content_range(response: Response) -> tuple[int | None, int | None]:
    """Return the first position and the size of ``Content-Range: bytes 10-99/100``, None for what is not given."""
    positions, _, total = response.headers.get("Content-Range", "").removeprefix("bytes ").partition("/")
    start = positions.partition("-")[0].strip()
    return (int(start) if start.isdecimal() else None), (int(total) if total.isdecimal() else None)
