"""``course data`` and ``course bench``: write the files that the lessons read, and measure ways of reading them."""

from __future__ import annotations

from pathlib import Path

import click

from course.cli.paths import FILE, FOLDER
from course.errors import CourseError


@click.group(short_help="Write the data files of the lessons.")
def data() -> None:
    """Write the data files of the lessons; all are synthetic, and the same on every machine.

    FOLDER is by default the one that BIGDATA_COURSE_DATA names, or the user's cache.

    \b
    Examples:
      course data small data
      course data month A201612.csv --size 4GiB
      course data lexicon data
    """  # noqa: D301 click reads \b as: keep these lines


def _written(path: Path) -> None:
    from course.size import format_size

    click.echo(f"{path}: {format_size(path.stat().st_size)}")


@data.command(short_help="The small file, A201612_small.csv.")
@click.argument("folder", type=FOLDER, required=False)
def small(folder: Path | None) -> None:
    """Write A201612_small.csv: 99,999 rows of health spending, about 15 MiB; nothing to do if it is there."""
    from course import small_file
    from course.files import data_directory

    _written(small_file(folder or data_directory()))


@data.command(short_help="The lexicon of codes, an Excel workbook.")
@click.argument("folder", type=FOLDER, required=False)
def lexicon(folder: Path | None) -> None:
    """Write Lexique_open-DAMIR.xlsx: the meaning of every variable and code, in French as published."""
    from course import lexicon_file
    from course.files import data_directory

    _written(lexicon_file(folder or data_directory()))


@data.command(short_help="A month of any size, .csv, .csv.gz or .parquet.")
@click.argument("path", type=FILE)
@click.option("--rows", type=click.IntRange(min=1), help="Number of rows.")
@click.option("--size", help="Approximate size instead: 4GiB, 500MB.")
@click.option("--seed", type=click.IntRange(min=0), help="Another seed makes another file.")
@click.option("--overwrite", is_flag=True, help="Replace a file that is already there.")
def month(path: Path, rows: int | None, size: str | None, seed: int | None, overwrite: bool) -> None:
    """Write a month of health spending of any size at PATH; the end of the name chooses the format.

    Where BIGDATA_COURSE_MONTH names a real month, its first rows are copied; all of them with --size.

    \b
    Examples:
      course data month A201612.csv --size 4GiB
      course data month month.parquet --rows 1000000
    """  # noqa: D301 click reads \b as: keep these lines
    from course.generator.month import SEED, month_file
    from course.size import format_size, parse_size

    if (rows is None) == (size is None):
        raise click.UsageError("give either --rows or --size")
    chosen = SEED if seed is None else seed
    report = month_file(path, rows=rows, size=parse_size(size) if size else None, seed=chosen, overwrite=overwrite)
    click.echo(f"{report.path}: {report.rows:,} rows, {format_size(report.size_bytes)}")


@click.command(short_help="Measure every way of answering the question.")
@click.option("--rows", multiple=True, type=click.IntRange(min=1), help="Rows of the file; several for growth.")
@click.option("--ways", metavar="NAMES", help="Ways to measure, separated by commas; all by default.")
@click.option("--repeat", type=click.IntRange(min=1), default=5, show_default=True, help="Runs of each way.")
@click.option("--cold", is_flag=True, help="Measure cold files too, dropped from the page cache.")
@click.option("--cap", metavar="SIZE", help="Measure under a cap of memory too, where the CSV file is larger: 512MiB.")
@click.option("--cores", is_flag=True, help="Measure the parsers of text on fewer cores too, from one on.")
@click.option("--output", type=FOLDER, default=Path("build/bench"), show_default=True, help="Where results go.")
@click.option("--data", type=FOLDER, help="Where the files are made, and removed at the end; by default the cache.")
def bench(
    *, rows: tuple[int, ...], ways: str | None, repeat: int, cold: bool, cap: str | None, cores: bool, output: Path,
    data: Path | None,
) -> None:  # fmt: skip
    """Measure every way of answering the question, each run in a process of its own, in shuffled order.

    Makes a file of 1,000,000 rows (or of each --rows), converts it to every format, checks that each answer is exact
    to the cent, and writes bench.json (after each size), bench.csv and pictures. A million rows are 160 MB of text,
    and as much again several times over in the other formats.

    A cap counts all that a process holds, the pages of files that it reads included, in a cgroup of Linux. Where none
    can be made the table says "not capped"; where a file stays in the page cache it says "warm".

    \b
    Examples:
      course bench
      course bench --rows 100000 --rows 1000000 --rows 10000000 --cold --cap 512MiB --cores
      course bench --rows 25000000 --ways polars-csv,numpy-csv --repeat 3
    """  # noqa: D301 click reads \b as: keep these lines
    from course.bench import run_bench, write_report
    from course.bench.run import ROWS
    from course.size import parse_size

    names = tuple(name.strip() for name in ways.split(",")) if ways else None
    cap_bytes = parse_size(cap) if cap else 0
    measured = run_bench(
        rows or (ROWS,), names, repeat=repeat, folder=data, cold=cold, cap_bytes=cap_bytes, cores=cores,
        on_size=lambda done: done.save(output / "bench.json"),
    )  # fmt: skip
    paths = write_report(measured, output)
    for result in measured.results:
        if result.skipped:
            condition = "" if result.condition == "warm" else f", {result.condition}"
            click.echo(f"{result.way}, {result.rows:,} rows{condition}: {result.skipped}", err=True)
    click.echo("\n".join(str(path) for path in paths))
    wrong = sorted({result.way for result in measured.results if result.wrong})
    if wrong:
        raise CourseError(f"the answer is not exact with {', '.join(wrong)}; the results say on which file")
