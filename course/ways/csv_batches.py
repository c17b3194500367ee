"""A CSV file of the course as typed Arrow batches: what every conversion starts from."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from pyarrow import csv, types

from course.generator.schema import SEPARATOR, arrow_schema
from course.progress import progress_bar
from course.reading import Location, name_of, open_binary, size_of

if TYPE_CHECKING:
    import numpy as np

BLOCK_BYTES = 2**22
"""Bytes of text parsed at a time: memory stays flat, and a batch is large enough for every format."""


def _arguments(path: Location) -> tuple[pa.Schema, dict[str, Any]]:
    """Return the types of the columns, those of the course or float64, and the arguments of the reader."""
    with open_binary(path) as file:
        header = file.readline().decode("utf-8-sig").rstrip("\r\n")
    known = {field.name: field.type for field in arrow_schema()}
    # any cell may be empty, whatever the schema says; the separator that ends the line makes no column
    schema = pa.schema([pa.field(name, known.get(name, pa.float64())) for name in header.split(SEPARATOR) if name])
    return schema, {
        "read_options": csv.ReadOptions(block_size=BLOCK_BYTES),
        "parse_options": csv.ParseOptions(delimiter=SEPARATOR),
        "convert_options": csv.ConvertOptions(include_columns=schema.names, column_types=schema),
    }


def read_table(path: Location) -> pa.Table:
    """Return the whole table of a CSV file."""
    with open_binary(path, access="stream") as file:
        return csv.read_csv(file, **_arguments(path)[1])


@contextmanager
def open_batches(path: Location) -> Iterator[tuple[pa.Schema, Iterator[pa.RecordBatch]]]:
    """Give the types of the columns and an iterator over the rows, a few megabytes at a time."""
    schema, arguments = _arguments(path)
    with (
        open_binary(path, access="stream") as file,
        progress_bar(size_of(file), description=f"converting {name_of(path)}") as bar,
        csv.open_csv(file, **arguments) as reader,
    ):

        def batches() -> Iterator[pa.RecordBatch]:
            for batch in reader:
                bar.update(file.tell() - bar.n)
                yield batch

        yield schema, batches()


def rebatch(batches: Iterator[pa.RecordBatch], rows: int) -> Iterator[pa.RecordBatch]:
    """Cut batches again, in pieces of exactly ``rows`` rows but the last one."""
    waiting: list[pa.RecordBatch] = []
    count = 0
    for batch in batches:
        waiting.append(batch)
        count += batch.num_rows
        if count >= rows:
            *full, rest = pa.Table.from_batches(waiting).combine_chunks().to_batches(max_chunksize=rows)
            waiting, count = [rest], rest.num_rows
            yield from full
    if count:
        yield from pa.Table.from_batches(waiting).combine_chunks().to_batches(max_chunksize=rows)


def to_numpy(column: pa.Array) -> np.ndarray[Any, Any]:
    """Return a column for a format that has no missing value: NaN, or the smallest integer of the type, stands for it.

    R marks the missing integer in the same manner (R Core Team, "R Language Definition", section 3.3.4).
    """
    import numpy as np

    missing = np.iinfo(column.type.to_pandas_dtype()).min if types.is_integer(column.type) else np.nan
    array: np.ndarray[Any, Any] = column.fill_null(missing).to_numpy(zero_copy_only=False)
    return array
