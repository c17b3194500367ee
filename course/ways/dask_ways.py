"""The question in dask: the file cut in partitions, summed by threads."""

from __future__ import annotations

from course.ways.question import AGE, AMOUNT, DTYPES, SEPARATOR, Answer, Location, as_answer

BLOCK_BYTES = 2**25


def dask_csv(path: Location) -> Answer:
    """Answer from partitions of 32 MiB of text; without ``usecols`` dask parses every column, and guesses types."""
    import dask.dataframe as dd

    table = dd.read_csv(path, sep=SEPARATOR, usecols=[AGE, AMOUNT], dtype=DTYPES, blocksize=BLOCK_BYTES)
    return as_answer(table.groupby(AGE)[AMOUNT].sum().compute(scheduler="threads"))
