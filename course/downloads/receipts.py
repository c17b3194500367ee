"""What was obtained, noted beside it: a file found later is checked against its receipt, never trusted."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal, Self

from course.files import replacing
from course.progress import progress_bar

BLOCK = 2**20
Origin = Literal["download", "synthetic"]


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal, read by blocks of 1 MiB."""
    digest = hashlib.sha256()
    with path.open("rb") as stream, progress_bar(path.stat().st_size, description=f"check {path.name}") as bar:
        while block := stream.read(BLOCK):
            digest.update(block)
            bar.update(len(block))
    return digest.hexdigest()


@dataclass(frozen=True)
class FileRecord:
    """One file as it was when it was complete.

    Attributes:
        path: relative to the folder of the receipt, with ``/``.
        size: in bytes.
        sha256: in hexadecimal.
        modified: time of its last change, in nanoseconds since 1970.
    """

    path: str
    size: int
    sha256: str
    modified: int

    @classmethod
    def of(cls, folder: Path, path: Path, sha256: str | None = None) -> Self:
        """Record a file of ``folder``; its SHA-256 is computed unless it is given."""
        state = path.stat()
        relative = path.relative_to(folder).as_posix()
        return cls(relative, state.st_size, sha256 or sha256_of(path), state.st_mtime_ns)

    def is_intact(self, folder: Path, *, thorough: bool = False) -> bool:
        """Tell whether the file is there with the same size and the same bytes.

        A file whose size and time of last change are those recorded is not read again, unless ``thorough``:
        a whole month is several GiB.
        """
        path = folder / self.path
        if not path.is_file():
            return False
        state = path.stat()
        if state.st_size != self.size:
            return False
        return (not thorough and state.st_mtime_ns == self.modified) or sha256_of(path) == self.sha256


@dataclass(frozen=True)
class Receipt:
    """What one request put in a folder.

    Attributes:
        source: the name or the address that was asked for, without credentials.
        origin: whether the files were fetched or made by the generator.
        sha256: hash of the file as it was fetched, before decompression; empty if it is synthetic.
        answer: what was returned for the request, relative to the folder.
        files: every file that was written.
    """

    source: str
    origin: Origin
    sha256: str
    answer: str
    files: tuple[FileRecord, ...]

    @staticmethod
    def path(folder: Path, name: str) -> Path:
        """Return where the receipt of ``name`` is kept: a hidden file of the same folder."""
        return folder / f".{name}.receipt.json"

    @classmethod
    def read(cls, folder: Path, name: str) -> Self | None:
        """Return the receipt of ``name``, or None if there is none that can be read."""
        try:
            fields = json.loads(cls.path(folder, name).read_text(encoding="utf-8"))
            files = tuple(FileRecord(**record) for record in fields.pop("files"))
            return cls(files=files, **fields)
        except (FileNotFoundError, ValueError, TypeError, KeyError, AttributeError):
            return None

    def write(self, folder: Path, name: str) -> None:
        """Keep the receipt.

        Raises:
            OutputError: the folder cannot be written.
        """
        with replacing(self.path(folder, name)) as temporary:
            temporary.write_text(json.dumps(asdict(self), indent=1), encoding="utf-8", newline="\n")

    def is_intact(self, folder: Path, *, thorough: bool = False) -> bool:
        """Tell whether every file is as it was; see ``FileRecord.is_intact``."""
        return all(record.is_intact(folder, thorough=thorough) for record in self.files)

    def remove_others(self, folder: Path, later: Receipt) -> None:
        """Remove the files of this receipt that a later one does not have."""
        for path in {record.path for record in self.files} - {record.path for record in later.files}:
            (folder / path).unlink(missing_ok=True)
