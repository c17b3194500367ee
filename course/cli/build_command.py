"""``course build``: execute the notebooks and publish them as a site."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from course.cli.complaint import complain
from course.errors import CourseError

if TYPE_CHECKING:
    from course.publish.build import BuildReport
    from course.publish.lessons import Lesson

FOLDER = click.Path(path_type=Path, file_okay=False)


@click.command(short_help="Execute the lessons and publish them as a site.")
@click.argument("notebooks", metavar="[NOTEBOOK]...", nargs=-1, type=click.Path(path_type=Path, dir_okay=False))
@click.option("--notebooks", "folder", type=FOLDER, default=Path("notebooks"), show_default=True, help="The lessons.")
@click.option("--slides", type=FOLDER, default=Path("slides"), show_default=True, help="The lecture decks, if any.")
@click.option("--output", type=FOLDER, default=Path("build/site"), show_default=True, help="Where the site goes.")
@click.option("--cache", type=FOLDER, default=Path("build/cache"), show_default=True, help="What builds keep.")
@click.option("--formats", metavar="NAMES", help="Formats to make, separated by commas; all by default.")
@click.option("--no-cache", is_flag=True, help="Execute and convert everything again.")
@click.option("--execute/--no-execute", default=True, help="Run the notebooks, or publish their stored outputs.")
@click.option("--strict", is_flag=True, help="Fail, and keep the previous site, if there is a warning.")
@click.option("--timeout", type=click.IntRange(min=1), default=1200, show_default=True,
              help="Seconds a cell may last.")  # fmt: skip
@click.option("--watch", is_flag=True, help="Then build again whenever a notebook or the theme is saved, until Ctrl-C.")
@click.option("--workers", type=click.IntRange(min=1), default=2, show_default=True, help="Notebooks run at a time.")
def build(
    *,
    notebooks: tuple[Path, ...],
    folder: Path,
    slides: Path,
    output: Path,
    cache: Path,
    formats: str | None,
    no_cache: bool,
    execute: bool,
    strict: bool,
    timeout: int,
    watch: bool,
    workers: int,
) -> None:
    """Execute the lessons and publish them as a site that works without a network.

    Without argument, publishes every lesson NN_name.ipynb of the notebooks folder and every deck of the slides
    folder; with arguments, makes a site of these notebooks only. A lesson is executed in a copy of its folder, and
    only if it, its data, the code of the course or a library changed since the last build. If a cell fails, the
    command says which, and the previous site stays as it was.

    Formats: notebook, html, pdf, script, slides, slides2 (slides in PDF), notes (slides in PDF with speaker notes).

    \b
    Examples:
      course build
      course build --formats html,pdf
      course build notebooks/01_data.ipynb --output build/one
      course build --watch
    """  # noqa: D301 click reads \b as: keep these lines
    from course.publish.build import BuildOptions, build_site
    from course.publish.formats import FORMATS, select_formats

    options = BuildOptions(
        output=output,
        cache=cache,
        formats=select_formats(name.strip() for name in formats.split(",")) if formats else FORMATS,
        data_files=_data_files() if execute else (),
        execute=execute,
        read_cache=not no_cache,
        strict=strict,
        workers=workers,
        timeout=timeout,
    )

    def build_once() -> None:
        report = build_site(_lessons(notebooks, folder, slides), options, on_warning=_print_warning)
        click.echo(summary(report))

    if watch:
        _watch([*notebooks] or [one for one in (folder, slides) if one.is_dir()], build_once)
    else:
        build_once()


def _watch(paths: Sequence[Path], build_once: Callable[[], None]) -> None:
    from course.publish.watch import sources_changed

    for changed in sources_changed(paths):
        if changed:
            click.echo(f"changed: {', '.join(sorted(path.name for path in changed))}")
        try:
            build_once()
        except CourseError as error:
            # the next save may mend it
            complain("course", error)


def _lessons(notebooks: tuple[Path, ...], folder: Path, slides: Path) -> list[Lesson]:
    from course.publish.lessons import discover_lessons, read_lesson

    if notebooks:
        return [read_lesson(path) for path in notebooks]
    return discover_lessons(folder, slides if slides.is_dir() else None)


def _data_files() -> tuple[Path, ...]:
    """Return the data that every lesson finds beside it: the small file, made now if it does not exist."""
    from course import small_file
    from course.files import data_directory

    return (small_file(data_directory()),)


def _print_warning(warning: str) -> None:
    complain("warning", warning)


def summary(report: BuildReport) -> str:
    """Return the line that says what a build did."""
    unchanged = report.lessons - len(report.executed)
    return (
        f"{report.lessons} notebooks ({len(report.executed)} executed, {unchanged} not), {report.files} files, "
        f"{len(report.warnings)} warnings, {report.seconds:.1f} s: {report.index}"
    )
