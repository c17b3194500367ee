"""Write a DataFrame in DuckDB through Arrow, whose types are exact."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

from magics.sql.errors import SQLError
from magics.sql.naming import quoted

if TYPE_CHECKING:
    import pyarrow as pa
    from pandas import DataFrame


def write_frame(raw: Any, frame: DataFrame, table: str, *, append: bool) -> int:
    """Write the rows of ``frame`` in ``table``, created unless ``append``; see ``Connection.import_frame``.

    Raises:
        SQLError: a column mixes types.
    """
    import duckdb

    view = f"frame_{secrets.token_hex(8)}"
    raw.register(view, _arrow(frame))
    try:
        if append:
            raw.execute(f"INSERT INTO {quoted(table)} BY NAME SELECT * FROM {quoted(view)}")  # noqa: S608 - quoted
        else:
            raw.execute(f"CREATE TABLE {quoted(table)} AS SELECT * FROM {quoted(view)}")  # noqa: S608 - quoted
    except duckdb.Error:
        # a transaction that failed would not let the view go, and its complaint would hide this error
        raw.rollback()
        raise
    finally:
        raw.unregister(view)
    return len(frame)


def _arrow(frame: DataFrame) -> pa.Table:
    import pyarrow as pa

    named = frame.set_axis([str(name) for name in frame.columns], axis="columns")
    try:
        table = pa.Table.from_pandas(named, preserve_index=False)
    except (pa.ArrowException, TypeError) as error:
        raise SQLError(f"DuckDB cannot store this DataFrame: {'; '.join(map(str, error.args))}") from None
    for position, field in enumerate(table.schema):
        if isinstance(field.type, pa.BaseExtensionType):
            # periods would silently become numbers
            raise SQLError(f"column {field.name}: DuckDB has no type {frame.dtypes.iloc[position]}, convert it first")
        kind = _storable(field.type)
        if kind != field.type:
            table = table.set_column(position, field.name, table.column(position).cast(kind))
    return table


def _storable(kind: pa.DataType) -> pa.DataType:
    """Return the nearest type that DuckDB can store."""
    import pyarrow as pa

    if pa.types.is_null(kind):
        # a column of NULL only: as text it can receive values later
        return pa.string()
    return pa.float32() if pa.types.is_float16(kind) else kind
