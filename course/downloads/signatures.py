"""The first bytes of a file tell what it is, whatever its name and the server say."""

from __future__ import annotations

from collections.abc import Iterable
from html.parser import HTMLParser

from course.errors import DownloadError

# magic numbers: RFC 1952 (gzip), bzip2 and xz file formats, PKWARE APPNOTE (zip), MS-CFB (xls), Apache Parquet
SIGNATURES: dict[str, bytes] = {
    ".gz": b"\x1f\x8b",
    ".tgz": b"\x1f\x8b",
    ".bz2": b"BZh",
    ".tbz2": b"BZh",
    ".xz": b"\xfd7zXZ\x00",
    ".txz": b"\xfd7zXZ\x00",
    ".zip": b"PK",
    ".xlsx": b"PK",
    ".xls": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
    ".parquet": b"PAR1",
}
LONGEST_SIGNATURE = 512
LONGEST_PAGE = 2**16
PAGE_SUFFIXES = (".html", ".htm", ".xhtml")


def signature(name: str) -> bytes:
    """Return the bytes a file of this name starts with, empty if its suffix promises nothing."""
    suffix = name[name.rfind(".") :].lower() if "." in name else ""
    return SIGNATURES.get(suffix, b"")


def is_page(first: bytes) -> bool:
    """Tell whether bytes start like an HTML page."""
    start = first.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    return start.startswith((b"<!doctype html", b"<html"))


def check_first_bytes(name: str, first: bytes, rest: Iterable[bytes], url: str) -> None:
    """Refuse a file whose first bytes are not those its name promises.

    Args:
        name: the name of the file.
        first: its first bytes, at least 512 unless the file is shorter.
        rest: what follows, read only to quote the title of a page.
        url: where it comes from, for the message.

    Raises:
        DownloadError: an HTML page or anything else came in place of the file; the message quotes the page's title.
    """
    if is_page(first) and not name.lower().endswith(PAGE_SUFFIXES):
        title = page_title(_beginning(first, rest))
        said = f"the web page {title!r}" if title else "a web page without a title"
        raise DownloadError(f"{url} sent {said} in place of {name}: open the address in a browser to see why")
    expected = signature(name)
    if not first.startswith(expected):
        raise DownloadError(
            f"{url} sent something that is not what the name {name} promises: "
            f"it starts with {first[: len(expected)].hex(' ') or 'nothing'}, not {expected.hex(' ')}"
        )


def _beginning(first: bytes, rest: Iterable[bytes]) -> bytes:
    page = bytearray(first)
    for chunk in rest:
        page += chunk
        if len(page) >= LONGEST_PAGE or b"</title" in page:
            break
    return bytes(page)


class _TitleParser(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.title = ""
        self._inside = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002
        self._inside = tag == "title" and not self.title

    def handle_endtag(self, tag: str) -> None:  # noqa: ARG002
        self._inside = False

    def handle_data(self, data: str) -> None:
        if self._inside:
            self.title += data


def page_title(page: bytes) -> str:
    """Return the title of an HTML page on one line of at most 200 characters, empty if it has none."""
    parser = _TitleParser()
    parser.feed(page.decode("utf-8", errors="replace"))
    return " ".join(parser.title.split())[:200]
