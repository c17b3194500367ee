"""A whole month of Open DAMIR, of any size: ``A201612.csv``, ``.csv.gz`` or ``.parquet``, written block by block."""

from __future__ import annotations

import gzip
import shutil
from collections import Counter
from collections.abc import Callable, Generator, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

from course.errors import BadArgumentError, ExistingFileError, OutputError, UnknownFormatError, UnreadableFileError
from course.files import expanded, make_folder, recover, replacing
from course.generator.answer import Block, MonthReport, read_report, report_path, write_report
from course.generator.real import BYTES_PER_ROW, identity, is_packed, real_blocks, real_month
from course.generator.schema import CSV_HEADER, SEPARATOR, arrow_schema
from course.progress import progress_bar
from course.size import format_size

if TYPE_CHECKING:
    from course.generator.rows import Rows

GZIP_LEVEL = 4
"""Twice to three times as fast as the usual level 6, for files a fifth larger."""

ROW_GROUP_BLOCKS = 16
"""Blocks of a Parquet row group: 524,288 rows."""

Write = Callable[[Any], int]
"""Takes an encoded block and returns the number of bytes written to the file."""


@dataclass(frozen=True)
class MonthFormat:
    """How to write a month."""

    suffix: str
    bytes_per_row: int  # about how much a row takes on disk, to foresee the size of a file
    encode: Callable[[Rows], Any]  # turns a block into what ``sink`` takes; run by several threads at once
    encode_text: Callable[[bytes], Any]  # does the same of lines of text
    sink: Callable[[Path], AbstractContextManager[Write]]  # opens a file; what it gives writes encoded blocks in order


def format_of(path: Path) -> MonthFormat:
    """Return the format that the name of a file asks for.

    Raises:
        UnknownFormatError: the suffix is none of ``.csv``, ``.csv.gz``, ``.parquet``.
    """
    for candidate in FORMATS:
        if path.name.lower().endswith(candidate.suffix):
            return candidate
    known = ", ".join(candidate.suffix for candidate in FORMATS)
    raise UnknownFormatError(f"{path.name} names no known format; end it with one of {known}")


def _csv_block(rows: Rows) -> memoryview:
    from course.generator.encoding import csv_text

    return csv_text(rows).text


def _compressed(text: bytes | memoryview) -> bytes:
    return gzip.compress(text, GZIP_LEVEL, mtime=0)


def _gzip_member(rows: Rows) -> bytes:
    # one member per block: a gzip file may be a chain of them, and each can be compressed by another thread
    return _compressed(_csv_block(rows))


def _arrow_block(rows: Rows) -> Any:
    from course.generator.encoding import arrow_table

    return arrow_table(rows)


def _typed_lines(lines: bytes) -> Any:
    import pyarrow as pa
    import pyarrow.csv

    schema = arrow_schema()
    parse = pyarrow.csv.ParseOptions(delimiter=SEPARATOR)
    convert = pyarrow.csv.ConvertOptions(column_types=schema, include_columns=schema.names)
    try:
        return pyarrow.csv.read_csv(pa.BufferReader(CSV_HEADER + lines), None, parse, convert).cast(schema)
    except (pa.ArrowInvalid, ValueError) as error:
        raise UnreadableFileError(f"a value of the real month has not the type of its column: {error}") from error


@contextmanager
def _bytes_sink(path: Path, header: bytes) -> Iterator[Write]:
    with path.open("wb") as file:
        file.write(header)
        yield file.write


@contextmanager
def _parquet_sink(path: Path) -> Iterator[Write]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    waiting: list[pa.Table] = []
    with path.open("wb") as file, pq.ParquetWriter(file, arrow_schema(), compression="zstd") as writer:

        def flush() -> int:
            before = file.tell()
            group = pa.concat_tables(waiting)
            waiting.clear()
            writer.write_table(group, row_group_size=group.num_rows)
            return file.tell() - before

        def write(block: pa.Table) -> int:
            waiting.append(block)
            return flush() if len(waiting) == ROW_GROUP_BLOCKS else 0

        yield write
        if waiting:
            flush()


