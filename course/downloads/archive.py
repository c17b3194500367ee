"""Decompress by stream, in flat memory, and let nothing out of the folder."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import shutil
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import BinaryIO, cast

from course.errors import CourseError, OutputError
from course.files import make_folder, replacing
from course.progress import progress_bar

BLOCK = 2**20
STREAMS: dict[str, Callable[[BinaryIO], io.BufferedIOBase]] = {
    ".gz": lambda stream: gzip.GzipFile(fileobj=stream),
    ".bz2": bz2.BZ2File,
    ".xz": lzma.LZMAFile,
}
# how the tar itself is compressed
TAR_SUFFIXES = {
    ".tar": "",
    ".tar.gz": ".gz",
    ".tgz": ".gz",
    ".tar.bz2": ".bz2",
    ".tbz2": ".bz2",
    ".tar.xz": ".xz",
    ".txz": ".xz",
}
# what the decompressors of the standard library raise on damaged data
DAMAGED = (
    EOFError,
    zlib.error,
    lzma.LZMAError,
    gzip.BadGzipFile,
    tarfile.TarError,
    zipfile.BadZipFile,
    NotImplementedError,  # zipfile: an unknown compression method
)


class CorruptArchiveError(CourseError, ValueError):
    """A compressed file is damaged or unsafe: it must be fetched again, or refused."""


def archive_suffix(name: str) -> str:
    """Return the part of a name that says how the file is compressed, such as ``.gz`` or ``.tar.xz``, or nothing."""
    lowered = name.lower()
    suffixes = sorted((*TAR_SUFFIXES, *STREAMS, ".zip"), key=len, reverse=True)
    return next((name[-len(suffix) :] for suffix in suffixes if lowered.endswith(suffix) and lowered != suffix), "")


def unpack(archive: Path, folder: Path, name: str | None = None) -> list[Path]:
    """Decompress a ``.gz``, ``.bz2``, ``.xz``, ``.zip`` or ``.tar*`` file, by blocks of 1 MiB.

    Args:
        archive: the compressed file.
        folder: where the result goes; it should be empty, and is to be thrown away if this raises.
        name: name of the archive, when the file is kept under another.

    Returns:
        The files written: one, without the suffix, for a compressed file; the members, for an archive.

    Raises:
        CorruptArchiveError: the file is damaged, cut, encrypted, or a member is a link or would leave the folder.
        OutputError: the disk is full or the folder cannot be written.
    """
    name = name or archive.name
    suffix = archive_suffix(name)
    make_folder(folder)
    with _damage_reported(name):
        if suffix.lower() == ".zip":
            return _unpack_zip(archive, folder)
        if suffix.lower() in TAR_SUFFIXES:
            return _unpack_tar(archive, folder, suffix.lower())
        return [_decompress(archive, folder / name.removesuffix(suffix), suffix.lower())]


@contextmanager
def _damage_reported(name: str) -> Iterator[None]:
    try:
        yield
    except DAMAGED as error:
        raise CorruptArchiveError(f"{name} is damaged ({error}): fetch it again") from error
    except OSError as error:
        # bz2 says "Invalid data stream" with an OSError that has no number
        if error.errno is not None or isinstance(error, CourseError):
            raise
        raise CorruptArchiveError(f"{name} is damaged ({error}): fetch it again") from error


def _decompress(archive: Path, target: Path, suffix: str) -> Path:
    with (
        archive.open("rb") as compressed,
        STREAMS[suffix](compressed) as stream,
        replacing(target) as temporary,
        temporary.open("wb") as output,
        progress_bar(archive.stat().st_size, description=f"decompress {target.name}") as bar,
    ):
        while block := stream.read(BLOCK):
            output.write(block)
            bar.update(compressed.tell() - bar.n)
    return target


def copy_stream(source: BinaryIO, target: Path) -> Path:
    """Write what is left of a stream into a file, complete or absent.

    Raises:
        OutputError: the disk is full or the folder cannot be written.
    """
    with replacing(target) as temporary, temporary.open("wb") as output:
        shutil.copyfileobj(source, output, BLOCK)
    return target


def _check_room(folder: Path, size: int) -> None:
    free = shutil.disk_usage(folder).free
    if size > free:
        raise OutputError(
            f"the archive needs {size / 2**20:,.0f} MiB and {folder} has {free / 2**20:,.0f} MiB free; "
            "free some space or choose another folder"
        )


def _checked(name: str) -> PurePosixPath:
    """Return the path of a member, refused if any platform could read it as outside the folder."""
    posix, windows = PurePosixPath(name), PureWindowsPath(name)
    if posix.is_absolute() or windows.anchor or ".." in windows.parts or not posix.parts:
        raise CorruptArchiveError(f"the archive is refused: its member {name!r} would be written outside the folder")
    return posix


def _unpack_zip(archive: Path, folder: Path) -> list[Path]:
    with zipfile.ZipFile(archive) as opened:
        members = [(_checked(member.filename), member) for member in opened.infolist() if not member.is_dir()]
        if any(member.flag_bits & 1 for _, member in members):
            raise CorruptArchiveError(f"{archive.name} is encrypted: decrypt it by hand")
        _check_room(folder, sum(member.file_size for _, member in members))
        paths = []
        for path, member in members:
            with opened.open(member) as source:
                paths.append(copy_stream(cast("BinaryIO", source), folder / path))
    return list(dict.fromkeys(paths))


def _unpack_tar(archive: Path, folder: Path, suffix: str) -> list[Path]:
    outer = TAR_SUFFIXES[suffix]
    paths = []
    with archive.open("rb") as compressed:
        stream = cast("BinaryIO", STREAMS[outer](compressed)) if outer else compressed
        with tarfile.open(fileobj=stream, mode="r|") as opened:
            for member in opened:
                source = _member_stream(opened, member)
                if source is not None:
                    _check_room(folder, member.size)
                    paths.append(copy_stream(source, folder / _checked(member.name)))
        while stream.read(BLOCK):
            pass  # the checksum of the compressed stream comes after the end of the tar
    return list(dict.fromkeys(paths))


def _member_stream(opened: tarfile.TarFile, member: tarfile.TarInfo) -> BinaryIO | None:
    """Return the bytes of a member, None for a folder; what is neither a file nor a folder is refused."""
    if member.isdir():
        return None
    if not member.isfile():
        raise CorruptArchiveError(f"the archive is refused: its member {member.name!r} is a link or a device")
    return cast("BinaryIO", opened.extractfile(member))
