"""Find the notebooks and slides that come with the course: inside the installed package, or in its checkout."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import PackageNotFoundError
from importlib.metadata import files as files_of
from importlib.resources import files
from pathlib import Path
from typing import Literal

from course.errors import MissingDependencyError
from course.optional import is_installed

DISTRIBUTION = "bigdata-course"
"""The name under which the course is installed."""


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


def install_command(extra: str = "") -> str:
    """Return the command that brings what the lessons need, or an extra, to the Python at work, from any folder."""
    python = subprocess.list2cmdline([sys.executable])
    pip = f"{python} -m pip install" if is_installed("pip") else f"uv pip install --python {python}"
    return f'{pip} "{DISTRIBUTION}[{extra}]"' if extra else f"{pip} {DISTRIBUTION}"


def require(extra: str, *modules: str, needed_for: str) -> None:
    """Check, without importing them, that the modules an extra brings are there.

    Raises:
        MissingDependencyError: one is not; the message ends with the command that brings it.
    """
    absent = ", ".join(module for module in modules if not is_installed(module))
    if absent:
        raise MissingDependencyError(f"{needed_for} needs {absent}, not installed here: {install_command(extra)}")


def wheel_file(name: str, ending: str, *, needed_for: str) -> Path:
    """Return the file of an installed distribution whose path ends so; its modules are not imported.

    ``name`` is the distribution's, one of the extra ``publish``; ``needed_for`` says, in the plural, what for.

    Raises:
        MissingDependencyError: the distribution is not installed, or no longer carries the file.
    """
    try:
        shipped = files_of(name) or []
    except PackageNotFoundError:
        shipped = []
    for file in shipped:
        if file.as_posix().endswith(f"/{ending}"):
            return Path(str(file.locate()))
    raise MissingDependencyError(f"{needed_for} need {ending} of {name}: {install_command('publish')}")
