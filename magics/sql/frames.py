"""Values and rows between pandas and SQLite, every value as a person would read it; and the part a notebook shows."""

from __future__ import annotations

import datetime as dt
import html
from collections.abc import Callable, Sequence
from decimal import Decimal
from pathlib import PurePath
from typing import Any

import numpy as np
import pandas as pd
from pandas.api import types

from magics.sql.names import SQLError

# beyond, a float64 no longer tells neighbouring integers apart
_EXACT = 2**53
# SQL types by what pandas finds in a column
_DECLARED = {
    "boolean": "BOOLEAN",
    "integer": "INTEGER",
    "floating": "REAL",
    "string": "TEXT",
    "bytes": "BLOB",
    "date": "DATE",
    "time": "TIME",
    "datetime": "TIMESTAMP",
    "datetime64": "TIMESTAMP",
}


# ---------------------------------------------------------------------- to a database
def plain(value: Any) -> Any:
    """Return the Python value of a numpy scalar (sqlite3 would store its bytes), None if missing, a path's text."""
    if types.is_scalar(value) and pd.isna(value):
        return None
    if isinstance(value, PurePath):
        return str(value)
    if isinstance(value, np.datetime64):
        # item() of a nanosecond datetime64 is a bare integer
        return str(value).replace("T", " ")
    return value.item() if isinstance(value, np.generic) else value


def storable(value: Any) -> Any:
    """Return ``value`` as SQLite stores it, dates and times as ISO text; an ``SQLError`` if it has no type for it."""
    value = plain(value)
    if value is None or isinstance(value, int | float | str | bytes | bytearray | memoryview):
        return value
    if isinstance(value, dt.datetime):
        return value.isoformat(sep=" ")
    if isinstance(value, dt.date | dt.time):
        return value.isoformat()
    raise SQLError(f"SQLite cannot store a {type(value).__name__}: convert it to a number, a text, bytes or a date")


def declared_type(series: pd.Series[Any]) -> str:
    """Return the SQL type of a column; empty, which converts nothing, when its values are of several types."""
    return _DECLARED.get(types.infer_dtype(series, skipna=True), "")


def stored(series: pd.Series[Any]) -> list[Any]:
    """Return the values of a column as SQLite stores them, booleans as 0 and 1; an ``SQLError`` as above."""
    dtype = series.dtype
    if (types.is_numeric_dtype(dtype) and not types.is_complex_dtype(dtype)) or isinstance(dtype, pd.StringDtype):
        is_missing = {"dtype": object, "na_value": None} if series.hasnans else {}
        return list(series.array.to_numpy(**is_missing).tolist())
    try:
        return [storable(value) for value in series]
    except SQLError as error:
        raise SQLError(f"column {series.name}: {error}") from error


# ---------------------------------------------------------------------- from a database
def frame_of(rows: Sequence[tuple[Any, ...]], names: Sequence[str]) -> pd.DataFrame:
    """Return rows as a DataFrame; NULL is NaN among numbers, None elsewhere; duplicated names are kept."""
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(names)
    frame = pd.DataFrame({position: _column(values) for position, values in enumerate(columns)})
    frame.columns = pd.Index(names)
    return frame


def _column(values: tuple[Any, ...]) -> pd.Series[Any]:
    kinds = set(map(type, values))
    present = kinds - {type(None)}
    is_exact = all(abs(value) <= _EXACT for value in values if type(value) is int)
    dtype = "object"
    if present == {str}:
        dtype = "str"
    elif present == {int} and (len(kinds) == 1 or not is_exact):
        dtype = "int64" if len(kinds) == 1 else "Int64"
    elif present and present <= {int, float} and is_exact:
        dtype = "float64"
    return pd.Series(list(values), dtype=dtype)


def exact(values: Sequence[Any]) -> pd.Series[Any]:
    """Return the numbers of a wide type of DuckDB as they are: integers, or floats where they say the same."""
    present = [value for value in values if value is not None]
    if all(isinstance(value, Decimal) and value.as_tuple().exponent == 0 for value in present):
        values = [None if value is None else int(value) for value in values]
    elif all(isinstance(value, Decimal) and Decimal(repr(float(value))) == value for value in present):
        return pd.Series(list(values), dtype="float64")
    if not all(type(value) is int and -(2**63) <= value < 2**63 for value in values if value is not None):
        return pd.Series(list(values), dtype="object")
    return pd.Series(list(values), dtype="int64" if len(present) == len(values) else "Int64" if present else "float64")


class Preview(pd.DataFrame):
    """The first rows of an answer and a note under them; whatever is computed from it is an ordinary DataFrame."""

    _metadata = ["note"]  # noqa: RUF012 - pandas reads this attribute of the class
    note: str

    @property
    def _constructor(self) -> Callable[..., pd.DataFrame]:
        return pd.DataFrame

    def __repr__(self) -> str:
        return f"{super().__repr__()}\n{self.note}"

    def _repr_html_(self) -> str | None:
        table: str | None = super()._repr_html_()  # type: ignore[misc]
        return table and f"{table}\n<p>{html.escape(self.note)}</p>"


def preview(frame: pd.DataFrame, count: int, *, more: bool, others: str) -> pd.DataFrame:
    """Return the first ``count`` rows, with a note if others were left, ``more`` of them in the database.

    The note ends with ``others``, where they are.
    """
    if not more and len(frame) <= count:
        return frame
    shown = Preview(frame.head(count))
    of = "" if more else f" of {len(frame):,}"
    shown.note = f"the first {len(shown):,}{of} row{'s' * (len(shown) != 1)}, {others}"
    return shown
