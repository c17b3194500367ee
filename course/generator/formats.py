"""The three formats of a month: CSV, gzipped CSV and Parquet, each written block by block."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from course.errors import UnknownFormatError

if TYPE_CHECKING:
    from course.generator.rows import Rows

GZIP_LEVEL = 4
"""Twice to three times as fast as the usual level 6, for files a fifth larger."""

ROW_GROUP_BLOCKS = 16
"""Blocks of a Parquet row group: 524,288 rows."""

Write = Callable[[Any], int]
"""Takes an encoded block and returns the number of bytes written to the file."""


@dataclass(frozen=True)
class Format:
    """How to write a month.

    Attributes:
        suffix: end of the file's name.
        bytes_per_row: about how much a row takes on disk, to foresee the size of a file.
        encode: turns a block of rows into what ``sink`` takes; run by several threads at once.
        sink: opens a file and gives the function that writes encoded blocks in order.
    """

    suffix: str
    bytes_per_row: int
    encode: Callable[[Rows], Any]
    sink: Callable[[Path], AbstractContextManager[Write]]


def format_of(path: Path) -> Format:
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
    from course.generator.csv_text import csv_text

    return csv_text(rows).text


def _gzip_member(rows: Rows) -> bytes:
    # one member per block: a gzip file may be a chain of them, and each can be compressed by another thread
    return gzip.compress(_csv_block(rows), GZIP_LEVEL, mtime=0)


def _arrow_block(rows: Rows) -> Any:
    from course.generator.arrow_table import arrow_table

    return arrow_table(rows)


@contextmanager
def _csv_sink(path: Path) -> Iterator[Write]:
    from course.generator.csv_text import CSV_HEADER

    with path.open("wb") as file:
        file.write(CSV_HEADER)
        yield file.write


@contextmanager
def _gzip_sink(path: Path) -> Iterator[Write]:
    from course.generator.csv_text import CSV_HEADER

    with path.open("wb") as file:
        file.write(gzip.compress(CSV_HEADER, GZIP_LEVEL, mtime=0))
        yield file.write


@contextmanager
def _parquet_sink(path: Path) -> Iterator[Write]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    from course.generator.schema import arrow_schema

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


FORMATS: tuple[Format, ...] = (
    Format(".csv", 162, _csv_block, _csv_sink),
    Format(".csv.gz", 38, _gzip_member, _gzip_sink),
    Format(".parquet", 30, _arrow_block, _parquet_sink),
)
