"""Write a file completely or not at all, and find the folder where data files are kept."""

from __future__ import annotations

import errno
import hashlib
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import platformdirs

from course.errors import OutputError

# what a full or failing disk answers to a write; such errors name no file
WRITE_FAILURES = frozenset({errno.ENOSPC, errno.EFBIG, errno.EROFS, errno.EIO, getattr(errno, "EDQUOT", errno.ENOSPC)})


def data_directory() -> Path:
    """Return the folder of generated and downloaded files: ``BIGDATA_COURSE_DATA`` or the user's cache."""
    named = os.environ.get("BIGDATA_COURSE_DATA")
    return Path(named) if named else platformdirs.user_cache_path("bigdata-course", appauthor=False)


def file_digest(path: Path) -> str:
    """Return the SHA-256 of a file's content, in hexadecimal; the file is read piece by piece."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside ``path``, renamed over it if the block succeeds, removed if it does not.

    Any exception, ``KeyboardInterrupt`` included, leaves ``path`` as it was and no temporary file.

    Raises:
        OutputError: the folder cannot be written, or the disk is full.
    """
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    make_folder(path.parent)
    try:
        yield temporary
        temporary.replace(path)
    except OSError as error:
        if not _is_about(error, {temporary, path}):
            raise
        raise _output_error(path, error) from error
    finally:
        temporary.unlink(missing_ok=True)


def make_folder(folder: Path) -> None:
    """Make a folder and its parents unless they are there.

    Raises:
        OutputError: the folder cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _output_error(folder, error) from error


def _is_about(error: OSError, paths: set[Path]) -> bool:
    if error.filename is None:
        return error.errno in WRITE_FAILURES
    return Path(os.fsdecode(error.filename)) in paths


def _output_error(path: Path, error: OSError) -> OutputError:
    reason = error.strerror or str(error)
    return OutputError(f"cannot write {path}: {reason}; free some space or choose another folder")
