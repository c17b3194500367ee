"""Digests of texts, files and folders: equal if and only if what they stand for is equal."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

from course.files import file_digest


def digest(*parts: str | bytes) -> str:
    """Return the SHA-256 of a sequence of parts, in hexadecimal; where one part ends is part of the result."""
    total = hashlib.sha256()
    for part in parts:
        total.update(hashlib.sha256(part.encode() if isinstance(part, str) else part).digest())
    return total.hexdigest()


def files_digest(paths: Iterable[Path], folder: Path) -> str:
    """Return the SHA-256 of some files of a folder: their names relative to it, and their contents."""
    return digest(*(f"{path.relative_to(folder).as_posix()} {file_digest(path)}" for path in paths))


def tree_digest(folder: Path, *, without: Path | None = None) -> str:
    """Return the SHA-256 of all the files of a folder, compiled code and the folder ``without`` left out."""
    paths = [path for path in sorted(folder.rglob("*")) if path.is_file() and "__pycache__" not in path.parts]
    return files_digest((path for path in paths if without not in path.parents), folder)
