"""``course start``: a working folder with the lessons and their data, and JupyterLab open on it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from course.errors import BadArgumentError

if TYPE_CHECKING:
    from course.working_folder import Delivery

FOLDER = click.Path(path_type=Path, file_okay=False)


@click.command(short_help="Make a working folder and open JupyterLab in it.")
@click.argument("folder", metavar="[DIR]", type=FOLDER, default=Path("bigdata-course"))
@click.option("--lesson", type=click.IntRange(min=0), help="Number of the lesson to open; by default the first.")
@click.option("--update", is_flag=True, help="Bring newer editions of the lessons, too.")
@click.option("--no-lab", is_flag=True, help="Make the folder, and do not open JupyterLab.")
def start(folder: Path, *, lesson: int | None, update: bool, no_lab: bool) -> None:
    """Make a working folder with the lessons and their data, and open JupyterLab in it; no network is needed.

    DIR is bigdata-course by default. A file that you changed is never overwritten: with --update, its newer edition
    is written beside it, as NAME.new.ipynb.

    \b
    Examples:
      course start
      course start lessons --lesson 5
      course start --update --no-lab
    """  # noqa: D301 click reads \b as: keep these lines
    from course.shipped import shipped_folder, shipped_lessons
    from course.working_folder import deliver

    source = shipped_folder("notebooks")
    name = _notebook(shipped_lessons(), lesson)
    _report(folder, deliver(source, folder, update=update))
    _make_data(folder)
    if no_lab:
        click.echo(f"open it with: {Path(sys.executable).name} -m jupyterlab {(folder / name).as_posix()}")
    else:
        _open_lab(folder, name)


def _notebook(lessons: Sequence[Path], lesson: int | None) -> str:
    """Return the name of the notebook of a lesson, of the first one if none is named."""
    numbers = {int(path.name[:2]): path.name for path in lessons}
    wanted = min(numbers) if lesson is None else lesson
    if wanted not in numbers:
        raise BadArgumentError(f"there is no lesson {wanted}; choose one of {', '.join(map(str, numbers))}")
    return numbers[wanted]


def _report(folder: Path, delivery: Delivery) -> None:
    click.echo(f"{folder}: {len(delivery.added)} files added, {len(delivery.renewed)} brought up to date")
    for name, beside in delivery.kept:
        click.echo(f"you changed {name}: it stays as it is, and the newer edition is {beside}")


def _make_data(folder: Path) -> None:
    from course import lexicon_file, small_file

    small_file(folder / "data")
    lexicon_file(folder / "data")


def _open_lab(folder: Path, name: str) -> None:
    click.echo("JupyterLab opens in your browser; stop it here with Ctrl-C")
    code = subprocess.call([sys.executable, "-m", "jupyterlab", f"--ServerApp.root_dir={folder.absolute()}", name],
                           cwd=folder)  # fmt: skip
    if code:
        raise BadArgumentError(f"JupyterLab stopped with code {code}; its own message is above")
