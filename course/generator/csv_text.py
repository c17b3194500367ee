"""Rows as CSV text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from course.generator.pieces import Places, pieces, zeroed
from course.generator.schema import HEADER

if TYPE_CHECKING:
    from course.generator.amounts import Numbers
    from course.generator.random_stream import Integers
    from course.generator.rows import Rows
    from course.generator.segments import Index

CSV_HEADER = f"{HEADER}\n".encode()

_BEFORE_NUMBERS = ("home", "person", "establishment", "prescribing")
_AFTER_NUMBERS = ("care", "coverage", "act", "reimbursement", "executant", "prescriber")


@dataclass(frozen=True)
class CsvText:
    """Lines of CSV: 55 fields with a separator after each, and a line feed.

    Attributes:
        text: the bytes of all the lines.
        ends: for each line, where it ends in ``text``.
    """

    text: memoryview
    ends: Integers


def csv_text(rows: Rows) -> CsvText:
    """Return the rows as text.

    All the pieces of all the rows are picked by one operation, whose output is the text itself.
    """
    places = Places()
    starts = pieces().segments
    columns = [
        *(rows.segments[name] + np.int32(starts[name]) for name in _BEFORE_NUMBERS),
        *_number_places(rows.numbers, places),
        *(rows.segments[name] + np.int32(starts[name]) for name in _AFTER_NUMBERS),
    ]
    picked = places.texts().take(pa.array(np.stack(columns, axis=1).ravel()))
    _, offsets, data = picked.buffers()
    bounds = np.frombuffer(offsets, dtype=np.int32, count=len(picked) + 1)
    ends = bounds[len(columns) :: len(columns)].astype(np.int64)
    return CsvText(memoryview(data)[: int(bounds[-1])], ends)


def _number_places(numbers: Numbers, places: Places) -> list[Index]:
    """Return the places of the thirteen numbers, in file order."""
    table = pieces()
    coefficient, overrun, paid, base, reimbursed = (
        places.hundredths(column)
        for column in (numbers.coefficient, numbers.overrun, numbers.paid, numbers.base, numbers.reimbursed)
    )
    quantity = places.counts(numbers.quantity)
    count = np.where(numbers.count_missing, np.int32(table.empty), places.counts(numbers.count))
    kept = ~(numbers.filtered | numbers.complement)
    return [
        coefficient,
        count,
        quantity,
        overrun,
        paid,
        base,
        reimbursed,
        zeroed(coefficient, table.zero, kept),
        zeroed(count, table.zero_count, kept),
        zeroed(quantity, table.zero_count, kept),
        zeroed(paid, table.zero, kept),
        zeroed(overrun, table.zero, kept),
        zeroed(reimbursed, table.zero, ~numbers.filtered),
    ]
