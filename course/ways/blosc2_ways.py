"""The question in blosc2: the CTable, successor of bcolz, with compressed columns and its own ``group_by``."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from course.ways.question import AGE, AMOUNT, as_answer
from course.ways.source import open_batches, rebatch

if TYPE_CHECKING:
    from course.ways.question import Answer

BATCH_ROWS = 2**17


def to_blosc2(source: Path, target: Path) -> None:
    """Write a CSV file as a CTable, a folder of compressed columns."""
    import blosc2

    # without this number the table starts with room for a few rows, and grows for minutes
    room = _count_lines(source)
    with open_batches(source) as (schema, batches):
        rows = rebatch(batches, BATCH_ROWS)
        blosc2.CTable.from_arrow(schema, rows, urlpath=str(target), mode="w", capacity_hint=room).close()


def _count_lines(path: Path) -> int:
    with path.open("rb") as file:
        return sum(block.count(b"\n") for block in iter(partial(file.read, 2**20), b""))


def blosc2_ctable(path: Path) -> Answer:
    """Answer from a CTable; rows without age are left out, missing amounts are not added."""
    import blosc2

    sums = blosc2.CTable.open(str(path)).group_by(AGE).sum(AMOUNT).to_pandas()
    # a class of missing amounts only has a missing sum
    return as_answer(sums.set_index(AGE)[f"{AMOUNT}_sum"].fillna(0.0))
