r"""Read a text file, on this machine or in an object store (``s3://bucket/key``), opened in the same manner.

Addresses are read through fsspec and, for S3, s3fs; the server and the credentials are those that the environment
names (``AWS_ENDPOINT_URL``, ``AWS_ACCESS_KEY_ID``…). Lines are those of Python's text mode: ``\n``, ``\r\n`` and
``\r`` end a line, a last line may lack its end.
"""

from __future__ import annotations

import codecs
import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Literal, TypeAlias, cast

from course.errors import BadArgumentError, DownloadError, MissingDependencyError
from course.files import replacing, temporary_folder
from course.progress import progress_bar
from course.shipped import install_command

if TYPE_CHECKING:
    from fsspec.callbacks import Callback

Location: TypeAlias = Path | str
"""A Path on this machine, or an address as text: a Path would lose one of its two slashes."""

ADDRESS = re.compile(r"[a-z][a-z0-9+.-]+://", re.IGNORECASE)
MANGLED = re.compile(r"([a-z][a-z0-9+.-]+):[/\\](?![/\\])", re.IGNORECASE)

Access: TypeAlias = Literal["blocks", "stream", "ranges"]
"""How an object will be read: here and there in text, from start to end, or in exact ranges as Parquet is."""

CACHES: dict[Access, tuple[str, int]] = {"blocks": ("blockcache", 2**18), "stream": ("readahead", 2**23),
                                         "ranges": ("none", 2**23)}  # fmt: skip
"""Cache of fsspec, and bytes fetched at a time: the default of s3fs, 50 MiB read ahead, fetches a file for a line."""


def is_address(path: Path | str) -> bool:
    """Tell whether this is an address, such as ``s3://bucket/key``, and no path of this machine."""
    return isinstance(path, str) and ADDRESS.match(path) is not None


def located(path: Path | str) -> Location:
    """Return an address as it is, and anything else as a Path.

    Raises:
        BadArgumentError: an address was made a Path, which removed a slash of it.
    """
    if is_address(path):
        return path
    if MANGLED.match(str(path)):
        raise BadArgumentError(f"{Path(path).as_posix()} was an address before it was a Path: give it as text")
    return Path(path)


def name_of(place: Location) -> str:
    """Return the name of a file, or the last part of the key of an object."""
    return place.rstrip("/").rpartition("/")[2] if isinstance(place, str) else place.name


def open_binary(path: Path | str, *, access: Access = "blocks") -> BinaryIO:
    """Open a file or an object for reading bytes.

    Args:
        path: a path of this machine, or an address.
        access: how an object will be read, which decides what is fetched with it; changes nothing for a file.

    Raises:
        BadArgumentError: nothing is known of this kind of address.
        DownloadError: no credentials, or no server answers.
        FileNotFoundError: there is no such file or object.
        MissingDependencyError: the library for this kind of address is not installed.
    """
    place = located(path)
    return _open_address(place, access) if isinstance(place, str) else place.open("rb")


def size_of(file: BinaryIO) -> int:
    """Return the bytes of an open file or object, which is left at its start."""
    size = file.seek(0, io.SEEK_END)
    file.seek(0)
    return size


def _open_address(address: str, access: Access) -> BinaryIO:
    cache, block = CACHES[access]
    system, key = file_system(address)
    with explained(address):
        return cast("BinaryIO", system.open(key, "rb", cache_type=cache, block_size=block))


def file_system(address: str, **options: Any) -> tuple[Any, str]:
    """Return the fsspec file system that holds an address, made with its own options, and the key of the object in it.

    Raises:
        BadArgumentError: nothing is known of this kind of address.
        MissingDependencyError: the library for this kind of address is not installed.
    """
    from fsspec.core import url_to_fs

    try:
        system, key = url_to_fs(address, **options)
    except ImportError as error:
        raise MissingDependencyError(
            f"{address.partition(':')[0]} addresses need a library that is not installed here ({error}): "
            f"{install_command('s3')} brings the one of s3"
        ) from error
    except ValueError as error:
        raise BadArgumentError(f"{address}: {error}") from error
    return system, key


