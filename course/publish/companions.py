"""The files beside the notebooks of a folder, which a lesson shows or reads: pictures, modules."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

# What a lesson makes (`data`) or Jupyter leaves is not part of the lesson.
_IGNORED = {"data", "__pycache__"}


def companions(folder: Path) -> list[Path]:
    """Return the files beside the notebooks of ``folder``, in order: not ``data/``, nothing hidden."""
    return sorted(path for path in _walk(folder) if path.suffix != ".ipynb")


def file_beside(folder: Path, address: str) -> Path | None:
    """Return the file that a relative address written in a notebook of ``folder`` leads to, or None."""
    path = folder / unquote(address)
    try:
        return path if path.is_file() else None
    except OSError:  # no system has names of thousands of letters
        return None


def copy_companions(source: Path, target: Path) -> None:
    """Copy the files beside the notebooks of ``source`` into ``target``, at the same places."""
    for path in companions(source):
        copy = target / path.relative_to(source)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, copy)


def _walk(folder: Path) -> Iterator[Path]:
    for path in folder.iterdir():
        if path.name.startswith(".") or path.name in _IGNORED:
            continue
        if path.is_dir():
            yield from _walk(path)
        else:
            yield path
