"""The question in pandas: the whole table, two columns of it, chunks of them, partitions by dask, a pickle."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, cast

from course.reading import Location, open_binary
from course.ways.question import AGE, AMOUNT, DTYPES, SEPARATOR, Answer, as_answer, sum_parts

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd
    import pyarrow as pa

CHUNK_ROWS = 500_000
PARTITION_BYTES = 2**25


def pandas_csv(path: Location) -> Answer:
    """Answer from the whole table, read into memory as one does without thinking; pandas reads it by threads."""
    import pandas as pd

    table = pd.read_csv(path, sep=SEPARATOR, dtype=DTYPES)
    return as_answer(table.groupby(AGE)[AMOUNT].sum())


def pandas_csv_thread(path: Location) -> Answer:
    """Answer from the whole table, read by one thread, as pandas reads it by columns or by chunks."""
    import pandas as pd

    with pd.option_context("mode.max_threads", 1):
        return pandas_csv(path)


def pandas_csv_columns(path: Location) -> Answer:
    """Answer from the two columns of the question, the others being dropped as they are read."""
    import pandas as pd

    table = pd.read_csv(path, sep=SEPARATOR, usecols=[AGE, AMOUNT], dtype=DTYPES)
    return as_answer(table.groupby(AGE)[AMOUNT].sum())


def pandas_csv_chunks(path: Location) -> Answer:
    """Answer from chunks of the two columns; memory does not depend on the file."""
    import pandas as pd

    with pd.read_csv(path, sep=SEPARATOR, usecols=[AGE, AMOUNT], dtype=DTYPES, chunksize=CHUNK_ROWS) as chunks:
        return sum_parts(chunk.groupby(AGE)[AMOUNT].sum() for chunk in chunks)


def dask_csv(path: Location) -> Answer:
    """Answer from partitions of 32 MiB of text; without ``usecols`` dask parses every column, and guesses types."""
    import dask.dataframe as dd

    table = dd.read_csv(path, sep=SEPARATOR, usecols=[AGE, AMOUNT], dtype=DTYPES, blocksize=PARTITION_BYTES)
    # nine classes fit in one partition: without being told so dask shuffles them between several
    return as_answer(table.groupby(AGE)[AMOUNT].sum(split_out=1).compute(scheduler="threads"))


def to_pickle(schema: pa.Schema, batches: Iterator[pa.RecordBatch], target: Path) -> None:
    """Write a table as a pickled DataFrame; it must fit in memory."""
    import pandas as pd
    import pyarrow as pa

    # missing values would make a float of an age, which is not exact from 2**53 on
    kinds = {pa.int64(): pd.Int64Dtype()}
    pa.Table.from_batches(batches, schema).to_pandas(types_mapper=kinds.get).to_pickle(target)


def pandas_pickle(path: Location) -> Answer:
    """Answer from a pickled DataFrame, read whole: a pickle has no other way; never open that of a stranger."""
    import pandas as pd

    table = cast("pd.DataFrame", pd.read_pickle(path))  # noqa: S301 the file is ours
    return as_answer(table.groupby(AGE)[AMOUNT].sum())


def pandas_parquet(path: Location) -> Answer:
    """Answer from two columns of a Parquet file, read whole."""
    import pandas as pd

    with nullcontext(path) if isinstance(path, Path) else open_binary(path, access="ranges") as source:
        table = pd.read_parquet(source, columns=[AGE, AMOUNT])
        if table[AGE].dtype.kind == "f":  # an age is missing: the others are not exact from 2**53 on
            table = pd.read_parquet(source, columns=[AGE, AMOUNT], dtype_backend="numpy_nullable")
    return as_answer(table.groupby(AGE)[AMOUNT].sum())
