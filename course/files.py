"""Write a file completely or not at all, and find the folder where data files are kept."""

from __future__ import annotations

import errno
import glob
import hashlib
import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path

import platformdirs

from course.errors import CourseError, OutputError

# what a disk that takes no more answers, in the words of the system and of SQLite: libraries quote them in errors of
# their own, which have no number
_FULL_NUMBERS = (errno.ENOSPC, errno.EFBIG, errno.EROFS, getattr(errno, "EDQUOT", errno.ENOSPC))
_FULL = (*map(os.strerror, _FULL_NUMBERS), "disk is full")
_LEAST_FREE = 2**16  # bytes
_LOCK, _ASIDE = ".lock", ".aside"  # in a scratch folder: held by its owner; the folder that is being replaced
_LONGEST_NAME = 200  # bytes; file systems allow 255
_ATTEMPTS = 100  # to put a folder in place of one that others replace at the same time


def data_directory() -> Path:
    """Return the folder of generated and downloaded files: ``BIGDATA_COURSE_DATA`` or the user's cache."""
    named = os.environ.get("BIGDATA_COURSE_DATA")
    return expanded(named) if named else platformdirs.user_cache_path("bigdata-course", appauthor=False)


def expanded(path: Path | str) -> Path:
    """Return a path in which ``~`` and ``~name`` are homes, as in a shell; what is no home stays as it is."""
    return Path(os.path.expanduser(path))  # noqa: PTH111 (that of Path raises an error)


def file_digest(path: Path) -> str:
    """Return the SHA-256 of a file's content, in hexadecimal; the file is read piece by piece."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a path of the same name, free, for the file or the folder that replaces ``path`` if the block succeeds.

    Any exception, ``KeyboardInterrupt`` included, leaves ``path`` as it was and nothing else; what a killed process
    leaves, the next one removes. A link stays a link: what it leads to is replaced. A file never replaces a folder, nor
    a folder a file. Two processes may write the same path at once: each writes its own, and the last to end stays.

    Raises:
        OutputError: the folder cannot be written, or the disk is full.
    """
    target = Path(os.path.realpath(path)) if path.is_symlink() else path
    with scratch_folder(target) as scratch:
        new = scratch / path.name
        yield new
        with _explained(path, scratch):
            _install(new, target, scratch)


@contextmanager
def scratch_folder(path: Path) -> Iterator[Path]:
    """Yield an empty hidden folder beside ``path``, which need not exist, and remove it at the end.

    It is locked while it is used: ``recover`` removes what killed processes left, and nothing of those at work.

    Raises:
        OutputError: the folder cannot be written, or the disk is full, here or in the block.
    """
    with _locked_folder(path) as folder, _explained(path, folder):
        yield folder


def temporary_folder() -> AbstractContextManager[Path]:
    """Return a context of an empty folder among the temporary files, as ``scratch_folder``; errors in the block pass.

    Raises:
        OutputError: the folder cannot be made.
    """
    return _locked_folder(Path(tempfile.gettempdir(), "bigdata-course"))


@contextmanager
def _locked_folder(path: Path) -> Iterator[Path]:
    from filelock import FileLock, Timeout

    make_folder(path.parent)
    recover(path)
    for last in (False, False, True):
        folder = path.with_name(f".{_short_name(path)}.{secrets.token_hex(4)}.part")
        lock = FileLock(folder / _LOCK, timeout=0, thread_local=False)
        with _explained(path, folder):
            try:
                folder.mkdir(mode=0o700)
                lock.acquire()
                break
            # a process at work beside took it for a left-over: not locked yet
            except (FileExistsError, FileNotFoundError, Timeout):
                if last:
                    raise
    try:
        yield folder
    finally:
        lock.release()
        shutil.rmtree(folder, ignore_errors=True)


def recover(path: Path) -> None:
    """Remove what killed writers of ``path`` left beside it, and bring back a folder that one had moved aside."""
    from filelock import FileLock, Timeout

    for left in path.parent.glob(f".{glob.escape(_short_name(path))}.{'[0-9a-f]' * 8}.part"):
        with suppress(OSError, Timeout), FileLock(left / _LOCK, timeout=0):
            if (left / _ASIDE).exists() and not path.exists():
                (left / _ASIDE).rename(path)
            shutil.rmtree(left, ignore_errors=True)
        with suppress(OSError):  # Windows removes no open file, such as the lock, until it is let go
            left.unlink() if left.is_file() else left.rmdir()  # earlier versions left files


def _short_name(path: Path) -> str:
    """Return the name of a path, or its hash where hidden names made of it would be too long for a file system."""
    name = os.fsencode(path.name)
    return path.name if len(name) <= _LONGEST_NAME else hashlib.sha256(name).hexdigest()


def _install(new: Path, path: Path, scratch: Path) -> None:
    """Give ``new`` the name ``path``; a folder that bears it is moved aside first, where ``recover`` finds it."""
    aside = scratch / _ASIDE
    for attempt in range(_ATTEMPTS):
        try:
            if new.is_dir() and path.is_dir():
                path.rename(aside)
            new.replace(path)
        except OSError:
            if attempt == _ATTEMPTS - 1 or not new.is_dir():
                raise
            # another process has put its own there, or moved it, in between
        else:
            return
        finally:
            _settle(aside, path)


def _settle(aside: Path, path: Path) -> None:
    """Give a folder its name back if nothing bears it, and remove it if something does."""
    while aside.exists() and not path.exists():
        try:
            aside.rename(path)
        except OSError as error:
            if error.errno not in (errno.EEXIST, errno.ENOTEMPTY):  # another process has put its own there, just now
                raise
    shutil.rmtree(aside, ignore_errors=True)


def make_folder(folder: Path) -> None:
    """Make a folder and its parents unless they are there.

    Raises:
        OutputError: the folder cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _output_error(folder, error) from error


@contextmanager
def _explained(path: Path, scratch: Path) -> Iterator[None]:
    """Say of a failure to write ``path`` what was wrong, whichever library met it; other errors pass."""
    try:
        yield
    except CourseError:
        raise
    except Exception as error:
        # of a copy, the second is where it was to go
        named = getattr(error, "filename2", None) or getattr(error, "filename", None)
        place = Path(os.fsdecode(named)) if isinstance(named, str | bytes) else path
        is_ours = place == path or scratch in (place, *place.parents)
        is_failure = is_ours and isinstance(error, OSError) and (named is not None or error.errno == errno.EIO)
        is_full = shutil.disk_usage(path.parent).free < _LEAST_FREE  # some libraries do not say why they fail
        if is_failure or is_full or any(words in str(error) for words in _FULL):
            raise _output_error(path if is_ours else place, error) from error
        raise


def _output_error(path: Path, error: Exception) -> OutputError:
    reason = getattr(error, "strerror", None) or next((words for words in _FULL if words in str(error)), str(error))
    kept = data_directory() in (path, *path.parents)
    advice = "set BIGDATA_COURSE_DATA to another folder" if kept else "choose another folder"
    return OutputError(f"cannot write {path}: {reason}; free some space or {advice}")
