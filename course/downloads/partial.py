"""The bytes received so far of a file, and what tells whether the server still has the same version of it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import BinaryIO

from course.errors import OutputError
from course.files import WRITE_FAILURES, make_folder, replacing


@dataclass(frozen=True)
class Version:
    """What a server says of the version it sends: validators (RFC 9110, section 8.8) and size in bytes."""

    entity_tag: str | None = None
    last_modified: str | None = None
    total: int | None = None

    @classmethod
    def of_headers(cls, headers: Mapping[str, str], total: int | None) -> Version:
        """Read the validators of a response; a weak entity tag is dropped, it does not promise the same bytes."""
        tag = headers.get("ETag")
        return cls(None if tag is None or tag.startswith("W/") else tag, headers.get("Last-Modified"), total)

    @property
    def validator(self) -> str | None:
        """The value of ``If-Range`` that makes a server send the whole file if it has changed."""
        return self.entity_tag or self.last_modified

    def contradicts(self, other: Version) -> bool:
        """Tell whether a validator or the size, known on both sides, differs."""
        pairs = zip(asdict(self).values(), asdict(other).values(), strict=True)
        return any(None not in pair and pair[0] != pair[1] for pair in pairs)


@dataclass(frozen=True)
class PartialFile:
    """The hidden file beside ``target`` that grows until it is complete, and the version it belongs to."""

    target: Path

    @property
    def path(self) -> Path:
        """Where the bytes are."""
        return self.target.with_name(f".{self.target.name}.part")

    @property
    def _version_path(self) -> Path:
        return self.target.with_name(f".{self.target.name}.part.json")

    def size(self) -> int:
        """Return the number of bytes received so far."""
        return self.path.stat().st_size if self.path.exists() else 0

    def version(self) -> Version:
        """Return the version the bytes belong to, empty if nothing readable was noted."""
        try:
            return Version(**json.loads(self._version_path.read_text(encoding="utf-8")))
        except (FileNotFoundError, ValueError, TypeError):
            return Version()

    def discard(self) -> None:
        """Forget the bytes and their version."""
        self.path.unlink(missing_ok=True)
        self._version_path.unlink(missing_ok=True)

    def start(self, version: Version) -> None:
        """Forget what was received and note the version that comes."""
        self.discard()
        make_folder(self.target.parent)
        with replacing(self._version_path) as temporary:
            temporary.write_text(json.dumps(asdict(version)), encoding="utf-8", newline="\n")

    @contextmanager
    def appending(self) -> Iterator[BinaryIO]:
        """Open the bytes for more; what is written stays if the block is interrupted, so that it can be resumed.

        Raises:
            OutputError: the disk is full or cannot be written; the bytes are given up, to give the room back.
        """
        try:
            with self.path.open("ab") as stream:
                yield stream
        except OSError as error:
            if error.errno not in WRITE_FAILURES and error.filename is None:
                raise
            self.discard()
            raise OutputError(
                f"cannot write {self.target.name} in {self.target.parent}: {error.strerror}; "
                "free some space or set BIGDATA_COURSE_DATA to another folder"
            ) from error

    def finish(self, path: Path) -> None:
        """Give the complete bytes their name."""
        self.path.replace(path)
        self.discard()
