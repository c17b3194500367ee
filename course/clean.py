"""What the lessons generate in a working folder: recorded as they write it, deleted on demand, and nothing else.

``data/`` holds the record. A file is deleted if the record has it, a lesson writes a file (or a folder) of that very
name, and it is still as it was recorded: neither edited nor replaced since.
"""

from __future__ import annotations

import json
import os
import re
import stat
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from course.errors import BadArgumentError, OutputError
from course.files import recover, replacing

RECORD = ".generated.json"
"""File of ``data/`` that says what was generated: by name, the bytes of each file and when it was last changed (ns).

Where it is missing, lessons record nothing.
"""

SMALL_OF_A_MONTH = re.compile(r"[AP][0-9]{6}_small\.csv(\.json)?")
"""What ``course.small_file`` writes where a real month is set, and its answer."""

States = dict[str, tuple[int, int]]


class Watch:
    """Records the files of ``data/`` that change between two looks."""

    def __init__(self, data: Path) -> None:
        self._data = data.absolute()
        self.look()

    def look(self, _info: object = None) -> None:
        """Remember how the files are now: what changes from here on is generated."""
        self._before = _states(self._data)

    def record(self, _result: object = None) -> None:
        """Record the files that have changed since the last look; what cannot be recorded is never deleted."""
        changed = {name: now for name, now in _states(self._data).items() if self._before.get(name) != now}
        if changed:
            with suppress(OutputError, BadArgumentError):  # the disk is full: the lesson will say so, or has
                write_record(self._data, read_record(self._data) | changed)


@dataclass(frozen=True)
class Generated:
    """What ``data/`` holds, by name in it: bytes of what may be deleted, names of what has changed, and of the rest."""

    sizes: dict[str, int]
    changed: list[str]
    others: list[str]


def find_generated(folder: Path) -> Generated:
    """Say which files of a working folder were generated and are as they were recorded.

    Raises:
        BadArgumentError: the folder has no record, or one that is damaged; or its ``data/`` is a link.
    """
    data = folder / "data"
    if data.is_symlink() or not (data / RECORD).is_file():
        raise BadArgumentError(f"{folder} has no record of generated files; give a folder that course start made")
    record, now, names = read_record(data), _states(data), lesson_files()
    known = {
        name for name in now if name in record and (name.partition("/")[0] in names or SMALL_OF_A_MONTH.fullmatch(name))
    }
    same = {name for name in known if now[name] == record[name]}
    return Generated(
        {name: now[name][0] for name in sorted(same)}, sorted(known - same), sorted(now.keys() - known - {RECORD})
    )


def delete_generated(folder: Path, names: Iterable[str]) -> int:
    """Delete those of the named files that still may be, and the folders left empty; return the bytes deleted.

    Raises:
        BadArgumentError: as ``find_generated``.
        OutputError: a file cannot be deleted.
    """
    data, sizes = folder / "data", find_generated(folder).sizes
    going = [name for name in names if name in sizes]
    for name in going:
        try:
            (data / name).unlink(missing_ok=True)
        except OSError as error:
            raise OutputError(f"cannot delete {data / name}: {error.strerror}; close what uses it") from error
    emptied = {parent for name in going for parent in (data / name).parents if parent.is_relative_to(data)} - {data}
    for parent in sorted(emptied, reverse=True):  # the innermost first
        with suppress(OSError):  # it holds something else
            parent.rmdir()
    for name in lesson_files():
        recover(data / name)  # what killed lessons left
    return sum(sizes[name] for name in going)


def lesson_files() -> list[str]:
    """Return the names in ``data/`` of the files and folders that the lessons write, as ``make lessons`` saw them."""
    names: list[str] = json.loads((files("course") / "lesson_files.json").read_text(encoding="utf-8"))
    return names


def start_record(data: Path) -> None:
    """Make sure that ``data/`` has a record, so that lessons keep it; a damaged one is made anew."""
    try:
        known = read_record(data)
    except BadArgumentError:
        known = {}
    write_record(data, known)


def read_record(data: Path) -> States:
    """Return what was generated in ``data/``; raises ``BadArgumentError`` if the record is damaged."""
    try:
        known = json.loads((data / RECORD).read_text(encoding="utf-8"))
        return {str(name): (int(size), int(time)) for name, (size, time) in known.items()}
    except FileNotFoundError:
        return {}
    except (ValueError, TypeError, AttributeError) as error:
        raise BadArgumentError(f"{data / RECORD} is damaged; course start makes a new one") from error


def write_record(data: Path, record: States) -> None:
    """Write the record, complete or not at all; raises ``OutputError``."""
    with replacing(data / RECORD) as temporary:
        temporary.write_text(json.dumps(record, indent=0, sort_keys=True) + "\n", encoding="utf-8", newline="\n")


def _states(data: Path) -> States:
    """Return the bytes and the time of change of each file under ``data/``; no link is followed, none is a file."""
    states = {}
    for place, _, names in os.walk(data):
        for name in names:
            path = Path(place, name)
            with suppress(FileNotFoundError):  # gone in between
                found = path.lstat()
                if stat.S_ISREG(found.st_mode):
                    states[path.relative_to(data).as_posix()] = (found.st_size, found.st_mtime_ns)
    return states
