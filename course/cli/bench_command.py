"""``course bench``: measure every way of answering the question."""

from __future__ import annotations

from pathlib import Path

import click

from course.errors import CourseError

FOLDER = click.Path(path_type=Path, file_okay=False)


@click.command(short_help="Measure every way of answering the question.")
@click.option("--rows", multiple=True, type=click.IntRange(min=1), help="Rows of the file; several for growth.")
@click.option("--ways", metavar="NAMES", help="Ways to measure, separated by commas; all by default.")
@click.option("--repeat", type=click.IntRange(min=1), default=5, show_default=True, help="Runs of each way.")
@click.option("--output", type=FOLDER, default=Path("build/bench"), show_default=True, help="Where results go.")
@click.option("--data", type=FOLDER, help="Where the files are made, and removed at the end; by default the cache.")
def bench(*, rows: tuple[int, ...], ways: str | None, repeat: int, output: Path, data: Path | None) -> None:
    """Measure every way of answering the question, each run in a process of its own, in shuffled order.

    Makes a file of 1,000,000 rows (or of each --rows), converts it to every format, checks that each answer is exact
    to the cent, and writes bench.json, bench.md and pictures. A million rows are 160 MB of text, and as much again
    several times over in the other formats.

    \b
    Examples:
      course bench
      course bench --rows 100000 --rows 1000000 --rows 10000000
      course bench --rows 25000000 --ways polars-csv,numpy-csv --repeat 3
    """  # noqa: D301 click reads \b as: keep these lines
    from course.bench import run_bench, write_report
    from course.bench.run import ROWS

    names = tuple(name.strip() for name in ways.split(",")) if ways else None
    measured = run_bench(rows or (ROWS,), names, repeat=repeat, folder=data)
    paths = write_report(measured, output)
    for result in measured.results:
        if result.skipped:
            click.echo(f"{result.way}, {result.rows:,} rows: {result.skipped}", err=True)
    click.echo("\n".join(str(path) for path in paths))
    wrong = sorted({result.way for result in measured.results if result.wrong})
    if wrong:
        raise CourseError(f"the answer is not exact with {', '.join(wrong)}; the results say on which file")
