"""The question in bcolz, compressed columns on disk: the ctable of 2017, kept alive by bcolz-zipline."""

from __future__ import annotations

from pathlib import Path

from course.ways.csv_batches import open_batches, rebatch, to_numpy
from course.ways.question import AGE, AMOUNT, Answer, Location, sum_columns

BLOCK_ROWS = 2**17


def to_bcolz(source: Location, target: Path) -> None:
    """Write a CSV file as a bcolz ctable, a folder of one folder per column."""
    import bcolz

    with open_batches(source) as (schema, batches):
        table = None
        for batch in rebatch(batches, BLOCK_ROWS):
            columns = [to_numpy(column) for column in batch]
            if table is None:
                table = bcolz.ctable(columns, names=schema.names, rootdir=str(target), mode="w", expectedlen=10**7)
            else:
                table.append(columns)
        if table is not None:
            table.flush()


def bcolz_ctable(path: Path) -> Answer:
    """Answer from a bcolz ctable, blocks of both columns at a time; memory does not depend on the file."""
    import bcolz

    table = bcolz.open(str(path), mode="r")
    return sum_columns(table[AGE], table[AMOUNT])
