"""Python functions called from SQL."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable
from functools import wraps
from typing import Any

from magics.sql.errors import SQLError
from magics.sql.values import plain

_DUCKDB_TYPES: dict[type, str] = {bool: "BOOLEAN", int: "BIGINT", float: "DOUBLE", str: "VARCHAR", bytes: "BLOB"}


def recorded(function: Callable[..., Any], raised: list[Exception]) -> tuple[Callable[..., Any], int]:
    """Return a function for ``sqlite3.create_function`` and its number of arguments, -1 for any number.

    SQLite only says that a function raised: the exception is kept in ``raised``, to be shown as the cause.
    """

    @wraps(function)
    def call(*values: Any) -> Any:
        try:
            return plain(function(*values))
        except Exception as error:
            raised[:] = [error]
            raise

    return call, _argument_count(function)


def _argument_count(function: Callable[..., Any]) -> int:
    parameters = _parameters(function)
    fixed = all(item.kind in {item.POSITIONAL_ONLY, item.POSITIONAL_OR_KEYWORD} for item in parameters)
    # with default values several counts are right: SQLite then accepts any
    return len(parameters) if fixed and all(item.default is item.empty for item in parameters) else -1


def _parameters(function: Callable[..., Any]) -> list[inspect.Parameter]:
    try:
        return list(inspect.signature(function).parameters.values())
    except ValueError:
        raise SQLError(f"the arguments of {function!r} are unknown: wrap it in a function of your own") from None


def duckdb_types(function: Callable[..., Any]) -> tuple[list[str], str]:
    """Return the SQL types of the arguments and of the result, from the annotations of the function.

    Raises:
        SQLError: an annotation is missing or is none of bool, int, float, str, bytes.
    """
    hints = typing.get_type_hints(function)
    names = [item.name for item in _parameters(function)]
    for name in (*names, "return"):
        if hints.get(name) not in _DUCKDB_TYPES:
            example = ", ".join(f"{item}: float" for item in names)
            raise SQLError(
                f"DuckDB needs the types of {function.__name__}: write def {function.__name__}({example}) -> float, "
                "with bool, int, float, str or bytes"
            )
    return [_DUCKDB_TYPES[hints[name]] for name in names], _DUCKDB_TYPES[hints["return"]]
