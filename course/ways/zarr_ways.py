"""The question in zarr: a group of one compressed array per column, read by blocks."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

from course.ways.csv_batches import open_batches, rebatch, to_numpy
from course.ways.question import AGE, AMOUNT, Answer, Location, sum_columns

CHUNK_ROWS = 2**17


def to_zarr(source: Location, target: Path) -> None:
    """Write a CSV file as a zarr group of one array per column, shuffled and compressed by Blosc."""
    import zarr
    from zarr.codecs import BloscCodec

    with open_batches(source) as (schema, batches):
        group = zarr.create_group(store=target)
        codec = BloscCodec(cname="zstd", clevel=3, shuffle="shuffle")
        for field in schema:
            kind = field.type.to_pandas_dtype()
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
