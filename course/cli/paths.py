"""Paths given on a command line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from course.files import expanded


class UserPath(click.Path):
    """A path in which ``~`` is the home, in ``--output=~/site`` too, which shells leave as it is."""

    def __init__(self, **options: Any) -> None:
        super().__init__(path_type=Path, **options)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the path, its ``~`` replaced, once checked."""
        return super().convert(expanded(value), param, ctx)


FOLDER = UserPath(file_okay=False)
FILE = UserPath(dir_okay=False)
