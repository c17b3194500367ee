"""Put a converted file or folder where it was wanted: whole, by several processes at once, never over a stranger's.

What is written is called ``.NAME.PROCESS-LETTERS.part`` beside its target until it is whole; the next conversion to
this name removes what processes that no longer run left. A folder cannot be replaced at once: the one before is
``.NAME.PROCESS-LETTERS.old.part`` for an instant, and is put back if the process was killed in it.
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from course.errors import CourseError, ExistingFileError, OutputError
from course.files import make_folder
from course.generator.schema import AGE, AMOUNT
from course.reading import Location, file_system, is_left, open_binary, size_of
from course.ways.sql_ways import tables_of

FIRST_BYTES = {
    "pickle": b"\x80", "feather": b"ARROW1", "parquet": b"PAR1", "sqlite": b"SQLite format 3\0",
    "sqlite-index": b"SQLite format 3\0", "hdf5": b"\x89HDF\r\n\x1a\n",
}  # fmt: skip
DATABASES = {"sqlite", "sqlite-index", "duckdb"}
END_BYTES = 2**16
"""Where the names of the columns are, from the start or to the end of a file."""
FOLDERS = {
    "zarr": ("zarr.json", f"{AGE}/zarr.json", f"{AMOUNT}/zarr.json"),
    "bcolz": ("__rootdirs__", f"{AGE}/meta/sizes", f"{AMOUNT}/meta/sizes"),
    "blosc2": ("_meta.b2f", f"_cols/{AGE}.b2nd", f"_cols/{AMOUNT}.b2nd"),
}
"""What is in a folder of the course, by format."""


@contextmanager
def placed(target: Path) -> Iterator[Path]:
    """Give a path to write a file or a folder at, and put it at its target if the block succeeds.

    Raises:
        OutputError: it cannot be written; the target is what it was.
    """
    make_folder(target.parent)
    _recover(target)
    part = target.with_name(f".{target.name}.{os.getpid()}-{secrets.token_hex(4)}.part")
    try:
        yield part
        _replace(part, target)
    except (CourseError, MemoryError):
        raise
    except Exception as error:
        raise OutputError(
            f"cannot write {target}: {one_line(error)}; free some space or choose another folder"
        ) from error
    finally:
        remove(part)


def _replace(part: Path, target: Path) -> None:
    """Rename a file or folder over another; of several that do so at once the last one stays."""
    if not part.is_dir():
        part.replace(target)
        return
    old = part.with_name(f"{part.name.removesuffix('.part')}.old.part")
    for _ in range(100):
        with suppress(FileNotFoundError):
            target.rename(old)
        try:
            part.rename(target)
            break
        except OSError:  # another one was there first
            continue
    else:
        raise OutputError(f"cannot write {target}: other conversions replace it all the time; wait for them")
    remove(old)


def refuse_a_stranger(target: Location, form: str) -> None:
    """Refuse to replace what is no table of the course in this format.

    Raises:
        ExistingFileError: something else bears this name.
    """
    try:
        is_ours = _is_folder_of_ours(target, FOLDERS[form]) if form in FOLDERS else _is_file_of_ours(target, form)
    except FileNotFoundError:
        return
    except OSError:
        is_ours = False
    if not is_ours:
        raise ExistingFileError(
            f"{target} is there and is no {form} table made by course.ways.convert: remove it or choose another name"
        )


def _is_folder_of_ours(target: Location, parts: tuple[str, ...]) -> bool:
    if isinstance(target, str):
        system, key = file_system(target)
        if not system.exists(key):
            raise FileNotFoundError(target)
        return all(system.exists(f"{key}/{part}") for part in parts)
    if not target.is_dir():
        target.stat()
    return all((target / part).exists() for part in parts)


def _is_file_of_ours(target: Location, form: str) -> bool:
    """Tell whether the first bytes are those of the format, and the names of both columns are near an end."""
    with open_binary(target, access="ranges") as file:
        size = size_of(file)
        ends = file.read(END_BYTES)
        file.seek(max(0, size - END_BYTES))
        ends += file.read()
    if form == "duckdb":
        is_ours = ends[8:12] == b"DUCK"
    else:
        is_ours = ends.startswith(FIRST_BYTES[form]) and AGE.encode() in ends and AMOUNT.encode() in ends
    if is_ours and isinstance(target, Path) and form in DATABASES:
        is_ours = tables_of(target) == ["damir"]
    return is_ours


def _recover(target: Path) -> None:
    """Remove what conversions that were killed left; what one of them was about to replace is put back."""
    name = re.compile(rf"\.{re.escape(target.name)}\.(\d+)-[0-9a-f]{{8}}(\.old)?\.part")
    for left in target.parent.iterdir():
        found = name.fullmatch(left.name)
        if found and is_left(left, int(found[1])):
            if found[2] and not target.exists():
                left.rename(target)
            remove(left)


def remove(path: Path) -> None:
    """Remove a file or a folder if it is there; a link is removed, not what it leads to."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def one_line(error: BaseException) -> str:
    """Return what a library says of its failure, in one line and not for ever."""
    return " ".join(str(error).split())[:200] or type(error).__name__
