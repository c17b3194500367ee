"""Find the notebooks and slides that come with the course: inside the installed package, or in its checkout."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError
from importlib.metadata import files as files_of
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
    """Return the notebooks of the lessons, in their order; raises as ``shipped_folder`` does."""
    return sorted(shipped_folder("notebooks").glob("[0-9][0-9]_*.ipynb"))


def wheel_file(requirement: str, ending: str, *, needed_for: str) -> Path:
    """Return the file of an installed distribution whose path ends so; its modules are not imported.

    ``requirement`` is what is given to pip, such as ``ziamath==0.13``; ``needed_for`` says, in the plural, what for.

    Raises:
        MissingDependencyError: the distribution is not installed, or no longer carries the file.
    """
    try:
        shipped = files_of(requirement.partition("==")[0]) or []
    except PackageNotFoundError:
        shipped = []
    for file in shipped:
        if file.as_posix().endswith(f"/{ending}"):
            return Path(str(file.locate()))
    raise MissingDependencyError(f"{needed_for} need {ending}; install it with: pip install {requirement}")
