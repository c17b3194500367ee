"""A path on this machine or an address in an object store, such as ``s3://bucket/key``: opened in the same manner.

Addresses are read through fsspec and, for S3, s3fs; the server and the credentials are those that the environment
names (``AWS_ENDPOINT_URL``, ``AWS_ACCESS_KEY_ID``…).
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, Literal, TypeAlias, cast

from course.errors import BadArgumentError, DownloadError, MissingDependencyError

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
            "pip install 'bigdata-course[s3]' brings the one of s3"
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
