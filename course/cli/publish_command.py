"""``course build`` and ``course serve``: publish the notebooks as a site, and look at it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import click

from course.cli.paths import FILE, FOLDER
from course.errors import BadArgumentError, BuildError, CourseError
from course.shipped import require


def complain(who: str, message: object) -> None:
    """Print a message on the standard error in one line, whatever the library underneath wrote."""
    click.echo(f"{who}: {' '.join(str(message).split())}", err=True)


@click.command(short_help="Execute the lessons and publish them as a site.")
@click.argument("notebooks", metavar="[NOTEBOOK]...", nargs=-1, type=FILE)
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
    *, notebooks: tuple[Path, ...], folder: Path, slides: Path, formats: str | None, no_cache: bool, watch: bool,
    **options: Any,
) -> None:  # fmt: skip
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
    from course import small_file
    from course.files import data_directory
    from course.publish.build import BuildOptions, build_site
    from course.publish.convert import FORMATS, select_formats
    from course.publish.lessons import discover_lessons, read_lesson

    chosen = BuildOptions(
        formats=select_formats(name.strip() for name in formats.split(",")) if formats else FORMATS,
        # what every lesson finds beside it: the small file, made now if it does not exist
        data_files=(small_file(data_directory()),) if options["execute"] else (),
        read_cache=not no_cache,
        **options,
    )

    def build_once() -> None:
        decks = slides if slides.is_dir() else None
        lessons = [read_lesson(path) for path in notebooks] if notebooks else discover_lessons(folder, decks)
        report = build_site(lessons, chosen, on_warning=lambda warning: complain("warning", warning))
        executed = len(report.executed)
        click.echo(
            f"{report.lessons} notebooks ({executed} executed, {report.lessons - executed} not), {report.files} files, "
            f"{len(report.warnings)} warnings, {report.seconds:.1f} s: {report.index}"
        )
        if report.unlinked:
            pages = ", ".join(report.unlinked) if len(report.unlinked) < report.lessons else "all pages"
            click.echo(f"no link to GitHub, GitLab or Codeberg on {pages}: commit the notebooks in a checkout whose "
                       "origin is there")  # fmt: skip

    if not watch:
        build_once()
        return
    for changed in _saves([*notebooks] or [one for one in (folder, slides) if one.is_dir()]):
        if changed:
            click.echo(f"changed: {', '.join(sorted(path.name for path in changed))}")
        try:
            build_once()
        except CourseError as error:
            # the next save may mend it
            complain("course", error)


def _saves(paths: Sequence[Path]) -> Iterator[set[Path]]:
    """Yield an empty set at once, then the set of changed files each time some are saved, until Ctrl-C.

    What lessons and Jupyter write beside the notebooks is left out, and every hidden file.
    """
    require("publish", "watchfiles", needed_for="--watch")
    from watchfiles import DefaultFilter, watch

    saved = DefaultFilter(
        ignore_dirs=[*DefaultFilter.ignore_dirs, "data", ".ipynb_checkpoints"],
        ignore_entity_patterns=[*DefaultFilter.ignore_entity_patterns, r"^\.", r"\.part$"],
    )
    # milliseconds: what one save writes comes together
    changes = watch(*paths, watch_filter=saved, debounce=300, yield_on_timeout=True, rust_timeout=100,
                    raise_interrupt=True)  # fmt: skip
    # the first answer comes once the watch is set: no save is missed during the first build
    next(changes)
    yield set()
    yield from ({Path(path) for _, path in some} for some in changes if some)


@click.command(short_help="Show the built site in a browser.")
@click.option("--port", type=click.IntRange(0, 65535), default=8000, show_default=True, help="0 takes a free one.")
@click.option("--site", type=FOLDER, default=Path("build/site"), show_default=True, help="Folder of the site.")
def serve(port: int, site: Path) -> None:
    """Serve the built site on this machine only, until Ctrl-C; prints its address.

    \b
    Examples:
      course serve
      course serve --port 9000
    """  # noqa: D301 click reads \b as: keep these lines
    from functools import partial
    from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

    from course.files import recover

    recover(Path(os.path.realpath(site)))
    if not (site / "index.html").is_file():
        raise BuildError(f"no site in {site}; run: course build")
    try:
        server = ThreadingHTTPServer(("127.0.0.1", port), partial(SimpleHTTPRequestHandler, directory=str(site)))
    except OSError as error:
        raise BadArgumentError(f"cannot listen on port {port}: {error.strerror}; choose another with --port") from error
    with server:
        click.echo(f"http://127.0.0.1:{server.server_address[1]}/  (Ctrl-C to stop)")
        server.serve_forever()