FORMATS: tuple[MonthFormat, ...] = (
    MonthFormat(".csv", 162, _csv_block, bytes, partial(_bytes_sink, header=CSV_HEADER)),
    MonthFormat(".csv.gz", 38, _gzip_member, _compressed, partial(_bytes_sink, header=_compressed(CSV_HEADER))),
    MonthFormat(".parquet", 30, _arrow_block, _typed_lines, _parquet_sink),
)


SEED = 2016_12
THREADS = 2


@dataclass(frozen=True)
class _Request:
    """Which rows are asked for."""

    source: str  # the real month they come from, empty if they are generated
    seed: int
    rows: int | None  # None for all those of the real month
    about: int  # how many that will be
    blocks: Callable[[MonthFormat], Generator[Block, None, None]]

    def is_met_by(self, there: MonthReport) -> bool:
        enough = there.rows == self.rows or (there.is_whole and (self.rows is None or there.rows < self.rows))
        return enough and (there.source, there.seed) == (self.source, self.seed)


def month_file(
    path: Path | str,
    *,
    rows: int | None = None,
    size: int | None = None,
    seed: int = SEED,
    overwrite: bool = False,
    again: bool = False,
    generated: bool = False,
    threads: int = THREADS,
) -> MonthReport:
    """Generate a month, unless the file is already there, and return what is known of it.

    The rows have the 55 columns of a file of 2016, its codes, its relations between columns and its heavy-tailed
    amounts. They depend on the seed only: not on the format, nor on the number of threads, and a longer month begins
    with the rows of a shorter one. A small JSON file beside it keeps the exact answer.

    Where ``BIGDATA_COURSE_MONTH`` names a real month, its first rows are copied instead, in the form of the course; all
    of them if it has fewer, if a size is given, or nothing. The seed does not count then. A file that was made under
    another value of the variable is replaced.

    Args:
        path: the file; its suffix says the format: ``.csv``, ``.csv.gz`` or ``.parquet``.
        rows: number of rows. Exactly one of ``rows`` and ``size`` is given, unless the month is a real one.
        size: bytes of the CSV text, whatever the format; the number of rows that comes nearest is chosen.
        seed: an integer, zero or more.
        overwrite: replace the file if it is there and is not the one asked for.
        again: make the file even if it is there, to measure how long that takes.
        generated: generate the month even where a real one is named.
        threads: number of threads that make rows.

    Raises:
        BadArgumentError: ``rows``, ``size``, ``seed`` or ``threads`` has no meaning, or ``path`` is the real month.
        MissingFileError: ``BIGDATA_COURSE_MONTH`` names no file.
        UnreadableFileError: the file that it names is no month, or a line of it breaks a rule.
        UnknownFormatError: the suffix is none of the three.
        ExistingFileError: another file is there and ``overwrite`` is false.
        OutputError: the folder cannot be written, or the disk is too small.
    """
    path = expanded(path)
    form = format_of(path)
    for written in (path, report_path(path)):
        recover(written)  # what a killed one left may be most of the disk
    real = None if generated else real_month()
    _check(rows, size, seed, threads, is_real=real is not None)
    request = _generated(rows, size, seed, threads) if real is None else _real(real, rows)
    is_there = path.exists()  # asked before the report, that another process may put there with the file in between
    if is_there and real is not None and path.samefile(real):
        raise BadArgumentError(f"{path} is the real month itself: give the copy another name")
    there = read_report(path)
    if there is not None and request.is_met_by(there) and not again:
        return there
    beside = report_path(path)
    is_other = beside.is_file() and b'"generator": ' not in beside.read_bytes()
    is_ours = there is not None and (request.is_met_by(there) or there.source != request.source)
    if ((is_there and not is_ours) or is_other) and not overwrite:
        other = beside if is_other else path
        raise ExistingFileError(f"{other} is there and is another file; delete it, or ask to overwrite it")
    make_folder(path.parent)
    _check_space(path, form, request.about)
    try:
        return _write(path, form, request)
    except OutputError:
        there = read_report(path)
        if there is None or not request.is_met_by(there):
            raise
        return there  # another process has put it there meanwhile: Windows replaces no file that is open


