"""Put a converted file or folder where it was wanted: whole, and never over what is no table of the course."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from course.errors import CourseError, ExistingFileError, OutputError
from course.files import replacing, temporary_folder
from course.generator.schema import AGE, AMOUNT
from course.reading import Location, file_system, open_binary, size_of
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
    try:
        with replacing(target) as new, _plain_place(new) as part:
            yield part
            shutil.move(part, new)
    except (CourseError, MemoryError):
        raise
    except Exception as error:  # some libraries do not say why they cannot write
        raise OutputError(
            f"cannot write {target}: {one_line(error)}; free some space or choose another folder"
        ) from error


@contextmanager
def _plain_place(new: Path) -> Iterator[Path]:
    """Give a path beside ``new``, or among the temporary files, of which no library takes a part for more than a name.

    Pandas, for one, compresses as the suffix says.
    """
    if PLAIN_PATH.fullmatch(str(new.parent)):
        yield new.with_name("table")
        return
    with temporary_folder() as folder:
        yield folder / "table"


@contextmanager
def plainly_named(place: Path | str) -> Iterator[Path | str]:
    """Give another name of a file or folder whose own has characters that some library takes for more than a name."""
    if isinstance(place, str) or PLAIN_PATH.fullmatch(str(place)):
        yield place
        return
    with temporary_folder() as folder:
        link = folder / "link"
        try:
            link.symlink_to(place.absolute())
        except OSError:  # Windows asks for a right; most of these characters are in no name there
            link = place
        yield link


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


def one_line(error: BaseException) -> str:
    """Return what a library says of its failure, in one line and not for ever."""
    return " ".join(str(error).split())[:200] or type(error).__name__
