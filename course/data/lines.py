r"""First lines, last lines and number of lines of a text file of any size.

Lines are those of Python's text mode: ``\n``, ``\r\n`` and ``\r`` end a line, a last line may lack its end.
"""

from __future__ import annotations

import codecs
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import BinaryIO

from course.data.paths import located, name_of, open_binary, size_of
from course.errors import BadArgumentError
from course.progress import progress_bar

BLOCK = 2**16
COUNT_BLOCK = 2**20
ELLIPSIS = "…"
# UTF-32 first: its mark starts with that of UTF-16
MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
# what to decode with when no mark says it
UNMARKED = {"": "utf-8", "utf-8-sig": "utf-8", "utf-16": "utf-16-le", "utf-32": "utf-32-le"}
COMPRESSED = re.compile(rb"\x1f\x8b|PK\x03\x04|BZh[1-9]1AY&SY|\xfd7zXZ\x00", re.DOTALL)


@dataclass(frozen=True)
class _Encoding:
    """How to decode from any line start: a codec that expects no mark, and where the text starts."""

    name: str
    start: int

    @property
    def newline(self) -> bytes:
        return "\n".encode(self.name)

    @property
    def return_(self) -> bytes:
        return "\r".encode(self.name)


def head(path: str | Path, n: int = 10, *, encoding: str | None = None, width: int | None = None) -> list[str]:
    """Return the first lines of a text file, without their ends; nothing else is read.

    Args:
        path: the file, or an address such as ``s3://bucket/key``.
        n: number of lines.
        encoding: by default what the byte-order mark says, else UTF-8; bytes that cannot be decoded show as ``�``.
        width: longer lines are cut after this number of characters, and end with ``…``.

    Raises:
        BadArgumentError: ``n`` or ``width`` is negative, the encoding is unknown, or the file is compressed.
        FileNotFoundError: there is no such file.
    """
    with open_binary(path) as stream:
        found = _checked_encoding(stream, n, encoding, path)
        return list(islice(_lines(stream, found, found.start, width), n))


def tail(path: str | Path, n: int = 10, *, encoding: str | None = None, width: int | None = None) -> list[str]:
    """Return the last lines of a text file, without their ends; only the end of the file is read.

    Arguments and errors are those of ``head``.
    """
    with open_binary(path) as stream:
        found = _checked_encoding(stream, n, encoding, path)
        start = _start_of_last_lines(stream, found, n)
        return list(islice(_lines(stream, found, start, width), n))


def count_lines(path: str | Path, *, text: bool = False, encoding: str | None = None) -> int:
    r"""Return the number of lines of a file: its line feeds, plus a last line that lacks its end.

    Args:
        path: the file, or an address such as ``s3://bucket/key``.
        text: count what Python's text mode calls lines, where ``\r`` alone ends one too;
            it is the only way for UTF-16 and UTF-32.
        encoding: as in ``head``; it changes nothing for the encodings that contain ASCII, unless ``text``.

    Raises:
        BadArgumentError: the encoding is unknown, or the file is compressed.
        FileNotFoundError: there is no such file.
    """
    name = name_of(located(path))
    with (
        open_binary(path, access="stream") as stream,
        progress_bar(size_of(stream), description=f"lines of {name}") as bar,
    ):
        found = _checked_encoding(stream, 0, encoding, path)
        text = text or len(found.newline) > 1
        stream.seek(found.start)
        count, last = 0, ""
        for block in _text_blocks(stream, found) if text else _byte_blocks(stream):
            count += block.count("\n") if isinstance(block, str) else block.count(b"\n")
            bar.update(stream.tell() - bar.n)
            last = block[-1:] if isinstance(block, str) else block[-1:].decode("latin-1")
    return count + (last not in {"", "\n"})


def _byte_blocks(stream: BinaryIO) -> Iterator[bytes]:
    return iter(lambda: stream.read(COUNT_BLOCK), b"")


def _text_blocks(stream: BinaryIO, encoding: _Encoding) -> Iterator[str]:
    text = io.TextIOWrapper(stream, encoding.name, errors="replace")
    try:
        yield from iter(lambda: text.read(COUNT_BLOCK), "")
    finally:
        text.detach()


def _checked_encoding(stream: BinaryIO, n: int, encoding: str | None, path: str | Path) -> _Encoding:
    if n < 0:
        raise BadArgumentError(f"a number of lines cannot be {n}: give 0 or more")
    stream.seek(0)
    first = stream.read(10)
    if COMPRESSED.match(first):
        raise BadArgumentError(f"{name_of(located(path))} is compressed, it has no lines: decompress it first")
    name = _codec_name(encoding) if encoding else ""
    family = name.removesuffix("-sig")
    for mark, marked in MARKS:
        if first.startswith(mark) and marked.startswith(family):
            return _Encoding(marked, len(mark))
    return _Encoding(UNMARKED.get(name, name), 0)


def _codec_name(encoding: str) -> str:
    try:
        "\n".encode(encoding)  # refuses what is not a text encoding, such as hex
        return codecs.lookup(encoding).name
    except (LookupError, UnicodeError) as error:
        raise BadArgumentError(f"the encoding {encoding!r} is unknown: try utf-8, latin-1 or cp1252") from error


def _lines(stream: BinaryIO, encoding: _Encoding, start: int, width: int | None) -> Iterator[str]:
    """Yield the lines from a line start on, holding at most ``width`` characters and a block of each."""
    if width is not None and width < 0:
        raise BadArgumentError(f"a width cannot be {width}: give 0 or more")
    stream.seek(start)
    text = io.TextIOWrapper(stream, encoding.name, errors="replace")
    try:
        while line := text.readline(-1 if width is None else width + 1):
            if line.endswith("\n") or width is None or len(line) <= width:
                yield line.removesuffix("\n")
            else:
                yield line[:width] + ELLIPSIS
                _skip_line(text)
    finally:
        text.detach()


def _skip_line(text: io.TextIOWrapper) -> None:
    while piece := text.readline(COUNT_BLOCK):
        if piece.endswith("\n"):
            return


def _start_of_last_lines(stream: BinaryIO, encoding: _Encoding, n: int) -> int:
    """Return the position of the ``n``-th last line start, found by blocks from the end."""
    size = stream.seek(0, io.SEEK_END)
    if n == 0:
        return size
    starts = _line_starts_from_end(stream, encoding, size)
    return next(islice(starts, n - 1, None), encoding.start)


def _line_starts_from_end(stream: BinaryIO, encoding: _Encoding, size: int) -> Iterator[int]:
    """Yield the positions that follow a line end and are followed by something, the last one first."""
    newline, return_ = re.escape(encoding.newline), re.escape(encoding.return_)
    unit = len(encoding.newline)
    line_end = re.compile(newline + b"|" + return_ + b"(?!" + newline + b")")
    end = size - (size - encoding.start) % unit
    while end > encoding.start:
        start = max(encoding.start, end - BLOCK)
        stream.seek(start)
        # one more character, to tell \r from \r\n at the end of the block
        block = stream.read(end - start + unit)
        ends = [found.end() for found in line_end.finditer(block) if found.start() % unit == 0]
        for position in reversed(ends):
            if start + position <= end and start + position < size:
                yield start + position
        end = start
