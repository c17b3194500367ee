"""The question in blosc2: the CTable, successor of bcolz, with compressed columns and its own ``group_by``."""

from __future__ import annotations

from pathlib import Path

from course.ways.csv_batches import open_batches, rebatch
from course.ways.question import AGE, AMOUNT, Answer, Location, as_answer

BATCH_ROWS = 2**17
CHUNK_ROWS = 2**19


def to_blosc2(source: Location, target: Path) -> None:
    """Write a CSV file as a CTable, a folder of compressed columns."""
    import blosc2

    with open_batches(source) as (schema, batches):
        rows = rebatch(batches, BATCH_ROWS)
        # the room given at first is the size of a chunk: without it a chunk is one row, and writing takes for ever
        table = blosc2.CTable.from_arrow(schema, rows, urlpath=str(target), mode="w", capacity_hint=CHUNK_ROWS)
        table.close()


def blosc2_ctable(path: Path) -> Answer:
    """Answer from a CTable; rows without age are left out, missing amounts are not added."""
    import blosc2

    sums = blosc2.CTable.open(str(path)).group_by(AGE).sum(AMOUNT).to_pandas()
    # a class of missing amounts only has a missing sum
    return as_answer(sums.set_index(AGE)[f"{AMOUNT}_sum"].fillna(0.0))
