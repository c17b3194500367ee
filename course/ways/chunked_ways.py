"""The question over columns on disk, in compressed chunks: HDF5, zarr, bcolz, and blosc2 which came after bcolz."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from course.reading import Location, open_binary
from course.ways.csv_batches import rebatch, to_numpy
from course.ways.question import AGE, AMOUNT, Answer, as_answer, sum_columns

if TYPE_CHECKING:
    import pyarrow as pa

CHUNK_ROWS = 2**17


def is_shuffled(field: pa.Field) -> bool:
    """Tell whether a column is smaller with its bytes put side by side: codes are, and amounts twice as large.

    Cents written in base 2 leave no bytes alike, while the same amounts come back whole.
    """
    return bool(np.dtype(field.type.to_pandas_dtype()).kind == "i")


def to_hdf5(schema: pa.Schema, batches: Iterator[pa.RecordBatch], target: Path) -> None:
    """Write a table as an HDF5 file of one dataset per column, compressed by gzip at level 1, integers shuffled."""
    import h5py

    with h5py.File(target, "w") as file:
        layout = {"shape": (0,), "maxshape": (None,), "chunks": (CHUNK_ROWS,), "compression": "gzip",
                  "compression_opts": 1}  # fmt: skip
        for field in schema:
            kind = field.type.to_pandas_dtype()
            kind = h5py.string_dtype() if kind is np.object_ else kind
            file.create_dataset(field.name, dtype=kind, shuffle=is_shuffled(field), **layout)
        for batch in rebatch(batches, CHUNK_ROWS):
            for name, column in zip(schema.names, batch, strict=True):
                dataset = file[name]
                dataset.resize(len(dataset) + len(column), axis=0)
                dataset[-len(column) :] = to_numpy(column)


def h5py_hdf5(path: Location) -> Answer:
    """Answer from an HDF5 file, blocks of both columns at a time; memory does not depend on the file."""
    import h5py

    with nullcontext(path) if isinstance(path, Path) else open_binary(path) as source, h5py.File(source) as file:
        return sum_columns(file[AGE], file[AMOUNT])


def to_zarr(schema: pa.Schema, batches: Iterator[pa.RecordBatch], target: Path) -> None:
    """Write a table as a zarr group of one array per column, compressed by Blosc, integers shuffled."""
    import zarr
    from zarr.codecs import BloscCodec

    group = zarr.create_group(store=target)
    for field in schema:
        kind = field.type.to_pandas_dtype()
        kind = str if kind is np.object_ else kind
        codec = BloscCodec(cname="zstd", clevel=3, shuffle="shuffle" if is_shuffled(field) else "noshuffle")
        group.create_array(field.name, shape=(0,), dtype=kind, chunks=(CHUNK_ROWS,), compressors=codec)
    columns = [cast("Any", group[name]) for name in schema.names]
    for batch in rebatch(batches, CHUNK_ROWS):
        for array, column in zip(columns, batch, strict=True):
            array.append(to_numpy(column))


def zarr_group(path: Location) -> Answer:
    """Answer from a zarr group, blocks of both columns at a time; memory does not depend on the file."""
    import zarr

    group = zarr.open_group(path, mode="r")
    return sum_columns(group[AGE], group[AMOUNT])


def to_bcolz(schema: pa.Schema, batches: Iterator[pa.RecordBatch], target: Path) -> None:
    """Write a table as a bcolz ctable, the format of 2017: a folder of one folder per column."""
    import bcolz

    empty = [
        bcolz.carray(np.empty(0, field.type.to_pandas_dtype()), bcolz.cparams(shuffle=int(is_shuffled(field))))
        for field in schema
    ]
    table = bcolz.ctable(empty, names=schema.names, rootdir=str(target), mode="w", expectedlen=10**7)
    for batch in rebatch(batches, CHUNK_ROWS):
        table.append([to_numpy(column) for column in batch])
    table.flush()


def bcolz_ctable(path: Path) -> Answer:
    """Answer from a bcolz ctable, blocks of both columns at a time; memory does not depend on the file."""
    import bcolz

    table = bcolz.open(str(path), mode="r")
    return sum_columns(table[AGE], table[AMOUNT])


def to_blosc2(schema: pa.Schema, batches: Iterator[pa.RecordBatch], target: Path) -> None:
    """Write a table as a CTable, a folder of compressed columns."""
    import blosc2
    import pyarrow as pa

    rows = rebatch(batches, CHUNK_ROWS)
    # of text it takes no parameters
    numbers = [field for field in schema if pa.types.is_primitive(field.type)]
    plain = {field.name: {"filters": [blosc2.Filter.NOFILTER.value]} for field in numbers if not is_shuffled(field)}
    # the room given at first is the size of a chunk: without it a chunk is one row, and writing takes for ever
    table = blosc2.CTable.from_arrow(
        schema, rows, urlpath=str(target), mode="w", capacity_hint=4 * CHUNK_ROWS, column_cparams=plain
    )
    table.close()


def blosc2_ctable(path: Path) -> Answer:
    """Answer by the ``group_by`` of a CTable; rows without age are left out, missing amounts are not added."""
    import blosc2

    sums = blosc2.CTable.open(str(path)).group_by(AGE).sum(AMOUNT).to_pandas()
    # a class of missing amounts only has a missing sum
    return as_answer(sums.set_index(AGE)[f"{AMOUNT}_sum"].fillna(0.0))