def _generated(rows: int | None, size: int | None, seed: int, threads: int) -> _Request:
    count = rows if rows is not None else rows_of_size(size or 0, seed)

    def blocks(form: MonthFormat) -> Generator[Block, None, None]:
        from course.generator.rows import month_blocks

        return month_blocks(seed, count, form.encode, threads)

    return _Request("", seed, count, count, blocks)


def _real(source: Path, rows: int | None) -> _Request:
    about = round(source.stat().st_size / BYTES_PER_ROW[is_packed(source)])

    def blocks(form: MonthFormat) -> Generator[Block, None, None]:
        for block in real_blocks(source, rows):
            yield replace(block, content=form.encode_text(block.content))

    return _Request(identity(source), 0, rows, min(about, rows or about), blocks)


def _check(rows: int | None, size: int | None, seed: int, threads: int, *, is_real: bool) -> None:
    if (rows is None) == (size is None) and not (is_real and rows is None):
        raise BadArgumentError("give either a number of rows or a size in bytes, and not both")
    for name, number in (("rows", rows), ("size", size), ("threads", threads)):
        if number is not None and (not isinstance(number, int) or number < 1):
            raise BadArgumentError(f"{name} is {number}; give a whole number, one or more")
    if not isinstance(seed, int) or seed < 0:
        raise BadArgumentError(f"seed is {seed}; give a whole number, zero or more")


def rows_of_size(size: int, seed: int) -> int:
    """Return the number of rows whose CSV text comes nearest to ``size`` bytes, at least one.

    Beyond the first block it is an estimate from the mean length of its rows, good to a thousandth.
    """
    import numpy as np

    from course.generator.encoding import csv_text
    from course.generator.rows import BLOCK_ROWS, draw_rows

    ends = csv_text(draw_rows(seed, 0, BLOCK_ROWS)).ends
    wanted = size - len(CSV_HEADER)
    if wanted > ends[-1]:
        return round(wanted * BLOCK_ROWS / int(ends[-1]))
    return max(1, int(np.argmin(np.abs(ends - wanted))) + 1)


def _check_space(path: Path, form: MonthFormat, rows: int) -> None:
    needed, free = rows * form.bytes_per_row, shutil.disk_usage(path.parent).free
    if needed > free:
        raise OutputError(
            f"{path} needs about {format_size(needed)} and {format_size(free)} are free: "
            f"free {format_size(needed - free)} more, or ask for a smaller file"
        )


def _write(path: Path, form: MonthFormat, request: _Request) -> MonthReport:
    start = perf_counter()
    rows, rows_by_age, cents_by_age = 0, Counter[int](), Counter[int]()
    with replacing(path) as temporary:
        with (
            form.sink(temporary) as write,
            progress_bar(request.about * form.bytes_per_row, description=path.name) as bar,
            closing(request.blocks(form)) as blocks,
        ):
            for block in blocks:
                bar.update(write(block.content))
                rows += block.rows
                # integers of Python: no sum is too large for them
                rows_by_age.update(block.rows_by_age)
                cents_by_age.update(block.cents_by_age)
        by_age = dict(sorted(rows_by_age.items())), dict(sorted(cents_by_age.items()))
        is_whole = bool(request.source) and (request.rows is None or rows < request.rows)
        size_bytes = temporary.stat().st_size
        report = MonthReport(
            path, form.suffix, rows, size_bytes, request.seed, *by_age, source=request.source, is_whole=is_whole
        )
        write_report(report)
    return replace(report, seconds=perf_counter() - start)
