"""Rows as an Arrow table, typed by the schema."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa

from course.generator.layout import layout
from course.generator.schema import DECIMALS, arrow_schema

if TYPE_CHECKING:
    from course.generator.amounts import Flags, Numbers
    from course.generator.random_stream import Integers
    from course.generator.rows import Rows


def arrow_table(rows: Rows) -> pa.Table:
    """Return the rows as typed columns, by the schema of ``course.generator.schema``."""
    columns: dict[str, Any] = _number_columns(rows.numbers)
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


def _number_columns(numbers: Numbers) -> dict[str, Integers | pa.Array]:
    kept = ~(numbers.filtered | numbers.complement)
    return {
        "PRS_ACT_COG": numbers.coefficient,
        "PRS_ACT_NBR": _nullable(numbers.count, numbers.count_missing),
        "PRS_ACT_QTE": numbers.quantity,
        "PRS_DEP_MNT": numbers.overrun,
        "PRS_PAI_MNT": numbers.paid,
        "PRS_REM_BSE": numbers.base,
        "PRS_REM_MNT": numbers.reimbursed,
        "FLT_ACT_COG": numbers.coefficient * kept,
        "FLT_ACT_NBR": _nullable(numbers.count * kept, numbers.count_missing & kept),
        "FLT_ACT_QTE": numbers.quantity * kept,
        "FLT_PAI_MNT": numbers.paid * kept,
        "FLT_DEP_MNT": numbers.overrun * kept,
        "FLT_REM_MNT": numbers.reimbursed * ~numbers.filtered,
    }


def _nullable(numbers: Integers, missing: Flags) -> pa.Array:
    return pa.array(numbers, mask=missing)
