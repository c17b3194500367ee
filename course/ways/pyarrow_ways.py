"""The question in Arrow: CSV, Feather (the Arrow file format) and Parquet, batch by batch."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import pyarrow as pa
from pyarrow import csv, ipc, parquet

from course.reading import Location, open_binary
from course.ways.csv_batches import rebatch
from course.ways.question import AGE, AMOUNT, SEPARATOR, Answer, from_pairs

BLOCK_BYTES = 2**20
BATCH_ROWS = 2**18
ROW_GROUP_ROWS = 2**19


def sum_batches(batches: Iterable[pa.RecordBatch]) -> Answer:
    """Return the answer from batches of the two columns of the question."""
    parts = [pa.table(batch).group_by(AGE).aggregate([(AMOUNT, "sum")]) for batch in batches]
    if not parts:
        return from_pairs(())
    sums = pa.concat_tables(parts).group_by(AGE).aggregate([(f"{AMOUNT}_sum", "sum")])
    pairs = zip(sums[AGE].to_pylist(), sums[f"{AMOUNT}_sum_sum"].to_pylist(), strict=True)
    return from_pairs((age, amount or 0.0) for age, amount in pairs if age is not None)


def pyarrow_csv(path: Location) -> Answer:
    """Answer from a CSV file read by blocks of one megabyte; memory does not depend on the file."""
    types = {AGE: pa.int64(), AMOUNT: pa.float64()}
    with (
        open_binary(path, access="stream") as file,
        csv.open_csv(
            file,
            read_options=csv.ReadOptions(block_size=BLOCK_BYTES),
            parse_options=csv.ParseOptions(delimiter=SEPARATOR),
            convert_options=csv.ConvertOptions(include_columns=[AGE, AMOUNT], column_types=types),
        ) as batches,
    ):
        return sum_batches(batches)


def to_feather(schema: pa.Schema, batches: Iterator[pa.RecordBatch], target: Path) -> None:
    """Write a table as an Arrow file compressed with LZ4, what pandas calls Feather."""
    with ipc.new_file(target, schema, options=ipc.IpcWriteOptions(compression="lz4")) as writer:
        for batch in rebatch(batches, BATCH_ROWS):
            writer.write(batch)


def pyarrow_feather(path: Location) -> Answer:
    """Answer from a Feather file, two columns of a batch at a time; memory does not depend on the file."""
    with open_binary(path, access="ranges") as binary, ipc.open_file(binary) as header:
        fields = [header.schema.get_field_index(name) for name in (AGE, AMOUNT)]
    options = ipc.IpcReadOptions(included_fields=fields)
    with open_binary(path, access="ranges") as binary, ipc.open_file(binary, options=options) as file:
        return sum_batches(file.get_batch(number) for number in range(file.num_record_batches))


def to_parquet(schema: pa.Schema, batches: Iterator[pa.RecordBatch], target: Path) -> None:
    """Write a table as a Parquet file compressed with Zstandard."""
    with parquet.ParquetWriter(target, schema, compression="zstd") as writer:
        for batch in rebatch(batches, ROW_GROUP_ROWS):
            writer.write_batch(batch)


def pyarrow_parquet(path: Location) -> Answer:
    """Answer from a Parquet file, two columns of a batch at a time; memory does not depend on the file."""
    with open_binary(path, access="ranges") as binary, parquet.ParquetFile(binary) as file:
        return sum_batches(file.iter_batches(ROW_GROUP_ROWS, columns=[AGE, AMOUNT]))


def pyarrow_dataset(path: Path) -> Answer:
    """Answer from a Parquet file as a dataset, which could be a folder of many; its batches are read ahead."""
    from pyarrow import dataset

    return sum_batches(dataset.dataset(path).to_batches(columns=[AGE, AMOUNT]))