@contextmanager
def explained(address: Location) -> Iterator[None]:
    """Turn the errors of the client of a store into one that says what to check.

    Raises:
        DownloadError: no credentials, or no server answers.
    """
    try:
        yield
    except _client_errors() as error:
        raise DownloadError(f"{address} cannot be read: {error}; check AWS_ENDPOINT_URL and the keys") from error


def _client_errors() -> tuple[type[Exception], ...]:
    """Return what the client of S3 raises and s3fs does not translate; nothing if it is not installed."""
    try:
        from botocore.exceptions import BotoCoreError  # type: ignore[import-untyped]
    except ImportError:
        return ()
    return (BotoCoreError,)


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
        for block in _text_blocks(stream, found) if text else iter(lambda: stream.read(COUNT_BLOCK), b""):
            count += block.count("\n") if isinstance(block, str) else block.count(b"\n")
            bar.update(stream.tell() - bar.n)
            last = block[-1:] if isinstance(block, str) else block[-1:].decode("latin-1")
    return count + (last not in {"", "\n"})


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
    newline, return_ = re.escape(encoding.newline), re.escape("\r".encode(encoding.name))
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


@contextmanager
def fetched(path: Path | str) -> Iterator[Path]:
    """Give the path of a file of this machine, or that of a copy of an object, removed at the end of the block.

    An address that ends no object but begins several, as that of a zarr group does, is copied as a folder.

    Raises:
        BadArgumentError: nothing is known of this kind of address.
        DownloadError: no credentials, or no server answers.
        FileNotFoundError: there is no such object.
        MissingDependencyError: the library for this kind of address is not installed.
        OutputError: there is no room for the copy.
    """
    place = located(path)
    with _here(place) as copy:
        if isinstance(place, str):
            with replacing(copy) as part:
                _fetch(place, part)
        yield copy


def _fetch(address: str, copy: Path) -> None:
    system, key = file_system(address)
    with explained(address):
        if not system.exists(key):
            raise FileNotFoundError(f"there is no object at {address}")
        single = system.isfile(key)
        with progress_bar(description=f"fetching {copy.name}", unit="B" if single else "objects") as bar:
            if single:
                system.get_file(key, str(copy), callback=_shown_by(bar))
            else:
                system.get(key, str(copy), recursive=True, callback=_shown_by(bar))


@contextmanager
def stored(place: Path | str) -> Iterator[Path]:
    """Give a path of this machine to write a file or a folder at; a store receives it when the block succeeds.

    An object appears whole or not at all; a folder appears object by object, in place of what was there.

    Raises:
        BadArgumentError: nothing is known of this kind of address.
        DownloadError: no credentials, or no server answers.
        MissingDependencyError: the library for this kind of address is not installed.
    """
    place = located(place)
    with _here(place) as written:
        yield written
        if isinstance(place, str):
            _store(written, place)


@contextmanager
def _here(place: Location) -> Iterator[Path]:
    """Give a path of this machine: that of the file itself, or one in a temporary folder for an address."""
    if isinstance(place, Path):
        yield place
        return
    with temporary_folder() as folder:
        yield folder / name_of(place)


def _store(written: Path, address: str) -> None:
    system, key = file_system(address)
    with explained(address):
        if written.is_dir() and system.exists(key):
            system.rm(key, recursive=True)
        with progress_bar(description=f"storing {written.name}", unit="objects" if written.is_dir() else "B") as bar:
            if written.is_dir():
                system.put(str(written), key, recursive=True, callback=_shown_by(bar))
            else:
                system.put_file(str(written), key, callback=_shown_by(bar))


def _shown_by(bar: Any) -> Callback:
    """Return what tells a progress bar how much there is and how much is done."""
    from fsspec.callbacks import Callback

    def show(size: int | None, done: int) -> None:
        bar.total = size
        bar.update(done - bar.n)

    return Callback(hooks={"bar": show})
