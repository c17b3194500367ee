"""Python values as a database engine takes them."""

from __future__ import annotations

import datetime as dt
import math
from pathlib import PurePath
from typing import Any

from magics.sql.errors import SQLError


def is_missing(value: object) -> bool:
    """Tell whether a value is None, NaN, NaT or pandas.NA."""
    if value is None or type(value).__name__ in {"NAType", "NaTType"}:
        return True
    return isinstance(value, float) and math.isnan(value)


def plain(value: Any) -> Any:
    """Return the Python value of a numpy scalar (sqlite3 would store its bytes), None if missing, a path's text."""
    if is_missing(value):
        return None
    if isinstance(value, PurePath):
        return str(value)
    kind = type(value)
    if kind.__module__ != "numpy" or kind.__name__ == "ndarray":
        return value
    if kind.__name__ == "datetime64":
        # item() of a nanosecond datetime64 is a bare integer
        return None if str(value) == "NaT" else str(value).replace("T", " ")
    value = value.item()
    return None if is_missing(value) else value


def storable(value: Any) -> Any:
    """Return ``value`` as SQLite stores it: dates and times become ISO text, missing values NULL.

    Raises:
        SQLError: SQLite has no type for this value.
    """
    value = plain(value)
    if value is None or isinstance(value, int | float | str | bytes | bytearray | memoryview):
        return value
    if isinstance(value, dt.datetime):
        return value.isoformat(sep=" ")
    if isinstance(value, dt.date | dt.time):
        return value.isoformat()
    raise SQLError(f"SQLite cannot store a {type(value).__name__}: convert it to a number, a text, bytes or a date")
