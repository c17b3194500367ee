"""``course data``: write the files that the lessons read."""

from __future__ import annotations

from pathlib import Path

import click

FOLDER = click.Path(path_type=Path, file_okay=False)


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
@click.argument("path", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--rows", type=click.IntRange(min=1), help="Number of rows.")
@click.option("--size", help="Approximate size instead: 4GiB, 500MB.")
@click.option("--seed", type=click.IntRange(min=0), help="Another seed makes another file.")
@click.option("--overwrite", is_flag=True, help="Replace a file that is already there.")
def month(path: Path, rows: int | None, size: str | None, seed: int | None, overwrite: bool) -> None:
    """Write a month of health spending of any size at PATH; the end of the name chooses the format.

    \b
    Examples:
      course data month A201612.csv --size 4GiB
      course data month month.parquet --rows 1000000
    """  # noqa: D301 click reads \b as: keep these lines
    from course import month_file
    from course.size import format_size, parse_size

    if (rows is None) == (size is None):
        raise click.UsageError("give either --rows or --size")
    chosen = {} if seed is None else {"seed": seed}
    amount = {"rows": rows} if size is None else {"size": parse_size(size)}
    report = month_file(path, **amount, **chosen, overwrite=overwrite)
    click.echo(f"{report.path}: {report.rows:,} rows, {format_size(report.size_bytes)}")
