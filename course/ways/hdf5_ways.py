"""The question in HDF5: one compressed dataset per column, read by blocks with h5py."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path

from course.reading import open_binary
from course.ways.csv_batches import open_batches, rebatch, to_numpy
from course.ways.question import AGE, AMOUNT, Answer, Location, sum_columns

CHUNK_ROWS = 2**17


def to_hdf5(source: Location, target: Path) -> None:
    """Write a CSV file as an HDF5 file of one dataset per column, shuffled and compressed by gzip at level 1."""
    import h5py

    with open_batches(source) as (schema, batches), h5py.File(target, "w") as file:
        layout = {"shape": (0,), "maxshape": (None,), "chunks": (CHUNK_ROWS,), "shuffle": True,
                  "compression": "gzip", "compression_opts": 1}  # fmt: skip
        for field in schema:
            file.create_dataset(field.name, dtype=field.type.to_pandas_dtype(), **layout)
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
