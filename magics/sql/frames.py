"""Write a DataFrame in SQLite, every value as a person would read it."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import pandas as pd
from pandas.api import types

from magics.sql.errors import SQLError
from magics.sql.values import storable

if TYPE_CHECKING:
    from magics.sql.sqlite import SqliteConnection

_ROWS = 20_000
_DECLARED: dict[type, str] = {
    bool: "BOOLEAN",
    int: "INTEGER",
    float: "REAL",
    str: "TEXT",
    bytes: "BLOB",
    dt.date: "DATE",
    dt.time: "TIME",
    dt.datetime: "TIMESTAMP",
    pd.Timestamp: "TIMESTAMP",
}


def write_frame(connection: SqliteConnection, frame: pd.DataFrame, table: str, *, append: bool) -> int:
    """Write the rows of ``frame`` in ``table``, created unless ``append``; see ``Connection.import_frame``.

    Booleans become 0 and 1; dates and times become ISO text, which SQLite's own date functions read;
    NaN, NaT, None and NA become NULL; a category becomes its value; the file format keeps no sign for zero.
    """
    names = [str(name) for name in frame.columns]
    plain = [_uncategorical(frame.iloc[:, position]) for position in range(len(names))]
    if not append:
        connection.create_table(table, names, [declared_type(series) for series in plain])
    for start in range(0, len(frame), _ROWS):
        part = [_values(series.iloc[start : start + _ROWS], name) for series, name in zip(plain, names, strict=True)]
        connection.insert(table, names, part)
    return len(frame)


def _uncategorical(series: pd.Series[Any]) -> pd.Series[Any]:
    return series.astype(object) if isinstance(series.dtype, pd.CategoricalDtype) else series


def declared_type(series: pd.Series[Any]) -> str:
    """Return the SQL type of a column; empty, which converts nothing, when its values are of several types."""
    dtype = series.dtype
    tests = {
        "BOOLEAN": types.is_bool_dtype,
        "INTEGER": types.is_integer_dtype,
        "REAL": types.is_float_dtype,
        "TIMESTAMP": types.is_datetime64_any_dtype,
    }
    if types.is_object_dtype(dtype):
        kinds = {type(value) for value in series[series.notna()]}
        return _DECLARED.get(kinds.pop(), "") if len(kinds) == 1 else ""
    if isinstance(dtype, pd.StringDtype):
        return "TEXT"
    return next((declared for declared, is_kind in tests.items() if is_kind(dtype)), "")


def _values(series: pd.Series[Any], name: str) -> list[Any]:
    if types.is_numeric_dtype(series.dtype) and not types.is_complex_dtype(series.dtype):
        return listed(series.array)
    try:
        return [storable(value) for value in series]
    except SQLError as error:
        raise SQLError(f"column {name}: {error}") from error


def listed(values: Any) -> list[Any]:
    """Return the values of a pandas array as Python objects, None where they are missing."""
    if values.isna().any():
        return list(values.to_numpy(dtype=object, na_value=None).tolist())
    return list(values.to_numpy().tolist())
