"""Find the notebooks and slides that come with the course: inside the installed package, or in its checkout."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Literal

from course.errors import MissingDependencyError


def shipped_folder(name: Literal["notebooks", "slides"]) -> Path:
    """Return the folder of the lessons, or of the decks and their theme; only to be read.

    Raises:
        MissingDependencyError: the installation is not complete.
    """
    package = Path(str(files("course")))
    for folder in (package / name, package.parent / name):
        if folder.is_dir():
            return folder
    raise MissingDependencyError(f"the {name} of the course are missing; install bigdata-course again")


def shipped_lessons() -> list[Path]:
    """Return the notebooks of the lessons, in their order.

    Raises:
        MissingDependencyError: the installation is not complete.
    """
    return sorted(shipped_folder("notebooks").glob("[0-9][0-9]_*.ipynb"))
