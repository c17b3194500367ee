"""The extract ``A201612_small.csv``: the file on which every lesson answers the question first."""

from __future__ import annotations

import shutil
from pathlib import Path

from course.errors import ExistingFileError
from course.files import data_directory, file_digest, replacing
from course.generator.answer import SMALL_NAME

SMALL_SIZE = 16_169_713
"""Bytes of the file."""

SMALL_SHA256 = "81d59786039c271c56e365e3eccb35e80fa31ae39e594069a15fffc447ee872e"
"""SHA-256 of the file: it is the same on every platform and with every version of the libraries."""


def small_file(folder: Path | str = "data") -> Path:
    """Put ``A201612_small.csv`` in a folder, and return its path (relative if ``folder`` is).

    The file is generated once, in about two seconds, and kept in ``course.files.data_directory()``; the folder
    receives a copy of its own. It has 99,999 rows on 199,999 lines of text: a blank line stands between two records.

    Args:
        folder: where the lesson expects its data; made if it is missing.

    Raises:
        ExistingFileError: the folder holds another file of this name.
        OutputError: the folder cannot be written, or the disk is full.
    """
    placed = Path(folder) / SMALL_NAME
    if placed.exists():
        if _is_genuine(placed):
            return placed
        raise ExistingFileError(f"{placed} is not the extract of the course; move or delete it, then try again")
    kept = _kept_copy()
    with replacing(placed) as temporary:
        shutil.copyfile(kept, temporary)
    return placed


def _kept_copy() -> Path:
    """Return the copy in the data directory, generated if it is missing or damaged."""
    kept = data_directory() / SMALL_NAME
    if not _is_genuine(kept):
        from course.generator.small_text import extract_text

        with replacing(kept) as temporary:
            temporary.write_bytes(extract_text())
    return kept


def _is_genuine(path: Path) -> bool:
    if not path.is_file() or path.stat().st_size != SMALL_SIZE:
        return False
    return file_digest(path) == SMALL_SHA256
