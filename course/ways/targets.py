"""Put a converted file or folder where it was wanted: whole, by several processes at once, never over a stranger's.

What is written is in ``.NAME.PROCESS-LETTERS.part``, a folder beside its target, until it is whole; the next conversion
to this name removes what processes that no longer run left. A folder cannot be replaced at once: for an instant the one
before is in there too, and is put back if the process was killed in it.
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
from course.reading import Location, file_system, is_left, open_binary, scratch_folder, size_of
from course.ways.sql_ways import tables_of

FIRST_BYTES = {
    "pickle": b"\x80", "feather": b"ARROW1", "parquet": b"PAR1", "sqlite": b"SQLite format 3\0",
    "sqlite-index": b"SQLite format 3\0", "hdf5": b"\x89HDF\r\n\x1a\n",
}  # fmt: skip
PLAIN_PATH = re.compile(r"([A-Za-z]:)?[\w ./\\,+=@~-]*")
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
    folder = target.with_name(f".{target.name}.{os.getpid()}-{secrets.token_hex(4)}.part")
    try:
        folder.mkdir()
        if PLAIN_PATH.fullmatch(str(folder)):
            yield folder / "table"
        else:
            with scratch_folder() as scratch:
                yield scratch / "table"
                shutil.move(scratch / "table", folder / "table")
        _replace(folder / "table", target)
    except (CourseError, MemoryError):
        raise
    except Exception as error:
        raise OutputError(
            f"cannot write {target}: {one_line(error)}; free some space or choose another folder"
        ) from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def plainly_named(place: Path | str) -> Iterator[Path | str]:
    """Give another name of a file or folder whose own has characters that some library takes for more than a name."""
    if isinstance(place, str) or PLAIN_PATH.fullmatch(str(place)):
        yield place
        return
    with scratch_folder() as folder:
        link = folder / "link"
        try:
            link.symlink_to(place.absolute())
        except OSError:  # Windows asks for a right; most of these characters are in no name there
            link = place
        yield link


def _replace(part: Path, target: Path) -> None:
    """Rename a file or folder over another; of several that do so at once the last one stays."""
    if not part.is_dir():
        part.replace(target)
        return
    for number in range(100):
        with suppress(FileNotFoundError):
            target.rename(part.with_name(f"before-{number}"))
        with suppress(OSError):  # another conversion was there first
            part.rename(target)
            return
    raise OutputError(f"cannot write {target}: other conversions replace it all the time; wait for them")


def refuse_a_stranger(target: Location, form: str) -> None:
    """Refuse to replace what is no table of the course in this format.

    Raises:
        ExistingFileError: something else bears this name.
    """
    try:
        is_ours = _is_folder_of_ours(target, FOLDERS[form]) if form in FOLDERS else _is_file_of_ours(target, form)
    except (FileNotFoundError, NotADirectoryError):
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
    name = re.compile(rf"\.{re.escape(target.name)}\.(\d+)-[0-9a-f]{{8}}\.part")
    for left in target.parent.iterdir():
        found = name.fullmatch(left.name)
        if found and is_left(left, int(found[1])):
            for before in left.glob("before-*"):
                if not target.exists():
                    before.rename(target)
            shutil.rmtree(left, ignore_errors=True)


def remove(path: Path) -> None:
    """Remove a file or a folder if it is there; a link is removed, not what it leads to."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def one_line(error: BaseException) -> str:
    """Return what a library says of its failure, in one line and not for ever."""
    return " ".join(str(error).split())[:200] or type(error).__name__
