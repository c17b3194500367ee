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
        __tracebackhide__ = True
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


def duckdb_types(function: Callable[..., Any], name: str) -> tuple[list[str], str, str]:
    """Return the SQL types of the arguments and of the result, and how NULL is handled, from the annotations.

    As soon as one annotation says ``| None`` the function is called on NULL and may return None; else DuckDB
    does not call it on NULL and takes None for an error.

    Raises:
        SQLError: an annotation is missing or is none of bool, int, float, str, bytes.
    """
    try:
        signature = inspect.signature(function, eval_str=True)
    except (ValueError, NameError) as error:
        raise SQLError(f"the types of {name} are unknown: wrap it in a function of your own ({error})") from None
    parameters = signature.parameters.values()
    annotations = [*(item.annotation for item in parameters), signature.return_annotation]
    unions = [set(typing.get_args(annotation)) or {annotation} for annotation in annotations]
    kinds = [_DUCKDB_TYPES.get((union - {type(None)}).pop()) for union in unions]
    known = [kind for kind, union in zip(kinds, unions, strict=True) if kind and len(union - {type(None)}) == 1]
    if len(known) < len(annotations):
        example = ", ".join(f"{item.name}: float" for item in parameters)
        raise SQLError(
            f"DuckDB needs the types of {name}: write def {name}({example}) -> float, "
            "with bool, int, float, str or bytes, or for instance float | None"
        )
    is_nullable = any(type(None) in union for union in unions)
    return known[:-1], known[-1], "special" if is_nullable else "default"
