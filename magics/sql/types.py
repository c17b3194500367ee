"""The Python type of the values of a column, from its SQL type."""

from __future__ import annotations

import datetime as dt
import re

# the first pattern that matches wins: nested types, then what both engines write and SQLite's affinities
_TYPES: list[tuple[str, type]] = [
    (r"\[\d*\]$", list),
    ("^(STRUCT|MAP)", dict),
    ("INTERVAL", dt.timedelta),
    ("INT", int),
    ("^(TIMESTAMP|DATETIME)", dt.datetime),
    ("^DATE", dt.date),
    ("^TIME", dt.time),
    ("^(BOOL|LOGICAL)", bool),
    ("CHAR|CLOB|TEXT|STRING|UUID|ENUM|JSON", str),
    ("BLOB|BYTEA|BINARY", bytes),
    ("REAL|FLOA|DOUB|DEC|NUMERIC", float),
]


def python_type(declared: str) -> type:
    """Return the type of the values a column is declared for; ``object`` if it says nothing."""
    return next((kind for pattern, kind in _TYPES if re.search(pattern, declared, re.IGNORECASE)), object)
