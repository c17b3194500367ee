"""``course start`` and ``course doctor``: a working folder with the lessons, and whether they can run here."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import click

from course.cli.paths import FOLDER, UserPath
from course.errors import BadArgumentError, CourseError, ExistingFileError
from course.files import expanded

# settings by default, the student's own go first: no question about news, no word of newer versions
QUIET = (f"--LabApp.app_settings_dir={Path(__file__).parents[1] / 'lab_settings'}",)


@click.command(short_help="Make a working folder and open JupyterLab in it.")
@click.argument("folder", metavar="[DIR]", type=FOLDER, default="bigdata-course")
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
    from course import lexicon_file, small_file
    from course.clean import Watch, start_record
    from course.shipped import shipped_folder, shipped_lessons
    from course.start import contents, deliver

    numbers = {int(path.name[:2]): path.name for path in shipped_lessons()}
    wanted = min(numbers) if lesson is None else lesson
    if wanted not in numbers:
        raise BadArgumentError(f"there is no lesson {wanted}; choose one of {', '.join(map(str, numbers))}")
    delivery = deliver(contents(shipped_folder("notebooks"), folder), folder, update=update)
    click.echo(f"{folder}: {len(delivery.added)} files added, {len(delivery.renewed)} brought up to date")
    for name, beside in delivery.kept:
        click.echo(f"you changed {name}: it stays as it is, and the newer edition is {beside}")
    start_record(folder / "data")
    watch = Watch(folder / "data")
    for put in (small_file, lexicon_file):
        try:
            put(folder / "data")
        except ExistingFileError as error:
            click.echo(f"it stays as it is: {error}")
    watch.record()
    command = _lab_command(folder, numbers[wanted])
    if no_lab:
        click.echo(f"open it with: {command}")
        return
    click.echo(f"begin with {folder / 'README.md'}")
    click.echo("JupyterLab opens in your browser; stop it here with Ctrl-C")
    os.environ |= _home_of(folder)
    words = [sys.executable, "-m", "jupyterlab", *QUIET, f"--ServerApp.root_dir={folder.absolute()}", numbers[wanted]]
    code = subprocess.call(words, cwd=folder)
    if code:
        as_root = f"; as root, open it with: {command}" if _is_root() else ""
        raise BadArgumentError(f"JupyterLab stopped with code {code}; its own message is above{as_root}")


def _is_root() -> bool:
    return hasattr(os, "geteuid") and os.geteuid() == 0


def _home_of(folder: Path) -> dict[str, str]:
    """Return the home that JupyterLab needs, inside the folder, as a variable; none if the user's can be written."""
    home = expanded("~")
    if home.is_dir() and os.access(home, os.W_OK):
        return {}
    return {"USERPROFILE" if os.name == "nt" else "HOME": str(folder.absolute() / ".home")}


def _lab_command(folder: Path, lesson: str) -> str:
    """Return the command that opens a lesson, to be pasted in a shell."""
    home = [f"{name}={value}" for name, value in _home_of(folder).items()]
    options = ["--allow-root"] if _is_root() else []
    words = [
        *(["env", *home] if home else []),
        sys.executable,
        "-m",
        "jupyterlab",
        *QUIET,
        *options,
        str(folder / lesson),
    ]
    return subprocess.list2cmdline(words) if os.name == "nt" else shlex.join(words)


@click.command(short_help="Delete what the lessons have generated in a working folder.")
@click.argument("folder", metavar="[DIR]", type=FOLDER, default="bigdata-course")
@click.option("--yes", is_flag=True, help="Delete without asking.")
def clean(folder: Path, *, yes: bool) -> None:
    """Show the files that lessons generated in DIR/data, and delete them if you agree; lessons make them again.

    DIR is bigdata-course by default. Only files that were recorded when a lesson wrote them, and that are still as
    the lesson left them, are deleted. Notebooks, and what you changed or added, stay.

    \b
    Examples:
      course clean
      course clean lessons --yes
    """  # noqa: D301 click reads \b as: keep these lines
    from course.clean import delete_generated, find_generated
    from course.size import format_size

    found = find_generated(folder)
    sizes: Counter[str] = Counter()
    for name, size in found.sizes.items():
        sizes[name.partition("/")[0]] += size
    for name, size in sizes.items():
        click.echo(f"{format_size(size):>9}  {folder / 'data' / name}")
    for name in found.changed:
        click.echo(f"it stays, it was changed: {folder / 'data' / name}")
    if found.others:
        click.echo(f"{len(found.others)} more in {folder / 'data'} stay: not recorded as generated")
    if not sizes:
        click.echo("nothing to delete")
        return
    if not yes and not sys.stdin.isatty():
        raise BadArgumentError("nothing was deleted, for want of a terminal to ask in; add --yes to delete")
    if yes or click.confirm(f"Delete these {len(found.sizes)} files, {format_size(sizes.total())}?"):
        click.echo(f"{format_size(delete_generated(folder, found.sizes))} freed")


@click.command(short_help="Check that the lessons can run on this machine.")
@click.argument("folder", type=UserPath(), required=False)
@click.option("--packages", is_flag=True, help="List every package of the course and its version here.")
@click.option("--json", "as_json", is_flag=True, help="Print everything as JSON.")
def doctor(folder: Path | None, *, packages: bool, as_json: bool) -> None:
    """Say which lessons can run here, on which Python, what is missing, and advise on the data size.

    FOLDER is where the data go; by default the one that BIGDATA_COURSE_DATA names, or the user's cache.
    Exits with code 0 if the lessons can run, 2 if something keeps them from it, with what to do.

    \b
    Examples:
      course doctor
      course doctor notebooks/data --packages
      course doctor --json
    """  # noqa: D301 click reads \b as: keep these lines
    import json

    from course.diagnosis import aligned
    from course.diagnosis import doctor as examined
    from course.files import data_directory

    diagnosis = examined(data_directory() if folder is None else folder)
    if as_json:
        click.echo(json.dumps(diagnosis.to_dict(), indent=1, ensure_ascii=False))
    else:
        # folded in a terminal, whole in a file
        width = shutil.get_terminal_size().columns if sys.stdout.isatty() or "COLUMNS" in os.environ else None
        rows = [(one.group, one.name, one.installed or "absent", one.wanted) for one in diagnosis.packages]
        click.echo("\n".join([*aligned(rows if packages else [], width), *diagnosis.lines(width)]))
    if not diagnosis.can_run:
        raise CourseError(diagnosis.verdict)
