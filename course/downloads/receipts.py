"""What a request put in a folder is noted there: checked when it is found later, and what people changed is kept."""

from __future__ import annotations

import filecmp
import itertools
import json
import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from course.errors import ExistingFileError
from course.files import file_digest, make_folder

BLOCK = 2**20


@dataclass(frozen=True)
class Receipt:
    """What one request put in a folder, noted beside it: a file found later is checked, never trusted."""

    source: str = ""  # the name or the address that was asked for, without credentials
    origin: str = ""  # "download" or "synthetic"
    sha256: str = ""  # of the file as it was fetched, before decompression; none if it is synthetic
    answer: str = ""  # what was returned, relative to the folder
    files: Sequence[dict[str, Any]] = ()  # path relative to the folder, size in bytes, sha256, modified in nanoseconds

    @classmethod
    def read(cls, path: Path) -> Self:
        """Return the receipt kept in a file, an empty one if none can be read."""
        with suppress(FileNotFoundError, ValueError, TypeError):
            return cls(**json.loads(path.read_text(encoding="utf-8")))
        return cls()

    def paths(self, folder: Path) -> set[Path]:
        """Return the paths of the files."""
        return {folder / file["path"] for file in self.files}

    def is_intact(self, folder: Path, only: Path | None = None) -> bool:
        """Tell whether every file, or only one, is as it was; one of the same size and date is not read."""
        for file in self.files:
            path = folder / file["path"]
            if only not in (None, path):
                continue
            if not path.is_file() or path.stat().st_size != file["size"]:
                return False
            if path.stat().st_mtime_ns != file["modified"] and file_digest(path) != file["sha256"]:
                return False
        return bool(self.files)


def put_in_place(
    targets: dict[Path, Path], folder: Path, receipt: Receipt, *, force: bool, say: Callable[[str], object]
) -> None:
    """Move new files of ``folder`` to their targets; ``say`` is told where what people wrote in older ones is kept.

    The files of the receipt that a synthetic file brought and the new ones do not are removed.

    Raises:
        ExistingFileError: another file is in the place of one, and ``force`` is false.
    """
    ours = receipt.paths(folder)
    different = {path: target for path, target in targets.items() if _is_other(target, path)}
    for target in different.values():
        if not force and target not in ours:
            other = f"{target} is there and is another file than the one asked for"
            raise ExistingFileError(f"{other}: give force to replace it, or another folder")
    for path, target in targets.items():
        make_folder(target.parent)
        if path in different and not force and not receipt.is_intact(folder, target) and not _begins(target, path):
            say(f"what was written in {target.name} is kept as {_set_aside(target)}")
        path.replace(target)
    if receipt.origin == "synthetic":
        for path in ours - set(targets.values()):
            if receipt.is_intact(folder, path):
                path.unlink()


def _is_other(path: Path, wanted: Path) -> bool:
    """Tell whether anything but the file that is wanted bears its name: a folder, a link to nothing."""
    return os.path.lexists(path) and not (path.is_file() and filecmp.cmp(path, wanted, shallow=False))


def _begins(path: Path, whole: Path) -> bool:
    """Tell whether a file is the beginning of another, as what a crash leaves: nobody wrote anything in it."""
    if not path.is_file():
        return False
    with path.open("rb") as first, whole.open("rb") as second:
        while block := first.read(BLOCK):
            if block != second.read(len(block)):
                return False
    return True


def _set_aside(path: Path) -> Path:
    """Give a file that was changed here a name of its own: NAME.changed.csv, NAME.changed2.csv… and return it."""
    for number in itertools.count(1):
        aside = path.with_name(f"{path.stem}.changed{number if number > 1 else ''}{path.suffix}")
        if not os.path.lexists(aside):
            return path.rename(aside)
    raise AssertionError("numbers do not end")
