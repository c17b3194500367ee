"""Rows as CSV text, or as an Arrow table typed by the schema.

For text, every piece that a row can be made of stands in one table, and a row is a list of places in it: the
combinations of the segments and the usual numbers; the few other numbers of a block are formatted and added after them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from course.generator.layout import Index, hundredths_text, layout
from course.generator.schema import DECIMALS, SEPARATOR, arrow_schema

if TYPE_CHECKING:
    from collections.abc import Callable

    from course.generator.amounts import Flags, Numbers
    from course.generator.layout import Index
    from course.generator.random_stream import Integers
    from course.generator.rows import Rows

USUAL_HUNDREDTHS = range(-5_000, 60_000)
"""Hundredths (amounts, coefficients) whose text is in the table."""

USUAL_COUNTS = range(-500, 5_000)
"""Numbers of acts whose text is in the table."""


@dataclass(frozen=True)
class Pieces:
    """The table that all blocks share: texts, each with a separator at its end, and where they stand."""

    texts: pa.Array
    segments: dict[str, int]  # the place of the first combination of each segment
    zero: int  # place of zero hundredths; those of the usual numbers stand around it, in order
    zero_count: int  # place of no act, likewise
    empty: int  # place of an empty field


@cache
def pieces() -> Pieces:
    """Return the table, made once."""
    parts = {name: segment.text for name, segment in layout().items()}
    parts["hundredths"] = pa.array([hundredths_text(number) + SEPARATOR for number in USUAL_HUNDREDTHS], pa.string())
    parts["counts"] = pa.array([f"{number}{SEPARATOR}" for number in USUAL_COUNTS], pa.string())
    parts["empty"] = pa.array([SEPARATOR], pa.string())
    ends = np.cumsum([len(part) for part in parts.values()]).tolist()
    starts = dict(zip(parts, [0, *ends], strict=False))
    return Pieces(
        texts=pa.concat_arrays(list(parts.values())),
        segments={name: starts[name] for name in layout()},
        zero=starts["hundredths"] - USUAL_HUNDREDTHS.start,
        zero_count=starts["counts"] - USUAL_COUNTS.start,
        empty=starts["empty"],
    )


class Places:
    """Places of the numbers of a block; the texts of unusual ones are added to the table as they come."""

    def __init__(self) -> None:
        self._shared = pieces()
        self._added: list[pa.Array] = []
        self._end = len(self._shared.texts)

    def hundredths(self, numbers: Integers) -> Index:
        """Return the place of each number of hundredths."""
        return self._places(numbers, USUAL_HUNDREDTHS, self._shared.zero, _format_hundredths)

    def counts(self, numbers: Integers) -> Index:
        """Return the place of each number of acts."""
        return self._places(numbers, USUAL_COUNTS, self._shared.zero_count, _format_counts)

    def _places(
        self, numbers: Integers, usual: range, zero: int, format_numbers: Callable[[Integers], pa.Array]
    ) -> Index:
        places: Index = numbers.astype(np.int32) + np.int32(zero)
        unusual = np.flatnonzero((numbers < usual.start) | (numbers >= usual.stop))
        places[unusual] = np.arange(self._end, self._end + unusual.size, dtype=np.int32)
        self._added.append(format_numbers(numbers[unusual]))
        self._end += unusual.size
        return places

    def texts(self) -> pa.Array:
        """Return the table with what this block added to it."""
        return pa.concat_arrays([self._shared.texts, *self._added])


def zeroed(places: Index, zero: int, kept: Flags) -> Index:
    """Return ``places`` where ``kept``, and that of zero elsewhere."""
    return (places - np.int32(zero)) * kept + np.int32(zero)


@cache
def _fractions() -> pa.Array:
    return pa.array(["", *(hundredths_text(part) for part in range(1, 100))], pa.string())


def _format_hundredths(numbers: Integers) -> pa.Array:
    # unusual numbers are one euro or more in absolute value: the whole part is never the empty text
    magnitude = np.abs(numbers)
    whole = pa.array(np.sign(numbers) * (magnitude // 100)).cast(pa.string())
    return pc.binary_join_element_wise(whole, _fractions().take(pa.array(magnitude % 100)), SEPARATOR, "")


def _format_counts(numbers: Integers) -> pa.Array:
    return pc.binary_join_element_wise(pa.array(numbers).cast(pa.string()), SEPARATOR, "")


_BEFORE_NUMBERS = ("home", "person", "establishment", "prescribing")
_AFTER_NUMBERS = ("care", "terms", "act", "reimbursement", "executant", "prescriber")


@dataclass(frozen=True)
class CsvText:
    """Lines of CSV: 55 fields with a separator after each, and a line feed."""

    text: memoryview
    ends: Integers  # for each line, where it ends in ``text``


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


def arrow_table(rows: Rows) -> pa.Table:
    """Return the rows as typed columns, by the schema of ``course.generator.schema``."""
    numbers = rows.numbers
    kept = ~(numbers.filtered | numbers.complement)
    columns: dict[str, Any] = {
        "PRS_ACT_COG": numbers.coefficient,
        "PRS_ACT_NBR": pa.array(numbers.count, mask=numbers.count_missing),
        "PRS_ACT_QTE": numbers.quantity,
        "PRS_DEP_MNT": numbers.overrun,
        "PRS_PAI_MNT": numbers.paid,
        "PRS_REM_BSE": numbers.base,
        "PRS_REM_MNT": numbers.reimbursed,
        "FLT_ACT_COG": numbers.coefficient * kept,
        "FLT_ACT_NBR": pa.array(numbers.count * kept, mask=numbers.count_missing & kept),
        "FLT_ACT_QTE": numbers.quantity * kept,
        "FLT_PAI_MNT": numbers.paid * kept,
        "FLT_DEP_MNT": numbers.overrun * kept,
        "FLT_REM_MNT": numbers.reimbursed * ~numbers.filtered,
    }
    for name, index in rows.segments.items():
        segment = layout()[name]
        for position, column in enumerate(segment.columns):
            columns[column] = segment.codes[:, position][index]
    schema = arrow_schema()
    return pa.table([_typed(columns[field.name], field) for field in schema], schema=schema)


def _typed(values: Any, field: pa.Field) -> pa.Array:
    if isinstance(values, pa.Array):
        return values.cast(field.type)
    # a division by 100 is the double nearest to the decimal, the one a reader makes of its text
    numbers = values / 100 if field.name in DECIMALS else values
    return pa.array(numbers.astype(field.type.to_pandas_dtype()), field.type)
