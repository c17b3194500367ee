"""Fetch one address into one file over HTTP: tried again, taken up where it broke, refused if it is a web page."""

from __future__ import annotations

import json
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests
from bs4 import BeautifulSoup
from requests.utils import urldefragauth
from urllib3.exceptions import HTTPError

from course.errors import DownloadError, OutputError
from course.files import replacing
from course.progress import progress_bar


@dataclass(frozen=True)
class RetryPolicy:
    """Limits of a transfer: times in seconds, sizes in bytes."""

    attempts: int = 4  # failures in a row after which the transfer is given up
    progress: int = 2**20  # what comes after a failure to make it forgotten: a long file may survive many cuts
    read: float = 30.0  # longest silence of the server; a third of it, to be connected
    stall: float = 60.0  # a transfer of less than 1 kiB per second over this time has stalled
    backoff: float = 0.5  # wait after the first failure; it doubles after each failure in a row
    longest_wait: float = 30.0  # between two attempts, whatever the server asks


RETRY = RetryPolicy()


class PassingFaultError(Exception):
    """An attempt failed in a way that may not last; ``wait`` is what the server asked for, in seconds."""

    def __init__(self, reason: str, wait: float = 0.0) -> None:
        super().__init__(reason)
        self.wait = wait


@dataclass
class ResumingDownloader:
    """A downloader for ``pooch.retrieve`` that keeps what came, between attempts and between calls."""

    target: Path  # the file that is wanted; what came of it is kept in a hidden .part file beside it
    verifiable: bool = False  # checked afterwards by a hash or a checksum: resumed even if no version is told
    whole: bool = False  # what was obtained came in one piece
    address: str = ""  # where it came from, after redirections

    def __post_init__(self) -> None:
        self._part = self.target.with_name(f".{self.target.name}.part")
        self._noted = self.target.with_name(f".{self.target.name}.part.json")
        # many servers call a .gz file an encoded one: it is wanted as it is
        self._is_decoded = not self.target.name.lower().endswith((".gz", ".tgz"))

    def __call__(self, url: str, output_file: str, pooch: object = None, check_only: bool = False) -> bool:  # noqa: ARG002
        """Fetch ``url`` into ``output_file``, the signature being the one pooch calls.

        Raises:
            DownloadError: the file cannot be fetched, or a web page came in its place.
            OutputError: the disk is full; what was received is given up.
        """
        failures, furthest = 0, self._held()
        while True:
            try:
                self._attempt(url)
                break
            except PassingFaultError as fault:
                failures = 1 if self._held() >= furthest + RETRY.progress else failures + 1
                furthest = max(furthest, self._held())
                if failures >= RETRY.attempts or fault.wait > RETRY.longest_wait:
                    tried = f"{urldefragauth(url)} cannot be fetched (attempts: {failures})"
                    raise DownloadError(f"{tried}: {fault}; try again later") from fault
                longest = min(RETRY.longest_wait, RETRY.backoff * 2.0 ** (failures - 1))
                # at random, so that a whole class does not come back at once
                time.sleep(max(fault.wait, secrets.SystemRandom().uniform(longest / 2, longest)))
        self._refuse_page()
        self._part.replace(output_file)
        self.discard()
        return True

    def discard(self) -> None:
        """Forget what came, and its version."""
        self._part.unlink(missing_ok=True)
        self._noted.unlink(missing_ok=True)

    def _held(self) -> int:
        return self._part.stat().st_size if self._part.exists() else 0

    def _attempt(self, url: str) -> None:
        noted: dict[str, Any] = {}
        with suppress(FileNotFoundError, ValueError, TypeError):
            noted = dict(json.loads(self._noted.read_text(encoding="utf-8")))
        validator = noted.get("validator")
        offset = self._held() if self.verifiable or validator else 0
        # a server that is told a validator sends the whole file if it has changed; one that is None is not sent
        with _response_of(url, {"Range": f"bytes={offset}-", "If-Range": validator} if offset else {}) as response:
            is_end = response.status_code == 416  # nothing is left to send
            start, version = _sent_by(response, decode=self._is_decoded)
            fits = _goes_on(version, noted, is_end=is_end) if start else not is_end and _begins(version, noted, offset)
            if start not in (0, offset) or not fits:
                self.discard()
                raise PassingFaultError("the server sent another part of the file, or of another version of it")
            if not start:
                self.discard()
                with replacing(self._noted) as temporary:
                    temporary.write_text(json.dumps(version), encoding="utf-8", newline="\n")
            self.whole, self.address = start == 0, response.url
            if not is_end:
                try:
                    self._receive(response, start, version["total"] or (noted.get("total") if start else None))
                except PassingFaultError:
                    if offset and not start:  # too short to be the whole, it may be the part that was asked for
                        self.discard()
                    raise

    def _receive(self, response: requests.Response, start: int, total: int | None) -> None:
        name, folder = self.target.name, self.target.parent
        advice = "free some space or set BIGDATA_COURSE_DATA to another folder"
        if total and shutil.disk_usage(folder).free < total - start:
            raise OutputError(f"{folder} has no room for the {total - start:,} bytes to come of {name}: {advice}")
        try:
            with self._part.open("ab") as stream, progress_bar(total, description=name) as bar:
                bar.update(start)
                for chunk in _chunks_of(response, decode=self._is_decoded):
                    stream.write(chunk)
                    # a buffer would keep it from a process that goes on after this one is killed
                    stream.flush()
                    bar.update(len(chunk))
        except HTTPError as error:
            raise PassingFaultError(f"the transfer broke: {_reason(error)}") from error
        except OSError as error:
            self.discard()
            raise OutputError(f"cannot write {name} in {folder}: {error.strerror}; {advice}") from error
        # a part that is too long is given up when it cannot be gone on with
        if total is not None and self._held() != total:
            raise PassingFaultError(f"{self._held()} bytes came and {total} were announced")

    def _refuse_page(self) -> None:
        """Refuse a web page in place of another file, and quote its title."""
        with self._part.open("rb") as stream:
            first = stream.read(2**16)
        is_page = first.removeprefix(b"\xef\xbb\xbf").lstrip().lower().startswith((b"<!doctype html", b"<html"))
        if is_page and self.target.suffix.lower() not in {".html", ".htm", ".xhtml"}:
            self.discard()
            title = BeautifulSoup(first, "html.parser").title
            quoted = " ".join(title.get_text().split())[:200] if title else "(without a title)"
            sent = f"{urldefragauth(self.address)} sent the web page {quoted!r} in place of {self.target.name}"
            raise DownloadError(f"{sent}: open the address in a browser to see why")


