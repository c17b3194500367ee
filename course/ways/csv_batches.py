"""A CSV file of the course as typed Arrow batches: what every conversion starts from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from pyarrow import csv, types

from course.errors import CourseError
from course.generator.schema import AGE, SEPARATOR, arrow_schema
from course.progress import progress_bar
from course.reading import Location, name_of, open_binary, size_of
from course.ways.checking import open_rows

if TYPE_CHECKING:
    import numpy as np

BLOCK_BYTES = 2**22
"""Bytes of text parsed at a time: memory stays flat, and a batch is large enough for every format."""


class NoFitError(CourseError):
    """A value has not the type of its column in the schema of the course."""


@contextmanager
def open_batches(path: Location, *, is_plain: bool = True) -> Iterator[tuple[pa.Schema, Iterator[pa.RecordBatch]]]:
    """Give the types of the columns and an iterator over the rows, a few megabytes at a time.

    Of a plain file the columns have the types of the course, float64 for those that it does not know, and a value that
    does not fit raises ``NoFitError``. Of any other file, ages are int64, and a column that does not fit is
    text: this is known once all rows were read, which costs one more reading, by Python's csv module.
    """
    failures: list[Exception] = []

    def noted(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        try:
            yield from batches
        except (pa.ArrowInvalid, CourseError) as error:
            failures.append(error)
            raise

    try:
        with _open_typed(path) if is_plain else _open_fitted(path) as (schema, batches):
            yield schema, noted(batches)
    except Exception as error:
        # a library that is given the batches may tell what they raised in its own words
        cause = next(iter(failures), error)
        if isinstance(cause, pa.ArrowInvalid):
            raise NoFitError(str(cause)) from error
        if cause is error:
            raise
        raise cause from None


@contextmanager
def _open_fitted(path: Location) -> Iterator[tuple[pa.Schema, Iterator[pa.RecordBatch]]]:
    with _open_text(path) as (names, batches):
        schema = _fitting_schema(names, batches)
    with _open_text(path) as (_, batches):
        yield schema, (batch.cast(schema) for batch in batches)


@contextmanager
def _open_typed(path: Location) -> Iterator[tuple[pa.Schema, Iterator[pa.RecordBatch]]]:
    with open_binary(path) as file:
        header = file.readline().decode("utf-8-sig").rstrip("\r\n")
    # the separator that ends the line makes no column
    schema = pa.schema([(name, _type(name)) for name in header.split(SEPARATOR) if name])
    with (
        open_binary(path, access="stream") as file,
        progress_bar(size_of(file), description=f"converting {name_of(path)}") as bar,
        csv.open_csv(
            file,
            read_options=csv.ReadOptions(block_size=BLOCK_BYTES),
            parse_options=csv.ParseOptions(delimiter=SEPARATOR),
            convert_options=csv.ConvertOptions(include_columns=schema.names, column_types=schema, null_values=[""]),
        ) as reader,
    ):

        def batches() -> Iterator[pa.RecordBatch]:
            for batch in reader:
                bar.update(file.tell() - bar.n)
                yield batch

        yield schema, batches()


@cache
def _type(name: str) -> pa.DataType:
    """Return the type of a column; any cell may be empty, whatever the schema of the course says."""
    return {field.name: field.type for field in arrow_schema()}.get(name, pa.float64())


@contextmanager
def _open_text(path: Location) -> Iterator[tuple[list[str], Iterator[pa.RecordBatch]]]:
    """Give the names of the columns and the rows as text, missing where it is empty."""
    with open_rows(path) as (names, rows):

        def batches() -> Iterator[pa.RecordBatch]:
            for chunk in _chunks(rows):
                columns = ([value or None for value in column] for column in zip(*chunk, strict=True))
                yield pa.record_batch([pa.array(column, pa.string()) for column in columns], names)

        yield names, batches()


def _chunks(rows: Iterator[list[str]]) -> Iterator[list[list[str]]]:
    chunk, size = [], 0
    for row in rows:
        chunk.append(row)
        size += sum(map(len, row))
        if size >= BLOCK_BYTES:
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk


def _fitting_schema(names: list[str], batches: Iterator[pa.RecordBatch]) -> pa.Schema:
    """Return the types of the columns, text for those where a value has not the type of the course."""
    kinds = {name: _type(name) for name in names} | {AGE: pa.int64()}
    for batch in batches:
        for name, column in zip(names, batch, strict=True):
            try:
                column.cast(kinds[name])
            except pa.ArrowInvalid:
                kinds[name] = pa.string()
    return pa.schema(kinds.items())


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
    """Return a column for a format that has no missing value.

    NaN, the smallest integer of the type, or the empty text stands for it.

    R marks the missing integer in the same manner (R Core Team, "R Language Definition", section 3.3.4).
    """
    import numpy as np

    if types.is_string(column.type):
        missing: Any = ""
    else:
        missing = np.iinfo(column.type.to_pandas_dtype()).min if types.is_integer(column.type) else np.nan
    array: np.ndarray[Any, Any] = column.fill_null(missing).to_numpy(zero_copy_only=False)
    return array
