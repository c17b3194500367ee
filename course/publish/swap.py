"""Replace a folder by a new one all at once: whatever happens, the old one or the new one is there."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from course.errors import OutputError


@contextmanager
def scratch_folder(parent: Path) -> Iterator[Path]:
    """Yield an empty folder under ``parent``, removed at the end; those left by killed processes are removed first."""
    _remove_left_overs(parent, "*.scratch")
    folder = _new_folder(parent, "", ".scratch")
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def replacing_folder(folder: Path) -> Iterator[Path]:
    """Yield an empty folder beside ``folder`` that takes its place if the block succeeds, and vanishes if it does not.

    The old folder is moved aside, the new one takes its name, then the old one is removed. A process killed between
    the two moves leaves the old folder aside: ``recover_folder`` brings it back.

    Raises:
        OutputError: a folder cannot be written or moved.
    """
    recover_folder(folder)
    new = _new_folder(folder.parent, f".{folder.name}.", ".new")
    old = new.with_suffix(".old")
    try:
        yield new
        try:
            if folder.exists():
                folder.rename(old)
            new.rename(folder)
        except OSError as error:
            recover_folder(folder)
            reason = error.strerror or str(error)
            raise OutputError(f"cannot replace {folder}: {reason}; close what uses it and build again") from error
    finally:
        shutil.rmtree(new, ignore_errors=True)
        if folder.exists():
            shutil.rmtree(old, ignore_errors=True)


def recover_folder(folder: Path) -> None:
    """Bring ``folder`` back if a killed process had moved it aside, and remove what such processes left beside it."""
    aside = sorted(folder.parent.glob(f".{folder.name}.*.old"), key=lambda path: path.stat().st_mtime)
    if aside and not folder.exists():
        aside[-1].rename(folder)
    for suffix in (".new", ".old"):
        _remove_left_overs(folder.parent, f".{folder.name}.*{suffix}")


def _remove_left_overs(parent: Path, pattern: str) -> None:
    """Remove the folders made by processes that no longer run; their names hold the process number."""
    import psutil

    for path in parent.glob(pattern):
        owner = path.name.split(".")[-2].partition("-")[0]
        if not owner.isdigit() or int(owner) == os.getpid() or not psutil.pid_exists(int(owner)):
            shutil.rmtree(path, ignore_errors=True)


def _new_folder(parent: Path, prefix: str, suffix: str) -> Path:
    try:
        parent.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(dir=parent, prefix=f"{prefix}{os.getpid()}-", suffix=suffix))
        # mkdtemp makes it private, a site is to be read
        folder.chmod(0o755)
    except OSError as error:
        reason = error.strerror or str(error)
        raise OutputError(f"cannot write in {parent}: {reason}; choose another folder") from error
    return folder