def _response_of(url: str, headers: dict[str, Any]) -> requests.Response:
    """Ask for an address and return the answer, its body not read yet; proxies are those of the environment."""
    shown = urldefragauth(url)
    # identity: lengths and ranges must count the bytes of the file itself
    headers = {**headers, "User-Agent": "bigdata-course", "Accept-Encoding": "identity"}
    try:
        response = requests.get(url, headers=headers, stream=True, timeout=(RETRY.read / 3, RETRY.read))
    except requests.exceptions.SSLError as error:
        raise DownloadError(f"{shown} has no valid certificate: {error}") from error
    except (requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError) as error:
        raise PassingFaultError(_reason(error)) from error
    except (requests.RequestException, ValueError) as error:
        raise DownloadError(f"{shown} is not an address that can be fetched: {error}") from error
    if response.status_code in {200, 206, 416}:
        return response
    response.close()
    status = f"the server answered {response.status_code} {response.reason}"
    if response.status_code in {408, 425, 429, 500, 502, 503, 504}:  # may not last: RFC 9110 and RFC 6585
        asked = response.headers.get("Retry-After", "").strip()
        raise PassingFaultError(status, float(asked) if asked.isdecimal() else 0.0)
    raise DownloadError(f"{shown} cannot be fetched: {status}; check the address")


def _reason(error: Exception) -> str:
    cause = getattr(error.args[0], "reason", error.args[0]) if error.args else error
    return str(cause) or type(error).__name__


def _sent_by(response: requests.Response, *, decode: bool) -> tuple[int, dict[str, Any]]:
    """Return where in the file the body starts, -1 if that is not said, and what tells the version of the file."""
    headers = response.headers
    is_encoded = headers.get("Content-Encoding", "identity").strip().lower() not in {"identity", ""}
    start, total = "0", "" if is_encoded else headers.get("Content-Length", "")
    # bytes 10-99/100, or bytes */100 if nothing is left to send; some servers send a part as 200
    if response.status_code != 200 or "Content-Range" in headers:
        positions, _, total = headers.get("Content-Range", "").removeprefix("bytes ").partition("/")
        is_end = response.status_code == 416
        start = total if is_end and positions == "*" else "" if is_end else positions.partition("-")[0].strip()
    tag = headers.get("ETag", "W/")  # a weak one promises no bytes
    validator = headers.get("Last-Modified") if tag.startswith("W/") else tag
    version: dict[str, Any] = {"validator": validator, "total": int(total) if total.isdecimal() else None}
    if is_encoded and decode:  # positions count the bytes that come, not those that are kept
        return (0 if start == "0" else -1), {"validator": None, "total": None}
    return int(start) if start.isdecimal() else -1, version


def _begins(version: dict[str, Any], noted: dict[str, Any], offset: int) -> bool:
    """Tell whether a body that should be the whole file can be; to one who asked for a part, some send it unsaid."""
    total, before = version["total"], noted.get("total")
    if not offset:
        return True
    if version["validator"] != noted.get("validator"):  # of another version, unless it is as long as what is missing
        return None not in (version["validator"], total) and (before is None or total != before - offset)
    return total is not None and total == before


def _goes_on(version: dict[str, Any], noted: dict[str, Any], *, is_end: bool) -> bool:
    """Tell whether a part is of the version that was noted, and of a file whose length is known."""
    if len({version["total"], noted.get("total")} - {None}) != 1:
        return False
    before, now = noted.get("validator"), version["validator"]
    # a date need not be told again with a part, nor a tag when nothing is left
    return before in (None, now) or (now is None and (is_end or not str(before).startswith('"')))


def _chunks_of(response: requests.Response, *, decode: bool) -> Iterator[bytes]:
    """Yield the body as it comes, unless it stalls."""
    since, amount = time.monotonic(), 0
    while chunk := response.raw.read1(2**18, decode_content=decode):
        yield chunk
        amount, elapsed = amount + len(chunk), time.monotonic() - since
        if elapsed >= RETRY.stall:
            if amount < 2**10 * elapsed:
                raise PassingFaultError(f"the transfer has stalled ({amount} bytes came in {elapsed:.0f} s)")
            since, amount = time.monotonic(), 0
