"""``course doctor``: can the lessons run on this machine, and on how much data."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from course.errors import CourseError

if TYPE_CHECKING:
    from course.diagnosis import Diagnosis


@click.command(short_help="Check that the lessons can run on this machine.")
@click.argument("folder", type=click.Path(path_type=Path), required=False)
@click.option("--packages", is_flag=True, help="List every package of the course and its version here.")
@click.option("--json", "as_json", is_flag=True, help="Print everything as JSON.")
def doctor(folder: Path | None, *, packages: bool, as_json: bool) -> None:
    """Check Python, the packages, memory, disk and the Jupyter kernel, and advise on the data size.

    FOLDER is where the data go; by default the one that BIGDATA_COURSE_DATA names, or the user's cache.
    Exits with code 0 if the lessons can run, 2 if something keeps them from it, with what to do.

    \b
    Examples:
      course doctor
      course doctor notebooks/data --packages
      course doctor --json
    """  # noqa: D301 click reads \b as: keep these lines
    from course.diagnosis import doctor as examined
    from course.files import data_directory

    diagnosis = examined(data_directory() if folder is None else folder)
    click.echo(_json(diagnosis) if as_json else _text(diagnosis, packages=packages))
    if not diagnosis.can_run:
        raise CourseError(diagnosis.verdict)


def _json(diagnosis: Diagnosis) -> str:
    import json

    return json.dumps(diagnosis.to_dict(), indent=1, ensure_ascii=False)


def _text(diagnosis: Diagnosis, *, packages: bool) -> str:
    lines = [
        f"{one.group:<8} {one.name:<18} {one.installed or 'absent':<14} {one.wanted}" for one in diagnosis.packages
    ]
    return "\n".join([*(lines if packages else []), repr(diagnosis)])
